/*
 * Who a request claims to be, by Authorization, X-API-Key, or a cookie.
 */

#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_KIND  0x9e3779b97f4a7c15ULL  /* odd */


/* The lines of the header called name (lower case), at most max of them. */

ngx_int_t
ngx_paas_guard_header_lines(ngx_http_request_t *r, const char *name,
    pguard_str_t *lines, ngx_uint_t max, ngx_uint_t *n)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    *n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts && *n < max; i++) {

            if (h[i].key.len == len && h[i].hash
                && ngx_memcmp(h[i].lowcase_key, name, len) == 0)
            {
                ngx_paas_guard_core_str(lines[*n], h[i].value);
                (*n)++;
            }
        }
    }

    return *n ? NGX_OK : NGX_DECLINED;
}


/* Most requests tell it in the one line that nginx has found already. */

static ngx_uint_t
ngx_paas_guard_quick_credential(ngx_table_elt_t *h,
    pguard_credential_t *found)
{
    pguard_str_t  line;

    ngx_paas_guard_core_str(line, h->value);
    *found = pguard_credential_authorization(line);

    return found->kind != PGUARD_CREDENTIAL_NONE;
}


static PGUARD_RARE void
ngx_paas_guard_read_lines(ngx_http_request_t *r,
    ngx_paas_guard_main_conf_t *gmcf, pguard_credential_t *found)
{
    ngx_uint_t                 n;
    pguard_str_t               lines[3][NGX_PAAS_GUARD_LINES];
    pguard_credential_lines_t  in;

    n = 0;

    if (r->headers_in.authorization) {
        (void) ngx_paas_guard_header_lines(r, "authorization", lines[0],
                                           NGX_PAAS_GUARD_LINES, &n);
    }

    in.authorization.line = lines[0];
    in.authorization.count = n;

    (void) ngx_paas_guard_header_lines(r, "x-api-key", lines[1],
                                       NGX_PAAS_GUARD_LINES, &n);
    in.api_key.line = lines[1];
    in.api_key.count = n;

    n = 0;

    if (gmcf->session_cookie.len) {
        (void) ngx_paas_guard_header_lines(r, "cookie", lines[2],
                                           NGX_PAAS_GUARD_LINES, &n);
    }

    in.cookie.line = lines[2];
    in.cookie.count = n;
    ngx_paas_guard_core_str(in.session, gmcf->session_cookie);

    *found = pguard_credential(&in);
}


/* A token must not pass for an API key of the same bytes. */

static void
ngx_paas_guard_hash_credential(ngx_paas_guard_ctx_t *ctx)
{
    pguard_credential_t  *found;

    found = &ctx->credential;

    if (found->kind == PGUARD_CREDENTIAL_NONE) {
        ctx->credential_hash.lo = 0;
        ctx->credential_hash.hi = 0;
        return;
    }

    ctx->credential_hash = pguard_key_hash(ctx->conf->zone->key,
                                           found->value);
    ctx->credential_hash.lo ^= found->kind * NGX_PAAS_GUARD_KIND;
}


void
ngx_paas_guard_find_credential(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx)
{
    ngx_table_elt_t  *line;

    if (ctx->has_credential) {
        return;
    }

    ctx->has_credential = 1;
    line = r->headers_in.authorization;

    if (line && ngx_paas_guard_quick_credential(line, &ctx->credential)) {
        ngx_paas_guard_hash_credential(ctx);
        return;
    }

    ngx_paas_guard_read_lines(r, ctx->conf->zone->mcf, &ctx->credential);
    ngx_paas_guard_hash_credential(ctx);

    ctx->authorization = line
                         && (ctx->credential.kind < PGUARD_CREDENTIAL_KEY_ID
                             || ctx->credential.kind
                                > PGUARD_CREDENTIAL_BASIC);
}


/* With the kind before it. */

pguard_str_t
ngx_paas_guard_credential(ngx_http_request_t *r)
{
    u_char                      *p;
    pguard_str_t                 s;
    pguard_credential_t          found;
    ngx_paas_guard_ctx_t        *ctx;
    ngx_paas_guard_main_conf_t  *gmcf;

    ctx = ngx_paas_guard_ctx(r);

    if (ctx) {
        ngx_paas_guard_find_credential(r, ctx);
        found = ctx->credential;

    } else {
        gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);
        ngx_paas_guard_read_lines(r, gmcf, &found);
    }

    s.len = 0;
    s.data = NULL;

    if (found.kind == PGUARD_CREDENTIAL_NONE) {
        return s;
    }

    p = ngx_pnalloc(r->pool, found.value.len + 1);

    if (p) {
        p[0] = (u_char) found.kind;
        ngx_memcpy(p + 1, found.value.data, found.value.len);

        s.data = p;
        s.len = found.value.len + 1;
    }

    return s;
}
