#include "ngx_paas_guard.h"
#include "../core/pguard_negotiate.h"
#include "../core/pguard_refusal.h"


/* The headers of a refusal: the first two have a value of the request's own,
   and the last goes only with our own body. */

enum {
    NGX_PAAS_GUARD_HEADER_TAG = 0,
    NGX_PAAS_GUARD_HEADER_RETRY,
    NGX_PAAS_GUARD_HEADER_PROXY,
    NGX_PAAS_GUARD_HEADER_CACHE,
    NGX_PAAS_GUARD_HEADER_VARY,
    NGX_PAAS_GUARD_HEADER_LANGUAGE,
    NGX_PAAS_GUARD_HEADERS
};


/* All of a refusal that does not depend on its event, its block and the time:
   prepared when it is first needed, and kept until another needs the place. */

struct ngx_paas_guard_answer_s {
    ngx_paas_guard_service_t  *service;
    const u_char              *rule;            /* its name in the zone */
    ngx_uint_t                 kind;
    ngx_table_elt_t            headers[NGX_PAAS_GUARD_HEADERS];
    pguard_refusal_form_t      form;
    u_char                     text[PGUARD_REFUSAL_FORM
                                    + 2 * NGX_MAXHOSTNAMELEN + 128];
};

#define ngx_paas_guard_kind(ctx, body, lang)                                  \
    ((ctx)->status << 8 | ((ctx)->block[0] != '\0') << 7                      \
     | (ctx)->reason << 4 | (body) << 1 | (lang))


/* A header that says how a client likes to be told. */

typedef struct {
    const char                *name;
    unsigned                 (*read)(const pguard_str_t *lines, size_t n);
} ngx_paas_guard_wishing_t;


/* What one request gets of it: the values of its first two headers, and the
   body. */

typedef struct {
    ngx_buf_t                  buf;
    u_char                     text[];
} ngx_paas_guard_filled_t;


static void ngx_paas_guard_wishes(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_body_e *body, pguard_lang_e *lang);
static PGUARD_APART void ngx_paas_guard_wish_lines(ngx_http_request_t *r,
    ngx_paas_guard_wish_line_t *line);
static ngx_inline ngx_uint_t ngx_paas_guard_wish(ngx_http_request_t *r,
    const ngx_paas_guard_wishing_t *wishing, ngx_paas_guard_wish_t *known,
    const ngx_paas_guard_wish_line_t *found);
static PGUARD_RARE ngx_uint_t ngx_paas_guard_read_wish(ngx_http_request_t *r,
    const ngx_paas_guard_wishing_t *wishing, ngx_paas_guard_wish_t *known,
    ngx_str_t *line);
static ngx_paas_guard_answer_t *ngx_paas_guard_answer(
    ngx_paas_guard_ctx_t *ctx, pguard_body_e body, pguard_lang_e lang);
static PGUARD_RARE ngx_paas_guard_answer_t *ngx_paas_guard_new_answer(
    ngx_paas_guard_ctx_t *ctx, pguard_body_e body, pguard_lang_e lang,
    ngx_paas_guard_answer_t **place);
static ngx_int_t ngx_paas_guard_prepare(ngx_paas_guard_answer_t *answer,
    ngx_paas_guard_ctx_t *ctx, pguard_body_e body, pguard_lang_e lang);
static ngx_paas_guard_filled_t *ngx_paas_guard_fill(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_answer_t *answer);
static ngx_int_t ngx_paas_guard_push_headers(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, const ngx_table_elt_t *headers, ngx_uint_t n);
static PGUARD_RARE ngx_int_t ngx_paas_guard_push_each(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, const ngx_table_elt_t *headers, ngx_uint_t n);
static ngx_uint_t ngx_paas_guard_error_page(ngx_http_request_t *r,
    ngx_uint_t status);


void
ngx_paas_guard_event_id(ngx_paas_guard_worker_t *worker, u_char *event)
{
    pguard_hex_next(worker->event + PGUARD_EVENT_LEN,
                    NGX_PAAS_GUARD_EVENT_COUNT);

    ngx_memcpy(event, worker->event, PGUARD_EVENT_LEN);
}


/* A refusal that can't be put together still refuses: as a bare status. */

ngx_int_t
ngx_paas_guard_refuse(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_uint_t                page;
    pguard_str_t              type;
    pguard_body_e             body;
    pguard_lang_e             lang;
    ngx_paas_guard_answer_t  *answer;
    ngx_paas_guard_filled_t  *filled;

    if (ctx->status == NGX_HTTP_CLOSE) {
        return NGX_HTTP_CLOSE;
    }

    ngx_paas_guard_wishes(r, ctx, &body, &lang);

    answer = ngx_paas_guard_answer(ctx, body, lang);
    if (answer == NULL) {
        return ctx->status;
    }

    filled = ngx_paas_guard_fill(r, ctx, answer);
    if (filled == NULL) {
        return ctx->status;
    }

    page = ngx_paas_guard_error_page(r, ctx->status);

    if (ngx_paas_guard_push_headers(r, ctx, answer->headers,
                                    page ? NGX_PAAS_GUARD_HEADER_LANGUAGE
                                         : NGX_PAAS_GUARD_HEADERS)
        != NGX_OK
        || page)
    {
        return ctx->status;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc == NGX_OK) {
        type = pguard_refusal_content_type(body);

        r->headers_out.status = ctx->status;
        r->headers_out.content_length_n = filled->buf.last - filled->buf.pos;
        r->headers_out.content_type.len = type.len;
        r->headers_out.content_type.data = (u_char *) type.data;
        r->headers_out.content_type_len = type.len;
        r->headers_out.content_type_lowcase = NULL;

        rc = ngx_paas_guard_send_buf(r, &filled->buf);
    }

    /* a phase's handler can't return NGX_OK for "answered" */

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


/* In what form, and in which language, it is to be told. */

static void
ngx_paas_guard_wishes(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_body_e *body, pguard_lang_e *lang)
{
    ngx_paas_guard_worker_t     *worker;
    ngx_paas_guard_wish_line_t   line[NGX_PAAS_GUARD_WISH_LINES];

    static const ngx_paas_guard_wishing_t  bodies = {
        "accept", pguard_negotiate_body
    };

    static const ngx_paas_guard_wishing_t  langs = {
        "accept-language", pguard_negotiate_lang
    };

    if (ngx_paas_guard_recall_wishes(r, ctx, line) != NGX_OK) {
        ngx_paas_guard_wish_lines(r, line);
    }

    worker = ctx->conf->zone->mcf->worker;

    *body = ngx_paas_guard_wish(r, &bodies, worker->bodies,
                                &line[NGX_PAAS_GUARD_ACCEPT]);
    *lang = ngx_paas_guard_wish(r, &langs, worker->langs,
                                &line[NGX_PAAS_GUARD_ACCEPT_LANGUAGE]);
}


static PGUARD_APART void
ngx_paas_guard_wish_lines(ngx_http_request_t *r,
    ngx_paas_guard_wish_line_t *line)
{
    ngx_list_part_t             *part;
    ngx_table_elt_t             *h, *end;
    ngx_paas_guard_wish_line_e   wish;

    ngx_memzero(line, NGX_PAAS_GUARD_WISH_LINES
                      * sizeof(ngx_paas_guard_wish_line_t));

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (end = h + part->nelts; h < end; h++) {
            wish = ngx_paas_guard_wish_of(h);

            if (wish != NGX_PAAS_GUARD_WISH_LINES) {
                line[wish].n++;
                line[wish].line = h;
            }
        }
    }
}


/* What a line means is remembered by its length, for who is refused again and
   again sends the same.  None, or an empty one, as all places have at first,
   means 0. */

static ngx_inline ngx_uint_t
ngx_paas_guard_wish(ngx_http_request_t *r,
    const ngx_paas_guard_wishing_t *wishing, ngx_paas_guard_wish_t *known,
    const ngx_paas_guard_wish_line_t *found)
{
    ngx_str_t  *line;

    if (found->n != 1) {
        return found->n ? ngx_paas_guard_read_wish(r, wishing, NULL, NULL) : 0;
    }

    line = &found->line->value;
    known += line->len % NGX_PAAS_GUARD_WISHES;

    if (known->len == line->len
        && ngx_memcmp(known->line, line->data, line->len) == 0)
    {
        return known->wish;
    }

    return ngx_paas_guard_read_wish(r, wishing, known, line);
}


/* Reads all lines of it; known is where to remember one, or NULL. */

static PGUARD_RARE ngx_uint_t
ngx_paas_guard_read_wish(ngx_http_request_t *r,
    const ngx_paas_guard_wishing_t *wishing, ngx_paas_guard_wish_t *known,
    ngx_str_t *line)
{
    ngx_uint_t    n, wish;
    pguard_str_t  lines[NGX_PAAS_GUARD_LINES];

    (void) ngx_paas_guard_header_lines(r, wishing->name, lines,
                                       NGX_PAAS_GUARD_LINES, &n);

    wish = wishing->read(lines, n);

    if (known && line->len <= sizeof(known->line)) {
        known->wish = wish;
        known->len = line->len;
        ngx_memcpy(known->line, line->data, line->len);
    }

    return wish;
}


static ngx_paas_guard_answer_t *
ngx_paas_guard_answer(ngx_paas_guard_ctx_t *ctx, pguard_body_e body,
    pguard_lang_e lang)
{
    uintptr_t                  place;
    ngx_uint_t                 kind;
    ngx_paas_guard_answer_t   *answer, **answers;
    ngx_paas_guard_service_t  *service;

    service = ctx->conf->service;
    kind = ngx_paas_guard_kind(ctx, body, lang);

    place = (uintptr_t) service ^ (uintptr_t) ctx->rule.data * 31 ^ kind * 61;
    answers = ctx->conf->zone->mcf->worker->answers;
    answers += (place >> 4) % NGX_PAAS_GUARD_ANSWERS;
    answer = *answers;

    if (answer && answer->service == service && answer->kind == kind
        && answer->rule == ctx->rule.data)
    {
        return answer;
    }

    return ngx_paas_guard_new_answer(ctx, body, lang, answers);
}


static PGUARD_RARE ngx_paas_guard_answer_t *
ngx_paas_guard_new_answer(ngx_paas_guard_ctx_t *ctx, pguard_body_e body,
    pguard_lang_e lang, ngx_paas_guard_answer_t **place)
{
    ngx_paas_guard_answer_t  *answer;

    answer = *place;

    if (answer == NULL) {
        answer = ngx_palloc(ngx_cycle->pool, sizeof(ngx_paas_guard_answer_t));
        if (answer == NULL) {
            return NULL;
        }

        *place = answer;
    }

    answer->service = NULL;

    if (ngx_paas_guard_prepare(answer, ctx, body, lang) != NGX_OK) {
        return NULL;
    }

    answer->service = ctx->conf->service;
    answer->kind = ngx_paas_guard_kind(ctx, body, lang);
    answer->rule = ctx->rule.data;

    return answer;
}


static ngx_int_t
ngx_paas_guard_prepare(ngx_paas_guard_answer_t *answer,
    ngx_paas_guard_ctx_t *ctx, pguard_body_e body, pguard_lang_e lang)
{
    ngx_uint_t         i;
    pguard_out_t       out;
    pguard_str_t       proxy;
    ngx_table_elt_t   *h;
    pguard_refusal_t   refusal;

    static const ngx_table_elt_t  headers[NGX_PAAS_GUARD_HEADERS] = {
        { .key = ngx_string("PaaS-Guard") },
        { .key = ngx_string("Retry-After") },
        { .key = ngx_string("Proxy-Status") },
        { .key = ngx_string("Cache-Control"), .value = ngx_string("no-store") },
        { .key = ngx_string("Vary"),
          .value = ngx_string("Accept, Accept-Language") },
        { .key = ngx_string("Content-Language") }
    };

    refusal.reason = ctx->reason;
    refusal.status = ctx->status;
    refusal.retry_after = ctx->retry_after;
    refusal.event.data = ctx->event;
    refusal.event.len = PGUARD_EVENT_LEN;
    refusal.block.data = ctx->block;
    refusal.block.len = ctx->block[0] ? PGUARD_EVENT_LEN : 0;
    refusal.rule = ctx->rule;
    ngx_paas_guard_core_str(refusal.service, ctx->conf->service->name);

    ngx_memcpy(answer->headers, headers, sizeof(headers));
    h = answer->headers;

    for (i = 0; i < NGX_PAAS_GUARD_HEADERS; i++) {
        h[i].hash = 1;
    }

    h[NGX_PAAS_GUARD_HEADER_LANGUAGE].value.data =
                                       (u_char *) pguard_lang_names[lang].data;
    h[NGX_PAAS_GUARD_HEADER_LANGUAGE].value.len = pguard_lang_names[lang].len;

    pguard_out_init(&out, answer->text, sizeof(answer->text));

    ngx_paas_guard_core_str(proxy, ctx->conf->zone->mcf->proxy);
    h[NGX_PAAS_GUARD_HEADER_PROXY].value.data = out.pos;
    pguard_refusal_proxy_status(&out, &refusal, proxy);
    h[NGX_PAAS_GUARD_HEADER_PROXY].value.len = out.need;

    return pguard_refusal_form(&answer->form, &out, &refusal, body, lang)
           ? NGX_OK : NGX_ERROR;
}


/* The two headers are set in the answer itself, which is nobody else's until
   they are copied from there. */

static ngx_paas_guard_filled_t *
ngx_paas_guard_fill(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_answer_t *answer)
{
    u_char                   *p;
    ngx_buf_t                *b;
    ngx_table_elt_t          *h;
    pguard_refusal_form_t    *form;
    ngx_paas_guard_filled_t  *filled;

    form = &answer->form;

    pguard_refusal_time(form, ctx->retry_after);

    filled = ngx_palloc(r->pool, sizeof(ngx_paas_guard_filled_t)
                                 + form->form.len);
    if (filled == NULL) {
        return NULL;
    }

    p = filled->text;
    h = answer->headers;

    pguard_refusal_copy(form, ctx->event, ctx->block, p);

    h[NGX_PAAS_GUARD_HEADER_TAG].value.data = p;
    h[NGX_PAAS_GUARD_HEADER_TAG].value.len = form->header;
    h[NGX_PAAS_GUARD_HEADER_RETRY].value.data = p + form->header;
    h[NGX_PAAS_GUARD_HEADER_RETRY].value.len = form->retry;

    b = &filled->buf;
    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = p;
    b->pos = p + form->header + form->retry;
    b->last = p + form->form.len;
    b->end = b->last;
    b->temporary = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    return filled;
}


/* All at once where the last part of the list has room for them. */

static ngx_int_t
ngx_paas_guard_push_headers(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    const ngx_table_elt_t *headers, ngx_uint_t n)
{
    ngx_uint_t        i;
    ngx_list_t       *list;
    ngx_table_elt_t  *h;

    list = &r->headers_out.headers;

    if (list->last->nelts + NGX_PAAS_GUARD_HEADERS > list->nalloc) {
        return ngx_paas_guard_push_each(r, ctx, headers, n);
    }

    h = list->last->elts;
    h += list->last->nelts;
    list->last->nelts += n;

#pragma GCC unroll 6

    for (i = 0; i < NGX_PAAS_GUARD_HEADERS; i++) {
        h[i] = headers[i];
    }

    ctx->tag = &h[NGX_PAAS_GUARD_HEADER_TAG];

    return NGX_OK;
}


static PGUARD_RARE ngx_int_t
ngx_paas_guard_push_each(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    const ngx_table_elt_t *headers, ngx_uint_t n)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *h;

    for (i = 0; i < n; i++) {
        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = headers[i];

        if (i == NGX_PAAS_GUARD_HEADER_TAG) {
            ctx->tag = h;
        }
    }

    return NGX_OK;
}


/* Has the operator set an error_page for this status here? */

static ngx_uint_t
ngx_paas_guard_error_page(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_uint_t                 i;
    ngx_http_err_page_t       *page;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->error_pages == NULL || r->error_page || r->uri_changes == 0) {
        return 0;
    }

    page = clcf->error_pages->elts;

    for (i = 0; i < clcf->error_pages->nelts; i++) {
        if (page[i].status == (ngx_int_t) status) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_paas_guard_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value, ngx_table_elt_t **added)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.len = ngx_strlen(name);
    h->key.data = (u_char *) name;
    h->value = *value;
    ngx_paas_guard_table_elt_init(h);

    if (added) {
        *added = h;
    }

    return NGX_OK;
}


ngx_int_t
ngx_paas_guard_send_buf(ngx_http_request_t *r, ngx_buf_t *b)
{
    ngx_int_t    rc;
    ngx_chain_t  out;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
