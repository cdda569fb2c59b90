/*
 * pguard_metrics: both formats, to the byte, and what promtool says of them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pguard_metrics.h"


#define TEXT  PGUARD_FORMAT_TEXT
#define OPEN  PGUARD_FORMAT_OPENMETRICS

static const char *const  label_names[PGUARD_METRICS_FAMILIES][5] = {
    [PGUARD_METRICS_REQUESTS] = { "zone", "service", "verdict" },
    [PGUARD_METRICS_REFUSALS] = { "zone", "service", "reason" },
    [PGUARD_METRICS_BLOCKS_ACTIVE] = { "zone" },
    [PGUARD_METRICS_BLOCKS] = { "zone", "rule" },
    [PGUARD_METRICS_ZONE_BYTES] = { "zone" },
    [PGUARD_METRICS_ZONE_ENTRIES] = { "zone", "kind" },
    [PGUARD_METRICS_ZONE_CAPACITY] = { "zone", "kind" },
    [PGUARD_METRICS_ZONE_EVICTIONS] = { "zone", "kind" },
    [PGUARD_METRICS_EXHAUSTED] = { "zone" },
    [PGUARD_METRICS_UNSIGNED] = { "zone", "why" },
    [PGUARD_METRICS_SLA_REQUESTS] = { "zone", "indicator", "class" },
    [PGUARD_METRICS_SLA_AVAILABILITY] = { "zone", "indicator" },
    [PGUARD_METRICS_SLA_DOWNTIME] = { "zone", "indicator" },
    [PGUARD_METRICS_SLA_TARGET] = { "zone", "indicator" },
    [PGUARD_METRICS_REDIS_COMMANDS] = { "result" },
    [PGUARD_METRICS_BUILD_INFO] = { "version", "nginx", "hiredis", "xxhash",
                                    "pcre2" }
};

static const uint64_t  bounds[] = { 250, 1000, 25000, 1000000, 10000000 };
static const uint64_t  buckets[] = { 3, 0, 2, 1, 0, 4 };


/* A page with each family; every label has a value that needs escaping. */

static void
page(pguard_out_t *out, pguard_format_e format)
{
    size_t                  i, n;
    pguard_label_t          labels[5];
    const pguard_metric_t  *m;

    for (i = 0; i < PGUARD_METRICS_FAMILIES; i++) {
        m = &pguard_metrics[i];

        for (n = 0; n < 5 && label_names[i][n]; n++) {
            labels[n].name = label_names[i][n];
            labels[n].value = (pguard_str_t)
                                  pguard_string("a\"b\\c\nd\xc3\xa9\xff\0");
        }

        pguard_metrics_head(out, format, m);

        if (m->type == PGUARD_METRIC_HISTOGRAM) {
            pguard_metrics_histogram(out, m, labels, n, bounds,
                                     buckets, 5, 1234567);

        } else if (i == PGUARD_METRICS_DEGRADED) {
            pguard_metrics_decimal(out, m, labels, n, 61500, 3);

        } else {
            pguard_metrics_sample(out, m, labels, n,
                                  m->type == PGUARD_METRIC_INFO ? 1 : i);

            if (n) {
                labels[0].value = (pguard_str_t) pguard_string("second");
                pguard_metrics_sample(out, m, labels, n, 1);
            }
        }
    }

    pguard_metrics_end(out, format);
}


static void
expect(pguard_out_t *out, const char *buf, const char *text)
{
    if (out->need != strlen(text) || memcmp(buf, text, out->need) != 0) {
        fail_msg("got:\n%.*s\nexpected:\n%s", (int) out->need, buf, text);
    }
}


static void
test_families(void **state)
{
    char           buf[16384];
    size_t         i;
    pguard_out_t   out;

    static const char *const  types[] = {
        "paas_guard_requests_total counter",
        "paas_guard_refusals_total counter",
        "paas_guard_blocks_active gauge",
        "paas_guard_blocks_total counter",
        "paas_guard_zone_bytes gauge",
        "paas_guard_zone_entries gauge",
        "paas_guard_zone_capacity gauge",
        "paas_guard_zone_evictions_total counter",
        "paas_guard_exhausted_total counter",
        "paas_guard_unsigned_total counter",
        "paas_guard_sla_requests_total counter",
        "paas_guard_sla_availability_ratio gauge",
        "paas_guard_sla_downtime_seconds gauge",
        "paas_guard_sla_target_ratio gauge",
        "paas_guard_redis_up gauge",
        "paas_guard_redis_commands_total counter",
        "paas_guard_redis_duration_seconds histogram",
        "paas_guard_redis_overshoot gauge",
        "paas_guard_degraded_seconds_total counter",
        "paas_guard_audit_failing gauge",
        "paas_guard_audit_lost_total counter",
        "paas_guard_build_info gauge"
    };

    (void) state;

    for (i = 0; i < PGUARD_METRICS_FAMILIES; i++) {
        char  line[128];

        pguard_out_init(&out, buf, sizeof(buf) - 1);
        pguard_metrics_head(&out, TEXT, &pguard_metrics[i]);
        *out.pos = '\0';

        snprintf(line, sizeof(line), "\n# TYPE %s\n", types[i]);
        assert_non_null(strstr(buf, line));
        assert_ptr_equal(strstr(buf, "# HELP "), buf);
        assert_null(strstr(buf, "UNIT"));
    }
}


static void
test_text(void **state)
{
    char            buf[4096];
    pguard_out_t    out;
    pguard_label_t  labels[2] = {
        { "zone", pguard_string("api") },
        { "rule", pguard_string("a\"\\\n") }
    };

    (void) state;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_metrics_head(&out, TEXT, &pguard_metrics[PGUARD_METRICS_BLOCKS]);
    pguard_metrics_sample(&out, &pguard_metrics[PGUARD_METRICS_BLOCKS],
                          labels, 2, UINT64_MAX);
    pguard_metrics_head(&out, TEXT, &pguard_metrics[PGUARD_METRICS_DEGRADED]);
    pguard_metrics_decimal(&out, &pguard_metrics[PGUARD_METRICS_DEGRADED],
                           NULL, 0, 1500, 3);
    pguard_metrics_end(&out, TEXT);

    expect(&out, buf,
           "# HELP paas_guard_blocks_total Blocks set, by rule.\n"
           "# TYPE paas_guard_blocks_total counter\n"
           "paas_guard_blocks_total{zone=\"api\",rule=\"a\\\"\\\\\\n\"} "
           "18446744073709551615\n"
           "# HELP paas_guard_degraded_seconds_total "
           "Time spent without the shared store.\n"
           "# TYPE paas_guard_degraded_seconds_total counter\n"
           "paas_guard_degraded_seconds_total 1.500\n");
}


static void
test_openmetrics(void **state)
{
    char            buf[4096];
    pguard_out_t    out;
    pguard_label_t  label = { "version", pguard_string("1") };

    (void) state;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_metrics_head(&out, OPEN, &pguard_metrics[PGUARD_METRICS_DEGRADED]);
    pguard_metrics_decimal(&out, &pguard_metrics[PGUARD_METRICS_DEGRADED],
                           NULL, 0, 250, 6);
    pguard_metrics_head(&out, OPEN,
                        &pguard_metrics[PGUARD_METRICS_BUILD_INFO]);
    pguard_metrics_sample(&out, &pguard_metrics[PGUARD_METRICS_BUILD_INFO],
                          &label, 1, 1);
    pguard_metrics_end(&out, OPEN);

    expect(&out, buf,
           "# HELP paas_guard_degraded_seconds "
           "Time spent without the shared store.\n"
           "# TYPE paas_guard_degraded_seconds counter\n"
           "# UNIT paas_guard_degraded_seconds seconds\n"
           "paas_guard_degraded_seconds_total 0.000250\n"
           "# HELP paas_guard_build "
           "Versions of the module and of what it was built with.\n"
           "# TYPE paas_guard_build info\n"
           "paas_guard_build_info{version=\"1\"} 1\n"
           "# EOF\n");
}


static void
test_histogram(void **state)
{
    char            buf[4096];
    pguard_out_t    out;
    pguard_label_t  label = { "zone", pguard_string("z") };

    static const pguard_metric_t  m = {
        "h_seconds", PGUARD_METRIC_HISTOGRAM, "seconds", "Help."
    };

    (void) state;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_metrics_histogram(&out, &m, NULL, 0, bounds, buckets, 5,
                             1234567);
    expect(&out, buf,
           "h_seconds_bucket{le=\"0.00025\"} 3\n"
           "h_seconds_bucket{le=\"0.001\"} 3\n"
           "h_seconds_bucket{le=\"0.025\"} 5\n"
           "h_seconds_bucket{le=\"1.0\"} 6\n"
           "h_seconds_bucket{le=\"10.0\"} 6\n"
           "h_seconds_bucket{le=\"+Inf\"} 10\n"
           "h_seconds_sum 1.234567\n"
           "h_seconds_count 10\n");

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_metrics_histogram(&out, &m, &label, 1, NULL, buckets, 0, 0);
    expect(&out, buf,
           "h_seconds_bucket{zone=\"z\",le=\"+Inf\"} 3\n"
           "h_seconds_sum{zone=\"z\"} 0.000000\n"
           "h_seconds_count{zone=\"z\"} 3\n");
}


static void
test_content_types(void **state)
{
    pguard_str_t  s;

    static const char  text[] = "text/plain; version=0.0.4; charset=utf-8";
    static const char  om[] = "application/openmetrics-text; "
                                "version=1.0.0; charset=utf-8";

    (void) state;

    s = pguard_metrics_content_type(TEXT);
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.data, text, s.len);

    s = pguard_metrics_content_type(OPEN);
    assert_int_equal(s.len, strlen(om));
    assert_memory_equal(s.data, om, s.len);
}


static void
test_small_buffer(void **state)
{
    char          buf[16384], part[16384];
    size_t        size;
    pguard_out_t  out, again;

    (void) state;

    pguard_out_init(&out, buf, sizeof(buf));
    page(&out, OPEN);
    assert_true(out.need <= sizeof(buf));

    for (size = 0; size < out.need; size += 97) {
        pguard_out_init(&again, part, size);
        page(&again, OPEN);
        assert_int_equal(again.need, out.need);
        assert_memory_equal(part, buf, size);
    }
}


static int
no_promtool(void)
{
    if (system("command -v promtool >/dev/null 2>&1") == 0) {
        return 0;
    }

    print_message("SKIP: promtool is not on PATH (package prometheus)\n");
    return 1;
}


static void
test_promtool_text(void **state)
{
    int            status;
    char           buf[16384];
    FILE          *pipe;
    pguard_out_t   out;

    (void) state;

    if (no_promtool()) {
        skip();
    }

    pguard_out_init(&out, buf, sizeof(buf));
    page(&out, TEXT);
    assert_true(out.need <= sizeof(buf));

    pipe = popen("promtool check metrics", "w");
    assert_non_null(pipe);
    assert_int_equal(fwrite(buf, 1, out.need, pipe), out.need);
    status = pclose(pipe);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}


/* promtool reads OpenMetrics only to import it, and then wants a time stamp on
   each sample, which a page must not have. */

static void
test_promtool_openmetrics(void **state)
{
    int            status;
    char           buf[16384], dir[] = "/tmp/pguard_metrics_XXXXXX";
    char           path[64], command[256];
    char          *line, *end;
    FILE          *file;
    pguard_out_t   out;

    (void) state;

    if (no_promtool()) {
        skip();
    }

    pguard_out_init(&out, buf, sizeof(buf) - 1);
    page(&out, OPEN);
    assert_true(out.need < sizeof(buf));
    buf[out.need] = '\0';

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/page", dir);
    file = fopen(path, "w");
    assert_non_null(file);

    for (line = buf; *line; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end);
        fprintf(file, "%.*s%s\n", (int) (end - line), line,
                *line == '#' ? "" : " 1700000000");
    }

    fclose(file);

    snprintf(command, sizeof(command),
             "promtool tsdb create-blocks-from openmetrics %s %s/db "
             "> %s/log 2>&1 || { cat %s/log; exit 1; }", path, dir, dir, dir);
    status = system(command);

    snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(status, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_openmetrics),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_content_types),
        cmocka_unit_test(test_small_buffer),
        cmocka_unit_test(test_promtool_text),
        cmocka_unit_test(test_promtool_openmetrics)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
