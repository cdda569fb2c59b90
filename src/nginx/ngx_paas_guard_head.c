#include "ngx_paas_guard.h"


/*
 * What a connection that is kept alive remembers of its last request's head.
 *
 * A client mostly sends the same lines with each request, but for some that
 * mean nothing here, such as an id of the request.  What they told is kept in
 * the connection's memory, with a copy of those that count: to compare costs a
 * part of reading and hashing them again.
 *
 * Which lines count is known by the hash of a name, which nginx has made
 * already.  A line that does not count has a hash that no name of interest
 * has; one that counts is compared whole, with its name: so two heads that are
 * taken for the same tell the same, whatever names a client makes up.
 */

#define NGX_PAAS_GUARD_HEAD_LINES  64
#define NGX_PAAS_GUARD_HEAD_MAX    2048     /* bytes of the lines that count */
#define NGX_PAAS_GUARD_HEAD_GAP    2        /* at most: ": " */


typedef struct {
    ngx_uint_t                  hash;       /* of the name */
    uint16_t                    name;       /* bytes; 0: does not count */
    uint16_t                    gap;        /* from the name to the value */
    uint32_t                    len;        /* of the value */
} ngx_paas_guard_line_t;


typedef struct {
    ngx_pool_cleanup_t          cleanup;    /* marks it in the pool */
    ngx_paas_guard_loc_conf_t  *conf;       /* what counts, and whose key */
    pguard_hash_t               credential; /* as in the context: */
    pguard_hash_t               client;
    pguard_hash_t               headers;
    uint16_t                    source;
    ngx_uint_t                  nlines;
    ngx_uint_t                  max;        /* room: lines */
    size_t                      size;       /* and bytes */
    size_t                      address;    /* bytes of it, which come first */
    u_char                     *bytes;
    ngx_paas_guard_line_t       line[];
} ngx_paas_guard_head_t;


static void
ngx_paas_guard_head_cleanup(void *data)
{
    /* only marks it in the pool's list */
}


static ngx_paas_guard_head_t *
ngx_paas_guard_head(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = c->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_paas_guard_head_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


/* With room for somewhat more, as lines differ from one call to another. */

static PGUARD_RARE ngx_paas_guard_head_t *
ngx_paas_guard_new_head(ngx_connection_t *c, ngx_uint_t lines, size_t size)
{
    ngx_paas_guard_head_t  *head;

    lines += 4;
    size = ngx_align(size + 64, 64);

    head = ngx_palloc(c->pool, sizeof(ngx_paas_guard_head_t)
                               + lines * sizeof(ngx_paas_guard_line_t)
                               + size);
    if (head == NULL) {
        return NULL;
    }

    head->max = lines;
    head->size = size;
    head->bytes = (u_char *) &head->line[lines];

    head->cleanup.handler = ngx_paas_guard_head_cleanup;
    head->cleanup.data = head;
    head->cleanup.next = c->pool->cleanup;
    c->pool->cleanup = &head->cleanup;

    return head;
}


/* May h be of interest here? */

static ngx_inline ngx_uint_t
ngx_paas_guard_line_counts(ngx_paas_guard_loc_conf_t *conf,
    ngx_table_elt_t *h)
{
    return conf->header_place[ngx_paas_guard_header_end(h->hash)]
           != NGX_PAAS_GUARD_NO_HEADER;
}


static ngx_inline size_t
ngx_paas_guard_line_size(ngx_table_elt_t *h)
{
    return h->value.data + h->value.len - h->key.data;
}


/* Bytes of the lines that count; more than will ever be kept if one does not
   lie in one piece. */

static size_t
ngx_paas_guard_head_size(ngx_paas_guard_loc_conf_t *conf, ngx_table_elt_t *h,
    ngx_uint_t n)
{
    size_t      size;
    ngx_int_t   gap;
    ngx_uint_t  i;

    size = 0;

    for (i = 0; i < n; i++) {

        if (!ngx_paas_guard_line_counts(conf, &h[i])) {
            continue;
        }

        gap = h[i].value.data - h[i].key.data - (ngx_int_t) h[i].key.len;

        if (gap < 0 || gap > NGX_PAAS_GUARD_HEAD_GAP || h[i].key.len == 0) {
            return NGX_PAAS_GUARD_HEAD_MAX + 1;
        }

        size += ngx_paas_guard_line_size(&h[i]);

        if (size > NGX_PAAS_GUARD_HEAD_MAX) {
            break;
        }
    }

    return size;
}


static void
ngx_paas_guard_head_copy(ngx_paas_guard_head_t *head,
    ngx_paas_guard_loc_conf_t *conf, ngx_table_elt_t *h, ngx_uint_t n,
    pguard_str_t address)
{
    u_char                 *p;
    ngx_uint_t              i;
    ngx_paas_guard_line_t  *line;

    head->conf = conf;
    head->nlines = n;
    head->address = address.len;

    p = ngx_cpymem(head->bytes, address.data, address.len);

    for (i = 0; i < n; i++) {
        line = &head->line[i];

        line->hash = h[i].hash;
        line->name = 0;

        if (ngx_paas_guard_line_counts(conf, &h[i])) {
            line->name = (uint16_t) h[i].key.len;
            line->gap = (uint16_t) (h[i].value.data - h[i].key.data);
            line->len = (uint32_t) h[i].value.len;

            p = ngx_cpymem(p, h[i].key.data, ngx_paas_guard_line_size(&h[i]));
        }
    }
}


/* From the second request on: most connections have one only.  What does not
   fit into the first one's room is not kept. */

void
ngx_paas_guard_remember(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    size_t                  size;
    pguard_str_t            address;
    ngx_list_part_t        *part;
    ngx_paas_guard_head_t  *head;

    part = &r->headers_in.headers.part;

    if (r->connection->requests < 2 || part->next
        || part->nelts > NGX_PAAS_GUARD_HEAD_LINES)
    {
        return;
    }

    address = ngx_paas_guard_address(r);
    size = address.len + ngx_paas_guard_head_size(ctx->conf, part->elts,
                                                  part->nelts);
    if (size > NGX_PAAS_GUARD_HEAD_MAX) {
        return;
    }

    head = ngx_paas_guard_head(r->connection);

    if (head == NULL) {
        head = ngx_paas_guard_new_head(r->connection, part->nelts, size);
    }

    if (head == NULL || part->nelts > head->max || size > head->size) {
        return;
    }

    ngx_paas_guard_find_credential(r, ctx);

    if (ctx->conf->interval && ngx_paas_guard_hash_headers(r, ctx) != NGX_OK)
    {
        return;
    }

    ngx_paas_guard_head_copy(head, ctx->conf, part->elts, part->nelts,
                             address);

    head->credential = ctx->credential_hash;
    head->client = ctx->client_hash;
    head->headers = ctx->headers_hash;
    head->source = ctx->source;
}


static ngx_inline ngx_uint_t
ngx_paas_guard_same_lines(ngx_paas_guard_head_t *head, ngx_table_elt_t *h)
{
    u_char                 *p;
    size_t                  size;
    ngx_paas_guard_line_t  *line, *end;

    p = head->bytes + head->address;
    line = head->line;

    for (end = line + head->nlines; line < end; line++, h++) {

        if (h->hash != line->hash) {
            return 0;
        }

        if (line->name == 0) {
            continue;
        }

        size = (size_t) line->gap + line->len;

        if (h->key.len != line->name || h->value.len != line->len
            || h->value.data - h->key.data != line->gap
            || !pguard_credential_same(p, h->key.data, size))
        {
            return 0;
        }

        p += size;
    }

    return 1;
}


ngx_uint_t
ngx_paas_guard_recall(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    pguard_str_t            address;
    ngx_list_part_t        *part;
    ngx_paas_guard_head_t  *head;

    head = ngx_paas_guard_head(r->connection);
    part = &r->headers_in.headers.part;

    if (head == NULL || head->conf != ctx->conf
        || head->nlines != part->nelts || part->next)
    {
        return 0;
    }

    address = ngx_paas_guard_address(r);

    if (head->address != address.len
        || ngx_memcmp(head->bytes, address.data, address.len) != 0
        || !ngx_paas_guard_same_lines(head, part->elts))
    {
        return 0;
    }

    ctx->credential_hash = head->credential;
    ctx->client_hash = head->client;
    ctx->headers_hash = head->headers;
    ctx->source = head->source;
    ctx->has_headers = ctx->conf->interval != 0;

    return 1;
}
