/*
 * Sliding-window counts in shared memory, lock-free: how many requests of one
 * key came in the last window?  The answer is never more than the truth, and
 * falls short of it by less than an eleventh of the limit (by nothing for
 * limits up to 11).  See pguard_window.c for the method and the proof.
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
    uint64_t               index[PGUARD_WINDOW_WAYS];  /* see _private.h */
    pguard_window_entry_t  entry[PGUARD_WINDOW_WAYS];
} __attribute__((aligned(64))) pguard_window_bucket_t;

typedef struct {
    pguard_window_bucket_t  *bucket;
    uint64_t                 buckets;          /* > 0 */
} pguard_windows_t;

#define PGUARD_LIMIT_MAX     1000000
#define PGUARD_WINDOW_DAYS   24
#define PGUARD_WINDOW_MAX    (PGUARD_WINDOW_DAYS * 86400ULL * 1000)   /* ms */

typedef struct {
    uint64_t       limit;                      /* 1 to PGUARD_LIMIT_MAX */
    pguard_msec_t  window;                     /* 1 to PGUARD_WINDOW_MAX */
    uint64_t       group;                      /* requests for each mark */
    unsigned       shift;                      /* a mark's unit: 2^shift ms */
    uint32_t       use;                        /* s: how long after its last
                                                  request a key is in use */
} pguard_window_rule_t;

typedef struct {
    unsigned       exceeded;    /* 1: more than limit in the last window */
    unsigned       evicted;     /* 1: a key still in use was dropped */
    uint64_t       count;       /* if exceeded: requests in the last window */
    uint64_t       seen;        /* the same, whether exceeded or not: only told
                                   by the first request of a group, once there
                                   may be half the limit; else 0 */
} pguard_window_result_t;

typedef struct {
    uint64_t       count;       /* requests in the last window */
    pguard_msec_t  reset;       /* time until the oldest of them leave it;
                                   0: there are none */
} pguard_window_state_t;


/* Sets up a rule from limit and window, both within their ranges. */
void pguard_window_rule_init(pguard_window_rule_t *rule, uint64_t limit,
    pguard_msec_t window);


/* A key's first bucket, in which most keys are.  The caller may prefetch it
   some time before it counts. */

static inline pguard_window_bucket_t *
pguard_window_bucket(const pguard_windows_t *w, pguard_hash_t key)
{
    return &w->bucket[pguard_hash_place(key.hi, w->buckets)];
}


/* A key's second bucket: the key may be there if its first one was more than
   half full when it was new.  Chosen by other bits than the tag, so keys with
   the same tag are in different buckets. */

static inline pguard_window_bucket_t *
pguard_window_second(const pguard_windows_t *w, pguard_hash_t key)
{
    return &w->bucket[pguard_hash_place(key.hi >> 32, w->buckets)];
}


/* Gives the time now, in ms; arg is the caller's. */
typedef pguard_msec_t (*pguard_clock_pt)(void *arg);

/*
 * Counts one request of key, which arrived at now (ms, monotonic), and says
 * whether it exceeds the rule.  Takes no lock and never waits, O(1).
 *
 * home: pguard_window_bucket() of key.
 * source: a hash of where the key first came from, made of something that a
 * client cannot choose.  If all places for a new key are in use, the key that
 * is dropped is one of the source that would then have most places.
 * clock: called with arg, only when the rule seems to be exceeded, for a second
 * look with a later time.  NULL if no other process counts at the same time.
 */
pguard_window_result_t pguard_window_add(pguard_window_bucket_t *home,
    const pguard_windows_t *w, pguard_hash_t key, uint16_t source,
    const pguard_window_rule_t *rule, pguard_msec_t now,
    pguard_clock_pt clock, void *arg);

/* What is counted for key at now; counts nothing.  O(1). */
pguard_window_state_t pguard_window_peek(const pguard_windows_t *w,
    pguard_hash_t key, const pguard_window_rule_t *rule, pguard_msec_t now);

/* Forgets the counts of key.  O(1). */
void pguard_window_forget(const pguard_windows_t *w, pguard_hash_t key);

/* Keys that were counted within their windows (and up to some seconds before):
   exact in a table of up to 2^13 buckets, else estimated from a sample of at
   most that many, and at least half. */
uint64_t pguard_window_entries(const pguard_windows_t *w, pguard_msec_t now);


#endif /* PGUARD_WINDOW_H */
