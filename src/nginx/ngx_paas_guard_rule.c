/*
 * paas_guard_hammer_rule: the directive and its parameters.
 */

#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_BLOCK_DAYS  365
#define NGX_PAAS_GUARD_BLOCK_MAX   (NGX_PAAS_GUARD_BLOCK_DAYS * 86400ULL * 1000)

/* of answers that a rule may count */

#define NGX_PAAS_GUARD_STATUS_MIN  200
#define NGX_PAAS_GUARD_STATUS_MAX  599


static char *ngx_paas_guard_rule_key(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_rule_window(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_rule_limit(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_rule_count(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_rule_block(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_rule_block_max(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_rule_scope(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_rule_reason(ngx_conf_t *cf, void *to,
    ngx_str_t *value);


static const ngx_paas_guard_parameter_t  ngx_paas_guard_rule_parameters[] = {
    { "key", ngx_paas_guard_rule_key, "a string with variables" },
    { "window", ngx_paas_guard_rule_window,
      "a time from 1s to " ngx_paas_guard_value(PGUARD_WINDOW_DAYS) "d" },
    { "limit", ngx_paas_guard_rule_limit,
      "a number from 1 to " ngx_paas_guard_value(PGUARD_LIMIT_MAX) },
    { "count", ngx_paas_guard_rule_count,
      "all, admitted, throttled or status:LIST of codes from "
      ngx_paas_guard_value(NGX_PAAS_GUARD_STATUS_MIN) " to "
      ngx_paas_guard_value(NGX_PAAS_GUARD_STATUS_MAX) },
    { "block", ngx_paas_guard_rule_block,
      "a time from 1s to " ngx_paas_guard_value(NGX_PAAS_GUARD_BLOCK_DAYS) "d" },
    { "block_max", ngx_paas_guard_rule_block_max,
      "a time from 1s to " ngx_paas_guard_value(NGX_PAAS_GUARD_BLOCK_DAYS) "d" },
    { "scope", ngx_paas_guard_rule_scope, "service or zone" },
    { "reason", ngx_paas_guard_rule_reason, "hammering or lockout" },
    ngx_paas_guard_no_parameter
};


static char *
ngx_paas_guard_rule_key(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_rule_t *rule = to;

    ngx_uint_t                        i;
    ngx_http_compile_complex_value_t  ccv;

    static const struct {
        const char              *text;
        ngx_paas_guard_source_e  source;
    } known[] = {
        { "$paas_guard_client_id", NGX_PAAS_GUARD_KEY_CLIENT },
        { "${paas_guard_client_id}", NGX_PAAS_GUARD_KEY_CLIENT },
        { "$paas_guard_credential", NGX_PAAS_GUARD_KEY_CREDENTIAL },
        { "${paas_guard_credential}", NGX_PAAS_GUARD_KEY_CREDENTIAL },
        { "$binary_remote_addr", NGX_PAAS_GUARD_KEY_ADDRESS },
        { "${binary_remote_addr}", NGX_PAAS_GUARD_KEY_ADDRESS }
    };

    if (value->len == 0) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (ngx_paas_guard_same(value, known[i].text)) {
            rule->source = known[i].source;
        }
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = &rule->key;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (rule->key.lengths == NULL) {
        ngx_paas_guard_constant(cf, "key=", value, "all clients will be one");
    }

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_rule_time(ngx_str_t *value, pguard_msec_t max,
    pguard_msec_t *time)
{
    ngx_int_t  n;

    n = ngx_parse_time(value, 0);

    if (n == NGX_ERROR || n < 1000 || (pguard_msec_t) n > max) {
        return NGX_CONF_ERROR;
    }

    *time = n;

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_rule_window(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_rule_t *rule = to;

    return ngx_paas_guard_rule_time(value, PGUARD_WINDOW_MAX,
                                    &rule->window.window);
}


static char *
ngx_paas_guard_rule_limit(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_rule_t *rule = to;

    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n < 1 || n > PGUARD_LIMIT_MAX) {
        return NGX_CONF_ERROR;
    }

    rule->window.limit = n;

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_rule_statuses(ngx_conf_t *cf, ngx_paas_guard_rule_t *rule,
    u_char *p, u_char *last)
{
    u_char      *comma;
    ngx_int_t    status;
    ngx_uint_t  *s;

    rule->statuses = ngx_array_create(cf->pool, 4, sizeof(ngx_uint_t));
    if (rule->statuses == NULL) {
        return NGX_CONF_ERROR;
    }

    for ( ;; ) {
        comma = ngx_strlchr(p, last, ',');

        if (comma == NULL) {
            comma = last;
        }

        status = ngx_atoi(p, comma - p);

        if (status < NGX_PAAS_GUARD_STATUS_MIN
            || status > NGX_PAAS_GUARD_STATUS_MAX)
        {
            return NGX_CONF_ERROR;
        }

        s = ngx_array_push(rule->statuses);
        if (s == NULL) {
            return NGX_CONF_ERROR;
        }

        *s = status;

        if (comma == last) {
            return NGX_CONF_OK;
        }

        p = comma + 1;
    }
}


static char *
ngx_paas_guard_rule_count(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_rule_t *rule = to;

    ngx_uint_t  i;

    /* in the order of the bits */

    static const char *const  words[] = { "admitted", "throttled", "all" };

    for (i = 0; i < 3; i++) {
        if (ngx_paas_guard_same(value, words[i])) {
            rule->count = NGX_PAAS_GUARD_COUNT_ADMITTED + i;
            return NGX_CONF_OK;
        }
    }

    if (value->len <= 7 || ngx_strncmp(value->data, "status:", 7) != 0) {
        return NGX_CONF_ERROR;
    }

    rule->count = NGX_PAAS_GUARD_COUNT_STATUS;

    return ngx_paas_guard_rule_statuses(cf, rule, value->data + 7,
                                        value->data + value->len);
}


static char *
ngx_paas_guard_rule_block(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_rule_t *rule = to;

    return ngx_paas_guard_rule_time(value, NGX_PAAS_GUARD_BLOCK_MAX,
                                    &rule->block.block);
}


static char *
ngx_paas_guard_rule_block_max(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_rule_t *rule = to;

    return ngx_paas_guard_rule_time(value, NGX_PAAS_GUARD_BLOCK_MAX,
                                    &rule->block.block_max);
}


static char *
ngx_paas_guard_rule_scope(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_rule_t *rule = to;

    rule->scope_zone = ngx_paas_guard_same(value, "zone");

    return rule->scope_zone || ngx_paas_guard_same(value, "service")
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_paas_guard_rule_reason(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_rule_t *rule = to;

    if (ngx_paas_guard_same(value, "lockout")) {
        rule->reason = PGUARD_REASON_LOCKOUT;
        return NGX_CONF_OK;
    }

    rule->reason = PGUARD_REASON_HAMMERING;

    return ngx_paas_guard_same(value, "hammering") ? NGX_CONF_OK
                                                 : NGX_CONF_ERROR;
}


static pguard_hash_t
ngx_paas_guard_rule_salt(ngx_paas_guard_rule_t *rule, uint64_t limit,
    uint64_t window)
{
    u_char         buf[PGUARD_NAME_MAX + 2 * NGX_INT64_LEN + 3], *last;
    XXH128_hash_t  h;
    pguard_hash_t  salt;

    last = ngx_sprintf(buf, "%V %uL %uL", &rule->name, limit, window);
    h = XXH3_128bits(buf, last - buf);

    salt.lo = h.low64;
    salt.hi = h.high64;

    return salt;
}


/* Whether it counts failed logins and nothing else. */

static ngx_uint_t
ngx_paas_guard_rule_logins(ngx_paas_guard_rule_t *rule)
{
    ngx_uint_t  i, *status;

    if (rule->count != NGX_PAAS_GUARD_COUNT_STATUS) {
        return 0;
    }

    status = rule->statuses->elts;

    for (i = 0; i < rule->statuses->nelts; i++) {
        if (status[i] != NGX_HTTP_UNAUTHORIZED
            && status[i] != NGX_HTTP_FORBIDDEN)
        {
            return 0;
        }
    }

    return 1;
}


/* The default is that of the interface, also where it is hardly what is meant:
   the clause on hammering is not the one on failed logins. */

static void
ngx_paas_guard_rule_default_reason(ngx_conf_t *cf, ngx_paas_guard_rule_t *rule)
{
    if (rule->reason != PGUARD_REASON_NONE) {
        return;
    }

    rule->reason = PGUARD_REASON_HAMMERING;

    if (ngx_paas_guard_rule_logins(rule)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"paas_guard_hammer_rule\": rule \"%V\" counts "
                           "failed logins, but its refusals will say "
                           "hammering_blocked: add reason=lockout, or "
                           "reason=hammering if that is right", &rule->name);
    }
}


/* What needs all parameters. */

static char *
ngx_paas_guard_rule_finish(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf,
    ngx_paas_guard_rule_t *rule)
{
    ngx_uint_t               i;
    ngx_paas_guard_rule_t  **rules;

    if (rule->key.value.data == NULL || rule->window.window == 0
        || rule->window.limit == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"paas_guard_hammer_rule\": rule \"%V\" must "
                           "have key=, window= and limit=", &rule->name);
        return NGX_CONF_ERROR;
    }

    if (rule->block.block_max == 0) {
        rule->block.block_max = ngx_max(3600 * 1000, rule->block.block);
    }

    if (rule->block.block_max < rule->block.block) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"paas_guard_hammer_rule\": rule \"%V\" has a "
                           "block_max= that is shorter than its block=",
                           &rule->name);
        return NGX_CONF_ERROR;
    }

    ngx_paas_guard_rule_default_reason(cf, rule);

    pguard_window_rule_init(&rule->window, rule->window.limit,
                            rule->window.window);

    rules = gmcf->rules.elts;

    for (i = 0; i < rule->index; i++) {
        if (ngx_paas_guard_equal(&rules[i]->key.value, &rule->key.value)) {
            break;
        }
    }

    rule->same_key = i;

    gmcf->status_rules += rule->count == NGX_PAAS_GUARD_COUNT_STATUS;

    rule->block.window = rule->window.window;
    rule->block_salt = ngx_paas_guard_rule_salt(rule, 0, 0);
    rule->window_salt = ngx_paas_guard_rule_salt(rule, rule->window.limit,
                                                 rule->window.window);

    return NGX_CONF_OK;
}


static ngx_paas_guard_rule_t *
ngx_paas_guard_rule_create(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf,
    ngx_str_t *name)
{
    ngx_paas_guard_rule_t  **rules, *rule;

    if (ngx_paas_guard_find_rule(gmcf, name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"paas_guard_hammer_rule\": rule \"%V\" is "
                           "already defined", name);
        return NULL;
    }

    if (gmcf->rules.nelts == PGUARD_RULES_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"paas_guard_hammer_rule\": rule \"%V\" is one "
                           "too many: at most %d", name, PGUARD_RULES_MAX);
        return NULL;
    }

    rule = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_rule_t));
    rules = ngx_array_push(&gmcf->rules);

    if (rule == NULL || rules == NULL) {
        return NULL;
    }

    rule->name = *name;
    rule->index = gmcf->rules.nelts - 1;
    rule->count = NGX_PAAS_GUARD_COUNT_ALL;
    rule->reason = PGUARD_REASON_NONE;
    rule->block.block = 60 * 1000;

    *rules = rule;

    return rule;
}


char *
ngx_paas_guard_rule_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_main_conf_t *gmcf = conf;

    ngx_str_t              *args;
    ngx_paas_guard_rule_t  *rule;

    args = cf->args->elts;

    if (ngx_paas_guard_check_name(cf, cmd, &args[1]) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    /* "paas_guard_hammer off", and the policy of duplicates */

    if (ngx_paas_guard_same(&args[1], "off")
        || ngx_paas_guard_same(&args[1], "identical"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": name \"%V\" is reserved: choose another",
                           &cmd->name, &args[1]);
        return NGX_CONF_ERROR;
    }

    rule = ngx_paas_guard_rule_create(cf, gmcf, &args[1]);
    if (rule == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_paas_guard_parameters(cf, cmd, 2, ngx_paas_guard_rule_parameters,
                                  rule)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_paas_guard_rule_finish(cf, gmcf, rule);
}
