/*
 * How many bytes of a zone one remembered signature takes, one client under one
 * rule, and one of each, all in: the least zone, laid out as in nginx for what
 * it is used for, that still remembers each of N, and the least that does 99.9 %
 * of them; where it is used for both, N of either kind.
 *
 *     memory [N ...]               1, 10 and 50 million; needs 8 GB for these
 *
 * Signatures come at a steady pace, for three intervals: those of the last one
 * are to be refused when they come again.  Keys come once each within their
 * window, and are to have their count at its end.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "pguard_zone.h"


#define MILLION   1000000ULL
#define START     (1000 * MILLION)       /* us */
#define AHEAD     16                     /* keys prefetched */
#define FINE      500                    /* a size is found to one in so many */
#define COARSE    50                     /* and so, the larger ones */
#define INTERVALS 3                      /* the third is as all that follow */
#define NUMBERS   8
#define PER_MOST  1024                   /* bytes of a zone for one, at most */


typedef struct {
    const char  *name;
    unsigned     use;
    uint64_t   (*forgotten)(const pguard_zone_t *zone, uint64_t n);
    size_t     (*part)(const pguard_zone_t *zone);
} kind_t;


static pguard_hash_t
key_of(uint64_t n)
{
    pguard_hash_t  h;

    h.lo = (n + 1) * 0x9e3779b97f4a7c15;
    h.lo = (h.lo ^ h.lo >> 30) * 0xbf58476d1ce4e5b9;
    h.lo = (h.lo ^ h.lo >> 27) * 0x94d049bb133111eb;
    h.lo ^= h.lo >> 31;
    h.hi = (h.lo ^ 0x5851f42d4c957f2d) * 0xd6e8feb86659fd93;
    h.hi = (h.hi ^ h.hi >> 32) * 0xd6e8feb86659fd93;
    h.hi ^= h.hi >> 32;

    return h;
}


static void *
map(size_t size)
{
    void  *memory;

    memory = mmap(NULL, size, PROT_READ|PROT_WRITE,
                  MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }

    (void) madvise(memory, size, MADV_HUGEPAGE);        /* as nginx's */

    return memory;
}


/* Is signature i admitted?  Those that follow are prefetched. */

static unsigned
admitted(const pguard_zone_t *zone, uint64_t i, pguard_usec_t now,
    pguard_usec_t interval)
{
    pguard_throttle_lines_t  at;

    (void) pguard_throttle_prefetch(&zone->throttle, key_of(i + AHEAD));
    at = pguard_throttle_prefetch(&zone->throttle, key_of(i));

    return pguard_throttle_ask(&zone->throttle, at, key_of(i), now,
                               interval).admitted;
}


/* One a microsecond, so that n are an interval. */

static uint64_t
signatures_forgotten(const pguard_zone_t *zone, uint64_t n)
{
    uint64_t  i, forgotten;

    for (i = 0; i < INTERVALS * n; i++) {
        (void) admitted(zone, i, START + i, n);
    }

    for (i -= n, forgotten = 0; i < INTERVALS * n; i++) {
        forgotten += admitted(zone, i, START + INTERVALS * n - 1, n);
    }

    return forgotten;
}


static size_t
signatures_part(const pguard_zone_t *zone)
{
    return zone->throttle.lines * sizeof(pguard_throttle_line_t);
}


static void
windows_prefetch(const pguard_zone_t *zone, uint64_t i)
{
    pguard_prefetch(pguard_window_bucket(&zone->windows, key_of(i)));
}


static uint64_t
windows_forgotten(const pguard_zone_t *zone, uint64_t n)
{
    uint64_t               i, forgotten;
    pguard_window_rule_t   rule;

    pguard_window_rule_init(&rule, 600, 60000);

    for (i = 0; i < n; i++) {
        windows_prefetch(zone, i + AHEAD);
        (void) pguard_window_add(pguard_window_bucket(&zone->windows,
                                                      key_of(i)),
                                 &zone->windows, key_of(i), (uint16_t) i, &rule,
                                 START / 1000 + i * rule.window / n, NULL,
                                 NULL);
    }

    for (i = 0, forgotten = 0; i < n; i++) {
        windows_prefetch(zone, i + AHEAD);
        forgotten += pguard_window_peek(&zone->windows, key_of(i), &rule,
                                        START / 1000 + rule.window - 1).count
                     != 1;
    }

    return forgotten;
}


static size_t
windows_part(const pguard_zone_t *zone)
{
    return zone->windows.buckets * sizeof(pguard_window_bucket_t);
}


/* Of the kind of which more are. */

static uint64_t
both_forgotten(const pguard_zone_t *zone, uint64_t n)
{
    uint64_t  signatures, windows;

    signatures = signatures_forgotten(zone, n);
    windows = windows_forgotten(zone, n);

    return signatures > windows ? signatures : windows;
}


static size_t
both_part(const pguard_zone_t *zone)
{
    return signatures_part(zone) + windows_part(zone);
}


static const kind_t  kinds[] = {
    { "signature, alone", PGUARD_USE_SIGNATURES,
      signatures_forgotten, signatures_part },
    { "client under a rule", PGUARD_USE_WINDOWS,
      windows_forgotten, windows_part },
    { "one of each", PGUARD_USE_BOTH,
      both_forgotten, both_part }
};


/* How many of n a zone of this size forgets. */

static uint64_t
try(const kind_t *kind, uint64_t n, size_t size, size_t *part)
{
    void           *memory;
    uint64_t        forgotten;
    pguard_zone_t   zone;

    memory = map(size);

    if (pguard_zone_create(memory, size, kind->use) != 0
        || pguard_zone_open(&zone, memory, size) != 0)
    {
        (void) munmap(memory, size);
        return n;
    }

    forgotten = kind->forgotten(&zone, n);
    *part = kind->part(&zone);

    (void) munmap(memory, size);

    return forgotten;
}


/* The least size with which not more than so many of n are forgotten, and the
   bytes of the kind's part: halving, above per bytes for each. */

static size_t
least(const kind_t *kind, uint64_t n, uint64_t may, double per, size_t *part)
{
    size_t  low, high, middle, p;

    low = (size_t) (per * (double) n);

    for (high = 2 * low; try(kind, n, high, part) > may; high = 2 * low) {
        low = high;

        if (high / n > PER_MOST) {
            fprintf(stderr, "%d bytes for each are not enough\n", PER_MOST);
            exit(1);
        }
    }

    while (high - low > high / FINE) {
        middle = low + (high - low) / 2;

        if (try(kind, n, middle, &p) > may) {
            low = middle;

        } else {
            high = middle;
            *part = p;
        }
    }

    return high;
}


/* The same, for many more than those for which per was just enough: from there,
   step by step. */

static size_t
verify(const kind_t *kind, uint64_t n, uint64_t may, double per, size_t *part)
{
    size_t  size;

    size = (size_t) (per * (double) n);

    while (try(kind, n, size, part) > may) {
        size += size / COARSE;
    }

    return size;
}


/* per: found with fewer, 0 if there were none. */

static void
measure(const kind_t *kind, uint64_t n, uint64_t may, double *per)
{
    size_t  size, part;

    size = *per != 0 ? verify(kind, n, may, *per, &part)
                     : least(kind, n, may, 16, &part);

    *per = (double) size / (double) n;

    printf("%-20s %9.0f %-8s %8.1f %12.1f %12.0f\n", kind->name,
           (double) n, may ? "99.9 %" : "all",
           (double) part / (double) n, *per, (double) size / 1048576.0);
    (void) fflush(stdout);
}


int
main(int argc, char **argv)
{
    int       i, count;
    size_t    k;
    double    most, all;
    uint64_t  n[NUMBERS] = { MILLION, 10 * MILLION, 50 * MILLION };

    count = 3;

    if (argc > 1) {
        for (count = 0; count < argc - 1 && count < NUMBERS; count++) {
            n[count] = strtoull(argv[count + 1], NULL, 10);

            if (n[count] < 1000 || (count && n[count] < n[count - 1])) {
                fprintf(stderr, "memory [N ...]: from 1000, rising\n");
                return 2;
            }
        }
    }

    printf("%-20s %9s %-8s %8s %12s %12s\n", "bytes for each", "N",
           "recalls", "of its part", "of the zone", "zone, MiB");

    for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        most = 0;
        all = 0;

        for (i = 0; i < count; i++) {
            measure(&kinds[k], n[i], n[i] / 1000, &most);
            measure(&kinds[k], n[i], 0, &all);
        }
    }

    return 0;
}
