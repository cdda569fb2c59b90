/*
 * What became of the requests of the last minute, hour and day: a ring of
 * moments for each, in shared memory, in which the counters' sums are kept as
 * they were then.  Requests pay nothing: one process samples every second.
 *
 * A moment is written once, at the first sample in its slot, and says which
 * slot it is of.  So samplers may overlap, pause or die at any store: what is
 * missing is counted in the next slot that is there, and nothing twice.  Time
 * is monotonic: a step of the wall clock changes nothing.
 */

#ifndef PGUARD_HISTORY_H
#define PGUARD_HISTORY_H

#include "pguard.h"
#include "pguard_atomic.h"


typedef enum {
    PGUARD_SPAN_MINUTE = 0,
    PGUARD_SPAN_HOUR,
    PGUARD_SPAN_DAY,
    PGUARD_SPANS
} pguard_span_e;

#define PGUARD_MINUTE_SLOTS  60
#define PGUARD_HOUR_SLOTS    60
#define PGUARD_DAY_SLOTS     96
#define PGUARD_SLOTS_MAX     PGUARD_DAY_SLOTS

/* Two to spare: a slot that begins while the ring is read, and one that a
   late sampler has left out. */

#define PGUARD_MOMENTS       (PGUARD_MINUTE_SLOTS + PGUARD_HOUR_SLOTS         \
                              + PGUARD_DAY_SLOTS + 2 * PGUARD_SPANS)

typedef struct {
    uint64_t  number;                    /* of the slot, from 1; 0: none */
    uint32_t  total[PGUARD_VERDICTS];    /* of the counters, modulo 2^32 */
} pguard_moment_t;


/* A span as it is read: the requests of each slot, the oldest first; the last
   one is not over yet. */

typedef struct {
    unsigned  slots;
    uint64_t  slot[PGUARD_SLOTS_MAX][PGUARD_VERDICTS];
    uint64_t  sum[PGUARD_VERDICTS];
    uint64_t  most;                      /* in one slot, all verdicts */
} pguard_series_t;


/* Length of a slot of span, ms. */
pguard_msec_t pguard_span_slot(pguard_span_e span);

/*
 * Keeps the counters' sums as of now, in moment[PGUARD_MOMENTS], zero at
 * first.  To be called when counting begins, and then as close after the
 * beginning of each second as can be.  Takes no lock, O(1).
 */
void pguard_history_sample(pguard_moment_t *moment,
    const uint64_t total[PGUARD_VERDICTS], pguard_msec_t now);

/* The requests of span up to now; total: the sums as of now.  A slot holds
   fewer than 2^32 of them.  Takes no lock, O(slots). */
void pguard_history_read(const pguard_moment_t *moment, pguard_span_e span,
    const uint64_t total[PGUARD_VERDICTS], pguard_msec_t now,
    pguard_series_t *series);


#endif /* PGUARD_HISTORY_H */
