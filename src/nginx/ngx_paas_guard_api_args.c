/*
 * The query of a call.
 */

#include "ngx_paas_guard_api.h"
#include "../core/pguard_str.h"


/* The next argument of a query, which loses it: NGX_OK; NGX_DECLINED at its
   end. */

static ngx_int_t
ngx_paas_guard_api_next_arg(ngx_str_t *query, ngx_str_t *name,
    ngx_str_t *value)
{
    size_t   n;
    u_char  *p;

    while (query->len && query->data[0] == '&') {
        query->data++;
        query->len--;
    }

    if (query->len == 0) {
        return NGX_DECLINED;
    }

    p = ngx_strlchr(query->data, query->data + query->len, '&');
    n = p ? (size_t) (p - query->data) : query->len;

    name->data = query->data;
    name->len = n;

    p = ngx_strlchr(query->data, query->data + n, '=');

    value->data = p ? p + 1 : query->data + n;
    value->len = query->data + n - value->data;

    if (p) {
        name->len = p - query->data;
    }

    query->data += n;
    query->len -= n;

    return NGX_OK;
}


ngx_int_t
ngx_paas_guard_api_check_args(ngx_paas_guard_api_t *api)
{
    ngx_str_t           query, name, value;
    ngx_uint_t          given, seen;
    pguard_str_t        s;
    const char *const  *arg;

    seen = 0;
    query = api->request->args;

    while (ngx_paas_guard_api_next_arg(&query, &name, &value) == NGX_OK) {

        for (arg = api->call->args; arg && *arg; arg++) {
            if (ngx_paas_guard_same(&name, *arg)) {
                break;
            }
        }

        if (arg == NULL || *arg == NULL) {
            ngx_paas_guard_core_str(s, name);
            return ngx_paas_guard_api_problem(api,
                                              PGUARD_PROBLEM_ARGUMENT_UNKNOWN,
                                              s);
        }

        given = (ngx_uint_t) 1 << (arg - api->call->args);

        if (seen & given) {
            return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_ARGUMENT_TWICE,
                                            *arg);
        }

        seen |= given;
    }

    return NGX_OK;
}


ngx_int_t
ngx_paas_guard_api_arg(ngx_paas_guard_api_t *api, const char *name,
    pguard_str_t *value)
{
    size_t      i;
    u_char     *dst, *src;
    ngx_str_t   query, arg, raw;

    query = api->request->args;

    while (ngx_paas_guard_api_next_arg(&query, &arg, &raw) == NGX_OK) {

        if (!ngx_paas_guard_same(&arg, name)) {
            continue;
        }

        src = ngx_pnalloc(api->request->pool, raw.len * 2 + 1);
        if (src == NULL) {
            return NGX_ERROR;
        }

        for (i = 0; i < raw.len; i++) {
            src[i] = raw.data[i] == '+' ? ' ' : raw.data[i];
        }

        dst = src + raw.len;
        value->data = dst;
        ngx_unescape_uri(&dst, &src, raw.len, 0);
        value->len = dst - value->data;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_paas_guard_api_arg_number(ngx_paas_guard_api_t *api, const char *name,
    uint64_t max, uint64_t *n)
{
    off_t         number;
    ngx_int_t     rc;
    pguard_str_t  s;

    rc = ngx_paas_guard_api_arg(api, name, &s);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    number = ngx_atoof((u_char *) s.data, s.len);

    if (number == NGX_ERROR || (uint64_t) number > max) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_ARGUMENT_VALUE,
                                        name);
    }

    *n = number;

    return NGX_OK;
}


ngx_paas_guard_zone_t *
ngx_paas_guard_api_zone(ngx_paas_guard_api_t *api, pguard_str_t name)
{
    ngx_uint_t               i;
    ngx_paas_guard_zone_t  **zones;

    zones = api->gmcf->zones.elts;

    for (i = 0; i < api->gmcf->zones.nelts; i++) {

        if (zones[i]->name.len == name.len
            && ngx_memcmp(zones[i]->name.data, name.data, name.len) == 0)
        {
            return zones[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_paas_guard_api_arg_zone(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t **zone)
{
    ngx_int_t     rc;
    pguard_str_t  name;

    *zone = NULL;
    rc = ngx_paas_guard_api_arg(api, "zone", &name);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    *zone = ngx_paas_guard_api_zone(api, name);

    return *zone ? NGX_OK
                 : ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_ZONE, name);
}


ngx_int_t
ngx_paas_guard_api_arg_word(ngx_paas_guard_api_t *api, const char *name,
    const pguard_str_t *words, ngx_uint_t n, ngx_uint_t *word)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    pguard_str_t  s;

    rc = ngx_paas_guard_api_arg(api, name, &s);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    for (i = 0; i < n; i++) {
        if (pguard_str_same(s, words[i])) {
            *word = i;
            return NGX_OK;
        }
    }

    return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_ARGUMENT_VALUE, name);
}


ngx_int_t
ngx_paas_guard_api_arg_lang(ngx_paas_guard_api_t *api)
{
    ngx_int_t   rc;
    ngx_uint_t  lang;

    lang = api->lang;
    rc = ngx_paas_guard_api_arg_word(api, "lang", pguard_lang_names,
                                     PGUARD_LANGS, &lang);
    api->lang = lang;

    return rc;
}
