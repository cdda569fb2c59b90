/*
 * The report of a month, for people: see pguard_report.h.
 *
 * Nothing is told by colour alone: what is down says so in words, for those who
 * print in black and those who listen to the page.
 */

#include "pguard_page.h"
#include "pguard_report.h"
#include "pguard_report_text.h"


static void pguard_page_head(pguard_page_t *p);
static void pguard_page_facts(pguard_page_t *p);
static void pguard_page_result(pguard_page_t *p);
static void pguard_report_days(pguard_page_t *p);
static void pguard_page_requests(pguard_page_t *p);
static void pguard_page_refusals(pguard_page_t *p);
static void pguard_page_outages(pguard_page_t *p);
static void pguard_page_outage(pguard_page_t *p, const pguard_outage_t *o);
static void pguard_page_measured(pguard_page_t *p);
static void pguard_page_method(pguard_page_t *p);


static const char  pguard_page_style[] =
    ":root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--rule:#767676;"
    "--up:#d7ecd9;--down:#f6c3bd;--none:#ededed}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem;color:var(--ink);background:var(--paper)}"
    "h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.2rem;margin-top:2rem}"
    ".figure{font-size:2.6rem;font-weight:bold;margin:.2rem 0 0}"
    ".result{display:inline-block;border:2px solid;border-radius:.3rem;"
    "padding:.1rem .6rem;font-weight:bold;margin:0}"
    ".scroll{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid var(--rule);padding:.3rem .5rem;"
    "text-align:left;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    "td.t{overflow-wrap:anywhere}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}"
    "dt{font-weight:bold}dd{margin:0}"
    "ol.days{list-style:none;padding:0;display:grid;gap:.25rem;"
    "grid-template-columns:repeat(auto-fill,minmax(4.6rem,1fr))}"
    "ol.days li{border:1px solid var(--rule);border-radius:.2rem;"
    "padding:.1rem .3rem;font-size:.8rem;line-height:1.3;"
    "background:var(--up);print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}"
    "ol.days li.d{background:var(--down);border-width:2px;font-weight:bold}"
    "ol.days li.f{background:var(--none)}"
    ".h{position:absolute;width:1px;height:1px;overflow:hidden;"
    "clip-path:inset(50%);white-space:nowrap}"
    "@media (prefers-color-scheme:dark){:root{--ink:#ececec;--paper:#161616;"
    "--rule:#8c8c8c;--up:#1e3a22;--down:#6b211a;--none:#333}}"
    "@media print{@page{size:A4;margin:15mm}:root{color-scheme:light;"
    "--ink:#000;--paper:#fff;--up:#d7ecd9;--down:#f6c3bd;--none:#ededed}"
    "body{font-size:10pt;margin:0;max-width:none;padding:0}"
    "h2{break-after:avoid}tr,li,dl{break-inside:avoid}"
    "thead{display:table-header-group}.scroll{overflow:visible}}";


static const unsigned  pguard_page_targets[PGUARD_TARGETS] = {
    [PGUARD_TARGET_MET]            = PGUARD_REPORT_TARGET_MET,
    [PGUARD_TARGET_MISSED]         = PGUARD_REPORT_TARGET_MISSED,
    [PGUARD_TARGET_OPEN]           = PGUARD_REPORT_TARGET_OPEN,
    [PGUARD_TARGET_NO_DATA]        = PGUARD_REPORT_TARGET_NO_DATA,
    [PGUARD_TARGET_NOT_APPLICABLE] = PGUARD_REPORT_TARGET_NOT_APPLICABLE
};

static const unsigned  pguard_page_classes[PGUARD_SLA_CLASSES] = {
    [PGUARD_SLA_GOOD]     = PGUARD_REPORT_GOOD,
    [PGUARD_SLA_FAILED]   = PGUARD_REPORT_FAILED,
    [PGUARD_SLA_EXCLUDED] = PGUARD_REPORT_EXCLUDED,
    [PGUARD_SLA_IGNORED]  = PGUARD_REPORT_IGNORED
};


void
pguard_report_html(pguard_out_t *out, const pguard_report_t *r,
    pguard_lang_e lang)
{
    pguard_page_t  page = { out, pguard_report_texts, r->tz, lang, r,
                            r->figures };

    pguard_page_head(&page);
    pguard_page_result(&page);
    pguard_page_facts(&page);
    pguard_report_days(&page);
    pguard_page_outages(&page);
    pguard_page_requests(&page);
    pguard_page_refusals(&page);
    pguard_page_method(&page);

    pguard_out_text(out, "</main>\n</body>\n</html>\n");
}


int
pguard_report_policy(pguard_out_t *out)
{
    return pguard_page_policy(out, pguard_page_style, NULL);
}


static void
pguard_page_month(pguard_page_t *p)
{
    pguard_page_text(p, PGUARD_REPORT_JANUARY + (p->f->span.month - 1) % 12);
    pguard_page_raw(p, " ");
    pguard_out_uint(p->out, 1970 + (p->f->span.month - 1) / 12);
}


static void
pguard_page_head(pguard_page_t *p)
{
    pguard_page_raw(p, "<!DOCTYPE html>\n<html lang=\"");
    pguard_out_str(p->out, pguard_lang_names[p->lang]);
    pguard_page_raw(p, "\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" "
                    "content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"robots\" content=\"noindex\">\n<title>");
    pguard_out_html(p->out, p->r->indicator);
    pguard_page_raw(p, " \u2013 ");
    pguard_page_text(p, PGUARD_REPORT_TITLE);
    pguard_page_raw(p, " \u2013 ");
    pguard_page_month(p);
    pguard_page_raw(p, "</title>\n<style>");
    pguard_page_raw(p, pguard_page_style);
    pguard_page_raw(p, "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>");
    pguard_page_text(p, PGUARD_REPORT_TITLE);
    pguard_page_raw(p, " <span translate=\"no\">");
    pguard_out_html(p->out, p->r->indicator);
    pguard_page_raw(p, p->r->conditional ? "</span>\u00a0(*)" : "</span>");
    pguard_page_raw(p, ", ");
    pguard_page_month(p);
    pguard_page_raw(p, "</h1>\n</header>\n");
}


static void
pguard_page_result(pguard_page_t *p)
{
    const pguard_figures_t  *f = p->f;

    pguard_page_section(p, "result", PGUARD_REPORT_BY_TIME);
    pguard_page_raw(p, "<p class=\"figure\">");
    pguard_page_ratio(p, f->time);
    pguard_page_raw(p, "</p>\n<p class=\"result\">");
    pguard_page_text(p, pguard_page_targets[f->time_target]);
    pguard_page_raw(p, "</p>\n");

    if (p->r->partial) {
        pguard_page_paragraph(p, PGUARD_REPORT_PROVISIONAL);
    }

    if (!p->r->applicable) {
        pguard_page_paragraph(p, PGUARD_REPORT_CONDITION);

    } else if (p->r->conditional) {
        pguard_page_paragraph(p, PGUARD_REPORT_CONDITIONAL);
    }

    pguard_page_raw(p, "<dl>\n");
    pguard_page_term(p, PGUARD_REPORT_TARGET);
    pguard_page_percent(p, f->target_ppm, 4);
    pguard_page_raw(p, "</dd>\n");
    pguard_page_term_duration(p, PGUARD_REPORT_DOWNTIME, f->down);
    pguard_page_term(p, PGUARD_REPORT_OUTAGES);
    pguard_page_number(p, f->outages);
    pguard_page_raw(p, "</dd>\n");

    if (f->outages) {
        pguard_page_term_duration(p, PGUARD_REPORT_LONGEST, f->longest);
    }

    pguard_page_term_duration(p, PGUARD_REPORT_BUDGET, f->budget / 1000);

    /* a started second of the budget is not left; one overdrawn is */

    if (f->left >= 0) {
        pguard_page_term_duration(p, PGUARD_REPORT_LEFT,
                                  (uint64_t) f->left / 1000);

    } else {
        pguard_page_term_duration(p, PGUARD_REPORT_OVERDRAWN,
                                  (0 - (uint64_t) f->left + 999) / 1000);
    }

    if (f->as_of < f->span.end) {
        pguard_page_term(p, PGUARD_REPORT_PROJECTED);
        pguard_page_ratio(p, f->projected);
        pguard_page_raw(p, "</dd>\n");
    }

    pguard_page_raw(p, "</dl>\n</section>\n");
}


static void
pguard_page_facts(pguard_page_t *p)
{
    pguard_page_raw(p, "<dl>\n");
    pguard_page_term(p, PGUARD_REPORT_PERIOD);
    pguard_page_time(p, p->f->span.start);
    pguard_page_text(p, PGUARD_REPORT_TO);
    pguard_page_time(p, p->f->span.end);
    pguard_page_raw(p, "</dd>\n");
    pguard_page_term(p, PGUARD_REPORT_TIMEZONE);
    pguard_out_html(p->out, p->r->timezone);
    pguard_page_raw(p, "</dd>\n");
    pguard_page_term_time(p, PGUARD_REPORT_AS_OF, p->f->as_of);
    pguard_page_term_time(p, PGUARD_REPORT_GENERATED, p->r->generated / 1000);

    if (p->r->since > p->f->span.start) {
        pguard_page_term_time(p, PGUARD_REPORT_SINCE, p->r->since);
    }

    if (p->r->gateways > 1 || p->r->partial) {
        pguard_page_term(p, PGUARD_REPORT_GATEWAYS);
        pguard_page_number(p, p->r->gateways);

        if (p->r->partial) {
            pguard_page_raw(p, " (");
            pguard_page_text(p, PGUARD_REPORT_PARTIAL);
            pguard_page_raw(p, ")");
        }

        pguard_page_raw(p, "</dd>\n");
    }

    pguard_page_raw(p, "</dl>\n");
}


static void
pguard_report_days(pguard_page_t *p)
{
    pguard_page_section(p, "days", PGUARD_REPORT_DAYS);
    pguard_page_paragraph(p, PGUARD_REPORT_DAYS_NOTE);
    pguard_page_days(p, p->f);
    pguard_page_raw(p, "</section>\n");
}


/* Further good requests can mend a figure by requests, so it may be open and
   below the target. */

static void
pguard_page_target(pguard_page_t *p, pguard_target_e target, pguard_ratio_t r)
{
    pguard_page_text(p, target == PGUARD_TARGET_OPEN
                        && !pguard_ratio_meets(r, p->f->target_ppm)
                        ? PGUARD_REPORT_TARGET_BELOW
                        : pguard_page_targets[target]);
}


/* One row: its head, the contractual value and the raw one. */

static void
pguard_page_counts(pguard_page_t *p, pguard_sla_e class)
{
    uint64_t  n;

    n = p->f->by_class[class];

    pguard_page_raw(p, "<tr><th scope=\"row\">");
    pguard_page_text(p, pguard_page_classes[class]);
    pguard_page_raw(p, "</th><td class=\"n\">");
    pguard_page_number(p, n);

    if (class == PGUARD_SLA_EXCLUDED || class == PGUARD_SLA_IGNORED) {
        pguard_page_raw(p, " (");
        pguard_page_text(p, PGUARD_REPORT_NOT_COUNTED);
        pguard_page_raw(p, ")");
    }

    pguard_page_raw(p, "</td><td class=\"n\">");
    pguard_page_number(p, n);

    if (class == PGUARD_SLA_EXCLUDED || class == PGUARD_SLA_IGNORED) {
        pguard_page_raw(p, " (");
        pguard_page_text(p, class == PGUARD_SLA_EXCLUDED
                            ? PGUARD_REPORT_AS_FAILED
                            : PGUARD_REPORT_NOT_COUNTED);
        pguard_page_raw(p, ")");
    }

    pguard_page_raw(p, "</td></tr>\n");
}


static void
pguard_page_requests(pguard_page_t *p)
{
    unsigned                 i;
    const pguard_figures_t  *f = p->f;

    static const unsigned  heads[] = {
        PGUARD_REPORT_REQUESTS, PGUARD_REPORT_CONTRACTUAL, PGUARD_REPORT_RAW
    };

    pguard_page_section(p, "requests", PGUARD_REPORT_REQUESTS);
    pguard_page_paragraph(p, PGUARD_REPORT_REQUESTS_NOTE);
    pguard_page_table(p, "requests", heads, 3, 2);

    for (i = 0; i < PGUARD_SLA_CLASSES; i++) {
        pguard_page_counts(p, (pguard_sla_e) i);
    }

    pguard_page_raw(p, "<tr><th scope=\"row\">");
    pguard_page_text(p, PGUARD_REPORT_BY_REQUESTS);
    pguard_page_raw(p, "</th><td class=\"n\"><strong>");
    pguard_page_ratio(p, f->requests);
    pguard_page_raw(p, "</strong></td><td class=\"n\">");
    pguard_page_ratio(p, f->raw);
    pguard_page_raw(p, "</td></tr>\n<tr><th scope=\"row\">");
    pguard_page_text(p, PGUARD_REPORT_RESULT);
    pguard_page_raw(p, "</th><td class=\"n\">");
    pguard_page_target(p, f->requests_target, f->requests);
    pguard_page_raw(p, "</td><td class=\"n\">");
    pguard_page_target(p, f->raw_target, f->raw);
    pguard_page_raw(p, "</td></tr>\n");

    if (f->requests.whole) {
        pguard_page_raw(p, "<tr><th scope=\"row\">");
        pguard_page_text(p, PGUARD_REPORT_CHANGE);
        pguard_page_raw(p, "</th><td class=\"n\" colspan=\"2\">");
        pguard_page_decimal(p, pguard_ratio(f->requests) / 100
                               - pguard_ratio(f->raw) / 100, 5);
        pguard_page_text(p, PGUARD_REPORT_POINTS);
        pguard_page_raw(p, "</td></tr>\n");
    }

    pguard_page_table_end(p);
    pguard_page_raw(p, "</section>\n");
}


static void
pguard_page_refusals(pguard_page_t *p)
{
    unsigned  i;

    static const unsigned  heads[] = {
        PGUARD_REPORT_REASON, PGUARD_REPORT_CLASS, PGUARD_REPORT_REQUESTS
    };

    pguard_page_section(p, "refusals", PGUARD_REPORT_REFUSALS);
    pguard_page_table(p, "refusals", heads, 3, 1);

    for (i = 0; i < PGUARD_REASONS; i++) {
        pguard_page_raw(p, "<tr><th scope=\"row\">");
        pguard_page_text(p, pguard_report_reasons[i]);
        pguard_page_raw(p, " (<code translate=\"no\">");
        pguard_out_str(p->out, pguard_reason_names[i]);
        pguard_page_raw(p, "</code>)</th><td>");
        pguard_page_text(p, pguard_page_classes[
                                pguard_cell_class(PGUARD_CELL_REASON + i)]);
        pguard_page_raw(p, "</td><td class=\"n\">");
        pguard_page_number(p, p->f->cells.cell[PGUARD_CELL_REASON + i]);
        pguard_page_raw(p, "</td></tr>\n");
    }

    pguard_page_table_end(p);
    pguard_page_raw(p, "</section>\n");
}


static void
pguard_page_outages(pguard_page_t *p)
{
    size_t             i, listed;
    uint64_t           pos;
    pguard_interval_t  run;

    static const unsigned  heads[] = {
        PGUARD_REPORT_SOURCE, PGUARD_REPORT_START, PGUARD_REPORT_END,
        PGUARD_REPORT_CAUSE, PGUARD_REPORT_CONFIRMED, PGUARD_REPORT_DURATION
    };

    pguard_page_section(p, "outages", PGUARD_REPORT_OUTAGES);

    listed = 0;
    pos = 0;

    for (i = 0; i < p->r->outages; i++) {
        listed += pguard_report_lists(p->r, &p->r->outage[i]) != 0;
    }

    if (listed == 0 && !pguard_bits_next(p->r->bits, p->r->slice,
                                         &p->f->span, &pos, &run))
    {
        pguard_page_paragraph(p, PGUARD_REPORT_OUTAGES_NONE);
        pguard_page_raw(p, "</section>\n");
        return;
    }

    pguard_page_paragraph(p, PGUARD_REPORT_OUTAGES_NOTE);
    pguard_page_table(p, "outages", heads, 6, 1);

    for (i = 0; i < p->r->outages; i++) {
        if (pguard_report_lists(p->r, &p->r->outage[i])) {
            pguard_page_outage(p, &p->r->outage[i]);
        }
    }

    pguard_page_measured(p);
    pguard_page_raw(p, "</section>\n");
}


static void
pguard_page_since(pguard_page_t *p, unsigned text, uint64_t at)
{
    if (at) {
        pguard_page_raw(p, "<br><small>");
        pguard_page_text(p, text);
        pguard_page_raw(p, " ");
        pguard_page_time(p, at);
        pguard_page_raw(p, "</small>");
    }
}


static void
pguard_page_outage(pguard_page_t *p, const pguard_outage_t *o)
{
    const pguard_outage_entry_t  *e = &o->last;

    pguard_page_raw(p, "<tr><td>");
    pguard_page_text(p, o->withdrawn ? PGUARD_REPORT_WITHDRAWN
                                     : PGUARD_REPORT_DECLARED);

    if (o->corrections) {
        pguard_page_raw(p, ", ");
        pguard_page_text(p, PGUARD_REPORT_CORRECTED);
    }

    pguard_page_raw(p, "<br><small>");
    pguard_out_html(p->out, (pguard_str_t) { o->declarer_len, o->declarer });
    pguard_page_raw(p, "</small></td><td>");
    pguard_page_time(p, o->start);
    pguard_page_since(p, PGUARD_REPORT_DETECTED, e->detected);
    pguard_page_since(p, PGUARD_REPORT_NOTIFIED, e->notified);
    pguard_page_raw(p, "</td><td>");

    if (o->end) {
        pguard_page_time(p, o->end);

    } else if (!o->withdrawn) {
        pguard_page_text(p, PGUARD_REPORT_OPEN);
    }

    pguard_page_raw(p, "</td><td class=\"t\">");
    pguard_out_html(p->out, (pguard_str_t) { e->cause_len, e->cause });
    pguard_page_raw(p, "</td><td class=\"t\">");

    if (e->confirmed_by) {
        pguard_page_text(p, e->confirmed_by == PGUARD_CONFIRMED_USER
                            ? PGUARD_REPORT_USER : PGUARD_REPORT_MONITORING);
        pguard_page_raw(p, e->confirmer_len ? "<br>" : "");
        pguard_out_html(p->out, (pguard_str_t) { e->confirmer_len,
                                                 e->confirmer });
    }

    pguard_page_raw(p, "</td><td class=\"n\">");
    pguard_page_duration(p, o->withdrawn ? 0
                         : pguard_figures_within(p->f, o->start, o->end));
    pguard_page_raw(p, "</td></tr>\n");
}


/* Runs of slots, and the end of the table. */

static void
pguard_page_measured(pguard_page_t *p)
{
    size_t             n, more;
    uint64_t           pos;
    pguard_interval_t  run;

    n = 0;
    pos = 0;
    more = 0;

    while (pguard_bits_next(p->r->bits, p->r->slice, &p->f->span, &pos, &run))
    {
        if (n++ >= p->r->measured_max) {
            more++;
            continue;
        }

        pguard_page_raw(p, "<tr><td>");
        pguard_page_text(p, PGUARD_REPORT_MEASURED);
        pguard_page_raw(p, "</td><td>");
        pguard_page_time(p, run.start);
        pguard_page_raw(p, "</td><td>");
        pguard_page_time(p, run.end);
        pguard_page_raw(p, "</td><td></td><td>");
        pguard_page_text(p, PGUARD_REPORT_MONITORING);
        pguard_page_raw(p, "</td><td class=\"n\">");
        pguard_page_duration(p, run.end - run.start);
        pguard_page_raw(p, "</td></tr>\n");
    }

    pguard_page_table_end(p);

    if (more) {
        pguard_page_raw(p, "<p>");
        pguard_page_text(p, PGUARD_REPORT_MORE);
        pguard_page_raw(p, " ");
        pguard_page_number(p, more);
        pguard_page_raw(p, "</p>\n");
    }
}


static void
pguard_page_method(pguard_page_t *p)
{
    pguard_page_section(p, "method", PGUARD_REPORT_METHOD);
    pguard_page_paragraph(p, PGUARD_REPORT_METHOD_TIME);
    pguard_page_paragraph(p, PGUARD_REPORT_METHOD_OUTAGE);
    pguard_page_paragraph(p, PGUARD_REPORT_METHOD_SLOT);
    pguard_page_raw(p, "<dl>\n");
    pguard_page_term_duration(p, PGUARD_REPORT_SLICE, p->r->slice);
    pguard_page_term(p, PGUARD_REPORT_MIN_REQUESTS);
    pguard_page_number(p, p->r->rule.min_requests);
    pguard_page_raw(p, "</dd>\n");
    pguard_page_term(p, PGUARD_REPORT_DOWN_RATIO);
    pguard_page_percent(p, p->r->rule.down_ppm, 4);
    pguard_page_raw(p, "</dd>\n</dl>\n</section>\n");
}
