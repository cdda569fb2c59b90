/*
 * Small questions about byte strings, for the files that read headers.
 * ASCII only, whatever the locale; a string of length 0 may have no data.
 */

#ifndef PGUARD_STR_H
#define PGUARD_STR_H

#include "pguard.h"

#include <string.h>


/* All the lines of one header field, in order; owned by the caller. */

typedef struct {
    const pguard_str_t  *line;
    size_t               count;
} pguard_lines_t;


static inline int
pguard_str_space(unsigned char c)
{
    return c == ' ' || c == '\t';
}


static inline unsigned char
pguard_str_lower(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') ? c | 0x20 : c;
}


static inline int
pguard_str_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}


/* Is s nothing but letters, digits and the characters of extra?  O(len). */

static inline int
pguard_str_word(pguard_str_t s, const char *extra)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {

        if (!pguard_str_alnum(s.data[i])
            && (s.data[i] == '\0' || strchr(extra, s.data[i]) == NULL))
        {
            return 0;
        }
    }

    return 1;
}


/* A decimal number of up to five digits and up to 65535: a port, or the like;
   -1 if s is none. */

static inline int
pguard_str_number(pguard_str_t s)
{
    int     n;
    size_t  i;

    if (s.len == 0 || s.len > 5) {
        return -1;
    }

    n = 0;

    for (i = 0; i < s.len; i++) {

        if (s.data[i] < '0' || s.data[i] > '9') {
            return -1;
        }

        n = n * 10 + (s.data[i] - '0');
    }

    return n <= 65535 ? n : -1;
}


/* The slice of s without spaces and tabs at its ends.  O(len). */

static inline pguard_str_t
pguard_str_trim(pguard_str_t s)
{
    while (s.len && pguard_str_space(s.data[s.len - 1])) {
        s.len--;
    }

    while (s.len && pguard_str_space(s.data[0])) {
        s.data++;
        s.len--;
    }

    return s;
}


static inline int
pguard_str_same(pguard_str_t a, pguard_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


/* The same, without regard to the case of ASCII letters. */

static inline int
pguard_str_same_nocase(pguard_str_t a, pguard_str_t b)
{
    size_t  i;

    if (a.len != b.len) {
        return 0;
    }

    if (pguard_str_same(a, b)) {
        return 1;
    }

    for (i = 0; i < a.len; i++) {
        if (pguard_str_lower(a.data[i]) != pguard_str_lower(b.data[i])) {
            return 0;
        }
    }

    return 1;
}


#endif /* PGUARD_STR_H */
