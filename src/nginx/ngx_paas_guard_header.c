/*
 * PaaS-Guard is the gateway's own header: a client's is dropped while nginx
 * reads it, an upstream's before the answer is sent.  The header filter adds
 * the RateLimit headers, too.  Where nginx reads Host, the signature is made
 * ahead.
 */

#include "ngx_paas_guard.h"
#include "../core/pguard_ratelimit.h"
#include "../core/pguard_refusal.h"


#define NGX_PAAS_GUARD_POLICIES  32


static ngx_int_t ngx_paas_guard_header_filter(ngx_http_request_t *r);
static void ngx_paas_guard_own_header(ngx_http_request_t *r,
    ngx_table_elt_t *tag);
static PGUARD_RARE void ngx_paas_guard_drop_others(ngx_http_request_t *r,
    ngx_table_elt_t *tag);
static PGUARD_RARE void ngx_paas_guard_add_ratelimit(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static ngx_int_t ngx_paas_guard_drop_received(ngx_http_request_t *r,
    ngx_table_elt_t *h, ngx_uint_t offset);
static ngx_int_t ngx_paas_guard_ratelimit(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static ngx_int_t ngx_paas_guard_filter_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_paas_guard_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_paas_guard_filter_init,            /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_paas_guard_filter_module = {
    NGX_MODULE_V1,
    &ngx_paas_guard_filter_module_ctx,     /* module context */
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


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_int_t
ngx_paas_guard_header_filter(ngx_http_request_t *r)
{
    ngx_paas_guard_ctx_t  *ctx;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_paas_guard_ctx(r);

    ngx_paas_guard_own_header(r, ctx ? ctx->tag : NULL);

    if (ctx && ctx->conf->ratelimit && !ctx->ratelimited
        && ctx->state == NGX_PAAS_GUARD_DONE
        && ctx->verdict != PGUARD_VERDICT_EXEMPT)
    {
        ngx_paas_guard_add_ratelimit(r, ctx);
    }

    return ngx_http_next_header_filter(r);
}


static ngx_uint_t
ngx_paas_guard_is_tag(ngx_table_elt_t *h)
{
    return h->key.len == sizeof(NGX_PAAS_GUARD_TAG) - 1
           && ngx_strncasecmp(h->key.data, (u_char *) NGX_PAAS_GUARD_TAG,
                              sizeof(NGX_PAAS_GUARD_TAG) - 1)
              == 0;
}


/* Whatever an upstream says of itself under our name is left out. */

static void
ngx_paas_guard_own_header(ngx_http_request_t *r, ngx_table_elt_t *tag)
{
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *end;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (end = h + part->nelts; h < end; h++) {

            if (h->key.len != sizeof(NGX_PAAS_GUARD_TAG) - 1) {
                continue;
            }

            if (h != tag) {
                ngx_paas_guard_drop_others(r, tag);
                return;
            }

            /* the guard's others, which are behind it */

            h += PGUARD_HEAD_LANGUAGE - PGUARD_HEAD_RETRY;
        }
    }
}


/* One has a name as long as ours. */

static PGUARD_RARE void
ngx_paas_guard_drop_others(ngx_http_request_t *r, ngx_table_elt_t *tag)
{
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *end;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (end = h + part->nelts; h < end; h++) {

            if (h != tag && ngx_paas_guard_is_tag(h)) {
                h->hash = 0;
            }
        }
    }
}


/* Nor does a client's word reach the upstream.  nginx looks up each header that
   it reads, and calls a handler for those that it knows: it comes to know this
   one.  Other modules, as Perl's, take what is there for the place of a pointer
   to such a line: the one of Keep-Alive, which nginx is done with once it has
   read a head, does no harm. */

static ngx_http_header_t  ngx_paas_guard_received = {
    ngx_string(NGX_PAAS_GUARD_TAG),
    offsetof(ngx_http_headers_in_t, keep_alive),
    ngx_paas_guard_drop_received
};


/* h was added last.  A part of a list must not become empty, but for its first:
   there, h becomes a line that no upstream is told. */

static ngx_int_t
ngx_paas_guard_drop_received(ngx_http_request_t *r, ngx_table_elt_t *h,
    ngx_uint_t offset)
{
    ngx_list_t       *list;
    ngx_table_elt_t  *elts;

    list = &r->headers_in.headers;
    elts = list->last->elts;

    if (h == &elts[list->last->nelts - 1]
        && (h != elts || list->last == &list->part))
    {
        list->last->nelts--;
        return NGX_OK;
    }

    h->hash = ngx_hash_key((u_char *) "keep-alive", sizeof("keep-alive") - 1);
    h->lowcase_key = (u_char *) "keep-alive";
    ngx_str_set(&h->key, "Keep-Alive");
    ngx_str_set(&h->value, "");

    return NGX_OK;
}


/* Mostly the first of a head: what is to be done while nginx reads the rest is
   begun here. */

static ngx_int_t
ngx_paas_guard_host(ngx_http_request_t *r, ngx_table_elt_t *h,
    ngx_uint_t offset)
{
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);

    /* where it is not taken, the request is gone */

    if (gmcf->host(r, h, offset) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_paas_guard_sign_ahead(r);

    return NGX_OK;
}


/* What a header that is known is to be known as: but for Host, the same. */

static void *
ngx_paas_guard_known_value(ngx_conf_t *cf, ngx_hash_elt_t *elt)
{
    ngx_http_header_t           *host;
    ngx_paas_guard_main_conf_t  *gmcf;

    if (elt->len != sizeof("host") - 1
        || ngx_memcmp(elt->name, "host", sizeof("host") - 1) != 0)
    {
        return elt->value;
    }

    host = ngx_palloc(cf->pool, sizeof(ngx_http_header_t));

    if (host) {
        *host = *(ngx_http_header_t *) elt->value;

        gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_paas_guard_module);
        gmcf->host = host->handler;

        host->handler = ngx_paas_guard_host;
    }

    return host;
}


static ngx_int_t
ngx_paas_guard_add_known(ngx_array_t *known, u_char *name, size_t len,
    ngx_uint_t hash, void *value)
{
    ngx_hash_key_t  *key;

    key = ngx_array_push(known);
    if (key == NULL) {
        return NGX_ERROR;
    }

    key->key.data = name;
    key->key.len = len;
    key->key_hash = hash;
    key->value = value;

    return NGX_OK;
}


/* Our header by this name, which nginx hashes as if it were the other. */

static ngx_int_t
ngx_paas_guard_know_received(ngx_array_t *known, const char *name,
    const char *hashed)
{
    return ngx_paas_guard_add_known(known, (u_char *) name, ngx_strlen(name),
                                    ngx_hash_key((u_char *) hashed,
                                                 ngx_strlen(hashed)),
                                    &ngx_paas_guard_received);
}


static ngx_uint_t
ngx_paas_guard_takes_underscores(ngx_http_core_main_conf_t *cmcf)
{
    ngx_uint_t                   i;
    ngx_http_core_srv_conf_t   **cscf;

    cscf = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        if (cscf[i]->underscores_in_headers || !cscf[i]->ignore_invalid_headers)
        {
            return 1;
        }
    }

    return 0;
}


/* The headers that are known already, whoever has made them so, and ours. */

ngx_int_t
ngx_paas_guard_know_header(ngx_conf_t *cf)
{
    void                       *value;
    ngx_hash_t                 *known;
    ngx_uint_t                  i;
    ngx_array_t                 keys;
    ngx_hash_elt_t             *elt;
    ngx_hash_init_t             hash;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    known = &cmcf->headers_in_hash;

    if (ngx_array_init(&keys, cf->temp_pool, 64, sizeof(ngx_hash_key_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < known->size; i++) {

        for (elt = known->buckets[i]; elt && elt->value;
             elt = (void *) ngx_align_ptr(&elt->name[elt->len],
                                          sizeof(void *)))
        {
            value = ngx_paas_guard_known_value(cf, elt);

            if (value == NULL
                || ngx_paas_guard_add_known(&keys, elt->name, elt->len,
                                            ngx_hash_key(elt->name, elt->len),
                                            value)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    if (ngx_paas_guard_know_received(&keys, NGX_PAAS_GUARD_TAG,
                                     NGX_PAAS_GUARD_TAG)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* to CGI, it is the same; where it is an invalid name that is not ignored,
       HTTP/1 leaves the underscore out of its hash */

    if (ngx_paas_guard_takes_underscores(cmcf)
        && (ngx_paas_guard_know_received(&keys, "paas_guard", "paas_guard")
            != NGX_OK
            || ngx_paas_guard_know_received(&keys, "paas_guard", "paasguard")
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    ngx_memzero(&hash, sizeof(ngx_hash_init_t));

    hash.hash = known;
    hash.key = ngx_hash_key;
    hash.max_size = 1024;
    hash.bucket_size = ngx_align(64, ngx_cacheline_size);
    hash.name = "headers_in_hash";
    hash.pool = cf->pool;

    return ngx_hash_init(&hash, keys.elts, keys.nelts);
}


static void
ngx_paas_guard_identical_policy(ngx_paas_guard_ctx_t *ctx,
    pguard_ratelimit_t *p)
{
    p->name = pguard_refusal_identical;
    p->quota = 1;
    p->window = (ctx->conf->interval + 999) / 1000;
    p->remaining = 0;
    p->reset = ctx->throttled ? (ctx->wait + 999999) / 1000000 : p->window;
}


static void
ngx_paas_guard_rule_policy(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key, pguard_ratelimit_t *p)
{
    uint64_t               limit;
    pguard_window_state_t  state;

    limit = key->rule->window.limit;

    state = pguard_window_peek(&ctx->conf->zone->core.windows,
                               key->window, &key->rule->window,
                               ctx->now_msec);

    ngx_paas_guard_core_str(p->name, key->rule->name);
    p->quota = limit;
    p->window = (key->rule->window.window + 999) / 1000;
    p->remaining = state.count < limit ? limit - state.count : 0;
    p->reset = state.reset ? (state.reset + 999) / 1000 : p->window;
}


/* The policies in force; of a refusal, only the one that it violates, for
   Retry-After must not come before any reset that is told. */

static ngx_uint_t
ngx_paas_guard_policies(ngx_paas_guard_ctx_t *ctx, pguard_ratelimit_t *p)
{
    ngx_uint_t             i, n;
    ngx_paas_guard_key_t  *key;

    n = 0;

    if (ctx->is_signed && ctx->reason != PGUARD_REASON_HAMMERING
        && ctx->reason != PGUARD_REASON_LOCKOUT)
    {
        ngx_paas_guard_identical_policy(ctx, &p[n++]);
    }

    if (ctx->reason == PGUARD_REASON_DUPLICATE) {
        return n;
    }

    for (i = 0; i < ctx->nkeys && n < NGX_PAAS_GUARD_POLICIES; i++) {
        key = &ctx->keys[i];

        if (ctx->rule.len == 0) {
            if (key->counts) {
                ngx_paas_guard_rule_policy(ctx, key, &p[n++]);
            }

            continue;
        }

        if (key->rule->name.len == ctx->rule.len
            && ngx_strncmp(key->rule->name.data, ctx->rule.data,
                           ctx->rule.len)
               == 0)
        {
            ngx_paas_guard_rule_policy(ctx, key, &p[n]);
            p[n].remaining = 0;
            p[n++].reset = ctx->retry_after;
        }
    }

    return n;
}


static ngx_int_t
ngx_paas_guard_ratelimit_header(ngx_http_request_t *r, const char *name,
    void (*render)(pguard_out_t *out, const pguard_ratelimit_t *p, size_t n),
    const pguard_ratelimit_t *p, size_t n)
{
    ngx_str_t     value;
    pguard_out_t  out;

    pguard_out_init(&out, NULL, 0);
    render(&out, p, n);

    value.len = out.need;
    value.data = ngx_pnalloc(r->pool, value.len);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    pguard_out_init(&out, value.data, value.len);
    render(&out, p, n);

    return ngx_paas_guard_add_header(r, name, &value, NULL);
}


static ngx_int_t
ngx_paas_guard_ratelimit(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t          n;
    pguard_ratelimit_t  p[NGX_PAAS_GUARD_POLICIES];

    n = ngx_paas_guard_policies(ctx, p);

    if (n == 0) {
        return NGX_OK;
    }

    if (ngx_paas_guard_ratelimit_header(r, "RateLimit-Policy",
                                        pguard_ratelimit_policy, p, n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_paas_guard_ratelimit_header(r, "RateLimit", pguard_ratelimit,
                                           p, n);
}


static PGUARD_RARE void
ngx_paas_guard_add_ratelimit(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ctx->ratelimited = 1;

    if (ngx_paas_guard_ratelimit(r, ctx) != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "paas_guard: RateLimit headers left out");
    }
}


static ngx_int_t
ngx_paas_guard_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_paas_guard_header_filter;

    /* here, for what is added later runs earlier: before "return" */

    return ngx_paas_guard_place_init(cf);
}
