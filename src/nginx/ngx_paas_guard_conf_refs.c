/*
 * What a line needs of others, which may come after it: noted when the line is
 * read, and checked when all are.
 */

#include "ngx_paas_guard.h"


ngx_int_t
ngx_paas_guard_reference(ngx_conf_t *cf, ngx_paas_guard_needs_e needs,
    ngx_str_t *name)
{
    ngx_paas_guard_ref_t        *ref;
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_paas_guard_module);

    ref = ngx_array_push(&gmcf->refs);
    if (ref == NULL) {
        return NGX_ERROR;
    }

    ref->needs = needs;
    ref->name = *name;
    ref->file = cf->conf_file->file.name;
    ref->line = cf->conf_file->line;

    return NGX_OK;
}


static ngx_uint_t
ngx_paas_guard_is_there(ngx_paas_guard_main_conf_t *gmcf,
    ngx_paas_guard_ref_t *ref)
{
    switch (ref->needs) {

    case NGX_PAAS_GUARD_NEEDS_ZONE:
        return ngx_paas_guard_find_zone(gmcf, &ref->name) != NULL;

    case NGX_PAAS_GUARD_NEEDS_RULE:
        return ngx_paas_guard_find_rule(gmcf, &ref->name) != NULL;

    case NGX_PAAS_GUARD_NEEDS_INDICATOR:
        return ngx_paas_guard_find_indicator(gmcf, &ref->name) != NULL;

    case NGX_PAAS_GUARD_CLUSTER_NEEDS_REDIS:
    case NGX_PAAS_GUARD_STRICT_NEEDS_REDIS:
        return gmcf->store != NULL;

    default:
        return gmcf->secret_file.len != 0;
    }
}


/* When all lines are read, and also of those that are in force nowhere: a name
   mistyped where the guard is off would else be found when it is turned on. */

ngx_int_t
ngx_paas_guard_check_refs(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf)
{
    u_char                 text[512], *last;
    ngx_uint_t             i;
    ngx_paas_guard_ref_t  *ref;

    static const char *const  wrong[NGX_PAAS_GUARD_NEEDS] = {
        [NGX_PAAS_GUARD_NEEDS_ZONE] =
            "\"paas_guard\": zone \"%V\" is not defined by "
            "\"paas_guard_zone\"",
        [NGX_PAAS_GUARD_NEEDS_RULE] =
            "\"paas_guard_hammer\": rule \"%V\" is not defined by "
            "\"paas_guard_hammer_rule\"",
        [NGX_PAAS_GUARD_NEEDS_INDICATOR] =
            "\"paas_guard_sla\": indicator \"%V\" is not defined by "
            "\"paas_guard_indicator\"",
        [NGX_PAAS_GUARD_CLUSTER_NEEDS_REDIS] =
            "\"paas_guard_throttle\": %V needs \"paas_guard_redis\"",
        [NGX_PAAS_GUARD_STRICT_NEEDS_REDIS] =
            "\"paas_guard_sync\": %V needs \"paas_guard_redis\"",
        [NGX_PAAS_GUARD_REDIS_NEEDS_SECRET] =
            "\"paas_guard_redis %V\" needs \"paas_guard_secret_file\", the "
            "same for all gateways that share it",
        [NGX_PAAS_GUARD_AUDIT_NEEDS_SECRET] =
            "\"%V\" needs \"paas_guard_secret_file\": its lines are sealed "
            "with a key from it"
    };

    ref = gmcf->refs.elts;

    for (i = 0; i < gmcf->refs.nelts; i++) {

        if (!ngx_paas_guard_is_there(gmcf, &ref[i])) {
            last = ngx_snprintf(text, sizeof(text), wrong[ref[i].needs],
                                &ref[i].name);
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "%*s in %V:%ui",
                          (size_t) (last - text), text, &ref[i].file,
                          ref[i].line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
