/*
 * The life of a zone: its memory, made or found by a reload; its names; what
 * worker 0 does every second.
 */

#include "ngx_paas_guard_zone.h"
#include "ngx_paas_guard_secret.h"


#define NGX_PAAS_GUARD_TICK  1000       /* ms */


static ngx_int_t ngx_paas_guard_zone_reuse(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_zone_t *old);
static void ngx_paas_guard_zone_warn(ngx_paas_guard_zone_t *zone,
    ngx_uint_t use);
static ngx_int_t ngx_paas_guard_zone_create(ngx_paas_guard_zone_t *zone);
static ngx_int_t ngx_paas_guard_zone_names(ngx_paas_guard_zone_t *zone);
static ngx_int_t ngx_paas_guard_zone_room(ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_zone_move(ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_zone_sample(ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_zone_tick(ngx_event_t *ev);


ngx_int_t
ngx_paas_guard_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t                       len;
    u_char                      *secret;
    ngx_paas_guard_zone_t       *zone, *old;
    ngx_paas_guard_main_conf_t  *gmcf;

    old = data;
    zone = shm_zone->data;
    gmcf = zone->mcf;

    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (old) {
        if (ngx_paas_guard_zone_reuse(zone, old) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (ngx_paas_guard_zone_create(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    zone->key = gmcf->key;

    if (gmcf->secret_file.len == 0) {
        secret = pguard_zone_secret(&zone->core, &len);
        zone->key = zone->own_key;

        if (pguard_key_init(zone->key, secret, len) != 0) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "paas_guard_zone \"%V\": HMAC-SHA-256 failed",
                          &zone->name);
            return NGX_ERROR;
        }
    }

    return ngx_paas_guard_zone_names(zone);
}


/* Old workers still use this memory, and the new configuration may yet be
   given up: nothing of what they know changes here. */

static ngx_int_t
ngx_paas_guard_zone_reuse(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_zone_t *old)
{
    zone->memory = old->memory;
    zone->divided = old->divided;

    if (pguard_zone_open(&zone->core, zone->memory, old->core.size) != 0) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "paas_guard_zone \"%V\" has the memory of another "
                      "version: restart nginx", &zone->name);
        return NGX_ERROR;
    }

    ngx_paas_guard_zone_warn(zone, zone->use & ~old->use & ~zone->divided);

    return NGX_OK;
}


/* A zone is divided once, by what it was used for then.  What it is used for
   only now (bits of use) has the least share: warns of that. */

static void
ngx_paas_guard_zone_warn(ngx_paas_guard_zone_t *zone, ngx_uint_t use)
{
    ngx_uint_t  i;

    static const struct {
        pguard_use_e    use;
        pguard_entry_e  kind;
        const char     *what;
    } parts[] = {
        { PGUARD_USE_SIGNATURES, PGUARD_ENTRY_SIGNATURE,
          "signatures, as nothing was throttled" },
        { PGUARD_USE_WINDOWS, PGUARD_ENTRY_WINDOW,
          "keys of rules, as there were none" }
    };

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {

        if (use & parts[i].use) {
            ngx_log_error(NGX_LOG_WARN, zone->shm_zone->shm.log, 0,
                          "paas_guard_zone \"%V\" was made with place for "
                          "no more than %uL %s: restart nginx, or change the "
                          "zone's size, to divide it anew", &zone->name,
                          pguard_zone_capacity(&zone->core, parts[i].kind),
                          parts[i].what);
        }
    }
}


static ngx_int_t
ngx_paas_guard_zone_create(ngx_paas_guard_zone_t *zone)
{
    size_t      len, size;
    u_char     *secret;
    ngx_log_t  *log;

    log = zone->shm_zone->shm.log;

    /* one piece, of all that nginx leaves us */

    size = zone->shpool->pfree * ngx_pagesize;
    zone->memory = ngx_slab_alloc(zone->shpool, size);

    if (zone->memory == NULL) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "paas_guard_zone \"%V\": no memory", &zone->name);
        return NGX_ERROR;
    }

#if (NGX_DEBUG_MALLOC)
    ngx_memzero(zone->memory, size);
#endif

    zone->shpool->data = zone->memory;

    /* if the kernel is set to give them: what two requests look at is rarely
       on one page, and each page takes more time to find than to read */

    (void) madvise(zone->memory, size, MADV_HUGEPAGE);

    zone->divided = zone->use ? zone->use : PGUARD_USE_BOTH;

    if (pguard_zone_create(zone->memory, size, zone->divided) != 0
        || pguard_zone_open(&zone->core, zone->memory, size) != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "paas_guard_zone \"%V\" is too small", &zone->name);
        return NGX_ERROR;
    }

    ngx_paas_guard_zone_sample(zone);

    secret = pguard_zone_secret(&zone->core, &len);
    ngx_paas_guard_secret_hide(secret, len);

    if (getentropy(secret, len) != 0) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "paas_guard_zone \"%V\": getentropy() failed",
                      &zone->name);
        return NGX_ERROR;
    }

    ngx_paas_guard_zone_move(zone);

    return NGX_OK;
}


/* Fills a zone that is new with blocks: those of a zone of this name that had
   another size before a reload, else those of the state file, if there is
   one. */

static void
ngx_paas_guard_zone_move(ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_shm_zone_t   *shm_zone;

    if (ngx_process != NGX_PROCESS_MASTER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return;
    }

    for (part = (ngx_list_part_t *) &ngx_cycle->shared_memory.part;
         part;
         part = part->next)
    {
        shm_zone = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (shm_zone[i].tag == zone->shm_zone->tag
                && shm_zone[i].data
                && shm_zone[i].init == ngx_paas_guard_zone_init
                && shm_zone[i].shm.name.len == zone->name.len
                && ngx_strncmp(shm_zone[i].shm.name.data, zone->name.data,
                               zone->name.len)
                   == 0)
            {
                ngx_paas_guard_state_copy(shm_zone[i].data, zone);
                return;
            }
        }
    }

    if (zone->state.len) {
        ngx_paas_guard_state_load(zone, zone->shm_zone->shm.log);
    }
}


/* Enters the names of rules and services; those of former configurations
   stay. */

static ngx_int_t
ngx_paas_guard_zone_names(ngx_paas_guard_zone_t *zone)
{
    int                           index;
    ngx_uint_t                    i;
    pguard_str_t                  name;
    ngx_paas_guard_rule_t       **rules;
    ngx_paas_guard_service_t    **services;
    ngx_paas_guard_main_conf_t   *gmcf;

    if (ngx_paas_guard_zone_room(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    gmcf = zone->mcf;
    rules = gmcf->rules.elts;
    services = gmcf->services.elts;
    index = 0;

    ngx_shmtx_lock(&zone->shpool->mutex);

    for (i = 0; i < gmcf->rules.nelts && index >= 0; i++) {
        ngx_paas_guard_core_str(name, rules[i]->name);
        index = pguard_zone_name_add(&zone->core, PGUARD_NAME_RULE, name);
        zone->rules[i] = (uint16_t) index;
    }

    for (i = 0; i < gmcf->services.nelts && index >= 0; i++) {

        if (services[i]->zone == zone) {
            ngx_paas_guard_core_str(name, services[i]->name);
            services[i]->index = pguard_zone_name_add(&zone->core,
                                                      PGUARD_NAME_SERVICE,
                                                      name);
        }
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (index < 0) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "paas_guard_zone \"%V\" has known %d hammering rules "
                      "since it was made, and has no place for another name: "
                      "restart nginx", &zone->name, PGUARD_RULES_MAX);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Is there room for the services of this configuration, beside "other"?
   NGX_ERROR: there is not, which was logged. */

static ngx_int_t
ngx_paas_guard_zone_room(ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t                   i, n;
    ngx_paas_guard_service_t   **services;

    services = zone->mcf->services.elts;
    n = 0;

    for (i = 0; i < zone->mcf->services.nelts; i++) {
        n += services[i]->zone == zone;
    }

    if (n < zone->core.services) {
        return NGX_OK;
    }

    if (n < PGUARD_SERVICES_MAX) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "paas_guard_zone \"%V\" has room for %ud services, and "
                      "%ui are configured: a zone of 1m or more has room for "
                      "all", &zone->name, zone->core.services - 1, n);
    } else {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "paas_guard_zone \"%V\" has room for %ud services, and "
                      "%ui are configured: no zone has room for more than %d, "
                      "so use several", &zone->name, zone->core.services - 1,
                      n, PGUARD_SERVICES_MAX - 1);
    }

    return NGX_ERROR;
}


ngx_int_t
ngx_paas_guard_zone_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_zone_t *zone)
{
    zone->counters = pguard_zone_counters(&zone->core, ngx_worker);

    if (ngx_worker != 0) {
        return NGX_OK;
    }

    /* saved is 0: what a worker before this one has not saved is still due */

    zone->timer.handler = ngx_paas_guard_zone_tick;
    zone->timer.data = zone;
    zone->timer.log = cycle->log;
    zone->timer.cancelable = 1;

    ngx_add_timer(&zone->timer, NGX_PAAS_GUARD_TICK);

    return NGX_OK;
}


static void
ngx_paas_guard_zone_sample(ngx_paas_guard_zone_t *zone)
{
    uint64_t  total[PGUARD_VERDICTS];

    pguard_zone_requests(&zone->core, total);
    pguard_history_sample(zone->core.history, total,
                          ngx_paas_guard_clock(NULL));
}


/* As a second begins, so that each has a moment in the history. */

static void
ngx_paas_guard_zone_tick(ngx_event_t *ev)
{
    ngx_paas_guard_zone_t  *zone;

    zone = ev->data;

    ngx_paas_guard_zone_sample(zone);
    ngx_paas_guard_log_summaries(zone, ev->log);
    ngx_paas_guard_audit_blocks(zone);
    ngx_paas_guard_state_save(zone, 0, ev->log);

    ngx_add_timer(ev, NGX_PAAS_GUARD_TICK
                      - ngx_paas_guard_clock(NULL) % NGX_PAAS_GUARD_TICK);
}


void
ngx_paas_guard_zone_exit_process(ngx_paas_guard_zone_t *zone)
{
    if (ngx_worker == 0) {
        ngx_paas_guard_state_save(zone, 1, ngx_cycle->log);
        (void) ngx_paas_guard_file_written(&zone->file, 1, ngx_cycle->log);
    }
}
