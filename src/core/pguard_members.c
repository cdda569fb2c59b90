/*
 * The body of a call: see pguard_members.h.
 */

#include "pguard_members.h"
#include "pguard_json.h"

#include <string.h>


typedef struct {
    pguard_json_t           json;
    const pguard_member_t  *table;
    pguard_value_t         *value;
    unsigned char          *scratch;
    pguard_lang_e           lang;
    pguard_str_t            what;
} pguard_members_t;


static pguard_members_e pguard_members_one(pguard_members_t *m);
static pguard_members_e pguard_members_value(pguard_members_t *m,
    const pguard_member_t *member, pguard_value_t *value);


static int
pguard_members_empty(pguard_str_t body)
{
    size_t  i;

    for (i = 0; i < body.len; i++) {
        if (memchr(" \t\r\n", body.data[i], 4) == NULL) {
            return 0;
        }
    }

    return 1;
}


static pguard_members_e
pguard_members_syntax(pguard_members_t *m)
{
    const char  *text;

    text = pguard_json_wrongs[m->json.wrong][m->lang];

    m->what.data = (const unsigned char *) text;
    m->what.len = strlen(text);

    return PGUARD_MEMBERS_SYNTAX;
}


/* Strings are resolved one after the other: together, no longer than the
   body. */

static pguard_str_t
pguard_members_string(pguard_members_t *m)
{
    pguard_str_t  s;

    s.data = m->scratch;
    s.len = pguard_json_unescape(m->json.text, m->scratch, m->json.text.len);

    m->scratch += s.len;

    return s;
}


pguard_members_e
pguard_members_read(pguard_str_t body, const pguard_member_t *table,
    pguard_value_t *value, void *scratch, pguard_lang_e lang,
    pguard_str_t *what)
{
    unsigned          i;
    pguard_json_e     token;
    pguard_members_e  rc;
    pguard_members_t  m;

    m.table = table;
    m.value = value;
    m.scratch = scratch;
    m.lang = lang;
    m.what.len = 0;
    m.what.data = NULL;

    for (i = 0; table[i].name; i++) {
        memset(&value[i], 0, sizeof(pguard_value_t));
    }

    *what = m.what;

    if (pguard_members_empty(body)) {
        return PGUARD_MEMBERS_OK;
    }

    /* one level more than is right: what is nested is told by its name */

    pguard_json_init(&m.json, body, 2);

    token = pguard_json_next(&m.json);
    rc = PGUARD_MEMBERS_OK;

    if (token == PGUARD_JSON_ERROR) {
        rc = pguard_members_syntax(&m);

    } else if (token != PGUARD_JSON_OBJECT) {
        rc = PGUARD_MEMBERS_OBJECT;
    }

    while (rc == PGUARD_MEMBERS_OK) {
        token = pguard_json_next(&m.json);

        if (token == PGUARD_JSON_END) {
            break;
        }

        if (token == PGUARD_JSON_ERROR) {
            rc = pguard_members_syntax(&m);

        } else if (token == PGUARD_JSON_NAME) {
            rc = pguard_members_one(&m);
        }
    }

    *what = m.what;

    return rc;
}


/* A name was read: it, and what follows it. */

static pguard_members_e
pguard_members_one(pguard_members_t *m)
{
    unsigned          i;
    pguard_str_t      name;
    pguard_members_e  rc;

    for (i = 0; m->table[i].name; i++) {
        if (pguard_json_same(m->json.text, m->table[i].name)) {
            break;
        }
    }

    if (m->table[i].name == NULL) {
        m->what = pguard_members_string(m);
        return PGUARD_MEMBERS_UNKNOWN;
    }

    name.data = (const unsigned char *) m->table[i].name;
    name.len = strlen(m->table[i].name);

    rc = m->value[i].seen ? PGUARD_MEMBERS_TWICE
                          : pguard_members_value(m, &m->table[i],
                                                 &m->value[i]);

    if (rc != PGUARD_MEMBERS_OK && rc != PGUARD_MEMBERS_SYNTAX) {
        m->what = name;
    }

    return rc;
}


static pguard_members_e
pguard_members_value(pguard_members_t *m, const pguard_member_t *member,
    pguard_value_t *value)
{
    pguard_json_e  token;

    token = pguard_json_next(&m->json);

    if (token == PGUARD_JSON_ERROR) {
        return pguard_members_syntax(m);
    }

    value->seen = 1;

    if (token == PGUARD_JSON_NULL) {
        return PGUARD_MEMBERS_OK;
    }

    value->given = 1;

    switch (member->kind) {

    case PGUARD_MEMBER_STRING:
        if (token != PGUARD_JSON_STRING) {
            return PGUARD_MEMBERS_TYPE;
        }

        value->str = pguard_members_string(m);

        return value->str.len <= member->max ? PGUARD_MEMBERS_OK
                                             : PGUARD_MEMBERS_LONG;

    case PGUARD_MEMBER_NUMBER:
        return token == PGUARD_JSON_NUMBER
               && pguard_json_int(m->json.text, &value->num) == 0
               ? PGUARD_MEMBERS_OK : PGUARD_MEMBERS_TYPE;

    default: /* PGUARD_MEMBER_FLAG */
        value->num = (token == PGUARD_JSON_TRUE);

        return token == PGUARD_JSON_TRUE || token == PGUARD_JSON_FALSE
               ? PGUARD_MEMBERS_OK : PGUARD_MEMBERS_TYPE;
    }
}
