/*
 * The signature: the same bytes however they come, other bytes for anything
 * else.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_sig.h"


#define SEED  20250121
#define MANY  4096


static pguard_key_t    key;
static XXH3_state_t   *xxh;
static unsigned char   bytes[MANY];


static int
group_setup(void **state)
{
    unsigned  i;

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);

    for (i = 0; i < MANY; i++) {
        bytes[i] = (unsigned char) lrand48();
    }

    xxh = XXH3_createState();

    return xxh ? pguard_key_init(&key, "a secret of 24 bytes ...", 24) : -1;
}


static int
group_teardown(void **state)
{
    (void) state;

    return XXH3_freeState(xxh) == XXH_OK ? 0 : -1;
}


static int
same(pguard_hash_t a, pguard_hash_t b)
{
    return a.lo == b.lo && a.hi == b.hi;
}


static pguard_hash_t
sign(const pguard_key_t *with, uint32_t field, const void *data, size_t len)
{
    pguard_sig_t  sig;

    pguard_sig_init(&sig, with, xxh);
    pguard_sig_field(&sig, field, (pguard_str_t) { len, data });

    return pguard_sig_final(&sig);
}


/* What the header promises, without a buffer: number, length, bytes. */

static pguard_hash_t
expected(uint32_t field, const void *data, uint64_t len)
{
    uint64_t       prefix = len << 8 | field;
    XXH128_hash_t  h;
    unsigned char  all[8 + MANY];

    memcpy(all, &prefix, 8);
    memcpy(all + 8, data, len);

    h = XXH3_128bits_withSecret(all, 8 + len, key.xxh, sizeof(key.xxh));

    return (pguard_hash_t) { h.low64, h.high64 };
}


static void
test_every_length(void **state)
{
    size_t  len;

    (void) state;

    for (len = 0; len <= 2 * PGUARD_SIG_BUFFER + 64; len++) {
        assert_true(same(sign(&key, PGUARD_FIELD_TARGET, bytes, len),
                         expected(PGUARD_FIELD_TARGET, bytes, len)));
    }
}


/* An earlier, longer signature leaves nothing in the state. */

static void
test_state_is_reused(void **state)
{
    pguard_hash_t  first, again;

    (void) state;

    first = sign(&key, PGUARD_FIELD_BODY, bytes, MANY);
    (void) sign(&key, PGUARD_FIELD_BODY, bytes, MANY - 1);
    again = sign(&key, PGUARD_FIELD_BODY, bytes, MANY);

    assert_true(same(first, again));
}


static pguard_hash_t
sign_chunked(size_t len, size_t most)
{
    size_t        n, done;
    pguard_sig_t  sig;

    pguard_sig_init(&sig, &key, xxh);
    pguard_sig_field(&sig, PGUARD_FIELD_METHOD,
                     (pguard_str_t) pguard_string("POST"));
    pguard_sig_field_start(&sig, PGUARD_FIELD_BODY, len);

    for (done = 0; done < len; done += n) {
        n = (size_t) lrand48() % (most + 1);
        n = n < len - done ? n : len - done;
        pguard_sig_bytes(&sig, bytes + done, n);
    }

    return pguard_sig_final(&sig);
}


static void
test_any_chunking(void **state)
{
    size_t         len;
    unsigned       i;
    pguard_hash_t  whole;

    (void) state;

    for (len = 0; len <= MANY; len += 1 + (size_t) lrand48() % 97) {

        whole = sign_chunked(len, 1);

        for (i = 0; i < 20; i++) {
            assert_true(same(sign_chunked(len, 1 + (size_t) lrand48() % 1500),
                             whole));
        }
    }
}


/* Cuts the same len bytes into n fields of one number, at random. */

static pguard_hash_t
sign_split(size_t len, size_t n, size_t *cut)
{
    size_t        i, from;
    pguard_sig_t  sig;

    pguard_sig_init(&sig, &key, xxh);
    from = 0;

    for (i = 0; i < n; i++) {
        cut[i] = i + 1 == n
                 ? len : from + (size_t) lrand48() % (len - from + 1);
        pguard_sig_field(&sig, PGUARD_FIELD_HEADER,
                         (pguard_str_t) { cut[i] - from, bytes + from });
        from = cut[i];
    }

    return pguard_sig_final(&sig);
}


static void
test_splits_differ(void **state)
{
    size_t         len, n, m, a[6], b[6];
    unsigned       i;
    pguard_hash_t  one, two;

    (void) state;

    for (i = 0; i < 100000; i++) {
        len = 1 + (size_t) lrand48() % (i % 8 ? 24 : 1400);
        n = 1 + (size_t) lrand48() % 6;
        m = 1 + (size_t) lrand48() % 6;

        one = sign_split(len, n, a);
        two = sign_split(len, m, b);

        assert_int_equal(same(one, two),
                         n == m && memcmp(a, b, n * sizeof(a[0])) == 0);
    }
}


/* A value that holds what the prefix of a next field would be. */

static void
test_forged_prefix(void **state)
{
    uint64_t       prefix = (uint64_t) 1 << 8 | PGUARD_FIELD_TARGET;
    pguard_sig_t   sig;
    unsigned char  forged[1 + 8 + 1] = "a";

    (void) state;

    memcpy(forged + 1, &prefix, 8);
    forged[9] = 'b';

    pguard_sig_init(&sig, &key, xxh);
    pguard_sig_field(&sig, PGUARD_FIELD_HOST,
                     (pguard_str_t) pguard_string("a"));
    pguard_sig_field(&sig, PGUARD_FIELD_TARGET,
                     (pguard_str_t) pguard_string("b"));

    assert_false(same(pguard_sig_final(&sig),
                      sign(&key, PGUARD_FIELD_HOST, forged, sizeof(forged))));
}


static void
test_empty_field_counts(void **state)
{
    pguard_sig_t  sig;

    (void) state;

    pguard_sig_init(&sig, &key, xxh);

    assert_false(same(pguard_sig_final(&sig),
                      sign(&key, PGUARD_FIELD_BODY, NULL, 0)));
}


static void
test_order_counts(void **state)
{
    pguard_sig_t   a, b;
    pguard_hash_t  one;

    (void) state;

    pguard_sig_init(&a, &key, xxh);
    pguard_sig_field(&a, PGUARD_FIELD_HEADER, (pguard_str_t) { 3, bytes });
    pguard_sig_field(&a, PGUARD_FIELD_HEADER, (pguard_str_t) { 3, bytes + 3 });
    one = pguard_sig_final(&a);

    pguard_sig_init(&b, &key, xxh);
    pguard_sig_field(&b, PGUARD_FIELD_HEADER, (pguard_str_t) { 3, bytes + 3 });
    pguard_sig_field(&b, PGUARD_FIELD_HEADER, (pguard_str_t) { 3, bytes });

    assert_false(same(one, pguard_sig_final(&b)));
}


static void
test_every_field_number(void **state)
{
    uint32_t       f, g;
    pguard_hash_t  seen[64];

    (void) state;

    for (f = 0; f < 64; f++) {
        seen[f] = sign(&key, f, "value", 5);

        for (g = 0; g < f; g++) {
            assert_false(same(seen[f], seen[g]));
        }
    }

    assert_false(same(seen[1], sign(&key, 0x01000001, "value", 5)));
}


static void
test_every_byte(void **state)
{
    size_t         i, len;
    pguard_hash_t  was;
    unsigned char  copy[1500];
    static size_t  lens[] = { 1, 16, 17, 128, 129, 240, 241, 1015, 1016, 1017,
                              1500 };
    unsigned       n;

    (void) state;

    for (n = 0; n < sizeof(lens) / sizeof(lens[0]); n++) {
        len = lens[n];
        memcpy(copy, bytes, len);
        was = sign(&key, PGUARD_FIELD_BODY, copy, len);

        for (i = 0; i < len; i++) {
            copy[i] ^= (unsigned char) (1 << i % 8);
            assert_false(same(sign(&key, PGUARD_FIELD_BODY, copy, len), was));
            copy[i] = bytes[i];
        }
    }
}


static void
test_keyed(void **state)
{
    size_t        len;
    pguard_key_t  other;

    (void) state;

    assert_int_equal(pguard_key_init(&other, "a secret of 24 bytes ..!", 24),
                     0);

    for (len = 0; len < MANY; len = len * 2 + 1) {
        assert_false(same(sign(&key, PGUARD_FIELD_BODY, bytes, len),
                          sign(&other, PGUARD_FIELD_BODY, bytes, len)));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_state_is_reused),
        cmocka_unit_test(test_any_chunking),
        cmocka_unit_test(test_splits_differ),
        cmocka_unit_test(test_forged_prefix),
        cmocka_unit_test(test_empty_field_counts),
        cmocka_unit_test(test_order_counts),
        cmocka_unit_test(test_every_field_number),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_keyed)
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
