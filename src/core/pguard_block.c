#include <string.h>

#include "pguard_block.h"


/*
 * A writer that dies leaves until at 0: the entry is inactive, and whole
 * again when it is written next.  A reader sees until last and looks at it
 * again after copying.
 */


static uint64_t
pguard_block_bucket(const pguard_blocks_t *t, pguard_hash_t key)
{
    uint64_t  buckets = t->capacity / PGUARD_BLOCK_WAYS;

    return (((key.hi & 0xffffffff) * buckets) >> 32) * PGUARD_BLOCK_WAYS;
}


static int
pguard_block_same(const pguard_block_t *b, pguard_block_kind_e kind,
    pguard_hash_t key)
{
    return b->key.lo == key.lo && b->key.hi == key.hi && b->kind == kind;
}


pguard_hash_t
pguard_block_id_key(const pguard_id_t *id)
{
    pguard_hash_t  key;

    memcpy(&key.lo, id->bytes, sizeof(key.lo));
    memcpy(&key.hi, id->bytes + sizeof(key.lo), sizeof(key.hi));

    return key;
}


int
pguard_block_any(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_msec_t now)
{
    return pguard_load(&t->until_max[kind]) > now;
}


pguard_block_t *
pguard_block_get(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_hash_t key)
{
    unsigned  i;
    uint64_t  n;

    n = pguard_block_bucket(t, key);

    for (i = 0; i < PGUARD_BLOCK_WAYS; i++, n++) {

        if (pguard_load(&t->tag[n]) == (key.lo | 1)
            && pguard_block_same(&t->block[n], kind, key))
        {
            return &t->block[n];
        }
    }

    return NULL;
}


pguard_block_t *
pguard_block_find(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_hash_t key, pguard_msec_t now)
{
    pguard_block_t  *b;

    b = pguard_block_get(t, kind, key);

    return b && pguard_load(&b->until) > now ? b : NULL;
}


int
pguard_block_copy(const pguard_block_t *b, pguard_hash_t key,
    pguard_msec_t now, pguard_block_t *to)
{
    pguard_msec_t  until;

    until = pguard_load(&b->until);
    memcpy(to, b, sizeof(pguard_block_t));
    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return until > now && pguard_load(&b->until) == until
           && to->key.lo == key.lo && to->key.hi == key.hi;
}


unsigned
pguard_block_steps(const pguard_block_t *b, pguard_msec_t now)
{
    uint64_t  forgotten;

    if (b == NULL || b->until == 0) {
        return 0;
    }

    if (now < b->until || b->forget == 0) {
        return b->step;
    }

    forgotten = (now - b->until) / b->forget;

    return forgotten < b->step ? b->step - (unsigned) forgotten : 0;
}


pguard_msec_t
pguard_block_length(const pguard_block_rule_t *rule, unsigned steps)
{
    pguard_msec_t  length = rule->block;

    while (steps-- && length < rule->block_max) {
        length *= 2;
    }

    return length < rule->block_max ? length : rule->block_max;
}


/* An entry that can be written: of the same key, else free, else the one of
   those inactive that ended first. */

static int64_t
pguard_block_place(const pguard_blocks_t *t, const pguard_block_t *b,
    pguard_msec_t now)
{
    unsigned  i;
    int64_t   place;
    uint64_t  n;

    place = -1;
    n = pguard_block_bucket(t, b->key);

    for (i = 0; i < PGUARD_BLOCK_WAYS; i++, n++) {

        if (t->tag[n] && pguard_block_same(&t->block[n], b->kind, b->key)) {
            return (int64_t) n;
        }

        if (t->block[n].until <= now
            && (place < 0 || t->block[n].until < t->block[place].until))
        {
            place = (int64_t) n;
        }
    }

    return place;
}


pguard_block_t *
pguard_block_put(const pguard_blocks_t *t, const pguard_block_t *b,
    pguard_msec_t now, unsigned *evicted)
{
    int64_t          n;
    pguard_block_t  *to;

    n = pguard_block_place(t, b, now);

    if (n < 0) {
        return NULL;
    }

    to = &t->block[n];

    if (evicted) {
        *evicted = t->tag[n] && !pguard_block_same(to, b->kind, b->key)
                   && pguard_block_steps(to, now);
    }

    pguard_store(&to->until, 0);
    pguard_store(&t->tag[n], b->key.lo | 1);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    to->key = b->key;
    to->id = b->id;
    to->since = b->since;
    to->last = b->last;
    to->forget = b->forget;
    to->count = b->count;
    to->limit = b->limit;
    to->window = b->window;
    to->refused = b->refused;
    to->rule = b->rule;
    to->service = b->service;
    to->kind = b->kind;
    to->reason = b->reason;
    to->step = b->step;
    to->dry_run = b->dry_run;
    memcpy(to->event, b->event, PGUARD_EVENT_LEN);

    pguard_store(&to->until, b->until);
    pguard_raise(&t->until_max[b->kind], b->until);

    return to;
}


void
pguard_block_lift(const pguard_blocks_t *t, pguard_block_t *b)
{
    pguard_store(&b->until, 0);
    pguard_store(&t->tag[b - t->block], 0);
}


pguard_block_t *
pguard_block_next(const pguard_blocks_t *t, uint64_t *pos, pguard_msec_t now)
{
    uint64_t  n;

    while (*pos < t->capacity) {
        n = (*pos)++;

        if (pguard_load(&t->tag[n])
            && (pguard_load(&t->block[n].until) > now
                || pguard_block_steps(&t->block[n], now)))
        {
            return &t->block[n];
        }
    }

    return NULL;
}
