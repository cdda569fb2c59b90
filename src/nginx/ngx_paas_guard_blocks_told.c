/*
 * Blocks that are not set by what a request does here: other gateways tell of
 * them, or an operator.  ngx_paas_guard_blocks.c sets the others.
 */

#include "ngx_paas_guard_zone.h"


/* Rule, service and client of a block that others name; NGX_DECLINED: not
   known. */

static ngx_int_t
ngx_paas_guard_zone_named(ngx_paas_guard_zone_t *zone, ngx_str_t *rule_name,
    ngx_str_t *service_name, const pguard_id_t *id, pguard_block_t *b)
{
    ngx_paas_guard_rule_t     *rule;
    ngx_paas_guard_service_t  *service;

    rule = ngx_paas_guard_find_rule(zone->mcf, rule_name);
    service = ngx_paas_guard_find_service(zone, service_name);

    b->client = ngx_paas_guard_zone_client(rule, id);

    if (rule_name->len == 0 && (service || service_name->len == 0)) {
        b->kind = PGUARD_BLOCK_OPERATOR;
        b->key = ngx_paas_guard_operator_key(id, service);
        b->rule = PGUARD_RULE_NONE;
        b->service = service ? service->index : PGUARD_SERVICE_ALL;

        return NGX_OK;
    }

    if (rule == NULL || (service == NULL && !rule->scope_zone)) {
        return NGX_DECLINED;
    }

    b->kind = PGUARD_BLOCK_ELSEWHERE;
    b->key = ngx_paas_guard_block_key(rule, service, pguard_block_id_key(id));
    b->rule = zone->rules[rule->index];
    b->service = rule->scope_zone ? PGUARD_SERVICE_ALL : service->index;

    return NGX_OK;
}


ngx_uint_t
ngx_paas_guard_zone_stopped(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_item_t *item)
{
    pguard_msec_t   now;
    pguard_block_t  b;

    now = ngx_paas_guard_clock(NULL);

    return pguard_block_any(&zone->core.blocks, PGUARD_BLOCK_ELSEWHERE, now)
           && ngx_paas_guard_zone_named(zone, &item->rule, &item->service,
                                        &item->id, &b)
              == NGX_OK
           && pguard_block_find(&zone->core.blocks, b.kind, b.key, now);
}


void
ngx_paas_guard_zone_learn(ngx_paas_guard_zone_t *zone, ngx_str_t *rule,
    ngx_str_t *service, pguard_block_t *b)
{
    unsigned         evicted;
    pguard_msec_t    now;
    pguard_block_t  *was, *set;

    if (ngx_paas_guard_zone_named(zone, rule, service, &b->id, b) != NGX_OK
        || ngx_paas_guard_was_lifted_here(zone, b->event))
    {
        return;
    }

    /* its begin is in the log of the gateway that has set it, and each tells
       what it has refused itself */

    b->refused = 0;
    b->due = PGUARD_BLOCK_END;

    ngx_shmtx_lock(&zone->shpool->mutex);

    now = ngx_paas_guard_clock(NULL);
    was = pguard_block_find(&zone->core.blocks, b->kind, b->key, now);

    if (was && was->until >= b->until) {
        ngx_shmtx_unlock(&zone->shpool->mutex);
        return;
    }

    set = ngx_paas_guard_zone_put(zone, b, now, &evicted);

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (set == NULL) {
        (void) pguard_add(&zone->counters->exhausted, 1);
        return;
    }

    (void) pguard_add(&zone->counters->evictions[PGUARD_ENTRY_BLOCK], evicted);

    ngx_paas_guard_log_block(zone, b, "learned of", ngx_cycle->log);
}


void
ngx_paas_guard_zone_unlearn(ngx_paas_guard_zone_t *zone, ngx_str_t *rule,
    ngx_str_t *service, pguard_id_t *id)
{
    uint64_t         pos;
    ngx_uint_t       was;
    pguard_msec_t    now;
    pguard_block_t   b, *next;

    if (ngx_paas_guard_zone_named(zone, rule, service, id, &b) != NGX_OK) {
        return;
    }

    now = ngx_paas_guard_clock(NULL);
    pos = 0;
    was = 0;

    ngx_shmtx_lock(&zone->shpool->mutex);

    for ( ;; ) {
        next = pguard_block_next(&zone->core.blocks, &pos, now);

        if (next == NULL) {
            break;
        }

        if (next->rule == b.rule && next->service == b.service
            && pguard_id_same(&next->id, id))
        {
            was |= next->until > now;
            pguard_block_lift(&zone->core.blocks, next, PGUARD_BLOCK_LIFTED,
                              now);
        }
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    /* a lift is told again with each new connection */

    if (was) {
        b.id = *id;
        ngx_paas_guard_lift_counts(zone, &b, now);
    }

    ngx_paas_guard_lifted(zone, id);
    pguard_zone_changed(&zone->core);
}


static pguard_block_t *
ngx_paas_guard_zone_event(ngx_paas_guard_zone_t *zone, const u_char *event,
    pguard_msec_t now)
{
    uint64_t         pos;
    pguard_block_t  *b;

    pos = 0;

    for ( ;; ) {
        b = pguard_block_next(&zone->core.blocks, &pos, now);

        if (b == NULL
            || (pguard_load(&b->until) > now
                && ngx_memcmp(b->event, event, PGUARD_EVENT_LEN) == 0))
        {
            return b;
        }
    }
}


ngx_int_t
ngx_paas_guard_zone_lift(ngx_paas_guard_zone_t *zone, const u_char *event,
    pguard_msec_t now, pguard_block_t *b)
{
    pguard_block_t  *found;

    ngx_shmtx_lock(&zone->shpool->mutex);

    found = ngx_paas_guard_zone_event(zone, event, now);

    if (found) {
        *b = *found;
        pguard_block_lift(&zone->core.blocks, found, PGUARD_BLOCK_LIFTED, now);
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (found == NULL) {
        return NGX_DECLINED;
    }

    ngx_paas_guard_lift_counts(zone, b, now);
    ngx_paas_guard_lifted(zone, &b->id);
    pguard_zone_changed(&zone->core);
    ngx_paas_guard_log_block(zone, b, "lifted block of", ngx_cycle->log);

    if (zone->mcf->store) {
        ngx_paas_guard_lifted_here(zone, b->event);
        ngx_paas_guard_store_lift(zone->mcf->store, zone, b);
    }

    return NGX_OK;
}


/* What an operator sets, by no evidence and for no offence. */

ngx_int_t
ngx_paas_guard_operator_block(ngx_paas_guard_zone_t *zone, ngx_str_t *rule,
    ngx_str_t *service, pguard_msec_t length, pguard_block_t *b)
{
    pguard_block_t  *was, *set;

    if (ngx_paas_guard_zone_named(zone, rule, service, &b->id, b) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_paas_guard_event_id(zone->mcf->worker, b->event);

    b->due = PGUARD_BLOCK_BEGIN;

    ngx_shmtx_lock(&zone->shpool->mutex);

    b->since = ngx_paas_guard_clock(NULL);
    b->until = b->since + length;
    b->last = length;

    was = pguard_block_find(&zone->core.blocks, b->kind, b->key, b->since);

    if (was) {
        *b = *was;
        ngx_shmtx_unlock(&zone->shpool->mutex);
        return NGX_BUSY;
    }

    set = ngx_paas_guard_zone_put(zone, b, b->since, NULL);

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (set == NULL) {
        (void) pguard_add(&zone->counters->exhausted, 1);
        return NGX_DECLINED;
    }

    (void) pguard_add(&zone->counters->blocks_operator, 1);

    ngx_paas_guard_log_block(zone, b, "an operator blocked", ngx_cycle->log);

    if (zone->mcf->store) {
        ngx_paas_guard_store_block(zone->mcf->store, zone, b);
    }

    return NGX_OK;
}
