/*
 * What this gateway tells the others: blocks that were set here, and lifted.
 * ngx_paas_guard_sync_load.c hears what they tell.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/pguard_atomic.h"
#include "ngx_paas_guard_store_private.h"


#define NGX_PAAS_GUARD_SYNC_TRIES  3


static void ngx_paas_guard_sync_send(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b, ngx_uint_t op);
static void ngx_paas_guard_sync_void(ngx_paas_guard_sync_t *sync,
    pguard_message_t *m);
static ngx_uint_t ngx_paas_guard_sync_same(const pguard_message_name_t *a,
    const pguard_message_name_t *b);
static void ngx_paas_guard_sync_forget(ngx_paas_guard_store_t *store,
    pguard_message_t *m);
static ngx_int_t ngx_paas_guard_sync_letter(ngx_paas_guard_store_t *store,
    ngx_paas_guard_letter_t *letter);
static void ngx_paas_guard_sync_sent(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_sync_event(ngx_event_t *ev);


void
ngx_paas_guard_store_block(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b)
{
    ngx_paas_guard_sync_send(store, zone, b, PGUARD_MESSAGE_BLOCK);
}


void
ngx_paas_guard_store_lift(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b)
{
    ngx_paas_guard_sync_send(store, zone, b, PGUARD_MESSAGE_LIFT);
}


ngx_int_t
ngx_paas_guard_sync_start(ngx_paas_guard_store_t *store)
{
    ngx_uint_t              i;
    ngx_paas_guard_sync_t  *sync;

    sync = &store->sync;

    ngx_queue_init(&sync->free);
    ngx_queue_init(&sync->queue);

    sync->event.data = &store->dummy;
    sync->event.log = store->log;
    sync->event.handler = ngx_paas_guard_sync_event;
    sync->event.cancelable = 1;

    /* blocks ask for more than malloc()'s alignment */

    sync->letters = ngx_memalign(64, NGX_PAAS_GUARD_OUTBOX_MAX
                                     * sizeof(ngx_paas_guard_letter_t),
                                 store->log);
    if (sync->letters == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(sync->letters, NGX_PAAS_GUARD_OUTBOX_MAX
                               * sizeof(ngx_paas_guard_letter_t));

    for (i = 0; i < NGX_PAAS_GUARD_OUTBOX_MAX; i++) {
        sync->letters[i].store = store;
        ngx_queue_insert_tail(&sync->free, &sync->letters[i].queue);
    }

    return NGX_OK;
}


void
ngx_paas_guard_sync_stop(ngx_paas_guard_store_t *store)
{
    if (store->sync.event.timer_set) {
        ngx_del_timer(&store->sync.event);
    }

    if (store->sync.letters) {
        ngx_free(store->sync.letters);
        store->sync.letters = NULL;
    }
}


void
ngx_paas_guard_sync_flush(ngx_paas_guard_store_t *store)
{
    ngx_int_t                 rc;
    ngx_queue_t              *q;
    ngx_paas_guard_sync_t    *sync;
    ngx_paas_guard_letter_t  *letter;

    sync = &store->sync;

    while (sync->letters && !ngx_queue_empty(&sync->queue)) {

        if (!ngx_paas_guard_store_usable(store)) {
            return;
        }

        q = ngx_queue_head(&sync->queue);
        letter = ngx_queue_data(q, ngx_paas_guard_letter_t, queue);

        ngx_queue_remove(q);

        rc = ngx_paas_guard_sync_letter(store, letter);

        if (rc == NGX_DECLINED) {
            ngx_queue_insert_tail(&sync->free, q);

        } else if (rc == NGX_AGAIN) {
            ngx_queue_insert_head(&sync->queue, q);

            if (!sync->event.timer_set) {
                ngx_add_timer(&sync->event, NGX_PAAS_GUARD_SYNC_AGAIN);
            }

            return;
        }
    }
}


static void
ngx_paas_guard_sync_send(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b, ngx_uint_t op)
{
    ngx_queue_t              *q;
    pguard_str_t              rule, service;
    pguard_msec_t             length;
    pguard_message_t         *m;
    ngx_paas_guard_sync_t    *sync;
    ngx_paas_guard_letter_t  *letter;

    (void) ngx_paas_guard_store_usable(store);

    sync = &store->sync;

    if (store->stopping || sync->letters == NULL) {
        return;
    }

    q = ngx_queue_head(&sync->free);

    if (ngx_queue_empty(&sync->free)) {

        if (ngx_queue_empty(&sync->queue)) {
            return;
        }

        q = ngx_queue_head(&sync->queue);

        pguard_add(&store->shared->commands[NGX_PAAS_GUARD_RESULT_DROPPED], 1);
    }

    ngx_queue_remove(q);

    letter = ngx_queue_data(q, ngx_paas_guard_letter_t, queue);
    letter->zone = zone;
    letter->tries = 0;
    letter->revoked = 0;
    length = (b->until > b->since) ? b->until - b->since : b->last;

    letter->ends = ngx_current_msec + (ngx_msec_t) ngx_max(length, 1);
    m = &letter->message;
    m->op = op;
    m->origin = pguard_load(&store->shared->origin);
    m->block = *b;

    rule.len = 0;
    service.len = 0;

    if (b->rule != PGUARD_RULE_NONE) {
        rule = pguard_zone_name(&zone->core, PGUARD_NAME_RULE, b->rule);
    }

    if (b->service != PGUARD_SERVICE_ALL) {
        service = pguard_zone_name(&zone->core, PGUARD_NAME_SERVICE,
                                   b->service);
    }

    if (pguard_message_name(&m->zone, ngx_paas_guard_store_str(&zone->name))
        || pguard_message_name(&m->rule, rule)
        || pguard_message_name(&m->service, service))
    {
        ngx_queue_insert_tail(&sync->free, q);
        return;
    }

    if (op == PGUARD_MESSAGE_LIFT) {
        ngx_paas_guard_sync_void(sync, m);
    }

    ngx_paas_guard_pending_forget(store, zone, &b->id);

    ngx_queue_insert_tail(&sync->queue, q);
    ngx_paas_guard_sync_flush(store);
}


/* A block that is lifted must not be told again. */

static void
ngx_paas_guard_sync_void(ngx_paas_guard_sync_t *sync, pguard_message_t *m)
{
    ngx_uint_t         i;
    pguard_message_t  *other;

    for (i = 0; i < NGX_PAAS_GUARD_OUTBOX_MAX; i++) {
        other = &sync->letters[i].message;

        if (other->op == PGUARD_MESSAGE_BLOCK
            && pguard_id_same(&other->block.id, &m->block.id)
            && ngx_paas_guard_sync_same(&other->zone, &m->zone)
            && ngx_paas_guard_sync_same(&other->rule, &m->rule)
            && ngx_paas_guard_sync_same(&other->service, &m->service))
        {
            sync->letters[i].revoked = 1;
        }
    }
}


static ngx_uint_t
ngx_paas_guard_sync_same(const pguard_message_name_t *a,
    const pguard_message_name_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}


static pguard_str_t
ngx_paas_guard_sync_name(pguard_message_name_t *name)
{
    pguard_str_t  s = { name->len, name->data };

    return s;
}


/* The counts behind a block go with its messages. */

static void
ngx_paas_guard_sync_forget(ngx_paas_guard_store_t *store,
    pguard_message_t *m)
{
    u_char                  key[PGUARD_STORE_KEY_MAX];
    ngx_str_t               args[2];
    const pguard_block_t   *b;
    ngx_paas_guard_call_t   call;

    b = &m->block;

    if (m->rule.len == 0 || b->window == 0) {
        return;
    }

    ngx_str_set(&args[0], "DEL");
    args[1].data = key;
    args[1].len = pguard_store_key_window(key,
                                  ngx_paas_guard_store_str(&store->prefix),
                                  ngx_paas_guard_sync_name(&m->zone),
                                  &b->id, ngx_paas_guard_sync_name(&m->rule),
                                  b->window,
                                  ngx_paas_guard_sync_name(&m->service));
    if (args[1].len == 0) {
        return;
    }

    ngx_memzero(&call, sizeof(ngx_paas_guard_call_t));

    call.script = -1;
    call.nargs = 2;
    call.args = args;

    (void) ngx_paas_guard_servers_call(store->servers, &call);
}


/* NGX_DECLINED: there is no use in it any more; NGX_AGAIN: not now. */

static ngx_int_t
ngx_paas_guard_sync_letter(ngx_paas_guard_store_t *store,
    ngx_paas_guard_letter_t *letter)
{
    u_char                  keys[2][PGUARD_STORE_KEY_MAX];
    u_char                  field[PGUARD_STORE_KEY_MAX];
    u_char                  text[PGUARD_MESSAGE_MAX], left[NGX_INT64_LEN];
    ngx_str_t               args[6];
    ngx_uint_t              n;
    ngx_msec_int_t          remains;
    pguard_message_t       *m;
    ngx_paas_guard_call_t   call;

    m = &letter->message;
    remains = (ngx_msec_int_t) (letter->ends - ngx_current_msec);

    if (remains <= 0 || letter->revoked) {
        return NGX_DECLINED;
    }

    /* another worker may have lifted it, or forgotten whose it is */

    if (m->op == PGUARD_MESSAGE_BLOCK
        && !ngx_paas_guard_zone_holds(letter->zone, &m->block))
    {
        return NGX_DECLINED;
    }

    m->block.until = remains;

    n = ngx_paas_guard_sync_keys(store, ngx_paas_guard_sync_name(&m->zone),
                                 keys, args);

    args[n].data = field;
    args[n].len = pguard_store_field(field, m);
    n++;

    args[n].data = text;
    args[n].len = pguard_message_encode(text, m);
    n++;

    if (m->op == PGUARD_MESSAGE_BLOCK) {
        args[n].data = left;
        args[n].len = ngx_sprintf(left, "%M", (ngx_msec_t) remains) - left;
        n++;
    }

    args[n++] = store->channel;

    ngx_memzero(&call, sizeof(ngx_paas_guard_call_t));

    call.script = (m->op == PGUARD_MESSAGE_BLOCK) ? PGUARD_SCRIPT_BLOCK
                                                  : PGUARD_SCRIPT_LIFT;
    call.keys = 2;
    call.nargs = n;
    call.args = args;
    call.handler = ngx_paas_guard_sync_sent;
    call.data = letter;

    if (ngx_paas_guard_servers_call(store->servers, &call) != NGX_OK) {
        return NGX_AGAIN;
    }

    ngx_paas_guard_sync_forget(store, m);

    return NGX_OK;
}


/* To tell it twice does no harm, so what may be lost is told again, until it is
   of no use; what the server does not take is given up. */

static void
ngx_paas_guard_sync_sent(void *data, ngx_paas_guard_result_e result,
    ngx_paas_guard_reply_t *reply)
{
    ngx_paas_guard_sync_t    *sync;
    ngx_paas_guard_letter_t  *letter;

    letter = data;
    sync = &letter->store->sync;

    if (result == NGX_PAAS_GUARD_RESULT_OK
        || letter->revoked
        || (result == NGX_PAAS_GUARD_RESULT_ERROR
            && !ngx_paas_guard_redis_refused(reply)
            && ++letter->tries == NGX_PAAS_GUARD_SYNC_TRIES))
    {
        ngx_queue_insert_tail(&sync->free, &letter->queue);
        return;
    }

    ngx_queue_insert_tail(&sync->queue, &letter->queue);

    if (!letter->store->stopping && !sync->event.timer_set) {
        ngx_add_timer(&sync->event, NGX_PAAS_GUARD_SYNC_AGAIN);
    }
}


static void
ngx_paas_guard_sync_event(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_paas_guard_store_t  *store;

    c = ev->data;
    store = c->data;

    ngx_paas_guard_sync_flush(store);

    if (store->sync.loading == NGX_PAAS_GUARD_SYNC_LATER) {
        store->sync.loading = 0;
        ngx_paas_guard_sync_load(store);
    }
}


ngx_uint_t
ngx_paas_guard_sync_keys(ngx_paas_guard_store_t *store, pguard_str_t zone,
    u_char (*keys)[PGUARD_STORE_KEY_MAX], ngx_str_t *args)
{
    pguard_str_t  prefix;

    prefix = ngx_paas_guard_store_str(&store->prefix);

    args[0].data = keys[0];
    args[0].len = pguard_store_key_blocks(keys[0], prefix, zone, "data");

    args[1].data = keys[1];
    args[1].len = pguard_store_key_blocks(keys[1], prefix, zone, "ends");

    return 2;
}
