/*
 * The digest of a body: keyed XXH3-128, made of its bytes as they come, and the
 * same however they are cut.  For long input, the vector instructions that the
 * processor has are used, if the library can choose them at run time.
 */

#ifndef PGUARD_BODY_H
#define PGUARD_BODY_H

#include "pguard.h"
#include "pguard_key.h"


struct XXH3_state_s;

typedef struct {
    struct XXH3_state_s  *state;                /* NULL: not started */
    uint64_t              len;                  /* bytes so far */
} pguard_body_t;


/* What of a body goes into a signature: no padding, all bytes count. */

typedef struct {
    pguard_hash_t         hash;
    uint64_t              len;
} pguard_digest_t;


/* Starts a digest, which must be ended or dropped later; key must stay as long.
   0, or -1 if memory is short: then nothing was started. */
int pguard_body_start(pguard_body_t *body, const pguard_key_t *key);

/* Adds bytes, of which nothing is kept.  O(len). */
void pguard_body_add(pguard_body_t *body, const void *data, size_t len);

/* The digest of all that was added.  Frees the state. */
pguard_digest_t pguard_body_end(pguard_body_t *body);

/* Gives up what was started, if anything was; frees the state. */
void pguard_body_drop(pguard_body_t *body);

/* The same digest of a body that is there in one piece, without an allocation,
   but also without those vector instructions: for short ones.  O(len). */
pguard_digest_t pguard_body_whole(const pguard_key_t *key, const void *data,
    size_t len);


#endif /* PGUARD_BODY_H */
