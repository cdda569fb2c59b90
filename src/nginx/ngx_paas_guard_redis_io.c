/*
 * Reading and writing, the deadlines of calls, and the server's clock.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_paas_guard_redis_private.h"


#define NGX_PAAS_GUARD_REDIS_EPOCH  5000000   /* usec: see learn_time() */


static void ngx_paas_guard_redis_fill(ngx_paas_guard_redis_t *r);


void
ngx_paas_guard_redis_flush(ngx_paas_guard_redis_t *r)
{
    if (r->state >= NGX_PAAS_GUARD_REDIS_GREETING) {
        ngx_paas_guard_redis_write(r);
    }
}


uint64_t
ngx_paas_guard_redis_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


uint64_t
ngx_paas_guard_redis_time(ngx_paas_guard_redis_t *r, uint64_t local)
{
    return r->epoch ? (uint64_t) ((int64_t) local
                                  + ngx_max(r->offset[0], r->offset[1]))
                    : 0;
}


/*
 * A reply's time was taken before the reply came, so each difference is at
 * most the true one, and the largest is the nearest.  Two epochs are kept, for
 * clocks drift.
 */

void
ngx_paas_guard_redis_learn_time(ngx_paas_guard_redis_t *r, uint64_t server)
{
    int64_t   offset;
    uint64_t  now;

    now = ngx_paas_guard_redis_clock();
    offset = (int64_t) (server - now);

    if (r->epoch == 0) {
        r->offset[0] = offset;
        r->offset[1] = offset;
        r->epoch = now;

    } else if (now - r->epoch > NGX_PAAS_GUARD_REDIS_EPOCH) {
        r->offset[1] = r->offset[0];
        r->offset[0] = offset;
        r->epoch = now;

    } else if (offset > r->offset[0]) {
        r->offset[0] = offset;
    }
}


/* Deadlines come nearly in order: most are put at the end at once. */

void
ngx_paas_guard_redis_job_due(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job)
{
    ngx_queue_t           *q;
    ngx_paas_guard_job_t  *before;

    for (q = ngx_queue_last(&r->due);
         q != ngx_queue_sentinel(&r->due);
         q = ngx_queue_prev(q))
    {
        before = ngx_queue_data(q, ngx_paas_guard_job_t, due_queue);

        if ((ngx_msec_int_t) (before->due - job->due) <= 0) {
            break;
        }
    }

    ngx_queue_insert_after(q, &job->due_queue);
    job->timed = 1;

    if (q == ngx_queue_sentinel(&r->due)) {
        ngx_paas_guard_redis_deadline_set(r);
    }
}


void
ngx_paas_guard_redis_deadline_set(ngx_paas_guard_redis_t *r)
{
    ngx_queue_t           *q;
    ngx_msec_int_t         left;
    ngx_paas_guard_job_t  *job;

    if (r->deadline.timer_set) {
        ngx_del_timer(&r->deadline);
    }

    if (ngx_queue_empty(&r->due)) {
        return;
    }

    q = ngx_queue_head(&r->due);
    job = ngx_queue_data(q, ngx_paas_guard_job_t, due_queue);
    left = (ngx_msec_int_t) (job->due - ngx_current_msec);

    ngx_add_timer(&r->deadline, (ngx_msec_t) ngx_max(left, 0));
}


void
ngx_paas_guard_redis_write(ngx_paas_guard_redis_t *r)
{
    ssize_t            n;
    ngx_err_t          err;
    ngx_connection_t  *c;

    c = r->peer.connection;

    for ( ;; ) {
        ngx_paas_guard_redis_fill(r);

        if (r->pos == r->last) {
            break;
        }

        n = c->send(c, r->pos, r->last - r->pos);
        err = ngx_socket_errno;

        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {
            ngx_paas_guard_redis_fail(r, "closed the connection", err);
            return;
        }

        r->pos += n;
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_paas_guard_redis_fail(r, "is not watched", 0);
    }
}


static void
ngx_paas_guard_redis_fill(ngx_paas_guard_redis_t *r)
{
    size_t                 len;
    uint64_t               now;
    ngx_queue_t           *q;
    ngx_paas_guard_job_t  *job;

    static const u_char    asking[] = "*1\r\n$6\r\nASKING\r\n";

    if (r->pos == r->last) {
        r->pos = r->out;
        r->last = r->out;
    }

    if (ngx_queue_empty(&r->unsent)) {
        return;
    }

    now = ngx_paas_guard_redis_clock();

    while (!ngx_queue_empty(&r->unsent)) {
        q = ngx_queue_head(&r->unsent);
        job = ngx_queue_data(q, ngx_paas_guard_job_t, queue);

        len = job->len + (job->asking ? sizeof(asking) - 1 : 0);

        if (len > (size_t) (r->out + sizeof(r->out) - r->last)) {
            return;
        }

        if (job->asking) {
            r->last = ngx_cpymem(r->last, asking, sizeof(asking) - 1);
            job->asked = 1;
        }

        r->last = ngx_cpymem(r->last, job->command, job->len);

        job->sent = now;
        job->out = 1;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&r->sent, q);
    }
}


void
ngx_paas_guard_redis_flush_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_paas_guard_redis_flush(c->data);
}


void
ngx_paas_guard_redis_write_handler(ngx_event_t *wev)
{
    int                      err;
    socklen_t                len;
    ngx_connection_t        *c;
    ngx_paas_guard_redis_t  *r;

    c = wev->data;
    r = c->data;

    if (r->state != NGX_PAAS_GUARD_REDIS_CONNECTING) {
        ngx_paas_guard_redis_write(r);
        return;
    }

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_paas_guard_redis_fail(r, "does not accept connections", err);
        return;
    }

    ngx_paas_guard_redis_tls_start(r);
}


void
ngx_paas_guard_redis_read_handler(ngx_event_t *rev)
{
    u_char                   buf[16384];
    ssize_t                  n;
    ngx_err_t                err;
    ngx_connection_t        *c;
    ngx_paas_guard_redis_t  *r;

    c = rev->data;
    r = c->data;

    if (c->close) {
        r->stopped = 1;
        ngx_paas_guard_redis_fail(r, NULL, 0);
        return;
    }

    if (r->state == NGX_PAAS_GUARD_REDIS_CONNECTING) {
        return;
    }

    for ( ;; ) {
        n = c->recv(c, buf, sizeof(buf));
        err = ngx_socket_errno;

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == 0 || n == NGX_ERROR) {
            ngx_paas_guard_redis_fail(r, "closed the connection", n ? err : 0);
            return;
        }

        ngx_paas_guard_redis_parse(r, buf, n);

        if (r->broken) {
            ngx_paas_guard_redis_fail(r, r->broken, 0);
            return;
        }
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_paas_guard_redis_fail(r, "is not watched", 0);
    }
}


void
ngx_paas_guard_redis_deadline(ngx_event_t *ev)
{
    ngx_queue_t             *q;
    ngx_uint_t               missed;
    ngx_connection_t        *c;
    ngx_paas_guard_job_t    *job;
    ngx_paas_guard_redis_t  *r;

    c = ev->data;
    r = c->data;
    missed = 0;

    while (!ngx_queue_empty(&r->due)) {
        q = ngx_queue_head(&r->due);
        job = ngx_queue_data(q, ngx_paas_guard_job_t, due_queue);

        if ((ngx_msec_int_t) (job->due - ngx_current_msec) > 0) {
            break;
        }

        if (job->out) {

            /* its reply will come, and be of no use */

            missed = 1;
            ngx_paas_guard_redis_job_over(r, job,
                                          NGX_PAAS_GUARD_RESULT_TIMEOUT);

        } else {
            ngx_queue_remove(&job->queue);
            ngx_paas_guard_redis_job_over(r, job,
                                          NGX_PAAS_GUARD_RESULT_TIMEOUT);
            ngx_paas_guard_redis_job_free(r, job);
        }
    }

    ngx_paas_guard_redis_deadline_set(r);

    /* what was asked at once is missed at once: it is one failure */

    if (missed
        && (r->conf->channel.len
            || ++r->misses >= NGX_PAAS_GUARD_REDIS_MISSES))
    {
        ngx_paas_guard_redis_fail(r, "does not answer in time", 0);
    }
}
