/*
 * Directives of http, server and location.  Those of http alone are in
 * ngx_paas_guard_conf_main.c.
 */

#include "ngx_paas_guard.h"


char *
ngx_paas_guard_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t  *args, value;

    if (glcf->on != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (ngx_paas_guard_is_off(&args[1])) {
        glcf->on = 0;
        return NGX_CONF_OK;
    }

    if (ngx_paas_guard_parameter(&args[1], "zone", &value) != NGX_OK
        || value.len == 0)
    {
        return ngx_paas_guard_invalid(cf, cmd, &args[1], "zone=name or off");
    }

    if (ngx_paas_guard_reference(cf, NGX_PAAS_GUARD_NEEDS_ZONE, &value)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    glcf->on = 1;
    glcf->zone_name = value;

    return NGX_CONF_OK;
}


char *
ngx_paas_guard_service_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t  *args;

    if (glcf->service_name.data) {
        return "is duplicate";
    }

    args = cf->args->elts;
    glcf->service_name = args[1];

    return ngx_paas_guard_check_name(cf, cmd, &args[1]) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* A "$" that was forgotten: told, for somebody may mean it. */

void
ngx_paas_guard_constant(ngx_conf_t *cf, const char *what, ngx_str_t *value,
    const char *then)
{
    ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "%s \"%V\" has no variable: %s",
                       what, value, then);
}


/* Strings with variables, into the array at cmd->offset.  cmd->post: what the
   first of them is that would never leave a choice to the others. */

char *
ngx_paas_guard_strings_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char  *p = conf;

    ngx_str_t                          *args;
    ngx_uint_t                          i;
    ngx_array_t                       **strings;
    ngx_http_complex_value_t           *cv;
    ngx_http_compile_complex_value_t    ccv;

    strings = (ngx_array_t **) (p + cmd->offset);

    if (*strings != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    *strings = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                sizeof(ngx_http_complex_value_t));
    if (*strings == NULL) {
        return NGX_CONF_ERROR;
    }

    args = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cv = ngx_array_push(*strings);
        if (cv == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

        ccv.cf = cf;
        ccv.value = &args[i];
        ccv.complex_value = cv;

        if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        if (i == 1 && cv->lengths == NULL && cmd->post) {
            ngx_paas_guard_constant(cf, cmd->post, &args[i],
                                    "all clients will be one");
        }
    }

    return NGX_CONF_OK;
}


/* "1" exempts on purpose, "0" and "" exempt nobody. */

char *
ngx_paas_guard_exempt_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    char                      *rv;
    ngx_uint_t                 i;
    ngx_http_complex_value_t  *cv;

    rv = ngx_paas_guard_strings_directive(cf, cmd, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    cv = glcf->exempt->elts;

    for (i = 0; i < glcf->exempt->nelts; i++) {

        if (cv[i].lengths == NULL && cv[i].value.len
            && !ngx_paas_guard_same(&cv[i].value, "0")
            && !ngx_paas_guard_same(&cv[i].value, "1"))
        {
            ngx_paas_guard_constant(cf, "paas_guard_exempt", &cv[i].value,
                                    "all requests will be exempt");
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_throttle_interval(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_paas_guard_loc_conf_t *glcf, ngx_str_t *arg, ngx_str_t *value)
{
    ngx_int_t  interval;

    if (glcf->interval != NGX_CONF_UNSET_MSEC) {
        return ngx_paas_guard_twice(cf, cmd, "interval");
    }

    interval = ngx_parse_time(value, 0);

    if (interval == NGX_ERROR || interval < 1
        || interval > (ngx_int_t) PGUARD_WINDOW_MAX)
    {
        return ngx_paas_guard_invalid(cf, cmd, arg,
                              "a time from 1ms to "
                              ngx_paas_guard_value(PGUARD_WINDOW_DAYS) "d");
    }

    glcf->interval = interval;

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_throttle_scope(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_paas_guard_loc_conf_t *glcf, ngx_str_t *arg, ngx_uint_t cluster)
{
    if (glcf->cluster != NGX_CONF_UNSET_UINT) {
        return ngx_paas_guard_twice(cf, cmd, "scope");
    }

    glcf->cluster = cluster;

    if (cluster
        && ngx_paas_guard_reference(cf, NGX_PAAS_GUARD_CLUSTER_NEEDS_REDIS,
                                    arg)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* One parameter of paas_guard_throttle. */

static char *
ngx_paas_guard_throttle_parameter(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_paas_guard_loc_conf_t *glcf, ngx_str_t *arg)
{
    ngx_str_t  value;

    if (ngx_paas_guard_parameter(arg, "interval", &value) == NGX_OK) {
        return ngx_paas_guard_throttle_interval(cf, cmd, glcf, arg, &value);
    }

    if (ngx_paas_guard_same(arg, "scope=node")) {
        return ngx_paas_guard_throttle_scope(cf, cmd, glcf, arg, 0);
    }

    if (ngx_paas_guard_same(arg, "scope=cluster")) {
        return ngx_paas_guard_throttle_scope(cf, cmd, glcf, arg, 1);
    }

    return ngx_paas_guard_invalid(cf, cmd, arg,
                                  "off alone, or interval=time, scope=node or "
                                  "scope=cluster");
}


char *
ngx_paas_guard_throttle_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t   *args;
    ngx_uint_t   i;

    if (glcf->interval != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (ngx_paas_guard_is_off(&args[1]) && cf->args->nelts == 2) {
        glcf->interval = 0;
        return NGX_CONF_OK;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_paas_guard_throttle_parameter(cf, cmd, glcf, &args[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (glcf->interval == NGX_CONF_UNSET_MSEC) {
        glcf->interval = 1000;
    }

    return NGX_CONF_OK;
}


char *
ngx_paas_guard_body_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ssize_t     size;
    ngx_str_t  *args;

    if (glcf->body != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    args = cf->args->elts;
    size = ngx_paas_guard_is_off(&args[1]) ? 0 : ngx_parse_size(&args[1]);

    if (size == NGX_ERROR) {
        return ngx_paas_guard_invalid(cf, cmd, &args[1],
                                      "a size like 1m, or off");
    }

    glcf->body = size;

    return NGX_CONF_OK;
}


static void
ngx_paas_guard_rewrite_cleanup(void *data)
{
    pguard_rewrite_free(data);
}


char *
ngx_paas_guard_rewrite_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    char                  error[256];
    ngx_str_t            *args;
    pguard_str_t          regex, replacement;
    pguard_rewrite_t    **rw;
    ngx_pool_cleanup_t   *cln;

    if (glcf->rewrites == NGX_CONF_UNSET_PTR) {
        glcf->rewrites = ngx_array_create(cf->pool, 4,
                                          sizeof(pguard_rewrite_t *));
        if (glcf->rewrites == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    rw = ngx_array_push(glcf->rewrites);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (rw == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    args = cf->args->elts;
    ngx_paas_guard_core_str(regex, args[1]);
    ngx_paas_guard_core_str(replacement, args[2]);

    *rw = pguard_rewrite_compile(regex, replacement, error, sizeof(error));

    if (*rw == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": \"%V\" with \"%V\": %s",
                           &cmd->name, &args[1], &args[2], error);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_paas_guard_rewrite_cleanup;
    cln->data = *rw;

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_paas_guard_is_named(ngx_array_t *names, ngx_str_t *name)
{
    ngx_uint_t   i;
    ngx_str_t   *n;

    n = names->elts;

    for (i = 0; i < names->nelts; i++) {
        if (ngx_paas_guard_equal(&n[i], name)) {
            return 1;
        }
    }

    return 0;
}


/* Names of what cmd->post tells, or off, into the array at cmd->offset. */

char *
ngx_paas_guard_names_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char  *p = conf;

    ngx_str_t               *args, *name;
    ngx_uint_t               i;
    ngx_array_t            **names;
    ngx_paas_guard_named_t  *named;

    names = (ngx_array_t **) (p + cmd->offset);
    named = cmd->post;

    if (*names != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    args = cf->args->elts;
    *names = NULL;

    if (cf->args->nelts == 2 && ngx_paas_guard_is_off(&args[1])) {
        return NGX_CONF_OK;
    }

    if (cf->args->nelts - 1 > NGX_PAAS_GUARD_ITEMS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": at most %d %ss in one place", &cmd->name,
                           NGX_PAAS_GUARD_ITEMS_MAX, named->what);
        return NGX_CONF_ERROR;
    }

    *names = ngx_array_create(cf->pool, cf->args->nelts - 1,
                              sizeof(ngx_str_t));
    if (*names == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_paas_guard_is_named(*names, &args[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\": %s \"%V\" is named twice",
                               &cmd->name, named->what, &args[i]);
            return NGX_CONF_ERROR;
        }

        name = ngx_array_push(*names);

        if (name == NULL
            || ngx_paas_guard_reference(cf, named->needs, &args[i]) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        *name = args[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_paas_guard_sync_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    char       *rv;
    ngx_str_t  *args;

    rv = ngx_paas_guard_enum_directive(cf, cmd, conf);

    if (rv != NGX_CONF_OK || !glcf->strict) {
        return rv;
    }

    args = cf->args->elts;

    return ngx_paas_guard_reference(cf, NGX_PAAS_GUARD_STRICT_NEEDS_REDIS,
                                    &args[1])
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}
