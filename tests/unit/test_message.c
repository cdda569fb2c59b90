#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../src/core/pguard_message.h"
#include "../../src/core/pguard_store_key.h"


#define string(s)  ((pguard_str_t) { strlen(s), (const unsigned char *) (s) })


static pguard_message_t
message(void)
{
    int               i;
    pguard_message_t  m;

    memset(&m, 0, sizeof(pguard_message_t));

    m.op = PGUARD_MESSAGE_BLOCK;
    m.origin = 0xfedcba9876543210;

    pguard_message_name(&m.zone, string("main"));
    pguard_message_name(&m.rule, string("flood"));
    pguard_message_name(&m.service, string("api v2 {x}:%"));

    for (i = 0; i < PGUARD_ID_LEN; i++) {
        m.block.id.bytes[i] = (unsigned char) (i * 17);
    }

    m.block.until = 59999;
    m.block.last = 60000;
    m.block.forget = 61000;
    m.block.count = 601;
    m.block.limit = 600;
    m.block.window = 60000;
    m.block.step = 32;
    m.block.reason = PGUARD_REASON_LOCKOUT;
    m.block.dry_run = 1;
    memcpy(m.block.event, "0123456789abcdef01234567", PGUARD_EVENT_LEN);

    return m;
}


static void
assert_key(const unsigned char *key, size_t len, const char *expected)
{
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(key, expected, len);
}


static void
test_keys(void **state)
{
    size_t         n;
    pguard_id_t    id, sig;
    unsigned char  key[PGUARD_STORE_KEY_MAX];

    (void) state;

    memset(&id, 0xa1, sizeof(pguard_id_t));
    memset(&sig, 0x0f, sizeof(pguard_id_t));

    n = pguard_store_key_window(key, string("p"), string("z"), &id,
                                string("r-1"), 60000, string(""));
    assert_key(key, n, "p:z:{a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1}:w:r-1:60000");

    n = pguard_store_key_window(key, string("p"), string("z{"), &id,
                                string("a:b"), 1, string("s}"));
    assert_key(key, n, "p:z%7b:{a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1}"
                       ":w:a%3ab:1:s%7d");

    n = pguard_store_key_throttle(key, string("p"), string("z"), &id, &sig);
    assert_key(key, n, "p:z:{a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1}"
                       ":t:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f");

    n = pguard_store_key_sla(key, string("p"), string("z"), string("a/b"), 652,
                             NULL, 0);
    assert_key(key, n, "p:z:{sla:a%2fb:2024-04}");

    n = pguard_store_key_sla(key, string("p"), string("z"), string("a"), 652,
                             &id, 0);
    assert_key(key, n, "p:z:{sla:a:2024-04}:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");

    n = pguard_store_key_sla(key, string("p"), string("z"), string("a"), 652,
                             &id, 17);
    assert_key(key, n,
               "p:z:{sla:a:2024-04}:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1:17");

    n = pguard_store_key_blocks(key, string("p"), string("z"), "data");
    assert_key(key, n, "p:z:{blocks}:data");

    n = pguard_store_channel(key, string("p:q"), 0);
    assert_key(key, n, "p:q:blocks");

    n = pguard_store_channel(key, string("p:q"), 15);
    assert_key(key, n, "p:q:blocks:15");
}


static void
test_keys_longest(void **state)
{
    char         name[PGUARD_NAME_MAX + 2], prefix[PGUARD_PREFIX_MAX + 2];
    pguard_id_t  id;

    (void) state;

    unsigned char  key[PGUARD_STORE_KEY_MAX];

    memset(&id, 0, sizeof(pguard_id_t));
    memset(name, ' ', sizeof(name));
    memset(prefix, 'p', sizeof(prefix));

    name[PGUARD_NAME_MAX] = '\0';
    prefix[PGUARD_PREFIX_MAX] = '\0';

    assert_true(pguard_store_key_window(key, string(prefix), string(name), &id,
                                        string(name), UINT64_MAX,
                                        string(name)) > 0);
    assert_true(pguard_store_key_sla(key, string(prefix), string(name),
                                     string(name), PGUARD_MONTH_MAX, &id,
                                     UINT64_MAX) > 0);

    name[PGUARD_NAME_MAX] = ' ';
    name[PGUARD_NAME_MAX + 1] = '\0';

    assert_int_equal(pguard_store_key_window(key, string(prefix), string("z"),
                                             &id, string(name), 1,
                                             string("")), 0);

    prefix[PGUARD_PREFIX_MAX] = 'p';
    prefix[PGUARD_PREFIX_MAX + 1] = '\0';

    assert_int_equal(pguard_store_key_blocks(key, string(prefix), string("z"),
                                             "data"), 0);
    assert_false(pguard_prefix_valid(string(prefix)));
    assert_false(pguard_prefix_valid(string("")));
    assert_false(pguard_prefix_valid(string("a{b}")));
    assert_true(pguard_prefix_valid(string("prod:paas_guard")));
}


static void
test_block(void **state)
{
    size_t            n;
    pguard_message_t  m, d;
    unsigned char     buf[PGUARD_MESSAGE_MAX];

    (void) state;

    m = message();
    n = pguard_message_encode(buf, &m);

    assert_key(buf, n, "1 b fedcba9876543210 main flood "
                       "api%20v2%20%7bx%7d%3a%25 "
                       "00112233445566778899aabbccddeeff "
                       "59999 60000 61000 601 600 60000 32 2 1 "
                       "0123456789abcdef01234567");

    assert_int_equal(pguard_message_decode(&d, (pguard_str_t) { n, buf }), 0);

    assert_int_equal(d.op, PGUARD_MESSAGE_BLOCK);
    assert_true(d.origin == m.origin);
    assert_int_equal(d.service.len, m.service.len);
    assert_memory_equal(d.service.data, m.service.data, m.service.len);
    assert_memory_equal(&d.block, &m.block, sizeof(pguard_block_t));
}


static void
test_lift(void **state)
{
    size_t            n;
    pguard_message_t  m, d;
    unsigned char     buf[PGUARD_MESSAGE_MAX];

    (void) state;

    m = message();
    m.op = PGUARD_MESSAGE_LIFT;

    pguard_message_name(&m.zone, string("-"));
    pguard_message_name(&m.rule, string(""));
    pguard_message_name(&m.service, string(""));

    n = pguard_message_encode(buf, &m);

    assert_key(buf, n, "1 l fedcba9876543210 %2d - - "
                       "00112233445566778899aabbccddeeff");

    assert_int_equal(pguard_message_decode(&d, (pguard_str_t) { n, buf }), 0);
    assert_int_equal(d.op, PGUARD_MESSAGE_LIFT);
    assert_int_equal(d.zone.len, 1);
    assert_int_equal(d.rule.len, 0);
    assert_int_equal(d.service.len, 0);
}


/* The longest names, of bytes that are all escaped, fit and come back. */

static void
test_longest(void **state)
{
    int               i;
    size_t            n;
    pguard_message_t  m, d;
    unsigned char     buf[PGUARD_MESSAGE_MAX];

    (void) state;

    m = message();

    for (i = 0; i < PGUARD_NAME_MAX; i++) {
        m.zone.data[i] = ' ';
        m.rule.data[i] = (unsigned char) (128 + i);
        m.service.data[i] = (unsigned char) i % 32;
    }

    m.zone.len = m.rule.len = m.service.len = PGUARD_NAME_MAX;
    m.block.count = UINT64_MAX;
    m.block.until = m.block.last = m.block.forget = UINT64_MAX;
    m.block.limit = m.block.window = UINT64_MAX;

    n = pguard_message_encode(buf, &m);
    assert_true(n > 0);

    assert_int_equal(pguard_message_decode(&d, (pguard_str_t) { n, buf }), 0);
    assert_memory_equal(d.rule.data, m.rule.data, PGUARD_NAME_MAX);
    assert_memory_equal(d.service.data, m.service.data, PGUARD_NAME_MAX);
}


static void
test_wrong(void **state)
{
    size_t              i;
    pguard_message_t    m;
    static const char  *texts[] = {
        "", " ", "1", "2 l fedcba9876543210 z - - "
        "00112233445566778899aabbccddeeff",
        "1 x fedcba9876543210 z - - 00112233445566778899aabbccddeeff",
        "1 l fedcba987654321 z - - 00112233445566778899aabbccddeeff",
        "1 l fedcba9876543210 - - - 00112233445566778899aabbccddeeff",
        "1 l fedcba9876543210 z - - 00112233445566778899aabbccddeefg",
        "1 l fedcba9876543210 z - - 00112233445566778899aabbccddeeff ",
        "1 l fedcba9876543210 z - - 00112233445566778899aabbccddeeff x",
        "1 l fedcba9876543210 z%2 - - 00112233445566778899aabbccddeeff",
        "1 l fedcba9876543210 z% - - 00112233445566778899aabbccddeeff",
        "1 l fedcba9876543210  z - - 00112233445566778899aabbccddeeff",
        "1 b fedcba9876543210 z - - 00112233445566778899aabbccddeeff",
        "1 b fedcba9876543210 z - - 00112233445566778899aabbccddeeff "
        "1 1 1 1 1 1 33 0 0 -",
        "1 b fedcba9876543210 z - - 00112233445566778899aabbccddeeff "
        "1 1 1 1 1 1 1 4 0 -",
        "1 b fedcba9876543210 z - - 00112233445566778899aabbccddeeff "
        "1 1 1 1 1 1 1 0 2 -",
        "1 b fedcba9876543210 z - - 00112233445566778899aabbccddeeff "
        "-1 1 1 1 1 1 1 0 0 -",
        "1 b fedcba9876543210 z - - 00112233445566778899aabbccddeeff "
        "99999999999999999999 1 1 1 1 1 1 0 0 -",
        "1 b fedcba9876543210 z - - 00112233445566778899aabbccddeeff "
        "1 1 1 1 1 1 1 0 0 0123456789abcdef0123456",
        "1 l fedcba9876543210 "
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        " - - 00112233445566778899aabbccddeeff"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(pguard_message_decode(&m, string(texts[i])), -1);
    }
}


/* Cut anywhere, it is no message; with any byte changed, no harm. */

static void
test_any(void **state)
{
    size_t            i, n;
    unsigned          ch;
    unsigned char     buf[PGUARD_MESSAGE_MAX], was;
    pguard_message_t  m, d;

    (void) state;

    m = message();
    n = pguard_message_encode(buf, &m);

    for (i = 0; i < n; i++) {
        assert_int_equal(pguard_message_decode(&d, (pguard_str_t) { i, buf }),
                         -1);
    }

    for (i = 0; i < n; i++) {
        was = buf[i];

        for (ch = 0; ch < 256; ch++) {
            buf[i] = (unsigned char) ch;

            if (pguard_message_decode(&d, (pguard_str_t) { n, buf }) == 0) {
                assert_in_range(d.zone.len, 1, PGUARD_NAME_MAX);
                assert_in_range(d.block.step, 0, PGUARD_BLOCK_MAX_STEP);
            }
        }

        buf[i] = was;
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_keys_longest),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_lift),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_any)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
