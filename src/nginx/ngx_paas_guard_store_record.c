/*
 * Records of months in the store, written and read in pieces.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_paas_guard_store_private.h"


#define NGX_PAAS_GUARD_RECORD_PIECE  32768          /* bytes of a call */
#define NGX_PAAS_GUARD_RECORD_MAX    (64 << 20)     /* of all that is read */
#define NGX_PAAS_GUARD_RECORD_TIME   2000           /* ms, to read them all */
#define NGX_PAAS_GUARD_RECORD_CALL   500            /* at least, for a call */
#define NGX_PAAS_GUARD_RECORD_TRIES  3


/* The steps of a put.  A record is written under another name, which goes by
   itself if it is not finished, and then renamed: nobody reads a half. */

enum {
    NGX_PAAS_GUARD_PUT_PIECE = 0,
    NGX_PAAS_GUARD_PUT_RENAME,
    NGX_PAAS_GUARD_PUT_KEEP,
    NGX_PAAS_GUARD_PUT_LIST,
    NGX_PAAS_GUARD_PUT_KEEP_LIST,
    NGX_PAAS_GUARD_PUT_DONE
};

#define NGX_PAAS_GUARD_PUT_KEPT   "40176000000"     /* ms: 15 months of 31 d */
#define NGX_PAAS_GUARD_PUT_TRIED  "600"             /* s */


typedef struct {
    ngx_paas_guard_fetch_t          fetch;          /* the first */
    ngx_paas_guard_store_t         *store;
    ngx_paas_guard_fetch_pt         handler;        /* NULL: it was freed */
    ngx_msec_t                      until;
    ngx_uint_t                      waiting;        /* for a reply */
    ngx_uint_t                      n;              /* gateways listed */
    ngx_uint_t                      i;
    ngx_uint_t                      tries;
    u_char                         *buf;            /* what has come of i */
    size_t                          len;
    size_t                          size;
    size_t                          total;
    u_char                         *bytes[NGX_PAAS_GUARD_RECORDS];
    pguard_merge_record_t           records[NGX_PAAS_GUARD_RECORDS];
    pguard_id_t                     gateways[NGX_PAAS_GUARD_RECORDS];
} ngx_paas_guard_fetching_t;


static void ngx_paas_guard_put_over(ngx_paas_guard_put_t *put,
    ngx_uint_t done);
static ngx_int_t ngx_paas_guard_put_next(ngx_paas_guard_put_t *put);
static void ngx_paas_guard_put_handler(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_record_name(ngx_paas_guard_store_t *store,
    ngx_paas_guard_record_key_t *key, const pguard_id_t *gateway,
    uint64_t attempt, u_char *buf, ngx_str_t *name);
static ngx_int_t ngx_paas_guard_record_call(ngx_paas_guard_store_t *store,
    ngx_uint_t nargs, ngx_str_t *args, ngx_paas_guard_call_pt handler,
    void *data);
static void ngx_paas_guard_fetch_listed(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_fetch_next(ngx_paas_guard_fetching_t *f);
static void ngx_paas_guard_fetch_piece(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);
static ngx_int_t ngx_paas_guard_fetch_add(ngx_paas_guard_fetching_t *f,
    ngx_str_t *piece);
static void ngx_paas_guard_fetch_whole(ngx_paas_guard_fetching_t *f);
static ngx_uint_t ngx_paas_guard_fetch_gone(ngx_paas_guard_fetching_t *f);
static void ngx_paas_guard_fetch_over(ngx_paas_guard_fetching_t *f,
    ngx_uint_t partial);


ngx_int_t
ngx_paas_guard_store_put(ngx_paas_guard_store_t *store,
    ngx_paas_guard_put_t *put)
{
    put->store = store;
    put->sent = 0;
    put->step = NGX_PAAS_GUARD_PUT_PIECE;

    /* what an attempt before may still write has another name */

    put->attempt = (ngx_paas_guard_redis_clock() << 8) | (ngx_pid & 0xff);

    if (ngx_paas_guard_store_usable(store)
        && ngx_paas_guard_put_next(put) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_free(put->bytes);
    put->bytes = NULL;

    return NGX_DECLINED;
}


static void
ngx_paas_guard_put_over(ngx_paas_guard_put_t *put, ngx_uint_t done)
{
    ngx_free(put->bytes);
    put->bytes = NULL;

    put->handler(put, done);
}


static ngx_int_t
ngx_paas_guard_put_next(ngx_paas_guard_put_t *put)
{
    size_t       left;
    u_char       index_buf[PGUARD_STORE_KEY_MAX];
    u_char       record_buf[PGUARD_STORE_KEY_MAX];
    u_char       fresh_buf[PGUARD_STORE_KEY_MAX];
    u_char       number[NGX_INT64_LEN], member[2 * PGUARD_ID_LEN];
    ngx_str_t    args[5], index, record, fresh;
    ngx_uint_t   n;

    ngx_paas_guard_record_name(put->store, &put->key, NULL, 0, index_buf,
                               &index);
    ngx_paas_guard_record_name(put->store, &put->key, &put->gateway, 0,
                               record_buf, &record);
    ngx_paas_guard_record_name(put->store, &put->key, &put->gateway,
                               put->attempt, fresh_buf, &fresh);

    switch (put->step) {

    case NGX_PAAS_GUARD_PUT_PIECE:
        left = put->len - put->sent;

        ngx_str_set(&args[0], "APPEND");
        args[1] = fresh;
        args[2].data = put->bytes + put->sent;
        args[2].len = ngx_min(left, NGX_PAAS_GUARD_RECORD_PIECE);
        n = 3;

        if (put->sent == 0) {
            ngx_str_set(&args[0], "SET");
            ngx_str_set(&args[3], "EX");
            ngx_str_set(&args[4], NGX_PAAS_GUARD_PUT_TRIED);
            n = 5;
        }

        put->sent += args[2].len;
        break;

    case NGX_PAAS_GUARD_PUT_RENAME:
        ngx_str_set(&args[0], "RENAME");
        args[1] = fresh;
        args[2] = record;
        n = 3;
        break;

    case NGX_PAAS_GUARD_PUT_LIST:
        ngx_str_set(&args[0], "ZADD");
        args[1] = index;
        args[2].data = number;
        args[2].len = ngx_sprintf(number, "%uL", put->version) - number;
        args[3].data = member;
        args[3].len = ngx_hex_dump(member, put->gateway.bytes, PGUARD_ID_LEN)
                      - member;
        n = 4;
        break;

    default: /* NGX_PAAS_GUARD_PUT_KEEP, NGX_PAAS_GUARD_PUT_KEEP_LIST */
        ngx_str_set(&args[0], "PEXPIRE");
        args[1] = (put->step == NGX_PAAS_GUARD_PUT_KEEP) ? record : index;
        ngx_str_set(&args[2], NGX_PAAS_GUARD_PUT_KEPT);
        n = 3;
        break;
    }

    return ngx_paas_guard_record_call(put->store, n, args,
                                      ngx_paas_guard_put_handler, put);
}


static void
ngx_paas_guard_put_handler(void *data, ngx_paas_guard_result_e result,
    ngx_paas_guard_reply_t *reply)
{
    ngx_paas_guard_put_t *put = data;

    if (result != NGX_PAAS_GUARD_RESULT_OK || put->store->stopping) {
        ngx_paas_guard_put_over(put, 0);
        return;
    }

    if (put->step != NGX_PAAS_GUARD_PUT_PIECE) {
        put->step++;

    } else if (put->sent > NGX_PAAS_GUARD_RECORD_PIECE
               && (reply->values[0].type != NGX_PAAS_GUARD_VALUE_INTEGER
                   || reply->values[0].integer != (int64_t) put->sent))
    {
        ngx_paas_guard_put_over(put, 0);
        return;

    } else if (put->sent == put->len) {
        put->step++;
    }

    if (put->step == NGX_PAAS_GUARD_PUT_DONE) {
        ngx_paas_guard_put_over(put, 1);

    } else if (ngx_paas_guard_put_next(put) != NGX_OK) {
        ngx_paas_guard_put_over(put, 0);
    }
}


static void
ngx_paas_guard_record_name(ngx_paas_guard_store_t *store,
    ngx_paas_guard_record_key_t *key, const pguard_id_t *gateway,
    uint64_t attempt, u_char *buf, ngx_str_t *name)
{
    name->data = buf;
    name->len = pguard_store_key_sla(buf,
                                ngx_paas_guard_store_str(&store->prefix),
                                ngx_paas_guard_store_str(&key->zone->name),
                                key->indicator, key->month, gateway, attempt);
}


static ngx_int_t
ngx_paas_guard_record_call(ngx_paas_guard_store_t *store, ngx_uint_t nargs,
    ngx_str_t *args, ngx_paas_guard_call_pt handler, void *data)
{
    ngx_paas_guard_call_t  call;

    ngx_memzero(&call, sizeof(ngx_paas_guard_call_t));

    /* no request waits for these as for a verdict: what is a little late must
       not count against the store */

    call.due = ngx_current_msec
               + ngx_max(store->timeout, NGX_PAAS_GUARD_RECORD_CALL);
    call.script = -1;
    call.nargs = nargs;
    call.args = args;
    call.handler = handler;
    call.data = data;

    return ngx_paas_guard_servers_call(store->servers, &call);
}


ngx_paas_guard_fetch_t *
ngx_paas_guard_store_fetch(ngx_paas_guard_store_t *store,
    ngx_paas_guard_record_key_t *key, ngx_paas_guard_fetch_pt handler,
    void *data)
{
    u_char                      buf[PGUARD_STORE_KEY_MAX];
    u_char                      first[NGX_INT_T_LEN];
    ngx_str_t                   args[4];
    ngx_paas_guard_fetching_t  *f;

    if (!ngx_paas_guard_store_usable(store)) {
        return NULL;
    }

    f = ngx_calloc(sizeof(ngx_paas_guard_fetching_t), store->log);
    if (f == NULL) {
        return NULL;
    }

    f->fetch.key = *key;
    f->fetch.records = f->records;
    f->fetch.data = data;
    f->store = store;
    f->handler = handler;
    f->until = ngx_current_msec + NGX_PAAS_GUARD_RECORD_TIME;

    /* the latest, and one more than there may be */

    ngx_str_set(&args[0], "ZRANGE");
    ngx_paas_guard_record_name(store, key, NULL, 0, buf, &args[1]);
    args[2].data = first;
    args[2].len = ngx_sprintf(first, "-%d", NGX_PAAS_GUARD_RECORDS + 1)
                  - first;
    ngx_str_set(&args[3], "-1");

    if (ngx_paas_guard_record_call(store, 4, args,
                                   ngx_paas_guard_fetch_listed, f)
        != NGX_OK)
    {
        ngx_free(f);
        return NULL;
    }

    f->waiting = 1;

    return &f->fetch;
}


void
ngx_paas_guard_store_fetch_free(ngx_paas_guard_fetch_t *fetch)
{
    ngx_uint_t                  i;
    ngx_paas_guard_fetching_t  *f;

    f = (ngx_paas_guard_fetching_t *) fetch;
    f->handler = NULL;

    if (f->waiting) {
        return;                 /* its reply frees it */
    }

    for (i = 0; i < fetch->nrecords; i++) {
        ngx_free(f->bytes[i]);
    }

    if (f->buf) {
        ngx_free(f->buf);
    }

    ngx_free(f);
}


/* NGX_OK: of a gateway, 32 digits. */

static ngx_int_t
ngx_paas_guard_fetch_gateway(ngx_paas_guard_value_t *v, pguard_id_t *id)
{
    return v->type == NGX_PAAS_GUARD_VALUE_STRING
           && v->string.len == 2 * PGUARD_ID_LEN
           && pguard_unhex(id->bytes, v->string.data, PGUARD_ID_LEN) == 0
           ? NGX_OK : NGX_DECLINED;
}


static void
ngx_paas_guard_fetch_listed(void *data, ngx_paas_guard_result_e result,
    ngx_paas_guard_reply_t *reply)
{
    ngx_paas_guard_fetching_t *f = data;

    ngx_uint_t  i;

    if (ngx_paas_guard_fetch_gone(f)) {
        return;
    }

    if (result != NGX_PAAS_GUARD_RESULT_OK || !reply->array) {
        ngx_paas_guard_fetch_over(f, 1);
        return;
    }

    for (i = 0; i < reply->nvalues; i++) {

        if (f->n == NGX_PAAS_GUARD_RECORDS
            || ngx_paas_guard_fetch_gateway(&reply->values[i],
                                            &f->gateways[f->n])
               != NGX_OK)
        {
            f->fetch.partial = 1;
            continue;
        }

        f->n++;
    }

    ngx_paas_guard_fetch_next(f);
}


static void
ngx_paas_guard_fetch_next(ngx_paas_guard_fetching_t *f)
{
    u_char     buf[PGUARD_STORE_KEY_MAX];
    u_char     from[NGX_SIZE_T_LEN], to[NGX_SIZE_T_LEN];
    ngx_str_t  args[4];

    if (f->i == f->n) {
        ngx_paas_guard_fetch_over(f, 0);
        return;
    }

    ngx_str_set(&args[0], "GETRANGE");
    ngx_paas_guard_record_name(f->store, &f->fetch.key, &f->gateways[f->i], 0,
                               buf, &args[1]);
    args[2].data = from;
    args[2].len = ngx_sprintf(from, "%uz", f->len) - from;
    args[3].data = to;
    args[3].len = ngx_sprintf(to, "%uz",
                              f->len + NGX_PAAS_GUARD_RECORD_PIECE - 1) - to;

    if ((ngx_msec_int_t) (f->until - ngx_current_msec) <= 0
        || ngx_paas_guard_record_call(f->store, 4, args,
                                      ngx_paas_guard_fetch_piece, f)
           != NGX_OK)
    {
        ngx_paas_guard_fetch_over(f, 1);
        return;
    }

    f->waiting = 1;
}


static void
ngx_paas_guard_fetch_piece(void *data, ngx_paas_guard_result_e result,
    ngx_paas_guard_reply_t *reply)
{
    ngx_paas_guard_fetching_t *f = data;

    size_t  len;

    if (ngx_paas_guard_fetch_gone(f)) {
        return;
    }

    if (result != NGX_PAAS_GUARD_RESULT_OK
        || reply->array
        || reply->values[0].type != NGX_PAAS_GUARD_VALUE_STRING
        || ngx_paas_guard_fetch_add(f, &reply->values[0].string) != NGX_OK)
    {
        ngx_paas_guard_fetch_over(f, 1);
        return;
    }

    len = reply->values[0].string.len;

    if (len < NGX_PAAS_GUARD_RECORD_PIECE) {
        ngx_paas_guard_fetch_whole(f);
    }

    ngx_paas_guard_fetch_next(f);
}


static ngx_int_t
ngx_paas_guard_fetch_add(ngx_paas_guard_fetching_t *f, ngx_str_t *piece)
{
    size_t   size;
    u_char  *buf;

    if (f->len + piece->len > f->size) {
        size = ngx_max(2 * f->size, f->len + piece->len);

        if (f->total + size > NGX_PAAS_GUARD_RECORD_MAX) {
            return NGX_ERROR;
        }

        buf = ngx_alloc(size, f->store->log);
        if (buf == NULL) {
            return NGX_ERROR;
        }

        if (f->buf) {
            ngx_memcpy(buf, f->buf, f->len);
            ngx_free(f->buf);
        }

        f->buf = buf;
        f->size = size;
    }

    if (piece->len) {
        ngx_memcpy(f->buf + f->len, piece->data, piece->len);
        f->len += piece->len;
    }

    return NGX_OK;
}


/* All of a record has come.  If it was replaced meanwhile, its sum is wrong:
   once more. */

static void
ngx_paas_guard_fetch_whole(ngx_paas_guard_fetching_t *f)
{
    pguard_str_t             bytes;
    ngx_paas_guard_fetch_t  *fetch;

    fetch = &f->fetch;
    bytes.data = f->buf;
    bytes.len = f->len;
    f->len = 0;

    if (bytes.len
        && pguard_merge_open(&f->records[fetch->nrecords], bytes) == NULL)
    {
        f->bytes[fetch->nrecords++] = f->buf;
        f->total += f->size;
        f->buf = NULL;
        f->size = 0;

    } else if (++f->tries < NGX_PAAS_GUARD_RECORD_TRIES) {
        return;

    } else {
        fetch->partial = 1;
    }

    f->tries = 0;
    f->i++;
}


/* A reply has come: is nobody to be told? */

static ngx_uint_t
ngx_paas_guard_fetch_gone(ngx_paas_guard_fetching_t *f)
{
    f->waiting = 0;

    if (f->handler && !f->store->stopping) {
        return 0;
    }

    /* no handler is called when the process ends: what it is for ends, too */

    if (f->handler == NULL) {
        ngx_paas_guard_store_fetch_free(&f->fetch);
    }

    return 1;
}


static void
ngx_paas_guard_fetch_over(ngx_paas_guard_fetching_t *f, ngx_uint_t partial)
{
    f->fetch.partial |= partial;
    f->handler(&f->fetch);
}
