/*
 * The calls below a paas_guard_status location.
 *
 * ngx_paas_guard_api.c finds the call of a path in the tables of the files
 * _api_*.c, and sends what it answers; _access.c says whether it may be made,
 * _args.c reads the query, _body.c the body.  A call is two functions: one that
 * does it, and one that writes the answer, which is asked again, with more
 * room, if the answer did not fit:
 *
 *     const ngx_paas_guard_api_call_t  ngx_paas_guard_api_blocks[] = {
 *         { NGX_HTTP_POST, "api/1/blocks", NULL, members, set, written },
 *         ngx_paas_guard_no_call
 *     };
 *
 * A call that has to wait returns NGX_AGAIN, and later calls
 * ngx_paas_guard_api_done() from an event.
 */

#ifndef _NGX_PAAS_GUARD_API_H_INCLUDED_
#define _NGX_PAAS_GUARD_API_H_INCLUDED_


#include "ngx_paas_guard.h"
#include "../core/pguard_members.h"
#include "../core/pguard_negotiate.h"
#include "../core/pguard_problem.h"
#include "../core/pguard_route.h"
#include "../core/pguard_writer.h"


#define NGX_PAAS_GUARD_API_BODY    (16 * 1024)     /* the longest */
#define NGX_PAAS_GUARD_API_BLOCKS  1000            /* in a list, at most */


typedef struct ngx_paas_guard_api_s       ngx_paas_guard_api_t;
typedef struct ngx_paas_guard_api_call_s  ngx_paas_guard_api_call_t;


/* The handler of a call.  NGX_OK; NGX_AGAIN: it is not done yet; NGX_DECLINED:
   api->problem says what is wrong, see ngx_paas_guard_api_problem(); NGX_ERROR:
   no memory. */

typedef ngx_int_t (*ngx_paas_guard_api_pt)(ngx_paas_guard_api_t *api);

/* Writes the answer to api->writer or api->out.  It may be called more than
   once, and should then write the same.  It cannot fail. */

typedef void (*ngx_paas_guard_api_write_pt)(ngx_paas_guard_api_t *api);


/* Each table of members begins with these two; the value of who is the user
   that nginx has authenticated, where there is one. */

#define NGX_PAAS_GUARD_API_WHO    0
#define NGX_PAAS_GUARD_API_WHY    1
#define NGX_PAAS_GUARD_API_FIRST  2

#define ngx_paas_guard_api_common                                             \
    { "who", PGUARD_MEMBER_STRING, PGUARD_AUDIT_TEXT_MAX },                   \
    { "why", PGUARD_MEMBER_STRING, PGUARD_AUDIT_TEXT_MAX }

#define ngx_paas_guard_no_member  { NULL, 0, 0 }


struct ngx_paas_guard_api_call_s {
    ngx_uint_t                     method;    /* GET: HEAD, too; else a write */
    const char                    *pattern;   /* NULL ends a table */
    const char *const             *args;      /* of the query, NULL-ended; a
                                                 NULL: none */
    const pguard_member_t         *members;   /* of the body; NULL: those in
                                                 common */
    ngx_paas_guard_api_pt          handler;   /* may be NULL */
    ngx_paas_guard_api_write_pt    write;
};

#define ngx_paas_guard_no_call  { 0, NULL, NULL, NULL, NULL, NULL }


/* One call under way. */

struct ngx_paas_guard_api_s {
    ngx_http_request_t            *request;
    ngx_paas_guard_main_conf_t    *gmcf;
    const ngx_paas_guard_api_call_t  *call;
    ngx_uint_t                     writable;  /* write=on */

    pguard_str_t                   star[PGUARD_ROUTE_SEGMENTS];
    pguard_value_t                 value[PGUARD_MEMBERS_MAX];
    pguard_str_t                   who;       /* the user that nginx has
                                                 authenticated; else, of a
                                                 write, the name it gives;
                                                 empty: not known */
    pguard_str_t                   why;

    pguard_msec_t                  now;       /* monotonic */
    uint64_t                       wall;      /* at the same time, since 1970 */
    pguard_lang_e                  lang;      /* what the client prefers */

    void                          *data;      /* the call's own */

    pguard_problem_e               problem;
    pguard_str_t                   problem_name;

    ngx_uint_t                     status;    /* of a good answer: 200 */
    ngx_str_t                      type;      /* application/json */
    ngx_uint_t                     human;     /* 1: the answer depends on the
                                                 language, and says so */
    pguard_out_t                   out;
    pguard_writer_t                writer;    /* to out */

    unsigned                       waiting:1; /* for ..._api_done() */
};


/* The tables, one for each kind of thing; listed in ngx_paas_guard_api.c. */

extern const ngx_paas_guard_api_call_t  ngx_paas_guard_api_zones[];
extern const ngx_paas_guard_api_call_t  ngx_paas_guard_api_blocks[];
extern const ngx_paas_guard_api_call_t  ngx_paas_guard_api_slas[];
extern const ngx_paas_guard_api_call_t  ngx_paas_guard_api_outages[];
extern const ngx_paas_guard_api_call_t  ngx_paas_guard_api_clients[];
extern const ngx_paas_guard_api_call_t  ngx_paas_guard_api_forgets[];
extern const ngx_paas_guard_api_call_t  ngx_paas_guard_api_page[];


/* What is wrong with the call; name is what it is about, and lives as long as
   the request.  Returns NGX_DECLINED. */
ngx_int_t ngx_paas_guard_api_problem(ngx_paas_guard_api_t *api,
    pguard_problem_e problem, pguard_str_t name);

/* The same, of a member or an argument that the program names. */
ngx_int_t ngx_paas_guard_api_wrong(ngx_paas_guard_api_t *api,
    pguard_problem_e problem, const char *name);

/* Goes on with a call that returned NGX_AGAIN; rc: as its handler's.  To be
   called from an event, not from within the handler; the request may be gone
   afterwards.  A call that waits needs a cleanup, as the request may end
   before. */
void ngx_paas_guard_api_done(ngx_paas_guard_api_t *api, ngx_int_t rc);

/* ngx_paas_guard_api_access.c: checks whether this request may write.  NGX_OK,
   or as a handler. */
ngx_int_t ngx_paas_guard_api_may_write(ngx_paas_guard_api_t *api);

/* ngx_paas_guard_api_body.c: reads the members of the body into api->value.
   NGX_OK, or as a handler. */
ngx_int_t ngx_paas_guard_api_body(ngx_paas_guard_api_t *api);

/* ngx_paas_guard_api_args.c: the query */

/* Are all arguments those of the call, each given once?  NGX_OK, or as a
   handler. */
ngx_int_t ngx_paas_guard_api_check_args(ngx_paas_guard_api_t *api);

/* The argument of the query called name, decoded.  NGX_OK; NGX_DECLINED
   if there is none; NGX_ERROR: no memory. */
ngx_int_t ngx_paas_guard_api_arg(ngx_paas_guard_api_t *api, const char *name,
    pguard_str_t *value);

/* A whole number from 0 to max in the query, or what *n is already.  NGX_OK,
   or as a handler. */
ngx_int_t ngx_paas_guard_api_arg_number(ngx_paas_guard_api_t *api,
    const char *name, uint64_t max, uint64_t *n);

/* One of n words in the query, by its number, or what *word is already.
   NGX_OK, or as a handler. */
ngx_int_t ngx_paas_guard_api_arg_word(ngx_paas_guard_api_t *api,
    const char *name, const pguard_str_t *words, ngx_uint_t n,
    ngx_uint_t *word);

/* The zone called name, or NULL. */
ngx_paas_guard_zone_t *ngx_paas_guard_api_zone(ngx_paas_guard_api_t *api,
    pguard_str_t name);

/* The zone that the query asks for in *zone; NULL: it names none.  NGX_OK, or
   as a handler. */
ngx_int_t ngx_paas_guard_api_arg_zone(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t **zone);

/* ngx_paas_guard_api_clients.c: reads a digest from hex into *id.  1; 0 if it
   is none, or zeros, which are nobody's. */
ngx_uint_t ngx_paas_guard_api_digest(pguard_str_t hex, pguard_id_t *id);

/* The id of the path, and the zone that the query asks for; NULL: all.  NGX_OK,
   or as a handler. */
ngx_int_t ngx_paas_guard_api_client(ngx_paas_guard_api_t *api,
    pguard_id_t *id, ngx_paas_guard_zone_t **zone);

/* A block as a member. */
void ngx_paas_guard_api_write_block(ngx_paas_guard_api_t *api,
    const char *name, ngx_paas_guard_zone_t *zone, const pguard_block_t *b);

/* The language that the query asks for by lang=, in api->lang; without it, as
   the client's headers prefer.  NGX_OK, or as a handler. */
ngx_int_t ngx_paas_guard_api_arg_lang(ngx_paas_guard_api_t *api);

/* A monotonic time as a member. */
void ngx_paas_guard_api_time(ngx_paas_guard_api_t *api, const char *name,
    pguard_msec_t at);

/* Begins the audit record of a write, an operator_action with who, what and
   why.  what: the action's name, e.g. "lift_block".  The caller adds what it
   was done to, and hands the record to ngx_paas_guard_audit(). */
void ngx_paas_guard_api_action(ngx_paas_guard_api_t *api,
    pguard_audit_record_t *rec, const char *what);


/* ngx_paas_guard_page.c: what the status page may load, once for all. */
ngx_int_t ngx_paas_guard_page_policy(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);


#endif /* _NGX_PAAS_GUARD_API_H_INCLUDED_ */
