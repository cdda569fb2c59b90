/*
 * One identical request per interval: a lock-free table of 16-byte entries in
 * memory shared by all workers.  See pguard_throttle.c for the algorithm and
 * its argument.
 */

#ifndef PGUARD_THROTTLE_H
#define PGUARD_THROTTLE_H

#include "pguard.h"
#include "pguard_atomic.h"


#define PGUARD_THROTTLE_WAYS  4                    /* of 16 bytes: one line */

typedef struct {
    pguard_pair_t  way[PGUARD_THROTTLE_WAYS];      /* way[0]: admitted last */
} __attribute__((aligned(64))) pguard_throttle_line_t;

typedef struct {
    pguard_throttle_line_t  *line;
    uint64_t                 lines;                /* > 0 */
    uint64_t                 group;                /* lines in a group */
    uint64_t                 groups;               /* mask: the bits of a
                                                      line's number that tell
                                                      its group */
} pguard_throttle_t;

/* The two lines in which a signature may be. */

typedef struct {
    pguard_throttle_line_t  *home;
    pguard_throttle_line_t  *second;
} pguard_throttle_lines_t;

typedef struct {
    unsigned       admitted;    /* 1 or 0 */
    unsigned       evicted;     /* unexpired entries that were dropped */
    pguard_usec_t  wait;        /* if not admitted: time until sig may be */
} pguard_throttle_result_t;


/* A table in these lines (> 0 of them), which are all zero or hold such a table
   already.  With 32768 lines or more, up to 511 remain unused.  O(1). */
pguard_throttle_t pguard_throttle_table(pguard_throttle_line_t *line,
    uint64_t lines);

/* The lines of sig, which are prefetched: best called some time before
   pguard_throttle_ask(), which need not follow.  Changes nothing, O(1). */
pguard_throttle_lines_t pguard_throttle_prefetch(const pguard_throttle_t *t,
    pguard_hash_t sig);

/*
 * Admits sig at now if no identical one was admitted less than interval ago.
 * at: what pguard_throttle_prefetch() gave for sig.  now: the monotonic clock,
 * as any worker reads it, < 2^48 us (8.9 years of uptime); interval: 1 us to
 * 2^46 us.  Takes no lock and never waits, O(1).
 */
pguard_throttle_result_t pguard_throttle_ask(const pguard_throttle_t *t,
    pguard_throttle_lines_t at, pguard_hash_t sig, pguard_usec_t now,
    pguard_usec_t interval);

/*
 * Another gateway had admitted sig before this one did: the entry that was made
 * here at then (the now of that call, with this interval) expires wait after
 * then, not after the whole interval.  Does nothing if it is gone.  O(1).
 */
void pguard_throttle_correct(const pguard_throttle_t *t, pguard_hash_t sig,
    pguard_usec_t then, pguard_usec_t interval, pguard_usec_t wait);

/* Entries that are unexpired at now: exact in a table of up to 2^16 entries,
   else estimated from a sample of at most that many, and at least half. */
uint64_t pguard_throttle_entries(const pguard_throttle_t *t,
    pguard_usec_t now);


#endif /* PGUARD_THROTTLE_H */
