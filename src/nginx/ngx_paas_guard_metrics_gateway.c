/*
 * Families of the gateway: Redis, the audit log, the build.
 */

#include "ngx_paas_guard_metrics.h"

#define PCRE2_CODE_UNIT_WIDTH  8
#include <pcre2.h>


void
ngx_paas_guard_audit_family(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone)
{
    ngx_paas_guard_sample(page, family, NULL, 0,
                          family == PGUARD_METRICS_AUDIT_LOST
                          ? ngx_paas_guard_audit_lost(page->gmcf)
                          : ngx_paas_guard_audit_failing(page->gmcf));
}


void
ngx_paas_guard_build_family(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t      i;
    u_char          xxhash[32], pcre[64];
    const char     *values[5];
    pguard_label_t  labels[5];

    static const char  *names[5] = {
        "version", "nginx", "hiredis", "xxhash", "pcre2"
    };

    *ngx_snprintf(xxhash, sizeof(xxhash) - 1, "%ud.%ud.%ud",
                  XXH_versionNumber() / 10000,
                  XXH_versionNumber() / 100 % 100,
                  XXH_versionNumber() % 100) = '\0';

    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) > (int) sizeof(pcre)
        || pcre2_config(PCRE2_CONFIG_VERSION, pcre) < 0)
    {
        pcre[0] = '\0';
    }

    values[0] = PGUARD_VERSION;
    values[1] = NGINX_VERSION;
    values[2] = ngx_paas_guard_redis_library;
    values[3] = (char *) xxhash;
    values[4] = (char *) pcre;

    for (i = 0; i < 5; i++) {
        labels[i].name = names[i];
        labels[i].value.data = (const u_char *) values[i];
        labels[i].value.len = ngx_strlen(values[i]);
    }

    /* of "10.42 2022-12-11", the number */

    labels[4].value.len = strcspn(values[4], " ");

    ngx_paas_guard_sample(page, family, labels, 5, 1);
}


void
ngx_paas_guard_store_family(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone)
{
    uint64_t                        bounds[NGX_PAAS_GUARD_STORE_BUCKETS];
    uint64_t                        buckets[NGX_PAAS_GUARD_STORE_BUCKETS];
    uint64_t                        value;
    ngx_uint_t                      i;
    pguard_label_t                  label;
    ngx_paas_guard_store_shared_t  *shared, none;

    ngx_memzero(&none, sizeof(none));
    shared = page->gmcf->store ? ngx_paas_guard_store_shared(page->gmcf->store)
                               : &none;

    switch (family) {

    case PGUARD_METRICS_REDIS_UP:
        value = page->gmcf->store
                && ngx_paas_guard_store_up(page->gmcf->store);
        ngx_paas_guard_sample(page, family, NULL, 0, value);
        break;

    case PGUARD_METRICS_REDIS_COMMANDS:
        label.name = "result";

        for (i = 0; i < NGX_PAAS_GUARD_RESULTS; i++) {
            label.value = ngx_paas_guard_result_names[i];
            ngx_paas_guard_sample(page, family, &label, 1,
                                  pguard_peek(&shared->commands[i]));
        }

        break;

    case PGUARD_METRICS_REDIS_DURATION:

        for (i = 0; i < NGX_PAAS_GUARD_STORE_BUCKETS; i++) {
            buckets[i] = pguard_peek(&shared->bucket[i]);

            if (i < NGX_PAAS_GUARD_STORE_BUCKETS - 1) {
                bounds[i] = ngx_paas_guard_store_bounds[i];
            }
        }

        pguard_metrics_histogram(&page->out, &pguard_metrics[family], NULL, 0,
                                 bounds, buckets,
                                 NGX_PAAS_GUARD_STORE_BUCKETS - 1,
                                 pguard_peek(&shared->sum));
        break;

    case PGUARD_METRICS_OVERSHOOT:
        ngx_paas_guard_sample(page, family, NULL, 0,
                              pguard_peek(&shared->overshoot));
        break;

    default: /* PGUARD_METRICS_DEGRADED */
        value = ngx_paas_guard_store_lost(shared);
        pguard_metrics_decimal(&page->out, &pguard_metrics[family], NULL, 0,
                               value, 3);
    }
}
