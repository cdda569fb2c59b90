/*
 * paas_guard_signature_headers: which headers belong to a request's identity.
 */

#include "ngx_paas_guard.h"
#include "../core/pguard_str.h"


static ngx_int_t
ngx_paas_guard_add_signature_header(ngx_array_t *headers, ngx_str_t *name)
{
    ngx_str_t  *h;

    h = ngx_array_push(headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->data = ngx_pnalloc(headers->pool, name->len);
    if (h->data == NULL) {
        return NGX_ERROR;
    }

    h->len = name->len;
    ngx_strlow(h->data, name->data, name->len);

    return NGX_OK;
}


/* May a header have this name? */

static ngx_uint_t
ngx_paas_guard_is_token(ngx_str_t *s)
{
    pguard_str_t  name;

    ngx_paas_guard_core_str(name, *s);

    return name.len && pguard_str_word(name, "!#$%&'*+-.^_`|~");
}


/* A list of headers for n names.  An API key always counts: beside another
   credential, too, of which the client is made. */

static ngx_array_t *
ngx_paas_guard_create_headers(ngx_conf_t *cf, ngx_uint_t n)
{
    ngx_array_t  *headers;

    static ngx_str_t  api_key = ngx_string("X-API-Key");

    headers = ngx_array_create(cf->pool, n + 1,
                               sizeof(ngx_str_t));

    if (headers == NULL
        || ngx_paas_guard_add_signature_header(headers, &api_key) != NGX_OK)
    {
        return NULL;
    }

    return headers;
}


char *
ngx_paas_guard_headers_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t   *args;
    ngx_uint_t   i;

    if (glcf->headers != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (cf->args->nelts - 1 > PGUARD_FIELD_HEADERS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": at most %d headers",
                           &cmd->name, PGUARD_FIELD_HEADERS);
        return NGX_CONF_ERROR;
    }

    glcf->headers = ngx_paas_guard_create_headers(cf, cf->args->nelts - 1);

    if (glcf->headers == NULL) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2 && ngx_strcmp(args[1].data, "none") == 0) {
        return NGX_CONF_OK;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(args[i].data, "none") == 0
            || !ngx_paas_guard_is_token(&args[i]))
        {
            return ngx_paas_guard_invalid(cf, cmd, &args[i],
                                          "names of headers, or none alone");
        }

        if (ngx_paas_guard_add_signature_header(glcf->headers, &args[i])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_array_t *
ngx_paas_guard_default_headers(ngx_conf_t *cf)
{
    ngx_uint_t    i;
    ngx_array_t  *headers;

    static ngx_str_t  names[] = {
        ngx_string("Accept"),
        ngx_string("Content-Type"),
        ngx_string("Content-Encoding"),
        ngx_string("Range"),
        ngx_string("If-Match"),
        ngx_string("If-None-Match"),
        ngx_string("If-Modified-Since"),
        ngx_string("If-Unmodified-Since"),
        ngx_string("If-Range"),
        ngx_string("Idempotency-Key")
    };

    headers = ngx_paas_guard_create_headers(cf, sizeof(names)
                                                / sizeof(names[0]));
    if (headers == NULL) {
        return NULL;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ngx_paas_guard_add_signature_header(headers, &names[i])
            != NGX_OK)
        {
            return NULL;
        }
    }

    return headers;
}
