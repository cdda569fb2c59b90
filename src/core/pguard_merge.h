/*
 * One month of several gateways.  Each gateway stores its cumulative figures of
 * a month as one record, under its id, and later replaces it: so a record that
 * is sent twice never counts twice.  For a report, the slots of all records are
 * added up before it is judged which were down.
 *
 * A gateway whose ledger began anew must take a new random id, so that its
 * record does not replace what it had counted before.
 */

#ifndef PGUARD_MERGE_H
#define PGUARD_MERGE_H

#include "pguard.h"
#include "pguard_ledger.h"
#include "pguard_ledger_state.h"
#include "pguard_out.h"


/* A record that was read: points into its bytes. */

typedef struct {
    pguard_ledger_id_t    id;
    uint64_t              version;     /* the later replaces the earlier */
    pguard_month_t        month;
    pguard_cells_t        cells;
    const unsigned char  *slots;
    const unsigned char  *end;         /* of the bytes that slots are in */
    const unsigned char  *log;         /* of outages; may be set to that of a */
    const unsigned char  *log_end;     /* later record of the same gateway */
} pguard_merge_record_t;

/* Where records are added up; the memory is the caller's, zero at first. */

typedef struct {
    pguard_slot_t        *slot;        /* [pguard_ledger_slots(slice)] */
    pguard_outage_t      *outage;      /* [max], each with its gateway */
    size_t                max;
    size_t                outages;
    pguard_cells_t        cells;
    size_t                gateways;
} pguard_merged_t;


/*
 * Writes the record of this month or the last to out.  start: the beginning of
 * out's buffer (NULL with a size of 0).  version: e.g. milliseconds since 1970.
 * Not for an earlier month, whose slots are gone: the record that was sent of
 * it stands.  Caller holds the lock.
 */
void pguard_merge_record(pguard_out_t *out, const unsigned char *start,
    const pguard_ledger_t *l, const pguard_ledger_id_t *id,
    pguard_month_t month, uint64_t version);

/* Reads a record and checks all of it.  NULL, or what is wrong, as half a
   sentence. */
const char *pguard_merge_open(pguard_merge_record_t *r, pguard_str_t bytes);

/*
 * Adds up those of n records that are of the indicator, time zone, slice and
 * month given; of two records of one gateway, only the later one.  The order of
 * the records does not matter.  O(n ^ 2 + size).
 */
void pguard_merge(pguard_merged_t *to, const pguard_merge_record_t *r,
    size_t n, const pguard_ledger_id_t *id, pguard_month_t month);

/*
 * What the records have of outages that this log declared, and it has not yet,
 * becomes entries of its own, in the order of their times: others give theirs
 * up when their time is over, and what they had restored would be open again.
 * gateway: that of the log, whose lock the caller holds.  O(size) for each.
 */
void pguard_merge_take(const pguard_outage_log_t *log,
    const pguard_id_t *gateway, const pguard_merge_record_t *r, size_t n);


#endif /* PGUARD_MERGE_H */
