/*
 * A ledger as bytes: see pguard_ledger_state.h.
 */

#include "pguard_ledger_state.h"
#include "pguard_pack.h"
#include "pguard_str.h"

#include <string.h>


#define PGUARD_LEDGER_STATE_MAGIC  "PGLEDGR2"
#define PGUARD_LEDGER_NAME         255

/* A month has been judged: by an older release, which kept no target; or with
   one. */

#define PGUARD_LEDGER_JUDGED       1
#define PGUARD_LEDGER_JUDGED_FOR   2


/* All is read three times: to check it, and to add entries and months.  What
   is measured becomes entries, which come after those that were declared. */

typedef enum {
    PGUARD_READ_CHECK = 0,
    PGUARD_READ_LOG,
    PGUARD_READ_MONTHS
} pguard_ledger_read_e;

typedef struct {
    pguard_unpack_t             in;
    pguard_ledger_t            *l;
    pguard_ledger_id_t          has;       /* whose it is */
    pguard_ledger_read_e        what;
    uint64_t                    slots;
    uint64_t                    entries;   /* that were read, or measured */
    unsigned                    convert;   /* what follows is for this: */
    const pguard_tz_t          *tz;
    const pguard_sla_rule_t    *rule;
    uint64_t                    now;
} pguard_ledger_reader_t;


static const char *pguard_ledger_state_head(pguard_unpack_t *in,
    pguard_str_t bytes, pguard_ledger_id_t *id);
static void pguard_ledger_state_month(pguard_out_t *out,
    const pguard_ledger_t *l, pguard_month_t month);
static const char *pguard_ledger_state_begin(pguard_ledger_reader_t *r,
    pguard_ledger_t *l, pguard_str_t bytes, const pguard_ledger_id_t *id);
static const char *pguard_ledger_state_all(pguard_ledger_reader_t *r,
    pguard_ledger_id_t *id);
static void pguard_ledger_state_body(pguard_ledger_reader_t *r);
static void pguard_ledger_state_unpack(pguard_ledger_reader_t *r,
    pguard_month_t month);
static void pguard_ledger_state_judged(pguard_ledger_reader_t *r,
    pguard_month_t month, uint64_t judged);
static void pguard_ledger_state_log(pguard_ledger_reader_t *r);
static void pguard_ledger_state_measured(pguard_ledger_reader_t *r,
    pguard_month_t month, uint64_t start, uint64_t end);


void
pguard_ledger_state(pguard_out_t *out, const unsigned char *start,
    const pguard_ledger_t *l, const pguard_ledger_id_t *id, unsigned last)
{
    uint64_t        late;
    pguard_cells_t  cells;
    pguard_month_t  m, newest;

    newest = pguard_ledger_newest(l);
    m = pguard_ledger_sure(l);
    m = m && m < newest ? m : newest;
    pguard_ledger_ever(l, &cells, &late);

    if (!last) {
        memset(&cells, 0, sizeof(cells));
    }

    pguard_out_text(out, PGUARD_LEDGER_STATE_MAGIC);
    pguard_pack_text(out, id->indicator);
    pguard_pack_text(out, id->timezone);
    pguard_pack(out, id->slice);
    pguard_out_bytes(out, id->gateway.bytes, PGUARD_ID_LEN);
    pguard_pack(out, pguard_ledger_since(l));
    pguard_pack(out, late);
    pguard_pack_cells(out, &cells);

    m = m > PGUARD_LEDGER_MONTHS ? m - PGUARD_LEDGER_MONTHS : 1;

    for ( ; m <= newest; m++) {
        pguard_ledger_cells(l, m, &cells);

        if (pguard_cells_sum(&cells)) {
            pguard_pack(out, m);
            pguard_pack_cells(out, &cells);
            pguard_ledger_state_month(out, l, m);
        }
    }

    pguard_pack(out, 0);
    pguard_pack_log(out, &l->log);
    pguard_pack_sum(out, start);
}


static void
pguard_ledger_state_month(pguard_out_t *out, const pguard_ledger_t *l,
    pguard_month_t month)
{
    pguard_judgement_t    j;
    const unsigned char  *bits;

    bits = pguard_ledger_judgement(l, month, &j);

    if (bits) {
        pguard_pack(out, PGUARD_LEDGER_JUDGED_FOR);
        pguard_pack(out, j.counted);
        pguard_pack(out, j.rule.min_requests);
        pguard_pack(out, j.rule.down_ppm);
        pguard_pack(out, j.rule.target_ppm);
        pguard_pack_bits(out, bits, l->slots);

    } else {
        pguard_pack(out, 0);
    }

    pguard_pack_slots(out, l, month);
}


static const char *
pguard_ledger_state_head(pguard_unpack_t *in, pguard_str_t bytes,
    pguard_ledger_id_t *id)
{
    const char  *wrong;

    wrong = pguard_unpack_open(in, bytes, PGUARD_LEDGER_STATE_MAGIC,
                               "is no ledger of this version");

    if (wrong) {
        return wrong;
    }

    id->indicator = pguard_unpack_text(in, PGUARD_LEDGER_NAME);
    id->timezone = pguard_unpack_text(in, PGUARD_LEDGER_NAME);
    id->slice = pguard_unpack(in, PGUARD_SLICE_MAX);

    if (id->slice < PGUARD_SLICE_MIN || in->end - in->pos < PGUARD_ID_LEN) {
        return "is damaged";
    }

    memcpy(id->gateway.bytes, in->pos, PGUARD_ID_LEN);
    in->pos += PGUARD_ID_LEN;

    return NULL;
}


const char *
pguard_ledger_state_id(pguard_str_t bytes, pguard_ledger_id_t *id)
{
    pguard_unpack_t  in;

    return pguard_ledger_state_head(&in, bytes, id);
}


const char *
pguard_ledger_state_read(pguard_ledger_t *l, pguard_str_t bytes,
    pguard_ledger_id_t *id)
{
    const char              *wrong;
    pguard_ledger_reader_t   r;

    wrong = pguard_ledger_state_begin(&r, l, bytes, id);

    if (wrong) {
        return wrong;
    }

    if (!pguard_str_same(r.has.timezone, id->timezone)) {
        return "is of another time zone";
    }

    if (r.has.slice != id->slice || r.has.slice != l->slice) {
        return "is of another slice";
    }

    return pguard_ledger_state_all(&r, id);
}


const char *
pguard_ledger_state_convert(pguard_ledger_t *l, pguard_str_t bytes,
    pguard_ledger_id_t *id, const pguard_tz_t *tz,
    const pguard_sla_rule_t *rule, uint64_t now)
{
    const char              *wrong;
    pguard_ledger_reader_t   r;

    wrong = pguard_ledger_state_begin(&r, l, bytes, id);

    if (wrong) {
        return wrong;
    }

    r.convert = 1;
    r.tz = tz;
    r.rule = rule;
    r.now = now;

    return pguard_ledger_state_all(&r, id);
}


static const char *
pguard_ledger_state_begin(pguard_ledger_reader_t *r, pguard_ledger_t *l,
    pguard_str_t bytes, const pguard_ledger_id_t *id)
{
    const char  *wrong;

    memset(r, 0, sizeof(pguard_ledger_reader_t));
    wrong = pguard_ledger_state_head(&r->in, bytes, &r->has);

    if (wrong) {
        return wrong;
    }

    r->l = l;
    r->slots = pguard_ledger_slots(r->has.slice);

    return pguard_str_same(r->has.indicator, id->indicator)
           ? NULL : "is of another indicator";
}


static const char *
pguard_ledger_state_all(pguard_ledger_reader_t *r, pguard_ledger_id_t *id)
{
    pguard_unpack_t  start = r->in;

    pguard_ledger_state_body(r);

    if (r->in.bad || r->in.pos != r->in.end) {
        return "is damaged";
    }

    if (r->convert && r->entries > r->l->log.entries) {
        return "has more outages than the log has room for";
    }

    r->in = start;
    r->what = PGUARD_READ_LOG;
    pguard_ledger_state_body(r);

    r->in = start;
    r->what = PGUARD_READ_MONTHS;
    pguard_ledger_state_body(r);

    id->gateway = r->has.gateway;

    return NULL;
}


static void
pguard_ledger_state_body(pguard_ledger_reader_t *r)
{
    uint64_t          since, late;
    pguard_cells_t    cells;
    pguard_month_t    month, before;
    pguard_unpack_t  *in = &r->in;

    since = pguard_unpack(in, INT64_MAX);
    late = pguard_unpack(in, INT64_MAX);
    pguard_unpack_cells(in, &cells);

    if (r->what == PGUARD_READ_MONTHS) {
        pguard_ledger_add_ever(r->l, &cells, late, since);
    }

    for (before = 0; ; before = month) {
        month = (pguard_month_t) pguard_unpack(in, PGUARD_MONTH_MAX);

        if (month == 0) {
            break;
        }

        /* in their order: so each has a place in the ring of its own */

        if (month <= before) {
            in->bad = 1;
            return;
        }

        pguard_unpack_cells(in, &cells);

        if (r->what == PGUARD_READ_MONTHS) {
            pguard_ledger_add_cells(r->l, month, &cells);
        }

        pguard_ledger_state_unpack(r, month);
    }

    pguard_ledger_state_log(r);
}


static void
pguard_ledger_state_unpack(pguard_ledger_reader_t *r, pguard_month_t month)
{
    uint64_t       i, start, end, judged;
    pguard_slot_t  slot;

    judged = pguard_unpack(&r->in, PGUARD_LEDGER_JUDGED_FOR);

    if (judged) {
        pguard_ledger_state_judged(r, month, judged);
    }

    i = UINT64_MAX;
    start = 0;
    end = 0;

    while (pguard_unpack_slot(&r->in, r->slots, &i, &slot)) {
        if (!r->convert) {
            if (r->what == PGUARD_READ_MONTHS) {
                pguard_ledger_add_slot(r->l, month, i, slot);
            }

            continue;
        }

        if (judged || !pguard_slot_down(slot, r->rule)) {
            continue;
        }

        if (i != end || start == end) {
            pguard_ledger_state_measured(r, month, start, end);
            start = i;
        }

        end = i + 1;
    }

    pguard_ledger_state_measured(r, month, start, end);
}


static void
pguard_ledger_state_judged(pguard_ledger_reader_t *r, pguard_month_t month,
    uint64_t judged)
{
    unsigned             keep;
    uint64_t             i, start, end;
    unsigned char       *bits;
    pguard_judgement_t   j;

    keep = r->what == PGUARD_READ_MONTHS && !r->convert;

    j.month = month;
    j.counted = pguard_unpack(&r->in, INT64_MAX);
    j.rule.min_requests = pguard_unpack(&r->in, INT64_MAX);
    j.rule.down_ppm = (uint32_t) pguard_unpack(&r->in, PGUARD_PPM);
    j.rule.target_ppm = 0;

    if (judged == PGUARD_LEDGER_JUDGED_FOR) {
        j.rule.target_ppm = (uint32_t) pguard_unpack(&r->in, PGUARD_PPM);
    }

    bits = keep ? pguard_ledger_judge_begin(r->l, month) : NULL;
    start = 0;
    end = 0;

    while (pguard_unpack_run(&r->in, r->slots, &start, &end)) {
        for (i = start; bits && i < end; i++) {
            bits[i / 8] |= (unsigned char) (1u << i % 8);
        }

        pguard_ledger_state_measured(r, month, start, end);
    }

    if (keep) {
        pguard_ledger_judge_end(r->l, &j);
    }
}


/* A log that has become shorter by configuration takes the latest. */

static void
pguard_ledger_state_log(pguard_ledger_reader_t *r)
{
    uint64_t               id;
    pguard_outage_log_t   *log = &r->l->log;
    pguard_outage_entry_t  e;

    id = 0;

    while (pguard_unpack_entry(&r->in, &id, &e)) {
        r->entries++;

        if (r->what != PGUARD_READ_LOG) {
            continue;
        }

        if (log->ends->next - log->ends->first == log->entries) {
            log->ends->first++;
        }

        (void) pguard_outage_put(log, &e);
    }
}


/* Slots that were down, from start up to end, where they cannot be kept. */

static void
pguard_ledger_state_measured(pguard_ledger_reader_t *r, pguard_month_t month,
    uint64_t start, uint64_t end)
{
    uint64_t             id;
    pguard_month_span_t  span;
    pguard_outage_say_t  say;

    static const pguard_str_t  who = pguard_string("paas_guard");
    static const pguard_str_t  cause =
                        pguard_string("measured before slots were changed");

    if (!r->convert || start == end) {
        return;
    }

    pguard_month_span(r->tz, month, &span);
    memset(&say, 0, sizeof(say));
    say.at = r->now;
    say.who = who;
    say.cause = cause;
    say.confirmed_by = PGUARD_CONFIRMED_MONITORING;
    say.detected = span.start + start * r->has.slice;
    say.end = span.start + end * r->has.slice;
    say.end = say.end < span.end ? say.end : span.end;
    say.end = say.end < r->now ? say.end : r->now;

    if (say.detected >= say.end) {
        return;
    }

    r->entries++;

    if (r->what == PGUARD_READ_MONTHS) {
        (void) pguard_outage_declare(&r->l->log, &say, &id);
    }
}
