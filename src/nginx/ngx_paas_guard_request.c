/*
 * The way of a request through the guard: see the drawing in docs/design.md.
 */

#include "ngx_paas_guard_zone.h"


static PGUARD_APART ngx_int_t ngx_paas_guard_resume(ngx_paas_guard_ctx_t *ctx);
static ngx_paas_guard_ctx_t *ngx_paas_guard_guarded(ngx_http_request_t *r);
static ngx_int_t ngx_paas_guard_start(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static PGUARD_APART ngx_int_t ngx_paas_guard_start_body(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static ngx_int_t ngx_paas_guard_check(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static PGUARD_RARE ngx_int_t ngx_paas_guard_check_again(
    ngx_paas_guard_ctx_t *ctx);
static ngx_uint_t ngx_paas_guard_check_keys(ngx_paas_guard_ctx_t *ctx,
    ngx_uint_t from, pguard_msec_t now, pguard_blocked_t *b);
static void ngx_paas_guard_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_paas_guard_throttle(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static ngx_inline void ngx_paas_guard_tell(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key);
static PGUARD_RARE void ngx_paas_guard_tell_first(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key);
static PGUARD_RARE ngx_int_t ngx_paas_guard_counted(
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key,
    pguard_window_result_t *result, pguard_blocked_t *b);
static ngx_int_t ngx_paas_guard_decide(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static ngx_inline ngx_int_t ngx_paas_guard_verdict(ngx_paas_guard_ctx_t *ctx,
    pguard_verdict_e verdict);
static ngx_int_t ngx_paas_guard_refused(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_verdict_e verdict);
static ngx_int_t ngx_paas_guard_blocked(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, const pguard_blocked_t *b, pguard_msec_t now);


ngx_int_t
ngx_paas_guard_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_paas_guard_ctx_t  *ctx;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_paas_guard_ctx(r);

    if (ctx == NULL) {
        ctx = ngx_paas_guard_guarded(r);

        if (ctx == NULL) {
            return NGX_DECLINED;
        }

        rc = ngx_paas_guard_start(r, ctx);

    } else {
        rc = ngx_paas_guard_resume(ctx);
    }

    if (rc == NGX_OK && ctx->state == NGX_PAAS_GUARD_START) {
        rc = ngx_paas_guard_throttle(r, ctx);
    }

    return rc == NGX_OK ? ngx_paas_guard_decide(r, ctx) : rc;
}


/* The handler is called again.  NGX_OK: go on; else what it returns. */

static PGUARD_APART ngx_int_t
ngx_paas_guard_resume(ngx_paas_guard_ctx_t *ctx)
{
    switch (ctx->state) {

    case NGX_PAAS_GUARD_START:      /* its body is there */
        return ngx_paas_guard_check_again(ctx);

    case NGX_PAAS_GUARD_ANSWERED:
        return NGX_OK;

    case NGX_PAAS_GUARD_ASK:
        return NGX_AGAIN;

    default:

        /* after an internal redirect; NGX_PAAS_GUARD_DONE: decided before,
           NGX_PAAS_GUARD_BODY: the page of an error in its body */

        return NGX_DECLINED;
    }
}


/* The context of a request that has none yet.  NULL: it is not to be guarded,
   or there is no memory, and it passes. */

static ngx_paas_guard_ctx_t *
ngx_paas_guard_guarded(ngx_http_request_t *r)
{
    ngx_paas_guard_loc_conf_t  *glcf;

    /* nginx goes to the error_page of an error from before the guard: whatever
       is decided, the client gets that error; or to a fallback, after an
       upstream failed where there was no guard: a refusal would hide that */

    if (r->internal
        && (r->err_status >= NGX_HTTP_BAD_REQUEST
            || ngx_paas_guard_upstream_status(r)
               >= NGX_HTTP_INTERNAL_SERVER_ERROR))
    {
        return NULL;
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_paas_guard_module);

    return glcf->zone ? ngx_paas_guard_create_ctx(r, glcf) : NULL;
}


/* NGX_OK: the request is to be throttled and counted; else what the handler
   returns. */

static ngx_int_t
ngx_paas_guard_start(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_int_t                   rc;
    ngx_uint_t                  body;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ctx->conf;

    if (glcf->exempt && ngx_paas_guard_exempt(r, glcf)) {
        return ngx_paas_guard_verdict(ctx, PGUARD_VERDICT_EXEMPT);
    }

    ctx->blocks = pguard_block_some(&glcf->zone->core.blocks,
                                    ctx->now_msec);

    if (ngx_paas_guard_keys(r, ctx) != NGX_OK) {
        return ngx_paas_guard_verdict(ctx, PGUARD_VERDICT_PASSED);
    }

    /* a blocked client is refused before a body is read */

    if (ctx->blocks) {
        rc = ngx_paas_guard_check(r, ctx);

        if (rc != NGX_AGAIN) {
            return rc;
        }
    }

    ctx->sign = glcf->interval
                && ngx_paas_guard_signable(r, ctx, &body) == NGX_OK;

    if (ctx->sign && !ctx->has_head && ctx->head) {
        ngx_paas_guard_recall_rest(r, ctx);
    }

    return ctx->sign && body ? ngx_paas_guard_start_body(r, ctx) : NGX_OK;
}


static ngx_int_t
ngx_paas_guard_start_body(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_int_t  rc;

    ctx->state = NGX_PAAS_GUARD_BODY;
    ctx->ahead = 0;         /* that signature does not cover the body */

    ngx_paas_guard_body_place(r);
    ngx_paas_guard_body_start(r, ctx);

    rc = ngx_http_read_client_request_body(r, ngx_paas_guard_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/* Looks for blocks.  NGX_AGAIN: there is none, go on; else what the handler
   returns. */

static ngx_int_t
ngx_paas_guard_check(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t              nkeys;
    pguard_msec_t           now;
    pguard_blocked_t        b;
    ngx_paas_guard_zone_t  *zone;

    zone = ctx->conf->zone;
    now = ctx->now_msec;
    b.dry_run = ctx->conf->dry_run;

    if (pguard_block_any(&zone->core.blocks, PGUARD_BLOCK_OPERATOR, now)
        && ngx_paas_guard_operator_blocked(ctx, now, &b))
    {
        return ngx_paas_guard_blocked(r, ctx, &b, now);
    }

    if (ngx_paas_guard_check_keys(ctx, 0, now, &b)) {
        return ngx_paas_guard_blocked(r, ctx, &b, now);
    }

    if (ctx->all_keys) {
        return NGX_AGAIN;
    }

    ctx->all_keys = 1;
    nkeys = ctx->nkeys;

    if (ngx_paas_guard_zone_keys(r, ctx) != NGX_OK) {
        return ngx_paas_guard_verdict(ctx, PGUARD_VERDICT_PASSED);
    }

    if (ngx_paas_guard_check_keys(ctx, nkeys, now, &b)) {
        return ngx_paas_guard_blocked(r, ctx, &b, now);
    }

    return NGX_AGAIN;
}


/* While its body was awaited, its client may have been blocked.  NGX_OK: go on;
   else what the handler returns. */

static PGUARD_RARE ngx_int_t
ngx_paas_guard_check_again(ngx_paas_guard_ctx_t *ctx)
{
    ngx_int_t  rc;

    ctx->blocks = pguard_block_some(&ctx->conf->zone->core.blocks,
                                    ctx->now_msec);

    if (!ctx->blocks) {
        return NGX_OK;
    }

    rc = ngx_paas_guard_check(ctx->request, ctx);

    return rc == NGX_AGAIN ? NGX_OK : rc;
}


/* 1: one of the keys, from number from on, is blocked, and *b is filled. */

static ngx_uint_t
ngx_paas_guard_check_keys(ngx_paas_guard_ctx_t *ctx, ngx_uint_t from,
    pguard_msec_t now, pguard_blocked_t *b)
{
    ngx_paas_guard_key_t  *key, *end;

    for (key = ctx->keys + from, end = ctx->keys + ctx->nkeys; key < end;
         key++)
    {
        if (ngx_paas_guard_zone_blocked(ctx, key, now, b)) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_paas_guard_body_handler(ngx_http_request_t *r)
{
    ngx_paas_guard_ctx_t  *ctx;

    ctx = ngx_paas_guard_ctx(r);

    ctx->state = NGX_PAAS_GUARD_START;
    ngx_paas_guard_take_time(ctx);

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


/* NGX_OK: go on; NGX_AGAIN: the store was asked. */

static ngx_int_t
ngx_paas_guard_throttle(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    pguard_throttle_result_t    result;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ctx->conf;

    if (ctx->sign && ngx_paas_guard_sign(r, ctx) == NGX_OK) {

        result = pguard_throttle_ask(&glcf->zone->core.throttle, ctx->lines,
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

    return glcf->zone->mcf->store ? ngx_paas_guard_ask(r, ctx) : NGX_OK;
}


/* Counts the request, here and in the store, under each rule that counts
   requests like it: what is one bit of ngx_paas_guard_count_e.  NGX_OK: a limit
   is exceeded, and *b tells of the block that the first such rule has set; else
   NGX_DECLINED.  b may be NULL: the block then refuses from the next request
   on. */

static ngx_inline ngx_int_t
ngx_paas_guard_count(ngx_paas_guard_ctx_t *ctx, ngx_uint_t what,
    pguard_blocked_t *b)
{
    ngx_int_t                rc;
    pguard_msec_t            now;
    ngx_paas_guard_key_t    *key, *end;
    ngx_paas_guard_zone_t   *zone;
    pguard_window_result_t   result;

    zone = ctx->conf->zone;
    now = ctx->now_msec;
    rc = NGX_DECLINED;

    for (key = ctx->keys, end = key + ctx->nkeys; key < end; key++) {

        if ((key->counts & what) == 0) {
            continue;
        }

        result = pguard_window_add(key->home, &zone->core.windows,
                                   key->window, ctx->source,
                                   &key->rule->window, now,
                                   ngx_paas_guard_clock, NULL);

        if (!result.exceeded && !result.evicted && !result.seen) {

            if (zone->mcf->store == NULL) {
                continue;
            }

            if (ctx->question == NULL) {
                ngx_paas_guard_tell(ctx, key);
                continue;
            }
        }

        if (ngx_paas_guard_counted(ctx, key, &result, b) == NGX_OK) {
            rc = NGX_OK;
            b = NULL;
        }
    }

    return rc;
}


void
ngx_paas_guard_count_answer(ngx_paas_guard_ctx_t *ctx)
{
    (void) ngx_paas_guard_count(ctx, NGX_PAAS_GUARD_COUNT_STATUS, NULL);
}


/* Counts it in the store, too, unless a question has done so already. */

static ngx_inline void
ngx_paas_guard_tell(ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key)
{
    ngx_paas_guard_zone_t  *zone;

    zone = ctx->conf->zone;

    if (ctx->question && ctx->conf->strict
        && key->rule->count != NGX_PAAS_GUARD_COUNT_STATUS)
    {
        return;
    }

    if (ngx_paas_guard_store_count_more(zone->mcf->store, zone, key->window,
                                        ctx->now)
        != NGX_OK)
    {
        ngx_paas_guard_tell_first(ctx, key);
    }
}


/* The same for the first one since counts were sent last: there is no sum yet
   to which it could be added. */

static PGUARD_RARE void
ngx_paas_guard_tell_first(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key)
{
    ngx_paas_guard_zone_t  *zone;
    ngx_paas_guard_item_t   item;

    zone = ctx->conf->zone;

    ngx_paas_guard_item(&item, ctx, key);
    ngx_paas_guard_store_count(zone->mcf->store, zone, &item, ctx->now);
}


/* What follows from a count: a peak, a block.  NGX_OK: the request exceeds, and
   *b, if b is not NULL, tells of the block; else NGX_DECLINED. */

static ngx_int_t
ngx_paas_guard_counted(ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key,
    pguard_window_result_t *result, pguard_blocked_t *b)
{
    uint64_t                    total;
    pguard_block_t              block;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ctx->conf;

    if (result->evicted) {
        (void) pguard_add(&glcf->zone->counters
                                  ->evictions[PGUARD_ENTRY_WINDOW], 1);
    }

    total = ngx_paas_guard_total(ctx, key);

    if (total > key->rule->window.limit) {
        result->exceeded = 1;
        result->count = total;
    }

    if (result->seen || result->exceeded) {
        pguard_peak_raise(&glcf->zone->core.peaks[
                                         glcf->zone->rules[key->rule->index]],
                          ngx_max(result->exceeded ? result->count : 0,
                                  ngx_max(result->seen, total)),
                          key->rule->window.limit, ctx->now_msec);

        /* so that a client near a limit can be found by its id */

        if (2 * result->seen >= key->rule->window.limit) {
            (void) ngx_paas_guard_key_id(ctx, key);
        }
    }

    if (glcf->zone->mcf->store) {
        ngx_paas_guard_tell(ctx, key);
    }

    if (!result->exceeded
        || ngx_paas_guard_zone_block(ctx, key, result, &block) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (b) {
        if (!glcf->dry_run || block.dry_run) {
            ngx_paas_guard_zone_refused(glcf->zone, &block);
        }

        pguard_block_tell(&block, b);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_decide(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t        what;
    pguard_blocked_t  b;

    if (ctx->question) {
        ngx_paas_guard_hear(ctx);
    }

    what = ctx->throttled ? NGX_PAAS_GUARD_COUNT_THROTTLED
                          : NGX_PAAS_GUARD_COUNT_ADMITTED;

    if (ngx_paas_guard_count(ctx, what, &b) == NGX_OK) {
        return ngx_paas_guard_blocked(r, ctx, &b, ngx_paas_guard_clock(NULL));
    }

    if (ctx->throttled) {
        ctx->reason = PGUARD_REASON_DUPLICATE;
        ctx->status = ctx->conf->throttle_status;
        ctx->retry_after = (ctx->wait + 999999) / 1000000;

        return ngx_paas_guard_refused(r, ctx, PGUARD_VERDICT_THROTTLED);
    }

    return ngx_paas_guard_verdict(ctx, PGUARD_VERDICT_PASSED);
}


static ngx_int_t
ngx_paas_guard_blocked(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    const pguard_blocked_t *b, pguard_msec_t now)
{
    ctx->reason = b->reason;
    ctx->rule = pguard_zone_name(&ctx->conf->zone->core, PGUARD_NAME_RULE,
                                 b->rule);
    ctx->rule_index = b->rule;
    ctx->status = ctx->conf->block_status;
    ngx_memcpy(ctx->block, b->event, PGUARD_EVENT_LEN);

    ctx->retry_after = b->until > now ? (b->until - now + 999) / 1000 : 1;

    return ngx_paas_guard_refused(r, ctx, PGUARD_VERDICT_BLOCKED);
}


static ngx_inline ngx_int_t
ngx_paas_guard_verdict(ngx_paas_guard_ctx_t *ctx, pguard_verdict_e verdict)
{
    ngx_paas_guard_zone_t  *zone;

    zone = ctx->conf->zone;

    ctx->state = NGX_PAAS_GUARD_DONE;
    ctx->verdict = verdict;

    if (zone->mcf->store) {
        ctx->store = ngx_paas_guard_store_state(zone->mcf->store);
    }

    (void) pguard_add(&zone->counters->service[ctx->conf->service->index]
                                     .requests[verdict],
                      1);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_paas_guard_refused(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_verdict_e verdict)
{
    ngx_paas_guard_zone_t      *zone;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ctx->conf;
    zone = glcf->zone;

    if (glcf->dry_run) {
        verdict = verdict == PGUARD_VERDICT_BLOCKED
                  ? PGUARD_VERDICT_BLOCKED_DRY_RUN
                  : PGUARD_VERDICT_THROTTLED_DRY_RUN;
    }

    (void) ngx_paas_guard_verdict(ctx, verdict);

    ngx_paas_guard_event_id(zone->mcf->worker, ctx->event);
    ngx_paas_guard_log_refusal(r, ctx);

    if (glcf->dry_run) {
        return NGX_DECLINED;
    }

    (void) pguard_add(&zone->counters->service[glcf->service->index]
                                     .refusals[ctx->reason],
                      1);

    return ngx_paas_guard_refuse(r, ctx);
}
