/*
 * The signature of a request: XXH3-128, keyed, over length-prefixed fields.
 *
 * Each field goes in as a 4-byte field number and an 8-byte length before its
 * bytes, so the encoding is injective: no two different sequences of fields
 * give the same bytes.  Small requests are hashed in one pass over a buffer
 * here; longer ones are streamed, with the same result.
 */

#ifndef PGUARD_SIG_H
#define PGUARD_SIG_H

#include "pguard.h"
#include "pguard_key.h"

#include <xxhash.h>


/* Field numbers.  A header's number is PGUARD_FIELD_HEADER + its place in the
   configured list; a header with several lines gives one field for each. */

typedef enum {
    PGUARD_FIELD_CLIENT = 1,
    PGUARD_FIELD_METHOD,
    PGUARD_FIELD_SCHEME,
    PGUARD_FIELD_SERVER,
    PGUARD_FIELD_HOST,
    PGUARD_FIELD_TARGET,
    PGUARD_FIELD_BODY,
    PGUARD_FIELD_CREDENTIAL,
    PGUARD_FIELD_AUTHORIZATION,
    PGUARD_FIELD_HEADER = 16
} pguard_field_e;


#define PGUARD_SIG_BUFFER  1024

typedef struct {
    const pguard_key_t  *key;
    size_t               len;               /* bytes in buffer */
    unsigned             streaming;
    unsigned char        buffer[PGUARD_SIG_BUFFER];
    XXH3_state_t        *state;             /* the caller's, for long ones */
} pguard_sig_t;


/* key and state (of XXH3_createState(), in any state) must outlive sig. */
void pguard_sig_init(pguard_sig_t *sig, const pguard_key_t *key,
    XXH3_state_t *state);

/* Adds a whole field.  O(len). */
void pguard_sig_field(pguard_sig_t *sig, uint32_t field, pguard_str_t value);

/* Adds a field of len bytes whose bytes follow by pguard_sig_bytes(). */
void pguard_sig_field_start(pguard_sig_t *sig, uint32_t field, uint64_t len);
void pguard_sig_bytes(pguard_sig_t *sig, const void *data, size_t len);

/* The signature of all that was added. */
pguard_hash_t pguard_sig_final(pguard_sig_t *sig);


#endif /* PGUARD_SIG_H */
