/*
 * The signature of a request: XXH3-128, keyed, over length-prefixed fields.
 *
 * Each field goes in as its number (one byte) and its length (three bytes, or
 * 2^24 - 1 in these and eight more) before its bytes, so the encoding is
 * injective: no two different sequences of fields give the same bytes.  Small
 * requests are hashed in one pass over a buffer; longer ones are streamed,
 * with the same result.
 */

#ifndef PGUARD_SIG_H
#define PGUARD_SIG_H

#include "pguard.h"
#include "pguard_key.h"

#include <xxhash.h>


/* Field numbers, up to 255.  A header's number is PGUARD_FIELD_HEADER + its
   place in the configured list, at most PGUARD_FIELD_HEADERS of them; a header
   with several lines gives one field for each. */

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

#define PGUARD_FIELD_HEADERS  200

#define PGUARD_SIG_BUFFER     1024
#define PGUARD_SIG_LONG       0xffffff

typedef struct {
    pguard_str_t  value;
    uint32_t      number;
} pguard_field_t;


/* The signature of n fields in their order.  state: of XXH3_createState(), in
   any state, for long ones.  O(bytes), 1 kB of stack. */
pguard_hash_t pguard_sign(const pguard_key_t *key, XXH3_state_t *state,
    const pguard_field_t *field, size_t n);


#endif /* PGUARD_SIG_H */
