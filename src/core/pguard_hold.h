/*
 * How long counts may wait before they are sent to the shared store: as long as
 * that can do no harm.  Counts of a key that is far from its limit are sent
 * seldom, those of a key that comes near it at every flush.
 */

#ifndef PGUARD_HOLD_H
#define PGUARD_HOLD_H

#include "pguard.h"


#define PGUARD_HOLD_MAX    500          /* ms; nor more than a 20th of the
                                           window */
#define PGUARD_HOLD_SHARE  8            /* an eighth of what is left to the
                                           limit is sent at once */


/* What the store has answered about a key, and what follows from it. */

typedef struct {
    uint64_t        total;
    uint64_t        when;               /* us; 0: no answer yet */
    uint64_t        enough;             /* so many counts are sent at once */
    pguard_msec_t   hold;               /* fewer may wait so long */
} pguard_hold_t;


/* The store's answer came at now (us): total, in which n counts were new.
   flush: the shortest time that counts wait. */
void pguard_hold_learn(pguard_hold_t *hold, uint64_t total, uint64_t n,
    uint64_t limit, pguard_msec_t window, pguard_msec_t flush, uint64_t now);

/* 1: the answer is not older than a window at now (us); else 0. */
int pguard_hold_valid(const pguard_hold_t *hold, pguard_msec_t window,
    uint64_t now);


#endif /* PGUARD_HOLD_H */
