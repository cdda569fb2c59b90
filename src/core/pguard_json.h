/*
 * A strict reader of JSON (RFC 8259) over bytes that stay the caller's: it is
 * asked for one token after the other, allocates nothing, never recurses, and
 * gives strings and numbers as slices of the text.
 *
 *     pguard_json_init(&json, text, 4);
 *
 *     while ((token = pguard_json_next(&json)) > PGUARD_JSON_END) {
 *         ...
 *     }
 *
 * Refused, beside what the grammar refuses: bytes that are not UTF-8, a
 * surrogate without its other half, nesting beyond the depth asked for, and
 * anything after the first value.  A name that comes twice in an object is
 * the caller's to judge.  Never reads outside the text.
 */

#ifndef PGUARD_JSON_H
#define PGUARD_JSON_H

#include "pguard.h"
#include "pguard_negotiate.h"


#define PGUARD_JSON_DEPTH_MAX  64


/* What is read; of a pair, the name and then the value are told. */

typedef enum {
    PGUARD_JSON_ERROR = -1,
    PGUARD_JSON_END = 0,                /* the text ended as it should */
    PGUARD_JSON_OBJECT,
    PGUARD_JSON_OBJECT_END,
    PGUARD_JSON_ARRAY,
    PGUARD_JSON_ARRAY_END,
    PGUARD_JSON_NAME,
    PGUARD_JSON_STRING,
    PGUARD_JSON_NUMBER,
    PGUARD_JSON_TRUE,
    PGUARD_JSON_FALSE,
    PGUARD_JSON_NULL
} pguard_json_e;


/* What was wrong, and how that is said. */

typedef enum {
    PGUARD_JSON_RIGHT = 0,
    PGUARD_JSON_AFTER_END,
    PGUARD_JSON_EARLY_END,
    PGUARD_JSON_TOO_DEEP,
    PGUARD_JSON_NO_COMMA,
    PGUARD_JSON_NO_NAME,
    PGUARD_JSON_NO_COLON,
    PGUARD_JSON_NO_VALUE,
    PGUARD_JSON_CONTROL,
    PGUARD_JSON_NO_QUOTE,
    PGUARD_JSON_BAD_ESCAPE,
    PGUARD_JSON_HALF_PAIR,
    PGUARD_JSON_NO_UTF8,
    PGUARD_JSON_LEADING_0,
    PGUARD_JSON_NO_DECIMAL,
    PGUARD_JSON_NO_EXPONENT,
    PGUARD_JSON_WRONGS
} pguard_json_wrong_e;

extern const char *const  pguard_json_wrongs[PGUARD_JSON_WRONGS][PGUARD_LANGS];


typedef struct {
    const unsigned char  *start;
    const unsigned char  *pos;          /* at an error: where it is */
    const unsigned char  *end;
    pguard_json_wrong_e   wrong;        /* at an error: what it is */
    pguard_str_t          text;         /* of a name, string or number: as it
                                           is written, without the quotes */
    unsigned              escaped;      /* text holds a backslash */
    unsigned              state;
    unsigned              depth;
    unsigned              depth_max;
    uint64_t              objects;      /* a bit for each level: 1 for {} */
} pguard_json_t;


/* depth: levels of nesting allowed, 0 (a bare value) to
   PGUARD_JSON_DEPTH_MAX.  s must outlive the reader and its slices. */
void pguard_json_init(pguard_json_t *json, pguard_str_t s, unsigned depth);

/* The next token; after END or ERROR the same again.  O(its length). */
pguard_json_e pguard_json_next(pguard_json_t *json);

/* Passes over what token, just read, begins: to the end of an object or
   array, over the value after a name, over nothing else.  0, or -1 at an
   error. */
int pguard_json_skip(pguard_json_t *json, pguard_json_e token);

/* Is the string or name (text of a token) this text, escapes resolved? */
int pguard_json_same(pguard_str_t text, const char *s);

/*
 * Resolves the escapes of the text of a string or name that was read without
 * an error.  Writes what fits in size bytes at buf and gives the bytes needed
 * (never more than text.len): the whole is there if that is <= size.  NULs
 * are possible.
 */
size_t pguard_json_unescape(pguard_str_t text, void *buf, size_t size);

/* A whole number without fraction and exponent.  0, or -1 if it is not one or
   not within int64_t (*n is untouched). */
int pguard_json_int(pguard_str_t number, int64_t *n);

/* number * 10^places, places 0 to 18, e.g. ("1.5", 3) is 1500.  Exact: 0, or
   -1 if it has digits other than 0 beyond places, an exponent, or does not
   fit (*n is untouched). */
int pguard_json_decimal(pguard_str_t number, unsigned places, int64_t *n);


#endif /* PGUARD_JSON_H */
