/*
 * What a connection that is kept alive remembers of its last request's head.
 *
 * A client mostly sends the same lines with each request, but for some that
 * mean nothing here, such as an id of the request.  So what was found out from
 * them is kept in the connection's memory, with a copy of the lines that count:
 * comparing them costs a part of reading and hashing them again.
 *
 * Which lines count is known by the hash of a name, which nginx has made
 * already.  A line that does not count has a hash that no name of interest
 * has; one that counts is compared whole, with its name: so two heads that are
 * taken for the same mean the same, whatever names a client makes up.
 */

#include "ngx_paas_guard_head_private.h"


#define NGX_PAAS_GUARD_HEAD_MAX  2048       /* bytes of the lines that count */
#define NGX_PAAS_GUARD_HEAD_GAP  2          /* at most: ": " */

/* A connection on which heads change so often in a row has many clients, as one
   of a proxy: only one of so many is kept from then on. */

#define NGX_PAAS_GUARD_HEAD_TRIES  4
#define NGX_PAAS_GUARD_HEAD_EACH   16


void
ngx_paas_guard_head_cleanup(void *data)
{
    /* only marks it in the pool's list */
}


/* With room for somewhat more, as lines differ from one call to another. */

static PGUARD_RARE ngx_paas_guard_head_t *
ngx_paas_guard_new_head(ngx_connection_t *c, ngx_uint_t lines, size_t size)
{
    ngx_paas_guard_head_t  *head;

    lines += 4;
    size = ngx_align(size + 64, 64);

    head = ngx_palloc(c->pool, sizeof(ngx_paas_guard_head_t)
                               + lines * (sizeof(ngx_uint_t)
                                          + sizeof(ngx_paas_guard_line_t))
                               + size);
    if (head == NULL) {
        return NULL;
    }

    head->misses = 0;
    head->ahead = 0;
    head->max = lines;
    head->size = size;
    head->hash = (ngx_uint_t *) &head[1];
    head->line = (ngx_paas_guard_line_t *) &head->hash[lines];
    head->bytes = (u_char *) &head->line[lines];

    head->cleanup.handler = ngx_paas_guard_head_cleanup;
    head->cleanup.data = head;
    head->cleanup.next = c->pool->cleanup;
    c->pool->cleanup = &head->cleanup;

    return head;
}


/* What h may tell. */

static ngx_inline ngx_uint_t
ngx_paas_guard_line_kind(ngx_paas_guard_loc_conf_t *conf, ngx_table_elt_t *h)
{
    return conf->head_line[ngx_paas_guard_header_end(h->hash)];
}


/* In HTTP/1, and mostly in HTTP/2, a value lies behind its name: they are
   copied and compared in one piece. */

static ngx_inline ngx_uint_t
ngx_paas_guard_line_whole(ngx_table_elt_t *h)
{
    ngx_int_t  gap;

    gap = h->value.data - h->key.data - (ngx_int_t) h->key.len;

    return gap >= 0 && gap <= NGX_PAAS_GUARD_HEAD_GAP;
}


/* Bytes of the lines that count: more than enough. */

static size_t
ngx_paas_guard_head_size(ngx_paas_guard_loc_conf_t *conf, ngx_table_elt_t *h,
    ngx_uint_t n)
{
    size_t      size;
    ngx_uint_t  i;

    size = 0;

    for (i = 0; i < n; i++) {
        if (ngx_paas_guard_line_kind(conf, &h[i])) {
            size += h[i].key.len + NGX_PAAS_GUARD_HEAD_GAP + h[i].value.len;
        }
    }

    return size;
}


static u_char *
ngx_paas_guard_line_copy(ngx_paas_guard_line_t *line, ngx_table_elt_t *h,
    u_char *p)
{
    line->name = h->key.len;
    line->value = h->value.len;

    if (ngx_paas_guard_line_whole(h)) {
        line->len = ngx_paas_guard_line_len(h);
        return ngx_cpymem(p, h->key.data, line->len);
    }

    line->len = line->name + line->value - 1;
    p = ngx_cpymem(p, h->key.data, line->name);

    return ngx_cpymem(p, h->value.data, line->value);
}


static u_char *
ngx_paas_guard_lines_copy(ngx_paas_guard_head_t *head, ngx_table_elt_t *h,
    ngx_uint_t kind, u_char *p)
{
    ngx_uint_t              i;
    ngx_paas_guard_line_t  *line;

    line = head->end[kind - 1];
    head->lines[kind] = p;

    for (i = 0; i < head->nhashes; i++) {

        if (ngx_paas_guard_line_kind(head->conf, &h[i]) != kind) {
            continue;
        }

        line->at = i * sizeof(ngx_table_elt_t);
        p = ngx_paas_guard_line_copy(line++, &h[i], p);
    }

    head->end[kind] = line;

    return p;
}


static void
ngx_paas_guard_head_copy(ngx_paas_guard_head_t *head,
    ngx_paas_guard_loc_conf_t *conf, ngx_list_part_t *part,
    pguard_str_t address, pguard_str_t authority)
{
    u_char           *p;
    ngx_uint_t        i;
    ngx_table_elt_t  *h;

    h = part->elts;

    head->conf = conf;
    head->nhashes = part->nelts;
    head->end[NGX_PAAS_GUARD_LINE_NOTHING] = head->line;
    head->address = address.len;
    head->authority = authority.len;

    for (i = 0; i < head->nhashes; i++) {
        head->hash[i] = h[i].hash;
    }

    p = ngx_cpymem(head->bytes, address.data, address.len);

    if (authority.len) {
        p = ngx_cpymem(p, authority.data, authority.len);
    }

    p = ngx_paas_guard_lines_copy(head, h, NGX_PAAS_GUARD_LINE_WHO, p);
    p = ngx_paas_guard_lines_copy(head, h, NGX_PAAS_GUARD_LINE_WHAT, p);
    (void) ngx_paas_guard_lines_copy(head, h, NGX_PAAS_GUARD_LINE_WISH, p);

    head->told.answer = NULL;
}


/* Where the credential lies in the lines that count.  NGX_DECLINED: elsewhere,
   so nothing would tell if it changed. */

static ngx_int_t
ngx_paas_guard_keep_credential(ngx_paas_guard_head_t *head,
    ngx_paas_guard_ctx_t *ctx, ngx_table_elt_t *h, ngx_uint_t n)
{
    ngx_uint_t            i;
    pguard_credential_t  *c;

    c = &ctx->credential;
    head->kind = c->kind;
    head->authorization = ctx->authorization;

    if (c->kind == PGUARD_CREDENTIAL_NONE) {
        return NGX_OK;
    }

    for (i = 0; i < n; i++) {

        if (ngx_paas_guard_line_kind(ctx->conf, &h[i])
            == NGX_PAAS_GUARD_LINE_WHO
            && c->value.data >= h[i].value.data
            && c->value.data + c->value.len
               <= h[i].value.data + h[i].value.len)
        {
            head->who = (uint32_t) i;
            head->start = (uint32_t) (c->value.data - h[i].value.data);
            head->len = (uint32_t) c->value.len;

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* Keys of the rules in force, where the head alone tells them all. */

static void
ngx_paas_guard_keep_keys(ngx_paas_guard_head_t *head, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t               i, n;
    ngx_paas_guard_key_t    *key;
    ngx_paas_guard_rule_t  **rules;

    head->nkeys = 0;

    if (!ctx->plain_client || ctx->conf->rules == NULL) {
        return;
    }

    rules = ctx->conf->rules->elts;
    n = ctx->conf->rules->nelts;

    if (n > NGX_PAAS_GUARD_HEAD_KEYS || n > ctx->nkeys) {
        return;
    }

    for (i = 0; i < n; i++) {
        key = &ctx->keys[i];

        if (key->rule != rules[i]
            || (key->rule->source != NGX_PAAS_GUARD_KEY_CLIENT
                && key->rule->source != NGX_PAAS_GUARD_KEY_ADDRESS))
        {
            return;
        }

        head->key[i] = *key;
    }

    head->nkeys = n;
}


/* From the second request on: most connections have one only, and those that
   are streams of HTTP/3 always.  What does not fit into the first one's room is
   not kept. */

void
ngx_paas_guard_remember(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    size_t                  size;
    pguard_str_t            address, authority;
    ngx_list_part_t        *part;
    ngx_paas_guard_head_t  *head;

    part = &r->headers_in.headers.part;

    if (r->connection->requests < 2
        || r->http_version > NGX_HTTP_VERSION_20
        || part->next
        || ngx_paas_guard_has_server(r))
    {
        return;
    }

    head = ngx_paas_guard_head(r->connection);

    if (head && ++head->misses > NGX_PAAS_GUARD_HEAD_TRIES
        && head->misses % NGX_PAAS_GUARD_HEAD_EACH)
    {
        return;
    }

    address = ngx_paas_guard_address(r);
    authority = ngx_paas_guard_authority(r);

    size = address.len + authority.len
           + ngx_paas_guard_head_size(ctx->conf, part->elts, part->nelts);

    if (size > NGX_PAAS_GUARD_HEAD_MAX) {
        return;
    }

    if (head == NULL) {
        head = ngx_paas_guard_new_head(r->connection, part->nelts, size);
    }

    if (head == NULL || part->nelts > head->max || size > head->size) {
        return;
    }

    head->conf = NULL;                          /* until it is whole again */
    head->steady = 0;

    ngx_paas_guard_find_credential(r, ctx);

    if (ctx->conf->interval && ngx_paas_guard_hash_head(r, ctx) != NGX_OK)
    {
        return;
    }

    if (ngx_paas_guard_keep_credential(head, ctx, part->elts, part->nelts)
        != NGX_OK)
    {
        return;
    }

    ngx_paas_guard_keep_keys(head, ctx);
    ngx_paas_guard_head_copy(head, ctx->conf, part, address, authority);

    head->credential = ctx->credential_hash;
    head->client = ctx->client_hash;
    head->head = ctx->head_hash;
    head->source = ctx->source;

    head->signable = ctx->conf->interval && ctx->conf->plain_client
                     && ctx->conf->rewrites == NULL
                     && r->http_version < NGX_HTTP_VERSION_20;
}
