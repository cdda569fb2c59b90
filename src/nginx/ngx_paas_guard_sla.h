/*
 * The ledger of an indicator in a zone; and a month of it: what this gateway
 * has counted, added to what the others have left in the store.
 */

#ifndef _NGX_PAAS_GUARD_SLA_H_INCLUDED_
#define _NGX_PAAS_GUARD_SLA_H_INCLUDED_


#include "ngx_paas_guard.h"


/* ngx_paas_guard_sla.c: the ledger */

/* Sets up the ledger's state file, beside that of the zone, if that has one. */
ngx_int_t ngx_paas_guard_sla_state(ngx_conf_t *cf, ngx_paas_guard_sla_t *sla);

/* init of its shared memory: makes it, or finds the ledger there. */
ngx_int_t ngx_paas_guard_sla_init(ngx_shm_zone_t *shm_zone, void *data);

/* A worker begins and ends. */
void ngx_paas_guard_sla_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_sla_t *sla);
void ngx_paas_guard_sla_exit_process(ngx_paas_guard_sla_t *sla);

/* Counts r, which has ended, for each of its indicators; ctx may be NULL. */
void ngx_paas_guard_sla_count(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);

/* This month so far, at most a second old.  NULL: the clock is out of all
   months. */
const pguard_figures_t *ngx_paas_guard_sla_figures(ngx_paas_guard_sla_t *sla);

/* Whose ledger it is. */
void ngx_paas_guard_sla_id(ngx_paas_guard_sla_t *sla, pguard_ledger_id_t *id);


/* ngx_paas_guard_sla_merge.c: months of all gateways */

/* Sends this gateway's record of the month to the store, if it is due. */
void ngx_paas_guard_sla_send(ngx_paas_guard_sla_t *sla, ngx_log_t *log);

typedef struct ngx_paas_guard_month_s  ngx_paas_guard_month_t;

typedef void (*ngx_paas_guard_month_pt)(ngx_paas_guard_month_t *m,
    ngx_int_t rc);

/* The caller sets the first five, and applicable. */

struct ngx_paas_guard_month_s {
    ngx_paas_guard_sla_t        *sla;
    pguard_month_t               month;         /* one that is kept */
    ngx_pool_t                  *pool;          /* what is read ends with it */
    ngx_paas_guard_month_pt      handler;
    void                        *data;
    ngx_uint_t                   applicable;

    uint64_t                     now;           /* s since 1970 */
    pguard_month_t               current;
    pguard_sla_rule_t            rule;
    pguard_figures_in_t          in;            /* with bits and outages */
    pguard_figures_t             figures;
    size_t                       gateways;
    ngx_uint_t                   partial;       /* some could not be read */
    ngx_paas_guard_fetch_t      *fetch;         /* the records of that month */
    ngx_paas_guard_fetch_t      *later;         /* those of this month, with
                                                   later entries on outages */
};


/* NGX_OK: m is filled in.  NGX_AGAIN: it will be, and the handler is called
   from an event.  NGX_ERROR: no memory. */
ngx_int_t ngx_paas_guard_sla_month(ngx_paas_guard_month_t *m);


#endif /* _NGX_PAAS_GUARD_SLA_H_INCLUDED_ */
