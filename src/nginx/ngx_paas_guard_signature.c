/*
 * What a request is compared by: which requests are signed, and the signature
 * from head, line and body.
 */

#include "ngx_paas_guard.h"
#include "../core/pguard_cookie.h"


#define NGX_PAAS_GUARD_SIGNED       64      /* lines of headers */
#define NGX_PAAS_GUARD_CONNECTIONS  4       /* lines of Connection */


/* What the head of a request is compared by. */

typedef struct {
    ngx_uint_t      n;
    pguard_field_t  field[PGUARD_FIELD_HEADER + NGX_PAAS_GUARD_LINES
                          + NGX_PAAS_GUARD_SIGNED];
} ngx_paas_guard_fields_t;


static PGUARD_APART ngx_int_t ngx_paas_guard_sign_whole(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static ngx_inline ngx_int_t ngx_paas_guard_sign_line(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_hash_t *hash);
static ngx_int_t ngx_paas_guard_sign_body(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static void ngx_paas_guard_fields_host(ngx_http_request_t *r,
    ngx_paas_guard_fields_t *f);
static void ngx_paas_guard_fields_authorization(ngx_http_request_t *r,
    ngx_paas_guard_fields_t *f);
static void ngx_paas_guard_fields_session(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_fields_t *f);
static ngx_int_t ngx_paas_guard_fields_headers(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_fields_t *f);


static PGUARD_APART void
ngx_paas_guard_unsigned(ngx_paas_guard_ctx_t *ctx, pguard_unsigned_e why)
{
    ctx->sign = 0;
    (void) pguard_add(&ctx->conf->zone->counters->unsigned_[why], 1);
}


/* A call of gRPC may go both ways at once: its body may wait for an answer, so
   it must not be read first. */

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


/* 1: bodies are sent on to an upstream as they come here; else 0. */

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


static PGUARD_APART ngx_int_t
ngx_paas_guard_signable_body(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    if (ctx->conf->body == 0) {
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


/* 1: Connection asks for an upgrade.  A client that only offers HTTP/2, as many
   do by themselves, names HTTP2-Settings there, too, and does not ask. */

static PGUARD_APART ngx_uint_t
ngx_paas_guard_upgrades(ngx_http_request_t *r)
{
    u_char        *value;
    ngx_uint_t     i, n, upgrades;
    pguard_str_t   line[NGX_PAAS_GUARD_CONNECTIONS];

    (void) ngx_paas_guard_header_lines(r, "connection", line,
                                       NGX_PAAS_GUARD_CONNECTIONS, &n);
    upgrades = 0;

    for (i = 0; i < n; i++) {
        value = (u_char *) line[i].data;

        if (ngx_strcasestrn(value, "http2-settings", 14 - 1)) {
            return 0;
        }

        upgrades |= ngx_strcasestrn(value, "upgrade", 7 - 1) != NULL;
    }

    return upgrades;
}


ngx_int_t
ngx_paas_guard_signable(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_uint_t *body)
{
    *body = r->headers_in.content_length_n > 0 || r->headers_in.chunked;

    if ((r->headers_in.upgrade && ngx_paas_guard_upgrades(r))
        || ngx_paas_guard_is_connect(r))
    {
        ngx_paas_guard_unsigned(ctx, PGUARD_UNSIGNED_UPGRADE);
        return NGX_DECLINED;
    }

    return *body ? ngx_paas_guard_signable_body(r, ctx) : NGX_OK;
}


/* Each rule rewrites what the one before has made. */

static PGUARD_APART ngx_int_t
ngx_paas_guard_rewrite(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_str_t *target)
{
    u_char             *buffer[2];
    size_t              size, len;
    ngx_uint_t          i, n;
    pguard_rewrite_t  **rw;

    size = 2 * target->len + 256;

    buffer[0] = ngx_pnalloc(r->pool, size);
    buffer[1] = ngx_pnalloc(r->pool, size);

    if (buffer[0] == NULL || buffer[1] == NULL) {
        return NGX_ERROR;
    }

    rw = ctx->conf->rewrites->elts;
    n = 0;

    for (i = 0; i < ctx->conf->rewrites->nelts; i++) {
        len = size;

        if (pguard_rewrite_apply(rw[i], *target, buffer[n], &len)) {
            target->data = buffer[n];
            target->len = len;
            n = !n;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_paas_guard_sign(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    if (!ctx->ahead && ngx_paas_guard_sign_whole(r, ctx) != NGX_OK) {
        return NGX_DECLINED;
    }

    ctx->is_signed = 1;

    return NGX_OK;
}


static PGUARD_APART ngx_int_t
ngx_paas_guard_sign_whole(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    pguard_hash_t  head, line;

    if ((!ctx->has_head && ngx_paas_guard_hash_head(r, ctx) != NGX_OK)
        || ngx_paas_guard_sign_line(r, ctx, &line) != NGX_OK)
    {
        ngx_paas_guard_unsigned(ctx, PGUARD_UNSIGNED_ERROR);
        return NGX_DECLINED;
    }

    head = ctx->plain_client ? ctx->head_hash
                             : pguard_sig_after(ctx->client_hash,
                                                ctx->head_hash);

    ctx->signature = pguard_sig_after(head, line);

    if ((r->request_body || ctx->body)
        && ngx_paas_guard_sign_body(r, ctx) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ctx->lines = pguard_throttle_prefetch(&ctx->conf->zone->core.throttle,
                                          ctx->signature);

    return NGX_OK;
}


static ngx_inline ngx_int_t
ngx_paas_guard_sign_line(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_hash_t *hash)
{
    pguard_str_t            method, target;
    ngx_paas_guard_zone_t  *zone;

    ngx_paas_guard_core_str(method, r->method_name);
    ngx_paas_guard_core_str(target, r->unparsed_uri);

    if (ctx->conf->rewrites
        && ngx_paas_guard_rewrite(r, ctx, &target) != NGX_OK)
    {
        return NGX_ERROR;
    }

    zone = ctx->conf->zone;
    *hash = pguard_sig_line(zone->key, zone->mcf->worker->xxh, method, target);

    return NGX_OK;
}


static PGUARD_APART ngx_int_t
ngx_paas_guard_sign_body(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_int_t               rc;
    pguard_field_t          field;
    pguard_digest_t         body;
    ngx_paas_guard_zone_t  *zone;

    rc = ngx_paas_guard_body_digest(r, ctx, &body);

    if (rc != NGX_OK) {
        ngx_paas_guard_unsigned(ctx, rc == NGX_DECLINED
                                     ? PGUARD_UNSIGNED_TOO_LARGE
                                     : PGUARD_UNSIGNED_ERROR);
        return NGX_DECLINED;
    }

    if (body.len == 0) {
        return NGX_OK;
    }

    field.number = PGUARD_FIELD_BODY;
    field.value.data = (u_char *) &body;
    field.value.len = sizeof(pguard_digest_t);

    zone = ctx->conf->zone;

    ctx->signature = pguard_sig_after(ctx->signature,
                                      pguard_sig_fields(zone->key,
                                                    zone->mcf->worker->xxh,
                                                    &field, 1));
    return NGX_OK;
}


static ngx_inline void
ngx_paas_guard_field(ngx_paas_guard_fields_t *f, uint32_t number,
    const void *data, size_t len)
{
    pguard_field_t  *field;

    field = &f->field[f->n++];
    field->number = number;
    field->value.data = data;
    field->value.len = len;
}


/* Mostly the same from one request of a client to the next.  It has a field of
   the default client, which includes the credential; with another client, of
   the credential alone: requests with two credentials are never identical. */

ngx_int_t
ngx_paas_guard_hash_head(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_paas_guard_zone_t    *zone;
    ngx_paas_guard_fields_t   f;

    f.n = 0;

    ngx_paas_guard_find_credential(r, ctx);

    if (ctx->plain_client) {
        ngx_paas_guard_field(&f, PGUARD_FIELD_CLIENT, &ctx->client_hash,
                             sizeof(pguard_hash_t));

    } else {
        ngx_paas_guard_field(&f, PGUARD_FIELD_CREDENTIAL,
                             &ctx->credential_hash, sizeof(pguard_hash_t));
    }

    if (ctx->authorization) {
        ngx_paas_guard_fields_authorization(r, &f);
    }

    if (ctx->conf->zone->mcf->session_cookie.len) {
        ngx_paas_guard_fields_session(r, ctx, &f);
    }

    /* https has this field, http has not */

    if (ngx_paas_guard_is_tls(r)) {
        ngx_paas_guard_field(&f, PGUARD_FIELD_SCHEME, NULL, 0);
    }

    ngx_paas_guard_fields_host(r, &f);

    if (ngx_paas_guard_fields_headers(r, ctx, &f) != NGX_OK) {
        return NGX_ERROR;
    }

    zone = ctx->conf->zone;

    ctx->head_hash = pguard_sig_fields(zone->key, zone->mcf->worker->xxh,
                                       f.field, f.n);
    ctx->has_head = NGX_PAAS_GUARD_HEAD_HASHED;

    return NGX_OK;
}


pguard_str_t
ngx_paas_guard_authority(ngx_http_request_t *r)
{
    pguard_str_t  s;

    s.data = NULL;
    s.len = 0;

    if (r->host_end && r->http_version >= NGX_HTTP_VERSION_20) {
        s.data = r->host_start;
        s.len = r->host_end - r->host_start;
    }

    return s;
}


/* Host names the server; a request line of HTTP/1.1 may do so as well, and then
   both count.  An authority is a Host by another name: nginx refuses a request
   in which they differ. */

static void
ngx_paas_guard_fields_host(ngx_http_request_t *r, ngx_paas_guard_fields_t *f)
{
    ngx_str_t     *s;
    pguard_str_t   authority;

    if (ngx_paas_guard_has_server(r)) {
        s = &r->headers_in.server;
        ngx_paas_guard_field(f, PGUARD_FIELD_SERVER, s->data, s->len);
    }

    if (r->headers_in.host) {
        s = &r->headers_in.host->value;
        ngx_paas_guard_field(f, PGUARD_FIELD_HOST, s->data, s->len);
        return;
    }

    authority = ngx_paas_guard_authority(r);

    if (authority.len) {
        ngx_paas_guard_field(f, PGUARD_FIELD_HOST, authority.data,
                             authority.len);
    }
}


/* An Authorization of a scheme that is not known counts with every byte, for it
   may hold anything. */

static void
ngx_paas_guard_fields_authorization(ngx_http_request_t *r,
    ngx_paas_guard_fields_t *f)
{
    ngx_uint_t    i, n;
    pguard_str_t  lines[NGX_PAAS_GUARD_LINES];

    (void) ngx_paas_guard_header_lines(r, "authorization", lines,
                                       NGX_PAAS_GUARD_LINES, &n);

    for (i = 0; i < n; i++) {
        f->field[f->n].number = PGUARD_FIELD_AUTHORIZATION;
        f->field[f->n++].value = lines[i];
    }
}


/* Beside another credential, which may be an application's, the cookie tells
   whose session it is. */

static void
ngx_paas_guard_fields_session(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_fields_t *f)
{
    ngx_uint_t     n;
    pguard_str_t   name, session, lines[NGX_PAAS_GUARD_LINES];

    if (ctx->credential.kind == PGUARD_CREDENTIAL_NONE
        || ctx->credential.kind == PGUARD_CREDENTIAL_COOKIE)
    {
        return;
    }

    ngx_paas_guard_core_str(name, ctx->conf->zone->mcf->session_cookie);
    (void) ngx_paas_guard_header_lines(r, "cookie", lines,
                                       NGX_PAAS_GUARD_LINES, &n);

    session = pguard_cookie(lines, n, name);

    if (session.len) {
        ngx_paas_guard_field(f, PGUARD_FIELD_SESSION, session.data,
                             session.len);
    }
}


/* 1: h is the configured header at place; else 0. */

static ngx_inline ngx_uint_t
ngx_paas_guard_is_header(ngx_paas_guard_loc_conf_t *conf, ngx_table_elt_t *h,
    ngx_uint_t place)
{
    ngx_str_t  *name;

    name = conf->headers->elts;
    name += place;

    return h->key.len == name->len
           && ngx_memcmp(h->lowcase_key, name->data, h->key.len) == 0;
}


/* The place of h among the configured headers, or NGX_PAAS_GUARD_NO_HEADER. */

static PGUARD_RARE ngx_uint_t
ngx_paas_guard_any_header(ngx_paas_guard_loc_conf_t *conf, ngx_table_elt_t *h)
{
    ngx_uint_t  i;

    for (i = 0; i < conf->headers->nelts; i++) {
        if (ngx_paas_guard_is_header(conf, h, i)) {
            return i;
        }
    }

    return NGX_PAAS_GUARD_NO_HEADER;
}


/* Adds h, if it is a configured header.  Headers go in as they are configured,
   as their own order means nothing; lines of one header in their own order.
   NGX_ERROR: too many lines. */

static ngx_int_t
ngx_paas_guard_fields_header(ngx_paas_guard_ctx_t *ctx, ngx_table_elt_t *h,
    ngx_uint_t place, ngx_uint_t first, ngx_paas_guard_fields_t *f)
{
    uint32_t         number;
    pguard_field_t  *field;

    if (place == NGX_PAAS_GUARD_ANY_HEADER) {
        place = ngx_paas_guard_any_header(ctx->conf, h);

        if (place == NGX_PAAS_GUARD_NO_HEADER) {
            return NGX_OK;
        }

    } else if (!ngx_paas_guard_is_header(ctx->conf, h, place)) {
        return NGX_OK;
    }

    /* more lines than a sane request has: not comparable */

    if (f->n - first == NGX_PAAS_GUARD_SIGNED) {
        return NGX_ERROR;
    }

    number = PGUARD_FIELD_HEADER + place;
    field = &f->field[f->n++];

    for ( /* void */ ; field > &f->field[first]; field--) {

        if (field[-1].number <= number) {
            break;
        }

        field[0] = field[-1];
    }

    field->number = number;
    ngx_paas_guard_core_str(field->value, h->value);

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_fields_headers(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_fields_t *f)
{
    u_char           *guess;
    ngx_uint_t        place, first;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *end;

    guess = ctx->conf->header_place;
    first = f->n;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (end = h + part->nelts; h < end; h++) {
            place = guess[ngx_paas_guard_header_end(h->hash)];

            if (place != NGX_PAAS_GUARD_NO_HEADER
                && ngx_paas_guard_fields_header(ctx, h, place, first, f)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}
