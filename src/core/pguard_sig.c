#include "pguard_sig.h"


void
pguard_sig_init(pguard_sig_t *sig, const pguard_key_t *key,
    XXH3_state_t *state)
{
    sig->key = key;
    sig->state = state;
    sig->len = 0;
    sig->streaming = 0;
}


static void
pguard_sig_stream(pguard_sig_t *sig)
{
    (void) XXH3_128bits_reset_withSecret(sig->state, sig->key->xxh,
                                         sizeof(sig->key->xxh));
    (void) XXH3_128bits_update(sig->state, sig->buffer, sig->len);

    sig->streaming = 1;
}


void
pguard_sig_bytes(pguard_sig_t *sig, const void *data, size_t len)
{
    if (len == 0) {
        return;
    }

    if (!sig->streaming) {

        if (len <= sizeof(sig->buffer) - sig->len) {
            memcpy(sig->buffer + sig->len, data, len);
            sig->len += len;
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

    if (!sig->streaming) {
        s.data = sig->buffer;
        s.len = sig->len;
        return pguard_key_hash(sig->key, s);
    }

    h = XXH3_128bits_digest(sig->state);

    hash.lo = h.low64;
    hash.hi = h.high64;

    return hash;
}
