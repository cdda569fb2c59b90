/*
 * Sliding windows in one process, against a log of all arrivals.  Several
 * processes: test_processes.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_window.h"
#include "tables.h"


#define SEED     424242
#define LOG      (4 * 1000 * 1000)
#define BUCKETS  2048
#define START    (40ULL * 86400 * 1000)

#define number_of(a)  (sizeof(a) / sizeof((a)[0]))


static pguard_window_bucket_t  memory[BUCKETS];
static pguard_msec_t           arrivals[LOG];

static const uint64_t  limits[] = { 1, 2, 3, 4, 10, 11, 12, 13, 22, 100, 1000,
                                    1003 };
static const pguard_msec_t  windows[] = { 1, 7, 1000, 60000, 3600000,
                                          1ULL << 31, PGUARD_WINDOW_MAX };


static pguard_windows_t
table(uint64_t buckets)
{
    memset(memory, 0, buckets * sizeof(memory[0]));

    return (pguard_windows_t) { memory, buckets };
}


/* One key, and all that came under it. */

typedef struct {
    pguard_windows_t       w;
    pguard_hash_t          key;
    pguard_window_rule_t   rule;
    pguard_msec_t          now;
    pguard_msec_t          sure;      /* so near is in, whatever the unit */
    size_t                 n;         /* arrivals */
    size_t                 first;     /* the first within window */
    size_t                 first_sure;
    size_t                 exceeded;
    size_t                 unseen;    /* arrivals since the last look */
} subject_t;


/* A unit of 2^shift ms hides where in it a mark lies. */

static pguard_msec_t
sure_window(const pguard_window_rule_t *rule)
{
    pguard_msec_t  unit = 1ULL << rule->shift;
    pguard_msec_t  whole = rule->window / unit * unit;

    return whole >= unit ? whole - unit + 1 : 0;
}


static subject_t
subject(uint64_t limit, pguard_msec_t window, pguard_msec_t start)
{
    subject_t  s;

    memset(&s, 0, sizeof(s));
    s.w = table(1);
    s.key.lo = 0x123456789abcdef0;
    s.key.hi = 42;
    s.now = start;
    pguard_window_rule_init(&s.rule, limit, window);
    s.sure = sure_window(&s.rule);

    return s;
}


static void
wrong(const subject_t *s, const char *what, uint64_t count)
{
    fail_msg("%s: limit %lu window %lu arrival %zu now %lu: truth %zu, "
             "sure %zu, count %lu", what, (unsigned long) s->rule.limit,
             (unsigned long) s->rule.window, s->n, (unsigned long) s->now,
             s->n - s->first, s->n - s->first_sure, (unsigned long) count);
}


static void
move_on(subject_t *s)
{
    while (s->first < s->n
           && arrivals[s->first] + s->rule.window <= s->now)
    {
        s->first++;
    }

    while (s->first_sure < s->n
           && arrivals[s->first_sure] + s->sure <= s->now)
    {
        s->first_sure++;
    }
}


static void
arrive(subject_t *s, pguard_msec_t gap)
{
    uint64_t                truth;
    pguard_window_result_t  r;

    s->now += gap;
    arrivals[s->n++] = s->now;
    move_on(s);
    truth = s->n - s->first;

    r = window_add(&s->w, s->key, 0, &s->rule, s->now, NULL, NULL);

    if (r.exceeded && truth <= s->rule.limit) {
        wrong(s, "exceeded, but was not", r.count);
    }

    if (r.exceeded && (r.count > truth || r.count <= s->rule.limit)) {
        wrong(s, "not the count", r.count);
    }

    if (!r.exceeded && s->n - s->first_sure >= s->rule.limit + s->rule.group) {
        wrong(s, "not exceeded, but was", r.count);
    }

    if (r.evicted) {
        wrong(s, "evicted", r.count);
    }

    s->exceeded += r.exceeded;
    s->unseen = r.seen ? 0 : s->unseen + 1;

    if (r.seen > truth
        || (r.seen && r.seen + s->rule.group <= s->n - s->first_sure
            && r.seen <= (PGUARD_WINDOW_MARKS - 1) * s->rule.group))
    {
        wrong(s, "seen: not the count", r.seen);
    }

    if (s->unseen >= s->rule.group
        && s->n - s->first_sure > s->rule.limit / 2 + s->rule.group)
    {
        wrong(s, "not looked at", r.seen);
    }
}


static void
look(subject_t *s)
{
    uint64_t               sure;
    pguard_window_state_t  state;

    move_on(s);
    sure = s->n - s->first_sure;
    state = pguard_window_peek(&s->w, s->key, &s->rule, s->now);

    if (state.count > s->n - s->first) {
        wrong(s, "peek: too many", state.count);
    }

    if (state.count + s->rule.group <= sure
        && state.count <= (PGUARD_WINDOW_MARKS - 1) * s->rule.group)
    {
        wrong(s, "peek: too few", state.count);
    }

    if ((state.count == 0) != (state.reset == 0)
        || state.reset > s->rule.window)
    {
        wrong(s, "peek: reset", state.reset);
    }

    if (state.count
        && pguard_window_peek(&s->w, s->key, &s->rule, s->now + state.reset
                              + (1ULL << s->rule.shift)).count >= state.count)
    {
        wrong(s, "peek: none left at reset", state.reset);
    }
}


/* Gaps where a window begins, ends, or comes round. */

static pguard_msec_t
any_gap(const subject_t *s, unsigned spread)
{
    pguard_msec_t  w = s->rule.window;
    pguard_msec_t  gaps[] = { w / 2, w - 1, w, w + 1, w + 999, w + 1999,
                              w + 2999, w + 3000, w + 4001, 2 * w, 3 * w + 7,
                              (1ULL << 31) - 1, 1ULL << 31, (1ULL << 31) + 1,
                              (1ULL << 32) - 1, 1ULL << 32, (1ULL << 32) + w,
                              w / s->rule.limit, w / s->rule.limit + 1,
                              w * 11 / 12 };

    if ((unsigned long) lrand48() % spread == 0) {
        return gaps[(unsigned long) lrand48() % number_of(gaps)];
    }

    return (pguard_msec_t) lrand48() % (2 * w / s->rule.limit + 2);
}


static void
test_random(void **state)
{
    size_t     l, w, i, n;
    unsigned   spread;
    subject_t  s;

    (void) state;

    for (l = 0; l < number_of(limits); l++) {
        for (w = 0; w < number_of(windows); w++) {
            for (spread = 2; spread <= 2048; spread *= 32) {

                s = subject(limits[l], windows[w], START);
                n = 6000 + 5 * limits[l];

                for (i = 0; i < n; i++) {
                    arrive(&s, any_gap(&s, spread));

                    if (i % 16 == 0) {
                        look(&s);
                    }
                }
            }
        }
    }
}


/* At a steady pace a little under or over the limit, from idle to full. */

static void
steady(uint64_t limit, pguard_msec_t window, unsigned percent)
{
    uint64_t   i, n, at, was;
    subject_t  s;

    s = subject(limit, window, START);
    n = 4 * limit + 100;
    was = 0;

    for (i = 1; i <= n; i++) {
        at = i * window * 100 / (limit * percent);
        arrive(&s, at - was);
        was = at;
    }

    if (percent < 100) {
        assert_int_equal(s.exceeded, 0);
    }

    if (percent >= 150) {
        assert_true(s.exceeded > 0);
    }
}


static void
test_steady(void **state)
{
    size_t    l, w;
    unsigned  percent;

    (void) state;

    for (l = 0; l < number_of(limits); l++) {
        for (w = 2; w < number_of(windows); w++) {
            for (percent = 50; percent <= 200; percent += 10) {
                steady(limits[l], windows[w], percent);
            }
        }
    }
}


static void
burst(subject_t *s, uint64_t n, pguard_msec_t gap)
{
    arrive(s, gap);

    while (--n) {
        arrive(s, 0);
    }
}


/* The whole limit at once, again as soon as it is allowed. */

static void
test_whole_limit_at_once(void **state)
{
    size_t     l, w, i;
    subject_t  s;

    (void) state;

    for (l = 0; l < number_of(limits); l++) {
        for (w = 0; w < number_of(windows); w++) {
            s = subject(limits[l], windows[w], START);

            for (i = 0; i < 200; i++) {
                burst(&s, limits[l], windows[w] + i % 3);
            }

            assert_int_equal(s.exceeded, 0);
        }
    }
}


/* What a fixed window takes for two halves: both ends of one. */

static void
test_both_ends(void **state)
{
    size_t     l, w, i;
    subject_t  s;

    (void) state;

    for (l = 3; l < number_of(limits); l++) {
        for (w = 2; w < number_of(windows); w++) {
            s = subject(limits[l], windows[w], START);

            for (i = 0; i < 50; i++) {
                burst(&s, limits[l], windows[w] * 3);
                burst(&s, limits[l], windows[w] / 10);
            }

            assert_true(s.exceeded >= 50 * (limits[l] - s.rule.group + 1));
        }
    }
}


/* Of limit + n at once, exactly these are found to exceed it. */

static void
test_beyond_limit_at_once(void **state)
{
    size_t     l, w, i;
    subject_t  s;

    (void) state;

    for (l = 0; l < number_of(limits); l++) {
        for (w = 2; w < number_of(windows); w++) {
            s = subject(limits[l], windows[w], START);

            for (i = 1; i <= 60; i++) {
                burst(&s, limits[l] + i, windows[w] * 2 + 5000);
                assert_int_equal(s.exceeded, i * (i + 1) / 2);
            }
        }
    }
}


/* Never idle for long, never near the limit: marks of any age come up. */

static void
test_slow_drip(void **state)
{
    size_t     l, w, i;
    subject_t  s;

    (void) state;

    for (l = 1; l < number_of(limits); l++) {
        for (w = 2; w < number_of(windows); w++) {
            s = subject(limits[l], windows[w], START);

            for (i = 0; i < 5000; i++) {
                arrive(&s, windows[w] - (pguard_msec_t) lrand48() % 3
                           + (i % 5 == 0) * 1500);
            }

            assert_int_equal(limits[l] >= 3 ? s.exceeded : 0, 0);
        }
    }
}


/* Clocks that come round, at every place of a burst. */

static void
test_clock_comes_round(void **state)
{
    size_t     l, i;
    uint64_t   r;
    subject_t  s;

    (void) state;

    for (l = 0; l < number_of(limits); l++) {
        for (r = 31; r <= 41; r++) {
            s = subject(limits[l], 1000, (1ULL << r) - 5000);

            for (i = 0; i < 3000 + 20 * limits[l]; i++) {
                arrive(&s, (uint64_t) lrand48() % limits[l]
                           ? 0 : (pguard_msec_t) lrand48() % 1600);
            }

            assert_true(s.now > 1ULL << r);

            assert_true(s.exceeded > 0);
        }
    }
}


static void
largest(pguard_msec_t window)
{
    size_t     i;
    subject_t  s = subject(PGUARD_LIMIT_MAX, window, START);

    burst(&s, PGUARD_LIMIT_MAX, 0);
    assert_int_equal(s.exceeded, 0);

    for (i = 0; i < 300000; i++) {
        arrive(&s, (pguard_msec_t) lrand48() % (window / 1000000 + 2));
    }

    assert_true(s.exceeded > 0);

    burst(&s, PGUARD_LIMIT_MAX, window);
    burst(&s, PGUARD_LIMIT_MAX / 3, window / 2);
    look(&s);
}


static void
test_largest_limit(void **state)
{
    (void) state;

    largest(1000);
    largest(PGUARD_WINDOW_MAX);
}


/* What the bounds in pguard_window.c rest on, for every limit. */

static void
test_rules(void **state)
{
    size_t                w;
    uint64_t              l, k;
    pguard_window_rule_t  rule;

    (void) state;

    for (l = 1; l <= PGUARD_LIMIT_MAX; l += l < 5000 ? 1 : 97) {
        for (w = 0; w < number_of(windows); w++) {
            pguard_window_rule_init(&rule, l, windows[w]);
            k = rule.group;

            assert_true(k >= 1 && 11 * (k - 1) < l);
            assert_true((l - 1) / k + 1 <= PGUARD_WINDOW_MARKS - 1);
            assert_true(l > 11 || k == 1);
            assert_true(l < 4 || 4 * (l + k) <= 5 * l);
            assert_true(((l + k) * (windows[w] + 3000)) >> rule.shift
                        < 1ULL << 31);

            /* a unit is never so long that the 1.25 is lost */

            assert_true(windows[w] < 1000
                        || sure_window(&rule) > windows[w] * 98 / 100);
        }
    }

    pguard_window_rule_init(&rule, PGUARD_LIMIT_MAX, PGUARD_WINDOW_MAX);
    assert_true(sure_window(&rule) > PGUARD_WINDOW_MAX * 98 / 100);
}


/* Many keys at once: for limits up to 11 the truth is the ring's own. */

static void
test_many_keys(void **state)
{
    unsigned                 i, k;
    pguard_msec_t            now;
    pguard_windows_t         w = table(BUCKETS);
    pguard_window_rule_t     rule;
    pguard_window_result_t   r;
    static pguard_hash_t     key[1500];
    static pguard_msec_t     last[1500][5];

    (void) state;

    pguard_window_rule_init(&rule, 5, 10000);
    memset(last, 0, sizeof(last));

    for (k = 0; k < number_of(key); k++) {
        key[k].lo = (uint64_t) mrand48() << 32 | (uint32_t) mrand48();
        key[k].hi = (uint64_t) mrand48() << 32 | (uint32_t) mrand48();
    }

    for (i = 0, now = START; i < 1000000; i++, now += lrand48() % 3) {
        k = (unsigned) lrand48() % (lrand48() % 8 ? 1500 : 300);
        r = window_add(&w, key[k], 0, &rule, now, NULL, NULL);

        assert_int_equal(r.exceeded, last[k][0] + 10000 > now);
        assert_int_equal(r.evicted, 0);

        memmove(last[k], last[k] + 1, 4 * sizeof(now));
        last[k][4] = now;
    }
}


/* The second look: what others did meanwhile, and how late it is. */

typedef struct {
    pguard_msec_t                now;
    unsigned                     asked;
    unsigned                     others;      /* requests of the same key */
    const pguard_windows_t      *w;
    pguard_hash_t                key;
    const pguard_window_rule_t  *rule;
} meanwhile_t;


static pguard_msec_t
meanwhile(void *arg)
{
    unsigned      i;
    meanwhile_t  *m = arg;

    m->asked++;

    for (i = 0; i < m->others && m->asked == 1; i++) {
        (void) window_add(m->w, m->key, 0, m->rule, m->now, NULL, NULL);
    }

    return m->now;
}


static pguard_window_result_t
fill_and_look(uint64_t limit, pguard_msec_t later, unsigned others,
    unsigned *asked)
{
    unsigned                i;
    pguard_hash_t           key = { 7, 9 };
    pguard_windows_t        w = table(1);
    pguard_window_rule_t    rule;
    pguard_window_result_t  r;
    meanwhile_t             m = { START + later, 0, others, &w, key, &rule };

    pguard_window_rule_init(&rule, limit, 1000);

    for (i = 0; i < limit; i++) {
        r = window_add(&w, key, 0, &rule, START, meanwhile, &m);
        assert_int_equal(r.exceeded, 0);
    }

    assert_int_equal(m.asked, 0);
    r = window_add(&w, key, 0, &rule, START + 999, meanwhile, &m);
    *asked = m.asked;

    return r;
}


static void
test_second_look(void **state)
{
    size_t                  l;
    unsigned                asked;
    pguard_window_result_t  r;

    (void) state;

    for (l = 0; l < number_of(limits); l++) {
        r = fill_and_look(limits[l], 999, 0, &asked);
        assert_int_equal(r.exceeded, 1);
        assert_int_equal(r.count, limits[l] + 1);
        assert_int_equal(asked, 1);

        r = fill_and_look(limits[l], 1000, 0, &asked);
        assert_int_equal(r.exceeded, 0);
        assert_int_equal(asked, 1);
    }
}


/* A process held up for seconds, while others go on in a new window, but stay
   within the limit: their marks take the places of those it looks at. */

static void
test_overtaken(void **state)
{
    size_t                  l;
    unsigned                asked, others;
    pguard_window_result_t  r;

    (void) state;

    for (l = 1; l < number_of(limits); l++) {
        for (others = 1; others <= limits[l] && others <= 200; others++) {
            r = fill_and_look(limits[l], 2000, others, &asked);

            if (r.exceeded) {
                fail_msg("limit %lu: exceeded by %u requests in the window",
                         (unsigned long) limits[l], others);
            }
        }
    }
}


/* The same, and the others exceed it: whoever says so, the count is true. */

static void
test_overtaken_by_many(void **state)
{
    size_t                  l;
    unsigned                asked, others;
    pguard_window_result_t  r;

    (void) state;

    for (l = 0; l < number_of(limits); l++) {
        for (others = 1; others <= 2500; others += 13) {
            r = fill_and_look(limits[l], 2000, others, &asked);

            if (r.exceeded) {
                assert_in_range(r.count, limits[l] + 1, others);
            }
        }
    }
}


static pguard_hash_t
nth_key(unsigned n)
{
    return (pguard_hash_t) { (uint64_t) n << 32, n };
}


static uint64_t
count_of(const pguard_windows_t *w, pguard_hash_t key,
    const pguard_window_rule_t *rule, pguard_msec_t now)
{
    return pguard_window_peek(w, key, rule, now).count;
}


static void
test_peek(void **state)
{
    pguard_hash_t          key = nth_key(1);
    pguard_windows_t       w = table(4);
    pguard_window_rule_t   rule;
    pguard_window_state_t  s;

    (void) state;

    pguard_window_rule_init(&rule, 5, 1000);

    s = pguard_window_peek(&w, key, &rule, START);
    assert_true(s.count == 0 && s.reset == 0);

    (void) window_add(&w, key, 0, &rule, START, NULL, NULL);
    (void) window_add(&w, key, 0, &rule, START + 300, NULL, NULL);

    s = pguard_window_peek(&w, key, &rule, START + 400);
    assert_true(s.count == 2 && s.reset == 600);

    s = pguard_window_peek(&w, key, &rule, START + 999);
    assert_true(s.count == 2 && s.reset == 1);

    s = pguard_window_peek(&w, key, &rule, START + 1000);
    assert_true(s.count == 1 && s.reset == 300);

    s = pguard_window_peek(&w, key, &rule, START + 1300);
    assert_true(s.count == 0 && s.reset == 0);
}


static void
test_forget(void **state)
{
    unsigned              i;
    pguard_windows_t      w = table(1);
    pguard_window_rule_t  rule;

    (void) state;

    pguard_window_rule_init(&rule, 5, 1000);
    pguard_window_forget(&w, nth_key(1));

    for (i = 0; i < 5; i++) {
        (void) window_add(&w, nth_key(1), 0, &rule, START, NULL, NULL);
        (void) window_add(&w, nth_key(2), 0, &rule, START, NULL, NULL);
    }

    pguard_window_forget(&w, nth_key(1));

    assert_int_equal(count_of(&w, nth_key(1), &rule, START), 0);
    assert_int_equal(count_of(&w, nth_key(2), &rule, START), 5);

    for (i = 0; i < 5; i++) {
        assert_int_equal(window_add(&w, nth_key(1), 0, &rule, START,
                                    NULL, NULL).exceeded, 0);
    }

    assert_int_equal(window_add(&w, nth_key(1), 0, &rule, START, NULL,
                                NULL).exceeded, 1);
    assert_int_equal(window_add(&w, nth_key(2), 0, &rule, START, NULL,
                                NULL).exceeded, 1);
}


/* One key under two rules has two hashes, here in one bucket, one of them with
   the same half in the index. */

static void
test_two_rules(void **state)
{
    unsigned              i;
    pguard_hash_t         salted = { 0x500000002, 3 }, other = salted;
    pguard_windows_t      w = table(1);
    pguard_window_rule_t  few, many;

    (void) state;

    other.lo ^= 0x10;
    pguard_window_rule_init(&few, 3, 1000);
    pguard_window_rule_init(&many, 100, 60000);

    for (i = 0; i < 100; i++) {
        assert_int_equal(window_add(&w, salted, 0, &few, START + i, NULL,
                                    NULL).exceeded, i >= 3);
        assert_int_equal(window_add(&w, other, 0, &many, START + i, NULL,
                                    NULL).exceeded, 0);
    }

    assert_int_equal(window_add(&w, other, 0, &many, START + i, NULL,
                                NULL).exceeded, 1);
}


/* A bucket full of keys, 10 s apart, each seen twice. */

static void
full_bucket(const pguard_windows_t *w, const pguard_window_rule_t *rule)
{
    unsigned       i;
    pguard_msec_t  at;

    for (i = 0; i < PGUARD_WINDOW_WAYS; i++) {
        at = START + 10000 * i;
        assert_int_equal(window_add(w, nth_key(i + 1), 0, rule, at, NULL,
                                    NULL).evicted, 0);
        assert_int_equal(window_add(w, nth_key(i + 1), 0, rule, at, NULL,
                                    NULL).evicted, 0);
    }
}


static void
test_evicts_oldest(void **state)
{
    unsigned              i;
    pguard_msec_t         now = START + 80000;
    pguard_windows_t      w = table(1);
    pguard_window_rule_t  rule;

    (void) state;

    pguard_window_rule_init(&rule, 5, 3600000);
    full_bucket(&w, &rule);

    /* the first key comes again: now the second is the oldest */

    (void) window_add(&w, nth_key(1), 0, &rule, now, NULL, NULL);
    assert_int_equal(window_add(&w, nth_key(9), 0, &rule, now, NULL,
                                NULL).evicted, 1);

    assert_int_equal(count_of(&w, nth_key(1), &rule, now), 3);
    assert_int_equal(count_of(&w, nth_key(2), &rule, now), 0);
    assert_int_equal(count_of(&w, nth_key(9), &rule, now), 1);

    for (i = 3; i <= 8; i++) {
        assert_int_equal(count_of(&w, nth_key(i), &rule, now), 2);
    }
}


static void
test_idle_is_no_eviction(void **state)
{
    pguard_windows_t      w = table(1);
    pguard_window_rule_t  rule;

    (void) state;

    pguard_window_rule_init(&rule, 5, 1000);
    full_bucket(&w, &rule);

    assert_int_equal(window_add(&w, nth_key(9), 0, &rule, START + 80000,
                                NULL, NULL).evicted, 0);
}


/* Of four buckets, the first and the third: as many keys as both have ways. */

static pguard_hash_t
key_of_two(unsigned n)
{
    return (pguard_hash_t) { (uint64_t) (n + 1) << 32, 0x80000000ULL << 32 };
}


static void
test_second_bucket(void **state)
{
    unsigned                i, k;
    pguard_windows_t        w = table(4);
    pguard_window_rule_t    rule;
    pguard_window_result_t  r;

    (void) state;

    pguard_window_rule_init(&rule, 5, 60000);

    for (k = 1; k <= 6; k++) {
        for (i = 0; i < 2 * PGUARD_WINDOW_WAYS; i++) {
            r = window_add(&w, key_of_two(i), 0, &rule, START + k, NULL,
                           NULL);
            assert_int_equal(r.evicted, 0);
            assert_int_equal(r.exceeded, k == 6);
            assert_int_equal(count_of(&w, key_of_two(i), &rule, START + k), k);
        }
    }

    /* one more takes the place of one in the first bucket */

    r = window_add(&w, key_of_two(i), 0, &rule, START + k, NULL, NULL);
    assert_int_equal(r.evicted, 1);
    assert_int_equal(w.bucket[1].entry[0].head.lo, 0);
    assert_int_equal(w.bucket[3].entry[0].head.lo, 0);

    for (i = 0; i < 2 * PGUARD_WINDOW_WAYS; i++) {
        pguard_window_forget(&w, key_of_two(i));
        assert_int_equal(count_of(&w, key_of_two(i), &rule, START), 0);
    }
}


/* While a bucket is half empty, its keys are all there. */

static void
test_first_bucket_first(void **state)
{
    unsigned              i;
    pguard_windows_t      w = table(4);
    pguard_window_rule_t  rule;

    (void) state;

    pguard_window_rule_init(&rule, 5, 60000);

    for (i = 0; i <= PGUARD_WINDOW_WAYS / 2; i++) {
        assert_int_equal(w.bucket[0].entry[i].head.lo, 0);
        assert_int_equal(w.bucket[2].entry[0].head.lo, 0);
        (void) window_add(&w, key_of_two(i), 0, &rule, START, NULL,
                          NULL);
        assert_int_equal(w.bucket[0].entry[i].head.lo, key_of_two(i).lo | 1);
    }

    (void) window_add(&w, key_of_two(i), 0, &rule, START, NULL, NULL);
    assert_int_equal(w.bucket[2].entry[0].head.lo, key_of_two(i).lo | 1);
}


/* Three quarters full of keys that came once, one in 10 000 is forgotten. */

static void
test_three_quarters(void **state)
{
    uint64_t              i, n, forgotten;
    pguard_windows_t      w = table(BUCKETS);
    pguard_window_rule_t  rule;
    static pguard_hash_t  key[BUCKETS * PGUARD_WINDOW_WAYS];

    (void) state;

    pguard_window_rule_init(&rule, 5, 60000);
    n = number_of(key) * 3 / 4;

    for (i = 0; i < n; i++) {
        key[i].lo = (uint64_t) mrand48() << 32 | (uint32_t) mrand48();
        key[i].hi = (uint64_t) mrand48() << 32 | (uint32_t) mrand48();
        (void) window_add(&w, key[i], 0, &rule, START, NULL, NULL);
    }

    for (i = 0, forgotten = 0; i < n; i++) {
        forgotten += count_of(&w, key[i], &rule, START) != 1;
    }

    assert_in_range(forgotten, 0, n / 5000 + 1);
}


/* Evicted ones are too few, never too many. */

static void
test_crowded(void **state)
{
    unsigned                i, k;
    uint64_t                evicted;
    pguard_msec_t           now;
    pguard_windows_t        w = table(2);
    pguard_window_rule_t    rule;
    pguard_window_result_t  r;
    static pguard_msec_t    last[50][3];

    (void) state;

    pguard_window_rule_init(&rule, 3, 2000);
    memset(last, 0, sizeof(last));
    evicted = 0;

    for (i = 0, now = START; i < 500000; i++, now += lrand48() % 20) {
        k = (unsigned) lrand48() % 50;
        r = window_add(&w, (pguard_hash_t) { (uint64_t) k << 32,
                                             (uint64_t) k << 31 },
                       0, &rule, now, NULL, NULL);

        assert_true(!r.exceeded || last[k][0] + 2000 > now);
        evicted += r.evicted;

        memmove(last[k], last[k] + 1, 2 * sizeof(now));
        last[k][2] = now;
    }

    assert_true(evicted > 0);
}


static void
test_entries(void **state)
{
    unsigned              i;
    pguard_windows_t      w = table(BUCKETS);
    pguard_window_rule_t  rule;

    (void) state;

    pguard_window_rule_init(&rule, 5, 60000);
    assert_int_equal(pguard_window_entries(&w, START), 0);

    for (i = 0; i < 1000; i++) {
        (void) window_add(&w, (pguard_hash_t) { (uint64_t) i << 32,
                                                (uint64_t) i << 20 },
                          0, &rule, START + i * 1000, NULL, NULL);
    }

    assert_in_range(pguard_window_entries(&w, START + 999000), 60, 66);
    assert_int_equal(pguard_window_entries(&w, START + 2000000), 0);
}


static int
group_setup(void **state)
{
    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_whole_limit_at_once),
        cmocka_unit_test(test_both_ends),
        cmocka_unit_test(test_beyond_limit_at_once),
        cmocka_unit_test(test_slow_drip),
        cmocka_unit_test(test_clock_comes_round),
        cmocka_unit_test(test_largest_limit),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_second_look),
        cmocka_unit_test(test_overtaken),
        cmocka_unit_test(test_overtaken_by_many),
        cmocka_unit_test(test_peek),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_two_rules),
        cmocka_unit_test(test_evicts_oldest),
        cmocka_unit_test(test_idle_is_no_eviction),
        cmocka_unit_test(test_second_bucket),
        cmocka_unit_test(test_first_bucket_first),
        cmocka_unit_test(test_three_quarters),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_entries)
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
