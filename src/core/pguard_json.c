/*
 * A strict reader of JSON: see pguard_json.h.
 */

#include "pguard_json.h"

#include <string.h>


/* What may come next. */

typedef enum {
    PGUARD_JSON_AT_VALUE = 0,
    PGUARD_JSON_AT_FIRST,               /* a value, or the end of an array */
    PGUARD_JSON_AT_FIRST_NAME,          /* a name, or the end of an object */
    PGUARD_JSON_AT_NAME,
    PGUARD_JSON_AT_COMMA,               /* after a value */
    PGUARD_JSON_AT_END,
    PGUARD_JSON_AT_ERROR
} pguard_json_at_e;


typedef struct {
    pguard_str_t   word;
    pguard_json_e  token;
} pguard_json_word_t;


static pguard_json_e pguard_json_fail(pguard_json_t *json,
    pguard_json_wrong_e wrong);
static void pguard_json_space(pguard_json_t *json);
static pguard_json_e pguard_json_value(pguard_json_t *json);
static pguard_json_e pguard_json_open(pguard_json_t *json, unsigned object);
static pguard_json_e pguard_json_close(pguard_json_t *json, unsigned object);
static pguard_json_e pguard_json_done(pguard_json_t *json,
    pguard_json_e token);
static pguard_json_e pguard_json_comma(pguard_json_t *json);
static pguard_json_e pguard_json_name(pguard_json_t *json);
static pguard_json_e pguard_json_string(pguard_json_t *json,
    pguard_json_e token);
static pguard_json_wrong_e pguard_json_escape(pguard_json_t *json);
static pguard_json_wrong_e pguard_json_wide(pguard_json_t *json);
static int pguard_json_hex4(const unsigned char *p, const unsigned char *end,
    uint32_t *c);
static pguard_json_e pguard_json_number(pguard_json_t *json);
static size_t pguard_json_digits(pguard_json_t *json);
static pguard_json_e pguard_json_word(pguard_json_t *json);


static const pguard_json_word_t  pguard_json_words[] = {
    { pguard_string("true"), PGUARD_JSON_TRUE },
    { pguard_string("false"), PGUARD_JSON_FALSE },
    { pguard_string("null"), PGUARD_JSON_NULL },
    { { 0, NULL }, PGUARD_JSON_ERROR }
};

static const char  pguard_json_escapes[] = "\"\\/bfnrt";


void
pguard_json_init(pguard_json_t *json, pguard_str_t s, unsigned depth)
{
    memset(json, 0, sizeof(pguard_json_t));

    json->start = s.data;
    json->pos = s.data;
    json->end = s.len ? s.data + s.len : s.data;
    json->depth_max = depth < PGUARD_JSON_DEPTH_MAX ? depth
                                                    : PGUARD_JSON_DEPTH_MAX;
    json->state = PGUARD_JSON_AT_VALUE;
}


pguard_json_e
pguard_json_next(pguard_json_t *json)
{
    if (json->state == PGUARD_JSON_AT_ERROR) {
        return PGUARD_JSON_ERROR;
    }

    pguard_json_space(json);

    if (json->state == PGUARD_JSON_AT_END) {
        return json->pos == json->end
               ? PGUARD_JSON_END
               : pguard_json_fail(json, PGUARD_JSON_AFTER_END);
    }

    if (json->pos == json->end) {
        return pguard_json_fail(json, PGUARD_JSON_EARLY_END);
    }

    switch (json->state) {

    case PGUARD_JSON_AT_COMMA:
        return pguard_json_comma(json);

    case PGUARD_JSON_AT_FIRST_NAME:
        return *json->pos == '}' ? pguard_json_close(json, 1)
                                 : pguard_json_name(json);

    case PGUARD_JSON_AT_NAME:
        return pguard_json_name(json);

    case PGUARD_JSON_AT_FIRST:
        if (*json->pos == ']') {
            return pguard_json_close(json, 0);
        }

        /* fall through */

    default:
        return pguard_json_value(json);
    }
}


static pguard_json_e
pguard_json_fail(pguard_json_t *json, pguard_json_wrong_e wrong)
{
    json->wrong = wrong;
    json->state = PGUARD_JSON_AT_ERROR;

    return PGUARD_JSON_ERROR;
}


static void
pguard_json_space(pguard_json_t *json)
{
    while (json->pos < json->end
           && (*json->pos == ' ' || *json->pos == '\t' || *json->pos == '\n'
               || *json->pos == '\r'))
    {
        json->pos++;
    }
}


static pguard_json_e
pguard_json_value(pguard_json_t *json)
{
    switch (*json->pos) {

    case '{':
        return pguard_json_open(json, 1);

    case '[':
        return pguard_json_open(json, 0);

    case '"':
        return pguard_json_string(json, PGUARD_JSON_STRING);

    case 't':
    case 'f':
    case 'n':
        return pguard_json_word(json);

    default:
        return pguard_json_number(json);
    }
}


static pguard_json_e
pguard_json_open(pguard_json_t *json, unsigned object)
{
    uint64_t  bit;

    if (json->depth == json->depth_max) {
        return pguard_json_fail(json, PGUARD_JSON_TOO_DEEP);
    }

    json->pos++;

    bit = (uint64_t) 1 << json->depth++;
    json->objects = object ? json->objects | bit : json->objects & ~bit;
    json->state = object ? PGUARD_JSON_AT_FIRST_NAME : PGUARD_JSON_AT_FIRST;

    return object ? PGUARD_JSON_OBJECT : PGUARD_JSON_ARRAY;
}


static unsigned
pguard_json_in_object(const pguard_json_t *json)
{
    return json->depth && (json->objects >> (json->depth - 1) & 1);
}


static pguard_json_e
pguard_json_close(pguard_json_t *json, unsigned object)
{
    json->pos++;
    json->depth--;

    return pguard_json_done(json, object ? PGUARD_JSON_OBJECT_END
                                         : PGUARD_JSON_ARRAY_END);
}


/* A value has ended. */

static pguard_json_e
pguard_json_done(pguard_json_t *json, pguard_json_e token)
{
    json->state = json->depth ? PGUARD_JSON_AT_COMMA : PGUARD_JSON_AT_END;

    return token;
}


static pguard_json_e
pguard_json_comma(pguard_json_t *json)
{
    unsigned  object;

    object = pguard_json_in_object(json);

    if (*json->pos == (object ? '}' : ']')) {
        return pguard_json_close(json, object);
    }

    if (*json->pos != ',') {
        return pguard_json_fail(json, PGUARD_JSON_NO_COMMA);
    }

    json->pos++;
    json->state = object ? PGUARD_JSON_AT_NAME : PGUARD_JSON_AT_VALUE;

    return pguard_json_next(json);
}


static pguard_json_e
pguard_json_name(pguard_json_t *json)
{
    pguard_json_e  token;

    if (*json->pos != '"') {
        return pguard_json_fail(json, PGUARD_JSON_NO_NAME);
    }

    token = pguard_json_string(json, PGUARD_JSON_NAME);

    if (token == PGUARD_JSON_ERROR) {
        return token;
    }

    pguard_json_space(json);

    if (json->pos == json->end || *json->pos != ':') {
        return pguard_json_fail(json, PGUARD_JSON_NO_COLON);
    }

    json->pos++;
    json->state = PGUARD_JSON_AT_VALUE;

    return token;
}


static pguard_json_e
pguard_json_string(pguard_json_t *json, pguard_json_e token)
{
    pguard_json_wrong_e   wrong;
    const unsigned char  *start;

    start = ++json->pos;
    json->escaped = 0;

    while (json->pos < json->end && *json->pos != '"') {
        wrong = PGUARD_JSON_RIGHT;

        if (*json->pos == '\\') {
            json->escaped = 1;
            wrong = pguard_json_escape(json);

        } else if (*json->pos < 0x20) {
            wrong = PGUARD_JSON_CONTROL;

        } else if (*json->pos >= 0x80) {
            wrong = pguard_json_wide(json);

        } else {
            json->pos++;
        }

        if (wrong) {
            return pguard_json_fail(json, wrong);
        }
    }

    if (json->pos == json->end) {
        return pguard_json_fail(json, PGUARD_JSON_NO_QUOTE);
    }

    json->text.data = start;
    json->text.len = (size_t) (json->pos++ - start);

    return pguard_json_done(json, token);
}


/* At a backslash: goes past the escape, if it is right. */

static pguard_json_wrong_e
pguard_json_escape(pguard_json_t *json)
{
    uint32_t              c;
    const unsigned char  *p;

    p = json->pos;

    if (json->end - p < 2) {
        return PGUARD_JSON_BAD_ESCAPE;
    }

    if (p[1] != 'u') {
        if (p[1] == '\0' || strchr(pguard_json_escapes, p[1]) == NULL) {
            return PGUARD_JSON_BAD_ESCAPE;
        }

        json->pos += 2;
        return PGUARD_JSON_RIGHT;
    }

    if (pguard_json_hex4(p + 2, json->end, &c) != 0) {
        return PGUARD_JSON_BAD_ESCAPE;
    }

    if (c < 0xd800 || c > 0xdfff) {
        json->pos += 6;
        return PGUARD_JSON_RIGHT;
    }

    if (c > 0xdbff || json->end - p < 12 || p[6] != '\\' || p[7] != 'u'
        || pguard_json_hex4(p + 8, json->end, &c) != 0
        || c < 0xdc00 || c > 0xdfff)
    {
        return PGUARD_JSON_HALF_PAIR;
    }

    json->pos += 12;

    return PGUARD_JSON_RIGHT;
}


/* At a byte beyond ASCII: goes past its character (RFC 3629). */

static pguard_json_wrong_e
pguard_json_wide(pguard_json_t *json)
{
    size_t                i, n;
    unsigned              low, high;
    const unsigned char  *p;

    p = json->pos;

    n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

    if (p[0] < 0xc2 || p[0] > 0xf4 || (size_t) (json->end - p) < n) {
        return PGUARD_JSON_NO_UTF8;
    }

    /* overlong forms, surrogates and what is beyond U+10FFFF show in the
       second byte */

    low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;

    for (i = 1; i < n; i++) {
        if (p[i] < low || p[i] > high) {
            return PGUARD_JSON_NO_UTF8;
        }

        low = 0x80;
        high = 0xbf;
    }

    json->pos += n;

    return PGUARD_JSON_RIGHT;
}


static int
pguard_json_hex4(const unsigned char *p, const unsigned char *end,
    uint32_t *c)
{
    unsigned       i;
    unsigned char  ch;

    if (end - p < 4) {
        return -1;
    }

    *c = 0;

    for (i = 0; i < 4; i++) {
        ch = p[i] | 0x20;

        if (p[i] >= '0' && p[i] <= '9') {
            *c = *c << 4 | (uint32_t) (p[i] - '0');

        } else if (ch >= 'a' && ch <= 'f') {
            *c = *c << 4 | (uint32_t) (ch - 'a' + 10);

        } else {
            return -1;
        }
    }

    return 0;
}


static pguard_json_e
pguard_json_number(pguard_json_t *json)
{
    const unsigned char  *start, *digits;

    start = json->pos;

    if (*json->pos == '-') {
        json->pos++;
    }

    digits = json->pos;

    if (pguard_json_digits(json) == 0) {
        json->pos = start;
        return pguard_json_fail(json, PGUARD_JSON_NO_VALUE);
    }

    if (digits[0] == '0' && json->pos - digits > 1) {
        return pguard_json_fail(json, PGUARD_JSON_LEADING_0);
    }

    if (json->pos < json->end && *json->pos == '.') {
        json->pos++;

        if (pguard_json_digits(json) == 0) {
            return pguard_json_fail(json, PGUARD_JSON_NO_DECIMAL);
        }
    }

    if (json->pos < json->end && (*json->pos | 0x20) == 'e') {
        json->pos++;

        if (json->pos < json->end && (*json->pos == '+' || *json->pos == '-'))
        {
            json->pos++;
        }

        if (pguard_json_digits(json) == 0) {
            return pguard_json_fail(json, PGUARD_JSON_NO_EXPONENT);
        }
    }

    json->text.data = start;
    json->text.len = (size_t) (json->pos - start);

    return pguard_json_done(json, PGUARD_JSON_NUMBER);
}


static size_t
pguard_json_digits(pguard_json_t *json)
{
    const unsigned char  *start;

    start = json->pos;

    while (json->pos < json->end && *json->pos >= '0' && *json->pos <= '9') {
        json->pos++;
    }

    return (size_t) (json->pos - start);
}


static pguard_json_e
pguard_json_word(pguard_json_t *json)
{
    const pguard_json_word_t  *w;

    for (w = pguard_json_words; w->word.len; w++) {
        if ((size_t) (json->end - json->pos) >= w->word.len
            && memcmp(json->pos, w->word.data, w->word.len) == 0)
        {
            json->pos += w->word.len;
            return pguard_json_done(json, w->token);
        }
    }

    return pguard_json_fail(json, PGUARD_JSON_NO_VALUE);
}


int
pguard_json_skip(pguard_json_t *json, pguard_json_e token)
{
    unsigned  depth;

    if (token == PGUARD_JSON_NAME) {
        token = pguard_json_next(json);
    }

    if (token != PGUARD_JSON_OBJECT && token != PGUARD_JSON_ARRAY) {
        return token == PGUARD_JSON_ERROR ? -1 : 0;
    }

    depth = json->depth;

    while (json->depth >= depth) {
        if (pguard_json_next(json) == PGUARD_JSON_ERROR) {
            return -1;
        }
    }

    return 0;
}
