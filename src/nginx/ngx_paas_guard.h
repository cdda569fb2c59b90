/*
 * The glue's one header: the context of a request, and what each file gives to
 * the others.  ngx_paas_guard_conf.h, which it brings, is the configuration.
 *
 * The way of a request: ngx_paas_guard_request.c (PREACCESS phase) asks
 * _keys.c and _recall.c who sends it, _signature.c and _body.c what it asks for,
 * the core's tables and, through _question.c, the other gateways what is known
 * of it, and lets it pass or hands it to _refusal.c.  _blocks.c sets blocks,
 * _header.c keeps the PaaS-Guard header ours, _log.c counts the answer.
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


/* Which ids this worker has told a zone of: see ngx_paas_guard_clients.c. */

#define NGX_PAAS_GUARD_NOTES  1024

typedef struct {
    uint64_t                     tag;
    uint64_t                     at;
} ngx_paas_guard_note_t;

/* How many ways to refuse are kept ready, and what lines of Accept and of
   Accept-Language meant: see ngx_paas_guard_refusal.c and _told.c. */

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
                                                   and nothing else is known */
    pguard_body_e                body;
    pguard_lang_e                lang;
} ngx_paas_guard_told_t;

/* An event id counts on from random digits, a worker's own, and so many zeros
   behind them. */

#define NGX_PAAS_GUARD_EVENT_COUNT  8

/* What a worker keeps for itself; a copy of its own after the fork. */

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
    pguard_str_t                 value;         /* not of client, address */
    pguard_hash_t                hash;
    pguard_hash_t                window;        /* what it is counted under */
    pguard_window_bucket_t      *home;          /* of it, prefetched */
} ngx_paas_guard_key_t;


typedef enum {
    NGX_PAAS_GUARD_START = 0,
    NGX_PAAS_GUARD_BODY,                        /* reading it */
    NGX_PAAS_GUARD_ASK,                         /* waiting for the store */
    NGX_PAAS_GUARD_ANSWERED,
    NGX_PAAS_GUARD_DONE
} ngx_paas_guard_state_e;


#define NGX_PAAS_GUARD_HEAD_HASHED    1
#define NGX_PAAS_GUARD_HEAD_RECALLED  2         /* as that of the last one */

struct ngx_paas_guard_ctx_s {

    /* zero at first */

    ngx_paas_guard_state_e       state;

    /* bytes: a bit is read to be set */

    unsigned                     sign:8;        /* signature to be made */
    unsigned                     ahead:8;       /* but for a body, it is made */
    unsigned                     is_signed:8;
    unsigned                     throttled:8;
    unsigned                     blocks:8;      /* some are active */
    unsigned                     ratelimited:8; /* its headers were added */
    unsigned                     has_client:8;
    unsigned                     plain_client:8;    /* the default one */
    unsigned                     has_credential:8;  /* it was looked for */
    unsigned                     has_head:8;    /* it is hashed: how */
    unsigned                     authorization:8;   /* of no known scheme */

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
    uint16_t                     source;        /* see pguard_window_add() */
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


/* What is kept in a pool under a cleanup that marks it, or NULL. */

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

/* An internal redirect forgets the contexts of modules, the pool does not: of
   this main request, or NULL. */
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


/* Two tables of one zone never mix, nor do two rules in one table: what is
   counted is salted with all that gives the count a meaning. */

static ngx_inline pguard_hash_t
ngx_paas_guard_salt(pguard_hash_t hash, pguard_hash_t salt)
{
    hash.lo ^= salt.lo;
    hash.hi ^= salt.hi;

    return hash;
}


static ngx_inline pguard_hash_t
ngx_paas_guard_window_salt(ngx_paas_guard_rule_t *rule,
    ngx_paas_guard_service_t *service)
{
    return rule->scope_zone ? rule->window_salt
                            : ngx_paas_guard_salt(rule->window_salt,
                                                  service->salt);
}


static ngx_inline pguard_hash_t
ngx_paas_guard_window_key(ngx_paas_guard_key_t *key,
    ngx_paas_guard_service_t *service)
{
    return ngx_paas_guard_salt(key->hash,
                               ngx_paas_guard_window_salt(key->rule, service));
}


/* ngx_paas_guard_sla.c: the ledger of an indicator in a zone */

ngx_int_t ngx_paas_guard_sla_state(ngx_conf_t *cf, ngx_paas_guard_sla_t *sla);
ngx_int_t ngx_paas_guard_sla_init(ngx_shm_zone_t *shm_zone, void *data);
void ngx_paas_guard_sla_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_sla_t *sla);
void ngx_paas_guard_sla_exit_process(ngx_paas_guard_sla_t *sla);
void ngx_paas_guard_sla_count(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* This month so far, at most a second old.  NULL: the clock is out of all
   months. */
const pguard_figures_t *ngx_paas_guard_sla_figures(ngx_paas_guard_sla_t *sla);

/* ngx_paas_guard_sla_merge.c: sends it to the store, if it is time to. */
void ngx_paas_guard_sla_send(ngx_paas_guard_sla_t *sla, ngx_log_t *log);

/* Whose ledger it is. */
void ngx_paas_guard_sla_id(ngx_paas_guard_sla_t *sla, pguard_ledger_id_t *id);

/* ngx_paas_guard_zone.c: a zone's life and its names */

ngx_int_t ngx_paas_guard_zone_init(ngx_shm_zone_t *shm_zone, void *data);
ngx_int_t ngx_paas_guard_zone_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_zone_t *zone);
void ngx_paas_guard_zone_exit_process(ngx_paas_guard_zone_t *zone);

/* ngx_paas_guard_blocks.c: found, and set for what requests do */

/* Blocks key for its rule, or finds that it is blocked already.  Copies the
   block to b.  NGX_OK; NGX_DECLINED if there is no place for it. */
ngx_int_t ngx_paas_guard_zone_block(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key, pguard_window_result_t *evidence,
    pguard_block_t *b);

/* Counts a refusal by b, which ngx_paas_guard_zone_blocked() does itself. */
void ngx_paas_guard_zone_refused(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b);

/* Is key blocked, by a block set here or learned?  1, with b filled and its
   refusal counted, or 0.  b brings dry_run, see pguard_block_refuse(). */
ngx_uint_t ngx_paas_guard_zone_blocked(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key, pguard_msec_t now, pguard_blocked_t *b);

/* The same for a block that an operator has set for the client, by no rule. */
PGUARD_APART ngx_uint_t ngx_paas_guard_operator_blocked(
    ngx_paas_guard_ctx_t *ctx, pguard_msec_t now, pguard_blocked_t *b);

/* The key of such a block; service is NULL: all. */
pguard_hash_t ngx_paas_guard_operator_key(const pguard_id_t *client,
    ngx_paas_guard_service_t *service);

/* How many blocks are active at now.  O(capacity). */
uint64_t ngx_paas_guard_active_blocks(ngx_paas_guard_zone_t *zone,
    pguard_msec_t now);

/* Who it is, where the key of a rule, or an operator (NULL), tells; else
   zeros. */
pguard_id_t ngx_paas_guard_zone_client(ngx_paas_guard_rule_t *rule,
    const pguard_id_t *id);

/* The caller holds the zone's mutex.  Puts b, see pguard_block_put(); what it
   replaces is told to the audit log before, and b, too. */
pguard_block_t *ngx_paas_guard_zone_put(ngx_paas_guard_zone_t *zone,
    pguard_block_t *b, pguard_msec_t now, unsigned *evicted);

/* ngx_paas_guard_blocks_told.c: told by operators; by other gateways, see
   ngx_paas_guard_store.h */

/*
 * Blocks b->id by hand, for length ms, here and at the other gateways: the
 * client with this digest if rule is empty, else this key of the rule.  An
 * empty service: all of them.  b brings id, client, reason, and zeros.
 * NGX_OK; NGX_BUSY: it is blocked already, b is that block; NGX_DECLINED: there
 * is no place; NGX_ERROR: there is no such rule or service, or a rule that
 * blocks in one service and no service.
 */
ngx_int_t ngx_paas_guard_operator_block(ngx_paas_guard_zone_t *zone,
    ngx_str_t *rule, ngx_str_t *service, pguard_msec_t length,
    pguard_block_t *b);

/* Lifts the block with this event id, here and at the other gateways, and
   forgets its counts and offences.  NGX_OK with what it was in b, or
   NGX_DECLINED. */
ngx_int_t ngx_paas_guard_zone_lift(ngx_paas_guard_zone_t *zone,
    const u_char *event, pguard_msec_t now, pguard_block_t *b);

/* ngx_paas_guard_clients.c: what a zone has of one client */

typedef struct {
    ngx_paas_guard_rule_t       *rule;
    ngx_paas_guard_service_t    *service;       /* NULL: all */
    pguard_hash_t                key;           /* of the windows */
    pguard_window_state_t        state;
} ngx_paas_guard_counted_by_t;

typedef void (*ngx_paas_guard_count_pt)(ngx_paas_guard_counted_by_t *by,
    void *data);

typedef struct {
    ngx_paas_guard_zone_t       *zone;
    uint64_t                     counts;
    uint64_t                     blocks;        /* active ones */
    uint64_t                     events;        /* ended ones, refusals */
    uint64_t                     left;          /* not yet in the audit log */
    uint64_t                     change;        /* see pguard_zone_kept() */
} ngx_paas_guard_forget_t;

/* Ids that were told before the last of so many may be forgotten. */

#define ngx_paas_guard_lifts(zone)  pguard_peek(&(zone)->core.lifts->count)

/* What hashes to hash leaves this gateway under this id: to find it by.  Told to
   the zone whenever an id is known, but by each worker once a minute. */

#define NGX_PAAS_GUARD_NOTE_AGAIN  60000        /* ms */

PGUARD_RARE void ngx_paas_guard_client_tell(ngx_paas_guard_zone_t *zone,
    pguard_hash_t hash, const pguard_id_t *id);

static ngx_inline void
ngx_paas_guard_client_note(ngx_paas_guard_zone_t *zone, pguard_hash_t hash,
    const pguard_id_t *id)
{
    uint64_t                tag;
    ngx_paas_guard_note_t  *note;

    tag = hash.lo ^ (uintptr_t) zone->memory
          ^ ngx_paas_guard_lifts(zone) << 32;

    note = &zone->mcf->worker->notes[hash.hi % NGX_PAAS_GUARD_NOTES];

    if (note->tag != tag
        || ngx_current_msec - note->at >= NGX_PAAS_GUARD_NOTE_AGAIN)
    {
        note->tag = tag;
        note->at = ngx_current_msec;
        ngx_paas_guard_client_tell(zone, hash, id);
    }
}


/* Was this id told since the gateway started, and is it still known?
   O(clients), as all that follows. */
ngx_uint_t ngx_paas_guard_client_known(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id);

/* Calls handler for each count of a client or of a rule's key that is not 0,
   of those that are known. */
void ngx_paas_guard_client_counts(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, pguard_msec_t now, ngx_paas_guard_count_pt handler,
    void *data);

/* Is b set for this id, or was it caused by it?  Nobody's is zeros. */
ngx_uint_t ngx_paas_guard_block_of(const pguard_block_t *b,
    const pguard_id_t *id);

/* Forgets all that the zone has of id, and says how much that was. */
void ngx_paas_guard_client_forget(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, ngx_paas_guard_forget_t *forget);

/* Forgets what this gateway has counted of the key of a block that is lifted:
   of one that others have set, counts stay until it first refuses. */
void ngx_paas_guard_lift_counts(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b, pguard_msec_t now);

/* A block of id was lifted now: what was counted before, and is still under
   way, is to be dropped.  Was one lifted at or after since (us, monotonic)? */
void ngx_paas_guard_lifted(ngx_paas_guard_zone_t *zone, const pguard_id_t *id);
ngx_uint_t ngx_paas_guard_lifted_since(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, uint64_t since);

/* The block of this event was lifted at this gateway: others may tell of it
   until they know.  Was it?  Of the last ones. */
void ngx_paas_guard_lifted_here(ngx_paas_guard_zone_t *zone,
    const u_char *event);
ngx_uint_t ngx_paas_guard_was_lifted_here(ngx_paas_guard_zone_t *zone,
    const u_char *event);

/* ngx_paas_guard_state.c: blocks in a file */

void ngx_paas_guard_state_load(ngx_paas_guard_zone_t *zone, ngx_log_t *log);

/* Writes what has changed since the last time, if no write is under way.
   wait: only returns when it is written. */
void ngx_paas_guard_state_save(ngx_paas_guard_zone_t *zone, ngx_uint_t wait,
    ngx_log_t *log);
void ngx_paas_guard_state_copy(ngx_paas_guard_zone_t *from,
    ngx_paas_guard_zone_t *to);

/* ngx_paas_guard_request.c: the way of a request */

ngx_int_t ngx_paas_guard_handler(ngx_http_request_t *r);

/* Counts its answer under the rules whose keys have
   NGX_PAAS_GUARD_COUNT_STATUS. */
PGUARD_RARE void ngx_paas_guard_count_answer(ngx_paas_guard_ctx_t *ctx);

/* ngx_paas_guard_question.c: what the other gateways know of it */

/* Asks the store if it must be asked before the answer.  NGX_AGAIN: wait. */
PGUARD_APART ngx_int_t ngx_paas_guard_ask(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* Until what r waits for comes, no more is looked for than its client's
   close. */
void ngx_paas_guard_wait(ngx_http_request_t *r);

/* Takes over what the store said of the throttle, if it did. */
PGUARD_APART void ngx_paas_guard_hear(ngx_paas_guard_ctx_t *ctx);

/* The total of all gateways for key, or 0. */
uint64_t ngx_paas_guard_total(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key);

/* ngx_paas_guard_ctx.c: the context, and clocks */

ngx_paas_guard_ctx_t *ngx_paas_guard_create_ctx(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *glcf);

/* What is counted from here on is counted as of now. */
void ngx_paas_guard_take_time(ngx_paas_guard_ctx_t *ctx);

/* Where a request belongs: where it was guarded, else where it has failed; ctx
   may be NULL. */
ngx_paas_guard_loc_conf_t *ngx_paas_guard_place(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
ngx_int_t ngx_paas_guard_place_init(ngx_conf_t *cf);

/* The status that the client gets. */
ngx_uint_t ngx_paas_guard_status(ngx_http_request_t *r);

/* What its last upstream answered; 0 without one. */
ngx_uint_t ngx_paas_guard_upstream_status(ngx_http_request_t *r);

/* Its SLA class; ctx may be NULL. */
pguard_sla_e ngx_paas_guard_class(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* Monotonic, not cached: us; ms, as pguard_clock_pt. */
pguard_usec_t ngx_paas_guard_now(void);
pguard_msec_t ngx_paas_guard_clock(void *unused);

/* ngx_paas_guard_keys.c: who sends it */

void ngx_paas_guard_item(ngx_paas_guard_item_t *item,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key);

/* The client, and the keys of the rules in force; then those of rules that can
   only have blocked it elsewhere.  NGX_ERROR: one can't be told. */
ngx_int_t ngx_paas_guard_keys(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
PGUARD_RARE ngx_int_t ngx_paas_guard_zone_keys(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* conf->exempt is not NULL. */
PGUARD_APART ngx_uint_t ngx_paas_guard_exempt(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *conf);

pguard_hash_t ngx_paas_guard_block_key(ngx_paas_guard_rule_t *rule,
    ngx_paas_guard_service_t *service, pguard_hash_t hash);

/* The client's address, as in $binary_remote_addr. */
pguard_str_t ngx_paas_guard_address(ngx_http_request_t *r);

pguard_id_t ngx_paas_guard_client_id(ngx_paas_guard_ctx_t *ctx);
pguard_id_t ngx_paas_guard_key_id(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key);
extern ngx_str_t  ngx_paas_guard_default_client_text;

/* The digest under which s leaves this gateway. */
pguard_id_t ngx_paas_guard_id(ngx_paas_guard_zone_t *zone, pguard_str_t s);

/* ngx_paas_guard_credential.c: who it claims to be sent by */

/* Looks once for the credential, and hashes it. */
void ngx_paas_guard_find_credential(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* The same in a form of its own for each kind; empty if there is none. */
pguard_str_t ngx_paas_guard_credential(ngx_http_request_t *r);

ngx_int_t ngx_paas_guard_header_lines(ngx_http_request_t *r,
    const char *name, pguard_str_t *lines, ngx_uint_t max, ngx_uint_t *n);

/* ngx_paas_guard_head.c: what the connection keeps of this request's head */

/* For the next one, by the keys that are filled in.  Never fails: what can't be
   kept is read again. */
void ngx_paas_guard_remember(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* ngx_paas_guard_recall.c: what it knows of the last one's */

/* Sets ctx->head if r has the same address and the same lines that say who
   sends it: the hashes of credential and client (the default one) are taken
   over; and that of its head, if it is looked at now (it is not where there are
   blocks) and is the same, too. */
void ngx_paas_guard_recall(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx);

/* Once the line of a request is read, and little else: makes what its signature
   is if its head is as the last ones of the connection, and lets come near where
   that may be.  ngx_paas_guard_recall() finds out, and sets ctx->ahead; with a
   body, it is another. */
void ngx_paas_guard_sign_ahead(ngx_http_request_t *r);

/* The keys of the rules in force, if ctx->head tells them.  NGX_DECLINED: it
   does not. */
ngx_int_t ngx_paas_guard_recall_keys(ngx_paas_guard_ctx_t *ctx);

/* ctx->head is set, and r is to be signed, the hash of whose head was not taken
   over: looks at it now, or again, and remembers what is another. */
PGUARD_APART void ngx_paas_guard_recall_rest(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* How the connection's last request was told of a refusal, or room for how this
   one is, if all lines of which that hangs are the same; else NULL. */
ngx_paas_guard_told_t *ngx_paas_guard_recall_told(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* ngx_paas_guard_signature.c: what it asks for */

ngx_int_t ngx_paas_guard_signable(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_uint_t *body);

/* Hashes what of the head is signed.  NGX_ERROR: too many lines. */
ngx_int_t ngx_paas_guard_hash_head(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
pguard_str_t ngx_paas_guard_authority(ngx_http_request_t *r);
ngx_int_t ngx_paas_guard_sign(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* ngx_paas_guard_body.c: its body */

void ngx_paas_guard_body_init(void);

/* To be called before the body is read, the first says whether nginx is to put
   it into a file, the second hashes what is long as it comes. */
void ngx_paas_guard_body_place(ngx_http_request_t *r);
void ngx_paas_guard_body_start(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
void ngx_paas_guard_body_drop(ngx_paas_guard_ctx_t *ctx);

/* NGX_OK: of the whole body, of length 0 if there is none; NGX_DECLINED: it is
   longer than what is signed; NGX_ERROR: it can't be read, or no memory. */
ngx_int_t ngx_paas_guard_body_digest(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_digest_t *digest);

/* ngx_paas_guard_told.c: in what form, and in which language, it is to be told */

/* Of the connection if its last request wished the same, else at here. */
ngx_paas_guard_told_t *ngx_paas_guard_told(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_told_t *here);

/* ngx_paas_guard_refusal.c */

/* Fills in event, status, headers; sends the answer, or returns the status for
   nginx's own error page.  To be returned from a phase handler. */
ngx_int_t ngx_paas_guard_refuse(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
ngx_int_t ngx_paas_guard_send_buf(ngx_http_request_t *r, ngx_buf_t *b);
void ngx_paas_guard_event_id(ngx_paas_guard_worker_t *worker, u_char *event);
ngx_int_t ngx_paas_guard_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value, ngx_table_elt_t **h);

/* ngx_paas_guard_write.c: a refusal's headers, written */

extern ngx_module_t  ngx_paas_guard_write_filter_module;

/* ngx_paas_guard_header.c: our header stays ours */

extern ngx_module_t  ngx_paas_guard_filter_module;

/* From then on, a PaaS-Guard in a request is left out when it is read. */
ngx_int_t ngx_paas_guard_know_header(ngx_conf_t *cf);

/* ngx_paas_guard_variables.c */

ngx_int_t ngx_paas_guard_add_variables(ngx_conf_t *cf);

/* ngx_paas_guard_log.c */

ngx_int_t ngx_paas_guard_log_handler(ngx_http_request_t *r);
void ngx_paas_guard_log_refusal(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
void ngx_paas_guard_log_summaries(ngx_paas_guard_zone_t *zone,
    ngx_log_t *log);
void ngx_paas_guard_log_block(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b, const char *what, ngx_log_t *log);

/* ngx_paas_guard_audit.c: the chained log of events */

/* Writes one event; what the caller did not set is 0 or empty.  Does nothing
   where paas_guard_audit is off, and never fails: what cannot be written is
   counted, and said in the error log. */
void ngx_paas_guard_audit(ngx_paas_guard_main_conf_t *gmcf,
    pguard_audit_record_t *rec);

/* Lost records since the start; 1 while it can't be written.  Both 0 where it
   is off. */
uint64_t ngx_paas_guard_audit_lost(ngx_paas_guard_main_conf_t *gmcf);
ngx_uint_t ngx_paas_guard_audit_failing(ngx_paas_guard_main_conf_t *gmcf);

void ngx_paas_guard_audit_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_audit_t *audit);

/* ngx_paas_guard_audit_blocks.c: what blocks owe it */

/* The caller holds the zone's mutex.  Tells b's begin, and its end if that was
   at or before at.  NGX_DECLINED: it still owes something. */
ngx_int_t ngx_paas_guard_audit_block(ngx_paas_guard_zone_t *zone,
    pguard_block_t *b, pguard_msec_t at);

/* The same, of one whose place is needed now. */
void ngx_paas_guard_audit_replaced(ngx_paas_guard_zone_t *zone,
    pguard_block_t *b, pguard_msec_t now);

/* Worker 0, regularly: of all blocks. */
void ngx_paas_guard_audit_blocks(ngx_paas_guard_zone_t *zone);

/* ngx_paas_guard_audit_conf.c: the directive, starts and reloads */

char *ngx_paas_guard_audit_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_paas_guard_audit_finish(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);
void ngx_paas_guard_audit_init_module(ngx_cycle_t *cycle,
    ngx_paas_guard_audit_t *audit);

/* ngx_paas_guard_api.c: the calls below paas_guard_status, of _api_*.c */

char *ngx_paas_guard_api_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
void ngx_paas_guard_api_merge(ngx_conf_t *cf, ngx_paas_guard_loc_conf_t *prev,
    ngx_paas_guard_loc_conf_t *conf);

/* ngx_paas_guard_metrics.c; families of the gateway: ..._metrics_gateway.c */

/* Entries of a kind in use at now: as in paas_guard_zone_entries. */
uint64_t ngx_paas_guard_entries(ngx_paas_guard_zone_t *zone,
    pguard_entry_e kind, pguard_usec_t now);
char *ngx_paas_guard_metrics_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_PAAS_GUARD_H_INCLUDED_ */
