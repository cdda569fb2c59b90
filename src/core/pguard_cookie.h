/*
 * One cookie out of the lines of Cookie.
 */

#ifndef PGUARD_COOKIE_H
#define PGUARD_COOKIE_H

#include "pguard.h"


/*
 * The value, as sent, of the first cookie of that name whose value is not
 * empty: a slice of lines, or empty if there is none.  Names are compared with
 * regard to case; an empty name finds nothing.  O(bytes).
 */
pguard_str_t pguard_cookie(const pguard_str_t *lines, size_t n,
    pguard_str_t name);


#endif /* PGUARD_COOKIE_H */
