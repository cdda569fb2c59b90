/*
 * Wall-clock time as text: UTC, ISO 8601, milliseconds.
 */

#ifndef PGUARD_UTC_H
#define PGUARD_UTC_H

#include "pguard_out.h"


#define PGUARD_UTC_LEN  24              /* "2026-11-22T02:04:13.127Z" */
#define PGUARD_UTC_MAX  253402300799999 /* the last ms of the year 9999 */


/* Writes ms since 1970 as PGUARD_UTC_LEN bytes; what is beyond PGUARD_UTC_MAX
   as PGUARD_UTC_MAX.  O(1). */
void pguard_utc_out(pguard_out_t *out, pguard_msec_t ms);

/*
 * Reads exactly such a text, or one that leaves out the milliseconds, or the
 * time ("2026-11-22"), for the beginning of what it names.  A date that there
 * is not, and any year before 1970, is refused.  0, or -1 (*ms is untouched).
 */
int pguard_utc_parse(pguard_str_t s, pguard_msec_t *ms);


#endif /* PGUARD_UTC_H */
