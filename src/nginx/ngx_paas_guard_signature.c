#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_SIGNED  64           /* lines of headers */


static void ngx_paas_guard_sign_host(ngx_http_request_t *r,
    pguard_sig_t *sig);
static void ngx_paas_guard_sign_credential(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_sig_t *sig);
static ngx_int_t ngx_paas_guard_sign_target(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_sig_t *sig);
static ngx_int_t ngx_paas_guard_sign_headers(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_sig_t *sig);
static ngx_int_t ngx_paas_guard_sign_body(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_sig_t *sig);


static void
ngx_paas_guard_unsigned(ngx_paas_guard_ctx_t *ctx, pguard_unsigned_e why)
{
    ctx->sign = 0;
    (void) pguard_add(&ctx->conf->zone->counters->unsigned_[why], 1);
}


/* A call of gRPC may go both ways at once: its body may wait for an answer. */

static ngx_uint_t
ngx_paas_guard_is_grpc(ngx_http_request_t *r)
{
    ngx_table_elt_t  *type;

    type = r->headers_in.content_type;

    return type && type->value.len >= sizeof("application/grpc") - 1
           && ngx_strncasecmp(type->value.data, (u_char *) "application/grpc",
                              sizeof("application/grpc") - 1)
              == 0;
}


/* Does a module that sends requests on take bodies as they come here? */

static ngx_uint_t
ngx_paas_guard_unbuffered(ngx_http_request_t *r)
{
    ngx_uint_t                   i, any, *index;
    ngx_http_upstream_conf_t    *conf;
    ngx_paas_guard_main_conf_t  *gmcf;

    if (r->http_version >= NGX_HTTP_VERSION_20 && ngx_paas_guard_is_grpc(r)) {
        return 1;
    }

    gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);
    index = gmcf->upstreams.elts;
    any = 0;

    for (i = 0; i < gmcf->upstreams.nelts; i++) {
        conf = r->loc_conf[index[i]];

        if (conf->upstream) {
            return index[i] == gmcf->grpc || conf->request_buffering == 0;
        }

        any |= conf->request_buffering == 0 && index[i] != gmcf->grpc;
    }

    /* an address in a variable does not show whose it is: any may be */

    return any;
}


/* NGX_OK if the request can be signed, with *body set if there is a body to
   read before; else NGX_DECLINED, and why is counted. */

ngx_int_t
ngx_paas_guard_signable(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_uint_t *body)
{
    *body = r->headers_in.content_length_n > 0 || r->headers_in.chunked;

    if (r->headers_in.upgrade || ngx_paas_guard_is_connect(r)) {
        ngx_paas_guard_unsigned(ctx, PGUARD_UNSIGNED_UPGRADE);

    } else if (!*body) {
        return NGX_OK;

    } else if (ctx->conf->body == 0) {
        ngx_paas_guard_unsigned(ctx, PGUARD_UNSIGNED_BODY_OFF);

    } else if (r->headers_in.content_length_n > (off_t) ctx->conf->body) {
        ngx_paas_guard_unsigned(ctx, PGUARD_UNSIGNED_TOO_LARGE);

    } else if (ngx_paas_guard_unbuffered(r)) {
        ngx_paas_guard_unsigned(ctx, PGUARD_UNSIGNED_UNBUFFERED);

    } else {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static void
ngx_paas_guard_field(pguard_sig_t *sig, uint32_t field, ngx_str_t *value)
{
    pguard_str_t  s;

    ngx_paas_guard_core_str(s, *value);
    pguard_sig_field(sig, field, s);
}


/* The body, if any, has been read. */

ngx_int_t
ngx_paas_guard_sign(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    pguard_str_t            s;
    pguard_sig_t            sig;
    ngx_paas_guard_zone_t  *zone;

    zone = ctx->conf->zone;

    pguard_sig_init(&sig, zone->key, zone->mcf->worker->xxh);

    s.data = (u_char *) &ctx->client_hash;
    s.len = sizeof(pguard_hash_t);

    pguard_sig_field(&sig, PGUARD_FIELD_CLIENT, s);
    ngx_paas_guard_sign_credential(r, ctx, &sig);
    ngx_paas_guard_field(&sig, PGUARD_FIELD_METHOD, &r->method_name);

    /* https has this field, http has not */

    if (ngx_paas_guard_is_tls(r)) {
        s.len = 0;
        pguard_sig_field(&sig, PGUARD_FIELD_SCHEME, s);
    }

    ngx_paas_guard_sign_host(r, &sig);

    if (ngx_paas_guard_sign_target(r, ctx, &sig) != NGX_OK
        || ngx_paas_guard_sign_headers(r, ctx, &sig) != NGX_OK)
    {
        ngx_paas_guard_unsigned(ctx, PGUARD_UNSIGNED_ERROR);
        return NGX_DECLINED;
    }

    if (ngx_paas_guard_sign_body(r, ctx, &sig) != NGX_OK) {
        return NGX_DECLINED;
    }

    ctx->signature = pguard_sig_final(&sig);
    ctx->is_signed = 1;

    return NGX_OK;
}


/* The server is what Host says, unless the request line of HTTP/1.1 says it,
   too.  The ":authority" of HTTP/2 and 3 is a Host by another name: nginx
   refuses the request if there is one that differs. */

static void
ngx_paas_guard_sign_host(ngx_http_request_t *r, pguard_sig_t *sig)
{
    ngx_str_t  host;

    if (r->host_start && r->http_version < NGX_HTTP_VERSION_20) {
        ngx_paas_guard_field(sig, PGUARD_FIELD_SERVER, &r->headers_in.server);
    }

    if (r->headers_in.host) {
        ngx_paas_guard_field(sig, PGUARD_FIELD_HOST,
                             &r->headers_in.host->value);

    } else if (r->host_end && r->http_version >= NGX_HTTP_VERSION_20) {
        host.data = r->host_start;
        host.len = r->host_end - r->host_start;

        ngx_paas_guard_field(sig, PGUARD_FIELD_HOST, &host);
    }
}


/* Whatever the operator takes for a client: requests with two credentials are
   never one.  An Authorization of a scheme that is not known counts with every
   byte, for it may hold anything. */

static void
ngx_paas_guard_sign_credential(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_sig_t *sig)
{
    ngx_uint_t    i, n;
    pguard_str_t  hash, lines[NGX_PAAS_GUARD_LINES];

    /* the default client holds it already */

    if (!ctx->plain_client) {
        ngx_paas_guard_find_credential(r, ctx);

        hash.data = (u_char *) &ctx->credential_hash;
        hash.len = sizeof(pguard_hash_t);
        pguard_sig_field(sig, PGUARD_FIELD_CREDENTIAL, hash);
    }

    if (!ctx->authorization) {
        return;
    }

    (void) ngx_paas_guard_header_lines(r, "authorization", lines,
                                       NGX_PAAS_GUARD_LINES, &n);

    for (i = 0; i < n; i++) {
        pguard_sig_field(sig, PGUARD_FIELD_AUTHORIZATION, lines[i]);
    }
}


static ngx_int_t
ngx_paas_guard_sign_target(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_sig_t *sig)
{
    u_char             *buffer[2];
    size_t              size, len;
    ngx_uint_t          i, n;
    pguard_str_t        target;
    pguard_rewrite_t  **rw;

    ngx_paas_guard_core_str(target, r->unparsed_uri);

    if (ctx->conf->rewrites == NULL) {
        pguard_sig_field(sig, PGUARD_FIELD_TARGET, target);
        return NGX_OK;
    }

    size = 2 * target.len + 256;

    buffer[0] = ngx_pnalloc(r->pool, size);
    buffer[1] = ngx_pnalloc(r->pool, size);

    if (buffer[0] == NULL || buffer[1] == NULL) {
        return NGX_ERROR;
    }

    rw = ctx->conf->rewrites->elts;
    n = 0;

    for (i = 0; i < ctx->conf->rewrites->nelts; i++) {
        len = size;

        if (pguard_rewrite_apply(rw[i], target, buffer[n], &len)) {
            target.data = buffer[n];
            target.len = len;
            n = !n;
        }
    }

    pguard_sig_field(sig, PGUARD_FIELD_TARGET, target);

    return NGX_OK;
}


/* The place of h in the configured list, or its length.  guess: what its hash
   says of it in header_place. */

static ngx_uint_t
ngx_paas_guard_header_place(ngx_paas_guard_loc_conf_t *conf,
    ngx_table_elt_t *h, ngx_uint_t guess)
{
    ngx_uint_t                i, last;
    ngx_paas_guard_header_t  *name;

    name = conf->headers->elts;
    i = guess;
    last = i + 1;

    if (guess == NGX_PAAS_GUARD_ANY_HEADER) {
        i = 0;
        last = conf->headers->nelts;
    }

    for ( /* void */ ; i < last; i++) {

        if (h->hash == name[i].hash && h->key.len == name[i].name.len
            && ngx_memcmp(h->lowcase_key, name[i].name.data, h->key.len)
               == 0)
        {
            return i;
        }
    }

    return conf->headers->nelts;
}


/* Lines of the same header in their order; headers in the order in which they
   are configured, as their own order means nothing. */

static ngx_int_t
ngx_paas_guard_sign_headers(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_sig_t *sig)
{
    u_char           *guess;
    uint32_t          field[NGX_PAAS_GUARD_SIGNED];
    ngx_uint_t        i, j, place, found;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *end, *line[NGX_PAAS_GUARD_SIGNED];

    guess = ctx->conf->header_place;
    found = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (end = h + part->nelts; h < end; h++) {
            place = guess[ngx_paas_guard_header_end(h->hash)];

            if (place == NGX_PAAS_GUARD_NO_HEADER) {
                continue;
            }

            place = ngx_paas_guard_header_place(ctx->conf, h, place);

            if (place == ctx->conf->headers->nelts) {
                continue;
            }

            /* more lines than a sane request has: not comparable */

            if (found == NGX_PAAS_GUARD_SIGNED) {
                return NGX_ERROR;
            }

            for (j = found++; j && field[j - 1] > place; j--) {
                field[j] = field[j - 1];
                line[j] = line[j - 1];
            }

            field[j] = place;
            line[j] = h;
        }
    }

    for (i = 0; i < found; i++) {
        ngx_paas_guard_field(sig, PGUARD_FIELD_HEADER + field[i],
                             &line[i]->value);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_sign_body(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_sig_t *sig)
{
    ngx_int_t        rc;
    pguard_str_t     s;
    pguard_digest_t  digest;

    rc = ngx_paas_guard_body_digest(r, ctx, &digest);

    if (rc != NGX_OK) {
        ngx_paas_guard_unsigned(ctx, rc == NGX_DECLINED
                                     ? PGUARD_UNSIGNED_TOO_LARGE
                                     : PGUARD_UNSIGNED_ERROR);
        return NGX_DECLINED;
    }

    if (digest.len) {
        s.data = (u_char *) &digest;
        s.len = sizeof(pguard_digest_t);
        pguard_sig_field(sig, PGUARD_FIELD_BODY, s);
    }

    return NGX_OK;
}
