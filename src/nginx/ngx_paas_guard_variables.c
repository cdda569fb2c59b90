/*
 * The variables, $paas_guard_....
 */

#include "ngx_paas_guard.h"


static ngx_int_t ngx_paas_guard_word_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_paas_guard_credential_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_paas_guard_client_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_paas_guard_signature_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_paas_guard_retry_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_paas_guard_sla_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_paas_guard_service_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_paas_guard_indicators_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_paas_guard_store_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


typedef enum {
    NGX_PAAS_GUARD_WORD_VERDICT = 0,
    NGX_PAAS_GUARD_WORD_REASON,
    NGX_PAAS_GUARD_WORD_RULE,
    NGX_PAAS_GUARD_WORD_EVENT,
    NGX_PAAS_GUARD_WORD_BLOCK
} ngx_paas_guard_word_e;


#define ngx_paas_guard_variable(name, handler, data)                          \
    { ngx_string("paas_guard_" name), NULL, handler, data,                    \
      NGX_HTTP_VAR_NOCACHEABLE, 0 }

static ngx_http_variable_t  ngx_paas_guard_vars[] = {

    ngx_paas_guard_variable("verdict", ngx_paas_guard_word_variable,
                            NGX_PAAS_GUARD_WORD_VERDICT),
    ngx_paas_guard_variable("reason", ngx_paas_guard_word_variable,
                            NGX_PAAS_GUARD_WORD_REASON),
    ngx_paas_guard_variable("rule", ngx_paas_guard_word_variable,
                            NGX_PAAS_GUARD_WORD_RULE),
    ngx_paas_guard_variable("event_id", ngx_paas_guard_word_variable,
                            NGX_PAAS_GUARD_WORD_EVENT),
    ngx_paas_guard_variable("block", ngx_paas_guard_word_variable,
                            NGX_PAAS_GUARD_WORD_BLOCK),
    ngx_paas_guard_variable("indicators", ngx_paas_guard_indicators_variable,
                            0),
    ngx_paas_guard_variable("sla", ngx_paas_guard_sla_variable, 0),
    ngx_paas_guard_variable("service", ngx_paas_guard_service_variable, 0),
    ngx_paas_guard_variable("client_id", ngx_paas_guard_client_variable, 0),
    ngx_paas_guard_variable("signature", ngx_paas_guard_signature_variable,
                            0),
    ngx_paas_guard_variable("retry_after", ngx_paas_guard_retry_variable, 0),
    ngx_paas_guard_variable("store", ngx_paas_guard_store_variable, 0),

    /* of the headers alone, hence good for as long as they are */

    { ngx_string("paas_guard_credential"), NULL,
      ngx_paas_guard_credential_variable, 0, 0, 0 },

      ngx_http_null_variable
};


static ngx_int_t
ngx_paas_guard_set_variable(ngx_http_variable_value_t *v, const u_char *data,
    size_t len)
{
    v->len = len;
    v->data = (u_char *) data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_no_variable(ngx_http_variable_value_t *v)
{
    v->not_found = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_hex_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, const u_char *data, size_t len)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, 2 * len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) pguard_hex(p, data, len);

    return ngx_paas_guard_set_variable(v, p, 2 * len);
}


static ngx_int_t
ngx_paas_guard_word_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    pguard_str_t           s = { 0, NULL };
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_paas_guard_ctx(r);

    if (ctx == NULL) {
        return ngx_paas_guard_no_variable(v);
    }

    switch (data) {

    case NGX_PAAS_GUARD_WORD_VERDICT:

        if (ctx->verdict != PGUARD_VERDICTS) {
            s = pguard_verdict_names[ctx->verdict];
        }

        break;

    case NGX_PAAS_GUARD_WORD_REASON:

        if (ctx->reason != PGUARD_REASON_NONE) {
            s = pguard_reason_names[ctx->reason];
        }

        break;

    case NGX_PAAS_GUARD_WORD_RULE:
        s = ctx->rule;
        break;

    case NGX_PAAS_GUARD_WORD_BLOCK:

        if (ctx->block[0]) {
            s.data = ctx->block;
            s.len = PGUARD_EVENT_LEN;
        }

        break;

    default: /* NGX_PAAS_GUARD_WORD_EVENT */

        if (ctx->reason != PGUARD_REASON_NONE) {
            s.data = ctx->event;
            s.len = PGUARD_EVENT_LEN;
        }
    }

    return s.len ? ngx_paas_guard_set_variable(v, s.data, s.len)
                 : ngx_paas_guard_no_variable(v);
}


/* The key of digests here: where no guard is, that of the first zone. */

static ngx_paas_guard_zone_t *
ngx_paas_guard_digest_zone(ngx_http_request_t *r)
{
    ngx_paas_guard_zone_t       **zones;
    ngx_paas_guard_loc_conf_t    *glcf;
    ngx_paas_guard_main_conf_t   *gmcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_paas_guard_module);

    if (glcf->zone) {
        return glcf->zone;
    }

    gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);
    zones = gmcf->zones.elts;

    return gmcf->zones.nelts ? zones[0] : NULL;
}


static ngx_int_t
ngx_paas_guard_credential_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    pguard_id_t             id;
    pguard_str_t            credential;
    ngx_paas_guard_zone_t  *zone;

    zone = ngx_paas_guard_digest_zone(r);
    credential = ngx_paas_guard_credential(r);

    if (zone == NULL || credential.len == 0) {
        return ngx_paas_guard_no_variable(v);
    }

    id = ngx_paas_guard_id(zone, credential);

    return ngx_paas_guard_hex_variable(r, v, id.bytes, PGUARD_ID_LEN);
}


static ngx_int_t
ngx_paas_guard_client_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    pguard_id_t            id;
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_paas_guard_ctx(r);

    if (ctx == NULL || !ctx->has_client) {
        return ngx_paas_guard_no_variable(v);
    }

    id = ngx_paas_guard_client_id(ctx);

    return ngx_paas_guard_hex_variable(r, v, id.bytes, PGUARD_ID_LEN);
}


static ngx_int_t
ngx_paas_guard_signature_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_uint_t             i;
    u_char                 bytes[sizeof(pguard_hash_t)];
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_paas_guard_ctx(r);

    if (ctx == NULL || !ctx->is_signed) {
        return ngx_paas_guard_no_variable(v);
    }

    /* XXH3's canonical form: the high half first, big endian */

    for (i = 0; i < 8; i++) {
        bytes[i] = (u_char) (ctx->signature.hi >> (56 - 8 * i));
        bytes[i + 8] = (u_char) (ctx->signature.lo >> (56 - 8 * i));
    }

    return ngx_paas_guard_hex_variable(r, v, bytes, sizeof(bytes));
}


static ngx_int_t
ngx_paas_guard_retry_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                *p;
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_paas_guard_ctx(r);

    if (ctx == NULL || ctx->reason == PGUARD_REASON_NONE) {
        return ngx_paas_guard_no_variable(v);
    }

    p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_paas_guard_set_variable(v, p,
                                       ngx_sprintf(p, "%uD", ctx->retry_after)
                                       - p);
}


static ngx_int_t
ngx_paas_guard_sla_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    pguard_str_t                s;
    ngx_paas_guard_ctx_t       *ctx;
    ngx_paas_guard_loc_conf_t  *glcf;

    ctx = ngx_paas_guard_ctx(r);
    glcf = ngx_paas_guard_place(r, ctx);

    /* a subrequest, which log_subrequest may log, is not counted */

    if ((ctx == NULL && glcf->zone == NULL) || r != r->main) {
        return ngx_paas_guard_no_variable(v);
    }

    s = pguard_sla_names[ngx_paas_guard_class(r, ctx)];

    return ngx_paas_guard_set_variable(v, s.data, s.len);
}


static ngx_int_t
ngx_paas_guard_service_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_paas_guard_ctx_t       *ctx;
    ngx_paas_guard_loc_conf_t  *glcf;

    ctx = ngx_paas_guard_ctx(r);
    glcf = ngx_paas_guard_place(r, ctx);

    if (glcf->service == NULL) {
        return ngx_paas_guard_no_variable(v);
    }

    return ngx_paas_guard_set_variable(v, glcf->service->name.data,
                                       glcf->service->name.len);
}


/* Those that the request is counted for: see ngx_paas_guard_sla_count(). */

static ngx_int_t
ngx_paas_guard_indicators_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                  *list;
    ngx_paas_guard_ctx_t       *ctx;

    ctx = ngx_paas_guard_ctx(r);
    list = &ngx_paas_guard_place(r, ctx)->sla_list;

    return list->len ? ngx_paas_guard_set_variable(v, list->data, list->len)
                     : ngx_paas_guard_no_variable(v);
}


static ngx_int_t
ngx_paas_guard_store_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                   *state;
    ngx_paas_guard_ctx_t        *ctx;
    ngx_paas_guard_main_conf_t  *gmcf;

    ctx = ngx_paas_guard_ctx(r);
    gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);

    state = ctx && ctx->store ? ctx->store
                              : ngx_paas_guard_store_state(gmcf->store);

    return ngx_paas_guard_set_variable(v, state->data, state->len);
}


ngx_int_t
ngx_paas_guard_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_paas_guard_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}
