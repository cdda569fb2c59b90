#include "pguard_sig.h"

#include <string.h>


static pguard_hash_t pguard_sig_stream(const pguard_key_t *key,
    XXH3_state_t *state, const pguard_field_t *field, size_t n);


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


pguard_hash_t
pguard_sig_fields(const pguard_key_t *key, XXH3_state_t *state,
    const pguard_field_t *field, size_t n)
{
    size_t                 len;
    uint32_t               prefix;
    pguard_str_t           s;
    unsigned char         *p, buffer[PGUARD_SIG_BUFFER];
    const pguard_field_t  *f, *end;

    end = field + n;

    for (f = field, len = 0; f < end; f++) {
        len += sizeof(prefix) + f->value.len;
    }

    if (len > sizeof(buffer)) {
        return pguard_sig_stream(key, state, field, n);
    }

    for (f = field, p = buffer; f < end; f++) {
        prefix = (uint32_t) f->value.len << 8 | f->number;

        memcpy(p, &prefix, sizeof(prefix));
        p += sizeof(prefix);

        pguard_sig_copy(p, f->value.data, f->value.len);
        p += f->value.len;
    }

    s.data = buffer;
    s.len = len;

    return pguard_key_hash(key, s);
}


static PGUARD_RARE pguard_hash_t
pguard_sig_digest(XXH3_state_t *state)
{
    XXH128_hash_t  h;
    pguard_hash_t  hash;

    h = XXH3_128bits_digest(state);

    hash.lo = h.low64;
    hash.hi = h.high64;

    return hash;
}


static void
pguard_sig_update(XXH3_state_t *state, const void *data, size_t len)
{
    if (len) {
        (void) XXH3_128bits_update(state, data, len);
    }
}


static PGUARD_RARE pguard_hash_t
pguard_sig_stream(const pguard_key_t *key, XXH3_state_t *state,
    const pguard_field_t *field, size_t n)
{
    size_t    i;
    uint32_t  prefix;
    uint64_t  len;

    (void) XXH3_128bits_reset_withSecret(state, key->xxh, sizeof(key->xxh));

    for (i = 0; i < n; i++) {
        len = field[i].value.len;

        prefix = (uint32_t) (len < PGUARD_SIG_LONG ? len : PGUARD_SIG_LONG)
                 << 8 | field[i].number;

        pguard_sig_update(state, &prefix, sizeof(prefix));

        if (len >= PGUARD_SIG_LONG) {
            pguard_sig_update(state, &len, sizeof(len));
        }

        pguard_sig_update(state, field[i].value.data, field[i].value.len);
    }

    return pguard_sig_digest(state);
}


/* They do not lie together, as in HTTP/2, or where the target was rewritten. */

static PGUARD_RARE pguard_hash_t
pguard_sig_apart(const pguard_key_t *key, XXH3_state_t *state,
    pguard_str_t method, pguard_str_t target)
{
    pguard_str_t   s;
    unsigned char  buffer[PGUARD_SIG_BUFFER];

    s.data = buffer;
    s.len = method.len + 1 + target.len;

    if (s.len > sizeof(buffer)) {
        (void) XXH3_128bits_reset_withSecret(state, key->xxh,
                                             sizeof(key->xxh));
        pguard_sig_update(state, method.data, method.len);
        pguard_sig_update(state, " ", 1);
        pguard_sig_update(state, target.data, target.len);

        return pguard_sig_digest(state);
    }

    pguard_sig_copy(buffer, method.data, method.len);
    buffer[method.len] = ' ';
    pguard_sig_copy(buffer + method.len + 1, target.data, target.len);

    return pguard_key_hash(key, s);
}


inline pguard_hash_t
pguard_sig_line(const pguard_key_t *key, XXH3_state_t *state,
    pguard_str_t method, pguard_str_t target)
{
    pguard_str_t  s;

    if (target.data != method.data + method.len + 1
        || target.data[-1] != ' ')
    {
        return pguard_sig_apart(key, state, method, target);
    }

    s.data = method.data;
    s.len = method.len + 1 + target.len;

    return pguard_key_hash(key, s);
}
