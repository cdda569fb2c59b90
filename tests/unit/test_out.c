/*
 * pguard_out: what is written, what is counted, and what hostile bytes become.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pguard_out.h"


typedef void (*escape_pt)(pguard_out_t *out, pguard_str_t s);

typedef struct {
    escape_pt    escape;
    const char  *in;
    size_t       len;
    const char  *out;
} escape_case_t;

#define CASE(f, in, out)  { f, in, sizeof(in) - 1, out }
#define BAD               "\xef\xbf\xbd"


static uint64_t
next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}


static void
expect(pguard_out_t *out, const unsigned char *buf, const char *text)
{
    assert_int_equal(out->need, strlen(text));
    assert_int_equal(out->pos - buf, strlen(text));
    assert_memory_equal(buf, text, strlen(text));
}


static void
test_counts_without_a_buffer(void **state)
{
    pguard_out_t  out;
    pguard_str_t  empty = { 0, NULL };

    (void) state;

    pguard_out_init(&out, NULL, 0);
    pguard_out_bytes(&out, NULL, 0);
    pguard_out_str(&out, empty);
    pguard_out_json(&out, empty);
    pguard_out_hex(&out, NULL, 0);
    assert_int_equal(out.need, 0);

    pguard_out_text(&out, "abc");
    pguard_out_uint(&out, 1234);
    assert_int_equal(out.need, 7);
    assert_null(out.pos);
}


static void
everything(pguard_out_t *out)
{
    pguard_str_t  s = pguard_string("a\"b\\c\n<\xc3\xa9\xff\0z");

    pguard_out_text(out, "text");
    pguard_out_str(out, s);
    pguard_out_uint(out, UINT64_MAX);
    pguard_out_usec(out, 1234567);
    pguard_out_json(out, s);
    pguard_out_html(out, s);
    pguard_out_label(out, s);
    pguard_out_sf(out, s);
    pguard_out_hex(out, "\x00\xff\x1a", 3);
    pguard_out_byte(out, '\0');
    pguard_out_text(out, "end");
}


static void
test_any_size_holds_a_beginning(void **state)
{
    size_t          size;
    pguard_out_t    out;
    unsigned char   whole[512], *part;

    (void) state;

    pguard_out_init(&out, whole, sizeof(whole));
    everything(&out);
    assert_true(out.need <= sizeof(whole));
    assert_int_equal(out.pos - whole, out.need);

    for (size = 0; size <= (size_t) (out.pos - whole) + 2; size++) {
        pguard_out_t  o;

        part = malloc(size ? size : 1);
        pguard_out_init(&o, part, size);
        everything(&o);

        assert_int_equal(o.need, out.need);
        assert_int_equal(o.pos - part, size < out.need ? size : out.need);
        assert_memory_equal(part, whole, (size_t) (o.pos - part));
        free(part);
    }
}


static void
test_numbers(void **state)
{
    size_t         i;
    pguard_out_t   out;
    unsigned char  buf[64];

    static const struct {
        uint64_t     n;
        unsigned     places;           /* 0: whole */
        const char  *text;
    } cases[] = {
        { 0, 0, "0" },
        { 9, 0, "9" },
        { 10, 0, "10" },
        { 18446744073709551615u, 0, "18446744073709551615" },
        { 0, 6, "0.000000" },
        { 250, 6, "0.000250" },
        { 999999, 6, "0.999999" },
        { 1000000, 6, "1.000000" },
        { 18446744073709551615u, 6, "18446744073709.551615" },
        { 1, 3, "0.001" },
        { 1500, 3, "1.500" },
        { 5, 1, "0.5" },
        { 18446744073709551615u, 18, "18.446744073709551615" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pguard_out_init(&out, buf, sizeof(buf));

        if (cases[i].places) {
            pguard_out_decimal(&out, cases[i].n, cases[i].places);

        } else {
            pguard_out_uint(&out, cases[i].n);
        }

        expect(&out, buf, cases[i].text);
    }

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_out_usec(&out, 250);
    pguard_out_byte(&out, ' ');
    pguard_out_msec(&out, 61001);
    expect(&out, buf, "0.000250 61.001");
}


static void
test_hex(void **state)
{
    pguard_out_t   out;
    unsigned char  buf[16];

    (void) state;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_out_hex(&out, "\x00\x0f\xf0\xff\xa5", 5);
    expect(&out, buf, "000ff0ffa5");
}


static void
test_escapes(void **state)
{
    size_t          i;
    pguard_str_t    s;
    pguard_out_t    out;
    unsigned char   buf[256], *in;

    static const escape_case_t  cases[] = {
        CASE(pguard_out_json, "plain /text", "plain /text"),
        CASE(pguard_out_json, "\"\\\n\r\t", "\\\"\\\\\\n\\r\\t"),
        CASE(pguard_out_json, "a\0b\x1f\x7f", "a\\u0000b\\u001f\\u007f"),
        CASE(pguard_out_json, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
             "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
        CASE(pguard_out_json, "\xff", BAD),
        CASE(pguard_out_json, "\xc3", BAD),
        CASE(pguard_out_json, "\xc3\"", BAD "\\\""),
        CASE(pguard_out_json, "\xe2\x82", BAD BAD),
        CASE(pguard_out_json, "\x80x", BAD "x"),
        CASE(pguard_out_json, "\xc0\x80", BAD BAD),
        CASE(pguard_out_json, "\xc1\xbf", BAD BAD),
        CASE(pguard_out_json, "\xe0\x9f\xbf", BAD BAD BAD),
        CASE(pguard_out_json, "\xe0\xa0\x80", "\xe0\xa0\x80"),
        CASE(pguard_out_json, "\xed\x9f\xbf", "\xed\x9f\xbf"),
        CASE(pguard_out_json, "\xed\xa0\x80", BAD BAD BAD),
        CASE(pguard_out_json, "\xed\xbf\xbf", BAD BAD BAD),
        CASE(pguard_out_json, "\xee\x80\x80", "\xee\x80\x80"),
        CASE(pguard_out_json, "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD),
        CASE(pguard_out_json, "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"),
        CASE(pguard_out_json, "\xf4\x90\x80\x80", BAD BAD BAD BAD),
        CASE(pguard_out_json, "\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD),
        CASE(pguard_out_html, "<b a=\"1\" c='2'>&",
             "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;"),
        CASE(pguard_out_html, "a\0\x01\r\n\t\x7f",
             "a" BAD BAD BAD "\n\t" BAD),
        CASE(pguard_out_html, "\xc3\xa9\xff", "\xc3\xa9" BAD),
        CASE(pguard_out_label, "a\"b\\c\nd", "a\\\"b\\\\c\\nd"),
        CASE(pguard_out_label, "\0\r\xc3\xa9\xff",
             BAD BAD "\xc3\xa9" BAD),
        CASE(pguard_out_sf, "a\"b\\c d~", "a\\\"b\\\\c d~"),
        CASE(pguard_out_sf, "\0\r\n\x7f\xc3\xa9\xff", "??????"),
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        /* of its own size, for a sanitizer to see a byte read too far */

        in = malloc(cases[i].len);
        memcpy(in, cases[i].in, cases[i].len);
        s.data = in;
        s.len = cases[i].len;

        pguard_out_init(&out, buf, sizeof(buf));
        cases[i].escape(&out, s);
        expect(&out, buf, cases[i].out);
        free(in);
    }
}


/* No byte outside of what each format allows, whatever goes in. */

static void
test_hostile_bytes(void **state)
{
    size_t          i, j, round, len;
    uint64_t        seed;
    const char     *never;
    pguard_str_t    s;
    pguard_out_t    out, again;
    unsigned char  *in, buf[64 * 6], copy[sizeof(buf) * 2];

    static const struct {
        escape_pt    escape;
        const char  *never;
    } formats[] = {
        { pguard_out_json, "\n\r\t\x01\x1f\x7f" },
        { pguard_out_html, "<>\"'\r\x01\x1f\x7f" },
        { pguard_out_label, "\n\r\t\x01\x1f\x7f" },
        { pguard_out_sf, "\n\r\t\x01\x1f\x7f\x80\xc3\xff" }
    };

    (void) state;

    seed = 1;

    for (round = 0; round < 4000; round++) {
        len = next(&seed) % 64;
        in = malloc(len ? len : 1);

        for (i = 0; i < len; i++) {
            in[i] = (unsigned char) next(&seed);
        }

        s.data = in;
        s.len = len;

        for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
            pguard_out_init(&out, buf, sizeof(buf));
            formats[i].escape(&out, s);
            assert_true(out.need <= sizeof(buf));
            assert_null(memchr(buf, '\0', out.need));

            for (never = formats[i].never; *never; never++) {
                assert_null(memchr(buf, *never, out.need));
            }

            for (j = 0; j < out.need; j++) {
                assert_false(buf[j] == '"' && (j == 0 || buf[j - 1] != '\\'));
            }

            /* the result is UTF-8: a second pass finds nothing to replace */

            s.data = buf;
            s.len = out.need;
            pguard_out_init(&again, copy, sizeof(copy));
            pguard_out_label(&again, s);

            for (j = 0; j < s.len; j++) {
                again.need -= (buf[j] == '"' || buf[j] == '\\'
                               || buf[j] == '\n');
            }

            if (formats[i].escape != pguard_out_html) {
                assert_int_equal(again.need, out.need);
            }

            s.data = in;
            s.len = len;
        }

        free(in);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_counts_without_a_buffer),
        cmocka_unit_test(test_any_size_holds_a_beginning),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_hostile_bytes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
