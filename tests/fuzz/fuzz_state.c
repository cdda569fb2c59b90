/*
 * A state file of any bytes, and any bytes with the sum of a state file: what
 * is read of it lies within it, and makes sense.
 */

#include <stdlib.h>
#include <string.h>

#include "pguard_state.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
read_all(pguard_str_t file)
{
    pguard_str_t           rule, service;
    pguard_block_t         b;
    pguard_state_time_t    t = { 1700000000000, 1000000 };
    pguard_state_reader_t  r;

    if (pguard_state_open(&r, file) != NULL) {
        return;
    }

    while (pguard_state_next(&r, &t, &b, &rule, &service)) {

        if (rule.len > PGUARD_NAME_MAX || service.len > PGUARD_NAME_MAX
            || rule.data + rule.len > file.data + file.len
            || b.reason >= PGUARD_REASONS || b.until == 0)
        {
            abort();
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pguard_out_t    out;
    pguard_str_t    file;
    unsigned char  *copy;

    file.data = data;
    file.len = size;
    read_all(file);

    copy = malloc(size + 64);
    pguard_out_init(&out, copy, size + 64);
    pguard_out_text(&out, "PGSTATE1");
    pguard_out_bytes(&out, data, size);
    pguard_state_end(&out, copy);

    file.data = copy;
    file.len = out.need;
    read_all(file);

    free(copy);

    return 0;
}
