/*
 * What a request asks the store, and its answer: calls of the script DECIDE.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/pguard_out.h"
#include "ngx_paas_guard_store_private.h"


#define NGX_PAAS_GUARD_LUA_MAX  ((int64_t) 1 << 53)   /* a whole number */


/* A part of a question: one call. */

typedef struct ngx_paas_guard_ask_s  ngx_paas_guard_ask_t;

typedef struct {
    ngx_paas_guard_ask_t           *ask;
    ngx_uint_t                      throttle;
    ngx_uint_t                      n;
    u_char                          items[NGX_PAAS_GUARD_ITEMS_MAX];
} ngx_paas_guard_part_t;

/*
 * A question on its way.  Where there is one server it is one call.  In a
 * cluster its items may have other hash tags than its client: each tag is a
 * call of its own, all in one write.  What depends on the throttle, but has
 * another tag, can be asked only when that has answered.
 */

struct ngx_paas_guard_ask_s {
    ngx_paas_guard_store_t         *store;
    ngx_paas_guard_question_t      *question;  /* NULL: is gone */
    ngx_uint_t                      calls;     /* that are out */
    ngx_uint_t                      failed;
    ngx_uint_t                      left;      /* bits: items not asked yet */
    ngx_msec_t                      due;
    uint64_t                        at;        /* local time */
    ngx_uint_t                      nparts;
    ngx_paas_guard_part_t           parts[];   /* the throttle's, and an
                                                  item's each, at most */
};


static void ngx_paas_guard_ask_first(ngx_paas_guard_ask_t *ask);
static void ngx_paas_guard_ask_others(ngx_paas_guard_ask_t *ask,
    ngx_uint_t bits, ngx_uint_t answered);
static void ngx_paas_guard_ask_part(ngx_paas_guard_ask_t *ask,
    ngx_paas_guard_part_t *part, ngx_uint_t answered);
static void ngx_paas_guard_ask_handler(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_ask_fill(ngx_paas_guard_part_t *part,
    ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_ask_next(ngx_paas_guard_ask_t *ask);


ngx_int_t
ngx_paas_guard_store_ask(ngx_paas_guard_store_t *store,
    ngx_paas_guard_question_t *q)
{
    ngx_uint_t             bits, i;
    ngx_paas_guard_ask_t  *ask;

    q->answered = 0;
    q->admitted = 0;
    q->wait = 0;
    q->pending = NULL;

    for (i = 0; i < q->nitems; i++) {
        q->items[i].total = 0;
    }

    if ((!q->throttle && q->nitems == 0)
        || q->nitems > NGX_PAAS_GUARD_ITEMS_MAX
        || !ngx_paas_guard_store_usable(store))
    {
        return NGX_DECLINED;
    }

    ask = ngx_alloc(sizeof(ngx_paas_guard_ask_t)
                    + (q->nitems + 1) * sizeof(ngx_paas_guard_part_t),
                    store->log);
    if (ask == NULL) {
        return NGX_DECLINED;
    }

    ngx_memzero(ask, sizeof(ngx_paas_guard_ask_t));

    ask->store = store;
    ask->question = q;
    ask->due = ngx_current_msec + store->timeout;
    ask->at = ngx_paas_guard_redis_clock();
    ask->left = ((ngx_uint_t) 1 << q->nitems) - 1;

    if (q->throttle) {
        ngx_paas_guard_ask_first(ask);
    }

    bits = 0;

    for (i = 0; i < q->nitems; i++) {
        if (!q->throttle || q->items[i].when == NGX_PAAS_GUARD_ITEM_ALWAYS) {
            bits |= (ngx_uint_t) 1 << i;
        }
    }

    ngx_paas_guard_ask_others(ask, bits, 0);

    if (ask->calls == 0) {
        ngx_free(ask);
        return NGX_DECLINED;
    }

    q->pending = ask;

    return NGX_AGAIN;
}


void
ngx_paas_guard_store_cancel(ngx_paas_guard_question_t *q)
{
    ngx_paas_guard_ask_t  *ask;

    ask = q->pending;

    if (ask) {
        ask->question = NULL;
        q->pending = NULL;
    }
}


/* Many numbers of a call are of one digit. */

static void
ngx_paas_guard_store_number(pguard_out_t *out, ngx_str_t *arg, int64_t n)
{
    static u_char  digits[] = "0123456789";

    if (n >= 0 && n < 10) {
        arg->data = &digits[n];
        arg->len = 1;
        return;
    }

    arg->data = out->pos;

    if (n < 0) {
        pguard_out_byte(out, '-');
        n = -n;
    }

    pguard_out_uint(out, n);
    arg->len = out->pos - arg->data;
}


ngx_int_t
ngx_paas_guard_store_decide(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, ngx_paas_guard_question_t *q, ngx_uint_t n,
    ngx_paas_guard_counted_t *counted, ngx_msec_t due,
    ngx_paas_guard_call_pt handler, void *data)
{
    u_char                    keys[NGX_PAAS_GUARD_ITEMS_MAX + 1]
                                  [PGUARD_STORE_KEY_MAX];
    u_char                    numbers[NGX_INT64_LEN
                                      * (1 + 4 * NGX_PAAS_GUARD_ITEMS_MAX)];
    ngx_str_t                 args[NGX_PAAS_GUARD_REDIS_ARGS], *arg, *at;
    ngx_uint_t                i, k;
    pguard_str_t              prefix, name;
    pguard_out_t              out;
    ngx_paas_guard_call_t     call;
    ngx_paas_guard_item_t    *item;

    k = 0;
    prefix = ngx_paas_guard_store_str(&store->prefix);
    name = ngx_paas_guard_store_str(&zone->name);

    if (q) {
        args[k].data = keys[k];
        args[k].len = pguard_store_key_throttle(keys[k], prefix, name,
                                                &q->client, &q->signature);
        k++;
    }

    for (i = 0; i < n; i++, k++) {
        item = counted[i].item;

        args[k].data = keys[k];
        args[k].len = pguard_store_key_window(keys[k], prefix, name, &item->id,
                                    ngx_paas_guard_store_str(&item->rule),
                                    item->window.window,
                                    ngx_paas_guard_store_str(&item->service));
        if (args[k].len == 0) {
            return NGX_DECLINED;
        }
    }

    arg = &args[k];
    at = NULL;
    pguard_out_init(&out, numbers, sizeof(numbers));

    ngx_paas_guard_store_number(&out, arg++, q ? q->interval : 0);

    for (i = 0; i < n; i++) {
        ngx_paas_guard_store_number(&out, arg++, counted[i].when);
        ngx_paas_guard_store_number(&out, arg++, counted[i].n);
        ngx_paas_guard_store_number(&out, arg++,
                                    counted[i].item->window.window);

        /* of a question, all have the same time */

        if (at && counted[i].at == counted[i - 1].at) {
            *arg = *at;

        } else {
            ngx_paas_guard_store_number(&out, arg, counted[i].at);
        }

        at = arg++;
    }

    call.script = PGUARD_SCRIPT_DECIDE;
    call.keys = k;
    call.nargs = arg - args;
    call.args = args;
    call.due = due;
    call.handler = handler;
    call.data = data;

    return ngx_paas_guard_servers_call(store->servers, &call);
}


ngx_int_t
ngx_paas_guard_store_decided(ngx_paas_guard_store_t *store,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    if (result != NGX_PAAS_GUARD_RESULT_OK
        || !reply->array
        || reply->nvalues != n + 3)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < reply->nvalues; i++) {
        if (reply->values[i].type != NGX_PAAS_GUARD_VALUE_INTEGER
            || reply->values[i].integer < -1
            || reply->values[i].integer > NGX_PAAS_GUARD_LUA_MAX)
        {
            return NGX_ERROR;
        }
    }

    ngx_paas_guard_redis_learn_time(reply->redis, reply->values[2].integer);

    return NGX_OK;
}


static ngx_paas_guard_part_t *
ngx_paas_guard_ask_begin(ngx_paas_guard_ask_t *ask, ngx_uint_t throttle)
{
    ngx_paas_guard_part_t  *part;

    part = &ask->parts[ask->nparts++];

    part->ask = ask;
    part->throttle = throttle;
    part->n = 0;

    return part;
}


/* The throttle, and the items that can go with it. */

static void
ngx_paas_guard_ask_first(ngx_paas_guard_ask_t *ask)
{
    ngx_uint_t                  i;
    ngx_paas_guard_part_t      *part;
    ngx_paas_guard_question_t  *q;

    q = ask->question;

    part = ngx_paas_guard_ask_begin(ask, 1);

    for (i = 0; i < q->nitems; i++) {

        if (ngx_paas_guard_servers_together(ask->store->servers,
                                            &q->items[i].id, &q->client))
        {
            part->items[part->n++] = i;
            ask->left &= ~((ngx_uint_t) 1 << i);
        }
    }

    ngx_paas_guard_ask_part(ask, part, 0);
}


/* Those of the items in bits that are left, a call for each id. */

static void
ngx_paas_guard_ask_others(ngx_paas_guard_ask_t *ask, ngx_uint_t bits,
    ngx_uint_t answered)
{
    ngx_uint_t                  i, j;
    ngx_paas_guard_part_t      *part;
    ngx_paas_guard_question_t  *q;

    q = ask->question;

    for (i = 0; i < q->nitems; i++) {

        if (!(bits & ask->left & (ngx_uint_t) 1 << i)) {
            continue;
        }

        part = ngx_paas_guard_ask_begin(ask, 0);

        for (j = i; j < q->nitems; j++) {

            if ((bits & ask->left & (ngx_uint_t) 1 << j)
                && ngx_paas_guard_servers_together(ask->store->servers,
                                                   &q->items[i].id,
                                                   &q->items[j].id))
            {
                part->items[part->n++] = j;
                ask->left &= ~((ngx_uint_t) 1 << j);
            }
        }

        ngx_paas_guard_ask_part(ask, part, answered);
    }
}


static void
ngx_paas_guard_ask_part(ngx_paas_guard_ask_t *ask, ngx_paas_guard_part_t *part,
    ngx_uint_t answered)
{
    uint64_t                    at;
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_paas_guard_counted_t    counted[NGX_PAAS_GUARD_ITEMS_MAX];
    ngx_paas_guard_question_t  *q;

    q = ask->question;

    at = ngx_paas_guard_servers_time(ask->store->servers,
                                     part->throttle
                                         ? &q->client
                                         : &q->items[part->items[0]].id,
                                     ask->at);

    for (i = 0; i < part->n; i++) {
        counted[i].item = &q->items[part->items[i]];
        counted[i].when = answered ? NGX_PAAS_GUARD_ITEM_ALWAYS
                                   : counted[i].item->when;
        counted[i].n = 1;
        counted[i].at = (int64_t) at;
    }

    rc = ngx_paas_guard_store_decide(ask->store, q->zone,
                                     part->throttle ? q : NULL, part->n,
                                     counted, ask->due,
                                     ngx_paas_guard_ask_handler, part);
    if (rc == NGX_OK) {
        ask->calls++;
        return;
    }

    ask->failed = 1;
}


static void
ngx_paas_guard_ask_handler(void *data, ngx_paas_guard_result_e result,
    ngx_paas_guard_reply_t *reply)
{
    ngx_paas_guard_ask_t   *ask;
    ngx_paas_guard_part_t  *part;

    part = data;
    ask = part->ask;

    if (ngx_paas_guard_store_decided(ask->store, result, reply, part->n)
        != NGX_OK)
    {
        ask->failed = 1;

    } else if (ask->question) {
        ngx_paas_guard_ask_fill(part, reply);
    }

    if (--ask->calls == 0) {
        ngx_paas_guard_ask_next(ask);
    }
}


static void
ngx_paas_guard_ask_fill(ngx_paas_guard_part_t *part,
    ngx_paas_guard_reply_t *reply)
{
    int64_t                     wait;
    ngx_uint_t                  i;
    ngx_paas_guard_question_t  *q;

    q = part->ask->question;

    if (part->throttle) {
        wait = ngx_max(reply->values[1].integer, 0);

        q->admitted = (reply->values[0].integer != 0);
        q->wait = ngx_min((ngx_msec_t) wait, q->interval);
    }

    for (i = 0; i < part->n; i++) {
        q->items[part->items[i]].total =
                                ngx_max(reply->values[i + 3].integer, 0);
    }
}


static void
ngx_paas_guard_ask_next(ngx_paas_guard_ask_t *ask)
{
    ngx_uint_t                  bits, i, when;
    ngx_paas_guard_question_t  *q;

    q = ask->question;

    if (q && ask->left && !ask->failed) {
        bits = 0;
        when = q->admitted ? NGX_PAAS_GUARD_ITEM_ADMITTED
                           : NGX_PAAS_GUARD_ITEM_THROTTLED;

        for (i = 0; i < q->nitems; i++) {
            if (q->items[i].when == when) {
                bits |= (ngx_uint_t) 1 << i;
            }
        }

        ngx_paas_guard_ask_others(ask, bits, 1);
        ask->left = 0;

        if (ask->calls) {
            return;
        }
    }

    if (q) {
        q->answered = !ask->failed;
        q->pending = NULL;
    }

    if (q == NULL || ask->store->stopping) {
        ngx_free(ask);
        return;
    }

    ngx_free(ask);

    q->handler(q);
}
