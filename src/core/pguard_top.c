/*
 * A place that is found is counted in by one addition; one that is taken over
 * changes tag and count together by compare-and-swap, and its details follow,
 * the id last.  Until then (or for good, if the worker dies) the id does not
 * fit the tag: the place is not listed, and the next refusal puts it right, as
 * if all before it had not been this client's.
 */

#include <string.h>

#include "pguard_top.h"


#define PGUARD_TOP_TRIES  8

#define pguard_top_hi(period, count)  ((period) << 40 | (count))
#define pguard_top_period(hi)         ((hi) >> 40)
#define pguard_top_count(hi)          ((hi) & ((1ULL << 40) - 1))


static void
pguard_top_total(uint64_t *total, uint64_t period)
{
    unsigned  i;
    uint64_t  was;

    for (i = 0; i < PGUARD_TOP_TRIES; i++) {
        was = pguard_peek(total);

        if (pguard_top_period(was) == period) {
            (void) pguard_add(total, 1);
            return;
        }

        if (pguard_cas(total, was, pguard_top_hi(period, 1ULL))) {
            return;
        }
    }
}


/* The place of tag in this period, or k. */

static uint64_t
pguard_top_find(const pguard_pair_t *head, uint64_t k, uint64_t tag,
    uint64_t period)
{
    uint64_t  i;

    for (i = 0; i < k; i++) {
        if (pguard_peek(&head[i].lo) == tag
            && pguard_top_period(pguard_peek(&head[i].hi)) == period)
        {
            break;
        }
    }

    return i;
}


/* The place with the least count, which is 0 in one of another period. */

static uint64_t
pguard_top_victim(const pguard_pair_t *head, uint64_t k, uint64_t period,
    pguard_pair_t *was, uint64_t *least)
{
    uint64_t       i, n, victim;
    pguard_pair_t  h;

    victim = 0;
    *least = UINT64_MAX;
    *was = (pguard_pair_t) { 0, 0 };

    for (i = 0; i < k && *least; i++) {
        h = pguard_pair_read(&head[i]);
        n = pguard_top_period(h.hi) == period ? pguard_top_count(h.hi) : 0;

        if (n < *least) {
            victim = i;
            *was = h;
            *least = n;
        }
    }

    return victim;
}


static void
pguard_top_note(pguard_top_entry_t *e, const pguard_top_client_t *c,
    pguard_msec_t now)
{
    pguard_poke(&e->last, now);
    pguard_poke(&e->rule, c->rule);
    pguard_poke(&e->service, c->service);
    pguard_poke(&e->reason, c->reason);
}


static void
pguard_top_own(pguard_top_entry_t *e, pguard_pair_t id, uint64_t error)
{
    unsigned       i;
    pguard_pair_t  was;

    pguard_poke(&e->error, error);
    was = pguard_pair_read(&e->id);

    for (i = 0; i < PGUARD_TOP_TRIES && !pguard_pair_cas(&e->id, &was, id);
         i++)
    { /* void */ }
}


/* Takes a place for c, unless it has got one meanwhile. */

static PGUARD_RARE void
pguard_top_take(pguard_pair_t *head, pguard_top_entry_t *entry, uint64_t k,
    uint64_t period, const pguard_top_client_t *c, pguard_pair_t id,
    pguard_msec_t now)
{
    unsigned       tries;
    uint64_t       i, least;
    pguard_pair_t  was, set;

    for (tries = 0; tries < PGUARD_TOP_TRIES; tries++) {
        i = pguard_top_find(head, k, id.lo, period);

        if (i < k) {
            (void) pguard_add(&head[i].hi, 1);
            pguard_top_note(&entry[i], c, now);
            return;
        }

        i = pguard_top_victim(head, k, period, &was, &least);
        set.lo = id.lo;
        set.hi = pguard_top_hi(period, least + 1);

        if (pguard_pair_cas(&head[i], &was, set)) {
            pguard_top_note(&entry[i], c, now);
            pguard_top_own(&entry[i], id, least);
            return;
        }
    }
}


void
pguard_top_add(const pguard_top_t *t, const pguard_top_client_t *c,
    pguard_msec_t now)
{
    uint64_t             i, k, period, hi;
    pguard_pair_t        id, *head;
    pguard_top_entry_t  *entry;

    k = t->places;
    period = now / PGUARD_TOP_PERIOD + 1;
    head = t->head + period % PGUARD_TOP_PERIODS * k;
    entry = t->entry + period % PGUARD_TOP_PERIODS * k;

    memcpy(&id, c->id.bytes, PGUARD_ID_LEN);
    pguard_top_total(&t->total[period % PGUARD_TOP_PERIODS], period);

    i = pguard_top_find(head, k, id.lo, period);

    if (i == k) {
        pguard_top_take(head, entry, k, period, c, id, now);
        return;
    }

    hi = pguard_add(&head[i].hi, 1);
    pguard_top_note(&entry[i], c, now);

    if (pguard_peek(&entry[i].id.lo) != id.lo) {
        pguard_top_own(&entry[i], id, pguard_top_count(hi));
    }
}


/* Adds what a place tells to the list of n; the new n. */

static size_t
pguard_top_merge(const pguard_top_entry_t *e, const pguard_pair_t *head,
    uint64_t period, pguard_top_client_t *list, size_t n)
{
    size_t                i;
    uint64_t              count, error;
    pguard_pair_t         h, id;
    pguard_top_client_t  *c;

    h = pguard_pair_read(head);
    id = pguard_pair_read(&e->id);
    count = pguard_top_count(h.hi);
    error = pguard_peek(&e->error);

    if (pguard_top_period(h.hi) != period || id.lo != h.lo || error >= count) {
        return n;
    }

    for (i = 0; i < n; i++) {
        if (memcmp(list[i].id.bytes, &id, PGUARD_ID_LEN) == 0) {
            break;
        }
    }

    c = &list[i];

    if (i == n) {
        memset(c, 0, sizeof(pguard_top_client_t));
        memcpy(c->id.bytes, &id, PGUARD_ID_LEN);
        n++;
    }

    c->count += count - error;

    if (pguard_peek(&e->last) >= c->last) {
        c->last = pguard_peek(&e->last);
        c->rule = pguard_peek(&e->rule);
        c->service = pguard_peek(&e->service);
        c->reason = pguard_peek(&e->reason);
    }

    return n;
}


/* Moves the most refused to the front: the first max are in order then. */

static void
pguard_top_sort(pguard_top_client_t *all, size_t n, size_t max)
{
    size_t               i, j, most;
    pguard_top_client_t  c;

    for (i = 0; i < n && i < max; i++) {

        for (most = i, j = i + 1; j < n; j++) {
            if (all[j].count > all[most].count) {
                most = j;
            }
        }

        c = all[i];
        all[i] = all[most];
        all[most] = c;
    }
}


size_t
pguard_top_read(const pguard_top_t *t, pguard_msec_t now,
    pguard_top_client_t *list, size_t max, uint64_t *others)
{
    size_t               n;
    unsigned             p;
    uint64_t             i, at, period, total, listed;
    pguard_top_client_t  all[PGUARD_TOP_PERIODS * PGUARD_TOP_MAX];

    n = 0;
    total = 0;
    listed = 0;

    for (p = 0; p < PGUARD_TOP_PERIODS; p++) {
        period = now / PGUARD_TOP_PERIOD + 1 - p;
        at = period % PGUARD_TOP_PERIODS;

        if (pguard_top_period(pguard_peek(&t->total[at])) != period) {
            continue;
        }

        total += pguard_top_count(pguard_peek(&t->total[at]));

        for (i = at * t->places; i < (at + 1) * t->places; i++) {
            n = pguard_top_merge(&t->entry[i], &t->head[i], period, all, n);
        }
    }

    pguard_top_sort(all, n, max);
    n = n < max ? n : max;

    for (i = 0; i < n; i++) {
        list[i] = all[i];
        listed += all[i].count;
    }

    *others = total > listed ? total - listed : 0;

    return n;
}


uint64_t
pguard_top_forget(const pguard_top_t *t, const pguard_id_t *id,
    pguard_msec_t now)
{
    uint64_t             i, n, period;
    pguard_pair_t        who, was, none;
    pguard_top_entry_t  *e;

    n = 0;
    none = (pguard_pair_t) { 0, 0 };
    memcpy(&who, id->bytes, PGUARD_ID_LEN);

    for (i = 0; i < PGUARD_TOP_PERIODS * t->places; i++) {
        e = &t->entry[i];
        was = pguard_pair_read(&e->id);

        if (was.lo != who.lo || was.hi != who.hi) {
            continue;
        }

        pguard_top_own(e, none, 0);
        was = pguard_pair_read(&t->head[i]);
        period = pguard_top_period(was.hi);

        if (was.lo == who.lo && pguard_pair_cas(&t->head[i], &was, none)
            && period + PGUARD_TOP_PERIODS > now / PGUARD_TOP_PERIOD + 1)
        {
            n += pguard_top_count(was.hi);
        }
    }

    return n;
}
