/*
 * The store of a worker: begun and ended, and whether it is up.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <sys/random.h>

#include "../core/pguard_atomic.h"
#include "../core/pguard_spell.h"
#include "ngx_paas_guard_store_private.h"


static ngx_inline ngx_uint_t ngx_paas_guard_store_on(
    ngx_paas_guard_store_t *store);
static ngx_int_t ngx_paas_guard_store_start(ngx_paas_guard_store_t *store);
static ngx_paas_guard_servers_conf_t *ngx_paas_guard_store_servers(
    ngx_paas_guard_store_t *store);
static void ngx_paas_guard_store_stop(void *data);
static void ngx_paas_guard_store_changed(void *data, const char *lost);
static void ngx_paas_guard_store_subscribed(void *data, const char *lost);
static void ngx_paas_guard_store_observed(void *data,
    ngx_paas_guard_result_e result, uint64_t usec);
static void ngx_paas_guard_store_unobserved(void *data,
    ngx_paas_guard_result_e result, uint64_t usec);


const ngx_uint_t
    ngx_paas_guard_store_bounds[NGX_PAAS_GUARD_STORE_BUCKETS - 1] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 500000, 1000000
};

const pguard_str_t  ngx_paas_guard_result_names[NGX_PAAS_GUARD_RESULTS] = {
    pguard_string("ok"),
    pguard_string("error"),
    pguard_string("timeout"),
    pguard_string("dropped")
};

static ngx_str_t  ngx_paas_guard_store_local = ngx_string("local");
static ngx_str_t  ngx_paas_guard_store_redis = ngx_string("redis");
static ngx_str_t  ngx_paas_guard_store_degraded = ngx_string("degraded");


void
ngx_paas_guard_store_set_shared(ngx_paas_guard_store_t *store,
    ngx_paas_guard_store_shared_t *shared)
{
    store->shared = shared;
}


ngx_paas_guard_store_shared_t *
ngx_paas_guard_store_shared(ngx_paas_guard_store_t *store)
{
    return store->shared;
}


ngx_int_t
ngx_paas_guard_store_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_store_t *store)
{
    if (store == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    return ngx_paas_guard_store_start(store);
}


void
ngx_paas_guard_store_exit_process(ngx_cycle_t *cycle,
    ngx_paas_guard_store_t *store)
{
    if (store) {
        ngx_paas_guard_store_stop(store);
    }
}


ngx_str_t *
ngx_paas_guard_store_state(ngx_paas_guard_store_t *store)
{
    if (store == NULL) {
        return &ngx_paas_guard_store_local;
    }

    return (ngx_paas_guard_store_on(store)
            && ngx_paas_guard_servers_whole(store->servers))
           ? &ngx_paas_guard_store_redis : &ngx_paas_guard_store_degraded;
}


ngx_uint_t
ngx_paas_guard_store_up(ngx_paas_guard_store_t *store)
{
    return !pguard_spell_on(&store->shared->degraded)
           && ngx_paas_guard_store_on(store)
           && ngx_paas_guard_servers_whole(store->servers);
}


ngx_uint_t
ngx_paas_guard_store_usable(ngx_paas_guard_store_t *store)
{
    return ngx_paas_guard_store_on(store)
           && ngx_paas_guard_servers_usable(store->servers);
}


/* Are there servers to ask? */

static ngx_inline ngx_uint_t
ngx_paas_guard_store_on(ngx_paas_guard_store_t *store)
{
    return (store->started || ngx_paas_guard_store_start(store) == NGX_OK)
           && !store->stopping;
}


static ngx_int_t
ngx_paas_guard_store_start(ngx_paas_guard_store_t *store)
{
    uint64_t                      origin;
    ngx_pool_cleanup_t           *cln;
    ngx_paas_guard_redis_conf_t  *conf;

    if (store->started) {
        return NGX_OK;
    }

    store->log = ngx_cycle->log;
    store->dummy.fd = (ngx_socket_t) -1;
    store->dummy.data = store;

    if (store->shared == NULL) {
        store->shared = &store->own;
    }

    if (getrandom(&origin, sizeof(origin), GRND_NONBLOCK) != sizeof(origin)) {
        origin = ((uint64_t) ngx_pid << 48) ^ ngx_paas_guard_redis_clock();
    }

    (void) pguard_cas(&store->shared->origin, 0, origin | 1);

    conf = &store->commands;

    conf->name = store->text;
    conf->place = store->places[0];
    conf->resolver = store->resolver;
    conf->tls = store->tls;
    conf->tls_name = store->tls_name;
    conf->username = store->username;
    conf->password = store->password;
    conf->db = store->url.db;
    conf->timeout = store->timeout;
    conf->connect_timeout = store->connect_timeout;
    conf->probe = store->probe;
    conf->level = NGX_LOG_WARN;
    conf->data = store;
    conf->changed = ngx_paas_guard_store_changed;
    conf->observed = ngx_paas_guard_store_observed;

    store->messages = *conf;

    conf = &store->messages;

    conf->channel = store->channel;
    conf->level = NGX_LOG_INFO;
    conf->changed = ngx_paas_guard_store_subscribed;
    conf->observed = ngx_paas_guard_store_unobserved;
    conf->message = ngx_paas_guard_sync_message;

    cln = ngx_pool_cleanup_add(ngx_cycle->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    store->started = 1;

    cln->handler = ngx_paas_guard_store_stop;
    cln->data = store;

    store->servers = ngx_paas_guard_servers_create(
                                  ngx_paas_guard_store_servers(store),
                                  store->log);
    if (store->servers == NULL) {
        store->stopping = 1;
        return NGX_ERROR;
    }

    if (ngx_paas_guard_counts_start(store) != NGX_OK
        || ngx_paas_guard_sync_start(store) != NGX_OK)
    {
        store->stopping = 1;
        return NGX_ERROR;
    }

    ngx_paas_guard_servers_start(store->servers);

    return NGX_OK;
}


static ngx_paas_guard_servers_conf_t *
ngx_paas_guard_store_servers(ngx_paas_guard_store_t *store)
{
    ngx_paas_guard_servers_conf_t  *conf;

    conf = &store->servers_conf;

    conf->kind = store->url.kind;
    conf->places = store->places;
    conf->nplaces = store->nplaces;
    conf->master.data = (u_char *) store->url.master.data;
    conf->master.len = store->url.master.len;
    conf->commands = &store->commands;
    conf->messages = (ngx_worker == 0) ? &store->messages : NULL;

    return conf;
}


/* What waits is written if it can be at once; nobody is told any more. */

static void
ngx_paas_guard_store_stop(void *data)
{
    ngx_paas_guard_store_t *store = data;

    if (!store->started) {
        return;
    }

    if (store->servers) {

        if (!store->stopping
            && ngx_paas_guard_servers_ready(store->servers))
        {
            ngx_paas_guard_counts_flush(store, 1);
            ngx_paas_guard_servers_flush(store->servers);
        }

        store->stopping = 1;

        ngx_paas_guard_servers_destroy(store->servers);
        store->servers = NULL;
    }

    store->stopping = 1;

    ngx_paas_guard_counts_stop(store);
    ngx_paas_guard_sync_stop(store);
}


static pguard_msec_t
ngx_paas_guard_store_clock(void)
{
    return ngx_paas_guard_redis_clock() / 1000;
}


pguard_msec_t
ngx_paas_guard_store_lost(const ngx_paas_guard_store_shared_t *shared)
{
    return pguard_spell_sum(&shared->degraded, ngx_paas_guard_store_clock);
}


static void
ngx_paas_guard_store_tell(ngx_paas_guard_store_t *store, const char *lost)
{
    ngx_paas_guard_zone_t  **zones;

    if (store->zones && store->zones->nelts) {
        zones = store->zones->elts;
        ngx_paas_guard_audit_store(zones[0], lost);
    }
}


static void
ngx_paas_guard_store_changed(void *data, const char *lost)
{
    ngx_paas_guard_store_t *store = data;

    uint64_t       *degraded;
    pguard_msec_t   now;

    degraded = &store->shared->degraded;
    now = ngx_paas_guard_store_clock();

    if (lost) {

        if (pguard_spell_begin(degraded, now)) {
            ngx_paas_guard_store_tell(store, lost);
        }

        return;
    }

    if (pguard_spell_end(degraded, now)) {
        ngx_paas_guard_store_tell(store, NULL);
    }

    ngx_paas_guard_servers_hasten(store->servers);
    ngx_paas_guard_counts_flush(store, 1);
    ngx_paas_guard_sync_flush(store);
    ngx_paas_guard_sync_load(store);
}


static void
ngx_paas_guard_store_subscribed(void *data, const char *lost)
{
    ngx_paas_guard_store_t *store = data;

    if (lost == NULL) {
        ngx_paas_guard_servers_hasten(store->servers);
        ngx_paas_guard_sync_load(store);
    }
}


static void
ngx_paas_guard_store_observed(void *data, ngx_paas_guard_result_e result,
    uint64_t usec)
{
    ngx_paas_guard_store_t *store = data;

    ngx_uint_t                      i;
    ngx_paas_guard_store_shared_t  *shared;

    if (store->stopping) {
        return;
    }

    shared = store->shared;

    pguard_add(&shared->commands[result], 1);

    if (result != NGX_PAAS_GUARD_RESULT_OK) {
        return;
    }

    for (i = 0; i < NGX_PAAS_GUARD_STORE_BUCKETS - 1; i++) {
        if (usec <= ngx_paas_guard_store_bounds[i]) {
            break;
        }
    }

    pguard_add(&shared->bucket[i], 1);
    pguard_add(&shared->sum, usec);
}


static void
ngx_paas_guard_store_unobserved(void *data, ngx_paas_guard_result_e result,
    uint64_t usec)
{
    /* the subscriber's pings say nothing of what requests meet */
}
