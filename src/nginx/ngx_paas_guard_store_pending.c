/*
 * Counts that wait to be sent to the store: sums, found by the id that they
 * are of; and what the store has last said of some.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_paas_guard_store_private.h"


ngx_int_t
ngx_paas_guard_pending_create(ngx_paas_guard_counts_t *counts,
    ngx_log_t *log)
{
    ngx_uint_t  i;

    ngx_queue_init(&counts->free);
    ngx_queue_init(&counts->queue);

    counts->buckets = ngx_alloc(NGX_PAAS_GUARD_PENDING_BUCKETS
                                * sizeof(ngx_queue_t), log);
    counts->pending = ngx_calloc(NGX_PAAS_GUARD_PENDING_MAX
                                 * sizeof(ngx_paas_guard_pending_t), log);
    counts->places = ngx_calloc(NGX_PAAS_GUARD_PENDING_PLACES
                                * sizeof(uint16_t), log);
    counts->known = ngx_calloc(NGX_PAAS_GUARD_KNOWN
                               * sizeof(ngx_paas_guard_known_t), log);

    if (counts->buckets == NULL || counts->pending == NULL
        || counts->places == NULL || counts->known == NULL)
    {
        ngx_paas_guard_pending_destroy(counts);
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_PAAS_GUARD_PENDING_BUCKETS; i++) {
        ngx_queue_init(&counts->buckets[i]);
    }

    for (i = 0; i < NGX_PAAS_GUARD_PENDING_MAX; i++) {
        ngx_queue_insert_tail(&counts->free, &counts->pending[i].queue);
    }

    return NGX_OK;
}


void
ngx_paas_guard_pending_destroy(ngx_paas_guard_counts_t *counts)
{
    if (counts->buckets) {
        ngx_free(counts->buckets);
        counts->buckets = NULL;
    }

    if (counts->places) {
        ngx_free(counts->places);
        counts->places = NULL;
    }

    if (counts->known) {
        ngx_free(counts->known);
        counts->known = NULL;
    }

    if (counts->pending) {
        ngx_free(counts->pending);
        counts->pending = NULL;
    }
}


ngx_queue_t *
ngx_paas_guard_pending_bucket(ngx_paas_guard_counts_t *counts,
    const pguard_id_t *id)
{
    uint32_t  hash;

    /* an id is a digest: any of its bytes are as good as a hash */

    ngx_memcpy(&hash, id->bytes, sizeof(hash));

    return &counts->buckets[hash % NGX_PAAS_GUARD_PENDING_BUCKETS];
}


ngx_paas_guard_pending_t *
ngx_paas_guard_pending_find(ngx_queue_t *bucket, ngx_paas_guard_zone_t *zone,
    pguard_hash_t hash, uint64_t slot)
{
    ngx_queue_t               *q;
    ngx_paas_guard_pending_t  *p;

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        p = ngx_queue_data(q, ngx_paas_guard_pending_t, bucket);

        if (p->slot == slot && ngx_paas_guard_pending_is(p, zone, hash)) {
            return p;
        }
    }

    return NULL;
}


ngx_paas_guard_pending_t *
ngx_paas_guard_pending_add(ngx_paas_guard_counts_t *counts,
    ngx_queue_t *bucket)
{
    ngx_queue_t               *q;
    ngx_paas_guard_pending_t  *p;

    q = ngx_queue_head(&counts->free);
    ngx_queue_remove(q);

    p = ngx_queue_data(q, ngx_paas_guard_pending_t, queue);

    ngx_queue_insert_tail(&counts->queue, &p->queue);
    ngx_queue_insert_tail(bucket, &p->bucket);

    return p;
}


void
ngx_paas_guard_pending_free(ngx_paas_guard_counts_t *counts,
    ngx_paas_guard_pending_t *p)
{
    ngx_queue_remove(&p->queue);
    ngx_queue_remove(&p->bucket);

    ngx_queue_insert_head(&counts->free, &p->queue);

    p->zone = NULL;
}


void
ngx_paas_guard_pending_forget(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_id_t *id)
{
    ngx_queue_t               *bucket, *next, *q;
    ngx_paas_guard_counts_t   *counts;
    ngx_paas_guard_pending_t  *p;

    counts = &store->counts;

    if (counts->pending == NULL) {
        return;
    }

    bucket = ngx_paas_guard_pending_bucket(counts, id);

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = next)
    {
        next = ngx_queue_next(q);
        p = ngx_queue_data(q, ngx_paas_guard_pending_t, bucket);

        if (p->zone == zone && pguard_id_same(&p->item.id, id)) {
            ngx_paas_guard_pending_free(counts, p);
        }
    }
}


ngx_paas_guard_known_t *
ngx_paas_guard_pending_known(ngx_paas_guard_counts_t *counts,
    ngx_paas_guard_zone_t *zone, pguard_hash_t hash, uint64_t *key)
{
    *key = hash.hi ^ (uintptr_t) zone;

    return &counts->known[hash.lo % NGX_PAAS_GUARD_KNOWN];
}
