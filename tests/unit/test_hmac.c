/*
 * Ids by a key that is put in once are those that are made one by one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_hmac.h"


#define SEED  2104
#define MANY  300


static void
make(pguard_key_t *key, const char *secret)
{
    assert_int_equal(pguard_key_init(key, secret, strlen(secret)), 0);
}


static void
test_same(void **state)
{
    size_t         i, len;
    pguard_id_t    id, want;
    pguard_str_t   s;
    pguard_key_t   key;
    pguard_hmac_t  hmac;
    unsigned char  bytes[MANY];

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);

    for (i = 0; i < MANY; i++) {
        bytes[i] = (unsigned char) lrand48();
    }

    make(&key, "a secret of 24 bytes ...");
    assert_int_equal(pguard_hmac_init(&hmac, &key), 0);

    /* each length, in an order that leaves longer ones before shorter */

    for (len = MANY; len-- > 0; /* void */ ) {
        s.data = bytes;
        s.len = len;

        assert_int_equal(pguard_key_id(&key, s, &want), 0);
        assert_int_equal(pguard_hmac_id(&hmac, s, &id), 0);
        assert_memory_equal(&id, &want, sizeof(id));
    }

    pguard_hmac_free(&hmac);
    assert_null(hmac.inner);
    pguard_hmac_free(&hmac);
}


static void
test_keys(void **state)
{
    pguard_id_t    a, b;
    pguard_key_t   key, other;
    pguard_hmac_t  one, two;

    static const pguard_str_t  s = pguard_string("203.0.113.7");

    (void) state;

    make(&key, "a secret of 24 bytes ...");
    make(&other, "a secret of 24 bytes ..?");

    assert_int_equal(pguard_hmac_init(&one, &key), 0);
    assert_int_equal(pguard_hmac_init(&two, &other), 0);

    assert_int_equal(pguard_hmac_id(&one, s, &a), 0);
    assert_int_equal(pguard_hmac_id(&two, s, &b), 0);
    assert_memory_not_equal(&a, &b, sizeof(a));

    pguard_hmac_free(&one);
    pguard_hmac_free(&two);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
