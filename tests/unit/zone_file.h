/*
 * Time zone files for the tests: those of the machine, and one that says the
 * rules of Paris and nothing else, where the machine has none.
 */

#ifndef ZONE_FILE_H
#define ZONE_FILE_H

#include <stdio.h>
#include <string.h>

#include "pguard_tz.h"


static inline size_t
zone_file_header(unsigned char *p)
{
    memset(p, 0, 44);
    memcpy(p, "TZif2", 5);
    p[39] = 1;                        /* one type */
    p[43] = 4;                        /* of four characters */

    return 44;
}


/* No changes, one type (UTC+0), and a footer.  p has 200 bytes. */

static inline pguard_str_t
zone_file_footer(unsigned char *p, const char *footer)
{
    int           i;
    size_t        n;
    pguard_str_t  s = { 0, p };

    n = 0;

    for (i = 0; i < 2; i++) {
        n += zone_file_header(p + n);
        memcpy(p + n, "\0\0\0\0\0\0UTC", 10);
        n += 10;
    }

    p[n++] = '\n';
    memcpy(p + n, footer, strlen(footer));
    n += strlen(footer);
    p[n++] = '\n';
    s.len = n;

    return s;
}


static inline pguard_str_t
zone_file_paris(unsigned char *p)
{
    return zone_file_footer(p, "CET-1CEST,M3.5.0,M10.5.0/3");
}


/* The machine's file of a zone, or nothing.  p has PGUARD_TZ_FILE_MAX. */

static inline pguard_str_t
zone_file_read(unsigned char *p, const char *name)
{
    FILE          *f;
    char           path[256];
    pguard_str_t   s = { 0, p };

    (void) snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    f = fopen(path, "rb");

    if (f) {
        s.len = fread(p, 1, PGUARD_TZ_FILE_MAX, f);
        (void) fclose(f);
    }

    return s;
}


#endif /* ZONE_FILE_H */
