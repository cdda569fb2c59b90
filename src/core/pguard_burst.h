/*
 * Which refusals to log: the first of a burst, and one summary a minute for
 * each client and rule.  Lines a minute are bounded by the table, whatever
 * clients send.
 */

#ifndef PGUARD_BURST_H
#define PGUARD_BURST_H

#include "pguard.h"
#include "pguard_atomic.h"


#define PGUARD_BURST_PERIOD  60000           /* ms */

typedef struct {
    uint64_t       tag;                      /* 0: free */
    pguard_msec_t  since;
    uint64_t       more;                     /* refusals not logged yet */
    pguard_id_t    id;                       /* of the client, in the summary */
    uint16_t       rule;                     /* PGUARD_RULE_NONE: throttle */
    uint16_t       service;
    uint8_t        reason;
    uint8_t        level;                    /* log level, as the caller's */
} pguard_burst_t;

typedef struct {
    pguard_burst_t  *burst;                  /* [capacity] */
    uint64_t         capacity;
    uint64_t        *others;                 /* refusals with no place */
} pguard_bursts_t;

/* Counts a refusal of a burst that goes on.  1, or 0: there is none. */
int pguard_burst_more(const pguard_bursts_t *t, pguard_hash_t key);

/* The same, or else begins a burst.  1 if this refusal is the first of it: log
   it.  b brings id, rule, service, reason, level. */
int pguard_burst_add(const pguard_bursts_t *t, pguard_hash_t key,
    const pguard_burst_t *b, pguard_msec_t now);

/* For each from *pos on: copies the next burst whose minute is over into *b
   and closes it, and returns 1; 0 at the end.  A burst with b->more of 0 needs
   no line. */
int pguard_burst_next(const pguard_bursts_t *t, uint64_t *pos,
    pguard_msec_t now, pguard_burst_t *b);

/* Forgets the bursts of a client; how many there were.  O(capacity). */
uint64_t pguard_burst_forget(const pguard_bursts_t *t, const pguard_id_t *id);

/* Refusals that found no place since the last call. */
uint64_t pguard_burst_others(const pguard_bursts_t *t);


#endif /* PGUARD_BURST_H */
