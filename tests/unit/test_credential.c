/*
 * pguard_credential and pguard_cookie: what is found, and that it is a slice
 * of what was sent.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pguard_cookie.h"
#include "pguard_credential.h"
#include "pguard_same.h"


#define NONE     PGUARD_CREDENTIAL_NONE
#define KEY_ID   PGUARD_CREDENTIAL_KEY_ID
#define BEARER   PGUARD_CREDENTIAL_BEARER
#define BASIC    PGUARD_CREDENTIAL_BASIC
#define API_KEY  PGUARD_CREDENTIAL_API_KEY
#define COOKIE   PGUARD_CREDENTIAL_COOKIE


/* In memory of its own size, for a sanitizer to watch its end. */

static pguard_str_t
copy(const char *text, size_t len)
{
    pguard_str_t    s;
    unsigned char  *data;

    data = malloc(len ? len : 1);
    memcpy(data, text, len);
    s.data = data;
    s.len = len;

    return s;
}


static int
is(pguard_str_t s, const char *text)
{
    return s.len == strlen(text)
           && (s.len == 0 || memcmp(s.data, text, s.len) == 0);
}


static int
inside(pguard_str_t part, pguard_str_t whole)
{
    return part.len == 0
           || (part.data >= whole.data
               && part.data + part.len <= whole.data + whole.len);
}


static pguard_credential_t
authorization(pguard_str_t line)
{
    pguard_credential_lines_t  lines;

    memset(&lines, 0, sizeof(lines));
    lines.authorization.line = &line;
    lines.authorization.count = 1;

    return pguard_credential(&lines);
}


static void
test_authorization(void **state)
{
    size_t               i;
    pguard_str_t         line;
    pguard_credential_t  c;

    static const struct {
        const char           *line;
        pguard_credential_e   kind;
        const char           *value;
    } rows[] = {
        { "AWS4-HMAC-SHA256 Credential=AKID/20240101/eu/api/aws4_request, "
          "SignedHeaders=host;x-amz-date, Signature=00ff", KEY_ID, "AKID" },
        { "OSC4-HMAC-SHA256 Credential=AKID/20240101/eu/api/osc4_request, "
          "SignedHeaders=host;x-osc-date, Signature=00ff", KEY_ID, "AKID" },
        { "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=A/2,Signature=0",
          KEY_ID, "A" },
        { "AWS4-HMAC-SHA256 SignedHeaders=host Credential=A/2 Signature=0",
          KEY_ID, "A" },
        { "AWS4-HMAC-SHA256 ,, , Credential=A/2,,", KEY_ID, "A" },
        { "  AWS4-HMAC-SHA256 \t Credential = A/2 ", KEY_ID, "A" },
        { "aws4-hmac-sha256 credential=A/2", KEY_ID, "A" },
        { "AWS4-HMAC-SHA256 Credential=a b/2", NONE, "" },
        { "AWS4-HMAC-SHA256 foo Credential=A/2", KEY_ID, "A" },
        { "AWS4-HMAC-SHA256 XCredential=B/1, Credential=A/2", KEY_ID, "A" },
        { "AWS4-HMAC-SHA256 X=Credential=B/1, Credential=A/2", KEY_ID, "A" },
        { "AWS4-HMAC-SHA256 ==, Credential=A/2", KEY_ID, "A" },

        /* the scheme is matched whole */

        { "AWS4-HMAC-SHA25 Credential=A/2", NONE, "" },
        { "AWS4-HMAC-SHA256X Credential=A/2", NONE, "" },
        { "AWS4-HMAC-SHA2566 Credential=A/2", NONE, "" },
        { "XAWS4-HMAC-SHA256 Credential=A/2", NONE, "" },
        { "AWS4-HMAC-SHA256,Credential=A/2", NONE, "" },
        { "AWS4-HMAC-SHA256", NONE, "" },
        { "AWS4-HMAC-SHA256 ", NONE, "" },
        { "AWS4-ECDSA-P256-SHA256 Credential=A/2", NONE, "" },
        { "Digest AWS4-HMAC-SHA256 Credential=A/2", NONE, "" },

        /* malformed */

        { "AWS4-HMAC-SHA256 Credential", NONE, "" },
        { "AWS4-HMAC-SHA256 Credential=", NONE, "" },
        { "AWS4-HMAC-SHA256 Credential=A", NONE, "" },
        { "AWS4-HMAC-SHA256 Credential=/2", NONE, "" },
        { "AWS4-HMAC-SHA256 Credential=A,/2", NONE, "" },
        { "AWS4-HMAC-SHA256 Credential= , x=A/2", NONE, "" },
        { "AWS4-HMAC-SHA256 Signature=A/2", NONE, "" },
        { "AWS4-HMAC-SHA256 ========", NONE, "" },
        { "AWS4-HMAC-SHA256 ,,,,,", NONE, "" },

        { "Bearer abc.def-_~+/=", BEARER, "abc.def-_~+/=" },
        { "bEARER abc", BEARER, "abc" },
        { " \tBearer \t abc \t ", BEARER, "abc" },
        { "Bearer", NONE, "" },
        { "Bearer ", NONE, "" },
        { "Bearer a b", NONE, "" },
        { "Bearer a\tb", NONE, "" },
        { "Bearer a\x01", NONE, "" },
        { "Bearerabc", NONE, "" },
        { "Bearers abc", NONE, "" },
        { "Basic dXNlcjpwYXNz", BASIC, "dXNlcjpwYXNz" },
        { "BASIC dXNlcjpwYXNz", BASIC, "dXNlcjpwYXNz" },
        { "Basic", NONE, "" },

        { "", NONE, "" },
        { "   ", NONE, "" },
        { "abc", NONE, "" },
        { "Digest username=\"a\", realm=\"b\"", NONE, "" },
        { "Negotiate YII=", NONE, "" }
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        line = copy(rows[i].line, strlen(rows[i].line));
        c = authorization(line);

        if (c.kind != rows[i].kind || !is(c.value, rows[i].value)
            || !inside(c.value, line))
        {
            fail_msg("row %zu \"%s\": %d \"%.*s\"", i, rows[i].line, c.kind,
                     (int) c.value.len, c.value.data);
        }

        free((void *) line.data);
    }
}


static void
test_nul_bytes(void **state)
{
    pguard_str_t         line;
    pguard_credential_t  c;

    (void) state;

    line = copy("Bearer a\0b", 10);
    assert_int_equal(authorization(line).kind, NONE);
    free((void *) line.data);

    line = copy("AWS4-HMAC-SHA256 Credential=A\0B/2", 33);
    c = authorization(line);
    assert_int_equal(c.kind, KEY_ID);
    assert_int_equal(c.value.len, 3);
    assert_memory_equal(c.value.data, "A\0B", 3);
    free((void *) line.data);

    line = copy("Bearer\0abc", 10);
    assert_int_equal(authorization(line).kind, NONE);
    free((void *) line.data);
}


static void
test_order(void **state)
{
    pguard_credential_t        c;
    pguard_credential_lines_t  lines;

    static const pguard_str_t  auth[] = {
        pguard_string("Digest x=y"), pguard_string("Bearer"),
        pguard_string("Basic one"), pguard_string("Bearer two")
    };
    static const pguard_str_t  keys[] = {
        pguard_string(""), pguard_string(" \t"), pguard_string(" k e y "),
        pguard_string("other")
    };
    static const pguard_str_t  cookies[] = {
        pguard_string("a=1"), pguard_string("b=2; sid=3")
    };

    (void) state;

    memset(&lines, 0, sizeof(lines));
    c = pguard_credential(&lines);
    assert_int_equal(c.kind, NONE);
    assert_int_equal(c.value.len, 0);

    lines.cookie.line = cookies;
    lines.cookie.count = 2;
    assert_int_equal(pguard_credential(&lines).kind, NONE);

    lines.session = (pguard_str_t) pguard_string("sid");
    c = pguard_credential(&lines);
    assert_int_equal(c.kind, COOKIE);
    assert_true(is(c.value, "3"));

    lines.session = (pguard_str_t) pguard_string("si");
    assert_int_equal(pguard_credential(&lines).kind, NONE);
    lines.session = (pguard_str_t) pguard_string("sid");

    lines.api_key.line = keys;
    lines.api_key.count = 2;
    assert_int_equal(pguard_credential(&lines).kind, COOKIE);

    lines.api_key.count = 4;
    c = pguard_credential(&lines);
    assert_int_equal(c.kind, API_KEY);
    assert_true(is(c.value, "k e y"));

    lines.authorization.line = auth;
    lines.authorization.count = 2;
    assert_int_equal(pguard_credential(&lines).kind, API_KEY);

    lines.authorization.count = 4;
    c = pguard_credential(&lines);
    assert_int_equal(c.kind, BASIC);
    assert_true(is(c.value, "one"));
}


static void
test_same_bytes_are_of_two_kinds(void **state)
{
    pguard_str_t               key = pguard_string("secret");
    pguard_credential_t        bearer, api;
    pguard_credential_lines_t  lines;

    (void) state;

    bearer = authorization((pguard_str_t) pguard_string("Bearer secret"));

    memset(&lines, 0, sizeof(lines));
    lines.api_key.line = &key;
    lines.api_key.count = 1;
    api = pguard_credential(&lines);

    assert_int_equal(bearer.value.len, api.value.len);
    assert_memory_equal(bearer.value.data, api.value.data, api.value.len);
    assert_int_not_equal(bearer.kind, api.kind);
}


static void
test_cookie(void **state)
{
    size_t        i;
    pguard_str_t  line, value;

    static const struct {
        const char  *line;
        const char  *value;
    } rows[] = {
        { "sid=1", "1" },
        { "a=0; sid=1; b=2", "1" },
        { "a=0;sid=1;b=2", "1" },
        { " sid = 1 ;", "1" },
        { ";;; ;sid=1", "1" },
        { "sid=1; sid=2", "1" },
        { "sid=; sid=2", "2" },
        { "sid=a=b", "a=b" },
        { "sid=\"q\"", "\"q\"" },
        { "sid=\"a;b\"", "\"a" },
        { "a=\"; sid=1; \"", "1" },
        { "xsid=1", "" },
        { "sidx=1", "" },
        { "SID=1", "" },
        { "a=sid=1", "" },
        { "sid", "" },
        { "sid;", "" },
        { "sid =", "" },
        { "=sid", "" },
        { "", "" },
        { ";", "" },
        { "=", "" },
        { ";=;=;", "" }
    };

    static const pguard_str_t  sid = pguard_string("sid");
    static const pguard_str_t  empty = pguard_string("");

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        line = copy(rows[i].line, strlen(rows[i].line));
        value = pguard_cookie(&line, 1, sid);

        if (!is(value, rows[i].value) || !inside(value, line)) {
            fail_msg("row %zu \"%s\": \"%.*s\"", i, rows[i].line,
                     (int) value.len, value.data);
        }

        value = pguard_cookie(&line, 1, empty);
        assert_int_equal(value.len, 0);
        free((void *) line.data);
    }

    assert_int_equal(pguard_cookie(NULL, 0, sid).len, 0);
}


static void
test_hostile_bytes(void **state)
{
    size_t                     i, round;
    uint64_t                   seed;
    pguard_str_t               line;
    unsigned char             *data;
    pguard_credential_t        c;
    pguard_credential_lines_t  lines;

    static const char  bytes[] = "sid=; ,/\t\"\0\xff" "C";
    static const char *const  starts[] = {
        "", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential", "Bearer "
    };

    (void) state;

    seed = 3;

    for (round = 0; round < 20000; round++) {
        size_t  start = strlen(starts[round % 4]);

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        line.len = start + (seed >> 40) % 32;
        data = malloc(line.len ? line.len : 1);
        memcpy(data, starts[round % 4], start);
        line.data = data;

        for (i = start; i < line.len; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            data[i] = (unsigned char) bytes[(seed >> 33) % sizeof(bytes)];
        }

        memset(&lines, 0, sizeof(lines));
        lines.authorization.line = &line;
        lines.authorization.count = 1;
        lines.cookie = lines.authorization;
        lines.session = (pguard_str_t) pguard_string("sid");

        c = pguard_credential(&lines);
        assert_true(inside(c.value, line));
        assert_int_equal(c.kind == NONE, c.value.len == 0);
        assert_int_not_equal(c.kind, API_KEY);
        free(data);
    }
}


/* Every length that is cut in its own way, every bit of every byte; each in
   memory that ends where the bytes do. */

static void
test_same_bytes(void **state)
{
    size_t          len, i;
    unsigned char  *a, *b;

    (void) state;

    for (len = 0; len < 70; len++) {
        a = malloc(len ? len : 1);
        b = malloc(len ? len : 1);
        assert_non_null(a);
        assert_non_null(b);
        memset(a, 'a', len);
        memset(b, 'a', len);

        assert_true(pguard_same(a, b, len));

        for (i = 0; i < 8 * len; i++) {
            b[i / 8] ^= (unsigned char) (1 << i % 8);
            assert_false(pguard_same(a, b, len));
            b[i / 8] ^= (unsigned char) (1 << i % 8);
        }

        free(a);
        free(b);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_authorization),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_same_bytes_are_of_two_kinds),
        cmocka_unit_test(test_cookie),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_same_bytes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
