#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <hiredis/hiredis.h>

#include "ngx_paas_guard_compat.h"
#include "ngx_paas_guard_redis_private.h"


#define NGX_PAAS_GUARD_REDIS_UNREAD  131072   /* bytes of a reply to come */


static void ngx_paas_guard_redis_dispatch(ngx_paas_guard_redis_t *r);
static ngx_int_t ngx_paas_guard_redis_dispatch_message(
    ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_dispatch_own(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job, ngx_uint_t error);
static ngx_int_t ngx_paas_guard_redis_again(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job);
static void ngx_paas_guard_redis_error(ngx_paas_guard_redis_t *r,
    ngx_uint_t word);
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

    ngx_paas_guard_redis_job_due(r, job);

    if (r->state != NGX_PAAS_GUARD_REDIS_READY) {
        ngx_queue_insert_tail(&r->waiting, &job->queue);
        ngx_paas_guard_redis_start(r);
        return NGX_OK;
    }

    ngx_queue_insert_tail(&r->unsent, &job->queue);
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

    if (kind != NGX_PAAS_GUARD_JOB_LOAD) {
        r->greetings++;
    }

    return NGX_OK;
}


ngx_paas_guard_job_t *
ngx_paas_guard_redis_job(ngx_paas_guard_redis_t *r, ngx_int_t script,
    ngx_uint_t nargs, ngx_str_t *args)
{
    size_t                    lens[NGX_PAAS_GUARD_REDIS_ARGS + 3];
    const char               *argv[NGX_PAAS_GUARD_REDIS_ARGS + 3];
    ngx_uint_t                i;
    ngx_paas_guard_job_t     *job;
    ngx_paas_guard_format_t   len;

    job = ngx_calloc(sizeof(ngx_paas_guard_job_t), r->log);
    if (job == NULL) {
        return NULL;
    }

    for (i = 0; i < nargs; i++) {
        argv[i] = (const char *) args[i].data;
        lens[i] = args[i].len;
    }

    len = redisFormatCommandArgv(&job->command, nargs, argv, lens);

    if (len <= 0) {
        ngx_free(job);
        return NULL;
    }

    if (len > NGX_PAAS_GUARD_REDIS_BUFFER) {
        redisFreeCommand(job->command);
        ngx_free(job);
        return NULL;
    }

    job->len = len;
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


void
ngx_paas_guard_redis_job_free(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job)
{
    r->njobs--;

    redisFreeCommand(job->command);
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


static void
ngx_paas_guard_redis_dispatch(ngx_paas_guard_redis_t *r)
{
    ngx_uint_t             error;
    ngx_queue_t           *q;
    ngx_paas_guard_job_t  *job;

    if (ngx_paas_guard_redis_dispatch_message(r) == NGX_OK) {
        return;
    }

    if (ngx_queue_empty(&r->sent)) {
        r->broken = "sends a reply to no question";
        return;
    }

    q = ngx_queue_head(&r->sent);
    ngx_queue_remove(q);

    job = ngx_queue_data(q, ngx_paas_guard_job_t, queue);

    error = !r->reply.array
            && r->reply.values[0].type == NGX_PAAS_GUARD_VALUE_ERROR;

    if (job->kind != NGX_PAAS_GUARD_JOB_CALL) {
        ngx_paas_guard_redis_dispatch_own(r, job, error);
        ngx_paas_guard_redis_job_free(r, job);
        return;
    }

    if (error && ngx_paas_guard_redis_again(r, job) == NGX_OK) {
        return;
    }

    if (!error) {

        /* one that came too late does not end a row of failures */

        if (!job->over) {
            r->misses = 0;
            r->backoff = NGX_PAAS_GUARD_REDIS_BACKOFF;
        }

    } else if (++r->misses >= NGX_PAAS_GUARD_REDIS_MISSES) {
        ngx_paas_guard_redis_error(r, 0);
    }

    ngx_paas_guard_redis_job_over(r, job, error ? NGX_PAAS_GUARD_RESULT_ERROR
                                                : NGX_PAAS_GUARD_RESULT_OK);
    ngx_paas_guard_redis_job_free(r, job);
}


static ngx_int_t
ngx_paas_guard_redis_dispatch_message(ngx_paas_guard_redis_t *r)
{
    ngx_paas_guard_value_t  *v;

    v = r->reply.values;

    if (r->conf->channel.len == 0
        || !r->reply.array
        || r->reply.nvalues != 3
        || v[0].type != NGX_PAAS_GUARD_VALUE_STRING
        || v[2].type != NGX_PAAS_GUARD_VALUE_STRING
        || v[0].string.len != sizeof("message") - 1
        || ngx_memcmp(v[0].string.data, "message", v[0].string.len) != 0)
    {
        return NGX_DECLINED;
    }

    r->conf->message(r->conf->data, &v[2].string);

    return NGX_OK;
}


static void
ngx_paas_guard_redis_dispatch_own(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job, ngx_uint_t error)
{
    ngx_paas_guard_value_t  *v;

    if (error) {

        /* what a server says of a wrong AUTH may hold the password */

        ngx_paas_guard_redis_error(r, job->kind == NGX_PAAS_GUARD_JOB_AUTH);
        return;
    }

    if (job->kind == NGX_PAAS_GUARD_JOB_LOAD) {
        r->loading &= ~((ngx_uint_t) 1 << job->script);
        return;
    }

    if (job->kind == NGX_PAAS_GUARD_JOB_PROBE) {
        v = r->reply.values;

        if (r->reply.nvalues != 4
            || v[2].type != NGX_PAAS_GUARD_VALUE_INTEGER
            || v[3].type != NGX_PAAS_GUARD_VALUE_INTEGER)
        {
            r->broken = "sends an answer of another shape";
            return;
        }

        ngx_paas_guard_redis_learn_time(r, v[2].integer);
    }

    if (--r->greetings == 0) {
        ngx_paas_guard_redis_up(r);
    }
}


/* The server has forgotten its scripts (SCRIPT FLUSH): once more, once. */

static ngx_int_t
ngx_paas_guard_redis_again(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job)
{
    ngx_str_t               args[3];
    ngx_queue_t            *q;
    ngx_paas_guard_job_t   *load;
    ngx_paas_guard_value_t *v;

    v = r->reply.values;

    if (job->script < 0
        || job->again
        || job->over
        || v[0].string.len < sizeof("NOSCRIPT") - 1
        || ngx_memcmp(v[0].string.data, "NOSCRIPT", sizeof("NOSCRIPT") - 1)
           != 0)
    {
        return NGX_DECLINED;
    }

    if (!(r->loading & (ngx_uint_t) 1 << job->script)) {
        ngx_str_set(&args[0], "SCRIPT");
        ngx_str_set(&args[1], "LOAD");
        args[2].data = (u_char *) pguard_scripts[job->script].data;
        args[2].len = pguard_scripts[job->script].len;

        if (ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_LOAD, 3, args)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        q = ngx_queue_last(&r->unsent);
        load = ngx_queue_data(q, ngx_paas_guard_job_t, queue);
        load->script = job->script;

        r->loading |= (ngx_uint_t) 1 << job->script;
    }

    job->again = 1;
    job->out = 0;

    ngx_queue_insert_tail(&r->unsent, &job->queue);
    ngx_post_event(&r->flush, &ngx_posted_events);

    return NGX_OK;
}


/* Closes for an error reply, which the log shows: its first word, or some. */

static void
ngx_paas_guard_redis_error(ngx_paas_guard_redis_t *r, ngx_uint_t word)
{
    u_char      *p, *last;
    ngx_str_t   *s;
    ngx_uint_t   i;

    s = &r->reply.values[0].string;

    p = ngx_cpymem(r->error, "says \"", sizeof("says \"") - 1);
    last = r->error + sizeof(r->error) - 2;

    for (i = 0; i < s->len && p < last; i++) {

        if (word && s->data[i] == ' ') {
            break;
        }

        *p++ = (s->data[i] < 0x20 || s->data[i] > 0x7e) ? '?' : s->data[i];
    }

    *p++ = '"';
    *p = '\0';

    r->broken = (const char *) r->error;
}


/* Only a root, and the children of a root that is an array. */

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

    if (reply->nvalues == NGX_PAAS_GUARD_REDIS_VALUES) {
        return NULL;
    }

    v = &reply->values[reply->nvalues++];
    v->type = type;
    v->integer = 0;
    ngx_str_null(&v->string);

    return v;
}


static void *
ngx_paas_guard_reply_string(const redisReadTask *task, char *s, size_t len)
{
    ngx_paas_guard_reply_t  *reply;
    ngx_paas_guard_redis_t  *r;
    ngx_paas_guard_value_t  *v;

    if (task->type != REDIS_REPLY_STRING
        && task->type != REDIS_REPLY_STATUS
        && task->type != REDIS_REPLY_ERROR)
    {
        return NULL;
    }

    v = ngx_paas_guard_reply_add(task, task->type == REDIS_REPLY_ERROR
                                       ? NGX_PAAS_GUARD_VALUE_ERROR
                                       : NGX_PAAS_GUARD_VALUE_STRING);
    if (v == NULL) {
        return NULL;
    }

    r = task->privdata;
    reply = &r->reply;

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
    ngx_paas_guard_redis_t  *r;

    if (task->type != REDIS_REPLY_ARRAY
        || task->parent
        || (size_t) n > NGX_PAAS_GUARD_REDIS_VALUES)
    {
        return NULL;
    }

    r = task->privdata;

    r->reply.array = 1;
    r->reply.nvalues = 0;
    r->reply.used = 0;

    return &r->reply;
}


static void *
ngx_paas_guard_reply_integer(const redisReadTask *task, long long n)
{
    ngx_paas_guard_value_t  *v;

    v = ngx_paas_guard_reply_add(task, NGX_PAAS_GUARD_VALUE_INTEGER);

    if (v) {
        v->integer = n;
    }

    return v;
}


static void *
ngx_paas_guard_reply_nil(const redisReadTask *task)
{
    return ngx_paas_guard_reply_add(task, NGX_PAAS_GUARD_VALUE_NIL);
}


static void
ngx_paas_guard_reply_free(void *object)
{
    /* replies live in the connection */
}
