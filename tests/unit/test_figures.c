/*
 * Outages and the figures of a month: results known by hand, and a second
 * computation, second by second, for random months.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_figures.h"
#include "zone_file.h"


#define number_of(a)  (sizeof(a) / sizeof((a)[0]))
#define ENTRIES       24
#define SLICE         60
#define DAY           86400ULL
#define SEED          11


static pguard_tz_t            zone;
static unsigned char          zone_bytes[200];
static unsigned char          bits[8192];
static pguard_outage_entry_t  entries[ENTRIES];
static pguard_outage_ends_t   ends;
static pguard_outage_log_t    book;
static pguard_outage_t        list[ENTRIES];
static pguard_figures_in_t    in;
static pguard_figures_t       f;


static pguard_str_t
text(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static uint64_t
at(const char *s)
{
    uint64_t  ms;

    assert_true(pguard_time_parse(text(s), &ms));

    return ms / 1000;
}


static int
setup(void **state)
{
    (void) state;

    memset(bits, 0, sizeof(bits));
    memset(entries, 0, sizeof(entries));
    memset(&ends, 0, sizeof(ends));
    memset(&in, 0, sizeof(in));
    book = (pguard_outage_log_t) { entries, ENTRIES, &ends };
    in.tz = &zone;
    in.bits = bits;
    in.slice = SLICE;
    in.outage = list;
    in.target_ppm = 999000;
    in.applicable = 1;

    return pguard_tz_open(&zone, zone_file_paris(zone_bytes)) ? -1 : 0;
}


/* A month of UTC, or of Paris, seen when it is long over. */

static void
month(const char *name, int paris)
{
    static const pguard_tz_t  utc;

    in.tz = paris ? &zone : &utc;
    pguard_month_span(in.tz, pguard_month_parse(text(name)), &in.span);
    in.now = in.span.end + DAY;
}


static void
down(uint64_t from, uint64_t to)
{
    uint64_t  i;

    for (i = (from - in.span.start) / SLICE;
         in.span.start + i * SLICE < to; i++)
    {
        bits[i / 8] |= (unsigned char) (1u << i % 8);
    }
}


static void
compute(void)
{
    in.outages = pguard_outage_list(&book, list, ENTRIES);
    pguard_figures(&f, &in);
}


static pguard_outage_say_t
say(const char *notified, const char *detected, const char *end)
{
    pguard_outage_say_t  s;

    memset(&s, 0, sizeof(s));
    s.at = at("2030-01-01T00:00:00Z");
    s.who = text("a.martin");
    s.notified = notified ? at(notified) : 0;
    s.detected = detected ? at(detected) : 0;
    s.end = end ? at(end) : 0;
    s.confirmed_by = end ? PGUARD_CONFIRMED_MONITORING : PGUARD_CONFIRMED_NOT;
    s.cause = text("database");

    return s;
}


static uint64_t
declare(const char *notified, const char *detected, const char *end)
{
    uint64_t             id = 0;
    pguard_outage_say_t  s = say(notified, detected, end);

    assert_null(pguard_outage_declare(&book, &s, &id));

    return id;
}


/* As the API does, of an outage of this gateway's. */

static const char *
enter(pguard_outage_kind_e kind, const pguard_outage_say_t *s, uint64_t id)
{
    pguard_outage_t  o;

    assert_true(pguard_outage_get(&book, id, &o));

    return pguard_outage_enter(&book, kind, s, &o);
}


/* Milliseconds that 99.9 % leave of each month there is. */

static void
test_budgets(void **state)
{
    size_t  i;

    static const struct { const char *month; int paris; uint64_t ms; }  b[] = {
        { "2023-02", 0, 2419200 }, { "2024-02", 0, 2505600 },
        { "2024-04", 0, 2592000 }, { "2024-01", 0, 2678400 },
        { "2024-03", 1, 2674800 }, { "2024-10", 1, 2682000 }
    };

    (void) state;

    for (i = 0; i < number_of(b); i++) {
        month(b[i].month, b[i].paris);
        compute();
        assert_int_equal(f.budget, b[i].ms);
        assert_int_equal(f.left, b[i].ms);
        assert_int_equal(f.down, 0);
        assert_int_equal(f.time_target, PGUARD_TARGET_MET);
        assert_int_equal(pguard_ratio(f.time), PGUARD_RATIO_ONE);
    }

    in.target_ppm = 970000;
    month("2024-04", 0);
    compute();
    assert_int_equal(f.budget, 77760000);
}


/* 2592 s of April are 0.1 %: met; one second more is not. */

static void
test_target_to_the_second(void **state)
{
    uint64_t             id;
    pguard_outage_say_t  s;

    (void) state;

    month("2024-04", 0);
    id = declare("2024-04-10T10:00:00Z", NULL, "2024-04-10T10:43:12Z");
    compute();
    assert_int_equal(f.down, 2592);
    assert_int_equal(f.left, 0);
    assert_int_equal(f.time_target, PGUARD_TARGET_MET);
    assert_int_equal(pguard_ratio(f.time), 999000000);

    s = say(NULL, NULL, "2024-04-10T10:43:13Z");
    assert_null(enter(PGUARD_OUTAGE_CORRECTED, &s, id));
    compute();
    assert_int_equal(f.down, 2593);
    assert_int_equal(f.left, -1000);
    assert_int_equal(f.time_target, PGUARD_TARGET_MISSED);
    assert_int_equal(pguard_ratio(f.time), 998999614);
    assert_int_equal(f.outages, 1);
    assert_int_equal(list[0].corrections, 1);
}


static void
test_start_is_the_earlier(void **state)
{
    (void) state;

    month("2024-04", 0);
    (void) declare("2024-04-01T10:00:00Z", "2024-04-01T10:05:00Z",
                   "2024-04-01T10:10:00Z");
    (void) declare("2024-04-02T10:05:00Z", "2024-04-02T10:00:00Z",
                   "2024-04-02T10:10:00Z");
    (void) declare(NULL, "2024-04-03T10:00:00Z", "2024-04-03T10:10:00Z");
    compute();

    assert_int_equal(f.down, 3 * 600);
    assert_int_equal(f.outages, 3);
    assert_int_equal(f.day[0].down, 600);
    assert_int_equal(f.day[1].down, 600);
    assert_int_equal(f.day[2].down, 600);
    assert_int_equal(list[1].last.notified - list[1].last.detected, 300);
}


static void
test_overlapping_outages(void **state)
{
    (void) state;

    month("2024-04", 0);
    down(at("2024-04-10T10:00:00Z"), at("2024-04-10T10:05:00Z"));
    down(at("2024-04-10T10:20:00Z"), at("2024-04-10T10:30:00Z"));

    (void) declare("2024-04-10T09:58:30Z", NULL, "2024-04-10T10:02:00Z");
    (void) declare("2024-04-10T10:04:00Z", NULL, "2024-04-10T10:06:40Z");
    (void) declare("2024-04-10T10:22:00Z", NULL, "2024-04-10T10:25:00Z");
    (void) declare("2024-04-10T10:30:00Z", NULL, "2024-04-10T10:30:01Z");
    compute();

    /* 09:58:30 to 10:06:40, 10:20:00 to 10:30:01 */

    assert_int_equal(f.down, 490 + 601);
    assert_int_equal(f.outages, 2);
    assert_int_equal(f.longest, 601);
    assert_int_equal(f.day[9].down, 1091);
}


static void
test_over_a_months_end(void **state)
{
    (void) state;

    (void) declare("2024-03-31T21:50:00Z", NULL, "2024-03-31T22:30:00Z");

    month("2024-03", 1);
    compute();
    assert_int_equal(f.length, 743 * 3600);
    assert_int_equal(f.down, 600);
    assert_int_equal(f.day[30].down, 600);
    assert_int_equal(f.day[30].length, 23 * 3600);

    month("2024-04", 1);
    compute();
    assert_int_equal(f.down, 1800);
    assert_int_equal(f.day[0].down, 1800);

    month("2024-05", 1);
    compute();
    assert_int_equal(f.down, 0);
    assert_int_equal(f.outages, 0);
}


/* Down for the whole day of each change of the clock. */

static void
test_changes_of_the_clock(void **state)
{
    (void) state;

    (void) declare("2024-03-31T00:00:00+01:00", NULL,
                   "2024-04-01T00:00:00+02:00");
    (void) declare("2024-10-27T00:00:00+02:00", NULL,
                   "2024-10-28T00:00:00+01:00");

    month("2024-03", 1);
    compute();
    assert_int_equal(f.down, 23 * 3600);
    assert_int_equal(f.day[30].down, 23 * 3600);
    assert_int_equal(f.day[29].down, 0);

    month("2024-10", 1);
    compute();
    assert_int_equal(f.down, 25 * 3600);
    assert_int_equal(f.day[26].down, 25 * 3600);
    assert_int_equal(f.day[26].length, 25 * 3600);
    assert_int_equal(f.day[27].down, 0);
}


static void
test_open_outage_and_running_month(void **state)
{
    uint64_t             id;
    pguard_outage_say_t  s;

    (void) state;

    month("2024-04", 0);
    id = declare("2024-04-10T00:00:00Z", NULL, NULL);
    in.now = at("2024-04-11T00:00:00Z");
    compute();

    assert_int_equal(f.elapsed, 10 * DAY);
    assert_int_equal(f.down, DAY);
    assert_int_equal(pguard_ratio(f.time), 900000000);
    assert_int_equal(f.projected.part, 29 * DAY);
    assert_int_equal(f.projected.whole, 30 * DAY);
    assert_int_equal(f.time_target, PGUARD_TARGET_MISSED);

    s = say(NULL, NULL, "2024-04-10T00:30:00Z");
    s.confirmed_by = PGUARD_CONFIRMED_USER;
    s.confirmer = text("client 7");
    assert_null(enter(PGUARD_OUTAGE_RESTORED, &s, id));
    compute();
    assert_int_equal(f.down, 1800);
    assert_int_equal(f.time_target, PGUARD_TARGET_OPEN);
    assert_int_equal(list[0].last.confirmed_by, PGUARD_CONFIRMED_USER);
    assert_memory_equal(list[0].last.confirmer, "client 7", 8);
    assert_int_equal(f.left, 2592000 - 1800000);

    in.now = in.span.start;
    compute();
    assert_int_equal(f.time.whole, 0);
    assert_int_equal(f.down, 0);
}


/* What is blocked meanwhile is excluded, and takes nothing off the outage. */

static void
test_outage_during_a_block(void **state)
{
    (void) state;

    month("2024-04", 0);
    down(at("2024-04-10T10:00:00Z"), at("2024-04-10T10:10:00Z"));
    in.cells.cell[PGUARD_CELL_GOOD] = 9000;
    in.cells.cell[PGUARD_CELL_FAILED] = 9;
    in.cells.cell[PGUARD_CELL_IGNORED] = 3;
    in.cells.cell[PGUARD_CELL_REASON + PGUARD_REASON_DUPLICATE] = 500;
    in.cells.cell[PGUARD_CELL_REASON + PGUARD_REASON_HAMMERING] = 500;
    in.cells.cell[PGUARD_CELL_REASON + PGUARD_REASON_LOCKOUT] = 990;
    in.cells.cell[PGUARD_CELL_REASON + PGUARD_REASON_OPERATOR] = 1;
    compute();

    assert_int_equal(f.down, 600);
    assert_int_equal(f.by_class[PGUARD_SLA_GOOD], 9990);
    assert_int_equal(f.by_class[PGUARD_SLA_FAILED], 10);
    assert_int_equal(f.by_class[PGUARD_SLA_EXCLUDED], 1000);
    assert_int_equal(f.by_class[PGUARD_SLA_IGNORED], 3);
    assert_int_equal(pguard_ratio(f.requests), 999000000);
    assert_int_equal(f.requests_target, PGUARD_TARGET_MET);
    assert_int_equal(pguard_ratio(f.raw), 908181818);
    assert_int_equal(f.raw_target, PGUARD_TARGET_MISSED);

    in.applicable = 0;
    compute();
    assert_int_equal(f.time_target, PGUARD_TARGET_NOT_APPLICABLE);
    assert_int_equal(f.requests_target, PGUARD_TARGET_NOT_APPLICABLE);
    assert_int_equal(f.raw_target, PGUARD_TARGET_NOT_APPLICABLE);

    in.applicable = 1;
    memset(&in.cells, 0, sizeof(in.cells));
    compute();
    assert_int_equal(f.requests_target, PGUARD_TARGET_NO_DATA);
    assert_int_equal(f.raw_target, PGUARD_TARGET_NO_DATA);
}


static void
test_large_counts(void **state)
{
    (void) state;

    month("2024-04", 0);
    in.cells.cell[PGUARD_CELL_GOOD] = (1ULL << 52) - 1;
    in.cells.cell[PGUARD_CELL_FAILED] = (1ULL << 52) - 1;
    compute();
    assert_int_equal(pguard_ratio(f.requests), 500000000);
    assert_int_equal(f.requests_target, PGUARD_TARGET_MISSED);
}


static void
test_entries_are_only_added(void **state)
{
    unsigned               i;
    uint64_t               id, no = 0;
    pguard_outage_t        o;
    pguard_outage_say_t    s;
    pguard_outage_entry_t  first;

    (void) state;

    id = declare("2024-04-10T10:00:00Z", NULL, NULL);
    assert_int_equal(id, 1);
    first = *pguard_outage_entry(&book, 1);

    s = say(NULL, NULL, NULL);
    assert_non_null(enter(PGUARD_OUTAGE_RESTORED, &s, id));
    s = say(NULL, NULL, "2024-04-10T09:00:00Z");
    assert_non_null(enter(PGUARD_OUTAGE_RESTORED, &s, id));
    s = say(NULL, NULL, "2024-04-10T11:00:00Z");
    assert_false(pguard_outage_get(&book, 2, &o));
    assert_false(pguard_outage_get(&book, 0, &o));
    s.confirmed_by = PGUARD_CONFIRMED_NOT;
    assert_non_null(enter(PGUARD_OUTAGE_RESTORED, &s, id));
    s.confirmed_by = PGUARD_CONFIRMED_MONITORING;
    assert_null(enter(PGUARD_OUTAGE_RESTORED, &s, id));
    assert_non_null(enter(PGUARD_OUTAGE_RESTORED, &s, id));
    assert_int_equal(ends.next, 2);

    s = say(NULL, "2024-04-10T09:30:00Z", NULL);
    s.cause = text("");
    assert_null(enter(PGUARD_OUTAGE_CORRECTED, &s, id));
    assert_true(pguard_outage_get(&book, id, &o));
    assert_int_equal(o.end - o.start, 5400);
    assert_int_equal(o.last.cause_len, 8);
    s.reopen = 1;
    assert_null(enter(PGUARD_OUTAGE_CORRECTED, &s, id));
    assert_true(pguard_outage_get(&book, id, &o));
    assert_int_equal(o.end, 0);
    assert_int_equal(o.corrections, 2);

    s = say(NULL, NULL, NULL);
    s.who = text("b.durand");
    assert_null(enter(PGUARD_OUTAGE_WITHDRAWN, &s, id));
    assert_non_null(enter(PGUARD_OUTAGE_WITHDRAWN, &s, id));
    assert_non_null(enter(PGUARD_OUTAGE_CORRECTED, &s, id));
    assert_true(pguard_outage_get(&book, id, &o));
    assert_true(o.withdrawn);
    assert_memory_equal(o.declarer, "a.martin", 8);
    assert_memory_equal(o.last.who, "b.durand", 8);

    month("2024-04", 0);
    compute();
    assert_int_equal(f.down, 0);
    assert_memory_equal(&first, pguard_outage_entry(&book, 1), sizeof(first));

    s = say(NULL, NULL, NULL);
    assert_non_null(pguard_outage_declare(&book, &s, &no));
    s = say("2030-01-01T00:00:01Z", NULL, NULL);
    assert_non_null(pguard_outage_declare(&book, &s, &no));
    s = say("2024-04-10T10:00:00Z", NULL, NULL);
    s.who.len = 0;
    assert_non_null(pguard_outage_declare(&book, &s, &no));
    s.who.len = 65;
    assert_non_null(pguard_outage_declare(&book, &s, &no));
    assert_int_equal(no, 0);

    for (i = (unsigned) ends.next; i < ENTRIES; i++) {
        (void) declare("2024-04-10T10:00:00Z", NULL, NULL);
    }

    s.who.len = 8;
    assert_non_null(pguard_outage_declare(&book, &s, &no));
}


static void
test_old_entries_are_given_up(void **state)
{
    uint64_t  i, id;

    (void) state;

    for (i = 0; i < 200; i++) {
        id = declare("2024-04-10T10:00:00Z", NULL, "2024-04-10T11:00:00Z");
        assert_int_equal(id, i + 1);
        pguard_outage_expire(&book, at("2024-04-10T11:00:00Z"));
        assert_int_equal(ends.next - ends.first, 0);
    }

    id = declare("2024-04-10T10:00:00Z", NULL, NULL);
    (void) declare("2024-04-10T10:00:00Z", NULL, "2024-04-10T11:00:00Z");
    pguard_outage_expire(&book, at("2025-04-10T11:00:00Z"));
    assert_int_equal(ends.next - ends.first, 2);
    assert_non_null(pguard_outage_entry(&book, id));
    assert_null(pguard_outage_entry(&book, id - 1));
}


/* The second computation: one byte for each second of the month. */

static void
by_seconds(uint64_t *total, uint64_t *outages, uint64_t day[31])
{
    size_t          n;
    uint64_t        t, i, as_of, length, until;
    unsigned        d;
    unsigned char  *second;

    length = in.span.end - in.span.start;
    as_of = in.now < in.span.end ? in.now : in.span.end;
    second = calloc(length, 1);
    assert_non_null(second);

    for (t = in.span.start; t < as_of; t++) {
        i = (t - in.span.start) / SLICE;
        second[t - in.span.start] = bits[i / 8] >> i % 8 & 1;

        for (n = 0; n < in.outages; n++) {
            second[t - in.span.start] |= !list[n].withdrawn
                && t >= list[n].start
                && (list[n].end == 0 || t < list[n].end);
        }
    }

    *total = 0;
    *outages = 0;
    memset(day, 0, 31 * sizeof(uint64_t));

    d = 0;
    until = pguard_day_start(in.tz, in.span.month, 2);

    for (i = 0; i < length; i++) {
        if (in.span.start + i == until) {
            d++;
            until = pguard_day_start(in.tz, in.span.month, d + 2);
        }

        *total += second[i];
        day[d] += second[i];
        *outages += second[i] && (i == 0 || !second[i - 1]);
    }

    free(second);
}


static void
random_month(void)
{
    unsigned             i, n;
    uint64_t             start, id, now;
    pguard_outage_say_t  s;

    static const char *const  months[] = {
        "2024-02", "2024-03", "2024-10", "2023-02", "2024-04"
    };

    month(months[lrand48() % 5], (int) (lrand48() % 2));
    memset(bits, 0, sizeof(bits));
    memset(&ends, 0, sizeof(ends));
    now = in.now;

    if (lrand48() % 2) {
        in.now = in.span.start
                 + (uint64_t) lrand48() % (in.span.end - in.span.start);
    }

    for (n = (unsigned) lrand48() % 40; n; n--) {
        start = in.span.start
                + (uint64_t) lrand48() % (in.span.end - in.span.start);

        for (i = (unsigned) lrand48() % 90; i; i--) {
            if (start < in.span.end && start + SLICE <= in.now) {
                down(start, start + 1);
                start += SLICE;
            }
        }
    }

    for (n = (unsigned) lrand48() % 8; n; n--) {
        memset(&s, 0, sizeof(s));
        s.at = now + 100 * DAY;
        s.who = text("x");
        s.notified = in.span.start - DAY + (uint64_t) lrand48() % (33 * DAY);
        s.detected = lrand48() % 2 ? s.notified + 1000
                                     - (uint64_t) lrand48() % 2000 : 0;
        assert_null(pguard_outage_declare(&book, &s, &id));

        if (lrand48() % 8) {
            s.end = s.notified + 1000 + (uint64_t) lrand48() % 20000;
            s.confirmed_by = PGUARD_CONFIRMED_USER;
            assert_null(enter(PGUARD_OUTAGE_RESTORED, &s, id));
        }

        if (lrand48() % 5 == 0) {
            assert_null(enter(PGUARD_OUTAGE_WITHDRAWN, &s, id));
        }
    }
}


static void
test_against_every_second(void **state)
{
    unsigned  i, d;
    uint64_t  total, outages, day[31], sum;

    (void) state;

    srand48(SEED);

    for (i = 0; i < 60; i++) {
        random_month();
        compute();
        by_seconds(&total, &outages, day);

        assert_int_equal(f.down, total);
        assert_int_equal(f.outages, outages);

        for (d = 0, sum = 0; d < f.days; d++) {
            assert_int_equal(f.day[d].down, day[d]);
            sum += f.day[d].length;
        }

        assert_int_equal(sum, f.length);
    }
}


/* Of a month that nobody has measured, none can say that it was up. */

static void
test_before_counting_began(void **state)
{
    (void) state;

    month("2024-04", 0);
    in.since = in.span.end;
    compute();
    assert_int_equal(f.time_target, PGUARD_TARGET_NO_DATA);
    assert_int_equal(f.time.whole, 0);
    assert_int_equal(f.projected.whole, 0);

    in.since--;
    compute();
    assert_int_equal(f.time_target, PGUARD_TARGET_MET);

    /* but that it was not, or what another gateway has counted */

    in.since = in.span.end;
    in.cells.cell[PGUARD_CELL_GOOD] = 1;
    compute();
    assert_int_equal(f.time_target, PGUARD_TARGET_MET);

    memset(&in.cells, 0, sizeof(in.cells));
    (void) declare("2024-04-10T10:00:00Z", NULL, "2024-04-10T11:00:00Z");
    compute();
    assert_int_equal(f.time_target, PGUARD_TARGET_MISSED);
    assert_int_equal(f.down, 3600);
}


#define figures_test(t)  cmocka_unit_test_setup(t, setup)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        figures_test(test_budgets),
        figures_test(test_target_to_the_second),
        figures_test(test_start_is_the_earlier),
        figures_test(test_overlapping_outages),
        figures_test(test_over_a_months_end),
        figures_test(test_changes_of_the_clock),
        figures_test(test_open_outage_and_running_month),
        figures_test(test_outage_during_a_block),
        figures_test(test_large_counts),
        figures_test(test_entries_are_only_added),
        figures_test(test_old_entries_are_given_up),
        figures_test(test_before_counting_began),
        figures_test(test_against_every_second)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
