/*
 * ngx_paas_guard_module: throttles identical requests, blocks hammering, and
 * tags every such refusal so that nobody counts it as an outage.
 *
 * This file holds the tables of directives and phases, and makes and merges the
 * configuration.  src/nginx/ngx_paas_guard.h says which file does what.
 */

#include "src/nginx/ngx_paas_guard.h"
#include "src/nginx/ngx_paas_guard_sla.h"
#include "src/nginx/ngx_paas_guard_zone.h"


static ngx_int_t ngx_paas_guard_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_paas_guard_postconfiguration(ngx_conf_t *cf);
static void *ngx_paas_guard_create_main_conf(ngx_conf_t *cf);
static char *ngx_paas_guard_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_paas_guard_create_loc_conf(ngx_conf_t *cf);
static char *ngx_paas_guard_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_paas_guard_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_paas_guard_init_process(ngx_cycle_t *cycle);
static void ngx_paas_guard_exit_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_paas_guard_sync_modes[] = {
    { ngx_string("async"), 0 },
    { ngx_string("strict"), 1 },
    { ngx_null_string, 0 }
};


static ngx_paas_guard_named_t  ngx_paas_guard_rule_names = {
    "rule", NGX_PAAS_GUARD_NEEDS_RULE
};


static ngx_paas_guard_named_t  ngx_paas_guard_indicator_names = {
    "indicator", NGX_PAAS_GUARD_NEEDS_INDICATOR
};


static ngx_conf_enum_t  ngx_paas_guard_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


#define NGX_PAAS_GUARD_ANYWHERE                                               \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static ngx_command_t  ngx_paas_guard_commands[] = {

    { ngx_string("paas_guard_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_paas_guard_zone_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_TAKE1,
      ngx_paas_guard_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_service"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_TAKE1,
      ngx_paas_guard_service_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_client"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_1MORE,
      ngx_paas_guard_strings_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, client),
      "paas_guard_client" },

    { ngx_string("paas_guard_exempt"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_1MORE,
      ngx_paas_guard_exempt_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, exempt),
      NULL },

    { ngx_string("paas_guard_throttle"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_TAKE12,
      ngx_paas_guard_throttle_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_signature_headers"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_1MORE,
      ngx_paas_guard_headers_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_signature_body"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_TAKE1,
      ngx_paas_guard_body_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_signature_rewrite"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_TAKE2,
      ngx_paas_guard_rewrite_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_session_cookie"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_paas_guard_cookie_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_hammer_rule"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_paas_guard_rule_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_hammer"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_1MORE,
      ngx_paas_guard_names_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, rule_names),
      &ngx_paas_guard_rule_names },

    { ngx_string("paas_guard_indicator"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_paas_guard_indicator_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_sla"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_1MORE,
      ngx_paas_guard_names_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, sla_names),
      &ngx_paas_guard_indicator_names },

    { ngx_string("paas_guard_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_paas_guard_redis_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_sync"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_TAKE1,
      ngx_paas_guard_sync_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, strict),
      &ngx_paas_guard_sync_modes },

    { ngx_string("paas_guard_secret_file"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_paas_guard_secret_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_throttle_status"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_TAKE1,
      ngx_paas_guard_status_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, throttle_status),
      NULL },

    { ngx_string("paas_guard_block_status"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_TAKE1,
      ngx_paas_guard_status_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, block_status),
      NULL },

    { ngx_string("paas_guard_dry_run"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, dry_run),
      NULL },

    { ngx_string("paas_guard_log_level"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_TAKE1,
      ngx_paas_guard_enum_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, log_level),
      &ngx_paas_guard_log_levels },

    { ngx_string("paas_guard_ratelimit_headers"),
      NGX_PAAS_GUARD_ANYWHERE|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_paas_guard_loc_conf_t, ratelimit),
      NULL },

    { ngx_string("paas_guard_audit"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_paas_guard_audit_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_paas_guard_metrics_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_guard_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_paas_guard_api_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_paas_guard_module_ctx = {
    ngx_paas_guard_preconfiguration,       /* preconfiguration */
    ngx_paas_guard_postconfiguration,      /* postconfiguration */

    ngx_paas_guard_create_main_conf,       /* create main configuration */
    ngx_paas_guard_init_main_conf,         /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_paas_guard_create_loc_conf,        /* create location configuration */
    ngx_paas_guard_merge_loc_conf          /* merge location configuration */
};


ngx_module_t  ngx_paas_guard_module = {
    NGX_MODULE_V1,
    &ngx_paas_guard_module_ctx,            /* module context */
    ngx_paas_guard_commands,               /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_paas_guard_init_module,            /* init module */
    ngx_paas_guard_init_process,           /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_paas_guard_exit_process,           /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_paas_guard_preconfiguration(ngx_conf_t *cf)
{
    return ngx_paas_guard_add_variables(cf);
}


static void *
ngx_paas_guard_create_main_conf(ngx_conf_t *cf)
{
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_main_conf_t));
    if (gmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&gmcf->zones, cf->pool, 2,
                       sizeof(ngx_paas_guard_zone_t *))
        != NGX_OK
        || ngx_array_init(&gmcf->rules, cf->pool, 4,
                          sizeof(ngx_paas_guard_rule_t *))
           != NGX_OK
        || ngx_array_init(&gmcf->services, cf->pool, 4,
                          sizeof(ngx_paas_guard_service_t *))
           != NGX_OK
        || ngx_array_init(&gmcf->indicators, cf->pool, 2,
                          sizeof(ngx_paas_guard_indicator_t *))
           != NGX_OK
        || ngx_array_init(&gmcf->slas, cf->pool, 2,
                          sizeof(ngx_paas_guard_sla_t *))
           != NGX_OK
        || ngx_array_init(&gmcf->refs, cf->pool, 8,
                          sizeof(ngx_paas_guard_ref_t))
           != NGX_OK
        || ngx_array_init(&gmcf->upstreams, cf->pool, 4, sizeof(ngx_uint_t))
           != NGX_OK)
    {
        return NULL;
    }

    gmcf->worker = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_worker_t));
    if (gmcf->worker == NULL) {
        return NULL;
    }

    gmcf->worker->pool = cf->pool;
    gmcf->place = NGX_CONF_UNSET;

    return gmcf;
}


static char *
ngx_paas_guard_init_main_conf(ngx_conf_t *cf, void *conf)
{
    return ngx_paas_guard_conf_init_main(cf, conf) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static void *
ngx_paas_guard_create_loc_conf(ngx_conf_t *cf)
{
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_loc_conf_t));
    if (glcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     glcf->zone_name = { 0, NULL };
     *     glcf->zone = NULL;
     *     glcf->service_name = { 0, NULL };
     *     glcf->service = NULL;
     *     glcf->rules = NULL;
     *     glcf->slas = NULL;
     */

    glcf->on = NGX_CONF_UNSET_UINT;
    glcf->client = NGX_CONF_UNSET_PTR;
    glcf->exempt = NGX_CONF_UNSET_PTR;
    glcf->interval = NGX_CONF_UNSET_MSEC;
    glcf->cluster = NGX_CONF_UNSET_UINT;
    glcf->headers = NGX_CONF_UNSET_PTR;
    glcf->body = NGX_CONF_UNSET_SIZE;
    glcf->rewrites = NGX_CONF_UNSET_PTR;
    glcf->rule_names = NGX_CONF_UNSET_PTR;
    glcf->sla_names = NGX_CONF_UNSET_PTR;
    glcf->strict = NGX_CONF_UNSET_UINT;
    glcf->throttle_status = NGX_CONF_UNSET_UINT;
    glcf->block_status = NGX_CONF_UNSET_UINT;
    glcf->dry_run = NGX_CONF_UNSET;
    glcf->log_level = NGX_CONF_UNSET_UINT;
    glcf->ratelimit = NGX_CONF_UNSET;

    return glcf;
}


static char *
ngx_paas_guard_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_paas_guard_loc_conf_t *prev = parent;
    ngx_paas_guard_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t    *clcf;
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_paas_guard_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    gmcf->error_pages |= clcf->error_pages != NULL;

    if (conf->on == NGX_CONF_UNSET_UINT) {
        conf->on = prev->on;
        conf->zone_name = prev->zone_name;
    }

    ngx_conf_merge_uint_value(conf->on, prev->on, 0);
    ngx_conf_merge_str_value(conf->service_name, prev->service_name,
                             "default");
    ngx_conf_merge_ptr_value(conf->client, prev->client,
                             gmcf->default_client);
    ngx_conf_merge_ptr_value(conf->exempt, prev->exempt, NULL);

    /* one directive, two fields: both come from the same place */

    if (conf->interval == NGX_CONF_UNSET_MSEC) {
        conf->cluster = prev->cluster;
    }

    ngx_conf_merge_msec_value(conf->interval, prev->interval, 1000);
    ngx_conf_merge_ptr_value(conf->headers, prev->headers,
                             gmcf->default_headers);
    ngx_conf_merge_size_value(conf->body, prev->body, 1024 * 1024);
    ngx_conf_merge_ptr_value(conf->rewrites, prev->rewrites, NULL);
    ngx_conf_merge_ptr_value(conf->rule_names, prev->rule_names, NULL);
    ngx_conf_merge_ptr_value(conf->sla_names, prev->sla_names, NULL);
    ngx_conf_merge_uint_value(conf->strict, prev->strict, 0);
    ngx_conf_merge_uint_value(conf->throttle_status, prev->throttle_status,
                              NGX_HTTP_TOO_MANY_REQUESTS);
    ngx_conf_merge_uint_value(conf->block_status, prev->block_status,
                              NGX_HTTP_TOO_MANY_REQUESTS);
    ngx_conf_merge_value(conf->dry_run, prev->dry_run, 0);
    ngx_conf_merge_uint_value(conf->log_level, prev->log_level, NGX_LOG_WARN);
    ngx_conf_merge_value(conf->ratelimit, prev->ratelimit, 0);

    if (ngx_paas_guard_conf_resolve(cf, gmcf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_paas_guard_content_merge(cf, prev, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_paas_guard_api_merge(cf, conf);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_paas_guard_postconfiguration(ngx_conf_t *cf)
{
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_paas_guard_module);

    if (ngx_paas_guard_conf_finish(cf, gmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (gmcf->zones.nelts == 0) {
        return NGX_OK;
    }

    ngx_paas_guard_body_init();

    if (ngx_paas_guard_know_header(cf) != NGX_OK
        || ngx_paas_guard_add_handler(cf, NGX_HTTP_PREACCESS_PHASE,
                                      ngx_paas_guard_handler)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_paas_guard_add_handler(cf, NGX_HTTP_LOG_PHASE,
                                      ngx_paas_guard_log_handler);
}


static ngx_int_t
ngx_paas_guard_init_module(ngx_cycle_t *cycle)
{
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_paas_guard_module);

    if (gmcf) {
        ngx_paas_guard_audit_init_module(cycle, gmcf->audit);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_init_process(ngx_cycle_t *cycle)
{
    u_char                        origin[PGUARD_EVENT_LEN / 2];
    ngx_uint_t                    i;
    ngx_paas_guard_sla_t        **slas;
    ngx_paas_guard_zone_t       **zones;
    ngx_paas_guard_main_conf_t   *gmcf;

    /* not for the helpers of nginx's cache */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    gmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_paas_guard_module);

    if (gmcf == NULL || gmcf->zones.nelts == 0) {
        return NGX_OK;
    }

    gmcf->worker->xxh = XXH3_createState();

    if (gmcf->worker->xxh == NULL
        || getentropy(origin, sizeof(origin)) != 0)
    {
        return NGX_ERROR;
    }

    ngx_memzero(origin + sizeof(origin) - NGX_PAAS_GUARD_EVENT_COUNT / 2,
                NGX_PAAS_GUARD_EVENT_COUNT / 2);
    (void) pguard_hex(gmcf->worker->event, origin, sizeof(origin));

    if (gmcf->key && pguard_hmac_init(&gmcf->worker->hmac, gmcf->key) != 0) {
        return NGX_ERROR;
    }

    ngx_paas_guard_audit_init_process(cycle, gmcf->audit);

    zones = gmcf->zones.elts;

    for (i = 0; i < gmcf->zones.nelts; i++) {
        if (ngx_paas_guard_zone_init_process(cycle, zones[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    slas = gmcf->slas.elts;

    for (i = 0; i < gmcf->slas.nelts; i++) {
        ngx_paas_guard_sla_init_process(cycle, slas[i]);
    }

    return ngx_paas_guard_store_init_process(cycle, gmcf->store);
}


static void
ngx_paas_guard_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                    i;
    ngx_paas_guard_sla_t        **slas;
    ngx_paas_guard_zone_t       **zones;
    ngx_paas_guard_main_conf_t   *gmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return;
    }

    gmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_paas_guard_module);

    if (gmcf == NULL || gmcf->zones.nelts == 0) {
        return;
    }

    ngx_paas_guard_store_exit_process(cycle, gmcf->store);

    zones = gmcf->zones.elts;

    for (i = 0; i < gmcf->zones.nelts; i++) {
        ngx_paas_guard_zone_exit_process(zones[i]);
    }

    slas = gmcf->slas.elts;

    for (i = 0; i < gmcf->slas.nelts; i++) {
        ngx_paas_guard_sla_exit_process(slas[i]);
    }

    pguard_hmac_free(&gmcf->worker->hmac);
    XXH3_freeState(gmcf->worker->xxh);
}
