/*
 * The JSON reader against texts known to be right or wrong, against texts
 * made at random whose tokens are known, and, on damaged ones, against a
 * second recogniser: a plain recursive descent over the grammar.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_json.h"


#define SEED    20260101
#define ROUNDS  20000
#define DEPTH   6

#define number_of(a)  (sizeof(a) / sizeof((a)[0]))


typedef struct {
    unsigned char  text[4096];
    size_t         len;
    char           tokens[4096];         /* one letter for each, as told() */
    size_t         ntokens;
} made_t;


static pguard_str_t
str(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static char
letter(pguard_json_e token)
{
    return "!.{}[]nS0tfz"[token + 1];
}


/* The tokens as letters, "!" or "." last; reads a copy without a byte to
   spare, so that the sanitizer sees a read beyond it. */

static const char *
told(const void *text, size_t len, unsigned depth)
{
    size_t          n;
    pguard_json_t   json;
    pguard_json_e   token;
    unsigned char  *copy;

    static char  letters[8192];

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    pguard_json_init(&json, (pguard_str_t) { len, copy }, depth);
    n = 0;

    do {
        token = pguard_json_next(&json);
        letters[n++] = letter(token);
        assert_true(json.pos >= copy && json.pos <= copy + len);
    } while (token > PGUARD_JSON_END && n < sizeof(letters) - 1);

    assert_true(token <= PGUARD_JSON_END);
    assert_int_equal(token == PGUARD_JSON_ERROR, json.wrong != 0);
    assert_non_null(pguard_json_wrongs[json.wrong][PGUARD_LANG_EN]);
    assert_non_null(pguard_json_wrongs[json.wrong][PGUARD_LANG_FR]);
    assert_int_equal(pguard_json_next(&json), token);

    letters[n] = '\0';
    free(copy);

    return letters;
}


static void
test_right(void **state)
{
    size_t  i;

    static const char *const  cases[][2] = {
        { "{}", "{}." }, { "[]", "[]." }, { " [ ] ", "[]." },
        { "{\"a\":1}", "{n0}." }, { "{ \"a\" : [ 1 , 2 ] }", "{n[00]}." },
        { "[[],{},[{}]]", "[[]{}[{}]]." }, { "\"\"", "S." }, { "0", "0." },
        { "-0", "0." }, { "-0.0e-0", "0." }, { "1E+2", "0." },
        { "true", "t." }, { "[true,false,null]", "[tfz]." },
        { "\"\\u0000\\ud83d\\uDE00\\n\\/\"", "S." },
        { "\"\x7f\"", "S." }, { "\"\xf4\x8f\xbf\xbf\"", "S." },
        { "\"\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\"",
          "S." },
        { "\t\r\n 1\t\r\n ", "0." }, { "{\"a\":1,\"a\":2}", "{n0n0}." }
    };

    (void) state;

    for (i = 0; i < number_of(cases); i++) {
        assert_string_equal(told(cases[i][0], strlen(cases[i][0]), 8),
                            cases[i][1]);
    }
}


static void
test_wrong(void **state)
{
    size_t       i;
    const char  *t;

    static const char *const  cases[] = {
        "", " ", "{", "[", "}", "]", "[}", "{]", "[1,]", "{\"a\":1,}", "[,1]",
        "{,}", "[1 2]", "{\"a\" 1}", "{\"a\":}", "{a:1}", "{1:1}", "{\"a\"}",
        "01", "-", "-01", "1.", ".5", "1e", "1e+", "+1", "0x1", "NaN",
        "Infinity", "-Infinity", "tru", "True", "nul", "truefalse", "1 1",
        "[] []", "{}x", "'a'", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"",
        "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\n\"",
        "\"\\ud800\\ud800\"", "\"\\udc00\"", "\"\n\"", "\"\t\"", "\"\x01\"",
        "\"\x80\"", "\"\xc0\x80\"", "\"\xc1\xbf\"", "\"\xe0\x9f\xbf\"",
        "\"\xed\xa0\x80\"", "\"\xf0\x8f\xbf\xbf\"", "\"\xf4\x90\x80\x80\"",
        "\"\xf5\x80\x80\x80\"", "\"\xc2\"", "\"\xe2\x82\"", "\"\xc2",
        "\xef\xbb\xbf{}", "[1]//", "/**/1", "[1\x0b]", "\\u0022a\"",
        "\"\\", "\"\\u", "\"\\ud800\\u", "[\"a\":1]", "{\"a\":1:2}", "{{}}"
    };

    (void) state;

    for (i = 0; i < number_of(cases); i++) {
        t = told(cases[i], strlen(cases[i]), 8);

        if (t[strlen(t) - 1] != '!') {
            fail_msg("accepted: %s", cases[i]);
        }
    }

    t = told("\"a\0b\"", 5, 8);
    assert_string_equal(t, "!");
    t = told("1\0", 2, 8);
    assert_string_equal(t, "0!");
}


static void
test_depth(void **state)
{
    size_t       i;
    const char  *t;
    char         text[20000];

    (void) state;

    assert_string_equal(told("1", 1, 0), "0.");
    assert_string_equal(told("[]", 2, 0), "!");
    assert_string_equal(told("[[]]", 4, 2), "[[]].");
    assert_string_equal(told("[[[]]]", 6, 2), "[[!");
    assert_string_equal(told("{\"a\":{\"b\":1}}", 13, 1), "{n!");

    for (i = 0; i < sizeof(text) / 2; i++) {
        text[i] = '[';
        text[sizeof(text) - 1 - i] = ']';
    }

    t = told(text, sizeof(text), 1000);
    assert_int_equal(strlen(t), PGUARD_JSON_DEPTH_MAX + 1);
    assert_int_equal(t[PGUARD_JSON_DEPTH_MAX], '!');

    t = told(text + sizeof(text) / 2 - PGUARD_JSON_DEPTH_MAX,
             2 * PGUARD_JSON_DEPTH_MAX, PGUARD_JSON_DEPTH_MAX);
    assert_int_equal(t[strlen(t) - 1], '.');
}


static unsigned
upto(unsigned n)
{
    return (unsigned) lrand48() % n;
}


static void
put(made_t *m, const char *text, char token)
{
    size_t  n = strlen(text);

    if (m->len + n > sizeof(m->text) || m->ntokens == sizeof(m->tokens)) {
        return;
    }

    memcpy(m->text + m->len, text, n);
    m->len += n;

    if (token) {
        m->tokens[m->ntokens++] = token;
    }
}


static void
put_space(made_t *m)
{
    static const char *const  spaces[] = { "", "", "", " ", "\n", "\t \r" };

    put(m, spaces[upto(number_of(spaces))], 0);
}


static void
put_string(made_t *m, char token)
{
    unsigned  i;

    static const char *const  parts[] = {
        "a", "Z", " ", "{", "]", ",", "\\\"", "\\\\", "\\u00e9", "\\n",
        "\\ud83d\\ude00", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"
    };

    put(m, "\"", 0);

    for (i = upto(6); i; i--) {
        put(m, parts[upto(number_of(parts))], 0);
    }

    put(m, "\"", token);
}


static void
put_value(made_t *m, unsigned depth)
{
    unsigned  i, n, kind;

    static const char *const  numbers[] = {
        "0", "-1", "12.50", "1e9", "0.001", "-9E-2", "9223372036854775807"
    };

    kind = upto(depth ? 8 : 5);
    put_space(m);

    if (kind == 0) {
        put_string(m, 'S');
    } else if (kind == 1) {
        put(m, numbers[upto(number_of(numbers))], '0');
    } else if (kind < 5) {
        put(m, kind == 2 ? "true" : kind == 3 ? "false" : "null",
            "tfz"[kind - 2]);
    } else {
        n = upto(5);
        put(m, kind == 5 ? "[" : "{", kind == 5 ? '[' : '{');

        for (i = 0; i < n; i++) {
            put(m, i ? "," : "", 0);
            put_space(m);

            if (kind != 5) {
                put_string(m, 'n');
                put_space(m);
                put(m, ":", 0);
            }

            put_value(m, depth - 1);
        }

        put_space(m);
        put(m, kind == 5 ? "]" : "}", kind == 5 ? ']' : '}');
    }

    put_space(m);
}


/* The second recogniser: where a value ends, or NULL. */

static const unsigned char *naive_value(const unsigned char *p,
    const unsigned char *end);


static const unsigned char *
naive_space(const unsigned char *p, const unsigned char *end)
{
    while (p && p < end && strchr(" \t\r\n", *p) && *p) {
        p++;
    }

    return p;
}


static int
naive_hex(const unsigned char *p, const unsigned char *end, unsigned *c)
{
    char  digits[5] = "";

    if (end - p < 4) {
        return 0;
    }

    memcpy(digits, p, 4);
    *c = (unsigned) strtoul(digits, NULL, 16);

    return strspn(digits, "0123456789abcdefABCDEF") == 4;
}


static const unsigned char *
naive_char(const unsigned char *p, const unsigned char *end)
{
    int       n, i;
    unsigned  c, d;

    if (*p == '\\') {
        if (end - p < 2 || p[1] == 0) {
            return NULL;
        }

        if (p[1] != 'u') {
            return strchr("\"\\/bfnrt", p[1]) ? p + 2 : NULL;
        }

        if (!naive_hex(p + 2, end, &c) || (c >= 0xdc00 && c <= 0xdfff)) {
            return NULL;
        }

        if (c < 0xd800 || c > 0xdfff) {
            return p + 6;
        }

        return end - p >= 12 && p[6] == '\\' && p[7] == 'u'
               && naive_hex(p + 8, end, &d) && d >= 0xdc00 && d <= 0xdfff
               ? p + 12 : NULL;
    }

    if (*p < 0x20) {
        return NULL;
    }

    n = *p < 0x80 ? 1 : *p < 0xc0 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3
        : *p < 0xf8 ? 4 : 0;

    if (n == 0 || end - p < n) {
        return NULL;
    }

    c = n == 1 ? *p : *p & (0x7fu >> n);

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return NULL;
        }

        c = c << 6 | (p[i] & 0x3f);
    }

    d = n == 4 ? 0x10000 : n == 3 ? 0x800 : n == 2 ? 0x80 : 0;

    return c < d || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? NULL
                                                                 : p + n;
}


static const unsigned char *
naive_string(const unsigned char *p, const unsigned char *end)
{
    if (p == end || *p++ != '"') {
        return NULL;
    }

    while (p && p < end && *p != '"') {
        p = naive_char(p, end);
    }

    return p && p < end ? p + 1 : NULL;
}


static const unsigned char *
naive_number(const unsigned char *p, const unsigned char *end)
{
    char    text[5000], *t = text;
    size_t  n, d;

    n = (size_t) (end - p);
    n = n < sizeof(text) - 1 ? n : sizeof(text) - 1;
    memcpy(text, p, n);
    text[n] = '\0';

    t += *t == '-';
    d = strspn(t, "0123456789");

    if (d == 0 || (*t == '0' && d > 1)) {
        return NULL;
    }

    t += d;

    if (*t == '.') {
        d = strspn(t + 1, "0123456789");

        if (d == 0) {
            return NULL;
        }

        t += d + 1;
    }

    if (*t == 'e' || *t == 'E') {
        t += t[1] == '+' || t[1] == '-' ? 2 : 1;
        d = strspn(t, "0123456789");

        if (d == 0) {
            return NULL;
        }

        t += d;
    }

    return p + (t - text);
}


static const unsigned char *
naive_group(const unsigned char *p, const unsigned char *end)
{
    int  object = *p++ == '{';
    int  close = object ? '}' : ']';

    p = naive_space(p, end);

    if (p < end && *p == close) {
        return p + 1;
    }

    for ( ;; ) {
        if (object) {
            p = naive_space(naive_string(naive_space(p, end), end), end);

            if (p == NULL || p == end || *p++ != ':') {
                return NULL;
            }
        }

        p = naive_space(naive_value(p, end), end);

        if (p == NULL || p == end) {
            return NULL;
        }

        if (*p == close) {
            return p + 1;
        }

        if (*p++ != ',') {
            return NULL;
        }
    }
}


static const unsigned char *
naive_value(const unsigned char *p, const unsigned char *end)
{
    size_t  i, n;

    static const char *const  words[] = { "true", "false", "null" };

    p = naive_space(p, end);

    if (p == end) {
        return NULL;
    }

    if (*p == '{' || *p == '[') {
        return naive_group(p, end);
    }

    if (*p == '"') {
        return naive_string(p, end);
    }

    for (i = 0; i < number_of(words); i++) {
        n = strlen(words[i]);

        if ((size_t) (end - p) >= n && memcmp(p, words[i], n) == 0) {
            return p + n;
        }
    }

    return naive_number(p, end);
}


static void
test_random(void **state)
{
    size_t                at;
    unsigned              i, k, right;
    const char           *t;
    const unsigned char  *end;
    static made_t         m;

    static const char  bytes[] = "\"\\{}[]:,0-9.eEtfnu \xc3\xa9\x80\xed\x01";

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);
    right = 0;

    for (i = 0; i < ROUNDS; i++) {
        m.len = m.ntokens = 0;
        put_value(&m, upto(DEPTH));

        if (m.len > sizeof(m.text) - 64) {
            continue;
        }

        t = told(m.text, m.len, DEPTH);
        assert_int_equal(strlen(t), m.ntokens + 1);
        assert_memory_equal(t, m.tokens, m.ntokens);
        assert_int_equal(t[m.ntokens], '.');

        for (k = upto(3) + 1; k; k--) {
            at = upto((unsigned) m.len);
            m.text[at] = (unsigned char) bytes[upto(sizeof(bytes))];
        }

        if (upto(4) == 0) {
            m.len = upto((unsigned) m.len) + 1;
        }

        /* damage may nest more deeply than what was made */

        end = naive_space(naive_value(m.text, m.text + m.len),
                          m.text + m.len);
        t = told(m.text, m.len, PGUARD_JSON_DEPTH_MAX);
        assert_int_equal(end == m.text + m.len, t[strlen(t) - 1] == '.');
        right += end == m.text + m.len;
    }

    /* both ways were taken */

    assert_in_range(right, ROUNDS / 100, ROUNDS * 9 / 10);
}


static void
test_slices(void **state)
{
    pguard_json_t  json;

    static const char  text[] = "{\"na\\u006de\": -1.50e3, \"b\":\"x\"}";

    (void) state;

    pguard_json_init(&json, str(text), 1);

    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_OBJECT);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_NAME);
    assert_int_equal(json.escaped, 1);
    assert_true(pguard_json_same(json.text, "name"));
    assert_false(pguard_json_same(json.text, "nam"));
    assert_false(pguard_json_same(json.text, "names"));
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_NUMBER);
    assert_int_equal(json.text.len, 7);
    assert_memory_equal(json.text.data, "-1.50e3", 7);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_NAME);
    assert_int_equal(json.escaped, 0);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_STRING);
    assert_ptr_equal(json.text.data, text + 28);
    assert_int_equal(json.text.len, 1);
}


static void
test_skip(void **state)
{
    pguard_json_t  json;

    (void) state;

    pguard_json_init(&json, str("{\"a\":[1,{\"b\":[]}],\"c\":2,\"d\":{}}"), 8);

    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_OBJECT);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_NAME);
    assert_int_equal(pguard_json_skip(&json, PGUARD_JSON_NAME), 0);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_NAME);
    assert_true(pguard_json_same(json.text, "c"));
    assert_int_equal(pguard_json_skip(&json, PGUARD_JSON_NAME), 0);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_NAME);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_OBJECT);
    assert_int_equal(pguard_json_skip(&json, PGUARD_JSON_OBJECT), 0);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_OBJECT_END);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_END);

    pguard_json_init(&json, str("[1,[2"), 8);
    assert_int_equal(pguard_json_next(&json), PGUARD_JSON_ARRAY);
    assert_int_equal(pguard_json_skip(&json, PGUARD_JSON_ARRAY), -1);
}


static void
test_unescape(void **state)
{
    size_t         i, size;
    char           buf[64], whole[64];
    pguard_str_t   s;

    static const char *const  cases[][2] = {
        { "", "" }, { "plain", "plain" }, { "\\\"\\\\\\/", "\"\\/" },
        { "\\b\\f\\n\\r\\t", "\b\f\n\r\t" }, { "\\u0041\\u00e9", "A\xc3\xa9" },
        { "\\u20ac", "\xe2\x82\xac" }, { "\\ud83d\\uDE00", "\xf0\x9f\x98\x80" },
        { "\\uFFFF", "\xef\xbf\xbf" }, { "\\udbff\\udfff",
                                         "\xf4\x8f\xbf\xbf" },
        { "\xc3\xa9", "\xc3\xa9" }
    };

    (void) state;

    for (i = 0; i < number_of(cases); i++) {
        s = str(cases[i][0]);

        assert_int_equal(pguard_json_unescape(s, whole, sizeof(whole)),
                         strlen(cases[i][1]));
        assert_memory_equal(whole, cases[i][1], strlen(cases[i][1]));
        assert_true(pguard_json_same(s, cases[i][1]));
        assert_int_equal(pguard_json_unescape(s, NULL, 0),
                         strlen(cases[i][1]));

        for (size = 0; size < strlen(cases[i][1]); size++) {
            memset(buf, '#', sizeof(buf));
            assert_int_equal(pguard_json_unescape(s, buf, size),
                             strlen(cases[i][1]));
            assert_int_equal(buf[size], '#');
        }
    }

    assert_int_equal(pguard_json_unescape(str("\\u0000"), buf, 1), 1);
    assert_int_equal(buf[0], 0);
}


static void
test_int(void **state)
{
    size_t   i;
    int64_t  n;

    static const char *const  bad[] = {
        "1.0", "1e3", "9223372036854775808", "-9223372036854775809", "",
        "-", "99999999999999999999999999"
    };

    static const struct {
        const char  *text;
        int64_t      n;
    } good[] = {
        { "0", 0 }, { "-0", 0 }, { "17", 17 }, { "-17", -17 },
        { "9223372036854775807", INT64_MAX },
        { "-9223372036854775808", INT64_MIN }
    };

    (void) state;

    for (i = 0; i < number_of(good); i++) {
        assert_int_equal(pguard_json_int(str(good[i].text), &n), 0);
        assert_true(n == good[i].n);
    }

    for (i = 0; i < number_of(bad); i++) {
        n = 42;
        assert_int_equal(pguard_json_int(str(bad[i]), &n), -1);
        assert_int_equal(n, 42);
    }
}


static void
test_decimal(void **state)
{
    size_t   i;
    int64_t  n;

    static const struct {
        const char  *text;
        unsigned     places;
        int          rc;
        int64_t      n;
    } cases[] = {
        { "1.5", 3, 0, 1500 }, { "1763777053.127", 3, 0, 1763777053127 },
        { "-0.001", 3, 0, -1 }, { "0.0010", 3, 0, 1 }, { "7", 2, 0, 700 },
        { "0.0011", 3, -1, 42 }, { "1e3", 3, -1, 42 }, { "99.9", 0, -1, 42 },
        { "99.0", 0, 0, 99 }, { "9223372036854775.807", 3, 0, INT64_MAX },
        { "9223372036854775.808", 3, -1, 42 },
        { "-9223372036854775.808", 3, 0, INT64_MIN },
        { "9223372036854776", 3, -1, 42 }, { "1", 18, 0, 1000000000000000000 },
        { "10", 18, -1, 42 }
    };

    (void) state;

    for (i = 0; i < number_of(cases); i++) {
        n = 42;
        assert_int_equal(pguard_json_decimal(str(cases[i].text),
                                             cases[i].places, &n),
                         cases[i].rc);
        assert_true(n == cases[i].n);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_int),
        cmocka_unit_test(test_decimal)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
