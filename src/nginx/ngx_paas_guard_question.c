/*
 * What a request asks the other gateways, and how it waits for the answer.
 */

#include "ngx_paas_guard.h"


static void ngx_paas_guard_question(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_question_t *q);
static void ngx_paas_guard_answer(ngx_paas_guard_question_t *q);
static void ngx_paas_guard_abort(void *data);


ngx_int_t
ngx_paas_guard_ask(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_http_cleanup_t          *cln;
    ngx_paas_guard_question_t   *q;
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = ctx->conf->zone->mcf;

    if (!ctx->conf->strict
        && !(ctx->conf->cluster && ctx->is_signed && !ctx->throttled))
    {
        return NGX_OK;
    }

    /* room for no more items than there are keys */

    q = ngx_palloc(r->pool, sizeof(ngx_paas_guard_question_t)
                            + ctx->nkeys * sizeof(ngx_paas_guard_item_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (q == NULL || cln == NULL) {
        return NGX_OK;
    }

    ngx_memzero(q, sizeof(ngx_paas_guard_question_t));

    ngx_paas_guard_question(r, ctx, q);

    if (!q->throttle && q->nitems == 0) {
        return NGX_OK;
    }

    if (ngx_paas_guard_store_ask(gmcf->store, q) != NGX_AGAIN) {
        return NGX_OK;
    }

    cln->handler = ngx_paas_guard_abort;
    cln->data = q;

    ctx->question = q;
    ctx->state = NGX_PAAS_GUARD_ASK;

    ngx_paas_guard_wait(r);

    return NGX_AGAIN;
}


void
ngx_paas_guard_wait(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "paas_guard: client's close will not be noticed");
    }
}


static void
ngx_paas_guard_question(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_question_t *q)
{
    pguard_str_t                s;
    ngx_uint_t                  i;
    ngx_paas_guard_key_t       *key;
    ngx_paas_guard_item_t      *item;
    ngx_paas_guard_loc_conf_t  *glcf;

    static const ngx_uint_t  when[] = {
        [NGX_PAAS_GUARD_COUNT_ADMITTED]  = NGX_PAAS_GUARD_ITEM_ADMITTED,
        [NGX_PAAS_GUARD_COUNT_THROTTLED] = NGX_PAAS_GUARD_ITEM_THROTTLED,
        [NGX_PAAS_GUARD_COUNT_ALL]       = NGX_PAAS_GUARD_ITEM_ALWAYS
    };

    glcf = ctx->conf;

    q->zone = glcf->zone;
    q->handler = ngx_paas_guard_answer;
    q->data = ctx;
    q->client = ngx_paas_guard_client_id(ctx);
    q->throttle = glcf->cluster && ctx->is_signed && !ctx->throttled;

    if (q->throttle) {
        s.data = (u_char *) &ctx->signature;
        s.len = sizeof(pguard_hash_t);

        /* a store has no other key than that of the secret file */

        (void) pguard_hmac_id(&glcf->zone->mcf->worker->hmac, s,
                              &q->signature);
        q->interval = glcf->interval;
    }

    if (!glcf->strict) {
        return;
    }

    for (i = 0; i < ctx->nkeys; i++) {
        key = &ctx->keys[i];

        if ((key->counts & NGX_PAAS_GUARD_COUNT_ALL) == 0
            || q->nitems == NGX_PAAS_GUARD_ITEMS_MAX)
        {
            continue;
        }

        item = &q->items[q->nitems];
        item->when = when[key->counts];

        if (!q->throttle && item->when != NGX_PAAS_GUARD_ITEM_ALWAYS) {

            /* the local verdict stands */

            if ((item->when == NGX_PAAS_GUARD_ITEM_THROTTLED)
                != ctx->throttled)
            {
                continue;
            }

            item->when = NGX_PAAS_GUARD_ITEM_ALWAYS;
        }

        ngx_paas_guard_item(item, ctx, key);
        q->nitems++;
    }
}


static void
ngx_paas_guard_answer(ngx_paas_guard_question_t *q)
{
    ngx_connection_t      *c;
    ngx_http_request_t    *r;
    ngx_paas_guard_ctx_t  *ctx;

    ctx = q->data;
    r = ctx->request;
    c = r->connection;

    ctx->state = NGX_PAAS_GUARD_ANSWERED;

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);

    /* r may be gone here */

    ngx_http_run_posted_requests(c);
}


static void
ngx_paas_guard_abort(void *data)
{
    ngx_paas_guard_store_cancel(data);
}


void
ngx_paas_guard_hear(ngx_paas_guard_ctx_t *ctx)
{
    ngx_paas_guard_question_t  *q;
    ngx_paas_guard_loc_conf_t  *glcf;

    q = ctx->question;
    glcf = ctx->conf;

    if (!q->answered || !q->throttle || q->admitted) {
        return;
    }

    ctx->throttled = 1;
    ctx->wait = (pguard_usec_t) q->wait * 1000;

    pguard_throttle_correct(&glcf->zone->core.throttle, ctx->signature,
                            ctx->now, (pguard_usec_t) glcf->interval * 1000,
                            ctx->wait);
}


uint64_t
ngx_paas_guard_total(ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key)
{
    ngx_uint_t                  i;
    ngx_paas_guard_question_t  *q;

    q = ctx->question;

    if (q == NULL || !q->answered) {
        return 0;
    }

    for (i = 0; i < q->nitems; i++) {
        if (q->items[i].data == key) {
            return q->items[i].total;
        }
    }

    return 0;
}
