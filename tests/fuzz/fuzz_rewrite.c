/*
 * A regex, a replacement and a target, each ended by a line feed: whatever
 * they are, the result fits its buffer, and comes.
 */

#include <stdlib.h>
#include <string.h>

#include "pguard_rewrite.h"


#define ROOM  4096


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static pguard_str_t
part(const uint8_t **data, size_t *size)
{
    pguard_str_t    s;
    const uint8_t  *end;

    end = *size ? memchr(*data, '\n', *size) : NULL;

    s.data = *data;
    s.len = end ? (size_t) (end - *data) : *size;

    *data += s.len + (end != NULL);
    *size -= s.len + (end != NULL);

    return s;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               error[128];
    size_t             len;
    pguard_str_t       regex, replacement, target;
    unsigned char      buffer[ROOM];
    pguard_rewrite_t  *rw;

    regex = part(&data, &size);
    replacement = part(&data, &size);
    target.data = data;
    target.len = size;

    rw = pguard_rewrite_compile(regex, replacement, error, sizeof(error));

    if (rw == NULL) {
        if (error[0] == '\0') {
            abort();
        }

        return 0;
    }

    len = sizeof(buffer);

    if (pguard_rewrite_apply(rw, target, buffer, &len) && len > ROOM) {
        abort();
    }

    pguard_rewrite_free(rw);

    return 0;
}
