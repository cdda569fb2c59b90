/*
 * The answer to a refused request: rendered once for each kind, see
 * ngx_paas_guard_refusal_private.h, then copied with what is the request's
 * own.
 */

#include "ngx_paas_guard_refusal_private.h"


#define ngx_paas_guard_kind(ctx, body, lang)                                  \
    ((ctx)->status << 8 | ((ctx)->block[0] != '\0') << 7                      \
     | (ctx)->reason << 4 | (body) << 1 | (lang))


/* A request's own copy of an answer: its text has the values of all headers,
   and the body. */

typedef struct {
    ngx_buf_t                  buf;
    u_char                     text[];
} ngx_paas_guard_filled_t;


static ngx_inline ngx_paas_guard_answer_t *ngx_paas_guard_answer(
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_told_t *told);
static PGUARD_APART ngx_paas_guard_answer_t *ngx_paas_guard_find_answer(
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_told_t *told, ngx_uint_t kind);
static PGUARD_RARE ngx_paas_guard_answer_t *ngx_paas_guard_new_answer(
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_told_t *told, ngx_uint_t kind,
    ngx_paas_guard_answer_t **place);
static ngx_int_t ngx_paas_guard_prepare(ngx_paas_guard_answer_t *answer,
    ngx_paas_guard_ctx_t *ctx, pguard_body_e body, pguard_lang_e lang);
static PGUARD_RARE void ngx_paas_guard_place_values(
    ngx_paas_guard_answer_t *answer);
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
    pguard_hex_next(worker->event + PGUARD_EVENT_LEN, PGUARD_EVENT_LEN);

    ngx_memcpy(event, worker->event, PGUARD_EVENT_LEN);
}


/* A refusal that can't be put together still refuses: as a bare status. */

ngx_int_t
ngx_paas_guard_refuse(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_uint_t                page;
    pguard_str_t              type;
    ngx_paas_guard_told_t     here, *told;
    ngx_paas_guard_answer_t  *answer;
    ngx_paas_guard_filled_t  *filled;

    if (ctx->status == NGX_HTTP_CLOSE) {
        return NGX_HTTP_CLOSE;
    }

    told = ngx_paas_guard_told(r, ctx, &here);

    answer = ngx_paas_guard_answer(ctx, told);
    if (answer == NULL) {
        return ctx->status;
    }

    filled = ngx_paas_guard_fill(r, ctx, answer);
    if (filled == NULL) {
        return ctx->status;
    }

    ctx->answer = answer;
    page = ngx_paas_guard_error_page(r, ctx->status);

    if (ngx_paas_guard_push_headers(r, ctx, answer->headers,
                                    page ? PGUARD_HEAD_LANGUAGE
                                         : PGUARD_HEADS)
        != NGX_OK)
    {
        return ctx->status;
    }

    /* other modules look for Cache-Control there */

    ngx_paas_guard_set_cache_control(r, &ctx->cache_control);

    /* the client's conditions are for what he asked for, not for a page that
       error_page gives the status 200 */

    if (page) {
        r->disable_not_modified = 1;
        r->headers_in.range = NULL;
        return ctx->status;
    }

    /* as with nginx's own answers, what is wrong with the body only ends the
       connection */

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }

    type = pguard_refusal_content_type(told->body);

    /* an error_page that led here may have another one for its page */

    r->err_status = 0;
    r->headers_out.status = ctx->status;
    r->headers_out.content_length_n = filled->buf.last - filled->buf.pos;
    r->headers_out.content_type.len = type.len;
    r->headers_out.content_type.data = (u_char *) type.data;
    r->headers_out.content_type_len = type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_paas_guard_send_buf(r, &filled->buf);

    /* a phase's handler can't return NGX_OK for "answered" */

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


static ngx_inline ngx_uint_t
ngx_paas_guard_is_answer(ngx_paas_guard_answer_t *answer,
    ngx_paas_guard_ctx_t *ctx, ngx_uint_t kind)
{
    return answer && answer->service == ctx->conf->service
           && answer->kind == kind && answer->rule == ctx->rule.data;
}


static ngx_inline ngx_paas_guard_answer_t *
ngx_paas_guard_answer(ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_told_t *told)
{
    ngx_uint_t  kind;

    kind = ngx_paas_guard_kind(ctx, told->body, told->lang);

    if (!ngx_paas_guard_is_answer(told->answer, ctx, kind)) {
        told->answer = ngx_paas_guard_find_answer(ctx, told, kind);
    }

    return told->answer;
}


static PGUARD_APART ngx_paas_guard_answer_t *
ngx_paas_guard_find_answer(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_told_t *told, ngx_uint_t kind)
{
    uintptr_t                  place;
    ngx_paas_guard_answer_t  **answers;

    place = (uintptr_t) ctx->conf->service ^ (uintptr_t) ctx->rule.data * 31
            ^ kind * 61;
    answers = ctx->conf->zone->mcf->worker->answers;
    answers += (place >> 4) % NGX_PAAS_GUARD_ANSWERS;

    return ngx_paas_guard_is_answer(*answers, ctx, kind)
           ? *answers
           : ngx_paas_guard_new_answer(ctx, told, kind, answers);
}


static PGUARD_RARE ngx_paas_guard_answer_t *
ngx_paas_guard_new_answer(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_told_t *told, ngx_uint_t kind,
    ngx_paas_guard_answer_t **place)
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

    if (ngx_paas_guard_prepare(answer, ctx, told->body, told->lang) != NGX_OK) {
        return NULL;
    }

    answer->service = ctx->conf->service;
    answer->kind = kind;
    answer->rule = ctx->rule.data;

    return answer;
}


static ngx_int_t
ngx_paas_guard_prepare(ngx_paas_guard_answer_t *answer,
    ngx_paas_guard_ctx_t *ctx, pguard_body_e body, pguard_lang_e lang)
{
    ngx_uint_t         i;
    pguard_out_t       out;
    ngx_table_elt_t   *h;
    pguard_refusal_t   refusal;

    refusal.reason = ctx->reason;
    refusal.status = ctx->status;
    refusal.retry_after = ctx->retry_after;
    refusal.event.data = ctx->event;
    refusal.event.len = PGUARD_EVENT_LEN;
    refusal.block.data = ctx->block;
    refusal.block.len = ctx->block[0] ? PGUARD_EVENT_LEN : 0;
    refusal.rule = ctx->rule;
    ngx_paas_guard_core_str(refusal.service, ctx->conf->service->name);
    ngx_paas_guard_core_str(refusal.proxy, ctx->conf->zone->mcf->proxy);

    ngx_memzero(answer->headers, sizeof(answer->headers));

    for (i = 0; i < PGUARD_HEADS; i++) {
        h = &answer->headers[i];
        h->hash = 1;
        h->key.data = (u_char *) pguard_head_names[i].data;
        h->key.len = pguard_head_names[i].len;
    }

    pguard_out_init(&out, answer->text, sizeof(answer->text));

    if (!pguard_refusal_form(&answer->form, &out, &refusal, body, lang)) {
        return NGX_ERROR;
    }

    ngx_paas_guard_place_values(answer);

    return NGX_OK;
}


/* Sets the headers' values to where they are in the form. */

static PGUARD_RARE void
ngx_paas_guard_place_values(ngx_paas_guard_answer_t *answer)
{
    ngx_uint_t              i;
    ngx_table_elt_t        *h;
    pguard_refusal_form_t  *form;

    h = answer->headers;
    form = &answer->form;

    for (i = 0; i < PGUARD_HEADS; i++) {
        h[i].value.data = form->form.text + form->head[i].at;
        h[i].value.len = form->head[i].len;
    }
}


/* Sets the answer's own headers to the values in the request's copy, from where
   they are copied to the request next.  As the text is the same, all values
   move by as many bytes as that of the tag. */

static ngx_paas_guard_filled_t *
ngx_paas_guard_fill(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_answer_t *answer)
{
    u_char                   *p;
    ngx_buf_t                *b;
    ngx_int_t                 shift;
    ngx_uint_t                i;
    ngx_table_elt_t          *h;
    pguard_refusal_form_t    *form;
    ngx_paas_guard_filled_t  *filled;

    h = answer->headers;
    form = &answer->form;

    if (form->retry_after != ctx->retry_after) {
        pguard_refusal_time(form, ctx->retry_after);
        ngx_paas_guard_place_values(answer);
    }

    filled = ngx_palloc(r->pool, sizeof(ngx_paas_guard_filled_t)
                                 + form->form.len);
    if (filled == NULL) {
        return NULL;
    }

    p = filled->text;

    pguard_refusal_copy(form, ctx->event, ctx->block, p);

    shift = p - h[PGUARD_HEAD_TAG].value.data;

#pragma GCC unroll 6

    for (i = 0; i < PGUARD_HEADS; i++) {
        h[i].value.data += shift;
    }

    b = &filled->buf;
    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = p;
    b->pos = p + form->body;
    b->last = p + form->form.len;
    b->end = b->last;
    b->temporary = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    return filled;
}


/* Adds the first n headers to the answer's list: all at once if its last part
   has room for them. */

static ngx_int_t
ngx_paas_guard_push_headers(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    const ngx_table_elt_t *headers, ngx_uint_t n)
{
    ngx_uint_t        i;
    ngx_list_t       *list;
    ngx_table_elt_t  *h;

    list = &r->headers_out.headers;

    if (list->last->nelts + PGUARD_HEADS > list->nalloc) {
        return ngx_paas_guard_push_each(r, ctx, headers, n);
    }

    h = list->last->elts;
    h += list->last->nelts;
    list->last->nelts += n;

#pragma GCC unroll 6

    for (i = 0; i < PGUARD_HEADS; i++) {
        h[i] = headers[i];
    }

    ctx->tag = &h[PGUARD_HEAD_TAG];
    ctx->cache_control = &h[PGUARD_HEAD_CACHE];

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

        if (i == PGUARD_HEAD_TAG) {
            ctx->tag = h;

        } else if (i == PGUARD_HEAD_CACHE) {
            ctx->cache_control = h;
        }
    }

    return NGX_OK;
}


/* 1: the location has an error_page for this status; else 0. */

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
