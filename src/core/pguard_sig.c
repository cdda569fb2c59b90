#include "pguard_sig.h"


static void
pguard_sig_stream(pguard_sig_t *sig)
{
    (void) XXH3_128bits_reset_withSecret(sig->state, sig->key->xxh,
                                         sizeof(sig->key->xxh));
    (void) XXH3_128bits_update(sig->state, sig->buffer,
                               (size_t) (sig->last - sig->buffer));
    sig->last = sig->buffer;
    sig->end = sig->buffer;
}


void
pguard_sig_bytes(pguard_sig_t *sig, const void *data, size_t len)
{
    if (len == 0) {
        return;
    }

    if (sig->end != sig->buffer) {

        if (len <= (size_t) (sig->end - sig->last)) {
            memcpy(sig->last, data, len);
            sig->last += len;
            return;
        }

        pguard_sig_stream(sig);
    }

    (void) XXH3_128bits_update(sig->state, data, len);
}


void
pguard_sig_field_start(pguard_sig_t *sig, uint32_t field, uint64_t len)
{
    uint64_t  prefix = len << 8 | field;

    pguard_sig_bytes(sig, &prefix, sizeof(prefix));
}


pguard_hash_t
pguard_sig_final(pguard_sig_t *sig)
{
    pguard_str_t   s;
    pguard_hash_t  hash;
    XXH128_hash_t  h;

    if (sig->end != sig->buffer) {
        s.data = sig->buffer;
        s.len = (size_t) (sig->last - sig->buffer);
        return pguard_key_hash(sig->key, s);
    }

    h = XXH3_128bits_digest(sig->state);

    hash.lo = h.low64;
    hash.hi = h.high64;

    return hash;
}
