/*
 * What a client prefers: see pguard_negotiate.h.
 */

#include "pguard_negotiate.h"
#include "pguard_str.h"


#define PGUARD_OFFERS_MAX  4


/* How precisely an element names an offer; the most precise one counts. */

enum {
    PGUARD_MATCH_NONE = 0,
    PGUARD_MATCH_ANY,                  /* by a lone * */
    PGUARD_MATCH_PART,                 /* by its type, as in text/ and a * */
    PGUARD_MATCH_NAME
};


typedef struct {
    pguard_str_t         name;
    pguard_str_t         version;      /* only if an element names one */
    unsigned             choice;
} pguard_offer_t;

typedef struct {
    pguard_str_t         name;
    pguard_str_t         version;      /* empty: none */
    unsigned             q;            /* weight, 0 to 1000 */
    unsigned             place;
} pguard_element_t;

typedef struct {
    const pguard_str_t  *line;
    size_t               lines;        /* not begun yet */
    size_t               budget;       /* bytes that may still be read */
    pguard_str_t         rest;         /* of the line begun */
    unsigned             place;
} pguard_list_t;

typedef struct {
    unsigned             match;
    unsigned             q;
    unsigned             place;
} pguard_weight_t;

typedef unsigned (*pguard_match_pt)(const pguard_element_t *e,
    const pguard_offer_t *offer);


static unsigned pguard_negotiate_media(const pguard_str_t *lines, size_t n,
    const pguard_offer_t *offers, size_t noffers);
static void pguard_weigh(const pguard_str_t *lines, size_t n,
    const pguard_offer_t *offers, size_t noffers, pguard_match_pt match,
    pguard_weight_t *weights);
static unsigned pguard_match_lang(const pguard_element_t *e,
    const pguard_offer_t *offer);
static unsigned pguard_match_media(const pguard_element_t *e,
    const pguard_offer_t *offer);
static int pguard_list_next(pguard_list_t *list, pguard_element_t *e);
static int pguard_element(pguard_str_t s, pguard_element_t *e);
static int pguard_weight(pguard_str_t s, unsigned *q);
static pguard_str_t pguard_unquote(pguard_str_t s);
static pguard_str_t pguard_cut(pguard_str_t *rest, unsigned char separator);


const pguard_str_t  pguard_lang_names[PGUARD_LANGS] = {
    [PGUARD_LANG_EN] = pguard_string("en"),
    [PGUARD_LANG_FR] = pguard_string("fr")
};


static const pguard_offer_t  pguard_lang_offers[PGUARD_LANGS] = {
    { pguard_string("en"), pguard_string(""), PGUARD_LANG_EN },
    { pguard_string("fr"), pguard_string(""), PGUARD_LANG_FR }
};

static const pguard_offer_t  pguard_body_offers[] = {
    { pguard_string("application/problem+json"), pguard_string(""),
      PGUARD_BODY_JSON },
    { pguard_string("application/json"), pguard_string(""),
      PGUARD_BODY_JSON },
    { pguard_string("text/html"), pguard_string(""),
      PGUARD_BODY_HTML },
    { pguard_string("application/xhtml+xml"), pguard_string(""),
      PGUARD_BODY_HTML }
};

static const pguard_offer_t  pguard_format_offers[] = {
    { pguard_string("text/plain"), pguard_string("0.0.4"),
      PGUARD_FORMAT_TEXT },
    { pguard_string("application/openmetrics-text"), pguard_string("1.0.0"),
      PGUARD_FORMAT_OPENMETRICS },

    /* of those who ask for the draft only, all read 1.0.0 */

    { pguard_string("application/openmetrics-text"), pguard_string("0.0.1"),
      PGUARD_FORMAT_OPENMETRICS }
};


pguard_lang_e
pguard_negotiate_lang(const pguard_str_t *lines, size_t n)
{
    const pguard_weight_t  *en, *fr;
    pguard_weight_t         weights[PGUARD_LANGS];

    pguard_weigh(lines, n, pguard_lang_offers, PGUARD_LANGS,
                 pguard_match_lang, weights);

    en = &weights[PGUARD_LANG_EN];
    fr = &weights[PGUARD_LANG_FR];

    if (fr->q != en->q) {
        return (fr->q > en->q) ? PGUARD_LANG_FR : PGUARD_LANG_EN;
    }

    if (fr->match != en->match) {
        return (fr->match > en->match && fr->q) ? PGUARD_LANG_FR
                                                : PGUARD_LANG_EN;
    }

    return (fr->place < en->place && fr->q) ? PGUARD_LANG_FR : PGUARD_LANG_EN;
}


pguard_body_e
pguard_negotiate_body(const pguard_str_t *lines, size_t n)
{
    return pguard_negotiate_media(lines, n, pguard_body_offers,
                         sizeof(pguard_body_offers) / sizeof(pguard_offer_t));
}


pguard_format_e
pguard_negotiate_format(const pguard_str_t *lines, size_t n)
{
    return pguard_negotiate_media(lines, n, pguard_format_offers,
                       sizeof(pguard_format_offers) / sizeof(pguard_offer_t));
}


/* 1 if an offer of choice 1 has more weight than all of choice 0, else 0. */

static unsigned
pguard_negotiate_media(const pguard_str_t *lines, size_t n,
    const pguard_offer_t *offers, size_t noffers)
{
    size_t           i;
    unsigned         q[2], choice;
    pguard_weight_t  weights[PGUARD_OFFERS_MAX];

    pguard_weigh(lines, n, offers, noffers, pguard_match_media, weights);

    q[0] = 0;
    q[1] = 0;

    for (i = 0; i < noffers; i++) {
        choice = offers[i].choice;

        if (weights[i].q > q[choice]) {
            q[choice] = weights[i].q;
        }
    }

    return q[1] > q[0];
}


static void
pguard_weigh(const pguard_str_t *lines, size_t n,
    const pguard_offer_t *offers, size_t noffers, pguard_match_pt match,
    pguard_weight_t *weights)
{
    size_t            i;
    unsigned          m;
    pguard_list_t     list;
    pguard_weight_t  *w;
    pguard_element_t  e;

    memset(weights, 0, noffers * sizeof(pguard_weight_t));
    memset(&list, 0, sizeof(pguard_list_t));

    list.line = lines;
    list.lines = n;
    list.budget = PGUARD_NEGOTIATE_MAX;

    while (pguard_list_next(&list, &e)) {

        for (i = 0; i < noffers; i++) {
            w = &weights[i];
            m = match(&e, &offers[i]);

            if (m == PGUARD_MATCH_NONE || m < w->match
                || (m == w->match && e.q <= w->q))
            {
                continue;
            }

            w->match = m;
            w->q = e.q;
            w->place = e.place;
        }
    }
}


/* fr is named by fr and by fr-CA; fr_FR is wrong, but what some send. */

static unsigned
pguard_match_lang(const pguard_element_t *e, const pguard_offer_t *offer)
{
    pguard_str_t  name;

    name = e->name;

    if (name.len == 1 && name.data[0] == '*') {
        return PGUARD_MATCH_ANY;
    }

    if (name.len > offer->name.len
        && (name.data[offer->name.len] == '-'
            || name.data[offer->name.len] == '_'))
    {
        name.len = offer->name.len;
    }

    return pguard_str_same_nocase(name, offer->name) ? PGUARD_MATCH_NAME
                                                     : PGUARD_MATCH_NONE;
}


static unsigned
pguard_match_media(const pguard_element_t *e, const pguard_offer_t *offer)
{
    pguard_str_t  name, part;

    static const pguard_str_t  any = pguard_string("*/*");

    name = e->name;

    /* a lone * is wrong, but what some Java clients send */

    if (pguard_str_same(name, any) || (name.len == 1 && name.data[0] == '*')) {
        return PGUARD_MATCH_ANY;
    }

    if (pguard_str_same_nocase(name, offer->name)) {
        return (e->version.len == 0
                || pguard_str_same(e->version, offer->version))
               ? PGUARD_MATCH_NAME : PGUARD_MATCH_NONE;
    }

    if (name.len < 3 || name.len - 1 > offer->name.len
        || name.data[name.len - 1] != '*' || name.data[name.len - 2] != '/')
    {
        return PGUARD_MATCH_NONE;
    }

    name.len--;

    part = offer->name;
    part.len = name.len;

    return pguard_str_same_nocase(name, part) ? PGUARD_MATCH_PART
                                              : PGUARD_MATCH_NONE;
}


/* The next element that is well formed: 1, or 0 at the end. */

static int
pguard_list_next(pguard_list_t *list, pguard_element_t *e)
{
    for ( ;; ) {

        if (list->rest.len == 0) {
            if (list->lines == 0 || list->budget == 0) {
                return 0;
            }

            list->rest = *list->line++;
            list->lines--;

            if (list->rest.len > list->budget) {
                list->rest.len = list->budget;
            }

            /* a line costs a byte even if it is empty: many are bounded too */

            list->budget -= list->rest.len ? list->rest.len : 1;
            continue;
        }

        if (pguard_element(pguard_cut(&list->rest, ','), e)) {
            e->place = list->place++;
            return 1;
        }
    }
}


/* Reads name *( ";" parameter ).  1, or 0 if it is no element. */

static int
pguard_element(pguard_str_t s, pguard_element_t *e)
{
    pguard_str_t  key, value;

    static const pguard_str_t  q = pguard_string("q");
    static const pguard_str_t  version = pguard_string("version");

    memset(e, 0, sizeof(pguard_element_t));

    e->q = 1000;
    e->name = pguard_cut(&s, ';');

    while (s.len) {
        value = pguard_cut(&s, ';');
        key = pguard_cut(&value, '=');
        value = pguard_unquote(pguard_str_trim(value));

        if (pguard_str_same_nocase(key, version)) {
            e->version = value;
        }

        if (pguard_str_same_nocase(key, q) && !pguard_weight(value, &e->q)) {
            return 0;
        }
    }

    return e->name.len != 0;
}


/* Reads a weight into *q.  1, or 0 if it is no number; one above 1 is 1, and
   digits after the third are not needed. */

static int
pguard_weight(pguard_str_t s, unsigned *q)
{
    size_t    i, digits;
    unsigned  whole, part, unit;

    digits = 0;
    whole = 0;
    part = 0;
    unit = 100;

    for (i = 0; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++) {
        whole |= (s.data[i] != '0');
        digits++;
    }

    if (i < s.len && s.data[i] == '.') {
        for (i++; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++) {
            part += unit * (s.data[i] - (unsigned) '0');
            unit /= 10;
            digits++;
        }
    }

    *q = whole ? 1000 : part;

    return digits != 0 && i == s.len;
}


/* A quoted value means the same as the bare one; none that matters here holds
   a backslash. */

static pguard_str_t
pguard_unquote(pguard_str_t s)
{
    if (s.len >= 2 && s.data[0] == '"' && s.data[s.len - 1] == '"') {
        s.data++;
        s.len -= 2;
    }

    return s;
}


/* Takes from rest what is before the next separator that is not in quotes, and
   the separator; returns it trimmed. */

static pguard_str_t
pguard_cut(pguard_str_t *rest, unsigned char separator)
{
    size_t         i;
    unsigned       quoted;
    pguard_str_t   piece;
    unsigned char  c;

    quoted = 0;

    for (i = 0; i < rest->len; i++) {
        c = rest->data[i];

        if (c == '"') {
            quoted = !quoted;

        } else if (c == '\\' && quoted && i + 1 < rest->len) {
            i++;

        } else if (c == separator && !quoted) {
            break;
        }
    }

    piece.data = rest->data;
    piece.len = i;

    if (i < rest->len) {
        i++;
    }

    if (i) {
        rest->data += i;
        rest->len -= i;
    }

    return pguard_str_trim(piece);
}
