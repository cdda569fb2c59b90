/*
 * Throttle and windows, one process stopped before any of its looks at the
 * shared memory or changes of it, while another one does whole requests there.
 * Exhaustive where test_processes.c depends on luck: each such place is tried.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_atomic.h"


/* Not stop(): cmocka 2 has a macro of that name. */
static void halt(void);

/* The tables' own code, with a halt before each step. */

#undef pguard_load
#define pguard_load(p)                 (halt(), __atomic_load_n(p,            \
                                                          __ATOMIC_ACQUIRE))
#define pguard_pair_read(p)            (halt(), (pguard_pair_read)(p))
#define pguard_pair_cas(p, was, set)   (halt(), (pguard_pair_cas)(p, was, set))
#undef pguard_cas
#define pguard_cas(p, was, set)                                               \
    (halt(), __sync_bool_compare_and_swap(p, was, set))

#define pguard_throttle_prefetch    stopped_throttle_prefetch
#define pguard_throttle_table       stopped_throttle_table
#define pguard_throttle_ask         stopped_throttle_ask
#define pguard_throttle_correct     stopped_throttle_correct
#define pguard_throttle_entries     stopped_throttle_entries
#define pguard_window_rule_init     stopped_window_rule_init
#define pguard_window_add           stopped_window_add
#define pguard_window_peek          stopped_window_peek
#define pguard_window_forget        stopped_window_forget
#define pguard_window_entries       stopped_window_entries
#define pguard_window_look          stopped_window_look
#define pguard_window_choose        stopped_window_choose

#include "../../src/core/pguard_throttle.c"

#undef PGUARD_TRIES
#undef PGUARD_SAMPLE
#undef PGUARD_ROOMY

#include "../../src/core/pguard_window.c"
#include "../../src/core/pguard_window_place.c"
#include "tables.h"


#define SEED      2024
#define LINES     8
#define KNOWN     22                  /* of 32 places */
#define ROUNDS    400
#define START     1000000000ULL
#define INTERVAL  1000000
#define BUCKETS   2
#define OTHERS    6

typedef void (*other_pt)(void);


static pguard_throttle_line_t  line[LINES];
static pguard_window_bucket_t  bucket[BUCKETS];
static pguard_throttle_t       throttle;
static pguard_windows_t        windows = { bucket, BUCKETS };
static pguard_window_rule_t    rule;

static other_pt                other;      /* what the other process does */
static unsigned                step;       /* before this step */
static unsigned                steps;

static pguard_hash_t           sig[KNOWN + 2];
static uint64_t                admitted, evicted, wrong, added, others;


static void
halt(void)
{
    other_pt  does = other;

    if (does && steps++ == step) {
        other = NULL;
        does();
    }
}


static pguard_hash_t
random_hash(void)
{
    pguard_hash_t  h;

    h.lo = (uint64_t) mrand48() << 32 | (uint32_t) mrand48();
    h.hi = (uint64_t) mrand48() << 32 | (uint32_t) mrand48();

    return h;
}


static void
ask(unsigned i)
{
    pguard_throttle_result_t  r;

    r = throttle_ask(&throttle, sig[i], START, INTERVAL);

    admitted += r.admitted;
    evicted += r.evicted;
    wrong += r.admitted && i < KNOWN;
}


/* All that are there, the one that the first is about to admit, a new one. */

static void
ask_all(void)
{
    unsigned  i;

    for (i = 0; i < KNOWN + 2; i++) {
        ask(i);
    }
}


static void
ask_new(void)
{
    ask(KNOWN + 1);
}


static void
ask_same(void)
{
    ask(KNOWN);
}


/* Of each signature one is admitted, whatever is where, and wherever the one
   process stops; and they are still known after that. */

static unsigned
round_of_throttle(other_pt does, unsigned at)
{
    admitted = 0;
    evicted = 0;
    wrong = 0;
    step = at;
    steps = 0;
    other = does;

    ask(KNOWN);

    if (other == NULL) {
        ask_all();

        if (evicted == 0) {
            assert_int_equal(admitted, 2);
            assert_int_equal(wrong, 0);
        }

        return 1;
    }

    other = NULL;

    return 0;
}


static void
test_throttle(void **state)
{
    unsigned                       i, k, d, at, tried, kept;
    static pguard_throttle_line_t  before[LINES];
    static const other_pt          does[] = { ask_all, ask_new, ask_same };

    (void) state;

    tried = 0;
    kept = 0;

    for (k = 0; k < ROUNDS; k++) {
        memset(line, 0, sizeof(line));
        evicted = 0;

        for (i = 0; i < KNOWN + 2; i++) {
            sig[i] = random_hash();
        }

        for (i = 0; i < KNOWN; i++) {
            ask(i);
        }

        if (evicted) {
            continue;
        }

        memcpy(before, line, sizeof(line));

        for (d = 0; d < sizeof(does) / sizeof(does[0]); d++) {

            for (at = 0; round_of_throttle(does[d], at); at++) {
                tried++;
                kept += evicted == 0;
                memcpy(line, before, sizeof(line));
            }

            memcpy(line, before, sizeof(line));
        }
    }

    print_message("stopped at %u places, %u times without an eviction\n",
                  tried, kept);

    assert_true(kept > ROUNDS * 10);
    assert_true(kept > tried / 2);
}


/* Windows */


static void
add(void)
{
    (void) window_add(&windows, sig[0], 0, &rule, START / 1000, NULL,
                      NULL);
    added++;
}


static void
add_some(void)
{
    add();
    add();
    add();
}


/* Others come, until the buckets are full. */

static void
add_others(void)
{
    unsigned  i;

    for (i = 1; i < OTHERS; i++) {
        (void) window_add(&windows, sig[i], 0, &rule, START / 1000, NULL,
                          NULL);
    }

    others++;
}


/* There are places for all of them: none had to go. */

static void
assert_others_are_counted(void)
{
    unsigned  i;

    for (i = 1; i < OTHERS; i++) {
        assert_int_equal(pguard_window_peek(&windows, sig[i], &rule,
                                            START / 1000).count, others);
    }
}


static void
add_all(void)
{
    add_others();
    add_some();
}


/* All are counted to the last request, wherever they are, whether the key was
   known or new to both. */

static unsigned
round_of_windows(other_pt does, unsigned at)
{
    others = 0;
    step = at;
    steps = 0;
    other = does;

    add();

    if (other == NULL) {
        assert_int_equal(pguard_window_peek(&windows, sig[0], &rule,
                                            START / 1000).count, added);
        assert_others_are_counted();

        return 1;
    }

    other = NULL;

    return 0;
}


static void
test_windows(void **state)
{
    unsigned                       i, k, d, at, known, tried;
    static pguard_window_bucket_t  before[BUCKETS];
    static const other_pt          does[] = { add_some, add_others, add_all };

    (void) state;

    pguard_window_rule_init(&rule, 50, 60000);
    tried = 0;

    for (k = 0; k < ROUNDS; k++) {
        memset(bucket, 0, sizeof(bucket));

        for (i = 0; i < 20; i++) {
            sig[i] = random_hash();
        }

        /* up to half of the places, so that all six have one */

        for (i = OTHERS; i < OTHERS + k % 8; i++) {
            (void) window_add(&windows, sig[i], 0, &rule, START / 1000,
                              NULL, NULL);
        }

        known = k / 8 % 4;

        for (added = 0; added < known; /* void */ ) {
            add();
        }

        memcpy(before, bucket, sizeof(bucket));

        for (d = 0; d < sizeof(does) / sizeof(does[0]); d++) {

            for (at = 0; round_of_windows(does[d], at); at++) {
                tried++;
                added = known;
                memcpy(bucket, before, sizeof(bucket));
            }

            added = known;
            memcpy(bucket, before, sizeof(bucket));
        }
    }

    print_message("stopped at %u places\n", tried);
    assert_true(tried > ROUNDS * 10);
}


static int
group_setup(void **state)
{
    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);

    throttle = pguard_throttle_table(line, LINES);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_throttle),
        cmocka_unit_test(test_windows)
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
