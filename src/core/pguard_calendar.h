/*
 * Months of a time zone, in seconds since 1970, and times read from text
 * (pguard_utc.h writes them).  A month lasts from its first local midnight to
 * that of the next: 743 hours or 745 where the clock changes.
 */

#ifndef PGUARD_CALENDAR_H
#define PGUARD_CALENDAR_H

#include "pguard.h"
#include "pguard_out.h"
#include "pguard_tz.h"


/* A month as a number: 1 is 1970-01; 0 is none. */

typedef uint32_t  pguard_month_t;

#define PGUARD_MONTH_MAX   4092                    /* 2310-12 */
#define PGUARD_MONTH_DAYS  31
#define PGUARD_MONTH_LEN   (sizeof("2024-03") - 1)

typedef struct {
    pguard_month_t  month;
    uint64_t        start;       /* seconds since 1970 */
    uint64_t        end;         /* the first second of the next month */
} pguard_month_span_t;


/* The bounds of a month, 1 to PGUARD_MONTH_MAX.  The month before begins
   where it ends in every zone: none overlap, and none leave a gap. */
void pguard_month_span(const pguard_tz_t *tz, pguard_month_t month,
    pguard_month_span_t *span);

/* The month that holds now (seconds since 1970): 1, or 0 if that is no month
   from 1 to PGUARD_MONTH_MAX; *span may then hold anything. */
int pguard_month_of(const pguard_tz_t *tz, uint64_t now,
    pguard_month_span_t *span);

/* 28 to 31. */
unsigned pguard_month_days(pguard_month_t month);

/* The first second of a day of the month, from 1 to the number of its days
   plus 1.  A day that a zone has left out has no length. */
uint64_t pguard_day_start(const pguard_tz_t *tz, pguard_month_t month,
    unsigned day);

/* "2024-03"; and back, the whole of s: 0 if it is no such month. */
void pguard_month_out(pguard_out_t *out, pguard_month_t month);
pguard_month_t pguard_month_parse(pguard_str_t s);

/* "2024-03-13": a day of the month, from 1. */
void pguard_day_out(pguard_out_t *out, pguard_month_t month, unsigned day);

/*
 * The whole of s, a time of RFC 3339: with up to nine decimals, of which three
 * are kept, with Z or a numeric offset.  1, or 0: not one, earlier than 1970,
 * or in a leap second, which this clock does not have.
 */
int pguard_time_parse(pguard_str_t s, uint64_t *ms);


#endif /* PGUARD_CALENDAR_H */
