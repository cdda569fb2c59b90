/*
 * Fields cut out of any bytes: the signature is the hash of what the header
 * says they are put together to, in one pass or streamed.
 */

#include <stdlib.h>
#include <string.h>

#include "pguard_sig.h"


#define FIELDS  64


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static size_t
put(unsigned char *to, const pguard_field_t *f)
{
    uint32_t  prefix = (uint32_t) f->value.len << 8 | f->number;

    memcpy(to, &prefix, sizeof(prefix));
    memcpy(to + sizeof(prefix), f->value.data, f->value.len);

    return sizeof(prefix) + f->value.len;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           n, len, used;
    pguard_key_t     key;
    pguard_hash_t    hash;
    XXH3_state_t    *state;
    XXH128_hash_t    h;
    pguard_field_t   field[FIELDS];
    unsigned char   *all;

    memset(&key, 42, sizeof(key));
    state = XXH3_createState();
    all = malloc(4 * FIELDS + size);
    used = 0;

    for (n = 0; n < FIELDS && size > 2; n++) {
        len = (size_t) (data[0] << 8 | data[1]) % (size - 1);
        field[n].number = data[1];
        field[n].value.data = data + 2;
        field[n].value.len = len > size - 2 ? size - 2 : len;

        used += put(all + used, &field[n]);

        data += 2 + field[n].value.len;
        size -= 2 + field[n].value.len;
    }

    hash = pguard_sig_fields(&key, state, field, n);
    h = XXH3_128bits_withSecret(all, used, key.xxh, sizeof(key.xxh));

    free(all);
    XXH3_freeState(state);

    if (hash.lo != h.low64 || hash.hi != h.high64) {
        abort();
    }

    return 0;
}
