/*
 * The command replay: a month from access logs.
 */

#include "replay.h"
#include "month.h"
#include "pguard_json.h"

#include <stdlib.h>
#include <string.h>


typedef struct {
    const char  *month;
    const char  *indicator;
    const char  *zone;
    const char  *slice;
    const char  *min_requests;
    const char  *down_ratio;
    const char  *target;
    const char  *as_of;
    int          strict;
    audit_list_t  outages;
    audit_list_t  config;
} settings_t;


/* Does a list, "a,b" or "a b", hold the name? */

static int
listed(const char *list, const char *name)
{
    size_t       n, len;
    const char  *p;

    len = strlen(name);

    for (p = list; *p; p += n) {
        p += strspn(p, ", ");
        n = strcspn(p, ", ");

        if (n == len && memcmp(p, name, n) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
note(char *buf, size_t size, const audit_at_t *at)
{
    if (buf[0] == '\0') {
        (void) snprintf(buf, size, "%s:%lu", at->file,
                        (unsigned long) at->number);
    }
}


void
replay_count(replay_t *r, const audit_at_t *at, const replay_entry_t *e)
{
    int             class, reason;
    int64_t         second;
    replay_slot_t  *slot;

    if (e->sla[0] == '\0') {
        r->unguarded++;
        return;
    }

    second = e->ms / 1000;

    if (second < r->start || second >= r->end) {
        r->other_month++;
        return;
    }

    if (r->indicator && !listed(e->indicators, r->indicator)) {
        r->other_indicator++;
        return;
    }

    class = replay_class(e);
    reason = replay_index(replay_reasons, e->reason);
    slot = &r->slots[(second - r->start) / r->slice];

    r->classes[class]++;
    slot->good += class == GOOD;
    slot->failed += class == FAILED;
    slot->excluded += class == EXCLUDED;

    if (class == EXCLUDED) {
        r->reasons[reason]++;
    }

    if (strcmp(e->sla, replay_classes[class]) != 0) {
        r->differs++;
        note(r->first_differs, sizeof(r->first_differs), at);
    }
}


static int
read_logs(replay_t *r, char **files)
{
    int             rc;
    audit_at_t      at;
    audit_input_t   in;
    replay_entry_t  e;

    if (audit_input_open(&in, files, 1) != AUDIT_OK) {
        return AUDIT_ERROR;
    }

    while ((rc = audit_input_next(&in, &at)) == 1) {
        r->lines++;

        if (!at.cut && replay_read(at.text, &e) == 0) {
            replay_count(r, &at, &e);
            continue;
        }

        r->unreadable++;
        note(r->first_unreadable, sizeof(r->first_unreadable), &at);
    }

    audit_input_close(&in);

    if (rc == -2) {
        return audit_error("%s: " AUDIT_GZIP_WRONG, at.file);
    }

    return rc == 0 ? AUDIT_OK : AUDIT_ERROR;
}


/* A decimal number of so many places, within bounds in its units. */

static int
number(const char *option, const char *text, unsigned places, int64_t least,
    int64_t most, int64_t *n)
{
    pguard_str_t  s;

    s.data = (const unsigned char *) text;
    s.len = strlen(text);

    if (s.len == 0 || strspn(text, "0123456789.") != s.len
        || pguard_json_decimal(s, places, n) != 0 || *n < least || *n > most)
    {
        return audit_error("--%s: \"%s\" is not a number that it takes: see "
                           "--help", option, text);
    }

    return AUDIT_OK;
}


/* FROM/TO: the seconds of the month that it touches. */

static int
declare(replay_t *r, const char *text)
{
    char      from[64];
    size_t    n;
    int64_t   a, b, s;

    n = strcspn(text, "/");

    if (n < sizeof(from) && text[n] == '/') {
        memcpy(from, text, n);
        from[n] = '\0';

        if (month_time(from, &a) == 0 && month_time(text + n + 1, &b) == 0
            && a < b)
        {
            for (s = r->start; s < r->end; s++) {
                if (s >= a / 1000 && s < (b + 999) / 1000) {
                    r->declared[s - r->start] = 1;
                }
            }

            return AUDIT_OK;
        }
    }

    return audit_error("--outage takes FROM/TO, such as 2026-11-03T10:00:00Z/"
                       "2026-11-03T10:30:00Z, not \"%s\"", text);
}


static int
set_up(replay_t *r, const settings_t *s)
{
    size_t   slots;
    int64_t  ms;

    /* one that no line can have */

    if (s->indicator && (s->indicator[0] == '\0'
                         || strpbrk(s->indicator, ", ")))
    {
        return audit_error("--indicator takes a name, not \"%s\"",
                           s->indicator);
    }

    if (month_zone(s->zone) || month_bounds(s->month, &r->start, &r->end)
        || number("slice", s->slice, 0, 1, 86400, &r->slice)
        || number("min-requests", s->min_requests, 0, 1, INT32_MAX,
                  &r->min_requests)
        || number("down-ratio", s->down_ratio, 4, 1, 1000000, &r->down_ppm)
        || number("target", s->target, 4, 0, 1000000, &r->target_ppm))
    {
        return AUDIT_ERROR;
    }

    r->as_of = r->end;

    if (s->as_of) {
        if (month_time(s->as_of, &ms) != 0 || ms / 1000 <= r->start) {
            return audit_error("--as-of takes a time after the month's "
                               "beginning, such as 2026-11-03T10:00:00Z, not "
                               "\"%s\"", s->as_of);
        }

        r->as_of = ms / 1000 < r->end ? (time_t) (ms / 1000) : r->end;
    }

    r->month = s->month;
    r->zone = s->zone;
    r->indicator = s->indicator;

    slots = (size_t) ((r->end - r->start + r->slice - 1) / r->slice);
    r->slots = calloc(slots, sizeof(replay_slot_t));
    r->declared = calloc((size_t) (r->end - r->start), 1);

    return r->slots && r->declared ? AUDIT_OK : audit_error("no memory");
}


/* --config slice=60 is --slice=60. */

static int
configure(const audit_option_t *options, const audit_list_t *config,
    char **made)
{
    int    i;
    char  *argv[2];

    for (i = 0; i < config->items; i++) {

        if (strchr(config->item[i], '=') == NULL
            || asprintf(&made[i], "--%s", config->item[i]) == -1)
        {
            made[i] = NULL;
            return audit_error("--config takes NAME=VALUE, not \"%s\"",
                               config->item[i]);
        }

        argv[0] = made[i];
        argv[1] = NULL;

        if (audit_options(options, 1, argv) == -1) {
            return AUDIT_ERROR;
        }
    }

    return AUDIT_OK;
}


static int
run(replay_t *r, const settings_t *s, char **files)
{
    int  i, rc;

    rc = set_up(r, s);

    for (i = 0; rc == AUDIT_OK && i < s->outages.items; i++) {
        rc = declare(r, s->outages.item[i]);
    }

    if (rc == AUDIT_OK) {
        rc = read_logs(r, files);
    }

    if (rc == AUDIT_OK) {
        rc = replay_print(r);
    }

    if (rc == AUDIT_OK && s->strict && (r->unreadable || r->differs)) {
        rc = AUDIT_BROKEN;
    }

    return rc;
}


int
audit_replay(int argc, char **argv)
{
    int          i, rc, files;
    char        *made[AUDIT_LIST] = { NULL };
    replay_t     r;
    settings_t   s;

    const audit_option_t  options[] = {
        { "month", &s.month, NULL, NULL },
        { "indicator", &s.indicator, NULL, NULL },
        { "timezone", &s.zone, NULL, NULL },
        { "slice", &s.slice, NULL, NULL },
        { "min-requests", &s.min_requests, NULL, NULL },
        { "down-ratio", &s.down_ratio, NULL, NULL },
        { "target", &s.target, NULL, NULL },
        { "as-of", &s.as_of, NULL, NULL },
        { "strict", NULL, &s.strict, NULL },
        { "outage", NULL, NULL, &s.outages },
        { "config", NULL, NULL, &s.config },
        { NULL, NULL, NULL, NULL }
    };

    memset(&r, 0, sizeof(r));
    memset(&s, 0, sizeof(s));
    s.zone = "UTC";
    s.slice = "60";
    s.min_requests = "1";
    s.down_ratio = "50";
    s.target = "99.9";

    files = audit_options(options, argc, argv);
    rc = files == -1 ? AUDIT_ERROR : configure(options, &s.config, made);

    if (rc == AUDIT_OK && (files == 0 || s.month == NULL)) {
        rc = audit_error("replay takes --month YYYY-MM and access logs: see "
                         "--help");
    }

    if (rc == AUDIT_OK) {
        rc = run(&r, &s, argv);
    }

    for (i = 0; i < AUDIT_LIST; i++) {
        free(made[i]);
    }

    free(r.slots);
    free(r.declared);

    return rc;
}
