/*
 * Which keyed hash belongs to which id.  The tables of a zone keep a client's
 * counts under a hash; outside, the client is known by an id; and neither can
 * be computed from the other.  So the pair is noted when both are known, and
 * the client's counts can then be found by its id, and erased.
 *
 * Memory is fixed: of the eight places for a pair, it takes the one not noted
 * for the longest time.  No lock: each pair has a checksum, so a reader sees it
 * whole or not at all.
 */

#ifndef PGUARD_CLIENT_H
#define PGUARD_CLIENT_H

#include "pguard.h"
#include "pguard_atomic.h"


#define PGUARD_CLIENT_WAYS  8
#define PGUARD_LIFTS        64

typedef struct {
    uint64_t  hash[2];
    uint64_t  id[2];
    uint64_t  sum;               /* of these; if it is wrong, the place is
                                    free */
    uint64_t  noted;             /* ms */
} pguard_client_t;

typedef struct {
    pguard_client_t  *client;    /* [capacity], zero at first */
    uint64_t          capacity;  /* a multiple of PGUARD_CLIENT_WAYS, > 0 */
} pguard_clients_t;


/* Notes that id and hash belong together.  O(1). */
void pguard_client_note(const pguard_clients_t *t, pguard_hash_t hash,
    const pguard_id_t *id, pguard_msec_t now);

/* The next hash that belongs to id, from *pos on (0 at first): 1, or 0 at the
   end.  O(capacity) for all. */
int pguard_client_next(const pguard_clients_t *t, const pguard_id_t *id,
    uint64_t *pos, pguard_hash_t *hash);

/* Forgets all pairs of id.  O(capacity). */
void pguard_client_forget(const pguard_clients_t *t, const pguard_id_t *id);


/*
 * Whose blocks were lifted lately, and when: requests counted before, whose
 * counts are still on their way to the store or back, must not set the blocks
 * again.  who: a keyed hash of the id.
 */

typedef struct {
    uint64_t  who;
    uint64_t  at;                /* us, monotonic */
} pguard_lift_t;

typedef struct {
    uint64_t       count;
    pguard_lift_t  lift[PGUARD_LIFTS];    /* a ring */
} pguard_lifts_t;


/* Notes a lift.  Memory that is all zero is an empty list.  O(1). */
void pguard_lift_note(pguard_lifts_t *l, uint64_t who, uint64_t at);

/* The time of the last lift of who, 0 if it is not among the last.
   O(PGUARD_LIFTS), or O(1) while nothing was ever lifted. */
uint64_t pguard_lift_time(const pguard_lifts_t *l, uint64_t who);


#endif /* PGUARD_CLIENT_H */
