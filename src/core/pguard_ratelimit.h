/*
 * The RateLimit fields of any answer (draft-ietf-httpapi-ratelimit-headers):
 * structured fields (RFC 9651) of the policies in force.
 */

#ifndef PGUARD_RATELIMIT_H
#define PGUARD_RATELIMIT_H

#include "pguard.h"
#include "pguard_out.h"


/* One policy of the RateLimit fields; times in whole seconds. */

typedef struct {
    pguard_str_t  name;
    uint64_t      quota;
    uint64_t      window;          /* written as 1 if it is 0 */
    uint64_t      remaining;
    uint64_t      reset;
} pguard_ratelimit_t;

/* The values of RateLimit-Policy and RateLimit for n policies; nothing if n is
   0: then the header must be left out.  Numbers beyond 10^15 - 1, the largest
   that RFC 9651 has, are written as that. */
void pguard_ratelimit_policy(pguard_out_t *out, const pguard_ratelimit_t *p,
    size_t n);
void pguard_ratelimit(pguard_out_t *out, const pguard_ratelimit_t *p,
    size_t n);


#endif /* PGUARD_RATELIMIT_H */
