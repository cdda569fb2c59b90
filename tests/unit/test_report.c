/*
 * The report: figures in three forms and two languages, well formed whatever
 * people wrote into it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "pguard_report.h"
#include "pguard_report_text.h"
#include "zone_file.h"


#define ROOM   300000
#define SLICE  60
#define NASTY  "<script>\"'&\xff\xc3=\\\n,"


static pguard_tz_t          zone;
static unsigned char        zone_bytes[200];
static unsigned char        bits[8192];
static pguard_outage_t      outage[3];
static pguard_figures_in_t  in;
static pguard_figures_t     f;
static pguard_report_t      r;
static char                 page[ROOM];


static pguard_str_t
text(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static void
make(const char *month, uint64_t day_of_now)
{
    pguard_month_span(&zone, pguard_month_parse(text(month)), &in.span);
    in.now = in.span.start + day_of_now * 86400;
    pguard_figures(&f, &in);
}


/* March 2024 in Paris: 12:00 to 12:10 on the 5th measured, an outage declared
   from 12:05 to 12:20, one open since the 20th, 11:00. */

static int
setup(void **state)
{
    unsigned  i;

    (void) state;

    assert_null(pguard_tz_open(&zone, zone_file_paris(zone_bytes)));
    memset(bits, 0, sizeof(bits));
    memset(outage, 0, sizeof(outage));
    memset(&in, 0, sizeof(in));
    memset(&r, 0, sizeof(r));

    for (i = 4 * 1440 + 720; i < 4 * 1440 + 730; i++) {
        bits[i / 8] |= (unsigned char) (1u << i % 8);
    }

    outage[0].id = 1;
    outage[0].start = outage[0].last.notified = 1709636700;
    outage[0].end = outage[0].last.end = 1709637600;
    outage[0].last.confirmed_by = PGUARD_CONFIRMED_USER;
    outage[0].last.confirmer_len = 8;
    memcpy(outage[0].last.confirmer, "client 7", 8);
    outage[0].last.cause_len = sizeof(NASTY) - 1;
    memcpy(outage[0].last.cause, NASTY, sizeof(NASTY) - 1);
    outage[0].declarer_len = 8;
    memcpy(outage[0].declarer, "=1+A1()\"", 8);

    outage[1].id = 2;
    outage[1].start = outage[1].last.detected = 1710928800;
    outage[2].id = 3;
    outage[2].start = outage[2].last.detected = 1710928800;
    outage[2].withdrawn = 1;

    in.tz = &zone;
    in.bits = bits;
    in.slice = SLICE;
    in.outage = outage;
    in.outages = 3;
    in.target_ppm = 999000;
    in.applicable = 1;
    in.cells.cell[PGUARD_CELL_GOOD] = 1234567;
    in.cells.cell[PGUARD_CELL_FAILED] = 1000;
    in.cells.cell[PGUARD_CELL_IGNORED] = 17;
    in.cells.cell[PGUARD_CELL_REASON + PGUARD_REASON_DUPLICATE] = 50000;
    in.cells.cell[PGUARD_CELL_REASON + PGUARD_REASON_HAMMERING] = 4321;

    r.indicator = text("IC-PAAS_SNC-01");
    r.zone = text("console");
    r.timezone = text("Europe/Paris");
    r.tz = &zone;
    r.figures = &f;
    r.outage = outage;
    r.outages = 3;
    r.bits = bits;
    r.slice = SLICE;
    r.rule = (pguard_sla_rule_t) { 1, 500000, 999000 };
    r.applicable = 1;
    r.gateways = 1;
    r.generated = 1710932400123;
    r.measured_max = 100;

    make("2024-03", 20);

    return 0;
}


static size_t
render(pguard_report_e format, pguard_lang_e lang)
{
    pguard_out_t  out, count;

    pguard_out_init(&out, page, ROOM - 1);
    pguard_report(&out, &r, format, lang);
    assert_true(out.need < ROOM);
    page[out.need] = '\0';

    pguard_out_init(&count, NULL, 0);
    pguard_report(&count, &r, format, lang);
    assert_int_equal(count.need, out.need);

    return out.need;
}


static void
has(const char *what)
{
    if (strstr(page, what) == NULL) {
        print_message("missing: %s\n", what);
        fail();
    }
}


static void
has_not(const char *what)
{
    if (strstr(page, what)) {
        print_message("found: %s\n", what);
        fail();
    }
}


/* A value of JSON, strictly; what follows it, or NULL. */

static const char *
json(const char *p, unsigned depth)
{
    char         close;
    const char  *start;

    assert_true(depth < 10);

    if (*p == '"') {
        for (p++; *p != '"'; p++) {
            if ((unsigned char) *p < 0x20) {
                return NULL;
            }

            p += *p == '\\';
        }

        return p + 1;
    }

    if (*p == '{' || *p == '[') {
        close = *p == '{' ? '}' : ']';

        for (p++; *p != close; p += *p == ',') {
            if (close == '}') {
                p = *p == '"' ? json(p, depth + 1) : NULL;

                if (p == NULL || *p++ != ':') {
                    return NULL;
                }
            }

            p = json(p, depth + 1);

            if (p == NULL || (*p != ',' && *p != close)
                || (*p == ',' && p[1] == close))
            {
                return NULL;
            }
        }

        return p + 1;
    }

    start = p;
    p += strspn(p, "-.0123456789");

    if (p == start) {
        p += strspn(p, "truefalsn");
    }

    return p > start ? p : NULL;
}


static void
test_json(void **state)
{
    const char  *end;

    (void) state;

    (void) render(PGUARD_REPORT_JSON, PGUARD_LANG_EN);
    end = json(page, 0);
    assert_non_null(end);
    assert_string_equal(end, "\n");

    has("{\"indicator\":\"IC-PAAS_SNC-01\",\"zone\":\"console\","
        "\"month\":\"2024-03\",\"timezone\":\"Europe/Paris\","
        "\"start\":\"2024-02-29T23:00:00.000Z\","
        "\"end\":\"2024-03-31T22:00:00.000Z\","
        "\"as_of\":\"2024-03-20T23:00:00.000Z\","
        "\"generated\":\"2024-03-20T11:00:00.123Z\",\"running\":true,");
    has("\"target\":0.999000");
    has("\"length_seconds\":2674800,\"elapsed_seconds\":1728000,"
        "\"downtime_seconds\":48000,\"outages\":2,\"longest_seconds\":46800,"
        "\"availability\":0.972222222,\"projected_availability\":0.982054733,"
        "\"target\":\"missed\",\"budget_seconds\":2674.800,"
        "\"budget_left_seconds\":-45325.200}");
    has("\"requests\":{\"total\":1289905,\"good\":1234567,\"failed\":1000,"
        "\"excluded\":54321,\"ignored\":17,\"availability\":0.999190654,"
        "\"target\":\"open\",\"raw_availability\":0.957111780,"
        "\"raw_target\":\"open\",\"refusals\":[{\"reason\":"
        "\"duplicate_throttled\",\"class\":\"excluded\",\"requests\":50000},");
    has("{\"date\":\"2024-03-05\",\"length_seconds\":86400,"
        "\"downtime_seconds\":1200}");
    has("{\"date\":\"2024-03-31\",\"length_seconds\":82800,"
        "\"downtime_seconds\":0}]");
    has("\"id\":\"0000000000000000-1\",\"start\":\"2024-03-05T11:05:00.000Z\","
        "\"end\":\"2024-03-05T11:20:00.000Z\"");
    has("\"id\":\"0000000000000000-2\",\"start\":\"2024-03-20T10:00:00.000Z\","
        "\"end\":null");
    has("\"withdrawn\":true,\"seconds_in_month\":0}");
    has("\"measured\":[{\"source\":\"slots\","
        "\"start\":\"2024-03-05T11:00:00.000Z\","
        "\"end\":\"2024-03-05T11:10:00.000Z\",\"seconds\":600}],"
        "\"measured_not_listed\":0,\"rule\":{\"slice_seconds\":60,"
        "\"min_requests\":1,\"down_ratio\":0.500000}}");
}


static void
test_json_without_requests(void **state)
{
    (void) state;

    memset(&in.cells, 0, sizeof(in.cells));
    r.applicable = in.applicable = 0;
    r.conditional = 1;
    r.measured_max = 0;
    make("2024-03", 40);
    (void) render(PGUARD_REPORT_JSON, PGUARD_LANG_EN);
    assert_non_null(json(page, 0));
    has("\"availability\":null,\"target\":\"not_applicable\","
        "\"raw_availability\":null");
    has("\"conditional\":true,\"applicable\":false");
    has("\"running\":false");
    has("\"measured\":[],\"measured_not_listed\":1");
}


static void
test_csv(void **state)
{
    unsigned     commas, quoted;
    const char  *p;

    (void) state;

    r.since = in.span.start + 86400;
    (void) render(PGUARD_REPORT_CSV, PGUARD_LANG_EN);

    commas = 0;
    quoted = 0;

    for (p = page; *p; p++) {
        quoted ^= *p == '"';
        commas += *p == ',' && !quoted;

        if (*p == '\n') {
            assert_false(quoted);
            assert_int_equal(p[-1], '\r');
            assert_int_equal(commas, 11);
            commas = 0;
        }
    }

    has("record,name,value,start,end,cause,confirmed,confirmed_by,declared_by,"
        "withdrawn,notified,detected\r\n");
    has("report,month,2024-03,2024-02-29T23:00:00.000Z,"
        "2024-03-31T22:00:00.000Z,,,,,,,\r\n");
    has("report,counted_since,2024-03-01T23:00:00.000Z,,,,,,,,,\r\n");
    has("availability,time,0.972222222,,,,,,,,,\r\n");
    has("availability,raw_requests,0.957111780,,,,,,,,,\r\n");
    has("seconds,budget_left,-45325.200,,,,,,,,,\r\n");
    has("requests,excluded,54321,,,,,,,,,\r\n");
    has("refusals,hammering_blocked,4321,,,,,,,,,\r\n");
    has("day,2024-03-05,1200,,,,,,,,,\r\n");
    has("declared,0000000000000000-1,900,2024-03-05T11:05:00.000Z,2024-03-05T11:20:00.000Z,"
        "\"<script>\"\"'&\xef\xbf\xbd\xef\xbf\xbd=\\ ,\",user,\"client 7\","
        "\"'=1+A1()\"\"\",no,2024-03-05T11:05:00.000Z,\r\n");
    has(",yes,,2024-03-20T10:00:00.000Z\r\n");
    has("measured,,600,2024-03-05T11:00:00.000Z,2024-03-05T11:10:00.000Z,,,,,,,"
        "\r\n");
    has("report,zone,\"console\",,,,,,,,,\r\n");
    has("rule,slice_seconds,60,,,,,,,,,\r\nrule,min_requests,1,,,,,,,,,\r\n"
        "rule,down_ratio,0.500000,,,,,,,,,\r\n");
}


/* Every other slot was down: the report does not grow with them. */

static void
test_many_measured(void **state)
{
    size_t  need;

    (void) state;

    r.measured_max = 1;
    need = render(PGUARD_REPORT_CSV, PGUARD_LANG_EN);
    has_not("not_listed");

    memset(bits, 0x55, sizeof(bits));
    make("2024-03", 31);
    assert_true(render(PGUARD_REPORT_CSV, PGUARD_LANG_EN) < need + 1000);
    has("measured,,60,2024-02-29T23:00:00.000Z,2024-02-29T23:01:00.000Z,,,,,,,"
        "\r\nnot_listed,measured,22289,,,,,,,,,\r\n");
    (void) render(PGUARD_REPORT_JSON, PGUARD_LANG_EN);
    has("\"measured_not_listed\":22289");
}


/* Every element is closed in turn, every attribute quoted. */

static void
well_formed(void)
{
    size_t       n, depth = 0;
    const char  *p = page, *end, *name[64];

    while ((p = strchr(p, '<')) != NULL) {
        end = strchr(p, '>');
        assert_non_null(end);
        n = strcspn(p + 1, " >");

        if (p[1] == '!' || strncmp(p + 1, "meta", 4) == 0
            || strncmp(p + 1, "br", n) == 0)
        {
            p = end;
            continue;
        }

        if (p[1] == '/') {
            assert_true(depth > 0);
            depth--;
            assert_memory_equal(p + 2, name[depth], n - 1);
            p = end;
            continue;
        }

        assert_true(depth < 64);
        name[depth++] = p + 1;
        p = end;
    }

    assert_int_equal(depth, 0);
}


static void
test_page(void **state)
{
    pguard_lang_e  lang;

    (void) state;

    for (lang = 0; lang < PGUARD_LANGS; lang++) {
        r.conditional = lang;
        (void) render(PGUARD_REPORT_HTML, lang);
        well_formed();
        has("&lt;script&gt;&quot;&#39;&amp;\xef\xbf\xbd\xef\xbf\xbd=\\");
        has_not("<script");
        has_not("http");
        has_not("src=");
        has_not("(null)");
        has("@page{size:A4");
        has(lang ? "<html lang=\"fr\">" : "<html lang=\"en\">");
        has("<h1>");
        has(lang ? "mars 2024" : "March 2024");
        has(lang ? "97,22222\u00a0%" : "97.22222%");
        has(lang ? "99,9000\u00a0%" : "99.9000%");
        has(lang ? "1\u202f234\u202f567" : "1,234,567");
        has(lang ? "Objectif manqué" : "Target missed");
        has(lang ? "4,20789 points" : "4.20789 points");
        has(lang ? "service non rétabli<" : "not restored yet<");
        has("13\u00a0h 20\u00a0min 00\u00a0s");
        has("<time datetime=\"2024-03-05T11:05:00.000Z\">2024-03-05 12:05:00 "
            "UTC+1</time>");
        has("2024-04-01 00:00:00 UTC+2</time>");
        has("12\u00a0h 35\u00a0min 26\u00a0s");
        has("client 7");
    }

    has("(*)");
}


static void
test_page_of_a_good_month(void **state)
{
    (void) state;

    r.outages = in.outages = 0;
    memset(bits, 0, sizeof(bits));
    make("2024-03", 31);
    r.since = in.span.start + 86400;
    r.gateways = 3;
    (void) render(PGUARD_REPORT_HTML, PGUARD_LANG_EN);
    well_formed();
    has("100.00000%");
    has("Target met");
    has("No outage recorded in this month.");
    has("Requests counted since");
    has("Gateways included</dt><dd>3");
    has("Error budget left</dt><dd>44\u00a0min 34\u00a0s");
    has_not("class=\"d\"");
    has_not("rovisional");

    /* what the others have counted may change the result */

    r.partial = 1;
    (void) render(PGUARD_REPORT_HTML, PGUARD_LANG_EN);
    well_formed();
    has("Target met</p>\n<p>Provisional: what some gateways have counted could "
        "not be read.</p>");
    has("Gateways included</dt><dd>3 (not all)</dd>");
    r.partial = 0;

    r.applicable = in.applicable = 0;
    make("2024-03", 31);
    (void) render(PGUARD_REPORT_HTML, PGUARD_LANG_FR);
    has("Non applicable");
    has("sa condition n’est pas remplie");
}


/* Good requests to come may mend what is below the target: until then the page
   does not say that nothing is missed. */

static void
test_page_of_a_month_in_progress(void **state)
{
    (void) state;

    r.outages = in.outages = 0;
    make("2024-03", 20);
    (void) render(PGUARD_REPORT_HTML, PGUARD_LANG_EN);
    has("<p class=\"result\">Month in progress; target not missed so far</p>");
    has("<td class=\"n\">Month in progress; target not missed so far</td>"
        "<td class=\"n\">Month in progress; below the target so far</td>");
    (void) render(PGUARD_REPORT_JSON, PGUARD_LANG_EN);
    has("\"target\":\"open\",\"raw_availability\":0.957111780,"
        "\"raw_target\":\"open\"");

    in.cells.cell[PGUARD_CELL_FAILED] = 1236;
    make("2024-03", 20);
    (void) render(PGUARD_REPORT_HTML, PGUARD_LANG_FR);
    has("<p class=\"result\">Mois en cours\u00a0; objectif non manqué à ce "
        "jour</p>");
    has("<td class=\"n\">Mois en cours\u00a0; en dessous de l’objectif à ce "
        "jour</td><td class=\"n\">Mois en cours\u00a0; en dessous de");

    make("2024-03", 31);
    (void) render(PGUARD_REPORT_HTML, PGUARD_LANG_EN);
    has("<td class=\"n\">Target missed</td><td class=\"n\">Target missed</td>");
}


/* One that ended when the month began has not touched it, however short. */

static void
test_outages_at_the_edges(void **state)
{
    unsigned  i;

    static const struct { int64_t start, end; unsigned lists; }  at[] = {
        { -900, 0, 0 }, { -900, 1, 1 }, { -900, -900, 0 }, { 0, 0, 1 },
        { 0, 1, 1 }, { 2674799, 2674799, 1 }, { 2674800, 2674801, 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        outage[0].start = (uint64_t) ((int64_t) in.span.start + at[i].start);
        outage[0].end = (uint64_t) ((int64_t) in.span.start + at[i].end);
        assert_int_equal(pguard_report_lists(&r, &outage[0]), at[i].lists);
    }

    outage[0].start = in.span.start - 1;
    outage[0].end = 0;
    assert_int_equal(pguard_report_lists(&r, &outage[0]), 1);
}


/* No text is missing, none is markup, and both languages say something. */

static void
test_texts(void **state)
{
    unsigned  i, lang;

    (void) state;

    for (i = 0; i < PGUARD_REPORT_TEXTS; i++) {
        for (lang = 0; lang < PGUARD_LANGS; lang++) {
            assert_non_null(pguard_report_texts[i][lang]);
            assert_true(strlen(pguard_report_texts[i][lang]) > 0);
            assert_null(strstr(pguard_report_texts[i][lang], " :"));
            assert_null(strstr(pguard_report_texts[i][lang], " ;"));
            assert_null(strpbrk(pguard_report_texts[i][lang], "<>&\"'"));
        }
    }
}


/* What does not fit is only counted. */

static void
test_small_buffers(void **state)
{
    size_t           i, need;
    pguard_out_t     out;
    pguard_report_e  format;

    static char  some[ROOM];

    (void) state;

    for (format = 0; format < PGUARD_REPORTS; format++) {
        need = render(format, PGUARD_LANG_FR);

        for (i = 0; i < need; i += 1 + i / 3) {
            memset(some, '#', i + 1);
            pguard_out_init(&out, some, i);
            pguard_report(&out, &r, format, PGUARD_LANG_FR);
            assert_int_equal(out.need, need);
            assert_memory_equal(some, page, i);
            assert_int_equal(some[i], '#');
        }
    }
}


/* The policy names the very style of the page, and nothing else may load. */

static void
test_policy(void **state)
{
    char           *style, *end;
    unsigned        len;
    unsigned char   digest[EVP_MAX_MD_SIZE], policy[500];
    char            wanted[100] = "style-src 'sha256-";
    pguard_out_t    out;

    (void) state;

    (void) render(PGUARD_REPORT_HTML, PGUARD_LANG_FR);
    style = strstr(page, "<style>") + sizeof("<style>") - 1;
    end = strstr(style, "</style>");
    assert_int_equal(EVP_Digest(style, (size_t) (end - style), digest, &len,
                                EVP_sha256(), NULL), 1);
    (void) EVP_EncodeBlock((unsigned char *) wanted + strlen(wanted), digest,
                           (int) len);

    pguard_out_init(&out, policy, sizeof(policy) - 1);
    assert_int_equal(pguard_report_policy(&out), 0);
    assert_true(out.need < sizeof(policy));
    policy[out.need] = '\0';

    assert_non_null(strstr((char *) policy, wanted));
    assert_non_null(strstr((char *) policy, "default-src 'none'"));
    assert_non_null(strstr((char *) policy, "frame-ancestors 'none'"));
    assert_null(strstr((char *) policy, "script-src"));
    assert_null(strstr((char *) policy, "unsafe"));
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "style=\""));
}


#define report_test(t)  cmocka_unit_test_setup(t, setup)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        report_test(test_json),
        report_test(test_json_without_requests),
        report_test(test_csv),
        report_test(test_many_measured),
        report_test(test_page_of_a_month_in_progress),
        report_test(test_outages_at_the_edges),
        report_test(test_page),
        report_test(test_page_of_a_good_month),
        report_test(test_texts),
        report_test(test_small_buffers),
        report_test(test_policy)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
