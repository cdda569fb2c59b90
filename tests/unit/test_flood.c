/*
 * Floods: ten million clients and requests, no two alike, against the smallest
 * zone that a console would have.  A block holds, who is blocked stays so, and
 * nothing gets slower or larger.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <malloc.h>

#include "pguard_zone.h"
#include "tables.h"


#ifdef __SANITIZE_ADDRESS__
#define FLOOD   1000000
#else
#define FLOOD   10000000
#endif

#define SIZE     (1024 * 1024)
#define START    1000000000UL           /* us */
#define STEP     100                    /* us from one request to the next */
#define CHUNK    (FLOOD / 100)


static const pguard_hash_t  blocked = { 0x123456789abcdef0,
                                        0xfedcba9876543210 };

static pguard_zone_t   zone;
static unsigned char  *memory;
static size_t          heap;


static pguard_hash_t
mix(uint64_t n)
{
    pguard_hash_t  h;

    h.lo = (n + 1) * 0x9e3779b97f4a7c15;
    h.lo = (h.lo ^ h.lo >> 29) * 0xbf58476d1ce4e5b9;
    h.lo ^= h.lo >> 32;
    h.hi = (h.lo + 1) * 0x94d049bb133111eb;
    h.hi ^= h.hi >> 31;

    return h;
}


static double
cpu(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static pguard_block_t *
block(pguard_hash_t key, pguard_msec_t now, pguard_msec_t length)
{
    pguard_block_t  b;

    memset(&b, 0, sizeof(b));
    b.key = key;
    b.since = now;
    b.until = now + length;
    b.last = length;
    b.forget = length;
    b.step = 1;

    return pguard_block_put(&zone.blocks, &b, now, NULL);
}


static int
setup(void **state)
{
    (void) state;

    memory = aligned_alloc(64, SIZE);
    memset(memory, 0, SIZE);
    heap = mallinfo2().uordblks;

    return pguard_zone_create(memory, SIZE, PGUARD_USE_BOTH)
           || pguard_zone_open(&zone, memory, SIZE);
}


static int
teardown(void **state)
{
    (void) state;

    if (mallinfo2().uordblks != heap) {
        return -1;
    }

    free(memory);

    return 0;
}


/* What one request asks of the tables: is it blocked, identical, over the
   limit; each thousandth is, and gets a block.  1 if it has one. */

static int
request(uint64_t n, const pguard_window_rule_t *rule)
{
    pguard_hash_t  key = mix(n);
    pguard_usec_t  now = START + n * STEP;

    assert_null(pguard_block_find(&zone.blocks, PGUARD_BLOCK_HERE, key,
                                  now / 1000));
    (void) throttle_ask(&zone.throttle, mix(~n), now, 1000000);
    (void) window_add(&zone.windows, key, 0, rule, now / 1000, NULL,
                      NULL);

    return n % 1000 == 0 && block(key, now / 1000, 3600000);
}


static void
test_flood(void **state)
{
    double                 t, early, late;
    uint64_t               n, set, found;
    pguard_block_t        *b;
    pguard_window_rule_t   rule;

    (void) state;

    pguard_window_rule_init(&rule, 20, 10000);

    b = block(blocked, START / 1000, 86400000);
    assert_non_null(b);

    early = 1e9;
    late = 1e9;
    set = 1;
    found = 0;

    for (n = 0; n < FLOOD; /* void */ ) {
        t = cpu();

        do {
            set += request(n, &rule);

            if (n % 100 == 0) {
                assert_ptr_equal(pguard_block_find(&zone.blocks,
                                                   PGUARD_BLOCK_HERE, blocked,
                                                   (START + n * STEP) / 1000),
                                 b);
            }
        } while (++n % CHUNK);

        t = cpu() - t;

        if (n <= FLOOD / 10) {
            early = t < early ? t : early;

        } else if (n > FLOOD / 2) {
            late = t < late ? t : late;
        }
    }

    /* the best of each, as another process may hold up any; at first the
       tables were empty, hence the factor */

    if (late > 4 * early) {
        fail_msg("%d requests took %.3f s at first, %.3f s at last", CHUNK,
                 early, late);
    }

    /* as many blocks as there is place for, all still there */

    for (n = 0, t = 0; (b = pguard_block_next(&zone.blocks, &n,
                                              START / 1000)) != NULL; )
    {
        found++;
    }

    assert_int_equal(found, set);
    assert_in_range(set, zone.blocks.capacity * 9 / 10,
                    zone.blocks.capacity);
}


/* A block that found no place is told, and costs nobody else's. */

static void
test_full(void **state)
{
    uint64_t        n, refused;
    pguard_block_t  *b;

    (void) state;

    b = block(blocked, START / 1000, 86400000);
    assert_non_null(b);

    for (n = 0, refused = 0; n < FLOOD / 10; n++) {
        refused += block(mix(n), START / 1000, 3600000) == NULL;
    }

    assert_in_range(n - refused, zone.blocks.capacity * 9 / 10,
                    zone.blocks.capacity);
    assert_ptr_equal(pguard_block_find(&zone.blocks, PGUARD_BLOCK_HERE,
                                       blocked, START / 1000), b);

    /* once they have ended, there is place again */

    for (n = 0; n < zone.blocks.capacity / 4; n++) {
        assert_non_null(block(mix(FLOOD + n), START / 1000 + 2 * 3600000,
                              3600000));
    }

    assert_ptr_equal(pguard_block_find(&zone.blocks, PGUARD_BLOCK_HERE,
                                       blocked, START / 1000 + 86399999), b);
}


/* One source makes up keys, while others send a request each second: more than
   20 in the window.  Each of them is found out, as if they were alone. */

#define OTHERS  400

static void
test_share(void **state)
{
    uint64_t                n, i, second, evicted, alone[OTHERS];
    pguard_window_rule_t    rule;
    pguard_window_result_t  r;

    (void) state;

    pguard_window_rule_init(&rule, 20, 60000);

    memset(alone, 0, sizeof(alone));
    evicted = 0;

    for (n = 0, second = START / 1000; second < START / 1000 + 30000;
         second += 1000)
    {
        for (i = 0; i < OTHERS; i++) {
            r = window_add(&zone.windows, mix(~i), (uint16_t) (i + 1),
                           &rule, second, NULL, NULL);
            alone[i] += r.exceeded;
        }

        for (i = 0; i < FLOOD / 100; i++) {
            r = window_add(&zone.windows, mix(n++), 0, &rule, second,
                           NULL, NULL);
            evicted += r.evicted;
        }
    }

    assert_true(evicted > n / 2);

    for (i = 0; i < OTHERS; i++) {
        if (alone[i] == 0) {
            fail_msg("who sent 30 requests, with a limit of 20, was lost in "
                     "the flood");
        }
    }
}


/* And two who flood have no more than half of a bucket each. */

static void
test_halves(void **state)
{
    uint64_t              n, i, kept[2];
    pguard_window_rule_t  rule;

    (void) state;

    pguard_window_rule_init(&rule, 20, 60000);

    /* one has filled all of it before the other comes */

    for (n = 0; n < 100 * zone.windows.buckets; n++) {
        (void) window_add(&zone.windows, mix(n), 1, &rule,
                          START / 1000 + n / 1000, NULL, NULL);
    }

    for (i = 0; i < 30 * zone.windows.buckets; i++) {
        (void) window_add(&zone.windows, mix(~i), 2, &rule,
                          START / 1000 + n / 1000, NULL, NULL);
        (void) window_add(&zone.windows, mix(n + i), 1, &rule,
                          START / 1000 + n / 1000, NULL, NULL);
    }

    kept[0] = 0;
    kept[1] = 0;

    for (i = 0; i < 130 * zone.windows.buckets; i++) {
        kept[0] += pguard_window_peek(&zone.windows, mix(i), &rule,
                                      START / 1000 + n / 1000).count;
        kept[1] += pguard_window_peek(&zone.windows, mix(~i), &rule,
                                      START / 1000 + n / 1000).count;
    }

    assert_int_equal(kept[0] + kept[1],
                     zone.windows.buckets * PGUARD_WINDOW_WAYS);
    assert_in_range(kept[1], kept[0] * 2 / 3, kept[0] * 3 / 2);
}


/* One client sends as many different requests in an interval as fill half of
   the places for signatures.  Others' duplicates are found as if it were not
   there: one a second is admitted, of ten. */

static void
test_signatures(void **state)
{
    uint64_t                   n, i, places, admitted, evicted;
    pguard_usec_t              now;
    pguard_throttle_result_t   r;

    (void) state;

    places = pguard_zone_capacity(&zone, PGUARD_ENTRY_SIGNATURE);
    admitted = 0;
    evicted = 0;

    for (n = 0; n < FLOOD; n++) {
        now = START + n * 1000000 / (places / 2);
        evicted += throttle_ask(&zone.throttle, mix(n), now,
                                1000000).evicted;

        if (n % (places / 20) == 0) {

            for (i = 0; i < OTHERS; i++) {
                r = throttle_ask(&zone.throttle, mix(~i), now, 1000000);
                admitted += r.admitted;
                evicted += r.evicted;
            }
        }

        /* half of the places, and the others' */

        if (n % (FLOOD / 10) == 0) {
            assert_in_range(pguard_throttle_entries(&zone.throttle, now), 1,
                            places / 2 + OTHERS + 1);
        }
    }

    /* each tenth comes a second after the last admitted, or just before */

    n = FLOOD / (places / 20) + 1;

    assert_in_range(admitted, OTHERS * (n / 11), OTHERS * (n / 10 + 1));
    assert_int_equal(evicted, 0);
}


/* One address makes up credentials, and no two of its requests are alike.  A
   rule counts by credential, one by address, with a limit of 600: that is the
   bound of all it has in the zone, however long it goes on. */

#define LIMIT  600

static void
test_client(void **state)
{
    uint64_t                n, pos, blocks, now;
    pguard_hash_t           address = mix(1ULL << 60);
    pguard_window_rule_t    by_address, by_credential;
    pguard_window_result_t  r;

    (void) state;

    pguard_window_rule_init(&by_address, LIMIT, 60000);
    pguard_window_rule_init(&by_credential, 20, 60000);
    now = START / 1000;

    for (n = 0; n < FLOOD / 10; n++) {

        /* a hundred in a millisecond, in the order of a request's way */

        now = START / 1000 + n / 100;

        if (pguard_block_find(&zone.blocks, PGUARD_BLOCK_HERE, address, now)) {
            continue;
        }

        (void) throttle_ask(&zone.throttle, mix(n), now * 1000, 1000000);
        (void) window_add(&zone.windows, mix(~n), 7, &by_credential, now,
                          NULL, NULL);
        r = window_add(&zone.windows, address, 7, &by_address, now, NULL,
                       NULL);

        if (r.exceeded) {
            assert_non_null(block(address, now, 60000));
        }

        assert_in_range(pguard_throttle_entries(&zone.throttle, now * 1000), 1,
                        LIMIT * 12 / 11 + 1);
        assert_in_range(pguard_window_entries(&zone.windows, now), 1,
                        LIMIT * 12 / 11 + 2);
    }

    for (pos = 0, blocks = 0; pguard_block_next(&zone.blocks, &pos, now); ) {
        blocks++;
    }

    assert_int_equal(blocks, 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_share, setup, teardown),
        cmocka_unit_test_setup_teardown(test_halves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
