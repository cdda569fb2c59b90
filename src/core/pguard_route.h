/*
 * The path of a call: split into segments, and compared with patterns such as
 * "api/1/sla/" "*" "/outages/" "*".
 */

#ifndef PGUARD_ROUTE_H
#define PGUARD_ROUTE_H

#include "pguard.h"


#define PGUARD_ROUTE_SEGMENTS  8       /* a path of more matches no pattern */


typedef struct {
    pguard_str_t  segment[PGUARD_ROUTE_SEGMENTS];  /* slices of the path */
    unsigned      count;
} pguard_route_t;


/*
 * Splits path from byte skip on; slashes at its beginning are passed over.
 * raw is the path as it was sent: where a slash of path is written "%2F"
 * there, it belongs to a name and does not split.  If raw does not decode to
 * path (it held dots or several slashes, or was rewritten), each slash splits.
 * 0, or -1 if there are too many segments.  An empty path has none; else there
 * is one more than slashes.  O(len).
 */
int pguard_route_split(pguard_route_t *route, pguard_str_t raw,
    pguard_str_t path, size_t skip);

/* 1 if the segments are those of pattern, where "*" stands for any one that
   is not empty; these are then copied to star (PGUARD_ROUTE_SEGMENTS), in
   order.  An empty pattern is an empty path. */
int pguard_route_match(const pguard_route_t *route, const char *pattern,
    pguard_str_t *star);


#endif /* PGUARD_ROUTE_H */
