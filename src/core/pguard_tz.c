/*
 * Time zones: see pguard_tz.h.
 */

#include "pguard_tz.h"

#include <string.h>


#define PGUARD_TZ_HEADER      44
#define PGUARD_TZ_OFFSET_MIN  (-89999)         /* RFC 8536, 3.2 */
#define PGUARD_TZ_OFFSET_MAX  93599
#define PGUARD_TZ_HOUR        3600
#define PGUARD_TZ_DAY_LEN     86400


typedef struct {
    uint32_t  isut;
    uint32_t  isstd;
    uint32_t  leaps;
    uint32_t  changes;
    uint32_t  types;
    uint32_t  chars;
} pguard_tz_counts_t;

typedef struct {
    const unsigned char  *pos;
    const unsigned char  *end;
} pguard_tz_text_t;


static const char *pguard_tz_header(pguard_str_t *in, pguard_tz_counts_t *c);
static uint64_t pguard_tz_block(const pguard_tz_counts_t *c, unsigned width);
static int pguard_tz_check(const pguard_tz_t *tz, const unsigned char *flags,
    const pguard_tz_counts_t *c);
static int pguard_tz_footer(pguard_tz_rule_t *rule, pguard_str_t s);
static int pguard_tz_name(pguard_tz_text_t *s);
static int pguard_tz_clock(pguard_tz_text_t *s, int32_t hours, int32_t *to);
static int pguard_tz_number(pguard_tz_text_t *s, int32_t min, int32_t max,
    int32_t *to);
static int pguard_tz_when(pguard_tz_text_t *s, pguard_tz_date_t *d);
static int pguard_tz_eat(pguard_tz_text_t *s, unsigned char c);
static int32_t pguard_tz_by_rule(const pguard_tz_rule_t *rule, int64_t t,
    int64_t *until);
static int64_t pguard_tz_change(const pguard_tz_date_t *d, int64_t year);


static uint32_t
pguard_tz_get32(const unsigned char *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


/* Two's complement, also where the conversion is the compiler's choice. */

static int64_t
pguard_tz_signed(uint64_t n)
{
    return (n <= INT64_MAX) ? (int64_t) n : -1 - (int64_t) ~n;
}


static int64_t
pguard_tz_time(const pguard_tz_t *tz, uint32_t i)
{
    const unsigned char  *p = tz->time + 8 * (size_t) i;

    return pguard_tz_signed((uint64_t) pguard_tz_get32(p) << 32
                            | pguard_tz_get32(p + 4));
}


static int32_t
pguard_tz_info(const unsigned char *info)
{
    uint64_t  n = pguard_tz_get32(info);

    return (int32_t) (n > INT32_MAX ? (int64_t) n - ((int64_t) 1 << 32)
                                    : (int64_t) n);
}


const char *
pguard_tz_open(pguard_tz_t *tz, pguard_str_t file)
{
    uint64_t              n;
    const char           *wrong;
    pguard_str_t          in;
    pguard_tz_counts_t    c;
    const unsigned char  *newline;

    memset(tz, 0, sizeof(pguard_tz_t));
    in = file;

    if (in.len > PGUARD_TZ_FILE_MAX) {
        return "is too large for a time zone";
    }

    wrong = pguard_tz_header(&in, &c);

    if (wrong) {
        return wrong;
    }

    n = pguard_tz_block(&c, 4);

    if (n > in.len) {
        return "is cut off";
    }

    in.data += n;
    in.len -= (size_t) n;

    wrong = pguard_tz_header(&in, &c);

    if (wrong) {
        return wrong;
    }

    n = pguard_tz_block(&c, 8);

    if (n + 2 > in.len) {
        return "is cut off";
    }

    if (c.leaps) {
        return "counts leap seconds (take the zone outside of right/)";
    }

    tz->time = in.data;
    tz->type = tz->time + 8 * (size_t) c.changes;
    tz->info = tz->type + c.changes;
    tz->changes = c.changes;

    if (!pguard_tz_check(tz, tz->info + 6 * (size_t) c.types + c.chars, &c)) {
        return "is damaged";
    }

    in.data += n;
    in.len -= (size_t) n;

    newline = memchr(in.data + 1, '\n', in.len - 1);

    if (in.data[0] != '\n' || newline != in.data + in.len - 1) {
        return "has no footer";
    }

    in.data++;
    in.len -= 2;

    return pguard_tz_footer(&tz->rule, in) ? NULL : "has a malformed footer";
}


static const char *
pguard_tz_header(pguard_str_t *in, pguard_tz_counts_t *c)
{
    const unsigned char  *p = in->data;

    if (in->len < PGUARD_TZ_HEADER || memcmp(p, "TZif", 4) != 0) {
        return "is no time zone file";
    }

    if (p[4] < '2' || p[4] > '9') {
        return "is a time zone file of version 1, which has no footer";
    }

    c->isut = pguard_tz_get32(p + 20);
    c->isstd = pguard_tz_get32(p + 24);
    c->leaps = pguard_tz_get32(p + 28);
    c->changes = pguard_tz_get32(p + 32);
    c->types = pguard_tz_get32(p + 36);
    c->chars = pguard_tz_get32(p + 40);

    in->data += PGUARD_TZ_HEADER;
    in->len -= PGUARD_TZ_HEADER;

    return NULL;
}


static uint64_t
pguard_tz_block(const pguard_tz_counts_t *c, unsigned width)
{
    return (uint64_t) c->changes * (width + 1) + (uint64_t) c->types * 6
           + c->chars + (uint64_t) c->leaps * (width + 4)
           + c->isstd + c->isut;
}


static int
pguard_tz_check(const pguard_tz_t *tz, const unsigned char *flags,
    const pguard_tz_counts_t *c)
{
    int32_t               offset;
    uint32_t              i;
    const unsigned char  *info;

    if (c->types == 0 || c->types > 256 || c->chars == 0
        || (c->isut && c->isut != c->types)
        || (c->isstd && c->isstd != c->types))
    {
        return 0;
    }

    for (i = 0; i < c->changes; i++) {
        if (tz->type[i] >= c->types
            || (i && pguard_tz_time(tz, i) <= pguard_tz_time(tz, i - 1)))
        {
            return 0;
        }
    }

    for (i = 0; i < c->types; i++) {
        info = tz->info + 6 * (size_t) i;
        offset = pguard_tz_info(info);

        if (offset < PGUARD_TZ_OFFSET_MIN || offset > PGUARD_TZ_OFFSET_MAX
            || info[4] > 1 || info[5] >= c->chars)
        {
            return 0;
        }
    }

    for (i = 0; i < c->isstd + c->isut; i++) {
        if (flags[i] > 1) {
            return 0;
        }
    }

    return 1;
}


/* A value of TZ as POSIX has it, with the wider hours of RFC 8536. */

static int
pguard_tz_footer(pguard_tz_rule_t *rule, pguard_str_t footer)
{
    int32_t           west;
    pguard_tz_text_t  s = { footer.data, footer.data + footer.len };

    if (footer.len == 0) {
        return 1;
    }

    if (!pguard_tz_name(&s) || !pguard_tz_clock(&s, 24, &west)) {
        return 0;
    }

    rule->there = 1;
    rule->std = -west;

    if (s.pos == s.end) {
        return 1;
    }

    if (!pguard_tz_name(&s) || s.pos == s.end) {
        return 0;
    }

    rule->saving = 1;
    rule->dst = rule->std + PGUARD_TZ_HOUR;

    if (*s.pos != ',') {
        if (!pguard_tz_clock(&s, 24, &west)) {
            return 0;
        }

        rule->dst = -west;
    }

    return pguard_tz_eat(&s, ',') && pguard_tz_when(&s, &rule->start)
           && pguard_tz_eat(&s, ',') && pguard_tz_when(&s, &rule->end)
           && s.pos == s.end;
}


static int
pguard_tz_eat(pguard_tz_text_t *s, unsigned char c)
{
    if (s->pos == s->end || *s->pos != c) {
        return 0;
    }

    s->pos++;

    return 1;
}


static int
pguard_tz_name(pguard_tz_text_t *s)
{
    unsigned              quoted;
    unsigned char         c;
    const unsigned char  *start;

    quoted = pguard_tz_eat(s, '<');
    start = s->pos;

    for ( ; s->pos < s->end; s->pos++) {
        c = *s->pos;

        if (!(((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
              || (quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'))))
        {
            break;
        }
    }

    return s->pos - start >= 3 && (!quoted || pguard_tz_eat(s, '>'));
}


/* [+-]hh[:mm[:ss]] */

static int
pguard_tz_clock(pguard_tz_text_t *s, int32_t hours, int32_t *to)
{
    int32_t   h, m, sec;
    unsigned  minus;

    m = 0;
    sec = 0;
    minus = pguard_tz_eat(s, '-');

    if (!minus) {
        (void) pguard_tz_eat(s, '+');
    }

    if (!pguard_tz_number(s, 0, hours, &h)) {
        return 0;
    }

    if (pguard_tz_eat(s, ':')) {
        if (!pguard_tz_number(s, 0, 59, &m)) {
            return 0;
        }

        if (pguard_tz_eat(s, ':') && !pguard_tz_number(s, 0, 59, &sec)) {
            return 0;
        }
    }

    *to = h * PGUARD_TZ_HOUR + m * 60 + sec;

    if (minus) {
        *to = -*to;
    }

    return 1;
}


static int
pguard_tz_number(pguard_tz_text_t *s, int32_t min, int32_t max, int32_t *to)
{
    int32_t               n;
    const unsigned char  *start;

    n = 0;
    start = s->pos;

    while (s->pos < s->end && *s->pos >= '0' && *s->pos <= '9' && n <= max) {
        n = n * 10 + (*s->pos++ - '0');
    }

    *to = n;

    return s->pos > start && n >= min && n <= max;
}


static int
pguard_tz_when(pguard_tz_text_t *s, pguard_tz_date_t *d)
{
    int  good;

    if (pguard_tz_eat(s, 'M')) {
        d->kind = PGUARD_TZ_WEEKDAY;
        good = pguard_tz_number(s, 1, 12, &d->month) && pguard_tz_eat(s, '.')
               && pguard_tz_number(s, 1, 5, &d->week) && pguard_tz_eat(s, '.')
               && pguard_tz_number(s, 0, 6, &d->day);

    } else if (pguard_tz_eat(s, 'J')) {
        d->kind = PGUARD_TZ_JULIAN;
        good = pguard_tz_number(s, 1, 365, &d->day);

    } else {
        d->kind = PGUARD_TZ_DAY;
        good = pguard_tz_number(s, 0, 365, &d->day);
    }

    d->time = 2 * PGUARD_TZ_HOUR;

    return good && (!pguard_tz_eat(s, '/')
                    || pguard_tz_clock(s, 167, &d->time));
}


int32_t
pguard_tz_offset(const pguard_tz_t *tz, int64_t t, int64_t *until)
{
    uint32_t  low, high, middle;

    if (tz->rule.there
        && (tz->changes == 0 || t >= pguard_tz_time(tz, tz->changes - 1)))
    {
        return pguard_tz_by_rule(&tz->rule, t, until);
    }

    /* how many changes are at t or before */

    low = 0;
    high = tz->changes;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (pguard_tz_time(tz, middle) <= t) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    *until = low < tz->changes ? pguard_tz_time(tz, low) : INT64_MAX;

    if (tz->info == NULL) {
        return 0;
    }

    return pguard_tz_info(tz->info + (low ? 6 * (size_t) tz->type[low - 1]
                                          : 0));
}


/* A rule may move a change into a neighbouring year: those count too.  Where
   one year's end of dst is the next one's start, the start has the last word:
   so zones say that dst never ends. */

static int32_t
pguard_tz_by_rule(const pguard_tz_rule_t *rule, int64_t t, int64_t *until)
{
    int       month, day, i;
    int64_t   year, y, at[2], last;
    int32_t   offset;

    *until = INT64_MAX;

    if (!rule->saving) {
        return rule->std;
    }

    pguard_tz_date((t - (t < 0 ? PGUARD_TZ_DAY_LEN - 1 : 0))
                   / PGUARD_TZ_DAY_LEN, &year, &month, &day);

    offset = rule->std;
    last = INT64_MIN;

    for (y = year - 1; y <= year + 1; y++) {
        at[0] = pguard_tz_change(&rule->start, y) - rule->std;
        at[1] = pguard_tz_change(&rule->end, y) - rule->dst;

        for (i = 0; i < 2; i++) {
            if (at[i] > t) {
                *until = at[i] < *until ? at[i] : *until;

            } else if (at[i] >= last) {
                last = at[i];
                offset = i ? rule->std : rule->dst;
            }
        }
    }

    return offset;
}


static int64_t
pguard_tz_change(const pguard_tz_date_t *d, int64_t year)
{
    int      next;
    int64_t  day, leap;

    leap = pguard_tz_days(year, 3, 1) - pguard_tz_days(year, 2, 28) == 2;

    switch (d->kind) {

    case PGUARD_TZ_JULIAN:
        day = pguard_tz_days(year, 1, 1) + d->day - 1 + (leap && d->day >= 60);
        break;

    case PGUARD_TZ_DAY:
        day = pguard_tz_days(year, 1, 1) + d->day;
        break;

    default:
        /* the first such weekday, 1970-01-01 being a Thursday */

        day = pguard_tz_days(year, d->month, 1);
        day += ((d->day - (day + 4) % 7) % 7 + 7) % 7;
        day += 7 * (d->week - 1);

        next = d->month % 12 + 1;

        while (day >= pguard_tz_days(year + (next == 1), next, 1)) {
            day -= 7;
        }
    }

    return day * PGUARD_TZ_DAY_LEN + d->time;
}


int64_t
pguard_tz_first(const pguard_tz_t *tz, int64_t local)
{
    int64_t  t, at, until;

    /* no offset is that large: here the local clock is not there yet */

    t = local - PGUARD_TZ_OFFSET_MAX - 1;

    for ( ;; ) {
        at = local - pguard_tz_offset(tz, t, &until);

        if (at < t) {
            return t;
        }

        if (at < until) {
            return at;
        }

        t = until;
    }
}


/* Years begin in March here, so that a leap day is a year's last. */

int64_t
pguard_tz_days(int64_t year, int month, int day)
{
    int64_t  era, y, of_year;

    y = year - (month <= 2);
    era = (y >= 0 ? y : y - 399) / 400;
    y -= era * 400;
    of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + y * 365 + y / 4 - y / 100 + of_year - 719468;
}


void
pguard_tz_date(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t  era, of_era, of_year, y, m;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    of_era = days - era * 146097;
    y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * y + y / 4 - y / 100);
    m = (5 * of_year + 2) / 153;

    *day = (int) (of_year - (153 * m + 2) / 5 + 1);
    *month = (int) (m + (m < 10 ? 3 : -9));
    *year = y + era * 400 + (*month <= 2);
}
