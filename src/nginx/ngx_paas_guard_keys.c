#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_KIND  0x9e3779b97f4a7c15ULL      /* odd */


static ngx_int_t ngx_paas_guard_client(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static void ngx_paas_guard_plain_client(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx);
static pguard_str_t ngx_paas_guard_address(ngx_http_request_t *r);


ngx_str_t  ngx_paas_guard_default_client_text =
                     ngx_string("$paas_guard_credential$binary_remote_addr");


/* The digest of what hashes to hash, if it is in the cache. */

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


/* The digest of s, kept under hash. */

static pguard_id_t
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


/* The digest under which s leaves this gateway. */

pguard_id_t
ngx_paas_guard_id(ngx_paas_guard_zone_t *zone, pguard_str_t s)
{
    return ngx_paas_guard_hashed_id(zone, s, pguard_key_hash(zone->key, s));
}


/* The digest of the client.  That of the default one is of the directive's own
   text: the digest of the credential in hexadecimal, and the address; put
   together only when it is not in the cache. */

pguard_id_t
ngx_paas_guard_client_id(ngx_paas_guard_ctx_t *ctx)
{
    u_char                  text[PGUARD_ID_HEX_LEN + NGX_SOCKADDR_STRLEN], *p;
    pguard_id_t             id;
    pguard_str_t            s;
    ngx_paas_guard_zone_t  *zone;

    zone = ctx->conf->zone;

    if (ngx_paas_guard_cached_id(zone, ctx->client_hash, &id)) {
        return id;
    }

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


pguard_id_t
ngx_paas_guard_key_id(ngx_paas_guard_key_t *key)
{
    return key->rule->source == NGX_PAAS_GUARD_KEY_CLIENT
           ? ngx_paas_guard_client_id(key->ctx)
           : ngx_paas_guard_hashed_id(key->ctx->conf->zone, key->value,
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
    ngx_paas_guard_loc_conf_t *glcf, ngx_paas_guard_key_t *key)
{
    item->rule = key->rule->name;
    ngx_str_null(&item->service);

    if (!key->rule->scope_zone) {
        item->service = glcf->service->name;
    }

    item->id = ngx_paas_guard_key_id(key);
    item->window = key->rule->window;
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


/* The value of a rule's key and its hash.  Rules mostly share one: it is taken
   over.  NGX_DECLINED: who has no key is not counted. */

static ngx_int_t
ngx_paas_guard_key_value(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key)
{
    ngx_str_t   value;
    ngx_uint_t  i;

    if (key->rule->source == NGX_PAAS_GUARD_KEY_CLIENT) {
        key->value = ctx->client;
        key->hash = ctx->client_hash;

        return ctx->has_client ? NGX_OK : NGX_DECLINED;
    }

    if (key->rule->source == NGX_PAAS_GUARD_KEY_ADDRESS && ctx->plain_client)
    {
        key->value = ngx_paas_guard_address(r);
        key->hash = ngx_paas_guard_salt(ctx->client_hash,
                                        ctx->credential_hash);
        return NGX_OK;
    }

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


/* What is counted for it will be wanted soon: see pguard_window_prefetch(). */

static ngx_int_t
ngx_paas_guard_key(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_rule_t *rule, ngx_uint_t counted)
{
    ngx_int_t              rc;
    ngx_paas_guard_key_t  *key;

    key = &ctx->keys[ctx->nkeys];
    key->rule = rule;
    key->ctx = ctx;
    key->counted = counted;

    rc = ngx_paas_guard_key_value(r, ctx, key);

    if (rc == NGX_OK) {
        ctx->nkeys++;
        pguard_window_prefetch(&ctx->conf->zone->core.windows,
                               ngx_paas_guard_window_key(key,
                                                         ctx->conf->service));
    }

    return rc;
}


/* Rules for the whole zone that are not in force here: not counted, but who
   they have blocked is blocked here, too. */

static ngx_int_t
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
            && ngx_paas_guard_key(r, ctx, rules[i], 0) == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Where a request comes from, of 65536 places that nobody can aim at: its
   address, or of IPv6 the network of 64 bits that one customer has. */

static uint16_t
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


/* Fills in the client, and the keys of the rules. */

ngx_int_t
ngx_paas_guard_keys(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_uint_t               i;
    ngx_array_t             *in_force;
    pguard_msec_t            now;
    pguard_blocks_t         *blocks;
    ngx_paas_guard_rule_t  **rules;

    if (ngx_paas_guard_client(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    in_force = ctx->conf->rules;

    if (in_force) {
        ctx->source = ngx_paas_guard_source(ctx);
        rules = in_force->elts;

        for (i = 0; i < in_force->nelts; i++) {
            if (ngx_paas_guard_key(r, ctx, rules[i], 1) == NGX_ERROR) {
                return NGX_ERROR;
            }
        }
    }

    blocks = &ctx->conf->zone->core.blocks;
    now = ctx->now / 1000;

    ctx->blocks = pguard_block_any(blocks, PGUARD_BLOCK_HERE, now)
                  || pguard_block_any(blocks, PGUARD_BLOCK_ELSEWHERE, now)
                  || pguard_block_any(blocks, PGUARD_BLOCK_OPERATOR, now);

    return ctx->blocks ? ngx_paas_guard_zone_keys(r, ctx) : NGX_OK;
}


/* $binary_remote_addr, without the price of a variable. */

static pguard_str_t
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


static ngx_int_t
ngx_paas_guard_client(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ngx_str_t                  value;
    ngx_uint_t                 i;
    ngx_array_t               *client;
    ngx_http_complex_value_t  *cv;

    if (ctx->conf->plain_client) {
        ngx_paas_guard_plain_client(r, ctx);
        return NGX_OK;
    }

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


/* The default client: two keyed hashes together are one that nobody can aim
   at, either.  Less the credential's, it is the address's. */

static void
ngx_paas_guard_plain_client(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    ctx->has_client = 1;
    ctx->plain_client = 1;

    ngx_paas_guard_find_credential(r, ctx);

    ctx->client.len = 0;
    ctx->client_hash = ngx_paas_guard_salt(
                           pguard_key_hash(ctx->conf->zone->key,
                                           ngx_paas_guard_address(r)),
                           ctx->credential_hash);
}


/* The lines of the header called name (lower case), at most max of them. */

ngx_int_t
ngx_paas_guard_header_lines(ngx_http_request_t *r, const char *name,
    pguard_str_t *lines, ngx_uint_t max, ngx_uint_t *n)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    *n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts && *n < max; i++) {

            if (h[i].key.len == len && h[i].hash
                && ngx_memcmp(h[i].lowcase_key, name, len) == 0)
            {
                ngx_paas_guard_core_str(lines[*n], h[i].value);
                (*n)++;
            }
        }
    }

    return *n ? NGX_OK : NGX_DECLINED;
}


/* Most requests tell it in the one line that nginx has found already. */

static ngx_uint_t
ngx_paas_guard_quick_credential(ngx_http_request_t *r,
    pguard_credential_t *found)
{
    pguard_str_t  line;

    if (r->headers_in.authorization == NULL) {
        return 0;
    }

    ngx_paas_guard_core_str(line, r->headers_in.authorization->value);
    *found = pguard_credential_authorization(line);

    return found->kind != PGUARD_CREDENTIAL_NONE;
}


static PGUARD_RARE void
ngx_paas_guard_read_lines(ngx_http_request_t *r,
    ngx_paas_guard_main_conf_t *gmcf, pguard_credential_t *found)
{
    ngx_uint_t                 n;
    pguard_str_t               lines[3][NGX_PAAS_GUARD_LINES];
    pguard_credential_lines_t  in;

    n = 0;

    if (r->headers_in.authorization) {
        (void) ngx_paas_guard_header_lines(r, "authorization", lines[0],
                                           NGX_PAAS_GUARD_LINES, &n);
    }

    in.authorization.line = lines[0];
    in.authorization.count = n;

    (void) ngx_paas_guard_header_lines(r, "x-api-key", lines[1],
                                       NGX_PAAS_GUARD_LINES, &n);
    in.api_key.line = lines[1];
    in.api_key.count = n;

    n = 0;

    if (gmcf->session_cookie.len) {
        (void) ngx_paas_guard_header_lines(r, "cookie", lines[2],
                                           NGX_PAAS_GUARD_LINES, &n);
    }

    in.cookie.line = lines[2];
    in.cookie.count = n;
    ngx_paas_guard_core_str(in.session, gmcf->session_cookie);

    *found = pguard_credential(&in);
}


static void
ngx_paas_guard_read_credential(ngx_http_request_t *r,
    ngx_paas_guard_main_conf_t *gmcf, pguard_credential_t *found)
{
    if (!ngx_paas_guard_quick_credential(r, found)) {
        ngx_paas_guard_read_lines(r, gmcf, found);
    }
}


void
ngx_paas_guard_find_credential(ngx_http_request_t *r,
    ngx_paas_guard_ctx_t *ctx)
{
    pguard_credential_t    *found;
    ngx_paas_guard_zone_t  *zone;

    if (ctx->has_credential) {
        return;
    }

    zone = ctx->conf->zone;
    found = &ctx->credential;

    ngx_paas_guard_read_credential(r, zone->mcf, found);

    ctx->has_credential = 1;
    ctx->authorization = r->headers_in.authorization
                         && (found->kind < PGUARD_CREDENTIAL_KEY_ID
                             || found->kind > PGUARD_CREDENTIAL_BASIC);

    ctx->credential_hash.lo = 0;
    ctx->credential_hash.hi = 0;

    /* a token must not pass for an API key of the same bytes */

    if (found->kind != PGUARD_CREDENTIAL_NONE) {
        ctx->credential_hash = pguard_key_hash(zone->key, found->value);
        ctx->credential_hash.lo ^= found->kind * NGX_PAAS_GUARD_KIND;
    }
}


/* With the kind before it. */

pguard_str_t
ngx_paas_guard_credential(ngx_http_request_t *r)
{
    u_char                      *p;
    pguard_str_t                 s;
    pguard_credential_t          found;
    ngx_paas_guard_ctx_t        *ctx;
    ngx_paas_guard_main_conf_t  *gmcf;

    ctx = ngx_paas_guard_ctx(r);

    if (ctx) {
        ngx_paas_guard_find_credential(r, ctx);
        found = ctx->credential;

    } else {
        gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);
        ngx_paas_guard_read_credential(r, gmcf, &found);
    }

    s.len = 0;
    s.data = NULL;

    if (found.kind == PGUARD_CREDENTIAL_NONE) {
        return s;
    }

    p = ngx_pnalloc(r->pool, found.value.len + 1);

    if (p) {
        p[0] = (u_char) found.kind;
        ngx_memcpy(p + 1, found.value.data, found.value.len);

        s.data = p;
        s.len = found.value.len + 1;
    }

    return s;
}
