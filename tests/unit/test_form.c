/*
 * pguard_form: what is filled is what would have been written, wherever the
 * holes are and however much there is in them.
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


/* Fills into memory of just the room that was told. */

static void
expect(const pguard_form_t *form, const pguard_form_cell_t *cells,
    const char *text)
{
    unsigned char  *buf, *end;

    buf = malloc(form->room + 1);
    assert_non_null(buf);

    end = pguard_form_fill(form, cells, buf);
    assert_true(end <= buf + form->room);
    *end = '\0';
    assert_string_equal((char *) buf, text);

    free(buf);
}


static void
test_edges(void **state)
{
    char                buf[64];
    size_t              i;
    pguard_out_t        out;
    pguard_form_t       form;
    pguard_form_cell_t  cells[3];

    static const struct {
        const char     *text;
        const char     *filled;
    } rows[] = {
        { "", "" },
        { "nothing", "nothing" },
        { "1", "one" },
        { "0", "" },
        { "2", "01234567890123456789012345678901" },
        { "1-", "one-" },
        { "-1", "-one" },
        { "11", "oneone" },
        { "0000", "" },
        { "2222", "01234567890123456789012345678901"
                  "01234567890123456789012345678901"
                  "01234567890123456789012345678901"
                  "01234567890123456789012345678901" },
        { "a1b0c2d", "aonebc01234567890123456789012345678901d" },
        { "1a1a1a1a", "oneaoneaoneaonea" },
        { "21012101", "01234567890123456789012345678901" "one" "one"
                      "01234567890123456789012345678901" "one" "one" }
    };

    (void) state;

    memset(cells, 0xff, sizeof(cells));
    cells[0].len = 0;
    memcpy(cells[1].text, "one", 3);
    cells[1].len = 3;
    memcpy(cells[2].text, "01234567890123456789012345678901", 32);
    cells[2].len = 32;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pguard_out_init(&out, buf, sizeof(buf));
        assert_true(render(&form, &out, rows[i].text));
        expect(&form, cells, rows[i].filled);
    }
}


/* Two in one buffer, one after the other, filled with other values. */

static void
test_two(void **state)
{
    char                buf[16];
    pguard_out_t        out;
    pguard_form_t       a, b;
    pguard_form_cell_t  cells[1];

    (void) state;

    memset(cells, 0, sizeof(cells));
    pguard_out_init(&out, buf, sizeof(buf));
    assert_true(render(&a, &out, "a=0;"));
    assert_true(render(&b, &out, "0=b"));

    cells[0].text[0] = 'x';
    cells[0].len = 1;
    expect(&a, cells, "a=x;");
    expect(&b, cells, "x=b");

    cells[0].text[1] = 'y';
    cells[0].len = 2;
    expect(&a, cells, "a=xy;");
    expect(&b, cells, "xy=b");
}


static void
test_no_room(void **state)
{
    char           *buf;
    size_t          size;
    pguard_out_t    out;
    pguard_form_t   form;

    (void) state;

    for (size = 1; size < 8; size++) {
        buf = malloc(size);
        pguard_out_init(&out, buf, size);
        assert_int_equal(render(&form, &out, "abc0def"), size >= 6);
        free(buf);
    }

    buf = malloc(8);
    pguard_out_init(&out, buf, 8);
    assert_true(render(&form, &out, "00000000"));
    pguard_out_init(&out, buf, 8);
    assert_false(render(&form, &out, "000000000"));
    pguard_out_init(&out, buf, 8);
    assert_false(render(&form, &out, "a000000000000000000000b"));
    free(buf);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_two),
        cmocka_unit_test(test_no_room)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
