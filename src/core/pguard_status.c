/*
 * The status page: its frame, and what its sections have in common.  See
 * pguard_status.h.
 *
 * Colour never speaks alone: each figure that is drawn stands beside it.
 */

#include "pguard_status_private.h"


static void pguard_status_head(pguard_page_t *p, const pguard_status_t *s);
static void pguard_status_body(pguard_page_t *p);
static void pguard_status_header(pguard_page_t *p, const pguard_status_t *s);
static void pguard_status_languages(pguard_page_t *p,
    const pguard_status_t *s);
static void pguard_status_zone_links(pguard_page_t *p,
    const pguard_status_t *s);


static const pguard_tz_t  pguard_status_utc;           /* zeroed: UTC */


const unsigned  pguard_status_verdicts[PGUARD_VERDICTS] = {
    [PGUARD_VERDICT_PASSED]            = PGUARD_STATUS_PASSED,
    [PGUARD_VERDICT_THROTTLED]         = PGUARD_STATUS_THROTTLED,
    [PGUARD_VERDICT_BLOCKED]           = PGUARD_STATUS_BLOCKED,
    [PGUARD_VERDICT_EXEMPT]            = PGUARD_STATUS_EXEMPT,
    [PGUARD_VERDICT_THROTTLED_DRY_RUN] = PGUARD_STATUS_THROTTLED_DRY,
    [PGUARD_VERDICT_BLOCKED_DRY_RUN]   = PGUARD_STATUS_BLOCKED_DRY
};


void
pguard_status_html(pguard_out_t *out, const pguard_status_t *s,
    pguard_lang_e lang)
{
    pguard_page_t  page = { out, pguard_status_texts, &pguard_status_utc,
                            lang, NULL, NULL };

    pguard_status_head(&page, s);
    pguard_status_body(&page);
    pguard_status_header(&page, s);

    pguard_page_raw(&page, "<main id=\"main\" tabindex=\"-1\">\n");

    pguard_status_summary(&page, s);
    pguard_status_requests(&page, s);
    pguard_status_top(&page, s);
    pguard_status_blocks(&page, s);
    pguard_status_rules(&page, s);
    pguard_status_services(&page, s);
    pguard_status_guard(&page, s);
    pguard_status_slas(&page, s);

    pguard_page_raw(&page, "</main>\n<footer><p>");
    pguard_page_text(&page, PGUARD_STATUS_FOOT);
    pguard_page_raw(&page, "</p></footer>\n");

    if (s->writable) {
        pguard_status_forms(&page, s);
    }

    pguard_page_raw(&page, "<script>");
    pguard_page_raw(&page, pguard_status_script);
    pguard_page_raw(&page, "</script>\n</body>\n</html>\n");
}


int
pguard_status_policy(pguard_out_t *out)
{
    return pguard_page_policy(out, pguard_status_style, pguard_status_script);
}


static void
pguard_status_head(pguard_page_t *p, const pguard_status_t *s)
{
    pguard_page_raw(p, "<!DOCTYPE html>\n<html lang=\"");
    pguard_out_str(p->out, pguard_lang_names[p->lang]);
    pguard_page_raw(p, "\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" "
                    "content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"robots\" content=\"noindex\">\n"
                    "<meta name=\"color-scheme\" content=\"light dark\">\n"
                    "<link rel=\"icon\" href=\"data:,\">\n<title>");
    pguard_page_text(p, PGUARD_STATUS_TITLE);
    pguard_page_raw(p, " \u2013 ");
    pguard_page_str(p, s->host);
    pguard_page_raw(p, "</title>\n<style>");
    pguard_page_raw(p, pguard_status_style);
    pguard_page_raw(p, "</style>\n</head>\n");
}


/* What the script says, it finds here, so that it is the same for all. */

static void
pguard_status_body(pguard_page_t *p)
{
    unsigned  i;

    static const struct {
        const char  *name;
        unsigned     text;
    } texts[] = {
        { "live", PGUARD_STATUS_LIVE },
        { "paused", PGUARD_STATUS_PAUSED },
        { "stale", PGUARD_STATUS_STALE },
        { "asof", PGUARD_STATUS_AS_OF },
        { "done", PGUARD_STATUS_DONE },
        { "failed", PGUARD_STATUS_FAILED },
        { "silent", PGUARD_STATUS_NO_ANSWER },
        { "denied", PGUARD_STATUS_DENIED },
        { "error", PGUARD_STATUS_ERROR }
    };

    pguard_page_raw(p, "<body");

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        pguard_page_raw(p, " data-");
        pguard_page_raw(p, texts[i].name);
        pguard_page_raw(p, "=\"");
        pguard_page_text(p, texts[i].text);
        pguard_page_raw(p, "\"");
    }

    pguard_page_raw(p, ">\n<a class=\"skip\" href=\"#main\">");
    pguard_page_text(p, PGUARD_STATUS_SKIP);
    pguard_page_raw(p, "</a>\n");
}


static void
pguard_status_header(pguard_page_t *p, const pguard_status_t *s)
{
    pguard_page_raw(p, "<header>\n<div class=\"top\"><h1>");
    pguard_page_text(p, PGUARD_STATUS_TITLE);
    pguard_page_raw(p, " <span class=\"host\" translate=\"no\">");
    pguard_page_str(p, s->host);
    pguard_page_raw(p, "</span></h1>\n");
    pguard_status_languages(p, s);
    pguard_page_raw(p, "</div>\n<div class=\"top\"><p id=\"at\" data-live>");
    pguard_page_text(p, PGUARD_STATUS_AT);
    pguard_page_raw(p, " ");
    pguard_page_time(p, s->wall / 1000);
    pguard_page_raw(p, "</p>\n<p class=\"script\"><span id=\"say\" "
                    "role=\"status\"></span> <button type=\"button\" "
                    "id=\"pause\" aria-pressed=\"false\">");
    pguard_page_text(p, PGUARD_STATUS_PAUSE);
    pguard_page_raw(p, "</button></p>\n<noscript><p>");
    pguard_page_text(p, PGUARD_STATUS_NO_SCRIPT);
    pguard_page_raw(p, "</p></noscript></div>\n");
    pguard_status_zone_links(p, s);
    pguard_page_raw(p, "</header>\n");
}


/* Names of zones need no escaping in a query; what the caller brings may. */

static void
pguard_status_query(pguard_page_t *p, pguard_str_t lang, pguard_str_t zone)
{
    pguard_page_raw(p, "?lang=");
    pguard_out_str(p->out, lang);

    if (zone.len) {
        pguard_page_raw(p, "&amp;zone=");
        pguard_page_str(p, zone);
    }
}


static void
pguard_status_languages(pguard_page_t *p, const pguard_status_t *s)
{
    unsigned  i;

    static const char *const  names[PGUARD_LANGS] = { "English", "Français" };

    pguard_page_raw(p, "<nav aria-label=\"");
    pguard_page_text(p, PGUARD_STATUS_LANGUAGE);
    pguard_page_raw(p, "\"><ul>");

    for (i = 0; i < PGUARD_LANGS; i++) {
        pguard_page_raw(p, "<li><a hreflang=\"");
        pguard_out_str(p->out, pguard_lang_names[i]);
        pguard_page_raw(p, "\" lang=\"");
        pguard_out_str(p->out, pguard_lang_names[i]);
        pguard_page_raw(p, i == p->lang ? "\" aria-current=\"true\" href=\""
                                        : "\" href=\"");
        pguard_status_query(p, pguard_lang_names[i], s->only);
        pguard_page_raw(p, "\">");
        pguard_page_raw(p, names[i]);
        pguard_page_raw(p, "</a></li>");
    }

    pguard_page_raw(p, "</ul></nav>\n");
}


static void
pguard_status_zone_link(pguard_page_t *p, pguard_str_t name,
    const pguard_status_t *s)
{
    pguard_page_raw(p, "<li><a");

    if (pguard_str_same(name, s->only)) {
        pguard_page_raw(p, " aria-current=\"true\"");
    }

    pguard_page_raw(p, " href=\"");
    pguard_status_query(p, pguard_lang_names[p->lang], name);
    pguard_page_raw(p, "\">");

    if (name.len) {
        pguard_page_str(p, name);

    } else {
        pguard_page_text(p, PGUARD_STATUS_ALL_ZONES);
    }

    pguard_page_raw(p, "</a></li>");
}


static void
pguard_status_zone_links(pguard_page_t *p, const pguard_status_t *s)
{
    size_t  i;

    static const pguard_str_t  all = pguard_string("");

    if (s->zones.n + s->zones.more < 2 && s->only.len == 0) {
        return;
    }

    pguard_page_raw(p, "<nav aria-label=\"");
    pguard_page_text(p, PGUARD_STATUS_ZONE);
    pguard_page_raw(p, "\"><ul>");
    pguard_status_zone_link(p, all, s);

    for (i = 0; i < s->zones.n; i++) {
        pguard_status_zone_link(p, s->zones.of[i].name, s);
    }

    pguard_page_raw(p, "</ul></nav>\n");
}


void
pguard_status_section(pguard_page_t *p, const char *id, unsigned text)
{
    pguard_page_raw(p, "<section id=\"");
    pguard_page_raw(p, id);
    pguard_page_raw(p, "\" data-live aria-labelledby=\"");
    pguard_page_raw(p, id);
    pguard_page_raw(p, "-h\">\n<h2 id=\"");
    pguard_page_raw(p, id);
    pguard_page_raw(p, "-h\">");
    pguard_page_text(p, text);
    pguard_page_raw(p, "</h2>\n");
}


void
pguard_status_table(pguard_page_t *p, const char *id, unsigned caption,
    const unsigned *text, unsigned n, unsigned numbers)
{
    pguard_page_raw(p, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
                    "id=\"");
    pguard_page_raw(p, id);
    pguard_page_raw(p, "-t\" aria-labelledby=\"");
    pguard_page_raw(p, id);
    pguard_page_raw(p, n > 4 ? "-h\">\n<table class=\"cards\">\n<caption>"
                             : "-h\">\n<table>\n<caption>");
    pguard_page_text(p, caption);
    pguard_page_raw(p, "</caption>\n");
    pguard_page_thead(p, text, n, numbers);
}


void
pguard_status_row(pguard_page_t *p)
{
    pguard_page_raw(p, "<tr><th scope=\"row\">");
}


void
pguard_status_cell(pguard_page_t *p, unsigned head)
{
    pguard_page_raw(p, "<td data-label=\"");
    pguard_page_text(p, head);
    pguard_page_raw(p, "\">");
}


void
pguard_status_number(pguard_page_t *p, unsigned head)
{
    pguard_page_raw(p, "<td class=\"n\" data-label=\"");
    pguard_page_text(p, head);
    pguard_page_raw(p, "\">");
}


void
pguard_status_row_end(pguard_page_t *p)
{
    pguard_page_raw(p, "</tr>\n");
}


void
pguard_status_more(pguard_page_t *p, uint64_t more)
{
    if (more) {
        pguard_page_raw(p, "<p>");
        pguard_page_text(p, PGUARD_STATUS_MORE);
        pguard_page_raw(p, " ");
        pguard_page_number(p, more);
        pguard_page_raw(p, "</p>\n");
    }
}


void
pguard_status_bar(pguard_page_t *p, uint64_t permille, unsigned high)
{
    pguard_page_raw(p, "<svg class=\"bar\" viewBox=\"0 0 1000 10\" "
                    "preserveAspectRatio=\"none\" aria-hidden=\"true\" "
                    "focusable=\"false\"><rect class=\"");
    pguard_page_raw(p, high ? "high" : "use");
    pguard_page_raw(p, "\" height=\"10\" width=\"");
    pguard_out_uint(p->out, permille < 1000 ? permille : 1000);
    pguard_page_raw(p, "\"/></svg>");
}


void
pguard_status_span(pguard_page_t *p, pguard_msec_t ms)
{
    unsigned  i;
    uint64_t  s;

    static const struct {
        uint64_t     length;
        const char  *unit[PGUARD_LANGS];
    } parts[] = {
        { 86400, { "\u00a0d", "\u00a0j" } },
        { 3600, { "\u00a0h", "\u00a0h" } },
        { 60, { "\u00a0min", "\u00a0min" } },
        { 1, { "\u00a0s", "\u00a0s" } }
    };

    s = ms / 1000;

    for (i = 0; parts[i].length > 1 && s < 2 * parts[i].length; i++)
    { /* void */ }

    pguard_page_number(p, s / parts[i].length);
    pguard_page_words(p, parts[i].unit);
}


void
pguard_status_ago(pguard_page_t *p, pguard_msec_t at, pguard_msec_t now)
{
    pguard_page_text(p, PGUARD_STATUS_BEFORE_AGO);
    pguard_status_span(p, now > at ? now - at : 0);
    pguard_page_text(p, PGUARD_STATUS_AGO);
}


void
pguard_status_id(pguard_page_t *p, const pguard_id_t *id)
{
    pguard_page_raw(p, "<code translate=\"no\">");
    pguard_out_hex(p->out, id->bytes, PGUARD_ID_LEN);
    pguard_page_raw(p, "</code>");
}


void
pguard_status_name(pguard_page_t *p, pguard_str_t name)
{
    if (name.len == 0) {
        pguard_page_raw(p, "\u2013");
        return;
    }

    pguard_page_raw(p, "<span translate=\"no\">");
    pguard_page_str(p, name);
    pguard_page_raw(p, "</span>");
}


pguard_str_t
pguard_status_zone(const pguard_status_t *s, pguard_str_t zone)
{
    static const pguard_str_t  none;

    return s->zones.n + s->zones.more > 1 ? zone : none;
}


void
pguard_status_of_zone(pguard_page_t *p, const pguard_status_t *s,
    pguard_str_t zone)
{
    if (pguard_status_zone(s, zone).len) {
        pguard_page_raw(p, " (");
        pguard_status_name(p, zone);
        pguard_page_raw(p, ")");
    }
}


uint64_t
pguard_status_refused(const uint64_t n[PGUARD_VERDICTS])
{
    return n[PGUARD_VERDICT_THROTTLED] + n[PGUARD_VERDICT_BLOCKED];
}


uint64_t
pguard_status_all(const uint64_t n[PGUARD_VERDICTS])
{
    unsigned  i;
    uint64_t  all;

    for (i = 0, all = 0; i < PGUARD_VERDICTS; i++) {
        all += n[i];
    }

    return all;
}


void
pguard_status_reason(pguard_page_t *p, unsigned reason)
{
    if (reason < PGUARD_REASONS) {
        pguard_page_words(p,
                          pguard_report_texts[pguard_report_reasons[reason]]);
    }
}


uint64_t
pguard_status_permille(uint64_t part, uint64_t whole)
{
    uint64_t  permille;

    if (part == 0 || whole == 0) {
        return 0;
    }

    permille = part * 1000 / whole;

    return permille ? permille : 1;
}
