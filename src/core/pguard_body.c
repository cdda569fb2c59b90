#include <xxhash.h>

#include "pguard_body.h"


/* Debian's library has both, on amd64: SSE2 only, and what the processor has,
   which is found out once in a process. */

#if defined(__x86_64__) && defined(__has_include)
#if __has_include(<xxh_x86dispatch.h>)
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#define pguard_body_update  XXH3_128bits_update_dispatch
#endif
#endif

#ifndef pguard_body_update
#define pguard_body_update  XXH3_128bits_update
#endif


int
pguard_body_start(pguard_body_t *body, const pguard_key_t *key)
{
    body->len = 0;
    body->state = XXH3_createState();

    if (body->state == NULL) {
        return -1;
    }

    (void) XXH3_128bits_reset_withSecret(body->state, key->xxh,
                                         sizeof(key->xxh));

    return 0;
}


void
pguard_body_add(pguard_body_t *body, const void *data, size_t len)
{
    (void) pguard_body_update(body->state, data, len);
    body->len += len;
}


pguard_digest_t
pguard_body_end(pguard_body_t *body)
{
    XXH128_hash_t    h;
    pguard_digest_t  digest;

    h = XXH3_128bits_digest(body->state);

    digest.hash.lo = h.low64;
    digest.hash.hi = h.high64;
    digest.len = body->len;

    pguard_body_drop(body);

    return digest;
}


void
pguard_body_drop(pguard_body_t *body)
{
    (void) XXH3_freeState(body->state);
    body->state = NULL;
}


pguard_digest_t
pguard_body_whole(const pguard_key_t *key, const void *data, size_t len)
{
    pguard_str_t     s;
    pguard_digest_t  digest;

    s.data = data;
    s.len = len;

    digest.hash = pguard_key_hash(key, s);
    digest.len = len;

    return digest;
}
