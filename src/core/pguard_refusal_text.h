/*
 * Every human text of a refusal, in both languages.  None of it is markup, and
 * none needs escaping.
 */

#ifndef PGUARD_REFUSAL_TEXT_H
#define PGUARD_REFUSAL_TEXT_H

#include "pguard.h"
#include "pguard_negotiate.h"


/* Rows of the table; a title and an account for each reason. */

enum {
    PGUARD_TEXT_TITLE = 0,
    PGUARD_TEXT_WHAT = PGUARD_TEXT_TITLE + PGUARD_REASONS,
    PGUARD_TEXT_NO_OUTAGE = PGUARD_TEXT_WHAT + PGUARD_REASONS,
    PGUARD_TEXT_RETRY,
    PGUARD_TEXT_SUPPORT,
    PGUARD_TEXT_EVENT,
    PGUARD_TEXT_BLOCK,
    PGUARD_TEXT_REASON,
    PGUARD_TEXT_RULE,
    PGUARD_TEXT_SERVICE,
    PGUARD_TEXTS
};

/* A time of so many seconds or more is told in this unit. */

typedef struct {
    uint64_t      from;            /* seconds */
    uint64_t      unit;            /* seconds */
    pguard_str_t  name[PGUARD_LANGS];
} pguard_span_t;


extern const char *const    pguard_refusal_texts[PGUARD_TEXTS][PGUARD_LANGS];

/* The last is from 0. */
extern const pguard_span_t  pguard_refusal_spans[];


#endif /* PGUARD_REFUSAL_TEXT_H */
