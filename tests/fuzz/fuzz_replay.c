/*
 * Any bytes as a line of an access log, as replay reads it: what a request has
 * brought into it is the client's.
 */

#include <stdlib.h>
#include <string.h>

#include "../../src/audit/replay.h"


#define TEXT_MAX  8192


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* What replay_read.c needs of main.c, through month.c. */

int
audit_error(const char *format, ...)
{
    (void) format;

    return AUDIT_ERROR;
}


static void
ends(const char *buf, size_t size)
{
    if (memchr(buf, '\0', size) == NULL) {
        abort();
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                    class;
    pguard_str_t           text;
    static unsigned char   buf[TEXT_MAX];
    static replay_entry_t  e;

    if (size > TEXT_MAX) {
        return 0;
    }

    /* which it may change */

    if (size) {
        memcpy(buf, data, size);
    }

    text.data = buf;
    text.len = size;

    if (replay_read(text, &e) != 0) {
        return 0;
    }

    ends(e.verdict, sizeof(e.verdict));
    ends(e.reason, sizeof(e.reason));
    ends(e.sla, sizeof(e.sla));
    ends(e.indicators, sizeof(e.indicators));

    if (e.ms < 0 || e.status < 0 || e.status > 999) {
        abort();
    }

    /* what is counted by reason has one of the list */

    class = replay_class(&e);

    if (class < 0 || class >= CLASSES
        || (class == EXCLUDED
            && replay_index(replay_reasons, e.reason) == -1))
    {
        abort();
    }

    return 0;
}
