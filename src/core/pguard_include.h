/*
 * Which files the text of an nginx configuration includes.
 */

#ifndef PGUARD_INCLUDE_H
#define PGUARD_INCLUDE_H

#include "pguard.h"


/*
 * The argument of the next "include" directive at or after *pos (start at 0),
 * as nginx reads it: without quotes, escapes resolved.  1 and at most size
 * bytes at arg, their number in *len; 0 at the end.  An argument that is
 * longer than size is passed over.  O(text.len) for all of them.
 */
int pguard_include_next(pguard_str_t text, size_t *pos, unsigned char *arg,
    size_t size, size_t *len);


#endif /* PGUARD_INCLUDE_H */
