/*
 * Blocks of a zone: found, and set for what requests do.
 */

#include "ngx_paas_guard_zone.h"


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
    pguard_id_t                client;      /* zeros: not known */
    uint64_t                   count;
    ngx_uint_t                 dry_run;
} ngx_paas_guard_offence_t;


static ngx_int_t ngx_paas_guard_zone_punish(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_offence_t *offence, pguard_block_t *b);


ngx_uint_t
ngx_paas_guard_zone_blocked(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key, pguard_msec_t now, pguard_blocked_t *b)
{
    pguard_id_t                id;
    const pguard_blocks_t     *blocks;
    ngx_paas_guard_zone_t     *zone;
    ngx_paas_guard_service_t  *service;

    zone = ctx->conf->zone;
    service = ctx->conf->service;
    blocks = &zone->core.blocks;

    if (pguard_block_any(blocks, PGUARD_BLOCK_HERE, now)
        && pguard_block_refuse(blocks, PGUARD_BLOCK_HERE,
                               ngx_paas_guard_block_key(key->rule, service,
                                                        key->hash),
                               now, b))
    {
        return 1;
    }

    if (!pguard_block_any(blocks, PGUARD_BLOCK_ELSEWHERE, now)) {
        return 0;
    }

    id = ngx_paas_guard_key_id(ctx, key);

    if (!pguard_block_refuse(blocks, PGUARD_BLOCK_ELSEWHERE,
                             ngx_paas_guard_block_key(key->rule, service,
                                                   pguard_block_id_key(&id)),
                             now, b))
    {
        return 0;
    }

    /* set without the counts of this gateway, which end with it, too */

    pguard_window_forget(&zone->core.windows,
                         ngx_paas_guard_window_key(key, service));

    return 1;
}


pguard_hash_t
ngx_paas_guard_operator_key(const pguard_id_t *client,
    ngx_paas_guard_service_t *service)
{
    pguard_hash_t  key;

    key = pguard_block_id_key(client);

    return service ? ngx_paas_guard_salt(key, service->salt) : key;
}


ngx_uint_t
ngx_paas_guard_operator_blocked(ngx_paas_guard_ctx_t *ctx, pguard_msec_t now,
    pguard_blocked_t *b)
{
    pguard_id_t             id;
    const pguard_blocks_t  *blocks;

    blocks = &ctx->conf->zone->core.blocks;
    id = ngx_paas_guard_client_id(ctx);

    return pguard_block_refuse(blocks, PGUARD_BLOCK_OPERATOR,
                               ngx_paas_guard_operator_key(&id, NULL), now, b)
           || pguard_block_refuse(blocks, PGUARD_BLOCK_OPERATOR,
                                  ngx_paas_guard_operator_key(&id,
                                                          ctx->conf->service),
                                  now, b);
}


void
ngx_paas_guard_zone_refused(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b)
{
    pguard_block_t  *found;

    found = pguard_block_get(&zone->core.blocks, b->kind, b->key);

    if (found && ngx_memcmp(found->event, b->event, PGUARD_EVENT_LEN) == 0) {
        (void) pguard_add(&found->refused, 1);
    }
}


ngx_int_t
ngx_paas_guard_zone_block(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key, pguard_window_result_t *evidence,
    pguard_block_t *b)
{
    ngx_paas_guard_zone_t     *zone;
    ngx_paas_guard_offence_t   offence;
    ngx_paas_guard_service_t  *service;

    zone = ctx->conf->zone;
    service = ctx->conf->service;

    offence.rule = key->rule;
    offence.service = key->rule->scope_zone ? NULL : service;
    offence.id = ngx_paas_guard_key_id(ctx, key);
    offence.hash[PGUARD_BLOCK_HERE] = key->hash;
    offence.hash[PGUARD_BLOCK_ELSEWHERE] = pguard_block_id_key(&offence.id);
    offence.client = ngx_paas_guard_client_id(ctx);
    offence.count = evidence->count;
    offence.dry_run = ctx->conf->dry_run;

    pguard_window_forget(&zone->core.windows,
                         ngx_paas_guard_window_key(key, service));

    return ngx_paas_guard_zone_punish(zone, &offence, b);
}


pguard_id_t
ngx_paas_guard_zone_client(ngx_paas_guard_rule_t *rule, const pguard_id_t *id)
{
    static pguard_id_t  nobody;

    return rule == NULL || rule->source == NGX_PAAS_GUARD_KEY_CLIENT
           ? *id : nobody;
}


pguard_block_t *
ngx_paas_guard_zone_put(ngx_paas_guard_zone_t *zone, pguard_block_t *b,
    pguard_msec_t now, unsigned *evicted)
{
    pguard_block_t  *set;

    if (zone->mcf->audit == NULL) {
        b->due = PGUARD_BLOCK_NOTHING;
    }

    set = pguard_block_place(&zone->core.blocks, b, now);

    if (set && set->until > now
        && ngx_memcmp(set->event, b->event, PGUARD_EVENT_LEN) == 0)
    {
        /* the same, told again with another end */

        b->refused = pguard_peek(&set->refused);
        b->due = set->due;

    } else if (set) {
        ngx_paas_guard_audit_replaced(zone, set, now);
    }

    set = pguard_block_put(&zone->core.blocks, b, now, evicted);

    if (set) {
        pguard_zone_changed(&zone->core);
        (void) ngx_paas_guard_audit_block(zone, set, now);
    }

    return set;
}


void
ngx_paas_guard_zone_exceeded(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_item_t *item)
{
    pguard_block_t            b;
    ngx_paas_guard_offence_t  offence;

    offence.rule = ngx_paas_guard_find_rule(zone->mcf, &item->rule);
    offence.service = ngx_paas_guard_find_service(zone, &item->service);

    if (offence.rule == NULL
        || (offence.service == NULL && !offence.rule->scope_zone))
    {
        return;
    }

    /* only the id is known here: under which all is kept, with a store */

    offence.id = item->id;
    offence.hash[PGUARD_BLOCK_ELSEWHERE] = pguard_block_id_key(&item->id);
    offence.hash[PGUARD_BLOCK_HERE] = offence.hash[PGUARD_BLOCK_ELSEWHERE];
    offence.client = ngx_paas_guard_zone_client(offence.rule, &item->id);
    offence.count = item->total;
    offence.dry_run = item->dry_run;

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
    b->client = offence->client;
    b->since = now;
    b->count = offence->count;
    b->limit = rule->window.limit;
    b->window = rule->window.window;
    b->rule = zone->rules[rule->index];
    b->service = offence->service ? offence->service->index
                                  : PGUARD_SERVICE_ALL;
    b->reason = rule->reason;
    b->dry_run = offence->dry_run != 0;
    b->due = PGUARD_BLOCK_BEGIN;

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

    pguard_peak_raise(&zone->core.peaks[b->rule], b->count, b->limit, now);

    was = ngx_paas_guard_zone_record(zone, offence, now);

    if (was && was->until > now) {
        *b = *was;
        ngx_shmtx_unlock(&zone->shpool->mutex);
        return NGX_OK;
    }

    ngx_paas_guard_zone_escalate(offence->rule, pguard_block_steps(was, now),
                                 b);
    set = ngx_paas_guard_zone_put(zone, b, now, &evicted);

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (set == NULL) {
        (void) pguard_add(&zone->counters->exhausted, 1);
        return NGX_DECLINED;
    }

    (void) pguard_add(&zone->counters->blocks[b->rule], 1);
    (void) pguard_add(&zone->counters->evictions[PGUARD_ENTRY_BLOCK], evicted);

    ngx_paas_guard_log_block(zone, b, "blocked", ngx_cycle->log);

    if (zone->mcf->store) {
        ngx_paas_guard_store_block(zone->mcf->store, zone, b);
    }

    return NGX_OK;
}


ngx_uint_t
ngx_paas_guard_zone_holds(ngx_paas_guard_zone_t *zone, const pguard_block_t *b)
{
    pguard_block_t  *found;

    found = pguard_block_find(&zone->core.blocks, b->kind, b->key,
                              ngx_paas_guard_clock(NULL));

    return found
           && ngx_memcmp(found->event, b->event, PGUARD_EVENT_LEN) == 0;
}


uint64_t
ngx_paas_guard_active_blocks(ngx_paas_guard_zone_t *zone, pguard_msec_t now)
{
    uint64_t         n, pos;
    pguard_block_t  *b;

    n = 0;
    pos = 0;

    for ( ;; ) {
        b = pguard_block_next(&zone->core.blocks, &pos, now);
        if (b == NULL) {
            return n;
        }

        n += pguard_load(&b->until) > now;
    }
}
