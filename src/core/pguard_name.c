/*
 * Names of the closed lists in pguard.h; those of the reasons are in
 * pguard_reason.c, beside all else that a reason implies.
 */

#include "pguard.h"


const pguard_str_t  pguard_verdict_names[PGUARD_VERDICTS] = {
    [PGUARD_VERDICT_PASSED]            = pguard_string("passed"),
    [PGUARD_VERDICT_THROTTLED]         = pguard_string("throttled"),
    [PGUARD_VERDICT_BLOCKED]           = pguard_string("blocked"),
    [PGUARD_VERDICT_EXEMPT]            = pguard_string("exempt"),
    [PGUARD_VERDICT_THROTTLED_DRY_RUN] = pguard_string("throttled_dry_run"),
    [PGUARD_VERDICT_BLOCKED_DRY_RUN]   = pguard_string("blocked_dry_run")
};


const pguard_str_t  pguard_sla_names[PGUARD_SLA_CLASSES] = {
    [PGUARD_SLA_GOOD]     = pguard_string("good"),
    [PGUARD_SLA_FAILED]   = pguard_string("failed"),
    [PGUARD_SLA_EXCLUDED] = pguard_string("excluded"),
    [PGUARD_SLA_IGNORED]  = pguard_string("ignored")
};


const pguard_str_t  pguard_unsigned_names[PGUARD_UNSIGNED_WHYS] = {
    [PGUARD_UNSIGNED_UPGRADE]    = pguard_string("upgrade"),
    [PGUARD_UNSIGNED_UNBUFFERED] = pguard_string("unbuffered"),
    [PGUARD_UNSIGNED_TOO_LARGE]  = pguard_string("too_large"),
    [PGUARD_UNSIGNED_BODY_OFF]   = pguard_string("body_off"),
    [PGUARD_UNSIGNED_ERROR]      = pguard_string("error")
};
