/*
 * paas_guard_indicator, and the ledgers that locations need.
 */

#include "ngx_paas_guard_sla.h"


#define NGX_PAAS_GUARD_ZONEINFO  "/usr/share/zoneinfo/"
#define NGX_PAAS_GUARD_MIN_MAX   1000000      /* of min_requests= */


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


static const ngx_paas_guard_parameter_t
    ngx_paas_guard_indicator_parameters[] = {

    { "target", ngx_paas_guard_indicator_target,
      "a percentage like 99.9%, over 0 and up to 100%" },
    { "slice", ngx_paas_guard_indicator_slice,
      "a time from " ngx_paas_guard_value(PGUARD_SLICE_MIN) "s to "
      ngx_paas_guard_value(PGUARD_SLICE_HOURS) "h" },
    { "min_requests", ngx_paas_guard_indicator_min,
      "a number from 1 to " ngx_paas_guard_value(NGX_PAAS_GUARD_MIN_MAX) },
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

    return ngx_paas_guard_percent(value, &indicator->rule.target_ppm) == NGX_OK
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

    if (n == NGX_ERROR || n < 1 || n > NGX_PAAS_GUARD_MIN_MAX) {
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


static char *
ngx_paas_guard_indicator_timezone(ngx_conf_t *cf, void *to,
    ngx_str_t *value)
{
    ngx_paas_guard_indicator_t *indicator = to;

    indicator->timezone = *value;

    return ngx_paas_guard_timezone(&indicator->tz, value, cf->pool) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* The file stays in memory for as long as the pool. */

ngx_int_t
ngx_paas_guard_timezone(pguard_tz_t *tz, ngx_str_t *name, ngx_pool_t *pool)
{
    u_char        path[NGX_MAX_PATH], *buf;
    ssize_t       n;
    ngx_fd_t      fd;
    pguard_str_t  file;

    ngx_memzero(tz, sizeof(pguard_tz_t));

    if (ngx_paas_guard_same(name, "UTC")) {
        return NGX_OK;
    }

    if (name->len == 0 || name->data[0] == '/'
        || ngx_strlchr(name->data, name->data + name->len, '\0')
        || ngx_strnstr(name->data, "..", name->len))
    {
        return NGX_ERROR;
    }

    *ngx_snprintf(path, sizeof(path) - 1, NGX_PAAS_GUARD_ZONEINFO "%V",
                  name) = '\0';

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    buf = ngx_palloc(pool, PGUARD_TZ_FILE_MAX);
    n = buf ? read(fd, buf, PGUARD_TZ_FILE_MAX) : -1;

    (void) ngx_close_file(fd);

    if (n < 0) {
        return NGX_ERROR;
    }

    file.data = buf;
    file.len = n;

    return pguard_tz_open(tz, file) == NULL ? NGX_OK : NGX_ERROR;
}


static char *
ngx_paas_guard_indicator_conditional(ngx_conf_t *cf, void *to,
    ngx_str_t *value)
{
    ngx_paas_guard_indicator_t *indicator = to;

    indicator->conditional = 1;

    return NGX_CONF_OK;
}


ngx_paas_guard_indicator_t *
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

    if (indicator->rule.target_ppm == 0) {
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
    sla->size = NGX_PAAS_GUARD_SLA_HEAD
                + pguard_ledger_size(indicator->slice,
                                     NGX_PAAS_GUARD_OUTAGES);
    sla->bits = ngx_palloc(cf->pool,
                           pguard_ledger_bits_size(indicator->slice));
    sla->outages = ngx_palloc(cf->pool, NGX_PAAS_GUARD_OUTAGES
                                        * sizeof(pguard_outage_t));

    if (sla->bits == NULL || sla->outages == NULL
        || ngx_paas_guard_sla_state(cf, sla) != NGX_OK)
    {
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


/* What $paas_guard_indicators gives. */

static ngx_int_t
ngx_paas_guard_sla_list(ngx_conf_t *cf, ngx_paas_guard_loc_conf_t *conf)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *names;
    ngx_uint_t   i;

    names = conf->sla_names->elts;
    len = 0;

    for (i = 0; i < conf->sla_names->nelts; i++) {
        len += names[i].len + 1;
    }

    if (len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    conf->sla_list.data = p;
    conf->sla_list.len = len - 1;

    for (i = 0; i < conf->sla_names->nelts; i++) {
        p = ngx_cpymem(p, names[i].data, names[i].len);
        *p++ = ',';
    }

    return NGX_OK;
}


ngx_int_t
ngx_paas_guard_resolve_sla(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf,
    ngx_paas_guard_loc_conf_t *conf)
{
    ngx_str_t                    *names;
    ngx_uint_t                    i;
    ngx_paas_guard_sla_t        **sla;
    ngx_paas_guard_indicator_t   *indicator;

    if (conf->sla_names == NULL) {
        return NGX_OK;
    }

    names = conf->sla_names->elts;
    conf->slas = ngx_array_create(cf->pool, conf->sla_names->nelts,
                                  sizeof(ngx_paas_guard_sla_t *));
    if (conf->slas == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->sla_names->nelts; i++) {
        indicator = ngx_paas_guard_find_indicator(gmcf, &names[i]);

        sla = ngx_array_push(conf->slas);
        if (sla == NULL) {
            return NGX_ERROR;
        }

        *sla = ngx_paas_guard_add_sla(cf, gmcf, conf->zone, indicator);
        if (*sla == NULL) {
            return NGX_ERROR;
        }
    }

    return ngx_paas_guard_sla_list(cf, conf);
}
