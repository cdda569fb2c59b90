/*
 * The closed list of reasons: docs/clauses.md tells which clause asks for it.
 */

#include "pguard_reason.h"


#define PGUARD_QUOTA_EXCEEDED                                                 \
    "https://iana.org/assignments/http-problem-types#quota-exceeded"
#define PGUARD_ABNORMAL_USAGE                                                 \
    "https://iana.org/assignments/http-problem-types#abnormal-usage-detected"


const pguard_str_t  pguard_reason_names[PGUARD_REASONS] = {
    [PGUARD_REASON_DUPLICATE] = pguard_string("duplicate_throttled"),
    [PGUARD_REASON_HAMMERING] = pguard_string("hammering_blocked"),
    [PGUARD_REASON_LOCKOUT]   = pguard_string("auth_lockout"),
    [PGUARD_REASON_OPERATOR]  = pguard_string("operator_blocked")
};


static const pguard_reason_t  pguard_reasons[PGUARD_REASONS] = {

    [PGUARD_REASON_DUPLICATE] = {
        PGUARD_SLA_EXCLUDED,
        pguard_string("throttled"),
        pguard_string("http_request_error"),
        pguard_string(PGUARD_QUOTA_EXCEEDED)
    },

    [PGUARD_REASON_HAMMERING] = {
        PGUARD_SLA_EXCLUDED,
        pguard_string("blocked"),
        pguard_string("http_request_denied"),
        pguard_string(PGUARD_ABNORMAL_USAGE)
    },

    [PGUARD_REASON_LOCKOUT] = {
        PGUARD_SLA_GOOD,
        pguard_string("blocked"),
        pguard_string("http_request_denied"),
        pguard_string(PGUARD_ABNORMAL_USAGE)
    },

    [PGUARD_REASON_OPERATOR] = {
        PGUARD_SLA_FAILED,
        pguard_string("blocked"),
        pguard_string("http_request_denied"),
        pguard_string(PGUARD_ABNORMAL_USAGE)
    }
};


const pguard_reason_t *
pguard_reason(pguard_reason_e reason)
{
    return ((unsigned) reason < PGUARD_REASONS) ? &pguard_reasons[reason]
                                                : NULL;
}


pguard_sla_e
pguard_sla_class(pguard_verdict_e verdict, pguard_reason_e reason,
    unsigned status, unsigned reached)
{
    const pguard_reason_t  *why;

    why = pguard_reason(reason);

    if (why
        && (verdict == PGUARD_VERDICT_THROTTLED
            || verdict == PGUARD_VERDICT_BLOCKED))
    {
        return why->sla;
    }

    if (status == 499) {
        return PGUARD_SLA_IGNORED;
    }

    /* no verdict and never sent on: nginx refused it while reading it, with
       501 and 505 where it does not speak that HTTP */

    if (!reached && (unsigned) verdict >= PGUARD_VERDICTS
        && ((status >= 400 && status < 500) || status == 501 || status == 505))
    {
        return PGUARD_SLA_IGNORED;
    }

    if (status >= 500) {
        return PGUARD_SLA_FAILED;
    }

    return PGUARD_SLA_GOOD;
}
