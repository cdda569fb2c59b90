/*
 * pguard_form: what is in it is what would have been written, wherever the
 * holes are, however much there is in them, and whatever was before.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pguard_form.h"


/* Renders a text whose digits are holes for the cells of that number. */

static int
render(pguard_form_t *form, pguard_out_t *out, const char *text)
{
    pguard_form_begin(form, out);

    for ( /* void */ ; *text; text++) {
        if (*text >= '0' && *text <= '9') {
            pguard_form_hole(form, out, (unsigned) (*text - '0'));

        } else {
            pguard_out_byte(out, (unsigned char) *text);
        }
    }

    return pguard_form_end(form, out);
}


static pguard_str_t
str(const char *text)
{
    return (pguard_str_t) { strlen(text), (const unsigned char *) text };
}


static void
expect(const pguard_form_t *form, const char *text)
{
    assert_int_equal(form->len, strlen(text));
    assert_memory_equal(form->text, text, form->len);
}


/* Values for "a0b1c0d", and what they make of it. */

typedef struct {
    const char  *zero;
    const char  *one;
    const char  *text;
} row_t;

static const char  longest[] = "01234567890123456789012345678901";

static void
test_replaced(void **state)
{
    char           *buf;
    size_t          i, j, size;
    pguard_out_t    out;
    pguard_form_t   form;

    static const row_t  rows[] = {
        { "", "", "abcd" },
        { "x", "", "axbcxd" },
        { "", "y", "abycd" },
        { "y", "x", "aybxcyd" },
        { "four", "one", "afourbonecfourd" },
        { "one", longest, "aoneb01234567890123456789012345678901coned" },
        { longest, longest,
          "a01234567890123456789012345678901b01234567890123456789012345678901"
          "c01234567890123456789012345678901d" },
    };

    (void) state;

    assert_int_equal(strlen(longest), PGUARD_FORM_CELL);

    size = 4 + 3 * PGUARD_FORM_CELL;
    buf = malloc(size);

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {

            pguard_out_init(&out, buf, size);
            assert_true(render(&form, &out, "a0b1c0d"));
            expect(&form, "abcd");

            pguard_form_set(&form, 0, str(rows[i].zero));
            pguard_form_set(&form, 1, str(rows[i].one));
            expect(&form, rows[i].text);

            pguard_form_set(&form, 1, str(rows[j].one));
            pguard_form_set(&form, 0, str(rows[j].zero));
            expect(&form, rows[j].text);
        }
    }

    free(buf);
}


static void
test_edges(void **state)
{
    char            buf[320];
    size_t          i;
    pguard_out_t    out;
    pguard_form_t   form;

    static const struct {
        const char  *text;
        const char  *filled;
    } rows[] = {
        { "", "" },
        { "nothing", "nothing" },
        { "1", "one" },
        { "0", "" },
        { "2", "01234567890123456789012345678901" },
        { "3", "" },
        { "1-", "one-" },
        { "-1", "-one" },
        { "11", "oneone" },
        { "0000", "" },
        { "22", "01234567890123456789012345678901"
                "01234567890123456789012345678901" },
        { "1a1a1a1a", "oneaoneaoneaonea" },
        { "21012101", "01234567890123456789012345678901" "one" "one"
                      "01234567890123456789012345678901" "one" "one" }
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pguard_out_init(&out, buf, sizeof(buf));
        pguard_out_text(&out, "before");
        assert_true(render(&form, &out, rows[i].text));

        pguard_form_set(&form, 2, str(longest));
        pguard_form_set(&form, 1, str("one"));
        pguard_form_set(&form, 0, str(""));
        expect(&form, rows[i].filled);
        assert_memory_equal(buf, "before", 6);
    }
}


/* A buffer has to have room for the longest values. */

static void
test_no_room(void **state)
{
    char           *buf;
    size_t          size;
    pguard_out_t    out;
    pguard_form_t   form;

    (void) state;

    for (size = 1; size < 2 * PGUARD_FORM_CELL; size++) {
        buf = malloc(size);
        pguard_out_init(&out, buf, size);
        assert_int_equal(render(&form, &out, "abc0def"),
                         size >= 6 + PGUARD_FORM_CELL);
        free(buf);
    }

    size = 9 * PGUARD_FORM_CELL;
    buf = malloc(size);
    pguard_out_init(&out, buf, size);
    assert_true(render(&form, &out, "00000000"));
    pguard_out_init(&out, buf, size);
    assert_false(render(&form, &out, "000000000"));
    pguard_out_init(&out, buf, size);
    assert_false(render(&form, &out, "a000000000000000000000b"));
    free(buf);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_no_room)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
