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
} pguard_refusal_t;


/* The policy that a duplicate violates, in bodies and RateLimit fields. */
extern const pguard_str_t  pguard_refusal_identical;         /* "identical" */


/* Writes the body.  Strings may hold any bytes: the result is well formed, and
   UTF-8.  About 400 bytes of JSON, 1700 of HTML. */
void pguard_refusal_body(pguard_out_t *out, const pguard_refusal_t *r,
    pguard_body_e body, pguard_lang_e lang);

/* The same two, for refusals that differ in event, block and time only: all
   else is rendered once, see pguard_form.h. */

typedef enum {
    PGUARD_REFUSAL_EVENT = 0,
    PGUARD_REFUSAL_BLOCK,
    PGUARD_REFUSAL_SECONDS,            /* the value of Retry-After */
    PGUARD_REFUSAL_SPAN,               /* "2 minutes" */
    PGUARD_REFUSAL_CELLS
} pguard_refusal_cell_e;

typedef struct {
    pguard_form_t  form;               /* of PaaS-Guard, Retry-After, body */
    size_t         header;             /* bytes of the first */
    size_t         retry;              /* of the second */
    size_t         event[2];           /* where in the form these are */
    size_t         block;              /* 0: there is none */
    pguard_lang_e  lang;
    uint64_t       retry_after;        /* in the form */
} pguard_refusal_form_t;

#define PGUARD_REFUSAL_FORM  3520

/* Renders all three into out, one after the other: PGUARD_REFUSAL_FORM bytes
   are enough for names of PGUARD_NAME_MAX.  1, or 0 if it had no room for
   them. */
int pguard_refusal_form(pguard_refusal_form_t *form, pguard_out_t *out,
    const pguard_refusal_t *r, pguard_body_e body, pguard_lang_e lang);

/* The form with this time in it: form->form.len bytes are what comes to be. */
void pguard_refusal_time(pguard_refusal_form_t *form, uint64_t retry_after);

/* Copies it to where there is room for it, with the two ids in it.  Each is
   PGUARD_EVENT_LEN hex digits; block is not read if the form was rendered
   without one. */
void pguard_refusal_copy(const pguard_refusal_form_t *form,
    const unsigned char *event, const unsigned char *block,
    unsigned char *to);

/* The value of Content-Type for it; that of Content-Language is in
   pguard_lang_names[]. */
pguard_str_t pguard_refusal_content_type(pguard_body_e body);

/* The value of PaaS-Guard. */
void pguard_refusal_header(pguard_out_t *out, const pguard_refusal_t *r);

/* The value of Proxy-Status (RFC 9209).  proxy: the name of this gateway, any
   bytes; a Token where it is one, else a String. */
void pguard_refusal_proxy_status(pguard_out_t *out, const pguard_refusal_t *r,
    pguard_str_t proxy);


#endif /* PGUARD_REFUSAL_H */
