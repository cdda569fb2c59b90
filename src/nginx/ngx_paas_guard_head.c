#include "ngx_paas_guard.h"
#include "../core/pguard_same.h"


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

#define NGX_PAAS_GUARD_HEAD_MAX  2048       /* bytes of the lines that count */
#define NGX_PAAS_GUARD_HEAD_GAP  2          /* at most: ": " */

/* A connection on which heads change so often in a row has many clients, as one
   of a proxy: only one of so many is kept from then on. */

#define NGX_PAAS_GUARD_HEAD_TRIES  4
#define NGX_PAAS_GUARD_HEAD_EACH   16


/* A line that counts. */

typedef struct {
    uint32_t                    index;      /* in the list */
    uint32_t                    name;       /* bytes */
    uint32_t                    value;      /* bytes */
    uint32_t                    len;        /* of both, as they lie; or less
                                               than both: they lie apart */
} ngx_paas_guard_line_t;


struct ngx_paas_guard_head_s {
    ngx_pool_cleanup_t          cleanup;    /* marks it in the pool */
    ngx_paas_guard_loc_conf_t  *conf;       /* what counts, and whose key */
    pguard_hash_t               credential; /* as in the context: */
    pguard_hash_t               client;
    pguard_hash_t               head;
    pguard_credential_e         kind;       /* of the credential */
    ngx_uint_t                  authorization;  /* as in the context */
    uint32_t                    who;        /* in the list: its line */
    uint32_t                    start;      /* and in that one's value */
    uint32_t                    len;
    uint16_t                    source;
    uint32_t                    wishes[NGX_PAAS_GUARD_WISH_LINES];
                                            /* how many, */
    uint32_t                    wish[NGX_PAAS_GUARD_WISH_LINES];
                                            /* and where in the list the last */
    ngx_uint_t                  misses;     /* in a row */
    ngx_uint_t                  max;        /* room: lines */
    size_t                      size;       /* and bytes */
    ngx_uint_t                  nhashes;
    ngx_uint_t                 *hash;       /* of each name */
    ngx_uint_t                  nlines;
    ngx_uint_t                  nwho;       /* the first of them: who it is */
    ngx_paas_guard_line_t      *line;
    size_t                      address;    /* bytes of it, which come first */
    size_t                      authority;  /* and of this, which is next */
    u_char                     *bytes;
    u_char                     *what;       /* those of the other lines */
};


static void
ngx_paas_guard_head_cleanup(void *data)
{
    /* only marks it in the pool's list */
}


static ngx_inline ngx_paas_guard_head_t *
ngx_paas_guard_head(ngx_connection_t *c)
{
    return ngx_paas_guard_marked(c->pool, ngx_paas_guard_head_cleanup);
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


static ngx_inline size_t
ngx_paas_guard_line_len(ngx_table_elt_t *h)
{
    return h->value.data + h->value.len - h->key.data;
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
    line->name = (uint32_t) h->key.len;
    line->value = (uint32_t) h->value.len;

    if (ngx_paas_guard_line_whole(h)) {
        line->len = (uint32_t) ngx_paas_guard_line_len(h);
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

    for (i = 0; i < head->nhashes; i++) {

        if (ngx_paas_guard_line_kind(head->conf, &h[i]) != kind) {
            continue;
        }

        line = &head->line[head->nlines++];

        line->index = (uint32_t) i;
        p = ngx_paas_guard_line_copy(line, &h[i], p);
    }

    return p;
}


/* By their hashes alone, as the next request's names are. */

static void
ngx_paas_guard_keep_wishes(ngx_paas_guard_head_t *head)
{
    ngx_uint_t  i, n;

    for (n = 0; n < NGX_PAAS_GUARD_WISH_LINES; n++) {
        head->wishes[n] = 0;

        for (i = 0; i < head->nhashes; i++) {
            if (head->hash[i] == head->conf->wish_hash[n]) {
                head->wishes[n]++;
                head->wish[n] = (uint32_t) i;
            }
        }
    }
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
    head->nlines = 0;
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

    head->nwho = head->nlines;
    head->what = p;

    (void) ngx_paas_guard_lines_copy(head, h, NGX_PAAS_GUARD_LINE_WHAT, p);

    ngx_paas_guard_keep_wishes(head);
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


/* As it is now, for a module may change the line before the request ends. */

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

    ngx_paas_guard_head_copy(head, ctx->conf, part, address, authority);

    head->credential = ctx->credential_hash;
    head->client = ctx->client_hash;
    head->head = ctx->head_hash;
    head->source = ctx->source;
}


static ngx_inline ngx_uint_t
ngx_paas_guard_same_names(ngx_paas_guard_head_t *head, ngx_table_elt_t *h)
{
    ngx_uint_t  *hash, *end, differ;

    hash = head->hash;
    end = hash + head->nhashes;
    differ = 0;

    for ( /* void */ ; hash + 1 < end; hash += 2, h += 2) {
        differ |= (h[0].hash ^ hash[0]) | (h[1].hash ^ hash[1]);
    }

    if (hash < end) {
        differ |= h[0].hash ^ hash[0];
    }

    return differ == 0;
}


static PGUARD_RARE ngx_uint_t
ngx_paas_guard_same_parts(ngx_paas_guard_line_t *line, ngx_table_elt_t *h,
    u_char *p)
{
    return line->len < line->name + line->value
           && pguard_same(p, h->key.data, line->name)
           && pguard_same(p + line->name, h->value.data, line->value);
}


static PGUARD_INLINE ngx_uint_t
ngx_paas_guard_same_lines(ngx_paas_guard_line_t *line,
    ngx_paas_guard_line_t *end, ngx_table_elt_t *list, u_char *p)
{
    pguard_bytes_t    differ = { 0 };
    ngx_table_elt_t  *h;

    for ( /* void */ ; line < end; line++) {
        h = &list[line->index];

        if (h->key.len != line->name || h->value.len != line->value) {
            return 0;
        }

        if (ngx_paas_guard_line_len(h) == line->len) {
            differ = pguard_differ(differ, p, h->key.data, line->len);
            p += line->len;
            continue;
        }

        if (!ngx_paas_guard_same_parts(line, h, p)) {
            return 0;
        }

        p += line->name + line->value;
    }

    return pguard_none_differ(differ);
}


/* What is not in lines, nor a secret. */

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


void
ngx_paas_guard_recall(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_list_part_t        *part;
    ngx_paas_guard_head_t  *head;

    head = ngx_paas_guard_head(r->connection);
    part = &r->headers_in.headers.part;

    if (head == NULL || head->conf != ctx->conf
        || head->nhashes != part->nelts || part->next
        || ngx_paas_guard_has_server(r)
        || !ngx_paas_guard_same_ends(head, r)
        || !ngx_paas_guard_same_names(head, part->elts)
        || !ngx_paas_guard_same_lines(head->line, head->line + head->nwho,
                                      part->elts, head->bytes + head->address
                                                  + head->authority))
    {
        return;
    }

    ctx->head = head;
    ngx_paas_guard_recall_credential(head, ctx, part->elts);
    ctx->client_hash = head->client;
    ctx->source = head->source;
}


void
ngx_paas_guard_recall_rest(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_paas_guard_head_t  *head;

    head = ctx->head;

    if (!ngx_paas_guard_same_lines(head->line + head->nwho,
                                   head->line + head->nlines,
                                   r->headers_in.headers.part.elts,
                                   head->what))
    {
        ngx_paas_guard_remember(r, ctx);
        return;
    }

    head->misses = 0;

    ctx->head_hash = head->head;
    ctx->has_head = 1;
}


/* A line of such a hash may have another name, though none has by chance. */

ngx_int_t
ngx_paas_guard_recall_wishes(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_wish_line_t *wish)
{
    ngx_uint_t              n;
    ngx_table_elt_t        *h;
    ngx_paas_guard_head_t  *head;

    head = ctx->head;

    if (head == NULL || head->nhashes != r->headers_in.headers.part.nelts) {
        return NGX_DECLINED;
    }

    for (n = 0; n < NGX_PAAS_GUARD_WISH_LINES; n++) {
        wish[n].n = head->wishes[n];

        if (wish[n].n == 0) {
            continue;
        }

        h = r->headers_in.headers.part.elts;
        wish[n].line = &h[head->wish[n]];

        if (ngx_paas_guard_wish_of(wish[n].line) != n) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}
