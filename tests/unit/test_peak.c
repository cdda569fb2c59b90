/*
 * The most of a limit that was used lately, against a log of all uses.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_peak.h"


#define SEED   80000
#define START  987654321ULL
#define USES   4000


static unsigned
most(const uint64_t *at, const unsigned *share, unsigned n, uint64_t from)
{
    unsigned  i, max = 0;

    for (i = 0; i < n; i++) {
        if (at[i] >= from && share[i] > max) {
            max = share[i];
        }
    }

    return max;
}


/* What is told holds for some time between the span and a third more. */

static void
test_between(void **state)
{
    unsigned       i, n, told;
    uint64_t       now = START;
    pguard_peak_t  peak;

    static uint64_t  at[USES];
    static unsigned  share[USES];

    static const uint64_t  spans[PGUARD_PEAK_SPANS] = { 60000, 3600000 };

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);
    memset(&peak, 0, sizeof(peak));

    for (n = 0; n < USES; n++) {
        now += (uint64_t) lrand48() % (lrand48() % 20 ? 5000 : 500000);
        at[n] = now;
        share[n] = (unsigned) (lrand48() % 300);
        pguard_peak_raise(&peak, share[n] * 7, 7000, now);

        now += (uint64_t) lrand48() % 3000;

        for (i = 0; i < PGUARD_PEAK_SPANS; i++) {
            told = pguard_peak_read(&peak, i, now);

            assert_true(told >= most(at, share, n + 1, now - spans[i]));
            assert_true(told <= most(at, share, n + 1,
                                     now - spans[i] / 3 * 4));
        }
    }
}


static void
test_bounds(void **state)
{
    pguard_peak_t  peak;

    (void) state;

    memset(&peak, 0, sizeof(peak));
    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_MINUTE, 0), 0);

    pguard_peak_raise(&peak, 1, 3, 0);
    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_MINUTE, 0), 333);
    pguard_peak_raise(&peak, 0, 3, 0);
    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_HOUR, 0), 333);

    pguard_peak_raise(&peak, 4, 3, 10);
    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_MINUTE, 10), 1333);

    pguard_peak_raise(&peak, UINT64_MAX, 1, 20);
    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_MINUTE, 20),
                     PGUARD_PEAK_MAX);
    pguard_peak_raise(&peak, 1ULL << 40, 1000000, 20);
    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_MINUTE, 20),
                     PGUARD_PEAK_MAX);

    /* and is over when its time is */

    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_MINUTE, 79999),
                     PGUARD_PEAK_MAX);
    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_MINUTE, 80000), 0);
    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_HOUR, 80000),
                     PGUARD_PEAK_MAX);
    assert_int_equal(pguard_peak_read(&peak, PGUARD_PEAK_HOUR, 4800000), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_bounds)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
