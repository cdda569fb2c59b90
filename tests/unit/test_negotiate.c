/*
 * pguard_negotiate: what clients send, and what none should.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pguard_negotiate.h"


#define LINES_MAX  4

typedef struct {
    const char  *line[LINES_MAX];      /* up to a NULL */
    int          choice;
} row_t;

typedef int (*choose_pt)(const pguard_str_t *lines, size_t n);


static int
lang(const pguard_str_t *lines, size_t n)
{
    return pguard_negotiate_lang(lines, n);
}


static int
body(const pguard_str_t *lines, size_t n)
{
    return pguard_negotiate_body(lines, n);
}


static int
format(const pguard_str_t *lines, size_t n)
{
    return pguard_negotiate_format(lines, n);
}


/* Each line in memory of its own size, for a sanitizer to watch its end. */

static void
check(choose_pt choose, const row_t *rows, size_t nrows)
{
    int             choice;
    size_t          i, n;
    pguard_str_t    lines[LINES_MAX];
    unsigned char  *copy[LINES_MAX];

    for (i = 0; i < nrows; i++) {
        for (n = 0; n < LINES_MAX && rows[i].line[n]; n++) {
            lines[n].len = strlen(rows[i].line[n]);
            copy[n] = malloc(lines[n].len ? lines[n].len : 1);
            memcpy(copy[n], rows[i].line[n], lines[n].len);
            lines[n].data = copy[n];
        }

        choice = choose(lines, n);

        while (n) {
            free(copy[--n]);
        }

        if (choice != rows[i].choice) {
            fail_msg("row %zu \"%s\": %d", i, rows[i].line[0], choice);
        }
    }
}

#define CHECK(choose, rows)  check(choose, rows, sizeof(rows) / sizeof(row_t))

#define EN  PGUARD_LANG_EN
#define FR  PGUARD_LANG_FR

static void
test_lang(void **state)
{
    static const row_t  rows[] = {
        { { NULL }, EN },
        { { "" }, EN },
        { { "fr" }, FR },
        { { "FR" }, FR },
        { { "fr-CA" }, FR },
        { { "fr-Latn-CH-1996" }, FR },
        { { "fr_FR" }, FR },
        { { "frr" }, EN },
        { { "f" }, EN },
        { { "fra" }, EN },
        { { "en" }, EN },
        { { "de" }, EN },
        { { "de, *;q=0.5" }, EN },
        { { "*" }, EN },
        { { "fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7" }, FR },
        { { "en-US,en;q=0.5,fr;q=0.3" }, EN },
        { { "en-GB;q=0.5, fr;q=0.6" }, FR },
        { { "en;q=0.8, fr;q=0.801" }, FR },
        { { "fr, en" }, FR },
        { { "en, fr" }, EN },
        { { "fr;q=0.5, en;q=0.5" }, FR },
        { { "de;q=0.9, fr;q=0.2" }, FR },
        { { "*, fr;q=0.9" }, EN },
        { { "*;q=0.1, fr;q=0.9" }, FR },
        { { "fr, *" }, FR },
        { { "*, fr" }, FR },
        { { "en;q=0, *" }, FR },
        { { "fr;q=0, *" }, EN },
        { { "fr;q=0" }, EN },
        { { "en;q=0" }, EN },
        { { "en;q=0, fr;q=0" }, EN },
        { { "fr;q=0, en;q=0" }, EN },
        { { "fr;q=0.000" }, EN },
        { { "fr;q=0.001" }, FR },
        { { "fr;q=0.3, fr-CA;q=0.8, en;q=0.5" }, FR },

        /* several lines are one list */

        { { "en;q=0.5", "fr" }, FR },
        { { "en", "fr;q=0.5" }, EN },
        { { "", "", "fr" }, FR },

        /* malformed */

        { { "fr;q=" }, EN },
        { { "fr;q=x" }, EN },
        { { "fr;q=-1" }, EN },
        { { "fr;q=0.5x, en;q=0.1" }, EN },
        { { "fr;q=1.5, en" }, FR },
        { { "fr;q=99999999999999999999999999" }, FR },
        { { "en;q=0.50000000000000000000, fr;q=0.51" }, FR },
        { { "en;q=.5, fr;q=0.6" }, FR },
        { { "en;q=1., fr;q=0.9" }, EN },
        { { "fr;q=." }, EN },
        { { ",,, fr ,,," }, FR },
        { { ";q=1, fr" }, FR },
        { { ";;;;,fr;;;q=1;;" }, FR },
        { { "\tfr\t;\tQ = 0.7 , en ; q = 0.2" }, FR },
        { { "fr\"" }, EN },
        { { "\"en,fr" }, EN },
        { { "fr;x=\"" }, FR },
        { { "de;x=\"\\\",fr\", en;q=0.1" }, EN },
        { { "fr;x=\"\\" }, FR }
    };

    (void) state;

    CHECK(lang, rows);
}


#define JSON  PGUARD_BODY_JSON
#define HTML  PGUARD_BODY_HTML

static void
test_body(void **state)
{
    static const row_t  rows[] = {
        { { NULL }, JSON },
        { { "" }, JSON },
        { { "*/*" }, JSON },
        { { "*" }, JSON },
        { { "application/json" }, JSON },
        { { "application/problem+json" }, JSON },
        { { "application/json, text/plain, */*" }, JSON },
        { { "image/png" }, JSON },
        { { "text/html" }, HTML },
        { { "TEXT/HTML" }, HTML },
        { { "application/xhtml+xml" }, HTML },
        { { "text/*" }, HTML },
        { { "text/html;charset=utf-8" }, HTML },
        { { "text/html;q=0" }, JSON },
        { { "text/html, */*" }, JSON },
        { { "text/html, */*;q=0.9" }, HTML },
        { { "text/html, application/json" }, JSON },
        { { "text/html, application/json;q=0.9" }, HTML },
        { { "text/html;q=0.5, application/json;q=0.4" }, HTML },
        { { "text/html;q=0.5, application/problem+json;q=0.6" }, JSON },
        { { "text/html;q=0.9, application/*" }, JSON },
        { { "text/html, application/*;q=0.9" }, HTML },
        { { "application/*" }, JSON },
        { { "application/json;q=0, */*" }, JSON },
        { { "application/json;q=0, application/problem+json;q=0, */*" },
          HTML },
        { { "application/*;q=0, */*" }, HTML },
        { { "text/html;q=0.1, text/*;q=0.9, */*;q=0.5" }, JSON },
        { { "text/html,application/xhtml+xml,application/xml;q=0.9,"
            "image/avif,image/webp,image/apng,*/*;q=0.8,"
            "application/signed-exchange;v=b3;q=0.7" }, HTML },
        { { "text/html,application/xhtml+xml,application/xml;q=0.9,"
            "*/*;q=0.8" }, HTML },
        { { "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2" }, HTML },
        { { "application/json;q=0.5", "text/html" }, HTML },

        /* malformed */

        { { "text/htm" }, JSON },
        { { "text/html5" }, JSON },
        { { "text" }, JSON },
        { { "/" }, JSON },
        { { "/*" }, JSON },
        { { "t/*" }, JSON },
        { { "texts/*" }, JSON },
        { { "text/html/*" }, JSON },
        { { "text/html;q=abc" }, JSON },
        { { "text/html;x=\"a,application/json;q=1\"" }, HTML },
        { { "application/problem+json-and-a-very-long-name/*" }, JSON }
    };

    (void) state;

    CHECK(body, rows);
}


#define TEXT  PGUARD_FORMAT_TEXT
#define OPEN  PGUARD_FORMAT_OPENMETRICS

static void
test_format(void **state)
{
    static const row_t  rows[] = {
        { { NULL }, TEXT },
        { { "*/*" }, TEXT },
        { { "text/plain" }, TEXT },
        { { "text/html" }, TEXT },
        { { "application/openmetrics-text" }, OPEN },
        { { "application/openmetrics-text; version=1.0.0; charset=utf-8" },
          OPEN },
        { { "application/openmetrics-text; version=\"1.0.0\"" }, OPEN },
        { { "application/openmetrics-text; version=\"" }, TEXT },
        { { "application/openmetrics-text; version=2.0.0" }, TEXT },
        { { "application/openmetrics-text;q=0" }, TEXT },
        { { "application/openmetrics-text, text/plain" }, TEXT },
        { { "application/openmetrics-text, */*" }, TEXT },
        { { "application/openmetrics-text;q=0.4, text/plain;q=0.5" }, TEXT },
        { { "application/openmetrics-text;q=0.5, text/plain;q=0.4" }, OPEN },

        /* Prometheus 2.30, 2.42 and 3.0 */

        { { "application/openmetrics-text; version=0.0.1,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1" }, OPEN },
        { { "application/openmetrics-text;version=1.0.0,"
            "application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1" }, OPEN },
        { { "application/openmetrics-text;version=1.0.0;"
            "escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2" }, OPEN },
        { { "application/vnd.google.protobuf;"
            "proto=io.prometheus.client.MetricFamily;encoding=delimited,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2" }, TEXT }
    };

    (void) state;

    CHECK(format, rows);
}


/* What is beyond the limit is not read, in one line or in many. */

static void
test_bounded(void **state)
{
    size_t          i;
    pguard_str_t   *lines;
    unsigned char  *data;

    (void) state;

    data = malloc(PGUARD_NEGOTIATE_MAX + 3);
    memset(data, ',', PGUARD_NEGOTIATE_MAX + 3);
    memcpy(data + PGUARD_NEGOTIATE_MAX, ",fr", 3);

    lines = calloc(PGUARD_NEGOTIATE_MAX + 1, sizeof(pguard_str_t));
    lines[0].data = data;
    lines[0].len = PGUARD_NEGOTIATE_MAX + 3;
    assert_int_equal(pguard_negotiate_lang(lines, 1), EN);

    memcpy(data + PGUARD_NEGOTIATE_MAX - 3, ",fr", 3);
    assert_int_equal(pguard_negotiate_lang(lines, 1), FR);

    lines[0].len = 0;

    for (i = 0; i < PGUARD_NEGOTIATE_MAX; i++) {
        lines[i].len = 0;
        lines[i].data = NULL;
    }

    lines[PGUARD_NEGOTIATE_MAX].data = (const unsigned char *) "fr";
    lines[PGUARD_NEGOTIATE_MAX].len = 2;
    assert_int_equal(pguard_negotiate_lang(lines, PGUARD_NEGOTIATE_MAX + 1),
                     EN);
    assert_int_equal(pguard_negotiate_lang(lines + 9,
                                           PGUARD_NEGOTIATE_MAX - 8), FR);

    free(lines);
    free(data);
}


static void
test_hostile_bytes(void **state)
{
    size_t          i, round;
    uint64_t        seed;
    pguard_str_t    line;
    unsigned char  *data;

    static const char  bytes[] = "fren*/-;,=q.\"\\ \t01tex/html\0\xff";

    (void) state;

    seed = 7;

    for (round = 0; round < 20000; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        line.len = (seed >> 40) % 48;
        data = malloc(line.len ? line.len : 1);
        line.data = data;

        for (i = 0; i < line.len; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            data[i] = (unsigned char) bytes[(seed >> 33) % sizeof(bytes)];
        }

        assert_in_range(pguard_negotiate_lang(&line, 1), 0, 1);
        assert_in_range(pguard_negotiate_body(&line, 1), 0, 1);
        assert_in_range(pguard_negotiate_format(&line, 1), 0, 1);
        free(data);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_lang),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_hostile_bytes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
