/*
 * The metrics' families and their exposition: see pguard_metrics.h.
 */

#include "pguard_metrics.h"


/* What the formats say of a type: its word, and what its names end with. */

typedef struct {
    const char  *type[PGUARD_FORMATS];
    const char  *family[PGUARD_FORMATS];
    const char  *sample;
} pguard_metric_type_t;


static void pguard_metrics_line(pguard_out_t *out, const char *keyword,
    pguard_format_e format, const pguard_metric_t *metric, const char *value);
static void pguard_metrics_name(pguard_out_t *out,
    const pguard_metric_t *metric, const char *suffix,
    const pguard_label_t *labels, size_t n);
static void pguard_metrics_labels(pguard_out_t *out,
    const pguard_label_t *labels, size_t n);
static void pguard_metrics_bucket(pguard_out_t *out,
    const pguard_metric_t *metric, const pguard_label_t *labels, size_t n,
    const uint64_t *bound, uint64_t count);
static void pguard_metrics_bound(pguard_out_t *out, uint64_t us);


static const pguard_metric_type_t  pguard_metric_types[] = {
    [PGUARD_METRIC_COUNTER]   = { { "counter", "counter" },
                                  { "_total", "" }, "_total" },
    [PGUARD_METRIC_GAUGE]     = { { "gauge", "gauge" },
                                  { "", "" }, "" },
    [PGUARD_METRIC_HISTOGRAM] = { { "histogram", "histogram" },
                                  { "", "" }, "" },
    [PGUARD_METRIC_INFO]      = { { "gauge", "info" },
                                  { "_info", "" }, "_info" }
};


const pguard_metric_t  pguard_metrics[PGUARD_METRICS_FAMILIES] = {

    [PGUARD_METRICS_REQUESTS] = {
        "paas_guard_requests", PGUARD_METRIC_COUNTER, NULL,
        "Requests seen by the guard, by its verdict." },

    [PGUARD_METRICS_REFUSALS] = {
        "paas_guard_refusals", PGUARD_METRIC_COUNTER, NULL,
        "Requests refused, by reason." },

    [PGUARD_METRICS_BLOCKS_ACTIVE] = {
        "paas_guard_blocks_active", PGUARD_METRIC_GAUGE, NULL,
        "Blocks whose time is not over." },

    [PGUARD_METRICS_BLOCKS] = {
        "paas_guard_blocks", PGUARD_METRIC_COUNTER, NULL,
        "Blocks set, by rule." },

    [PGUARD_METRICS_ZONE_BYTES] = {
        "paas_guard_zone_bytes", PGUARD_METRIC_GAUGE, "bytes",
        "Size of the shared memory of the zone." },

    [PGUARD_METRICS_ZONE_ENTRIES] = {
        "paas_guard_zone_entries", PGUARD_METRIC_GAUGE, NULL,
        "Entries in use in the zone, by kind." },

    [PGUARD_METRICS_ZONE_CAPACITY] = {
        "paas_guard_zone_capacity", PGUARD_METRIC_GAUGE, NULL,
        "Entries that the zone has place for, by kind." },

    [PGUARD_METRICS_ZONE_EVICTIONS] = {
        "paas_guard_zone_evictions", PGUARD_METRIC_COUNTER, NULL,
        "Entries still in use that had to make place, by kind." },

    [PGUARD_METRICS_EXHAUSTED] = {
        "paas_guard_exhausted", PGUARD_METRIC_COUNTER, NULL,
        "Times that the zone had no place left and the guard failed open." },

    [PGUARD_METRICS_UNSIGNED] = {
        "paas_guard_unsigned", PGUARD_METRIC_COUNTER, NULL,
        "Requests not looked at as duplicates, by why not." },

    [PGUARD_METRICS_SLA_REQUESTS] = {
        "paas_guard_sla_requests", PGUARD_METRIC_COUNTER, NULL,
        "Guarded requests, by SLA class." },

    [PGUARD_METRICS_SLA_AVAILABILITY] = {
        "paas_guard_sla_availability_ratio", PGUARD_METRIC_GAUGE, "ratio",
        "Availability by time, this month so far." },

    [PGUARD_METRICS_SLA_DOWNTIME] = {
        "paas_guard_sla_downtime_seconds", PGUARD_METRIC_GAUGE, "seconds",
        "Seconds of outages, this month so far." },

    [PGUARD_METRICS_SLA_TARGET] = {
        "paas_guard_sla_target_ratio", PGUARD_METRIC_GAUGE, "ratio",
        "Availability that the configuration asks for." },

    [PGUARD_METRICS_REDIS_UP] = {
        "paas_guard_redis_up", PGUARD_METRIC_GAUGE, NULL,
        "1 if the shared store answers, else 0." },

    [PGUARD_METRICS_REDIS_COMMANDS] = {
        "paas_guard_redis_commands", PGUARD_METRIC_COUNTER, NULL,
        "Commands to the shared store, by result." },

    [PGUARD_METRICS_REDIS_DURATION] = {
        "paas_guard_redis_duration_seconds", PGUARD_METRIC_HISTOGRAM,
        "seconds",
        "Time that the shared store took to answer." },

    [PGUARD_METRICS_OVERSHOOT] = {
        "paas_guard_redis_overshoot", PGUARD_METRIC_GAUGE, NULL,
        "Most requests over a limit, of all gateways, that async counts "
        "found." },

    [PGUARD_METRICS_DEGRADED] = {
        "paas_guard_degraded_seconds", PGUARD_METRIC_COUNTER, "seconds",
        "Time spent without the shared store." },

    [PGUARD_METRICS_AUDIT_FAILING] = {
        "paas_guard_audit_failing", PGUARD_METRIC_GAUGE, NULL,
        "1 while the audit log can't be written, else 0." },

    [PGUARD_METRICS_AUDIT_LOST] = {
        "paas_guard_audit_lost", PGUARD_METRIC_COUNTER, NULL,
        "Events that could not be written to the audit log." },

    [PGUARD_METRICS_BUILD_INFO] = {
        "paas_guard_build", PGUARD_METRIC_INFO, NULL,
        "Versions of the module and of what it was built with." }
};


static const pguard_str_t  pguard_metrics_types[PGUARD_FORMATS] = {
    [PGUARD_FORMAT_TEXT] =
        pguard_string("text/plain; version=0.0.4; charset=utf-8"),
    [PGUARD_FORMAT_OPENMETRICS] =
        pguard_string("application/openmetrics-text; version=1.0.0; "
                      "charset=utf-8")
};


pguard_str_t
pguard_metrics_content_type(pguard_format_e format)
{
    return pguard_metrics_types[format];
}


void
pguard_metrics_head(pguard_out_t *out, pguard_format_e format,
    const pguard_metric_t *metric)
{
    pguard_metrics_line(out, "# HELP ", format, metric, metric->help);
    pguard_metrics_line(out, "# TYPE ", format, metric,
                        pguard_metric_types[metric->type].type[format]);

    if (metric->unit && format == PGUARD_FORMAT_OPENMETRICS) {
        pguard_metrics_line(out, "# UNIT ", format, metric, metric->unit);
    }
}


void
pguard_metrics_sample(pguard_out_t *out,
    const pguard_metric_t *metric, const pguard_label_t *labels, size_t n,
    uint64_t value)
{
    pguard_metrics_name(out, metric, pguard_metric_types[metric->type].sample,
                        labels, n);
    pguard_out_uint(out, value);
    pguard_out_byte(out, '\n');
}


void
pguard_metrics_decimal(pguard_out_t *out,
    const pguard_metric_t *metric, const pguard_label_t *labels, size_t n,
    uint64_t value, unsigned places)
{
    pguard_metrics_name(out, metric, pguard_metric_types[metric->type].sample,
                        labels, n);
    pguard_out_decimal(out, value, places);
    pguard_out_byte(out, '\n');
}


void
pguard_metrics_histogram(pguard_out_t *out,
    const pguard_metric_t *metric, const pguard_label_t *labels, size_t n,
    const uint64_t *bounds, const uint64_t *buckets, size_t nbounds,
    uint64_t sum)
{
    size_t    i;
    uint64_t  count;

    count = 0;

    for (i = 0; i < nbounds; i++) {
        count += buckets[i];
        pguard_metrics_bucket(out, metric, labels, n, &bounds[i], count);
    }

    count += buckets[nbounds];
    pguard_metrics_bucket(out, metric, labels, n, NULL, count);

    pguard_metrics_name(out, metric, "_sum", labels, n);
    pguard_out_usec(out, sum);
    pguard_out_byte(out, '\n');

    pguard_metrics_name(out, metric, "_count", labels, n);
    pguard_out_uint(out, count);
    pguard_out_byte(out, '\n');
}


void
pguard_metrics_end(pguard_out_t *out, pguard_format_e format)
{
    if (format == PGUARD_FORMAT_OPENMETRICS) {
        pguard_out_text(out, "# EOF\n");
    }
}


static void
pguard_metrics_line(pguard_out_t *out, const char *keyword,
    pguard_format_e format, const pguard_metric_t *metric, const char *value)
{
    pguard_out_text(out, keyword);
    pguard_out_text(out, metric->name);
    pguard_out_text(out, pguard_metric_types[metric->type].family[format]);
    pguard_out_byte(out, ' ');
    pguard_out_text(out, value);
    pguard_out_byte(out, '\n');
}


/* What comes before the value of a sample. */

static void
pguard_metrics_name(pguard_out_t *out, const pguard_metric_t *metric,
    const char *suffix, const pguard_label_t *labels, size_t n)
{
    pguard_out_text(out, metric->name);
    pguard_out_text(out, suffix);

    if (n) {
        pguard_out_byte(out, '{');
        pguard_metrics_labels(out, labels, n);
        pguard_out_byte(out, '}');
    }

    pguard_out_byte(out, ' ');
}


static void
pguard_metrics_labels(pguard_out_t *out, const pguard_label_t *labels,
    size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (i) {
            pguard_out_byte(out, ',');
        }

        pguard_out_text(out, labels[i].name);
        pguard_out_text(out, "=\"");
        pguard_out_label(out, labels[i].value);
        pguard_out_byte(out, '"');
    }
}


static void
pguard_metrics_bucket(pguard_out_t *out, const pguard_metric_t *metric,
    const pguard_label_t *labels, size_t n, const uint64_t *bound,
    uint64_t count)
{
    pguard_out_text(out, metric->name);
    pguard_out_text(out, "_bucket{");

    if (n) {
        pguard_metrics_labels(out, labels, n);
        pguard_out_byte(out, ',');
    }

    pguard_out_text(out, "le=\"");

    if (bound) {
        pguard_metrics_bound(out, *bound);

    } else {
        pguard_out_text(out, "+Inf");
    }

    pguard_out_text(out, "\"} ");
    pguard_out_uint(out, count);
    pguard_out_byte(out, '\n');
}


/* As OpenMetrics writes it, 0.00025 and 1.0, in both formats: the value of le
   names a series, which must not change with the format. */

static void
pguard_metrics_bound(pguard_out_t *out, uint64_t us)
{
    unsigned  places;

    for (places = 6; places > 1 && us % 10 == 0; places--) {
        us /= 10;
    }

    pguard_out_decimal(out, us, places);
}
