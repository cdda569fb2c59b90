/*
 * What a client is told when it is refused: see pguard_refusal.h.
 */

#include "pguard_refusal.h"
#include "pguard_block.h"
#include "pguard_reason.h"
#include "pguard_refusal_text.h"

#include <string.h>


/* Between the values of two headers, as they are written, stands the name of
   the second, in these. */

#define PGUARD_HEAD_END  "\r\n"
#define PGUARD_HEAD_GAP  ": "


/* How a refusal is rendered: for a form, with holes where the values go, or
   plainly, with the values themselves. */

typedef struct {
    pguard_out_t            *out;
    pguard_form_t           *form;       /* NULL: plainly */
    const pguard_refusal_t  *r;
    pguard_lang_e            lang;
} pguard_pen_t;

typedef void (*pguard_escape_pt)(pguard_out_t *out, pguard_str_t s);


static void pguard_pen_head(const pguard_pen_t *pen, pguard_head_e head);
static void pguard_pen_tag(const pguard_pen_t *pen);
static void pguard_pen_proxy(const pguard_pen_t *pen);
static void pguard_pen_body(const pguard_pen_t *pen, pguard_body_e body);
static void pguard_pen_json(const pguard_pen_t *pen);
static void pguard_pen_html(const pguard_pen_t *pen);
static void pguard_pen_row(const pguard_pen_t *pen, unsigned text,
    pguard_str_t value, pguard_refusal_cell_e cell);
static void pguard_pen_text(const pguard_pen_t *pen, unsigned text);
static void pguard_pen_value(const pguard_pen_t *pen,
    pguard_refusal_cell_e cell, pguard_escape_pt escape);
static void pguard_refusal_lines(pguard_refusal_form_t *form,
    const pguard_pen_t *pen);
static size_t pguard_refusal_span(unsigned char *text, uint64_t seconds,
    pguard_lang_e lang);
static pguard_str_t pguard_refusal_rule(const pguard_refusal_t *r);
static pguard_str_t pguard_refusal_policy(const pguard_refusal_t *r);
static int pguard_refusal_token(pguard_str_t s);


const pguard_str_t  pguard_head_names[PGUARD_HEADS] = {
    [PGUARD_HEAD_TAG]      = pguard_string("PaaS-Guard"),
    [PGUARD_HEAD_RETRY]    = pguard_string("Retry-After"),
    [PGUARD_HEAD_PROXY]    = pguard_string("Proxy-Status"),
    [PGUARD_HEAD_CACHE]    = pguard_string("Cache-Control"),
    [PGUARD_HEAD_VARY]     = pguard_string("Vary"),
    [PGUARD_HEAD_LANGUAGE] = pguard_string("Content-Language")
};


const pguard_str_t  pguard_refusal_identical = pguard_string("identical");


static const pguard_str_t  pguard_refusal_types[PGUARD_BODIES] = {
    [PGUARD_BODY_JSON] = pguard_string("application/problem+json"),
    [PGUARD_BODY_HTML] = pguard_string("text/html; charset=utf-8")
};


static const char  pguard_refusal_style[] =
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;"
    "padding:0 1rem;color:#1b1b1b;background:#fff}"
    "h1{font-size:1.5rem}"
    "dt{font-weight:bold}"
    "dd{margin:0 0 .5rem;font-family:monospace;overflow-wrap:anywhere}"
    "@media (prefers-color-scheme:dark){"
    "body{color:#ececec;background:#161616}}";


void
pguard_refusal_body(pguard_out_t *out, const pguard_refusal_t *r,
    pguard_body_e body, pguard_lang_e lang)
{
    pguard_pen_t  pen = { out, NULL, r, lang };

    pguard_pen_body(&pen, body);
}


void
pguard_refusal_head(pguard_out_t *out, const pguard_refusal_t *r,
    pguard_head_e head, pguard_lang_e lang)
{
    pguard_pen_t  pen = { out, NULL, r, lang };

    pguard_pen_head(&pen, head);
}


int
pguard_refusal_form(pguard_refusal_form_t *form, pguard_out_t *out,
    const pguard_refusal_t *r, pguard_body_e body, pguard_lang_e lang)
{
    pguard_pen_t  pen = { out, &form->form, r, lang };

    static const unsigned char  none[PGUARD_EVENT_LEN];
    static const pguard_str_t   id = { sizeof(none), none };

    form->lang = lang;

    pguard_form_begin(&form->form, out);
    pguard_refusal_lines(form, &pen);
    pguard_pen_body(&pen, body);

    if (!pguard_form_end(&form->form, out)) {
        return 0;
    }

    pguard_form_set(&form->form, PGUARD_REFUSAL_EVENT, id);
    pguard_form_set(&form->form, PGUARD_REFUSAL_BLOCK, id);
    pguard_refusal_time(form, r->retry_after);

    return 1;
}


static void
pguard_refusal_lines(pguard_refusal_form_t *form, const pguard_pen_t *pen)
{
    size_t    from;
    unsigned  i;

    for (i = 0; i < PGUARD_HEADS; i++) {

        if (i) {
            pguard_out_text(pen->out, PGUARD_HEAD_END);
            pguard_out_str(pen->out, pguard_head_names[i]);
            pguard_out_text(pen->out, PGUARD_HEAD_GAP);
        }

        from = pen->out->need;
        pguard_pen_head(pen, (pguard_head_e) i);
        form->head[i].len = pen->out->need - from;
    }

    /* its one hole is the event, which always has the same length */

    form->head[PGUARD_HEAD_TAG].len += PGUARD_EVENT_LEN;
}


void
pguard_refusal_time(pguard_refusal_form_t *form, uint64_t seconds)
{
    size_t               at, *event;
    unsigned             i;
    pguard_str_t         value;
    unsigned char        text[PGUARD_FORM_CELL];
    pguard_form_hole_t  *hole;

    value.data = text;
    value.len = (size_t) (pguard_uint(text, seconds) - text);
    pguard_form_set(&form->form, PGUARD_REFUSAL_SECONDS, value);

    form->retry_after = seconds;
    form->head[PGUARD_HEAD_RETRY].len = value.len;

    value.len = pguard_refusal_span(text, seconds, form->lang);
    pguard_form_set(&form->form, PGUARD_REFUSAL_SPAN, value);

    /* what is behind these has moved */

    at = 0;

    for (i = 0; i < PGUARD_HEADS; i++) {

        if (i) {
            at += sizeof(PGUARD_HEAD_END PGUARD_HEAD_GAP) - 1
                  + pguard_head_names[i].len;
        }

        form->head[i].at = at;
        at += form->head[i].len;
    }

    form->body = at;
    event = form->event;
    form->block = 0;

    for (hole = form->form.hole; hole < form->form.hole + form->form.holes;
         hole++)
    {
        if (hole->cell == PGUARD_REFUSAL_EVENT) {
            *event++ = hole->at;

        } else if (hole->cell == PGUARD_REFUSAL_BLOCK) {
            form->block = hole->at;
        }
    }
}


void
pguard_refusal_copy(const pguard_refusal_form_t *form,
    const unsigned char *event, const unsigned char *block, unsigned char *to)
{
    memcpy(to, form->form.text, form->form.len);

    memcpy(to + form->event[0], event, PGUARD_EVENT_LEN);
    memcpy(to + form->event[1], event, PGUARD_EVENT_LEN);

    if (form->block) {
        memcpy(to + form->block, block, PGUARD_EVENT_LEN);
    }
}


pguard_str_t
pguard_refusal_content_type(pguard_body_e body)
{
    return pguard_refusal_types[body];
}


static void
pguard_pen_head(const pguard_pen_t *pen, pguard_head_e head)
{
    switch (head) {

    case PGUARD_HEAD_TAG:
        pguard_pen_tag(pen);
        break;

    case PGUARD_HEAD_RETRY:
        pguard_pen_value(pen, PGUARD_REFUSAL_SECONDS, pguard_out_str);
        break;

    case PGUARD_HEAD_PROXY:
        pguard_pen_proxy(pen);
        break;

    case PGUARD_HEAD_CACHE:
        pguard_out_text(pen->out, "no-store");
        break;

    case PGUARD_HEAD_VARY:
        pguard_out_text(pen->out, "Accept, Accept-Language");
        break;

    default: /* PGUARD_HEAD_LANGUAGE */
        pguard_out_str(pen->out, pguard_lang_names[pen->lang]);
        break;
    }
}


/* A name that is no Token goes as a String. */

static void
pguard_pen_proxy(const pguard_pen_t *pen)
{
    pguard_out_t           *out;
    const pguard_refusal_t *r;

    out = pen->out;
    r = pen->r;

    if (pguard_refusal_token(r->proxy)) {
        pguard_out_str(out, r->proxy);

    } else {
        pguard_out_byte(out, '"');
        pguard_out_sf(out, r->proxy);
        pguard_out_byte(out, '"');
    }

    pguard_out_text(out, "; error=");
    pguard_out_str(out, pguard_reason(r->reason)->proxy_error);
    pguard_out_text(out, "; details=\"");
    pguard_out_str(out, pguard_reason_names[r->reason]);
    pguard_out_byte(out, '"');
}


static void
pguard_pen_tag(const pguard_pen_t *pen)
{
    pguard_out_t           *out;
    pguard_str_t            rule;
    const pguard_reason_t  *why;

    out = pen->out;
    why = pguard_reason(pen->r->reason);
    rule = pguard_refusal_rule(pen->r);

    pguard_out_str(out, why->word);
    pguard_out_text(out, "; reason=");
    pguard_out_str(out, pguard_reason_names[pen->r->reason]);

    if (rule.len) {
        pguard_out_text(out, "; rule=\"");
        pguard_out_sf(out, rule);
        pguard_out_byte(out, '"');
    }

    pguard_out_text(out, "; sla=");
    pguard_out_str(out, pguard_sla_names[why->sla]);
    pguard_out_text(out, "; event=\"");
    pguard_pen_value(pen, PGUARD_REFUSAL_EVENT, pguard_out_sf);
    pguard_out_byte(out, '"');
}


static void
pguard_pen_body(const pguard_pen_t *pen, pguard_body_e body)
{
    if (body == PGUARD_BODY_HTML) {
        pguard_pen_html(pen);

    } else {
        pguard_pen_json(pen);
    }
}


static void
pguard_pen_json(const pguard_pen_t *pen)
{
    pguard_str_t             rule, policy;
    pguard_out_t            *out;
    const pguard_reason_t   *why;
    const pguard_refusal_t  *r;

    r = pen->r;
    out = pen->out;
    why = pguard_reason(r->reason);
    rule = pguard_refusal_rule(r);
    policy = pguard_refusal_policy(r);

    pguard_out_text(out, "{\"type\": \"");
    pguard_out_str(out, why->type);
    pguard_out_text(out, "\", \"title\": \"");
    pguard_pen_text(pen, PGUARD_TEXT_TITLE + r->reason);
    pguard_out_text(out, "\", \"status\": ");
    pguard_out_uint(out, r->status);
    pguard_out_text(out, ", \"detail\": \"");
    pguard_pen_text(pen, PGUARD_TEXT_WHAT + r->reason);
    pguard_out_byte(out, ' ');

    if (why->sla == PGUARD_SLA_EXCLUDED) {
        pguard_pen_text(pen, PGUARD_TEXT_NO_OUTAGE);
        pguard_out_byte(out, ' ');
    }

    pguard_pen_text(pen, PGUARD_TEXT_RETRY);
    pguard_pen_value(pen, PGUARD_REFUSAL_SPAN, pguard_out_str);
    pguard_out_text(out, ".\", \"reason\": \"");
    pguard_out_str(out, pguard_reason_names[r->reason]);
    pguard_out_text(out, "\", \"sla\": \"");
    pguard_out_str(out, pguard_sla_names[why->sla]);
    pguard_out_text(out, "\", \"event\": \"");
    pguard_pen_value(pen, PGUARD_REFUSAL_EVENT, pguard_out_json);
    pguard_out_text(out, "\", \"retry_after\": ");
    pguard_pen_value(pen, PGUARD_REFUSAL_SECONDS, pguard_out_str);

    if (r->block.len) {
        pguard_out_text(out, ", \"block\": \"");
        pguard_pen_value(pen, PGUARD_REFUSAL_BLOCK, pguard_out_json);
        pguard_out_byte(out, '"');
    }

    if (rule.len) {
        pguard_out_text(out, ", \"rule\": \"");
        pguard_out_json(out, rule);
        pguard_out_byte(out, '"');
    }

    pguard_out_text(out, ", \"violated-policies\": [");

    if (policy.len) {
        pguard_out_byte(out, '"');
        pguard_out_json(out, policy);
        pguard_out_byte(out, '"');
    }

    pguard_out_text(out, "]}\n");
}


static void
pguard_pen_html(const pguard_pen_t *pen)
{
    pguard_out_t            *out;
    const pguard_reason_t   *why;
    const pguard_refusal_t  *r;

    r = pen->r;
    out = pen->out;
    why = pguard_reason(r->reason);

    pguard_out_text(out, "<!DOCTYPE html>\n<html lang=\"");
    pguard_out_str(out, pguard_lang_names[pen->lang]);
    pguard_out_text(out, "\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" "
                    "content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"robots\" content=\"noindex\">\n<title>");
    pguard_out_uint(out, r->status);
    pguard_out_byte(out, ' ');
    pguard_pen_text(pen, PGUARD_TEXT_TITLE + r->reason);
    pguard_out_text(out, "</title>\n<style>");
    pguard_out_text(out, pguard_refusal_style);
    pguard_out_text(out, "</style>\n</head>\n<body>\n<main>\n<h1>");
    pguard_pen_text(pen, PGUARD_TEXT_TITLE + r->reason);
    pguard_out_text(out, "</h1>\n<p>");
    pguard_pen_text(pen, PGUARD_TEXT_WHAT + r->reason);

    if (why->sla == PGUARD_SLA_EXCLUDED) {
        pguard_out_text(out, "</p>\n<p>");
        pguard_pen_text(pen, PGUARD_TEXT_NO_OUTAGE);
    }

    pguard_out_text(out, "</p>\n<p><strong>");
    pguard_pen_text(pen, PGUARD_TEXT_RETRY);
    pguard_pen_value(pen, PGUARD_REFUSAL_SPAN, pguard_out_str);
    pguard_out_text(out, ".</strong></p>\n<dl>\n");

    pguard_pen_row(pen, PGUARD_TEXT_EVENT, r->event, PGUARD_REFUSAL_EVENT);
    pguard_pen_row(pen, PGUARD_TEXT_BLOCK, r->block, PGUARD_REFUSAL_BLOCK);
    pguard_pen_row(pen, PGUARD_TEXT_REASON, pguard_reason_names[r->reason],
                   PGUARD_REFUSAL_CELLS);
    pguard_pen_row(pen, PGUARD_TEXT_RULE, pguard_refusal_rule(r),
                   PGUARD_REFUSAL_CELLS);
    pguard_pen_row(pen, PGUARD_TEXT_SERVICE, r->service, PGUARD_REFUSAL_CELLS);

    pguard_out_text(out, "</dl>\n<p>");
    pguard_pen_text(pen, PGUARD_TEXT_SUPPORT);
    pguard_out_text(out, "</p>\n</main>\n</body>\n</html>\n");
}


/* A term and its value, if there is one; PGUARD_REFUSAL_CELLS: it is always the
   same. */

static void
pguard_pen_row(const pguard_pen_t *pen, unsigned text, pguard_str_t value,
    pguard_refusal_cell_e cell)
{
    if (value.len == 0) {
        return;
    }

    pguard_out_text(pen->out, "<dt>");
    pguard_pen_text(pen, text);
    pguard_out_text(pen->out, "</dt>\n<dd translate=\"no\">");

    if (cell == PGUARD_REFUSAL_CELLS) {
        pguard_out_html(pen->out, value);

    } else {
        pguard_pen_value(pen, cell, pguard_out_html);
    }

    pguard_out_text(pen->out, "</dd>\n");
}


static void
pguard_pen_text(const pguard_pen_t *pen, unsigned text)
{
    pguard_out_text(pen->out, pguard_refusal_texts[text][pen->lang]);
}


static void
pguard_pen_value(const pguard_pen_t *pen, pguard_refusal_cell_e cell,
    pguard_escape_pt escape)
{
    unsigned char  span[PGUARD_FORM_CELL];

    if (pen->form) {
        pguard_form_hole(pen->form, pen->out, cell);
        return;
    }

    switch (cell) {

    case PGUARD_REFUSAL_EVENT:
        escape(pen->out, pen->r->event);
        break;

    case PGUARD_REFUSAL_BLOCK:
        escape(pen->out, pen->r->block);
        break;

    case PGUARD_REFUSAL_SPAN:
        pguard_out_bytes(pen->out, span,
                         pguard_refusal_span(span, pen->r->retry_after,
                                             pen->lang));
        break;

    default: /* PGUARD_REFUSAL_SECONDS */
        pguard_out_uint(pen->out, pen->r->retry_after);
        break;
    }
}


/* How long that is: "2 minutes".  Returns its length, PGUARD_FORM_CELL at
   most. */

static size_t
pguard_refusal_span(unsigned char *text, uint64_t seconds, pguard_lang_e lang)
{
    uint64_t              n;
    unsigned char        *p;
    const pguard_span_t  *span;

    n = seconds ? seconds : 1;

    for (span = pguard_refusal_spans; n < span->from; span++) { /* void */ }

    n = n / span->unit + (n % span->unit != 0);

    p = pguard_uint(text, n);
    memcpy(p, span->name[lang].data, span->name[lang].len);

    return (size_t) (p - text) + span->name[lang].len;
}


/* A duplicate violates no rule, whatever r->rule holds. */

static pguard_str_t
pguard_refusal_rule(const pguard_refusal_t *r)
{
    pguard_str_t  rule;

    rule = r->rule;

    if (r->reason == PGUARD_REASON_DUPLICATE) {
        rule.len = 0;
    }

    return rule;
}


static pguard_str_t
pguard_refusal_policy(const pguard_refusal_t *r)
{
    return (r->reason == PGUARD_REASON_DUPLICATE) ? pguard_refusal_identical
                                                  : r->rule;
}


/* Is s a Token?  RFC 9651, section 3.3.4. */

static int
pguard_refusal_token(pguard_str_t s)
{
    size_t         i;
    unsigned       alpha, digit;
    unsigned char  c;

    for (i = 0; i < s.len; i++) {
        c = s.data[i];
        alpha = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        digit = c >= '0' && c <= '9';

        if (alpha || c == '*') {
            continue;
        }

        if (i == 0 || c == '\0'
            || (!digit && strchr("!#$%&'+-.^_`|~:/", c) == NULL))
        {
            return 0;
        }
    }

    return s.len != 0;
}
