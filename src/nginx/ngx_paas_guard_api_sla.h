/*
 * Calls about an indicator: its report (_api_sla.c), its outages
 * (_api_outages.c).
 */

#ifndef _NGX_PAAS_GUARD_API_SLA_H_INCLUDED_
#define _NGX_PAAS_GUARD_API_SLA_H_INCLUDED_


#include "ngx_paas_guard_api.h"
#include "ngx_paas_guard_sla.h"
#include "../core/pguard_report.h"


/* A call about an indicator: its month, and an outage that it enters. */

typedef struct {
    ngx_paas_guard_month_t       month;
    ngx_paas_guard_sla_t        *sla;
    pguard_report_e              format;
    pguard_outage_kind_e         kind;
    pguard_outage_say_t          say;
    pguard_outage_t              outage;
    u_char                       id[PGUARD_OUTAGE_ID_MAX];
    size_t                       id_len;
} ngx_paas_guard_api_sla_t;


/* The indicator of the path, in the zone of the query or in the first that has
   it.  NGX_OK, or as a handler. */
ngx_int_t ngx_paas_guard_api_sla_call(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t **call);


#endif /* _NGX_PAAS_GUARD_API_SLA_H_INCLUDED_ */
