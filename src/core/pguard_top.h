/*
 * Which clients were refused most, lately: Space-Saving (Metwally, Agrawal,
 * El Abbadi, 2005) in shared memory, of two half hours in turn.
 *
 * With k places, a client that had more than a k-th of a half hour's refusals
 * has one, whatever the others did.  What is listed of a client is at most
 * what it was refused; all else is of "others".  Memory is fixed, and only a
 * refusal costs something: O(k), no lock.
 */

#ifndef PGUARD_TOP_H
#define PGUARD_TOP_H

#include "pguard.h"
#include "pguard_atomic.h"


#define PGUARD_TOP_PERIOD   (30ULL * 60 * 1000)   /* ms */
#define PGUARD_TOP_PERIODS  2
#define PGUARD_TOP_MAX      64                    /* places of a period */

/* head.lo: the id's first half; head.hi: how often, and above 2^40 the period.
   The id as a whole is told apart from that of who had the place before. */

typedef struct {
    pguard_pair_t  id;
    uint64_t       error;      /* counted before it had the place, at most */
    uint64_t       last;       /* ms */
    uint16_t       rule;
    uint16_t       service;
    uint8_t        reason;
} pguard_top_entry_t;

typedef struct {
    pguard_pair_t       *head;      /* [PGUARD_TOP_PERIODS][places] */
    pguard_top_entry_t  *entry;     /* the same */
    uint64_t            *total;     /* [PGUARD_TOP_PERIODS] */
    uint64_t             places;    /* 1 to PGUARD_TOP_MAX */
} pguard_top_t;

/* What a refusal brings, and what is told of a client. */

typedef struct {
    pguard_id_t    id;
    uint64_t       count;      /* at least so many refusals */
    pguard_msec_t  last;       /* the latest */
    uint16_t       rule;       /* of the latest, as in pguard_block_t */
    uint16_t       service;
    uint8_t        reason;     /* pguard_reason_e */
} pguard_top_client_t;


/* One refusal of a client: id, rule, service, reason of *c. */
void pguard_top_add(const pguard_top_t *t, const pguard_top_client_t *c,
    pguard_msec_t now);

/*
 * The max clients that were refused most in this half hour and the last, the
 * most first; returns how many there are.  others: refusals of all who are not
 * listed.  list: room for max.  O(k (k + max)).
 */
size_t pguard_top_read(const pguard_top_t *t, pguard_msec_t now,
    pguard_top_client_t *list, size_t max, uint64_t *others);

/* Forgets a client; its refusals are then of "others".  How many they were.
   O(k). */
uint64_t pguard_top_forget(const pguard_top_t *t, const pguard_id_t *id,
    pguard_msec_t now);


#endif /* PGUARD_TOP_H */
