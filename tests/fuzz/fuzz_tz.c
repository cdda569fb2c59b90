/*
 * Any bytes as a time zone file: a reason, or a zone that answers.
 */

#include <stdlib.h>

#include "pguard_calendar.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t              until;
    uint64_t             t;
    pguard_tz_t          tz;
    pguard_month_span_t  span;

    if (pguard_tz_open(&tz, (pguard_str_t) { size, data }) != NULL) {
        return 0;
    }

    for (t = 0; t < 10000000000; t += 299999993) {
        (void) pguard_tz_offset(&tz, (int64_t) t, &until);

        if (until <= (int64_t) t) {
            abort();
        }

        if (pguard_month_of(&tz, t, &span)
            && (t < span.start || t >= span.end))
        {
            abort();
        }
    }

    return 0;
}
