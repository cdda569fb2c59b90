/*
 * In which format and language a client is told of a refusal, by its Accept
 * and Accept-Language.
 */

#include "ngx_paas_guard.h"


/* Lines that say how a client likes to be told of a refusal. */

typedef enum {
    NGX_PAAS_GUARD_ACCEPT = 0,
    NGX_PAAS_GUARD_ACCEPT_LANGUAGE,
    NGX_PAAS_GUARD_WISH_LINES
} ngx_paas_guard_wish_line_e;


/* A header that says how a client likes to be told, and the function that reads
   it; its lines in a request: how many, and the last of them. */

typedef struct {
    const char                *name;
    unsigned                 (*read)(const pguard_str_t *lines, size_t n);
} ngx_paas_guard_wishing_t;

typedef struct {
    ngx_uint_t                 n;
    ngx_table_elt_t           *line;
} ngx_paas_guard_wish_line_t;


static PGUARD_RARE void ngx_paas_guard_wishes(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_body_e *body, pguard_lang_e *lang);
static void ngx_paas_guard_wish_lines(ngx_http_request_t *r,
    ngx_paas_guard_wish_line_t *line);
static ngx_inline ngx_uint_t ngx_paas_guard_wish(ngx_http_request_t *r,
    const ngx_paas_guard_wishing_t *wishing, ngx_paas_guard_wish_t *known,
    const ngx_paas_guard_wish_line_t *found);
static PGUARD_RARE ngx_uint_t ngx_paas_guard_read_wish(ngx_http_request_t *r,
    const ngx_paas_guard_wishing_t *wishing, ngx_paas_guard_wish_t *known,
    ngx_str_t *line);


/* Is this a line of the header called name, a literal in lower case? */

#define ngx_paas_guard_header_is(h, name)                                     \
    ((h)->key.len == sizeof(name) - 1 && (h)->hash                            \
     && ngx_memcmp((h)->lowcase_key, name, sizeof(name) - 1) == 0)


/* Which of these lines h is; NGX_PAAS_GUARD_WISH_LINES: none. */

static ngx_inline ngx_paas_guard_wish_line_e
ngx_paas_guard_wish_of(ngx_table_elt_t *h)
{
    if (ngx_paas_guard_header_is(h, "accept")) {
        return NGX_PAAS_GUARD_ACCEPT;
    }

    return ngx_paas_guard_header_is(h, "accept-language")
           ? NGX_PAAS_GUARD_ACCEPT_LANGUAGE : NGX_PAAS_GUARD_WISH_LINES;
}


ngx_paas_guard_told_t *
ngx_paas_guard_told(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_told_t *here)
{
    ngx_paas_guard_told_t  *told;

    told = ngx_paas_guard_recall_told(r, ctx);

    if (told == NULL) {
        told = here;
        told->answer = NULL;
    }

    if (told->answer == NULL) {
        ngx_paas_guard_wishes(r, ctx, &told->body, &told->lang);
    }

    return told;
}


static PGUARD_RARE void
ngx_paas_guard_wishes(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_body_e *body, pguard_lang_e *lang)
{
    ngx_paas_guard_worker_t     *worker;
    ngx_paas_guard_wish_line_t   line[NGX_PAAS_GUARD_WISH_LINES];

    static const ngx_paas_guard_wishing_t  bodies = {
        "accept", pguard_negotiate_body
    };

    static const ngx_paas_guard_wishing_t  langs = {
        "accept-language", pguard_negotiate_lang
    };

    ngx_paas_guard_wish_lines(r, line);

    worker = ctx->conf->zone->mcf->worker;

    *body = ngx_paas_guard_wish(r, &bodies, worker->bodies,
                                &line[NGX_PAAS_GUARD_ACCEPT]);
    *lang = ngx_paas_guard_wish(r, &langs, worker->langs,
                                &line[NGX_PAAS_GUARD_ACCEPT_LANGUAGE]);
}


static void
ngx_paas_guard_wish_lines(ngx_http_request_t *r,
    ngx_paas_guard_wish_line_t *line)
{
    ngx_list_part_t             *part;
    ngx_table_elt_t             *h, *end;
    ngx_paas_guard_wish_line_e   wish;

    ngx_memzero(line, NGX_PAAS_GUARD_WISH_LINES
                      * sizeof(ngx_paas_guard_wish_line_t));

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (end = h + part->nelts; h < end; h++) {
            wish = ngx_paas_guard_wish_of(h);

            if (wish != NGX_PAAS_GUARD_WISH_LINES) {
                line[wish].n++;
                line[wish].line = h;
            }
        }
    }
}


/* What a line means is remembered at a place chosen by its length, for a client
   that is refused again and again sends the same line.  No line means 0, and so
   does an empty one, which is what all places have at first. */

static ngx_inline ngx_uint_t
ngx_paas_guard_wish(ngx_http_request_t *r,
    const ngx_paas_guard_wishing_t *wishing, ngx_paas_guard_wish_t *known,
    const ngx_paas_guard_wish_line_t *found)
{
    ngx_str_t  *line;

    if (found->n != 1) {
        return found->n ? ngx_paas_guard_read_wish(r, wishing, NULL, NULL) : 0;
    }

    line = &found->line->value;
    known += line->len % NGX_PAAS_GUARD_WISHES;

    if (known->len == line->len
        && ngx_memcmp(known->line, line->data, line->len) == 0)
    {
        return known->wish;
    }

    return ngx_paas_guard_read_wish(r, wishing, known, line);
}


/* Reads all lines of it; known is where to remember one, or NULL. */

static PGUARD_RARE ngx_uint_t
ngx_paas_guard_read_wish(ngx_http_request_t *r,
    const ngx_paas_guard_wishing_t *wishing, ngx_paas_guard_wish_t *known,
    ngx_str_t *line)
{
    ngx_uint_t    n, wish;
    pguard_str_t  lines[NGX_PAAS_GUARD_LINES];

    (void) ngx_paas_guard_header_lines(r, wishing->name, lines,
                                       NGX_PAAS_GUARD_LINES, &n);

    wish = wishing->read(lines, n);

    if (known && line->len <= sizeof(known->line)) {
        known->wish = wish;
        known->len = line->len;
        ngx_memcpy(known->line, line->data, line->len);
    }

    return wish;
}
