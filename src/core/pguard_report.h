/*
 * The report of a month: as JSON and CSV for machines, whose names are fixed,
 * and as a page for people, English or French, that needs neither a script nor
 * anything from elsewhere.  All are rendered from one plain structure.
 */

#ifndef PGUARD_REPORT_H
#define PGUARD_REPORT_H

#include "pguard.h"
#include "pguard_figures.h"
#include "pguard_negotiate.h"
#include "pguard_out.h"


/* Strings may hold any bytes; all is the caller's. */

typedef struct {
    pguard_str_t              indicator;
    pguard_str_t              zone;          /* of the guard */
    pguard_str_t              timezone;
    const pguard_tz_t        *tz;
    const pguard_figures_t   *figures;
    const pguard_outage_t    *outage;        /* [outages], by their start */
    size_t                    outages;
    const unsigned char      *bits;          /* of the slots that were down */
    uint64_t                  slice;
    pguard_sla_rule_t         rule;
    unsigned                  conditional;
    unsigned                  applicable;
    uint64_t                  since;         /* counting began, seconds */
    uint64_t                  generated;     /* ms since 1970 */
    size_t                    gateways;      /* whose figures these are */
    unsigned                  partial;       /* there are others, not heard */
    size_t                    measured_max;  /* runs that are listed; others
                                                are counted all the same */
} pguard_report_t;

#define PGUARD_OUTAGE_ID_MAX  37

typedef enum {
    PGUARD_REPORT_JSON = 0,
    PGUARD_REPORT_CSV,
    PGUARD_REPORT_HTML,
    PGUARD_REPORTS
} pguard_report_e;


/* lang is for HTML.  O(size of the report). */
void pguard_report(pguard_out_t *out, const pguard_report_t *r,
    pguard_report_e format, pguard_lang_e lang);

/* Value of Content-Type. */
pguard_str_t pguard_report_content_type(pguard_report_e format);

/* What names an outage of any gateway: 16 digits of that, its number.  Room
   for PGUARD_OUTAGE_ID_MAX bytes; back: the whole of s, 1 or 0. */
void pguard_report_id(pguard_out_t *out, const pguard_outage_t *o);
int pguard_report_named(const pguard_outage_t *o, pguard_str_t s);

/* One as JSON; r is NULL: without what is of a month. */
void pguard_report_outage(pguard_out_t *out, const pguard_report_t *r,
    const pguard_outage_t *o);

/* The declared outages that touch the month: is this one of them? */
int pguard_report_lists(const pguard_report_t *r, const pguard_outage_t *o);

/* The formats that have a file of their own. */
void pguard_report_csv(pguard_out_t *out, const pguard_report_t *r);
void pguard_report_html(pguard_out_t *out, const pguard_report_t *r,
    pguard_lang_e lang);

/* Seconds, of ms that may be less than 0. */
void pguard_report_signed(pguard_out_t *out, int64_t ms);

/* Value of Content-Security-Policy for HTML: 0, or -1, see pguard_page.h. */
int pguard_report_policy(pguard_out_t *out);


#endif /* PGUARD_REPORT_H */
