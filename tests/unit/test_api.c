/*
 * The parts of the API that know no nginx: paths, bodies, problems, the writer.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_json.h"
#include "pguard_members.h"
#include "pguard_problem.h"
#include "pguard_route.h"
#include "pguard_writer.h"


#define number_of(a)  (sizeof(a) / sizeof((a)[0]))


static pguard_str_t
str(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


/* The segments, each in brackets; "-" if there are too many. */

static const char *
split(const char *raw, const char *path, size_t skip)
{
    unsigned        i;
    pguard_route_t  route;

    static char  text[512];

    text[0] = '\0';

    if (pguard_route_split(&route, str(raw), str(path), skip) != 0) {
        return "-";
    }

    for (i = 0; i < route.count; i++) {
        sprintf(text + strlen(text), "[%.*s]", (int) route.segment[i].len,
                (const char *) route.segment[i].data);
    }

    return text;
}


static void
test_split(void **state)
{
    (void) state;

    assert_string_equal(split("/s/", "/s/", 3), "");
    assert_string_equal(split("/s", "/s", 2), "");
    assert_string_equal(split("/s/", "/s/", 2), "");
    assert_string_equal(split("/s/api/1", "/s/api/1", 3), "[api][1]");
    assert_string_equal(split("/s/api/1", "/s/api/1", 2), "[api][1]");
    assert_string_equal(split("/s/api/1/", "/s/api/1/", 2), "[api][1][]");
    assert_string_equal(split("", "", 0), "");
    assert_string_equal(split("/s", "/s", 99), "");

    /* a slash in a name is one if it came encoded */

    assert_string_equal(split("/s/a%2Fb/c", "/s/a/b/c", 3), "[a/b][c]");
    assert_string_equal(split("/s/a%2fb%2Fc", "/s/a/b/c", 3), "[a/b/c]");
    assert_string_equal(split("/%73/%61/b", "/s/a/b", 3), "[a][b]");
    assert_string_equal(split("/s/%2Fa", "/s//a", 3), "[a]");

    /* a raw path that is not this one, or whose escapes are cut off */

    assert_string_equal(split("/x/../s/a%2Fb", "/s/a/b", 3), "[a][b]");
    assert_string_equal(split("/s//a%2Fb", "/s/a/b", 3), "[a][b]");
    assert_string_equal(split("/s/a%2", "/s/a%2", 3), "[a%2]");
    assert_string_equal(split("/s/a%zz", "/s/a%zz", 3), "[a%zz]");
    assert_string_equal(split("/s/%2541/b", "/s/%41/b", 3), "[%41][b]");
    assert_string_equal(split("/other", "/s/%41/b", 3), "[%41][b]");

    assert_string_equal(split("1/2/3/4/5/6/7/8", "1/2/3/4/5/6/7/8", 0),
                        "[1][2][3][4][5][6][7][8]");
    assert_string_equal(split("1/2/3/4/5/6/7/8/9", "1/2/3/4/5/6/7/8/9", 0),
                        "-");
}


/* Does path match?  What the stars are, in brackets; "no" if not. */

static const char *
match(const char *pattern, const char *path)
{
    size_t          i, n;
    pguard_str_t    star[PGUARD_ROUTE_SEGMENTS];
    pguard_route_t  route;

    static char  text[512];

    assert_int_equal(pguard_route_split(&route, str(path), str(path), 0), 0);

    if (!pguard_route_match(&route, pattern, star)) {
        return "no";
    }

    text[0] = '\0';

    for (i = 0, n = 0; pattern[i]; i++) {
        if (pattern[i] == '*') {
            sprintf(text + strlen(text), "[%.*s]", (int) star[n].len,
                    (const char *) star[n].data);
            n++;
        }
    }

    return text;
}


static void
test_match(void **state)
{
    (void) state;

    assert_string_equal(match("", ""), "");
    assert_string_equal(match("", "a"), "no");
    assert_string_equal(match("a", ""), "no");
    assert_string_equal(match("a/b", "a/b"), "");
    assert_string_equal(match("a/b", "a/b/"), "no");
    assert_string_equal(match("a/b", "a/bc"), "no");
    assert_string_equal(match("a/b", "a"), "no");
    assert_string_equal(match("a/b", "a/b/c"), "no");
    assert_string_equal(match("a/*", "a/x"), "[x]");
    assert_string_equal(match("a/*", "a/*"), "[*]");
    assert_string_equal(match("a/*", "a/"), "no");
    assert_string_equal(match("a/*", "a"), "no");
    assert_string_equal(match("a/*", "a/x/y"), "no");
    assert_string_equal(match("a/*/o/*", "a/x/o/y"), "[x][y]");
    assert_string_equal(match("a/*/o/*", "a/x/p/y"), "no");
    assert_string_equal(match("a/*/o", "a/x/o"), "[x]");
}


static const pguard_member_t  members[] = {
    { "who", PGUARD_MEMBER_STRING, 8 },
    { "seconds", PGUARD_MEMBER_NUMBER, 0 },
    { "dry", PGUARD_MEMBER_FLAG, 0 },
    { NULL, 0, 0 }
};

static pguard_value_t    value[3];
static pguard_str_t      what;
static unsigned char    *scratch;


/* Reads a copy without a byte to spare, into scratch without one, too. */

static pguard_members_e
read_body(const void *text, size_t len)
{
    pguard_str_t      body;
    unsigned char    *copy;
    pguard_members_e  rc;

    static unsigned char  *kept;

    free(scratch);
    free(kept);

    copy = malloc(len ? len : 1);
    scratch = malloc(len ? len : 1);
    assert_non_null(copy);
    assert_non_null(scratch);

    kept = copy;
    memcpy(copy, text, len);
    body.data = copy;
    body.len = len;

    rc = pguard_members_read(body, members, value, scratch, PGUARD_LANG_FR,
                             &what);

    return rc;
}


static pguard_members_e
read_text(const char *text)
{
    return read_body(text, strlen(text));
}


static void
is(pguard_str_t s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.data, text, s.len);
}


static void
test_members(void **state)
{
    unsigned  i;

    static const char  *empty[] = { "", " ", "\r\n\t ", "{}", " { } " };

    (void) state;

    for (i = 0; i < number_of(empty); i++) {
        assert_int_equal(read_text(empty[i]), PGUARD_MEMBERS_OK);
        assert_false(value[0].given || value[1].given || value[2].given);
    }

    assert_int_equal(read_text("{\"seconds\":-17,\"who\":\"a\\u00e9\\n\","
                               "\"dry\":true}"),
                     PGUARD_MEMBERS_OK);
    assert_true(value[0].given && value[1].given && value[2].given);
    is(value[0].str, "a\xc3\xa9\n");
    assert_int_equal(value[1].num, -17);
    assert_int_equal(value[2].num, 1);

    assert_int_equal(read_text("{\"dry\":false,\"w\\u0068o\":\"12345678\"}"),
                     PGUARD_MEMBERS_OK);
    assert_true(value[2].given);
    assert_int_equal(value[2].num, 0);
    is(value[0].str, "12345678");

    assert_int_equal(read_text("{\"who\":null,\"seconds\":null}"),
                     PGUARD_MEMBERS_OK);
    assert_false(value[0].given || value[1].given);
}


static void
test_members_wrong(void **state)
{
    unsigned  i;

    static const struct {
        const char        *body;
        pguard_members_e   rc;
        const char        *what;
    } wrong[] = {
        { "[]", PGUARD_MEMBERS_OBJECT, NULL },
        { "1", PGUARD_MEMBERS_OBJECT, NULL },
        { "\"who\"", PGUARD_MEMBERS_OBJECT, NULL },
        { "null", PGUARD_MEMBERS_OBJECT, NULL },
        { "{", PGUARD_MEMBERS_SYNTAX, NULL },
        { "who=x", PGUARD_MEMBERS_SYNTAX, NULL },
        { "{\"who\"}", PGUARD_MEMBERS_SYNTAX, NULL },
        { "{\"who\":}", PGUARD_MEMBERS_SYNTAX, NULL },
        { "{\"who\":\"x\",}", PGUARD_MEMBERS_SYNTAX, NULL },
        { "{\"who\":\"x\"} {}", PGUARD_MEMBERS_SYNTAX, NULL },
        { "{\"who\":\"\xff\"}", PGUARD_MEMBERS_SYNTAX, NULL },
        { "{\"wh\":\"x\"}", PGUARD_MEMBERS_UNKNOWN, "wh" },
        { "{\"\":1}", PGUARD_MEMBERS_UNKNOWN, "" },
        { "{\"<b>\\u0041\":{\"a\":[1]}}", PGUARD_MEMBERS_UNKNOWN, "<b>A" },
        { "{\"who\":\"x\",\"who\":\"x\"}", PGUARD_MEMBERS_TWICE, "who" },
        { "{\"who\":null,\"w\\u0068o\":\"x\"}", PGUARD_MEMBERS_TWICE, "who" },
        { "{\"who\":1}", PGUARD_MEMBERS_TYPE, "who" },
        { "{\"who\":{}}", PGUARD_MEMBERS_TYPE, "who" },
        { "{\"who\":[\"x\"]}", PGUARD_MEMBERS_TYPE, "who" },
        { "{\"who\":true}", PGUARD_MEMBERS_TYPE, "who" },
        { "{\"seconds\":\"1\"}", PGUARD_MEMBERS_TYPE, "seconds" },
        { "{\"seconds\":1.5}", PGUARD_MEMBERS_TYPE, "seconds" },
        { "{\"seconds\":1e3}", PGUARD_MEMBERS_TYPE, "seconds" },
        { "{\"seconds\":9223372036854775808}", PGUARD_MEMBERS_TYPE,
          "seconds" },
        { "{\"dry\":1}", PGUARD_MEMBERS_TYPE, "dry" },
        { "{\"who\":\"123456789\"}", PGUARD_MEMBERS_LONG, "who" }
    };

    (void) state;

    for (i = 0; i < number_of(wrong); i++) {
        assert_int_equal(read_text(wrong[i].body), wrong[i].rc);

        if (wrong[i].what) {
            is(what, wrong[i].what);
        } else if (wrong[i].rc == PGUARD_MEMBERS_SYNTAX) {
            assert_true(what.len > 0);
        }
    }

    (void) read_text("{\"who\":}");
    is(what, "il manque une valeur");
}


/* Whatever the bytes are, it ends and stays within them. */

static void
test_members_damaged(void **state)
{
    char      body[] = "{\"who\":\"a\\u00e9\",\"seconds\":12,\"dry\":true}";
    unsigned  i, j;
    char      was;

    (void) state;

    for (i = 0; i < sizeof(body) - 1; i++) {
        (void) read_body(body, i);

        for (j = 0; j < 256; j++) {
            was = body[i];
            body[i] = (char) j;
            (void) read_text(body);
            body[i] = was;
        }
    }

    assert_int_equal(read_text(body), PGUARD_MEMBERS_OK);
}


/* What the log of outages says is known here. */

static void
test_problems_by_code(void **state)
{
    unsigned  i;

    static const char *const  codes[] = {
        "unknown_outage", "outage_withdrawn", "outage_restored",
        "outage_no_end", "outage_who", "outage_confirmer", "outage_cause",
        "outage_no_start", "outage_future", "outage_order", "outage_confirmed",
        "outage_full"
    };

    (void) state;

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        assert_int_equal(pguard_problem_find(codes[i]),
                         PGUARD_PROBLEM_OUTAGE_UNKNOWN + i);
    }

    assert_int_equal(pguard_problem_find("outage"), PGUARD_PROBLEM_MEMORY);
}


static void
test_problems(void **state)
{
    int                      depth;
    char                     buf[2048], name[1024];
    unsigned                 lang, problem;
    pguard_out_t             out;
    pguard_str_t             text;
    pguard_json_t            json;
    pguard_json_e            token;

    (void) state;

    memset(name, '<', sizeof(name));
    memcpy(name + PGUARD_PROBLEM_NAME_MAX - 1, "\xc3\xa9\"", 3);

    for (problem = 1; problem < PGUARD_PROBLEMS; problem++) {
        for (lang = 0; lang < PGUARD_LANGS; lang++) {

            pguard_out_init(&out, buf, sizeof(buf));
            pguard_problem_out(&out, problem,
                               (pguard_str_t) { sizeof(name),
                                                (unsigned char *) name },
                               lang);
            assert_true(out.need < sizeof(buf));
            buf[out.need] = '\0';

            /* cut, and not within a character */

            assert_null(strstr(buf, "\xef\xbf\xbd"));
            assert_null(strstr(buf, "%"));
            assert_null(strstr(buf, "\"title\":\"Error\""));
            assert_true(pguard_problem_status(problem) >= 400);

            /* French has its own apostrophes, and spaces that do not break */

            if (lang == PGUARD_LANG_FR) {
                buf[out.need] = '\0';
                assert_null(strpbrk(buf, "'"));
                assert_null(strstr(buf, " :"));
                assert_null(strstr(buf, " ;"));
                assert_null(strstr(buf, "« "));
                assert_null(strstr(buf, " »"));
            }

            text.data = (unsigned char *) buf;
            text.len = out.need;
            pguard_json_init(&json, text, 1);
            depth = 0;

            while ((token = pguard_json_next(&json)) > PGUARD_JSON_END) {
                depth += (token == PGUARD_JSON_NAME);
            }

            assert_int_equal(token, PGUARD_JSON_END);
            assert_int_equal(depth, 5);
        }
    }

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_problem_out(&out, PGUARD_PROBLEM_ZONE, str("x\"y"), PGUARD_LANG_EN);
    buf[out.need] = '\0';
    assert_string_equal(buf,
        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
        "\"detail\":\"There is no zone \\\"x\\\"y\\\".\","
        "\"code\":\"unknown_zone\"}\n");
}


static void
test_writer(void **state)
{
    char             buf[512];
    pguard_out_t     out;
    pguard_writer_t  w;

    (void) state;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_writer_init(&w, &out);

    pguard_writer_open(&w, NULL, '{');
    pguard_writer_uint(&w, "n", 17);
    pguard_writer_open(&w, "a", '[');
    pguard_writer_close(&w, ']');
    pguard_writer_open(&w, "b", '[');
    pguard_writer_text(&w, NULL, "\"");
    pguard_writer_open(&w, NULL, '{');
    pguard_writer_close(&w, '}');
    pguard_writer_null(&w, NULL);
    pguard_writer_close(&w, ']');
    pguard_writer_flag(&w, "t", 2);
    pguard_writer_flag(&w, "f", 0);
    pguard_writer_hex(&w, "h", "\x0f\xa0", 2);
    pguard_writer_utc(&w, "u", 1500);
    pguard_writer_str(&w, "s", str("<\n>"));
    pguard_writer_close(&w, '}');

    buf[out.need] = '\0';
    assert_string_equal(buf,
        "{\"n\":17,\"a\":[],\"b\":[\"\\\"\",{},null],\"t\":true,\"f\":false,"
        "\"h\":\"0fa0\",\"u\":\"1970-01-01T00:00:01.500Z\",\"s\":\"<\\n>\"}");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_members_wrong),
        cmocka_unit_test(test_members_damaged),
        cmocka_unit_test(test_problems_by_code),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_writer)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
