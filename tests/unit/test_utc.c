/*
 * UTC as text against the C library, and what is refused.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "pguard_utc.h"


#define SEED  1971


static pguard_str_t
str(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static void
check(pguard_msec_t ms)
{
    char           expected[64], got[PGUARD_UTC_LEN];
    time_t         t;
    struct tm      tm;
    pguard_out_t   out;
    pguard_msec_t  back;

    t = (time_t) (ms / 1000);
    assert_non_null(gmtime_r(&t, &tm));
    assert_int_equal(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S",
                              &tm), 19);
    (void) snprintf(expected + 19, sizeof(expected) - 19, ".%03uZ",
                    (unsigned) (ms % 1000));

    pguard_out_init(&out, got, sizeof(got));
    pguard_utc_out(&out, ms);

    assert_int_equal(out.need, PGUARD_UTC_LEN);
    assert_memory_equal(got, expected, PGUARD_UTC_LEN);

    assert_int_equal(pguard_utc_parse(str(expected), &back), 0);
    assert_true(back == ms);
}


static void
test_round_trip(void **state)
{
    unsigned  i;

    (void) state;

    check(0);
    check(951782399999);            /* 2000-02-28T23:59:59.999Z */
    check(951782400000);
    check(951868800000);
    check(4107542400000);           /* 2100-03-01 */
    check(PGUARD_UTC_MAX);

    for (i = 0; i < 150000; i++) {
        check((pguard_msec_t) i * 86400000 + i % 1000);
    }

    srand48(SEED);

    for (i = 0; i < 100000; i++) {
        check(((uint64_t) lrand48() << 31 | (uint64_t) lrand48())
              % (PGUARD_UTC_MAX + (uint64_t) 1));
    }
}


static void
test_beyond(void **state)
{
    char          got[PGUARD_UTC_LEN];
    pguard_out_t  out;

    (void) state;

    pguard_out_init(&out, got, sizeof(got));
    pguard_utc_out(&out, UINT64_MAX);
    assert_memory_equal(got, "9999-12-31T23:59:59.999Z", PGUARD_UTC_LEN);
}


static void
test_short_forms(void **state)
{
    pguard_msec_t  ms;

    (void) state;

    assert_int_equal(pguard_utc_parse(str("2026-11-22"), &ms), 0);
    assert_true(ms == 1795305600000);
    assert_int_equal(pguard_utc_parse(str("2026-11-22T02:04:13Z"), &ms), 0);
    assert_true(ms == 1795305600000 + 7453000);
}


static void
test_refused(void **state)
{
    size_t         i;
    pguard_msec_t  ms;

    static const char *const  bad[] = {
        "", "2026", "2026-11-2", "2026-11-222", "2026-02-29", "2100-02-29",
        "2026-04-31", "2026-00-10", "2026-13-10", "2026-01-00", "2026-01-32",
        "1969-12-31", "2026-11-22T24:00:00Z", "2026-11-22T00:60:00Z",
        "2026-11-22T00:00:60Z", "2026-11-22T00:00:00", "2026-11-22 00:00:00Z",
        "2026-11-22T00:00:00.", "2026-11-22T00:00:00z",
        "2026-11-22T00:00:00.000", "2026-11-22T00:00:00.000z",
        "2026-11-22T00:00:00.00Z", "2026/11/22", "2026-11-22T00:00:00.-01Z",
        "+026-11-22", "2026-11-22T00:00:00+00:00"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ms = 42;

        if (pguard_utc_parse(str(bad[i]), &ms) != -1) {
            fail_msg("accepted: %s", bad[i]);
        }

        assert_true(ms == 42);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_beyond),
        cmocka_unit_test(test_short_forms),
        cmocka_unit_test(test_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
