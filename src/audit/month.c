/*
 * Months and times for replay: see month.h.
 */

#include "audit.h"
#include "month.h"

#include <stdlib.h>
#include <string.h>


/* The C library takes a name that it does not know, and a file that is no time
   zone, for UTC. */

static int
is_zone(const char *name)
{
    int          yes;
    char         path[512], magic[4];
    FILE        *f;
    const char  *dir;

    if (name[0] == '\0' || name[0] == '/' || name[0] == '.'
        || strstr(name, "..") || strchr(name, ':'))
    {
        return 0;
    }

    dir = getenv("TZDIR");
    dir = dir ? dir : "/usr/share/zoneinfo";

    (void) snprintf(path, sizeof(path), "%s/%s", dir, name);

    f = fopen(path, "rb");

    if (f == NULL) {
        return 0;
    }

    yes = fread(magic, sizeof(magic), 1, f) == 1
          && memcmp(magic, "TZif", sizeof(magic)) == 0;

    (void) fclose(f);

    return yes;
}


int
month_zone(const char *name)
{
    time_t     minute = 1577836800;             /* 2020-01-01T00:00:00Z */
    struct tm  tm;

    if (strcmp(name, "UTC") != 0 && !is_zone(name)) {
        return audit_error("--timezone takes UTC or a name such as "
                           "Europe/Paris, not \"%s\"", name);
    }

    if (setenv("TZ", strcmp(name, "UTC") == 0 ? "UTC0" : name, 1) != 0) {
        return audit_error("no memory");
    }

    tzset();

    if (localtime_r(&minute, &tm) == NULL || tm.tm_sec != 0) {
        return audit_error("--timezone %s counts leap seconds: take the zone "
                           "outside of right/", name);
    }

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


/* A "0" of the form is any digit.  All of the form, and perhaps more. */

static int
has_form(const char *s, const char *form)
{
    for ( /* void */ ; *form; s++, form++) {
        if (*form == '0' ? *s < '0' || *s > '9' : *s != *form) {
            return 0;
        }
    }

    return 1;
}


int
month_bounds(const char *text, time_t *start, time_t *end)
{
    int  year, month;

    if (strlen(text) != 7 || !has_form(text, "0000-00")
        || sscanf(text, "%4d-%2d", &year, &month) != 2
        || year < 1971 || year > 2200 || month < 1 || month > 12)
    {
        return audit_error("--month takes YYYY-MM, not \"%s\"", text);
    }

    *start = first_second(year, month);
    *end = month == 12 ? first_second(year + 1, 1)
                       : first_second(year, month + 1);

    return AUDIT_OK;
}


/* A time that there is not comes back as another one. */

static int
read_seconds(const char *s, time_t *t)
{
    struct tm  tm, is;

    memset(&tm, 0, sizeof(tm));

    if (!has_form(s, "0000-00-00T00:00:00")
        || sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
                  &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
    {
        return -1;
    }

    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    is = tm;
    *t = timegm(&is);

    return is.tm_mon == tm.tm_mon && is.tm_mday == tm.tm_mday
           && is.tm_hour == tm.tm_hour && is.tm_min == tm.tm_min
           && is.tm_sec == tm.tm_sec ? 0 : -1;
}


int
month_time(const char *s, int64_t *ms)
{
    int      scale, hours, minutes;
    time_t   t;
    int64_t  frac;

    if (read_seconds(s, &t) != 0) {
        return -1;
    }

    s += strlen("0000-00-00T00:00:00");
    frac = 0;

    if (has_form(s, ".0")) {
        for (s++, scale = 100; *s >= '0' && *s <= '9'; s++, scale /= 10) {
            frac += (*s - '0') * scale;
        }
    }

    if ((has_form(s, "+00:00") || has_form(s, "-00:00")) && s[6] == '\0'
        && sscanf(s + 1, "%2d:%2d", &hours, &minutes) == 2
        && hours < 24 && minutes < 60)
    {
        t -= (*s == '+' ? 1 : -1) * (hours * 60 + minutes) * 60;

    } else if (strcmp(s, "Z") != 0) {
        return -1;
    }

    *ms = (int64_t) t * 1000 + frac;

    return *ms < 0 ? -1 : 0;
}
