/*
 * The page of metrics: what its parts share.
 */

#ifndef _NGX_PAAS_GUARD_METRICS_H_INCLUDED_
#define _NGX_PAAS_GUARD_METRICS_H_INCLUDED_


#include "ngx_paas_guard.h"
#include "../core/pguard_metrics.h"
#include "../core/pguard_negotiate.h"


typedef struct {
    pguard_out_t                 out;
    pguard_format_e              format;
    ngx_paas_guard_main_conf_t  *gmcf;
    pguard_usec_t                now;
} ngx_paas_guard_scrape_t;

/* Writes a family, with all its samples of zone; of a family of the gateway,
   zone is NULL. */

typedef void (*ngx_paas_guard_family_pt)(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);


/* Writes one sample of a family, see pguard_metrics_sample(). */
void ngx_paas_guard_sample(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    pguard_label_t *labels, ngx_uint_t n, uint64_t value);

/* ngx_paas_guard_metrics_gateway.c: families of the gateway, not of a zone */

void ngx_paas_guard_store_family(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);
void ngx_paas_guard_audit_family(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);
void ngx_paas_guard_build_family(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);


#endif /* _NGX_PAAS_GUARD_METRICS_H_INCLUDED_ */
