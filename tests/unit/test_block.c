/*
 * Blocks: found while they last, never pushed out, remembered for escalation.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_block.h"


#define CAPACITY  64
#define START     1000000


static uint64_t        tags[CAPACITY];
static pguard_block_t  blocks[CAPACITY];
static uint64_t        until_max[PGUARD_BLOCK_KINDS + 1];
static uint64_t        until_away;


static pguard_blocks_t
table(uint64_t capacity)
{
    memset(tags, 0, sizeof(tags));
    memset(blocks, 0, sizeof(blocks));
    memset(until_max, 0, sizeof(until_max));
    until_away = 0;

    return (pguard_blocks_t) { tags, blocks, capacity, until_max,
                               &until_away };
}


static pguard_hash_t
key_of(uint64_t n)
{
    return (pguard_hash_t) { n << 8, n };
}


/* Blocked for 1 s from now on, a first offence, a step forgotten each 2 s. */

static pguard_block_t
block_of(uint64_t n, pguard_msec_t now)
{
    pguard_block_t  b;

    memset(&b, 0, sizeof(b));
    b.key = key_of(n);
    memset(b.id.bytes, (int) n, PGUARD_ID_LEN);
    b.since = now;
    b.until = now + 1000;
    b.last = 1000;
    b.forget = 2000;
    b.count = 101;
    b.limit = 100;
    b.window = 60000;
    b.refused = 7;
    b.rule = 3;
    b.service = PGUARD_SERVICE_ALL;
    b.kind = PGUARD_BLOCK_HERE;
    b.reason = PGUARD_REASON_LOCKOUT;
    b.step = 1;
    b.dry_run = 1;
    memset(b.event, 'e', PGUARD_EVENT_LEN);

    return b;
}


static pguard_block_t *
put(const pguard_blocks_t *t, uint64_t n, pguard_msec_t now)
{
    pguard_block_t  b = block_of(n, now);

    return pguard_block_put(t, &b, now, NULL);
}


static pguard_block_t *
find(const pguard_blocks_t *t, uint64_t n, pguard_msec_t now)
{
    return pguard_block_find(t, PGUARD_BLOCK_HERE, key_of(n), now);
}


static void
test_put_and_find(void **state)
{
    pguard_block_t   b = block_of(1, START), *found;
    pguard_blocks_t  t = table(CAPACITY);

    (void) state;

    assert_null(find(&t, 1, START));
    found = pguard_block_put(&t, &b, START, NULL);
    assert_non_null(found);
    assert_memory_equal(found, &b, sizeof(b));

    assert_ptr_equal(find(&t, 1, START), found);
    assert_ptr_equal(find(&t, 1, START + 999), found);
    assert_null(find(&t, 1, START + 1000));
    assert_null(find(&t, 2, START));

    assert_ptr_equal(pguard_block_get(&t, PGUARD_BLOCK_HERE, key_of(1)),
                     found);
}


/* Neighbours of a key that share its tag's word are not it. */

static void
test_whole_key_counts(void **state)
{
    pguard_hash_t    key = key_of(1);
    pguard_blocks_t  t = table(8);

    (void) state;

    (void) put(&t, 1, START);

    key.lo ^= 1;
    assert_null(pguard_block_find(&t, PGUARD_BLOCK_HERE, key, START));
    key.lo ^= 1;
    key.hi ^= 1ULL << 60;
    assert_null(pguard_block_find(&t, PGUARD_BLOCK_HERE, key, START));
    key.hi ^= 1ULL << 60;
    assert_non_null(pguard_block_find(&t, PGUARD_BLOCK_HERE, key, START));
}


static void
test_refuse(void **state)
{
    pguard_block_t    *b;
    pguard_blocks_t    t = table(CAPACITY);
    pguard_blocked_t   to;

    (void) state;

    to.dry_run = 0;
    assert_int_equal(pguard_block_refuse(&t, PGUARD_BLOCK_HERE, key_of(1),
                                         START, &to), 0);

    b = put(&t, 1, START);
    b->refused = 0;
    b->rule = 7;
    b->dry_run = 0;
    b->reason = PGUARD_REASON_LOCKOUT;
    memcpy(b->event, "0123456789abcdef01234567", PGUARD_EVENT_LEN);

    assert_int_equal(pguard_block_refuse(&t, PGUARD_BLOCK_HERE, key_of(1),
                                         START, &to), 1);
    assert_int_equal(to.until, b->until);
    assert_int_equal(to.rule, 7);
    assert_int_equal(to.reason, PGUARD_REASON_LOCKOUT);
    assert_memory_equal(to.event, b->event, PGUARD_EVENT_LEN);
    assert_int_equal(b->refused, 1);

    assert_int_equal(pguard_block_refuse(&t, PGUARD_BLOCK_ELSEWHERE,
                                         key_of(1), START, &to), 0);
    assert_int_equal(pguard_block_refuse(&t, PGUARD_BLOCK_HERE, key_of(2),
                                         START, &to), 0);
    assert_int_equal(pguard_block_refuse(&t, PGUARD_BLOCK_HERE, key_of(1),
                                         b->until, &to), 0);
    assert_int_equal(pguard_block_refuse(&t, PGUARD_BLOCK_HERE, key_of(1),
                                         b->until - 1, &to), 1);
    assert_int_equal(b->refused, 2);

    to.dry_run = 1;
    assert_int_equal(pguard_block_refuse(&t, PGUARD_BLOCK_HERE, key_of(1),
                                         START, &to), 1);
    assert_int_equal(b->refused, 2);
    b->dry_run = 1;
    assert_int_equal(pguard_block_refuse(&t, PGUARD_BLOCK_HERE, key_of(1),
                                         START, &to), 1);
    assert_int_equal(b->refused, 3);

    pguard_block_lift(&t, b, PGUARD_BLOCK_LIFTED, START);
    assert_int_equal(pguard_block_refuse(&t, PGUARD_BLOCK_HERE, key_of(1),
                                         START, &to), 0);
}


static void
test_copy(void **state)
{
    pguard_block_t   *b, to;
    pguard_blocks_t   t = table(CAPACITY);

    (void) state;

    b = put(&t, 1, START);

    assert_int_equal(pguard_block_copy(b, key_of(1), START, &to), 1);
    assert_memory_equal(&to, b, sizeof(to));

    assert_int_equal(pguard_block_copy(b, key_of(2), START, &to), 0);
    assert_int_equal(pguard_block_copy(b, key_of(1), START + 1000, &to), 0);

    pguard_block_lift(&t, b, PGUARD_BLOCK_LIFTED, START);
    assert_int_equal(pguard_block_copy(b, key_of(1), START, &to), 0);
}


static void
test_same_key_is_replaced(void **state)
{
    uint64_t          pos = 0;
    pguard_block_t    again = block_of(1, START + 500), *b;
    pguard_blocks_t   t = table(CAPACITY);

    (void) state;

    b = put(&t, 1, START);
    again.step = 2;

    assert_ptr_equal(pguard_block_put(&t, &again, START + 500, NULL), b);
    assert_memory_equal(b, &again, sizeof(again));
    assert_ptr_equal(find(&t, 1, START + 1499), b);

    assert_ptr_equal(pguard_block_next(&t, &pos, START + 500), b);
    assert_null(pguard_block_next(&t, &pos, START + 500));
}


/* The same key again, though an older entry of another comes before it. */

static void
test_same_key_before_free_place(void **state)
{
    pguard_block_t   *first, *b;
    pguard_blocks_t   t = table(8);

    (void) state;

    first = put(&t, 1, START);
    b = put(&t, 2, START);
    pguard_block_lift(&t, first, PGUARD_BLOCK_LIFTED, START);

    assert_ptr_equal(put(&t, 2, START + 10), b);
    assert_ptr_equal(put(&t, 3, START + 10), first);
}


static void
test_active_is_never_replaced(void **state)
{
    uint64_t         n;
    pguard_blocks_t  t = table(8);

    (void) state;

    for (n = 1; n <= 8; n++) {
        assert_non_null(put(&t, n, START + n));
    }

    assert_null(put(&t, 9, START + 9));
    assert_null(put(&t, 9, START + 1000));

    for (n = 1; n <= 8; n++) {
        assert_non_null(find(&t, n, START + 1000));
    }

    /* one of the same key has its place, also where all is full */

    assert_non_null(put(&t, 5, START + 100));
    assert_non_null(put(&t, 9, START + 1001));
    assert_null(pguard_block_get(&t, PGUARD_BLOCK_HERE, key_of(1)));
}


/* Three quarters of all places can be had, wherever the keys lie; each block is
   found there, put again there, and free after. */

#define ROUNDS  500

static void
test_places_are_shared(void **state)
{
    unsigned         round, i, refused;
    pguard_block_t   b[CAPACITY], *at[CAPACITY];
    pguard_blocks_t  t;

    (void) state;

    refused = 0;

    for (round = 0; round < ROUNDS; round++) {
        t = table(CAPACITY);

        for (i = 0; i < CAPACITY * 3 / 4; i++) {
            b[i] = block_of(i, START);
            b[i].key.lo = (round * CAPACITY + i + 1) * 0x9e3779b97f4a7c15;
            b[i].key.hi = (b[i].key.lo ^ b[i].key.lo >> 31)
                          * 0xbf58476d1ce4e5b9;
            b[i].key.hi ^= b[i].key.hi >> 29;
            at[i] = pguard_block_put(&t, &b[i], START, NULL);
            refused += at[i] == NULL;
        }

        while (i--) {
            if (at[i] == NULL) {
                continue;
            }

            assert_ptr_equal(pguard_block_find(&t, PGUARD_BLOCK_HERE, b[i].key,
                                               START + 999), at[i]);
            assert_ptr_equal(pguard_block_put(&t, &b[i], START + 1, NULL),
                             at[i]);
            pguard_block_lift(&t, at[i], PGUARD_BLOCK_LIFTED, START + 2);
            assert_null(pguard_block_get(&t, PGUARD_BLOCK_HERE, b[i].key));
        }
    }

    /* in 24,000; if each had one bucket, it would be 1,000 */

    assert_in_range(refused, 0, 24);
}


static void
test_remembered_go_oldest_first(void **state)
{
    uint64_t          n;
    pguard_block_t    b;
    pguard_blocks_t   t = table(8);

    static const uint64_t  order[] = { 4, 1, 8, 2, 7, 3, 6, 5 };

    (void) state;

    for (n = 0; n < 8; n++) {
        b = block_of(order[n], START);
        b.until = START + order[n] * 10;
        assert_non_null(pguard_block_put(&t, &b, START, NULL));
    }

    for (n = 1; n <= 8; n++) {
        assert_non_null(pguard_block_get(&t, PGUARD_BLOCK_HERE, key_of(n)));
        assert_non_null(put(&t, 100 + n, START + 1000));
        assert_null(pguard_block_get(&t, PGUARD_BLOCK_HERE, key_of(n)));
    }
}


static void
test_steps_are_forgotten(void **state)
{
    unsigned        i;
    pguard_block_t  b = block_of(1, START);

    (void) state;

    assert_int_equal(pguard_block_steps(NULL, START), 0);

    b.step = 5;
    assert_int_equal(pguard_block_steps(&b, START), 5);
    assert_int_equal(pguard_block_steps(&b, b.until), 5);

    for (i = 0; i <= 5; i++) {
        assert_int_equal(pguard_block_steps(&b, b.until + i * b.forget),
                         5 - i);
        assert_int_equal(pguard_block_steps(&b, b.until + (i + 1) * b.forget
                                                - 1), 5 - i);
    }

    assert_int_equal(pguard_block_steps(&b, b.until + 1000 * b.forget), 0);
    assert_int_equal(pguard_block_steps(&b, b.until + (1ULL << 33) * b.forget),
                     0);

    b.until = 0;
    assert_int_equal(pguard_block_steps(&b, START), 0);
}


static void
test_length_doubles(void **state)
{
    unsigned             n;
    pguard_block_rule_t  rule = { 1000, 60000, 0 };

    (void) state;

    for (n = 0; n < 6; n++) {
        assert_int_equal(pguard_block_length(&rule, n), 1000 << n);
    }

    assert_int_equal(pguard_block_length(&rule, 6), 60000);
    assert_int_equal(pguard_block_length(&rule, PGUARD_BLOCK_MAX_STEP), 60000);
    assert_int_equal(pguard_block_length(&rule, UINT32_MAX), 60000);

    rule.block_max = 1000;
    assert_int_equal(pguard_block_length(&rule, 0), 1000);
    assert_int_equal(pguard_block_length(&rule, 1), 1000);
}


/* Offence after offence, then clean time: as a caller does it. */

static pguard_block_t *
offend(const pguard_blocks_t *t, const pguard_block_rule_t *rule,
    pguard_msec_t now)
{
    unsigned        steps;
    pguard_block_t  b = block_of(1, now);

    steps = pguard_block_steps(pguard_block_get(t, PGUARD_BLOCK_HERE,
                                                key_of(1)), now);
    b.last = pguard_block_length(rule, steps);
    b.until = now + b.last;
    b.forget = b.last > rule->window ? b.last : rule->window;
    b.step = (uint8_t) (steps + 1);

    return pguard_block_put(t, &b, now, NULL);
}


static void
test_escalation(void **state)
{
    unsigned              i;
    pguard_msec_t         now = START;
    pguard_block_t       *b = NULL;
    pguard_blocks_t       t = table(8);
    pguard_block_rule_t   rule = { 1000, 8000, 3000 };

    static const pguard_msec_t  lengths[] = { 1000, 2000, 4000, 8000, 8000 };

    (void) state;

    for (i = 0; i < 5; i++) {
        b = offend(&t, &rule, now);
        assert_non_null(b);
        assert_int_equal(b->last, lengths[i]);
        assert_int_equal(b->step, i + 1);
        now = b->until;
    }

    /* clean for three times the last block: three of five are forgotten */

    b = offend(&t, &rule, now + 3 * 8000);
    assert_int_equal(b->last, 4000);
    assert_int_equal(b->step, 3);

    b = offend(&t, &rule, b->until + 1000 * 1000);
    assert_int_equal(b->last, 1000);
}


static void
test_lift(void **state)
{
    uint64_t          pos = 0;
    pguard_block_t   *b;
    pguard_blocks_t   t = table(8);

    (void) state;

    b = put(&t, 1, START);
    pguard_block_lift(&t, b, PGUARD_BLOCK_LIFTED, START);

    assert_null(find(&t, 1, START));
    assert_null(pguard_block_get(&t, PGUARD_BLOCK_HERE, key_of(1)));
    assert_int_equal(pguard_block_steps(b, START), 0);
    assert_null(pguard_block_next(&t, &pos, START));
    assert_non_null(put(&t, 1, START));
}


/* The next line that b owes at now, and tells it. */

static pguard_block_due_e
tell(const pguard_blocks_t *t, pguard_block_t *b, pguard_msec_t now)
{
    pguard_block_due_e  due = pguard_block_due(b, now);

    if (due != PGUARD_BLOCK_NOTHING) {
        pguard_block_told(t, b, due);
    }

    return due;
}


static pguard_block_t *
put_due(const pguard_blocks_t *t, uint64_t n, pguard_msec_t now,
    pguard_block_due_e due)
{
    pguard_block_t  b = block_of(n, now);

    b.due = (uint8_t) due;

    return pguard_block_put(t, &b, now, NULL);
}


static void
test_begin_and_end_are_told_once(void **state)
{
    uint64_t          pos = 0;
    pguard_block_t   *b;
    pguard_blocks_t   t = table(8);

    (void) state;

    b = put_due(&t, 1, START, PGUARD_BLOCK_BEGIN);
    assert_int_equal(tell(&t, b, START), PGUARD_BLOCK_BEGIN);
    assert_int_equal(tell(&t, b, START + 999), PGUARD_BLOCK_NOTHING);

    /* which takes nothing from what is remembered of it */

    assert_int_equal(tell(&t, b, START + 1000), PGUARD_BLOCK_END);
    assert_int_equal(tell(&t, b, START + 9000), PGUARD_BLOCK_NOTHING);
    assert_int_equal(b->how, PGUARD_BLOCK_EXPIRED);
    assert_int_equal(pguard_block_steps(b, START + 1000), 1);

    /* one that is over before its begin was told owes both; what is owed is
       found, however late */

    b = put_due(&t, 1, START + 9000, PGUARD_BLOCK_BEGIN);
    assert_ptr_equal(pguard_block_next(&t, &pos, START + 99000), b);
    assert_int_equal(tell(&t, b, START + 99000), PGUARD_BLOCK_BEGIN);
    assert_int_equal(tell(&t, b, START + 99000), PGUARD_BLOCK_END);
    pos = 0;
    assert_null(pguard_block_next(&t, &pos, START + 99000));

    /* set elsewhere: only its end is told here; nothing where there is no
       audit log */

    b = put_due(&t, 2, START, PGUARD_BLOCK_END);
    assert_int_equal(tell(&t, b, START), PGUARD_BLOCK_NOTHING);
    assert_int_equal(tell(&t, b, START + 1000), PGUARD_BLOCK_END);
    b = put_due(&t, 3, START, PGUARD_BLOCK_NOTHING);
    assert_int_equal(tell(&t, b, START + 1000), PGUARD_BLOCK_NOTHING);
}


static void
test_lifted_stays_until_told(void **state)
{
    pguard_block_t   *b;
    pguard_blocks_t   t = table(8);

    (void) state;

    b = put_due(&t, 1, START, PGUARD_BLOCK_BEGIN);
    pguard_block_lift(&t, b, PGUARD_BLOCK_FORGOTTEN, START + 10);

    assert_null(find(&t, 1, START + 10));
    assert_int_equal(pguard_block_steps(b, START + 10), 0);

    /* again, which changes nothing */

    pguard_block_lift(&t, b, PGUARD_BLOCK_LIFTED, START + 20);

    assert_int_equal(tell(&t, b, START + 9), PGUARD_BLOCK_BEGIN);
    assert_int_equal(tell(&t, b, START + 9), PGUARD_BLOCK_NOTHING);
    assert_int_equal(b->how, PGUARD_BLOCK_FORGOTTEN);
    assert_int_equal(tell(&t, b, START + 10), PGUARD_BLOCK_END);
    assert_null(pguard_block_get(&t, PGUARD_BLOCK_HERE, key_of(1)));

    /* after its time: it has expired, and is only forgotten */

    b = put_due(&t, 1, START, PGUARD_BLOCK_END);
    pguard_block_lift(&t, b, PGUARD_BLOCK_LIFTED, START + 1000);
    assert_int_equal(pguard_block_steps(b, START + 1000), 0);
    assert_int_equal(tell(&t, b, START + 1000), PGUARD_BLOCK_END);
    assert_int_equal(b->how, PGUARD_BLOCK_EXPIRED);
}


static void
test_place_is_where_it_is_put(void **state)
{
    uint64_t          n;
    pguard_block_t    b, *place;
    pguard_blocks_t   t = table(8);

    (void) state;

    for (n = 1; n < 20; n++) {
        b = block_of(n, START + 400 * n);
        place = pguard_block_place(&t, &b, START + 400 * n);
        assert_ptr_equal(pguard_block_put(&t, &b, START + 400 * n, NULL),
                         place);
    }
}


/* A writer that died within pguard_block_put() has set nothing. */

/* All of one bucket: what is still to be told is given up last. */

static void
test_due_keeps_its_place(void **state)
{
    unsigned         i;
    pguard_block_t  *b, next;
    pguard_blocks_t  t = table(8);

    (void) state;

    b = put_due(&t, 1, START, PGUARD_BLOCK_BEGIN);
    pguard_block_lift(&t, b, PGUARD_BLOCK_LIFTED, START + 1);

    for (i = 2; i <= 8; i++) {
        next = block_of(i, START + 2);
        assert_ptr_not_equal(pguard_block_put(&t, &next, START + 2, NULL), b);
    }

    /* all others are remembered only, and ended later */

    next = block_of(9, START + 5000);
    assert_ptr_not_equal(pguard_block_place(&t, &next, START + 5000), b);
    assert_non_null(pguard_block_place(&t, &next, START + 5000));

    /* where all are active but that one, it is */

    next = block_of(9, START + 500);
    assert_ptr_equal(pguard_block_place(&t, &next, START + 500), b);
}


static void
test_half_written_owes_nothing(void **state)
{
    pguard_block_t   *b;
    pguard_blocks_t   t = table(8);

    (void) state;

    b = put_due(&t, 1, START, PGUARD_BLOCK_BEGIN);
    b->until = 0;
    assert_int_equal(tell(&t, b, START + 5000), PGUARD_BLOCK_NOTHING);
    b->due = PGUARD_BLOCK_END;
    assert_int_equal(tell(&t, b, START + 5000), PGUARD_BLOCK_NOTHING);
    assert_ptr_equal(put_due(&t, 1, START, PGUARD_BLOCK_BEGIN), b);
}


static void
test_next(void **state)
{
    uint64_t          n, pos, seen;
    pguard_block_t   *b;
    pguard_blocks_t   t = table(CAPACITY);

    (void) state;

    for (n = 1; n <= 6; n++) {
        assert_non_null(put(&t, n, START + 1000 * n));
    }

    /* at this time the first's offence is forgotten, the second's not yet */

    for (pos = 0, seen = 0;
         (b = pguard_block_next(&t, &pos, START + 4000)) != NULL; /* void */)
    {
        seen |= 1ULL << (b->key.lo >> 8);
    }

    assert_int_equal(seen, 0x7c);
    assert_int_equal(pos, CAPACITY);
}


/* Learned from elsewhere, or by hand: active without an offence of its own. */

static void
test_next_without_offence(void **state)
{
    uint64_t          pos = 0;
    pguard_block_t    b = block_of(1, START), *put_here;
    pguard_blocks_t   t = table(8);

    (void) state;

    b.step = 0;
    put_here = pguard_block_put(&t, &b, START, NULL);

    assert_ptr_equal(find(&t, 1, START), put_here);
    assert_ptr_equal(pguard_block_next(&t, &pos, START), put_here);

    pos = 0;
    assert_null(pguard_block_next(&t, &pos, START + 1000));
}


static void
test_kinds(void **state)
{
    pguard_block_t    here = block_of(1, START), elsewhere = here;
    pguard_blocks_t   t = table(8);

    (void) state;

    elsewhere.kind = PGUARD_BLOCK_ELSEWHERE;
    (void) pguard_block_put(&t, &elsewhere, START, NULL);

    assert_null(find(&t, 1, START));
    assert_non_null(pguard_block_find(&t, PGUARD_BLOCK_ELSEWHERE, here.key,
                                      START));

    (void) pguard_block_put(&t, &here, START, NULL);
    assert_ptr_not_equal(find(&t, 1, START),
                         pguard_block_find(&t, PGUARD_BLOCK_ELSEWHERE,
                                           here.key, START));
}


static void
test_id_key(void **state)
{
    unsigned       i;
    pguard_id_t    id, other;
    pguard_hash_t  key, another;

    (void) state;

    for (i = 0; i < PGUARD_ID_LEN; i++) {
        id.bytes[i] = (unsigned char) i;
    }

    key = pguard_block_id_key(&id);

    for (i = 0; i < PGUARD_ID_LEN; i++) {
        other = id;
        other.bytes[i] ^= 0x80;
        another = pguard_block_id_key(&other);
        assert_true(another.lo != key.lo || another.hi != key.hi);
    }
}


static void
test_any(void **state)
{
    pguard_block_t   b = block_of(1, START);
    pguard_blocks_t  t = table(8);

    (void) state;

    assert_false(pguard_block_any(&t, PGUARD_BLOCK_HERE, 0));

    b.kind = PGUARD_BLOCK_ELSEWHERE;
    (void) pguard_block_put(&t, &b, START, NULL);

    assert_true(pguard_block_any(&t, PGUARD_BLOCK_ELSEWHERE, START + 999));
    assert_false(pguard_block_any(&t, PGUARD_BLOCK_ELSEWHERE, START + 1000));
    assert_false(pguard_block_any(&t, PGUARD_BLOCK_HERE, START));

    /* one that ends earlier does not hide the later one */

    b.key = key_of(2);
    b.until = START + 10;
    (void) pguard_block_put(&t, &b, START, NULL);
    assert_true(pguard_block_any(&t, PGUARD_BLOCK_ELSEWHERE, START + 999));
}


/* One word tells of all kinds. */

static void
test_some(void **state)
{
    unsigned         kind;
    pguard_block_t   b = block_of(1, START);
    pguard_blocks_t  t;

    (void) state;

    for (kind = 0; kind < PGUARD_BLOCK_KINDS; kind++) {
        t = table(8);
        assert_false(pguard_block_some(&t, 0));

        b.kind = (uint8_t) kind;
        (void) pguard_block_put(&t, &b, START, NULL);

        assert_true(pguard_block_some(&t, START + 999));
        assert_false(pguard_block_some(&t, START + 1000));
    }
}


/* What a writer leaves that dies after each of its stores. */

static void
test_dead_writer(void **state)
{
    uint64_t          n, pos = 0;
    pguard_block_t   *b, to;
    pguard_blocks_t   t = table(8);

    (void) state;

    for (n = 1; n <= 8; n++) {
        (void) put(&t, n, START);
    }

    b = find(&t, 3, START);
    b->until = 0;
    assert_null(find(&t, 3, START));
    assert_int_equal(pguard_block_steps(b, START), 0);

    tags[b - blocks] = key_of(9).lo | 1;
    b->key = key_of(9);
    assert_null(find(&t, 9, START));
    assert_int_equal(pguard_block_copy(b, key_of(9), START, &to), 0);

    for (n = 0; n < 7; n++) {
        assert_non_null(pguard_block_next(&t, &pos, START));
    }

    assert_null(pguard_block_next(&t, &pos, START));

    assert_ptr_equal(put(&t, 10, START), b);
    assert_ptr_equal(find(&t, 10, START), b);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_put_and_find),
        cmocka_unit_test(test_whole_key_counts),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_same_key_is_replaced),
        cmocka_unit_test(test_same_key_before_free_place),
        cmocka_unit_test(test_active_is_never_replaced),
        cmocka_unit_test(test_places_are_shared),
        cmocka_unit_test(test_remembered_go_oldest_first),
        cmocka_unit_test(test_steps_are_forgotten),
        cmocka_unit_test(test_length_doubles),
        cmocka_unit_test(test_escalation),
        cmocka_unit_test(test_lift),
        cmocka_unit_test(test_begin_and_end_are_told_once),
        cmocka_unit_test(test_lifted_stays_until_told),
        cmocka_unit_test(test_place_is_where_it_is_put),
        cmocka_unit_test(test_due_keeps_its_place),
        cmocka_unit_test(test_half_written_owes_nothing),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_next_without_offence),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_id_key),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_some),
        cmocka_unit_test(test_dead_writer)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
