#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_ZONEINFO  "/usr/share/zoneinfo/"
#define NGX_PAAS_GUARD_OUTAGES   128        /* entries of a ledger's log */
#define NGX_PAAS_GUARD_ROLL      5000       /* ms */


static char *ngx_paas_guard_indicator_target(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_indicator_slice(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_indicator_min(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_indicator_ratio(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_indicator_timezone(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_indicator_conditional(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static ngx_int_t ngx_paas_guard_sla_init(ngx_shm_zone_t *shm_zone,
    void *data);
static void ngx_paas_guard_sla_tick(ngx_event_t *ev);


static const ngx_paas_guard_parameter_t
    ngx_paas_guard_indicator_parameters[] = {

    { "target", ngx_paas_guard_indicator_target,
      "a percentage like 99.9%, over 0 and up to 100%" },
    { "slice", ngx_paas_guard_indicator_slice, "a time from 1s to 1h" },
    { "min_requests", ngx_paas_guard_indicator_min,
      "a number from 1 to 1000000" },
    { "down_ratio", ngx_paas_guard_indicator_ratio,
      "a percentage like 50%, over 0 and up to 100%" },
    { "timezone", ngx_paas_guard_indicator_timezone,
      "UTC, or a name like Europe/Paris below " NGX_PAAS_GUARD_ZONEINFO },
    { "conditional", ngx_paas_guard_indicator_conditional, NULL },
    ngx_paas_guard_no_parameter
};


/* Percents with up to four decimals, as millionths: exact. */

static ngx_int_t
ngx_paas_guard_percent(ngx_str_t *value, uint32_t *ppm)
{
    ngx_int_t  n;

    if (value->len < 2 || value->data[value->len - 1] != '%') {
        return NGX_ERROR;
    }

    n = ngx_atofp(value->data, value->len - 1, 4);

    if (n == NGX_ERROR || n < 1 || n > PGUARD_PPM) {
        return NGX_ERROR;
    }

    *ppm = (uint32_t) n;

    return NGX_OK;
}


static char *
ngx_paas_guard_indicator_target(ngx_conf_t *cf, void *to,
    ngx_str_t *value)
{
    ngx_paas_guard_indicator_t *indicator = to;

    return ngx_paas_guard_percent(value, &indicator->target_ppm) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_paas_guard_indicator_slice(ngx_conf_t *cf, void *to,
    ngx_str_t *value)
{
    ngx_paas_guard_indicator_t *indicator = to;

    ngx_int_t  n;

    n = ngx_parse_time(value, 1);

    if (n == NGX_ERROR || n < PGUARD_SLICE_MIN || n > PGUARD_SLICE_MAX) {
        return NGX_CONF_ERROR;
    }

    indicator->slice = n;

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_indicator_min(ngx_conf_t *cf, void *to,
    ngx_str_t *value)
{
    ngx_paas_guard_indicator_t *indicator = to;

    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n < 1 || n > 1000000) {
        return NGX_CONF_ERROR;
    }

    indicator->rule.min_requests = n;

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_indicator_ratio(ngx_conf_t *cf, void *to,
    ngx_str_t *value)
{
    ngx_paas_guard_indicator_t *indicator = to;

    return ngx_paas_guard_percent(value, &indicator->rule.down_ppm) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* The file stays in memory for as long as the configuration. */

static char *
ngx_paas_guard_indicator_timezone(ngx_conf_t *cf, void *to,
    ngx_str_t *value)
{
    ngx_paas_guard_indicator_t *indicator = to;

    u_char        path[NGX_MAX_PATH], *buf;
    ssize_t       n;
    ngx_fd_t      fd;
    pguard_str_t  file;

    indicator->timezone = *value;

    if (ngx_paas_guard_same(value, "UTC")) {
        return NGX_CONF_OK;
    }

    if (value->len == 0 || value->data[0] == '/'
        || ngx_strstr(value->data, ".."))
    {
        return NGX_CONF_ERROR;
    }

    *ngx_snprintf(path, sizeof(path) - 1, NGX_PAAS_GUARD_ZONEINFO "%V",
                  value) = '\0';

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_CONF_ERROR;
    }

    buf = ngx_palloc(cf->pool, PGUARD_TZ_FILE_MAX);
    n = buf ? read(fd, buf, PGUARD_TZ_FILE_MAX) : -1;

    (void) ngx_close_file(fd);

    if (n < 0) {
        return NGX_CONF_ERROR;
    }

    file.data = buf;
    file.len = n;

    return pguard_tz_open(&indicator->tz, file) == NULL ? NGX_CONF_OK
                                                        : NGX_CONF_ERROR;
}


static char *
ngx_paas_guard_indicator_conditional(ngx_conf_t *cf, void *to,
    ngx_str_t *value)
{
    ngx_paas_guard_indicator_t *indicator = to;

    indicator->conditional = 1;

    return NGX_CONF_OK;
}


static ngx_paas_guard_indicator_t *
ngx_paas_guard_find_indicator(ngx_paas_guard_main_conf_t *gmcf,
    ngx_str_t *name)
{
    ngx_uint_t                    i;
    ngx_paas_guard_indicator_t  **indicators;

    indicators = gmcf->indicators.elts;

    for (i = 0; i < gmcf->indicators.nelts; i++) {
        if (ngx_paas_guard_equal(&indicators[i]->name, name)) {
            return indicators[i];
        }
    }

    return NULL;
}


static uint64_t
ngx_paas_guard_indicator_identity(ngx_paas_guard_indicator_t *indicator)
{
    u_char  buf[512], *last;

    last = ngx_snprintf(buf, sizeof(buf), "%V %uL %V", &indicator->name,
                        indicator->slice, &indicator->timezone);

    return XXH3_64bits(buf, last - buf);
}


char *
ngx_paas_guard_indicator_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_main_conf_t *gmcf = conf;

    ngx_str_t                    *args;
    ngx_paas_guard_indicator_t   *indicator, **slot;

    args = cf->args->elts;

    if (ngx_paas_guard_check_name(cf, cmd, &args[1]) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_paas_guard_same(&args[1], "off")
        || ngx_paas_guard_find_indicator(gmcf, &args[1]))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": indicator \"%V\" is already defined, or "
                           "a reserved name", &cmd->name, &args[1]);
        return NGX_CONF_ERROR;
    }

    indicator = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_indicator_t));
    slot = ngx_array_push(&gmcf->indicators);

    if (indicator == NULL || slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = indicator;

    indicator->name = args[1];
    indicator->slice = 60;
    indicator->rule.min_requests = 1;
    indicator->rule.down_ppm = PGUARD_PPM / 2;
    ngx_str_set(&indicator->timezone, "UTC");

    if (ngx_paas_guard_parameters(cf, cmd, 2,
                                  ngx_paas_guard_indicator_parameters,
                                  indicator)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (indicator->target_ppm == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": indicator \"%V\" must have a target=",
                           &cmd->name, &indicator->name);
        return NGX_CONF_ERROR;
    }

    indicator->identity = ngx_paas_guard_indicator_identity(indicator);

    return NGX_CONF_OK;
}


/* The ledger of an indicator in a zone: memory of its own, so that neither
   takes the other's, and a new indicator needs no larger zone. */

static ngx_paas_guard_sla_t *
ngx_paas_guard_add_sla(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf,
    ngx_paas_guard_zone_t *zone, ngx_paas_guard_indicator_t *indicator)
{
    size_t                  size;
    ngx_str_t               name;
    ngx_uint_t              i;
    ngx_paas_guard_sla_t   *sla, **slas;

    slas = gmcf->slas.elts;

    for (i = 0; i < gmcf->slas.nelts; i++) {
        if (slas[i]->zone == zone && slas[i]->indicator == indicator) {
            return slas[i];
        }
    }

    sla = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_sla_t));
    slas = ngx_array_push(&gmcf->slas);
    name.data = ngx_pnalloc(cf->pool, zone->name.len + indicator->name.len
                                      + sizeof("paas_guard  sla ") - 1);

    if (sla == NULL || slas == NULL || name.data == NULL) {
        return NULL;
    }

    *slas = sla;

    sla->zone = zone;
    sla->indicator = indicator;
    sla->size = pguard_ledger_size(indicator->slice, NGX_PAAS_GUARD_OUTAGES);
    sla->bits = ngx_palloc(cf->pool,
                           pguard_ledger_bits_size(indicator->slice));
    sla->outages = ngx_palloc(cf->pool, NGX_PAAS_GUARD_OUTAGES
                                        * sizeof(pguard_outage_t));

    if (sla->bits == NULL || sla->outages == NULL) {
        return NULL;
    }

    name.len = ngx_sprintf(name.data, "paas_guard %V sla %V", &zone->name,
                           &indicator->name) - name.data;

    /* its pages, and some for nginx to keep account of them */

    size = ngx_align(sla->size, ngx_pagesize) + 8 * ngx_pagesize
           + sla->size / 64;

    sla->shm_zone = ngx_shared_memory_add(cf, &name, size,
                                          &ngx_paas_guard_filter_module);
    if (sla->shm_zone == NULL) {
        return NULL;
    }

    sla->shm_zone->init = ngx_paas_guard_sla_init;
    sla->shm_zone->data = sla;

    return sla;
}


ngx_int_t
ngx_paas_guard_resolve_sla(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf,
    ngx_paas_guard_loc_conf_t *conf)
{
    ngx_uint_t                    i;
    ngx_paas_guard_ref_t         *refs;
    ngx_paas_guard_sla_t        **sla;
    ngx_paas_guard_indicator_t   *indicator;

    if (conf->sla_refs == NULL) {
        return NGX_OK;
    }

    refs = conf->sla_refs->elts;
    conf->slas = ngx_array_create(cf->pool, conf->sla_refs->nelts,
                                  sizeof(ngx_paas_guard_sla_t *));
    if (conf->slas == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->sla_refs->nelts; i++) {
        indicator = ngx_paas_guard_find_indicator(gmcf, &refs[i].name);

        if (indicator == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"paas_guard_sla\": indicator \"%V\" is not "
                          "defined by \"paas_guard_indicator\" in %V:%ui",
                          &refs[i].name, &refs[i].file, refs[i].line);
            return NGX_ERROR;
        }

        sla = ngx_array_push(conf->slas);
        if (sla == NULL) {
            return NGX_ERROR;
        }

        *sla = ngx_paas_guard_add_sla(cf, gmcf, conf->zone, indicator);
        if (*sla == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_sla_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_paas_guard_sla_t  *sla, *old;

    old = data;
    sla = shm_zone->data;
    sla->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (old == NULL) {
        sla->shpool->data = ngx_slab_alloc(sla->shpool, sla->size);

        if (sla->shpool->data == NULL) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "paas_guard_sla \"%V\": no memory",
                          &sla->indicator->name);
            return NGX_ERROR;
        }

#if (NGX_DEBUG_MALLOC)
        ngx_memzero(sla->shpool->data, sla->size);
#endif

        pguard_ledger_create(sla->shpool->data, sla->indicator->slice,
                             NGX_PAAS_GUARD_OUTAGES,
                             sla->indicator->identity);
    }

    if (pguard_ledger_open(&sla->ledger, sla->shpool->data, sla->size,
                           sla->indicator->identity, &sla->indicator->tz)
        != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "paas_guard_indicator \"%V\": its ledger has another "
                      "slice or time zone: restart nginx, or give it another "
                      "name", &sla->indicator->name);
        return NGX_ERROR;
    }

    if (old == NULL) {
        pguard_ledger_roll(&sla->ledger, ngx_time(), &sla->indicator->rule);
    }

    return NGX_OK;
}


void
ngx_paas_guard_sla_init_process(ngx_cycle_t *cycle, ngx_paas_guard_sla_t *sla)
{
    if (ngx_worker != 0) {
        return;
    }

    sla->timer.handler = ngx_paas_guard_sla_tick;
    sla->timer.data = sla;
    sla->timer.log = cycle->log;
    sla->timer.cancelable = 1;

    ngx_add_timer(&sla->timer, NGX_PAAS_GUARD_ROLL);
}


static void
ngx_paas_guard_sla_tick(ngx_event_t *ev)
{
    ngx_paas_guard_sla_t  *sla;

    sla = ev->data;

    ngx_shmtx_lock(&sla->shpool->mutex);
    pguard_ledger_roll(&sla->ledger, ngx_time(), &sla->indicator->rule);
    ngx_shmtx_unlock(&sla->shpool->mutex);

    ngx_add_timer(ev, NGX_PAAS_GUARD_ROLL);
}


/* In the log phase: each guarded request once, for each of its indicators. */

void
ngx_paas_guard_sla_count(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t                   i;
    pguard_sla_e                 class;
    pguard_reason_e              reason;
    ngx_paas_guard_sla_t       **slas;
    ngx_paas_guard_loc_conf_t   *glcf;

    glcf = ctx ? ctx->conf
               : ngx_http_get_module_loc_conf(r, ngx_paas_guard_module);

    if (glcf->slas == NULL) {
        return;
    }

    class = ngx_paas_guard_class(r, ctx);
    reason = ctx && (ctx->verdict == PGUARD_VERDICT_THROTTLED
                     || ctx->verdict == PGUARD_VERDICT_BLOCKED)
             ? ctx->reason : PGUARD_REASON_NONE;

    slas = glcf->slas->elts;

    for (i = 0; i < glcf->slas->nelts; i++) {
        pguard_ledger_count(&slas[i]->ledger, ngx_time(), class, reason);
    }
}


/* This month so far.  NGX_DECLINED: the clock is out of all months. */

ngx_int_t
ngx_paas_guard_sla_figures(ngx_paas_guard_sla_t *sla, pguard_figures_t *f)
{
    int                         rc;
    uint64_t                    now;
    pguard_figures_in_t         in;
    pguard_month_span_t         span;
    ngx_paas_guard_indicator_t *indicator;

    indicator = sla->indicator;
    now = ngx_time();

    if (!pguard_month_of(&indicator->tz, now, &span)) {
        return NGX_DECLINED;
    }

    ngx_memzero(&in, sizeof(pguard_figures_in_t));

    in.tz = &indicator->tz;
    in.target_ppm = indicator->target_ppm;
    in.applicable = 1;

    ngx_shmtx_lock(&sla->shpool->mutex);

    rc = pguard_figures_of(f, &in, &sla->ledger, span.month, now,
                           &indicator->rule, sla->bits, sla->outages,
                           NGX_PAAS_GUARD_OUTAGES);

    ngx_shmtx_unlock(&sla->shpool->mutex);

    return rc == 0 ? NGX_OK : NGX_DECLINED;
}
