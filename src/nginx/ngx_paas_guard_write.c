/*
 * A refusal's six headers, written at once.  nginx writes a header by three
 * copies, each of which is a call.  In the refusal's text the six lines follow
 * one another as they are to be written: so nginx's own filter, which writes
 * the head of an HTTP/1 answer, is given one header with a long value.  All
 * other filters, before and after, see six.
 */

#include "ngx_paas_guard_refusal_private.h"


static ngx_int_t ngx_paas_guard_write_filter(ngx_http_request_t *r);
static PGUARD_APART ngx_int_t ngx_paas_guard_write_refusal(
    ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx);
static ngx_int_t ngx_paas_guard_write_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_paas_guard_write_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_paas_guard_write_init,             /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_paas_guard_write_filter_module = {
    NGX_MODULE_V1,
    &ngx_paas_guard_write_filter_module_ctx,  /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* no header declares it */
extern ngx_module_t  ngx_http_header_filter_module;

static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_int_t
ngx_paas_guard_write_filter(ngx_http_request_t *r)
{
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_paas_guard_module);

    if (ctx && ctx->tag) {
        return ngx_paas_guard_write_refusal(r, ctx);
    }

    return ngx_http_next_header_filter(r);
}


/* As one header, if all six are there as the guard has set them, and the last
   in their part of the list: while nginx writes, the part ends behind the first
   of them.  (They are looked for in one part, as two parts may happen to lie
   one behind the other in memory.) */

static ngx_int_t
ngx_paas_guard_write_refusal(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_int_t         rc;
    ngx_list_part_t  *last;
    ngx_table_elt_t  *end;

    last = r->headers_out.headers.last;
    end = last->elts;
    end += last->nelts;

    if (last->nelts < PGUARD_HEADS
        || end != ctx->tag + PGUARD_HEADS
        || ngx_memcmp(ctx->tag, ctx->answer->headers,
                      PGUARD_HEADS * sizeof(ngx_table_elt_t))
           != 0)
    {
        return ngx_http_next_header_filter(r);
    }

    ctx->tag->value.len = ctx->answer->form.body;
    last->nelts -= PGUARD_HEADS - 1;

    rc = ngx_http_next_header_filter(r);

    last->nelts += PGUARD_HEADS - 1;
    ctx->tag->value.len = ctx->answer->form.head[PGUARD_HEAD_TAG].len;

    return rc;
}


/* Only where no other filter comes between it and nginx's own. */

static ngx_int_t
ngx_paas_guard_write_init(ngx_conf_t *cf)
{
    ngx_uint_t     i;
    ngx_module_t  **modules;

    modules = cf->cycle->modules;

    for (i = 1; modules[i]; i++) {

        if (modules[i] == &ngx_paas_guard_write_filter_module
            && modules[i - 1] == &ngx_http_header_filter_module)
        {
            ngx_http_next_header_filter = ngx_http_top_header_filter;
            ngx_http_top_header_filter = ngx_paas_guard_write_filter;
        }
    }

    return NGX_OK;
}
