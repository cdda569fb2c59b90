/*
 * Time zones, read from the bytes of a TZif file (RFC 8536, version 2 and
 * later) that the caller has loaded, e.g. /usr/share/zoneinfo/Europe/Paris.
 * The process's own TZ is neither read nor changed.
 */

#ifndef PGUARD_TZ_H
#define PGUARD_TZ_H

#include "pguard.h"


#define PGUARD_TZ_FILE_MAX  65536     /* bytes; the largest known has 4 KB */


typedef enum {
    PGUARD_TZ_JULIAN = 0,             /* Jn: 1 to 365, no 29 February */
    PGUARD_TZ_DAY,                    /* n: 0 to 365 */
    PGUARD_TZ_WEEKDAY                 /* Mm.w.d */
} pguard_tz_date_e;

/* When, each year, a clock is changed: a day, and local time on it. */

typedef struct {
    pguard_tz_date_e  kind;
    int32_t           month;          /* 1 to 12 */
    int32_t           week;           /* 1 to 5: 5 is the last */
    int32_t           day;
    int32_t           time;           /* seconds, -167 h to 167 h */
} pguard_tz_date_t;

/* After the last change that the file lists. */

typedef struct {
    unsigned          there;          /* else the last offset stays */
    unsigned          saving;         /* else std is for ever */
    int32_t           std;            /* seconds east of UTC */
    int32_t           dst;
    pguard_tz_date_t  start;          /* of dst, in std's time */
    pguard_tz_date_t  end;            /* of dst, in dst's time */
} pguard_tz_rule_t;

/* Points into the file's bytes.  All zero is UTC. */

typedef struct {
    const unsigned char  *time;       /* [changes] of 8 bytes */
    const unsigned char  *type;       /* [changes] */
    const unsigned char  *info;       /* [types] of 6 bytes */
    uint32_t              changes;
    pguard_tz_rule_t      rule;
} pguard_tz_t;


/*
 * Reads a whole file, which must stay where it is as long as tz is used.
 * NULL, or what is wrong with it, as half a sentence.  Every byte that is used
 * later is checked here.  O(length).
 */
const char *pguard_tz_open(pguard_tz_t *tz, pguard_str_t file);

/* Seconds east of UTC at t (seconds since 1970, any in years 1 to 9999);
   *until is the first second for which that may be different, INT64_MAX if
   there is none.  O(log n) in the listed changes. */
int32_t pguard_tz_offset(const pguard_tz_t *tz, int64_t t, int64_t *until);

/*
 * The first second t for which the local clock shows local (seconds as if it
 * were UTC) or later.  So a midnight that the clock leaps over begins at the
 * leap, and one that it shows twice begins the first time.
 */
int64_t pguard_tz_first(const pguard_tz_t *tz, int64_t local);

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back.
   month: 1 to 12.  O(1). */
int64_t pguard_tz_days(int64_t year, int month, int day);
void pguard_tz_date(int64_t days, int64_t *year, int *month, int *day);


#endif /* PGUARD_TZ_H */
