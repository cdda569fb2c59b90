/*
 * What each reason of the closed list implies, and the SLA class of a request.
 */

#ifndef PGUARD_REASON_H
#define PGUARD_REASON_H

#include "pguard.h"


/* The name of a reason is in pguard_reason_names[]. */

typedef struct {
    pguard_sla_e  sla;           /* of a request refused for it */
    pguard_str_t  word;          /* in PaaS-Guard: "throttled", "blocked" */
    pguard_str_t  proxy_error;   /* error type in Proxy-Status (RFC 9209) */
    pguard_str_t  type;          /* problem type, a URI (RFC 9457) */
} pguard_reason_t;


/* The row of a reason; NULL for PGUARD_REASON_NONE and what is no reason.
   Never to be freed.  O(1). */
const pguard_reason_t *pguard_reason(pguard_reason_e reason);

/*
 * The SLA class of a finished request.  verdict: PGUARD_VERDICTS if it got
 * none; reason: PGUARD_REASON_NONE if there is none; status: of the answer, as
 * logged, 0 if there was none; reached: 1 if it went past the guard towards
 * the upstream, else 0.  Pure, O(1).
 */
pguard_sla_e pguard_sla_class(pguard_verdict_e verdict,
    pguard_reason_e reason, unsigned status, unsigned reached);


#endif /* PGUARD_REASON_H */
