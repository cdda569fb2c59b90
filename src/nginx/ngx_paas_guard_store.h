/*
 * The shared store: what several gateways know together.  Its files know zones,
 * rules, keys and blocks, but no request.  Only those of the connection below
 * it, ngx_paas_guard_redis*.c, speak to Redis.
 */

#ifndef _NGX_PAAS_GUARD_STORE_H_INCLUDED_
#define _NGX_PAAS_GUARD_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/pguard.h"
#include "../core/pguard_window.h"
#include "../core/pguard_block.h"
#include "../core/pguard_merge.h"
#include "ngx_paas_guard_redis.h"


struct ngx_paas_guard_main_conf_s;

typedef struct ngx_paas_guard_zone_s      ngx_paas_guard_zone_t;
typedef struct ngx_paas_guard_store_s     ngx_paas_guard_store_t;
typedef struct ngx_paas_guard_question_s  ngx_paas_guard_question_t;


/* Histogram of the time that Redis takes to answer: upper bounds in
   ngx_paas_guard_store_bounds[], microseconds; the last bucket is +Inf. */

#define NGX_PAAS_GUARD_STORE_BUCKETS  12

extern const ngx_uint_t
    ngx_paas_guard_store_bounds[NGX_PAAS_GUARD_STORE_BUCKETS - 1];

extern const pguard_str_t
    ngx_paas_guard_result_names[NGX_PAAS_GUARD_RESULTS];


/* In shared memory, zeroed at first and kept over a reload: what the workers
   know of the store, and metrics.  All plain atomics. */

typedef struct {
    uint64_t  commands[NGX_PAAS_GUARD_RESULTS];
    uint64_t  bucket[NGX_PAAS_GUARD_STORE_BUCKETS];   /* not cumulative */
    uint64_t  sum;                                    /* microseconds */
    uint64_t  degraded;                 /* see pguard_spell.h */
    uint64_t  overshoot;                /* the most over a limit, async mode */
    uint64_t  origin;                   /* random: marks this gateway's
                                           messages */
} ngx_paas_guard_store_shared_t;


/* A question of one request to the store, answered in one round trip. */

#define NGX_PAAS_GUARD_ITEMS_MAX  16

typedef enum {
    NGX_PAAS_GUARD_ITEM_ALWAYS = 0,     /* counted whatever the throttle says */
    NGX_PAAS_GUARD_ITEM_ADMITTED,       /* counted if the throttle admits */
    NGX_PAAS_GUARD_ITEM_THROTTLED       /* counted if it refuses */
} ngx_paas_guard_item_e;

typedef struct {
    pguard_hash_t                hash;      /* that it is counted under here */
    ngx_str_t                    rule;      /* name */
    ngx_str_t                    service;   /* empty: all services */
    pguard_id_t                  id;        /* of the rule's key */
    pguard_window_rule_t         window;
    ngx_uint_t                   dry_run;   /* where it was counted */
    ngx_uint_t                   when;      /* ngx_paas_guard_item_e */
    void                        *data;      /* the caller's own */
    uint64_t                     total;     /* the answer: count of all
                                               gateways in the window; 0: not
                                               counted */
} ngx_paas_guard_item_t;

typedef void (*ngx_paas_guard_answer_pt)(ngx_paas_guard_question_t *q);

struct ngx_paas_guard_question_s {
    ngx_paas_guard_zone_t       *zone;

    unsigned                     throttle:1;    /* ask for signature, too */
    unsigned                     answered:1;    /* out: in time */
    unsigned                     admitted:1;    /* out, if throttle */
    pguard_id_t                  client;        /* hash tag of the throttle */
    pguard_id_t                  signature;     /* HMAC of the signature */
    ngx_msec_t                   interval;
    ngx_msec_t                   wait;          /* out, if not admitted */

    ngx_paas_guard_answer_pt     handler;
    void                        *data;          /* of the handler's owner */

    void                        *pending;       /* the store's own */

    ngx_uint_t                   nitems;        /* at most ..._ITEMS_MAX */
    ngx_paas_guard_item_t        items[];
};


/* The directive paas_guard_redis; conf is ngx_paas_guard_main_conf_t, its
   store is made. */
char *ngx_paas_guard_redis_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* After the configuration is read, if there is a store: refuses one without
   paas_guard_secret_file. */
ngx_int_t ngx_paas_guard_store_init(ngx_conf_t *cf,
    struct ngx_paas_guard_main_conf_s *mcf);

/* Sets the shared memory; without it, each worker has memory of its own. */
void ngx_paas_guard_store_set_shared(ngx_paas_guard_store_t *store,
    ngx_paas_guard_store_shared_t *shared);

/* A worker begins and ends.  store may be NULL. */
ngx_int_t ngx_paas_guard_store_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_store_t *store);
void ngx_paas_guard_store_exit_process(ngx_cycle_t *cycle,
    ngx_paas_guard_store_t *store);

/* "local", "redis" or "degraded", as this worker sees it.  store may be
   NULL. */
ngx_str_t *ngx_paas_guard_store_state(ngx_paas_guard_store_t *store);

/* What the workers share; and 1 if the store is up, as this worker sees it.
   store is not NULL. */
ngx_paas_guard_store_shared_t *ngx_paas_guard_store_shared(
    ngx_paas_guard_store_t *store);
ngx_uint_t ngx_paas_guard_store_up(ngx_paas_guard_store_t *store);

/* The total time without the store so far (ms), an outage that goes on
   included. */
pguard_msec_t ngx_paas_guard_store_lost(
    const ngx_paas_guard_store_shared_t *shared);

/*
 * Asks q.  NGX_AGAIN: q->handler is called from the event loop, never from in
 * here, at the latest after the store's timeout, with q->answered set or not;
 * q must stay until then, or until ngx_paas_guard_store_cancel().
 * NGX_DECLINED: the store is not up; decide without it.
 */
ngx_int_t ngx_paas_guard_store_ask(ngx_paas_guard_store_t *store,
    ngx_paas_guard_question_t *q);

/* q goes away: its handler is not called any more.  Also valid when q was
   answered or never asked. */
void ngx_paas_guard_store_cancel(ngx_paas_guard_question_t *q);

/* Counts one request of item for all gateways, which came at when (us,
   monotonic); it is sent with a later flush.  Never fails: if it can't be kept,
   the store's "dropped" counter is raised. */
void ngx_paas_guard_store_count(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, ngx_paas_guard_item_t *item, uint64_t when);

/* The same by the item's hash alone, which works while other counts of the item
   wait to be sent.  NGX_DECLINED: nothing was done, call the one above.
   O(1). */
ngx_int_t ngx_paas_guard_store_count_more(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, pguard_hash_t hash, uint64_t when);

/* Tells the other gateways of a block that this one set, and forgets the
   counts behind it. */
void ngx_paas_guard_store_block(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b);

/* Tells the other gateways that a block was lifted. */
void ngx_paas_guard_store_lift(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b);

/* Erases all that the store has of id, and tells the other gateways to do so.
   handler is called later, *calls times in all.  NGX_DECLINED: not all of the
   calls could be made. */
ngx_int_t ngx_paas_guard_store_forget(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_id_t *id,
    ngx_paas_guard_call_pt handler, void *data, ngx_uint_t *calls);


/* ngx_paas_guard_store_record.c: what gateways have counted for an indicator
   in a month, one record for each gateway, of any length */

typedef struct {
    ngx_paas_guard_zone_t       *zone;
    pguard_str_t                 indicator;
    pguard_month_t               month;
} ngx_paas_guard_record_key_t;

typedef struct ngx_paas_guard_put_s    ngx_paas_guard_put_t;
typedef struct ngx_paas_guard_fetch_s  ngx_paas_guard_fetch_t;

typedef void (*ngx_paas_guard_put_pt)(ngx_paas_guard_put_t *put,
    ngx_uint_t done);
typedef void (*ngx_paas_guard_fetch_pt)(ngx_paas_guard_fetch_t *fetch);

struct ngx_paas_guard_put_s {
    ngx_paas_guard_record_key_t  key;
    pguard_id_t                  gateway;
    uint64_t                     version;
    u_char                      *bytes;     /* of ngx_alloc(): the store frees
                                               them */
    size_t                       len;
    ngx_paas_guard_put_pt        handler;
    void                        *data;

    ngx_paas_guard_store_t      *store;     /* the store's own: */
    size_t                       sent;
    ngx_uint_t                   step;
    uint64_t                     attempt;
};

/* Replaces a gateway's record, in small pieces, so that no request waits behind
   a long call.  NGX_OK: the handler is called when it is done, never from in
   here.  NGX_DECLINED: the store is not up; bytes are freed. */
ngx_int_t ngx_paas_guard_store_put(ngx_paas_guard_store_t *store,
    ngx_paas_guard_put_t *put);

/* The latest records of a month, as many as can be read in time. */

#define NGX_PAAS_GUARD_RECORDS  200

struct ngx_paas_guard_fetch_s {
    ngx_paas_guard_record_key_t  key;
    ngx_uint_t                   nrecords;
    pguard_merge_record_t       *records;
    ngx_uint_t                   partial;   /* there are more */
    void                        *data;
};

/* Reads the records of key; key->indicator must stay as long.  The handler is
   called once, never from in here, after 2 s and the time of a call at most.
   NULL: the store is not up. */
ngx_paas_guard_fetch_t *ngx_paas_guard_store_fetch(
    ngx_paas_guard_store_t *store, ngx_paas_guard_record_key_t *key,
    ngx_paas_guard_fetch_pt handler, void *data);

/* At any time: frees the records; the handler is not called any more. */
void ngx_paas_guard_store_fetch_free(ngx_paas_guard_fetch_t *fetch);


/* What the store calls: in ngx_paas_guard_blocks.c, _blocks_told.c, and the
   last two in _clients.c and _audit.c */

/* The store's total for this key exceeds its rule: block it. */
void ngx_paas_guard_zone_exceeded(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_item_t *item);

/* 1: this key is blocked by its rule now, so counts that wait for it are to be
   dropped; else 0. */
ngx_uint_t ngx_paas_guard_zone_stopped(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_item_t *item);

/* 1: this very block (of the same event) is active; else 0. */
ngx_uint_t ngx_paas_guard_zone_holds(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b);

/* Another gateway has set a block, lifted it, or forgotten a client.  Of *b,
   since and until are by this gateway's clock; key, kind, rule and service are
   not set.  An empty rule: an operator's block; an empty service: all.  The
   same block may be announced more than once.  Names that this zone does not
   know are ignored. */
void ngx_paas_guard_zone_learn(ngx_paas_guard_zone_t *zone,
    ngx_str_t *rule, ngx_str_t *service, pguard_block_t *b);
void ngx_paas_guard_zone_unlearn(ngx_paas_guard_zone_t *zone,
    ngx_str_t *rule, ngx_str_t *service, pguard_id_t *id);
void ngx_paas_guard_zone_forget(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id);

/* For the audit log: the gateway has lost the store (lost: what that did, as
   half a sentence), or it is back (NULL).  Called by one worker for all. */
void ngx_paas_guard_audit_store(ngx_paas_guard_zone_t *zone, const char *lost);


#endif /* _NGX_PAAS_GUARD_STORE_H_INCLUDED_ */
