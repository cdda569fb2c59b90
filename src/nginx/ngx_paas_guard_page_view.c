/*
 * What the status page shows, taken from the zones and the store.
 */

#include "ngx_paas_guard_page.h"


static void ngx_paas_guard_page_requests(ngx_paas_guard_view_t *view);
static void ngx_paas_guard_page_fill(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_page_top(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_page_blocks(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_page_rules(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_page_services(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_page_store(ngx_paas_guard_view_t *view,
    ngx_paas_guard_store_t *store);


void
ngx_paas_guard_page_view(ngx_paas_guard_view_t *view,
    ngx_paas_guard_store_t *store)
{
    ngx_uint_t  i;

    ngx_paas_guard_page_requests(view);
    ngx_paas_guard_page_store(view, store);

    for (i = 0; i < view->nzones; i++) {
        ngx_paas_guard_page_fill(view, view->zones[i]);
        ngx_paas_guard_page_top(view, view->zones[i]);
        ngx_paas_guard_page_blocks(view, view->zones[i]);
        ngx_paas_guard_page_rules(view, view->zones[i]);
        ngx_paas_guard_page_services(view, view->zones[i]);
    }
}


/* Requests of all zones that are wanted, added up. */

static void
ngx_paas_guard_page_requests(ngx_paas_guard_view_t *view)
{
    uint64_t          total[PGUARD_VERDICTS], all;
    ngx_uint_t        i, span, slot, v;
    pguard_series_t  *sum, series;

    for (span = 0; span < PGUARD_SPANS; span++) {
        sum = &view->status.series[span];

        for (i = 0; i < view->nzones; i++) {
            pguard_zone_requests(&view->zones[i]->core, total);
            pguard_history_read(view->zones[i]->core.history, span, total,
                                view->status.now, &series);

            sum->slots = series.slots;

            for (slot = 0; slot < series.slots; slot++) {
                for (v = 0, all = 0; v < PGUARD_VERDICTS; v++) {
                    sum->slot[slot][v] += series.slot[slot][v];
                    sum->sum[v] += series.slot[slot][v];
                    all += sum->slot[slot][v];
                }

                sum->most = ngx_max(sum->most, all);
            }
        }
    }
}


static void
ngx_paas_guard_page_fill(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t             kind;
    pguard_counters_t     *counters;
    pguard_status_zone_t  *z;

    if (view->status.zones.n == NGX_PAAS_GUARD_PAGE_ZONES) {
        view->status.zones.more++;
        return;
    }

    z = &view->zone[view->status.zones.n++];
    view->status.zones.of = view->zone;

    counters = pguard_zone_counters(&zone->core, 0);

    ngx_paas_guard_core_str(z->name, zone->name);
    z->bytes = zone->shm_zone->shm.size;
    z->exhausted = pguard_zone_sum(&zone->core, &counters->exhausted);

    for (kind = 0; kind < PGUARD_ENTRIES; kind++) {
        z->entries[kind] = ngx_paas_guard_entries(zone, kind,
                                                  view->status.now * 1000);
        z->capacity[kind] = pguard_zone_capacity(&zone->core, kind);
        z->evictions[kind] = pguard_zone_sum(&zone->core,
                                             &counters->evictions[kind]);
    }
}


static void
ngx_paas_guard_page_top(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone)
{
    size_t                i, n, at;
    uint64_t              others;
    pguard_status_top_t   t;
    pguard_top_client_t   list[NGX_PAAS_GUARD_PAGE_TOP];

    n = pguard_top_read(&zone->core.top, view->status.now, list,
                        NGX_PAAS_GUARD_PAGE_TOP, &others);

    view->status.others += others;
    view->status.top.of = view->top;

    for (i = 0; i < n; i++) {
        t.client = list[i];
        ngx_paas_guard_core_str(t.zone, zone->name);
        t.service = pguard_zone_name(&zone->core, PGUARD_NAME_SERVICE,
                                     list[i].service);
        t.rule = pguard_zone_name(&zone->core, PGUARD_NAME_RULE,
                                  list[i].rule);

        if (view->status.top.n < NGX_PAAS_GUARD_PAGE_TOP) {
            view->status.top.n++;

        } else {
            at = NGX_PAAS_GUARD_PAGE_TOP - 1;

            if (view->top[at].client.count >= list[i].count) {
                view->status.others += list[i].count;
                continue;
            }

            view->status.others += view->top[at].client.count;
        }

        for (at = view->status.top.n - 1;
             at > 0 && view->top[at - 1].client.count < list[i].count;
             at--)
        {
            view->top[at] = view->top[at - 1];
        }

        view->top[at] = t;
    }
}


/* The newest first. */

static void
ngx_paas_guard_page_block(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b)
{
    size_t                  at;
    pguard_status_block_t  *t;

    at = view->status.blocks.n;

    if (at < NGX_PAAS_GUARD_PAGE_BLOCKS) {
        view->status.blocks.n++;

    } else if (view->block[--at].block.since >= b->since) {
        return;
    }

    for ( /* void */ ;
         at > 0 && view->block[at - 1].block.since < b->since;
         at--)
    {
        view->block[at] = view->block[at - 1];
    }

    t = &view->block[at];

    t->block = *b;
    ngx_paas_guard_core_str(t->zone, zone->name);
    t->service = pguard_zone_name(&zone->core, PGUARD_NAME_SERVICE,
                                  b->service);
    t->rule = pguard_zone_name(&zone->core, PGUARD_NAME_RULE, b->rule);
}


static void
ngx_paas_guard_page_blocks(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone)
{
    uint64_t         pos;
    pguard_block_t   b, *next;

    view->status.blocks.of = view->block;

    for (pos = 0; /* void */ ; /* void */ ) {

        next = pguard_block_next(&zone->core.blocks, &pos, view->status.now);

        if (next == NULL) {
            break;
        }

        if (pguard_block_copy(next, next->key, view->status.now, &b)) {
            ngx_paas_guard_page_block(view, zone, &b);
            view->status.active++;
        }
    }

    view->status.blocks.more = view->status.active - view->status.blocks.n;
}


static void
ngx_paas_guard_page_rules(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t               i, span, index;
    pguard_counters_t       *counters;
    pguard_status_rule_t    *t;
    ngx_paas_guard_rule_t  **rules;

    rules = zone->mcf->rules.elts;
    counters = pguard_zone_counters(&zone->core, 0);
    view->status.rules.of = view->rule;

    for (i = 0; i < zone->mcf->rules.nelts; i++) {

        if (view->status.rules.n == NGX_PAAS_GUARD_PAGE_RULES) {
            view->status.rules.more++;
            continue;
        }

        t = &view->rule[view->status.rules.n++];
        index = zone->rules[rules[i]->index];

        ngx_paas_guard_core_str(t->zone, zone->name);
        ngx_paas_guard_core_str(t->name, rules[i]->name);
        t->limit = rules[i]->window.limit;
        t->window = rules[i]->window.window;
        t->reason = rules[i]->reason;
        t->blocks = pguard_zone_sum(&zone->core, &counters->blocks[index]);

        for (span = 0; span < PGUARD_PEAK_SPANS; span++) {
            t->peak[span] = pguard_peak_read(&zone->core.peaks[index], span,
                                             view->status.now);
        }
    }
}


static uint64_t
ngx_paas_guard_page_refused(pguard_status_service_t *t)
{
    return t->requests[PGUARD_VERDICT_THROTTLED]
           + t->requests[PGUARD_VERDICT_BLOCKED];
}


/* Those with the most refusals first, else in the order of their names' use;
   "other" only where anything was counted under it. */

static void
ngx_paas_guard_page_services(ngx_paas_guard_view_t *view,
    ngx_paas_guard_zone_t *zone)
{
    size_t                    at;
    ngx_uint_t                i, v, n;
    pguard_counters_t        *counters;
    pguard_status_service_t   t;

    counters = pguard_zone_counters(&zone->core, 0);
    n = pguard_zone_names(&zone->core, PGUARD_NAME_SERVICE);
    view->status.services.of = view->service;

    for (i = 0; i < n; i++) {
        ngx_memzero(&t, sizeof(pguard_status_service_t));

        ngx_paas_guard_core_str(t.zone, zone->name);
        t.name = pguard_zone_name(&zone->core, PGUARD_NAME_SERVICE, i);

        for (v = 0; v < PGUARD_VERDICTS; v++) {
            t.requests[v] = pguard_zone_sum(&zone->core,
                                         &counters->service[i].requests[v]);
        }

        if (i == 0 && t.requests[PGUARD_VERDICT_PASSED] == 0
            && ngx_paas_guard_page_refused(&t) == 0)
        {
            continue;
        }

        at = view->status.services.n;

        if (at < NGX_PAAS_GUARD_PAGE_SERVICES) {
            view->status.services.n++;

        } else {
            view->status.services.more++;

            if (ngx_paas_guard_page_refused(&view->service[--at])
                >= ngx_paas_guard_page_refused(&t))
            {
                continue;
            }
        }

        while (at > 0 && ngx_paas_guard_page_refused(&view->service[at - 1])
                         < ngx_paas_guard_page_refused(&t))
        {
            view->service[at] = view->service[at - 1];
            at--;
        }

        view->service[at] = t;
    }
}


/* The least bound that 99 % of the calls stayed below; 0: none did. */

static uint64_t
ngx_paas_guard_page_p99(const ngx_paas_guard_store_shared_t *shared,
    uint64_t n)
{
    uint64_t    sum;
    ngx_uint_t  i;

    for (i = 0, sum = 0; i < NGX_PAAS_GUARD_STORE_BUCKETS - 1; i++) {
        sum += pguard_peek(&shared->bucket[i]);

        if (sum >= n - n / 100) {
            return ngx_paas_guard_store_bounds[i];
        }
    }

    return 0;
}


static void
ngx_paas_guard_page_store(ngx_paas_guard_view_t *view,
    ngx_paas_guard_store_t *store)
{
    uint64_t                        n;
    ngx_uint_t                      i;
    pguard_status_store_t          *t;
    ngx_paas_guard_store_shared_t  *shared;

    if (store == NULL) {
        return;
    }

    t = &view->status.store;
    shared = ngx_paas_guard_store_shared(store);

    t->state = ngx_paas_guard_store_up(store) ? PGUARD_STATUS_STORE_UP
                                              : PGUARD_STATUS_STORE_AWAY;

    for (i = 0; i < NGX_PAAS_GUARD_RESULTS; i++) {
        n = pguard_peek(&shared->commands[i]);

        if (i == NGX_PAAS_GUARD_RESULT_OK) {
            t->ok = n;

        } else {
            t->failed += n;
        }
    }

    for (i = 0, n = 0; i < NGX_PAAS_GUARD_STORE_BUCKETS; i++) {
        n += pguard_peek(&shared->bucket[i]);
    }

    t->mean = n ? pguard_peek(&shared->sum) / n : 0;
    t->p99 = ngx_paas_guard_page_p99(shared, n);
    t->overshoot = pguard_peek(&shared->overshoot);
    t->degraded = ngx_paas_guard_store_lost(shared);
}
