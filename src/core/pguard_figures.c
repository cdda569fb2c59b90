/*
 * The figures of a month: see pguard_figures.h.
 */

#include "pguard_figures.h"

#include <string.h>


/* The union so far: all of it lies before the interval that comes next. */

typedef struct {
    pguard_figures_t          *f;
    const pguard_figures_in_t *in;
    uint64_t                   start;      /* of the last united outage */
    uint64_t                   end;
    uint64_t                   day_end;
    unsigned                   day;        /* from 0 */
} pguard_union_t;


static void pguard_union_all(pguard_union_t *u);
static void pguard_union_add(pguard_union_t *u, pguard_interval_t i);
static void pguard_union_days(pguard_union_t *u, uint64_t from, uint64_t to);
static void pguard_figures_requests(pguard_figures_t *f);
static void pguard_figures_targets(pguard_figures_t *f, unsigned applicable);
static pguard_target_e pguard_figures_met(pguard_ratio_t r, uint32_t ppm);


const pguard_str_t  pguard_target_names[PGUARD_TARGETS] = {
    [PGUARD_TARGET_MET]            = pguard_string("met"),
    [PGUARD_TARGET_MISSED]         = pguard_string("missed"),
    [PGUARD_TARGET_OPEN]           = pguard_string("open"),
    [PGUARD_TARGET_NO_DATA]        = pguard_string("no_data"),
    [PGUARD_TARGET_NOT_APPLICABLE] = pguard_string("not_applicable")
};


void
pguard_figures(pguard_figures_t *f, const pguard_figures_in_t *in)
{
    unsigned        i;
    uint64_t        start, end;
    pguard_union_t  u;

    memset(f, 0, sizeof(pguard_figures_t));

    f->span = in->span;
    f->cells = in->cells;
    f->target_ppm = in->target_ppm;
    f->as_of = in->now < in->span.end ? in->now : in->span.end;
    f->length = in->span.end - in->span.start;
    f->elapsed = f->as_of > in->span.start ? f->as_of - in->span.start : 0;
    f->days = pguard_month_days(in->span.month);

    start = in->span.start;
    memset(&u, 0, sizeof(u));
    u.f = f;
    u.in = in;
    u.start = u.end = start;

    for (i = 0; i < f->days; i++) {
        end = pguard_day_start(in->tz, in->span.month, i + 2);
        f->day[i].length = end - start;
        start = end;
    }

    u.day_end = in->span.start + f->day[0].length;
    pguard_union_all(&u);

    f->time.part = f->elapsed - f->down;
    f->time.whole = f->elapsed;
    f->projected.part = f->length - f->down;
    f->projected.whole = f->length;

    if (in->since >= in->span.end && f->down == 0
        && pguard_cells_sum(&f->cells) == 0)
    {
        f->time.whole = 0;
        f->projected.whole = 0;
    }

    pguard_figures_requests(f);
    pguard_figures_targets(f, in->applicable);
}


int
pguard_figures_of(pguard_figures_t *f, pguard_figures_in_t *in,
    const pguard_ledger_t *l, pguard_month_t month, uint64_t now,
    const pguard_sla_rule_t *rule, unsigned char *bits,
    pguard_outage_t *outage, size_t max)
{
    if (!pguard_ledger_kept(l, month, now)) {
        return -1;
    }

    pguard_month_span(in->tz, month, &in->span);
    pguard_ledger_bits(l, &in->span, now, rule, bits);
    pguard_ledger_cells(l, month, &in->cells);

    in->target_ppm = pguard_ledger_rule(l, month, rule).target_ppm;
    in->now = now;
    in->since = pguard_ledger_since(l);
    in->bits = bits;
    in->slice = l->slice;
    in->outage = outage;
    in->outages = pguard_outage_list(&l->log, outage, max);

    pguard_figures(f, in);

    return 0;
}


/* Runs of slots and declared outages, whichever starts earlier. */

static void
pguard_union_all(pguard_union_t *u)
{
    int                        more;
    size_t                     n;
    uint64_t                   pos;
    pguard_interval_t          run, i;
    const pguard_outage_t     *o;
    const pguard_figures_in_t *in = u->in;

    n = 0;
    pos = 0;
    more = pguard_bits_next(in->bits, in->slice, &in->span, &pos, &run);

    while (more || n < in->outages) {
        o = &in->outage[n];

        if (n == in->outages || (more && run.start <= o->start)) {
            pguard_union_add(u, run);
            more = pguard_bits_next(in->bits, in->slice, &in->span, &pos,
                                    &run);
            continue;
        }

        i.start = o->start;
        i.end = o->end ? o->end : UINT64_MAX;

        if (!o->withdrawn) {
            pguard_union_add(u, i);
        }

        n++;
    }
}


static void
pguard_union_add(pguard_union_t *u, pguard_interval_t i)
{
    uint64_t           from, to;
    pguard_figures_t  *f = u->f;

    from = i.start > f->span.start ? i.start : f->span.start;
    to = i.end < f->as_of ? i.end : f->as_of;

    if (from >= to) {
        return;
    }

    if (from > u->end || f->outages == 0) {
        f->outages++;
        u->start = u->end = from;
    }

    if (to > u->end) {
        pguard_union_days(u, u->end, to);
        f->down += to - u->end;
        u->end = to;
    }

    if (u->end - u->start > f->longest) {
        f->longest = u->end - u->start;
    }
}


static void
pguard_union_days(pguard_union_t *u, uint64_t from, uint64_t to)
{
    uint64_t           until;
    pguard_figures_t  *f = u->f;

    while (from < to) {
        while (from >= u->day_end) {
            u->day++;
            u->day_end += f->day[u->day].length;
        }

        until = to < u->day_end ? to : u->day_end;
        f->day[u->day].down += until - from;
        from = until;
    }
}


int
pguard_bits_next(const unsigned char *bits, uint64_t slice,
    const pguard_month_span_t *span, uint64_t *pos, pguard_interval_t *run)
{
    uint64_t  n, i;

    n = (span->end - span->start + slice - 1) / slice;
    n = n < pguard_ledger_slots(slice) ? n : pguard_ledger_slots(slice);

    for (i = *pos; i < n && !(bits[i / 8] >> i % 8 & 1); i++) {
        if (i % 8 == 0 && bits[i / 8] == 0) {
            i += 7;
        }
    }

    if (i >= n) {
        *pos = n;
        return 0;
    }

    run->start = span->start + i * slice;

    while (i < n && (bits[i / 8] >> i % 8 & 1)) {
        i++;
    }

    run->end = span->start + i * slice;
    run->end = run->end < span->end ? run->end : span->end;
    *pos = i;

    return 1;
}


uint64_t
pguard_figures_within(const pguard_figures_t *f, uint64_t start, uint64_t end)
{
    start = start > f->span.start ? start : f->span.start;
    end = end && end < f->as_of ? end : f->as_of;

    return end > start ? end - start : 0;
}


static void
pguard_figures_requests(pguard_figures_t *f)
{
    unsigned  i;

    for (i = 0; i < PGUARD_SLA_CLASSES; i++) {
        f->by_class[i] = pguard_cells_class(&f->cells, (pguard_sla_e) i);
    }

    f->requests.part = f->by_class[PGUARD_SLA_GOOD];
    f->requests.whole = f->requests.part + f->by_class[PGUARD_SLA_FAILED];
    f->raw.part = f->requests.part;
    f->raw.whole = f->requests.whole + f->by_class[PGUARD_SLA_EXCLUDED];
}


static void
pguard_figures_targets(pguard_figures_t *f, unsigned applicable)
{
    f->budget = f->length * (PGUARD_PPM - f->target_ppm) / 1000;
    f->left = (int64_t) f->budget - (int64_t) f->down * 1000;

    f->time_target = pguard_figures_met(f->projected, f->target_ppm);
    f->requests_target = pguard_figures_met(f->requests, f->target_ppm);
    f->raw_target = pguard_figures_met(f->raw, f->target_ppm);

    if (f->as_of < f->span.end) {
        if (f->time_target == PGUARD_TARGET_MET) {
            f->time_target = PGUARD_TARGET_OPEN;
        }

        /* good requests to come may mend these yet */

        if (f->requests.whole) {
            f->requests_target = PGUARD_TARGET_OPEN;
        }

        if (f->raw.whole) {
            f->raw_target = PGUARD_TARGET_OPEN;
        }
    }

    if (!applicable) {
        f->time_target = PGUARD_TARGET_NOT_APPLICABLE;
        f->requests_target = PGUARD_TARGET_NOT_APPLICABLE;
        f->raw_target = PGUARD_TARGET_NOT_APPLICABLE;
    }
}


static pguard_target_e
pguard_figures_met(pguard_ratio_t r, uint32_t ppm)
{
    if (r.whole == 0) {
        return PGUARD_TARGET_NO_DATA;
    }

    return pguard_ratio_meets(r, ppm) ? PGUARD_TARGET_MET
                                      : PGUARD_TARGET_MISSED;
}


int
pguard_ratio_meets(pguard_ratio_t r, uint32_t target_ppm)
{
    return (unsigned __int128) r.part * PGUARD_PPM
           >= (unsigned __int128) r.whole * target_ppm;
}


uint64_t
pguard_ratio(pguard_ratio_t r)
{
    return (uint64_t) ((unsigned __int128) r.part * PGUARD_RATIO_ONE
                       / r.whole);
}
