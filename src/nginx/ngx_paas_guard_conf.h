/*
 * The configuration: what the directives make of it, and what a process has
 * for each zone, rule, service and indicator that it names.
 */

#ifndef _NGX_PAAS_GUARD_CONF_H_INCLUDED_
#define _NGX_PAAS_GUARD_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/pguard.h"
#include "../core/pguard_figures.h"
#include "../core/pguard_key.h"
#include "../core/pguard_ledger_state.h"
#include "../core/pguard_zone.h"
#include "ngx_paas_guard_file.h"
#include "ngx_paas_guard_store.h"


typedef struct ngx_paas_guard_main_conf_s  ngx_paas_guard_main_conf_t;
typedef struct ngx_paas_guard_rule_s       ngx_paas_guard_rule_t;
typedef struct ngx_paas_guard_audit_s      ngx_paas_guard_audit_t;
typedef struct ngx_paas_guard_worker_s     ngx_paas_guard_worker_t;


/* What a location with paas_guard_status may do: in its loc_conf. */

#define NGX_PAAS_GUARD_STATUS_READ   1
#define NGX_PAAS_GUARD_STATUS_WRITE  2


/* What a line needs that may stand after it. */

typedef enum {
    NGX_PAAS_GUARD_NEEDS_ZONE = 0,
    NGX_PAAS_GUARD_NEEDS_RULE,
    NGX_PAAS_GUARD_NEEDS_INDICATOR,
    NGX_PAAS_GUARD_CLUSTER_NEEDS_REDIS,
    NGX_PAAS_GUARD_STRICT_NEEDS_REDIS,
    NGX_PAAS_GUARD_REDIS_NEEDS_SECRET,
    NGX_PAAS_GUARD_AUDIT_NEEDS_SECRET,
    NGX_PAAS_GUARD_NEEDS
} ngx_paas_guard_needs_e;

/* What a directive takes the names of: for errors, and for its lines' needs. */

typedef struct {
    char                        *what;
    ngx_paas_guard_needs_e       needs;
} ngx_paas_guard_named_t;

/* A name used before what it names is known: with the place, for errors. */

typedef struct {
    ngx_paas_guard_needs_e       needs;
    ngx_str_t                    name;
    ngx_str_t                    file;
    ngx_uint_t                   line;
} ngx_paas_guard_ref_t;


/* A zone: what the configuration says, and this process's view of it. */

struct ngx_paas_guard_zone_s {
    ngx_str_t                    name;
    ngx_str_t                    conf_file;     /* of its line */
    ngx_uint_t                   conf_line;
    ngx_str_t                    state;         /* path, or empty */
    ngx_uint_t                   use;           /* bits: pguard_use_e */
    ngx_uint_t                   divided;       /* the same, when made */
    ngx_shm_zone_t              *shm_zone;
    ngx_slab_pool_t             *shpool;        /* its mutex: blocks, names */
    void                        *memory;        /* of the core */
    pguard_zone_t                core;
    pguard_counters_t           *counters;      /* this worker's */
    pguard_key_t                *key;
    pguard_key_t                *own_key;       /* where there is no file */
    uint16_t                    *rules;         /* [mcf->rules]: zone's index */
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


struct ngx_paas_guard_main_conf_s {
    ngx_array_t                  zones;         /* ngx_paas_guard_zone_t * */
    ngx_array_t                  rules;         /* ngx_paas_guard_rule_t * */
    ngx_array_t                  services;      /* ..._service_t * */
    ngx_array_t                  indicators;    /* ..._indicator_t * */
    ngx_array_t                  slas;          /* ..._sla_t * */
    ngx_array_t                  refs;          /* ngx_paas_guard_ref_t */
    ngx_array_t                  upstreams;     /* ngx_uint_t: ctx_index */
    ngx_uint_t                   grpc;          /* the same, or unset */
    ngx_uint_t                   dav;           /* the same, or unset */
    ngx_uint_t                   dav_methods;   /* where its conf has them */
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
    ngx_http_header_handler_pt   host;          /* of nginx */
    ngx_uint_t                   error_pages;   /* is there any? */
    ngx_int_t                    place;         /* a variable's, or unset */
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

/* In head_line: what a line tells, for all that the hash of its name says. */

#define NGX_PAAS_GUARD_LINE_NOTHING  0
#define NGX_PAAS_GUARD_LINE_WHO      1
#define NGX_PAAS_GUARD_LINE_WHAT     2
#define NGX_PAAS_GUARD_LINE_WISH     3          /* how it is to be told */
#define NGX_PAAS_GUARD_LINE_KINDS    4

typedef struct {
    ngx_str_t                    zone_name;
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
    u_char                       head_line[256];    /* the same */
    ngx_uint_t                   plain_client;  /* the default, unchanged */
    size_t                       body;          /* 0: off */
    ngx_array_t                 *rewrites;      /* pguard_rewrite_t * */
    ngx_array_t                 *rule_names;    /* ngx_str_t */
    ngx_array_t                 *rules;         /* ngx_paas_guard_rule_t * */
    pguard_hash_t               *salts;         /* of each: rule and service */
    ngx_array_t                 *sla_names;     /* ngx_str_t */
    ngx_array_t                 *slas;          /* ngx_paas_guard_sla_t * */
    ngx_str_t                    sla_list;      /* their names, with "," */
    ngx_uint_t                   strict;
    ngx_uint_t                   throttle_status;
    ngx_uint_t                   block_status;
    ngx_flag_t                   dry_run;
    ngx_uint_t                   log_level;
    ngx_flag_t                   ratelimit;
    ngx_uint_t                   status;        /* 0: no paas_guard_status */
} ngx_paas_guard_loc_conf_t;


/* Directives: ngx_paas_guard_conf_main.c (of http alone), _conf.c,
   _conf_headers.c, _rule.c (of a rule) */

char *ngx_paas_guard_zone_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_secret_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_cookie_directive(ngx_conf_t *cf, ngx_command_t *cmd,
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
char *ngx_paas_guard_sync_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_array_t *ngx_paas_guard_default_headers(ngx_conf_t *cf);

/* Warns of a value that is to tell clients apart, and can't. */
void ngx_paas_guard_constant(ngx_conf_t *cf, const char *what,
    ngx_str_t *value);

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

/* After the configuration: what is added last in a phase runs first. */
ngx_int_t ngx_paas_guard_add_handler(ngx_conf_t *cf, ngx_uint_t phase,
    ngx_http_handler_pt handler);

/* ngx_paas_guard_resolve.c: what the configuration's names mean */

ngx_int_t ngx_paas_guard_conf_init_main(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);
ngx_int_t ngx_paas_guard_conf_resolve(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf, ngx_paas_guard_loc_conf_t *conf);
ngx_int_t ngx_paas_guard_conf_finish(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);
ngx_paas_guard_rule_t *ngx_paas_guard_find_rule(
    ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name);
ngx_paas_guard_zone_t *ngx_paas_guard_find_zone(
    ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name);
ngx_paas_guard_service_t *ngx_paas_guard_find_service(
    ngx_paas_guard_zone_t *zone, ngx_str_t *name);

/* ngx_paas_guard_conf_refs.c: what lines need, wherever they stand */

ngx_int_t ngx_paas_guard_reference(ngx_conf_t *cf,
    ngx_paas_guard_needs_e needs, ngx_str_t *name);
ngx_int_t ngx_paas_guard_check_refs(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);

/* ngx_paas_guard_conf_files.c: no file may be kept for two */

ngx_int_t ngx_paas_guard_check_files(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);

/* ngx_paas_guard_indicator.c: what an agreement has indicators of */

char *ngx_paas_guard_indicator_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_paas_guard_resolve_sla(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf, ngx_paas_guard_loc_conf_t *conf);
ngx_paas_guard_indicator_t *ngx_paas_guard_find_indicator(
    ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name);
ngx_int_t ngx_paas_guard_timezone(pguard_tz_t *tz, ngx_str_t *name,
    ngx_pool_t *pool);


#endif /* _NGX_PAAS_GUARD_CONF_H_INCLUDED_ */
