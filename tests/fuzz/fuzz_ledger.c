/*
 * Any bytes as a ledger's state and as a gateway's record, with a sum that is
 * right: refused, or something that can be reported.
 */

#include <stdlib.h>
#include <string.h>

#include "pguard_figures.h"
#include "pguard_merge.h"
#include "pguard_pack.h"


#define SLICE  3600
#define NOW    1711929600


static const pguard_tz_t        utc;
static const pguard_sla_rule_t  rule = { 1, 500000, 999000 };
static unsigned char            bytes[65536];
static pguard_slot_t            slot[768];
static pguard_outage_t          outage[8];


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
report(const pguard_ledger_t *l)
{
    size_t               n;
    unsigned char        bits[256];
    pguard_figures_t     f;
    pguard_figures_in_t  in;

    memset(&in, 0, sizeof(in));
    (void) pguard_month_of(&utc, NOW, &in.span);

    n = pguard_outage_list(&l->log, outage, 8);
    pguard_ledger_bits(l, &in.span, NOW + 86400, &rule, bits);
    pguard_ledger_cells(l, in.span.month, &in.cells);

    in.tz = &utc;
    in.now = NOW + 86400;
    in.bits = bits;
    in.slice = SLICE;
    in.outage = outage;
    in.outages = n;
    pguard_figures(&f, &in);

    if (f.down > f.elapsed) {
        abort();
    }
}


static void
read_state(pguard_str_t s)
{
    void                *memory;
    pguard_ledger_t      l;
    pguard_ledger_id_t   id;

    if (pguard_ledger_state_id(s, &id) != NULL) {
        return;
    }

    id.slice = SLICE;
    memory = aligned_alloc(64, pguard_ledger_size(SLICE, 8));
    memset(memory, 0, pguard_ledger_size(SLICE, 8));
    pguard_ledger_create(memory, SLICE, 8, 1);

    if (pguard_ledger_open(&l, memory, pguard_ledger_size(SLICE, 8), 1, &utc)
        != 0)
    {
        abort();
    }

    if (pguard_ledger_state_read(&l, s, &id) == NULL) {
        pguard_ledger_roll(&l, NOW, &rule);
        report(&l);
    }

    free(memory);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pguard_out_t           out;
    pguard_str_t           s = { 0, bytes };
    pguard_merged_t        m;
    pguard_merge_record_t  r;

    pguard_out_init(&out, bytes, sizeof(bytes));
    pguard_out_bytes(&out, data, size > 60000 ? 60000 : size);
    pguard_pack_sum(&out, bytes);
    s.len = out.need;

    read_state(s);

    if (pguard_merge_open(&r, s) == NULL && r.id.slice == SLICE) {
        memset(&m, 0, sizeof(m));
        memset(slot, 0, sizeof(slot));
        m.slot = slot;
        m.outage = outage;
        m.max = 8;
        pguard_merge(&m, &r, 1, &r.id, r.month);
    }

    return 0;
}
