#include "ngx_paas_guard.h"


static ngx_int_t ngx_paas_guard_start(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *glcf);
static ngx_int_t ngx_paas_guard_check(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static void ngx_paas_guard_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_paas_guard_throttle(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static ngx_int_t ngx_paas_guard_ask(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static void ngx_paas_guard_question(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_question_t *q);
static void ngx_paas_guard_answer(ngx_paas_guard_question_t *q);
static ngx_int_t ngx_paas_guard_decide(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static ngx_int_t ngx_paas_guard_verdict(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_verdict_e verdict);
static ngx_int_t ngx_paas_guard_blocked(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_block_t *b);
static ngx_paas_guard_ctx_t *ngx_paas_guard_create_ctx(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *glcf);
static void ngx_paas_guard_ctx_cleanup(void *data);
static void ngx_paas_guard_abort(void *data);


ngx_int_t
ngx_paas_guard_handler(ngx_http_request_t *r)
{
    ngx_paas_guard_ctx_t       *ctx;
    ngx_paas_guard_loc_conf_t  *glcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_paas_guard_ctx(r);

    if (ctx == NULL) {
        glcf = ngx_http_get_module_loc_conf(r, ngx_paas_guard_module);

        return glcf->zone ? ngx_paas_guard_start(r, glcf) : NGX_DECLINED;
    }

    switch (ctx->state) {

    case NGX_PAAS_GUARD_START:
        return ngx_paas_guard_throttle(r, ctx);

    case NGX_PAAS_GUARD_BODY:
        return NGX_DONE;

    case NGX_PAAS_GUARD_ASK:
        return NGX_AGAIN;

    case NGX_PAAS_GUARD_ANSWERED:
        return ngx_paas_guard_decide(r, ctx);

    default: /* NGX_PAAS_GUARD_DONE: decided before an internal redirect */
        return NGX_DECLINED;
    }
}


static ngx_int_t
ngx_paas_guard_start(ngx_http_request_t *r, ngx_paas_guard_loc_conf_t *glcf)
{
    ngx_int_t              rc;
    ngx_uint_t             body;
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_paas_guard_create_ctx(r, glcf);

    /* whatever fails here fails open */

    if (ctx == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_paas_guard_exempt(r, glcf)) {
        return ngx_paas_guard_verdict(r, ctx, PGUARD_VERDICT_EXEMPT);
    }

    if (ngx_paas_guard_keys(r, ctx) != NGX_OK) {
        return ngx_paas_guard_verdict(r, ctx, PGUARD_VERDICT_PASSED);
    }

    /* who is blocked is refused before a body is read */

    rc = ngx_paas_guard_check(r, ctx);

    if (rc != NGX_AGAIN) {
        return rc;
    }

    ctx->sign = glcf->interval
                && ngx_paas_guard_signable(r, ctx, &body) == NGX_OK;

    if (!ctx->sign || !body) {
        return ngx_paas_guard_throttle(r, ctx);
    }

    ctx->state = NGX_PAAS_GUARD_BODY;

    rc = ngx_http_read_client_request_body(r, ngx_paas_guard_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/* NGX_AGAIN: no block, go on. */

static ngx_int_t
ngx_paas_guard_check(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t                  i;
    pguard_block_t              b;
    pguard_msec_t               now;
    pguard_blocks_t            *blocks;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ctx->conf;
    now = ctx->now / 1000;
    blocks = &glcf->zone->core.blocks;

    if (!pguard_block_any(blocks, PGUARD_BLOCK_HERE, now)
        && !pguard_block_any(blocks, PGUARD_BLOCK_ELSEWHERE, now))
    {
        return NGX_AGAIN;
    }

    for (i = 0; i < ctx->nkeys; i++) {
        if (ngx_paas_guard_zone_blocked(glcf->zone, glcf->service,
                                        &ctx->keys[i], now, &b))
        {
            return ngx_paas_guard_blocked(r, ctx, &b);
        }
    }

    return NGX_AGAIN;
}


static void
ngx_paas_guard_body_handler(ngx_http_request_t *r)
{
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_paas_guard_ctx(r);

    ctx->state = NGX_PAAS_GUARD_START;
    ctx->now = ngx_paas_guard_now();

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_paas_guard_throttle(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    pguard_throttle_result_t    result;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ctx->conf;

    if (ctx->sign && ngx_paas_guard_sign(r, ctx) == NGX_OK) {

        result = pguard_throttle_ask(&glcf->zone->core.throttle,
                                     ctx->signature, ctx->now,
                                     (pguard_usec_t) glcf->interval * 1000);

        ctx->throttled = !result.admitted;
        ctx->wait = result.wait;

        if (result.evicted) {
            (void) pguard_add(&glcf->zone->counters
                                      ->evictions[PGUARD_ENTRY_SIGNATURE],
                              result.evicted);
        }
    }

    if (ngx_paas_guard_ask(r, ctx) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    return ngx_paas_guard_decide(r, ctx);
}


/* Asks the store if it must be asked before the answer.  NGX_AGAIN: wait. */

static ngx_int_t
ngx_paas_guard_ask(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_http_cleanup_t          *cln;
    ngx_paas_guard_question_t   *q;
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = ctx->conf->zone->mcf;

    if (gmcf->store == NULL
        || !(ctx->conf->strict
             || (ctx->conf->cluster && ctx->is_signed && !ctx->throttled)))
    {
        return NGX_OK;
    }

    q = ngx_pcalloc(r->pool, sizeof(ngx_paas_guard_question_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (q == NULL || cln == NULL) {
        return NGX_OK;
    }

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

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "paas_guard: client's close will not be noticed");
    }

    return NGX_AGAIN;
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
        NGX_PAAS_GUARD_ITEM_ALWAYS,         /* ..._COUNT_ALL */
        NGX_PAAS_GUARD_ITEM_ADMITTED,
        NGX_PAAS_GUARD_ITEM_THROTTLED
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
        (void) pguard_key_id(glcf->zone->key, s, &q->signature);
        q->interval = glcf->interval;
    }

    if (!glcf->strict) {
        return;
    }

    for (i = 0; i < ctx->nkeys; i++) {
        key = &ctx->keys[i];

        if (!key->counted || key->rule->count == NGX_PAAS_GUARD_COUNT_STATUS
            || q->nitems == NGX_PAAS_GUARD_ITEMS_MAX)
        {
            continue;
        }

        item = &q->items[q->nitems];
        item->when = when[key->rule->count];

        if (!q->throttle && item->when != NGX_PAAS_GUARD_ITEM_ALWAYS) {

            /* the local verdict stands */

            if ((item->when == NGX_PAAS_GUARD_ITEM_THROTTLED)
                != ctx->throttled)
            {
                continue;
            }

            item->when = NGX_PAAS_GUARD_ITEM_ALWAYS;
        }

        ngx_paas_guard_item(item, glcf, key);
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


/* What the store says of the throttle, in place of what this gateway knew. */

static void
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


static ngx_uint_t
ngx_paas_guard_counts(ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key)
{
    if (!key->counted) {
        return 0;
    }

    switch (key->rule->count) {

    case NGX_PAAS_GUARD_COUNT_ALL:
        return 1;

    case NGX_PAAS_GUARD_COUNT_ADMITTED:
        return !ctx->throttled;

    case NGX_PAAS_GUARD_COUNT_THROTTLED:
        return ctx->throttled;

    default: /* NGX_PAAS_GUARD_COUNT_STATUS: in the log phase */
        return 0;
    }
}


/* The total of all gateways, where the store has told it. */

static uint64_t
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


ngx_int_t
ngx_paas_guard_count(ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key,
    pguard_block_t *b)
{
    uint64_t                     total;
    pguard_window_result_t       result;
    ngx_paas_guard_item_t        item;
    ngx_paas_guard_loc_conf_t   *glcf;
    ngx_paas_guard_main_conf_t  *gmcf;

    glcf = ctx->conf;
    gmcf = glcf->zone->mcf;

    result = pguard_window_add(&glcf->zone->core.windows,
                               ngx_paas_guard_window_key(key, glcf->service),
                               &key->rule->window, ctx->now / 1000,
                               ngx_paas_guard_clock, NULL);

    if (result.evicted) {
        (void) pguard_add(&glcf->zone->counters
                                  ->evictions[PGUARD_ENTRY_WINDOW], 1);
    }

    total = ngx_paas_guard_total(ctx, key);

    if (total > key->rule->window.limit) {
        result.exceeded = 1;
        result.count = total;
    }

    /* what a question has carried there must not go twice */

    if (gmcf->store && (ctx->question == NULL || !glcf->strict
                        || key->rule->count == NGX_PAAS_GUARD_COUNT_STATUS))
    {
        ngx_paas_guard_item(&item, glcf, key);
        ngx_paas_guard_store_count(gmcf->store, glcf->zone, &item);
    }

    if (!result.exceeded) {
        return NGX_DECLINED;
    }

    return ngx_paas_guard_zone_block(glcf->zone, glcf->service, key, &result,
                                     b);
}


static ngx_int_t
ngx_paas_guard_decide(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t      i, blocked;
    pguard_block_t  b, other;

    if (ctx->question) {
        ngx_paas_guard_hear(ctx);
    }

    blocked = 0;

    for (i = 0; i < ctx->nkeys; i++) {

        if (ngx_paas_guard_counts(ctx, &ctx->keys[i])
            && ngx_paas_guard_count(ctx, &ctx->keys[i],
                                    blocked ? &other : &b)
               == NGX_OK)
        {
            blocked = 1;
        }
    }

    if (blocked) {
        return ngx_paas_guard_blocked(r, ctx, &b);
    }

    if (ctx->throttled) {
        ctx->reason = PGUARD_REASON_DUPLICATE;
        ctx->status = ctx->conf->throttle_status;
        ctx->retry_after = (ctx->wait + 999999) / 1000000;

        return ngx_paas_guard_verdict(r, ctx, PGUARD_VERDICT_THROTTLED);
    }

    return ngx_paas_guard_verdict(r, ctx, PGUARD_VERDICT_PASSED);
}


static ngx_int_t
ngx_paas_guard_blocked(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_block_t *b)
{
    pguard_msec_t  now;

    now = ngx_paas_guard_now() / 1000;

    ctx->reason = b->reason;
    ctx->rule = pguard_zone_name(&ctx->conf->zone->core, PGUARD_NAME_RULE,
                                 b->rule);
    ctx->status = ctx->conf->block_status;

    ctx->retry_after = b->until > now ? (b->until - now + 999) / 1000 : 1;

    return ngx_paas_guard_verdict(r, ctx, PGUARD_VERDICT_BLOCKED);
}


static ngx_int_t
ngx_paas_guard_verdict(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_verdict_e verdict)
{
    ngx_uint_t                  refused;
    pguard_service_counters_t  *counters;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ctx->conf;
    counters = &glcf->zone->counters->service[glcf->service->index];
    refused = (ctx->reason != PGUARD_REASON_NONE);

    if (refused && glcf->dry_run) {
        verdict = verdict == PGUARD_VERDICT_BLOCKED
                  ? PGUARD_VERDICT_BLOCKED_DRY_RUN
                  : PGUARD_VERDICT_THROTTLED_DRY_RUN;
    }

    ctx->state = NGX_PAAS_GUARD_DONE;
    ctx->verdict = verdict;
    ctx->store = ngx_paas_guard_store_state(glcf->zone->mcf->store);

    (void) pguard_add(&counters->requests[verdict], 1);

    if (!refused) {
        return NGX_DECLINED;
    }

    ngx_paas_guard_event_id(glcf->zone->mcf->worker, ctx->event);
    ngx_paas_guard_log_refusal(r, ctx);

    if (glcf->dry_run) {
        return NGX_DECLINED;
    }

    (void) pguard_add(&counters->refusals[ctx->reason], 1);

    return ngx_paas_guard_refuse(r, ctx);
}


/* An internal redirect forgets the contexts of modules, the pool does not. */

ngx_paas_guard_ctx_t *
ngx_paas_guard_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t    *cln;
    ngx_paas_guard_ctx_t  *ctx;

    r = r->main;
    ctx = ngx_http_get_module_ctx(r, ngx_paas_guard_module);

    if (ctx || (!r->internal && !r->filter_finalize)) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_paas_guard_ctx_cleanup) {
            ctx = cln->data;
            ngx_http_set_ctx(r, ctx, ngx_paas_guard_module);
            return ctx;
        }
    }

    return NULL;
}


static ngx_paas_guard_ctx_t *
ngx_paas_guard_create_ctx(ngx_http_request_t *r,
    ngx_paas_guard_loc_conf_t *glcf)
{
    ngx_pool_cleanup_t    *cln;
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_paas_guard_ctx_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (ctx == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_paas_guard_ctx_cleanup;
    cln->data = ctx;

    ctx->request = r;
    ctx->conf = glcf;
    ctx->verdict = PGUARD_VERDICTS;
    ctx->reason = PGUARD_REASON_NONE;
    ctx->now = ngx_paas_guard_now();

    ngx_http_set_ctx(r, ctx, ngx_paas_guard_module);

    return ctx;
}


static void
ngx_paas_guard_ctx_cleanup(void *data)
{
    /* only marks the context in the pool's list */
}


/* The status that the client gets, as in access logs. */

ngx_uint_t
ngx_paas_guard_status(ngx_http_request_t *r)
{
    return r->err_status ? r->err_status : r->headers_out.status;
}


/* What became of the request: an error_page with another status is no answer
   of a service that failed.  What a cache still had is. */

ngx_uint_t
ngx_paas_guard_outcome(ngx_http_request_t *r)
{
    ngx_uint_t                  status;
    ngx_http_upstream_state_t  *state;

    status = ngx_paas_guard_status(r);

    if (r->upstream_states == NULL || r->upstream_states->nelts == 0) {
        return status;
    }

#if (NGX_HTTP_CACHE)
    if (r->upstream && r->upstream->cache_status == NGX_HTTP_CACHE_STALE) {
        return status;
    }
#endif

    state = r->upstream_states->elts;
    state += r->upstream_states->nelts - 1;

    return state->status >= NGX_HTTP_INTERNAL_SERVER_ERROR
           && status < NGX_HTTP_INTERNAL_SERVER_ERROR
           && status != NGX_HTTP_CLIENT_CLOSED_REQUEST
           ? state->status : status;
}


/* Not ngx_current_msec: that is a worker's own, and late by as much as an
   event loop's turn takes. */

pguard_usec_t
ngx_paas_guard_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (pguard_usec_t) ts.tv_sec * 1000000
           + (pguard_usec_t) ts.tv_nsec / 1000;
}


pguard_msec_t
ngx_paas_guard_clock(void *unused)
{
    return ngx_paas_guard_now() / 1000;
}
