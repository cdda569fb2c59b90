/*
 * The reading of lines of the audit log: see pguard_audit.h.
 */

#include "pguard_audit.h"
#include "pguard_json.h"
#include "pguard_str.h"
#include "pguard_utc.h"

#include <openssl/crypto.h>


#define PGUARD_AUDIT_PREV       ",\"prev\":\""
#define PGUARD_AUDIT_PREV_HEX   (2 * PGUARD_AUDIT_PREV_LEN)
#define PGUARD_AUDIT_PREV_SIZE                                                \
    (sizeof(PGUARD_AUDIT_PREV) - 1 + PGUARD_AUDIT_PREV_HEX + 1)

#define PGUARD_AUDIT_MAC        ",\"mac\":\""
#define PGUARD_AUDIT_MAC_HEX    (2 * PGUARD_MAC_LEN)
#define PGUARD_AUDIT_MAC_SIZE                                                 \
    (sizeof(PGUARD_AUDIT_MAC) - 1 + PGUARD_AUDIT_MAC_HEX + 2)


static int pguard_audit_tail(pguard_str_t s, pguard_audit_line_t *line);
static int pguard_audit_plain(pguard_str_t s);
static int pguard_audit_frame(pguard_json_t *json, pguard_audit_line_t *line);
static int pguard_audit_read(pguard_json_t *json, pguard_audit_line_t *line);
static int pguard_audit_known(pguard_audit_line_t *line,
    pguard_audit_member_e member, pguard_json_e token, pguard_str_t text);
static int pguard_audit_hex(pguard_str_t s, size_t bytes);
static int pguard_audit_digits(pguard_str_t s);


int
pguard_audit_parse(pguard_str_t s, pguard_audit_line_t *line)
{
    pguard_json_t  json;

    memset(line, 0, sizeof(pguard_audit_line_t));
    line->type = PGUARD_AUDIT_TYPES;

    if (pguard_audit_tail(s, line) != 0 || !pguard_audit_plain(s)) {
        return -1;
    }

    pguard_json_init(&json, s, 1);

    if (pguard_json_next(&json) != PGUARD_JSON_OBJECT
        || pguard_audit_frame(&json, line) != 0)
    {
        return -1;
    }

    return pguard_audit_read(&json, line);
}


/* What ends each line has a fixed length, and so is read from the end. */

static int
pguard_audit_tail(pguard_str_t s, pguard_audit_line_t *line)
{
    pguard_str_t          prev, mac;
    const unsigned char  *p;

    if (s.len > PGUARD_AUDIT_LINE_MAX
        || s.len < PGUARD_AUDIT_PREV_SIZE + PGUARD_AUDIT_MAC_SIZE + 1)
    {
        return -1;
    }

    p = s.data + s.len - PGUARD_AUDIT_MAC_SIZE;
    line->sealed.data = s.data;
    line->sealed.len = (size_t) (p - s.data);

    mac.data = p + sizeof(PGUARD_AUDIT_MAC) - 1;
    mac.len = PGUARD_AUDIT_MAC_HEX;

    if (memcmp(p, PGUARD_AUDIT_MAC, sizeof(PGUARD_AUDIT_MAC) - 1) != 0
        || memcmp(mac.data + mac.len, "\"}", 2) != 0
        || !pguard_audit_hex(mac, PGUARD_MAC_LEN))
    {
        return -1;
    }

    p -= PGUARD_AUDIT_PREV_SIZE;
    prev.data = p + sizeof(PGUARD_AUDIT_PREV) - 1;
    prev.len = PGUARD_AUDIT_PREV_HEX;

    if (memcmp(p, PGUARD_AUDIT_PREV, sizeof(PGUARD_AUDIT_PREV) - 1) != 0
        || prev.data[prev.len] != '"'
        || !pguard_audit_hex(prev, PGUARD_AUDIT_PREV_LEN))
    {
        return -1;
    }

    (void) pguard_unhex(line->frame.mac, mac.data, PGUARD_MAC_LEN);
    (void) pguard_unhex(line->frame.prev, prev.data, PGUARD_AUDIT_PREV_LEN);

    return 0;
}


/* No space outside of strings: none is written. */

static int
pguard_audit_plain(pguard_str_t s)
{
    size_t    i;
    unsigned  string;

    string = 0;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] == '"') {
            string = !string;

        } else if (string && s.data[i] == '\\') {
            i++;

        } else if (!string && s.data[i] <= ' ') {
            return 0;
        }
    }

    return 1;
}


/* The next member must be this one, a string or else a number. */

static int
pguard_audit_expect(pguard_json_t *json, const char *name,
    pguard_json_e token)
{
    return pguard_json_next(json) == PGUARD_JSON_NAME
           && !json->escaped && pguard_json_same(json->text, name)
           && pguard_json_next(json) == token ? 0 : -1;
}


static int
pguard_audit_frame(pguard_json_t *json, pguard_audit_line_t *line)
{
    int64_t   seq;
    unsigned  i;

    if (pguard_audit_expect(json, "time", PGUARD_JSON_STRING)
        || json->text.len != PGUARD_UTC_LEN
        || pguard_utc_parse(json->text, &line->frame.time)
        || pguard_audit_expect(json, "seq", PGUARD_JSON_NUMBER)
        || pguard_json_int(json->text, &seq)
        || seq < 1 || (uint64_t) seq > PGUARD_AUDIT_SEQ_MAX
        || pguard_audit_expect(json, "gateway", PGUARD_JSON_STRING))
    {
        return -1;
    }

    line->frame.seq = (uint64_t) seq;
    line->frame.gateway = json->text;

    if (pguard_audit_expect(json, "type", PGUARD_JSON_STRING)
        || json->escaped || json->text.len == 0)
    {
        return -1;
    }

    line->name = json->text;

    for (i = 0; i < PGUARD_AUDIT_TYPES; i++) {
        if (pguard_str_same(line->name, pguard_audit_type_names[i])) {
            line->type = i;
        }
    }

    return 0;
}


/* Frame members must not come again among the others, prev and mac only at
   the place where they were read. */

static int
pguard_audit_reserved(const pguard_audit_line_t *line, pguard_str_t name)
{
    unsigned              i;
    const unsigned char  *prev, *mac;

    static const char *const  reserved[] = {
        "time", "seq", "gateway", "type", "prev", "mac"
    };

    mac = line->sealed.data + line->sealed.len;
    prev = mac - PGUARD_AUDIT_PREV_SIZE;

    if (name.data == prev + 2 || name.data == mac + 2) {
        return 0;
    }

    for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (pguard_json_same(name, reserved[i])) {
            return 1;
        }
    }

    return 0;
}


static int
pguard_audit_read(pguard_json_t *json, pguard_audit_line_t *line)
{
    unsigned       i;
    pguard_str_t   name;
    pguard_json_e  token;

    while ((token = pguard_json_next(json)) == PGUARD_JSON_NAME) {
        name = json->text;
        token = pguard_json_next(json);

        if (token < PGUARD_JSON_STRING || json->depth != 1
            || pguard_audit_reserved(line, name))
        {
            return -1;
        }

        for (i = 0; i < PGUARD_AUDIT_MEMBERS; i++) {
            if (pguard_str_same(name, pguard_audit_member_name(i))
                && pguard_audit_known(line, i, token, json->text))
            {
                return -1;
            }
        }
    }

    return token == PGUARD_JSON_OBJECT_END
           && pguard_json_next(json) == PGUARD_JSON_END ? 0 : -1;
}


/* Keeps the value of a member if it is one.  0, or -1. */

static int
pguard_audit_known(pguard_audit_line_t *line, pguard_audit_member_e member,
    pguard_json_e token, pguard_str_t text)
{
    pguard_msec_t  ms;

    static const pguard_str_t  flags[] = {
        pguard_string("false"), pguard_string("true")
    };

    if (line->value[member].data) {
        return -1;
    }

    line->value[member] = text;

    switch (pguard_audit_member_kind(member)) {

    case PGUARD_AUDIT_NUMBER:
        return token == PGUARD_JSON_NUMBER && pguard_audit_digits(text) ? 0
                                                                        : -1;

    case PGUARD_AUDIT_FLAG:
        line->value[member] = flags[token == PGUARD_JSON_TRUE];
        return token == PGUARD_JSON_TRUE || token == PGUARD_JSON_FALSE ? 0
                                                                       : -1;

    case PGUARD_AUDIT_ID:
        return token == PGUARD_JSON_STRING
               && (text.len == 0 || pguard_audit_hex(text, PGUARD_ID_LEN))
               ? 0 : -1;

    case PGUARD_AUDIT_HASH:
        return token == PGUARD_JSON_STRING
               && (text.len == 0 || pguard_audit_hex(text, PGUARD_MAC_LEN))
               ? 0 : -1;

    case PGUARD_AUDIT_TIME:
        return token == PGUARD_JSON_STRING
               && (text.len == 0 || (text.len == PGUARD_UTC_LEN
                                     && pguard_utc_parse(text, &ms) == 0))
               ? 0 : -1;

    default:
        return token == PGUARD_JSON_STRING ? 0 : -1;
    }
}


/* Lower-case digits only: a digit in the other case is another byte. */

static int
pguard_audit_hex(pguard_str_t s, size_t bytes)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if ((s.data[i] < '0' || s.data[i] > '9')
            && (s.data[i] < 'a' || s.data[i] > 'f'))
        {
            return 0;
        }
    }

    return s.len == 2 * bytes;
}


static int
pguard_audit_digits(pguard_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return 0;
        }
    }

    return s.len <= 20;
}


int
pguard_audit_sealed(const pguard_audit_line_t *line, const pguard_key_t *key)
{
    unsigned char  mac[PGUARD_MAC_LEN];

    if (pguard_key_mac(key, line->sealed, mac) != 0) {
        return -1;
    }

    return CRYPTO_memcmp(mac, line->frame.mac, PGUARD_MAC_LEN) == 0;
}
