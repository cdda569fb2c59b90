#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <hiredis/hiredis.h>

#include "../core/pguard_command.h"
#include "ngx_paas_guard_compat.h"
#include "ngx_paas_guard_redis_private.h"


#define ngx_paas_guard_dotted(a, b, c)   ngx_paas_guard_dotted_(a, b, c)
#define ngx_paas_guard_dotted_(a, b, c)  #a "." #b "." #c


#define NGX_PAAS_GUARD_REDIS_UNREAD  131072   /* bytes of a reply to come */

/* A command, with ASKING before it. */

#define NGX_PAAS_GUARD_REDIS_LONGEST  (NGX_PAAS_GUARD_REDIS_BUFFER - 64)


static void ngx_paas_guard_redis_queue(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job);
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
ngx_paas_guard_redis_call(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_call_t *call)
{
    u_char                 keys[NGX_INT_T_LEN];
    ngx_str_t              args[NGX_PAAS_GUARD_REDIS_ARGS + 3];
    ngx_uint_t             n;
    ngx_paas_guard_job_t  *job;

    if (!ngx_paas_guard_redis_usable(r)
        || r->njobs >= NGX_PAAS_GUARD_REDIS_CALLS
        || call->nargs > NGX_PAAS_GUARD_REDIS_ARGS)
    {
        return NGX_DECLINED;
    }

    n = 0;

    if (call->script >= 0) {
        ngx_str_set(&args[0], "EVALSHA");
        args[1].data = r->sha[call->script];
        args[1].len = NGX_PAAS_GUARD_SHA_LEN;
        args[2].data = keys;
        args[2].len = ngx_sprintf(keys, "%ui", call->keys) - keys;
        n = 3;
    }

    ngx_memcpy(&args[n], call->args, call->nargs * sizeof(ngx_str_t));

    job = ngx_paas_guard_redis_job(r, call->script, n + call->nargs, args);
    if (job == NULL) {
        return NGX_DECLINED;
    }

    job->handler = call->handler;
    job->data = call->data;
    job->due = call->due ? call->due : ngx_current_msec + r->conf->timeout;

    ngx_paas_guard_redis_queue(r, job);

    return NGX_OK;
}


ngx_int_t
ngx_paas_guard_redis_forward(ngx_paas_guard_redis_t *from,
    ngx_paas_guard_job_t *job, ngx_paas_guard_redis_t *to, ngx_uint_t asking)
{
    if (job->moved
        || !ngx_paas_guard_redis_usable(to)
        || to->njobs >= NGX_PAAS_GUARD_REDIS_CALLS)
    {
        return NGX_DECLINED;
    }

    if (job->timed) {
        ngx_queue_remove(&job->due_queue);
    }

    from->njobs--;
    to->njobs++;

    job->out = 0;
    job->again = 0;
    job->moved = 1;
    job->asking = asking;

    ngx_paas_guard_redis_queue(to, job);

    return NGX_OK;
}


static void
ngx_paas_guard_redis_queue(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job)
{
    ngx_paas_guard_redis_job_due(r, job);

    if (r->state != NGX_PAAS_GUARD_REDIS_READY) {
        ngx_queue_insert_tail(&r->waiting, &job->queue);
        ngx_paas_guard_redis_start(r);
        return;
    }

    ngx_queue_insert_tail(&r->unsent, &job->queue);
    ngx_post_event(&r->flush, &ngx_posted_events);
}


ngx_int_t
ngx_paas_guard_redis_ask_slots(ngx_paas_guard_redis_t *r)
{
    ngx_str_t  args[2];

    if (r->state != NGX_PAAS_GUARD_REDIS_READY) {
        return NGX_DECLINED;
    }

    ngx_str_set(&args[0], "CLUSTER");
    ngx_str_set(&args[1], "SLOTS");

    if (ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_SLOTS_LATER, 2,
                                     args)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_post_event(&r->flush, &ngx_posted_events);

    return NGX_OK;
}


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


ngx_int_t
ngx_paas_guard_redis_command(ngx_paas_guard_redis_t *r, ngx_uint_t kind,
    ngx_uint_t nargs, ngx_str_t *args)
{
    ngx_paas_guard_job_t  *job;

    job = ngx_paas_guard_redis_job(r, -1, nargs, args);

    if (job == NULL) {
        r->broken = "gets no memory here";
        return NGX_ERROR;
    }

    job->kind = kind;
    job->over = 1;

    ngx_queue_insert_tail(&r->unsent, &job->queue);

    if (kind != NGX_PAAS_GUARD_JOB_LOAD
        && kind != NGX_PAAS_GUARD_JOB_SLOTS_LATER)
    {
        r->greetings++;
    }

    return NGX_OK;
}


ngx_paas_guard_job_t *
ngx_paas_guard_redis_job(ngx_paas_guard_redis_t *r, ngx_int_t script,
    ngx_uint_t nargs, ngx_str_t *args)
{
    size_t                 max;
    ngx_uint_t             i;
    pguard_str_t           argv[NGX_PAAS_GUARD_REDIS_ARGS + 3];
    ngx_paas_guard_job_t  *job;

    for (i = 0; i < nargs; i++) {
        argv[i].data = args[i].data;
        argv[i].len = args[i].len;
    }

    max = pguard_command_max(argv, nargs);

    if (max > NGX_PAAS_GUARD_REDIS_LONGEST) {
        return NULL;
    }

    job = ngx_alloc(sizeof(ngx_paas_guard_job_t) + max, r->log);
    if (job == NULL) {
        return NULL;
    }

    ngx_memzero(job, sizeof(ngx_paas_guard_job_t));

    job->command = (u_char *) &job[1];
    job->len = pguard_command_write(job->command, argv, nargs) - job->command;
    job->script = script;

    r->njobs++;

    return job;
}


void
ngx_paas_guard_redis_job_over(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job, ngx_paas_guard_result_e result)
{
    uint64_t                 usec;
    ngx_paas_guard_reply_t  *reply;

    if (job->timed) {
        job->timed = 0;
        ngx_queue_remove(&job->due_queue);
    }

    if (job->over) {
        return;
    }

    job->over = 1;

    usec = (result == NGX_PAAS_GUARD_RESULT_OK)
           ? ngx_paas_guard_redis_clock() - job->sent : 0;

    r->conf->observed(r->conf->data, result, usec);

    if (job->handler) {
        reply = (result == NGX_PAAS_GUARD_RESULT_OK
                 || result == NGX_PAAS_GUARD_RESULT_ERROR) ? &r->reply : NULL;

        job->handler(job->data, result, reply);
    }
}


/* A password was sent, or will not be: it stays in no buffer. */

static void
ngx_paas_guard_redis_forget(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job)
{
    if (r->state == NGX_PAAS_GUARD_REDIS_AWAY) {
        r->pos = r->out;
        r->last = r->out;
    }

    ngx_explicit_memzero(r->out, r->pos - r->out);
    ngx_explicit_memzero(r->last, r->out + sizeof(r->out) - r->last);
    ngx_explicit_memzero(job->command, job->len);
}


void
ngx_paas_guard_redis_job_free(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job)
{
    r->njobs--;

    if (job->kind == NGX_PAAS_GUARD_JOB_AUTH) {
        ngx_paas_guard_redis_forget(r, job);
    }

    ngx_free(job);
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
