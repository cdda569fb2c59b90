/*
 * Numbers, texts and parts of a ledger as bytes, for the state files and for
 * the store; and back.  Reading is strict: each value has one encoding only,
 * and a reader that has met anything else sets bad, goes to its end, and reads
 * only zeros from then on.
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


/* A number: seven bits in a byte, the lowest first.  Read: one of more than max
   is bad, and 0. */
void pguard_pack(pguard_out_t *out, uint64_t n);
uint64_t pguard_unpack(pguard_unpack_t *in, uint64_t max);

/* A text of at most 255 bytes.  Read: one of more than max is bad; it points
   into the bytes read. */
void pguard_pack_text(pguard_out_t *out, pguard_str_t s);
pguard_str_t pguard_unpack_text(pguard_unpack_t *in, size_t max);

/* The numbers of all cells, one after the other. */
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
   from slot *start to before *end; set both to 0 at first. */
void pguard_pack_bits(pguard_out_t *out, const unsigned char *bits,
    uint64_t slots);
int pguard_unpack_run(pguard_unpack_t *in, uint64_t slots, uint64_t *start,
    uint64_t *end);

/* All entries of a log; and the next of them: 1, or 0 after the last.  *id: the
   number of the entry before, 0 at first. */
void pguard_pack_log(pguard_out_t *out, const pguard_outage_log_t *log);
int pguard_unpack_entry(pguard_unpack_t *in, uint64_t *id,
    pguard_outage_entry_t *e);

/* The checksum over all since start, the beginning of out's buffer (NULL: only
   its length matters).  Right only if the buffer was large enough. */
void pguard_pack_sum(pguard_out_t *out, const unsigned char *start);

/* Checks magic (8 bytes) and checksum, and sets *in to what is between them.
   NULL, or what is wrong, as half a sentence: other, if the magic differs. */
const char *pguard_unpack_open(pguard_unpack_t *in, pguard_str_t bytes,
    const char *magic, const char *other);


#endif /* PGUARD_PACK_H */
