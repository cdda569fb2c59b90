#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../src/core/pguard_hold.h"


#define MS  1000


static void
test_far(void **state)
{
    pguard_hold_t  h = { 0, 0, 0, 0 };

    (void) state;

    assert_false(pguard_hold_valid(&h, 10000, 5));

    /* nothing is known: the next one goes with the next flush */

    pguard_hold_learn(&h, 10, 10, 100000, 10000, 10, 1000 * MS);
    assert_int_equal(h.hold, 10);
    assert_int_equal(h.enough, 99990 / 8 + 1);
    assert_true(pguard_hold_valid(&h, 10000, 11000 * MS));
    assert_false(pguard_hold_valid(&h, 10000, 11001 * MS));

    /* 10 each 10 ms, 99980 left: far away */

    pguard_hold_learn(&h, 20, 10, 100000, 10000, 10, 1010 * MS);
    assert_int_equal(h.hold, 500);

    /* a 20th of a short window; never shorter than a flush */

    pguard_hold_learn(&h, 30, 10, 100000, 1000, 10, 1020 * MS);
    assert_int_equal(h.hold, 50);
    pguard_hold_learn(&h, 40, 10, 100000, 100, 10, 1030 * MS);
    assert_int_equal(h.hold, 10);
}


static void
test_near(void **state)
{
    uint64_t       total, now;
    unsigned       calls;
    pguard_hold_t  h = { 0, 0, 0, 0 };

    (void) state;

    /* one a millisecond: told ever more often, and never late */

    total = 0;
    calls = 0;
    now = 1000 * MS;

    pguard_hold_learn(&h, 0, 0, 600, 60000, 10, now);

    while (total <= 600) {
        total += h.hold;
        now += h.hold * MS;
        calls++;
        pguard_hold_learn(&h, total, h.hold, 600, 60000, 10, now);
    }

    assert_true(total <= 610);
    assert_true(calls < 12);

    assert_int_equal(h.hold, 10);
    assert_int_equal(h.enough, 1);

    /* a window that has slid on: what was told counts as its pace */

    h.total = 500;
    h.when = now;
    pguard_hold_learn(&h, 400, 50, 600, 60000, 10, now + 100 * MS);
    assert_int_equal(h.hold, 200);

    pguard_hold_learn(&h, UINT64_MAX, 1, 600, 60000, 10, now + 200 * MS);
    assert_int_equal(h.hold, 10);
    pguard_hold_learn(&h, 0, 0, UINT64_MAX, 60000, 10, now + 300 * MS);
    assert_int_equal(h.hold, 500);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_far),
        cmocka_unit_test(test_near)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
