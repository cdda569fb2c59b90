/*
 * The ledger as bytes: what comes back, what is refused, several gateways.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_figures.h"
#include "pguard_merge.h"
#include "pguard_pack.h"


#define number_of(a)  (sizeof(a) / sizeof((a)[0]))
#define ENTRIES   12
#define SLICE     600
#define SLOTS     4608
#define GATEWAYS  3
#define ROOM      200000
#define APRIL     1711929600ULL
#define DAY       86400ULL
#define SEED      99


static const pguard_tz_t        utc;
static const pguard_sla_rule_t  rule = { 1, 500000, 999000 };

static pguard_ledger_t  ledger[GATEWAYS];
static unsigned char    bytes[GATEWAYS][ROOM];
static void            *held[64];
static size_t           holds;


static pguard_str_t
text(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static pguard_ledger_id_t
id_of(unsigned n)
{
    pguard_ledger_id_t  id = { text("IC-PAAS_SNC-01"), text("UTC"), SLICE,
                               { { 0 } } };

    memset(id.gateway.bytes, (int) n + 1, PGUARD_ID_LEN);

    return id;
}


static pguard_ledger_t
new_ledger(void)
{
    void             *memory;
    size_t            size = pguard_ledger_size(SLICE, ENTRIES);
    pguard_ledger_t   l;

    memory = aligned_alloc(64, size);
    assert_non_null(memory);
    assert_true(holds < number_of(held));
    held[holds++] = memory;
    memset(memory, 0, size);
    pguard_ledger_create(memory, SLICE, ENTRIES, 1);
    assert_int_equal(pguard_ledger_open(&l, memory, size, 1, &utc), 0);

    return l;
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
    unsigned  i;

    (void) state;

    srand48(SEED);

    for (i = 0; i < GATEWAYS; i++) {
        ledger[i] = new_ledger();
    }

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    while (holds) {
        free(held[--holds]);
    }

    return 0;
}


static uint64_t
declare(pguard_ledger_t *l, uint64_t notified, uint64_t end)
{
    uint64_t             id;
    pguard_outage_say_t  s;

    memset(&s, 0, sizeof(s));
    s.at = APRIL + 100 * DAY;
    s.who = text("a.martin");
    s.cause = text("network");
    s.notified = notified;
    s.end = end;
    s.confirmed_by = end ? PGUARD_CONFIRMED_USER : PGUARD_CONFIRMED_NOT;
    s.confirmer = end ? text("client") : text("");
    assert_null(pguard_outage_declare(&l->log, &s, &id));

    return id;
}


/* Sixteen months of traffic, the last of them April 2024. */

static void
fill(pguard_ledger_t *l)
{
    unsigned              i;
    pguard_month_t        m, last;
    pguard_month_span_t   span;

    (void) pguard_month_of(&utc, APRIL, &span);
    last = span.month;

    for (m = last - 15; m <= last; m++) {
        pguard_month_span(&utc, m, &span);
        pguard_ledger_roll(l, span.start, &rule);

        for (i = 0; i < 300; i++) {
            request(l, span.start + (uint64_t) lrand48()
                                    % (10 * DAY),
                    lrand48() % 3 ? PGUARD_SLA_GOOD
                                  : PGUARD_SLA_FAILED,
                    PGUARD_REASON_NONE);
            request(l, span.start + i, PGUARD_SLA_EXCLUDED,
                    PGUARD_REASON_DUPLICATE);
        }
    }

    (void) declare(l, APRIL, APRIL + 60);
    (void) declare(l, APRIL + DAY, 0);
}


static pguard_str_t
state_while(const pguard_ledger_t *l, unsigned n, unsigned last)
{
    pguard_out_t        out;
    pguard_ledger_id_t  id = id_of(n);

    pguard_out_init(&out, bytes[n], ROOM);
    pguard_ledger_state(&out, bytes[n], l, &id, last);
    assert_true(out.need <= ROOM);

    return (pguard_str_t) { out.need, bytes[n] };
}


static pguard_str_t
state_of(const pguard_ledger_t *l, unsigned n)
{
    return state_while(l, n, 1);
}


static pguard_str_t
record_of(const pguard_ledger_t *l, unsigned n, uint64_t version)
{
    pguard_out_t         out;
    pguard_ledger_id_t   id = id_of(n);
    pguard_month_span_t  span;

    (void) pguard_month_of(&utc, APRIL, &span);
    pguard_out_init(&out, bytes[n], ROOM);
    pguard_merge_record(&out, bytes[n], l, &id, span.month, version);
    assert_true(out.need <= ROOM);

    return (pguard_str_t) { out.need, bytes[n] };
}


static void
resum(pguard_str_t s)
{
    pguard_out_t  out;

    pguard_out_init(&out, (unsigned char *) (uintptr_t) s.data, s.len);
    out.pos += s.len - PGUARD_PACK_SUM;
    pguard_pack_sum(&out, s.data);
}


static void
test_comes_back_whole(void **state)
{
    size_t              len;
    pguard_str_t        s, again;
    pguard_ledger_t     back = new_ledger();
    pguard_ledger_id_t  id = id_of(1);

    (void) state;

    fill(&ledger[0]);
    s = state_of(&ledger[0], 0);
    len = s.len;
    assert_true(len < 40000);

    assert_null(pguard_ledger_state_read(&back, s, &id));
    assert_int_equal(id.gateway.bytes[0], 1);

    again = state_of(&back, 1);
    assert_int_equal(again.len, len);
    memset(bytes[1] + 8 + 15 + 4 + 2, 1, PGUARD_ID_LEN);
    resum(again);
    assert_memory_equal(again.data, s.data, len);
}


/* The state as a release wrote it that judged months (mark 1, in place of 2)
   without their target. */

static pguard_str_t
without_targets(pguard_str_t s)
{
    unsigned char  *p, old[12], new[12];
    pguard_out_t    had, has;

    pguard_out_init(&had, new, sizeof(new));
    pguard_pack(&had, 1);
    pguard_pack(&had, 500000);
    pguard_pack(&had, 999000);
    pguard_out_init(&has, old, sizeof(old));
    pguard_pack(&has, 1);
    pguard_pack(&has, 500000);

    p = (unsigned char *) (uintptr_t) s.data;

    while ((p = memmem(p, s.len - (size_t) (p - s.data), new, had.need))) {
        p -= 2;                            /* counted, of two bytes */
        assert_int_equal(p[-1], 2);
        p[-1] = 1;
        p += 2 + has.need;
        memmove(p, p + had.need - has.need,
                s.len - (size_t) (p - s.data) - (had.need - has.need));
        s.len -= had.need - has.need;
    }

    resum(s);

    return s;
}


/* A month that was judged keeps its target, over a restart, too.  What is not
   known of one is today's. */

static void
test_targets_come_back(void **state)
{
    pguard_str_t         s;
    pguard_ledger_id_t   id = id_of(0);
    pguard_sla_rule_t    now = { 9, 10, 950000 };
    pguard_month_span_t  span;

    (void) state;

    (void) pguard_month_of(&utc, APRIL, &span);
    fill(&ledger[0]);
    s = state_of(&ledger[0], 0);
    assert_null(pguard_ledger_state_read(&ledger[1], s, &id));
    assert_null(pguard_ledger_state_read(&ledger[2], without_targets(s), &id));

    assert_int_equal(pguard_ledger_rule(&ledger[1], span.month - 1, &now)
                     .target_ppm, 999000);
    assert_int_equal(pguard_ledger_rule(&ledger[1], span.month, &now)
                     .target_ppm, 950000);
    assert_int_equal(pguard_ledger_rule(&ledger[2], span.month - 1, &now)
                     .target_ppm, 950000);
    assert_int_equal(pguard_ledger_rule(&ledger[2], span.month - 1, &now)
                     .down_ppm, 500000);
}


/* What is counted after it would be missing: months are as they were then, and
   the counters begin at 0. */

static void
test_counters_of_one_that_is_not_the_last(void **state)
{
    uint64_t             late;
    pguard_cells_t       was, is;
    pguard_ledger_t      back = new_ledger();
    pguard_ledger_id_t   id = id_of(1);
    pguard_month_span_t  span;

    (void) state;

    fill(&ledger[0]);
    assert_null(pguard_ledger_state_read(&back, state_while(&ledger[0], 0, 0),
                                         &id));

    (void) pguard_month_of(&utc, APRIL, &span);
    pguard_ledger_cells(&ledger[0], span.month, &was);
    pguard_ledger_cells(&back, span.month, &is);
    assert_memory_equal(&is, &was, sizeof(is));
    assert_true(pguard_cells_sum(&is) > 0);

    pguard_ledger_ever(&back, &is, &late);
    assert_int_equal(pguard_cells_sum(&is), 0);
}


/* Requests that came while a clock was ten years ahead take no month's place
   in the file. */

static void
test_saved_while_a_clock_is_ahead(void **state)
{
    uint64_t               t;
    pguard_cells_t         was, is;
    pguard_month_span_t    span;
    pguard_ledger_id_t     id = id_of(0);
    pguard_judgement_t     j;

    (void) state;

    fill(&ledger[0]);

    for (t = APRIL + 10 * DAY; t <= APRIL + 11 * DAY; t += 3600) {
        pguard_ledger_roll(&ledger[0], t, &rule);
    }

    request(&ledger[0], APRIL + 3933 * DAY, PGUARD_SLA_GOOD,
            PGUARD_REASON_NONE);
    assert_null(pguard_ledger_state_read(&ledger[1], state_of(&ledger[0], 0),
                                         &id));

    for (t = APRIL; t > APRIL - 330 * DAY; t -= 30 * DAY) {
        (void) pguard_month_of(&utc, t, &span);
        pguard_ledger_cells(&ledger[0], span.month, &was);
        pguard_ledger_cells(&ledger[1], span.month, &is);
        assert_true(pguard_cells_sum(&is) >= 600);
        assert_memory_equal(&is, &was, sizeof(is));
        assert_int_equal(pguard_ledger_judgement(&ledger[1], span.month, &j)
                         != NULL, t < APRIL);
    }
}


static void
test_empty_comes_back(void **state)
{
    pguard_str_t        s;
    pguard_ledger_id_t  id = id_of(0);

    (void) state;

    s = state_of(&ledger[0], 0);
    assert_null(pguard_ledger_state_read(&ledger[1], s, &id));
    assert_int_equal(pguard_ledger_newest(&ledger[1]), 0);
}


static void
test_another_ledger_is_refused(void **state)
{
    pguard_str_t        s;
    pguard_ledger_id_t  id = id_of(0), has;

    (void) state;

    fill(&ledger[0]);
    s = state_of(&ledger[0], 0);
    assert_null(pguard_ledger_state_id(s, &has));
    assert_memory_equal(has.indicator.data, "IC-PAAS_SNC-01", 14);
    assert_int_equal(has.slice, SLICE);

    id.indicator = text("IC-PAAS_SNC-02");
    assert_string_equal(pguard_ledger_state_read(&ledger[1], s, &id),
                        "is of another indicator");
    id = id_of(0);
    id.timezone = text("Europe/Paris");
    assert_string_equal(pguard_ledger_state_read(&ledger[1], s, &id),
                        "is of another time zone");
    id = id_of(0);
    id.slice = 60;
    assert_string_equal(pguard_ledger_state_read(&ledger[1], s, &id),
                        "is of another slice");
    assert_string_equal(pguard_ledger_state_read(&ledger[1], text("PGSTATE1"),
                                                 &id),
                        "is no ledger of this version");
    assert_int_equal(pguard_ledger_newest(&ledger[1]), 0);
}


/* Another slice and another zone: classes stay, and every measured second. */

static void
test_another_slice_is_converted(void **state)
{
    size_t               size = pguard_ledger_size(60, 24);
    void                *memory;
    pguard_str_t         s;
    unsigned char        bits[8192];
    pguard_cells_t       cells;
    pguard_ledger_t      l;
    pguard_outage_t      outage[24];
    pguard_figures_t     f;
    pguard_ledger_id_t   id = id_of(5);
    pguard_figures_in_t  in = { .tz = &utc };
    pguard_month_span_t  span;

    (void) state;

    /* March is judged: two runs.  April is not: one, and one not over. */

    (void) pguard_month_of(&utc, APRIL, &span);
    request(&ledger[0], APRIL - 600, PGUARD_SLA_FAILED,
            PGUARD_REASON_NONE);
    request(&ledger[0], APRIL - DAY, PGUARD_SLA_FAILED,
            PGUARD_REASON_NONE);
    request(&ledger[0], APRIL - DAY + 600, PGUARD_SLA_FAILED,
            PGUARD_REASON_NONE);
    pguard_ledger_roll(&ledger[0], APRIL, &rule);
    request(&ledger[0], APRIL + 600, PGUARD_SLA_FAILED,
            PGUARD_REASON_NONE);
    request(&ledger[0], APRIL + 1200, PGUARD_SLA_GOOD,
            PGUARD_REASON_NONE);
    request(&ledger[0], APRIL + 1800, PGUARD_SLA_FAILED,
            PGUARD_REASON_NONE);
    (void) declare(&ledger[0], APRIL + 900, APRIL + 1300);
    s = state_of(&ledger[0], 0);

    memory = aligned_alloc(64, size);
    assert_non_null(memory);
    memset(memory, 0, size);
    pguard_ledger_create(memory, 60, 4, 2);
    assert_int_equal(pguard_ledger_open(&l, memory, size, 2, &utc), 0);
    assert_string_equal(pguard_ledger_state_convert(&l, s, &id, &utc, &rule,
                                                    APRIL + 2000),
                        "has more outages than the log has room for");
    assert_int_equal(pguard_ledger_newest(&l), 0);

    memset(memory, 0, size);
    pguard_ledger_create(memory, 60, 24, 2);
    assert_int_equal(pguard_ledger_open(&l, memory, size, 2, &utc), 0);
    assert_null(pguard_ledger_state_convert(&l, s, &id, &utc, &rule,
                                            APRIL + 2000));
    assert_int_equal(id.gateway.bytes[0], 1);
    assert_int_equal(l.log.ends->next, 5);

    pguard_ledger_cells(&l, span.month, &cells);
    assert_int_equal(pguard_cells_sum(&cells), 3);

    assert_int_equal(pguard_figures_of(&f, &in, &l, span.month, APRIL + 3600,
                                       &rule, bits, outage, 24), 0);
    assert_int_equal(f.down, (1300 - 600) + (2000 - 1800));
    assert_int_equal(f.by_class[PGUARD_SLA_FAILED], 2);
    assert_int_equal(pguard_figures_of(&f, &in, &l, span.month - 1,
                                       APRIL + 3600, &rule, bits, outage, 24),
                     0);
    assert_int_equal(f.down, 1800);
    assert_int_equal(f.outages, 2);
    assert_int_equal(pguard_figures_of(&f, &in, &l, span.month + 1,
                                       APRIL + 3600, &rule, bits, outage, 24),
                     -1);
    free(memory);
}


/* Cut off, mutated, mutated with the right sum: refused, or something that a
   ledger can be.  What is refused has changed nothing. */

static void
try(pguard_str_t s, unsigned as_record)
{
    const char             *wrong;
    uint64_t                late;
    pguard_ledger_t         l;
    unsigned char          *copy;
    pguard_cells_t          cells;
    pguard_ledger_id_t      id = id_of(0);
    pguard_merge_record_t   r;

    copy = malloc(s.len ? s.len : 1);
    assert_non_null(copy);
    memcpy(copy, s.data, s.len);
    s.data = copy;

    if (as_record) {
        (void) pguard_merge_open(&r, s);
        free(copy);
        return;
    }

    l = new_ledger();
    wrong = pguard_ledger_state_read(&l, s, &id);

    if (wrong) {
        pguard_ledger_ever(&l, &cells, &late);
        assert_int_equal(pguard_cells_sum(&cells) + late, 0);
        assert_int_equal(pguard_ledger_newest(&l), 0);
        assert_int_equal(l.log.ends->next, 0);

    } else {
        pguard_ledger_roll(&l, APRIL + 40 * DAY, &rule);
    }

    free(copy);
    free(held[--holds]);
}


static void
mutate(pguard_str_t s, unsigned as_record)
{
    size_t          i, n;
    unsigned        j, k;
    unsigned char  *p = (unsigned char *) (uintptr_t) s.data, save[3];

    for (n = 0; n < s.len; n += n < 300 ? 1 : 97) {
        try((pguard_str_t) { n, s.data }, as_record);
    }

    for (j = 0; j < 3000; j++) {
        i = (size_t) lrand48() % (s.len - 19);
        i = j % 3 ? i : i % 150;
        i = j % 7 ? i : s.len - 19 - i % 200;
        memcpy(save, p + i, 3);

        for (k = 0; k <= j % 3; k++) {
            p[i + k] = (unsigned char) (j % 5 ? lrand48() : 255);
        }

        resum(s);
        try(s, as_record);
        memcpy(p + i, save, 3);
    }

    resum(s);
}


static void
test_damaged_state(void **state)
{
    pguard_str_t        s;
    pguard_ledger_t     l;
    pguard_ledger_id_t  id = id_of(0);

    (void) state;

    fill(&ledger[0]);
    s = state_of(&ledger[0], 0);
    bytes[0][s.len / 2] ^= 1;
    l = new_ledger();
    assert_string_equal(pguard_ledger_state_read(&l, s, &id),
                        "is damaged or cut off");
    bytes[0][s.len / 2] ^= 1;
    mutate(s, 0);
    assert_null(pguard_ledger_state_read(&l, s, &id));
}


static void
test_damaged_record(void **state)
{
    pguard_str_t           s;
    pguard_merge_record_t  r;

    (void) state;

    fill(&ledger[0]);
    s = record_of(&ledger[0], 0, 1);
    mutate(s, 1);
    assert_null(pguard_merge_open(&r, s));
}


static void
test_shorter_log_takes_the_latest(void **state)
{
    unsigned            i;
    void               *memory;
    pguard_ledger_t     l;
    pguard_ledger_id_t  id = id_of(0);

    (void) state;

    for (i = 0; i < ENTRIES; i++) {
        (void) declare(&ledger[0], APRIL + i, APRIL + 60);
    }

    memory = aligned_alloc(64, pguard_ledger_size(SLICE, 4));
    assert_non_null(memory);
    memset(memory, 0, pguard_ledger_size(SLICE, 4));
    pguard_ledger_create(memory, SLICE, 4, 1);
    assert_int_equal(pguard_ledger_open(&l, memory,
                                        pguard_ledger_size(SLICE, 4), 1,
                                        &utc), 0);
    assert_null(pguard_ledger_state_read(&l, state_of(&ledger[0], 0), &id));
    assert_int_equal(l.log.ends->next, ENTRIES);
    assert_int_equal(l.log.ends->first, ENTRIES - 4);
    free(memory);
}


static void
count(unsigned gateway, uint64_t slot, unsigned good, unsigned failed)
{
    for ( ; good; good--) {
        request(&ledger[gateway], APRIL + slot * SLICE,
                PGUARD_SLA_GOOD, PGUARD_REASON_NONE);
    }

    for ( ; failed; failed--) {
        request(&ledger[gateway], APRIL + slot * SLICE,
                PGUARD_SLA_FAILED, PGUARD_REASON_NONE);
    }
}


static uint64_t
merged_down(const pguard_str_t *s, size_t n, pguard_merged_t *m)
{
    size_t                 i;
    unsigned char          bits[SLOTS / 8 + 64];
    pguard_figures_t       f;
    pguard_ledger_id_t     id = id_of(0);
    pguard_figures_in_t    in;
    pguard_merge_record_t  r[8];

    static pguard_slot_t    slot[SLOTS];
    static pguard_outage_t  outage[3];

    memset(slot, 0, sizeof(slot));
    memset(m, 0, sizeof(pguard_merged_t));
    m->slot = slot;
    m->outage = outage;
    m->max = 3;
    memset(&in, 0, sizeof(in));
    (void) pguard_month_of(&utc, APRIL, &in.span);

    for (i = 0; i < n; i++) {
        assert_null(pguard_merge_open(&r[i], s[i]));
    }

    pguard_merge(m, r, n, &id, in.span.month);
    pguard_slots_bits(slot, SLOTS, SLICE, &in.span, in.span.end, &rule, bits);

    in.tz = &utc;
    in.now = in.span.end;
    in.bits = bits;
    in.slice = SLICE;
    in.outage = outage;
    in.outages = m->outages;
    in.cells = m->cells;
    in.target_ppm = 999000;
    in.applicable = 1;
    pguard_figures(&f, &in);

    return f.down;
}


static void
test_gateways_are_added_up(void **state)
{
    pguard_str_t     s[6];
    pguard_merged_t  m;

    (void) state;

    count(0, 5, 1, 3);                     /* down alone, up together */
    count(1, 5, 5, 0);
    count(0, 6, 1, 2);                     /* down together */
    count(1, 6, 3, 2);
    count(2, 6, 0, 4);
    count(2, 7, 0, 1);                     /* only one has seen it */
    (void) declare(&ledger[0], APRIL + DAY, APRIL + DAY + 100);
    (void) declare(&ledger[1], APRIL + DAY + 50, APRIL + DAY + 130);

    s[0] = record_of(&ledger[0], 0, 1);
    s[1] = record_of(&ledger[1], 1, 1);
    s[2] = record_of(&ledger[2], 2, 1);

    assert_int_equal(merged_down(s, 1, &m), 2 * SLICE + 100);
    assert_int_equal(merged_down(s, 3, &m), 2 * SLICE + 130);
    assert_int_equal(m.gateways, 3);
    assert_int_equal(pguard_cells_sum(&m.cells), 22);
    assert_int_equal(m.outages, 2);
    assert_int_equal(m.outage[0].start, APRIL + DAY);
    assert_int_equal(m.outage[0].gateway.bytes[0], 1);
    assert_int_equal(m.outage[1].gateway.bytes[0], 2);
    assert_int_equal(m.outage[0].id, m.outage[1].id);

    /* sent twice, in another order */

    s[3] = s[1];
    s[4] = s[0];
    s[5] = s[2];
    assert_int_equal(merged_down(s, 6, &m), 2 * SLICE + 130);
    assert_int_equal(m.gateways, 3);
    assert_int_equal(pguard_cells_sum(&m.cells), 22);
    assert_int_equal(merged_down(s + 3, 3, &m), 2 * SLICE + 130);
}


static void
test_last_value_wins(void **state)
{
    unsigned         i;
    pguard_str_t     s[2], first;
    pguard_merged_t  m;

    static unsigned char  earlier[ROOM];

    (void) state;

    count(0, 5, 1, 0);
    first = record_of(&ledger[0], 0, 1);
    memcpy(earlier, first.data, first.len);
    first.data = earlier;
    count(0, 5, 0, 9);

    for (i = 0; i < 2; i++) {
        s[i] = first;
        s[1 - i] = record_of(&ledger[0], 0, 2);
        assert_int_equal(merged_down(s, 2, &m), SLICE);
        assert_int_equal(pguard_cells_sum(&m.cells), 10);
        assert_int_equal(m.gateways, 1);
    }
}


/* What one gateway has declared, another one restores, and the first corrects
   after that: where both are known, what was entered last stands. */

static void
test_entered_at_another_gateway(void **state)
{
    uint64_t             id;
    pguard_str_t         s[2];
    pguard_merged_t      m;
    pguard_outage_t      list[3];
    pguard_ledger_id_t   own;
    pguard_outage_say_t  say;

    (void) state;

    (void) declare(&ledger[1], APRIL, APRIL + 10);      /* another number 1 */
    id = declare(&ledger[0], APRIL + DAY, 0);
    s[0] = record_of(&ledger[0], 0, 1);
    s[1] = record_of(&ledger[1], 1, 1);
    assert_int_equal(merged_down(s, 2, &m), 10 + 29 * DAY);

    memset(&say, 0, sizeof(say));
    say.at = APRIL + 101 * DAY;
    say.who = text("b.durand");
    say.end = APRIL + DAY + 600;
    say.confirmed_by = PGUARD_CONFIRMED_MONITORING;
    assert_null(pguard_outage_enter(&ledger[1].log, PGUARD_OUTAGE_RESTORED,
                                    &say, &m.outage[1]));
    s[1] = record_of(&ledger[1], 1, 2);
    assert_int_equal(merged_down(s, 2, &m), 10 + 600);
    assert_int_equal(m.outages, 2);
    assert_int_equal(m.outage[1].id, id);
    assert_int_equal(m.outage[1].last.who_len, 8);
    assert_string_equal(pguard_outage_enter(&ledger[1].log,
                                            PGUARD_OUTAGE_RESTORED, &say,
                                            &m.outage[1]),
                        "outage_restored");

    /* it is none of the outages of its own gateway */

    assert_int_equal(pguard_outage_list(&ledger[1].log, list, 3), 1);
    assert_int_equal(list[0].end, APRIL + 10);

    /* the later of two stands, whichever record comes first */

    say.at++;
    say.end = APRIL + DAY + 700;
    assert_true(pguard_outage_get(&ledger[0].log, id, &list[0]));
    assert_null(pguard_outage_enter(&ledger[0].log, PGUARD_OUTAGE_CORRECTED,
                                    &say, &list[0]));
    s[0] = record_of(&ledger[0], 0, 2);
    assert_int_equal(merged_down(s, 2, &m), 10 + 700);
    s[0] = record_of(&ledger[1], 1, 2);
    s[1] = record_of(&ledger[0], 0, 2);
    assert_int_equal(merged_down(s, 2, &m), 10 + 700);

    /* within one second, the one that knows the other stands */

    say.end = APRIL + DAY + 800;
    assert_null(pguard_outage_enter(&ledger[1].log, PGUARD_OUTAGE_CORRECTED,
                                    &say, &m.outage[1]));
    s[0] = record_of(&ledger[1], 1, 3);
    assert_int_equal(merged_down(s, 2, &m), 10 + 800);
    say.end = APRIL + DAY + 900;
    m.outage[1].gateway = (pguard_id_t) { { 0 } };
    assert_null(pguard_outage_enter(&ledger[0].log, PGUARD_OUTAGE_CORRECTED,
                                    &say, &m.outage[1]));
    s[1] = record_of(&ledger[0], 0, 3);
    assert_int_equal(merged_down(s, 2, &m), 10 + 900);

    /* who did not declare it keeps what it entered over a restart */

    s[0] = state_of(&ledger[1], 1);
    own = id_of(1);
    assert_null(pguard_ledger_state_read(&ledger[2], s[0], &own));
    s[0] = record_of(&ledger[2], 1, 3);
    s[1] = record_of(&ledger[1], 1, 2);
    assert_int_equal(s[0].len, s[1].len);

    /* and gives it up when nobody can ask for that month any more */

    pguard_outage_expire(&ledger[1].log, say.at + 1);
    assert_int_equal(ledger[1].log.ends->first, 3);
}


/* What others have entered of an outage is taken by the log that declared it,
   once and in its order, and stays when theirs is given up. */

static void
test_taken_from_another_gateway(void **state)
{
    unsigned               i;
    uint64_t               id;
    pguard_str_t           s[3];
    pguard_merged_t        m;
    pguard_outage_t        own;
    pguard_ledger_id_t     first = id_of(0);
    pguard_outage_say_t    say;
    pguard_merge_record_t  r[3];

    (void) state;

    id = declare(&ledger[0], APRIL + DAY, 0);

    memset(&say, 0, sizeof(say));
    say.who = text("b.durand");
    say.confirmed_by = PGUARD_CONFIRMED_USER;

    for (i = 0; i < 3; i++) {
        s[0] = record_of(&ledger[0], 0, 1);
        s[1] = record_of(&ledger[1], 1, 1);
        s[2] = record_of(&ledger[2], 2, 1);
        (void) merged_down(s, 3, &m);
        say.at = APRIL + (101 + i) * DAY;
        say.end = APRIL + DAY + 100 * (i + 1);
        assert_null(pguard_outage_enter(&ledger[2 - i % 2].log,
                                        i ? PGUARD_OUTAGE_CORRECTED
                                          : PGUARD_OUTAGE_RESTORED,
                                        &say, &m.outage[0]));
    }

    for (i = 0; i < 2; i++) {
        s[0] = record_of(&ledger[0], 0, 1);
        s[1] = record_of(&ledger[1], 1, 1);
        s[2] = record_of(&ledger[2], 2, 1);
        assert_int_equal(merged_down(s, 3, &m), 300);
        assert_int_equal(m.outage[0].corrections, 2);

        assert_null(pguard_merge_open(&r[0], s[2]));
        assert_null(pguard_merge_open(&r[1], s[1]));
        assert_null(pguard_merge_open(&r[2], s[0]));
        pguard_merge_take(&ledger[0].log, &first.gateway, r, 3);
        assert_int_equal(ledger[0].log.ends->next, 4);
    }

    assert_true(pguard_outage_get(&ledger[0].log, id, &own));
    assert_int_equal(own.end, APRIL + DAY + 300);
    assert_int_equal(own.corrections, 2);
    assert_int_equal(own.last.at, say.at);

    for (i = 1; i < 3; i++) {
        pguard_outage_expire(&ledger[i].log, APRIL + 500 * DAY);
        s[i] = record_of(&ledger[i], i, 2);
    }

    assert_int_equal(merged_down(s, 3, &m), 300);

    /* a change in the same second stands after what was taken */

    say.end = APRIL + DAY + 50;
    assert_null(pguard_outage_enter(&ledger[0].log, PGUARD_OUTAGE_CORRECTED,
                                    &say, &own));
    s[0] = record_of(&ledger[0], 0, 3);
    assert_int_equal(merged_down(s, 3, &m), 50);
}


/* More outages than there is room for: as many as fit, and no more. */

static void
test_room_for_outages(void **state)
{
    unsigned         i;
    pguard_str_t     s[2];
    pguard_merged_t  m;

    (void) state;

    for (i = 0; i < 2; i++) {
        (void) declare(&ledger[0], APRIL + i, APRIL + 60);
        (void) declare(&ledger[1], APRIL + i, APRIL + 60);
    }

    s[0] = record_of(&ledger[0], 0, 1);
    s[1] = record_of(&ledger[1], 1, 1);
    assert_int_equal(merged_down(s, 2, &m), 60);
    assert_int_equal(m.outages, 3);
}


static void
test_numbers(void **state)
{
    size_t           i;
    pguard_out_t     out;
    unsigned char    buf[16];
    pguard_unpack_t  in;

    static const uint64_t  numbers[] = {
        0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX
    };

    static const struct { unsigned char b[12]; size_t n; }  bad[] = {
        { { 0 }, 0 }, { { 0x80 }, 1 }, { { 0x80, 0 }, 2 },
        { { 0xff, 0x80, 0 }, 3 },
        { { 255, 255, 255, 255, 255, 255, 255, 255, 255, 2 }, 10 },
        { { 255, 255, 255, 255, 255, 255, 255, 255, 255, 129, 1 }, 11 }
    };

    (void) state;

    for (i = 0; i < number_of(numbers); i++) {
        pguard_out_init(&out, buf, sizeof(buf));
        pguard_pack(&out, numbers[i]);
        in = (pguard_unpack_t) { buf, buf + out.need, 0 };
        assert_true(pguard_unpack(&in, UINT64_MAX) == numbers[i]);
        assert_false(in.bad);
        assert_ptr_equal(in.pos, in.end);

        if (numbers[i]) {
            in = (pguard_unpack_t) { buf, buf + out.need, 0 };
            assert_int_equal(pguard_unpack(&in, numbers[i] - 1), 0);
            assert_true(in.bad);
        }
    }

    for (i = 0; i < number_of(bad); i++) {
        in = (pguard_unpack_t) { bad[i].b, bad[i].b + bad[i].n, 0 };
        assert_int_equal(pguard_unpack(&in, UINT64_MAX), 0);
        assert_true(in.bad);
    }
}


#define ledger_test(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        ledger_test(test_comes_back_whole),
        ledger_test(test_targets_come_back),
        ledger_test(test_counters_of_one_that_is_not_the_last),
        ledger_test(test_saved_while_a_clock_is_ahead),
        ledger_test(test_empty_comes_back),
        ledger_test(test_another_ledger_is_refused),
        ledger_test(test_another_slice_is_converted),
        ledger_test(test_damaged_state),
        ledger_test(test_damaged_record),
        ledger_test(test_shorter_log_takes_the_latest),
        ledger_test(test_gateways_are_added_up),
        ledger_test(test_last_value_wins),
        ledger_test(test_entered_at_another_gateway),
        ledger_test(test_taken_from_another_gateway),
        ledger_test(test_room_for_outages),
        cmocka_unit_test(test_numbers)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
