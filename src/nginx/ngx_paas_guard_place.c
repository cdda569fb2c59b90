/*
 * The location for which a request is counted that never came to the guard: the
 * one in which it failed; if it came to none, its server.  nginx ends such a
 * request in the location of its error_page and forgets the first one, but it
 * keeps variables: so a variable holds the location, which is noted before it
 * answers.  Nothing is noted where the configuration has no error_page.
 */

#include "ngx_paas_guard.h"


static ngx_int_t ngx_paas_guard_place_handler(ngx_http_request_t *r);
static ngx_int_t ngx_paas_guard_place_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_str_t  ngx_paas_guard_place_name = ngx_string("paas_guard_place");


ngx_paas_guard_loc_conf_t *
ngx_paas_guard_place(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_http_core_srv_conf_t    *cscf;
    ngx_paas_guard_loc_conf_t   *glcf;
    ngx_paas_guard_main_conf_t  *gmcf;

    if (ctx) {
        return ctx->conf;
    }

    gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);

    if (gmcf->place != NGX_CONF_UNSET) {
        glcf = (void *) r->variables[gmcf->place].data;

        if (glcf) {
            return glcf;
        }

        /* it failed before it came to a location */

        if (r->internal) {
            cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
            return cscf->ctx->loc_conf[ngx_paas_guard_module.ctx_index];
        }
    }

    return ngx_http_get_module_loc_conf(r, ngx_paas_guard_module);
}


ngx_int_t
ngx_paas_guard_place_init(ngx_conf_t *cf)
{
    ngx_http_variable_t         *var;
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_paas_guard_module);

    if (gmcf->zones.nelts == 0 || !gmcf->error_pages) {
        return NGX_OK;
    }

    var = ngx_http_add_variable(cf, &ngx_paas_guard_place_name,
                                NGX_HTTP_VAR_NOHASH);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_paas_guard_place_variable;

    gmcf->place = ngx_http_get_variable_index(cf, &ngx_paas_guard_place_name);
    if (gmcf->place == NGX_ERROR) {
        return NGX_ERROR;
    }

    return ngx_paas_guard_add_handler(cf, NGX_HTTP_REWRITE_PHASE,
                                      ngx_paas_guard_place_handler);
}


static ngx_int_t
ngx_paas_guard_place_handler(ngx_http_request_t *r)
{
    ngx_paas_guard_main_conf_t  *gmcf;

    /* a page that tells an error has its status already */

    if (r == r->main && r->err_status == 0) {
        gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);
        r->variables[gmcf->place].data =
                      (void *) ngx_http_get_module_loc_conf(r,
                                                       ngx_paas_guard_module);
    }

    return NGX_DECLINED;
}


/* It has no text. */

static ngx_int_t
ngx_paas_guard_place_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    v->not_found = 1;

    return NGX_OK;
}
