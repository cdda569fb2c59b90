/*
 * Which call a reply is the answer to, and what replies to the connection's
 * own calls mean.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/pguard_str.h"
#include "ngx_paas_guard_redis_private.h"


static ngx_int_t ngx_paas_guard_redis_dispatch_message(
    ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_dispatch_own(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job, ngx_uint_t error);
static ngx_int_t ngx_paas_guard_redis_dispatch_error(
    ngx_paas_guard_redis_t *r, ngx_paas_guard_job_t *job);
static void ngx_paas_guard_redis_deaf(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_dispatch_master(ngx_paas_guard_redis_t *r);
static ngx_uint_t ngx_paas_guard_redis_says(ngx_paas_guard_redis_t *r,
    const ngx_str_t *word);
static ngx_int_t ngx_paas_guard_redis_again(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job);
static void ngx_paas_guard_redis_error(ngx_paas_guard_redis_t *r,
    ngx_uint_t word);


void
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
    job = ngx_queue_data(q, ngx_paas_guard_job_t, queue);

    if (job->asked) {
        job->asked = 0;
        return;
    }

    ngx_queue_remove(q);

    error = !r->reply.array
            && r->reply.values[0].type == NGX_PAAS_GUARD_VALUE_ERROR;

    if (job->kind != NGX_PAAS_GUARD_JOB_CALL) {
        ngx_paas_guard_redis_dispatch_own(r, job, error);
        ngx_paas_guard_redis_job_free(r, job);
        return;
    }

    if (error) {

        if (ngx_paas_guard_redis_dispatch_error(r, job) == NGX_OK) {
            return;
        }

    } else {

        /* one that came too late does not end a row of failures */

        if (!job->over) {
            r->misses = 0;
            r->backoff = NGX_PAAS_GUARD_REDIS_BACKOFF;
        }
    }

    ngx_paas_guard_redis_job_over(r, job, error ? NGX_PAAS_GUARD_RESULT_ERROR
                                                : NGX_PAAS_GUARD_RESULT_OK);
    ngx_paas_guard_redis_job_free(r, job);
}


ngx_uint_t
ngx_paas_guard_redis_refused(ngx_paas_guard_reply_t *reply)
{
    ngx_uint_t               i;

    static const ngx_str_t   words[] = {
        ngx_string("TRYAGAIN"),
        ngx_string("MOVED"),
        ngx_string("ASK"),
        ngx_string("CLUSTERDOWN"),
        ngx_string("READONLY"),
        ngx_string("LOADING"),
        ngx_string("MASTERDOWN"),
        ngx_string("BUSY"),
        ngx_string("NOSCRIPT"),
        ngx_null_string
    };

    for (i = 0; words[i].len; i++) {
        if (ngx_paas_guard_redis_says(reply->redis, &words[i])) {
            return 1;
        }
    }

    return 0;
}


/* NGX_OK: the call goes on. */

static ngx_int_t
ngx_paas_guard_redis_dispatch_error(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job)
{
    ngx_uint_t               i;
    ngx_paas_guard_value_t  *v;

    /* what only another server can do, and what another call may meet not */

    static const ngx_str_t   useless[] = {
        ngx_string("READONLY"),
        ngx_string("LOADING"),
        ngx_string("MASTERDOWN"),
        ngx_null_string
    };

    static const ngx_str_t   passing[] = {
        ngx_string("MOVED"),
        ngx_string("ASK"),
        ngx_string("TRYAGAIN"),
        ngx_null_string
    };

    if (ngx_paas_guard_redis_again(r, job) == NGX_OK) {
        return NGX_OK;
    }

    v = r->reply.values;

    for (i = 0; useless[i].len; i++) {
        if (ngx_paas_guard_redis_says(r, &useless[i])) {
            ngx_paas_guard_redis_error(r, 0);
            return NGX_DECLINED;
        }
    }

    if (r->conf->redirect) {

        if (r->conf->redirect(r->conf->data, &v->string,
                              job->over ? NULL : job)
            == NGX_OK)
        {
            return NGX_OK;
        }

        for (i = 0; passing[i].len; i++) {
            if (ngx_paas_guard_redis_says(r, &passing[i])) {
                return NGX_DECLINED;
            }
        }
    }

    if (++r->misses >= NGX_PAAS_GUARD_REDIS_MISSES) {
        ngx_paas_guard_redis_error(r, 0);
    }

    return NGX_DECLINED;
}


/* Is this the first word of the error? */

static ngx_uint_t
ngx_paas_guard_redis_says(ngx_paas_guard_redis_t *r, const ngx_str_t *word)
{
    ngx_str_t  *s;

    s = &r->reply.values[0].string;

    return s->len >= word->len
           && ngx_memcmp(s->data, word->data, word->len) == 0
           && (s->len == word->len || s->data[word->len] == ' ');
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
    ngx_str_t                key;
    ngx_paas_guard_value_t  *v;

    v = r->reply.values;

    if (error) {

        /* what a server says of a wrong AUTH may hold the password */

        ngx_paas_guard_redis_error(r, job->kind == NGX_PAAS_GUARD_JOB_AUTH);

        if (r->conf->channel.len && job->kind == NGX_PAAS_GUARD_JOB_GREETING) {
            ngx_paas_guard_redis_deaf(r);
        }

        return;
    }

    switch (job->kind) {

    case NGX_PAAS_GUARD_JOB_LOAD:
        r->loading &= ~((ngx_uint_t) 1 << job->script);
        return;

    case NGX_PAAS_GUARD_JOB_MASTER:
        ngx_paas_guard_redis_dispatch_master(r);
        break;

    case NGX_PAAS_GUARD_JOB_ROLE:

        if (!r->reply.array
            || r->reply.nvalues == 0
            || v[0].string.len != sizeof("master") - 1
            || ngx_memcmp(v[0].string.data, "master", v[0].string.len) != 0)
        {
            r->broken = "is not a master";
        }

        break;

    case NGX_PAAS_GUARD_JOB_SLOTS:
    case NGX_PAAS_GUARD_JOB_SLOTS_LATER:

        if (r->slots == NULL) {
            r->broken = "sends an answer of another shape";
            break;
        }

        r->slots = NULL;
        key = r->conf->mapped(r->conf->data);

        if (job->kind == NGX_PAAS_GUARD_JOB_SLOTS_LATER) {
            return;
        }

        if (key.len) {
            ngx_paas_guard_redis_greet_probe(r, &key);
            ngx_post_event(&r->flush, &ngx_posted_events);
        }

        break;

    case NGX_PAAS_GUARD_JOB_PROBE:

        if (r->reply.nvalues != 4
            || v[2].type != NGX_PAAS_GUARD_VALUE_INTEGER
            || v[3].type != NGX_PAAS_GUARD_VALUE_INTEGER)
        {
            r->broken = "sends an answer of another shape";
            break;
        }

        ngx_paas_guard_redis_learn_time(r, v[2].integer);
        break;
    }

    if (r->broken == NULL && --r->greetings == 0) {
        ngx_paas_guard_redis_up(r);
    }
}


/* Of a user who may do all but listen, no other connection tells. */

static void
ngx_paas_guard_redis_deaf(ngx_paas_guard_redis_t *r)
{
    if (r->deaf) {
        return;
    }

    r->deaf = 1;

    ngx_log_error(NGX_LOG_WARN, r->log, 0,
                  "paas_guard: redis \"%V\" %s to SUBSCRIBE \"%V\"",
                  &r->conf->name, r->error, &r->conf->channel);
}


/* Host and port, or a nil: a sentinel that knows no such master. */

static void
ngx_paas_guard_redis_dispatch_master(ngx_paas_guard_redis_t *r)
{
    int                      port;
    pguard_str_t             s;
    ngx_str_t                none = ngx_null_string;
    ngx_paas_guard_value_t  *v;

    v = r->reply.values;

    if (!r->reply.array) {
        r->conf->master_is(r->conf->data, &none, 0);
        r->broken = "does not know this master";
        return;
    }

    s.data = v[1].string.data;
    s.len = v[1].string.len;

    port = (r->reply.nvalues == 2 && v[0].string.len) ? pguard_str_number(s)
                                                      : -1;
    if (port < 1) {
        r->broken = "sends an answer of another shape";
        return;
    }

    r->conf->master_is(r->conf->data, &v[0].string, port);
}


/* The server has forgotten its scripts (SCRIPT FLUSH): once more, once. */

static ngx_int_t
ngx_paas_guard_redis_again(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job)
{
    ngx_str_t               args[3];
    ngx_queue_t            *q;
    ngx_paas_guard_job_t   *load;

    static const ngx_str_t  noscript = ngx_string("NOSCRIPT");

    if (job->script < 0
        || job->again
        || job->over
        || !ngx_paas_guard_redis_says(r, &noscript))
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
