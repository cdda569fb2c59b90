/*
 * What the files of the connection to Redis share:
 *
 *   ngx_paas_guard_redis.c       calls, from where they are made to their end
 *   ngx_paas_guard_redis_reply.c  what a reply says; alone includes hiredis
 *   ngx_paas_guard_redis_dispatch.c  what a reply is an answer to
 *   ngx_paas_guard_redis_find.c  where to connect to, without blocking
 *   ngx_paas_guard_redis_tls.c   the handshake, names and certificates
 *   ngx_paas_guard_redis_conn.c  connecting, greeting, failing, the breaker
 *   ngx_paas_guard_redis_io.c    reading, writing, deadlines, the clock
 */

#ifndef _NGX_PAAS_GUARD_REDIS_PRIVATE_H_INCLUDED_
#define _NGX_PAAS_GUARD_REDIS_PRIVATE_H_INCLUDED_


#include <ngx_event_connect.h>

#include "ngx_paas_guard_redis.h"


#define NGX_PAAS_GUARD_REDIS_BUFFER   65536   /* bytes written at once */
#define NGX_PAAS_GUARD_REDIS_MISSES   3       /* then the breaker opens */
#define NGX_PAAS_GUARD_REDIS_BACKOFF  100

#define NGX_PAAS_GUARD_HOST_MAX       256
#define NGX_PAAS_GUARD_SHA_LEN        40


typedef enum {
    NGX_PAAS_GUARD_REDIS_AWAY = 0,            /* waits for its next attempt */
    NGX_PAAS_GUARD_REDIS_FINDING,
    NGX_PAAS_GUARD_REDIS_CONNECTING,
    NGX_PAAS_GUARD_REDIS_HANDSHAKE,
    NGX_PAAS_GUARD_REDIS_GREETING,
    NGX_PAAS_GUARD_REDIS_READY
} ngx_paas_guard_redis_state_e;


typedef enum {
    NGX_PAAS_GUARD_JOB_CALL = 0,
    NGX_PAAS_GUARD_JOB_AUTH,
    NGX_PAAS_GUARD_JOB_GREETING,
    NGX_PAAS_GUARD_JOB_PROBE,
    NGX_PAAS_GUARD_JOB_ROLE,
    NGX_PAAS_GUARD_JOB_MASTER,                /* asks a sentinel */
    NGX_PAAS_GUARD_JOB_SLOTS,                 /* asks a cluster */
    NGX_PAAS_GUARD_JOB_SLOTS_LATER,           /* not a greeting */
    NGX_PAAS_GUARD_JOB_LOAD                   /* a script, once more */
} ngx_paas_guard_job_e;


/* A call on its way; freed when its reply has come or its connection goes. */

struct ngx_paas_guard_job_s {
    ngx_queue_t                    queue;     /* waiting, unsent, or sent */
    ngx_queue_t                    due_queue;
    ngx_msec_t                     due;
    uint64_t                       sent;
    ngx_int_t                      script;
    ngx_uint_t                     kind;      /* ngx_paas_guard_job_e */
    u_char                        *command;   /* right behind this */
    size_t                         len;
    ngx_paas_guard_call_pt         handler;
    void                          *data;
    unsigned                       timed:1;   /* is in the due queue */
    unsigned                       out:1;     /* was written */
    unsigned                       over:1;    /* its owner knows the result */
    unsigned                       again:1;   /* after NOSCRIPT */
    unsigned                       moved:1;   /* came from another node */
    unsigned                       asking:1;  /* ASKING goes before it */
    unsigned                       asked:1;   /* and its reply is to come */
};


struct ngx_paas_guard_redis_s {
    ngx_paas_guard_redis_conf_t   *conf;
    ngx_uint_t                     state;     /* ngx_paas_guard_redis_state_e */
    ngx_peer_connection_t          peer;
    ngx_log_t                     *log;
    ngx_log_t                      quiet;     /* of the socket's own errors */
    struct redisReader            *reader;    /* hiredis: the codec */

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

    ngx_resolver_ctx_t            *resolving;
    ngx_paas_guard_place_t        *known;
    ngx_uint_t                     port;
    ngx_sockaddr_t                 sockaddr;
    socklen_t                      socklen;
    ngx_queue_t                    finding;   /* of those looking for it */
    ngx_str_t                      host;      /* what was found, */
    u_char                         host_data[NGX_PAAS_GUARD_HOST_MAX];

    pguard_slots_reader_t         *slots;     /* that is being read */
    ngx_uint_t                     address;
    ngx_uint_t                     misses;
    ngx_msec_t                     backoff;
    const char                    *broken;    /* close when back in the loop */
    int64_t                        offset[2]; /* server's clock minus ours */
    uint64_t                       epoch;

    unsigned                       failed:1;  /* known to be away */
    unsigned                       stopped:1; /* for good */
    unsigned                       deaf:1;    /* may not subscribe: was told */

    u_char                        *pos;       /* of out, still to be written */
    u_char                        *last;
    u_char                         out[NGX_PAAS_GUARD_REDIS_BUFFER];
    u_char                         error[128];
    u_char                         sha[PGUARD_SCRIPTS][NGX_PAAS_GUARD_SHA_LEN];
    ngx_paas_guard_value_t         below;     /* of a value in an array of an
                                                 array: is not kept */
    ngx_paas_guard_reply_t         reply;
};


/* ngx_paas_guard_redis.c */

/* Puts a call of the connection's own at the end of what is unsent. */
ngx_int_t ngx_paas_guard_redis_command(ngx_paas_guard_redis_t *r,
    ngx_uint_t kind, ngx_uint_t nargs, ngx_str_t *args);

/* A call, formatted, in no queue; NULL: too long, or no memory. */
ngx_paas_guard_job_t *ngx_paas_guard_redis_job(ngx_paas_guard_redis_t *r,
    ngx_int_t script, ngx_uint_t nargs, ngx_str_t *args);

/* Tells the owner of a call its result, once. */
void ngx_paas_guard_redis_job_over(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job, ngx_paas_guard_result_e result);

void ngx_paas_guard_redis_job_free(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job);

/* ngx_paas_guard_redis_reply.c */

/* A codec for a new connection; NGX_ERROR: no memory. */
ngx_int_t ngx_paas_guard_redis_reader(ngx_paas_guard_redis_t *r);
void ngx_paas_guard_redis_reader_free(ngx_paas_guard_redis_t *r);

/* Takes bytes from the server and hands on what is complete; sets broken. */
void ngx_paas_guard_redis_parse(ngx_paas_guard_redis_t *r, u_char *buf,
    size_t size);


/* ngx_paas_guard_redis_dispatch.c */

/* Hands on the reply that is complete; sets broken. */
void ngx_paas_guard_redis_dispatch(ngx_paas_guard_redis_t *r);


/* ngx_paas_guard_redis_conn.c */

/* All greetings are answered. */
void ngx_paas_guard_redis_up(ngx_paas_guard_redis_t *r);

/* The connection goes, for good if it was stopped.  why may be r->error. */
void ngx_paas_guard_redis_fail(ngx_paas_guard_redis_t *r, const char *why,
    ngx_err_t err);

/* Connects to an address that was found. */
void ngx_paas_guard_redis_connect(ngx_paas_guard_redis_t *r,
    struct sockaddr *sockaddr, socklen_t socklen);

/* The socket is connected, the handshake is over. */
void ngx_paas_guard_redis_greet(ngx_paas_guard_redis_t *r);


/* Asks for the one write that shows that the server can be written to. */
void ngx_paas_guard_redis_greet_probe(ngx_paas_guard_redis_t *r,
    ngx_str_t *key);


/* ngx_paas_guard_redis_find.c */

/* Looks for an address and connects, now or later. */
void ngx_paas_guard_redis_find(ngx_paas_guard_redis_t *r);
void ngx_paas_guard_redis_find_cancel(ngx_paas_guard_redis_t *r);


/* ngx_paas_guard_redis_tls.c */

/* The socket is connected: shakes hands, then greets. */
void ngx_paas_guard_redis_tls_start(ngx_paas_guard_redis_t *r);
void ngx_paas_guard_redis_tls_close(ngx_connection_t *c);


/* ngx_paas_guard_redis_io.c */

/* Puts a call among the deadlines. */
void ngx_paas_guard_redis_job_due(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_job_t *job);

/* Sets the timer for the next deadline. */
void ngx_paas_guard_redis_deadline_set(ngx_paas_guard_redis_t *r);

/* Writes what is unsent, as far as the socket takes it. */
void ngx_paas_guard_redis_write(ngx_paas_guard_redis_t *r);

void ngx_paas_guard_redis_flush_handler(ngx_event_t *ev);
void ngx_paas_guard_redis_write_handler(ngx_event_t *wev);
void ngx_paas_guard_redis_read_handler(ngx_event_t *rev);
void ngx_paas_guard_redis_deadline(ngx_event_t *ev);


#endif /* _NGX_PAAS_GUARD_REDIS_PRIVATE_H_INCLUDED_ */
