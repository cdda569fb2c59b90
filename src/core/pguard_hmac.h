/*
 * HMAC-SHA-256 of many messages under one key: the part that depends on the key
 * alone is computed once, so a message takes a tenth of pguard_key_id().  It
 * holds memory of the crypto library, so it belongs to one process and must not
 * be in shared memory.
 */

#ifndef PGUARD_HMAC_H
#define PGUARD_HMAC_H

#include "pguard.h"
#include "pguard_key.h"


struct evp_md_ctx_st;

typedef struct {
    struct evp_md_ctx_st  *inner;       /* has the key; NULL: not begun */
    struct evp_md_ctx_st  *outer;
    struct evp_md_ctx_st  *work;
} pguard_hmac_t;


/* Takes the key for ids from *key, of which nothing is kept.  0, or -1 if the
   crypto library fails: *hmac is then all zero, with nothing to free. */
int pguard_hmac_init(pguard_hmac_t *hmac, const pguard_key_t *key);

/* *hmac was set by pguard_hmac_init(), or is all zero; it is all zero then. */
void pguard_hmac_free(pguard_hmac_t *hmac);

/* The same id as pguard_key_id() gives with the key.  0, or -1 if the crypto
   library fails (id is then all zero). */
int pguard_hmac_id(pguard_hmac_t *hmac, pguard_str_t s, pguard_id_t *id);


#endif /* PGUARD_HMAC_H */
