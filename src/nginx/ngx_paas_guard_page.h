/*
 * The status page: what it shows, gathered for one request.
 */

#ifndef _NGX_PAAS_GUARD_PAGE_H_INCLUDED_
#define _NGX_PAAS_GUARD_PAGE_H_INCLUDED_


#include "ngx_paas_guard_api.h"
#include "ngx_paas_guard_sla.h"
#include "../core/pguard_status.h"


/* Rows of each list, at most. */

#define NGX_PAAS_GUARD_PAGE_ZONES     16
#define NGX_PAAS_GUARD_PAGE_TOP       10
#define NGX_PAAS_GUARD_PAGE_BLOCKS    50
#define NGX_PAAS_GUARD_PAGE_RULES     64
#define NGX_PAAS_GUARD_PAGE_SERVICES  20
#define NGX_PAAS_GUARD_PAGE_SLAS      16
#define NGX_PAAS_GUARD_PAGE_OUTAGES   8


typedef struct {
    pguard_status_t           status;
    ngx_paas_guard_month_t   *month;     /* of the indicator that is read */
    ngx_uint_t                next;      /* the one after it */
    ngx_uint_t                nzones;
    ngx_paas_guard_zone_t   **zones;     /* those that are wanted */

    pguard_status_zone_t      zone[NGX_PAAS_GUARD_PAGE_ZONES];
    pguard_status_top_t       top[NGX_PAAS_GUARD_PAGE_TOP];
    pguard_status_block_t     block[NGX_PAAS_GUARD_PAGE_BLOCKS];
    pguard_status_rule_t      rule[NGX_PAAS_GUARD_PAGE_RULES];
    pguard_status_service_t   service[NGX_PAAS_GUARD_PAGE_SERVICES];
    pguard_status_sla_t       sla[NGX_PAAS_GUARD_PAGE_SLAS];
} ngx_paas_guard_view_t;


/* ngx_paas_guard_page_view.c: fills in all but the indicators, of view->zones
   at view->status.now. */
void ngx_paas_guard_page_view(ngx_paas_guard_view_t *view,
    ngx_paas_guard_store_t *store);


#endif /* _NGX_PAAS_GUARD_PAGE_H_INCLUDED_ */
