/*
 * One month of several gateways: see pguard_merge.h.
 */

#include "pguard_merge.h"
#include "pguard_pack.h"
#include "pguard_str.h"

#include <string.h>


#define PGUARD_MERGE_MAGIC  "PGMONTH2"
#define PGUARD_MERGE_NAME   255


static int pguard_merge_wanted(const pguard_merge_record_t *r, size_t n,
    size_t i, const pguard_ledger_id_t *id, pguard_month_t month);
static void pguard_merge_slots(pguard_merged_t *to,
    const pguard_merge_record_t *r);
static void pguard_merge_log(pguard_merged_t *to,
    const pguard_merge_record_t *r);
static void pguard_merge_adopt(pguard_merged_t *to,
    const pguard_merge_record_t *r);
static int pguard_merge_next(const pguard_outage_log_t *log,
    const pguard_id_t *gateway, const pguard_merge_record_t *r, size_t n,
    pguard_outage_entry_t *next);


void
pguard_merge_record(pguard_out_t *out, const unsigned char *start,
    const pguard_ledger_t *l, const pguard_ledger_id_t *id,
    pguard_month_t month, uint64_t version)
{
    pguard_cells_t  cells;

    pguard_ledger_cells(l, month, &cells);

    pguard_out_text(out, PGUARD_MERGE_MAGIC);
    pguard_out_bytes(out, id->gateway.bytes, PGUARD_ID_LEN);
    pguard_pack_text(out, id->indicator);
    pguard_pack_text(out, id->timezone);
    pguard_pack(out, id->slice);
    pguard_pack(out, version);
    pguard_pack(out, month);
    pguard_pack_cells(out, &cells);
    pguard_pack_slots(out, l, month);
    pguard_pack_log(out, &l->log);
    pguard_pack_sum(out, start);
}


const char *
pguard_merge_open(pguard_merge_record_t *r, pguard_str_t bytes)
{
    uint64_t               i;
    const char            *wrong;
    pguard_slot_t          slot;
    pguard_unpack_t        in;
    pguard_outage_entry_t  e;

    memset(r, 0, sizeof(pguard_merge_record_t));
    wrong = pguard_unpack_open(&in, bytes, PGUARD_MERGE_MAGIC,
                               "is no ledger of this version");

    if (wrong) {
        return wrong;
    }

    if (in.end - in.pos < PGUARD_ID_LEN) {
        return "is damaged";
    }

    memcpy(r->id.gateway.bytes, in.pos, PGUARD_ID_LEN);
    in.pos += PGUARD_ID_LEN;

    r->id.indicator = pguard_unpack_text(&in, PGUARD_MERGE_NAME);
    r->id.timezone = pguard_unpack_text(&in, PGUARD_MERGE_NAME);
    r->id.slice = pguard_unpack(&in, PGUARD_SLICE_MAX);
    r->version = pguard_unpack(&in, INT64_MAX);
    r->month = (pguard_month_t) pguard_unpack(&in, PGUARD_MONTH_MAX);
    pguard_unpack_cells(&in, &r->cells);

    if (in.bad || r->id.slice < PGUARD_SLICE_MIN || r->month == 0) {
        return "is damaged";
    }

    r->end = in.end;
    r->slots = in.pos;
    i = UINT64_MAX;

    while (pguard_unpack_slot(&in, pguard_ledger_slots(r->id.slice), &i,
                              &slot))
    { /* checked */ }

    r->log = in.pos;
    r->log_end = in.end;
    i = 0;

    while (pguard_unpack_entry(&in, &i, &e)) { /* checked */ }

    return (in.bad || in.pos != in.end) ? "is damaged" : NULL;
}


void
pguard_merge(pguard_merged_t *to, const pguard_merge_record_t *r, size_t n,
    const pguard_ledger_id_t *id, pguard_month_t month)
{
    size_t    i;
    unsigned  c;

    for (i = 0; i < n; i++) {
        if (!pguard_merge_wanted(r, n, i, id, month)) {
            continue;
        }

        for (c = 0; c < PGUARD_CELLS; c++) {
            to->cells.cell[c] += r[i].cells.cell[c];
        }

        pguard_merge_slots(to, &r[i]);
        pguard_merge_log(to, &r[i]);
        to->gateways++;
    }

    for (i = 0; i < n; i++) {
        if (pguard_merge_wanted(r, n, i, id, month)) {
            pguard_merge_adopt(to, &r[i]);
        }
    }

    pguard_outage_sort(to->outage, to->outages);
}


static int
pguard_merge_wanted(const pguard_merge_record_t *r, size_t n, size_t i,
    const pguard_ledger_id_t *id, pguard_month_t month)
{
    size_t  j;

    if (r[i].month != month || r[i].id.slice != id->slice
        || !pguard_str_same(r[i].id.indicator, id->indicator)
        || !pguard_str_same(r[i].id.timezone, id->timezone))
    {
        return 0;
    }

    for (j = 0; j < n; j++) {
        if (j != i && r[j].month == month && r[j].id.slice == id->slice
            && pguard_id_same(&r[j].id.gateway, &r[i].id.gateway)
            && pguard_str_same(r[j].id.indicator, id->indicator)
            && pguard_str_same(r[j].id.timezone, id->timezone)
            && (r[j].version > r[i].version
                || (j < i && r[j].version == r[i].version)))
        {
            return 0;
        }
    }

    return 1;
}


static uint32_t
pguard_merge_add(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}


static void
pguard_merge_slots(pguard_merged_t *to, const pguard_merge_record_t *r)
{
    uint64_t         i;
    pguard_slot_t    slot;
    pguard_unpack_t  in = { r->slots, r->end, 0 };

    i = UINT64_MAX;

    while (pguard_unpack_slot(&in, pguard_ledger_slots(r->id.slice), &i,
                              &slot))
    {
        to->slot[i].good = pguard_merge_add(to->slot[i].good, slot.good);
        to->slot[i].failed = pguard_merge_add(to->slot[i].failed,
                                              slot.failed);
    }
}


/* Entries refer to those of their own gateway: ids of two may be the same. */

static void
pguard_merge_log(pguard_merged_t *to, const pguard_merge_record_t *r)
{
    size_t                 i, n;
    uint64_t               id;
    pguard_unpack_t        in = { r->log, r->log_end, 0 };
    pguard_outage_t       *list = to->outage + to->outages;
    pguard_outage_entry_t  e;

    n = 0;
    id = 0;

    while (pguard_unpack_entry(&in, &id, &e)) {
        pguard_outage_apply(list, &n, to->max - to->outages, &e);
    }

    for (i = 0; i < n; i++) {
        list[i].gateway = r->id.gateway;
    }

    to->outages += n;
}


/* What this gateway has entered of what others have declared. */

static void
pguard_merge_adopt(pguard_merged_t *to, const pguard_merge_record_t *r)
{
    uint64_t               id;
    pguard_unpack_t        in = { r->log, r->log_end, 0 };
    pguard_outage_entry_t  e;

    id = 0;

    while (pguard_unpack_entry(&in, &id, &e)) {
        if (pguard_outage_foreign(&e)) {
            pguard_outage_adopt(to->outage, to->outages, &e);
        }
    }
}


void
pguard_merge_take(const pguard_outage_log_t *log, const pguard_id_t *gateway,
    const pguard_merge_record_t *r, size_t n)
{
    pguard_outage_entry_t  e;

    while (pguard_merge_next(log, gateway, r, n, &e)) {
        if (!pguard_outage_take(log, &e)) {
            return;
        }
    }
}


/* The earliest entry that the log has to take: 1, or 0 if there is none. */

static int
pguard_merge_next(const pguard_outage_log_t *log, const pguard_id_t *gateway,
    const pguard_merge_record_t *r, size_t n, pguard_outage_entry_t *next)
{
    int                    found = 0;
    size_t                 i;
    uint64_t               id;
    pguard_outage_t        own;
    pguard_unpack_t        in;
    pguard_outage_entry_t  e;

    for (i = 0; i < n; i++) {
        in = (pguard_unpack_t) { r[i].log, r[i].log_end, 0 };
        id = 0;

        while (pguard_unpack_entry(&in, &id, &e)) {
            if (pguard_id_same(&e.gateway, gateway)
                && pguard_outage_get(log, e.refers, &own)
                && own.last.at < e.at && (!found || e.at < next->at))
            {
                *next = e;
                found = 1;
            }
        }
    }

    return found;
}
