/*
 * How long counts may wait before they are told to the shared store: as long
 * as that can do no harm.  A key that is far from its limit is told seldom,
 * one that comes near it at every flush.
 */

#ifndef PGUARD_HOLD_H
#define PGUARD_HOLD_H

#include "pguard.h"


#define PGUARD_HOLD_MAX    500          /* ms, and a 20th of the window */
#define PGUARD_HOLD_SHARE  8            /* of what is left, at once */


/* What the store has said of a key. */

typedef struct {
    uint64_t        total;
    uint64_t        when;               /* microseconds; 0: nothing yet */
    uint64_t        enough;             /* so many are told at once */
    pguard_msec_t   hold;               /* else they wait as long */
} pguard_hold_t;


/* The store says total, at now: n of it were told just then. */
void pguard_hold_learn(pguard_hold_t *hold, uint64_t total, uint64_t n,
    uint64_t limit, pguard_msec_t window, pguard_msec_t flush, uint64_t now);

/* Is what was said of any use at now? */
int pguard_hold_valid(const pguard_hold_t *hold, pguard_msec_t window,
    uint64_t now);


#endif /* PGUARD_HOLD_H */
