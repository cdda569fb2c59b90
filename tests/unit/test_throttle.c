/*
 * The throttle in one process: against a model that remembers everything, and
 * place by place.  Several processes: test_processes.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_throttle.h"
#include "tables.h"


#define SEED      1000
#define SIGS      20000
#define LINES     (1 << 16)
#define SECOND    1000000
#define START     (5ULL * SECOND)

#define number_of(a)  (sizeof(a) / sizeof((a)[0]))


static pguard_throttle_line_t  memory[LINES];


static pguard_throttle_t
table(uint64_t lines)
{
    memset(memory, 0, lines * sizeof(memory[0]));

    return pguard_throttle_table(memory, lines);
}


static pguard_throttle_result_t
ask(const pguard_throttle_t *t, pguard_hash_t sig, pguard_usec_t now)
{
    return throttle_ask(t, sig, now, SECOND);
}


static void
assert_admitted(const pguard_throttle_t *t, pguard_hash_t sig,
    pguard_usec_t now)
{
    pguard_throttle_result_t  r = ask(t, sig, now);

    assert_int_equal(r.admitted, 1);
    assert_int_equal(r.wait, 0);
}


static void
assert_refused(const pguard_throttle_t *t, pguard_hash_t sig,
    pguard_usec_t now, pguard_usec_t wait)
{
    pguard_throttle_result_t  r = ask(t, sig, now);

    assert_int_equal(r.admitted, 0);
    assert_int_equal(r.wait, wait);
}


/* In a table of 16 lines: a signature of this home and second line. */

static pguard_hash_t
placed(unsigned home, unsigned second, unsigned n)
{
    return (pguard_hash_t) { (uint64_t) n << 32 | (uint64_t) second << 28,
                             (uint64_t) home << 28 };
}


static pguard_hash_t
random_sig(void)
{
    pguard_hash_t  sig;

    sig.lo = (uint64_t) mrand48() << 32 | (uint32_t) mrand48();
    sig.hi = (uint64_t) mrand48() << 32 | (uint32_t) mrand48();

    return sig;
}


static void
random_sigs(pguard_hash_t *sig, unsigned n)
{
    while (n--) {
        sig[n] = random_sig();
    }
}


/* The model: when each signature expires. */

typedef struct {
    uint64_t  wrong;            /* answers that differ */
    uint64_t  refused_wrongly;
    uint64_t  evicted;
    uint64_t  admitted;
    uint64_t  refused;
} score_t;


static void
compare(score_t *s, pguard_throttle_result_t r, pguard_usec_t *expires,
    pguard_usec_t now, pguard_usec_t interval)
{
    pguard_usec_t  wait = *expires > now ? *expires - now : 0;

    s->wrong += r.admitted != (wait == 0) || r.wait != wait;
    s->refused_wrongly += !r.admitted && wait == 0;
    s->evicted += r.evicted;
    s->admitted += r.admitted;
    s->refused += !r.admitted;

    if (r.admitted) {
        *expires = now + interval;
    }
}


static score_t
run_model(const pguard_throttle_t *t, unsigned sigs, unsigned ops,
    unsigned step, const pguard_usec_t *interval)
{
    unsigned              i;
    pguard_usec_t         now, took;
    score_t               s;
    static pguard_hash_t  sig[SIGS];
    static pguard_usec_t  expires[SIGS];

    random_sigs(sig, sigs);
    memset(expires, 0, sizeof(expires));
    memset(&s, 0, sizeof(s));

    for (now = START; ops--; now += (pguard_usec_t) lrand48() % step) {

        /* a few of them often, and all of them now and then */

        i = (unsigned) lrand48() % (lrand48() % 2 ? sigs / 50 : sigs);
        took = interval[lrand48() % 4];

        compare(&s, throttle_ask(t, sig[i], now, took), &expires[i],
                now, took);
    }

    return s;
}


static void
assert_exact(score_t s)
{
    assert_int_equal(s.evicted, 0);
    assert_int_equal(s.wrong, 0);
    assert_true(s.admitted > 10000);
    assert_true(s.refused > 10000);
}


static void
test_exact_one_interval(void **state)
{
    pguard_throttle_t           t = table(LINES);
    static const pguard_usec_t  second[] = { SECOND, SECOND, SECOND, SECOND };

    (void) state;

    assert_exact(run_model(&t, SIGS, 2000000, 300, second));
}


static void
test_exact_any_intervals(void **state)
{
    pguard_throttle_t           t = table(LINES);
    static const pguard_usec_t  mixed[] = { 1, 1000, SECOND, 60 * SECOND };

    (void) state;

    assert_exact(run_model(&t, SIGS, 1500000, 300, mixed));
}


/* A quarter full: heads are displaced all the time. */

static void
test_exact_when_crowded(void **state)
{
    score_t                     s;
    pguard_throttle_t           t = table(500);
    static const pguard_usec_t  mixed[] = { SECOND / 2, SECOND, SECOND,
                                            2 * SECOND };

    (void) state;

    s = run_model(&t, 500, 1500000, 300, mixed);
    assert_exact(s);
}


/* More than half full, and some of what is there is moved on all the time. */

static void
test_exact_when_moved(void **state)
{
    score_t                     s;
    pguard_throttle_t           t = table(500);
    static const pguard_usec_t  second[] = { SECOND, SECOND, SECOND, SECOND };

    (void) state;

    s = run_model(&t, 1200, 1500000, 300, second);
    assert_exact(s);
}


/* Two thirds full, at a steady pace: one in 100 000 is forgotten. */

static void
test_two_thirds(void **state)
{
    uint64_t              i, n, forgotten;
    pguard_throttle_t     t = table(LINES);
    static pguard_hash_t  sig[LINES * PGUARD_THROTTLE_WAYS];

    (void) state;

    n = number_of(sig) * 2 / 3;

    for (i = 0; i < 3 * n; i++) {
        sig[i % n] = random_sig();
        (void) throttle_ask(&t, sig[i % n], START + i, n);
    }

    for (i = 0, forgotten = 0; i < n; i++) {
        forgotten += throttle_ask(&t, sig[i], START + 3 * n - 1,
                                  n).admitted;
    }

    assert_in_range(forgotten, 0, n / 10000);
}


/* Far too small a table: what it forgets may pass, and is counted; what it
   knows nothing of is never refused. */

static void
test_overfull(void **state)
{
    unsigned                    lines;
    score_t                     s;
    pguard_throttle_t           t;
    static const pguard_usec_t  second[] = { SECOND, SECOND, SECOND, SECOND };

    (void) state;

    for (lines = 1; lines <= 64; lines *= 4) {
        t = table(lines);
        s = run_model(&t, 2000, 200000, 300, second);

        assert_int_equal(s.refused_wrongly, 0);
        assert_true(s.evicted > 0);
        assert_true(s.wrong <= s.evicted);
        assert_true(s.refused > 0);
    }
}


static void
test_boundaries(void **state)
{
    pguard_hash_t      sig = placed(3, 4, 1);
    pguard_throttle_t  t = table(16);

    (void) state;

    assert_admitted(&t, sig, START);
    assert_refused(&t, sig, START, SECOND);
    assert_refused(&t, sig, START + SECOND - 1, 1);
    assert_admitted(&t, sig, START + SECOND);
    assert_refused(&t, sig, START + 2 * SECOND - 1, 1);
    assert_admitted(&t, sig, START + 2 * SECOND);
    assert_admitted(&t, sig, START + 10 * SECOND);
}


static void
test_extremes(void **state)
{
    pguard_hash_t      zero = { 0, 0 }, ones = { UINT64_MAX, UINT64_MAX };
    pguard_throttle_t  t = table(16);

    (void) state;

    assert_admitted(&t, zero, 0);
    assert_refused(&t, zero, 0, SECOND);
    assert_admitted(&t, ones, (1ULL << 48) - SECOND - 1);
    assert_refused(&t, ones, (1ULL << 48) - 2, 1);
}


static void
test_refused_do_not_extend(void **state)
{
    pguard_usec_t      n;
    pguard_hash_t      sig = placed(3, 4, 1);
    pguard_throttle_t  t = table(16);

    (void) state;

    assert_admitted(&t, sig, START);

    for (n = 0; n < SECOND; n += 777) {
        assert_refused(&t, sig, START + n, SECOND - n);
    }

    assert_admitted(&t, sig, START + SECOND);
}


/* Workers read the one clock at different moments. */

static void
test_clock_backwards(void **state)
{
    pguard_hash_t      sig = placed(3, 4, 1);
    pguard_throttle_t  t = table(16);

    (void) state;

    assert_admitted(&t, sig, START);
    assert_refused(&t, sig, START - 10, SECOND + 10);
    assert_refused(&t, sig, START + SECOND - 5, 5);
    assert_admitted(&t, sig, START + SECOND);
    assert_refused(&t, sig, START + SECOND - 1, SECOND + 1);
    assert_admitted(&t, sig, START + 2 * SECOND);
}


/* One bit of what an entry keeps is enough to be another signature. */

static void
test_every_kept_bit(void **state)
{
    unsigned           bit;
    pguard_hash_t      other, sig = random_sig();
    pguard_throttle_t  t = table(1);

    (void) state;

    for (bit = 0; bit < 80; bit++) {
        other = sig;
        other.lo ^= bit < 64 ? 1ULL << bit : 0;
        other.hi ^= bit < 64 ? 0 : 1ULL << (48 + bit - 64);

        (void) table(1);
        assert_admitted(&t, sig, START);
        assert_admitted(&t, other, START);
        assert_refused(&t, sig, START + 1, SECOND - 1);
        assert_refused(&t, other, START + 1, SECOND - 1);
    }
}


/* n signatures of home 2 and second line 9, a millisecond apart. */

static void
fill(const pguard_throttle_t *t, unsigned n)
{
    unsigned                  i;
    pguard_throttle_result_t  r;

    for (i = 0; i < n; i++) {
        r = ask(t, placed(2, 9, i), START + i * 1000);
        assert_int_equal(r.admitted, 1);
        assert_int_equal(r.evicted, 0);
    }
}


static void
test_displacement(void **state)
{
    unsigned           i;
    pguard_throttle_t  t = table(16);

    (void) state;

    assert_admitted(&t, placed(9, 1, 77), START);
    fill(&t, 7);

    for (i = 0; i < 7; i++) {
        assert_refused(&t, placed(2, 9, i), START + 7000,
                       SECOND - 7000 + i * 1000);
    }

    assert_refused(&t, placed(9, 1, 77), START + 7000, SECOND - 7000);
}


/* Home and second line are one. */

static void
test_displacement_in_one_line(void **state)
{
    unsigned           i;
    pguard_throttle_t  t = table(16);

    (void) state;

    for (i = 0; i < 4; i++) {
        assert_int_equal(ask(&t, placed(2, 2, i), START).evicted, 0);
    }

    for (i = 0; i < 4; i++) {
        assert_refused(&t, placed(2, 2, i), START, SECOND);
    }

    assert_int_equal(ask(&t, placed(2, 2, 4), START).evicted, 1);
}


/* Both lines are full, the other one of signatures that are at home there:
   three of these go to their own second line, then there is no more place. */

static void
test_moves_on(void **state)
{
    unsigned                  i;
    pguard_throttle_t         t = table(16);
    pguard_throttle_result_t  r;

    (void) state;

    for (i = 0; i < 4; i++) {
        assert_admitted(&t, placed(9, 1, i), START - 10000 + i * 1000);
    }

    fill(&t, 7);

    for (i = 0; i < 4; i++) {
        assert_refused(&t, placed(9, 1, i), START + 7000,
                       SECOND - 17000 + i * 1000);
    }

    for (i = 0; i < 7; i++) {
        assert_refused(&t, placed(2, 9, i), START + 7000,
                       SECOND - 7000 + i * 1000);
    }

    r = ask(&t, placed(2, 9, 7), START + 8000);
    assert_int_equal(r.admitted, 1);
    assert_int_equal(r.evicted, 1);
}


static void
test_full_evicts_oldest(void **state)
{
    unsigned                  i;
    pguard_throttle_t         t = table(16);
    pguard_throttle_result_t  r;

    (void) state;

    assert_admitted(&t, placed(9, 1, 77), START - 1000);
    fill(&t, 7);

    r = ask(&t, placed(2, 9, 7), START + 7000);
    assert_int_equal(r.admitted, 1);
    assert_int_equal(r.evicted, 1);

    for (i = 1; i < 8; i++) {
        assert_refused(&t, placed(2, 9, i), START + 8000,
                       SECOND - 8000 + i * 1000);
    }

    /* the other line's head is older still, and is not taken */

    assert_refused(&t, placed(9, 1, 77), START, SECOND - 1000);

    r = ask(&t, placed(2, 9, 0), START + 9000);
    assert_int_equal(r.admitted, 1);
    assert_int_equal(r.evicted, 1);
    assert_int_equal(ask(&t, placed(2, 9, 1), START + 9000).admitted, 1);
}


static void
test_full_takes_expired_first(void **state)
{
    unsigned                  i;
    pguard_throttle_t         t = table(16);
    pguard_throttle_result_t  r;

    (void) state;

    /* the fourth of seven is short-lived, the first is the oldest */

    for (i = 0; i < 7; i++) {
        r = throttle_ask(&t, placed(2, 9, i), START + i * 1000,
                         i == 3 ? 1000 : SECOND);
        assert_int_equal(r.evicted, 0);
    }

    r = ask(&t, placed(2, 9, 7), START + 7000);
    assert_int_equal(r.admitted, 1);
    assert_int_equal(r.evicted, 0);

    for (i = 0; i < 8; i++) {
        if (i != 3) {
            assert_refused(&t, placed(2, 9, i), START + 7000,
                           SECOND - 7000 + i * 1000);
        }
    }
}


/* Corrects the n-th of seven, which are in all the places there are. */

static void
correct_one(unsigned n)
{
    unsigned           i;
    pguard_usec_t      then = START + n * 1000;
    pguard_throttle_t  t = table(16);

    fill(&t, 7);
    pguard_throttle_correct(&t, placed(2, 9, n), then, SECOND, 300000);

    for (i = 0; i < 7; i++) {
        if (i != n) {
            assert_refused(&t, placed(2, 9, i), START + 7000,
                           SECOND - 7000 + i * 1000);
        }
    }

    assert_refused(&t, placed(2, 9, n), then + 299999, 1);
    assert_admitted(&t, placed(2, 9, n), then + 300000);
    assert_refused(&t, placed(2, 9, n), then + 300001, SECOND - 1);
}


static void
test_correct(void **state)
{
    unsigned  n;

    (void) state;

    for (n = 0; n < 7; n++) {
        correct_one(n);
    }
}


/* Too late: it was admitted anew meanwhile, or is not there at all. */

static void
test_correct_nothing(void **state)
{
    pguard_hash_t      sig = placed(2, 9, 1);
    pguard_throttle_t  t = table(16);

    (void) state;

    pguard_throttle_correct(&t, sig, START, SECOND, 300000);
    assert_int_equal(pguard_throttle_entries(&t, START), 0);

    assert_admitted(&t, sig, START);
    assert_admitted(&t, sig, START + SECOND);
    pguard_throttle_correct(&t, sig, START, SECOND, 300000);
    assert_refused(&t, sig, START + SECOND, SECOND);
}


static void
test_entries(void **state)
{
    unsigned           i;
    pguard_throttle_t  t = table(1 << 14);

    (void) state;

    assert_int_equal(pguard_throttle_entries(&t, START), 0);

    for (i = 0; i < 1000; i++) {
        assert_admitted(&t, random_sig(), START + i);
    }

    assert_int_equal(pguard_throttle_entries(&t, START + 1000), 1000);
    assert_int_equal(pguard_throttle_entries(&t, START + SECOND + 499), 500);
    assert_int_equal(pguard_throttle_entries(&t, START + SECOND + 999), 0);
}


static void
test_entries_sampled(void **state)
{
    unsigned           i;
    uint64_t           n;
    pguard_throttle_t  t = table(LINES - 1);

    (void) state;

    for (i = 0; i < LINES; i++) {
        assert_admitted(&t, random_sig(), START);
    }

    n = pguard_throttle_entries(&t, START);
    assert_in_range(n, LINES * 9 / 10, LINES * 11 / 10);
}


static void
test_prefetch_changes_nothing(void **state)
{
    unsigned           i;
    pguard_throttle_t  t = table(16);

    (void) state;

    for (i = 0; i < 1000; i++) {
        (void) pguard_throttle_prefetch(&t, random_sig());
    }

    assert_int_equal(pguard_throttle_entries(&t, 0), 0);
}


/* A table of hundreds of megabytes is as fast as its pages are few to find:
   what a signature may move to is at most 32 KB from its home.
   Each line is some one's home, and some one's second. */

static void
test_near(void **state)
{
    unsigned                 i;
    uint64_t                 home, second;
    pguard_throttle_t        t = table(LINES - 1);
    pguard_throttle_lines_t  at;
    static unsigned char     used[LINES];

    (void) state;

    assert_int_equal(t.lines, LINES - 512);
    memset(used, 0, sizeof(used));

    for (i = 0; i < 40 * LINES; i++) {
        at = pguard_throttle_prefetch(&t, random_sig());
        home = (uint64_t) (at.home - t.line);
        second = (uint64_t) (at.second - t.line);

        assert_in_range(home, 0, t.lines - 1);
        assert_in_range(second, 0, t.lines - 1);
        assert_int_equal(home / 512, second / 512);

        used[home] |= 1;
        used[second] |= 2;
    }

    for (i = 0; i < t.lines; i++) {
        assert_int_equal(used[i], 3);
    }
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
        cmocka_unit_test(test_exact_one_interval),
        cmocka_unit_test(test_exact_any_intervals),
        cmocka_unit_test(test_exact_when_crowded),
        cmocka_unit_test(test_exact_when_moved),
        cmocka_unit_test(test_two_thirds),
        cmocka_unit_test(test_overfull),
        cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_refused_do_not_extend),
        cmocka_unit_test(test_clock_backwards),
        cmocka_unit_test(test_every_kept_bit),
        cmocka_unit_test(test_displacement),
        cmocka_unit_test(test_displacement_in_one_line),
        cmocka_unit_test(test_moves_on),
        cmocka_unit_test(test_full_evicts_oldest),
        cmocka_unit_test(test_full_takes_expired_first),
        cmocka_unit_test(test_correct),
        cmocka_unit_test(test_correct_nothing),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_entries_sampled),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_prefetch_changes_nothing)
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
