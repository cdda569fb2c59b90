/*
 * Rewriting of targets: what it removes, what it refuses, and that it comes
 * back whatever the pattern.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_rewrite.h"


#define LONG    65536
#define LONGISH 16384                /* within its time on an emulator, too */

#define number_of(a)  (sizeof(a) / sizeof((a)[0]))


static pguard_str_t
str(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static pguard_rewrite_t *
rule(const char *regex, const char *replacement)
{
    char               error[256] = "";
    pguard_rewrite_t  *rw;

    rw = pguard_rewrite_compile(str(regex), str(replacement), error,
                                sizeof(error));
    if (rw == NULL) {
        fail_msg("%s: %s", regex, error);
    }

    return rw;
}


/* result: NULL if the target stays as it is. */

static void
check(const char *regex, const char *replacement, const char *target,
    const char *result)
{
    int                rc;
    size_t             len;
    unsigned char      buffer[256];
    pguard_rewrite_t  *rw = rule(regex, replacement);

    len = sizeof(buffer);
    rc = pguard_rewrite_apply(rw, str(target), buffer, &len);
    pguard_rewrite_free(rw);

    assert_int_equal(rc, result != NULL);

    if (result) {
        assert_int_equal(len, strlen(result));
        assert_memory_equal(buffer, result, len);
    }
}


static void
test_nonces(void **state)
{
    (void) state;

    check("[?&](nonce|_ts)=[^&]*", "", "/v1/vms?nonce=8a7&size=3",
          "/v1/vms&size=3");
    check("[?&](nonce|_ts)=[^&]*", "", "/v1/vms?size=3&_ts=17&nonce=1",
          "/v1/vms?size=3");
    check("[?&](nonce|_ts)=[^&]*", "", "/v1/vms?size=3", NULL);
    check("([?&])X-Amz-(Date|Signature)=[^&]*", "$1",
          "/?X-Amz-Date=20240313T000000Z&a=b", "/?&a=b");
    check("/session/[0-9a-f]{8}/", "/session/*/", "/session/0123abcd/x",
          "/session/*/x");
}


static void
test_groups(void **state)
{
    (void) state;

    check("(a)(b)", "$2${1}", "abab", "baba");
    check("(?<first>\\w+)-(?<second>\\w+)", "${second}-${first}", "x-y",
          "y-x");
    check("a", "$$1", "a", "$1");
    check("(a)|(b)", "[$1$2]", "ab", "[a][b]");
    check("(.*)", "<$0>", "abc", "<abc><>");
}


static void
test_global_and_empty(void **state)
{
    (void) state;

    check("a", "", "banana", "bnn");
    check("a", "", "", NULL);
    check("^", "/", "", "/");
    check("x*", "-", "abc", "-a-b-c-");
    check("banana", "", "banana", "");
    check("(?i)NONCE=\\d+", "", "nOnCe=12", "");
}


/* Rules one after the other: the second sees what the first has left. */

static void
test_order(void **state)
{
    size_t             len, n;
    unsigned char      one[64], two[64];
    pguard_rewrite_t  *first = rule("a", "b"), *second = rule("b+", "c");

    (void) state;

    len = sizeof(one);
    assert_int_equal(pguard_rewrite_apply(first, str("abab"), one, &len), 1);
    n = sizeof(two);
    assert_int_equal(pguard_rewrite_apply(second, (pguard_str_t) { len, one },
                                          two, &n), 1);
    assert_int_equal(n, 1);
    assert_int_equal(two[0], 'c');

    pguard_rewrite_free(first);
    pguard_rewrite_free(second);
}


static void
refused(const char *regex, const char *replacement)
{
    char               error[256] = "";
    pguard_rewrite_t  *rw;

    rw = pguard_rewrite_compile(str(regex), str(replacement), error,
                                sizeof(error));
    if (rw) {
        pguard_rewrite_free(rw);
        fail_msg("not refused: %s -> %s", regex, replacement);
    }

    assert_non_null(strchr(error, ' '));
    assert_non_null(strstr(error, "offset"));
}


static void
test_bad_regex(void **state)
{
    (void) state;

    refused("(a", "");
    refused("a)", "");
    refused("[a", "");
    refused("*a", "");
    refused("a{2,1}", "");
    refused("(?<n>a", "");
    refused("\\", "");
}


static void
test_bad_replacement(void **state)
{
    (void) state;

    refused("a", "$1");
    refused("(a)", "$2");
    refused("(a)(b)", "${3}");
    refused("(?<n>a)", "${m}");
    refused("(a)", "${1");
    refused("(a)|b", "$2");
    refused("^/never/matches/(.*)$", "$2");
    refused("a", "x$");
}


/* The text of an error never leaves its room, however small that is. */

static void
test_small_room_for_error(void **state)
{
    char    error[16];
    size_t  size;

    (void) state;

    for (size = 1; size < sizeof(error); size++) {
        memset(error, '#', sizeof(error));
        assert_null(pguard_rewrite_compile(str("(a"), str(""), error, size));
        assert_true(strlen(error) < size);
        assert_int_equal(error[size], '#');
    }
}


static void
test_nul_bytes(void **state)
{
    int                   rc;
    size_t                len;
    unsigned char         buffer[64];
    pguard_rewrite_t     *rw = rule("nonce=\\d+", "");
    static const char     target[] = "/a\0b?nonce=1\0&\xff\xfe";

    (void) state;

    len = sizeof(buffer);
    rc = pguard_rewrite_apply(rw, (pguard_str_t) { sizeof(target) - 1,
                                  (const unsigned char *) target },
                              buffer, &len);
    pguard_rewrite_free(rw);

    assert_int_equal(rc, 1);
    assert_int_equal(len, sizeof(target) - 1 - 7);
    assert_memory_equal(buffer, "/a\0b?\0&\xff\xfe", len);
}


static void
test_no_room(void **state)
{
    int                rc;
    size_t             len, room;
    unsigned char     *buffer;
    pguard_rewrite_t  *rw = rule("a", "123456789");

    (void) state;

    for (room = 1; room <= 40; room++) {

        /* exactly so much, for AddressSanitizer */

        buffer = malloc(room);
        assert_non_null(buffer);
        len = room;
        rc = pguard_rewrite_apply(rw, str("aaa"), buffer, &len);

        assert_int_equal(rc, room > 27 || (rc && room == 27));
        assert_true(rc == 0 || (len == 27
                                && memcmp(buffer, "123456789", 9) == 0));
        free(buffer);
    }

    pguard_rewrite_free(rw);
}


/* Whatever they are, these come back; how soon is not for this test to say,
   but that it ends is. */

static void
test_catastrophes(void **state)
{
    int                 rc;
    size_t              i, k, len;
    pguard_str_t        target;
    pguard_rewrite_t   *rw;
    static char         text[LONG];
    static unsigned char  buffer[2 * LONG];

    static const char *const  patterns[] = { "(a+)+$", "(a+)+b", "(.*)*x",
        "(a*)*b", "(a|aa)+$", "(a|a?)+b", "(\\w+\\d+)+!", "(.)*\\1b",
        "a.*b.*c.*d", "(a?){30}a{30}b", "(?:(?:a*)*)*b",
        "((a)|(?2)b)*c", "[?&](a|b)*=x", "(?<=a)a*b" };
    static const char *const  tails[] = { "", "!", "!b!x!c!d\n!" };

    (void) state;

    for (i = 0; i < number_of(patterns); i++) {
        rw = rule(patterns[i], "");

        for (k = 0; k < number_of(tails); k++) {
            memset(text, 'a', sizeof(text));
            memcpy(text + sizeof(text) - strlen(tails[k]), tails[k],
                   strlen(tails[k]));

            target = (pguard_str_t) { sizeof(text), (unsigned char *) text };
            len = sizeof(buffer);
            rc = pguard_rewrite_apply(rw, target, buffer, &len);
            assert_true(rc == 0 || len <= sizeof(text));
        }

        pguard_rewrite_free(rw);
    }
}


/* A bound that is of use lets ordinary patterns through, on long targets. */

static void
test_long_ordinary(void **state)
{
    int                 rc;
    size_t              len, n;
    pguard_rewrite_t   *rw = rule("&nonce=[^&]*", "");
    static char         text[LONGISH];
    static unsigned char  buffer[LONGISH];

    (void) state;

    for (n = 0; n + 16 <= sizeof(text); n += 16) {
        memcpy(text + n, n % 1024 ? "&abc=0123456789a" : "&nonce=123456789",
               16);
    }

    len = sizeof(buffer);
    rc = pguard_rewrite_apply(rw, (pguard_str_t) { sizeof(text),
                                  (unsigned char *) text }, buffer, &len);
    pguard_rewrite_free(rw);

    assert_int_equal(rc, 1);
    assert_int_equal(len, LONGISH - LONGISH / 1024 * 16);
}


static void
test_free_nothing(void **state)
{
    (void) state;

    pguard_rewrite_free(NULL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_nonces),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_global_and_empty),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_bad_regex),
        cmocka_unit_test(test_bad_replacement),
        cmocka_unit_test(test_small_room_for_error),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_catastrophes),
        cmocka_unit_test(test_long_ordinary),
        cmocka_unit_test(test_free_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
