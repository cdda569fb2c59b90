/*
 * What the other gateways have told: all blocks, when a connection is new, and
 * then message by message.  ngx_paas_guard_sync.c tells them ours.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/pguard_atomic.h"
#include "ngx_paas_guard_store_private.h"


#define NGX_PAAS_GUARD_SYNC_PAGE  64         /* blocks of one call */

#if (pguard_script_sync_values(NGX_PAAS_GUARD_SYNC_PAGE)                      \
     > NGX_PAAS_GUARD_REDIS_VALUES)
#error a page of blocks is more than a reply may hold
#endif


static void ngx_paas_guard_sync_page(ngx_paas_guard_store_t *store);
static void ngx_paas_guard_sync_loaded(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_sync_later(ngx_paas_guard_store_t *store);
static ngx_int_t ngx_paas_guard_sync_values(ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_sync_apply(ngx_paas_guard_store_t *store,
    pguard_message_t *m);


void
ngx_paas_guard_sync_load(ngx_paas_guard_store_t *store)
{
    ngx_paas_guard_sync_t  *sync;

    sync = &store->sync;

    if (!ngx_paas_guard_servers_subscribed(store->servers)
        || store->zones == NULL)
    {
        return;
    }

    /* a page that is under way may tell of before */

    sync->anew = 1;

    if (sync->loading == NGX_PAAS_GUARD_SYNC_ASKED) {
        return;
    }

    if (!ngx_paas_guard_servers_ready(store->servers)) {
        ngx_paas_guard_sync_later(store);
        return;
    }

    ngx_paas_guard_sync_page(store);
}


static void
ngx_paas_guard_sync_page(ngx_paas_guard_store_t *store)
{
    u_char                   keys[2][PGUARD_STORE_KEY_MAX];
    u_char                   from[NGX_INT64_LEN], skip[NGX_INT64_LEN];
    u_char                   limit[NGX_INT64_LEN];
    ngx_str_t                args[5];
    ngx_uint_t               n;
    ngx_paas_guard_call_t    call;
    ngx_paas_guard_sync_t   *sync;
    ngx_paas_guard_zone_t  **zones;

    sync = &store->sync;
    sync->loading = 0;

    if (sync->anew) {
        sync->anew = 0;
        sync->zone = 0;
        sync->from = 0;
        sync->skip = 0;
    }

    if (sync->zone >= store->zones->nelts) {
        return;
    }

    zones = store->zones->elts;

    n = ngx_paas_guard_sync_keys(store,
                          ngx_paas_guard_store_str(&zones[sync->zone]->name),
                          keys, args);

    args[n].data = from;
    args[n].len = ngx_sprintf(from, "%L", sync->from) - from;
    n++;

    args[n].data = skip;
    args[n].len = ngx_sprintf(skip, "%L", sync->skip) - skip;
    n++;

    args[n].data = limit;
    args[n].len = ngx_sprintf(limit, "%d", NGX_PAAS_GUARD_SYNC_PAGE) - limit;
    n++;

    ngx_memzero(&call, sizeof(ngx_paas_guard_call_t));

    call.script = PGUARD_SCRIPT_SYNC;
    call.keys = 2;
    call.nargs = n;
    call.args = args;
    call.due = ngx_current_msec + store->connect_timeout;
    call.handler = ngx_paas_guard_sync_loaded;
    call.data = store;

    if (ngx_paas_guard_servers_call(store->servers, &call) == NGX_OK) {
        sync->loading = NGX_PAAS_GUARD_SYNC_ASKED;
        return;
    }

    ngx_paas_guard_sync_later(store);
}


static void
ngx_paas_guard_sync_loaded(void *data, ngx_paas_guard_result_e result,
    ngx_paas_guard_reply_t *reply)
{
    ngx_paas_guard_store_t *store = data;

    ngx_uint_t               i;
    pguard_message_t         m;
    ngx_paas_guard_sync_t   *sync;
    ngx_paas_guard_value_t  *v;

    sync = &store->sync;
    sync->loading = 0;

    if (result != NGX_PAAS_GUARD_RESULT_OK
        || ngx_paas_guard_sync_values(reply) != NGX_OK)
    {
        if (!store->stopping) {
            ngx_paas_guard_sync_later(store);
        }

        return;
    }

    v = reply->values;

    for (i = 2; i < reply->nvalues; i += 2) {

        if (pguard_message_decode(&m, ngx_paas_guard_store_str(&v[i].string))
            != 0)
        {
            continue;
        }

        /* by a server's clock that was put back, more is left than ever was */

        m.block.until = ngx_min((pguard_msec_t) ngx_max(v[i + 1].integer, 0),
                                m.block.until);

        ngx_paas_guard_sync_apply(store, &m);
    }

    sync->from = v[0].integer;
    sync->skip = v[1].integer;

    if (sync->from == 0) {
        sync->zone++;
    }

    ngx_paas_guard_sync_page(store);
}


static void
ngx_paas_guard_sync_later(ngx_paas_guard_store_t *store)
{
    store->sync.loading = NGX_PAAS_GUARD_SYNC_LATER;

    ngx_add_timer(&store->sync.event, NGX_PAAS_GUARD_SYNC_AGAIN);
}


static ngx_int_t
ngx_paas_guard_sync_values(ngx_paas_guard_reply_t *reply)
{
    ngx_uint_t               i, type;
    ngx_paas_guard_value_t  *v;

    v = reply->values;

    if (!reply->array || reply->nvalues < 2 || reply->nvalues % 2) {
        return NGX_ERROR;
    }

    for (i = 0; i < reply->nvalues; i++) {
        type = (i < 2 || i % 2) ? NGX_PAAS_GUARD_VALUE_INTEGER
                                : NGX_PAAS_GUARD_VALUE_STRING;

        if (v[i].type != type) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_paas_guard_sync_message(void *data, ngx_str_t *text)
{
    pguard_message_t  m;

    if (pguard_message_decode(&m, ngx_paas_guard_store_str(text)) == 0) {
        ngx_paas_guard_sync_apply(data, &m);
    }
}


/* What this gateway has said itself, it knows. */

static void
ngx_paas_guard_sync_apply(ngx_paas_guard_store_t *store, pguard_message_t *m)
{
    ngx_str_t                rule, service;
    ngx_uint_t               i;
    pguard_block_t          *b;
    ngx_paas_guard_zone_t  **zones;

    if (m->origin == pguard_load(&store->shared->origin)
        || store->zones == NULL)
    {
        return;
    }

    rule.data = m->rule.data;
    rule.len = m->rule.len;
    service.data = m->service.data;
    service.len = m->service.len;

    zones = store->zones->elts;

    for (i = 0; i < store->zones->nelts; i++) {

        if (zones[i]->name.len != m->zone.len
            || ngx_memcmp(zones[i]->name.data, m->zone.data, m->zone.len) != 0)
        {
            continue;
        }

        if (m->op == PGUARD_MESSAGE_FORGET) {
            ngx_paas_guard_pending_forget(store, zones[i], &m->block.id);
            ngx_paas_guard_zone_forget(zones[i], &m->block.id);
            return;
        }

        if (m->op == PGUARD_MESSAGE_LIFT) {
            ngx_paas_guard_zone_unlearn(zones[i], &rule, &service,
                                        &m->block.id);
            return;
        }

        b = &m->block;

        if (b->until == 0) {
            return;
        }

        b->until += ngx_paas_guard_clock(NULL);
        b->since = b->until - ngx_min(b->last, b->until);

        ngx_paas_guard_zone_learn(zones[i], &rule, &service, b);

        return;
    }
}
