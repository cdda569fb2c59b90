/*
 * What this gateway knows of one client.  _api_forget.c erases it.
 */

#include "ngx_paas_guard_api.h"
#include "ngx_paas_guard_zone.h"


ngx_uint_t
ngx_paas_guard_api_digest(pguard_str_t hex, pguard_id_t *id)
{
    return hex.len == PGUARD_ID_HEX_LEN
           && pguard_unhex(id->bytes, hex.data, PGUARD_ID_LEN) == 0
           && pguard_id_known(id);
}


ngx_int_t
ngx_paas_guard_api_client(ngx_paas_guard_api_t *api, pguard_id_t *id,
    ngx_paas_guard_zone_t **zone)
{
    if (!ngx_paas_guard_api_digest(api->star[0], id)) {
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_CLIENT,
                                          api->star[0]);
    }

    return ngx_paas_guard_api_arg_zone(api, zone);
}


typedef struct {
    pguard_id_t                  id;
    ngx_paas_guard_zone_t       *zone;
} ngx_paas_guard_api_client_t;


static ngx_uint_t
ngx_paas_guard_api_has_blocks(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, pguard_msec_t now)
{
    uint64_t         pos;
    pguard_block_t  *b;

    pos = 0;

    do {
        b = pguard_block_next(&zone->core.blocks, &pos, now);
    } while (b && !ngx_paas_guard_block_of(b, id));

    return b != NULL;
}


static ngx_int_t
ngx_paas_guard_api_get_client(ngx_paas_guard_api_t *api)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_paas_guard_zone_t       **zones;
    ngx_paas_guard_api_client_t  *client;

    client = ngx_palloc(api->request->pool,
                        sizeof(ngx_paas_guard_api_client_t));
    if (client == NULL) {
        return NGX_ERROR;
    }

    api->data = client;
    rc = ngx_paas_guard_api_client(api, &client->id, &client->zone);

    if (rc != NGX_OK) {
        return rc;
    }

    zones = api->gmcf->zones.elts;

    for (i = 0; i < api->gmcf->zones.nelts; i++) {

        if ((client->zone == NULL || zones[i] == client->zone)
            && (ngx_paas_guard_client_known(zones[i], &client->id)
                || ngx_paas_guard_api_has_blocks(zones[i], &client->id,
                                                 api->now)))
        {
            return NGX_OK;
        }
    }

    return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_CLIENT,
                                      api->star[0]);
}


static void
ngx_paas_guard_api_write_count(ngx_paas_guard_counted_by_t *by, void *data)
{
    ngx_paas_guard_api_t *api = data;

    pguard_str_t      s;
    pguard_writer_t  *w;

    w = &api->writer;

    pguard_writer_open(w, NULL, '{');
    ngx_paas_guard_core_str(s, by->rule->name);
    pguard_writer_str(w, "rule", s);

    s.len = 0;
    s.data = NULL;

    if (by->service) {
        ngx_paas_guard_core_str(s, by->service->name);
    }

    pguard_writer_str(w, "service", s);
    pguard_writer_uint(w, "count", by->state.count);
    pguard_writer_uint(w, "limit", by->rule->window.limit);
    pguard_writer_uint(w, "window_ms", by->rule->window.window);
    pguard_writer_uint(w, "reset_ms", by->state.reset);
    pguard_writer_close(w, '}');
}


/* Active blocks, or those that have ended and are remembered; how many of them
   are not listed.  One that changes while it is copied is passed over. */

static ngx_uint_t
ngx_paas_guard_api_write_blocks(ngx_paas_guard_api_t *api, const char *name,
    ngx_paas_guard_zone_t *zone, const pguard_id_t *id, ngx_uint_t active)
{
    uint64_t        pos;
    ngx_uint_t      n;
    pguard_block_t  b, *next;

    n = 0;
    pguard_writer_open(&api->writer, name, '[');

    for (pos = 0; /* void */ ; /* void */ ) {
        next = pguard_block_next(&zone->core.blocks, &pos, api->now);

        if (next == NULL) {
            break;
        }

        /* at 0, all are active that were not lifted */

        if (pguard_block_copy(next, next->key, 0, &b)
            && ngx_paas_guard_block_of(&b, id)
            && (b.until > api->now) == active
            && n++ < NGX_PAAS_GUARD_API_BLOCKS)
        {
            ngx_paas_guard_api_write_block(api, NULL, zone, &b);
        }
    }

    pguard_writer_close(&api->writer, ']');

    return n > NGX_PAAS_GUARD_API_BLOCKS ? n - NGX_PAAS_GUARD_API_BLOCKS : 0;
}


static void
ngx_paas_guard_api_write_refused(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t *zone, const pguard_id_t *id)
{
    size_t               i, n;
    uint64_t             others;
    pguard_writer_t     *w;
    pguard_top_client_t  top[PGUARD_TOP_PERIODS * PGUARD_TOP_MAX];

    w = &api->writer;
    n = pguard_top_read(&zone->core.top, api->now, top,
                        PGUARD_TOP_PERIODS * PGUARD_TOP_MAX, &others);

    for (i = 0; i < n; i++) {
        if (pguard_id_same(&top[i].id, id)) {
            break;
        }
    }

    if (i == n) {
        pguard_writer_null(w, "refused");
        return;
    }

    pguard_writer_open(w, "refused", '{');
    pguard_writer_uint(w, "count", top[i].count);
    ngx_paas_guard_api_time(api, "last", top[i].last);
    pguard_writer_str(w, "reason", pguard_reason_names[top[i].reason]);
    pguard_writer_str(w, "rule", pguard_zone_name(&zone->core,
                                                  PGUARD_NAME_RULE,
                                                  top[i].rule));
    pguard_writer_str(w, "service", pguard_zone_name(&zone->core,
                                                     PGUARD_NAME_SERVICE,
                                                     top[i].service));
    pguard_writer_close(w, '}');
}


static void
ngx_paas_guard_api_write_client(ngx_paas_guard_api_t *api)
{
    ngx_uint_t                    i, more;
    pguard_str_t                  s;
    pguard_writer_t              *w;
    ngx_paas_guard_zone_t       **zones;
    ngx_paas_guard_api_client_t  *client;

    w = &api->writer;
    client = api->data;
    zones = api->gmcf->zones.elts;

    pguard_writer_open(w, NULL, '{');
    pguard_writer_hex(w, "id", client->id.bytes, PGUARD_ID_LEN);
    pguard_writer_open(w, "zones", '[');

    for (i = 0; i < api->gmcf->zones.nelts; i++) {

        if (client->zone && zones[i] != client->zone) {
            continue;
        }

        ngx_paas_guard_core_str(s, zones[i]->name);

        pguard_writer_open(w, NULL, '{');
        pguard_writer_str(w, "zone", s);
        pguard_writer_flag(w, "known",
                           ngx_paas_guard_client_known(zones[i],
                                                       &client->id));
        pguard_writer_open(w, "counts", '[');
        ngx_paas_guard_client_counts(zones[i], &client->id, api->now,
                                     ngx_paas_guard_api_write_count, api);
        pguard_writer_close(w, ']');
        more = ngx_paas_guard_api_write_blocks(api, "blocks", zones[i],
                                               &client->id, 1);
        more += ngx_paas_guard_api_write_blocks(api, "ended", zones[i],
                                                &client->id, 0);
        pguard_writer_uint(w, "not_listed", more);
        ngx_paas_guard_api_write_refused(api, zones[i], &client->id);
        pguard_writer_close(w, '}');
    }

    pguard_writer_close(w, ']');
    pguard_writer_close(w, '}');
    pguard_out_byte(&api->out, '\n');
}


static const char *const  ngx_paas_guard_api_client_args[] = { "zone", NULL };


const ngx_paas_guard_api_call_t  ngx_paas_guard_api_clients[] = {

    { NGX_HTTP_GET, "api/1/clients/*", ngx_paas_guard_api_client_args, NULL,
      ngx_paas_guard_api_get_client, ngx_paas_guard_api_write_client },

    ngx_paas_guard_no_call
};
