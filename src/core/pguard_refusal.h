/*
 * What a client is told when it is refused: the body, in two formats and two
 * languages, and the structured fields (RFC 9651) that go with it.
 */

#ifndef PGUARD_REFUSAL_H
#define PGUARD_REFUSAL_H

#include "pguard.h"
#include "pguard_form.h"
#include "pguard_negotiate.h"
#include "pguard_out.h"


typedef struct {
    pguard_reason_e  reason;       /* not PGUARD_REASON_NONE */
    unsigned         status;       /* of the answer, 400 to 499 */
    uint64_t         retry_after;  /* whole seconds, rounded up */
    pguard_str_t     event;        /* id of the event */
    pguard_str_t     block;        /* id of the block; empty: a duplicate */
    pguard_str_t     rule;         /* behind a block; empty: set by hand */
    pguard_str_t     service;      /* shown in HTML only; may be empty */
    pguard_str_t     proxy;        /* name of this gateway, any bytes */
} pguard_refusal_t;

/* The headers of a refusal, in their order. */

typedef enum {
    PGUARD_HEAD_TAG = 0,           /* PaaS-Guard */
    PGUARD_HEAD_RETRY,             /* Retry-After */
    PGUARD_HEAD_PROXY,             /* Proxy-Status (RFC 9209) */
    PGUARD_HEAD_CACHE,             /* Cache-Control */
    PGUARD_HEAD_VARY,
    PGUARD_HEAD_LANGUAGE,          /* Content-Language: of the body */
    PGUARD_HEADS
} pguard_head_e;


extern const pguard_str_t  pguard_head_names[PGUARD_HEADS];

/* The policy that a duplicate violates, in bodies and RateLimit fields. */
extern const pguard_str_t  pguard_refusal_identical;         /* "identical" */


/* Writes the body.  Strings may hold any bytes: the result is well formed, and
   UTF-8.  About 400 bytes of JSON, 1700 of HTML.  This and the next are the
   plain way, by which the tests judge forms; the gateway itself uses forms. */
void pguard_refusal_body(pguard_out_t *out, const pguard_refusal_t *r,
    pguard_body_e body, pguard_lang_e lang);

/* Writes the value of one of its headers. */
void pguard_refusal_head(pguard_out_t *out, const pguard_refusal_t *r,
    pguard_head_e head, pguard_lang_e lang);

/* A form is headers and body together, for refusals that differ in event,
   block and time only: the rest is rendered once, see pguard_form.h. */

typedef enum {
    PGUARD_REFUSAL_EVENT = 0,
    PGUARD_REFUSAL_BLOCK,
    PGUARD_REFUSAL_SECONDS,            /* the value of Retry-After */
    PGUARD_REFUSAL_SPAN,               /* "2 minutes" */
    PGUARD_REFUSAL_CELLS
} pguard_refusal_cell_e;

typedef struct {
    size_t         at;                 /* in the form */
    size_t         len;
} pguard_refusal_place_t;

/*
 * The text of a form is as in an answer of HTTP/1: the header lines, one after
 * the other, and the body right after the last value.  The name of the first
 * header ("PaaS-Guard: ") is left out: the text begins with its value.
 */

typedef struct {
    pguard_form_t           form;
    pguard_refusal_place_t  head[PGUARD_HEADS];    /* the headers' values */
    size_t                  body;      /* where in the text it begins */
    size_t                  event[2];  /* where the event's id is */
    size_t                  block;     /* where the block's id is; 0: nowhere */
    pguard_lang_e           lang;
    uint64_t                retry_after;           /* now in the text */
} pguard_refusal_form_t;

#define PGUARD_REFUSAL_FORM  3648

/* Renders a form into out.  PGUARD_REFUSAL_FORM bytes, and two for each byte of
   r->proxy, are enough if names have at most PGUARD_NAME_MAX.  1, or 0 if there
   was no room. */
int pguard_refusal_form(pguard_refusal_form_t *form, pguard_out_t *out,
    const pguard_refusal_t *r, pguard_body_e body, pguard_lang_e lang);

/* Writes another time into the form, which may change form->form.len and move
   all that comes after it.  O(length of the form). */
PGUARD_RARE void pguard_refusal_time(pguard_refusal_form_t *form,
    uint64_t seconds);

/* Copies the form's form->form.len bytes to to, with these two ids in it.  Each
   has PGUARD_EVENT_LEN hex digits; block is not read if the form was rendered
   without one. */
void pguard_refusal_copy(const pguard_refusal_form_t *form,
    const unsigned char *event, const unsigned char *block,
    unsigned char *to);

/* The value of Content-Type for it. */
pguard_str_t pguard_refusal_content_type(pguard_body_e body);


#endif /* PGUARD_REFUSAL_H */
