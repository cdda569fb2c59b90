/*
 * Which refusals to log: the first of a burst, and then one summary a minute
 * for each client, rule and service.  The size of the table bounds the lines in
 * a minute, whatever clients send.
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

/* Counts a refusal, if there is a burst of key: 1, else 0.  key: a keyed hash
   of client, rule and service.  Lock-free, O(1), as the next. */
int pguard_burst_more(const pguard_bursts_t *t, pguard_hash_t key);

/* The same, but begins a burst if there is none: then 1, and the refusal is to
   be logged.  0 otherwise, also if there is no place.  Of *b, id, rule,
   service, reason and level are set. */
int pguard_burst_add(const pguard_bursts_t *t, pguard_hash_t key,
    const pguard_burst_t *b, pguard_msec_t now);

/* Walks the table, from *pos on (0 at first): copies the next burst whose
   minute is over into *b and returns 1, or returns 0 at the end.  One with
   refusals since (b->more > 0) goes on, and is to be summed up in a line; one
   without is closed.  Called by one process only. */
int pguard_burst_next(const pguard_bursts_t *t, uint64_t *pos,
    pguard_msec_t now, pguard_burst_t *b);

/* Forgets the bursts of a client; returns how many there were.  O(capacity). */
uint64_t pguard_burst_forget(const pguard_bursts_t *t, const pguard_id_t *id);

/* Refusals that found no place since the last call of this function. */
uint64_t pguard_burst_others(const pguard_bursts_t *t);


#endif /* PGUARD_BURST_H */
