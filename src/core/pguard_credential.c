/*
 * The credential that a request claims: see pguard_credential.h.
 */

#include "pguard_credential.h"
#include "pguard_cookie.h"
#include "pguard_same.h"


typedef pguard_str_t (*pguard_credential_pt)(pguard_str_t s);

typedef struct {
    pguard_str_t          name;
    pguard_credential_e   kind;
    pguard_credential_pt  read;        /* what follows the scheme */
} pguard_credential_scheme_t;


static pguard_str_t pguard_credential_key_id(pguard_str_t s);
static pguard_str_t pguard_credential_scope(pguard_str_t value);
static pguard_str_t pguard_credential_token(pguard_str_t s);
static int pguard_credential_separator(unsigned char c);


static const pguard_str_t  pguard_credential_empty;


/* Both signatures are made with the same access keys: one kind, or a client
   could be two by signing in turns. */

static const pguard_credential_scheme_t  pguard_credential_schemes[] = {
    { pguard_string("Bearer"), PGUARD_CREDENTIAL_BEARER,
      pguard_credential_token },
    { pguard_string("AWS4-HMAC-SHA256"), PGUARD_CREDENTIAL_KEY_ID,
      pguard_credential_key_id },
    { pguard_string("OSC4-HMAC-SHA256"), PGUARD_CREDENTIAL_KEY_ID,
      pguard_credential_key_id },
    { pguard_string("Basic"), PGUARD_CREDENTIAL_BASIC,
      pguard_credential_token }
};

#define PGUARD_CREDENTIAL_SCHEMES                                             \
    (sizeof(pguard_credential_schemes) / sizeof(pguard_credential_scheme_t))


pguard_credential_t
pguard_credential(const pguard_credential_lines_t *lines)
{
    size_t               i;
    pguard_credential_t  c;

    for (i = 0; i < lines->authorization.count; i++) {
        c = pguard_credential_authorization(lines->authorization.line[i]);

        if (c.value.len) {
            return c;
        }
    }

    c.kind = PGUARD_CREDENTIAL_API_KEY;

    for (i = 0; i < lines->api_key.count; i++) {
        c.value = pguard_str_trim(lines->api_key.line[i]);

        if (c.value.len) {
            return c;
        }
    }

    c.kind = PGUARD_CREDENTIAL_COOKIE;
    c.value = pguard_cookie(lines->cookie.line, lines->cookie.count,
                            lines->session);

    if (c.value.len == 0) {
        c.kind = PGUARD_CREDENTIAL_NONE;
    }

    return c;
}


pguard_credential_t
pguard_credential_authorization(pguard_str_t line)
{
    size_t                             i;
    pguard_str_t                       name, rest;
    pguard_credential_t                c;
    const pguard_credential_scheme_t  *scheme;

    c.kind = PGUARD_CREDENTIAL_NONE;
    c.value = pguard_credential_empty;

    rest = pguard_str_trim(line);
    name = rest;

    for (i = 0; i < PGUARD_CREDENTIAL_SCHEMES; i++) {
        scheme = &pguard_credential_schemes[i];
        name.len = scheme->name.len;

        if (rest.len <= name.len || !pguard_str_space(rest.data[name.len])
            || !pguard_str_same_nocase(name, scheme->name))
        {
            continue;
        }

        rest.data += name.len;
        rest.len -= name.len;

        c.value = scheme->read(pguard_str_trim(rest));
        c.kind = c.value.len ? scheme->kind : PGUARD_CREDENTIAL_NONE;
        break;
    }

    return c;
}


/* The key id out of "Credential=ID/date/..., SignedHeaders=...": any number
   of spaces and commas between the parameters, and spaces around a "=". */

static pguard_str_t
pguard_credential_key_id(pguard_str_t s)
{
    size_t        i, start;
    pguard_str_t  name, value;

    static const pguard_str_t  credential = pguard_string("Credential");

    i = 0;

    while (i < s.len) {

        while (i < s.len && pguard_credential_separator(s.data[i])) {
            i++;
        }

        start = i;

        while (i < s.len && s.data[i] != '='
               && !pguard_credential_separator(s.data[i]))
        {
            i++;
        }

        name.data = s.data + start;
        name.len = i - start;

        while (i < s.len && pguard_str_space(s.data[i])) {
            i++;
        }

        if (i == s.len || s.data[i] != '=') {
            continue;
        }

        i++;

        while (i < s.len && pguard_str_space(s.data[i])) {
            i++;
        }

        start = i;

        while (i < s.len && !pguard_credential_separator(s.data[i])) {
            i++;
        }

        if (pguard_str_same_nocase(name, credential)) {
            value.data = s.data + start;
            value.len = i - start;
            return pguard_credential_scope(value);
        }
    }

    return pguard_credential_empty;
}


/* What is before the first "/", which must be there. */

static pguard_str_t
pguard_credential_scope(pguard_str_t value)
{
    const unsigned char  *slash;

    slash = value.len ? memchr(value.data, '/', value.len) : NULL;

    if (slash == NULL) {
        return pguard_credential_empty;
    }

    value.len = (size_t) (slash - value.data);

    return value;
}


/* A token is as long as a thousand bytes, and every request brings one. */

#define pguard_credential_bad(x)                                              \
    ((pguard_bytes_t) ((x) <= ' ') | (pguard_bytes_t) ((x) == 0x7f))

static pguard_str_t
pguard_credential_token(pguard_str_t s)
{
    size_t          i;
    uint64_t        found[2];
    pguard_bytes_t  x, bad;

    if (s.len < sizeof(x)) {

        for (i = 0; i < s.len; i++) {
            if (s.data[i] <= ' ' || s.data[i] == 0x7f) {
                return pguard_credential_empty;
            }
        }

        return s;
    }

    /* the last ones, of which some are looked at twice, go first */

    memcpy(&x, s.data + s.len - sizeof(x), sizeof(x));
    bad = pguard_credential_bad(x);

    for (i = 0; i + sizeof(x) < s.len; i += sizeof(x)) {
        memcpy(&x, s.data + i, sizeof(x));
        bad |= pguard_credential_bad(x);
    }

    memcpy(found, &bad, sizeof(found));

    return found[0] | found[1] ? pguard_credential_empty : s;
}


static int
pguard_credential_separator(unsigned char c)
{
    return pguard_str_space(c) || c == ',';
}
