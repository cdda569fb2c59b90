#include <string.h>

#include "pguard_block.h"


/*
 * A writer that dies leaves until at 0: the entry is inactive, and whole
 * again when it is written next.  A reader sees until last and looks at it
 * again after copying.
 *
 * What the audit log is owed is in the entry itself, so that any process can
 * tell it, whichever died: a block owes its begin from the moment on that it
 * is active, then its end.  An entry with until and ended at 0 never was.
 */


const pguard_str_t  pguard_block_how_names[PGUARD_BLOCK_HOWS] = {
    [PGUARD_BLOCK_EXPIRED]   = pguard_string("expired"),
    [PGUARD_BLOCK_LIFTED]    = pguard_string("lifted"),
    [PGUARD_BLOCK_FORGOTTEN] = pguard_string("forgotten"),
    [PGUARD_BLOCK_REPLACED]  = pguard_string("replaced")
};


/*
 * A block is in one of its key's two buckets: in the first while half of that
 * is not active, then in the one with less.  So few others share a place with
 * it, and until_away tells whether any is in its second.
 */

#define PGUARD_BLOCK_ROOMY  (PGUARD_BLOCK_WAYS / 2)


static uint64_t
pguard_block_bucket(const pguard_blocks_t *t, uint64_t bits)
{
    return pguard_hash_place(bits, t->capacity / PGUARD_BLOCK_WAYS)
           * PGUARD_BLOCK_WAYS;
}


static uint64_t
pguard_block_first(const pguard_blocks_t *t, pguard_hash_t key)
{
    return pguard_block_bucket(t, key.hi);
}


static uint64_t
pguard_block_second(const pguard_blocks_t *t, pguard_hash_t key)
{
    return pguard_block_bucket(t, key.hi >> 32);
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


static inline pguard_block_t *
pguard_block_in(const pguard_blocks_t *t, uint64_t n, pguard_block_kind_e kind,
    pguard_hash_t key)
{
    unsigned  i;

    for (i = 0; i < PGUARD_BLOCK_WAYS; i++, n++) {

        if (pguard_load(&t->tag[n]) == (key.lo | 1)
            && pguard_block_same(&t->block[n], kind, key))
        {
            return &t->block[n];
        }
    }

    return NULL;
}


static PGUARD_RARE pguard_block_t *
pguard_block_away(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_hash_t key)
{
    return pguard_block_in(t, pguard_block_second(t, key), kind, key);
}


pguard_block_t *
pguard_block_get(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_hash_t key)
{
    pguard_block_t  *b;

    b = pguard_block_in(t, pguard_block_first(t, key), kind, key);

    return b ? b : pguard_block_away(t, kind, key);
}


/* The same of one that may be active. */

static inline pguard_block_t *
pguard_block_look(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_hash_t key, pguard_msec_t now)
{
    pguard_block_t  *b;

    b = pguard_block_in(t, pguard_block_first(t, key), kind, key);

    if (b == NULL && pguard_load(t->until_away) > now) {
        b = pguard_block_away(t, kind, key);
    }

    return b;
}


pguard_block_t *
pguard_block_find(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_hash_t key, pguard_msec_t now)
{
    pguard_block_t  *b;

    b = pguard_block_look(t, kind, key, now);

    return b && pguard_load(&b->until) > now ? b : NULL;
}


/* What was read of b between a look at its until and this was that of one
   active block, of key: was is the key that was read. */

static inline int
pguard_block_whole(const pguard_block_t *b, pguard_msec_t until,
    pguard_hash_t was, pguard_hash_t key, pguard_msec_t now)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return until > now && pguard_load(&b->until) == until
           && was.lo == key.lo && was.hi == key.hi;
}


int
pguard_block_copy(const pguard_block_t *b, pguard_hash_t key,
    pguard_msec_t now, pguard_block_t *to)
{
    pguard_msec_t  until;

    until = pguard_load(&b->until);
    memcpy(to, b, sizeof(pguard_block_t));

    return pguard_block_whole(b, until, to->key, key, now);
}


void
pguard_block_tell(const pguard_block_t *b, pguard_blocked_t *to)
{
    to->until = b->until;
    to->rule = b->rule;
    to->reason = b->reason;
    memcpy(to->event, b->event, PGUARD_EVENT_LEN);
}


int
pguard_block_refuse(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_hash_t key, pguard_msec_t now, pguard_blocked_t *to)
{
    pguard_hash_t    was;
    pguard_msec_t    until;
    pguard_block_t  *b;

    b = pguard_block_look(t, kind, key, now);

    if (b == NULL) {
        return 0;
    }

    until = pguard_load(&b->until);
    was = b->key;
    pguard_block_tell(b, to);

    if (!pguard_block_whole(b, until, was, key, now)) {
        return 0;
    }

    if (!to->dry_run || b->dry_run) {
        (void) pguard_add(&b->refused, 1);
    }

    return 1;
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


/* Of two entries that are not active: is a the one to give up?  A free one, or
   else the one that ended first, but none of which something is to be told. */

static int
pguard_block_rather(const pguard_block_t *a, const pguard_block_t *b)
{
    if ((a->due == PGUARD_BLOCK_NOTHING) != (b->due == PGUARD_BLOCK_NOTHING)) {
        return a->due == PGUARD_BLOCK_NOTHING;
    }

    return a->until < b->until;
}


/* The entry of a bucket to give up, or NULL; how many are not active. */

static pguard_block_t *
pguard_block_room(const pguard_blocks_t *t, uint64_t n, pguard_msec_t now,
    unsigned *room)
{
    unsigned         i;
    pguard_block_t  *b, *place;

    place = NULL;
    *room = 0;

    for (i = 0; i < PGUARD_BLOCK_WAYS; i++, n++) {
        b = &t->block[n];

        if (b->until > now) {
            continue;
        }

        (*room)++;

        if (place == NULL || pguard_block_rather(b, place)) {
            place = b;
        }
    }

    return place;
}


/* An entry that can be written: of the same key, else one to give up. */

pguard_block_t *
pguard_block_place(const pguard_blocks_t *t, const pguard_block_t *b,
    pguard_msec_t now)
{
    unsigned         room, elsewhere;
    pguard_block_t  *place, *away;

    place = pguard_block_get(t, b->kind, b->key);

    if (place) {
        return place;
    }

    place = pguard_block_room(t, pguard_block_first(t, b->key), now, &room);

    if (room <= PGUARD_BLOCK_ROOMY) {
        away = pguard_block_room(t, pguard_block_second(t, b->key), now,
                                 &elsewhere);
        if (elsewhere > room) {
            return away;
        }
    }

    return place;
}


pguard_block_t *
pguard_block_put(const pguard_blocks_t *t, const pguard_block_t *b,
    pguard_msec_t now, unsigned *evicted)
{
    uint64_t        *tag;
    pguard_block_t  *to;

    to = pguard_block_place(t, b, now);

    if (to == NULL) {
        return NULL;
    }

    tag = &t->tag[to - t->block];

    if (evicted) {
        *evicted = *tag && !pguard_block_same(to, b->kind, b->key)
                   && pguard_block_steps(to, now);
    }

    pguard_store(&to->due, PGUARD_BLOCK_NOTHING);
    pguard_store(&to->ended, 0);
    pguard_store(&to->until, 0);
    pguard_store(tag, b->key.lo | 1);
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
    to->client = b->client;
    to->how = b->how;
    memcpy(to->event, b->event, PGUARD_EVENT_LEN);

    if ((uint64_t) (to - t->block) - pguard_block_first(t, b->key)
        >= PGUARD_BLOCK_WAYS)
    {
        pguard_raise(t->until_away, b->until);
    }

    pguard_store(&to->due, b->due);
    pguard_store(&to->until, b->until);
    pguard_raise(&t->until_max[PGUARD_BLOCK_KINDS], b->until);
    pguard_raise(&t->until_max[b->kind], b->until);

    return to;
}


/* Of what is forgotten, nothing is left; until is 0. */

static void
pguard_block_free(const pguard_blocks_t *t, pguard_block_t *b)
{
    pguard_store(&t->tag[b - t->block], 0);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    memset(b, 0, sizeof(pguard_block_t));
}


void
pguard_block_lift(const pguard_blocks_t *t, pguard_block_t *b,
    pguard_block_how_e how, pguard_msec_t now)
{
    if (b->until > now) {
        b->how = (uint8_t) how;
        pguard_store(&b->ended, now);
    }

    if (b->ended == 0 && b->due != PGUARD_BLOCK_NOTHING) {

        /* it has ended by itself: only its offences are forgotten */

        b->step = 0;
        return;
    }

    pguard_store(&b->until, 0);

    if (b->due == PGUARD_BLOCK_NOTHING) {
        pguard_block_free(t, b);
    }
}


pguard_block_due_e
pguard_block_due(const pguard_block_t *b, pguard_msec_t now)
{
    pguard_msec_t       until, ended;
    pguard_block_due_e  due;

    due = pguard_load(&b->due);
    until = pguard_load(&b->until);
    ended = until ? until : pguard_load(&b->ended);

    if (ended == 0 || (due == PGUARD_BLOCK_END && ended > now)) {
        return PGUARD_BLOCK_NOTHING;
    }

    return due;
}


void
pguard_block_told(const pguard_blocks_t *t, pguard_block_t *b,
    pguard_block_due_e due)
{
    if (due == PGUARD_BLOCK_BEGIN) {
        pguard_store(&b->due, PGUARD_BLOCK_END);
        return;
    }

    pguard_store(&b->due, PGUARD_BLOCK_NOTHING);

    if (b->until == 0) {
        pguard_block_free(t, b);
    }
}


pguard_block_t *
pguard_block_next(const pguard_blocks_t *t, uint64_t *pos, pguard_msec_t now)
{
    uint64_t  n;

    while (*pos < t->capacity) {
        n = (*pos)++;

        if (pguard_load(&t->tag[n])
            && (pguard_load(&t->block[n].until) > now
                || pguard_load(&t->block[n].due)
                || pguard_block_steps(&t->block[n], now)))
        {
            return &t->block[n];
        }
    }

    return NULL;
}


int
pguard_block_is_event(const unsigned char *event)
{
    int  i;

    for (i = 0; i < PGUARD_EVENT_LEN; i++) {

        if ((event[i] < '0' || event[i] > '9')
            && (event[i] < 'a' || event[i] > 'f'))
        {
            return 0;
        }
    }

    return 1;
}
