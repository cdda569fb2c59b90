/*
 * The signature of a request: XXH3-128, keyed, over length-prefixed fields.
 *
 * Each field goes in as its number (one byte) and its length (seven bytes)
 * before its bytes, so the encoding is injective: no two different sequences
 * of fields give the same bytes.  Small requests are hashed in one pass over a
 * buffer here; longer ones are streamed, with the same result.
 */

#ifndef PGUARD_SIG_H
#define PGUARD_SIG_H

#include "pguard.h"
#include "pguard_key.h"

#include <string.h>
#include <xxhash.h>


/* Field numbers.  A header's number is PGUARD_FIELD_HEADER + its place in the
   configured list, at most PGUARD_FIELD_HEADERS of them; a header with several
   lines gives one field for each. */

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


#define PGUARD_SIG_BUFFER  1024

typedef struct {
    const pguard_key_t  *key;
    XXH3_state_t        *state;             /* the caller's, for long ones */
    unsigned char       *last;              /* of what is in buffer */
    unsigned char       *end;               /* = last: no room, streaming */
    unsigned char        buffer[PGUARD_SIG_BUFFER];
} pguard_sig_t;


/* key and state (of XXH3_createState(), in any state) must outlive sig. */

static inline void
pguard_sig_init(pguard_sig_t *sig, const pguard_key_t *key,
    XXH3_state_t *state)
{
    sig->key = key;
    sig->state = state;
    sig->last = sig->buffer;
    sig->end = sig->buffer + sizeof(sig->buffer);
}


/* Adds a field of len (< 2^56) bytes whose bytes follow by
   pguard_sig_bytes(). */
void pguard_sig_field_start(pguard_sig_t *sig, uint32_t field, uint64_t len);
void pguard_sig_bytes(pguard_sig_t *sig, const void *data, size_t len);

/* The signature of all that was added. */
pguard_hash_t pguard_sig_final(pguard_sig_t *sig);


/* memcpy() for the few bytes that most fields have, without a call. */

static inline void
pguard_sig_copy(unsigned char *p, const unsigned char *s, size_t n)
{
    unsigned char  *end = p + n;

    if (n >= 16) {
        for ( /* void */ ; end - p > 16; p += 16, s += 16) {
            memcpy(p, s, 16);
        }

        memcpy(end - 16, s + (end - p) - 16, 16);

    } else if (n >= 8) {
        memcpy(end - 8, s + n - 8, 8);
        memcpy(p, s, 8);

    } else {
        while (n--) {
            p[n] = s[n];
        }
    }
}


/* Adds a whole field.  O(len).  Inline: a request has a dozen of them. */

static inline void
pguard_sig_field(pguard_sig_t *sig, uint32_t field, pguard_str_t value)
{
    uint64_t        prefix;
    unsigned char  *p;

    p = sig->last;

    if ((size_t) (sig->end - p) < sizeof(prefix) + value.len) {
        pguard_sig_field_start(sig, field, value.len);
        pguard_sig_bytes(sig, value.data, value.len);
        return;
    }

    prefix = (uint64_t) value.len << 8 | field;

    memcpy(p, &prefix, sizeof(prefix));

    pguard_sig_copy(p + sizeof(prefix), value.data, value.len);

    sig->last = p + sizeof(prefix) + value.len;
}


#endif /* PGUARD_SIG_H */
