/*
 * Zones, with their counters.
 */

#include "ngx_paas_guard_api.h"
#include "ngx_paas_guard_zone.h"


/* An object of counters, each of which is at the same place of a stripe. */

static void
ngx_paas_guard_api_write_sums(ngx_paas_guard_api_t *api, const char *name,
    ngx_paas_guard_zone_t *zone, const pguard_str_t *names, ngx_uint_t n,
    const uint64_t *counters)
{
    u_char             text[PGUARD_NAME_MAX + 1];
    ngx_uint_t         i;
    pguard_writer_t   *w;

    w = &api->writer;
    pguard_writer_open(w, name, '{');

    for (i = 0; i < n; i++) {
        (void) ngx_cpystrn(text, (u_char *) names[i].data, names[i].len + 1);
        pguard_writer_uint(w, (char *) text,
                           pguard_zone_sum(&zone->core, &counters[i]));
    }

    pguard_writer_close(w, '}');
}


static void
ngx_paas_guard_api_write_entries(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t *zone, const uint64_t *evictions)
{
    u_char            text[PGUARD_NAME_MAX + 1];
    ngx_uint_t        i;
    pguard_writer_t  *w;

    w = &api->writer;
    pguard_writer_open(w, "entries", '{');

    for (i = 0; i < PGUARD_ENTRIES; i++) {
        (void) ngx_cpystrn(text, (u_char *) pguard_entry_names[i].data,
                           pguard_entry_names[i].len + 1);

        pguard_writer_open(w, (char *) text, '{');
        pguard_writer_uint(w, "used",
                           ngx_paas_guard_entries(zone, i, api->now * 1000));
        pguard_writer_uint(w, "capacity", pguard_zone_capacity(&zone->core,
                                                               i));
        pguard_writer_uint(w, "evictions",
                           pguard_zone_sum(&zone->core, &evictions[i]));
        pguard_writer_close(w, '}');
    }

    pguard_writer_close(w, '}');
}


static void
ngx_paas_guard_api_write_services(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t *zone, pguard_counters_t *counters)
{
    ngx_uint_t        i, n;
    pguard_writer_t  *w;

    w = &api->writer;
    n = pguard_zone_names(&zone->core, PGUARD_NAME_SERVICE);

    pguard_writer_open(w, "services", '[');

    for (i = 0; i < n; i++) {
        pguard_writer_open(w, NULL, '{');
        pguard_writer_str(w, "service", pguard_zone_name(&zone->core,
                                                         PGUARD_NAME_SERVICE,
                                                         i));
        ngx_paas_guard_api_write_sums(api, "requests", zone,
                                      pguard_verdict_names, PGUARD_VERDICTS,
                                      counters->service[i].requests);
        ngx_paas_guard_api_write_sums(api, "refusals", zone,
                                      pguard_reason_names, PGUARD_REASONS,
                                      counters->service[i].refusals);
        pguard_writer_close(w, '}');
    }

    pguard_writer_close(w, ']');
}


static void
ngx_paas_guard_api_write_rules(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t *zone, pguard_counters_t *counters)
{
    ngx_uint_t                i;
    pguard_str_t              s;
    pguard_writer_t          *w;
    ngx_paas_guard_rule_t   **rules;

    w = &api->writer;
    rules = zone->mcf->rules.elts;

    pguard_writer_open(w, "rules", '[');

    for (i = 0; i < zone->mcf->rules.nelts; i++) {
        ngx_paas_guard_core_str(s, rules[i]->name);

        pguard_writer_open(w, NULL, '{');
        pguard_writer_str(w, "rule", s);
        pguard_writer_uint(w, "limit", rules[i]->window.limit);
        pguard_writer_uint(w, "window_ms", rules[i]->window.window);
        pguard_writer_uint(w, "block_ms", rules[i]->block.block);
        pguard_writer_text(w, "scope", rules[i]->scope_zone ? "zone"
                                                            : "service");
        pguard_writer_str(w, "reason", pguard_reason_names[rules[i]->reason]);
        pguard_writer_uint(w, "blocks",
                           pguard_zone_sum(&zone->core,
                                           &counters->blocks[zone->rules[i]]));
        pguard_writer_close(w, '}');
    }

    pguard_writer_close(w, ']');
}


static void
ngx_paas_guard_api_write_zone(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t *zone)
{
    pguard_str_t        name;
    pguard_writer_t    *w;
    pguard_counters_t  *counters;

    w = &api->writer;
    counters = pguard_zone_counters(&zone->core, 0);
    ngx_paas_guard_core_str(name, zone->name);

    pguard_writer_open(w, NULL, '{');
    pguard_writer_str(w, "name", name);
    pguard_writer_uint(w, "bytes", zone->shm_zone->shm.size);
    pguard_writer_uint(w, "blocks_active",
                       ngx_paas_guard_active_blocks(zone, api->now));
    pguard_writer_uint(w, "blocks_capacity", zone->core.blocks.capacity);
    ngx_paas_guard_api_write_entries(api, zone, counters->evictions);
    pguard_writer_uint(w, "exhausted",
                       pguard_zone_sum(&zone->core, &counters->exhausted));
    ngx_paas_guard_api_write_sums(api, "unsigned", zone, pguard_unsigned_names,
                                  PGUARD_UNSIGNED_WHYS, counters->unsigned_);
    pguard_writer_uint(w, "blocks_by_operators",
                       pguard_zone_sum(&zone->core,
                                       &counters->blocks_operator));
    ngx_paas_guard_api_write_services(api, zone, counters);
    ngx_paas_guard_api_write_rules(api, zone, counters);
    pguard_writer_close(w, '}');
}


static void
ngx_paas_guard_api_write_zones(ngx_paas_guard_api_t *api)
{
    ngx_uint_t               i;
    ngx_paas_guard_zone_t  **zones;

    zones = api->gmcf->zones.elts;

    pguard_writer_open(&api->writer, NULL, '{');
    pguard_writer_open(&api->writer, "zones", '[');

    for (i = 0; i < api->gmcf->zones.nelts; i++) {
        ngx_paas_guard_api_write_zone(api, zones[i]);
    }

    pguard_writer_close(&api->writer, ']');
    pguard_writer_close(&api->writer, '}');
    pguard_out_byte(&api->out, '\n');
}


const ngx_paas_guard_api_call_t  ngx_paas_guard_api_zones[] = {

    { NGX_HTTP_GET, "api/1/zones", NULL, NULL,
      NULL, ngx_paas_guard_api_write_zones },

    ngx_paas_guard_no_call
};
