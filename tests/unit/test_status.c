/*
 * The status page: what is drawn and told, in both languages, whatever names
 * it is given.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_report_text.h"
#include "pguard_status.h"
#include "pguard_status_text.h"


#define ROOM   400000
#define NASTY  "<script>\"'&\xff\xc3="
#define NOW    5000000ULL                       /* ms */


static pguard_status_t          s;
static pguard_status_zone_t     zone[2];
static pguard_status_top_t      top[2];
static pguard_status_block_t    block[2];
static pguard_status_rule_t     rule[2];
static pguard_status_service_t  service[2];
static pguard_status_sla_t      sla[2];
static pguard_outage_t          outage;
static char                     page[ROOM];


static pguard_str_t
text(const char *string)
{
    return (pguard_str_t) { strlen(string), (const unsigned char *) string };
}


static void
make_indicators(void)
{
    pguard_figures_t  *f = &sla[0].figures;

    outage.id = 3;
    outage.start = 1790000000;
    outage.last.cause_len = sizeof(NASTY) - 1;
    memcpy(outage.last.cause, NASTY, sizeof(NASTY) - 1);

    sla[0] = (pguard_status_sla_t) { .zone = text("z"), .name = text(NASTY),
                                     .known = 1, .conditional = 1 };
    sla[1] = (pguard_status_sla_t) { .zone = text("z"),
                                     .name = text("IC-1") };
    sla[0].open = &outage;
    sla[0].opens = 1;
    sla[0].opens_more = 41;
    sla[0].gateways = 3;
    sla[0].partial = 1;

    f->span.month = 12 * (2026 - 1970) + 11;
    f->as_of = f->span.start = 1790000000;
    f->as_of += 2 * 86400;
    f->days = 30;
    f->day[0].length = f->day[1].length = f->day[2].length = 86400;
    f->day[1].down = 75;
    f->target_ppm = 999000;
    f->time = (pguard_ratio_t) { 99990, 100000 };
    f->requests = (pguard_ratio_t) { 1, 3 };
    f->budget = 2592000;
    f->left = -1500;
    f->down = 4092;

    s.slas.of = sla;
    s.slas.n = 2;
    s.slas.more = 7;
}


static void
make_lists(void)
{
    zone[0] = (pguard_status_zone_t) { .name = text(NASTY), .bytes = 1 << 20,
                                       .entries = { 1, 900, 0 },
                                       .capacity = { 100000, 1000, 800 },
                                       .evictions = { 0, 1234567, 0 },
                                       .exhausted = 5 };
    zone[1].name = text("two");
    s.zones.of = zone;
    s.zones.n = 2;
    s.zones.more = 1;

    top[0] = (pguard_status_top_t) { .service = text(NASTY),
                                     .rule = text("flood"),
                                     .zone = text(NASTY) };
    memset(top[0].client.id.bytes, 0xab, PGUARD_ID_LEN);
    top[0].client.count = 4321;
    top[0].client.last = NOW - 7000;
    top[0].client.reason = PGUARD_REASON_LOCKOUT;
    s.top.of = top;
    s.top.n = 1;
    s.others = 55;

    block[0].zone = text("z");
    block[0].service = text(NASTY);
    block[0].rule = text(NASTY);
    block[0].block.since = NOW - 61000;
    block[0].block.until = NOW + 59001;
    block[0].block.count = 21;
    block[0].block.limit = 20;
    block[0].block.window = 300000;
    block[0].block.step = 2;
    block[0].block.reason = PGUARD_REASON_HAMMERING;
    memset(block[0].block.id.bytes, 0xcd, PGUARD_ID_LEN);
    memset(block[0].block.client.bytes, 0xee, PGUARD_ID_LEN);
    memset(block[0].block.event, 'f', PGUARD_EVENT_LEN);
    block[1].block = block[0].block;
    block[1].block.rule = PGUARD_RULE_NONE;
    block[1].block.reason = PGUARD_REASON_OPERATOR;
    memset(block[1].block.event, 'e', PGUARD_EVENT_LEN);
    s.blocks.of = block;
    s.blocks.n = 2;
    s.blocks.more = 950;
    s.active = 952;

    rule[0] = (pguard_status_rule_t) { .zone = text("z"), .name = text(NASTY),
                                       .limit = 1000, .window = 10000,
                                       .peak = { 499, 1104 }, .blocks = 2 };
    s.rules.of = rule;
    s.rules.n = 1;

    service[0] = (pguard_status_service_t) { .zone = text("z"),
                                             .name = text(NASTY) };
    service[0].requests[PGUARD_VERDICT_PASSED] = 7654321;
    s.services.of = service;
    s.services.n = 1;
    s.services.more = 80;
}


static int
setup(void **state)
{
    unsigned  i;

    (void) state;

    memset(&s, 0, sizeof(s));
    memset(block, 0, sizeof(block));

    s.host = text(NASTY);
    s.wall = 1790000000000;
    s.now = NOW;
    s.writable = 1;
    s.series[0].slots = PGUARD_MINUTE_SLOTS;
    s.series[1].slots = PGUARD_HOUR_SLOTS;
    s.series[2].slots = PGUARD_DAY_SLOTS;

    for (i = 0; i < 2; i++) {
        s.series[0].slot[58 + i][PGUARD_VERDICT_PASSED] = 1000;
        s.series[0].slot[58 + i][PGUARD_VERDICT_THROTTLED] = 500 * i;
        s.series[0].slot[58 + i][PGUARD_VERDICT_BLOCKED] = 1 + 499 * i;
    }

    s.series[0].sum[PGUARD_VERDICT_PASSED] = 2000;
    s.series[0].sum[PGUARD_VERDICT_THROTTLED] = 500;
    s.series[0].sum[PGUARD_VERDICT_BLOCKED] = 501;
    s.series[0].most = 2000;

    s.store = (pguard_status_store_t) { PGUARD_STATUS_STORE_UP, 100, 3, 250,
                                        2500, 61000, 9 };
    make_lists();
    make_indicators();

    return 0;
}


static size_t
render(pguard_lang_e lang)
{
    pguard_out_t  out, count;

    pguard_out_init(&out, page, ROOM - 1);
    pguard_status_html(&out, &s, lang);
    assert_true(out.need < ROOM);
    page[out.need] = '\0';

    pguard_out_init(&count, NULL, 0);
    pguard_status_html(&count, &s, lang);
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
        print_message("there: %.200s\n", strstr(page, what));
        fail();
    }
}


static void
each_id_once(void)
{
    char  *id, *again, what[200];

    for (id = strstr(page, " id=\""); id; id = strstr(id + 1, " id=\"")) {
        (void) snprintf(what, sizeof(what), "%.*s\"",
                        (int) strcspn(id + 5, "\"") + 5, id);
        again = strstr(id + 1, what);

        if (again) {
            print_message("twice: %s\n", what);
            fail();
        }
    }
}


/* The same client, service, rule and indicator in two zones. */

static void
test_zones(void **state)
{
    (void) state;

    top[0].zone = text("one");
    top[1] = top[0];
    top[1].zone = text("two");
    s.top.n = 2;
    block[0].zone = text("one");
    block[1].zone = text("two");
    block[1].service = block[1].rule = text("");
    sla[0].name = text("IC-1");
    sla[0].zone = text("two");
    sla[1] = sla[0];
    sla[1].zone = text("one");
    sla[1].opens = 0;

    (void) render(PGUARD_LANG_EN);
    each_id_once();
    has("data-client=\"abababababababababababababababab\" data-zone=\"two\"");
    has(">flood</span> (<span translate=\"no\">two</span>)<td");
    has("all services (<span translate=\"no\">two</span>)<td");
    has("<h3><span translate=\"no\">IC-1</span>\u00a0(*) "
        "(<span translate=\"no\">two</span>)</h3>");
    has("?zone=one\" data-what=\"IC-1 (one)\">");
    has("?zone=two\" data-what=\"IC-1 (two)\">");

    s.zones.n = 1;
    s.zones.more = 0;
    s.only = text("two");
    (void) render(PGUARD_LANG_EN);
    has(">flood</span><td");
    has("<h3><span translate=\"no\">IC-1</span>\u00a0(*)</h3>");
    has("?zone=two\" data-what=\"IC-1\">");
}


static void
test_names_are_text(void **state)
{
    int    lang;
    char  *script;

    (void) state;

    for (lang = 0; lang < PGUARD_LANGS; lang++) {
        (void) render(lang);

        /* one script, and it is the last thing */

        script = strstr(page, "<script>");
        assert_non_null(script);
        assert_null(strstr(script + 1, "<script>"));
        has("&lt;script&gt;&quot;&#39;&amp;\xef\xbf\xbd\xef\xbf\xbd=");
        has_not("\xff");
        has_not("style=\"");
        has("api/1/sla/%3cscript%3e%22%27%26%ff%c3%3d?zone=z");
    }
}


static void
test_english(void **state)
{
    (void) state;

    (void) render(PGUARD_LANG_EN);

    has("<html lang=\"en\">");
    has("2,000");
    has("3,001 requests, 1,001 refused, at most in a second: 2,000");
    has("<code translate=\"no\">abababababababababababababababab</code>");
    has("7\u00a0s\u00a0ago");
    has("4,321<svg");
    has("21 requests in 5\u00a0min, limit 20, offence 2<td");
    has("1\u00a0min 00\u00a0s<td");                 /* left, rounded up */
    has("set by an operator");
    has("all services");
    has("<small>Client <code translate=\"no\">eeee");
    has("Not shown: 950");
    has("under 50%");
    has("110%");
    has("1,234,567");
    has("90.0%");
    has("not set: 5");
    has("7,654,321");
    has("0.25\u00a0ms");
    has("\u22122\u00a0s");                          /* overdrawn */
    has("<li class=\"d\"><time datetime=\"2026-11-02\">");
    has("Outage not restored since <time");
    has("Not shown: 41");
    has("others could not be asked");
    has("The clock of this gateway is out of all months.");
    has("<nav aria-label=\"Zone\">");
    has("lang=\"en\" aria-current=\"true\"");
}


static void
test_french(void **state)
{
    (void) state;

    (void) render(PGUARD_LANG_FR);

    has("<html lang=\"fr\">");
    has("3\u202f001 requêtes, 1\u202f001 refusées");
    has("il\u00a0y\u00a0a\u00a07\u00a0s");
    has("21 requêtes en 5\u00a0min, limite 20, infraction 2<td");

    block[0].block.dry_run = 1;
    (void) render(PGUARD_LANG_FR);
    has("infraction 2, à blanc<td");
    has("moins de 50\u00a0%");
    has("90,0\u00a0%");
    has("Trop d’échecs de connexion");
    has("0,25\u00a0ms");
    has_not(">Requests<");
}


/* Heights are in thousandths of the highest bar; what there is of little, is
   seen; nothing goes beyond the top. */

static void
test_chart(void **state)
{
    (void) state;

    (void) render(PGUARD_LANG_EN);

    has("viewBox=\"0 0 598 1000\"");
    has("<path class=\"v-pass\" "
        "d=\"M580 1000v-500h8v500zM590 1000v-500h8v500z\"/>");
    has("<path class=\"v-thr\" d=\"M590 500v-250h8v250z\"/>");
    has("<path class=\"v-blk\" "
        "d=\"M580 500v-14h8v14zM590 250v-250h8v250z\"/>");
    has_not("class=\"v-exm\" d=");

    s.series[0].slot[59][PGUARD_VERDICT_PASSED] = 1999;
    s.series[0].slot[59][PGUARD_VERDICT_THROTTLED] = 1;
    s.series[0].slot[59][PGUARD_VERDICT_BLOCKED] = 0;
    (void) render(PGUARD_LANG_EN);
    has("M590 1000v-999h8v999z");
    has("<path class=\"v-thr\" d=\"M590 1v-1h8v1z\"/>");
}


/* The tile of the budget is of the indicator that most wants to be looked at:
   one that is down, else the one that has the least share of its budget. */

static void
test_budget(void **state)
{
    (void) state;

    s.zones.n = 1;
    s.zones.more = 0;
    sla[0].name = text("IC-99.9");
    sla[0].opens = 0;
    sla[0].figures.left = 2592000;
    sla[1].name = text("IC-97");
    sla[1].known = 1;
    sla[1].figures = sla[0].figures;
    sla[1].figures.budget = 77760000;
    sla[1].figures.left = 77760000;
    (void) render(PGUARD_LANG_EN);
    has("<div class=\"tile\"><dt>Error budget left");
    has("IC-99.9</span></dd></div>");

    sla[1].figures.left = 3 * 2592000;
    (void) render(PGUARD_LANG_EN);
    has("<div class=\"tile look\"><dt>Error budget left");
    has("IC-97</span></dd></div>");

    sla[0].opens = 1;
    (void) render(PGUARD_LANG_EN);
    has("<div class=\"tile look\"><dt>Error budget left");
    has("IC-99.9</span>, outage not restored</dd></div>");

    sla[1].figures.left = -1;
    sla[1].open = &outage;
    sla[1].opens = 1;
    (void) render(PGUARD_LANG_FR);
    has("<div class=\"tile look\"><dt>Budget d’erreur restant");
    has("IC-97</span>, panne non rétablie</dd></div>");
}


/* Of what there is little, is not said that there is none. */

static void
test_little(void **state)
{
    (void) state;

    s.series[0].sum[PGUARD_VERDICT_PASSED] = 1998;
    s.series[0].sum[PGUARD_VERDICT_THROTTLED] = 1;
    s.series[0].sum[PGUARD_VERDICT_BLOCKED] = 0;
    (void) render(PGUARD_LANG_EN);
    has("</span> 0.1% of the requests");

    s.series[0].sum[PGUARD_VERDICT_PASSED] = 1000000;
    (void) render(PGUARD_LANG_EN);
    has("</span> 0.1% of the requests");

    s.series[0].sum[PGUARD_VERDICT_THROTTLED] = 0;
    (void) render(PGUARD_LANG_EN);
    has("</span> 0.0% of the requests");
}


/* One is one; in French, so is none. */

static void
test_plural(void **state)
{
    (void) state;

    s.series[0].sum[PGUARD_VERDICT_PASSED] = 0;
    s.series[0].sum[PGUARD_VERDICT_THROTTLED] = 0;
    s.series[0].sum[PGUARD_VERDICT_BLOCKED] = 1;

    (void) render(PGUARD_LANG_EN);
    has(" 1 request, 1 refused, at most");
    has(" 0 requests, 0 refused, at most");

    (void) render(PGUARD_LANG_FR);
    has(" 1 requête, 1 refusée, au plus");
    has(" 0 requête, 0 refusée, au plus");
}


/* What was set while the page was made, is of now. */

static void
test_newest(void **state)
{
    (void) state;

    block[0].block.since = NOW + 5;
    (void) render(PGUARD_LANG_EN);
    has("the newest set 0\u00a0s\u00a0ago");
}


/* Nothing known, nothing to write with. */

static void
test_empty(void **state)
{
    int  lang;

    (void) state;

    memset(&s, 0, sizeof(s));

    for (lang = 0; lang < PGUARD_LANGS; lang++) {
        (void) render(lang);
        has("</html>");
        has_not("<dialog id");
        has_not("<button type=\"button\" class=\"script\"");
        has_not("<nav aria-label=\"Zone\">");
        has_not("4294967");                     /* less than nothing */
    }

    has("Personne n’est bloqué.");
}


static void
test_forms(void **state)
{
    (void) state;

    (void) render(PGUARD_LANG_EN);

    has("data-path=\"api/1/blocks/ffffffffffffffffffffffff\"");
    has("data-path=\"api/1/blocks\" data-client=\"abababab");
    has("/outages/0000000000000000-3?zone=z\" data-what=");
    has("<dialog id=\"lift\" aria-labelledby=\"lift-h\">");
    has("<input name=\"client\" type=\"text\" autocomplete=\"off\" "
        "maxlength=\"32\" required>");
    has("<input name=\"seconds\" type=\"number\" min=\"1\" value=\"60\" "
        "max=\"44640\" required>");
    has("<input name=\"service\" type=\"text\" autocomplete=\"off\" "
        "list=\"services-known\" maxlength=\"63\">");
    has("<datalist id=\"services-known\"><option value=\"&lt;script&gt;");
    has("<input name=\"why\" type=\"text\" autocomplete=\"off\" "
        "maxlength=\"85\" required>");
    has("<option value=\"operator_blocked\">");
    has("<option value=\"user\">");
    has("name=\"who\"");

    /* a service of two zones is one that can be chosen */

    service[1] = service[0];
    service[1].zone = text("two");
    service[0].name = service[1].name = text("both");
    s.services.n = 2;
    (void) render(PGUARD_LANG_EN);
    has("<datalist id=\"services-known\"><option value=\"both\">"
        "</datalist>");

    s.known_user = 1;
    (void) render(PGUARD_LANG_EN);
    has_not("name=\"who\"");
    has("name=\"why\"");
}


/* Each text is there in both languages, and is no markup. */

static void
test_texts(void **state)
{
    unsigned     i, lang;
    const char  *t;

    (void) state;

    for (i = 0; i < PGUARD_STATUS_TEXTS; i++) {
        for (lang = 0; lang < PGUARD_LANGS; lang++) {
            t = pguard_status_texts[i][lang];
            assert_non_null(t);
            assert_null(strpbrk(t, "<>&\"'"));
            assert_null(strstr(t, " :"));
            assert_null(strstr(t, " ;"));
            assert_null(strstr(t, " ?"));
            assert_null(strstr(t, " %"));
            assert_true(t[0]
                        || i == (lang ? (unsigned) PGUARD_STATUS_AGO
                                      : (unsigned) PGUARD_STATUS_BEFORE_AGO));
        }
    }
}


/* What is in a buffer that is too small is the beginning of the whole. */

static void
test_small_buffers(void **state)
{
    size_t        need, i;
    pguard_out_t  out;

    static char  some[ROOM];

    (void) state;

    need = render(PGUARD_LANG_FR);

    for (i = 0; i < need; i += 1 + i / 3) {
        memset(some, '#', i + 1);
        pguard_out_init(&out, some, i);
        pguard_status_html(&out, &s, PGUARD_LANG_FR);
        assert_int_equal(out.need, need);
        assert_memory_equal(some, page, i);
        assert_int_equal(some[i], '#');
    }
}


static void
test_policy(void **state)
{
    unsigned char  policy[600];
    pguard_out_t   out;

    (void) state;

    pguard_out_init(&out, policy, sizeof(policy) - 1);
    assert_int_equal(pguard_status_policy(&out), 0);
    assert_true(out.need < sizeof(policy));
    policy[out.need] = '\0';

    assert_non_null(strstr((char *) policy, "style-src 'sha256-"));
    assert_non_null(strstr((char *) policy, "script-src 'sha256-"));
    assert_non_null(strstr((char *) policy, "connect-src 'self'"));
    assert_null(strstr((char *) policy, "unsafe"));
}


#define status_test(t)  cmocka_unit_test_setup(t, setup)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        status_test(test_zones),
        status_test(test_names_are_text),
        status_test(test_english),
        status_test(test_french),
        status_test(test_chart),
        status_test(test_budget),
        status_test(test_little),
        status_test(test_plural),
        status_test(test_newest),
        status_test(test_empty),
        status_test(test_forms),
        status_test(test_texts),
        status_test(test_small_buffers),
        status_test(test_policy)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
