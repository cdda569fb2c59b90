/*
 * Which clients were refused most lately: the Space-Saving algorithm (Metwally,
 * Agrawal, El Abbadi, 2005) in shared memory, for this half hour and the last.
 *
 * With k places, a client that had more than a k-th of a half hour's refusals
 * has one, whatever the others did.  The figure listed for a client is at most
 * what it was refused; all other refusals are those of "others".  Memory is
 * fixed, and only a refusal costs something: O(k), no lock.
 */

#ifndef PGUARD_TOP_H
#define PGUARD_TOP_H

#include "pguard.h"
#include "pguard_atomic.h"


#define PGUARD_TOP_PERIOD   (30ULL * 60 * 1000)   /* ms */
#define PGUARD_TOP_PERIODS  2
#define PGUARD_TOP_MAX      64                    /* places of a period */

/* A place is a head and an entry.  head.lo: the first half of its client's id;
   head.hi: the count, and from bit 40 on the number of the period.  The entry's
   id is whole: while it does not fit the head, the place is being taken over,
   and is not listed. */

typedef struct {
    pguard_pair_t  id;
    uint64_t       error;      /* of the count, at most so much is others' */
    uint64_t       last;       /* ms */
    uint16_t       rule;
    uint16_t       service;
    uint8_t        reason;
} pguard_top_entry_t;

typedef struct {
    pguard_pair_t       *head;      /* [PGUARD_TOP_PERIODS][places] */
    pguard_top_entry_t  *entry;     /* the same */
    uint64_t            *total;     /* [PGUARD_TOP_PERIODS]: all refusals, with
                                       the period as in head.hi */
    uint64_t             places;    /* 1 to PGUARD_TOP_MAX */
} pguard_top_t;

/* What a refusal adds, and what is listed for a client. */

typedef struct {
    pguard_id_t    id;
    uint64_t       count;      /* at least so many refusals */
    pguard_msec_t  last;       /* the latest */
    uint16_t       rule;       /* of the latest, as in pguard_block_t */
    uint16_t       service;
    uint8_t        reason;     /* pguard_reason_e */
} pguard_top_client_t;


/* Counts one refusal of a client.  Of *c, id, rule, service and reason are
   set. */
void pguard_top_add(const pguard_top_t *t, const pguard_top_client_t *c,
    pguard_msec_t now);

/*
 * Lists, in list[max], the clients that were refused most in this half hour and
 * the last, the most refused first; returns their number.  *others: refusals of
 * all clients that are not listed.  O(k (k + max)).
 */
size_t pguard_top_read(const pguard_top_t *t, pguard_msec_t now,
    pguard_top_client_t *list, size_t max, uint64_t *others);

/* Forgets a client: its refusals are those of "others" from now on.  Returns
   how many were counted for it.  O(k). */
uint64_t pguard_top_forget(const pguard_top_t *t, const pguard_id_t *id,
    pguard_msec_t now);


#endif /* PGUARD_TOP_H */
