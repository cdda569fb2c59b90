/*
 * What a call of the API brings: its path, its body, times and months in it.
 * Each lies within what came; a problem that names any of it is JSON.
 */

#include <stdlib.h>
#include <string.h>

#include "pguard_calendar.h"
#include "pguard_json.h"
#include "pguard_members.h"
#include "pguard_problem.h"
#include "pguard_route.h"
#include "pguard_utc.h"


#define SIZE  4096


static const pguard_member_t  members[] = {
    { "who",      PGUARD_MEMBER_STRING, 16 },
    { "why",      PGUARD_MEMBER_STRING, SIZE },
    { "duration", PGUARD_MEMBER_NUMBER, 0 },
    { "all",      PGUARD_MEMBER_FLAG, 0 },
    { NULL,       PGUARD_MEMBER_STRING, 0 }
};

static const char *const  patterns[] = {
    "", "api/1/blocks", "api/1/blocks/*", "api/1/sla/*/outages/*"
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_problem(pguard_str_t name)
{
    unsigned       i;
    pguard_out_t   out;
    pguard_json_e  token;
    pguard_json_t  json;
    unsigned char  text[8 * SIZE];

    i = name.len % (PGUARD_PROBLEMS - 1) + 1;

    pguard_out_init(&out, text, sizeof(text));
    pguard_problem_out(&out, i, name, name.len % PGUARD_LANGS);

    if (out.need > sizeof(text)) {
        return;
    }

    pguard_json_init(&json, (pguard_str_t) { out.need, text }, 2);

    do {
        token = pguard_json_next(&json);
    } while (token > PGUARD_JSON_END);

    if (token == PGUARD_JSON_ERROR) {
        abort();
    }
}


/* A path as it was sent, a line feed, and what nginx has made of it. */

static void
check_route(pguard_str_t s)
{
    size_t           i, n;
    pguard_str_t     raw, path, star[PGUARD_ROUTE_SEGMENTS];
    pguard_route_t   route;
    const uint8_t   *end;

    end = s.len ? memchr(s.data, '\n', s.len) : NULL;

    raw.data = s.data;
    raw.len = end ? (size_t) (end - s.data) : s.len;
    path.data = end ? end + 1 : s.data;
    path.len = end ? s.len - raw.len - 1 : s.len;

    for (n = 0; n <= path.len && n <= 16; n += 8) {

        if (pguard_route_split(&route, raw, path, n) != 0) {
            continue;
        }

        if (route.count > PGUARD_ROUTE_SEGMENTS) {
            abort();
        }

        for (i = 0; i < route.count; i++) {
            if (route.segment[i].data < path.data + n
                || route.segment[i].data + route.segment[i].len
                   > path.data + path.len)
            {
                abort();
            }
        }

        for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
            if (pguard_route_match(&route, patterns[i], star)
                && i > 1 && star[0].len == 0)
            {
                abort();
            }
        }
    }
}


static void
check_members(pguard_str_t s)
{
    unsigned          i;
    pguard_str_t      what;
    unsigned char    *scratch;
    pguard_value_t    value[4];
    pguard_members_e  rc;

    memset(value, 0, sizeof(value));

    scratch = malloc(s.len + 1);                /* not a byte more is seen */
    rc = pguard_members_read(s, members, value, scratch, PGUARD_LANG_FR, &what);

    for (i = 0; rc == PGUARD_MEMBERS_OK && i < 4; i++) {
        if (members[i].kind == PGUARD_MEMBER_STRING
            && value[i].given && value[i].str.len > members[i].max)
        {
            abort();
        }
    }

    if (rc != PGUARD_MEMBERS_OK && rc != PGUARD_MEMBERS_OBJECT) {
        check_problem(what);
    }

    free(scratch);
}


static void
check_times(pguard_str_t s)
{
    uint64_t        t;
    pguard_msec_t   ms;
    pguard_out_t    out;
    pguard_month_t  month;
    unsigned char   text[64];

    if (pguard_time_parse(s, &t) == 1) {
        pguard_out_init(&out, text, sizeof(text));
        pguard_utc_out(&out, t);

        if (t <= PGUARD_UTC_MAX
            && (pguard_time_parse((pguard_str_t) { out.need, text }, &ms) != 1
                || ms != t))
        {
            abort();
        }
    }

    if (pguard_utc_parse(s, &ms) == 0) {
        pguard_out_init(&out, text, sizeof(text));
        pguard_utc_out(&out, ms);

        if (pguard_utc_parse((pguard_str_t) { out.need, text }, &t) != 0
            || ms != t)
        {
            abort();
        }
    }

    month = pguard_month_parse(s);

    if (month) {
        pguard_out_init(&out, text, sizeof(text));
        pguard_month_out(&out, month);

        if (out.need != s.len || memcmp(text, s.data, s.len) != 0) {
            abort();
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pguard_str_t  s = { size, data };

    if (size > SIZE) {
        return 0;
    }

    check_route(s);
    check_members(s);
    check_times(s);
    check_problem(s);

    return 0;
}
