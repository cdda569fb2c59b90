/*
 * What the nodes of a cluster and sentinels send: a redirection, a change of
 * master, and CLUSTER SLOTS, each byte a value at some place.
 */

#include <stdlib.h>
#include <string.h>

#include "pguard_slots.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                             rc;
    size_t                          i;
    pguard_str_t                    s = { size, data }, host;
    pguard_slots_node_t             node;
    pguard_slots_place_t            at;
    pguard_slots_redirect_t         r;
    static pguard_slots_t           slots;
    static pguard_slots_reader_t    reader;
    static const pguard_str_t       master = pguard_string("m");

    if (pguard_slots_key(s) >= PGUARD_SLOTS) {
        abort();
    }

    if (pguard_slots_redirect(&r, s) == 0
        && (r.slot >= PGUARD_SLOTS || r.node.port - 1 > 65534))
    {
        abort();
    }

    (void) pguard_slots_switch(&node, master, s);

    host.data = data;
    host.len = size < 4 ? size : 4;

    pguard_slots_read(&reader, &slots, host, 7000);

    for (i = 0, rc = 0; rc == 0 && i + 4 < size; i += 4) {
        at.depth = data[i] & 3;
        at.i = data[i] >> 2 & 3;
        at.j = data[i] >> 4 & 3;
        host.data = &data[i + 1];
        host.len = data[i + 1] % 4;

        switch (data[i] >> 6) {

        case 0:
            rc = pguard_slots_read_array(&reader, at);
            break;

        case 1:
            rc = pguard_slots_read_number(&reader, at,
                                          data[i + 1] * 256 + data[i + 2]);
            break;

        default:
            rc = pguard_slots_read_string(&reader, at, host);
        }
    }

    for (i = 0; i < PGUARD_SLOTS; i++) {
        if (slots.owner[i] != PGUARD_SLOTS_NOBODY
            && slots.owner[i] >= slots.nnodes)
        {
            abort();
        }
    }

    return 0;
}
