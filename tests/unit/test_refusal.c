/*
 * pguard_refusal, pguard_ratelimit: to the byte, and well formed whatever goes
 * in.  The readers of JSON, structured fields and HTML here are strict, and
 * made for this.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pguard_block.h"
#include "pguard_ratelimit.h"
#include "pguard_reason.h"
#include "pguard_refusal.h"


#define PAGE   8192
#define PROXY  256                      /* bytes of a gateway's name */


static const pguard_refusal_t  duplicate = {
    PGUARD_REASON_DUPLICATE, 429, 1, pguard_string("00ff"),
    pguard_string(""), pguard_string(""), pguard_string("compute"),
    pguard_string("gw1.example.net")
};

static const pguard_refusal_t  hammering = {
    PGUARD_REASON_HAMMERING, 429, 42, pguard_string("00ff"),
    pguard_string(""), pguard_string("flood"), pguard_string("compute"),
    pguard_string("gw1.example.net")
};


static void
expect(const pguard_out_t *out, const char *buf, const char *text)
{
    if (out->need != strlen(text) || memcmp(buf, text, out->need) != 0) {
        fail_msg("got:\n%.*s\nexpected:\n%s", (int) out->need, buf, text);
    }
}


/* JSON: each skips what it reads and returns what follows, or NULL. */

static const char *json_value(const char *p);


static const char *
json_string(const char *p)
{
    if (*p++ != '"') {
        return NULL;
    }

    while (*p != '"') {
        if ((unsigned char) *p < 0x20) {
            return NULL;
        }

        if (*p++ != '\\') {
            continue;
        }

        if (*p == 'u') {
            if (strspn(p + 1, "0123456789abcdef") < 4) {
                return NULL;
            }

            p += 5;

        } else if (*p == '\0' || strchr("\"\\/bfnrt", *p++) == NULL) {
            return NULL;
        }
    }

    return p + 1;
}


static const char *
json_list(const char *p, char close, int members)
{
    p++;

    if (*p == close) {
        return p + 1;
    }

    for ( ;; ) {
        if (members) {
            p = json_string(p);

            if (p == NULL || strncmp(p, ": ", 2) != 0) {
                return NULL;
            }

            p += 2;
        }

        p = json_value(p);

        if (p == NULL) {
            return NULL;
        }

        if (*p == close) {
            return p + 1;
        }

        if (strncmp(p, ", ", 2) != 0) {
            return NULL;
        }

        p += 2;
    }
}


static const char *
json_value(const char *p)
{
    size_t  digits;

    switch (*p) {

    case '"':
        return json_string(p);

    case '{':
        return json_list(p, '}', 1);

    case '[':
        return json_list(p, ']', 0);

    default:
        digits = strspn(p, "0123456789");
        return (digits && (*p != '0' || digits == 1)) ? p + digits : NULL;
    }
}


/* RFC 9651, section 4.2: a bare item (token, string, integer), its parameters,
   and a list of such items. */

static const char *
sf_bare(const char *p)
{
    size_t  digits;

    if (*p == '"') {
        for (p++; *p != '"'; p++) {
            if (*p < 0x20 || *p > 0x7e
                || (*p == '\\' && *++p != '"' && *p != '\\'))
            {
                return NULL;
            }
        }

        return p + 1;
    }

    digits = strspn(p, "0123456789");

    if (digits) {
        return digits <= 15 ? p + digits : NULL;
    }

    if (*p != '*' && !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')) {
        return NULL;
    }

    return p + strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789!#$%&'*+-.^_`|~:/");
}


static const char *
sf_item(const char *p)
{
    size_t  n;

    for (p = sf_bare(p); p && *p == ';'; p = sf_bare(p + n + 1)) {
        p++;
        p += strspn(p, " ");
        n = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_-.*");

        if (n == 0 || p[n] != '=' || strchr("0123456789_-.", *p)) {
            return NULL;
        }
    }

    return p;
}


static int
sf_list(const char *p)
{
    for (p = sf_item(p); p && *p == ','; p = sf_item(p)) {
        p++;
        p += strspn(p, " \t");
    }

    return p && *p == '\0';
}


/* Tags are closed in order, and nothing but a known entity follows a "&". */

static int
html_balanced(const char *p)
{
    size_t       n, depth, len[16];
    const char  *open[16];

    depth = 0;

    for (p += strlen("<!DOCTYPE html>"); *p; p++) {

        if (*p == '&' && strncmp(p, "&lt;", 4) && strncmp(p, "&gt;", 4)
            && strncmp(p, "&amp;", 5) && strncmp(p, "&quot;", 6)
            && strncmp(p, "&#39;", 5))
        {
            return 0;
        }

        if (*p != '<') {
            continue;
        }

        p++;

        if (*p == '/') {
            p++;

            if (depth == 0) {
                return 0;
            }

            depth--;

            if (strncmp(p, open[depth], len[depth]) || p[len[depth]] != '>') {
                return 0;
            }

            continue;
        }

        n = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789");

        if (n == 0 || depth == 16) {
            return 0;
        }

        if (strncmp(p, "meta", 4) != 0) {
            open[depth] = p;
            len[depth++] = n;
        }

        p = strchr(p, '>');
    }

    return depth == 0;
}


static const char *
body(const pguard_refusal_t *r, pguard_body_e b, pguard_lang_e l, char *buf)
{
    pguard_out_t  out;

    pguard_out_init(&out, buf, PAGE - 1);
    pguard_refusal_body(&out, r, b, l);
    assert_true(out.need < PAGE);
    buf[out.need] = '\0';
    assert_int_equal(strlen(buf), out.need);

    return buf;
}


static void
test_json(void **state)
{
    char          buf[PAGE];
    pguard_out_t  out;

    (void) state;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_refusal_body(&out, &duplicate, PGUARD_BODY_JSON, PGUARD_LANG_EN);
    expect(&out, buf,
        "{\"type\": \"https://iana.org/assignments/http-problem-types"
        "#quota-exceeded\", \"title\": \"Duplicate request\", \"status\": 429, "
        "\"detail\": \"This request is identical to one that was accepted a "
        "moment ago, so it was not forwarded. This is not an outage of the "
        "service, and does not count as unavailability. You may try again in "
        "1 second.\", \"reason\": \"duplicate_throttled\", "
        "\"sla\": \"excluded\", \"event\": \"00ff\", \"retry_after\": 1, "
        "\"violated-policies\": [\"identical\"]}\n");

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_refusal_body(&out, &hammering, PGUARD_BODY_JSON, PGUARD_LANG_FR);
    expect(&out, buf,
        "{\"type\": \"https://iana.org/assignments/http-problem-types"
        "#abnormal-usage-detected\", \"title\": \"Usage anormal détecté\", "
        "\"status\": 429, \"detail\": \"Vos requêtes ont révélé un usage "
        "anormal\u00a0: une mesure de protection bloque votre accès pour une "
        "durée limitée. Il ne s’agit pas d’une panne du service, et ce refus "
        "ne compte pas comme une indisponibilité. Vous pourrez réessayer dans "
        "42\u00a0secondes.\", \"reason\": \"hammering_blocked\", "
        "\"sla\": \"excluded\", \"event\": \"00ff\", \"retry_after\": 42, "
        "\"rule\": \"flood\", \"violated-policies\": [\"flood\"]}\n");
}


/* A block's id, by which the audit log knows it. */

static void
test_block(void **state)
{
    char              buf[PAGE];
    pguard_refusal_t  r;

    (void) state;

    r = hammering;
    r.block = (pguard_str_t) pguard_string("b1<\"");

    body(&r, PGUARD_BODY_JSON, PGUARD_LANG_EN, buf);
    assert_non_null(strstr(buf, "\"retry_after\": 42, "
                           "\"block\": \"b1<\\\"\", \"rule\""));

    body(&r, PGUARD_BODY_HTML, PGUARD_LANG_FR, buf);
    assert_non_null(strstr(buf, "<dt>Blocage</dt>\n<dd translate=\"no\">"
                           "b1&lt;&quot;</dd>"));

    body(&hammering, PGUARD_BODY_JSON, PGUARD_LANG_EN, buf);
    assert_null(strstr(buf, "\"block\""));
    body(&hammering, PGUARD_BODY_HTML, PGUARD_LANG_FR, buf);
    assert_null(strstr(buf, "Blocage"));
}


static void
test_rule(void **state)
{
    char              buf[PAGE];
    pguard_refusal_t  r;

    (void) state;

    /* set by hand: there is no rule */

    r = hammering;
    r.rule.len = 0;
    body(&r, PGUARD_BODY_JSON, PGUARD_LANG_EN, buf);
    assert_null(strstr(buf, "\"rule\""));
    assert_non_null(strstr(buf, "\"violated-policies\": []}"));
    assert_null(strstr(body(&r, PGUARD_BODY_HTML, PGUARD_LANG_EN, buf),
                       "Rule"));

    /* a duplicate has none, whatever is there */

    r = duplicate;
    r.rule = hammering.rule;
    body(&r, PGUARD_BODY_JSON, PGUARD_LANG_EN, buf);
    assert_null(strstr(buf, "flood"));
    assert_non_null(strstr(buf, "[\"identical\"]"));
    assert_null(strstr(body(&r, PGUARD_BODY_HTML, PGUARD_LANG_EN, buf),
                       "flood"));
}


/* What each body says, and must not say. */

static void
test_bodies(void **state)
{
    char              buf[PAGE];
    int               excluded;
    size_t            i, j;
    unsigned          l, b;
    pguard_str_t      name;
    pguard_refusal_t  r;

    static const char *const  no_outage[] = { "not an outage",
                                              "pas d’une panne" };
    static const char *const  retry[] = { "in 15 minutes",
                                          "dans 15\u00a0minutes" };
    static const char *const  html[] = { "<html lang=\"en\">",
                                         "<html lang=\"fr\">" };
    static const char *const  never[] = { "contract", "contrat", "SLA",
        "agreement", "<script", "http-equiv", " src=", " href=", "url(",
        "@import" };

    (void) state;

    r = hammering;
    r.retry_after = 900;

    for (i = 0; i < PGUARD_REASONS; i++) {
        r.reason = (pguard_reason_e) i;
        excluded = pguard_reason(r.reason)->sla == PGUARD_SLA_EXCLUDED;
        name = pguard_reason_names[i];

        for (l = 0; l < PGUARD_LANGS; l++) {
            for (b = 0; b < PGUARD_BODIES; b++) {
                body(&r, (pguard_body_e) b, (pguard_lang_e) l, buf);

                assert_int_equal(strstr(buf, no_outage[l]) != NULL, excluded);
                assert_non_null(strstr(buf, retry[l]));
                assert_non_null(strstr(buf, "00ff"));
                assert_non_null(memmem(buf, strlen(buf), name.data, name.len));

                for (j = 0; j < sizeof(never) / sizeof(never[0]); j++) {
                    assert_null(strstr(buf, never[j]));
                }
            }

            assert_non_null(strstr(buf, html[l]));
            assert_non_null(strstr(buf, "<h1>"));
            assert_non_null(strstr(buf, "prefers-color-scheme"));
            assert_true(html_balanced(buf));
            assert_true(strlen(buf) < 2048);
        }
    }
}


static void
test_retry(void **state)
{
    char              buf[PAGE];
    size_t            i;
    pguard_refusal_t  r;

    static const struct {
        uint64_t     seconds;
        const char  *en;
        const char  *fr;
    } rows[] = {
        { 0, "in 1 second.", "dans 1\u00a0seconde." },
        { 1, "in 1 second.", "dans 1\u00a0seconde." },
        { 2, "in 2 seconds.", "dans 2\u00a0secondes." },
        { 119, "in 119 seconds.", "dans 119\u00a0secondes." },
        { 120, "in 2 minutes.", "dans 2\u00a0minutes." },
        { 121, "in 3 minutes.", "dans 3\u00a0minutes." },
        { 7199, "in 120 minutes.", "dans 120\u00a0minutes." },
        { 7200, "in 2 hours.", "dans 2\u00a0heures." },
        { 7201, "in 3 hours.", "dans 3\u00a0heures." },
        { UINT64_MAX, "in 5124095576030432 hours.",
          "dans 5124095576030432\u00a0heures." }
    };

    (void) state;

    r = hammering;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        r.retry_after = rows[i].seconds;
        body(&r, PGUARD_BODY_HTML, PGUARD_LANG_EN, buf);
        assert_non_null(strstr(buf, rows[i].en));
        body(&r, PGUARD_BODY_JSON, PGUARD_LANG_FR, buf);
        assert_non_null(strstr(buf, rows[i].fr));
        assert_non_null(json_value(buf));
    }
}


static void
test_headers(void **state)
{
    char              buf[512];
    pguard_out_t      out;
    pguard_refusal_t  r;
    size_t            i;

    static const struct {
        pguard_str_t  proxy;
        const char   *value;
    } proxies[] = {
        { pguard_string("gw1.example.net"), "gw1.example.net" },
        { pguard_string("*a:/!#$%&'+-.^_`|~9"), "*a:/!#$%&'+-.^_`|~9" },
        { pguard_string("10.0.0.1"), "\"10.0.0.1\"" },
        { pguard_string("[::1]"), "\"[::1]\"" },
        { pguard_string("a b"), "\"a b\"" },
        { pguard_string("a\"\\;c"), "\"a\\\"\\\\;c\"" },
        { pguard_string("a\0\r\n"), "\"a???\"" },
        { pguard_string("caf\xc3\xa9"), "\"caf?\"" },
        { pguard_string(""), "\"\"" }
    };

    (void) state;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_refusal_head(&out, &duplicate, PGUARD_HEAD_TAG, PGUARD_LANG_EN);
    expect(&out, buf, "throttled; reason=duplicate_throttled; sla=excluded; "
           "event=\"00ff\"");

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_refusal_head(&out, &hammering, PGUARD_HEAD_TAG, PGUARD_LANG_EN);
    expect(&out, buf, "blocked; reason=hammering_blocked; rule=\"flood\"; "
           "sla=excluded; event=\"00ff\"");

    r = hammering;
    r.reason = PGUARD_REASON_OPERATOR;
    r.rule.len = 0;
    pguard_out_init(&out, buf, sizeof(buf));
    pguard_refusal_head(&out, &r, PGUARD_HEAD_TAG, PGUARD_LANG_EN);
    expect(&out, buf, "blocked; reason=operator_blocked; sla=failed; "
           "event=\"00ff\"");

    r.reason = PGUARD_REASON_LOCKOUT;
    r.rule = (pguard_str_t) pguard_string("log\"in\n");
    pguard_out_init(&out, buf, sizeof(buf));
    pguard_refusal_head(&out, &r, PGUARD_HEAD_TAG, PGUARD_LANG_EN);
    expect(&out, buf, "blocked; reason=auth_lockout; rule=\"log\\\"in?\"; "
           "sla=good; event=\"00ff\"");

    for (i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++) {
        char  text[256];

        snprintf(text, sizeof(text), "%s; error=http_request_error; "
                 "details=\"duplicate_throttled\"", proxies[i].value);
        pguard_out_init(&out, buf, sizeof(buf));
        r = duplicate;
        r.proxy = proxies[i].proxy;
        pguard_refusal_head(&out, &r, PGUARD_HEAD_PROXY, PGUARD_LANG_EN);
        expect(&out, buf, text);
        assert_true(sf_list(text));
    }

    pguard_out_init(&out, buf, sizeof(buf));
    r = hammering;
    r.proxy = proxies[0].proxy;
    pguard_refusal_head(&out, &r, PGUARD_HEAD_PROXY, PGUARD_LANG_EN);
    expect(&out, buf, "gw1.example.net; error=http_request_denied; "
           "details=\"hammering_blocked\"");
}


static void
test_ratelimit(void **state)
{
    char          buf[512];
    pguard_out_t  out;

    static const pguard_ratelimit_t  p[] = {
        { pguard_string("identical"), 1, 1, 0, 1 },
        { pguard_string("flood"), 600, 60, 17, 42 }
    };
    static const pguard_ratelimit_t  odd[] = {
        { pguard_string("a\"b\n"), UINT64_MAX, 0, 999999999999999, 1 }
    };

    (void) state;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_ratelimit_policy(&out, p, 2);
    expect(&out, buf, "\"identical\";q=1;w=1, \"flood\";q=600;w=60");

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_ratelimit(&out, p, 2);
    expect(&out, buf, "\"identical\";r=0;t=1, \"flood\";r=17;t=42");

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_ratelimit_policy(&out, odd, 1);
    expect(&out, buf, "\"a\\\"b?\";q=999999999999999;w=1");

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_ratelimit(&out, odd, 1);
    expect(&out, buf, "\"a\\\"b?\";r=999999999999999;t=1");

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_ratelimit(&out, NULL, 0);
    pguard_ratelimit_policy(&out, NULL, 0);
    assert_int_equal(out.need, 0);
}


static void
test_content_type(void **state)
{
    pguard_str_t  s;

    (void) state;

    s = pguard_refusal_content_type(PGUARD_BODY_JSON);
    assert_int_equal(s.len, strlen("application/problem+json"));
    assert_memory_equal(s.data, "application/problem+json", s.len);

    s = pguard_refusal_content_type(PGUARD_BODY_HTML);
    assert_int_equal(s.len, strlen("text/html; charset=utf-8"));
    assert_memory_equal(s.data, "text/html; charset=utf-8", s.len);
}


static void
test_hostile_bytes(void **state)
{
    char                buf[PAGE];
    size_t              i, round;
    uint64_t            seed;
    const char         *end;
    pguard_out_t        out;
    unsigned char       bytes[32];
    pguard_refusal_t    r;
    pguard_ratelimit_t  limit;

    static const char  favourites[] = "\"\\<>&';,=\r\n\xc3\xa9\xff";

    (void) state;

    seed = 5;

    for (round = 0; round < 2000; round++) {

        for (i = 0; i < sizeof(bytes); i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (seed >> 60) & 1
                       ? (unsigned char) (seed >> 33)
                       : (unsigned char) favourites[(seed >> 33)
                                                    % sizeof(favourites)];
        }

        r.reason = (pguard_reason_e) (round % PGUARD_REASONS);
        r.status = 400 + round % 100;
        r.retry_after = seed;
        r.event.data = bytes;
        r.event.len = round % 9;
        r.rule.data = bytes + 8;
        r.rule.len = round % 7;
        r.service.data = bytes + 16;
        r.service.len = round % 8;
        r.block.data = bytes + 24;
        r.block.len = round % 5;

        for (i = 0; i < PGUARD_LANGS; i++) {
            end = json_value(body(&r, PGUARD_BODY_JSON, (pguard_lang_e) i,
                                  buf));
            assert_non_null(end);
            assert_string_equal(end, "\n");

            body(&r, PGUARD_BODY_HTML, (pguard_lang_e) i, buf);
            assert_true(html_balanced(buf));
        }

        pguard_out_init(&out, buf, sizeof(buf) - 1);
        pguard_refusal_head(&out, &r, PGUARD_HEAD_TAG, PGUARD_LANG_EN);
        *out.pos = '\0';
        end = sf_item(buf);
        assert_non_null(end);
        assert_ptr_equal(end, out.pos);

        pguard_out_init(&out, buf, sizeof(buf) - 1);
        r.proxy = r.rule;
        pguard_refusal_head(&out, &r, PGUARD_HEAD_PROXY, PGUARD_LANG_EN);
        *out.pos = '\0';
        assert_true(sf_list(buf));

        limit.name = r.rule;
        limit.quota = seed;
        limit.window = seed >> 50;
        limit.remaining = seed >> 20;
        limit.reset = seed >> 30;
        pguard_out_init(&out, buf, sizeof(buf) - 1);
        pguard_ratelimit_policy(&out, &limit, 1);
        pguard_out_text(&out, ", ");
        pguard_ratelimit(&out, &limit, 1);
        *out.pos = '\0';
        assert_true(sf_list(buf));
    }
}


static void
test_small_buffer(void **state)
{
    char          buf[PAGE], *part;
    size_t        size, len;
    pguard_out_t  out;

    (void) state;

    len = strlen(body(&hammering, PGUARD_BODY_HTML, PGUARD_LANG_FR, buf));

    for (size = 0; size <= len; size += 13) {
        part = malloc(size ? size : 1);
        pguard_out_init(&out, part, size);
        pguard_refusal_body(&out, &hammering, PGUARD_BODY_HTML,
                            PGUARD_LANG_FR);
        assert_int_equal(out.need, len);
        assert_memory_equal(part, buf, size);
        free(part);
    }
}


/* A form that was rendered for one refusal and is filled for another says what
   would have been written for that: event, block and time are no part of it. */

static void
expect_form(const pguard_refusal_t *first, const pguard_refusal_t *r,
    pguard_body_e b, pguard_lang_e l)
{
    char                    text[PGUARD_REFUSAL_FORM + 2 * PROXY];
    char                    direct[PAGE], number[32], *filled;
    unsigned                i;
    pguard_out_t            out;
    pguard_refusal_form_t   form;
    pguard_refusal_place_t  value;

    memset(&form, 0xff, sizeof(form));
    pguard_out_init(&out, text, sizeof(text));
    assert_true(pguard_refusal_form(&form, &out, first, b, l));

    pguard_refusal_time(&form, UINT64_MAX);
    pguard_refusal_time(&form, r->retry_after);

    filled = malloc(form.form.len + 1);
    assert_non_null(filled);
    pguard_refusal_copy(&form, r->event.data,
                        r->block.len ? r->block.data : NULL,
                        (unsigned char *) filled);
    filled[form.form.len] = '\0';

    /* the lines as HTTP/1 has them, but for the first name */

    pguard_out_init(&out, direct, sizeof(direct));

    for (i = 0; i < PGUARD_HEADS; i++) {

        if (i) {
            pguard_out_text(&out, "\r\n");
            pguard_out_str(&out, pguard_head_names[i]);
            pguard_out_text(&out, ": ");
        }

        value.at = out.need;
        pguard_refusal_head(&out, r, (pguard_head_e) i, l);
        value.len = out.need - value.at;

        assert_int_equal(form.head[i].at, value.at);
        assert_int_equal(form.head[i].len, value.len);
    }

    snprintf(number, sizeof(number), "%llu",
             (unsigned long long) r->retry_after);
    value = form.head[PGUARD_HEAD_RETRY];
    assert_int_equal(value.len, strlen(number));
    assert_memory_equal(filled + value.at, number, value.len);

    assert_int_equal(form.body, out.need);
    assert_memory_equal(filled, direct, form.body);
    assert_string_equal(filled + form.body, body(r, b, l, direct));

    free(filled);
}


static void
test_form(void **state)
{
    size_t            i, rule;
    unsigned          reason, b, l;
    unsigned char     longest[PGUARD_NAME_MAX], quotes[PGUARD_NAME_MAX];
    unsigned char     controls[PGUARD_NAME_MAX], proxy[PROXY];
    pguard_refusal_t  first, r;

    static const uint64_t  seconds[] = { 0, 1, 2, 9, 10, 42, 119, 120, 3599,
        7199, 7200, 99999, 1000000, UINT64_MAX };

    const pguard_str_t  rules[] = { pguard_string(""), pguard_string("flood"),
        pguard_string("a\"b<c>\n\\"), { sizeof(longest), longest },
        { sizeof(quotes), quotes }, { sizeof(controls), controls } };

    (void) state;

    memset(longest, 'r', sizeof(longest));
    memset(quotes, '"', sizeof(quotes));
    memset(controls, 1, sizeof(controls));
    memset(proxy, '"', sizeof(proxy));

    first = duplicate;
    first.proxy.data = proxy;
    first.proxy.len = sizeof(proxy);
    first.event = (pguard_str_t) pguard_string("0123456789abcdef01234567");

    for (reason = 0; reason < PGUARD_REASONS; reason++) {
        for (rule = 0; rule < sizeof(rules) / sizeof(rules[0]); rule++) {
            first.reason = (pguard_reason_e) reason;
            first.status = 400 + reason;
            first.rule = rules[rule];
            first.service = rules[rule];
            first.block.len = 0;

            if (reason != PGUARD_REASON_DUPLICATE) {
                first.block = first.event;
            }

            r = first;
            r.event = (pguard_str_t) pguard_string("fedcba98765432100000ffff");

            if (r.block.len) {
                r.block = (pguard_str_t)
                          pguard_string("00000000ffffffff11111111");
            }

            for (i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
                r.retry_after = seconds[i];

                for (b = 0; b < PGUARD_BODIES; b++) {
                    for (l = 0; l < PGUARD_LANGS; l++) {
                        expect_form(&first, &r, (pguard_body_e) b,
                                    (pguard_lang_e) l);
                    }
                }
            }
        }
    }
}


static void
test_form_room(void **state)
{
    char                  *text;
    size_t                 size, need;
    pguard_out_t           out;
    pguard_refusal_form_t  form;

    (void) state;

    text = malloc(PGUARD_REFUSAL_FORM);
    pguard_out_init(&out, text, PGUARD_REFUSAL_FORM);
    assert_true(pguard_refusal_form(&form, &out, &hammering, PGUARD_BODY_JSON,
                                    PGUARD_LANG_FR));
    need = out.need + form.form.holes * PGUARD_FORM_CELL;
    free(text);

    for (size = 1; size <= need; size++) {
        text = malloc(size);
        pguard_out_init(&out, text, size);
        assert_int_equal(pguard_refusal_form(&form, &out, &hammering,
                                             PGUARD_BODY_JSON, PGUARD_LANG_FR),
                         size == need);
        free(text);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_rule),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_ratelimit),
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_small_buffer),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_form_room)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
