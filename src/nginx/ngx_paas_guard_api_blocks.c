#include "ngx_paas_guard_api.h"


#define NGX_PAAS_GUARD_API_BLOCKS  1000       /* in one answer, at most */


static void
ngx_paas_guard_api_write_block(ngx_paas_guard_api_t *api, const char *name,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b)
{
    pguard_str_t      s;
    pguard_writer_t  *w;

    w = &api->writer;

    s.data = b->event;
    s.len = PGUARD_EVENT_LEN;
    pguard_writer_open(w, name, '{');
    pguard_writer_str(w, "id", s);

    ngx_paas_guard_core_str(s, zone->name);
    pguard_writer_str(w, "zone", s);
    pguard_writer_str(w, "rule", pguard_zone_name(&zone->core,
                                                  PGUARD_NAME_RULE, b->rule));
    pguard_writer_str(w, "service", pguard_zone_name(&zone->core,
                                                     PGUARD_NAME_SERVICE,
                                                     b->service));
    pguard_writer_hex(w, "key", b->id.bytes, PGUARD_ID_LEN);
    pguard_writer_str(w, "reason", pguard_reason_names[b->reason]);
    pguard_writer_uint(w, "count", b->count);
    pguard_writer_uint(w, "limit", b->limit);
    pguard_writer_uint(w, "window_ms", b->window);
    pguard_writer_uint(w, "offence", b->step);
    pguard_writer_uint(w, "refused", b->refused);
    ngx_paas_guard_api_time(api, "since", b->since);
    ngx_paas_guard_api_time(api, "until", b->until);
    pguard_writer_close(w, '}');
}


static ngx_int_t
ngx_paas_guard_api_list(ngx_paas_guard_api_t *api)
{
    ngx_int_t               rc;
    ngx_paas_guard_zone_t  *zone;

    rc = ngx_paas_guard_api_arg_zone(api, &zone);
    api->data = zone;

    return rc;
}


static void
ngx_paas_guard_api_write_list(ngx_paas_guard_api_t *api)
{
    uint64_t                 pos;
    ngx_uint_t               i, n;
    pguard_block_t           b, *next;
    ngx_paas_guard_zone_t  **zones;

    zones = api->gmcf->zones.elts;
    n = 0;

    pguard_writer_open(&api->writer, NULL, '{');
    pguard_writer_open(&api->writer, "blocks", '[');

    for (i = 0; i < api->gmcf->zones.nelts; i++) {

        if (api->data && zones[i] != api->data) {
            continue;
        }

        for (pos = 0; n < NGX_PAAS_GUARD_API_BLOCKS; /* void */ ) {

            next = pguard_block_next(&zones[i]->core.blocks, &pos, api->now);
            if (next == NULL) {
                break;
            }

            if (pguard_block_copy(next, next->key, api->now, &b)) {
                ngx_paas_guard_api_write_block(api, NULL, zones[i], &b);
                n++;
            }
        }
    }

    pguard_writer_close(&api->writer, ']');
    pguard_writer_flag(&api->writer, "more", n == NGX_PAAS_GUARD_API_BLOCKS);
    pguard_writer_close(&api->writer, '}');
    pguard_out_byte(&api->out, '\n');
}


typedef struct {
    ngx_paas_guard_zone_t  *zone;
    pguard_block_t          block;
} ngx_paas_guard_api_block_t;


static ngx_int_t
ngx_paas_guard_api_lift(ngx_paas_guard_api_t *api)
{
    ngx_uint_t                   i;
    pguard_str_t                 id;
    pguard_audit_record_t        rec;
    ngx_paas_guard_zone_t      **zones;
    ngx_paas_guard_api_block_t  *lifted;

    id = api->star[0];
    zones = api->gmcf->zones.elts;

    lifted = ngx_pmemalign(api->request->pool,
                           sizeof(ngx_paas_guard_api_block_t), 64);
    if (lifted == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; id.len == PGUARD_EVENT_LEN && i < api->gmcf->zones.nelts; i++)
    {
        if (ngx_paas_guard_zone_lift(zones[i], id.data, api->now,
                                     &lifted->block)
            != NGX_OK)
        {
            continue;
        }

        lifted->zone = zones[i];
        api->data = lifted;

        ngx_paas_guard_api_action(api, &rec, "lift_block");
        rec.str[PGUARD_AUDIT_TARGET] = id;
        rec.str[PGUARD_AUDIT_EVENT] = id;
        ngx_paas_guard_core_str(rec.str[PGUARD_AUDIT_ZONE], zones[i]->name);
        rec.str[PGUARD_AUDIT_CLIENT].data = lifted->block.id.bytes;
        rec.str[PGUARD_AUDIT_CLIENT].len = PGUARD_ID_LEN;
        ngx_paas_guard_audit(api->gmcf, &rec);

        return NGX_OK;
    }

    return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_BLOCK, id);
}


static void
ngx_paas_guard_api_write_lifted(ngx_paas_guard_api_t *api)
{
    ngx_paas_guard_api_block_t  *lifted;

    lifted = api->data;

    pguard_writer_open(&api->writer, NULL, '{');
    ngx_paas_guard_api_write_block(api, "lifted", lifted->zone,
                                   &lifted->block);
    pguard_writer_close(&api->writer, '}');
    pguard_out_byte(&api->out, '\n');
}


static const char *const  ngx_paas_guard_api_list_args[] = { "zone", NULL };


const ngx_paas_guard_api_call_t  ngx_paas_guard_api_blocks[] = {

    { NGX_HTTP_GET, "api/1/blocks", ngx_paas_guard_api_list_args, NULL,
      ngx_paas_guard_api_list, ngx_paas_guard_api_write_list },

    { NGX_HTTP_DELETE, "api/1/blocks/*", NULL, NULL,
      ngx_paas_guard_api_lift, ngx_paas_guard_api_write_lifted },

    ngx_paas_guard_no_call
};
