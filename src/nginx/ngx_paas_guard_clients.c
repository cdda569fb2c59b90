/*
 * What a zone has of one client: noted by its id, found by it, forgotten.
 */

#include "ngx_paas_guard_zone.h"


void
ngx_paas_guard_client_tell(ngx_paas_guard_zone_t *zone, pguard_hash_t hash,
    const pguard_id_t *id)
{
    pguard_client_note(&zone->core.clients, hash, id,
                       ngx_paas_guard_clock(NULL));
}


static uint64_t
ngx_paas_guard_lift_who(ngx_paas_guard_zone_t *zone, const u_char *data,
    size_t len)
{
    pguard_str_t  s;

    s.data = data;
    s.len = len;

    return pguard_key_hash(zone->key, s).lo;
}


void
ngx_paas_guard_lifted(ngx_paas_guard_zone_t *zone, const pguard_id_t *id)
{
    pguard_lift_note(zone->core.lifts,
                     ngx_paas_guard_lift_who(zone, id->bytes, PGUARD_ID_LEN),
                     ngx_paas_guard_now());
}


void
ngx_paas_guard_lifted_here(ngx_paas_guard_zone_t *zone, const u_char *event)
{
    pguard_lift_note(zone->core.lifts,
                     ngx_paas_guard_lift_who(zone, event, PGUARD_EVENT_LEN),
                     ngx_paas_guard_now());
}


ngx_uint_t
ngx_paas_guard_was_lifted_here(ngx_paas_guard_zone_t *zone,
    const u_char *event)
{
    return ngx_paas_guard_lifts(zone)
           && pguard_lift_time(zone->core.lifts,
                               ngx_paas_guard_lift_who(zone, event,
                                                       PGUARD_EVENT_LEN));
}


ngx_uint_t
ngx_paas_guard_lifted_since(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, uint64_t since)
{
    return ngx_paas_guard_lifts(zone)
           && pguard_lift_time(zone->core.lifts,
                               ngx_paas_guard_lift_who(zone, id->bytes,
                                                       PGUARD_ID_LEN))
              >= since;
}


/* Calls handler for each count of a hash, under each rule and in each service
   that there is. */

static void
ngx_paas_guard_hash_counts(ngx_paas_guard_zone_t *zone, pguard_hash_t hash,
    pguard_msec_t now, ngx_paas_guard_count_pt handler, void *data)
{
    ngx_uint_t                    i, j;
    ngx_paas_guard_key_t          key;
    ngx_paas_guard_rule_t       **rules;
    ngx_paas_guard_counted_by_t   by;
    ngx_paas_guard_service_t    **services;

    ngx_memzero(&key, sizeof(ngx_paas_guard_key_t));

    rules = zone->mcf->rules.elts;
    services = zone->mcf->services.elts;
    key.hash = hash;

    for (i = 0; i < zone->mcf->rules.nelts; i++) {
        key.rule = rules[i];
        by.rule = rules[i];

        for (j = 0; j < zone->mcf->services.nelts; j++) {

            if (services[j]->zone != zone) {
                continue;
            }

            by.service = rules[i]->scope_zone ? NULL : services[j];
            by.key = ngx_paas_guard_window_key(&key, services[j]);
            by.state = pguard_window_peek(&zone->core.windows, by.key,
                                          &rules[i]->window, now);
            if (by.state.count) {
                handler(&by, data);
            }

            if (rules[i]->scope_zone) {
                break;
            }
        }
    }
}


void
ngx_paas_guard_client_counts(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, pguard_msec_t now, ngx_paas_guard_count_pt handler,
    void *data)
{
    uint64_t       pos;
    pguard_hash_t  hash;

    pos = 0;

    while (pguard_client_next(&zone->core.clients, id, &pos, &hash)) {
        ngx_paas_guard_hash_counts(zone, hash, now, handler, data);
    }
}


/* A lift, and the counts that are forgotten with it. */

typedef struct {
    ngx_paas_guard_zone_t  *zone;
    const pguard_block_t   *block;
} ngx_paas_guard_lift_t;


static void
ngx_paas_guard_lift_count(ngx_paas_guard_counted_by_t *by, void *data)
{
    ngx_paas_guard_lift_t *lift = data;

    ngx_uint_t              service;
    ngx_paas_guard_zone_t  *zone;

    zone = lift->zone;
    service = by->service ? by->service->index : PGUARD_SERVICE_ALL;

    if (zone->rules[by->rule->index] == lift->block->rule
        && service == lift->block->service)
    {
        pguard_window_forget(&zone->core.windows, by->key);
    }
}


void
ngx_paas_guard_lift_counts(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b, pguard_msec_t now)
{
    ngx_paas_guard_lift_t  lift;

    lift.zone = zone;
    lift.block = b;

    ngx_paas_guard_client_counts(zone, &b->id, now, ngx_paas_guard_lift_count,
                                 &lift);
}


ngx_uint_t
ngx_paas_guard_client_known(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id)
{
    uint64_t       pos;
    pguard_hash_t  hash;

    pos = 0;

    return pguard_client_next(&zone->core.clients, id, &pos, &hash);
}


ngx_uint_t
ngx_paas_guard_block_of(const pguard_block_t *b, const pguard_id_t *id)
{
    return pguard_id_known(id)
           && (pguard_id_same(&b->id, id) || pguard_id_same(&b->client, id));
}


static void
ngx_paas_guard_forget_count(ngx_paas_guard_counted_by_t *by, void *data)
{
    ngx_paas_guard_forget_t  *forget = data;

    forget->counts++;
    pguard_window_forget(&forget->zone->core.windows, by->key);
}


/* Caller holds the lock. */

static void
ngx_paas_guard_forget_blocks(ngx_paas_guard_forget_t *forget,
    const pguard_id_t *id, pguard_msec_t now)
{
    uint64_t          n;
    pguard_block_t   *b;
    pguard_blocks_t  *blocks;

    blocks = &forget->zone->core.blocks;

    /* all entries: also of what counts for nothing any more */

    for (n = 0; n < blocks->capacity; n++) {
        b = &blocks->block[n];

        if (!blocks->tag[n] || !ngx_paas_guard_block_of(b, id)) {
            continue;
        }

        if (b->until > now) {
            forget->blocks++;

        } else {
            forget->events += (b->step != 0);
        }

        /* what the audit log is owed of it is told before it goes */

        pguard_block_lift(blocks, b, PGUARD_BLOCK_FORGOTTEN, now);

        if (ngx_paas_guard_audit_block(forget->zone, b, now) != NGX_OK) {
            forget->left++;

        } else if (blocks->tag[n]) {
            pguard_block_lift(blocks, b, PGUARD_BLOCK_FORGOTTEN, now);
        }
    }
}


void
ngx_paas_guard_client_forget(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, ngx_paas_guard_forget_t *forget)
{
    pguard_msec_t  now;

    now = ngx_paas_guard_clock(NULL);

    ngx_memzero(forget, sizeof(ngx_paas_guard_forget_t));
    forget->zone = zone;

    ngx_paas_guard_lifted(zone, id);
    ngx_paas_guard_client_counts(zone, id, now, ngx_paas_guard_forget_count,
                                 forget);
    pguard_client_forget(&zone->core.clients, id);

    forget->events += pguard_burst_forget(&zone->core.bursts, id);
    forget->events += pguard_top_forget(&zone->core.top, id, now);

    ngx_shmtx_lock(&zone->shpool->mutex);
    ngx_paas_guard_forget_blocks(forget, id, now);
    ngx_shmtx_unlock(&zone->shpool->mutex);

    pguard_zone_changed(&zone->core);
    forget->change = pguard_zone_changes(&zone->core);
}


/* Another gateway says so. */

void
ngx_paas_guard_zone_forget(ngx_paas_guard_zone_t *zone, const pguard_id_t *id)
{
    ngx_paas_guard_forget_t  forget;

    ngx_paas_guard_client_forget(zone, id, &forget);
}
