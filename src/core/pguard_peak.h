/*
 * How near clients came lately to the limit of a rule: the largest share of the
 * limit that any client had used in a window, in shared memory.
 *
 * A word holds the number of its period in the upper bits and the share in the
 * lower.  So a word of a later period is always larger, and words are only ever
 * raised: no reset, no lock, and a worker may die anywhere.
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


/* A client has used count of limit (> 0) at now.  O(1): mostly two loads. */
void pguard_peak_raise(pguard_peak_t *peak, uint64_t count, uint64_t limit,
    pguard_msec_t now);

/* The largest share in the span, in permille of the limit, at most
   PGUARD_PEAK_MAX; over 1000: the limit was exceeded. */
unsigned pguard_peak_read(const pguard_peak_t *peak, pguard_peak_span_e span,
    pguard_msec_t now);


#endif /* PGUARD_PEAK_H */
