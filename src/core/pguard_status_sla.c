/*
 * The indicators of this month: target, availability, budget left, the days.
 */

#include "pguard_status_private.h"


void
pguard_status_left(pguard_page_t *p, const pguard_figures_t *f)
{
    uint64_t  s;

    if (f->left >= 0) {
        pguard_page_duration(p, (uint64_t) f->left / 1000);
        return;
    }

    s = (0 - (uint64_t) f->left + 999) / 1000;
    pguard_page_raw(p, "\u2212");
    pguard_page_duration(p, s);
}


static void
pguard_sla_term(pguard_page_t *p, unsigned report_text)
{
    pguard_page_raw(p, "<dt>");
    pguard_page_words(p, pguard_report_texts[report_text]);
    pguard_page_raw(p, "</dt><dd>");
}


static void
pguard_sla_figures(pguard_page_t *p, const pguard_status_sla_t *sla)
{
    uint64_t                 left;
    const pguard_figures_t  *f = &sla->figures;

    left = pguard_status_permille(f->left > 0 ? (uint64_t) f->left : 0,
                                  f->budget);

    pguard_page_raw(p, "<dl>\n");
    pguard_sla_term(p, PGUARD_REPORT_TARGET);
    pguard_page_percent(p, f->target_ppm, 4);
    pguard_page_raw(p, "</dd>\n");
    pguard_sla_term(p, PGUARD_REPORT_BY_TIME);
    pguard_page_ratio(p, f->time);
    pguard_page_raw(p, "</dd>\n");
    pguard_sla_term(p, PGUARD_REPORT_BY_REQUESTS);
    pguard_page_ratio(p, f->requests);
    pguard_page_raw(p, "</dd>\n");
    pguard_sla_term(p, PGUARD_REPORT_DOWNTIME);
    pguard_page_duration(p, f->down);
    pguard_page_raw(p, "</dd>\n");
    pguard_sla_term(p, f->left < 0 ? PGUARD_REPORT_OVERDRAWN
                                   : PGUARD_REPORT_LEFT);
    pguard_status_left(p, f);
    pguard_page_raw(p, " (");
    pguard_page_percent(p, left, 1);
    pguard_page_raw(p, ")");
    pguard_status_bar(p, left, left < 250);
    pguard_page_raw(p, "</dd>\n");

    if (sla->gateways > 1 || sla->partial) {
        pguard_sla_term(p, PGUARD_REPORT_GATEWAYS);
        pguard_page_number(p, sla->gateways);

        if (sla->partial) {
            pguard_page_raw(p, ", ");
            pguard_page_text(p, PGUARD_STATUS_PARTIAL);
        }

        pguard_page_raw(p, "</dd>\n");
    }

    pguard_page_raw(p, "</dl>\n");
}


/* The call of an indicator: its zone tells it from another of that name. */

static void
pguard_sla_path(pguard_page_t *p, const pguard_status_sla_t *sla,
    pguard_str_t outage, const char *rest)
{
    pguard_page_raw(p, "api/1/sla/");
    pguard_status_segment(p, sla->name);
    pguard_page_raw(p, rest);
    pguard_status_segment(p, outage);
    pguard_page_raw(p, "?zone=");
    pguard_status_segment(p, sla->zone);
}


static void
pguard_sla_outage(pguard_page_t *p, const pguard_status_t *s,
    const pguard_status_sla_t *sla, const pguard_outage_t *o)
{
    pguard_out_t   out;
    pguard_str_t   id, none = { 0, NULL };
    unsigned char  buf[PGUARD_OUTAGE_ID_MAX];

    pguard_page_raw(p, "<li>");
    pguard_page_text(p, PGUARD_STATUS_OPEN_OUTAGE);
    pguard_page_raw(p, " ");
    pguard_page_time(p, o->start);

    if (o->last.cause_len) {
        pguard_page_raw(p, " \u2013 ");
        pguard_page_str(p, (pguard_str_t) { o->last.cause_len,
                                            o->last.cause });
    }

    if (s->writable) {
        pguard_out_init(&out, buf, sizeof(buf));
        pguard_report_id(&out, o);
        id.data = buf;
        id.len = (size_t) (out.pos - buf);

        pguard_page_raw(p, " ");
        pguard_status_button(p, "restore", id, none);
        pguard_sla_path(p, sla, id, "/outages/");
        pguard_status_button_end(p, PGUARD_STATUS_RESTORE, sla->name,
                                 pguard_status_zone(s, sla->zone));
    }

    pguard_page_raw(p, "</li>\n");
}


/* The report, and a button to declare an outage. */

static void
pguard_sla_links(pguard_page_t *p, const pguard_status_t *s,
    const pguard_status_sla_t *sla)
{
    pguard_str_t  zone, none = { 0, NULL };

    zone = pguard_status_zone(s, sla->zone);

    pguard_page_raw(p, "<p><a href=\"");
    pguard_sla_path(p, sla, none, "");
    pguard_page_raw(p, "&amp;format=html&amp;lang=");
    pguard_out_str(p->out, pguard_lang_names[p->lang]);
    pguard_page_raw(p, "\">");
    pguard_page_text(p, PGUARD_STATUS_REPORT);
    pguard_page_raw(p, "<span class=\"h\"> ");
    pguard_status_name(p, sla->name);
    pguard_status_of_zone(p, s, sla->zone);
    pguard_page_raw(p, "</span></a>");

    if (s->writable) {
        pguard_page_raw(p, " ");
        pguard_status_button(p, "declare", sla->name, zone);
        pguard_sla_path(p, sla, none, "/outages");
        pguard_status_button_end(p, PGUARD_STATUS_DECLARE, sla->name, zone);
    }

    pguard_page_raw(p, "</p>\n");
}


static void
pguard_sla(pguard_page_t *p, const pguard_status_t *s,
    const pguard_status_sla_t *sla)
{
    size_t  i;

    pguard_page_raw(p, "<article><h3>");
    pguard_status_name(p, sla->name);
    pguard_page_raw(p, sla->conditional ? "\u00a0(*)" : "");
    pguard_status_of_zone(p, s, sla->zone);
    pguard_page_raw(p, "</h3>\n");

    if (sla->known) {
        pguard_sla_figures(p, sla);
        pguard_page_days(p, &sla->figures);

    } else {
        pguard_page_paragraph(p, PGUARD_STATUS_NO_FIGURES);
    }

    if (sla->opens) {
        pguard_page_raw(p, "<ul>\n");

        for (i = 0; i < sla->opens; i++) {
            pguard_sla_outage(p, s, sla, &sla->open[i]);
        }

        pguard_page_raw(p, "</ul>\n");
        pguard_status_more(p, sla->opens_more);
    }

    pguard_sla_links(p, s, sla);
    pguard_page_raw(p, "</article>\n");
}


void
pguard_status_slas(pguard_page_t *p, const pguard_status_t *s)
{
    size_t  i;

    pguard_status_section(p, "slas", PGUARD_STATUS_INDICATORS);

    if (s->slas.n == 0) {
        pguard_page_paragraph(p, PGUARD_STATUS_INDICATORS_NONE);
    }

    pguard_page_raw(p, "<div class=\"slas\">\n");

    for (i = 0; i < s->slas.n; i++) {
        pguard_sla(p, s, &s->slas.of[i]);
    }

    pguard_page_raw(p, "</div>\n");

    pguard_status_more(p, s->slas.more);
    pguard_page_raw(p, "</section>\n");
}
