/*
 * The context of a request: made, found again after an internal redirect, and
 * reused.  Also what became of a request, and the clocks.
 */

#include "ngx_paas_guard.h"


static void ngx_paas_guard_ctx_cleanup(void *data);
static ngx_uint_t ngx_paas_guard_outcome(ngx_http_request_t *r);
static ngx_uint_t ngx_paas_guard_gone(ngx_http_request_t *r);
static ngx_uint_t ngx_paas_guard_unspoken(ngx_http_request_t *r);


PGUARD_RARE ngx_paas_guard_ctx_t *
ngx_paas_guard_forgotten_ctx(ngx_http_request_t *r)
{
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_paas_guard_marked(r->pool, ngx_paas_guard_ctx_cleanup);

    if (ctx) {
        ngx_http_set_ctx(r, ctx, ngx_paas_guard_module);
    }

    return ctx;
}


/* Contexts that no request has are kept for the next ones: there are never more
   than this worker had requests at once. */

static ngx_inline ngx_paas_guard_ctx_t *
ngx_paas_guard_alloc_ctx(ngx_http_request_t *r,
    ngx_paas_guard_main_conf_t *gmcf)
{
    size_t                    size;
    ngx_paas_guard_ctx_t     *ctx;
    ngx_paas_guard_worker_t  *worker;

    worker = gmcf->worker;
    ctx = worker->free;

    if (ctx) {
        worker->free = ctx->next;
        return ctx;
    }

    size = sizeof(ngx_paas_guard_ctx_t)
           + gmcf->rules.nelts * sizeof(ngx_paas_guard_key_t);

#if (NGX_DEBUG_PALLOC)

    /* one that is used behind its request's end is to be found */

    return ngx_palloc(r->pool, size);

#else

    return ngx_palloc(worker->pool, size);

#endif
}


static ngx_inline void
ngx_paas_guard_free_ctx(ngx_paas_guard_ctx_t *ctx)
{
#if !(NGX_DEBUG_PALLOC)

    ngx_paas_guard_worker_t  *worker;

    worker = ctx->conf->zone->mcf->worker;

    ctx->next = worker->free;
    worker->free = ctx;

#endif
}


ngx_paas_guard_ctx_t *
ngx_paas_guard_create_ctx(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *glcf)
{
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_paas_guard_alloc_ctx(r, glcf->zone->mcf);
    if (ctx == NULL) {
        return NULL;
    }

    ngx_memzero(ctx, offsetof(ngx_paas_guard_ctx_t, cleanup));

    ctx->cleanup.handler = ngx_paas_guard_ctx_cleanup;
    ctx->cleanup.data = ctx;
    ctx->cleanup.next = r->pool->cleanup;
    r->pool->cleanup = &ctx->cleanup;

    ctx->request = r;
    ctx->conf = glcf;
    ctx->verdict = PGUARD_VERDICTS;
    ctx->reason = PGUARD_REASON_NONE;
    ctx->block[0] = '\0';
    ngx_paas_guard_take_time(ctx);

    ngx_http_set_ctx(r, ctx, ngx_paas_guard_module);

    return ctx;
}


void
ngx_paas_guard_take_time(ngx_paas_guard_ctx_t *ctx)
{
    ctx->now = ngx_paas_guard_now();
    ctx->now_msec = ctx->now / 1000;
}


static void
ngx_paas_guard_ctx_cleanup(void *data)
{
    ngx_paas_guard_ctx_t *ctx = data;

    /* also marks the context in the pool's list */

    if (ctx->body) {
        ngx_paas_guard_body_drop(ctx);
    }

    /* a look for the context finds none from now on */

    ctx->cleanup.handler = NULL;
    ngx_http_set_ctx(ctx->request, NULL, ngx_paas_guard_module);

    ngx_paas_guard_free_ctx(ctx);
}


/* The status that the client gets, as in access logs. */

ngx_uint_t
ngx_paas_guard_status(ngx_http_request_t *r)
{
    return r->err_status ? r->err_status : r->headers_out.status;
}


/* What the last upstream answered, or nginx in its place; 0 without one. */

ngx_uint_t
ngx_paas_guard_upstream_status(ngx_http_request_t *r)
{
    ngx_http_upstream_state_t  *state;

    if (r->upstream_states == NULL || r->upstream_states->nelts == 0) {
        return 0;
    }

    state = r->upstream_states->elts;

    return state[r->upstream_states->nelts - 1].status;
}


/* What became of the request: an error_page with another status is no answer
   of a service that failed.  What a cache has is. */

static ngx_uint_t
ngx_paas_guard_outcome(ngx_http_request_t *r)
{
    ngx_uint_t  status, upstream;

    status = ngx_paas_guard_status(r);
    upstream = ngx_paas_guard_upstream_status(r);

    if (upstream < NGX_HTTP_INTERNAL_SERVER_ERROR
        || status >= NGX_HTTP_INTERNAL_SERVER_ERROR
        || status == NGX_HTTP_CLIENT_CLOSED_REQUEST)
    {
        return status == NGX_HTTP_INTERNAL_SERVER_ERROR && upstream == 0
               && ngx_paas_guard_gone(r)
               ? NGX_HTTP_CLIENT_CLOSED_REQUEST : status;
    }

#if (NGX_HTTP_CACHE)
    if (r->upstream && r->upstream->cache_status >= NGX_HTTP_CACHE_STALE
        && r->upstream->cache_status <= NGX_HTTP_CACHE_HIT)
    {
        return status;
    }
#endif

    return upstream;
}


/* nginx says 500 if its "100 Continue" does not reach the client, for it is
   gone: else anybody could make failures of a service that was not asked. */

static ngx_uint_t
ngx_paas_guard_gone(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    return r->headers_in.expect && c->error && c->sent == 0;
}


/* Has nginx stopped at the request line, as with 505, or at an encoding that it
   does not know, with 501? */

static ngx_uint_t
ngx_paas_guard_unspoken(ngx_http_request_t *r)
{
    return r->unparsed_uri.data == NULL
           || (r->headers_in.transfer_encoding && !r->headers_in.chunked);
}


/* What nginx could not read has never been given to phases, but for its error
   page; an error of the server's own, before the guard, is no malformed
   request. */

pguard_sla_e
ngx_paas_guard_class(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    unsigned  status, reached;

    status = (unsigned) ngx_paas_guard_outcome(r->main);

    reached = ctx ? ctx->state == NGX_PAAS_GUARD_DONE
                  : r->main->valid_location
                    && status >= NGX_HTTP_INTERNAL_SERVER_ERROR
                    && !ngx_paas_guard_unspoken(r->main);

    return pguard_sla_class(ctx ? ctx->verdict : PGUARD_VERDICTS,
                            ctx ? ctx->reason : PGUARD_REASON_NONE,
                            status, reached);
}


/* Not ngx_current_msec: that is a worker's own, and late by as much as an
   event loop's turn takes. */

pguard_usec_t
ngx_paas_guard_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (pguard_usec_t) ts.tv_sec * 1000000
           + (pguard_usec_t) ts.tv_nsec / 1000;
}


pguard_msec_t
ngx_paas_guard_clock(void *unused)
{
    return ngx_paas_guard_now() / 1000;
}
