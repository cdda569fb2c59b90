#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>
#include <ngx_sha1.h>

#include <hiredis/hiredis.h>

#include "ngx_paas_guard_compat.h"
#include "ngx_paas_guard_redis.h"


#define NGX_PAAS_GUARD_REDIS_BUFFER   65536   /* bytes written at once */
#define NGX_PAAS_GUARD_REDIS_UNREAD   131072  /* bytes of a reply to come */

#define NGX_PAAS_GUARD_REDIS_MISSES   3       /* then the breaker opens */
#define NGX_PAAS_GUARD_REDIS_BACKOFF      100
#define NGX_PAAS_GUARD_REDIS_BACKOFF_MAX  5000
#define NGX_PAAS_GUARD_REDIS_PING     1000    /* of a subscriber */
#define NGX_PAAS_GUARD_REDIS_EPOCH    5000000 /* usec: see learn_time() */

#define NGX_PAAS_GUARD_SHA_LEN        40


typedef enum {
    NGX_PAAS_GUARD_REDIS_AWAY = 0,            /* waits for its next attempt */
    NGX_PAAS_GUARD_REDIS_CONNECTING,
    NGX_PAAS_GUARD_REDIS_GREETING,
    NGX_PAAS_GUARD_REDIS_READY
} ngx_paas_guard_redis_state_e;


typedef enum {
    NGX_PAAS_GUARD_JOB_CALL = 0,
    NGX_PAAS_GUARD_JOB_AUTH,
    NGX_PAAS_GUARD_JOB_GREETING,
    NGX_PAAS_GUARD_JOB_PROBE,
    NGX_PAAS_GUARD_JOB_LOAD                   /* a script, once more */
} ngx_paas_guard_job_e;


/* A call on its way; freed when its reply has come or its connection goes. */

typedef struct {
    ngx_queue_t                    queue;     /* waiting, unsent, or sent */
    ngx_queue_t                    due_queue;
    ngx_msec_t                     due;
    uint64_t                       sent;
    ngx_int_t                      script;
    ngx_uint_t                     kind;      /* ngx_paas_guard_job_e */
    char                          *command;
    size_t                         len;
    ngx_paas_guard_call_pt         handler;
    void                          *data;
    unsigned                       timed:1;   /* is in the due queue */
    unsigned                       out:1;     /* was written */
    unsigned                       over:1;    /* its owner knows the result */
    unsigned                       again:1;   /* after NOSCRIPT */
} ngx_paas_guard_job_t;


struct ngx_paas_guard_redis_s {
    ngx_paas_guard_redis_conf_t   *conf;
    ngx_uint_t                     state;     /* ngx_paas_guard_redis_state_e */
    ngx_peer_connection_t          peer;
    ngx_log_t                     *log;
    ngx_log_t                      quiet;     /* of the socket's own errors */
    redisReader                   *reader;

    ngx_queue_t                    waiting;   /* until the connection is up */
    ngx_queue_t                    unsent;
    ngx_queue_t                    sent;      /* in the order of replies */
    ngx_queue_t                    due;
    ngx_uint_t                     njobs;
    ngx_uint_t                     greetings; /* replies to come */
    ngx_uint_t                     loading;   /* bits: scripts */

    ngx_connection_t               dummy;     /* data of the events below */
    ngx_event_t                    timer;     /* connect, next attempt, ping */
    ngx_event_t                    deadline;
    ngx_event_t                    flush;

    ngx_uint_t                     address;
    ngx_uint_t                     misses;
    ngx_msec_t                     backoff;
    const char                    *broken;    /* close when back in the loop */
    int64_t                        offset[2]; /* server's clock minus ours */
    uint64_t                       epoch;

    unsigned                       failed:1;  /* known to be away */
    unsigned                       stopped:1; /* for good */

    u_char                        *pos;       /* of out, still to be written */
    u_char                        *last;
    u_char                         out[NGX_PAAS_GUARD_REDIS_BUFFER];
    u_char                         error[128];
    u_char                         sha[PGUARD_SCRIPTS][NGX_PAAS_GUARD_SHA_LEN];
    ngx_paas_guard_reply_t         reply;
};


static void ngx_paas_guard_redis_timer(ngx_event_t *ev);
static void ngx_paas_guard_redis_connect(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_greet(ngx_paas_guard_redis_t *r);
static ngx_int_t ngx_paas_guard_redis_command(ngx_paas_guard_redis_t *r,
    ngx_uint_t kind, ngx_uint_t nargs, ngx_str_t *args);
static void ngx_paas_guard_redis_up(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_ping(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_fail(ngx_paas_guard_redis_t *r,
    const char *why, ngx_err_t err);
static void ngx_paas_guard_redis_close(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_drop(ngx_paas_guard_redis_t *r,
    ngx_queue_t *jobs);
static void ngx_paas_guard_redis_move(ngx_queue_t *to, ngx_queue_t *from);

static ngx_paas_guard_job_t *ngx_paas_guard_redis_job(
    ngx_paas_guard_redis_t *r, ngx_int_t script, ngx_uint_t nargs,
    ngx_str_t *args);
static void ngx_paas_guard_redis_job_due(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job);
static void ngx_paas_guard_redis_job_over(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job, ngx_paas_guard_result_e result);
static void ngx_paas_guard_redis_job_free(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job);
static void ngx_paas_guard_redis_deadline(ngx_event_t *ev);
static void ngx_paas_guard_redis_deadline_set(ngx_paas_guard_redis_t *r);

static void ngx_paas_guard_redis_flush_handler(ngx_event_t *ev);
static void ngx_paas_guard_redis_write_handler(ngx_event_t *wev);
static void ngx_paas_guard_redis_write(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_fill(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_read_handler(ngx_event_t *rev);
static void ngx_paas_guard_redis_parse(ngx_paas_guard_redis_t *r, u_char *buf,
    size_t size);
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


void
ngx_paas_guard_redis_flush(ngx_paas_guard_redis_t *r)
{
    if (r->state == NGX_PAAS_GUARD_REDIS_READY) {
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


static void
ngx_paas_guard_redis_timer(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_paas_guard_redis_t  *r;

    c = ev->data;
    r = c->data;

    switch (r->state) {

    case NGX_PAAS_GUARD_REDIS_AWAY:
        ngx_paas_guard_redis_connect(r);
        return;

    case NGX_PAAS_GUARD_REDIS_READY:
        ngx_paas_guard_redis_ping(r);
        return;

    default:
        ngx_paas_guard_redis_fail(r, "does not answer", NGX_ETIMEDOUT);
        return;
    }
}


static void
ngx_paas_guard_redis_connect(ngx_paas_guard_redis_t *r)
{
    ngx_int_t          rc;
    ngx_err_t          err;
    ngx_addr_t        *addr;
    ngx_connection_t  *c;

    addr = &r->conf->addrs[r->address++ % r->conf->naddrs];

    ngx_memzero(&r->peer, sizeof(ngx_peer_connection_t));

    r->peer.sockaddr = addr->sockaddr;
    r->peer.socklen = addr->socklen;
    r->peer.name = &addr->name;
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

    if (addr->sockaddr->sa_family != AF_UNIX) {
        (void) ngx_tcp_nodelay(c);
    }

    r->state = NGX_PAAS_GUARD_REDIS_CONNECTING;

    ngx_add_timer(&r->timer, r->conf->connect_timeout);

    if (rc == NGX_OK) {
        ngx_paas_guard_redis_greet(r);
    }
}


/*
 * All in one write.  The last one counts a request of nobody, for a server
 * that answers but can't be written to (a replica, one that is full) is of no
 * use: the breaker must stay open.
 */

static void
ngx_paas_guard_redis_greet(ngx_paas_guard_redis_t *r)
{
    u_char                        db[NGX_INT_T_LEN];
    ngx_str_t                     args[9];
    ngx_uint_t                    i, n;
    ngx_paas_guard_redis_conf_t  *conf;

    conf = r->conf;

    r->reader = redisReaderCreateWithFunctions(&ngx_paas_guard_reply_functions);
    if (r->reader == NULL) {
        ngx_paas_guard_redis_fail(r, "gets no memory here", 0);
        return;
    }

    r->reader->privdata = r;
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

    if (conf->channel.len) {
        ngx_str_set(&args[0], "SUBSCRIBE");
        args[1] = conf->channel;

        (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_GREETING, 2,
                                            args);
        ngx_paas_guard_redis_write(r);
        return;
    }

    if (conf->db) {
        ngx_str_set(&args[0], "SELECT");
        args[1].data = db;
        args[1].len = ngx_sprintf(db, "%ui", conf->db) - db;

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

    ngx_str_set(&args[0], "EVALSHA");
    args[1].data = r->sha[PGUARD_SCRIPT_DECIDE];
    args[1].len = NGX_PAAS_GUARD_SHA_LEN;
    ngx_str_set(&args[2], "1");
    args[3] = conf->probe;
    ngx_str_set(&args[4], "0");

    /* when, n, window, at */

    ngx_str_set(&args[5], "0");
    ngx_str_set(&args[6], "1");
    ngx_str_set(&args[7], "1000");
    ngx_str_set(&args[8], "0");

    (void) ngx_paas_guard_redis_command(r, NGX_PAAS_GUARD_JOB_PROBE, 9, args);

    ngx_paas_guard_redis_write(r);
}


static ngx_int_t
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


static void
ngx_paas_guard_redis_up(ngx_paas_guard_redis_t *r)
{
    ngx_uint_t  level;

    ngx_del_timer(&r->timer);

    r->state = NGX_PAAS_GUARD_REDIS_READY;
    r->misses = 0;

    if (r->failed) {
        r->failed = 0;
        level = ngx_max(r->conf->level, NGX_LOG_NOTICE);
        ngx_log_error(level, r->log, 0, "paas_guard: redis \"%V\" is back",
                      &r->conf->name);
    }

    if (r->conf->channel.len) {
        ngx_add_timer(&r->timer, NGX_PAAS_GUARD_REDIS_PING);
    }

    if (!ngx_queue_empty(&r->waiting)) {
        ngx_paas_guard_redis_move(&r->unsent, &r->waiting);
        ngx_post_event(&r->flush, &ngx_posted_events);
    }

    r->conf->changed(r->conf->data, 1);
}


static void
ngx_paas_guard_redis_ping(ngx_paas_guard_redis_t *r)
{
    ngx_str_t              args[1];
    ngx_paas_guard_job_t  *job;

    if (ngx_exiting) {
        r->stopped = 1;
        ngx_paas_guard_redis_fail(r, NULL, 0);
        return;
    }

    ngx_str_set(&args[0], "PING");

    job = ngx_paas_guard_redis_job(r, -1, 1, args);

    if (job) {
        job->due = ngx_current_msec + r->conf->connect_timeout;

        ngx_paas_guard_redis_job_due(r, job);
        ngx_queue_insert_tail(&r->unsent, &job->queue);
    }

    ngx_add_timer(&r->timer, NGX_PAAS_GUARD_REDIS_PING);

    ngx_paas_guard_redis_write(r);
}


/* The connection goes, for good if it was stopped.  why may be r->error. */

static void
ngx_paas_guard_redis_fail(ngx_paas_guard_redis_t *r, const char *why,
    ngx_err_t err)
{
    ngx_uint_t   changed;
    ngx_msec_t   delay;
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
        delay = ngx_min(r->backoff * 3 / 2, NGX_PAAS_GUARD_REDIS_BACKOFF_MAX);
        delay -= ngx_random() % (delay / 3 + 1);

        r->backoff = ngx_min(r->backoff * 2, NGX_PAAS_GUARD_REDIS_BACKOFF_MAX);

        ngx_add_timer(&r->timer, delay);
    }

    ngx_paas_guard_redis_drop(r, &jobs);

    if (changed) {
        r->conf->changed(r->conf->data, 0);
    }
}


static void
ngx_paas_guard_redis_close(ngx_paas_guard_redis_t *r)
{
    if (r->timer.timer_set) {
        ngx_del_timer(&r->timer);
    }

    if (r->peer.connection) {
        ngx_close_connection(r->peer.connection);
        r->peer.connection = NULL;
    }

    if (r->reader) {
        redisReaderFree(r->reader);
        r->reader = NULL;
    }

    r->state = NGX_PAAS_GUARD_REDIS_AWAY;
    r->greetings = 0;
    r->loading = 0;
    r->misses = 0;
    r->epoch = 0;
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


static ngx_paas_guard_job_t *
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


/* Deadlines come nearly in order: most are put at the end at once. */

static void
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


static void
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


static void
ngx_paas_guard_redis_job_free(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job)
{
    r->njobs--;

    redisFreeCommand(job->command);
    ngx_free(job);
}


static void
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


static void
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


static void
ngx_paas_guard_redis_flush_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_paas_guard_redis_flush(c->data);
}


static void
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

    ngx_paas_guard_redis_greet(r);
}


static void
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
    uint64_t               now;
    ngx_queue_t           *q;
    ngx_paas_guard_job_t  *job;

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

        if (job->len > (size_t) (r->out + sizeof(r->out) - r->last)) {
            return;
        }

        r->last = ngx_cpymem(r->last, job->command, job->len);

        job->sent = now;
        job->out = 1;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&r->sent, q);
    }
}


static void
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


static void
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
