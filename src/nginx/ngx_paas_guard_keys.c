/*
 * Who sends a request: the client, the keys of the rules, and the digests of
 * both.
 */

#include "ngx_paas_guard_zone.h"


static ngx_inline ngx_int_t ngx_paas_guard_client(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static PGUARD_APART ngx_int_t ngx_paas_guard_told_client(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static void ngx_paas_guard_plain_client(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static PGUARD_RARE pguard_id_t ngx_paas_guard_new_client_id(
    ngx_paas_guard_ctx_t *ctx);


ngx_str_t  ngx_paas_guard_default_client_text =
                     ngx_string("$paas_guard_credential$binary_remote_addr");


/* The digest of what has this hash, if it is in the cache: 1, else 0. */

static ngx_uint_t
ngx_paas_guard_cached_id(ngx_paas_guard_zone_t *zone, pguard_hash_t hash,
    pguard_id_t *id)
{
    const pguard_id_t  *found;

    found = pguard_id_cache_find(&zone->mcf->worker->ids, hash);

    if (found == NULL) {
        return 0;
    }

    *id = *found;
    ngx_paas_guard_client_note(zone, hash, id);

    return 1;
}


/* Computes the digest of s, and keeps it under hash. */

static PGUARD_RARE pguard_id_t
ngx_paas_guard_new_id(ngx_paas_guard_zone_t *zone, pguard_str_t s,
    pguard_hash_t hash)
{
    pguard_id_t  id;

    if (pguard_key_id(zone->key, s, &id) != 0) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "paas_guard: HMAC-SHA-256 failed");
        return id;
    }

    pguard_id_cache_put(&zone->mcf->worker->ids, hash, &id);
    ngx_paas_guard_client_note(zone, hash, &id);

    return id;
}


static pguard_id_t
ngx_paas_guard_hashed_id(ngx_paas_guard_zone_t *zone, pguard_str_t s,
    pguard_hash_t hash)
{
    pguard_id_t  id;

    return ngx_paas_guard_cached_id(zone, hash, &id)
           ? id : ngx_paas_guard_new_id(zone, s, hash);
}


pguard_id_t
ngx_paas_guard_id(ngx_paas_guard_zone_t *zone, pguard_str_t s)
{
    return ngx_paas_guard_hashed_id(zone, s, pguard_key_hash(zone->key, s));
}


/* The default client's digest is that of the text which the directive's default
   would give: the digest of the credential in hexadecimal, and the address.
   That text is only put together when the digest is not in the cache. */

pguard_id_t
ngx_paas_guard_client_id(ngx_paas_guard_ctx_t *ctx)
{
    pguard_id_t  id;

    return ngx_paas_guard_cached_id(ctx->conf->zone, ctx->client_hash, &id)
           ? id : ngx_paas_guard_new_client_id(ctx);
}


static PGUARD_RARE pguard_id_t
ngx_paas_guard_new_client_id(ngx_paas_guard_ctx_t *ctx)
{
    u_char                  text[PGUARD_ID_HEX_LEN + NGX_SOCKADDR_STRLEN], *p;
    pguard_id_t             id;
    pguard_str_t            s;
    ngx_paas_guard_zone_t  *zone;

    zone = ctx->conf->zone;

    if (!ctx->plain_client) {
        return ngx_paas_guard_new_id(zone, ctx->client, ctx->client_hash);
    }

    p = text;
    s = ngx_paas_guard_credential(ctx->request);

    if (s.len) {
        id = ngx_paas_guard_id(zone, s);
        p = pguard_hex(p, id.bytes, PGUARD_ID_LEN);
    }

    s = ngx_paas_guard_address(ctx->request);
    s.len = ngx_cpymem(p, s.data, s.len) - text;
    s.data = text;

    return ngx_paas_guard_new_id(zone, s, ctx->client_hash);
}


static pguard_str_t
ngx_paas_guard_key_text(ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key)
{
    return key->rule->source == NGX_PAAS_GUARD_KEY_ADDRESS
           ? ngx_paas_guard_address(ctx->request) : key->value;
}


pguard_id_t
ngx_paas_guard_key_id(ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key)
{
    return key->rule->source == NGX_PAAS_GUARD_KEY_CLIENT
           ? ngx_paas_guard_client_id(ctx)
           : ngx_paas_guard_hashed_id(ctx->conf->zone,
                                      ngx_paas_guard_key_text(ctx, key),
                                      key->hash);
}


pguard_hash_t
ngx_paas_guard_block_key(ngx_paas_guard_rule_t *rule,
    ngx_paas_guard_service_t *service, pguard_hash_t hash)
{
    hash = ngx_paas_guard_salt(hash, rule->block_salt);

    return rule->scope_zone ? hash
                            : ngx_paas_guard_salt(hash, service->salt);
}


void
ngx_paas_guard_item(ngx_paas_guard_item_t *item,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key)
{
    item->rule = key->rule->name;
    ngx_str_null(&item->service);

    if (!key->rule->scope_zone) {
        item->service = ctx->conf->service->name;
    }

    item->id = ngx_paas_guard_key_id(ctx, key);
    item->hash = key->window;
    item->window = key->rule->window;
    item->dry_run = ctx->conf->dry_run;
    item->data = key;
    item->total = 0;
}


ngx_uint_t
ngx_paas_guard_exempt(ngx_http_request_t *r, ngx_paas_guard_loc_conf_t *conf)
{
    ngx_str_t                  value;
    ngx_uint_t                 i;
    ngx_http_complex_value_t  *cv;

    cv = conf->exempt->elts;

    for (i = 0; i < conf->exempt->nelts; i++) {

        if (ngx_http_complex_value(r, &cv[i], &value) == NGX_OK
            && value.len
            && !(value.len == 1 && value.data[0] == '0'))
        {
            return 1;
        }
    }

    return 0;
}


/* The value of a rule's key, and its hash, taken over from another rule if both
   have the same key.  NGX_DECLINED: the request has none, and the rule does not
   count it. */

static PGUARD_RARE ngx_int_t
ngx_paas_guard_key_value(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key)
{
    ngx_str_t   value;
    ngx_uint_t  i;

    for (i = 0; i < ctx->nkeys; i++) {

        if (ctx->keys[i].rule->same_key == key->rule->same_key) {
            key->value = ctx->keys[i].value;
            key->hash = ctx->keys[i].hash;

            return NGX_OK;
        }
    }

    switch (key->rule->source) {

    case NGX_PAAS_GUARD_KEY_CREDENTIAL:
        key->value = ngx_paas_guard_credential(r);
        break;

    case NGX_PAAS_GUARD_KEY_ADDRESS:
        key->value = ngx_paas_guard_address(r);
        break;

    default: /* NGX_PAAS_GUARD_KEY_STRING */

        if (ngx_http_complex_value(r, &key->rule->key, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_paas_guard_core_str(key->value, value);
    }

    if (key->value.len == 0) {
        return NGX_DECLINED;
    }

    key->hash = pguard_key_hash(ctx->conf->zone->key, key->value);

    return NGX_OK;
}


/* The same; without a variable where the key is the client or the address. */

static ngx_inline ngx_int_t
ngx_paas_guard_quick_key_value(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx, ngx_paas_guard_key_t *key)
{
    if (key->rule->source == NGX_PAAS_GUARD_KEY_CLIENT) {
        key->hash = ctx->client_hash;

        return ctx->has_client ? NGX_OK : NGX_DECLINED;
    }

    if (key->rule->source == NGX_PAAS_GUARD_KEY_ADDRESS && ctx->plain_client)
    {
        key->hash = pguard_sig_after(ctx->credential_hash, ctx->client_hash);
        return NGX_OK;
    }

    return ngx_paas_guard_key_value(r, ctx, key);
}


/* Adds the key of a rule, and prefetches what is counted for it. */

static ngx_inline ngx_int_t
ngx_paas_guard_key(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_rule_t *rule, pguard_hash_t salt, ngx_uint_t counts)
{
    ngx_int_t              rc;
    ngx_paas_guard_key_t  *key;

    key = &ctx->keys[ctx->nkeys];
    key->rule = rule;
    key->counts = counts;

    rc = ngx_paas_guard_quick_key_value(r, ctx, key);

    if (rc == NGX_OK) {
        key->window = ngx_paas_guard_salt(key->hash, salt);
        key->home = pguard_window_bucket(&ctx->conf->zone->core.windows,
                                         key->window);
        pguard_prefetch(key->home);
        ctx->nkeys++;
    }

    return rc;
}


ngx_int_t
ngx_paas_guard_zone_keys(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t                    i, j, nrules;
    ngx_paas_guard_rule_t       **rules, **here;
    ngx_paas_guard_main_conf_t   *gmcf;

    gmcf = ctx->conf->zone->mcf;
    rules = gmcf->rules.elts;

    here = ctx->conf->rules ? ctx->conf->rules->elts : NULL;
    nrules = ctx->conf->rules ? ctx->conf->rules->nelts : 0;

    for (i = 0; i < gmcf->rules.nelts; i++) {

        if (!rules[i]->scope_zone) {
            continue;
        }

        for (j = 0; j < nrules && here[j] != rules[i]; j++) { /* void */ }

        if (j == nrules
            && ngx_paas_guard_key(r, ctx, rules[i], rules[i]->window_salt, 0)
               == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* A keyed hash of 16 bits of where a request comes from: its address, or of an
   IPv6 address the first 64 bits, the network that one customer has. */

static PGUARD_APART uint16_t
ngx_paas_guard_source(ngx_paas_guard_ctx_t *ctx)
{
    uint64_t              secret[2], address;
    struct sockaddr      *sa;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    sa = ctx->request->connection->sockaddr;
    address = 0;

    switch (sa->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;
        ngx_memcpy(&address, &sin6->sin6_addr.s6_addr[
                                  IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr) * 8],
                   sizeof(uint64_t));
        break;
#endif

    case AF_INET:
        address = ((struct sockaddr_in *) sa)->sin_addr.s_addr;
        break;
    }

    ngx_memcpy(secret, ctx->conf->zone->key->xxh, sizeof(secret));

    return (uint16_t) (((address ^ secret[0]) * (secret[1] | 1)) >> 48);
}


/* The keys of the rules in force, from the request itself. */

static PGUARD_APART ngx_int_t
ngx_paas_guard_new_keys(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t               i;
    ngx_array_t             *in_force;
    ngx_paas_guard_rule_t  **rules;

    in_force = ctx->conf->rules;

    if (in_force == NULL) {
        return NGX_OK;
    }

    rules = in_force->elts;

    for (i = 0; i < in_force->nelts; i++) {
        if (ngx_paas_guard_key(r, ctx, rules[i], ctx->conf->salts[i],
                               rules[i]->count)
            == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_paas_guard_keys(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_paas_guard_recall(r, ctx);

    if (ngx_paas_guard_client(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_paas_guard_recall_keys(ctx) != NGX_OK
        && ngx_paas_guard_new_keys(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->head == NULL) {
        ctx->source = ngx_paas_guard_source(ctx);
        ngx_paas_guard_remember(r, ctx);
    }

    return NGX_OK;
}


/* As a variable, $binary_remote_addr would cost more. */

pguard_str_t
ngx_paas_guard_address(ngx_http_request_t *r)
{
    pguard_str_t          s;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (r->connection->sockaddr->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) r->connection->sockaddr;
        s.data = sin6->sin6_addr.s6_addr;
        s.len = sizeof(struct in6_addr);
        break;
#endif

#if (NGX_HAVE_UNIX_DOMAIN)
    case AF_UNIX:
        ngx_paas_guard_core_str(s, r->connection->addr_text);
        break;
#endif

    default: /* AF_INET */
        sin = (struct sockaddr_in *) r->connection->sockaddr;
        s.data = (u_char *) &sin->sin_addr;
        s.len = sizeof(in_addr_t);
    }

    return s;
}


static ngx_inline ngx_int_t
ngx_paas_guard_client(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    if (!ctx->conf->plain_client) {
        return ngx_paas_guard_told_client(r, ctx);
    }

    ngx_paas_guard_plain_client(r, ctx);

    return NGX_OK;
}


/* The client by paas_guard_client: the first value that is not empty. */

static ngx_int_t
ngx_paas_guard_told_client(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_str_t                  value;
    ngx_uint_t                 i;
    ngx_array_t               *client;
    ngx_http_complex_value_t  *cv;

    client = ctx->conf->client;
    cv = client->elts;
    ngx_str_null(&value);

    for (i = 0; i < client->nelts; i++) {

        if (ngx_http_complex_value(r, &cv[i], &value) != NGX_OK) {
            return NGX_ERROR;
        }

        if (value.len) {
            ctx->has_client = 1;
            break;
        }
    }

    ngx_paas_guard_core_str(ctx->client, value);
    ctx->client_hash = pguard_key_hash(ctx->conf->zone->key, ctx->client);

    return NGX_OK;
}


/* The default client: the keyed hashes of credential and address, combined into
   one that nobody can aim at, either.  One of them is rotated, or a credential
   with the same bytes as the address would cancel it.  Combined with the
   credential's hash once more, it gives the address's again. */

static void
ngx_paas_guard_plain_client(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ctx->has_client = 1;
    ctx->plain_client = 1;

    if (ctx->head) {
        return;
    }

    ngx_paas_guard_find_credential(r, ctx);

    ctx->client_hash = pguard_sig_after(ctx->credential_hash,
                                        pguard_key_hash(ctx->conf->zone->key,
                                                  ngx_paas_guard_address(r)));
}
