#include "ngx_paas_guard.h"


void
ngx_paas_guard_audit(ngx_paas_guard_main_conf_t *gmcf,
    pguard_audit_record_t *rec)
{
    /* what follows is the log itself: paas_guard_audit */
}
