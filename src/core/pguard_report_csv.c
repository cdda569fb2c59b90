/*
 * The report of a month, as CSV: see pguard_report.h.
 */

#include "pguard_report.h"
#include "pguard_utc.h"


/* The columns behind "end", empty. */

#define PGUARD_CSV_AFTER_END  ",,,,,,,\r\n"


typedef struct {
    const char      *name;
    pguard_ratio_t   ratio;
    pguard_target_e  target;
} pguard_csv_ratio_t;


static void pguard_csv_head(pguard_out_t *out, const pguard_report_t *r);
static void pguard_csv_figures(pguard_out_t *out, const pguard_report_t *r);
static void pguard_csv_days(pguard_out_t *out, const pguard_figures_t *f);
static void pguard_csv_declared(pguard_out_t *out, const pguard_report_t *r);
static void pguard_csv_measured(pguard_out_t *out, const pguard_report_t *r);


/* One column of names and one of values; outages have further ones. */

static void
pguard_csv_row(pguard_out_t *out, const char *record, const char *name)
{
    pguard_out_text(out, record);
    pguard_out_byte(out, ',');
    pguard_out_text(out, name);
    pguard_out_byte(out, ',');
}


static void
pguard_csv_end(pguard_out_t *out)
{
    pguard_out_text(out, ",," PGUARD_CSV_AFTER_END);
}


static void
pguard_csv_number(pguard_out_t *out, const char *record, const char *name,
    uint64_t n)
{
    pguard_csv_row(out, record, name);
    pguard_out_uint(out, n);
    pguard_csv_end(out);
}


/* What people wrote: a spreadsheet must not take it for a formula. */

static void
pguard_csv_text(pguard_out_t *out, pguard_str_t s)
{
    size_t        i;
    pguard_str_t  plain = { 0, s.data };

    pguard_out_byte(out, '"');

    if (s.len && (s.data[0] == '=' || s.data[0] == '+' || s.data[0] == '-'
                  || s.data[0] == '@' || s.data[0] < 0x20))
    {
        pguard_out_byte(out, '\'');
    }

    for (i = 0; i < s.len; i++) {
        if (s.data[i] != '"' && s.data[i] != '\\' && s.data[i] >= 0x20) {
            plain.len++;
            continue;
        }

        pguard_out_label(out, plain);            /* well-formed UTF-8 */
        pguard_out_text(out, s.data[i] == '"' ? "\"\""
                             : s.data[i] == '\\' ? "\\" : " ");
        plain.data = s.data + i + 1;
        plain.len = 0;
    }

    pguard_out_label(out, plain);
    pguard_out_byte(out, '"');
}


static void
pguard_csv_at(pguard_out_t *out, uint64_t at)
{
    if (at) {
        pguard_utc_out(out, at * 1000);
    }
}


/* Rows of one value. */

static void
pguard_csv_string(pguard_out_t *out, const char *name, pguard_str_t s)
{
    pguard_csv_row(out, "report", name);
    pguard_csv_text(out, s);
    pguard_csv_end(out);
}


static void
pguard_csv_time(pguard_out_t *out, const char *name, uint64_t at)
{
    pguard_csv_row(out, "report", name);
    pguard_csv_at(out, at);
    pguard_csv_end(out);
}


static void
pguard_csv_flag(pguard_out_t *out, const char *name, unsigned flag)
{
    pguard_csv_row(out, "report", name);
    pguard_out_text(out, flag ? "yes" : "no");
    pguard_csv_end(out);
}


static void
pguard_csv_share(pguard_out_t *out, const char *record, const char *name,
    uint32_t ppm)
{
    pguard_csv_row(out, record, name);
    pguard_out_decimal(out, ppm, 6);
    pguard_csv_end(out);
}


void
pguard_report_csv(pguard_out_t *out, const pguard_report_t *r)
{
    pguard_out_text(out, "record,name,value,start,end,cause,confirmed,"
                    "confirmed_by,declared_by,withdrawn,notified,detected\r\n");

    pguard_csv_head(out, r);
    pguard_csv_figures(out, r);
    pguard_csv_days(out, r->figures);
    pguard_csv_declared(out, r);
    pguard_csv_measured(out, r);
}


static void
pguard_csv_head(pguard_out_t *out, const pguard_report_t *r)
{
    const pguard_figures_t  *f = r->figures;

    pguard_csv_string(out, "indicator", r->indicator);
    pguard_csv_string(out, "zone", r->zone);

    pguard_csv_row(out, "report", "month");
    pguard_month_out(out, f->span.month);
    pguard_out_byte(out, ',');
    pguard_csv_at(out, f->span.start);
    pguard_out_byte(out, ',');
    pguard_csv_at(out, f->span.end);
    pguard_out_text(out, PGUARD_CSV_AFTER_END);

    pguard_csv_string(out, "timezone", r->timezone);
    pguard_csv_time(out, "as_of", f->as_of);
    pguard_csv_time(out, "counted_since", r->since);
    pguard_csv_number(out, "report", "gateways", r->gateways);
    pguard_csv_flag(out, "partial", r->partial);
    pguard_csv_flag(out, "applicable", r->applicable);
    pguard_csv_share(out, "report", "target", f->target_ppm);

    pguard_csv_number(out, "rule", "slice_seconds", r->slice);
    pguard_csv_number(out, "rule", "min_requests", r->rule.min_requests);
    pguard_csv_share(out, "rule", "down_ratio", r->rule.down_ppm);
}


static void
pguard_csv_figures(pguard_out_t *out, const pguard_report_t *r)
{
    unsigned                   i;
    const pguard_figures_t    *f = r->figures;
    const pguard_csv_ratio_t   ratio[] = {
        { "time", f->time, f->time_target },
        { "requests", f->requests, f->requests_target },
        { "raw_requests", f->raw, f->raw_target }
    };

    for (i = 0; i < 3; i++) {
        pguard_csv_row(out, "availability", ratio[i].name);

        if (ratio[i].ratio.whole) {
            pguard_out_decimal(out, pguard_ratio(ratio[i].ratio),
                               PGUARD_RATIO_PLACES);
        }

        pguard_csv_end(out);
        pguard_csv_row(out, "target", ratio[i].name);
        pguard_out_str(out, pguard_target_names[ratio[i].target]);
        pguard_csv_end(out);
    }

    pguard_csv_number(out, "seconds", "length", f->length);
    pguard_csv_number(out, "seconds", "elapsed", f->elapsed);
    pguard_csv_number(out, "seconds", "downtime", f->down);
    pguard_csv_row(out, "seconds", "budget");
    pguard_out_msec(out, f->budget);
    pguard_csv_end(out);
    pguard_csv_row(out, "seconds", "budget_left");
    pguard_report_signed(out, f->left);
    pguard_csv_end(out);

    for (i = 0; i < PGUARD_SLA_CLASSES; i++) {
        pguard_csv_number(out, "requests",
                          (const char *) pguard_sla_names[i].data,
                          f->by_class[i]);
    }

    for (i = 0; i < PGUARD_REASONS; i++) {
        pguard_csv_number(out, "refusals",
                          (const char *) pguard_reason_names[i].data,
                          f->cells.cell[PGUARD_CELL_REASON + i]);
    }
}


static void
pguard_csv_days(pguard_out_t *out, const pguard_figures_t *f)
{
    unsigned  i;

    for (i = 0; i < f->days; i++) {
        pguard_out_text(out, "day,");
        pguard_day_out(out, f->span.month, i + 1);
        pguard_out_byte(out, ',');
        pguard_out_uint(out, f->day[i].down);
        pguard_csv_end(out);
    }
}


static void
pguard_csv_declared(pguard_out_t *out, const pguard_report_t *r)
{
    size_t                        i;
    const pguard_outage_t        *o;
    const pguard_outage_entry_t  *e;

    for (i = 0; i < r->outages; i++) {
        o = &r->outage[i];
        e = &o->last;

        if (!pguard_report_lists(r, o)) {
            continue;
        }

        pguard_out_text(out, "declared,");
        pguard_report_id(out, o);
        pguard_out_byte(out, ',');
        pguard_out_uint(out, o->withdrawn ? 0
                        : pguard_figures_within(r->figures, o->start, o->end));
        pguard_out_byte(out, ',');
        pguard_csv_at(out, o->start);
        pguard_out_byte(out, ',');
        pguard_csv_at(out, o->end);
        pguard_out_byte(out, ',');
        pguard_csv_text(out, (pguard_str_t) { e->cause_len, e->cause });
        pguard_out_byte(out, ',');
        pguard_out_str(out, pguard_confirmed_names[e->confirmed_by]);
        pguard_out_byte(out, ',');
        pguard_csv_text(out, (pguard_str_t) { e->confirmer_len,
                                              e->confirmer });
        pguard_out_byte(out, ',');
        pguard_csv_text(out, (pguard_str_t) { o->declarer_len, o->declarer });
        pguard_out_text(out, o->withdrawn ? ",yes," : ",no,");
        pguard_csv_at(out, e->notified);
        pguard_out_byte(out, ',');
        pguard_csv_at(out, e->detected);
        pguard_out_text(out, "\r\n");
    }
}


static void
pguard_csv_measured(pguard_out_t *out, const pguard_report_t *r)
{
    size_t             n, more;
    uint64_t           pos;
    pguard_interval_t  run;

    n = 0;
    pos = 0;
    more = 0;

    while (pguard_bits_next(r->bits, r->slice, &r->figures->span, &pos, &run))
    {
        if (n++ >= r->measured_max) {
            more++;
            continue;
        }

        pguard_out_text(out, "measured,,");
        pguard_out_uint(out, run.end - run.start);
        pguard_out_byte(out, ',');
        pguard_csv_at(out, run.start);
        pguard_out_byte(out, ',');
        pguard_csv_at(out, run.end);
        pguard_out_text(out, PGUARD_CSV_AFTER_END);
    }

    if (more) {
        pguard_csv_number(out, "not_listed", "measured", more);
    }
}
