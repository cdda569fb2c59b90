/*
 * Sliding-window counts in shared memory, lock-free: how many requests of one
 * key came in the last window?  The answer is never more than the truth, and
 * less than the truth by less than an eleventh of the limit (by nothing up to
 * a limit of 11).  See pguard_window.c for the method and the proof.
 */

#ifndef PGUARD_WINDOW_H
#define PGUARD_WINDOW_H

#include "pguard.h"
#include "pguard_atomic.h"


#define PGUARD_WINDOW_WAYS   8
#define PGUARD_WINDOW_MARKS  12

/* The counts of one key under one rule: one cache line. */

typedef struct {
    pguard_pair_t  head;                       /* lo: tag, hi: requests seen */
    uint32_t       mark[PGUARD_WINDOW_MARKS];  /* ms: first of each group */
} __attribute__((aligned(64))) pguard_window_entry_t;

typedef struct {
    uint64_t               index[PGUARD_WINDOW_WAYS];  /* see _window.c */
    pguard_window_entry_t  entry[PGUARD_WINDOW_WAYS];
} __attribute__((aligned(64))) pguard_window_bucket_t;

typedef struct {
    pguard_window_bucket_t  *bucket;
    uint64_t                 buckets;          /* > 0 */
} pguard_windows_t;

#define PGUARD_LIMIT_MAX     1000000
#define PGUARD_WINDOW_MAX    (24ULL * 86400 * 1000)   /* ms */

typedef struct {
    uint64_t       limit;                      /* 1 to PGUARD_LIMIT_MAX */
    pguard_msec_t  window;                     /* 1 to PGUARD_WINDOW_MAX */
    uint64_t       group;                      /* requests to a mark */
    unsigned       shift;                      /* a mark's unit: 2^shift ms */
    uint32_t       use;                        /* s: how long a key is of use */
} pguard_window_rule_t;

typedef struct {
    unsigned       exceeded;    /* 1: more than limit in the last window */
    unsigned       evicted;     /* 1: a key still in use had to go */
    uint64_t       count;       /* if exceeded: requests in the last window */
    uint64_t       seen;        /* the same, looked at by the first request of
                                   a group once there may be half the limit;
                                   else 0 */
} pguard_window_result_t;

typedef struct {
    uint64_t       count;       /* requests in the last window */
    pguard_msec_t  reset;       /* until the oldest of them leave it; 0: none */
} pguard_window_state_t;


/* Sets up a rule from limit and window, both within their ranges. */
void pguard_window_rule_init(pguard_window_rule_t *rule, uint64_t limit,
    pguard_msec_t window);


/* Where a key mostly is: to be prefetched, which costs nothing if it is not
   counted then. */

static inline pguard_window_bucket_t *
pguard_window_bucket(const pguard_windows_t *w, pguard_hash_t key)
{
    return &w->bucket[pguard_hash_place(key.hi, w->buckets)];
}


/* Where a key may be that was new when its bucket was half full.  Of other bits
   than the tag: who has the same tag is elsewhere. */

static inline pguard_window_bucket_t *
pguard_window_second(const pguard_windows_t *w, pguard_hash_t key)
{
    return &w->bucket[pguard_hash_place(key.hi >> 32, w->buckets)];
}


/* A clock for a second look: the time now, in ms, from arg. */
typedef pguard_msec_t (*pguard_clock_pt)(void *arg);

/*
 * Counts one request of key, that arrived at now, and says whether it exceeds
 * the rule.  clock is asked only when it seems to; it may be NULL if no other
 * process counts at the same time.  Never waits, O(1).
 *
 * home: the bucket of key, see above.
 * source: a hash of where the key came from first, of something that a client
 * cannot choose.  Where all places for a new key are in use, one goes of the
 * source that would then have most of them.
 */
pguard_window_result_t pguard_window_add_at(pguard_window_bucket_t *home,
    const pguard_windows_t *w, pguard_hash_t key, uint16_t source,
    const pguard_window_rule_t *rule, pguard_msec_t now,
    pguard_clock_pt clock, void *arg);


/* The same, where home is not at hand. */

static inline pguard_window_result_t
pguard_window_add(const pguard_windows_t *w, pguard_hash_t key,
    uint16_t source, const pguard_window_rule_t *rule, pguard_msec_t now,
    pguard_clock_pt clock, void *arg)
{
    return pguard_window_add_at(pguard_window_bucket(w, key), w, key, source,
                                rule, now, clock, arg);
}


/* What is counted now, without counting. */
pguard_window_state_t pguard_window_peek(const pguard_windows_t *w,
    pguard_hash_t key, const pguard_window_rule_t *rule, pguard_msec_t now);

/* Forgets the counts of key. */
void pguard_window_forget(const pguard_windows_t *w, pguard_hash_t key);

/* Keys counted within their windows, and some seconds more: exact up to 2^16
   buckets, else from a sample of that many. */
uint64_t pguard_window_entries(const pguard_windows_t *w, pguard_msec_t now);


#endif /* PGUARD_WINDOW_H */
