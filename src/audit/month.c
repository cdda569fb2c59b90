/*
 * Months and times for replay: see month.h.
 */

#include "audit.h"
#include "month.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>


int
month_zone(const char *name)
{
    char         path[512];
    const char  *dir;
    struct stat  st;

    dir = getenv("TZDIR");
    dir = dir ? dir : "/usr/share/zoneinfo";

    (void) snprintf(path, sizeof(path), "%s/%s", dir, name);

    /* the C library takes a name that it does not know for UTC */

    if (strcmp(name, "UTC") != 0
        && (name[0] == '\0' || name[0] == '/' || name[0] == '.'
            || strstr(name, "..") || strchr(name, ':')
            || stat(path, &st) != 0 || !S_ISREG(st.st_mode)))
    {
        return audit_error("--timezone takes UTC or a name such as "
                           "Europe/Paris, not \"%s\"", name);
    }

    if (setenv("TZ", strcmp(name, "UTC") == 0 ? "UTC0" : name, 1) != 0) {
        return audit_error("no memory");
    }

    tzset();

    return AUDIT_OK;
}


/* Is this second before the month, by the local calendar? */

static int
before(time_t t, int year, int month)
{
    struct tm  tm;

    if (localtime_r(&t, &tm) == NULL) {
        return 0;
    }

    return tm.tm_year + 1900 < year
           || (tm.tm_year + 1900 == year && tm.tm_mon + 1 < month);
}


/* Looked for, second by second in the end, as midnight may not be there. */

static time_t
first_second(int year, int month)
{
    time_t     t;
    struct tm  tm;

    memset(&tm, 0, sizeof(tm));
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = 1;

    t = timegm(&tm) - 36 * 3600;

    while (before(t + 900, year, month)) {
        t += 900;
    }

    while (before(t, year, month)) {
        t++;
    }

    return t;
}


int
month_bounds(const char *text, time_t *start, time_t *end)
{
    int  year, month, n = 0;

    if (strlen(text) != 7 || strspn(text, "0123456789-") != 7
        || sscanf(text, "%4d-%2d%n", &year, &month, &n) != 2 || n != 7
        || year < 1971 || year > 2200 || month < 1 || month > 12)
    {
        return audit_error("--month takes YYYY-MM, not \"%s\"", text);
    }

    *start = first_second(year, month);
    *end = month == 12 ? first_second(year + 1, 1)
                       : first_second(year, month + 1);

    return AUDIT_OK;
}


int
month_time(const char *s, int64_t *ms)
{
    int          n, scale, hours, minutes;
    char         sign;
    int64_t      frac;
    time_t       t;
    struct tm    tm;
    const char  *p;

    n = 0;
    memset(&tm, 0, sizeof(tm));

    if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon,
               &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6
        || n != 19)
    {
        return -1;
    }

    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    frac = 0;
    p = s + n;

    if (*p == '.') {
        for (p++, scale = 100; *p >= '0' && *p <= '9'; p++, scale /= 10) {
            frac += (*p - '0') * scale;
        }
    }

    t = timegm(&tm);

    if (sscanf(p, "%c%2d:%2d%n", &sign, &hours, &minutes, &n) == 3 && n == 6
        && p[6] == '\0' && (sign == '+' || sign == '-'))
    {
        t -= (sign == '+' ? 1 : -1) * (hours * 60 + minutes) * 60;

    } else if (strcmp(p, "Z") != 0) {
        return -1;
    }

    *ms = (int64_t) t * 1000 + frac;

    return 0;
}
