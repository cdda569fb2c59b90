/*
 * Keyed hashing, with keys that are all derived from one secret:
 *   XXH3-128 with a 192-byte key     fast, stays inside the gateway
 *   HMAC-SHA-256 cut to 128 bits     what leaves it: Redis keys, logs, API
 *   HMAC-SHA-256, whole              seals each line of the audit log
 * The keys are derived by HMAC-SHA-256 of different labels (the expand step
 * of RFC 5869), so none reveals anything about another.
 */

#ifndef PGUARD_KEY_H
#define PGUARD_KEY_H

#include "pguard.h"


#define PGUARD_SECRET_MIN    16        /* bytes of a secret file, at least */
#define PGUARD_SECRET_MAX    4096
#define PGUARD_XXH_SECRET    192
#define PGUARD_HMAC_KEY      32
#define PGUARD_MAC_LEN       32        /* bytes of HMAC-SHA-256 */


typedef struct {
    unsigned char  xxh[PGUARD_XXH_SECRET];
    unsigned char  hmac[PGUARD_HMAC_KEY];
    unsigned char  audit[PGUARD_HMAC_KEY];
} pguard_key_t;


/*
 * Ids already computed by this process, by the hash of what they stand for:
 * a client that comes back costs a look-up instead of an HMAC.  Bounded; an
 * entry is replaced by the next one that falls on its place.
 */

#define PGUARD_ID_CACHE  1024

typedef struct {
    pguard_hash_t  hash[PGUARD_ID_CACHE];
    pguard_id_t    id[PGUARD_ID_CACHE];
} pguard_id_cache_t;


/* Derives all keys from len (> 0) bytes of secret.  0, or -1 if the crypto
   library fails. */
int pguard_key_init(pguard_key_t *key, const void *secret, size_t len);

/* Keyed XXH3-128 of s. */
pguard_hash_t pguard_key_hash(const pguard_key_t *key, pguard_str_t s);

/* HMAC-SHA-256 of s, cut to 128 bits.  0, or -1 if the crypto library fails
   (id is then all zero). */
int pguard_key_id(const pguard_key_t *key, pguard_str_t s, pguard_id_t *id);

/* The cached id of what has this hash, or NULL; and puts one into the cache.
   O(1).  The pointer is good until the next put. */
const pguard_id_t *pguard_id_cache_find(const pguard_id_cache_t *cache,
    pguard_hash_t hash);
void pguard_id_cache_put(pguard_id_cache_t *cache, pguard_hash_t hash,
    const pguard_id_t *id);

/* HMAC-SHA-256 of s under the audit key: PGUARD_MAC_LEN bytes at mac.  0, or
   -1 if the crypto library fails (mac is then all zero). */
int pguard_key_mac(const pguard_key_t *key, pguard_str_t s,
    unsigned char *mac);

/* Writes n bytes as 2 * n lower-case hex digits; returns the end. */
unsigned char *pguard_hex(unsigned char *dst, const unsigned char *src,
    size_t n);

/* Adds 1 to the number of n lower-case hex digits before end; after the highest
   number comes 0. */
void pguard_hex_next(unsigned char *end, size_t n);

/* Reads 2 * n hex digits of either case.  0, or -1 if one is not a digit. */
int pguard_unhex(unsigned char *dst, const unsigned char *src, size_t n);


#endif /* PGUARD_KEY_H */
