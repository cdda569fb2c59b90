/*
 * Counts on their way to the store: when those that wait go, and what is made
 * of the answers.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/pguard_atomic.h"
#include "ngx_paas_guard_store_private.h"
#include "ngx_paas_guard_zone.h"


#define NGX_PAAS_GUARD_FLUSH_CALLS  512        /* of one flush, at most */
#define NGX_PAAS_GUARD_FLUSH_IDLE   1000


/* A call that is out: what was counted for one id. */

typedef struct {
    ngx_paas_guard_store_t         *store;
    ngx_paas_guard_zone_t          *zone;
    ngx_uint_t                      n;
    ngx_paas_guard_item_t           items[NGX_PAAS_GUARD_ITEMS_MAX];
    uint64_t                        counts[NGX_PAAS_GUARD_ITEMS_MAX];
    uint64_t                        oldest[NGX_PAAS_GUARD_ITEMS_MAX];
} ngx_paas_guard_batch_t;


static ngx_paas_guard_pending_t *ngx_paas_guard_counts_put(
    ngx_paas_guard_store_t *store, ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_item_t *item, uint64_t n, uint64_t when);
static ngx_inline ngx_uint_t ngx_paas_guard_counts_more(
    ngx_paas_guard_pending_t *p, uint64_t n, uint64_t when);
static ngx_paas_guard_pending_t *ngx_paas_guard_counts_add(
    ngx_paas_guard_store_t *store, ngx_queue_t *bucket);
static void ngx_paas_guard_counts_learn(ngx_paas_guard_batch_t *batch,
    ngx_uint_t i, uint64_t total);
static void ngx_paas_guard_counts_timer(ngx_paas_guard_store_t *store,
    ngx_msec_t next);
static void ngx_paas_guard_counts_event(ngx_event_t *ev);
static ngx_int_t ngx_paas_guard_counts_send(ngx_paas_guard_store_t *store,
    ngx_paas_guard_pending_t *first, uint64_t now);
static ngx_uint_t ngx_paas_guard_counts_gather(ngx_paas_guard_store_t *store,
    ngx_paas_guard_pending_t *first, uint64_t now,
    ngx_paas_guard_pending_t **found);
static void ngx_paas_guard_counts_handler(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_counts_put_back(ngx_paas_guard_batch_t *batch);


void
ngx_paas_guard_store_count(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, ngx_paas_guard_item_t *item, uint64_t when)
{
    ngx_uint_t                 usable;
    ngx_paas_guard_pending_t  *p;

    usable = ngx_paas_guard_store_usable(store);

    if (store->stopping || store->counts.pending == NULL) {
        return;
    }

    p = ngx_paas_guard_counts_put(store, zone, item, 1, when);

    /* whoever has the item has told the zone whose id it is: for the short time
       until p goes, others of its slot need not */

    p->span = item->window.window * 100;
    p->lifts = ngx_paas_guard_lifts(zone);

    *ngx_paas_guard_pending_place(&store->counts, item->hash) =
                                       (uint16_t) (p - store->counts.pending);

    if (usable) {
        ngx_paas_guard_counts_timer(store, p->due);
    }
}


/* Where no flush is to come, the store is not there, or nothing waits. */

ngx_int_t
ngx_paas_guard_store_count_more(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, pguard_hash_t hash, uint64_t when)
{
    ngx_paas_guard_counts_t   *counts;
    ngx_paas_guard_pending_t  *p;

    counts = &store->counts;

    if (!counts->event.timer_set) {
        return NGX_DECLINED;
    }

    p = &counts->pending[*ngx_paas_guard_pending_place(counts, hash)];

    if (!ngx_paas_guard_pending_is(p, zone, hash)
        || when - p->slot >= p->span
        || p->lifts != ngx_paas_guard_lifts(zone))
    {
        return NGX_DECLINED;
    }

    if (ngx_paas_guard_counts_more(p, 1, when)) {
        ngx_paas_guard_counts_timer(store, p->due);
    }

    return NGX_OK;
}


static ngx_paas_guard_pending_t *
ngx_paas_guard_counts_put(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, ngx_paas_guard_item_t *item, uint64_t n,
    uint64_t when)
{
    uint64_t                   key, slot;
    ngx_queue_t               *bucket;
    ngx_paas_guard_known_t    *known;
    ngx_paas_guard_counts_t   *counts;
    ngx_paas_guard_pending_t  *p;

    counts = &store->counts;
    slot = when - when % (item->window.window * 100);
    bucket = ngx_paas_guard_pending_bucket(counts, &item->id);

    p = ngx_paas_guard_pending_find(bucket, zone, item->hash, slot);

    if (p) {
        (void) ngx_paas_guard_counts_more(p, n, when);
        return p;
    }

    p = ngx_paas_guard_counts_add(store, bucket);

    p->zone = zone;
    p->item = *item;
    p->n = n;
    p->oldest = when;
    p->slot = slot;
    p->span = 0;
    p->due = ngx_current_msec;
    p->enough = 1;

    known = ngx_paas_guard_pending_known(counts, zone, item->hash, &key);

    if (known->key == key
        && pguard_hold_valid(&known->hold, item->window.window,
                             ngx_paas_guard_redis_clock()))
    {
        p->due += known->hold.hold;
        p->enough = known->hold.enough;
    }

    return p;
}


/* 1: now they are to be told at once. */

static ngx_inline ngx_uint_t
ngx_paas_guard_counts_more(ngx_paas_guard_pending_t *p, uint64_t n,
    uint64_t when)
{
    p->n += n;
    p->oldest = ngx_min(p->oldest, when);

    if (p->n < p->enough) {
        return 0;
    }

    p->due = ngx_current_msec;

    return 1;
}


/* When all are in use: those that can be sent go, else the oldest. */

static ngx_paas_guard_pending_t *
ngx_paas_guard_counts_add(ngx_paas_guard_store_t *store, ngx_queue_t *bucket)
{
    ngx_queue_t               *q;
    ngx_paas_guard_counts_t   *counts;
    ngx_paas_guard_pending_t  *p;

    counts = &store->counts;

    if (ngx_queue_empty(&counts->free)) {
        ngx_paas_guard_counts_flush(store, 1);
    }

    if (ngx_queue_empty(&counts->free)) {
        q = ngx_queue_head(&counts->queue);
        p = ngx_queue_data(q, ngx_paas_guard_pending_t, queue);

        ngx_paas_guard_pending_free(counts, p);

        pguard_add(&store->shared->commands[NGX_PAAS_GUARD_RESULT_DROPPED], 1);
    }

    return ngx_paas_guard_pending_add(counts, bucket);
}


static void
ngx_paas_guard_counts_learn(ngx_paas_guard_batch_t *batch, ngx_uint_t i,
    uint64_t total)
{
    uint64_t                 key;
    ngx_paas_guard_item_t   *item;
    ngx_paas_guard_known_t  *known;
    ngx_paas_guard_store_t  *store;

    store = batch->store;
    item = &batch->items[i];

    if (store->counts.pending == NULL) {
        return;
    }

    known = ngx_paas_guard_pending_known(&store->counts, batch->zone,
                                         item->hash, &key);
    if (known->key != key) {
        ngx_memzero(known, sizeof(ngx_paas_guard_known_t));
        known->key = key;
    }

    pguard_hold_learn(&known->hold, total, batch->counts[i],
                      item->window.limit, item->window.window, store->flush,
                      ngx_paas_guard_redis_clock());
}


ngx_int_t
ngx_paas_guard_counts_start(ngx_paas_guard_store_t *store)
{
    ngx_event_t  *ev;

    ev = &store->counts.event;

    ev->data = &store->dummy;
    ev->log = store->log;
    ev->handler = ngx_paas_guard_counts_event;
    ev->cancelable = 1;

    return ngx_paas_guard_pending_create(&store->counts, store->log);
}


void
ngx_paas_guard_counts_stop(ngx_paas_guard_store_t *store)
{
    if (store->counts.event.timer_set) {
        ngx_del_timer(&store->counts.event);
    }

    ngx_paas_guard_pending_destroy(&store->counts);
}


void
ngx_paas_guard_counts_flush(ngx_paas_guard_store_t *store, ngx_uint_t all)
{
    uint64_t                   now;
    ngx_uint_t                 calls;
    ngx_msec_t                 next;
    ngx_queue_t                kept, *q;
    ngx_paas_guard_counts_t   *counts;
    ngx_paas_guard_pending_t  *p;

    counts = &store->counts;

    if (counts->event.timer_set) {
        ngx_del_timer(&counts->event);
    }

    /* what is to wait for a connection may wait here as well, and longer */

    if (!ngx_paas_guard_store_usable(store)
        || !ngx_paas_guard_servers_ready(store->servers))
    {
        return;
    }

    calls = 0;
    now = ngx_paas_guard_redis_clock();
    next = ngx_current_msec + NGX_PAAS_GUARD_FLUSH_IDLE;

    ngx_queue_init(&kept);

    while (!ngx_queue_empty(&counts->queue)) {

        if (calls == NGX_PAAS_GUARD_FLUSH_CALLS) {
            next = ngx_current_msec;
            break;
        }

        q = ngx_queue_head(&counts->queue);
        p = ngx_queue_data(q, ngx_paas_guard_pending_t, queue);

        if (all || (ngx_msec_int_t) (p->due - ngx_current_msec) <= 0) {
            calls++;

            if (ngx_paas_guard_counts_send(store, p, now) == NGX_OK) {
                continue;
            }

            /* others may be at another server */

            p->due = ngx_current_msec;
            p->span = 0;
        }

        next = ((ngx_msec_int_t) (p->due - next) < 0) ? p->due : next;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&kept, q);
    }

    if (!ngx_queue_empty(&kept)) {
        ngx_queue_add(&counts->queue, &kept);
    }

    if (!ngx_queue_empty(&counts->queue)) {
        ngx_paas_guard_counts_timer(store, next);
    }
}


/* Flushes at the time next, but not more often than it should. */

static void
ngx_paas_guard_counts_timer(ngx_paas_guard_store_t *store, ngx_msec_t next)
{
    ngx_event_t     *ev;
    ngx_msec_int_t   left;

    ev = &store->counts.event;
    left = (ngx_msec_int_t) (next - ngx_current_msec);
    left = ngx_max(left, (ngx_msec_int_t) store->flush);

    if (ev->timer_set) {

        if ((ngx_msec_int_t) (ev->timer.key - ngx_current_msec) <= left) {
            return;
        }

        /* nginx leaves a timer alone that is to go off a little earlier */

        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, left);
}


static void
ngx_paas_guard_counts_event(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_paas_guard_counts_flush(c->data, 0);
}


/* When the oldest came, never later than it did: of a server whose time is not
   known, so long before it looks at the call, which waits for so long at most. */

static int64_t
ngx_paas_guard_counts_at(ngx_paas_guard_store_t *store,
    ngx_paas_guard_pending_t *p, uint64_t now)
{
    uint64_t  at;

    at = ngx_paas_guard_servers_time(store->servers, &p->item.id, p->oldest);

    return at ? (int64_t) at
              : - (int64_t) (now - p->oldest + store->timeout * 1000);
}


/* What waits for the id of first goes in one call.  NGX_DECLINED: first can't
   be sent now, and is kept. */

static ngx_int_t
ngx_paas_guard_counts_send(ngx_paas_guard_store_t *store,
    ngx_paas_guard_pending_t *first, uint64_t now)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i, n;
    ngx_paas_guard_batch_t    *batch;
    ngx_paas_guard_pending_t  *p, *sent[NGX_PAAS_GUARD_ITEMS_MAX];
    ngx_paas_guard_counted_t   counted[NGX_PAAS_GUARD_ITEMS_MAX];

    if (!ngx_paas_guard_servers_reachable(store->servers, &first->item.id)) {
        return NGX_DECLINED;
    }

    batch = ngx_alloc(sizeof(ngx_paas_guard_batch_t), store->log);
    if (batch == NULL) {
        return NGX_DECLINED;
    }

    batch->store = store;
    batch->zone = first->zone;

    n = ngx_paas_guard_counts_gather(store, first, now, sent);
    batch->n = n;

    for (i = 0; i < n; i++) {
        p = sent[i];

        counted[i].item = &p->item;
        counted[i].when = NGX_PAAS_GUARD_ITEM_ALWAYS;
        counted[i].n = p->n;
        counted[i].at = ngx_paas_guard_counts_at(store, p, now);

        batch->items[i] = p->item;
        batch->counts[i] = p->n;
        batch->oldest[i] = p->oldest;
    }

    rc = NGX_OK;

    if (n) {
        rc = ngx_paas_guard_store_decide(store, batch->zone, NULL, n, counted,
                                         0, ngx_paas_guard_counts_handler,
                                         batch);
    }

    if (n == 0 || rc != NGX_OK) {
        ngx_free(batch);

        /* what is kept may be others than first */

        return first->zone ? NGX_DECLINED : NGX_OK;
    }

    for (i = 0; i < n; i++) {
        ngx_paas_guard_pending_free(&store->counts, sent[i]);
    }

    return NGX_OK;
}


/* Those of the id of first that are to be sent, as many as go in a call; what
   is older than its window, or led to a block meanwhile, goes nowhere. */

static ngx_uint_t
ngx_paas_guard_counts_gather(ngx_paas_guard_store_t *store,
    ngx_paas_guard_pending_t *first, uint64_t now,
    ngx_paas_guard_pending_t **found)
{
    ngx_uint_t                 n;
    ngx_queue_t               *bucket, *next, *q;
    pguard_id_t                id;
    ngx_paas_guard_zone_t     *zone;
    ngx_paas_guard_pending_t  *p;

    n = 0;

    /* it may be freed here */

    id = first->item.id;
    zone = first->zone;

    bucket = ngx_paas_guard_pending_bucket(&store->counts, &id);

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket) && n < NGX_PAAS_GUARD_ITEMS_MAX;
         q = next)
    {
        next = ngx_queue_next(q);
        p = ngx_queue_data(q, ngx_paas_guard_pending_t, bucket);

        if (p->zone != zone || !pguard_id_same(&p->item.id, &id)) {
            continue;
        }

        if (now - p->oldest > p->item.window.window * 1000
            || ngx_paas_guard_lifted_since(zone, &id, p->oldest)
            || ngx_paas_guard_zone_stopped(zone, &p->item))
        {
            ngx_paas_guard_pending_free(&store->counts, p);
            continue;
        }

        found[n++] = p;
    }

    return n;
}


/*
 * What was sent and not answered is not sent again: it may have been counted,
 * and a count must never be more than the truth.  What a server has refused
 * was not counted.
 */

static void
ngx_paas_guard_counts_handler(void *data, ngx_paas_guard_result_e result,
    ngx_paas_guard_reply_t *reply)
{
    uint64_t                         totals[NGX_PAAS_GUARD_ITEMS_MAX];
    ngx_uint_t                       i;
    ngx_paas_guard_item_t           *item;
    ngx_paas_guard_batch_t          *batch;
    ngx_paas_guard_store_shared_t   *shared;

    batch = data;
    shared = batch->store->shared;

    if (ngx_paas_guard_store_decided(batch->store, result, reply, batch->n)
        != NGX_OK)
    {
        if (result == NGX_PAAS_GUARD_RESULT_ERROR
            && ngx_paas_guard_redis_refused(reply))
        {
            ngx_paas_guard_counts_put_back(batch);
        }

        ngx_free(batch);
        return;
    }

    for (i = 0; i < batch->n; i++) {
        totals[i] = ngx_max(reply->values[i + 3].integer, 0);
        ngx_paas_guard_counts_learn(batch, i, totals[i]);
    }

    for (i = 0; i < batch->n; i++) {
        item = &batch->items[i];
        item->total = totals[i];

        /* a lift meanwhile has forgotten them */

        if (item->total > item->window.limit
            && !ngx_paas_guard_lifted_since(batch->zone, &item->id,
                                            batch->oldest[i]))
        {
            pguard_raise(&shared->overshoot, item->total - item->window.limit);
            ngx_paas_guard_zone_exceeded(batch->zone, item);
        }
    }

    ngx_free(batch);
}


static void
ngx_paas_guard_counts_put_back(ngx_paas_guard_batch_t *batch)
{
    ngx_uint_t               i;
    ngx_paas_guard_store_t  *store;

    store = batch->store;

    if (store->stopping) {
        return;
    }

    for (i = 0; i < batch->n; i++) {
        (void) ngx_paas_guard_counts_put(store, batch->zone,
                                         &batch->items[i], batch->counts[i],
                                         batch->oldest[i]);
    }

    ngx_paas_guard_counts_timer(store, ngx_current_msec);
}
