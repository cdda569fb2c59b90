/*
 * Replies, parsed by hiredis: the only file that includes it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <hiredis/hiredis.h>

#include "ngx_paas_guard_compat.h"
#include "ngx_paas_guard_redis_private.h"


#define ngx_paas_guard_dotted(a, b, c)   ngx_paas_guard_dotted_(a, b, c)
#define ngx_paas_guard_dotted_(a, b, c)  #a "." #b "." #c

#define NGX_PAAS_GUARD_REDIS_UNREAD  131072   /* bytes of a reply to come */


static ngx_uint_t ngx_paas_guard_reply_kind(ngx_paas_guard_redis_t *r);
static pguard_slots_place_t ngx_paas_guard_reply_place(
    const redisReadTask *task);
static ngx_paas_guard_value_t *ngx_paas_guard_reply_add(
    const redisReadTask *task, ngx_uint_t type);
static void *ngx_paas_guard_reply_string(const redisReadTask *task, char *s,
    size_t len);
static void *ngx_paas_guard_reply_array(const redisReadTask *task,
    ngx_paas_guard_elements_t n);
static void *ngx_paas_guard_reply_integer(const redisReadTask *task,
    long long n);
static void *ngx_paas_guard_reply_nil(const redisReadTask *task);
static void ngx_paas_guard_reply_free(void *object);


#if (NGX_PAAS_GUARD_HAVE_RESP3)

static void *
ngx_paas_guard_reply_double(const redisReadTask *task, double n, char *s,
    size_t len)
{
    return NULL;
}


static void *
ngx_paas_guard_reply_bool(const redisReadTask *task, int n)
{
    return NULL;
}

#endif


const char  ngx_paas_guard_redis_library[] =
    ngx_paas_guard_dotted(HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);


static redisReplyObjectFunctions  ngx_paas_guard_reply_functions = {
    .createString = ngx_paas_guard_reply_string,
    .createArray = ngx_paas_guard_reply_array,
    .createInteger = ngx_paas_guard_reply_integer,
    .createNil = ngx_paas_guard_reply_nil,
#if (NGX_PAAS_GUARD_HAVE_RESP3)
    .createDouble = ngx_paas_guard_reply_double,
    .createBool = ngx_paas_guard_reply_bool,
#endif
    .freeObject = ngx_paas_guard_reply_free
};


ngx_int_t
ngx_paas_guard_redis_reader(ngx_paas_guard_redis_t *r)
{
    r->reader = redisReaderCreateWithFunctions(&ngx_paas_guard_reply_functions);

    if (r->reader == NULL) {
        return NGX_ERROR;
    }

    r->reader->privdata = r;

    return NGX_OK;
}


void
ngx_paas_guard_redis_reader_free(ngx_paas_guard_redis_t *r)
{
    if (r->reader) {
        redisReaderFree(r->reader);
        r->reader = NULL;
    }
}


void
ngx_paas_guard_redis_parse(ngx_paas_guard_redis_t *r, u_char *buf, size_t size)
{
    void  *object;

    if (redisReaderFeed(r->reader, (const char *) buf, size) != REDIS_OK) {
        r->broken = "gets no memory here";
        return;
    }

    while (r->broken == NULL) {
        object = NULL;

        if (redisReaderGetReply(r->reader, &object) != REDIS_OK) {
            r->broken = "sends what is no reply";
            return;
        }

        if (object == NULL) {
            break;
        }

        ngx_paas_guard_redis_dispatch(r);
    }

    if (r->reader->len - r->reader->pos > NGX_PAAS_GUARD_REDIS_UNREAD) {
        r->broken = "sends a reply that is too long";
    }
}


/* What the reply that arrives answers. */

static ngx_uint_t
ngx_paas_guard_reply_kind(ngx_paas_guard_redis_t *r)
{
    ngx_queue_t           *q;
    ngx_paas_guard_job_t  *job;

    if (ngx_queue_empty(&r->sent)) {
        return NGX_PAAS_GUARD_JOB_CALL;
    }

    q = ngx_queue_head(&r->sent);
    job = ngx_queue_data(q, ngx_paas_guard_job_t, queue);

    return job->kind;
}


static pguard_slots_place_t
ngx_paas_guard_reply_place(const redisReadTask *task)
{
    pguard_slots_place_t  place;

    place.i = task->idx;
    place.j = task->parent ? task->parent->idx : 0;
    place.depth = 0;

    while (task->parent) {
        place.depth++;
        task = task->parent;
    }

    return place;
}


/* Only a root, and the children of a root that is an array.  Of what is below
   those, in replies that have it, no value is kept. */

static ngx_paas_guard_value_t *
ngx_paas_guard_reply_add(const redisReadTask *task, ngx_uint_t type)
{
    ngx_paas_guard_reply_t  *reply;
    ngx_paas_guard_redis_t  *r;
    ngx_paas_guard_value_t  *v;

    r = task->privdata;
    reply = &r->reply;

    if (task->parent == NULL) {
        reply->array = 0;
        reply->nvalues = 0;
        reply->used = 0;
    }

    if (task->parent && task->parent->parent) {
        v = &r->below;

    } else if (reply->nvalues == NGX_PAAS_GUARD_REDIS_VALUES) {
        return NULL;

    } else {
        v = &reply->values[reply->nvalues++];
    }

    v->type = type;
    v->integer = 0;
    ngx_str_null(&v->string);

    return v;
}


static void *
ngx_paas_guard_reply_string(const redisReadTask *task, char *s, size_t len)
{
    pguard_str_t             text;
    ngx_paas_guard_reply_t  *reply;
    ngx_paas_guard_redis_t  *r;
    ngx_paas_guard_value_t  *v;

    if (task->type != REDIS_REPLY_STRING
        && task->type != REDIS_REPLY_STATUS
        && task->type != REDIS_REPLY_ERROR)
    {
        return NULL;
    }

    r = task->privdata;

    if (r->slots) {
        text.data = (u_char *) s;
        text.len = len;

        return (pguard_slots_read_string(r->slots,
                                         ngx_paas_guard_reply_place(task),
                                         text)
                == 0)
               ? &r->reply : NULL;
    }

    v = ngx_paas_guard_reply_add(task, task->type == REDIS_REPLY_ERROR
                                       ? NGX_PAAS_GUARD_VALUE_ERROR
                                       : NGX_PAAS_GUARD_VALUE_STRING);
    if (v == NULL) {
        return NULL;
    }

    reply = &r->reply;

    if (v == &r->below) {
        return v;
    }

    if (len > sizeof(reply->data) - reply->used) {
        return NULL;
    }

    v->string.data = reply->data + reply->used;
    v->string.len = len;

    ngx_memcpy(v->string.data, s, len);
    reply->used += len;

    return v;
}


static void *
ngx_paas_guard_reply_array(const redisReadTask *task,
    ngx_paas_guard_elements_t n)
{
    ngx_uint_t               kind;
    ngx_paas_guard_redis_t  *r;

    r = task->privdata;
    kind = ngx_paas_guard_reply_kind(r);

    if (task->type != REDIS_REPLY_ARRAY) {
        return NULL;
    }

    if (kind == NGX_PAAS_GUARD_JOB_SLOTS
        || kind == NGX_PAAS_GUARD_JOB_SLOTS_LATER)
    {
        if (task->parent == NULL) {
            r->reply.array = 1;
            r->reply.nvalues = 0;
            r->slots = r->conf->slots(r->conf->data);
        }

        return ((size_t) n <= PGUARD_SLOTS
                && pguard_slots_read_array(r->slots,
                                           ngx_paas_guard_reply_place(task))
                   == 0)
               ? &r->reply : NULL;
    }

    if ((task->parent && kind != NGX_PAAS_GUARD_JOB_ROLE)
        || (size_t) n > NGX_PAAS_GUARD_REDIS_VALUES)
    {
        return NULL;
    }

    if (task->parent) {
        return &r->below;
    }

    r->reply.array = 1;
    r->reply.nvalues = 0;
    r->reply.used = 0;

    return &r->reply;
}


static void *
ngx_paas_guard_reply_integer(const redisReadTask *task, long long n)
{
    ngx_paas_guard_redis_t  *r;
    ngx_paas_guard_value_t  *v;

    r = task->privdata;

    if (r->slots) {
        return (pguard_slots_read_number(r->slots,
                                         ngx_paas_guard_reply_place(task), n)
                == 0)
               ? &r->reply : NULL;
    }

    v = ngx_paas_guard_reply_add(task, NGX_PAAS_GUARD_VALUE_INTEGER);

    if (v) {
        v->integer = n;
    }

    return v;
}


static void *
ngx_paas_guard_reply_nil(const redisReadTask *task)
{
    ngx_paas_guard_redis_t  *r;

    static const pguard_str_t  nil = { 0, NULL };

    r = task->privdata;

    if (r->slots) {
        return (pguard_slots_read_string(r->slots,
                                         ngx_paas_guard_reply_place(task),
                                         nil)
                == 0)
               ? &r->reply : NULL;
    }

    return ngx_paas_guard_reply_add(task, NGX_PAAS_GUARD_VALUE_NIL);
}


static void
ngx_paas_guard_reply_free(void *object)
{
    /* replies live in the connection */
}
