/*
 * A ledger as bytes: see pguard_ledger_state.h.
 */

#include "pguard_ledger_state.h"
#include "pguard_pack.h"
#include "pguard_str.h"

#include <string.h>


#define PGUARD_LEDGER_STATE_MAGIC  "PGLEDGR1"
#define PGUARD_LEDGER_NAME         255


static const char *pguard_ledger_state_head(pguard_unpack_t *in,
    pguard_str_t bytes, pguard_ledger_id_t *id);
static void pguard_ledger_state_month(pguard_out_t *out,
    const pguard_ledger_t *l, pguard_month_t month);
static void pguard_ledger_state_body(pguard_unpack_t *in, pguard_ledger_t *l,
    unsigned add);
static void pguard_ledger_state_unpack(pguard_unpack_t *in,
    pguard_ledger_t *l, pguard_month_t month, unsigned add);
static void pguard_ledger_state_judged(pguard_unpack_t *in,
    pguard_ledger_t *l, pguard_month_t month, unsigned add);
static void pguard_ledger_state_log(pguard_unpack_t *in, pguard_ledger_t *l,
    unsigned add);


void
pguard_ledger_state(pguard_out_t *out, const unsigned char *start,
    const pguard_ledger_t *l, const pguard_ledger_id_t *id)
{
    uint64_t        late;
    pguard_cells_t  cells;
    pguard_month_t  m, newest;

    newest = pguard_ledger_newest(l);
    pguard_ledger_ever(l, &cells, &late);

    pguard_out_text(out, PGUARD_LEDGER_STATE_MAGIC);
    pguard_pack_text(out, id->indicator);
    pguard_pack_text(out, id->timezone);
    pguard_pack(out, id->slice);
    pguard_out_bytes(out, id->gateway.bytes, PGUARD_ID_LEN);
    pguard_pack(out, pguard_ledger_since(l));
    pguard_pack(out, late);
    pguard_pack_cells(out, &cells);

    m = newest > PGUARD_LEDGER_MONTHS ? newest - PGUARD_LEDGER_MONTHS : 1;

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
        pguard_pack(out, 1);
        pguard_pack(out, j.counted);
        pguard_pack(out, j.rule.min_requests);
        pguard_pack(out, j.rule.down_ppm);
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

    wrong = pguard_unpack_open(in, bytes, PGUARD_LEDGER_STATE_MAGIC);

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
    const char          *wrong;
    pguard_unpack_t      in, again;
    pguard_ledger_id_t   has;

    wrong = pguard_ledger_state_head(&in, bytes, &has);

    if (wrong) {
        return wrong;
    }

    if (!pguard_str_same(has.indicator, id->indicator)) {
        return "is of another indicator";
    }

    if (!pguard_str_same(has.timezone, id->timezone)) {
        return "is of another time zone";
    }

    if (has.slice != id->slice || has.slice != l->slice) {
        return "is of another slice";
    }

    again = in;
    pguard_ledger_state_body(&in, l, 0);

    if (in.bad || in.pos != in.end) {
        return "is damaged";
    }

    pguard_ledger_state_body(&again, l, 1);
    id->gateway = has.gateway;

    return NULL;
}


static void
pguard_ledger_state_body(pguard_unpack_t *in, pguard_ledger_t *l,
    unsigned add)
{
    uint64_t        since, late;
    pguard_cells_t  cells;
    pguard_month_t  month, before;

    since = pguard_unpack(in, INT64_MAX);
    late = pguard_unpack(in, INT64_MAX);
    pguard_unpack_cells(in, &cells);

    if (add) {
        pguard_ledger_add_ever(l, &cells, late, since);
    }

    before = 0;

    for ( ;; ) {
        month = (pguard_month_t) pguard_unpack(in, PGUARD_MONTH_MAX);

        if (month == 0) {
            break;
        }

        /* in their order: so each has a place in the ring of its own */

        if (month <= before) {
            in->bad = 1;
            return;
        }

        before = month;
        pguard_unpack_cells(in, &cells);

        if (add) {
            pguard_ledger_add_cells(l, month, &cells);
        }

        pguard_ledger_state_unpack(in, l, month, add);
    }

    pguard_ledger_state_log(in, l, add);
}


static void
pguard_ledger_state_unpack(pguard_unpack_t *in, pguard_ledger_t *l,
    pguard_month_t month, unsigned add)
{
    uint64_t       i;
    pguard_slot_t  slot;

    if (pguard_unpack(in, 1)) {
        pguard_ledger_state_judged(in, l, month, add);
    }

    i = UINT64_MAX;

    while (pguard_unpack_slot(in, l->slots, &i, &slot)) {
        if (add) {
            pguard_ledger_add_slot(l, month, i, slot);
        }
    }
}


static void
pguard_ledger_state_judged(pguard_unpack_t *in, pguard_ledger_t *l,
    pguard_month_t month, unsigned add)
{
    pguard_judgement_t  j;

    j.month = month;
    j.counted = pguard_unpack(in, INT64_MAX);
    j.rule.min_requests = pguard_unpack(in, INT64_MAX);
    j.rule.down_ppm = (uint32_t) pguard_unpack(in, PGUARD_PPM);

    pguard_unpack_bits(in, add ? pguard_ledger_judge_begin(l, month) : NULL,
                       l->slots);

    if (add) {
        pguard_ledger_judge_end(l, &j);
    }
}


/* A log that has become shorter by configuration takes the latest. */

static void
pguard_ledger_state_log(pguard_unpack_t *in, pguard_ledger_t *l, unsigned add)
{
    uint64_t               id;
    pguard_outage_entry_t  e;

    id = 0;

    while (pguard_unpack_entry(in, &id, &e)) {
        if (!add) {
            continue;
        }

        if (l->log.ends->next - l->log.ends->first == l->log.entries) {
            l->log.ends->first++;
        }

        (void) pguard_outage_put(&l->log, &e);
    }
}
