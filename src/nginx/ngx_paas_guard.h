/*
 * The glue's one header: configuration, the context of a request, prototypes.
 *
 * The way of a request: ngx_paas_guard_request.c (PREACCESS phase) asks
 * _keys.c who sends it, _signature.c and _body.c what it asks for, the core's
 * tables and, through _question.c, the other gateways what is known of it, and
 * lets it pass or hands it to _refusal.c.  _blocks.c sets blocks, _header.c
 * keeps the PaaS-Guard header ours, _log.c counts the answer.
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
#include "../core/pguard_key.h"
#include "../core/pguard_out.h"
#include "../core/pguard_reason.h"
#include "../core/pguard_rewrite.h"
#include "../core/pguard_sig.h"
#include "../core/pguard_zone.h"
#include "../core/pguard_figures.h"
#include "../core/pguard_ledger_state.h"
#include "ngx_paas_guard_compat.h"
#include "ngx_paas_guard_file.h"
#include "ngx_paas_guard_store.h"


typedef struct ngx_paas_guard_main_conf_s  ngx_paas_guard_main_conf_t;
typedef struct ngx_paas_guard_rule_s       ngx_paas_guard_rule_t;
typedef struct ngx_paas_guard_audit_s      ngx_paas_guard_audit_t;
typedef struct ngx_paas_guard_answer_s     ngx_paas_guard_answer_t;


#define NGX_PAAS_GUARD_LINES  16        /* of one header: more are not read */
#define NGX_PAAS_GUARD_TAG    "paas-guard"

#define NGX_PAAS_GUARD_STATUS_READ   1
#define NGX_PAAS_GUARD_STATUS_WRITE  2


/* A zone: what the configuration says, and this process's view of it. */

struct ngx_paas_guard_zone_s {
    ngx_str_t                    name;
    ngx_str_t                    state;         /* path, or empty */
    ngx_shm_zone_t              *shm_zone;
    ngx_slab_pool_t             *shpool;        /* its mutex: blocks, names */
    void                        *memory;        /* of the core */
    pguard_zone_t                core;
    pguard_counters_t           *counters;      /* this worker's */
    pguard_key_t                *key;
    pguard_key_t                *own_key;       /* where there is no file */
    uint16_t                    *rules;         /* [mcf->rules]: index in zone */
    ngx_event_t                  timer;         /* worker 0: log, state */
    ngx_paas_guard_file_t        file;          /* of blocks */
    uint64_t                     writing;       /* changes; 0: none */
    uint64_t                     saved;         /* those in the file */
    uint64_t                     kept;          /* and in the one before */
    pguard_msec_t                others_due;    /* next line on other clients */
    uint64_t                     audited;       /* changes looked at for it */
    pguard_msec_t                audit_due;     /* next look */
    ngx_paas_guard_main_conf_t  *mcf;
};


/* A service of a zone, as far as the configuration knows it. */

typedef struct {
    ngx_str_t                    name;
    ngx_paas_guard_zone_t       *zone;
    pguard_hash_t                salt;
    ngx_uint_t                   index;         /* in the zone's names */
} ngx_paas_guard_service_t;


/* Bits: which requests a rule counts. */

typedef enum {
    NGX_PAAS_GUARD_COUNT_ADMITTED = 1,
    NGX_PAAS_GUARD_COUNT_THROTTLED = 2,
    NGX_PAAS_GUARD_COUNT_ALL = 3,
    NGX_PAAS_GUARD_COUNT_STATUS = 4             /* in the log phase */
} ngx_paas_guard_count_e;


/* A key that is one of our own digests, and no more, is taken before it is
   digested: its id then is that digest, which access logs show, too. */

typedef enum {
    NGX_PAAS_GUARD_KEY_STRING = 0,
    NGX_PAAS_GUARD_KEY_CLIENT,                  /* $paas_guard_client_id */
    NGX_PAAS_GUARD_KEY_CREDENTIAL,              /* $paas_guard_credential */
    NGX_PAAS_GUARD_KEY_ADDRESS                  /* $binary_remote_addr */
} ngx_paas_guard_source_e;


struct ngx_paas_guard_rule_s {
    ngx_str_t                    name;
    ngx_uint_t                   index;         /* in mcf->rules */
    ngx_http_complex_value_t     key;
    ngx_uint_t                   source;        /* ngx_paas_guard_source_e */
    ngx_uint_t                   same_key;      /* first rule with that key */
    pguard_window_rule_t         window;
    pguard_block_rule_t          block;
    ngx_uint_t                   count;         /* ngx_paas_guard_count_e */
    ngx_array_t                 *statuses;      /* of ngx_uint_t */
    ngx_uint_t                   scope_zone;    /* 1: all services */
    ngx_uint_t                   reason;        /* pguard_reason_e */
    pguard_hash_t                window_salt;   /* name, limit, window */
    pguard_hash_t                block_salt;    /* name */
};


/* An indicator of the agreement, and its ledger in a zone. */

typedef struct {
    ngx_str_t                    name;
    uint32_t                     target_ppm;
    uint64_t                     slice;         /* s */
    pguard_down_rule_t           rule;
    ngx_str_t                    timezone;
    pguard_tz_t                  tz;
    uint64_t                     identity;
    ngx_uint_t                   conditional;
} ngx_paas_guard_indicator_t;

#define NGX_PAAS_GUARD_OUTAGES   128            /* entries of a ledger's log */
#define NGX_PAAS_GUARD_SLA_HEAD  64             /* bytes before a ledger */

typedef struct {
    pguard_id_t                  gateway;       /* as old as the ledger */
} ngx_paas_guard_sla_head_t;

typedef struct {
    ngx_paas_guard_indicator_t  *indicator;
    ngx_paas_guard_zone_t       *zone;
    ngx_shm_zone_t              *shm_zone;
    ngx_slab_pool_t             *shpool;        /* its mutex: all but counts */
    size_t                       size;
    ngx_paas_guard_sla_head_t   *head;
    pguard_ledger_t              ledger;
    ngx_event_t                  timer;         /* worker 0: rolls, saves */
    ngx_uint_t                   ticks;
    size_t                       rendered;      /* bytes, the last time */
    ngx_paas_guard_file_t        file;          /* where the zone has one */
    uint64_t                     writing;       /* changes; 0: none */
    uint64_t                     saved;
    ngx_paas_guard_put_t         put;           /* to the store, if there are */
    uint64_t                     sending;       /* bytes: what was counted */
    ngx_uint_t                   sending_which;
    uint64_t                     sent[2];       /* this month, the last */
    pguard_month_t               sent_month[2];
    ngx_uint_t                   send_at;       /* ticks */
    size_t                       recorded;      /* bytes, the last time */
    u_char                      *bits;          /* of this process: figures */
    pguard_outage_t             *outages;
    pguard_figures_t             figures;       /* as they were at: */
    time_t                       figured;
} ngx_paas_guard_sla_t;


/* Which ids this worker has told a zone of: see ngx_paas_guard_clients.c. */

#define NGX_PAAS_GUARD_NOTES  1024

typedef struct {
    uint64_t                     tag;
    uint64_t                     at;
} ngx_paas_guard_note_t;

/* How many ways to refuse are kept ready, and what lines of Accept and of
   Accept-Language meant: see ngx_paas_guard_refusal.c. */

#define NGX_PAAS_GUARD_ANSWERS  256
#define NGX_PAAS_GUARD_WISHES   16

typedef struct {
    size_t                       len;
    u_char                       line[112];
    ngx_uint_t                   wish;
} ngx_paas_guard_wish_t;

/* What a worker keeps for itself; a copy of its own after the fork. */

typedef struct {
    ngx_paas_guard_answer_t     *answers[NGX_PAAS_GUARD_ANSWERS];
    ngx_paas_guard_wish_t        bodies[NGX_PAAS_GUARD_WISHES];
    ngx_paas_guard_wish_t        langs[NGX_PAAS_GUARD_WISHES];
    ngx_paas_guard_note_t        notes[NGX_PAAS_GUARD_NOTES];
    pguard_id_cache_t            ids;
    XXH3_state_t                *xxh;
    pguard_hmac_t                hmac;          /* of the secret file */
    u_char                       origin[16];    /* random digits of event ids */
    uint32_t                     events;
} ngx_paas_guard_worker_t;


struct ngx_paas_guard_main_conf_s {
    ngx_array_t                  zones;         /* ngx_paas_guard_zone_t * */
    ngx_array_t                  rules;         /* ngx_paas_guard_rule_t * */
    ngx_array_t                  services;      /* ..._service_t * */
    ngx_array_t                  indicators;    /* ..._indicator_t * */
    ngx_array_t                  slas;          /* ..._sla_t * */
    ngx_array_t                  upstreams;     /* ngx_uint_t: ctx_index */
    ngx_uint_t                   grpc;          /* the same, or unset */
    ngx_array_t                 *default_client;
    ngx_array_t                 *default_headers;
    ngx_uint_t                   status_rules;  /* any that counts answers */
    ngx_str_t                    secret_file;
    ngx_str_t                    session_cookie;
    pguard_key_t                *key;           /* with a secret file */
    ngx_paas_guard_store_t      *store;         /* NULL: no Redis */
    ngx_paas_guard_audit_t      *audit;         /* NULL: no audit log */
    ngx_uint_t                   audit_off;     /* in so many words */
    ngx_str_t                    proxy;         /* this gateway's name */
    ngx_str_t                    page_policy;   /* what its page may load */
    ngx_uint_t                   tag_hash;      /* of PaaS-Guard */
    ngx_paas_guard_worker_t     *worker;
};


typedef struct {
    ngx_str_t                    name;          /* lower case */
    ngx_uint_t                   hash;
} ngx_paas_guard_header_t;

/* In header_place: which header a hash may be of, without looking at all. */

#define NGX_PAAS_GUARD_NO_HEADER    255
#define NGX_PAAS_GUARD_ANY_HEADER   254        /* of several: look at all */

#define ngx_paas_guard_header_end(hash)  ((hash) & 255)


/* A name used before what it names is known: with the place, for errors. */

typedef struct {
    ngx_str_t                    name;
    ngx_str_t                    file;
    ngx_uint_t                   line;
} ngx_paas_guard_ref_t;


typedef struct {
    ngx_paas_guard_ref_t         zone_ref;      /* name.data NULL: off */
    ngx_uint_t                   on;
    ngx_paas_guard_zone_t       *zone;
    ngx_str_t                    service_name;
    ngx_paas_guard_service_t    *service;
    ngx_array_t                 *client;        /* ngx_http_complex_value_t */
    ngx_array_t                 *exempt;        /* the same */
    ngx_msec_t                   interval;      /* 0: off */
    ngx_uint_t                   cluster;       /* scope of the throttle */
    ngx_array_t                 *headers;       /* ngx_paas_guard_header_t */
    u_char                       header_place[256]; /* by the hash's end */
    ngx_uint_t                   plain_client;  /* the default, unchanged */
    size_t                       body;          /* 0: off */
    ngx_array_t                 *rewrites;      /* pguard_rewrite_t * */
    ngx_array_t                 *rule_refs;     /* ngx_paas_guard_ref_t */
    ngx_array_t                 *rules;         /* ngx_paas_guard_rule_t * */
    ngx_array_t                 *sla_refs;      /* ngx_paas_guard_ref_t */
    ngx_array_t                 *slas;          /* ngx_paas_guard_sla_t * */
    ngx_uint_t                   strict;
    ngx_uint_t                   throttle_status;
    ngx_uint_t                   block_status;
    ngx_flag_t                   dry_run;
    ngx_uint_t                   log_level;
    ngx_flag_t                   ratelimit;
    ngx_uint_t                   status;        /* 0: no paas_guard_status */
} ngx_paas_guard_loc_conf_t;


/* A rule's key in this request. */

typedef struct {
    ngx_paas_guard_rule_t       *rule;
    struct ngx_paas_guard_ctx_s *ctx;
    ngx_uint_t                   counts;        /* as rule->count, or 0: only
                                                   its block counts */
    pguard_str_t                 value;
    pguard_hash_t                hash;
    pguard_hash_t                window;        /* what it is counted under */
} ngx_paas_guard_key_t;


typedef enum {
    NGX_PAAS_GUARD_START = 0,
    NGX_PAAS_GUARD_BODY,                        /* reading it */
    NGX_PAAS_GUARD_ASK,                         /* waiting for the store */
    NGX_PAAS_GUARD_ANSWERED,
    NGX_PAAS_GUARD_DONE
} ngx_paas_guard_state_e;


typedef struct ngx_paas_guard_ctx_s {

    /* zero at first */

    ngx_paas_guard_state_e       state;

    unsigned                     sign:1;        /* signature to be made */
    unsigned                     is_signed:1;
    unsigned                     throttled:1;
    unsigned                     blocks:1;      /* some are active */
    unsigned                     ratelimited:1; /* its headers were added */
    unsigned                     has_client:1;
    unsigned                     plain_client:1;    /* the default one */
    unsigned                     has_credential:1;  /* it was looked for */
    unsigned                     authorization:1;   /* of no known scheme */

    pguard_str_t                 rule;          /* name, behind a block */
    uint32_t                     retry_after;   /* s */
    uint32_t                     nkeys;
    pguard_usec_t                wait;          /* left of the interval, us */
    ngx_str_t                   *store;
    ngx_paas_guard_question_t   *question;
    pguard_body_t               *body;          /* that is being hashed */
    ngx_table_elt_t             *tag;           /* our PaaS-Guard */

    /* set when it is made */

    ngx_pool_cleanup_t           cleanup;       /* marks it in the pool */
    ngx_http_request_t          *request;
    ngx_paas_guard_loc_conf_t   *conf;          /* of where it was decided */
    pguard_usec_t                now;
    pguard_verdict_e             verdict;       /* PGUARD_VERDICTS: none yet */
    pguard_reason_e              reason;

    /* valid only where the above says so */

    ngx_uint_t                   status;        /* of the refusal */
    uint16_t                     rule_index;    /* in the zone, of a block */
    u_char                       event[PGUARD_EVENT_LEN];
    u_char                       block[PGUARD_EVENT_LEN];   /* its id */

    pguard_str_t                 client;        /* but for the default one */
    pguard_hash_t                client_hash;
    uint16_t                     source;        /* see pguard_window_add() */
    pguard_credential_t          credential;
    pguard_hash_t                credential_hash;   /* 0: there is none */
    pguard_hash_t                signature;

    ngx_paas_guard_key_t         keys[];        /* room for all rules */
} ngx_paas_guard_ctx_t;


#define ngx_paas_guard_alnum(c)                                               \
    (((c) >= '0' && (c) <= '9') || (((c) | 0x20) >= 'a'                       \
                                    && ((c) | 0x20) <= 'z'))

#define ngx_paas_guard_core_str(s, n)                                         \
    (s).data = (n).data;                                                      \
    (s).len = (n).len


/* Is this a line of the header called name, a literal in lower case? */

#define ngx_paas_guard_header_is(h, name)                                     \
    ((h)->key.len == sizeof(name) - 1 && (h)->hash                            \
     && ngx_memcmp((h)->lowcase_key, name, sizeof(name) - 1) == 0)


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
ngx_paas_guard_window_key(ngx_paas_guard_key_t *key,
    ngx_paas_guard_service_t *service)
{
    pguard_hash_t  hash;

    hash = ngx_paas_guard_salt(key->hash, key->rule->window_salt);

    return key->rule->scope_zone ? hash
                                 : ngx_paas_guard_salt(hash, service->salt);
}


/* Directives: ngx_paas_guard_conf_main.c (of http alone), _conf.c,
   _conf_headers.c, _rule.c (of a rule) */

char *ngx_paas_guard_zone_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_secret_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_rule_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_service_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_strings_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_throttle_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_headers_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_body_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_rewrite_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_names_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_array_t *ngx_paas_guard_default_headers(ngx_conf_t *cf);

/* ngx_paas_guard_conf_util.c: what directives have in common */

char *ngx_paas_guard_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_enum_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_invalid(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_str_t *value, const char *right);
char *ngx_paas_guard_twice(ngx_conf_t *cf, ngx_command_t *cmd,
    const char *name);
ngx_int_t ngx_paas_guard_check_name(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_str_t *name);
ngx_int_t ngx_paas_guard_parameter(ngx_str_t *arg, const char *name,
    ngx_str_t *value);
ngx_uint_t ngx_paas_guard_same(const ngx_str_t *s, const char *text);

/* Parameters of a directive, each once: how to set one in what the directive
   makes, and what would be right, for the error; right NULL: the name alone is
   the parameter.  A table ends with ngx_paas_guard_no_parameter. */

typedef struct {
    const char  *name;
    char      *(*set)(ngx_conf_t *cf, void *to, ngx_str_t *value);
    const char  *right;
} ngx_paas_guard_parameter_t;

#define ngx_paas_guard_no_parameter  { NULL, NULL, NULL }

char *ngx_paas_guard_parameters(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_uint_t first, const ngx_paas_guard_parameter_t *table, void *to);
ngx_uint_t ngx_paas_guard_equal(const ngx_str_t *a, const ngx_str_t *b);
ngx_uint_t ngx_paas_guard_is_off(ngx_str_t *arg);

/* ngx_paas_guard_resolve.c: what the configuration's names mean */

ngx_int_t ngx_paas_guard_conf_init_main(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);
ngx_int_t ngx_paas_guard_conf_resolve(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf, ngx_paas_guard_loc_conf_t *conf);
ngx_int_t ngx_paas_guard_conf_finish(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);
ngx_paas_guard_rule_t *ngx_paas_guard_find_rule(
    ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name);
ngx_paas_guard_service_t *ngx_paas_guard_find_service(
    ngx_paas_guard_zone_t *zone, ngx_str_t *name);

/* ngx_paas_guard_indicator.c: what an agreement has indicators of */

char *ngx_paas_guard_indicator_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_paas_guard_resolve_sla(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf, ngx_paas_guard_loc_conf_t *conf);
ngx_int_t ngx_paas_guard_timezone(pguard_tz_t *tz, ngx_str_t *name,
    ngx_pool_t *pool);

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
ngx_int_t ngx_paas_guard_zone_block(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_service_t *service, ngx_paas_guard_key_t *key,
    pguard_window_result_t *evidence, pguard_block_t *b);

/* Counts a refusal by b, which ngx_paas_guard_zone_blocked() does itself. */
void ngx_paas_guard_zone_refused(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b);

/* Copies the active block of key, set here or learned, to b.  1, or 0. */
ngx_uint_t ngx_paas_guard_zone_blocked(ngx_paas_guard_zone_t *zone,
    ngx_paas_guard_service_t *service, ngx_paas_guard_key_t *key,
    pguard_msec_t now, pguard_block_t *b);

/* The same for a block that an operator has set for the client, by no rule. */
ngx_uint_t ngx_paas_guard_operator_blocked(ngx_paas_guard_ctx_t *ctx,
    pguard_msec_t now, pguard_block_t *b);

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

/* What hashes to hash leaves this gateway under this id: to find it by. */
void ngx_paas_guard_client_note(ngx_paas_guard_zone_t *zone,
    pguard_hash_t hash, const pguard_id_t *id);

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

/* A block of id was lifted now: what was counted before, and is still under
   way, is to be dropped.  Was one lifted at or after since (us, monotonic)? */
void ngx_paas_guard_lifted(ngx_paas_guard_zone_t *zone, const pguard_id_t *id);
ngx_uint_t ngx_paas_guard_lifted_since(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, uint64_t since);

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

/* Counts a request under each rule that counts what it is (one bit), here and
   in the store.  NGX_OK: that was too many, and b is the block of the first
   rule that says so; else NGX_DECLINED. */
ngx_int_t ngx_paas_guard_count(ngx_paas_guard_ctx_t *ctx, ngx_uint_t what,
    pguard_block_t *b);

/* ngx_paas_guard_question.c: what the other gateways know of it */

/* Asks the store if it must be asked before the answer.  NGX_AGAIN: wait. */
ngx_int_t ngx_paas_guard_ask(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* Until what r waits for comes, no more is looked for than its client's
   close. */
void ngx_paas_guard_wait(ngx_http_request_t *r);

/* Takes over what the store said of the throttle, if it did. */
void ngx_paas_guard_hear(ngx_paas_guard_ctx_t *ctx);

/* The total of all gateways for key, or 0. */
uint64_t ngx_paas_guard_total(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key);

/* ngx_paas_guard_ctx.c: the context, and clocks */

/* The context of r's main request, over internal redirects; or NULL. */
ngx_paas_guard_ctx_t *ngx_paas_guard_ctx(ngx_http_request_t *r);
ngx_paas_guard_ctx_t *ngx_paas_guard_create_ctx(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *glcf);

/* The status that the client gets; what became of the request. */
ngx_uint_t ngx_paas_guard_status(ngx_http_request_t *r);
ngx_uint_t ngx_paas_guard_outcome(ngx_http_request_t *r);

/* Its SLA class; ctx may be NULL. */
pguard_sla_e ngx_paas_guard_class(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* Monotonic, not cached: us; ms, as pguard_clock_pt. */
pguard_usec_t ngx_paas_guard_now(void);
pguard_msec_t ngx_paas_guard_clock(void *unused);

/* ngx_paas_guard_keys.c: who sends it */

void ngx_paas_guard_item(ngx_paas_guard_item_t *item,
    ngx_paas_guard_loc_conf_t *glcf, ngx_paas_guard_key_t *key);

ngx_int_t ngx_paas_guard_keys(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* conf->exempt is not NULL. */
ngx_uint_t ngx_paas_guard_exempt(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *conf);

pguard_hash_t ngx_paas_guard_block_key(ngx_paas_guard_rule_t *rule,
    ngx_paas_guard_service_t *service, pguard_hash_t hash);

pguard_id_t ngx_paas_guard_client_id(ngx_paas_guard_ctx_t *ctx);
pguard_id_t ngx_paas_guard_key_id(ngx_paas_guard_key_t *key);
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

/* ngx_paas_guard_signature.c: what it asks for */

ngx_int_t ngx_paas_guard_signable(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_uint_t *body);
ngx_int_t ngx_paas_guard_sign(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* ngx_paas_guard_body.c: its body */

void ngx_paas_guard_body_init(void);

/* To be called before the body is read: hashes what is long as it comes. */
void ngx_paas_guard_body_start(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
void ngx_paas_guard_body_drop(ngx_paas_guard_ctx_t *ctx);

/* NGX_OK: of the whole body, of length 0 if there is none; NGX_DECLINED: it is
   longer than what is signed; NGX_ERROR: it can't be read, or no memory. */
ngx_int_t ngx_paas_guard_body_digest(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_digest_t *digest);

/* ngx_paas_guard_refusal.c */

/* Fills in event, status, headers; sends the answer, or returns the status for
   nginx's own error page.  To be returned from a phase handler. */
ngx_int_t ngx_paas_guard_refuse(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
ngx_int_t ngx_paas_guard_send_buf(ngx_http_request_t *r, ngx_buf_t *b);
void ngx_paas_guard_event_id(ngx_paas_guard_worker_t *worker, u_char *event);
ngx_int_t ngx_paas_guard_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value, ngx_table_elt_t **h);

/* ngx_paas_guard_header.c: our header stays ours */

extern ngx_module_t  ngx_paas_guard_filter_module;

ngx_int_t ngx_paas_guard_drop_header(ngx_http_request_t *r);

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


extern ngx_module_t  ngx_paas_guard_module;


#endif /* _NGX_PAAS_GUARD_H_INCLUDED_ */
