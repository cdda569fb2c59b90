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


/* What a line of the configuration needs, which may come after it. */

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

/* What kind of thing a directive takes the names of. */

typedef struct {
    char                        *what;          /* for errors: "rule" */
    ngx_paas_guard_needs_e       needs;
} ngx_paas_guard_named_t;

/* A need, with the line that has it, for errors. */

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
    ngx_uint_t                   divided;       /* the same, when its memory
                                                   was made */
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
    uint64_t                     writing;       /* changes that the write under
                                                   way has; 0: there is none */
    uint64_t                     saved;         /* those in the file */
    uint64_t                     kept;          /* and in the one before */
    pguard_msec_t                others_due;    /* next line on other clients */
    uint64_t                     audited;       /* changes that audit_blocks()
                                                   has seen */
    pguard_msec_t                audit_due;     /* its next look */
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


/* What a rule's key is.  If it is one of these variables alone, its value is
   taken from where it comes from: faster, and a client has the same digest as
   key and in access logs. */

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
    ngx_uint_t                   same_key;      /* index of the first rule with
                                                   that key */
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
    uint64_t                     slice;         /* s */
    pguard_sla_rule_t            rule;
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
    uint64_t                     writing;       /* as of a zone */
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
    ngx_uint_t                   audit_off;     /* "paas_guard_audit off" */
    ngx_str_t                    proxy;         /* this gateway's name */
    ngx_str_t                    page_policy;   /* what its page may load */
    ngx_http_header_handler_pt   host;          /* nginx's, for Host */
    ngx_uint_t                   error_pages;   /* 1: there are some */
    ngx_int_t                    place;         /* index of the variable that
                                                   notes it, or unset */
    ngx_paas_guard_worker_t     *worker;
};


/* header_place[] says by the lowest byte of a name's hash which of the signed
   headers it may be: its index, or one of these. */

#define NGX_PAAS_GUARD_NO_HEADER    255
#define NGX_PAAS_GUARD_ANY_HEADER   254        /* one of several: look at all */

#define ngx_paas_guard_header_end(hash)  ((hash) & 255)

/* head_line[] says, in the same way, what a header line may tell: nothing of
   interest, who sends the request, what it asks for, or how it wishes to be
   told of a refusal. */

#define NGX_PAAS_GUARD_LINE_NOTHING  0
#define NGX_PAAS_GUARD_LINE_WHO      1
#define NGX_PAAS_GUARD_LINE_WHAT     2
#define NGX_PAAS_GUARD_LINE_WISH     3
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
    ngx_array_t                 *headers;       /* ngx_str_t: names in lower
                                                   case */
    u_char                       header_place[256]; /* by the hash's end */
    u_char                       head_line[256];    /* the same */
    ngx_uint_t                   plain_client;  /* 1: client is the default */
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
    ngx_http_handler_pt          content;       /* of that, or of the metrics */
    ngx_str_t                    content_name;  /* the directive */
} ngx_paas_guard_loc_conf_t;


/* Directives: ngx_paas_guard_conf_main.c (of http alone), _conf.c,
   _conf_headers.c, _rule.c (of a rule).  As nginx wants them: NGX_CONF_OK;
   NGX_CONF_ERROR, and why was logged; or why, as half a sentence. */

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
char *ngx_paas_guard_exempt_directive(ngx_conf_t *cf, ngx_command_t *cmd,
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

/* The headers of paas_guard_signature_headers where it is not set.  NULL: no
   memory. */
ngx_array_t *ngx_paas_guard_default_headers(ngx_conf_t *cf);

/* Warns that value has no variable.  what: the directive or parameter; then:
   what comes of it. */
void ngx_paas_guard_constant(ngx_conf_t *cf, const char *what,
    ngx_str_t *value, const char *then);

/* ngx_paas_guard_conf_util.c: what directives have in common */

char *ngx_paas_guard_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_paas_guard_enum_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Logs that value is invalid, and what would be right; that the parameter name
   is given twice.  Both return NGX_CONF_ERROR. */
char *ngx_paas_guard_invalid(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_str_t *value, const char *right);
char *ngx_paas_guard_twice(ngx_conf_t *cf, ngx_command_t *cmd,
    const char *name);

/* Is this a valid name of a zone, service, rule or indicator?  NGX_ERROR: it is
   not, which was logged. */
ngx_int_t ngx_paas_guard_check_name(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_str_t *name);

/* If arg is "name=value", sets *value to a slice of it; else NGX_DECLINED. */
ngx_int_t ngx_paas_guard_parameter(ngx_str_t *arg, const char *name,
    ngx_str_t *value);

/* 1 or 0: is s this text; are both strings the same; is arg "off"? */
ngx_uint_t ngx_paas_guard_same(const ngx_str_t *s, const char *text);
ngx_uint_t ngx_paas_guard_equal(const ngx_str_t *a, const ngx_str_t *b);
ngx_uint_t ngx_paas_guard_is_off(ngx_str_t *arg);

/* A parameter of a directive.  set puts its value into *to, or returns
   NGX_CONF_ERROR if it is invalid; right says what would be valid, for the
   error.  right NULL: the name alone is the parameter, without a value.  A
   table ends with ngx_paas_guard_no_parameter. */

typedef struct {
    const char  *name;
    char      *(*set)(ngx_conf_t *cf, void *to, ngx_str_t *value);
    const char  *right;
} ngx_paas_guard_parameter_t;

#define ngx_paas_guard_no_parameter  { NULL, NULL, NULL }

/* The digits of a number that a macro stands for: for what right says.  As
   ngx_value(), which cppcheck does not see. */

#define ngx_paas_guard_value(n)         ngx_paas_guard_value_helper(n)
#define ngx_paas_guard_value_helper(n)  #n

/* Reads the arguments of a line from number first on, each parameter at most
   once.  NGX_CONF_ERROR: what is wrong was logged. */
char *ngx_paas_guard_parameters(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_uint_t first, const ngx_paas_guard_parameter_t *table, void *to);

/* Makes handler the one that answers in this location.  As a directive. */
char *ngx_paas_guard_set_content(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_paas_guard_loc_conf_t *glcf, ngx_http_handler_pt handler);

/* After a location is merged: one without a name, as of "if" or limit_except,
   answers as prev does.  NGX_ERROR: another module answers in place of ours,
   which was logged. */
ngx_int_t ngx_paas_guard_content_merge(ngx_conf_t *cf,
    ngx_paas_guard_loc_conf_t *prev, ngx_paas_guard_loc_conf_t *conf);

/* After the configuration is read: the handler added last in a phase runs
   first. */
ngx_int_t ngx_paas_guard_add_handler(ngx_conf_t *cf, ngx_uint_t phase,
    ngx_http_handler_pt handler);

/* ngx_paas_guard_resolve.c: what the configuration's names mean */

/* Before locations are merged: checks what lines need, and sets defaults. */
ngx_int_t ngx_paas_guard_conf_init_main(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);

/* After a location is merged: sets zone, service, rules and indicators by their
   names, and what saves time with each request. */
ngx_int_t ngx_paas_guard_conf_resolve(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf, ngx_paas_guard_loc_conf_t *conf);

/* After all locations are merged. */
ngx_int_t ngx_paas_guard_conf_finish(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);

/* What has this name, or NULL. */
ngx_paas_guard_rule_t *ngx_paas_guard_find_rule(
    ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name);
ngx_paas_guard_zone_t *ngx_paas_guard_find_zone(
    ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name);
ngx_paas_guard_service_t *ngx_paas_guard_find_service(
    ngx_paas_guard_zone_t *zone, ngx_str_t *name);

/* ngx_paas_guard_conf_refs.c: what lines need, wherever they stand */

/* Notes that the line being read needs something: name is the name of that, or
   for the error. */
ngx_int_t ngx_paas_guard_reference(ngx_conf_t *cf,
    ngx_paas_guard_needs_e needs, ngx_str_t *name);

/* When all lines are read: is all there that they need?  NGX_ERROR: it is not,
   which was logged with the line. */
ngx_int_t ngx_paas_guard_check_refs(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);

/* ngx_paas_guard_conf_files.c */

/* No file may serve two purposes, as state, log or secret.  NGX_ERROR: one
   does, which was logged. */
ngx_int_t ngx_paas_guard_check_files(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);

/* ngx_paas_guard_indicator.c: the agreement's indicators */

char *ngx_paas_guard_indicator_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Sets conf->slas by their names; a ledger that no location has had is made. */
ngx_int_t ngx_paas_guard_resolve_sla(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf, ngx_paas_guard_loc_conf_t *conf);

/* What has this name, or NULL. */
ngx_paas_guard_indicator_t *ngx_paas_guard_find_indicator(
    ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name);

/* Reads the time zone of this name; what *tz points to is in pool.
   NGX_ERROR: there is no such zone, or no memory. */
ngx_int_t ngx_paas_guard_timezone(pguard_tz_t *tz, ngx_str_t *name,
    ngx_pool_t *pool);


#endif /* _NGX_PAAS_GUARD_CONF_H_INCLUDED_ */
