/*
 * Months and times for replay, by the C library's own means: nothing here is
 * shared with what the gateway counts with.
 */

#ifndef AUDIT_MONTH_H
#define AUDIT_MONTH_H

#include <stdint.h>
#include <time.h>


/* Makes this the process's time zone.  AUDIT_OK, or AUDIT_ERROR if there is
   none of this name. */
int month_zone(const char *name);

/* The first second of a month, "2026-11", and that of the next one. */
int month_bounds(const char *text, time_t *start, time_t *end);

/* ISO 8601 with Z or an offset, and decimals; s ends with a NUL.  0, or -1, also
   for what is before 1970. */
int month_time(const char *s, int64_t *ms);


#endif /* AUDIT_MONTH_H */
