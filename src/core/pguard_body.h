/*
 * The digest of a body, made of its bytes as they come: keyed XXH3-128, the
 * same however they are cut.  Long inputs take the vector instructions that
 * the processor turns out to have, where the library offers that.
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


/* 0, or -1 if memory is short: then nothing was started.  key must outlive it.
   What was started is to be ended, or dropped. */
int pguard_body_start(pguard_body_t *body, const pguard_key_t *key);

/* Nothing is kept of data.  O(len). */
void pguard_body_add(pguard_body_t *body, const void *data, size_t len);

pguard_digest_t pguard_body_end(pguard_body_t *body);

/* Gives up what was started, if anything was. */
void pguard_body_drop(pguard_body_t *body);

/* The digest of a body of len bytes that is there in one piece: the same, with
   no allocation.  For short ones: it takes no such instructions. */
pguard_digest_t pguard_body_whole(const pguard_key_t *key, const void *data,
    size_t len);


#endif /* PGUARD_BODY_H */
