/*
 * Keys and ids against values computed elsewhere (Python's hmac), and hex.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xxhash.h>

#include "pguard_key.h"


#define SEED  20240313


/* The secret is the bytes 0 to 31; T(n) = HMAC(secret, T(n-1) label n). */

static const char  xxh_hex[] =
    "afb270230a6cedb185137a88a8aa0a84a049f4b795f1fd59195982be490dd602"
    "a810f67f94e26d9df59a9a5c32a8b81cf3c2e927391116823e35a52de9a773ab"
    "bdcf0d7e78c4ae62fe47d80aa3c6d9842529af12d4a260160f9a1d837cbaa440"
    "946c0f4e654d524c9409a8dcf7c1df0e579c1f3559a16b58ae46baa60974c583"
    "6adcc1c3022bb2e47d7b8d871bd8267900ad7a5339e3bacb968ba044cb1d2e14"
    "fed6d2bd0c95ad10ee671ef7a1c6973779e0c05961b3a841adef6cbb29ee8409";

static const char  hmac_hex[] =
    "410604800dd0b13a20dccc6a63f5bcae54a4b6e269b3d20754b14dcf32fcf74d";

static const char  audit_hex[] =
    "2e2ff580f884dce5a0b76845bcfd600cc674dba30281b95ce8e649d58ee58347";

static const char  mac_hex[] =
    "bf80b329a214c27173832360d4b502d5304b7ee308aede9e4788d9ae25328c76";
static const char  mac_empty_hex[] =
    "4a29824811a9ce7459d8ef47a737ccd25e0df9c6174e549f8b65639499384d5b";

static const char  id_hex[] = "e25837f28c8643bd43fccc5a290e9b61";
static const char  id_empty_hex[] = "f708549833c01afab57cf1c7a7460940";


static pguard_key_t
known_key(void)
{
    unsigned       i;
    pguard_key_t   key;
    unsigned char  secret[32];

    for (i = 0; i < sizeof(secret); i++) {
        secret[i] = (unsigned char) i;
    }

    assert_int_equal(pguard_key_init(&key, secret, sizeof(secret)), 0);

    return key;
}


static pguard_str_t
str(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static void
assert_hex(const unsigned char *bytes, size_t n, const char *hex)
{
    unsigned char  text[2 * PGUARD_XXH_SECRET];

    assert_int_equal(strlen(hex), 2 * n);
    assert_ptr_equal(pguard_hex(text, bytes, n), text + 2 * n);
    assert_memory_equal(text, hex, 2 * n);
}


static void
test_derivation(void **state)
{
    pguard_key_t  key = known_key();

    (void) state;

    assert_hex(key.xxh, sizeof(key.xxh), xxh_hex);
    assert_hex(key.hmac, sizeof(key.hmac), hmac_hex);
    assert_hex(key.audit, sizeof(key.audit), audit_hex);
    assert_memory_not_equal(key.xxh, key.hmac, sizeof(key.hmac));
}


static void
test_derivation_is_stable(void **state)
{
    pguard_key_t   key = known_key(), again = known_key(), other;

    (void) state;

    assert_memory_equal(&key, &again, sizeof(key));

    assert_int_equal(pguard_key_init(&other, "another one", 11), 0);
    assert_memory_not_equal(key.xxh, other.xxh, sizeof(key.xxh));
    assert_memory_not_equal(key.hmac, other.hmac, sizeof(key.hmac));
}


/* No prefix of a secret, however long, stands for the whole of it. */

static void
test_whole_secret(void **state)
{
    size_t         len;
    pguard_key_t   key, shorter;
    unsigned char  secret[PGUARD_SECRET_MAX];

    (void) state;

    memset(secret, 's', sizeof(secret));

    for (len = PGUARD_SECRET_MIN; len <= sizeof(secret); len += 255) {
        assert_int_equal(pguard_key_init(&key, secret, len), 0);
        assert_int_equal(pguard_key_init(&shorter, secret, len - 1), 0);
        assert_memory_not_equal(&key, &shorter, sizeof(key));
    }
}


static void
test_hash(void **state)
{
    pguard_key_t   key = known_key(), other;
    pguard_hash_t  hash;
    XXH128_hash_t  h;

    (void) state;

    h = XXH3_128bits_withSecret("203.0.113.7", 11, key.xxh, sizeof(key.xxh));
    hash = pguard_key_hash(&key, str("203.0.113.7"));

    assert_true(hash.lo == h.low64 && hash.hi == h.high64);

    assert_int_equal(pguard_key_init(&other, "another one", 11), 0);
    hash = pguard_key_hash(&other, str("203.0.113.7"));

    assert_true(hash.lo != h.low64 && hash.hi != h.high64);
}


static void
test_id(void **state)
{
    pguard_id_t   id;
    pguard_key_t  key = known_key();

    (void) state;

    assert_int_equal(pguard_key_id(&key, str("203.0.113.7"), &id), 0);
    assert_hex(id.bytes, PGUARD_ID_LEN, id_hex);

    assert_int_equal(pguard_key_id(&key, str(""), &id), 0);
    assert_hex(id.bytes, PGUARD_ID_LEN, id_empty_hex);
}


static void
test_mac(void **state)
{
    pguard_key_t   key = known_key();
    unsigned char  mac[PGUARD_MAC_LEN];

    (void) state;

    assert_int_equal(pguard_key_mac(&key, str("a line"), mac), 0);
    assert_hex(mac, sizeof(mac), mac_hex);

    assert_int_equal(pguard_key_mac(&key, str(""), mac), 0);
    assert_hex(mac, sizeof(mac), mac_empty_hex);
}


/* More clients than the cache has places, some of them often. */

static void
test_id_cached(void **state)
{
    char                      name[32];
    unsigned                  i;
    unsigned                  kept;
    pguard_id_t               id;
    pguard_hash_t             hash;
    pguard_key_t              key = known_key();
    const pguard_id_t        *found;
    static pguard_id_cache_t  cache;

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);
    kept = 0;

    for (i = 0; i < 20000; i++) {
        (void) snprintf(name, sizeof(name), "client %ld",
                        lrand48() % (i % 2 ? 50 : 3 * PGUARD_ID_CACHE));

        assert_int_equal(pguard_key_id(&key, str(name), &id), 0);
        hash = pguard_key_hash(&key, str(name));
        found = pguard_id_cache_find(&cache, hash);

        if (found) {
            assert_memory_equal(&id, found, sizeof(id));
            kept++;
        }

        pguard_id_cache_put(&cache, hash, &id);
        assert_memory_equal(&id, pguard_id_cache_find(&cache, hash),
                            sizeof(id));
    }

    /* half of them are of the same 50 */

    assert_in_range(kept, 20000 / 4, 20000 * 3 / 4);
}


static void
test_hex_round_trip(void **state)
{
    unsigned       i, k;
    unsigned char  bytes[256], text[512], back[256];

    (void) state;

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) i;
    }

    assert_ptr_equal(pguard_hex(text, bytes, sizeof(bytes)), text + 512);
    assert_int_equal(pguard_unhex(back, text, sizeof(back)), 0);
    assert_memory_equal(back, bytes, sizeof(bytes));

    for (k = 0; k < sizeof(text); k++) {
        text[k] = (unsigned char) (text[k] >= 'a' ? text[k] - 32 : text[k]);
    }

    memset(back, 0, sizeof(back));
    assert_int_equal(pguard_unhex(back, text, sizeof(back)), 0);
    assert_memory_equal(back, bytes, sizeof(bytes));
}


static void
test_hex_next(void **state)
{
    size_t         i;
    char           text[16];

    static const struct {
        const char  *was;
        size_t       n;
        const char  *is;
    } rows[] = {
        { "00000000", 8, "00000001" },
        { "00000008", 8, "00000009" },
        { "00000009", 8, "0000000a" },
        { "0000000e", 8, "0000000f" },
        { "0000000f", 8, "00000010" },
        { "000009ff", 8, "00000a00" },
        { "ffffffff", 8, "00000000" },
        { "12345678ffff", 4, "123456780000" },
        { "f", 0, "f" }
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        strcpy(text, rows[i].was);
        pguard_hex_next((unsigned char *) text + strlen(text), rows[i].n);
        assert_string_equal(text, rows[i].is);
    }
}


static void
test_unhex_bad_digits(void **state)
{
    int            c;
    unsigned char  text[2], byte;

    (void) state;

    for (c = 0; c < 256; c++) {
        if (c && strchr("0123456789abcdefABCDEF", c)) {
            continue;
        }

        text[0] = (unsigned char) c;
        text[1] = '0';
        assert_int_equal(pguard_unhex(&byte, text, 1), -1);

        text[0] = '0';
        text[1] = (unsigned char) c;
        assert_int_equal(pguard_unhex(&byte, text, 1), -1);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_derivation),
        cmocka_unit_test(test_derivation_is_stable),
        cmocka_unit_test(test_whole_secret),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_mac),
        cmocka_unit_test(test_id_cached),
        cmocka_unit_test(test_hex_round_trip),
        cmocka_unit_test(test_hex_next),
        cmocka_unit_test(test_unhex_bad_digits)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
