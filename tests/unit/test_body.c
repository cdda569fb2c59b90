/*
 * The digest of a body: the same however its bytes are cut, another one for
 * any other byte, wherever it is.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xxhash.h>

#include "pguard_body.h"


#define SEED  20260301
#define MANY  (1024 * 1024)


static pguard_key_t    key;
static unsigned char  *bytes;


static int
group_setup(void **state)
{
    size_t  i;

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);

    bytes = malloc(MANY);

    for (i = 0; bytes && i < MANY; i++) {
        bytes[i] = (unsigned char) lrand48();
    }

    return bytes ? pguard_key_init(&key, "a secret of 24 bytes ...", 24) : -1;
}


static int
group_teardown(void **state)
{
    (void) state;

    free(bytes);

    return 0;
}


static int
same(pguard_digest_t a, pguard_digest_t b)
{
    return a.len == b.len && a.hash.lo == b.hash.lo && a.hash.hi == b.hash.hi;
}


/* In pieces of random length, at most longest. */

static pguard_digest_t
digest(const pguard_key_t *with, size_t len, size_t longest)
{
    size_t         done, n;
    pguard_body_t  body;

    assert_int_equal(pguard_body_start(&body, with), 0);

    for (done = 0; done < len; done += n) {
        n = (size_t) lrand48() % longest + 1;
        n = n < len - done ? n : len - done;

        pguard_body_add(&body, bytes + done, n);
    }

    return pguard_body_end(&body);
}


/* What the header promises, by the one function of the library that knows
   neither pieces nor vectors to choose from. */

static pguard_digest_t
expected(size_t len)
{
    XXH128_hash_t    h;
    pguard_digest_t  d;

    h = XXH3_128bits_withSecret(bytes, len, key.xxh, sizeof(key.xxh));

    d.hash.lo = h.low64;
    d.hash.hi = h.high64;
    d.len = len;

    return d;
}


static void
test_any_cut(void **state)
{
    size_t  i, j;

    static const size_t  lens[] = {
        0, 1, 16, 17, 240, 241, 255, 256, 257, 1024, 4095, 4096, 65537,
        MANY - 1, MANY
    };
    static const size_t  longest[] = { 1, 7, 64, 255, 256, 4096, 16384, MANY };

    (void) state;

    for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        assert_true(same(pguard_body_whole(&key, bytes, lens[i]),
                         expected(lens[i])));

        for (j = 0; j < sizeof(longest) / sizeof(longest[0]); j++) {
            assert_true(same(digest(&key, lens[i], longest[j]),
                             expected(lens[i])));
        }
    }
}


static void
test_each_byte(void **state)
{
    size_t           i, at;
    pguard_digest_t  was, other;

    (void) state;

    was = digest(&key, MANY, 16384);

    for (i = 0; i < 64; i++) {
        at = i == 0 ? 0 : i == 1 ? MANY - 1 : (size_t) lrand48() % MANY;

        bytes[at] ^= 1;
        other = digest(&key, MANY, 16384);
        bytes[at] ^= 1;

        assert_false(same(was, other));
    }

    assert_true(same(was, digest(&key, MANY, 16384)));
}


/* A byte more, were it a zero, is another body. */

static void
test_length(void **state)
{
    unsigned char  last = bytes[4096];

    (void) state;

    bytes[4096] = 0;

    assert_false(same(digest(&key, 4096, 1000), digest(&key, 4097, 1000)));

    bytes[4096] = last;
}


static void
test_key(void **state)
{
    pguard_key_t  other;

    (void) state;

    assert_int_equal(pguard_key_init(&other, "a secret of 24 bytes ..?", 24),
                     0);
    assert_false(same(digest(&key, 5000, 1000), digest(&other, 5000, 1000)));
    assert_false(same(digest(&key, 0, 1000), digest(&other, 0, 1000)));
}


/* The memory sanitizers look at this one. */

static void
test_drop(void **state)
{
    pguard_body_t  body;

    (void) state;

    assert_int_equal(pguard_body_start(&body, &key), 0);
    pguard_body_add(&body, bytes, 5000);
    pguard_body_drop(&body);

    assert_null(body.state);

    pguard_body_drop(&body);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_any_cut),
        cmocka_unit_test(test_each_byte),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_drop),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
