/*
 * A state file of any bytes, and any bytes between the magic and the sum of a
 * state file: what is read of it lies within it, and makes sense.
 */

#include <stdlib.h>
#include <string.h>

#include "pguard_state.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#define MAGIC  8

static const pguard_state_time_t  t = { 1700000000000, 1000000 };


static const char *
read_all(pguard_str_t file)
{
    const char             *wrong;
    pguard_str_t            rule, service;
    pguard_block_t          b;
    pguard_state_reader_t   r;

    wrong = pguard_state_open(&r, file);

    if (wrong) {
        return wrong;
    }

    while (pguard_state_next(&r, &t, &b, &rule, &service)) {

        if (rule.len > PGUARD_NAME_MAX || service.len > PGUARD_NAME_MAX
            || rule.data + rule.len > file.data + file.len
            || b.reason >= PGUARD_REASONS || b.until == 0)
        {
            abort();
        }
    }

    return NULL;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char     *wrong;
    pguard_out_t    out;
    pguard_str_t    file;
    unsigned char  *copy;

    file.data = data;
    file.len = size;
    (void) read_all(file);

    copy = malloc(size + 64);
    pguard_out_init(&out, copy, size + 64);
    pguard_state_begin(&out, &t, (pguard_str_t) { 0, NULL });
    out.pos = copy + MAGIC;
    pguard_out_bytes(&out, data, size);
    pguard_state_end(&out, copy);

    /* whole, whatever it holds: no more than its body can be wrong */

    file.data = copy;
    file.len = (size_t) (out.pos - copy);
    wrong = read_all(file);

    if (wrong && strcmp(wrong, "is damaged") != 0) {
        abort();
    }

    free(copy);

    return 0;
}
