/*
 * UTC as text: see pguard_utc.h.
 */

#include "pguard_utc.h"


#define PGUARD_UTC_DAY  86400000


static uint64_t pguard_utc_days(unsigned year, unsigned month, unsigned day);
static void pguard_utc_date(uint64_t days, unsigned *year, unsigned *month,
    unsigned *day);
static void pguard_utc_digits(unsigned char *p, unsigned n, unsigned value);
static int pguard_utc_number(const unsigned char *p, unsigned n,
    unsigned *value);


static const char  pguard_utc_form[] = "0000-00-00T00:00:00.000Z";


void
pguard_utc_out(pguard_out_t *out, pguard_msec_t ms)
{
    unsigned       i, year, month, day, rest;
    unsigned char  buf[PGUARD_UTC_LEN];

    if (ms > PGUARD_UTC_MAX) {
        ms = PGUARD_UTC_MAX;
    }

    pguard_utc_date(ms / PGUARD_UTC_DAY, &year, &month, &day);
    rest = (unsigned) (ms % PGUARD_UTC_DAY);

    for (i = 0; i < PGUARD_UTC_LEN; i++) {
        buf[i] = (unsigned char) pguard_utc_form[i];
    }

    pguard_utc_digits(buf, 4, year);
    pguard_utc_digits(buf + 5, 2, month);
    pguard_utc_digits(buf + 8, 2, day);
    pguard_utc_digits(buf + 11, 2, rest / 3600000);
    pguard_utc_digits(buf + 14, 2, rest / 60000 % 60);
    pguard_utc_digits(buf + 17, 2, rest / 1000 % 60);
    pguard_utc_digits(buf + 20, 3, rest % 1000);

    pguard_out_bytes(out, buf, sizeof(buf));
}


static int
pguard_utc_punctuated(pguard_str_t s)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < s.len; i++) {
        c = (unsigned char) pguard_utc_form[i];

        if (i == 19 && s.len == 20) {
            c = 'Z';
        }

        if (c != '0' && c != s.data[i]) {
            return 0;
        }
    }

    return 1;
}


int
pguard_utc_parse(pguard_str_t s, pguard_msec_t *ms)
{
    unsigned             year, month, day, hour, min, sec, frac, y, m, d;
    uint64_t             days;
    const unsigned char *p;

    if ((s.len != 10 && s.len != 20 && s.len != PGUARD_UTC_LEN)
        || !pguard_utc_punctuated(s))
    {
        return -1;
    }

    p = s.data;
    hour = min = sec = frac = 0;

    if (pguard_utc_number(p, 4, &year) || pguard_utc_number(p + 5, 2, &month)
        || pguard_utc_number(p + 8, 2, &day)
        || (s.len > 10 && (pguard_utc_number(p + 11, 2, &hour)
                           || pguard_utc_number(p + 14, 2, &min)
                           || pguard_utc_number(p + 17, 2, &sec)))
        || (s.len > 20 && pguard_utc_number(p + 20, 3, &frac)))
    {
        return -1;
    }

    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31
        || hour > 23 || min > 59 || sec > 59)
    {
        return -1;
    }

    /* a day that there is not comes back as another one */

    days = pguard_utc_days(year, month, day);
    pguard_utc_date(days, &y, &m, &d);

    if (m != month || d != day) {
        return -1;
    }

    *ms = days * PGUARD_UTC_DAY
          + ((hour * 60 + min) * 60 + sec) * (uint64_t) 1000 + frac;

    return 0;
}


/*
 * Days since 1970 of a date of the Gregorian calendar.  Years begin in March
 * here, so that the leap day is the last of its year: the months before
 * it then have (153 * m + 2) / 5 days.
 */

static uint64_t
pguard_utc_days(unsigned year, unsigned month, unsigned day)
{
    uint64_t  y, m;

    y = month > 2 ? year : year - 1;
    m = month > 2 ? month - 3 : month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1
           - 719468;
}


static void
pguard_utc_date(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    uint64_t  era, doe, yoe, doy, m;

    days += 719468;
    era = days / 146097;
    doe = days % 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    m = (5 * doy + 2) / 153;

    *day = (unsigned) (doy - (153 * m + 2) / 5 + 1);
    *month = (unsigned) (m < 10 ? m + 3 : m - 9);
    *year = (unsigned) (yoe + era * 400 + (*month <= 2));
}


static void
pguard_utc_digits(unsigned char *p, unsigned n, unsigned value)
{
    while (n--) {
        p[n] = (unsigned char) ('0' + value % 10);
        value /= 10;
    }
}


static int
pguard_utc_number(const unsigned char *p, unsigned n, unsigned *value)
{
    *value = 0;

    while (n--) {
        if (*p < '0' || *p > '9') {
            return -1;
        }

        *value = *value * 10 + (unsigned) (*p++ - '0');
    }

    return 0;
}
