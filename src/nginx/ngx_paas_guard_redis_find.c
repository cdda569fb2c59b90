/*
 * The address to connect to: literal, looked up by nginx's resolver, or known
 * from the configuration.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_paas_guard_redis_private.h"


static ngx_int_t ngx_paas_guard_redis_literal(ngx_paas_guard_redis_t *r,
    ngx_str_t *host);
static ngx_int_t ngx_paas_guard_redis_resolve(ngx_paas_guard_redis_t *r,
    ngx_str_t *host);
static void ngx_paas_guard_redis_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_paas_guard_redis_known(ngx_paas_guard_redis_t *r);


void
ngx_paas_guard_redis_find(ngx_paas_guard_redis_t *r)
{
    ngx_paas_guard_place_t  *place;

    if (r->conf->find) {
        r->conf->find(r->conf->finder, r);
        return;
    }

    place = &r->conf->place;

    ngx_paas_guard_redis_found(r, &place->host, place->port, place, NULL);
}


void
ngx_paas_guard_redis_find_cancel(ngx_paas_guard_redis_t *r)
{
    ngx_queue_remove(&r->finding);
    ngx_queue_init(&r->finding);

    if (r->resolving) {
        ngx_resolve_name_done(r->resolving);
        r->resolving = NULL;
    }
}


void
ngx_paas_guard_redis_found(ngx_paas_guard_redis_t *r, ngx_str_t *host,
    ngx_uint_t port, ngx_paas_guard_place_t *known, const char *why)
{
    ngx_queue_remove(&r->finding);
    ngx_queue_init(&r->finding);

    if (r->state != NGX_PAAS_GUARD_REDIS_FINDING) {
        return;
    }

    if (why) {
        ngx_paas_guard_redis_fail(r, why, 0);
        return;
    }

    r->known = known;
    r->port = port;
    r->host.len = ngx_min(host->len, NGX_PAAS_GUARD_HOST_MAX);

    if (r->host.len) {
        ngx_memcpy(r->host.data, host->data, r->host.len);
    }

    if (ngx_paas_guard_redis_literal(r, &r->host) == NGX_OK) {
        ngx_paas_guard_redis_connect(r, &r->sockaddr.sockaddr, r->socklen);
        return;
    }

    if (ngx_paas_guard_redis_resolve(r, &r->host) != NGX_OK) {
        ngx_paas_guard_redis_known(r);
    }
}


ngx_uint_t
ngx_paas_guard_redis_is_at(ngx_paas_guard_redis_t *r,
    const pguard_slots_node_t *node)
{
    return r->state > NGX_PAAS_GUARD_REDIS_FINDING
           && r->port == node->port
           && r->host.len == node->len
           && ngx_memcmp(r->host.data, node->host, r->host.len) == 0;
}


static ngx_int_t
ngx_paas_guard_redis_literal(ngx_paas_guard_redis_t *r, ngx_str_t *host)
{
    in_addr_t             inaddr;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    ngx_memzero(&r->sockaddr, sizeof(ngx_sockaddr_t));

    inaddr = ngx_inet_addr(host->data, host->len);

    if (inaddr != INADDR_NONE) {
        sin = &r->sockaddr.sockaddr_in;
        sin->sin_family = AF_INET;
        sin->sin_addr.s_addr = inaddr;
        sin->sin_port = htons(r->port);

        r->socklen = sizeof(struct sockaddr_in);

        return NGX_OK;
    }

#if (NGX_HAVE_INET6)

    sin6 = &r->sockaddr.sockaddr_in6;

    if (ngx_inet6_addr(host->data, host->len, sin6->sin6_addr.s6_addr)
        == NGX_OK)
    {
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(r->port);

        r->socklen = sizeof(struct sockaddr_in6);

        return NGX_OK;
    }

#endif

    return NGX_DECLINED;
}


/* The handler may be called from in here. */

static ngx_int_t
ngx_paas_guard_redis_resolve(ngx_paas_guard_redis_t *r, ngx_str_t *host)
{
    ngx_resolver_ctx_t  *ctx;

    if (host->len == 0 || r->conf->resolver == NULL) {
        return NGX_DECLINED;
    }

    ctx = ngx_resolve_start(r->conf->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        return NGX_DECLINED;
    }

    ctx->name = *host;
    ctx->handler = ngx_paas_guard_redis_resolved;
    ctx->data = r;
    ctx->cancelable = 1;

    /* so that there is time left for the addresses that are known */

    ctx->timeout = ngx_max(r->conf->connect_timeout / 2, 1);

    r->resolving = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        r->resolving = NULL;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_paas_guard_redis_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t               i;
    ngx_paas_guard_redis_t  *r;

    r = ctx->data;
    r->resolving = NULL;

    if (ctx->state || ctx->naddrs == 0) {
        ngx_resolve_name_done(ctx);
        ngx_paas_guard_redis_known(r);
        return;
    }

    i = r->address++ % ctx->naddrs;

    r->socklen = ngx_min(ctx->addrs[i].socklen,
                         (socklen_t) sizeof(ngx_sockaddr_t));
    ngx_memcpy(&r->sockaddr, ctx->addrs[i].sockaddr, r->socklen);
    ngx_inet_set_port(&r->sockaddr.sockaddr, (in_port_t) r->port);

    ngx_resolve_name_done(ctx);

    ngx_paas_guard_redis_connect(r, &r->sockaddr.sockaddr, r->socklen);
}


static void
ngx_paas_guard_redis_known(ngx_paas_guard_redis_t *r)
{
    ngx_addr_t  *addr;

    if (r->known == NULL || r->known->naddrs == 0) {
        ngx_paas_guard_redis_fail(r, "has a name that does not resolve", 0);
        return;
    }

    addr = &r->known->addrs[r->address++ % r->known->naddrs];

    ngx_paas_guard_redis_connect(r, addr->sockaddr, addr->socklen);
}
