/*
 * Calls on a connection to Redis, from where they are made to their end.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/pguard_command.h"
#include "ngx_paas_guard_redis_private.h"


/* A command, with ASKING before it. */

#define NGX_PAAS_GUARD_REDIS_LONGEST  (NGX_PAAS_GUARD_REDIS_BUFFER - 64)


static void ngx_paas_guard_redis_queue(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job);


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
