#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../src/core/pguard_spell.h"


static pguard_msec_t  time_now;


static pguard_msec_t
read_clock(void)
{
    return time_now;
}


static pguard_msec_t
sum(const uint64_t *spell, pguard_msec_t now)
{
    time_now = now;

    return pguard_spell_sum(spell, read_clock);
}


static void
test_spells(void **state)
{
    uint64_t  spell = 0;

    (void) state;

    assert_false(pguard_spell_on(&spell));
    assert_int_equal(sum(&spell, 1000), 0);
    assert_false(pguard_spell_end(&spell, 1000));

    assert_true(pguard_spell_begin(&spell, 1000));
    assert_true(pguard_spell_on(&spell));
    assert_false(pguard_spell_begin(&spell, 1500));
    assert_int_equal(sum(&spell, 1000), 0);
    assert_int_equal(sum(&spell, 1777), 777);

    assert_true(pguard_spell_end(&spell, 3001));
    assert_false(pguard_spell_on(&spell));
    assert_false(pguard_spell_end(&spell, 4000));
    assert_int_equal(sum(&spell, 9999), 2001);

    assert_true(pguard_spell_begin(&spell, 10000));
    assert_int_equal(sum(&spell, 10000), 2001);
    assert_int_equal(sum(&spell, 10007), 2008);
    assert_true(pguard_spell_end(&spell, 10010));
    assert_int_equal(sum(&spell, 99999), 2011);
}


/* Whoever reads between any two writes sees no less than before. */

static void
test_never_back(void **state)
{
    uint64_t       spell = 0;
    pguard_msec_t  now, last, seen;

    (void) state;

    last = 0;

    for (now = 1; now < 2000; now++) {

        if (now % 7 == 0) {
            (void) pguard_spell_begin(&spell, now);

        } else if (now % 5 == 0) {
            (void) pguard_spell_end(&spell, now);
        }

        seen = sum(&spell, now);
        assert_true(seen >= last);
        assert_true(seen <= now);
        last = seen;
    }

    assert_true(last > 500);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_spells),
        cmocka_unit_test(test_never_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
