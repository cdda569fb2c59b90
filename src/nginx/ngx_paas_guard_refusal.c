#include "ngx_paas_guard.h"
#include "../core/pguard_negotiate.h"
#include "../core/pguard_refusal.h"


#define NGX_PAAS_GUARD_BODY_SIZE     2048


typedef void (*ngx_paas_guard_render_pt)(pguard_out_t *out,
    const pguard_refusal_t *refusal, void *data);


static ngx_int_t ngx_paas_guard_refusal_headers(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_refusal_t *refusal);
static ngx_uint_t ngx_paas_guard_error_page(ngx_http_request_t *r,
    ngx_uint_t status);
static ngx_int_t ngx_paas_guard_send(ngx_http_request_t *r,
    pguard_refusal_t *refusal);


void
ngx_paas_guard_event_id(ngx_paas_guard_worker_t *worker, u_char *event)
{
    u_char    n[4];
    uint32_t  id;

    id = ++worker->events;

    n[0] = (u_char) (id >> 24);
    n[1] = (u_char) (id >> 16);
    n[2] = (u_char) (id >> 8);
    n[3] = (u_char) id;

    (void) pguard_hex(pguard_hex(event, worker->origin,
                                 sizeof(worker->origin)),
                      n, sizeof(n));
}


/* A refusal that can't be put together still refuses: as a bare status. */

ngx_int_t
ngx_paas_guard_refuse(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_int_t         rc;
    pguard_refusal_t  refusal;

    if (ctx->status == NGX_HTTP_CLOSE) {
        return NGX_HTTP_CLOSE;
    }

    refusal.reason = ctx->reason;
    refusal.status = ctx->status;
    refusal.retry_after = ctx->retry_after;
    refusal.event.data = ctx->event;
    refusal.event.len = PGUARD_EVENT_LEN;
    refusal.block.data = ctx->block;
    refusal.block.len = ctx->block[0] ? PGUARD_EVENT_LEN : 0;
    refusal.rule = ctx->rule;
    ngx_paas_guard_core_str(refusal.service, ctx->conf->service->name);

    if (ngx_paas_guard_refusal_headers(r, ctx, &refusal) != NGX_OK
        || ngx_paas_guard_error_page(r, ctx->status))
    {
        return ctx->status;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_send(r, &refusal);
    }

    /* a phase's handler can't return NGX_OK for "answered" */

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
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


/* Adds a header whose value render writes, at most 512 bytes of it. */

static ngx_int_t
ngx_paas_guard_rendered_header(ngx_http_request_t *r, const char *name,
    ngx_paas_guard_render_pt render, pguard_refusal_t *refusal, void *data,
    ngx_table_elt_t **added)
{
    u_char        buffer[512];
    ngx_str_t     value;
    pguard_out_t  out;

    pguard_out_init(&out, buffer, sizeof(buffer));
    render(&out, refusal, data);

    if (out.need > sizeof(buffer)) {
        return NGX_ERROR;
    }

    value.len = out.need;
    value.data = ngx_pnalloc(r->pool, value.len);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value.data, buffer, value.len);

    return ngx_paas_guard_add_header(r, name, &value, added);
}


static void
ngx_paas_guard_render_tag(pguard_out_t *out, const pguard_refusal_t *refusal,
    void *data)
{
    pguard_refusal_header(out, refusal);
}


static void
ngx_paas_guard_render_proxy_status(pguard_out_t *out,
    const pguard_refusal_t *refusal, void *data)
{
    ngx_str_t     *name = data;
    pguard_str_t   proxy;

    ngx_paas_guard_core_str(proxy, *name);
    pguard_refusal_proxy_status(out, refusal, proxy);
}


static void
ngx_paas_guard_render_retry_after(pguard_out_t *out,
    const pguard_refusal_t *refusal, void *data)
{
    pguard_out_uint(out, refusal->retry_after);
}


static ngx_int_t
ngx_paas_guard_refusal_headers(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_refusal_t *refusal)
{
    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  vary = ngx_string("Accept, Accept-Language");

    if (ngx_paas_guard_rendered_header(r, "Retry-After",
                                       ngx_paas_guard_render_retry_after,
                                       refusal, NULL, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_paas_guard_rendered_header(r, "PaaS-Guard",
                                       ngx_paas_guard_render_tag, refusal,
                                       NULL, &ctx->tag)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_paas_guard_rendered_header(r, "Proxy-Status",
                                       ngx_paas_guard_render_proxy_status,
                                       refusal, &ctx->conf->zone->mcf->proxy,
                                       NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_paas_guard_add_header(r, "Cache-Control", &no_store, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_paas_guard_add_header(r, "Vary", &vary, NULL);
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


static ngx_buf_t *
ngx_paas_guard_body(ngx_http_request_t *r, pguard_refusal_t *refusal,
    pguard_body_e format, pguard_lang_e lang)
{
    size_t        size;
    ngx_buf_t    *b;
    pguard_out_t  out;

    for (size = NGX_PAAS_GUARD_BODY_SIZE; /* void */ ; size = out.need) {

        b = ngx_create_temp_buf(r->pool, size);
        if (b == NULL) {
            return NULL;
        }

        pguard_out_init(&out, b->pos, size);
        pguard_refusal_body(&out, refusal, format, lang);

        if (out.need <= size) {
            b->last = out.pos;
            b->last_buf = 1;
            b->last_in_chain = 1;
            return b;
        }
    }
}


static ngx_int_t
ngx_paas_guard_send(ngx_http_request_t *r, pguard_refusal_t *refusal)
{
    ngx_buf_t     *b;
    ngx_str_t      language;
    ngx_uint_t     n;
    pguard_str_t   type, lines[NGX_PAAS_GUARD_LINES];
    pguard_body_e  format;
    pguard_lang_e  lang;

    (void) ngx_paas_guard_header_lines(r, "accept", lines,
                                       NGX_PAAS_GUARD_LINES, &n);
    format = pguard_negotiate_body(lines, n);

    (void) ngx_paas_guard_header_lines(r, "accept-language", lines,
                                       NGX_PAAS_GUARD_LINES, &n);
    lang = pguard_negotiate_lang(lines, n);

    b = ngx_paas_guard_body(r, refusal, format, lang);

    if (b == NULL) {
        return refusal->status;
    }

    type = pguard_refusal_content_type(format);

    r->headers_out.status = refusal->status;
    r->headers_out.content_length_n = b->last - b->pos;
    r->headers_out.content_type.len = type.len;
    r->headers_out.content_type.data = (u_char *) type.data;
    r->headers_out.content_type_len = type.len;
    r->headers_out.content_type_lowcase = NULL;

    language.len = pguard_lang_names[lang].len;
    language.data = (u_char *) pguard_lang_names[lang].data;

    if (ngx_paas_guard_add_header(r, "Content-Language", &language, NULL)
        != NGX_OK)
    {
        return refusal->status;
    }

    return ngx_paas_guard_send_buf(r, b);
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
