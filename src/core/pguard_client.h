/*
 * Whose counts are whose: under which keyed hash the tables of a zone keep
 * what leaves it under an id.  An id tells nothing of the hash, nor the hash
 * of the id: so a pair is noted when both are known, and a client's counts can
 * then be found by its id, and forgotten.
 *
 * Memory is fixed: of eight places, the pair not noted for the longest time
 * goes.  A pair is whole or is not there: its words have a sum.  No lock.
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
    uint64_t  sum;               /* of the four; else the place is free */
    uint64_t  noted;             /* ms */
} pguard_client_t;

typedef struct {
    pguard_client_t  *client;    /* [capacity], zero at first */
    uint64_t          capacity;  /* a multiple of PGUARD_CLIENT_WAYS, > 0 */
} pguard_clients_t;


/* Notes that id and hash are of one and the same.  O(1). */
void pguard_client_note(const pguard_clients_t *t, pguard_hash_t hash,
    const pguard_id_t *id, pguard_msec_t now);

/* The next hash of id, from *pos on (start at 0).  1, or 0 at the end.
   O(capacity) for all. */
int pguard_client_next(const pguard_clients_t *t, const pguard_id_t *id,
    uint64_t *pos, pguard_hash_t *hash);

/* Forgets all pairs of id.  O(capacity). */
void pguard_client_forget(const pguard_clients_t *t, const pguard_id_t *id);


/*
 * Whose blocks were lifted last, and when: what was counted before, and is
 * still on its way, must not set them again.  who: a keyed hash of the id.
 */

typedef struct {
    uint64_t  who;
    uint64_t  at;                /* us */
} pguard_lift_t;

typedef struct {
    uint64_t       count;
    pguard_lift_t  lift[PGUARD_LIFTS];    /* in turn */
} pguard_lifts_t;


/* Notes a lift; zero memory is empty.  O(1). */
void pguard_lift_note(pguard_lifts_t *l, uint64_t who, uint64_t at);

/* The time of the last lift of who, 0 if it is not among the last.
   O(PGUARD_LIFTS), or O(1) while nothing was ever lifted. */
uint64_t pguard_lift_time(const pguard_lifts_t *l, uint64_t who);


#endif /* PGUARD_CLIENT_H */
