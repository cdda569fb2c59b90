/*
 * Parts of a ledger as bytes: see pguard_pack.h.
 */

#include "pguard_pack.h"

#include <string.h>
#include <xxhash.h>


#define PGUARD_PACK_MAGIC  8


void
pguard_pack(pguard_out_t *out, uint64_t n)
{
    for ( ; n > 127; n >>= 7) {
        pguard_out_byte(out, (unsigned char) (n | 128));
    }

    pguard_out_byte(out, (unsigned char) n);
}


static uint64_t
pguard_unpack_bad(pguard_unpack_t *in)
{
    in->bad = 1;
    in->pos = in->end;

    return 0;
}


uint64_t
pguard_unpack(pguard_unpack_t *in, uint64_t max)
{
    uint64_t       n;
    unsigned       shift;
    unsigned char  c;

    n = 0;

    for (shift = 0; in->pos < in->end && shift < 64; shift += 7) {
        c = *in->pos++;

        if (shift == 63 && c > 1) {
            break;
        }

        n |= (uint64_t) (c & 127) << shift;

        if (c & 128) {
            continue;
        }

        /* a last byte of 0 would be a second way to write the number */

        if ((c == 0 && shift) || n > max) {
            break;
        }

        return n;
    }

    return pguard_unpack_bad(in);
}


void
pguard_pack_text(pguard_out_t *out, pguard_str_t s)
{
    pguard_out_byte(out, (unsigned char) s.len);
    pguard_out_str(out, s);
}


pguard_str_t
pguard_unpack_text(pguard_unpack_t *in, size_t max)
{
    pguard_str_t  s = { 0, NULL };

    if (in->pos == in->end || *in->pos > max
        || *in->pos > in->end - in->pos - 1)
    {
        (void) pguard_unpack_bad(in);
        return s;
    }

    s.len = *in->pos++;
    s.data = in->pos;
    in->pos += s.len;

    return s;
}


void
pguard_pack_cells(pguard_out_t *out, const pguard_cells_t *cells)
{
    unsigned  i;

    for (i = 0; i < PGUARD_CELLS; i++) {
        pguard_pack(out, cells->cell[i]);
    }
}


void
pguard_unpack_cells(pguard_unpack_t *in, pguard_cells_t *cells)
{
    unsigned  i;

    for (i = 0; i < PGUARD_CELLS; i++) {
        cells->cell[i] = pguard_unpack(in, PGUARD_TOTAL_MAX);
    }
}


/* How far it is to the next, at least 1; 0 after the last. */

void
pguard_pack_slots(pguard_out_t *out, const pguard_ledger_t *l,
    pguard_month_t month)
{
    uint64_t       i, next;
    pguard_slot_t  slot;

    next = 0;

    for (i = 0; i < l->slots; i++) {
        slot = pguard_ledger_slot(l, month, i);

        if (slot.good == 0 && slot.failed == 0) {
            continue;
        }

        pguard_pack(out, i + 1 - next);
        pguard_pack(out, slot.good);
        pguard_pack(out, slot.failed);
        next = i + 1;
    }

    pguard_pack(out, 0);
}


int
pguard_unpack_slot(pguard_unpack_t *in, uint64_t slots, uint64_t *i,
    pguard_slot_t *slot)
{
    uint64_t  step;

    step = pguard_unpack(in, slots);

    if (step == 0) {
        return 0;
    }

    *i += step;                    /* from UINT64_MAX, this begins at 0 */
    slot->good = (uint32_t) pguard_unpack(in, PGUARD_SLOT_MAX);
    slot->failed = (uint32_t) pguard_unpack(in, PGUARD_SLOT_MAX);

    if (*i >= slots || (slot->good == 0 && slot->failed == 0)) {
        (void) pguard_unpack_bad(in);
    }

    return !in->bad;
}


static unsigned
pguard_pack_bit(const unsigned char *bits, uint64_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}


/* The length of a run and how far from the one before; 0 after the last. */

void
pguard_pack_bits(pguard_out_t *out, const unsigned char *bits, uint64_t slots)
{
    uint64_t  i, start, end;

    end = 0;

    for (i = 0; i < slots; i++) {
        if (!pguard_pack_bit(bits, i)) {
            continue;
        }

        start = i;

        while (i < slots && pguard_pack_bit(bits, i)) {
            i++;
        }

        pguard_pack(out, i - start);
        pguard_pack(out, start - end);
        end = i;
    }

    pguard_pack(out, 0);
}


int
pguard_unpack_run(pguard_unpack_t *in, uint64_t slots, uint64_t *start,
    uint64_t *end)
{
    uint64_t  n, gap;

    n = pguard_unpack(in, slots - *end);

    if (n == 0) {
        return 0;
    }

    gap = pguard_unpack(in, slots - *end - n);

    if (gap == 0 && *end) {
        (void) pguard_unpack_bad(in);
    }

    *start = *end + gap;
    *end = *start + n;

    return !in->bad;
}


void
pguard_pack_log(pguard_out_t *out, const pguard_outage_log_t *log)
{
    uint64_t                      id;
    const pguard_outage_entry_t  *e;

    for (id = log->ends->first + 1; id <= log->ends->next; id++) {
        e = pguard_outage_entry(log, id);

        pguard_pack(out, e->id);
        pguard_pack(out, e->refers);
        pguard_pack(out, e->at);
        pguard_pack(out, e->notified);
        pguard_pack(out, e->detected);
        pguard_pack(out, e->end);
        pguard_pack(out, e->kind);
        pguard_pack(out, e->confirmed_by);
        pguard_pack_text(out, (pguard_str_t) { e->who_len, e->who });
        pguard_pack_text(out, (pguard_str_t) { e->cause_len, e->cause });
        pguard_pack_text(out, (pguard_str_t) { e->confirmer_len,
                                               e->confirmer });
        pguard_pack_text(out, (pguard_str_t) {
                                  pguard_outage_foreign(e) ? PGUARD_ID_LEN : 0,
                                  e->gateway.bytes });
    }

    pguard_pack(out, 0);
}


static uint8_t
pguard_unpack_into(pguard_unpack_t *in, unsigned char *to, size_t max)
{
    pguard_str_t  s;

    s = pguard_unpack_text(in, max);

    if (s.len) {
        memcpy(to, s.data, s.len);
    }

    return (uint8_t) s.len;
}


int
pguard_unpack_entry(pguard_unpack_t *in, uint64_t *id,
    pguard_outage_entry_t *e)
{
    size_t  len;

    memset(e, 0, sizeof(pguard_outage_entry_t));

    e->id = pguard_unpack(in, INT64_MAX);

    if (e->id == 0) {
        return 0;
    }

    e->refers = pguard_unpack(in, INT64_MAX);
    e->at = pguard_unpack(in, INT64_MAX);
    e->notified = pguard_unpack(in, INT64_MAX);
    e->detected = pguard_unpack(in, INT64_MAX);
    e->end = pguard_unpack(in, INT64_MAX);
    e->kind = (uint8_t) pguard_unpack(in, PGUARD_OUTAGE_KINDS - 1);
    e->confirmed_by = (uint8_t) pguard_unpack(in, PGUARD_CONFIRMED - 1);
    e->who_len = pguard_unpack_into(in, e->who, PGUARD_WHO_MAX);
    e->cause_len = pguard_unpack_into(in, e->cause, PGUARD_CAUSE_MAX);
    e->confirmer_len = pguard_unpack_into(in, e->confirmer, PGUARD_WHO_MAX);

    len = pguard_unpack_into(in, e->gateway.bytes, PGUARD_ID_LEN);

    if (!pguard_outage_valid(e) || (*id && e->id != *id + 1)
        || len != (pguard_outage_foreign(e) ? PGUARD_ID_LEN : 0))
    {
        (void) pguard_unpack_bad(in);
    }

    *id = e->id;

    return !in->bad;
}


static void
pguard_pack_hash(const unsigned char *start, size_t len,
    unsigned char sum[PGUARD_PACK_SUM])
{
    XXH128_canonical_t  c;

    XXH128_canonicalFromHash(&c, XXH3_128bits(start, len));
    memcpy(sum, c.digest, PGUARD_PACK_SUM);
}


void
pguard_pack_sum(pguard_out_t *out, const unsigned char *start)
{
    unsigned char  sum[PGUARD_PACK_SUM];

    memset(sum, 0, sizeof(sum));

    if (start) {
        pguard_pack_hash(start, (size_t) (out->pos - start), sum);
    }

    pguard_out_bytes(out, sum, sizeof(sum));
}


const char *
pguard_unpack_open(pguard_unpack_t *in, pguard_str_t bytes, const char *magic,
    const char *other)
{
    size_t         body;
    unsigned char  sum[PGUARD_PACK_SUM];

    memset(in, 0, sizeof(pguard_unpack_t));

    if (bytes.len < PGUARD_PACK_MAGIC
        || memcmp(bytes.data, magic, PGUARD_PACK_MAGIC) != 0)
    {
        return other;
    }

    if (bytes.len < PGUARD_PACK_MAGIC + PGUARD_PACK_SUM) {
        return "is cut off";
    }

    body = bytes.len - PGUARD_PACK_SUM;
    pguard_pack_hash(bytes.data, body, sum);

    if (memcmp(sum, bytes.data + body, sizeof(sum)) != 0) {
        return "is damaged or cut off";
    }

    in->pos = bytes.data + PGUARD_PACK_MAGIC;
    in->end = bytes.data + body;

    return NULL;
}
