/*
 * HMAC-SHA-256 of many messages under one key: what the key contributes is
 * computed once, which leaves a tenth of what pguard_key_id() takes.  It holds
 * memory of the crypto library, so it is of one process, and not for memory
 * that is shared.
 */

#ifndef PGUARD_HMAC_H
#define PGUARD_HMAC_H

#include "pguard.h"
#include "pguard_key.h"


struct evp_md_ctx_st;

typedef struct {
    struct evp_md_ctx_st  *inner;       /* the key is in; NULL: not begun */
    struct evp_md_ctx_st  *outer;
    struct evp_md_ctx_st  *work;
} pguard_hmac_t;


/* Nothing is kept of key.  0, or -1 if the crypto library fails: then there is
   nothing to be freed. */
int pguard_hmac_init(pguard_hmac_t *hmac, const pguard_key_t *key);

/* Of one that was begun or is all zero. */
void pguard_hmac_free(pguard_hmac_t *hmac);

/* As pguard_key_id() of the key that it was begun with. */
int pguard_hmac_id(pguard_hmac_t *hmac, pguard_str_t s, pguard_id_t *id);


#endif /* PGUARD_HMAC_H */
