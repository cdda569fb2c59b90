/*
 * A connection to Redis: connecting, greeting, failing, and the breaker.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_sha1.h>

#include "ngx_paas_guard_redis_private.h"


#define NGX_PAAS_GUARD_REDIS_BACKOFF_MAX  5000
#define NGX_PAAS_GUARD_REDIS_LISTEN_MAX   1000   /* of a subscriber */
#define NGX_PAAS_GUARD_REDIS_PING         1000   /* of a subscriber */
#define NGX_PAAS_GUARD_REDIS_PING_CALLS   10000  /* servers close who is idle */


static void ngx_paas_guard_redis_timer(ngx_event_t *ev);
static void ngx_paas_guard_redis_greet_sentinel(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_greet_scripts(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_ping_later(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_ping(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_close(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_drop(ngx_paas_guard_redis_t *r,
    ngx_queue_t *jobs);
static void ngx_paas_guard_redis_move(ngx_queue_t *to, ngx_queue_t *from);


ngx_paas_guard_redis_t *
ngx_paas_guard_redis_create(ngx_paas_guard_redis_conf_t *conf, ngx_log_t *log)
{
    u_char                   digest[20];
    ngx_uint_t               i;
    ngx_sha1_t               sha1;
    ngx_paas_guard_redis_t  *r;

    r = ngx_calloc(sizeof(ngx_paas_guard_redis_t), log);
    if (r == NULL) {
        return NULL;
    }

    r->conf = conf;
    r->log = log;
    r->backoff = NGX_PAAS_GUARD_REDIS_BACKOFF;
    r->pos = r->out;
    r->last = r->out;

    /* nginx logs every failure to connect: here each change is logged once */

    r->quiet = *log;

    if (!(r->quiet.log_level & NGX_LOG_DEBUG_ALL)) {
        r->quiet.log_level = ngx_min(r->quiet.log_level, NGX_LOG_ALERT);
    }

    ngx_queue_init(&r->waiting);
    ngx_queue_init(&r->unsent);
    ngx_queue_init(&r->sent);
    ngx_queue_init(&r->due);
    ngx_queue_init(&r->finding);

    r->reply.redis = r;
    r->host.data = r->host_data;

    r->dummy.fd = (ngx_socket_t) -1;
    r->dummy.data = r;

    r->timer.data = &r->dummy;
    r->timer.log = log;
    r->timer.handler = ngx_paas_guard_redis_timer;
    r->timer.cancelable = 1;

    r->deadline.data = &r->dummy;
    r->deadline.log = log;
    r->deadline.handler = ngx_paas_guard_redis_deadline;

    r->flush.data = &r->dummy;
    r->flush.log = log;
    r->flush.handler = ngx_paas_guard_redis_flush_handler;

    for (i = 0; i < PGUARD_SCRIPTS; i++) {
        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, pguard_scripts[i].data, pguard_scripts[i].len);
        ngx_sha1_final(digest, &sha1);
        ngx_hex_dump(r->sha[i], digest, sizeof(digest));
    }

    return r;
}


void
ngx_paas_guard_redis_start(ngx_paas_guard_redis_t *r)
{
    if (r->state == NGX_PAAS_GUARD_REDIS_AWAY && !r->timer.timer_set
        && !r->stopped)
    {
        ngx_add_timer(&r->timer, 1);
    }
}


void
ngx_paas_guard_redis_destroy(ngx_paas_guard_redis_t *r)
{
    r->stopped = 1;

    ngx_paas_guard_redis_fail(r, NULL, 0);

    if (r->flush.posted) {
        ngx_delete_posted_event(&r->flush);
    }

    ngx_free(r);
}


ngx_uint_t
ngx_paas_guard_redis_usable(ngx_paas_guard_redis_t *r)
{
    return !r->failed && !r->stopped;
}


ngx_uint_t
ngx_paas_guard_redis_ready(ngx_paas_guard_redis_t *r)
{
    return r->state == NGX_PAAS_GUARD_REDIS_READY;
}


void
ngx_paas_guard_redis_up(ngx_paas_guard_redis_t *r)
{
    ngx_uint_t  level;

    ngx_del_timer(&r->timer);

    r->state = NGX_PAAS_GUARD_REDIS_READY;
    r->misses = 0;
    r->deaf = 0;

    if (r->failed) {
        r->failed = 0;
        level = ngx_max(r->conf->level, NGX_LOG_NOTICE);
        ngx_log_error(level, r->log, 0, "paas_guard: redis \"%V\" is back",
                      &r->conf->name);
    }

    ngx_paas_guard_redis_ping_later(r);

    if (!ngx_queue_empty(&r->waiting)) {
        ngx_paas_guard_redis_move(&r->unsent, &r->waiting);
        ngx_post_event(&r->flush, &ngx_posted_events);
    }

    r->conf->changed(r->conf->data, NULL);
}


/* The connection goes, for good if it was stopped.  why may be r->error. */

void
ngx_paas_guard_redis_fail(ngx_paas_guard_redis_t *r, const char *why,
    ngx_err_t err)
{
    ngx_uint_t   changed;
    ngx_msec_t   delay, max;
    ngx_queue_t  jobs;

    ngx_queue_init(&jobs);

    ngx_paas_guard_redis_move(&jobs, &r->sent);
    ngx_paas_guard_redis_move(&jobs, &r->unsent);
    ngx_paas_guard_redis_move(&jobs, &r->waiting);

    ngx_paas_guard_redis_close(r);

    changed = !r->failed && !r->stopped;

    if (changed) {
        r->failed = 1;
        ngx_log_error(r->conf->level, r->log, err,
                      "paas_guard: redis \"%V\" %s, going on without",
                      &r->conf->name, why);
    }

    if (!r->stopped) {
        max = r->conf->channel.len ? NGX_PAAS_GUARD_REDIS_LISTEN_MAX
                                   : NGX_PAAS_GUARD_REDIS_BACKOFF_MAX;

        delay = ngx_min(r->backoff * 3 / 2, max);
        delay -= ngx_random() % (delay / 3 + 1);

        r->backoff = ngx_min(r->backoff * 2, max);

        ngx_add_timer(&r->timer, delay);
    }

    ngx_paas_guard_redis_drop(r, &jobs);

    if (changed) {
        r->conf->changed(r->conf->data, why);
    }
}


void
ngx_paas_guard_redis_renew(ngx_paas_guard_redis_t *r, const char *why)
{
    if (r->stopped) {
        return;
    }

    if (r->state != NGX_PAAS_GUARD_REDIS_AWAY) {
        ngx_paas_guard_redis_fail(r, why, 0);
    }

    ngx_paas_guard_redis_hasten(r);
}


void
ngx_paas_guard_redis_hasten(ngx_paas_guard_redis_t *r)
{
    if (r->state != NGX_PAAS_GUARD_REDIS_AWAY) {
        return;
    }

    r->backoff = NGX_PAAS_GUARD_REDIS_BACKOFF;

    if (r->timer.timer_set) {
        ngx_del_timer(&r->timer);
        ngx_add_timer(&r->timer, 1);
    }
}


ngx_uint_t
ngx_paas_guard_redis_pending(ngx_paas_guard_redis_t *r)
{
    return r->njobs;
}


static void
ngx_paas_guard_redis_timer(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_paas_guard_redis_t  *r;

    c = ev->data;
    r = c->data;

    switch (r->state) {

    case NGX_PAAS_GUARD_REDIS_AWAY:
        r->state = NGX_PAAS_GUARD_REDIS_FINDING;
        ngx_add_timer(&r->timer, r->conf->connect_timeout);
        ngx_paas_guard_redis_find(r);
        return;

    case NGX_PAAS_GUARD_REDIS_READY:
        ngx_paas_guard_redis_ping(r);
        return;

    case NGX_PAAS_GUARD_REDIS_FINDING:
        ngx_paas_guard_redis_fail(r, "is not found in time", NGX_ETIMEDOUT);
        return;

    case NGX_PAAS_GUARD_REDIS_HANDSHAKE:
        ngx_paas_guard_redis_fail(r, "does not complete the TLS handshake",
                                  NGX_ETIMEDOUT);
        return;

    default:
        ngx_paas_guard_redis_fail(r, "does not answer", NGX_ETIMEDOUT);
        return;
    }
}


void
ngx_paas_guard_redis_connect(ngx_paas_guard_redis_t *r,
    struct sockaddr *sockaddr, socklen_t socklen)
{
    ngx_int_t          rc;
    ngx_err_t          err;
    ngx_connection_t  *c;

    ngx_memzero(&r->peer, sizeof(ngx_peer_connection_t));

    r->peer.sockaddr = sockaddr;
    r->peer.socklen = socklen;
    r->peer.name = &r->conf->name;
    r->peer.get = ngx_event_get_peer;
    r->peer.log = &r->quiet;
    r->peer.log_error = NGX_ERROR_ERR;
    r->peer.so_keepalive = 1;

    rc = ngx_event_connect_peer(&r->peer);
    err = ngx_socket_errno;

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_paas_guard_redis_fail(r, "does not accept connections", err);
        return;
    }

    c = r->peer.connection;
    c->data = r;
    c->read->handler = ngx_paas_guard_redis_read_handler;
    c->write->handler = ngx_paas_guard_redis_write_handler;

    if (sockaddr->sa_family != AF_UNIX) {
        (void) ngx_tcp_nodelay(c);
    }

    r->state = NGX_PAAS_GUARD_REDIS_CONNECTING;

    if (rc == NGX_OK) {
        ngx_paas_guard_redis_tls_start(r);
    }
}


/* All in one write. */

void
ngx_paas_guard_redis_greet(ngx_paas_guard_redis_t *r)
{
    ngx_str_t                     args[3];
    ngx_uint_t                    n;
    ngx_paas_guard_redis_conf_t  *conf;

    conf = r->conf;

    if (ngx_paas_guard_redis_reader(r) != NGX_OK) {
        ngx_paas_guard_redis_fail(r, "gets no memory here", 0);
        return;
    }

    r->state = NGX_PAAS_GUARD_REDIS_GREETING;

    if (conf->password.len) {
        n = 0;
        ngx_str_set(&args[n], "AUTH");
        n++;

        if (conf->username.len) {
            args[n++] = conf->username;
        }

        args[n++] = conf->password;

        (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_AUTH, n,
                                            args);
    }

    if (conf->role) {
        ngx_str_set(&args[0], "ROLE");

        (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_ROLE, 1,
                                            args);
    }

    if (conf->master.len) {
        ngx_paas_guard_redis_greet_sentinel(r);
    }

    if (conf->channel.len) {
        ngx_str_set(&args[0], "SUBSCRIBE");
        args[1] = conf->channel;

        (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_GREETING, 2,
                                            args);
    } else {
        ngx_paas_guard_redis_greet_scripts(r);
    }

    if (r->broken) {
        ngx_paas_guard_redis_fail(r, r->broken, 0);
        return;
    }

    ngx_paas_guard_redis_write(r);
}


/* In one write with the subscription: no change of master is missed. */

static void
ngx_paas_guard_redis_greet_sentinel(ngx_paas_guard_redis_t *r)
{
    ngx_str_t  args[3];

    ngx_str_set(&args[0], "SENTINEL");
    ngx_str_set(&args[1], "get-master-addr-by-name");
    args[2] = r->conf->master;

    (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_MASTER, 3, args);
}


/*
 * The last one counts a request of nobody: a server that answers but can't be
 * written to (a replica, one that is full) is of no use, and the breaker must
 * stay open.
 */

static void
ngx_paas_guard_redis_greet_scripts(ngx_paas_guard_redis_t *r)
{
    u_char      db[NGX_INT_T_LEN];
    ngx_str_t   args[3];
    ngx_uint_t  i;

    if (r->conf->db) {
        ngx_str_set(&args[0], "SELECT");
        args[1].data = db;
        args[1].len = ngx_sprintf(db, "%ui", r->conf->db) - db;

        (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_GREETING, 2,
                                            args);
    }

    ngx_str_set(&args[0], "SCRIPT");
    ngx_str_set(&args[1], "LOAD");

    for (i = 0; i < PGUARD_SCRIPTS; i++) {
        args[2].data = (u_char *) pguard_scripts[i].data;
        args[2].len = pguard_scripts[i].len;

        (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_GREETING, 3,
                                            args);
    }

    if (r->conf->slots == NULL) {
        ngx_paas_guard_redis_greet_probe(r, &r->conf->probe);
        return;
    }

    /* a node of a cluster takes only keys of its own: it tells them first */

    ngx_str_set(&args[0], "CLUSTER");
    ngx_str_set(&args[1], "SLOTS");

    (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_SLOTS, 2, args);
}


void
ngx_paas_guard_redis_greet_probe(ngx_paas_guard_redis_t *r, ngx_str_t *key)
{
    ngx_str_t  args[9];

    ngx_str_set(&args[0], "EVALSHA");
    args[1].data = r->sha[PGUARD_SCRIPT_DECIDE];
    args[1].len = NGX_PAAS_GUARD_SHA_LEN;
    ngx_str_set(&args[2], "1");
    args[3] = *key;
    ngx_str_set(&args[4], "0");

    /* when, n, window, at */

    ngx_str_set(&args[5], "0");
    ngx_str_set(&args[6], "1");
    ngx_str_set(&args[7], "1000");
    ngx_str_set(&args[8], "0");

    (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_PROBE, 9, args);
}


static void
ngx_paas_guard_redis_ping_later(ngx_paas_guard_redis_t *r)
{
    ngx_add_timer(&r->timer, r->conf->channel.len
                             ? NGX_PAAS_GUARD_REDIS_PING
                             : NGX_PAAS_GUARD_REDIS_PING_CALLS);
}


/* Of a subscriber, which has no calls, the ping is one; of another connection
   it is none, and nobody looks at its answer. */

static void
ngx_paas_guard_redis_ping(ngx_paas_guard_redis_t *r)
{
    ngx_str_t              args[1];
    ngx_paas_guard_job_t  *job;

    if (ngx_exiting && r->conf->channel.len) {
        r->stopped = 1;
        ngx_paas_guard_redis_fail(r, NULL, 0);
        return;
    }

    ngx_str_set(&args[0], "PING");

    job = ngx_paas_guard_redis_job(r, -1, 1, args);

    if (job) {

        if (r->conf->channel.len) {
            job->due = ngx_current_msec + r->conf->connect_timeout;
            ngx_paas_guard_redis_job_due(r, job);

        } else {
            job->over = 1;
        }

        ngx_queue_insert_tail(&r->unsent, &job->queue);
    }

    ngx_paas_guard_redis_ping_later(r);
    ngx_paas_guard_redis_write(r);
}


static void
ngx_paas_guard_redis_close(ngx_paas_guard_redis_t *r)
{
    if (r->timer.timer_set) {
        ngx_del_timer(&r->timer);
    }

    ngx_paas_guard_redis_find_cancel(r);

    if (r->peer.connection) {
        ngx_paas_guard_redis_tls_close(r->peer.connection);
        ngx_close_connection(r->peer.connection);
        r->peer.connection = NULL;
    }

    ngx_paas_guard_redis_reader_free(r);

    r->state = NGX_PAAS_GUARD_REDIS_AWAY;
    r->greetings = 0;
    r->loading = 0;
    r->misses = 0;
    r->epoch = 0;
    r->slots = NULL;
    r->broken = NULL;
    r->pos = r->out;
    r->last = r->out;
}


static void
ngx_paas_guard_redis_drop(ngx_paas_guard_redis_t *r, ngx_queue_t *jobs)
{
    ngx_queue_t           *q;
    ngx_paas_guard_job_t  *job;

    while (!ngx_queue_empty(jobs)) {
        q = ngx_queue_head(jobs);
        ngx_queue_remove(q);

        job = ngx_queue_data(q, ngx_paas_guard_job_t, queue);

        r->reply.nvalues = 0;

        ngx_paas_guard_redis_job_over(r, job, NGX_PAAS_GUARD_RESULT_DROPPED);
        ngx_paas_guard_redis_job_free(r, job);
    }

    ngx_paas_guard_redis_deadline_set(r);
}


static void
ngx_paas_guard_redis_move(ngx_queue_t *to, ngx_queue_t *from)
{
    /* ngx_queue_add() takes no empty queue */

    if (!ngx_queue_empty(from)) {
        ngx_queue_add(to, from);
        ngx_queue_init(from);
    }
}
