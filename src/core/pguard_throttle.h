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
    uint64_t                 group;                /* of so many lines */
    uint64_t                 groups;               /* bits of a line's number
                                                      that tell its group */
} pguard_throttle_t;

/* Where a signature may be. */

typedef struct {
    pguard_throttle_line_t  *home;
    pguard_throttle_line_t  *second;
} pguard_throttle_lines_t;

typedef struct {
    unsigned       admitted;    /* 1 or 0 */
    unsigned       evicted;     /* unexpired entries that had to go */
    pguard_usec_t  wait;        /* if not admitted: until the next may be */
} pguard_throttle_result_t;


/* The table in these lines (> 0), all zeros or used before; of 32768 and more,
   it leaves up to 511 unused. */
pguard_throttle_t pguard_throttle_table(pguard_throttle_line_t *line,
    uint64_t lines);

/* Brings the lines of sig near, and returns them; costs nothing if it is not
   asked later. */
pguard_throttle_lines_t pguard_throttle_prefetch(const pguard_throttle_t *t,
    pguard_hash_t sig);

/*
 * Admits sig at now, if no identical one was admitted less than interval ago.
 * now: any worker's reading of the one monotonic clock, < 2^48 us (8.9 years
 * of uptime); interval: 1 us to 2^46 us.  Never waits, O(1).
 */
pguard_throttle_result_t pguard_throttle_ask(const pguard_throttle_t *t,
    pguard_hash_t sig, pguard_usec_t now, pguard_usec_t interval);

/* The same, where the lines of sig are known. */
pguard_throttle_result_t pguard_throttle_ask_at(const pguard_throttle_t *t,
    pguard_throttle_lines_t at, pguard_hash_t sig, pguard_usec_t now,
    pguard_usec_t interval);

/*
 * Another gateway had admitted sig before: what was admitted here at then (the
 * now of that call) expires after wait, not after the whole interval.
 */
void pguard_throttle_correct(const pguard_throttle_t *t, pguard_hash_t sig,
    pguard_usec_t then, pguard_usec_t interval, pguard_usec_t wait);

/* Entries unexpired at now: exact up to 2^19 entries, else from a sample of
   that many. */
uint64_t pguard_throttle_entries(const pguard_throttle_t *t,
    pguard_usec_t now);


#endif /* PGUARD_THROTTLE_H */
