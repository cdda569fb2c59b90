/*
 * The figures of a month, from what was counted.
 */

#include "replay.h"

#include <stdlib.h>
#include <string.h>


/* The seconds of the month, up to as_of, in which the service was down. */

static unsigned char *
down_seconds(const replay_t *r, int raw)
{
    size_t                n;
    int64_t               s, slot, end, failed, counted;
    unsigned char        *down;
    const replay_slot_t  *c;

    n = (size_t) (r->end - r->start);
    down = malloc(n);

    if (down == NULL) {
        return NULL;
    }

    memcpy(down, r->declared, n);

    for (s = 0; s < (int64_t) n; s = end) {
        slot = s / r->slice;
        end = (slot + 1) * r->slice;
        end = end < (int64_t) n ? end : (int64_t) n;

        c = &r->slots[slot];
        failed = c->failed + (raw ? c->excluded : 0);
        counted = c->good + failed;

        /* a slot that is not over is not judged */

        if (counted >= r->min_requests && r->start + end <= r->as_of
            && failed * 1000000 >= r->down_ppm * counted)
        {
            memset(down + s, 1, (size_t) (end - s));
        }
    }

    for (s = r->as_of - r->start; s < (int64_t) n; s++) {
        down[s] = 0;
    }

    return down;
}


/* part / whole with nine decimals, cut off: what misses a target never looks
   as if it met it. */

static void
print_ratio(const char *name, uint64_t part, uint64_t whole, int64_t target)
{
    uint64_t     n, rest, i;
    const char  *verdict;

    if (whole == 0) {
        printf("\"%s\":null,\"target_met\":null", name);
        return;
    }

    n = part / whole;
    rest = part % whole;
    printf("\"%s\":%lu.", name, (unsigned long) n);

    for (i = 0; i < 9; i++) {
        rest *= 10;
        printf("%lu", (unsigned long) (rest / whole));
        rest %= whole;
    }

    verdict = part * 1000000 >= (uint64_t) target * whole ? "true" : "false";
    printf(",\"target_met\":%s", verdict);
}


static void
print_utc(time_t t)
{
    char       buf[32];
    struct tm  tm;

    (void) gmtime_r(&t, &tm);
    (void) strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm);
    printf("\"%s\"", buf);
}


static void
print_outages(const replay_t *r, const unsigned char *down)
{
    int64_t      s, from, n;
    const char  *comma;

    n = r->end - r->start;
    comma = "";
    fputs(",\"outages\":[", stdout);

    for (s = 0; s < n; s++) {
        if (!down[s]) {
            continue;
        }

        for (from = s; s < n && down[s]; s++) {
            /* void */
        }

        printf("%s{\"start\":", comma);
        print_utc(r->start + from);
        fputs(",\"end\":", stdout);
        print_utc(r->start + s);
        printf(",\"seconds\":%lu}", (unsigned long) (s - from));
        comma = ",";
    }

    fputs("]", stdout);
}


static int
print_figures(const replay_t *r, const char *name, int raw)
{
    int64_t         s;
    uint64_t        elapsed, sum, good, counted;
    unsigned char  *down;

    down = down_seconds(r, raw);

    if (down == NULL) {
        return audit_error("no memory");
    }

    elapsed = (uint64_t) (r->as_of - r->start);
    sum = 0;

    for (s = 0; s < (int64_t) elapsed; s++) {
        sum += down[s];
    }

    good = r->classes[GOOD];
    counted = good + r->classes[FAILED] + (raw ? r->classes[EXCLUDED] : 0);

    printf(",\n \"%s\":{\"by_time\":{\"down_seconds\":%lu,", name,
           (unsigned long) sum);
    print_ratio("availability", elapsed - sum, elapsed, r->target_ppm);
    printf("},\"by_requests\":{\"good\":%lu,\"counted\":%lu,",
           (unsigned long) good, (unsigned long) counted);
    print_ratio("availability", good, counted, r->target_ppm);
    fputs("}", stdout);
    print_outages(r, down);
    fputs("}", stdout);
    free(down);

    return AUDIT_OK;
}


static void
print_text(const char *name, const char *value)
{
    size_t          len;
    pguard_str_t    s;
    pguard_out_t    out;
    unsigned char   buf[32768];

    printf("\"%s\":", name);

    if (value == NULL || value[0] == '\0') {
        fputs("null", stdout);
        return;
    }

    s.data = (const unsigned char *) value;
    s.len = strlen(value);
    pguard_out_init(&out, buf, sizeof(buf));
    pguard_out_json(&out, s);
    len = out.need < sizeof(buf) ? out.need : 0;
    printf("\"%.*s\"", (int) len, (const char *) buf);
}


static void
print_counts(const replay_t *r)
{
    int       i;
    uint64_t  total;

    total = 0;

    for (i = 0; i < CLASSES; i++) {
        total += r->classes[i];
    }

    printf(",\n \"requests\":{\"total\":%lu", (unsigned long) total);

    for (i = 0; i < CLASSES; i++) {
        printf(",\"%s\":%lu", replay_classes[i],
               (unsigned long) r->classes[i]);
    }

    fputs("},\n \"excluded\":{", stdout);

    for (i = 0; i <= HAMMERING_BLOCKED; i++) {
        printf("%s\"%s\":%lu", i ? "," : "", replay_reasons[i],
               (unsigned long) r->reasons[i]);
    }

    fputs("}", stdout);
}


static void
print_lines(const replay_t *r)
{
    printf(",\n \"lines\":{\"read\":%lu,\"unreadable\":%lu,\"unguarded\":%lu,"
           "\"other_month\":%lu,\"other_indicator\":%lu,"
           "\"class_differs\":%lu,", (unsigned long) r->lines,
           (unsigned long) r->unreadable, (unsigned long) r->unguarded,
           (unsigned long) r->other_month,
           (unsigned long) r->other_indicator, (unsigned long) r->differs);
    print_text("first_unreadable", r->first_unreadable);
    fputs(",", stdout);
    print_text("first_class_differs", r->first_differs);
    fputs("}}\n", stdout);
}


int
replay_print(const replay_t *r)
{
    fputs("{", stdout);
    print_text("indicator", r->indicator);
    fputs(",", stdout);
    print_text("month", r->month);
    fputs(",", stdout);
    print_text("timezone", r->zone);
    fputs(",\n \"start\":", stdout);
    print_utc(r->start);
    fputs(",\"end\":", stdout);
    print_utc(r->end);
    fputs(",\"as_of\":", stdout);
    print_utc(r->as_of);
    printf(",\"seconds\":%lu,\n \"slice\":%lu,\"min_requests\":%lu,"
           "\"down_ratio\":%lu.%04lu,\"target\":%lu.%04lu",
           (unsigned long) (r->end - r->start), (unsigned long) r->slice,
           (unsigned long) r->min_requests,
           (unsigned long) r->down_ppm / 10000,
           (unsigned long) r->down_ppm % 10000,
           (unsigned long) r->target_ppm / 10000,
           (unsigned long) r->target_ppm % 10000);

    print_counts(r);

    if (print_figures(r, "contractual", 0) != AUDIT_OK
        || print_figures(r, "raw", 1) != AUDIT_OK)
    {
        return AUDIT_ERROR;
    }

    print_lines(r);

    return audit_flush();
}
