/*
 * Includes of a configuration: found as nginx finds them, and nowhere else.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_include.h"


/* All of them, with a bar after each. */

static void
includes(const char *text, char *list)
{
    size_t         pos = 0, len;
    pguard_str_t   s = { strlen(text), (const unsigned char *) text };
    unsigned char  arg[32];

    *list = '\0';

    while (pguard_include_next(s, &pos, arg, sizeof(arg), &len)) {
        strncat(list, (char *) arg, len);
        strcat(list, "|");
    }

    assert_int_equal(pos, s.len);
}


static void
test_found(void **state)
{
    size_t  i;
    char    list[256];

    static const struct { const char *text, *list; }  rows[] = {
        { "", "" },
        { "include a;", "a|" },
        { "include a", "a|" },
        { "include;", "" },
        { "events {}\nhttp { include\tmime.types ;include b/*.conf;}",
          "mime.types|b/*.conf|" },
        { "include \"with space\"; include 'one'; include \"q\\\"q\";",
          "with space|one|q\"q|" },
        { "# include no;\ninclude yes; # include no\n#include no", "yes|" },
        { "a include b;", "" },
        { "a \"; include no;\" 'x{include no;}';include yes;", "yes|" },
        { "log_format f '{\"a\":\"$b\"}' ';'; include c#d;", "c#d|" },
        { "return 200 \"\\\"; include no;\"; include d;", "d|" },
        { "server{include a;location / {include b;}}include c;", "a|b|c|" },
        { "includes a; xinclude b; include \"\"; include e;", "|e|" },
        { "include 0123456789012345678901234567890123; include f;", "f|" },
        { "a ${b} c; include g;", "g|" },
        { "include \"not ended", "not ended|" },
        { "}}}; include h;", "h|" }
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        includes(rows[i].text, list);
        assert_string_equal(list, rows[i].list);
    }
}


/* Any bytes: it ends, and never beyond them. */

static void
test_anything(void **state)
{
    char        *text, list[65536];
    size_t       len, i;
    unsigned     round;
    const char  *bytes = "include \t\n\"'\\#;{}$ab";

    (void) state;

    srand48(1);

    for (round = 0; round < 20000; round++) {
        len = (size_t) (lrand48() % 60);
        text = malloc(len + 1);
        assert_non_null(text);

        for (i = 0; i < len; i++) {
            text[i] = bytes[(size_t) lrand48() % strlen(bytes)];
        }

        text[len] = '\0';
        includes(text, list);
        free(text);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_anything)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
