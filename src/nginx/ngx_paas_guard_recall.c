/*
 * Whether a request's head is the same as the last one's of its connection,
 * and what is taken over then.  See ngx_paas_guard_head.c.
 */

#include "ngx_paas_guard_head_private.h"
#include "../core/pguard_same.h"


/* Two hashes at a time, as pguard_same.h does bytes. */

typedef ngx_uint_t  ngx_paas_guard_two_hashes_t
                               __attribute__((vector_size(2 * sizeof(void *))));

static ngx_inline ngx_uint_t
ngx_paas_guard_same_names(ngx_paas_guard_head_t *head, ngx_table_elt_t *h)
{
    ngx_uint_t                   *hash, *end;
    ngx_paas_guard_two_hashes_t   two, differ = { 0, 0 };

    hash = head->hash;

    for (end = hash + (head->nhashes & ~1); hash < end; hash += 2, h += 2) {
        ngx_memcpy(&two, hash, sizeof(two));
        differ |= (ngx_paas_guard_two_hashes_t) { h[0].hash, h[1].hash } ^ two;
    }

    if (head->nhashes & 1) {
        differ[0] |= h[0].hash ^ hash[0];
    }

    return (differ[0] | differ[1]) == 0;
}


/* Compares a line whose name and value lie apart with its copy at p, in which
   they must lie apart, too.  Returns the end of the copy; NULL: they differ. */

static PGUARD_RARE u_char *
ngx_paas_guard_same_parts(ngx_paas_guard_line_t *line, ngx_table_elt_t *h,
    u_char *p)
{
    return line->len < line->name + line->value
           && pguard_same(p, h->key.data, line->name)
           && pguard_same(p + line->name, h->value.data, line->value)
           ? p + line->name + line->value : NULL;
}


/* 1: the lines of the kinds from kind to last are the same; else 0. */

static ngx_inline ngx_uint_t
ngx_paas_guard_same_kinds(ngx_paas_guard_head_t *head, ngx_uint_t kind,
    ngx_uint_t last, ngx_table_elt_t *list)
{
    u_char                 *p;
    pguard_bytes_t          differ = { 0 };
    ngx_table_elt_t        *h;
    ngx_paas_guard_line_t  *line, *end;

    p = head->lines[kind];

    for (line = head->end[kind - 1], end = head->end[last]; line < end; line++)
    {
        h = (ngx_table_elt_t *) ((u_char *) list + line->at);

        if (h->key.len != line->name || h->value.len != line->value) {
            return 0;
        }

        if (ngx_paas_guard_line_len(h) == line->len) {
            differ = pguard_differ(differ, p, h->key.data, line->len);
            p += line->len;
            continue;
        }

        p = ngx_paas_guard_same_parts(line, h, p);

        if (p == NULL) {
            return 0;
        }
    }

    return (ngx_uint_t) pguard_none_differ(differ);
}


/* Compares the lines of the kinds from kind to last.  Returns the last kind up
   to which all are the same; kind - 1: none.  Mostly all are. */

static PGUARD_APART ngx_uint_t
ngx_paas_guard_same_lines(ngx_paas_guard_head_t *head, ngx_uint_t kind,
    ngx_uint_t last, ngx_table_elt_t *list)
{
    while (last >= kind
           && !ngx_paas_guard_same_kinds(head, kind, last, list))
    {
        last--;
    }

    return last;
}


/* The address and the authority, which are no lines, and no secrets. */

static ngx_inline ngx_uint_t
ngx_paas_guard_same_ends(ngx_paas_guard_head_t *head, ngx_http_request_t *r)
{
    pguard_str_t  address, authority;

    address = ngx_paas_guard_address(r);
    authority = ngx_paas_guard_authority(r);

    if (head->address != address.len || head->authority != authority.len) {
        return 0;
    }

    if (address.len == sizeof(in_addr_t)) {

        /* without a call */

        if (ngx_memcmp(head->bytes, address.data, sizeof(in_addr_t)) != 0) {
            return 0;
        }

    } else if (ngx_memcmp(head->bytes, address.data, address.len) != 0) {
        return 0;
    }

    return authority.len == 0
           || ngx_memcmp(head->bytes + address.len, authority.data,
                         authority.len)
              == 0;
}


/* A slice of the request's line as it is now: another module may replace that
   line before the request ends. */

static ngx_inline void
ngx_paas_guard_recall_credential(ngx_paas_guard_head_t *head,
    ngx_paas_guard_ctx_t *ctx, ngx_table_elt_t *list)
{
    ctx->has_credential = 1;
    ctx->authorization = head->authorization;
    ctx->credential_hash = head->credential;
    ctx->credential.kind = head->kind;

    if (head->kind != PGUARD_CREDENTIAL_NONE) {
        ctx->credential.value.data = list[head->who].value.data + head->start;
        ctx->credential.value.len = head->len;
    }
}


static ngx_inline void
ngx_paas_guard_recall_head(ngx_paas_guard_head_t *head,
    ngx_paas_guard_ctx_t *ctx, ngx_http_request_t *r)
{
    head->misses = 0;
    head->steady = head->signable;

    ctx->head_hash = head->head;
    ctx->has_head = NGX_PAAS_GUARD_HEAD_RECALLED;

    /* nginx makes a GET of what it redirects */

    if (head->ahead == r->connection->requests
        && head->method == r->method_name.data)
    {
        ctx->ahead = 1;
        ctx->signature = head->signature;
        ctx->lines = head->lines_at;
    }
}


/* In a large zone, prefetching the signature's lines takes as long as nginx
   takes to read the rest of the head. */

void
ngx_paas_guard_sign_ahead(ngx_http_request_t *r)
{
    pguard_str_t            method, target;
    ngx_paas_guard_head_t  *head;
    ngx_paas_guard_zone_t  *zone;

    head = ngx_paas_guard_head(r->connection);

    if (head == NULL || !head->steady) {
        return;
    }

    head->ahead = r->connection->requests;
    head->method = r->method_name.data;

    zone = head->conf->zone;

    ngx_paas_guard_core_str(method, r->method_name);
    ngx_paas_guard_core_str(target, r->unparsed_uri);

    head->signature = pguard_sig_after(head->head,
                                       pguard_sig_line(zone->key,
                                                       zone->mcf->worker->xxh,
                                                       method, target));
    head->lines_at = pguard_throttle_prefetch(&zone->core.throttle,
                                              head->signature);
}


/* Mostly, all lines are compared at once.  While there are blocks, only those
   that say who sends the request, for it may end there; and also if the last
   head of the connection differed. */

void
ngx_paas_guard_recall(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t              kind;
    ngx_list_part_t        *part;
    ngx_paas_guard_head_t  *head;

    head = ngx_paas_guard_head(r->connection);

    if (head == NULL || head->conf != ctx->conf) {
        return;
    }

    kind = NGX_PAAS_GUARD_LINE_WHO;

    if (ctx->blocks) {
        head->steady = 0;

    } else if (ctx->conf->interval && head->misses == 0) {
        kind = NGX_PAAS_GUARD_LINE_WHAT;
    }

    part = &r->headers_in.headers.part;

    if (head->nhashes != part->nelts || part->next
        || ngx_paas_guard_has_server(r)
        || !ngx_paas_guard_same_ends(head, r)
        || !ngx_paas_guard_same_names(head, part->elts))
    {
        return;
    }

    kind = ngx_paas_guard_same_lines(head, NGX_PAAS_GUARD_LINE_WHO, kind,
                                     part->elts);

    if (kind < NGX_PAAS_GUARD_LINE_WHO) {
        return;
    }

    if (kind == NGX_PAAS_GUARD_LINE_WHAT) {
        ngx_paas_guard_recall_head(head, ctx, r);
    }

    ctx->head = head;
    ngx_paas_guard_recall_credential(head, ctx, part->elts);
    ctx->client_hash = head->client;
    ctx->source = head->source;
}


ngx_int_t
ngx_paas_guard_recall_keys(ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t              i, n;
    ngx_paas_guard_key_t   *key;
    ngx_paas_guard_head_t  *head;

    head = ctx->head;

    if (head == NULL) {
        return NGX_DECLINED;
    }

    n = head->nkeys;

    for (i = 0; i < n; i++) {
        key = &ctx->keys[i];
        *key = head->key[i];
        pguard_prefetch(key->home);
    }

    ctx->nkeys = n;

    return n ? NGX_OK : NGX_DECLINED;
}


void
ngx_paas_guard_recall_rest(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_paas_guard_head_t  *head;

    head = ctx->head;

    if (ngx_paas_guard_same_lines(head, NGX_PAAS_GUARD_LINE_WHAT,
                                  NGX_PAAS_GUARD_LINE_WHAT,
                                  r->headers_in.headers.part.elts)
        != NGX_PAAS_GUARD_LINE_WHAT)
    {
        ngx_paas_guard_remember(r, ctx);
        return;
    }

    ngx_paas_guard_recall_head(head, ctx, r);
}


/* While this request waited for its body or the store, another one of its
   connection may have replaced what it was compared with: then all is compared
   again. */

ngx_paas_guard_told_t *
ngx_paas_guard_recall_told(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t              kind;
    ngx_list_part_t        *part;
    ngx_paas_guard_head_t  *head;

    head = ctx->head;
    part = &r->headers_in.headers.part;

    if (head == NULL || head->nhashes != part->nelts || part->next) {
        return NULL;
    }

    if (r->request_body || ctx->question) {
        kind = NGX_PAAS_GUARD_LINE_WHO;

        if (!ngx_paas_guard_same_names(head, part->elts)) {
            return NULL;
        }

    } else {
        kind = ctx->has_head == NGX_PAAS_GUARD_HEAD_RECALLED
               ? NGX_PAAS_GUARD_LINE_WISH : NGX_PAAS_GUARD_LINE_WHAT;
    }

    return ngx_paas_guard_same_lines(head, kind, NGX_PAAS_GUARD_LINE_WISH,
                                     part->elts)
           == NGX_PAAS_GUARD_LINE_WISH
           ? &head->told : NULL;
}
