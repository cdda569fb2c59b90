/*
 * Lines of the audit log: see pguard_audit.h.
 */

#include "pguard_audit.h"
#include "pguard_utc.h"


#define PGUARD_AUDIT_TYPE_MEMBERS  16


typedef struct {
    pguard_str_t         name;
    pguard_audit_kind_e  kind;
} pguard_audit_member_t;


static void pguard_audit_value(pguard_out_t *out,
    const pguard_audit_record_t *rec, pguard_audit_member_e member);
static void pguard_audit_text(pguard_out_t *out, pguard_str_t s, size_t max);


#define pguard_audit_member(name, kind)                                       \
    { pguard_string(name), PGUARD_AUDIT_##kind }

static const pguard_audit_member_t
    pguard_audit_member_table[PGUARD_AUDIT_MEMBERS] =
{
    [PGUARD_AUDIT_ZONE]         = pguard_audit_member("zone", NAME),
    [PGUARD_AUDIT_SERVICE]      = pguard_audit_member("service", NAME),
    [PGUARD_AUDIT_CLIENT]       = pguard_audit_member("client", ID),
    [PGUARD_AUDIT_KEY]          = pguard_audit_member("key", ID),
    [PGUARD_AUDIT_RULE]         = pguard_audit_member("rule", NAME),
    [PGUARD_AUDIT_REASON]       = pguard_audit_member("reason", NAME),
    [PGUARD_AUDIT_EVENT]        = pguard_audit_member("event", NAME),
    [PGUARD_AUDIT_COUNT]        = pguard_audit_member("count", NUMBER),
    [PGUARD_AUDIT_LIMIT]        = pguard_audit_member("limit", NUMBER),
    [PGUARD_AUDIT_WINDOW]       = pguard_audit_member("window_ms", NUMBER),
    [PGUARD_AUDIT_BLOCK]        = pguard_audit_member("block_ms", NUMBER),
    [PGUARD_AUDIT_OFFENCE]      = pguard_audit_member("offence", NUMBER),
    [PGUARD_AUDIT_DRY_RUN]      = pguard_audit_member("dry_run", FLAG),
    [PGUARD_AUDIT_BEGAN]        = pguard_audit_member("began", TIME),
    [PGUARD_AUDIT_REFUSED]      = pguard_audit_member("refused", NUMBER),
    [PGUARD_AUDIT_HOW]          = pguard_audit_member("how", NAME),
    [PGUARD_AUDIT_WAS]          = pguard_audit_member("was", NAME),
    [PGUARD_AUDIT_STATE]        = pguard_audit_member("state", NAME),
    [PGUARD_AUDIT_WHO]          = pguard_audit_member("who", TEXT),
    [PGUARD_AUDIT_WHAT]         = pguard_audit_member("what", NAME),
    [PGUARD_AUDIT_TARGET]       = pguard_audit_member("target", TEXT),
    [PGUARD_AUDIT_WHY]          = pguard_audit_member("why", TEXT),
    [PGUARD_AUDIT_INDICATOR]    = pguard_audit_member("indicator", NAME),
    [PGUARD_AUDIT_OUTAGE]       = pguard_audit_member("outage", NAME),
    [PGUARD_AUDIT_CORRECTS]     = pguard_audit_member("corrects", NAME),
    [PGUARD_AUDIT_DETECTED]     = pguard_audit_member("detected", TIME),
    [PGUARD_AUDIT_NOTIFIED]     = pguard_audit_member("notified", TIME),
    [PGUARD_AUDIT_RESTORED]     = pguard_audit_member("restored", TIME),
    [PGUARD_AUDIT_CAUSE]        = pguard_audit_member("cause", TEXT),
    [PGUARD_AUDIT_CONFIRMED_BY] = pguard_audit_member("confirmed_by", TEXT),
    [PGUARD_AUDIT_DIGEST]       = pguard_audit_member("digest", HASH),
    [PGUARD_AUDIT_DIGEST_WAS]   = pguard_audit_member("digest_was", HASH),
    [PGUARD_AUDIT_COUNTS]       = pguard_audit_member("counts", NUMBER),
    [PGUARD_AUDIT_BLOCKS]       = pguard_audit_member("blocks", NUMBER),
    [PGUARD_AUDIT_EVENTS]       = pguard_audit_member("events", NUMBER),
    [PGUARD_AUDIT_STATE_FILE]   = pguard_audit_member("state_file", NAME),
    [PGUARD_AUDIT_REDIS]        = pguard_audit_member("redis", NAME),
    [PGUARD_AUDIT_VERSION]      = pguard_audit_member("version", NAME),
    [PGUARD_AUDIT_AFTER]        = pguard_audit_member("after", NUMBER),
    [PGUARD_AUDIT_REPEATS]      = pguard_audit_member("repeats", NUMBER),
    [PGUARD_AUDIT_TORN]         = pguard_audit_member("torn", NUMBER),
    [PGUARD_AUDIT_LOST]         = pguard_audit_member("lost", NUMBER)
};


const pguard_str_t  pguard_audit_type_names[PGUARD_AUDIT_TYPES] = {
    [PGUARD_AUDIT_BLOCK_BEGUN]      = pguard_string("block_begun"),
    [PGUARD_AUDIT_BLOCK_ENDED]      = pguard_string("block_ended"),
    [PGUARD_AUDIT_STORE_STATE]      = pguard_string("store_state"),
    [PGUARD_AUDIT_OPERATOR_ACTION]  = pguard_string("operator_action"),
    [PGUARD_AUDIT_OUTAGE_DECLARED]  = pguard_string("outage_declared"),
    [PGUARD_AUDIT_OUTAGE_CONFIRMED] = pguard_string("outage_confirmed"),
    [PGUARD_AUDIT_CONFIG_CHANGED]   = pguard_string("config_changed"),
    [PGUARD_AUDIT_CLIENT_FORGOTTEN] = pguard_string("client_forgotten"),
    [PGUARD_AUDIT_CHAIN_STARTED]    = pguard_string("chain_started"),
    [PGUARD_AUDIT_CHAIN_RESUMED]    = pguard_string("chain_resumed"),
    [PGUARD_AUDIT_CHAIN_ROTATED]    = pguard_string("chain_rotated")
};


static const unsigned char
    pguard_audit_type_table[PGUARD_AUDIT_TYPES][PGUARD_AUDIT_TYPE_MEMBERS] =
{
    [PGUARD_AUDIT_BLOCK_BEGUN] = {
        PGUARD_AUDIT_ZONE, PGUARD_AUDIT_SERVICE, PGUARD_AUDIT_CLIENT,
        PGUARD_AUDIT_KEY, PGUARD_AUDIT_RULE, PGUARD_AUDIT_REASON,
        PGUARD_AUDIT_EVENT, PGUARD_AUDIT_COUNT, PGUARD_AUDIT_LIMIT,
        PGUARD_AUDIT_WINDOW, PGUARD_AUDIT_BLOCK, PGUARD_AUDIT_OFFENCE,
        PGUARD_AUDIT_DRY_RUN, PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_BLOCK_ENDED] = {
        PGUARD_AUDIT_ZONE, PGUARD_AUDIT_SERVICE, PGUARD_AUDIT_CLIENT,
        PGUARD_AUDIT_KEY, PGUARD_AUDIT_RULE, PGUARD_AUDIT_REASON,
        PGUARD_AUDIT_EVENT, PGUARD_AUDIT_BEGAN, PGUARD_AUDIT_REFUSED,
        PGUARD_AUDIT_HOW, PGUARD_AUDIT_DRY_RUN, PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_STORE_STATE] = {
        PGUARD_AUDIT_WAS, PGUARD_AUDIT_STATE, PGUARD_AUDIT_WHY,
        PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_OPERATOR_ACTION] = {
        PGUARD_AUDIT_WHO, PGUARD_AUDIT_WHAT, PGUARD_AUDIT_TARGET,
        PGUARD_AUDIT_ZONE, PGUARD_AUDIT_CLIENT, PGUARD_AUDIT_EVENT,
        PGUARD_AUDIT_WHY, PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_OUTAGE_DECLARED] = {
        PGUARD_AUDIT_INDICATOR, PGUARD_AUDIT_OUTAGE, PGUARD_AUDIT_CORRECTS,
        PGUARD_AUDIT_DETECTED, PGUARD_AUDIT_NOTIFIED, PGUARD_AUDIT_CLIENT,
        PGUARD_AUDIT_CAUSE, PGUARD_AUDIT_WHO, PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_OUTAGE_CONFIRMED] = {
        PGUARD_AUDIT_INDICATOR, PGUARD_AUDIT_OUTAGE, PGUARD_AUDIT_CORRECTS,
        PGUARD_AUDIT_RESTORED, PGUARD_AUDIT_CONFIRMED_BY, PGUARD_AUDIT_CLIENT,
        PGUARD_AUDIT_WHO, PGUARD_AUDIT_WHY, PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_CONFIG_CHANGED] = {
        PGUARD_AUDIT_DIGEST, PGUARD_AUDIT_DIGEST_WAS, PGUARD_AUDIT_VERSION,
        PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_CLIENT_FORGOTTEN] = {
        PGUARD_AUDIT_ZONE, PGUARD_AUDIT_CLIENT, PGUARD_AUDIT_WHO,
        PGUARD_AUDIT_WHY, PGUARD_AUDIT_COUNTS, PGUARD_AUDIT_BLOCKS,
        PGUARD_AUDIT_EVENTS, PGUARD_AUDIT_STATE_FILE, PGUARD_AUDIT_REDIS,
        PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_CHAIN_STARTED] = {
        PGUARD_AUDIT_VERSION, PGUARD_AUDIT_AFTER, PGUARD_AUDIT_WHY,
        PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_CHAIN_RESUMED] = {
        PGUARD_AUDIT_REPEATS, PGUARD_AUDIT_TORN, PGUARD_AUDIT_LOST,
        PGUARD_AUDIT_MEMBERS
    },

    [PGUARD_AUDIT_CHAIN_ROTATED] = {
        PGUARD_AUDIT_MEMBERS
    }
};


pguard_str_t
pguard_audit_member_name(pguard_audit_member_e member)
{
    return pguard_audit_member_table[member].name;
}


pguard_audit_kind_e
pguard_audit_member_kind(pguard_audit_member_e member)
{
    return pguard_audit_member_table[member].kind;
}


const unsigned char *
pguard_audit_members(pguard_audit_type_e type)
{
    return pguard_audit_type_table[type];
}


void
pguard_audit_render(pguard_out_t *out, const pguard_audit_record_t *rec,
    const pguard_audit_frame_t *frame)
{
    const unsigned char  *m;

    pguard_out_text(out, "{\"time\":\"");
    pguard_utc_out(out, frame->time);
    pguard_out_text(out, "\",\"seq\":");
    pguard_out_uint(out, frame->seq);
    pguard_out_text(out, ",\"gateway\":");
    pguard_audit_text(out, frame->gateway, PGUARD_NAME_MAX);
    pguard_out_text(out, ",\"type\":\"");
    pguard_out_str(out, pguard_audit_type_names[rec->type]);
    pguard_out_byte(out, '"');

    for (m = pguard_audit_members(rec->type); *m != PGUARD_AUDIT_MEMBERS; m++) {
        pguard_out_text(out, ",\"");
        pguard_out_str(out, pguard_audit_member_table[*m].name);
        pguard_out_text(out, "\":");
        pguard_audit_value(out, rec, *m);
    }

    pguard_out_text(out, ",\"prev\":\"");
    pguard_out_hex(out, frame->prev, PGUARD_AUDIT_PREV_LEN);
    pguard_out_byte(out, '"');
}


void
pguard_audit_seal(pguard_out_t *out, const unsigned char *mac)
{
    pguard_out_text(out, ",\"mac\":\"");
    pguard_out_hex(out, mac, PGUARD_MAC_LEN);
    pguard_out_text(out, "\"}");
}


static void
pguard_audit_value(pguard_out_t *out, const pguard_audit_record_t *rec,
    pguard_audit_member_e member)
{
    size_t        max;
    uint64_t      num;
    pguard_str_t  str;

    str = rec->str[member];
    num = rec->num[member];

    switch (pguard_audit_member_table[member].kind) {

    case PGUARD_AUDIT_NAME:
        pguard_audit_text(out, str, PGUARD_NAME_MAX);
        return;

    case PGUARD_AUDIT_TEXT:
        pguard_audit_text(out, str, PGUARD_AUDIT_TEXT_MAX);
        return;

    case PGUARD_AUDIT_ID:
    case PGUARD_AUDIT_HASH:
        max = pguard_audit_member_table[member].kind == PGUARD_AUDIT_ID
              ? PGUARD_ID_LEN : PGUARD_MAC_LEN;

        pguard_out_byte(out, '"');
        pguard_out_hex(out, str.data, str.len == max ? max : 0);
        pguard_out_byte(out, '"');
        return;

    case PGUARD_AUDIT_TIME:
        pguard_out_byte(out, '"');

        if (num) {
            pguard_utc_out(out, num);
        }

        pguard_out_byte(out, '"');
        return;

    case PGUARD_AUDIT_NUMBER:
        pguard_out_uint(out, num);
        return;

    case PGUARD_AUDIT_FLAG:
        pguard_out_text(out, num ? "true" : "false");
        return;
    }
}


/* A text that is cut says so, and is not cut within a character. */

static void
pguard_audit_text(pguard_out_t *out, pguard_str_t s, size_t max)
{
    size_t  cut;

    cut = 0;

    if (s.len > max) {
        for (s.len = max - 3; s.len && (s.data[s.len] & 0xc0) == 0x80; s.len--)
        {
            /* void */
        }

        cut = 1;
    }

    pguard_out_byte(out, '"');
    pguard_out_json(out, s);
    pguard_out_text(out, cut ? "...\"" : "\"");
}
