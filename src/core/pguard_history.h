/*
 * The requests of the last minute, hour and day, by verdict.  Shared memory has
 * a ring of moments for each of these spans; a moment holds the sums of the
 * counters as they were when its slot began.  Requests pay nothing: one process
 * samples the counters every second.
 *
 * A moment is written once, at the first sample in its slot, and says which
 * slot it belongs to.  So samplers may overlap, pause or die at any store: what
 * a missing moment would have told is counted in the next slot that has one,
 * and nothing is counted twice.  Time is monotonic: a step of the wall clock
 * changes nothing.
 */

#ifndef PGUARD_HISTORY_H
#define PGUARD_HISTORY_H

#include "pguard.h"
#include "pguard_atomic.h"


typedef enum {
    PGUARD_SPAN_MINUTE = 0,              /* in slots of a second */
    PGUARD_SPAN_HOUR,                    /* of a minute */
    PGUARD_SPAN_DAY,                     /* of a quarter of an hour */
    PGUARD_SPANS
} pguard_span_e;

#define PGUARD_MINUTE_SLOTS  60
#define PGUARD_HOUR_SLOTS    60
#define PGUARD_DAY_SLOTS     96
#define PGUARD_SLOTS_MAX     PGUARD_DAY_SLOTS

/* Each ring has two more: for a slot that begins while the ring is read, and
   one that a late sampler has left out. */

#define PGUARD_MOMENTS       (PGUARD_MINUTE_SLOTS + PGUARD_HOUR_SLOTS         \
                              + PGUARD_DAY_SLOTS + 2 * PGUARD_SPANS)

typedef struct {
    uint64_t  number;                    /* of the slot, from 1; 0: none */
    uint32_t  total[PGUARD_VERDICTS];    /* of the counters, modulo 2^32 */
} pguard_moment_t;


/* A span as it is read: the requests of each slot, the oldest slot first; the
   last is the current one, which is not over yet. */

typedef struct {
    unsigned  slots;
    uint64_t  slot[PGUARD_SLOTS_MAX][PGUARD_VERDICTS];
    uint64_t  sum[PGUARD_VERDICTS];
    uint64_t  most;                      /* in one slot, all verdicts */
} pguard_series_t;


/*
 * Keeps the sums of the counters as of now in moment[PGUARD_MOMENTS], which is
 * zero at first.  Call it when counting begins, and then as close after the
 * beginning of each second as possible.  Takes no lock, O(1).
 */
void pguard_history_sample(pguard_moment_t *moment,
    const uint64_t total[PGUARD_VERDICTS], pguard_msec_t now);

/* The requests of span up to now; total: the sums as of now.  A slot holds
   fewer than 2^32 of them.  Takes no lock, O(slots). */
void pguard_history_read(const pguard_moment_t *moment, pguard_span_e span,
    const uint64_t total[PGUARD_VERDICTS], pguard_msec_t now,
    pguard_series_t *series);


#endif /* PGUARD_HISTORY_H */
