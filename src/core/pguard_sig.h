/*
 * What a request is compared by: hashes, each XXH3-128 and keyed, put together
 * to one, the signature.
 *
 *   client   who sends it; the default one is a field of the head instead
 *   head     the fields of it that count
 *   line     method and target
 *   body     a field of its own, if there is one
 *
 * Each field goes in as its number (one byte) and its length (three bytes, or
 * 2^24 - 1 in these and eight more) before its bytes, so the encoding is
 * injective: no two different sequences of fields give the same bytes.  A
 * method has no space, so "method target" is, too.  Small ones are hashed in
 * one pass over a buffer, or where they lie; longer ones are streamed, with
 * the same result.
 *
 * Nobody who has not the key knows what any of the hashes is, or can make two
 * that differ by a given value: so their sum without carry, each turned by
 * another angle, is as good as a hash of all, and parts of it can be kept.
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
    PGUARD_FIELD_CREDENTIAL,
    PGUARD_FIELD_AUTHORIZATION,
    PGUARD_FIELD_SCHEME,
    PGUARD_FIELD_SERVER,
    PGUARD_FIELD_HOST,
    PGUARD_FIELD_BODY,
    PGUARD_FIELD_HEADER = 16
} pguard_field_e;

#define PGUARD_FIELD_HEADERS  200

#define PGUARD_SIG_BUFFER     1024
#define PGUARD_SIG_LONG       0xffffff

typedef struct {
    pguard_str_t  value;
    uint32_t      number;
} pguard_field_t;


/* The hash of n fields in their order.  state: of XXH3_createState(), in any
   state, for long ones.  O(bytes), 1 kB of stack. */
pguard_hash_t pguard_sig_fields(const pguard_key_t *key, XXH3_state_t *state,
    const pguard_field_t *field, size_t n);

/* The hash of a method, a space, and a target; where they lie so in memory,
   nothing is copied. */
pguard_hash_t pguard_sig_line(const pguard_key_t *key, XXH3_state_t *state,
    pguard_str_t method, pguard_str_t target);


/* a, and b after it: a is turned by 32 bits. */

static inline pguard_hash_t
pguard_sig_after(pguard_hash_t a, pguard_hash_t b)
{
    pguard_hash_t  sum;

    sum.lo = (a.lo << 32 | a.hi >> 32) ^ b.lo;
    sum.hi = (a.hi << 32 | a.lo >> 32) ^ b.hi;

    return sum;
}


#endif /* PGUARD_SIG_H */
