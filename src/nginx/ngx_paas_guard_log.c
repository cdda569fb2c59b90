/*
 * The log phase, and lines of the error log about refusals and blocks.
 */

#include "ngx_paas_guard_sla.h"


/* Spreads the few numbers of rules over a hash. */

#define NGX_PAAS_GUARD_MIX  0x9e3779b97f4a7c15ULL


static PGUARD_RARE void ngx_paas_guard_log_answer(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static ngx_uint_t ngx_paas_guard_counts_status(ngx_paas_guard_rule_t *rule,
    ngx_uint_t status);
static PGUARD_RARE void ngx_paas_guard_log_burst(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, pguard_hash_t key,
    const pguard_top_client_t *c);
static void ngx_paas_guard_log_first(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, const pguard_id_t *id);


ngx_int_t
ngx_paas_guard_log_handler(ngx_http_request_t *r)
{
    ngx_paas_guard_ctx_t        *ctx;
    ngx_paas_guard_main_conf_t  *gmcf;

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_paas_guard_ctx(r);

    ngx_paas_guard_sla_count(r, ctx);

    gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);

    if (gmcf->status_rules) {
        ngx_paas_guard_log_answer(r, ctx);
    }

    return NGX_OK;
}


static PGUARD_RARE void
ngx_paas_guard_log_answer(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t             i;
    ngx_paas_guard_key_t  *key;

    /* the guard's own refusals are no answers to count */

    if (ctx == NULL || ctx->verdict == PGUARD_VERDICT_THROTTLED
        || ctx->verdict == PGUARD_VERDICT_BLOCKED
        || ctx->verdict == PGUARD_VERDICTS)
    {
        return;
    }

    ngx_paas_guard_take_time(ctx);

    for (i = 0; i < ctx->nkeys; i++) {
        key = &ctx->keys[i];

        if (key->counts == NGX_PAAS_GUARD_COUNT_STATUS
            && !ngx_paas_guard_counts_status(key->rule,
                                             ngx_paas_guard_status(r)))
        {
            key->counts = 0;
        }
    }

    ngx_paas_guard_count_answer(ctx);
}


static ngx_uint_t
ngx_paas_guard_counts_status(ngx_paas_guard_rule_t *rule, ngx_uint_t status)
{
    ngx_uint_t   i, *statuses;

    statuses = rule->statuses->elts;

    for (i = 0; i < rule->statuses->nelts; i++) {
        if (statuses[i] == status) {
            return 1;
        }
    }

    return 0;
}


/* Each refusal is counted for the list of those refused most, see pguard_top.h;
   the first of a burst gets a line, see pguard_burst.h. */

void
ngx_paas_guard_log_refusal(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    pguard_hash_t               key;
    pguard_top_client_t         c;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ctx->conf;

    c.id = ngx_paas_guard_client_id(ctx);
    c.rule = ctx->rule.len ? ctx->rule_index : PGUARD_RULE_NONE;
    c.service = (uint16_t) glcf->service->index;
    c.reason = (uint8_t) ctx->reason;

    if (!glcf->dry_run) {
        pguard_top_add(&glcf->zone->core.top, &c, ctx->now_msec);
    }

    key = ngx_paas_guard_salt(ctx->client_hash, glcf->service->salt);
    key.lo ^= c.rule * NGX_PAAS_GUARD_MIX;

    if (!pguard_burst_more(&glcf->zone->core.bursts, key)) {
        ngx_paas_guard_log_burst(r, ctx, key, &c);
    }
}


static PGUARD_RARE void
ngx_paas_guard_log_burst(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    pguard_hash_t key, const pguard_top_client_t *c)
{
    pguard_burst_t  burst;

    burst.id = c->id;
    burst.rule = c->rule;
    burst.service = c->service;
    burst.reason = c->reason;
    burst.level = (uint8_t) ctx->conf->log_level;

    if (pguard_burst_add(&ctx->conf->zone->core.bursts, key, &burst,
                         ctx->now_msec))
    {
        ngx_paas_guard_log_first(r, ctx, &c->id);
    }
}


static void
ngx_paas_guard_log_first(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    const pguard_id_t *id)
{
    u_char                      hex[PGUARD_ID_HEX_LEN];
    pguard_str_t                reason;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ctx->conf;

    (void) pguard_hex(hex, id->bytes, PGUARD_ID_LEN);
    reason = pguard_reason_names[ctx->reason];

    ngx_log_error(glcf->log_level, r->connection->log, 0,
                  "paas_guard: refused%s, reason %*s, client %*s, "
                  "service \"%V\", rule \"%*s\", zone \"%V\", event %*s",
                  glcf->dry_run ? " (dry run)" : "", reason.len, reason.data,
                  (size_t) PGUARD_ID_HEX_LEN, hex, &glcf->service->name,
                  ctx->rule.len, ctx->rule.data, &glcf->zone->name,
                  (size_t) PGUARD_EVENT_LEN, ctx->event);
}


static void
ngx_paas_guard_log_summary(ngx_paas_guard_zone_t *zone, pguard_burst_t *b,
    ngx_log_t *log)
{
    u_char        hex[PGUARD_ID_HEX_LEN];
    pguard_str_t  rule, service, reason;

    (void) pguard_hex(hex, b->id.bytes, PGUARD_ID_LEN);

    rule = pguard_zone_name(&zone->core, PGUARD_NAME_RULE, b->rule);
    service = pguard_zone_name(&zone->core, PGUARD_NAME_SERVICE, b->service);
    reason = pguard_reason_names[b->reason];

    ngx_log_error(b->level, log, 0,
                  "paas_guard: refused %uL more in a minute, reason %*s, "
                  "client %*s, service \"%*s\", rule \"%*s\", zone \"%V\"",
                  b->more, reason.len, reason.data,
                  (size_t) PGUARD_ID_HEX_LEN, hex, service.len, service.data,
                  rule.len, rule.data, &zone->name);
}


void
ngx_paas_guard_log_summaries(ngx_paas_guard_zone_t *zone, ngx_log_t *log)
{
    uint64_t        pos, others;
    pguard_msec_t   now;
    pguard_burst_t  b;

    now = ngx_paas_guard_clock(NULL);
    pos = 0;

    while (pguard_burst_next(&zone->core.bursts, &pos, now, &b)) {
        if (b.more) {
            ngx_paas_guard_log_summary(zone, &b, log);
        }
    }

    if (now < zone->others_due) {
        return;
    }

    zone->others_due = now + PGUARD_BURST_PERIOD;
    others = pguard_burst_others(&zone->core.bursts);

    if (others) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "paas_guard: refused %uL more of further clients in a "
                      "minute, zone \"%V\"", others, &zone->name);
    }
}


void
ngx_paas_guard_log_block(ngx_paas_guard_zone_t *zone, const pguard_block_t *b,
    const char *what, ngx_log_t *log)
{
    u_char        hex[PGUARD_ID_HEX_LEN];
    pguard_str_t  rule, service;

    (void) pguard_hex(hex, b->id.bytes, PGUARD_ID_LEN);

    rule = pguard_zone_name(&zone->core, PGUARD_NAME_RULE, b->rule);
    service = pguard_zone_name(&zone->core, PGUARD_NAME_SERVICE, b->service);

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "paas_guard: %s key %*s for %uLms: %uL requests in %uLms, "
                  "limit %uL, rule \"%*s\", service \"%*s\", offence %ud, "
                  "zone \"%V\", event %*s",
                  what, (size_t) PGUARD_ID_HEX_LEN, hex, b->last, b->count,
                  b->window, b->limit, rule.len, rule.data, service.len,
                  service.data, (unsigned) b->step, &zone->name,
                  (size_t) PGUARD_EVENT_LEN, b->event);
}
