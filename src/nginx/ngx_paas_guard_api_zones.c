#include "ngx_paas_guard_api.h"


static void
ngx_paas_guard_api_write_zone(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t *zone)
{
    pguard_str_t      name;
    pguard_writer_t  *w;

    w = &api->writer;
    ngx_paas_guard_core_str(name, zone->name);

    pguard_writer_open(w, NULL, '{');
    pguard_writer_str(w, "name", name);
    pguard_writer_uint(w, "bytes", zone->shm_zone->shm.size);
    pguard_writer_uint(w, "blocks_active",
                       ngx_paas_guard_active_blocks(zone, api->now));
    pguard_writer_uint(w, "blocks_capacity", zone->core.blocks.capacity);
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
