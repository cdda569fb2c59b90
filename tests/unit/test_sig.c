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
    pguard_field_t  f = { { len, data }, field };

    return pguard_sig_fields(with, xxh, &f, 1);
}


/* What the header promises, without a buffer: number, length, bytes. */

static pguard_hash_t
expected(uint32_t field, const void *data, uint64_t len)
{
    uint32_t       prefix = (uint32_t) len << 8 | field;
    XXH128_hash_t  h;
    unsigned char  all[4 + MANY];

    memcpy(all, &prefix, 4);
    memcpy(all + 4, data, len);

    h = XXH3_128bits_withSecret(all, 4 + len, key.xxh, sizeof(key.xxh));

    return (pguard_hash_t) { h.low64, h.high64 };
}


static void
test_every_length(void **state)
{
    size_t  len;

    (void) state;

    for (len = 0; len <= 2 * PGUARD_SIG_BUFFER + 64; len++) {
        assert_true(same(sign(&key, PGUARD_FIELD_SERVER, bytes, len),
                         expected(PGUARD_FIELD_SERVER, bytes, len)));
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


/* Cuts the same len bytes into n fields of one number, at random. */

static pguard_hash_t
sign_split(size_t len, size_t n, size_t *cut)
{
    size_t          i, from;
    pguard_field_t  field[6];

    from = 0;

    for (i = 0; i < n; i++) {
        cut[i] = i + 1 == n
                 ? len : from + (size_t) lrand48() % (len - from + 1);
        field[i].number = PGUARD_FIELD_HEADER;
        field[i].value = (pguard_str_t) { cut[i] - from, bytes + from };
        from = cut[i];
    }

    return pguard_sig_fields(&key, xxh, field, n);
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


/* Three bytes of length, and eight more where they do not do. */

static void
test_long_lengths(void **state)
{
    uint32_t        prefix;
    uint64_t        len;
    XXH128_hash_t   h;
    pguard_hash_t   got;
    unsigned char  *all;

    (void) state;

    all = calloc(1, 12 + 0x1000000);
    assert_non_null(all);

    for (len = 0xfffffe; len <= 0x1000000; len++) {
        got = sign(&key, PGUARD_FIELD_SERVER, all + 12, len);

        if (len < 0xffffff) {
            prefix = (uint32_t) len << 8 | PGUARD_FIELD_SERVER;
            memcpy(all + 8, &prefix, 4);
            h = XXH3_128bits_withSecret(all + 8, 4 + len, key.xxh,
                                        sizeof(key.xxh));
        } else {
            prefix = 0xffffffU << 8 | PGUARD_FIELD_SERVER;
            memcpy(all, &prefix, 4);
            memcpy(all + 4, &len, 8);
            h = XXH3_128bits_withSecret(all, 12 + len, key.xxh,
                                        sizeof(key.xxh));
        }

        assert_true(same(got, (pguard_hash_t) { h.low64, h.high64 }));
    }

    free(all);
}


/* A value that holds what the prefix of a next field would be. */

static void
test_forged_prefix(void **state)
{
    uint32_t              prefix = 1 << 8 | PGUARD_FIELD_SERVER;
    unsigned char         forged[1 + 4 + 1] = "a";
    const pguard_field_t  two[] = {
        { pguard_string("a"), PGUARD_FIELD_HOST },
        { pguard_string("b"), PGUARD_FIELD_SERVER }
    };

    (void) state;

    memcpy(forged + 1, &prefix, 4);
    forged[5] = 'b';

    assert_false(same(pguard_sig_fields(&key, xxh, two, 2),
                      sign(&key, PGUARD_FIELD_HOST, forged, sizeof(forged))));
}


static void
test_empty_field_counts(void **state)
{
    (void) state;

    assert_false(same(pguard_sig_fields(&key, xxh, NULL, 0),
                      sign(&key, PGUARD_FIELD_BODY, NULL, 0)));
}


static void
test_order_counts(void **state)
{
    pguard_field_t  one[] = {
        { { 3, bytes }, PGUARD_FIELD_HEADER },
        { { 3, bytes + 3 }, PGUARD_FIELD_HEADER }
    };
    pguard_field_t  other[] = { one[1], one[0] };

    (void) state;

    assert_false(same(pguard_sig_fields(&key, xxh, one, 2),
                      pguard_sig_fields(&key, xxh, other, 2)));
}


static void
test_every_field_number(void **state)
{
    uint32_t       f, g;
    pguard_hash_t  seen[256];

    (void) state;

    for (f = 0; f < 256; f++) {
        seen[f] = sign(&key, f, "value", 5);

        for (g = 0; g < f; g++) {
            assert_false(same(seen[f], seen[g]));
        }
    }
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


/* Method, a space, target: wherever they lie. */

static void
test_line(void **state)
{
    size_t         i, len, method_len;
    pguard_str_t   method, target;
    unsigned char  line[2 * MANY], apart[MANY];
    XXH128_hash_t  h;
    pguard_hash_t  one, other;

    (void) state;

    for (i = 0; i < 4000; i++) {
        len = i < 1200 ? i : (size_t) lrand48() % MANY;
        method_len = 1 + i % 20;

        memset(line, 'A', method_len);
        line[method_len] = ' ';
        memcpy(line + method_len + 1, bytes, len);
        memcpy(apart, bytes, len);

        method = (pguard_str_t) { method_len, line };
        target = (pguard_str_t) { len, line + method_len + 1 };

        one = pguard_sig_line(&key, xxh, method, target);

        target.data = apart;
        other = pguard_sig_line(&key, xxh, method, target);

        h = XXH3_128bits_withSecret(line, method_len + 1 + len, key.xxh,
                                    sizeof(key.xxh));

        assert_true(same(one, (pguard_hash_t) { h.low64, h.high64 }));
        assert_true(same(one, other));

        /* next to each other, but not with a space between */

        line[method_len] = (unsigned char) (i % 2 ? '\0' : '\t');
        target.data = line + method_len + 1;

        assert_true(same(pguard_sig_line(&key, xxh, method, target), one));
    }
}


/* Equal ones do not cancel, the order counts, and so does each bit. */

static void
test_after(void **state)
{
    unsigned       i, bit;
    pguard_hash_t  a, b, c, sum, other;

    (void) state;

    a = sign(&key, PGUARD_FIELD_HOST, "a", 1);
    b = sign(&key, PGUARD_FIELD_HOST, "b", 1);
    c = sign(&key, PGUARD_FIELD_HOST, "c", 1);

    assert_false(same(pguard_sig_after(a, a), pguard_sig_after(b, b)));
    assert_false(same(pguard_sig_after(a, b), pguard_sig_after(b, a)));

    sum = pguard_sig_after(pguard_sig_after(pguard_sig_after(a, b), c), a);
    other = pguard_sig_after(pguard_sig_after(pguard_sig_after(c, b), a), c);
    assert_false(same(sum, other));

    other = pguard_sig_after(pguard_sig_after(pguard_sig_after(b, b), c), b);
    assert_false(same(sum, other));

    sum = pguard_sig_after(a, b);

    for (i = 0; i < 4; i++) {
        for (bit = 0; bit < 64; bit++) {
            pguard_hash_t  x = a, y = b;

            *(i == 0 ? &x.lo : i == 1 ? &x.hi : i == 2 ? &y.lo : &y.hi)
                ^= 1ULL << bit;

            assert_false(same(pguard_sig_after(x, y), sum));
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_state_is_reused),
        cmocka_unit_test(test_splits_differ),
        cmocka_unit_test(test_long_lengths),
        cmocka_unit_test(test_forged_prefix),
        cmocka_unit_test(test_empty_field_counts),
        cmocka_unit_test(test_order_counts),
        cmocka_unit_test(test_every_field_number),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_keyed),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_after)
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
