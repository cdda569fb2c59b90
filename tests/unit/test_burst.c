/*
 * Which refusals are logged: the first, then one line a minute.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_burst.h"


#define SEED      60000
#define CAPACITY  16
#define START     1000000
#define MINUTE    PGUARD_BURST_PERIOD


static pguard_burst_t  memory[CAPACITY];
static uint64_t        others;


static pguard_bursts_t
table(void)
{
    memset(memory, 0, sizeof(memory));
    others = 0;

    return (pguard_bursts_t) { memory, CAPACITY, &others };
}


static int
refuse(const pguard_bursts_t *t, uint64_t place, uint64_t n, pguard_msec_t now)
{
    pguard_burst_t  b;

    memset(&b, 0, sizeof(b));
    memset(b.id.bytes, (int) n, PGUARD_ID_LEN);
    b.rule = 5;
    b.service = 6;
    b.reason = PGUARD_REASON_HAMMERING;
    b.level = 4;

    return pguard_burst_add(t, (pguard_hash_t) { n << 8, place }, &b, now);
}


/* Lines to be written now; the last summary is left in *b. */

static unsigned
lines(const pguard_bursts_t *t, pguard_msec_t now, pguard_burst_t *b)
{
    unsigned        n = 0;
    uint64_t        pos = 0;
    pguard_burst_t  next;

    while (pguard_burst_next(t, &pos, now, &next)) {
        if (next.more) {
            *b = next;
            n++;
        }
    }

    assert_int_equal(pos, CAPACITY);

    return n;
}


static void
test_first_only(void **state)
{
    unsigned         i;
    pguard_bursts_t  t = table();

    (void) state;

    assert_int_equal(refuse(&t, 3, 1, START), 1);

    for (i = 0; i < 1000; i++) {
        assert_int_equal(refuse(&t, 3, 1, START + i), 0);
    }

    assert_int_equal(refuse(&t, 3, 2, START), 1);
    assert_int_equal(pguard_burst_others(&t), 0);
}


static void
test_more(void **state)
{
    pguard_burst_t   b;
    pguard_bursts_t  t = table();

    (void) state;

    assert_int_equal(pguard_burst_more(&t, (pguard_hash_t) { 1 << 8, 3 }), 0);
    assert_int_equal(refuse(&t, 3, 1, START), 1);
    assert_int_equal(pguard_burst_more(&t, (pguard_hash_t) { 1 << 8, 3 }), 1);
    assert_int_equal(pguard_burst_more(&t, (pguard_hash_t) { 2 << 8, 3 }), 0);

    assert_int_equal(lines(&t, START + PGUARD_BURST_PERIOD, &b), 1);
    assert_int_equal(b.more, 1);
}


static void
test_one_summary_a_minute(void **state)
{
    unsigned         minute, i;
    pguard_burst_t   b;
    pguard_bursts_t  t = table();

    (void) state;

    assert_int_equal(refuse(&t, 3, 1, START), 1);

    for (minute = 0; minute < 5; minute++) {
        for (i = 0; i < 60; i++) {
            assert_int_equal(refuse(&t, 3, 1, START + minute * MINUTE
                                              + i * 1000), 0);
            assert_int_equal(lines(&t, START + minute * MINUTE + i * 1000
                                       + 999, &b), 0);
        }

        assert_int_equal(lines(&t, START + (minute + 1) * MINUTE, &b), 1);
        assert_int_equal(b.more, 60);
        assert_int_equal(b.id.bytes[0], 1);
        assert_int_equal(b.rule, 5);
        assert_int_equal(b.service, 6);
        assert_int_equal(b.reason, PGUARD_REASON_HAMMERING);
        assert_int_equal(b.level, 4);
    }
}


static void
test_goes_quiet_and_closes(void **state)
{
    uint64_t         pos = 0;
    pguard_burst_t   b;
    pguard_bursts_t  t = table();

    (void) state;

    assert_int_equal(refuse(&t, 3, 1, START), 1);
    assert_int_equal(refuse(&t, 3, 1, START), 0);
    assert_int_equal(lines(&t, START + MINUTE, &b), 1);

    assert_int_equal(pguard_burst_next(&t, &pos, START + 2 * MINUTE, &b), 1);
    assert_int_equal(b.more, 0);
    assert_int_equal(pguard_burst_next(&t, &pos, START + 2 * MINUTE, &b), 0);

    pos = 0;
    assert_int_equal(pguard_burst_next(&t, &pos, START + 9 * MINUTE, &b), 0);
    assert_int_equal(refuse(&t, 3, 1, START + 2 * MINUTE), 1);
}


static void
test_full(void **state)
{
    uint64_t         n, first = 0;
    pguard_bursts_t  t = table();

    (void) state;

    for (n = 1; n <= 100; n++) {
        first += (uint64_t) refuse(&t, 14, n, START);
    }

    assert_in_range(first, 2, CAPACITY - 1);
    assert_int_equal(pguard_burst_others(&t), 100 - first);
    assert_int_equal(pguard_burst_others(&t), 0);

    for (n = 1; n <= first; n++) {
        assert_int_equal(refuse(&t, 14, n, START), 0);
    }

    assert_int_equal(pguard_burst_others(&t), 0);
}


/* A burst that goes on stays one, though a place before its own is free. */

static void
test_free_place_before(void **state)
{
    pguard_burst_t   b;
    pguard_bursts_t  t = table();

    (void) state;

    assert_int_equal(refuse(&t, 3, 1, START), 1);
    assert_int_equal(refuse(&t, 3, 2, START), 1);
    assert_int_equal(refuse(&t, 3, 2, START + 1), 0);

    assert_int_equal(lines(&t, START + MINUTE, &b), 1);
    assert_int_equal(refuse(&t, 3, 2, START + MINUTE + 1), 0);
}


/* Whoever sends what: every refusal is in a line, and a minute has at most as
   many lines as the table has places. */

static void
test_bounded_and_complete(void **state)
{
    uint64_t         sent, told, pos;
    unsigned         minute, i, n;
    pguard_burst_t   b;
    pguard_bursts_t  t = table();

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);

    for (minute = 0, sent = 0, told = 0; minute < 500; minute++) {
        n = 0;

        for (i = 0; minute < 490 && i < 300; i++, sent++) {
            n += (unsigned) refuse(&t, (uint64_t) lrand48() % 50,
                                   1 + (uint64_t) lrand48() % 1000,
                                   START + minute * MINUTE + i);
        }

        told += n;
        pos = 0;

        while (pguard_burst_next(&t, &pos, START + (minute + 1) * MINUTE
                                           + 1000, &b))
        {
            told += b.more;
            n += b.more > 0;
        }

        told += pguard_burst_others(&t);
        assert_true(n <= 2 * CAPACITY);
    }

    assert_int_equal(told, sent);
}


static void
test_forget(void **state)
{
    pguard_id_t      who;
    pguard_burst_t   b;
    pguard_bursts_t  t = table();

    (void) state;

    memset(who.bytes, 3, PGUARD_ID_LEN);

    assert_true(refuse(&t, 1, 3, START));
    assert_false(refuse(&t, 1, 3, START));
    assert_true(refuse(&t, 2, 4, START));

    assert_int_equal(pguard_burst_forget(&t, &who), 1);
    assert_null(memmem(memory, sizeof(memory), who.bytes, PGUARD_ID_LEN));
    assert_int_equal(lines(&t, START + 2 * MINUTE, &b), 0);
    assert_int_equal(pguard_burst_forget(&t, &who), 0);
    assert_true(refuse(&t, 1, 3, START));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_first_only),
        cmocka_unit_test(test_more),
        cmocka_unit_test(test_one_summary_a_minute),
        cmocka_unit_test(test_goes_quiet_and_closes),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_free_place_before),
        cmocka_unit_test(test_bounded_and_complete)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
