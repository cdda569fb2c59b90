/*
 * The body of a request: hashed as it comes, or afterwards where it lies.
 */

#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_BODY_READ   16384
#define NGX_PAAS_GUARD_BODY_SHORT  4096     /* comes with the header, mostly */


static ngx_uint_t ngx_paas_guard_body_put(ngx_http_request_t *r);
static void ngx_paas_guard_body_chain(ngx_paas_guard_ctx_t *ctx,
    ngx_chain_t *cl);
static ngx_int_t ngx_paas_guard_body_stored(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_digest_t *digest);
static ngx_int_t ngx_paas_guard_body_file(ngx_buf_t *b, pguard_body_t *body);
static off_t ngx_paas_guard_body_size(ngx_chain_t *cl);


static ngx_http_request_body_filter_pt  ngx_http_next_request_body_filter;


/* The module that answers the request gets the body as the guard had it read.
   So a file gets a name, which some modules need, and goes with the request,
   unless the configuration keeps it. */

void
ngx_paas_guard_body_place(ngx_http_request_t *r)
{
    if (ngx_paas_guard_body_put(r)) {
        r->request_body_in_file_only = 1;
        r->request_body_in_clean_file = 1;
        r->request_body_file_group_access = 1;
        r->request_body_file_log_level = 0;

    } else if (!r->request_body_in_file_only) {
        r->request_body_in_clean_file = 1;
    }

    r->request_body_in_persistent_file = 1;
}


/* Is it for the DAV module, which moves the file to where it is stored, and is
   asked where the location has no other handler? */

static ngx_uint_t
ngx_paas_guard_body_put(ngx_http_request_t *r)
{
    ngx_uint_t                  *methods;
    ngx_paas_guard_main_conf_t  *gmcf;

    if (r->method != NGX_HTTP_PUT || r->content_handler) {
        return 0;
    }

    gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);

    if (gmcf->dav == NGX_CONF_UNSET_UINT) {
        return 0;
    }

    methods = (ngx_uint_t *) ((char *) r->loc_conf[gmcf->dav]
                              + gmcf->dav_methods);

    return (*methods & NGX_HTTP_PUT) != 0;
}


/* A long body, or one for a file, is hashed as it comes, piece by piece, while
   the processor still has in its cache what the kernel has just put there. */

void
ngx_paas_guard_body_start(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    pguard_body_t  *body;

    /* what another module has read before is hashed where it is */

    if (r->request_body || r->discard_body
        || (!r->headers_in.chunked && !r->request_body_in_file_only
            && r->headers_in.content_length_n < NGX_PAAS_GUARD_BODY_SHORT))
    {
        return;
    }

    body = ngx_palloc(r->pool, sizeof(pguard_body_t));

    if (body && pguard_body_start(body, ctx->conf->zone->key) == 0) {
        ctx->body = body;
    }
}


void
ngx_paas_guard_body_drop(ngx_paas_guard_ctx_t *ctx)
{
    pguard_body_drop(ctx->body);
    ctx->body = NULL;
}


static ngx_int_t
ngx_paas_guard_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_paas_guard_module);

    if (ctx && ctx->body) {
        ngx_paas_guard_body_chain(ctx, in);
    }

    return ngx_http_next_request_body_filter(r, in);
}


static void
ngx_paas_guard_body_chain(ngx_paas_guard_ctx_t *ctx, ngx_chain_t *cl)
{
    size_t          size;
    pguard_body_t  *body;

    body = ctx->body;

    for ( /* void */ ; cl; cl = cl->next) {

        if (!ngx_buf_in_memory(cl->buf)) {

            /* another filter has put it into a file */

            if (cl->buf->in_file) {
                ngx_paas_guard_body_drop(ctx);
                return;
            }

            continue;
        }

        size = cl->buf->last - cl->buf->pos;

        /* too long to be signed: its length will tell */

        if (body->len + size > ctx->conf->body) {
            ngx_paas_guard_body_drop(ctx);
            return;
        }

        pguard_body_add(body, cl->buf->pos, size);
    }
}


ngx_int_t
ngx_paas_guard_body_digest(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_digest_t *digest)
{
    if (ctx->body) {
        *digest = pguard_body_end(ctx->body);
        ctx->body = NULL;

        return NGX_OK;
    }

    digest->len = 0;

    /* no body is an empty one */

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    return ngx_paas_guard_body_stored(r, ctx, digest);
}


static ngx_int_t
ngx_paas_guard_body_stored(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_digest_t *digest)
{
    off_t           size;
    ngx_buf_t      *b;
    ngx_chain_t    *cl;
    pguard_body_t   body;

    cl = r->request_body->bufs;
    size = ngx_paas_guard_body_size(cl);

    if (size == 0) {
        return NGX_OK;
    }

    if (size > (off_t) ctx->conf->body) {
        return NGX_DECLINED;
    }

    b = cl->buf;

    if (cl->next == NULL && ngx_buf_in_memory(b)
        && size < NGX_PAAS_GUARD_BODY_SHORT)
    {
        *digest = pguard_body_whole(ctx->conf->zone->key, b->pos, size);
        return NGX_OK;
    }

    if (pguard_body_start(&body, ctx->conf->zone->key) != 0) {
        return NGX_ERROR;
    }

    for ( /* void */ ; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            pguard_body_add(&body, b->pos, b->last - b->pos);

        } else if (b->in_file && ngx_paas_guard_body_file(b, &body) != NGX_OK)
        {
            pguard_body_drop(&body);
            return NGX_ERROR;
        }
    }

    *digest = pguard_body_end(&body);

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_body_file(ngx_buf_t *b, pguard_body_t *body)
{
    off_t    offset;
    size_t   size;
    ssize_t  n;
    u_char   buffer[NGX_PAAS_GUARD_BODY_READ];

    for (offset = b->file_pos; offset < b->file_last; offset += n) {
        size = ngx_min((off_t) sizeof(buffer), b->file_last - offset);

        n = ngx_read_file(b->file, buffer, size, offset);

        if (n <= 0) {
            return NGX_ERROR;
        }

        pguard_body_add(body, buffer, n);
    }

    return NGX_OK;
}


static off_t
ngx_paas_guard_body_size(ngx_chain_t *cl)
{
    off_t  size;

    for (size = 0; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    return size;
}


void
ngx_paas_guard_body_init(void)
{
    ngx_http_next_request_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_paas_guard_body_filter;
}
