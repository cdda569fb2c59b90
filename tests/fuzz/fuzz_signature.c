/*
 * Fields cut out of any bytes, given whole or in pieces: the same signature,
 * in one pass or streamed.
 */

#include <stdlib.h>

#include "pguard_sig.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static pguard_hash_t
sign(const uint8_t *data, size_t size, size_t piece, XXH3_state_t *state)
{
    size_t         len, n, done;
    pguard_sig_t   sig;
    pguard_key_t   key;
    pguard_str_t   s;

    memset(&key, 42, sizeof(key));
    pguard_sig_init(&sig, &key, state);

    while (size > 2) {
        len = (size_t) (data[0] << 8 | data[1]) % (size - 1);
        s.data = data + 2;
        s.len = len > size - 2 ? size - 2 : len;

        if (piece == 0) {
            pguard_sig_field(&sig, data[1], s);

        } else {
            pguard_sig_field_start(&sig, data[1], s.len);

            for (done = 0; done < s.len; done += n) {
                n = s.len - done < piece ? s.len - done : piece;
                pguard_sig_bytes(&sig, s.data + done, n);
            }
        }

        data += 2 + s.len;
        size -= 2 + s.len;
    }

    return pguard_sig_final(&sig);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pguard_hash_t   whole, pieces;
    XXH3_state_t   *state;

    state = XXH3_createState();

    whole = sign(data, size, 0, state);
    pieces = sign(data, size, 1 + size % 97, state);

    XXH3_freeState(state);

    if (whole.lo != pieces.lo || whole.hi != pieces.hi) {
        abort();
    }

    return 0;
}
