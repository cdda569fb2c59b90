/*
 * Counting into months: every request once, none in a wrong month, whatever
 * the clock does, with several processes and with some that are killed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "pguard_atomic.h"
#include "pguard_figures.h"
#include "pguard_ledger.h"


#define IDENTITY  7
#define ENTRIES   16
#define SLICE     60
#define WORKERS   3
#define MARCH     1709251200ULL              /* 2024-03-01T00:00:00Z */
#define APRIL     1711929600ULL
#define DAY       86400ULL
#define SEED      4

#define GOOD      PGUARD_SLA_GOOD
#define FAILED    PGUARD_SLA_FAILED
#define EXCLUDED  PGUARD_SLA_EXCLUDED
#define IGNORED   PGUARD_SLA_IGNORED
#define NONE      PGUARD_REASON_NONE


static const pguard_tz_t        utc;
static const pguard_sla_rule_t  rule = { 1, 500000, 999000 };

static void            *memory;
static size_t           memory_size;
static pguard_ledger_t  ledger;


static pguard_month_t
month_at(uint64_t t)
{
    pguard_month_span_t  span;

    assert_true(pguard_month_of(&utc, t, &span));

    return span.month;
}


static void
request(pguard_ledger_t *l, uint64_t now, pguard_sla_e class,
    pguard_reason_e reason)
{
    pguard_ledger_count(l, now, pguard_ledger_cell(class, reason));
}


static int
setup(void **state)
{
    (void) state;

    memory_size = pguard_ledger_size(SLICE, ENTRIES);
    memory = mmap(NULL, memory_size, PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        return -1;
    }

    pguard_ledger_create(memory, SLICE, ENTRIES, IDENTITY);

    return pguard_ledger_open(&ledger, memory, memory_size, IDENTITY, &utc);
}


static int
teardown(void **state)
{
    (void) state;

    return munmap(memory, memory_size);
}


static uint64_t
class_of(pguard_month_t month, pguard_sla_e class)
{
    pguard_cells_t  cells;

    pguard_ledger_cells(&ledger, month, &cells);

    return pguard_cells_class(&cells, class);
}


static void
slots_sum(pguard_month_t month, uint64_t *good, uint64_t *failed)
{
    uint64_t       i;
    pguard_slot_t  slot;

    *good = 0;
    *failed = 0;

    for (i = 0; i < ledger.slots; i++) {
        slot = pguard_ledger_slot(&ledger, month, i);
        *good += slot.good;
        *failed += slot.failed;
    }
}


static unsigned
bit(const unsigned char *bits, uint64_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}


static void
test_layout(void **state)
{
    size_t           size = pguard_ledger_size(SLICE, ENTRIES);
    pguard_ledger_t  other;

    (void) state;

    assert_int_equal(size % 64, 0);
    assert_int_equal(pguard_ledger_slots(60), 46080);
    assert_int_equal(pguard_ledger_slots(3600), 768);
    assert_true(size < 1000000);
    assert_int_equal(pguard_ledger_open(&other, memory, size, IDENTITY, &utc),
                     0);
    assert_int_equal(pguard_ledger_open(&other, memory, size, IDENTITY + 1,
                                        &utc), -1);
    assert_int_equal(pguard_ledger_open(&other, memory, size - 1, IDENTITY,
                                        &utc), -1);
    assert_int_equal(pguard_ledger_open(&other, memory, 8, IDENTITY, &utc),
                     -1);
    assert_true((unsigned char *) (ledger.bank[1] + ledger.slots)
                <= (unsigned char *) memory + size);
}


/* Every class with every reason: one cell each, and none excluded for
   nothing. */

static void
test_cells(void **state)
{
    unsigned  class, reason, cell;

    (void) state;

    for (class = 0; class < PGUARD_SLA_CLASSES; class++) {
        for (reason = 0; reason <= PGUARD_REASONS; reason++) {
            cell = pguard_ledger_cell((pguard_sla_e) class,
                                      (pguard_reason_e) reason);
            assert_true(cell < PGUARD_CELLS);

            if (class != EXCLUDED) {
                assert_int_equal(pguard_cell_class(cell), class);
            }
        }
    }

    assert_int_equal(pguard_ledger_cell(EXCLUDED, PGUARD_REASON_DUPLICATE),
                     PGUARD_CELL_REASON + PGUARD_REASON_DUPLICATE);
    assert_int_equal(pguard_ledger_cell(EXCLUDED, PGUARD_REASON_HAMMERING),
                     PGUARD_CELL_REASON + PGUARD_REASON_HAMMERING);
    assert_int_equal(pguard_ledger_cell(EXCLUDED, NONE), PGUARD_CELL_FAILED);
    assert_int_equal(pguard_ledger_cell(EXCLUDED, PGUARD_REASON_LOCKOUT),
                     PGUARD_CELL_FAILED);
    assert_int_equal(pguard_ledger_cell(EXCLUDED, PGUARD_REASON_OPERATOR),
                     PGUARD_CELL_FAILED);
    assert_int_equal(pguard_ledger_cell(GOOD, PGUARD_REASON_DUPLICATE),
                     PGUARD_CELL_GOOD);
}


static void
test_classes_add_up(void **state)
{
    uint64_t        good, failed, late;
    pguard_cells_t  cells;
    pguard_month_t  march = month_at(MARCH);

    (void) state;

    pguard_ledger_roll(&ledger, MARCH, &rule);
    assert_int_equal(pguard_ledger_since(&ledger), MARCH);

    request(&ledger, MARCH, GOOD, NONE);
    request(&ledger, MARCH + 59, FAILED, NONE);
    request(&ledger, MARCH + 60, GOOD, PGUARD_REASON_LOCKOUT);
    request(&ledger, MARCH + 60, EXCLUDED,
            PGUARD_REASON_DUPLICATE);
    request(&ledger, MARCH + 61, EXCLUDED,
            PGUARD_REASON_HAMMERING);
    request(&ledger, MARCH + 61, FAILED, PGUARD_REASON_OPERATOR);
    request(&ledger, MARCH + 61, IGNORED, NONE);
    request(&ledger, APRIL - 1, GOOD, NONE);

    assert_int_equal(class_of(march, GOOD), 3);
    assert_int_equal(class_of(march, FAILED), 2);
    assert_int_equal(class_of(march, EXCLUDED), 2);
    assert_int_equal(class_of(march, IGNORED), 1);

    pguard_ledger_cells(&ledger, march, &cells);
    assert_int_equal(pguard_cells_sum(&cells), 8);
    pguard_ledger_ever(&ledger, &cells, &late);
    assert_int_equal(pguard_cells_sum(&cells), 8);
    assert_int_equal(late, 0);

    slots_sum(march, &good, &failed);
    assert_int_equal(good, 3);
    assert_int_equal(failed, 2);
    assert_int_equal(pguard_ledger_slot(&ledger, march, 0).good, 1);
    assert_int_equal(pguard_ledger_slot(&ledger, march, 0).failed, 1);
    assert_int_equal(pguard_ledger_slot(&ledger, march, 1).good, 1);
    assert_int_equal(pguard_ledger_slot(&ledger, march, 1).failed, 1);
    assert_int_equal(pguard_ledger_slot(&ledger, march, 44639).good, 1);
}


/* A day in accelerated time: which slots are down is known by hand. */

static void
test_slots_of_a_day(void **state)
{
    uint64_t              t;
    unsigned char         bits[8192];
    pguard_sla_rule_t     strict = { 4, 500000, 999000 };
    pguard_month_span_t   span;

    (void) state;

    pguard_month_span(&utc, month_at(MARCH), &span);

    for (t = MARCH; t < MARCH + DAY; t += 15) {
        /* 10:00 to 10:03 fails, then half of 10:03, then a quarter */

        request(&ledger, t,
                t >= MARCH + 36000
                && (t < MARCH + 36180
                    || (t < MARCH + 36240 && t % 30)
                    || (t < MARCH + 36300 && t % 60 == 0))
                ? FAILED : GOOD, NONE);
    }

    /* only two in 10:06, both failed: too few if four are wanted */

    request(&ledger, MARCH + DAY + 6, FAILED, NONE);
    request(&ledger, MARCH + DAY + 7, FAILED, NONE);

    pguard_ledger_bits(&ledger, &span, MARCH + 2 * DAY, &rule, bits);

    for (t = 0; t < 2880; t++) {
        assert_int_equal(bit(bits, t), (t >= 600 && t < 604) || t == 1440);
    }

    pguard_ledger_bits(&ledger, &span, MARCH + 2 * DAY, &strict, bits);
    assert_int_equal(bit(bits, 603), 1);
    assert_int_equal(bit(bits, 604), 0);
    assert_int_equal(bit(bits, 1440), 0);

    /* a slot is judged when it is over */

    pguard_ledger_bits(&ledger, &span, MARCH + 36059, &rule, bits);
    assert_int_equal(bit(bits, 600), 0);
    pguard_ledger_bits(&ledger, &span, MARCH + 36060, &rule, bits);
    assert_int_equal(bit(bits, 600), 1);
    assert_int_equal(bit(bits, 601), 0);
}


static void
test_down_rule(void **state)
{
    pguard_sla_rule_t  third = { 3, 333333, 999000 };

    (void) state;

    assert_false(pguard_slot_down((pguard_slot_t) { 0, 0 }, &rule));
    assert_true(pguard_slot_down((pguard_slot_t) { 0, 1 }, &rule));
    assert_true(pguard_slot_down((pguard_slot_t) { 1, 1 }, &rule));
    assert_false(pguard_slot_down((pguard_slot_t) { 2, 1 }, &rule));
    assert_true(pguard_slot_down((pguard_slot_t) { 2, 1 }, &third));
    assert_false(pguard_slot_down((pguard_slot_t) { 0, 2 }, &third));
    assert_true(pguard_slot_down((pguard_slot_t) { UINT32_MAX, UINT32_MAX },
                                 &rule));
    third.min_requests = 0;
    assert_false(pguard_slot_down((pguard_slot_t) { 0, 0 }, &third));
}


/* Twenty months: the last two in slots, those before as they were judged,
   under the rule of then. */

static void
test_months_go_by(void **state)
{
    unsigned             i;
    unsigned char        bits[8192];
    pguard_month_t       m, first = month_at(MARCH);
    pguard_sla_rule_t    lax = { 1, 1000000, 950000 };
    pguard_month_span_t  span;

    (void) state;

    for (m = first; m < first + 20; m++) {
        pguard_month_span(&utc, m, &span);
        pguard_ledger_roll(&ledger, span.start + 5, &rule);

        for (i = 0; i < m - first + 1; i++) {
            request(&ledger, span.start + i * 60, GOOD, NONE);
            request(&ledger, span.start + i * 60, FAILED, NONE);
        }
    }

    pguard_ledger_roll(&ledger, span.start + DAY, &lax);

    for (m = first; m < first + 20; m++) {
        pguard_month_span(&utc, m, &span);
        pguard_ledger_bits(&ledger, &span, span.end, &rule, bits);

        if (m < first + 6) {
            assert_int_equal(pguard_ledger_kept(&ledger, m,
                                                span.start + 570 * DAY), 0);
            continue;
        }

        assert_int_equal(class_of(m, GOOD), m - first + 1);
        assert_int_equal(class_of(m, FAILED), m - first + 1);

        for (i = 0; i < 40; i++) {
            assert_int_equal(bit(bits, i), i < m - first + 1);
        }
    }

    assert_true(pguard_ledger_kept(&ledger, m - 1, span.start));
    assert_true(pguard_ledger_kept(&ledger, m - 14, span.start));
    assert_false(pguard_ledger_kept(&ledger, m - 15, span.start));
    assert_false(pguard_ledger_kept(&ledger, m, span.start));
    assert_false(pguard_ledger_kept(&ledger, 0, span.start));
}


/* A target that has been agreed anew is not that of a month that is over, but
   of this one, and of months of which nothing was counted. */

static void
test_target_of_a_month(void **state)
{
    unsigned             i;
    pguard_outage_t      outage[ENTRIES];
    pguard_figures_t     f;
    pguard_figures_in_t  in = { .tz = &utc, .applicable = 1 };
    pguard_sla_rule_t    lax = { 1, 500000, 950000 };

    static unsigned char  bits[8192];
    static const struct {
        uint32_t         target;
        pguard_target_e  met;
    } months[] = {
        { 950000, PGUARD_TARGET_NO_DATA }, { 999000, PGUARD_TARGET_MISSED },
        { 950000, PGUARD_TARGET_OPEN }
    };

    (void) state;

    pguard_ledger_roll(&ledger, MARCH, &rule);

    for (i = 0; i < 120; i++) {            /* two hours of 744 */
        request(&ledger, MARCH + i * 60, FAILED, NONE);
    }

    pguard_ledger_roll(&ledger, APRIL, &rule);
    request(&ledger, APRIL, GOOD, NONE);
    pguard_ledger_roll(&ledger, APRIL + DAY, &lax);

    for (i = 0; i < 3; i++) {
        assert_int_equal(pguard_figures_of(&f, &in, &ledger,
                                           month_at(MARCH) - 1 + i,
                                           APRIL + DAY, &lax, bits, outage,
                                           ENTRIES), 0);
        assert_int_equal(f.target_ppm, months[i].target);
        assert_int_equal(f.time_target, months[i].met);
    }
}


/* A month is judged again if requests of it come in after its end. */

static void
test_late_for_judgement(void **state)
{
    unsigned char        bits[8192];
    pguard_sla_rule_t    lax = { 1, 1000000, 950000 };
    pguard_month_span_t  span;

    (void) state;

    pguard_month_span(&utc, month_at(MARCH), &span);
    request(&ledger, MARCH, GOOD, NONE);
    pguard_ledger_roll(&ledger, APRIL, &rule);
    pguard_ledger_bits(&ledger, &span, APRIL, &rule, bits);
    assert_int_equal(bit(bits, 0), 0);

    request(&ledger, MARCH, FAILED, NONE);
    pguard_ledger_roll(&ledger, APRIL + 10, &lax);
    pguard_ledger_bits(&ledger, &span, APRIL + 10, &lax, bits);
    assert_int_equal(bit(bits, 0), 1);
}


static void
test_clock_back_over_the_boundary(void **state)
{
    uint64_t  good, failed;

    (void) state;

    request(&ledger, APRIL - 1, GOOD, NONE);
    request(&ledger, APRIL, GOOD, NONE);
    pguard_ledger_roll(&ledger, APRIL, &rule);
    request(&ledger, APRIL - 1, FAILED, NONE);
    pguard_ledger_roll(&ledger, APRIL - 1, &rule);
    request(&ledger, APRIL, FAILED, NONE);
    pguard_ledger_roll(&ledger, APRIL, &rule);

    slots_sum(month_at(MARCH), &good, &failed);
    assert_int_equal(good, 1);
    assert_int_equal(failed, 1);
    slots_sum(month_at(APRIL), &good, &failed);
    assert_int_equal(good, 1);
    assert_int_equal(failed, 1);
}


/* A worker that comes months late, or a clock set back by months. */

static void
test_older_never_replaces_newer(void **state)
{
    uint64_t         late;
    pguard_cells_t   cells;
    pguard_month_t   may = month_at(APRIL) + 1;

    (void) state;

    request(&ledger, APRIL + 30 * DAY, GOOD, NONE);
    request(&ledger, MARCH, FAILED, NONE);
    assert_int_equal(pguard_ledger_slot(&ledger, may, 0).good, 1);
    assert_int_equal(pguard_ledger_slot(&ledger, may, 0).failed, 0);
    assert_int_equal(class_of(month_at(MARCH), FAILED), 1);

    request(&ledger, MARCH - 500 * DAY, FAILED, NONE);
    request(&ledger, UINT64_MAX, FAILED, NONE);
    pguard_ledger_ever(&ledger, &cells, &late);
    assert_int_equal(pguard_cells_sum(&cells), 4);
    assert_int_equal(late, 1);
}


/* A clock that was ten years ahead, e.g. before it was set: what was counted
   then is dropped, and the real months are counted. */

static void
test_clock_was_ahead(void **state)
{
    uint64_t             t, good, failed;
    unsigned char        bits[8192];
    pguard_month_span_t  span;

    (void) state;

    for (t = 0; t < 100; t++) {
        request(&ledger, MARCH + 3653 * DAY + t * 60, FAILED,
                NONE);
    }

    pguard_ledger_roll(&ledger, MARCH + 3653 * DAY, &rule);
    pguard_ledger_roll(&ledger, MARCH, &rule);
    assert_int_equal(pguard_ledger_newest(&ledger), month_at(MARCH));
    assert_int_equal(pguard_ledger_since(&ledger), MARCH);

    for (t = 0; t < 50; t++) {
        request(&ledger, MARCH + t * 60, GOOD, NONE);
    }

    slots_sum(month_at(MARCH), &good, &failed);
    assert_int_equal(good, 50);
    assert_int_equal(failed, 0);
    slots_sum(month_at(MARCH + 3653 * DAY), &good, &failed);
    assert_int_equal(good + failed, 0);
    assert_int_equal(class_of(month_at(MARCH), GOOD), 50);

    pguard_month_span(&utc, month_at(MARCH), &span);
    pguard_ledger_bits(&ledger, &span, MARCH + DAY, &rule, bits);
    assert_int_equal(bit(bits, 0), 0);
}


/* A clock that goes on for a day, looked at every hour. */

static uint64_t
steady(uint64_t now)
{
    uint64_t  end = now + DAY;

    for ( ; now < end; now += 3600) {
        pguard_ledger_roll(&ledger, now, &rule);
    }

    pguard_ledger_roll(&ledger, end, &rule);

    return end;
}


/* What there is of February, March and April: a slot that was down in each,
   and an outage that was declared. */

static void
wrong_clock_before(void)
{
    uint64_t             id;
    pguard_outage_say_t  say = {
        .at = MARCH, .detected = MARCH - 600, .end = MARCH - 300,
        .who = { 1, (const unsigned char *) "x" },
        .confirmed_by = PGUARD_CONFIRMED_USER
    };

    request(&ledger, MARCH - DAY, FAILED, NONE);
    pguard_ledger_roll(&ledger, MARCH, &rule);
    assert_null(pguard_outage_declare(&ledger.log, &say, &id));
    request(&ledger, MARCH + DAY, FAILED, NONE);
    pguard_ledger_roll(&ledger, APRIL, &rule);
    request(&ledger, APRIL + 600, FAILED, NONE);
}


static void
wrong_clock_after(uint64_t now)
{
    unsigned             i;
    pguard_outage_t      outage[ENTRIES];
    pguard_figures_t     f;
    pguard_figures_in_t  in = { .tz = &utc };

    static unsigned char  bits[8192];
    static const unsigned  down[] = { 60 + 300, 60, 60 };

    for (i = 0; i < 3; i++) {
        assert_int_equal(pguard_figures_of(&f, &in, &ledger,
                                           month_at(MARCH) - 1 + i, now, &rule,
                                           bits, outage, ENTRIES), 0);
        assert_int_equal(f.down, down[i]);
        assert_int_equal(f.by_class[FAILED], 1);
        assert_int_equal(in.outages, 1);
    }
}


/* A machine that starts with a clock months, or years, behind or ahead, and is
   told the right one a little later, takes no outage away. */

static void
test_clock_was_wrong_for_a_while(void **state)
{
    unsigned  i;
    uint64_t  t, now;

    static const int64_t  away[] = { -62, -93, -3653, 400, 500, 3653 };

    (void) state;

    wrong_clock_before();
    now = APRIL + 3600;
    pguard_ledger_roll(&ledger, now, &rule);
    wrong_clock_after(now);

    for (i = 0; i < 6; i++) {
        t = now + (uint64_t) away[i] * DAY;
        pguard_ledger_roll(&ledger, t, &rule);
        request(&ledger, t + 60, GOOD, NONE);
        pguard_ledger_roll(&ledger, t + 60, &rule);
        now += 60;
        pguard_ledger_roll(&ledger, now, &rule);
        wrong_clock_after(now);
    }
}


/* It is right if it goes on so. */

static void
test_clock_stays_back(void **state)
{
    uint64_t  now;

    (void) state;

    wrong_clock_before();
    (void) steady(APRIL + DAY);
    now = steady(MARCH - 300 * DAY);

    assert_int_equal(pguard_ledger_newest(&ledger), month_at(now));
    assert_int_equal(class_of(month_at(APRIL), FAILED), 0);
}


/* What was brought back is as sure, and counting has not begun in the past. */

static void
test_clock_wrong_at_the_start(void **state)
{
    pguard_cells_t  cells = { { 7 } };

    (void) state;

    pguard_ledger_roll(&ledger, MARCH - 3653 * DAY, &rule);
    pguard_ledger_roll(&ledger, MARCH, &rule);
    assert_int_equal(pguard_ledger_since(&ledger), MARCH);

    pguard_ledger_add_cells(&ledger, month_at(APRIL), &cells);
    pguard_ledger_roll(&ledger, MARCH - 3653 * DAY, &rule);
    pguard_ledger_roll(&ledger, APRIL, &rule);
    assert_int_equal(class_of(month_at(APRIL), GOOD), 7);
    assert_int_equal(pguard_ledger_since(&ledger), MARCH);
}


static void
test_full_slot_stays_full(void **state)
{
    pguard_slot_t   slot = { (1 << 26) - 65538, 5 };
    pguard_month_t  m = month_at(MARCH);

    (void) state;

    pguard_ledger_add_slot(&ledger, m, 0, slot);
    request(&ledger, MARCH, GOOD, NONE);
    request(&ledger, MARCH, GOOD, NONE);
    request(&ledger, MARCH, FAILED, NONE);
    assert_int_equal(pguard_ledger_slot(&ledger, m, 0).good, slot.good + 1);
    assert_int_equal(pguard_ledger_slot(&ledger, m, 0).failed, 6);
    assert_int_equal(class_of(m, GOOD), 2);
}


/* Several workers, whose clocks stand on both sides of the boundary. */

static void
across(unsigned worker, unsigned n)
{
    unsigned         i;
    pguard_ledger_t  own;

    assert_int_equal(pguard_ledger_open(&own, memory, memory_size, IDENTITY,
                                        &utc), 0);

    for (i = 0; i < n; i++) {
        request(&own, APRIL - n / 2 + i,
                i % 5 == worker ? FAILED : GOOD, NONE);
    }
}


static void
test_boundary_with_several_workers(void **state)
{
    int        status;
    pid_t      pid[WORKERS];
    unsigned   i;
    uint64_t   good[2], failed[2];

    (void) state;

    /* what was there two months before, in the same bank */

    for (i = 0; i < 2000; i++) {
        request(&ledger, APRIL - 60 * DAY + i * 60, FAILED, NONE);
    }

    for (i = 0; i < WORKERS; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);

        if (pid[i] == 0) {
            across(i, 100000);
            _exit(0);
        }
    }

    for (i = 0; i < WORKERS; i++) {
        pguard_ledger_roll(&ledger, APRIL + i, &rule);
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }

    slots_sum(month_at(MARCH), &good[0], &failed[0]);
    slots_sum(month_at(APRIL), &good[1], &failed[1]);

    for (i = 0; i < 2; i++) {
        assert_int_equal(good[i] + failed[i], WORKERS * 50000);
        assert_int_equal(failed[i], WORKERS * 10000);
        assert_int_equal(class_of(month_at(MARCH) + i, GOOD), good[i]);
        assert_int_equal(class_of(month_at(MARCH) + i, FAILED), failed[i]);
    }
}


static uint64_t
requests_ever(void)
{
    uint64_t        late;
    pguard_cells_t  cells;

    pguard_ledger_ever(&ledger, &cells, &late);

    return pguard_cells_sum(&cells);
}


/* Killed at any instruction: at most the request at hand is missing from what
   follows, and nothing is torn. */

static void
test_killed_workers(void **state)
{
    int              status;
    pid_t            pid;
    unsigned         i;
    uint64_t         before, good, failed, late, total;
    pguard_cells_t   cells;
    pguard_month_t   m = month_at(MARCH);

    (void) state;

    srand48(SEED);

    for (i = 0; i < 60; i++) {
        before = requests_ever();
        pid = fork();
        assert_true(pid >= 0);

        if (pid == 0) {
            for ( ;; ) { across(1, 2000); }
        }

        while (requests_ever() < before + 20) { (void) usleep(500); }

        (void) usleep((useconds_t) (lrand48() % 4000));
        (void) kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        pguard_ledger_roll(&ledger, APRIL + i, &rule);
    }

    pguard_ledger_ever(&ledger, &cells, &late);
    assert_int_equal(late, 0);
    total = class_of(m, GOOD) + class_of(m, FAILED)
            + class_of(m + 1, GOOD) + class_of(m + 1, FAILED);
    assert_true(total > 1000);
    assert_true(pguard_cells_sum(&cells) - total <= 60);

    slots_sum(m, &good, &failed);
    total -= good + failed;
    slots_sum(m + 1, &good, &failed);
    assert_true(total - (good + failed) <= 60);
}


/* A writer of the log, killed (its lock is then freed): entries that are seen
   are whole and follow each other. */

static void
test_killed_writers_of_entries(void **state)
{
    int                           status;
    pid_t                         pid;
    unsigned                      i;
    uint64_t                      before, n, id = 0;
    pguard_outage_say_t           say;
    const pguard_outage_entry_t  *e;

    (void) state;

    memset(&say, 0, sizeof(say));
    say.at = say.notified = say.end = MARCH;
    say.confirmed_by = PGUARD_CONFIRMED_USER;
    say.who = (pguard_str_t) pguard_string("a.martin");

    for (i = 0; i < 40; i++) {
        before = ledger.log.ends->next;
        pid = fork();
        assert_true(pid >= 0);

        while (pid == 0) {
            (void) pguard_outage_declare(&ledger.log, &say, &id);
            pguard_outage_expire(&ledger.log, MARCH);
        }

        while (ledger.log.ends->next < before + 4) { (void) usleep(500); }

        (void) usleep(1500);
        (void) kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);

        assert_true(ledger.log.ends->next - ledger.log.ends->first <= 1);
        assert_null(pguard_outage_declare(&ledger.log, &say, &id));

        for (n = ledger.log.ends->first + 1; n <= ledger.log.ends->next; n++) {
            e = pguard_outage_entry(&ledger.log, n);
            assert_int_equal(e->id, n);
            assert_true(pguard_outage_valid(e));
        }

        pguard_outage_expire(&ledger.log, MARCH);
    }

    assert_true(id > 100);
}


#define ledger_test(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        ledger_test(test_layout),
        ledger_test(test_cells),
        ledger_test(test_classes_add_up),
        ledger_test(test_slots_of_a_day),
        ledger_test(test_down_rule),
        ledger_test(test_months_go_by),
        ledger_test(test_target_of_a_month),
        ledger_test(test_late_for_judgement),
        ledger_test(test_clock_back_over_the_boundary),
        ledger_test(test_older_never_replaces_newer),
        ledger_test(test_clock_was_ahead),
        ledger_test(test_clock_was_wrong_for_a_while),
        ledger_test(test_clock_stays_back),
        ledger_test(test_clock_wrong_at_the_start),
        ledger_test(test_full_slot_stays_full),
        ledger_test(test_boundary_with_several_workers),
        ledger_test(test_killed_workers),
        ledger_test(test_killed_writers_of_entries)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
