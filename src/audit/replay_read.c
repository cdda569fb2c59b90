/*
 * The lines of access logs, in the format of docs/log-format.md.
 */

#include "replay.h"
#include "month.h"
#include "pguard_json.h"

#include <stdlib.h>
#include <string.h>


const char *const  replay_classes[CLASSES + 1] = {
    "good", "failed", "excluded", "ignored", NULL
};

const char *const  replay_reasons[REASONS + 1] = {
    "duplicate_throttled", "hammering_blocked", "auth_lockout",
    "operator_blocked", NULL
};

/* The class of a request that was refused for a reason. */

static const int  reason_classes[REASONS] = {
    EXCLUDED, EXCLUDED, GOOD, FAILED
};


int
replay_index(const char *const *names, const char *name)
{
    int  i;

    for (i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }

    return -1;
}


int
replay_class(const replay_entry_t *e)
{
    int  reason;

    reason = replay_index(replay_reasons, e->reason);

    if (reason != -1 && (strcmp(e->verdict, "throttled") == 0
                         || strcmp(e->verdict, "blocked") == 0))
    {
        return reason_classes[reason];
    }

    if (e->status == 499) {
        return IGNORED;
    }

    /* no verdict, and an error of the request's: nginx could not read it, or
       does not speak that HTTP */

    if (e->verdict[0] == '\0'
        && (e->status / 100 == 4 || e->status == 501 || e->status == 505))
    {
        return IGNORED;
    }

    if (e->status >= 500) {
        return FAILED;
    }

    return GOOD;
}


/* A string or number into buf, as text. */

static int
text_of(const pguard_json_t *json, char *buf, size_t size)
{
    size_t  n;

    n = pguard_json_unescape(json->text, buf, size - 1);

    if (n >= size || memchr(buf, '\0', n)) {
        return -1;
    }

    buf[n] = '\0';

    return 0;
}


static int
read_msec(const pguard_json_t *json, int64_t *ms)
{
    return pguard_json_decimal(json->text, 3, ms) == 0 && *ms >= 0 ? 0 : -1;
}


static int
read_time(const pguard_json_t *json, int64_t *ms)
{
    char  buf[64];

    return text_of(json, buf, sizeof(buf)) == 0 ? month_time(buf, ms) : -1;
}


/* nginx logs three digits, "000" where there was no answer. */

static int
read_status(const pguard_json_t *json, int *status)
{
    char  buf[8];

    if (text_of(json, buf, sizeof(buf)) != 0 || strlen(buf) != 3
        || strspn(buf, "0123456789") != 3)
    {
        return -1;
    }

    *status = atoi(buf);

    return 0;
}


/* One member.  What was found is marked in *seen. */

static int
read_member(const pguard_json_t *json, const char *name, replay_entry_t *e,
    unsigned *seen)
{
    int       rc;
    unsigned  i;
    int64_t   ms;

    static const char *const  names[] = {
        "msec", "time", "status", "verdict", "reason", "sla", "indicators",
        NULL
    };

    i = (unsigned) replay_index(names, name);

    switch (i) {

    case 0:
        rc = read_msec(json, &e->ms);
        break;

    case 1:
        if (read_time(json, &ms) != 0) {
            return 0;      /* of another form: msec may tell */
        }

        /* the more exact of the two, whichever comes first */

        if (!(*seen & 1)) {
            e->ms = ms;
        }

        rc = 0;
        break;

    case 2:
        rc = read_status(json, &e->status);
        break;

    case 3:
        rc = text_of(json, e->verdict, sizeof(e->verdict));
        break;

    case 4:
        rc = text_of(json, e->reason, sizeof(e->reason));
        break;

    case 5:
        rc = text_of(json, e->sla, sizeof(e->sla));
        break;

    case 6:
        rc = text_of(json, e->indicators, sizeof(e->indicators));
        break;

    default:
        return 0;
    }

    if (rc != 0 || *seen & 1u << i) {
        return -1;
    }

    *seen |= 1u << i;

    return 0;
}


static int
read_members(pguard_json_t *json, replay_entry_t *e, unsigned *seen)
{
    char           name[32];
    pguard_json_e  token;

    while ((token = pguard_json_next(json)) == PGUARD_JSON_NAME) {

        if (text_of(json, name, sizeof(name)) != 0) {
            name[0] = '\0';
        }

        token = pguard_json_next(json);

        if (token == PGUARD_JSON_STRING || token == PGUARD_JSON_NUMBER) {
            if (read_member(json, name, e, seen) != 0) {
                return -1;
            }

        } else if (pguard_json_skip(json, token) != 0) {
            return -1;
        }
    }

    return token == PGUARD_JSON_OBJECT_END
           && pguard_json_next(json) == PGUARD_JSON_END ? 0 : -1;
}


int
replay_read(pguard_str_t text, replay_entry_t *e)
{
    size_t          i;
    unsigned        seen;
    pguard_json_t   json;
    unsigned char  *p;

    memset(e, 0, sizeof(replay_entry_t));
    seen = 0;

    /* a request may hold any bytes, and nginx logs them as they are: what is
       read here is ASCII */

    p = (unsigned char *) text.data;

    for (i = 0; i < text.len; i++) {
        p[i] = p[i] < 0x80 ? p[i] : '?';
    }

    pguard_json_init(&json, text, 16);

    if (pguard_json_next(&json) != PGUARD_JSON_OBJECT
        || read_members(&json, e, &seen) != 0)
    {
        return -1;
    }

    /* a time, status, verdict and class; a reason is one of the list */

    if ((seen & 3) == 0 || (seen & (1u << 2 | 1u << 3 | 1u << 5))
                           != (1u << 2 | 1u << 3 | 1u << 5))
    {
        return -1;
    }

    return e->reason[0] && replay_index(replay_reasons, e->reason) == -1 ? -1
                                                                         : 0;
}
