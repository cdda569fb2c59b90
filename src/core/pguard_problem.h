/*
 * What can be wrong with a call of the API: a closed list, each with its
 * status, a code for machines, and a sentence in each language.  Written as
 * problem details (RFC 9457):
 *
 *   {"type":"about:blank","title":"Not Found","status":404,
 *    "detail":"There is no zone \"x\".","code":"unknown_zone"}
 */

#ifndef PGUARD_PROBLEM_H
#define PGUARD_PROBLEM_H

#include "pguard.h"
#include "pguard_negotiate.h"
#include "pguard_out.h"


#define PGUARD_PROBLEM_NAME_MAX  128    /* bytes of a name that are told */


typedef enum {
    PGUARD_PROBLEM_NONE = 0,
    PGUARD_PROBLEM_NO_CALL,
    PGUARD_PROBLEM_METHOD,
    PGUARD_PROBLEM_READ_ONLY,
    PGUARD_PROBLEM_CONTENT_TYPE,
    PGUARD_PROBLEM_CROSS_SITE,
    PGUARD_PROBLEM_LENGTH,
    PGUARD_PROBLEM_BODY_SIZE,
    PGUARD_PROBLEM_JSON_SYNTAX,
    PGUARD_PROBLEM_JSON_OBJECT,
    PGUARD_PROBLEM_MEMBER_UNKNOWN,
    PGUARD_PROBLEM_MEMBER_TWICE,
    PGUARD_PROBLEM_MEMBER_TYPE,
    PGUARD_PROBLEM_MEMBER_LONG,
    PGUARD_PROBLEM_MEMBER_MISSING,
    PGUARD_PROBLEM_MEMBER_VALUE,
    PGUARD_PROBLEM_ARGUMENT_UNKNOWN,
    PGUARD_PROBLEM_ARGUMENT_TWICE,
    PGUARD_PROBLEM_ARGUMENT_VALUE,
    PGUARD_PROBLEM_ZONE,
    PGUARD_PROBLEM_BLOCK,
    PGUARD_PROBLEM_BLOCKED,
    PGUARD_PROBLEM_MEMBER_ZONE,
    PGUARD_PROBLEM_RULE,
    PGUARD_PROBLEM_SERVICE,
    PGUARD_PROBLEM_FULL,
    PGUARD_PROBLEM_INDICATOR,
    PGUARD_PROBLEM_MONTH_FUTURE,
    PGUARD_PROBLEM_MONTH_KEPT,
    PGUARD_PROBLEM_UNCONDITIONAL,
    PGUARD_PROBLEM_OUTAGE_ELSEWHERE,
    PGUARD_PROBLEM_OUTAGE_UNKNOWN,
    PGUARD_PROBLEM_OUTAGE_WITHDRAWN,
    PGUARD_PROBLEM_OUTAGE_RESTORED,
    PGUARD_PROBLEM_OUTAGE_NO_END,
    PGUARD_PROBLEM_OUTAGE_WHO,
    PGUARD_PROBLEM_OUTAGE_CONFIRMER,
    PGUARD_PROBLEM_OUTAGE_CAUSE,
    PGUARD_PROBLEM_OUTAGE_NO_START,
    PGUARD_PROBLEM_OUTAGE_FUTURE,
    PGUARD_PROBLEM_OUTAGE_ORDER,
    PGUARD_PROBLEM_OUTAGE_CONFIRMED,
    PGUARD_PROBLEM_OUTAGE_FULL,
    PGUARD_PROBLEM_CLIENT,
    PGUARD_PROBLEM_MEMORY,
    PGUARD_PROBLEMS
} pguard_problem_e;


/* The one with this code, e.g. of pguard_outage.h; MEMORY if there is none. */
pguard_problem_e pguard_problem_find(const char *code);

/* The status of the answer, 4xx or 5xx; 200 for NONE. */
unsigned pguard_problem_status(pguard_problem_e problem);

/* Writes it as JSON, with a line feed.  name: what it is about, any bytes; it
   is not looked at where the sentence names nothing. */
void pguard_problem_out(pguard_out_t *out, pguard_problem_e problem,
    pguard_str_t name, pguard_lang_e lang);


#endif /* PGUARD_PROBLEM_H */
