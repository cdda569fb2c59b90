/*
 * The signature, by which requests are compared: several keyed XXH3-128 hashes,
 * combined into one.
 *
 *   client   who sends it; the default client is a field of the head instead
 *   head     the fields of it that count
 *   line     method and target
 *   body     one field with its digest, if there is a body
 *
 * Each field goes in as its number (one byte), its length (three bytes; if
 * these are 2^24 - 1, eight more) and its bytes, so the encoding is injective:
 * no two different sequences of fields give the same bytes.  So is "method
 * target", as a method has no space.  Short input is hashed in one pass, from a
 * buffer or where it lies; longer input is streamed, with the same result.
 *
 * Without the key nobody knows any of the hashes, nor can anybody make two that
 * differ by a given value.  So combining them by exclusive or, after rotating
 * each by another angle, is as good as one hash over everything; and a hash
 * that stays the same from one request to the next can be kept.
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
    PGUARD_FIELD_SESSION,
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
   state, is used if they are long.  O(bytes), 1 kB of stack. */
pguard_hash_t pguard_sig_fields(const pguard_key_t *key, XXH3_state_t *state,
    const pguard_field_t *field, size_t n);

/* The hash of a method, a space, and a target.  If they lie one after the other
   in memory just so, nothing is copied.  O(bytes). */
pguard_hash_t pguard_sig_line(const pguard_key_t *key, XXH3_state_t *state,
    pguard_str_t method, pguard_str_t target);


/* Combines a with b, which comes after it: a is rotated by 32 bits. */

static inline pguard_hash_t
pguard_sig_after(pguard_hash_t a, pguard_hash_t b)
{
    pguard_hash_t  sum;

    sum.lo = (a.lo << 32 | a.hi >> 32) ^ b.lo;
    sum.hi = (a.hi << 32 | a.lo >> 32) ^ b.hi;

    return sum;
}


#endif /* PGUARD_SIG_H */
