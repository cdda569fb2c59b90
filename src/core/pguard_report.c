/*
 * The report of a month, as JSON: see pguard_report.h.
 */

#include "pguard_report.h"
#include "pguard_utc.h"

#include <string.h>


static void pguard_report_json(pguard_out_t *out, const pguard_report_t *r);
static void pguard_report_time(pguard_out_t *out, const pguard_report_t *r);
static void pguard_report_requests(pguard_out_t *out, const pguard_report_t *r);
static void pguard_report_days(pguard_out_t *out, const pguard_report_t *r);
static void pguard_report_outages(pguard_out_t *out, const pguard_report_t *r);


static const pguard_str_t  pguard_report_types[PGUARD_REPORTS] = {
    [PGUARD_REPORT_JSON] = pguard_string("application/json"),
    [PGUARD_REPORT_CSV]  = pguard_string("text/csv; charset=utf-8"),
    [PGUARD_REPORT_HTML] = pguard_string("text/html; charset=utf-8")
};


void
pguard_report(pguard_out_t *out, const pguard_report_t *r,
    pguard_report_e format, pguard_lang_e lang)
{
    switch (format) {

    case PGUARD_REPORT_CSV:
        pguard_report_csv(out, r);
        break;

    case PGUARD_REPORT_HTML:
        pguard_report_html(out, r, lang);
        break;

    default:
        pguard_report_json(out, r);
    }
}


pguard_str_t
pguard_report_content_type(pguard_report_e format)
{
    return pguard_report_types[format];
}


int
pguard_report_lists(const pguard_report_t *r, const pguard_outage_t *o)
{
    const pguard_figures_t  *f = r->figures;

    return o->start < f->span.end
           && (o->start >= f->span.start || o->end == 0
               || o->end > f->span.start);
}


void
pguard_report_id(pguard_out_t *out, const pguard_outage_t *o)
{
    pguard_out_hex(out, o->gateway.bytes, 8);
    pguard_out_byte(out, '-');
    pguard_out_uint(out, o->id);
}


int
pguard_report_named(const pguard_outage_t *o, pguard_str_t s)
{
    pguard_out_t   out;
    unsigned char  buf[PGUARD_OUTAGE_ID_MAX];

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_report_id(&out, o);

    return s.len == out.need && memcmp(s.data, buf, s.len) == 0;
}


static void
pguard_report_key(pguard_out_t *out, const char *name)
{
    pguard_out_text(out, ",\"");
    pguard_out_text(out, name);
    pguard_out_text(out, "\":");
}


static void
pguard_report_number(pguard_out_t *out, const char *name, uint64_t n)
{
    pguard_report_key(out, name);
    pguard_out_uint(out, n);
}


static void
pguard_report_string(pguard_out_t *out, const char *name, pguard_str_t s)
{
    pguard_report_key(out, name);
    pguard_out_byte(out, '"');
    pguard_out_json(out, s);
    pguard_out_byte(out, '"');
}


static void
pguard_report_bool(pguard_out_t *out, const char *name, int yes)
{
    pguard_report_key(out, name);
    pguard_out_text(out, yes ? "true" : "false");
}


/* Seconds since 1970; null if there are none. */

static void
pguard_report_at(pguard_out_t *out, const char *name, uint64_t at)
{
    pguard_report_key(out, name);

    if (at == 0) {
        pguard_out_text(out, "null");
        return;
    }

    pguard_out_byte(out, '"');
    pguard_utc_out(out, at * 1000);
    pguard_out_byte(out, '"');
}


static void
pguard_report_ratio(pguard_out_t *out, const char *name, pguard_ratio_t r)
{
    pguard_report_key(out, name);

    if (r.whole) {
        pguard_out_decimal(out, pguard_ratio(r), PGUARD_RATIO_PLACES);

    } else {
        pguard_out_text(out, "null");
    }
}


void
pguard_report_signed(pguard_out_t *out, int64_t ms)
{
    if (ms < 0) {
        pguard_out_byte(out, '-');
    }

    pguard_out_msec(out, ms < 0 ? 0 - (uint64_t) ms : (uint64_t) ms);
}


static void
pguard_report_json(pguard_out_t *out, const pguard_report_t *r)
{
    const pguard_figures_t  *f = r->figures;

    pguard_out_text(out, "{\"indicator\":\"");
    pguard_out_json(out, r->indicator);
    pguard_out_byte(out, '"');
    pguard_report_string(out, "zone", r->zone);
    pguard_report_key(out, "month");
    pguard_out_byte(out, '"');
    pguard_month_out(out, f->span.month);
    pguard_out_byte(out, '"');
    pguard_report_string(out, "timezone", r->timezone);
    pguard_report_at(out, "start", f->span.start);
    pguard_report_at(out, "end", f->span.end);
    pguard_report_at(out, "as_of", f->as_of);
    pguard_report_key(out, "generated");
    pguard_out_byte(out, '"');
    pguard_utc_out(out, r->generated);
    pguard_out_byte(out, '"');
    pguard_report_bool(out, "running", f->as_of < f->span.end);
    pguard_report_at(out, "counted_since", r->since);
    pguard_report_number(out, "gateways", r->gateways);
    pguard_report_bool(out, "partial", r->partial != 0);
    pguard_report_bool(out, "conditional", r->conditional != 0);
    pguard_report_bool(out, "applicable", r->applicable != 0);
    pguard_report_key(out, "target");
    pguard_out_decimal(out, f->target_ppm, 6);

    pguard_report_time(out, r);
    pguard_report_requests(out, r);
    pguard_report_days(out, r);
    pguard_report_outages(out, r);

    pguard_report_key(out, "rule");
    pguard_out_text(out, "{\"slice_seconds\":");
    pguard_out_uint(out, r->slice);
    pguard_report_number(out, "min_requests", r->rule.min_requests);
    pguard_report_key(out, "down_ratio");
    pguard_out_decimal(out, r->rule.down_ppm, 6);
    pguard_out_text(out, "}}\n");
}


static void
pguard_report_time(pguard_out_t *out, const pguard_report_t *r)
{
    const pguard_figures_t  *f = r->figures;

    pguard_report_key(out, "time");
    pguard_out_text(out, "{\"length_seconds\":");
    pguard_out_uint(out, f->length);
    pguard_report_number(out, "elapsed_seconds", f->elapsed);
    pguard_report_number(out, "downtime_seconds", f->down);
    pguard_report_number(out, "outages", f->outages);
    pguard_report_number(out, "longest_seconds", f->longest);
    pguard_report_ratio(out, "availability", f->time);
    pguard_report_ratio(out, "projected_availability", f->projected);
    pguard_report_string(out, "target", pguard_target_names[f->time_target]);
    pguard_report_key(out, "budget_seconds");
    pguard_out_msec(out, f->budget);
    pguard_report_key(out, "budget_left_seconds");
    pguard_report_signed(out, f->left);
    pguard_out_byte(out, '}');
}


static void
pguard_report_requests(pguard_out_t *out, const pguard_report_t *r)
{
    unsigned                 i;
    const pguard_figures_t  *f = r->figures;

    pguard_report_key(out, "requests");
    pguard_out_text(out, "{\"total\":");
    pguard_out_uint(out, pguard_cells_sum(&f->cells));

    for (i = 0; i < PGUARD_SLA_CLASSES; i++) {
        pguard_out_text(out, ",\"");
        pguard_out_str(out, pguard_sla_names[i]);
        pguard_out_text(out, "\":");
        pguard_out_uint(out, f->by_class[i]);
    }

    pguard_report_ratio(out, "availability", f->requests);
    pguard_report_string(out, "target",
                         pguard_target_names[f->requests_target]);
    pguard_report_ratio(out, "raw_availability", f->raw);
    pguard_report_string(out, "raw_target", pguard_target_names[f->raw_target]);
    pguard_report_key(out, "refusals");
    pguard_out_byte(out, '[');

    for (i = 0; i < PGUARD_REASONS; i++) {
        pguard_out_text(out, i ? ",{\"reason\":\"" : "{\"reason\":\"");
        pguard_out_str(out, pguard_reason_names[i]);
        pguard_out_byte(out, '"');
        pguard_report_string(out, "class",
                           pguard_sla_names[pguard_cell_class(PGUARD_CELL_REASON
                                                              + i)]);
        pguard_report_number(out, "requests",
                             f->cells.cell[PGUARD_CELL_REASON + i]);
        pguard_out_byte(out, '}');
    }

    pguard_out_text(out, "]}");
}


static void
pguard_report_days(pguard_out_t *out, const pguard_report_t *r)
{
    unsigned                 i;
    const pguard_figures_t  *f = r->figures;

    pguard_report_key(out, "days");
    pguard_out_byte(out, '[');

    for (i = 0; i < f->days; i++) {
        pguard_out_text(out, i ? ",{\"date\":\"" : "{\"date\":\"");
        pguard_day_out(out, f->span.month, i + 1);
        pguard_out_byte(out, '"');
        pguard_report_number(out, "length_seconds", f->day[i].length);
        pguard_report_number(out, "downtime_seconds", f->day[i].down);
        pguard_out_byte(out, '}');
    }

    pguard_out_byte(out, ']');
}


static void
pguard_report_outages(pguard_out_t *out, const pguard_report_t *r)
{
    size_t                   i, n;
    uint64_t                 pos, more;
    pguard_interval_t        run;
    const pguard_figures_t  *f = r->figures;

    pguard_report_key(out, "declared");
    pguard_out_byte(out, '[');

    for (i = 0, n = 0; i < r->outages; i++) {
        if (pguard_report_lists(r, &r->outage[i])) {
            pguard_out_text(out, n++ ? "," : "");
            pguard_report_outage(out, r, &r->outage[i]);
        }
    }

    pguard_out_byte(out, ']');
    pguard_report_key(out, "measured");
    pguard_out_byte(out, '[');

    n = 0;
    pos = 0;
    more = 0;

    while (pguard_bits_next(r->bits, r->slice, &f->span, &pos, &run)) {
        if (n == r->measured_max) {
            more++;
            continue;
        }

        pguard_out_text(out, n++ ? ",{\"source\":\"slots\""
                                 : "{\"source\":\"slots\"");
        pguard_report_at(out, "start", run.start);
        pguard_report_at(out, "end", run.end);
        pguard_report_number(out, "seconds", run.end - run.start);
        pguard_out_byte(out, '}');
    }

    pguard_out_byte(out, ']');
    pguard_report_number(out, "measured_not_listed", more);
}


void
pguard_report_outage(pguard_out_t *out, const pguard_report_t *r,
    const pguard_outage_t *o)
{
    const pguard_outage_entry_t  *e = &o->last;

    pguard_out_text(out, "{\"source\":\"declared\"");
    pguard_report_key(out, "id");
    pguard_out_byte(out, '"');
    pguard_report_id(out, o);
    pguard_out_byte(out, '"');
    pguard_report_at(out, "start", o->start);
    pguard_report_at(out, "end", o->end);
    pguard_report_at(out, "notified", e->notified);
    pguard_report_at(out, "detected", e->detected);
    pguard_report_at(out, "declared", o->declared);
    pguard_report_string(out, "declared_by",
                         (pguard_str_t) { o->declarer_len, o->declarer });
    pguard_report_string(out, "cause", (pguard_str_t) { e->cause_len,
                                                        e->cause });
    pguard_report_string(out, "confirmed",
                         pguard_confirmed_names[e->confirmed_by]);
    pguard_report_string(out, "confirmed_by",
                         (pguard_str_t) { e->confirmer_len, e->confirmer });
    pguard_report_at(out, "last_entry", e->at);
    pguard_report_string(out, "last_entry_by",
                         (pguard_str_t) { e->who_len, e->who });
    pguard_report_number(out, "corrections", o->corrections);
    pguard_report_bool(out, "withdrawn", o->withdrawn != 0);

    if (r) {
        pguard_report_number(out, "seconds_in_month", o->withdrawn ? 0
                             : pguard_figures_within(r->figures, o->start,
                                                     o->end));
    }

    pguard_out_byte(out, '}');
}
