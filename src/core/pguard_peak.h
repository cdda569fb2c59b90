/*
 * How near the clients of a rule came to its limit, lately: the most of it
 * that any of them had used in a window, in shared memory.
 *
 * A word holds the period that it is of above the share, so a new period is
 * always the larger, and raising is all there is: no reset, no lock, and a
 * worker may die anywhere.
 */

#ifndef PGUARD_PEAK_H
#define PGUARD_PEAK_H

#include "pguard.h"
#include "pguard_atomic.h"


typedef enum {
    PGUARD_PEAK_MINUTE = 0,                   /* the last 60 to 80 s */
    PGUARD_PEAK_HOUR,                         /* the last 60 to 80 min */
    PGUARD_PEAK_SPANS
} pguard_peak_span_e;

#define PGUARD_PEAK_PERIODS  4
#define PGUARD_PEAK_MAX      0xffff           /* permille */

typedef struct {
    uint64_t  word[PGUARD_PEAK_SPANS][PGUARD_PEAK_PERIODS];
} pguard_peak_t;


/* A client has used count of limit (> 0) now.  O(1): mostly two loads. */
void pguard_peak_raise(pguard_peak_t *peak, uint64_t count, uint64_t limit,
    pguard_msec_t now);

/* The most that was used, permille of the limit, cut off at PGUARD_PEAK_MAX;
   over 1000: exceeded. */
unsigned pguard_peak_read(const pguard_peak_t *peak, pguard_peak_span_e span,
    pguard_msec_t now);


#endif /* PGUARD_PEAK_H */
