/*
 * The metrics' families and their two exposition formats: Prometheus text
 * 0.0.4 and OpenMetrics 1.0.0.  No data: the caller writes, for each family,
 * its head and then all its samples, and at last the end.
 */

#ifndef PGUARD_METRICS_H
#define PGUARD_METRICS_H

#include "pguard.h"
#include "pguard_out.h"
#include "pguard_negotiate.h"


typedef enum {
    PGUARD_METRIC_COUNTER = 0,
    PGUARD_METRIC_GAUGE,
    PGUARD_METRIC_HISTOGRAM,
    PGUARD_METRIC_INFO
} pguard_metric_e;

/* Plain text without quotes, backslashes and line ends.  name: without the
   _total of a counter and the _info of an info, which are added; it ends with
   _ and the unit, if there is one.  unit may be NULL. */

typedef struct {
    const char       *name;
    pguard_metric_e   type;
    const char       *unit;
    const char       *help;
} pguard_metric_t;

/* value may hold any bytes. */

typedef struct {
    const char       *name;
    pguard_str_t      value;
} pguard_label_t;


/* Families, in the order in which a page shows them best. */

enum {
    PGUARD_METRICS_REQUESTS = 0,       /* zone, service, verdict */
    PGUARD_METRICS_REFUSALS,           /* zone, service, reason */
    PGUARD_METRICS_BLOCKS_ACTIVE,      /* zone */
    PGUARD_METRICS_BLOCKS,             /* zone, rule */
    PGUARD_METRICS_ZONE_BYTES,         /* zone */
    PGUARD_METRICS_ZONE_ENTRIES,       /* zone, kind */
    PGUARD_METRICS_ZONE_CAPACITY,      /* zone, kind */
    PGUARD_METRICS_ZONE_EVICTIONS,     /* zone, kind */
    PGUARD_METRICS_EXHAUSTED,          /* zone */
    PGUARD_METRICS_UNSIGNED,           /* zone, why */
    PGUARD_METRICS_SLA_REQUESTS,       /* zone, indicator, class */
    PGUARD_METRICS_SLA_AVAILABILITY,   /* zone, indicator */
    PGUARD_METRICS_SLA_DOWNTIME,       /* zone, indicator; seconds */
    PGUARD_METRICS_SLA_TARGET,         /* zone, indicator */
    PGUARD_METRICS_REDIS_UP,           /* none */
    PGUARD_METRICS_REDIS_COMMANDS,     /* result */
    PGUARD_METRICS_REDIS_DURATION,     /* none; histogram */
    PGUARD_METRICS_OVERSHOOT,          /* none */
    PGUARD_METRICS_DEGRADED,           /* none; seconds */
    PGUARD_METRICS_AUDIT_FAILING,      /* none */
    PGUARD_METRICS_AUDIT_LOST,         /* none */
    PGUARD_METRICS_BUILD_INFO,         /* version, nginx, hiredis, ... */
    PGUARD_METRICS_FAMILIES
};

extern const pguard_metric_t  pguard_metrics[PGUARD_METRICS_FAMILIES];


/* The value of Content-Type for a format. */
pguard_str_t pguard_metrics_content_type(pguard_format_e format);

/* Begins a family: its HELP, TYPE and UNIT lines.  All samples of a family
   must follow before the next head. */
void pguard_metrics_head(pguard_out_t *out, pguard_format_e format,
    const pguard_metric_t *metric);

/* One sample of a counter, gauge or info (whose value is 1), the same in both
   formats.  labels may be NULL if n is 0. */
void pguard_metrics_sample(pguard_out_t *out,
    const pguard_metric_t *metric, const pguard_label_t *labels, size_t n,
    uint64_t value);

/* The same with the value value / 10^places: 3 for ms to seconds, 6 for us to
   seconds.  places: 1 to 18. */
void pguard_metrics_decimal(pguard_out_t *out,
    const pguard_metric_t *metric, const pguard_label_t *labels, size_t n,
    uint64_t value, unsigned places);

/*
 * All samples of a histogram of times.  bounds: nbounds upper bounds in
 * microseconds, rising; buckets: nbounds + 1 counts, each of its bucket alone,
 * the last of what is above all bounds; sum: microseconds.
 */
void pguard_metrics_histogram(pguard_out_t *out,
    const pguard_metric_t *metric, const pguard_label_t *labels, size_t n,
    const uint64_t *bounds, const uint64_t *buckets, size_t nbounds,
    uint64_t sum);

/* Ends the page. */
void pguard_metrics_end(pguard_out_t *out, pguard_format_e format);


#endif /* PGUARD_METRICS_H */
