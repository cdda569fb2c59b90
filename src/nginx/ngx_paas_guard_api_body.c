/*
 * The body of a call: one JSON object.
 */

#include "ngx_paas_guard_api.h"


static ngx_int_t ngx_paas_guard_api_bytes(ngx_http_request_t *r,
    pguard_str_t *body);
static ngx_int_t ngx_paas_guard_api_members(ngx_paas_guard_api_t *api,
    pguard_str_t body);


static const pguard_member_t  ngx_paas_guard_api_common_members[] = {
    ngx_paas_guard_api_common,
    ngx_paas_guard_no_member
};


ngx_int_t
ngx_paas_guard_api_body(ngx_paas_guard_api_t *api)
{
    ngx_int_t     rc;
    pguard_str_t  body;

    rc = ngx_paas_guard_api_bytes(api->request, &body);

    return rc == NGX_OK ? ngx_paas_guard_api_members(api, body) : rc;
}


/* The whole body: mostly one buffer; several, or a file, where another module
   has asked nginx to keep it so. */

static ngx_int_t
ngx_paas_guard_api_bytes(ngx_http_request_t *r, pguard_str_t *body)
{
    u_char       *p;
    size_t        n, size;
    ssize_t       got;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    body->data = NULL;
    body->len = 0;

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    size = ngx_max(r->headers_in.content_length_n, 0);

    p = ngx_pnalloc(r->pool, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;
        n = ngx_min((size_t) ngx_buf_size(b), size - body->len);

        if (b->in_file && !ngx_buf_in_memory(b)) {
            got = ngx_read_file(b->file, p + body->len, n, b->file_pos);

            if (got != (ssize_t) n) {
                return NGX_ERROR;
            }

        } else {
            ngx_memcpy(p + body->len, b->pos, n);
        }

        body->len += n;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_api_members(ngx_paas_guard_api_t *api, pguard_str_t body)
{
    u_char                 *scratch;
    pguard_str_t            what;
    pguard_members_e        rc;
    const pguard_member_t  *members;

    static const pguard_problem_e  problems[] = {
        [PGUARD_MEMBERS_SYNTAX]  = PGUARD_PROBLEM_JSON_SYNTAX,
        [PGUARD_MEMBERS_OBJECT]  = PGUARD_PROBLEM_JSON_OBJECT,
        [PGUARD_MEMBERS_UNKNOWN] = PGUARD_PROBLEM_MEMBER_UNKNOWN,
        [PGUARD_MEMBERS_TWICE]   = PGUARD_PROBLEM_MEMBER_TWICE,
        [PGUARD_MEMBERS_TYPE]    = PGUARD_PROBLEM_MEMBER_TYPE,
        [PGUARD_MEMBERS_LONG]    = PGUARD_PROBLEM_MEMBER_LONG
    };

    scratch = ngx_pnalloc(api->request->pool, body.len + 1);
    if (scratch == NULL) {
        return NGX_ERROR;
    }

    members = api->call->members ? api->call->members
                                 : ngx_paas_guard_api_common_members;

    rc = pguard_members_read(body, members, api->value, scratch, api->lang,
                             &what);

    if (rc != PGUARD_MEMBERS_OK) {
        return ngx_paas_guard_api_problem(api, problems[rc], what);
    }

    api->why = api->value[NGX_PAAS_GUARD_API_WHY].str;

    if (api->who.len == 0) {
        api->who = api->value[NGX_PAAS_GUARD_API_WHO].str;
    }

    return NGX_OK;
}
