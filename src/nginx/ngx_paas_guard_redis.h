/*
 * One connection to Redis (or Valkey).  nginx owns socket, events and timers;
 * hiredis only parses replies.  Nothing here knows of requests, zones or rules:
 * calls go out, and each comes back exactly once, from the event loop.
 */

#ifndef _NGX_PAAS_GUARD_REDIS_H_INCLUDED_
#define _NGX_PAAS_GUARD_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/pguard.h"
#include "../core/pguard_script.h"
#include "../core/pguard_slots.h"


#define NGX_PAAS_GUARD_REDIS_VALUES  256       /* in one reply, at most */
#define NGX_PAAS_GUARD_REDIS_DATA    65536     /* bytes of all its strings */
#define NGX_PAAS_GUARD_REDIS_ARGS    96
#define NGX_PAAS_GUARD_REDIS_CALLS   8192      /* that wait at once */


typedef struct ngx_paas_guard_redis_s  ngx_paas_guard_redis_t;
typedef struct ngx_paas_guard_reply_s  ngx_paas_guard_reply_t;
typedef struct ngx_paas_guard_job_s    ngx_paas_guard_job_t;


typedef enum {
    NGX_PAAS_GUARD_RESULT_OK = 0,
    NGX_PAAS_GUARD_RESULT_ERROR,        /* an error reply */
    NGX_PAAS_GUARD_RESULT_TIMEOUT,
    NGX_PAAS_GUARD_RESULT_DROPPED,      /* connection lost, or not sent */
    NGX_PAAS_GUARD_RESULTS
} ngx_paas_guard_result_e;


/* A reply, flat: one value, or the values of an array.  Whatever does not fit
   is a protocol error, and so are arrays in arrays, except in replies to what
   the connection itself asks for. */

typedef enum {
    NGX_PAAS_GUARD_VALUE_NIL = 0,
    NGX_PAAS_GUARD_VALUE_INTEGER,
    NGX_PAAS_GUARD_VALUE_STRING,
    NGX_PAAS_GUARD_VALUE_ERROR
} ngx_paas_guard_value_e;

typedef struct {
    ngx_uint_t                     type;        /* ngx_paas_guard_value_e */
    int64_t                        integer;
    ngx_str_t                      string;
} ngx_paas_guard_value_t;

struct ngx_paas_guard_reply_s {
    ngx_uint_t                     array;       /* 1: an array */
    ngx_uint_t                     nvalues;
    ngx_paas_guard_redis_t        *redis;       /* that it came from */
    ngx_paas_guard_value_t         values[NGX_PAAS_GUARD_REDIS_VALUES];
    size_t                         used;
    u_char                         data[NGX_PAAS_GUARD_REDIS_DATA];
};


/* reply is NULL unless result is OK or ERROR, and is valid only until the
   handler returns. */
typedef void (*ngx_paas_guard_call_pt)(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);

typedef struct {
    ngx_int_t                      script;      /* pguard_script_e, or -1 */
    ngx_uint_t                     keys;        /* of args, for a script */
    ngx_uint_t                     nargs;
    ngx_str_t                     *args;
    ngx_msec_t                     due;         /* deadline; 0: the timeout from
                                                   now on */
    ngx_paas_guard_call_pt         handler;     /* may be NULL */
    void                          *data;
} ngx_paas_guard_call_t;


/*
 * A server: the addresses found when the configuration was read, and its name,
 * which each attempt to connect looks up again if there is a resolver.  Nothing
 * here ever blocks.
 */

typedef struct {
    ngx_str_t                      host;        /* empty: addrs only */
    in_port_t                      port;
    ngx_addr_t                    *addrs;
    ngx_uint_t                     naddrs;
} ngx_paas_guard_place_t;


/* What the owner sets.  All of it must outlive the connection. */

typedef struct {
    ngx_str_t                      name;        /* for the log */
    ngx_paas_guard_place_t         place;
    ngx_resolver_t                *resolver;    /* NULL: there is none */
    void                          *tls;         /* ngx_ssl_t, NULL: none */
    ngx_str_t                      tls_name;    /* with a zero after it */
    ngx_str_t                      username;
    ngx_str_t                      password;    /* empty: no AUTH */
    ngx_uint_t                     db;
    ngx_msec_t                     timeout;
    ngx_msec_t                     connect_timeout;
    ngx_str_t                      channel;     /* not empty: a subscriber */
    ngx_str_t                      master;      /* not empty: a sentinel is
                                                   asked for this one */
    ngx_uint_t                     role;        /* 1: must be a master */
    ngx_str_t                      probe;       /* a key to try a write on */
    ngx_uint_t                     level;       /* of changes, in the log */

    void                          *data;
    void                          *finder;      /* the data of find() */

    /* where to connect to: calls ngx_paas_guard_redis_found(), at once or
       later; may be NULL, then it is place */
    void                         (*find)(void *data,
                                         ngx_paas_guard_redis_t *r);

    /* what a sentinel says of master; host is empty if it knows none */
    void                         (*master_is)(void *data, ngx_str_t *host,
                                              ngx_uint_t port);

    /* a node of a cluster: CLUSTER SLOTS is about to be read, and was read;
       probe is then a key of this node, or empty */
    pguard_slots_reader_t       *(*slots)(void *data);
    ngx_str_t                    (*mapped)(void *data);

    /* an error reply of a node of a cluster; NGX_OK: it was a redirection, and
       job (may be NULL) was handed over to another node */
    ngx_int_t                    (*redirect)(void *data, ngx_str_t *text,
                                             ngx_paas_guard_job_t *job);

    /* the connection is up (lost is NULL), or was lost: lost says what the
       server did, as half a sentence; never called by start() */
    void                         (*changed)(void *data, const char *lost);

    /* a call that went out is over; usec since then, 0 unless it succeeded */
    void                         (*observed)(void *data,
                                             ngx_paas_guard_result_e result,
                                             uint64_t usec);

    /* a message of the channel */
    void                         (*message)(void *data, ngx_str_t *text);
} ngx_paas_guard_redis_conf_t;


/* The version of hiredis that this was built with. */
extern const char  ngx_paas_guard_redis_library[];

/* Allocates a connection, not yet connected.  NULL if there is no memory. */
ngx_paas_guard_redis_t *ngx_paas_guard_redis_create(
    ngx_paas_guard_redis_conf_t *conf, ngx_log_t *log);

/* Connects soon, from the event loop, and again whenever that fails. */
void ngx_paas_guard_redis_start(ngx_paas_guard_redis_t *r);

/* Closes and frees it.  Calls that wait come back as dropped, from in here. */
void ngx_paas_guard_redis_destroy(ngx_paas_guard_redis_t *r);

/* The answer to find(): where to connect to.  host empty: it can't be found,
   and why says so (the end of a sentence).  known: addresses to fall back on;
   may be NULL. */
void ngx_paas_guard_redis_found(ngx_paas_guard_redis_t *r, ngx_str_t *host,
    ngx_uint_t port, ngx_paas_guard_place_t *known, const char *why);

/* Closes a connection that is known to be useless, and connects again soon.
   Not to be called from within one of its own callbacks. */
void ngx_paas_guard_redis_renew(ngx_paas_guard_redis_t *r, const char *why);

/* Connects again soon, if it waits for its next attempt: there is reason to
   believe that the server is back. */
void ngx_paas_guard_redis_hasten(ngx_paas_guard_redis_t *r);

/* Is it connected to this node, or about to be, by that name? */
ngx_uint_t ngx_paas_guard_redis_is_at(ngx_paas_guard_redis_t *r,
    const pguard_slots_node_t *node);

/* A node of a cluster: asks for CLUSTER SLOTS.  NGX_DECLINED: not now. */
ngx_int_t ngx_paas_guard_redis_ask_slots(ngx_paas_guard_redis_t *r);

/* In redirect(): hands job over to another connection, once. */
ngx_int_t ngx_paas_guard_redis_forward(ngx_paas_guard_redis_t *from,
    ngx_paas_guard_job_t *job, ngx_paas_guard_redis_t *to, ngx_uint_t asking);

/* How many calls wait for a reply. */
ngx_uint_t ngx_paas_guard_redis_pending(ngx_paas_guard_redis_t *r);

/* 1: a call makes sense now, as it is connected, or connects for the first
   time; else 0. */
ngx_uint_t ngx_paas_guard_redis_usable(ngx_paas_guard_redis_t *r);

/* 1: it is connected; else 0. */
ngx_uint_t ngx_paas_guard_redis_ready(ngx_paas_guard_redis_t *r);

/* NGX_OK: call->handler will be called, never from in here.  NGX_DECLINED: not
   usable, or too many calls wait; nothing is kept of *call. */
ngx_int_t ngx_paas_guard_redis_call(ngx_paas_guard_redis_t *r,
    ngx_paas_guard_call_t *call);

/* Writes what can be written without waiting: for the end of a process. */
void ngx_paas_guard_redis_flush(ngx_paas_guard_redis_t *r);

/* 1: this error reply says that the call was refused before it did anything;
   else 0. */
ngx_uint_t ngx_paas_guard_redis_refused(ngx_paas_guard_reply_t *reply);

/* The local clock: us, monotonic, not cached. */
uint64_t ngx_paas_guard_redis_clock(void);

/* The server's time (us) when the local clock shows local: never later than the
   truth; 0 if it is not known. */
uint64_t ngx_paas_guard_redis_time(ngx_paas_guard_redis_t *r, uint64_t local);

/* A reply that has just come holds the server's time (us). */
void ngx_paas_guard_redis_learn_time(ngx_paas_guard_redis_t *r,
    uint64_t server);


#endif /* _NGX_PAAS_GUARD_REDIS_H_INCLUDED_ */
