/*
 * Requests of the last minute, hour and day, against an exact log of them;
 * samplers that are late, die, or are two.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_history.h"


#define SEED   70000
#define START  123456789ULL                 /* ms */
#define HOURS  30
#define LOG    (HOURS * 3600)               /* seconds */


static pguard_moment_t  ring[PGUARD_MOMENTS];
static pguard_series_t  series;
static uint64_t         total[PGUARD_VERDICTS];
static uint32_t         sent[LOG][PGUARD_VERDICTS];   /* by second */


static const unsigned  spans[PGUARD_SPANS] = {
    PGUARD_MINUTE_SLOTS, PGUARD_HOUR_SLOTS, PGUARD_DAY_SLOTS
};

/* Of a slot, seconds. */

static const unsigned  lengths[PGUARD_SPANS] = { 1, 60, 15 * 60 };


static int
setup(void **state)
{
    (void) state;

    memset(ring, 0, sizeof(ring));
    memset(total, 0, sizeof(total));
    memset(sent, 0, sizeof(sent));

    return 0;
}


static void
request(pguard_msec_t now, unsigned verdict, uint32_t n)
{
    total[verdict] += n;
    sent[now / 1000 - START / 1000][verdict] += n;
}


/* Of the seconds [from, to), since 0 on the clock. */

static uint64_t
logged(uint64_t from, uint64_t to, unsigned verdict)
{
    uint64_t  i, n = 0;

    for (i = from; i < to; i++) {
        if (i >= START / 1000 && i - START / 1000 < LOG) {
            n += sent[i - START / 1000][verdict];
        }
    }

    return n;
}


static void
assert_span(pguard_span_e span, pguard_msec_t now)
{
    unsigned  i, v;
    uint64_t  slot, first, n, all, sum[PGUARD_VERDICTS] = { 0 }, most = 0;

    slot = lengths[span];
    first = now / 1000 / slot - spans[span] + 1;

    pguard_history_read(ring, span, total, now, &series);
    assert_int_equal(series.slots, spans[span]);

    for (i = 0; i < series.slots; i++) {
        for (v = 0, all = 0; v < PGUARD_VERDICTS; v++) {
            n = logged((first + i) * slot, (first + i + 1) * slot, v);
            assert_int_equal(series.slot[i][v], n);
            sum[v] += n;
            all += n;
        }

        most = all > most ? all : most;
    }

    for (v = 0; v < PGUARD_VERDICTS; v++) {
        assert_int_equal(series.sum[v], sum[v]);
    }

    assert_int_equal(series.most, most);
}


/* Thirty hours, in which each second is sampled as it begins. */

static void
test_exact(void **state)
{
    unsigned       i;
    pguard_msec_t  now;

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);
    pguard_history_sample(ring, total, START);
    request(START + 1, 0, 5);               /* before the first whole second */

    for (i = 1; i < LOG; i++) {
        now = (START / 1000 + i) * 1000;
        pguard_history_sample(ring, total, now + (pguard_msec_t) lrand48() % 9);

        while (lrand48() % 3) {
            request(now + 10, (unsigned) (lrand48() % PGUARD_VERDICTS),
                    (uint32_t) (lrand48() % 1000));
        }

        if (i < 200 || i % 977 == 0) {
            assert_span(PGUARD_SPAN_MINUTE, now + 500);
            assert_span(PGUARD_SPAN_HOUR, now + 500);
            assert_span(PGUARD_SPAN_DAY, now + 500);
        }
    }
}


/* Before anything was sampled there is nothing, whatever the counters say. */

static void
test_empty(void **state)
{
    unsigned  span;

    (void) state;

    total[0] = 100;

    for (span = 0; span < PGUARD_SPANS; span++) {
        pguard_history_read(ring, span, total, START, &series);
        assert_int_equal(series.sum[0], 0);
        assert_int_equal(series.most, 0);
    }
}


/* The machine has just booted: slots from before time began. */

static void
test_just_booted(void **state)
{
    (void) state;

    pguard_history_sample(ring, total, 0);
    total[2] = 7;
    pguard_history_read(ring, PGUARD_SPAN_DAY, total, 10, &series);
    assert_int_equal(series.sum[2], 7);
    assert_int_equal(series.slot[PGUARD_DAY_SLOTS - 1][2], 7);

    pguard_history_sample(ring, total, 1000);
    total[2] = 9;
    pguard_history_read(ring, PGUARD_SPAN_MINUTE, total, 1999, &series);
    assert_int_equal(series.slot[PGUARD_MINUTE_SLOTS - 2][2], 7);
    assert_int_equal(series.slot[PGUARD_MINUTE_SLOTS - 1][2], 2);
}


/* Seconds without a sample: what came in them is in one of the next that has
   one, nothing is lost, nothing is counted twice. */

static void
test_late(void **state)
{
    unsigned       i, seconds;
    uint64_t       sum;
    pguard_msec_t  now = START / 1000 * 1000;

    (void) state;

    srand48(SEED);
    pguard_history_sample(ring, total, now);

    for (seconds = 0; seconds < 55; seconds++, now += 1000) {
        total[0]++;

        if (lrand48() % 3 == 0) {
            pguard_history_sample(ring, total, now + 999);
        }

        pguard_history_read(ring, PGUARD_SPAN_MINUTE, total, now + 999,
                            &series);
        assert_int_equal(series.sum[0], total[0]);

        for (i = 0, sum = 0; i < series.slots; i++) {
            sum += series.slot[i][0];
        }

        assert_int_equal(sum, total[0]);
    }

    /* a pause longer than the ring: old moments are not taken for new ones */

    pguard_history_sample(ring, total, now);
    pguard_history_read(ring, PGUARD_SPAN_MINUTE, total, now + 600000,
                        &series);
    assert_int_equal(series.sum[0], 0);
    total[0] += 3;
    pguard_history_sample(ring, total, now + 600000);
    pguard_history_read(ring, PGUARD_SPAN_MINUTE, total, now + 600500,
                        &series);
    assert_int_equal(series.sum[0], 3);
    total[0] += 4;
    pguard_history_sample(ring, total, now + 700000);
    pguard_history_read(ring, PGUARD_SPAN_MINUTE, total, now + 700000,
                        &series);
    assert_int_equal(series.sum[0], 4);
}


/* A sampler that dies after any of its stores leaves a moment without number;
   one that wakes up late leaves one of an older slot. */

static void
test_torn(void **state)
{
    unsigned         i;
    uint64_t         kept;
    pguard_moment_t  was;
    pguard_msec_t    now = START / 1000 * 1000;

    (void) state;

    for (i = 0; i < 50; i++) {
        pguard_history_sample(ring, total, now + i * 1000);
        total[1] += 10;
    }

    for (i = 0; i < PGUARD_MINUTE_SLOTS + 2; i++) {
        was = ring[i];
        kept = was.number;

        ring[i].number = 0;
        ring[i].total[1] = 0xdead;
        pguard_history_read(ring, PGUARD_SPAN_MINUTE, total,
                            now + 49500, &series);
        assert_in_range(series.sum[1], 490, 500);
        assert_in_range(series.most, 0, 20);

        if (kept > 10) {
            ring[i].number = kept - (PGUARD_MINUTE_SLOTS + 2);
            pguard_history_read(ring, PGUARD_SPAN_MINUTE, total,
                                now + 49500, &series);
            assert_true(series.most < 100000);
        }

        ring[i] = was;
    }
}


/* The first sample in a slot stays, whoever comes later. */

static void
test_two_samplers(void **state)
{
    pguard_msec_t  now = START / 1000 * 1000;

    (void) state;

    pguard_history_sample(ring, total, now);
    total[0] = 10;
    pguard_history_sample(ring, total, now + 1000);
    total[0] = 15;
    pguard_history_sample(ring, total, now + 1500);
    pguard_history_sample(ring, total, now + 100);

    pguard_history_read(ring, PGUARD_SPAN_MINUTE, total, now + 1999, &series);
    assert_int_equal(series.slot[PGUARD_MINUTE_SLOTS - 2][0], 10);
    assert_int_equal(series.slot[PGUARD_MINUTE_SLOTS - 1][0], 5);
}


/* Counters larger than 32 bits: differences count. */

static void
test_wraps(void **state)
{
    pguard_msec_t  now = START / 1000 * 1000;

    (void) state;

    total[0] = 0x1fffffff0ULL;
    pguard_history_sample(ring, total, now);
    total[0] += 100;
    pguard_history_sample(ring, total, now + 1000);
    total[0] += 3000000000U;

    pguard_history_read(ring, PGUARD_SPAN_MINUTE, total, now + 1000, &series);
    assert_int_equal(series.slot[PGUARD_MINUTE_SLOTS - 2][0], 100);
    assert_int_equal(series.slot[PGUARD_MINUTE_SLOTS - 1][0], 3000000000U);
    assert_int_equal(series.sum[0], 3000000100U);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(test_exact, setup),
        cmocka_unit_test_setup(test_empty, setup),
        cmocka_unit_test_setup(test_just_booted, setup),
        cmocka_unit_test_setup(test_late, setup),
        cmocka_unit_test_setup(test_torn, setup),
        cmocka_unit_test_setup(test_two_samplers, setup),
        cmocka_unit_test_setup(test_wraps, setup)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
