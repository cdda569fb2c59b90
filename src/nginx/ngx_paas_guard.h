/*
 * The context of a request, and what the files on its way offer to others.
 *
 * ngx_paas_guard_request.c (PREACCESS phase) asks _keys.c and _recall.c who
 * sends the request, and _signature.c and _body.c what it asks for.  The core's
 * tables and, through _question.c, the other gateways tell what is known of it.
 * Then it passes, or goes to _refusal.c.  _blocks.c sets blocks, _header.c
 * keeps the PaaS-Guard header ours, _log.c counts the answer.
 *
 * Beside this one there are:
 *
 *   ngx_paas_guard_conf.h   the configuration: included here
 *   ngx_paas_guard_store.h  the shared store: included there; below it
 *                           _servers.h (which server) and _redis.h (how)
 *   ngx_paas_guard_zone.h   what a zone has: blocks, clients, its state file
 *   ngx_paas_guard_sla.h    ledgers and months of an indicator
 *   ngx_paas_guard_api.h    calls of the JSON API; _page.h, the status page
 *   ngx_paas_guard_metrics.h, _audit.h, _file.h, _secret.h, and what only the
 *                           files of one part share: _*_private.h
 */

#ifndef _NGX_PAAS_GUARD_H_INCLUDED_
#define _NGX_PAAS_GUARD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/pguard.h"
#include "../core/pguard_audit.h"
#include "../core/pguard_body.h"
#include "../core/pguard_credential.h"
#include "../core/pguard_hmac.h"
#include "../core/pguard_negotiate.h"
#include "../core/pguard_out.h"
#include "../core/pguard_reason.h"
#include "../core/pguard_rewrite.h"
#include "../core/pguard_sig.h"
#include "ngx_paas_guard_compat.h"
#include "ngx_paas_guard_conf.h"


#define NGX_PAAS_GUARD_LINES  16        /* of one header: more are not read */
#define NGX_PAAS_GUARD_TAG    "paas-guard"


typedef struct ngx_paas_guard_answer_s  ngx_paas_guard_answer_t;
typedef struct ngx_paas_guard_ctx_s     ngx_paas_guard_ctx_t;
typedef struct ngx_paas_guard_head_s    ngx_paas_guard_head_t;


/* Which ids this worker has noted in a zone lately: see
   ngx_paas_guard_zone.h. */

#define NGX_PAAS_GUARD_NOTES  1024

typedef struct {
    uint64_t                     tag;
    uint64_t                     at;
} ngx_paas_guard_note_t;

/* How many answers are kept ready, and how many lines of Accept and of
   Accept-Language with what they mean: see ngx_paas_guard_refusal.c and
   _told.c. */

#define NGX_PAAS_GUARD_ANSWERS  256
#define NGX_PAAS_GUARD_WISHES   16

typedef struct {
    size_t                       len;
    u_char                       line[112];
    ngx_uint_t                   wish;
} ngx_paas_guard_wish_t;

/* How a client is told of a refusal. */

typedef struct {
    ngx_paas_guard_answer_t     *answer;        /* the last one; NULL: none yet,
                                                   and the rest is not set */
    pguard_body_e                body;
    pguard_lang_e                lang;
} ngx_paas_guard_told_t;

/* A worker's first event id is random digits with so many zeros behind them;
   each further one is the last plus 1. */

#define NGX_PAAS_GUARD_EVENT_COUNT  8

/* What a worker keeps for itself: after the fork, each has its own copy. */

struct ngx_paas_guard_worker_s {
    ngx_paas_guard_answer_t     *answers[NGX_PAAS_GUARD_ANSWERS];
    ngx_paas_guard_wish_t        bodies[NGX_PAAS_GUARD_WISHES];
    ngx_paas_guard_wish_t        langs[NGX_PAAS_GUARD_WISHES];
    ngx_paas_guard_note_t        notes[NGX_PAAS_GUARD_NOTES];
    pguard_id_cache_t            ids;
    XXH3_state_t                *xxh;
    pguard_hmac_t                hmac;          /* of the secret file */
    u_char                       event[PGUARD_EVENT_LEN];   /* the last id */
    ngx_pool_t                  *pool;          /* of the configuration */
    ngx_paas_guard_ctx_t        *free;          /* contexts, see there */
};


/* A rule's key in this request. */

typedef struct {
    ngx_paas_guard_rule_t       *rule;
    ngx_uint_t                   counts;        /* as rule->count, or 0: only
                                                   its block counts */
    pguard_str_t                 value;         /* not set for the sources
                                                   client and address */
    pguard_hash_t                hash;
    pguard_hash_t                window;        /* what it is counted under */
    pguard_window_bucket_t      *home;          /* its bucket, prefetched */
} ngx_paas_guard_key_t;


typedef enum {
    NGX_PAAS_GUARD_START = 0,
    NGX_PAAS_GUARD_BODY,                        /* reading it */
    NGX_PAAS_GUARD_ASK,                         /* waiting for the store */
    NGX_PAAS_GUARD_ANSWERED,
    NGX_PAAS_GUARD_DONE
} ngx_paas_guard_state_e;


/* Values of has_head. */

#define NGX_PAAS_GUARD_HEAD_HASHED    1
#define NGX_PAAS_GUARD_HEAD_RECALLED  2         /* taken over from the last */

struct ngx_paas_guard_ctx_s {

    /* zero at first */

    ngx_paas_guard_state_e       state;

    /* whole bytes: to set a bit, its byte would have to be read first */

    unsigned                     sign:8;        /* to be signed */
    unsigned                     ahead:8;       /* signature was made ahead */
    unsigned                     is_signed:8;
    unsigned                     throttled:8;
    unsigned                     blocks:8;      /* some are active */
    unsigned                     all_keys:8;    /* keys has those of rules that
                                                   are not in force, too */
    unsigned                     ratelimited:8; /* its headers were added */
    unsigned                     has_client:8;
    unsigned                     plain_client:8;    /* the default one */
    unsigned                     has_credential:8;  /* it was looked for */
    unsigned                     has_head:8;    /* head_hash is set: how */
    unsigned                     authorization:8;   /* there is one in which no
                                                       credential was found */

    pguard_str_t                 rule;          /* name, behind a block */
    uint32_t                     retry_after;   /* s */
    uint32_t                     nkeys;
    ngx_str_t                   *store;
    ngx_paas_guard_question_t   *question;
    pguard_body_t               *body;          /* that is being hashed */
    ngx_table_elt_t             *tag;           /* our PaaS-Guard */
    ngx_paas_guard_head_t       *head;          /* the connection's, if it is
                                                   of the same client */

    /* set when it is made */

    ngx_pool_cleanup_t           cleanup;       /* marks it in the pool */
    ngx_http_request_t          *request;
    ngx_paas_guard_loc_conf_t   *conf;          /* of where it was decided */
    pguard_usec_t                now;           /* see _take_time() */
    pguard_msec_t                now_msec;
    pguard_verdict_e             verdict;       /* PGUARD_VERDICTS: none yet */
    pguard_reason_e              reason;

    /* valid only where the above says so */

    pguard_usec_t                wait;          /* left of the interval, us */
    ngx_uint_t                   status;        /* of the refusal */
    uint16_t                     rule_index;    /* in the zone, of a block */
    u_char                       event[PGUARD_EVENT_LEN];
    u_char                       block[PGUARD_EVENT_LEN];   /* its id */
    ngx_paas_guard_answer_t     *answer;        /* that tag is of */
    ngx_table_elt_t             *cache_control; /* the same */

    pguard_str_t                 client;        /* but for the default one */
    pguard_hash_t                client_hash;
    uint16_t                     source;        /* for pguard_window_add() */
    pguard_credential_t          credential;
    pguard_hash_t                credential_hash;   /* 0: there is none */
    pguard_hash_t                head_hash;     /* part of the signature */
    pguard_hash_t                signature;
    pguard_throttle_lines_t      lines;         /* where that may be */

    ngx_paas_guard_ctx_t        *next;          /* free one */
    ngx_paas_guard_key_t         keys[];        /* room for all rules */
};


#define ngx_paas_guard_core_str(s, n)                                         \
    (s).data = (n).data;                                                      \
    (s).len = (n).len


/* A pool's list of cleanups is where things are found again: the data of the
   cleanup with this handler, or NULL. */

static ngx_inline void *
ngx_paas_guard_marked(ngx_pool_t *pool, ngx_pool_cleanup_pt handler)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == handler) {
            return cln->data;
        }
    }

    return NULL;
}


extern ngx_module_t  ngx_paas_guard_module;

/* An internal redirect clears the contexts of modules, but not the pool: finds
   the context of this main request there; NULL if it has none. */
PGUARD_RARE ngx_paas_guard_ctx_t *ngx_paas_guard_forgotten_ctx(
    ngx_http_request_t *r);


/* The context of r's main request, over internal redirects; or NULL. */

static ngx_inline ngx_paas_guard_ctx_t *
ngx_paas_guard_ctx(ngx_http_request_t *r)
{
    ngx_paas_guard_ctx_t  *ctx;

    r = r->main;
    ctx = ngx_http_get_module_ctx(r, ngx_paas_guard_module);

    return ctx || (!r->internal && !r->filter_finalize)
           ? ctx : ngx_paas_guard_forgotten_ctx(r);
}


/* So that different rules and services never share an entry of a table, hashes
   are salted with all that gives a count or a block its meaning. */

static ngx_inline pguard_hash_t
ngx_paas_guard_salt(pguard_hash_t hash, pguard_hash_t salt)
{
    hash.lo ^= salt.lo;
    hash.hi ^= salt.hi;

    return hash;
}


/* The salt of a rule's windows in a service; of a rule for the whole zone, in
   all. */

static ngx_inline pguard_hash_t
ngx_paas_guard_window_salt(ngx_paas_guard_rule_t *rule,
    ngx_paas_guard_service_t *service)
{
    return rule->scope_zone ? rule->window_salt
                            : ngx_paas_guard_salt(rule->window_salt,
                                                  service->salt);
}


/* What a rule's key is counted under in a service. */

static ngx_inline pguard_hash_t
ngx_paas_guard_window_key(ngx_paas_guard_key_t *key,
    ngx_paas_guard_service_t *service)
{
    return ngx_paas_guard_salt(key->hash,
                               ngx_paas_guard_window_salt(key->rule, service));
}


/* ngx_paas_guard_request.c: the way of a request */

/* The handler of the PREACCESS phase.  A request that passes gets NGX_DECLINED,
   so that other modules of the phase still run. */
ngx_int_t ngx_paas_guard_handler(ngx_http_request_t *r);

/* Counts its answer under the rules whose keys have
   NGX_PAAS_GUARD_COUNT_STATUS. */
PGUARD_RARE void ngx_paas_guard_count_answer(ngx_paas_guard_ctx_t *ctx);

/* ngx_paas_guard_question.c: what the other gateways know of it */

/* Asks the store, which there must be, if the request needs its answer.
   NGX_OK: go on; NGX_AGAIN: wait, the phases are run again when it is there. */
PGUARD_APART ngx_int_t ngx_paas_guard_ask(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* Until what r waits for comes, only a close by its client is looked for. */
void ngx_paas_guard_wait(ngx_http_request_t *r);

/* ctx->question is set.  Takes over the store's answer about the throttle, if
   it came in time. */
PGUARD_APART void ngx_paas_guard_hear(ngx_paas_guard_ctx_t *ctx);

/* The total of all gateways for key; 0 if the store was not asked for it, or
   has not answered. */
uint64_t ngx_paas_guard_total(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key);

/* ngx_paas_guard_ctx.c: the context, what became of a request, clocks */

/* A new context, attached to r.  NULL: no memory. */
ngx_paas_guard_ctx_t *ngx_paas_guard_create_ctx(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *glcf);

/* Sets ctx->now and ctx->now_msec to the time now. */
void ngx_paas_guard_take_time(ngx_paas_guard_ctx_t *ctx);

/* The status that the client gets. */
ngx_uint_t ngx_paas_guard_status(ngx_http_request_t *r);

/* What its last upstream answered; 0 without one. */
ngx_uint_t ngx_paas_guard_upstream_status(ngx_http_request_t *r);

/* Its SLA class; ctx may be NULL. */
pguard_sla_e ngx_paas_guard_class(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* The monotonic clock, read just now and not cached: in us; in ms, as
   pguard_clock_pt. */
pguard_usec_t ngx_paas_guard_now(void);
pguard_msec_t ngx_paas_guard_clock(void *unused);

/* ngx_paas_guard_place.c: where a request belongs */

/* The location whose service and indicators it is counted for: where it was
   guarded, else where it failed.  ctx may be NULL. */
ngx_paas_guard_loc_conf_t *ngx_paas_guard_place(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* After the configuration is read: has locations noted, if need be. */
ngx_int_t ngx_paas_guard_place_init(ngx_conf_t *cf);

/* ngx_paas_guard_keys.c: who sends it */

/* Fills in the client and the keys of the rules in force.  NGX_ERROR: one can't
   be told. */
ngx_int_t ngx_paas_guard_keys(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* Adds the keys of zone-wide rules that are not in force here, which count
   nothing here, but may have blocked the client elsewhere.  NGX_ERROR: one
   can't be told. */
PGUARD_RARE ngx_int_t ngx_paas_guard_zone_keys(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* Fills in all of item but when, for the store to count key. */
void ngx_paas_guard_item(ngx_paas_guard_item_t *item,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key);

/* 1: exempt by paas_guard_exempt, which is set; else 0. */
PGUARD_APART ngx_uint_t ngx_paas_guard_exempt(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *conf);

/* The key of a block of rule; hash: of the rule's key, or of its id.  service
   is not looked at if the rule is for the whole zone. */
pguard_hash_t ngx_paas_guard_block_key(ngx_paas_guard_rule_t *rule,
    ngx_paas_guard_service_t *service, pguard_hash_t hash);

/* The client's address, as in $binary_remote_addr: a slice of the
   connection's. */
pguard_str_t ngx_paas_guard_address(ngx_http_request_t *r);

/* The digests under which client, key, or s leave this gateway: zeros if the
   crypto library fails. */
pguard_id_t ngx_paas_guard_client_id(ngx_paas_guard_ctx_t *ctx);
pguard_id_t ngx_paas_guard_key_id(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key);
pguard_id_t ngx_paas_guard_id(ngx_paas_guard_zone_t *zone, pguard_str_t s);

extern ngx_str_t  ngx_paas_guard_default_client_text;

/* ngx_paas_guard_credential.c: who it claims to be sent by */

/* Finds the credential and hashes it, unless that was done before. */
void ngx_paas_guard_find_credential(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* The credential with a byte before it that tells its kind; empty if there is
   none, or no memory. */
pguard_str_t ngx_paas_guard_credential(ngx_http_request_t *r);

/* The values of the header lines called name (lower case), at most max, in
   lines; their number in *n.  NGX_DECLINED: there are none. */
ngx_int_t ngx_paas_guard_header_lines(ngx_http_request_t *r,
    const char *name, pguard_str_t *lines, ngx_uint_t max, ngx_uint_t *n);

/* ngx_paas_guard_head.c: what the connection keeps of this request's head */

/* Keeps, for the connection's next request, what was found out from the head:
   client, credential, keys.  Never fails: what can't be kept is read again. */
void ngx_paas_guard_remember(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* ngx_paas_guard_recall.c: what it knows of the last one's */

/* Compares r with what the connection remembers.  If the address and the lines
   that say who sends it are the same, sets ctx->head and takes over the hashes
   of credential and (default) client.  If the other lines are the same, too,
   and were looked at now (not while there are blocks), takes over the hash of
   the head. */
void ngx_paas_guard_recall(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx);

/* Called once the request line and little else is read: computes the signature
   that r has if its head is as the connection's last one, and prefetches where
   that may be.  ngx_paas_guard_recall() finds out whether it is, and sets
   ctx->ahead.  Of no use if there is a body. */
void ngx_paas_guard_sign_ahead(ngx_http_request_t *r);

/* Takes over the keys of the rules in force from ctx->head.  NGX_DECLINED: it
   has none. */
ngx_int_t ngx_paas_guard_recall_keys(ngx_paas_guard_ctx_t *ctx);

/* ctx->head is set, but the hash of the head was not taken over: compares the
   lines that ngx_paas_guard_recall() left out.  If they are the same, takes it
   over; else remembers this head instead. */
PGUARD_APART void ngx_paas_guard_recall_rest(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* If all lines on which a refusal depends are as in the connection's last head:
   how its last request was told of a refusal, or room to note how this one is.
   Else NULL. */
ngx_paas_guard_told_t *ngx_paas_guard_recall_told(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* ngx_paas_guard_signature.c: what it asks for */

/* NGX_OK: r can be signed; *body is 1 if its body must be read first.
   NGX_DECLINED: it can't, and why was counted. */
ngx_int_t ngx_paas_guard_signable(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_uint_t *body);

/* Sets ctx->head_hash, of all in the head that is signed.  NGX_ERROR: too many
   lines. */
ngx_int_t ngx_paas_guard_hash_head(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* The ":authority" of HTTP/2 and 3, else empty. */
pguard_str_t ngx_paas_guard_authority(ngx_http_request_t *r);

/* Sets ctx->signature and ctx->lines; the body has been read, if it is needed.
   NGX_DECLINED: r can't be signed, and why was counted. */
ngx_int_t ngx_paas_guard_sign(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* ngx_paas_guard_body.c: its body */

/* After the configuration is read: adds the filter that hashes bodies. */
void ngx_paas_guard_body_init(void);

/* Before the body is read: the first says how nginx is to put it into a file,
   the second begins to hash a long one as it comes. */
void ngx_paas_guard_body_place(ngx_http_request_t *r);
void ngx_paas_guard_body_start(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* ctx->body is set: gives it up. */
void ngx_paas_guard_body_drop(ngx_paas_guard_ctx_t *ctx);

/* The digest of the whole body.  NGX_OK, with a length of 0 if there is none;
   NGX_DECLINED: it is longer than what is signed; NGX_ERROR: it can't be read,
   or no memory. */
ngx_int_t ngx_paas_guard_body_digest(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_digest_t *digest);

/* ngx_paas_guard_told.c: in which format and language a refusal is told */

/* What r's headers wish for: kept by the connection if its last request wished
   the same, else in *here. */
ngx_paas_guard_told_t *ngx_paas_guard_told(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_told_t *here);

/* ngx_paas_guard_refusal.c: the answer */

/* Sends the refusal that ctx describes, or returns its status for an error_page
   or nginx's own page.  To be returned from a phase handler. */
ngx_int_t ngx_paas_guard_refuse(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* Sends the header and b, the whole body.  As an output filter. */
ngx_int_t ngx_paas_guard_send_buf(ngx_http_request_t *r, ngx_buf_t *b);

/* Writes the worker's next event id: PGUARD_EVENT_LEN bytes at event. */
void ngx_paas_guard_event_id(ngx_paas_guard_worker_t *worker, u_char *event);

/* Adds a header to the answer; name and value->data must live as long as r.  h
   (may be NULL): where it is.  NGX_ERROR: no memory. */
ngx_int_t ngx_paas_guard_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value, ngx_table_elt_t **h);

/* ngx_paas_guard_write.c: a refusal's headers, written */

extern ngx_module_t  ngx_paas_guard_write_filter_module;

/* ngx_paas_guard_header.c: our header stays ours */

extern ngx_module_t  ngx_paas_guard_filter_module;

/* After the configuration is read: from then on, a PaaS-Guard in a request is
   dropped while nginx reads it. */
ngx_int_t ngx_paas_guard_know_header(ngx_conf_t *cf);

/* ngx_paas_guard_variables.c: before the configuration is read */

ngx_int_t ngx_paas_guard_add_variables(ngx_conf_t *cf);

/* ngx_paas_guard_log.c: the log phase; lines about refusals and blocks */

/* Counts r for its indicators, and its answer for rules that count answers. */
ngx_int_t ngx_paas_guard_log_handler(ngx_http_request_t *r);

/* Counts the refusal for the status page, and logs the first of a burst. */
void ngx_paas_guard_log_refusal(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* Worker 0, every second: a line for each burst that goes on. */
void ngx_paas_guard_log_summaries(ngx_paas_guard_zone_t *zone,
    ngx_log_t *log);

/* what: what happened to the block's key, "blocked" for instance. */
void ngx_paas_guard_log_block(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b, const char *what, ngx_log_t *log);

/* ngx_paas_guard_audit.c: the chained log of events */

/* Writes one event; members that the caller did not set are 0 or empty.  Does
   nothing where paas_guard_audit is off, and never fails: what cannot be
   written is counted, and reported in the error log. */
void ngx_paas_guard_audit(ngx_paas_guard_main_conf_t *gmcf,
    pguard_audit_record_t *rec);

/* The records lost since the start; 1 while the log can't be written.  Both 0
   where it is off. */
uint64_t ngx_paas_guard_audit_lost(ngx_paas_guard_main_conf_t *gmcf);
ngx_uint_t ngx_paas_guard_audit_failing(ngx_paas_guard_main_conf_t *gmcf);

/* A worker begins.  audit may be NULL. */
void ngx_paas_guard_audit_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_audit_t *audit);

/* ngx_paas_guard_audit_blocks.c: lines about blocks */

/* The caller holds the zone's mutex.  Writes the line of b's begin if it is
   due, and that of its end if it ended at or before at.  NGX_DECLINED: one is
   still due. */
ngx_int_t ngx_paas_guard_audit_block(ngx_paas_guard_zone_t *zone,
    pguard_block_t *b, pguard_msec_t at);

/* The same for a block whose place another one takes now. */
void ngx_paas_guard_audit_replaced(ngx_paas_guard_zone_t *zone,
    pguard_block_t *b, pguard_msec_t now);

/* Worker 0, regularly: the lines that are due for any block. */
void ngx_paas_guard_audit_blocks(ngx_paas_guard_zone_t *zone);

/* ngx_paas_guard_audit_conf.c: the directive, starts and reloads */

char *ngx_paas_guard_audit_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* After the configuration is read; and when it takes effect, in the master.
   audit may be NULL. */
ngx_int_t ngx_paas_guard_audit_finish(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);
void ngx_paas_guard_audit_init_module(ngx_cycle_t *cycle,
    ngx_paas_guard_audit_t *audit);

/* ngx_paas_guard_api.c: the calls below paas_guard_status, of _api_*.c */

char *ngx_paas_guard_api_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* After a location is merged: bodies of calls get room. */
void ngx_paas_guard_api_merge(ngx_conf_t *cf, ngx_paas_guard_loc_conf_t *conf);

/* ngx_paas_guard_metrics.c; families of the gateway: ..._metrics_gateway.c */

/* Entries of a kind in use at now: as in paas_guard_zone_entries. */
uint64_t ngx_paas_guard_entries(ngx_paas_guard_zone_t *zone,
    pguard_entry_e kind, pguard_usec_t now);
char *ngx_paas_guard_metrics_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_PAAS_GUARD_H_INCLUDED_ */
