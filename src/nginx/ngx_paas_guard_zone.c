#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_TICK  1000       /* ms */


/*
 * What a block is set for.  Without a store, blocks are kept under the hash of
 * the rule's key, which a request costs next to nothing; with one, under the
 * key's id, by which other gateways know it, too.
 */

typedef struct {
    ngx_paas_guard_rule_t     *rule;
    ngx_paas_guard_service_t  *service;     /* NULL: all */
    pguard_hash_t              hash[2];     /* by kind */
    pguard_id_t                id;
    uint64_t                   count;
} ngx_paas_guard_offence_t;


static ngx_int_t ngx_paas_guard_zone_reuse(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_zone_t *old);
static ngx_int_t ngx_paas_guard_zone_create(ngx_paas_guard_zone_t *zone);
static ngx_int_t ngx_paas_guard_zone_names(ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_zone_move(ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_zone_tick(ngx_event_t *ev);
static ngx_int_t ngx_paas_guard_zone_punish(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_offence_t *offence, pguard_block_t *b);
static ngx_paas_guard_rule_t *ngx_paas_guard_zone_rule(
    ngx_paas_guard_zone_t *zone, ngx_str_t *name);
static ngx_paas_guard_service_t *ngx_paas_guard_zone_service(
    ngx_paas_guard_zone_t *zone, ngx_str_t *name);


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

    zone->key = &gmcf->key;

    if (gmcf->secret_file.len == 0) {
        secret = pguard_zone_secret(&zone->core, &len);
        zone->key = &zone->own_key;

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

    if (pguard_zone_open(&zone->core, zone->memory, old->core.size) != 0) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "paas_guard_zone \"%V\" has the memory of another "
                      "version: restart nginx", &zone->name);
        return NGX_ERROR;
    }

    return NGX_OK;
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

    if (pguard_zone_create(zone->memory, size) != 0
        || pguard_zone_open(&zone->core, zone->memory, size) != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "paas_guard_zone \"%V\" is too small", &zone->name);
        return NGX_ERROR;
    }

    secret = pguard_zone_secret(&zone->core, &len);

    if (getentropy(secret, len) != 0) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "paas_guard_zone \"%V\": getentropy() failed",
                      &zone->name);
        return NGX_ERROR;
    }

    ngx_paas_guard_zone_move(zone);

    return NGX_OK;
}


/* Blocks outlive a reload that changes the zone's size, and a restart if there
   is a state file.  Which takes its place: the newer of the two. */

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


static ngx_int_t
ngx_paas_guard_zone_names(ngx_paas_guard_zone_t *zone)
{
    int                           index;
    ngx_uint_t                    i, n;
    pguard_str_t                  name;
    ngx_paas_guard_rule_t       **rules;
    ngx_paas_guard_service_t    **services;
    ngx_paas_guard_main_conf_t   *gmcf;

    gmcf = zone->mcf;
    rules = gmcf->rules.elts;
    services = gmcf->services.elts;
    index = 0;
    n = 0;

    for (i = 0; i < gmcf->services.nelts; i++) {
        n += services[i]->zone == zone;
    }

    if (n >= zone->core.services) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "paas_guard_zone \"%V\" has room for %ud services, and "
                      "%ui are configured: use a larger zone, or another",
                      &zone->name, zone->core.services - 1, n);
        return NGX_ERROR;
    }

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
ngx_paas_guard_zone_save(ngx_paas_guard_zone_t *zone, ngx_log_t *log)
{
    uint64_t  changes;

    changes = pguard_zone_changes(&zone->core);

    if (zone->state.len && changes != zone->saved) {
        zone->saved = changes;
        ngx_paas_guard_state_save(zone, log);
    }
}


static void
ngx_paas_guard_zone_tick(ngx_event_t *ev)
{
    ngx_paas_guard_zone_t  *zone;

    zone = ev->data;

    ngx_paas_guard_log_summaries(zone, ev->log);
    ngx_paas_guard_zone_save(zone, ev->log);

    ngx_add_timer(ev, NGX_PAAS_GUARD_TICK);
}


void
ngx_paas_guard_zone_exit_process(ngx_paas_guard_zone_t *zone)
{
    if (ngx_worker == 0) {
        ngx_paas_guard_zone_save(zone, ngx_cycle->log);
    }
}


static ngx_uint_t
ngx_paas_guard_zone_find(ngx_paas_guard_zone_t *zone,
    pguard_block_kind_e kind, pguard_hash_t key, pguard_msec_t now,
    pguard_block_t *b)
{
    pguard_block_t  *found;

    found = pguard_block_find(&zone->core.blocks, kind, key, now);

    if (found == NULL || !pguard_block_copy(found, key, now, b)) {
        return 0;
    }

    (void) pguard_add(&found->refused, 1);

    return 1;
}


ngx_uint_t
ngx_paas_guard_zone_blocked(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_service_t *service, ngx_paas_guard_key_t *key,
    pguard_msec_t now, pguard_block_t *b)
{
    pguard_id_t             id;
    const pguard_blocks_t  *blocks;

    blocks = &zone->core.blocks;

    if (pguard_block_any(blocks, PGUARD_BLOCK_HERE, now)
        && ngx_paas_guard_zone_find(zone, PGUARD_BLOCK_HERE,
                                    ngx_paas_guard_block_key(key->rule,
                                                             service,
                                                             key->hash),
                                    now, b))
    {
        return 1;
    }

    if (!pguard_block_any(blocks, PGUARD_BLOCK_ELSEWHERE, now)) {
        return 0;
    }

    id = ngx_paas_guard_key_id(key);

    return ngx_paas_guard_zone_find(zone, PGUARD_BLOCK_ELSEWHERE,
                                    ngx_paas_guard_block_key(key->rule,
                                                             service,
                                           pguard_block_id_key(&id)),
                                    now, b);
}


ngx_int_t
ngx_paas_guard_zone_block(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_service_t *service, ngx_paas_guard_key_t *key,
    pguard_window_result_t *evidence, pguard_block_t *b)
{
    ngx_paas_guard_offence_t  offence;

    offence.rule = key->rule;
    offence.service = key->rule->scope_zone ? NULL : service;
    offence.id = ngx_paas_guard_key_id(key);
    offence.hash[PGUARD_BLOCK_HERE] = key->hash;
    offence.hash[PGUARD_BLOCK_ELSEWHERE] = pguard_block_id_key(&offence.id);
    offence.count = evidence->count;

    pguard_window_forget(&zone->core.windows,
                         ngx_paas_guard_window_key(key, service));

    return ngx_paas_guard_zone_punish(zone, &offence, b);
}


void
ngx_paas_guard_zone_exceeded(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_item_t *item)
{
    pguard_block_t            b;
    ngx_paas_guard_offence_t  offence;

    offence.rule = ngx_paas_guard_zone_rule(zone, &item->rule);
    offence.service = ngx_paas_guard_zone_service(zone, &item->service);

    if (offence.rule == NULL
        || (offence.service == NULL && !offence.rule->scope_zone))
    {
        return;
    }

    /* only the id is known here: under which all is kept, with a store */

    offence.id = item->id;
    offence.hash[PGUARD_BLOCK_ELSEWHERE] = pguard_block_id_key(&item->id);
    offence.hash[PGUARD_BLOCK_HERE] = offence.hash[PGUARD_BLOCK_ELSEWHERE];
    offence.count = item->total;

    (void) ngx_paas_guard_zone_punish(zone, &offence, &b);
}


/* The block for an offence, but for its length. */

static void
ngx_paas_guard_zone_sentence(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_offence_t *offence, pguard_msec_t now, pguard_block_t *b)
{
    ngx_paas_guard_rule_t  *rule;

    rule = offence->rule;

    ngx_memzero(b, sizeof(pguard_block_t));

    b->kind = zone->mcf->store ? PGUARD_BLOCK_ELSEWHERE : PGUARD_BLOCK_HERE;
    b->key = ngx_paas_guard_block_key(rule, offence->service,
                                      offence->hash[b->kind]);
    b->id = offence->id;
    b->since = now;
    b->count = offence->count;
    b->limit = rule->window.limit;
    b->window = rule->window.window;
    b->rule = zone->rules[rule->index];
    b->service = offence->service ? offence->service->index
                                  : PGUARD_SERVICE_ALL;
    b->reason = rule->reason;

    ngx_paas_guard_event_id(zone->mcf->worker, b->event);
}


static void
ngx_paas_guard_zone_escalate(ngx_paas_guard_rule_t *rule, unsigned steps,
    pguard_block_t *b)
{
    b->last = pguard_block_length(&rule->block, steps);
    b->until = b->since + b->last;
    b->forget = ngx_max(b->last, rule->block.window);
    b->step = ngx_min(steps + 1, PGUARD_BLOCK_MAX_STEP);
}


/* The block, active or remembered, that has the most offences of those of the
   two kinds; the caller holds the lock. */

static pguard_block_t *
ngx_paas_guard_zone_record(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_offence_t *offence, pguard_msec_t now)
{
    ngx_uint_t       kind;
    pguard_block_t  *b, *found;

    found = NULL;

    for (kind = 0; kind < 2; kind++) {

        b = pguard_block_get(&zone->core.blocks, kind,
                             ngx_paas_guard_block_key(offence->rule,
                                                      offence->service,
                                                      offence->hash[kind]));

        if (pguard_block_steps(b, now) > pguard_block_steps(found, now)) {
            found = b;
        }
    }

    return found;
}


static ngx_int_t
ngx_paas_guard_zone_punish(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_offence_t *offence, pguard_block_t *b)
{
    unsigned         evicted;
    pguard_msec_t    now;
    pguard_block_t  *was, *set;

    ngx_shmtx_lock(&zone->shpool->mutex);

    now = ngx_paas_guard_clock(NULL);
    ngx_paas_guard_zone_sentence(zone, offence, now, b);

    was = ngx_paas_guard_zone_record(zone, offence, now);

    if (was && was->until > now) {
        *b = *was;
        ngx_shmtx_unlock(&zone->shpool->mutex);
        return NGX_OK;
    }

    ngx_paas_guard_zone_escalate(offence->rule, pguard_block_steps(was, now),
                                 b);
    set = pguard_block_put(&zone->core.blocks, b, now, &evicted);

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (set == NULL) {
        (void) pguard_add(&zone->counters->exhausted, 1);
        return NGX_DECLINED;
    }

    pguard_zone_changed(&zone->core);
    (void) pguard_add(&zone->counters->blocks[b->rule], 1);
    (void) pguard_add(&zone->counters->evictions[PGUARD_ENTRY_BLOCK], evicted);

    ngx_paas_guard_log_block(zone, b, "blocked", ngx_cycle->log);

    if (zone->mcf->store) {
        ngx_paas_guard_store_block(zone->mcf->store, zone, b);
    }

    return NGX_OK;
}


static ngx_paas_guard_rule_t *
ngx_paas_guard_zone_rule(ngx_paas_guard_zone_t *zone, ngx_str_t *name)
{
    ngx_uint_t               i;
    ngx_paas_guard_rule_t  **rules;

    rules = zone->mcf->rules.elts;

    for (i = 0; i < zone->mcf->rules.nelts; i++) {
        if (rules[i]->name.len == name->len
            && ngx_strncmp(rules[i]->name.data, name->data, name->len) == 0)
        {
            return rules[i];
        }
    }

    return NULL;
}


static ngx_paas_guard_service_t *
ngx_paas_guard_zone_service(ngx_paas_guard_zone_t *zone, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_paas_guard_service_t  **services;

    services = zone->mcf->services.elts;

    for (i = 0; i < zone->mcf->services.nelts; i++) {
        if (services[i]->zone == zone
            && services[i]->name.len == name->len
            && ngx_strncmp(services[i]->name.data, name->data, name->len)
               == 0)
        {
            return services[i];
        }
    }

    return NULL;
}


/* Rule and service of a block that others name; NGX_DECLINED: not known. */

static ngx_int_t
ngx_paas_guard_zone_named(ngx_paas_guard_zone_t *zone, ngx_str_t *rule_name,
    ngx_str_t *service_name, const pguard_id_t *id, pguard_block_t *b)
{
    ngx_paas_guard_rule_t     *rule;
    ngx_paas_guard_service_t  *service;

    rule = ngx_paas_guard_zone_rule(zone, rule_name);
    service = ngx_paas_guard_zone_service(zone, service_name);

    if (rule == NULL || (service == NULL && !rule->scope_zone)) {
        return NGX_DECLINED;
    }

    b->kind = PGUARD_BLOCK_ELSEWHERE;
    b->key = ngx_paas_guard_block_key(rule, service, pguard_block_id_key(id));
    b->rule = zone->rules[rule->index];
    b->service = rule->scope_zone ? PGUARD_SERVICE_ALL : service->index;

    return NGX_OK;
}


void
ngx_paas_guard_zone_learn(ngx_paas_guard_zone_t *zone, ngx_str_t *rule,
    ngx_str_t *service, pguard_block_t *b)
{
    unsigned         evicted;
    pguard_msec_t    now;
    pguard_block_t  *was, *set;

    if (ngx_paas_guard_zone_named(zone, rule, service, &b->id, b) != NGX_OK) {
        return;
    }

    ngx_shmtx_lock(&zone->shpool->mutex);

    now = ngx_paas_guard_clock(NULL);
    was = pguard_block_find(&zone->core.blocks, b->kind, b->key, now);

    if (was && was->until >= b->until) {
        ngx_shmtx_unlock(&zone->shpool->mutex);
        return;
    }

    set = pguard_block_put(&zone->core.blocks, b, now, &evicted);

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (set == NULL) {
        (void) pguard_add(&zone->counters->exhausted, 1);
        return;
    }

    pguard_zone_changed(&zone->core);
    (void) pguard_add(&zone->counters->evictions[PGUARD_ENTRY_BLOCK], evicted);

    ngx_paas_guard_log_block(zone, b, "learned of", ngx_cycle->log);
}


void
ngx_paas_guard_zone_unlearn(ngx_paas_guard_zone_t *zone, ngx_str_t *rule,
    ngx_str_t *service, pguard_id_t *id)
{
    uint64_t         pos;
    pguard_msec_t    now;
    pguard_block_t   b, *next;

    if (ngx_paas_guard_zone_named(zone, rule, service, id, &b) != NGX_OK) {
        return;
    }

    now = ngx_paas_guard_clock(NULL);
    pos = 0;

    ngx_shmtx_lock(&zone->shpool->mutex);

    for ( ;; ) {
        next = pguard_block_next(&zone->core.blocks, &pos, now);

        if (next == NULL) {
            break;
        }

        if (next->rule == b.rule && next->service == b.service
            && ngx_memcmp(next->id.bytes, id->bytes, PGUARD_ID_LEN) == 0)
        {
            pguard_block_lift(&zone->core.blocks, next);
        }
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    pguard_zone_changed(&zone->core);
}
