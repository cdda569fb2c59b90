/*
 * A month of an indicator: what this gateway has counted, added to what the
 * others have left in the store.
 */

#ifndef _NGX_PAAS_GUARD_SLA_H_INCLUDED_
#define _NGX_PAAS_GUARD_SLA_H_INCLUDED_


#include "ngx_paas_guard.h"


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
    pguard_down_rule_t           rule;
    pguard_figures_in_t          in;            /* with bits and outages */
    pguard_figures_t             figures;
    size_t                       gateways;
    ngx_uint_t                   partial;       /* some could not be read */
    ngx_paas_guard_fetch_t      *fetch;         /* that month, and for what */
    ngx_paas_guard_fetch_t      *later;         /* was declared since: this */
};


/* ngx_paas_guard_sla_merge.c */

/* NGX_OK: m is filled in.  NGX_AGAIN: it will be, and the handler is called
   from an event.  NGX_ERROR: no memory. */
ngx_int_t ngx_paas_guard_sla_month(ngx_paas_guard_month_t *m);


#endif /* _NGX_PAAS_GUARD_SLA_H_INCLUDED_ */
