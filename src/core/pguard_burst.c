#include "pguard_burst.h"

#include <string.h>


#define PGUARD_BURST_WAYS   8
#define PGUARD_BURST_NEVER  (UINT64_MAX - PGUARD_BURST_PERIOD)


static void
pguard_burst_open(pguard_burst_t *to, const pguard_burst_t *b,
    pguard_msec_t now)
{
    to->since = now;
    to->id = b->id;
    to->rule = b->rule;
    to->service = b->service;
    to->reason = b->reason;
    to->level = b->level;
}


int
pguard_burst_more(const pguard_bursts_t *t, pguard_hash_t key)
{
    unsigned         i;
    uint64_t         tag;
    pguard_burst_t  *e;

    tag = key.lo | 1;

    /* also behind a place that is free by now */

    for (i = 0; i < PGUARD_BURST_WAYS; i++) {
        e = &t->burst[(key.hi + i) % t->capacity];

        if (pguard_load(&e->tag) == tag) {
            (void) pguard_add(&e->more, 1);
            return 1;
        }
    }

    return 0;
}


int
pguard_burst_add(const pguard_bursts_t *t, pguard_hash_t key,
    const pguard_burst_t *b, pguard_msec_t now)
{
    unsigned         i;
    uint64_t         tag, was;
    pguard_burst_t  *e;

    if (pguard_burst_more(t, key)) {
        return 0;
    }

    tag = key.lo | 1;

    for (i = 0; i < PGUARD_BURST_WAYS; i++) {
        e = &t->burst[(key.hi + i) % t->capacity];
        was = pguard_load(&e->tag);

        if (was == 0 && pguard_cas(&e->tag, 0, tag)) {
            pguard_burst_open(e, b, now);
            return 1;
        }

        if (pguard_load(&e->tag) == tag) {
            (void) pguard_add(&e->more, 1);
            return 0;
        }
    }

    (void) pguard_add(t->others, 1);

    return 0;
}


int
pguard_burst_next(const pguard_bursts_t *t, uint64_t *pos, pguard_msec_t now,
    pguard_burst_t *b)
{
    pguard_burst_t  *e;

    while (*pos < t->capacity) {
        e = &t->burst[(*pos)++];

        if (pguard_load(&e->tag) == 0
            || now < e->since + PGUARD_BURST_PERIOD)
        {
            continue;
        }

        *b = *e;
        b->more = __atomic_exchange_n(&e->more, 0, __ATOMIC_RELAXED);

        if (b->more) {
            e->since = now;         /* it goes on: one line a minute */

        } else {

            /* not over before it is opened anew, in two stores */

            e->since = PGUARD_BURST_NEVER;
            pguard_store(&e->tag, 0);
        }

        return 1;
    }

    return 0;
}


uint64_t
pguard_burst_others(const pguard_bursts_t *t)
{
    return __atomic_exchange_n(t->others, 0, __ATOMIC_RELAXED);
}


uint64_t
pguard_burst_forget(const pguard_bursts_t *t, const pguard_id_t *id)
{
    uint64_t         i, n;
    pguard_burst_t  *e;

    n = 0;

    for (i = 0; i < t->capacity; i++) {
        e = &t->burst[i];

        if (!pguard_id_same(&e->id, id)) {
            continue;
        }

        memset(&e->id, 0, PGUARD_ID_LEN);

        if (pguard_load(&e->tag)) {
            n++;
            pguard_store(&e->more, 0);
            e->since = PGUARD_BURST_NEVER;
            pguard_store(&e->tag, 0);
        }
    }

    return n;
}
