/*
 * Which calls may write.  A page of another site can't make one: to send that
 * Content-Type, its browser would ask for leave first (CORS), which is refused.
 * The other checks are a second line of defence.  Who may call at all is up to
 * nginx's own modules.
 */

#include "ngx_paas_guard_api.h"


static ngx_uint_t ngx_paas_guard_api_is_json(ngx_http_request_t *r);
static ngx_uint_t ngx_paas_guard_api_cross_site(ngx_http_request_t *r);


ngx_int_t
ngx_paas_guard_api_may_write(ngx_paas_guard_api_t *api)
{
    pguard_problem_e     problem;
    ngx_http_request_t  *r;

    r = api->request;

    if (!api->writable) {
        problem = PGUARD_PROBLEM_READ_ONLY;

    } else if (!ngx_paas_guard_api_is_json(r)) {
        problem = PGUARD_PROBLEM_CONTENT_TYPE;

    } else if (ngx_paas_guard_api_cross_site(r)) {
        problem = PGUARD_PROBLEM_CROSS_SITE;

    } else if (r->headers_in.chunked) {
        problem = PGUARD_PROBLEM_LENGTH;

    } else if (r->headers_in.content_length_n > NGX_PAAS_GUARD_API_BODY) {
        problem = PGUARD_PROBLEM_BODY_SIZE;

    } else {
        return NGX_OK;
    }

    return ngx_paas_guard_api_wrong(api, problem, "");
}


static ngx_uint_t
ngx_paas_guard_api_is_json(ngx_http_request_t *r)
{
    ngx_str_t  *type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;

    return type->len >= sizeof("application/json") - 1
           && ngx_strncasecmp(type->data, (u_char *) "application/json",
                              sizeof("application/json") - 1)
              == 0
           && (type->len == sizeof("application/json") - 1
               || type->data[sizeof("application/json") - 1] == ';'
               || type->data[sizeof("application/json") - 1] == ' ');
}


/* Browsers say it in Sec-Fetch-Site, or, over plain HTTP, by an Origin that is
   not this host; other clients send neither. */

static ngx_uint_t
ngx_paas_guard_api_cross_site(ngx_http_request_t *r)
{
    size_t         len;
    ngx_str_t      host, site;
    ngx_uint_t     n;
    pguard_str_t   line;
    const u_char  *p;

    (void) ngx_paas_guard_header_lines(r, "sec-fetch-site", &line, 1, &n);

    if (n) {
        site.data = (u_char *) line.data;
        site.len = line.len;

        return !ngx_paas_guard_same(&site, "same-origin")
               && !ngx_paas_guard_same(&site, "none");
    }

    (void) ngx_paas_guard_header_lines(r, "origin", &line, 1, &n);

    if (n == 0) {
        return 0;
    }

    if (r->headers_in.host == NULL) {
        return 1;
    }

    host = r->headers_in.host->value;

    for (p = line.data; p + 2 < line.data + line.len; p++) {

        if (p[0] == ':' && p[1] == '/' && p[2] == '/') {
            len = line.data + line.len - (p + 3);

            return len != host.len
                   || ngx_strncasecmp((u_char *) p + 3, host.data, len) != 0;
        }
    }

    /* "null" */

    return 1;
}
