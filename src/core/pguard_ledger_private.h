/*
 * The layout of a ledger in shared memory, for the files that make it up.
 */

#ifndef PGUARD_LEDGER_PRIVATE_H
#define PGUARD_LEDGER_PRIVATE_H

#include "pguard_atomic.h"
#include "pguard_ledger.h"


#define PGUARD_WORD_MONTH  52              /* shift of a word's month */


typedef struct {
    uint64_t                month;         /* 0: none, or being written */
    uint64_t                counted;
    uint64_t                min_requests;
    uint64_t                down_ppm;
    uint64_t                target_ppm;
} pguard_judged_t;

typedef struct {
    uint64_t                word[PGUARD_CELLS];
} __attribute__((aligned(64))) pguard_total_t;

struct pguard_ledger_memory_s {
    uint64_t                magic;
    uint64_t                size;
    uint64_t                identity;
    uint64_t                slice;
    uint64_t                entries;
    uint64_t                since;
    uint64_t                newest;
    uint64_t                clock;         /* of the last look at it, */
    uint64_t                steady;        /* and since when without a step */
    uint64_t                sure;          /* the month, by a steady clock */
    uint64_t                late;
    pguard_outage_ends_t    ends;
    pguard_judged_t         judged[PGUARD_LEDGER_RING];
    pguard_total_t          ever;          /* untagged */
    pguard_total_t          total[PGUARD_LEDGER_RING];
};


#endif /* PGUARD_LEDGER_PRIVATE_H */
