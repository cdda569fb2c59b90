/*
 * Numbers, texts and parts of a ledger as bytes, for the state files and for
 * the store; and back, strictly: there is one way to write each value, and a
 * reader that has met another stays at its end and says so.
 */

#ifndef PGUARD_PACK_H
#define PGUARD_PACK_H

#include "pguard.h"
#include "pguard_ledger.h"
#include "pguard_out.h"
#include "pguard_outage.h"


#define PGUARD_PACK_SUM  16

typedef struct {
    const unsigned char  *pos;
    const unsigned char  *end;
    unsigned              bad;
} pguard_unpack_t;


/* Seven bits in a byte, the lowest first.  Read: at most max, else bad, 0. */
void pguard_pack(pguard_out_t *out, uint64_t n);
uint64_t pguard_unpack(pguard_unpack_t *in, uint64_t max);

/* At most 255 bytes.  Read: at most max; points into the bytes read. */
void pguard_pack_text(pguard_out_t *out, pguard_str_t s);
pguard_str_t pguard_unpack_text(pguard_unpack_t *in, size_t max);

void pguard_pack_cells(pguard_out_t *out, const pguard_cells_t *cells);
void pguard_unpack_cells(pguard_unpack_t *in, pguard_cells_t *cells);

/* The slots of a month in which something was counted. */
void pguard_pack_slots(pguard_out_t *out, const pguard_ledger_t *l,
    pguard_month_t month);

/* The next of them: 1, or 0 after the last.  *i is the slot's number; set it
   to UINT64_MAX at first.  slots: how many there may be. */
int pguard_unpack_slot(pguard_unpack_t *in, uint64_t slots, uint64_t *i,
    pguard_slot_t *slot);

/* Runs of set bits; and the next of them: 1, or 0 after the last.  It goes
   from slot *start up to *end; set both to 0 at first. */
void pguard_pack_bits(pguard_out_t *out, const unsigned char *bits,
    uint64_t slots);
int pguard_unpack_run(pguard_unpack_t *in, uint64_t slots, uint64_t *start,
    uint64_t *end);

/* All entries of a log; and the next of them: 1, or 0 after the last.  id: of
   the one before, 0 at first. */
void pguard_pack_log(pguard_out_t *out, const pguard_outage_log_t *log);
int pguard_unpack_entry(pguard_unpack_t *in, uint64_t *id,
    pguard_outage_entry_t *e);

/* The sum over all since start, where out began, if it fits. */
void pguard_pack_sum(pguard_out_t *out, const unsigned char *start);

/* Checks magic (8 bytes) and sum, and reads what is between them.  NULL, or
   what is wrong, as half a sentence: other, if the magic is another. */
const char *pguard_unpack_open(pguard_unpack_t *in, pguard_str_t bytes,
    const char *magic, const char *other);


#endif /* PGUARD_PACK_H */
