/*
 * Months and times as text: see pguard_calendar.h.
 */

#include "pguard_calendar.h"


#define PGUARD_DAY_SECONDS  86400
#define PGUARD_YEAR_FIRST   1970


static int pguard_calendar_number(pguard_str_t s, size_t at, size_t digits,
    unsigned *to);
static int pguard_time_rest(pguard_str_t s, int64_t *ms);
static void pguard_calendar_padded(pguard_out_t *out, unsigned n,
    unsigned digits);


static int
pguard_month_number(pguard_month_t month)
{
    return (int) ((month - 1) % 12 + 1);
}


static int64_t
pguard_month_year(pguard_month_t month)
{
    return PGUARD_YEAR_FIRST + (month - 1) / 12;
}


static int64_t
pguard_month_first_day(pguard_month_t month)
{
    return pguard_tz_days(pguard_month_year(month),
                          pguard_month_number(month), 1);
}


void
pguard_month_span(const pguard_tz_t *tz, pguard_month_t month,
    pguard_month_span_t *span)
{
    span->month = month;
    span->start = pguard_day_start(tz, month, 1);
    span->end = pguard_day_start(tz, month + 1, 1);
}


int
pguard_month_of(const pguard_tz_t *tz, uint64_t now, pguard_month_span_t *span)
{
    int             number, day;
    int64_t         year, until;
    uint64_t        local;
    pguard_month_t  month;

    if (now >= (uint64_t) pguard_month_first_day(PGUARD_MONTH_MAX + 1)
               * PGUARD_DAY_SECONDS)
    {
        return 0;
    }

    local = now + 2 * PGUARD_DAY_SECONDS;
    local = (uint64_t) ((int64_t) local
                        + pguard_tz_offset(tz, (int64_t) now, &until));

    pguard_tz_date((int64_t) (local / PGUARD_DAY_SECONDS) - 2, &year, &number,
                   &day);

    month = year < PGUARD_YEAR_FIRST
            ? 1 : (pguard_month_t) ((year - PGUARD_YEAR_FIRST) * 12 + number);

    pguard_month_span(tz, month, span);

    /* a clock set back over the first midnight shows the old month again */

    if (now >= span->end) {
        pguard_month_span(tz, month + 1, span);

    } else if (now < span->start) {
        if (month == 1) {
            return 0;
        }

        pguard_month_span(tz, month - 1, span);
    }

    return span->month <= PGUARD_MONTH_MAX;
}


unsigned
pguard_month_days(pguard_month_t month)
{
    return (unsigned) (pguard_month_first_day(month + 1)
                       - pguard_month_first_day(month));
}


uint64_t
pguard_day_start(const pguard_tz_t *tz, pguard_month_t month, unsigned day)
{
    int64_t  at;

    at = pguard_tz_first(tz, (pguard_month_first_day(month) + day - 1)
                             * PGUARD_DAY_SECONDS);

    return at > 0 ? (uint64_t) at : 0;
}


void
pguard_month_out(pguard_out_t *out, pguard_month_t month)
{
    pguard_calendar_padded(out, (unsigned) pguard_month_year(month), 4);
    pguard_out_byte(out, '-');
    pguard_calendar_padded(out, (unsigned) pguard_month_number(month), 2);
}


pguard_month_t
pguard_month_parse(pguard_str_t s)
{
    unsigned        year, number;
    pguard_month_t  month;

    if (s.len != PGUARD_MONTH_LEN || s.data[4] != '-'
        || !pguard_calendar_number(s, 0, 4, &year)
        || !pguard_calendar_number(s, 5, 2, &number)
        || year < PGUARD_YEAR_FIRST || number < 1 || number > 12)
    {
        return 0;
    }

    month = (year - PGUARD_YEAR_FIRST) * 12 + number;

    return month <= PGUARD_MONTH_MAX ? month : 0;
}


void
pguard_day_out(pguard_out_t *out, pguard_month_t month, unsigned day)
{
    pguard_month_out(out, month);
    pguard_out_byte(out, '-');
    pguard_calendar_padded(out, day, 2);
}


int
pguard_time_parse(pguard_str_t s, uint64_t *ms)
{
    size_t    i;
    int64_t   days, rest;
    unsigned  n[6];

    static const struct { unsigned at, digits, max; char after; }  part[] = {
        { 0, 4, 9999, '-' }, { 5, 2, 12, '-' }, { 8, 2, 31, 'T' },
        { 11, 2, 23, ':' }, { 14, 2, 59, ':' }, { 17, 2, 59, 0 }
    };

    for (i = 0; i < 6; i++) {
        if (!pguard_calendar_number(s, part[i].at, part[i].digits, &n[i])
            || n[i] > part[i].max || s.len <= part[i].at + part[i].digits
            || (part[i].after && part[i].after
                                 != (s.data[part[i].at + part[i].digits]
                                     & (part[i].after == 'T' ? 0xdf : 0xff))))
        {
            return 0;
        }
    }

    if (n[0] < PGUARD_YEAR_FIRST || n[1] == 0 || n[2] == 0
        || n[2] > pguard_month_days((n[0] - PGUARD_YEAR_FIRST) * 12 + n[1]))
    {
        return 0;
    }

    s.data += 19;
    s.len -= 19;

    if (!pguard_time_rest(s, &rest)) {
        return 0;
    }

    days = pguard_tz_days(n[0], (int) n[1], (int) n[2]);
    rest += ((days * 24 + n[3]) * 60 + n[4]) * 60000 + (int64_t) n[5] * 1000;

    if (rest < 0) {
        return 0;
    }

    *ms = (uint64_t) rest;

    return 1;
}


/* What follows the seconds: decimals, and the offset from UTC. */

static int
pguard_time_rest(pguard_str_t s, int64_t *ms)
{
    size_t    i;
    int64_t   scale;
    unsigned  hours, minutes;

    *ms = 0;
    i = 0;

    if (s.data[0] == '.') {
        scale = 100;

        for (i = 1; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++) {
            *ms += scale * (s.data[i] - '0');
            scale /= 10;
        }

        if (i == 1 || i > 10 || i == s.len) {
            return 0;
        }
    }

    if ((s.data[i] | 0x20) == 'z') {
        return i + 1 == s.len;
    }

    if (s.len - i != 6 || (s.data[i] != '+' && s.data[i] != '-')
        || s.data[i + 3] != ':'
        || !pguard_calendar_number(s, i + 1, 2, &hours) || hours > 23
        || !pguard_calendar_number(s, i + 4, 2, &minutes) || minutes > 59)
    {
        return 0;
    }

    scale = (int64_t) (hours * 60 + minutes) * 60000;
    *ms += s.data[i] == '+' ? -scale : scale;

    return 1;
}


static int
pguard_calendar_number(pguard_str_t s, size_t at, size_t digits, unsigned *to)
{
    size_t  i;

    if (s.len < at + digits) {
        return 0;
    }

    *to = 0;

    for (i = at; i < at + digits; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return 0;
        }

        *to = *to * 10 + (s.data[i] - '0');
    }

    return 1;
}


static void
pguard_calendar_padded(pguard_out_t *out, unsigned n, unsigned digits)
{
    unsigned  least;

    for (least = 1; digits > 1; digits--) {
        least *= 10;
    }

    for ( ; n < least && least > 1; least /= 10) {
        pguard_out_byte(out, '0');
    }

    pguard_out_uint(out, n);
}
