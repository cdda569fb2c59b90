/*
 * A ledger as bytes for the state file: its totals, the slots in which
 * something was counted, judgements and the log of outages.  A checksum over
 * all detects a damaged file; it is no defence against somebody who may write
 * the file.
 */

#ifndef PGUARD_LEDGER_STATE_H
#define PGUARD_LEDGER_STATE_H

#include "pguard.h"
#include "pguard_ledger.h"
#include "pguard_out.h"


/* Whose ledger it is: names of at most 255 bytes. */

typedef struct {
    pguard_str_t  indicator;
    pguard_str_t  timezone;
    uint64_t      slice;           /* seconds */
    pguard_id_t   gateway;         /* random, as old as the ledger itself */
} pguard_ledger_id_t;


/*
 * Writes all of l to out.  start: the beginning of out's buffer, from where on
 * the checksum is computed (NULL with a size of 0).  Caller holds the lock;
 * workers may go on counting, so that a second rendering can be somewhat longer
 * than the first.  last: nothing is counted after it, so what was ever counted
 * goes on from there; after any other it begins at 0, as a counter that went
 * back a little would look as if all of it had been counted anew.  O(slots).
 */
void pguard_ledger_state(pguard_out_t *out, const unsigned char *start,
    const pguard_ledger_t *l, const pguard_ledger_id_t *id, unsigned last);

/* Reads from the bytes whose ledger they are.  NULL, or what is wrong with
   them, as half a sentence. */
const char *pguard_ledger_state_id(pguard_str_t bytes, pguard_ledger_id_t *id);

/*
 * Adds what is in the bytes to l, which has counted nothing yet; caller holds
 * the lock.  id: as configured; id->gateway is set to the one in the bytes, for
 * the same ledger goes on.  NULL, or what is wrong, as half a sentence: then
 * nothing was added.
 */
const char *pguard_ledger_state_read(pguard_ledger_t *l, pguard_str_t bytes,
    pguard_ledger_id_t *id);

/*
 * The same for bytes of the same indicator with another slice or time zone,
 * whose slots don't fit those of l.  Requests by class are added to their
 * months; each outage that was measured becomes a declared one, detected and
 * restored by monitoring.  tz: the time zone of the bytes; rule: for months
 * that they had not judged; now: seconds since 1970.  NULL, or what is wrong,
 * as half a sentence: then nothing was added.
 */
const char *pguard_ledger_state_convert(pguard_ledger_t *l,
    pguard_str_t bytes, pguard_ledger_id_t *id, const pguard_tz_t *tz,
    const pguard_sla_rule_t *rule, uint64_t now);


#endif /* PGUARD_LEDGER_STATE_H */
