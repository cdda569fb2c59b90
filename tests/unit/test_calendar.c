/*
 * Months and time zones: lengths known by hand, every zone of the machine
 * against its C library, files that were damaged.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "pguard_calendar.h"
#include "pguard_utc.h"
#include "zone_file.h"


#define number_of(a)  (sizeof(a) / sizeof((a)[0]))
#define SEED          20240313


static unsigned char  file[PGUARD_TZ_FILE_MAX];
static unsigned char  small[200];


static pguard_str_t
text(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static pguard_tz_t
zone(const char *footer)
{
    pguard_tz_t  tz;

    assert_null(pguard_tz_open(&tz, zone_file_footer(small, footer)));

    return tz;
}


static uint64_t
hours(const pguard_tz_t *tz, const char *month)
{
    pguard_month_span_t  span;

    pguard_month_span(tz, pguard_month_parse(text(month)), &span);

    return (span.end - span.start) / 3600;
}


static void
assert_start(const pguard_tz_t *tz, const char *month, const char *start)
{
    uint64_t             ms;
    pguard_month_span_t  span;

    pguard_month_span(tz, pguard_month_parse(text(month)), &span);
    assert_true(pguard_time_parse(text(start), &ms));
    assert_int_equal(span.start, ms / 1000);
}


static void
test_lengths_in_utc(void **state)
{
    pguard_tz_t  utc = { 0 };

    (void) state;

    assert_int_equal(hours(&utc, "2024-01"), 744);
    assert_int_equal(hours(&utc, "2024-02"), 696);
    assert_int_equal(hours(&utc, "2023-02"), 672);
    assert_int_equal(hours(&utc, "2000-02"), 696);
    assert_int_equal(hours(&utc, "2100-02"), 672);
    assert_int_equal(hours(&utc, "2024-03"), 744);
    assert_int_equal(hours(&utc, "2024-04"), 720);
    assert_start(&utc, "2024-03", "2024-03-01T00:00:00Z");
    assert_start(&utc, "1970-01", "1970-01-01T00:00:00Z");
}


static void
test_both_changes_of_the_clock(void **state)
{
    pguard_tz_t  paris = zone("CET-1CEST,M3.5.0,M10.5.0/3");

    (void) state;

    assert_int_equal(hours(&paris, "2024-03"), 743);
    assert_int_equal(hours(&paris, "2024-10"), 745);
    assert_int_equal(hours(&paris, "2024-02"), 696);
    assert_int_equal(hours(&paris, "2024-07"), 744);
    assert_int_equal(hours(&paris, "2090-03"), 743);
    assert_start(&paris, "2024-03", "2024-02-29T23:00:00Z");
    assert_start(&paris, "2024-04", "2024-03-31T22:00:00Z");
    assert_start(&paris, "2024-10", "2024-09-30T22:00:00Z");
    assert_start(&paris, "2024-11", "2024-10-31T23:00:00Z");
    assert_start(&paris, "2024-04", "2024-04-01T00:00:00+02:00");
}


static void
test_days_of_a_month(void **state)
{
    unsigned        day;
    uint64_t        length;
    pguard_tz_t     paris = zone("CET-1CEST,M3.5.0,M10.5.0/3");
    pguard_month_t  month = pguard_month_parse(text("2024-03"));

    (void) state;

    assert_int_equal(pguard_month_days(month), 31);

    for (day = 1; day <= 31; day++) {
        length = pguard_day_start(&paris, month, day + 1)
                 - pguard_day_start(&paris, month, day);
        assert_int_equal(length, day == 31 ? 23 * 3600 : 24 * 3600);
    }

    month = pguard_month_parse(text("2024-10"));
    assert_int_equal(pguard_day_start(&paris, month, 28)
                     - pguard_day_start(&paris, month, 27), 25 * 3600);
}


/* Clocks that change at midnight, on the first of a month among others. */

static void
test_midnight_left_out_or_twice(void **state)
{
    pguard_tz_t          forward = zone("XST0XDT,J60/0,J300/0");
    pguard_tz_t          back = zone("XST0XDT,J10/0,J60/0:30");
    pguard_month_span_t  span;

    (void) state;

    /* 1 March, 00:00 becomes 01:00 */

    assert_start(&forward, "2023-03", "2023-03-01T00:00:00Z");

    /* 1 March, 00:30 becomes 23:30: the month has begun all the same */

    assert_start(&back, "2023-03", "2023-02-28T23:00:00Z");
    assert_int_equal(hours(&back, "2023-03"), 745);

    assert_true(pguard_month_of(&back, 1677625200 + 1800, &span));
    assert_int_equal(span.month, pguard_month_parse(text("2023-03")));
    assert_true(pguard_month_of(&back, 1677625200 - 1, &span));
    assert_int_equal(span.month, pguard_month_parse(text("2023-02")));
}


static void
test_footers(void **state)
{
    size_t       i;
    int64_t      until;
    pguard_tz_t  tz;

    static const struct {
        const char  *footer;
        int64_t      t;
        int32_t      offset;
    } good[] = {
        { "UTC0", 1709251200, 0 },
        { "<+0330>-3:30", 1709251200, 12600 },
        { "<-03>3", 1709251200, -10800 },
        { "XXX-1:02:03", 1709251200, 3723 },
        { "EST5EDT,M3.2.0,M11.1.0", 1709251200, -18000 },
        { "EST5EDT,M3.2.0,M11.1.0", 1719792000, -14400 },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", 1704067200, 39600 },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", 1719792000, 36000 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", 1704067200, 0 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", 1719792000, 3600 },
        { "XXX3EDT4,0/0,J365/23", 1704067200, -14400 },
        { "XXX3EDT4,0/0,J365/23", 1719792000, -14400 },
        { "XXX3EDT4,0/0,J365/23", 1735700400, -14400 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1711846799, -7200 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1711846800, -3600 }
    };

    static const char *const  bad[] = {
        "X0", "UTC", "UTC25", "UTC0X", "UTC0 ", "CET-1CEST", "<CET-1",
        "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,", "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J1", "CET-1CEST,J366,J1", "CET-1CEST,366,1",
        "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0x",
        "CET-1:60", "CET-1:00:60", "CET--1", "CET-", "99999999999",
        "CET-99999999999", ",", "CET-1CEST,,"
    };

    (void) state;

    for (i = 0; i < number_of(good); i++) {
        tz = zone(good[i].footer);
        assert_int_equal(pguard_tz_offset(&tz, good[i].t, &until),
                         good[i].offset);
        assert_true(until > good[i].t);
    }

    for (i = 0; i < number_of(bad); i++) {
        assert_non_null(pguard_tz_open(&tz, zone_file_footer(small, bad[i])));
    }
}


/* As the C library says it: its reader is another one. */

static void
test_zones_of_this_machine(void **state)
{
    size_t                i;
    int64_t               t, until;
    struct tm             tm;
    const char           *wrong;
    pguard_tz_t           tz;
    pguard_str_t          s;
    pguard_month_span_t   span;

    static const char *const  names[] = {
        "Europe/Paris", "Europe/Dublin", "America/New_York", "America/Havana",
        "America/St_Johns", "America/Nuuk", "America/Sao_Paulo",
        "Asia/Kathmandu", "Asia/Tehran", "Asia/Beirut", "Asia/Gaza",
        "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll",
        "Pacific/Apia", "Pacific/Kiritimati", "Indian/Reunion", "Etc/UTC"
    };

    (void) state;

    for (i = 0; i < number_of(names); i++) {
        s = zone_file_read(file, names[i]);

        if (s.len == 0) {
            print_message("no time zone %s here\n", names[i]);
            continue;
        }

        wrong = pguard_tz_open(&tz, s);
        assert_string_equal(wrong ? wrong : "", "");
        (void) setenv("TZ", names[i], 1);
        tzset();

        for (t = 86400; t < 4102444800; t += 20 * 3600 + 1799) {
            (void) localtime_r(&t, &tm);
            assert_int_equal(pguard_tz_offset(&tz, t, &until), tm.tm_gmtoff);
            assert_true(until > t);
            assert_true(pguard_month_of(&tz, (uint64_t) t, &span));
            assert_true((uint64_t) t >= span.start && (uint64_t) t < span.end);
        }
    }

    (void) unsetenv("TZ");
    tzset();
}


static void
test_months_touch(void **state)
{
    pguard_tz_t           tz;
    pguard_month_t        m;
    pguard_str_t          s = zone_file_read(file, "Asia/Beirut");
    pguard_month_span_t   a, b;

    (void) state;

    if (s.len == 0 || pguard_tz_open(&tz, s) != NULL) {
        skip();
    }

    pguard_month_span(&tz, 1, &a);

    for (m = 2; m <= PGUARD_MONTH_MAX; m++) {
        pguard_month_span(&tz, m, &b);
        assert_int_equal(a.end, b.start);
        assert_true(b.start < b.end);
        a = b;
    }

    assert_true(pguard_month_of(&tz, a.end - 1, &b));
    assert_int_equal(b.month, PGUARD_MONTH_MAX);
    assert_false(pguard_month_of(&tz, a.end + 1, &b));
    assert_false(pguard_month_of(&tz, UINT64_MAX, &b));

    tz = zone("EST5");
    assert_false(pguard_month_of(&tz, 5 * 3600 - 1, &b));
    assert_true(pguard_month_of(&tz, 5 * 3600, &b));
    assert_int_equal(b.month, 1);
}


static void
test_month_text(void **state)
{
    size_t           i;
    unsigned char    buf[16];
    pguard_out_t     out;
    pguard_month_t   m;

    static const char *const  bad[] = {
        "", "2024", "2024-", "2024-3", "2024-13", "2024-00", "1969-12",
        "2311-01", "9999-12", "2024-031", " 2024-03", "2024/03", "20a4-03",
        "-024-03"
    };

    (void) state;

    for (m = 1; m <= PGUARD_MONTH_MAX; m++) {
        pguard_out_init(&out, buf, sizeof(buf));
        pguard_month_out(&out, m);
        assert_int_equal(out.need, PGUARD_MONTH_LEN);
        assert_int_equal(pguard_month_parse((pguard_str_t) { 7, buf }), m);
    }

    for (i = 0; i < number_of(bad); i++) {
        assert_int_equal(pguard_month_parse(text(bad[i])), 0);
    }
}


static void
test_time_text(void **state)
{
    size_t         i;
    uint64_t       ms;
    unsigned char  buf[32];
    pguard_out_t   out;

    static const struct { const char *s; uint64_t ms; }  good[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2024-03-13T10:00:00.000Z", 1710324000000 },
        { "2024-03-13t10:00:00z", 1710324000000 },
        { "2024-03-13T11:00:00+01:00", 1710324000000 },
        { "2024-03-13T04:30:00.5-05:30", 1710324000500 },
        { "2024-02-29T23:59:59.999Z", 1709251199999 },
        { "2024-03-13T10:00:00.123456789Z", 1710324000123 },
        { "9999-12-31T23:59:59.999Z", 253402300799999 }
    };

    static const char *const  bad[] = {
        "", "2024-03-13", "2024-03-13T10:00:00", "2024-03-13T10:00:60Z",
        "2024-03-13T24:00:00Z", "2024-03-13T10:60:00Z", "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z", "2024-00-01T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-03-00T00:00:00Z", "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01", "2024-03-13T10:00:00.Z",
        "2024-03-13T10:00:00.1", "2024-03-13T10:00:00.1234567890Z",
        "2024-03-13T10:00:00ZZ", "2024-03-13T10:00:00+1:00",
        "2024-03-13T10:00:00+24:00", "2024-03-13T10:00:00+01:60",
        "2024-03-13T10:00:00+01:000", "2024-03-13 10:00:00Z",
        "+024-03-13T10:00:00Z", "2024-03-13T10:00:0 Z"
    };

    (void) state;

    for (i = 0; i < number_of(good); i++) {
        assert_true(pguard_time_parse(text(good[i].s), &ms));
        assert_int_equal(ms, good[i].ms);

        pguard_out_init(&out, buf, sizeof(buf));
        pguard_utc_out(&out, ms);
        assert_int_equal(out.need, PGUARD_UTC_LEN);
        assert_true(pguard_time_parse((pguard_str_t) { out.need, buf }, &ms));
        assert_int_equal(ms, good[i].ms);
    }

    for (i = 0; i < number_of(bad); i++) {
        assert_false(pguard_time_parse(text(bad[i]), &ms));
    }

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_utc_out(&out, 1710324000007);
    assert_memory_equal(buf, "2024-03-13T10:00:00.007Z", PGUARD_UTC_LEN);

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_day_out(&out, pguard_month_parse(text("2024-03")), 9);
    assert_memory_equal(buf, "2024-03-09", 10);
}


/* Whatever the bytes: a reason, or a zone that can be asked anything. */

static void
ask(pguard_str_t s)
{
    int64_t               until;
    pguard_tz_t           tz;
    unsigned char        *copy;
    pguard_month_span_t   span;

    copy = malloc(s.len ? s.len : 1);        /* of that size: for ASan */
    assert_non_null(copy);
    memcpy(copy, s.data, s.len);

    if (pguard_tz_open(&tz, (pguard_str_t) { s.len, copy }) == NULL) {
        (void) pguard_tz_offset(&tz, 0, &until);
        (void) pguard_month_of(&tz, 1710324000, &span);
        pguard_month_span(&tz, PGUARD_MONTH_MAX, &span);
        assert_true(span.start <= span.end);
    }

    free(copy);
}


static void
test_damaged_files(void **state)
{
    size_t         n, i;
    unsigned       j;
    pguard_tz_t    tz;
    pguard_str_t   s = zone_file_read(file, "Europe/Paris");
    unsigned char  save[4];

    (void) state;

    if (s.len == 0) {
        s = zone_file_paris(file);
    }

    for (n = 0; n < s.len; n++) {
        ask((pguard_str_t) { n, s.data });
        assert_non_null(pguard_tz_open(&tz, (pguard_str_t) { n, s.data }));
    }

    srand48(SEED);

    for (j = 0; j < 20000; j++) {
        i = (size_t) lrand48() % (s.len - 4);
        i = j % 2 ? i : i % 200;
        memcpy(save, file + i, 4);
        file[i] = (unsigned char) lrand48();

        if (j % 3 == 0) {
            file[i + 3] ^= (unsigned char) (1 << lrand48() % 8);
        }

        ask(s);
        memcpy(file + i, save, 4);
    }

    assert_null(pguard_tz_open(&tz, s));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_lengths_in_utc),
        cmocka_unit_test(test_both_changes_of_the_clock),
        cmocka_unit_test(test_days_of_a_month),
        cmocka_unit_test(test_midnight_left_out_or_twice),
        cmocka_unit_test(test_footers),
        cmocka_unit_test(test_zones_of_this_machine),
        cmocka_unit_test(test_months_touch),
        cmocka_unit_test(test_month_text),
        cmocka_unit_test(test_time_text),
        cmocka_unit_test(test_damaged_files)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
