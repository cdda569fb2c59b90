/*
 * The layout of the shared memory, names and counters.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_zone.h"
#include "tables.h"


#define PARTS  15
#define KB     1024UL

#define number_of(a)  (sizeof(a) / sizeof((a)[0]))


/* About every size at which the layout changes, and odd ones. */

static const size_t  sizes[] = { 128 * KB, 128 * KB + 1, 131 * KB + 63,
                                 1024 * KB - 1, 1024 * KB, 1024 * KB + 64,
                                 3000 * KB + 7, 8192 * KB - 1, 8192 * KB,
                                 32768 * KB };


/* Exactly size bytes, so that AddressSanitizer sees what lies beyond. */

static unsigned char *
fresh(size_t size)
{
    void  *memory;

    assert_int_equal(posix_memalign(&memory, 64, size), 0);
    memset(memory, 0, size);

    return memory;
}


static unsigned char *
zone_for(unsigned use, pguard_zone_t *zone, size_t size)
{
    unsigned char  *memory = fresh(size);

    assert_int_equal(pguard_zone_create(memory, size, use), 0);
    assert_int_equal(pguard_zone_open(zone, memory, size), 0);

    return memory;
}


static unsigned char *
zone_of(pguard_zone_t *zone, size_t size)
{
    return zone_for(PGUARD_USE_BOTH, zone, size);
}


static pguard_str_t
str(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


typedef struct {
    unsigned char  *at;
    size_t          len;
} part_t;


static void
parts_of(const pguard_zone_t *z, part_t *part)
{
    size_t  len;

    part[0].at = pguard_zone_secret(z, &len);
    part[0].len = len;
    part[1].at = (unsigned char *) z->blocks.until_max;
    part[1].len = (PGUARD_BLOCK_KINDS + 1) * sizeof(uint64_t);
    part[2].at = (unsigned char *) z->bursts.others;
    part[2].len = sizeof(uint64_t);
    part[3].at = z->counters;
    part[3].len = z->stripes * z->stripe;
    part[4].at = (unsigned char *) z->bursts.burst;
    part[4].len = z->bursts.capacity * sizeof(pguard_burst_t);
    part[5].at = (unsigned char *) z->blocks.tag;
    part[5].len = z->blocks.capacity * sizeof(uint64_t);
    part[6].at = (unsigned char *) z->blocks.block;
    part[6].len = z->blocks.capacity * sizeof(pguard_block_t);
    part[7].at = (unsigned char *) z->windows.bucket;
    part[7].len = z->windows.buckets * sizeof(pguard_window_bucket_t);
    part[8].at = (unsigned char *) z->throttle.line;
    part[8].len = z->throttle.lines * sizeof(pguard_throttle_line_t);
    part[9].at = (unsigned char *) z->history;
    part[9].len = PGUARD_MOMENTS * sizeof(pguard_moment_t);
    part[10].at = (unsigned char *) z->peaks;
    part[10].len = PGUARD_RULES_MAX * sizeof(pguard_peak_t);
    part[11].at = (unsigned char *) z->top.head;
    part[11].len = PGUARD_TOP_PERIODS * z->top.places * sizeof(pguard_pair_t);
    part[12].at = (unsigned char *) z->top.entry;
    part[12].len = PGUARD_TOP_PERIODS * z->top.places
                   * sizeof(pguard_top_entry_t);
    part[13].at = (unsigned char *) z->top.total;
    part[13].len = PGUARD_TOP_PERIODS * sizeof(uint64_t);
    part[14].at = (unsigned char *) z->blocks.until_away;
    part[14].len = sizeof(uint64_t);
}


static void
assert_filled(const part_t *part)
{
    size_t    i;
    unsigned  k;

    for (k = 0; k < PARTS; k++) {
        for (i = 0; i < part[k].len; i++) {
            if (part[k].at[i] != 0xa0 + k) {
                fail_msg("part %u is overwritten at %zu", k, i);
            }
        }
    }
}


static void
fill_names(const pguard_zone_t *zone)
{
    int   i, services;
    char  name[PGUARD_NAME_MAX + 1];

    services = (int) zone->services;

    for (i = 1; i < services; i++) {
        (void) snprintf(name, sizeof(name), "%063d", i);
        assert_int_equal(pguard_zone_name_add(zone, PGUARD_NAME_SERVICE,
                                              str(name)), i);
    }

    for (i = 0; i < PGUARD_RULES_MAX; i++) {
        (void) snprintf(name, sizeof(name), "%063d", i);
        assert_int_equal(pguard_zone_name_add(zone, PGUARD_NAME_RULE,
                                              str(name)), i);
    }

    assert_int_equal(pguard_zone_name_add(zone, PGUARD_NAME_SERVICE,
                                          str("one more")), 0);
    assert_int_equal(pguard_zone_name_add(zone, PGUARD_NAME_RULE,
                                          str("one more")), -1);
    assert_int_equal(pguard_zone_names(zone, PGUARD_NAME_SERVICE), services);
    assert_int_equal(pguard_zone_names(zone, PGUARD_NAME_RULE),
                     PGUARD_RULES_MAX);
}


/* Each part is filled with bytes of its own; all keep theirs, and so does the
   header. */

static void
assert_no_overlap(unsigned use, size_t size)
{
    unsigned        k;
    part_t          part[PARTS];
    pguard_zone_t   zone;
    unsigned char  *memory = zone_for(use, &zone, size);

    parts_of(&zone, part);

    for (k = 0; k < PARTS; k++) {
        assert_true(part[k].len > 0);
        assert_true(part[k].at > memory);
        assert_true(part[k].at + part[k].len <= memory + size);
        memset(part[k].at, 0xa0 + (int) k, part[k].len);
    }

    fill_names(&zone);
    assert_filled(part);

    assert_int_equal(pguard_zone_open(&zone, memory, size), 0);
    free(memory);
}


static void
test_no_overlap(void **state)
{
    size_t    i;
    unsigned  use;

    (void) state;

    for (i = 0; i < number_of(sizes); i++) {
        for (use = PGUARD_USE_SIGNATURES; use < PGUARD_USES; use++) {
            assert_no_overlap(use, sizes[i]);
        }
    }
}


static void
test_alignment(void **state)
{
    size_t          i;
    unsigned char  *memory;
    pguard_zone_t   z;

    (void) state;

    for (i = 0; i < number_of(sizes); i++) {
        memory = zone_of(&z, sizes[i]);

        assert_int_equal((uintptr_t) z.throttle.line % 64, 0);
        assert_int_equal((uintptr_t) z.windows.bucket % 64, 0);
        assert_int_equal((uintptr_t) z.blocks.block % 64, 0);
        assert_int_equal((uintptr_t) z.blocks.tag % 64, 0);
        assert_int_equal((uintptr_t) z.counters % 64, 0);
        assert_int_equal((uintptr_t) z.peaks % 64, 0);
        assert_int_equal((uintptr_t) z.top.head % 64, 0);
        assert_int_equal((uintptr_t) z.top.entry % 16, 0);
        assert_int_equal((uintptr_t) z.history % 64, 0);
        assert_int_equal(z.stripe % 64, 0);
        assert_int_equal(z.blocks.capacity % PGUARD_BLOCK_WAYS, 0);

        free(memory);
    }
}


/* Most of the memory is used, and a small zone is still good for something, as
   is what a zone is not used for. */

static void
assert_shares(unsigned use, size_t size)
{
    size_t          k, used;
    part_t          part[PARTS];
    pguard_zone_t   z;
    unsigned char  *memory = zone_for(use, &z, size);

    parts_of(&z, part);

    for (k = 0, used = 0; k < PARTS; k++) {
        used += part[k].len;
    }

    assert_true(used > size * 3 / 4);
    assert_true(pguard_zone_capacity(&z, PGUARD_ENTRY_SIGNATURE)
                >= (use & PGUARD_USE_SIGNATURES ? 1000 : 500));
    assert_true(pguard_zone_capacity(&z, PGUARD_ENTRY_WINDOW)
                >= (use & PGUARD_USE_WINDOWS ? 300 : 100));
    assert_true(z.blocks.capacity >= 32);
    assert_true(z.bursts.capacity >= 64);
    assert_true(z.services >= 32);

    free(memory);
}


static void
test_shares(void **state)
{
    size_t    i;
    unsigned  use;

    (void) state;

    for (i = 0; i < number_of(sizes); i++) {
        for (use = PGUARD_USE_SIGNATURES; use < PGUARD_USES; use++) {
            assert_shares(use, sizes[i]);
        }
    }
}


/* Bytes of the part that a kind's entries have. */

static size_t
part_of(const pguard_zone_t *z, unsigned kind)
{
    return kind == PGUARD_ENTRY_SIGNATURE
           ? z->throttle.lines * sizeof(pguard_throttle_line_t)
           : z->windows.buckets * sizeof(pguard_window_bucket_t);
}


/* What a zone is used for alone has more than if it were used for both: nine
   tenths of a large one, but for what there is in any.  The other has less. */

static void
assert_alone(unsigned kind, size_t size)
{
    unsigned        other = PGUARD_ENTRY_WINDOW - kind;
    pguard_zone_t   alone, both;
    unsigned char  *one = zone_for(1U << kind, &alone, size),
                   *two = zone_of(&both, size);

    assert_true(part_of(&alone, kind) > part_of(&both, kind) * 11 / 10);
    assert_true(part_of(&alone, other) < part_of(&both, other));

    if (size >= 1024 * KB) {
        assert_true(part_of(&alone, kind) > (size - 420 * KB) * 9 / 10);
        assert_true(part_of(&alone, other) > size / 128);
    }

    free(one);
    free(two);
}


static void
test_uses(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < number_of(sizes); i++) {
        assert_alone(PGUARD_ENTRY_SIGNATURE, sizes[i]);
        assert_alone(PGUARD_ENTRY_WINDOW, sizes[i]);
    }
}


static void
test_too_small(void **state)
{
    size_t          size;
    unsigned char  *memory;

    (void) state;

    for (size = 64; size <= 64 * KB; size = size * 3 / 2) {
        memory = fresh(size);
        assert_int_equal(pguard_zone_create(memory, size,
                                            PGUARD_USE_BOTH), -1);
        free(memory);
    }

    /* what nginx itself may take of the smallest zone is left out */

    memory = fresh(PGUARD_ZONE_MIN - 16 * KB);
    assert_int_equal(pguard_zone_create(memory, PGUARD_ZONE_MIN - 16 * KB,
                                        PGUARD_USE_BOTH), 0);
    free(memory);
}


static void
test_round_trip(void **state)
{
    pguard_hash_t   key = { 1 << 8, 1 };
    pguard_zone_t   one, two;
    unsigned char  *memory = zone_of(&one, 256 * KB);

    (void) state;

    assert_int_equal(pguard_zone_name_add(&one, PGUARD_NAME_RULE,
                                          str("login")), 0);
    assert_int_equal(throttle_ask(&one.throttle, key, 1000,
                                  1000).admitted, 1);

    assert_int_equal(pguard_zone_open(&two, memory, 256 * KB), 0);
    assert_memory_equal(&one, &two, sizeof(one));
    assert_int_equal(pguard_zone_name_find(&two, PGUARD_NAME_RULE,
                                           str("login")), 0);
    assert_int_equal(throttle_ask(&two.throttle, key, 1000,
                                  1000).admitted, 0);

    free(memory);
}


/* The zone moves: nothing in it is an address. */

static void
test_found_at_another_address(void **state)
{
    pguard_zone_t   one, two;
    unsigned char  *memory = zone_of(&one, 256 * KB), *copy = fresh(256 * KB);

    (void) state;

    (void) pguard_zone_name_add(&one, PGUARD_NAME_SERVICE, str("console"));
    memcpy(copy, memory, 256 * KB);
    free(memory);

    assert_int_equal(pguard_zone_open(&two, copy, 256 * KB), 0);
    assert_int_equal(pguard_zone_name_find(&two, PGUARD_NAME_SERVICE,
                                           str("console")), 1);
    free(copy);
}


static void
test_other_layout(void **state)
{
    pguard_zone_t   zone;
    unsigned char  *memory = zone_of(&zone, 256 * KB);

    (void) state;

    assert_int_equal(pguard_zone_open(&zone, memory, 256 * KB - 64), -1);
    assert_int_equal(pguard_zone_open(&zone, memory, 256 * KB + 64), -1);

    memory[8]++;
    assert_int_equal(pguard_zone_open(&zone, memory, 256 * KB), -1);
    memory[8]--;
    assert_int_equal(pguard_zone_open(&zone, memory, 256 * KB), 0);

    memory[0]++;
    assert_int_equal(pguard_zone_open(&zone, memory, 256 * KB), -1);

    memset(memory, 0, 256 * KB);
    assert_int_equal(pguard_zone_open(&zone, memory, 256 * KB), -1);

    free(memory);
}


static void
test_names(void **state)
{
    char            name[PGUARD_NAME_MAX + 2];
    pguard_str_t    longest;
    pguard_zone_t   z;
    unsigned char  *memory = zone_of(&z, 256 * KB);

    (void) state;

    assert_int_equal(pguard_zone_names(&z, PGUARD_NAME_SERVICE), 1);
    assert_int_equal(pguard_zone_names(&z, PGUARD_NAME_RULE), 0);
    assert_int_equal(pguard_zone_name_find(&z, PGUARD_NAME_SERVICE,
                                           str("other")), 0);

    assert_int_equal(pguard_zone_name_add(&z, PGUARD_NAME_SERVICE,
                                          str("console")), 1);
    assert_int_equal(pguard_zone_name_add(&z, PGUARD_NAME_SERVICE,
                                          str("consol")), 2);
    assert_int_equal(pguard_zone_name_add(&z, PGUARD_NAME_SERVICE,
                                          str("console")), 1);
    assert_int_equal(pguard_zone_name_find(&z, PGUARD_NAME_SERVICE,
                                           str("consol")), 2);
    assert_int_equal(pguard_zone_name_find(&z, PGUARD_NAME_RULE,
                                           str("console")), -1);
    assert_int_equal(pguard_zone_name_find(&z, PGUARD_NAME_SERVICE,
                                           str("conso")), -1);

    memset(name, 'n', sizeof(name));
    longest = (pguard_str_t) { PGUARD_NAME_MAX, (unsigned char *) name };
    assert_int_equal(pguard_zone_name_add(&z, PGUARD_NAME_RULE, longest), 0);
    assert_int_equal(pguard_zone_name(&z, PGUARD_NAME_RULE, 0).len,
                     PGUARD_NAME_MAX);

    longest.len++;
    assert_int_equal(pguard_zone_name_add(&z, PGUARD_NAME_RULE, longest), -1);
    assert_int_equal(pguard_zone_name_add(&z, PGUARD_NAME_SERVICE, longest),
                     0);
    assert_int_equal(pguard_zone_names(&z, PGUARD_NAME_RULE), 1);

    assert_memory_equal(pguard_zone_name(&z, PGUARD_NAME_SERVICE, 1).data,
                        "console", 7);
    assert_int_equal(pguard_zone_name(&z, PGUARD_NAME_SERVICE, 3).len, 0);
    assert_int_equal(pguard_zone_name(&z, PGUARD_NAME_RULE, UINT32_MAX).len,
                     0);

    free(memory);
}


/* Those of names alone: nothing is counted under a service that has none. */

static void
assert_requests(const pguard_zone_t *z)
{
    uint64_t  total[PGUARD_VERDICTS];

    assert_int_equal(pguard_zone_name_add(z, PGUARD_NAME_SERVICE,
                                          str("console")), 1);
    (void) pguard_add(&pguard_zone_counters(z, 3)->service[0].requests[1], 5);
    (void) pguard_add(&pguard_zone_counters(z, 1)->service[1].requests[1], 7);
    (void) pguard_add(&pguard_zone_counters(z, 0)->service[1].requests[4], 1);

    pguard_zone_requests(z, total);

    assert_int_equal(total[0], 0);
    assert_int_equal(total[1], 12);
    assert_int_equal(total[4], 1);
}


static void
test_counters(void **state)
{
    size_t              i;
    unsigned            w;
    uint64_t           *last, expected;
    unsigned char      *memory;
    pguard_zone_t       z;
    pguard_counters_t  *c;

    (void) state;

    for (i = 0; i < number_of(sizes); i++) {
        memory = zone_of(&z, sizes[i]);

        for (w = 0, expected = 0; w < 40; w++) {
            c = pguard_zone_counters(&z, w);
            (void) pguard_add(&c->exhausted, w + 1);
            last = &c->service[z.services - 1].refusals[PGUARD_REASONS - 1];
            (void) pguard_add(last, 2 * (w + 1));
            expected += w + 1;
        }

        c = pguard_zone_counters(&z, 0);
        last = &c->service[z.services - 1].refusals[PGUARD_REASONS - 1];

        assert_int_equal(pguard_zone_sum(&z, &c->exhausted), expected);
        assert_int_equal(pguard_zone_sum(&z, last), 2 * expected);
        assert_int_equal(pguard_zone_sum(&z, &c->blocks_operator), 0);
        assert_requests(&z);

        /* neighbours have stripes of their own, where there are any */

        assert_true(z.stripes == 1 || pguard_zone_counters(&z, 1) != c);
        assert_ptr_equal(pguard_zone_counters(&z, z.stripes), c);

        free(memory);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_no_overlap),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_uses),
        cmocka_unit_test(test_too_small),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_found_at_another_address),
        cmocka_unit_test(test_other_layout),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_counters)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
