/*
 * What the names of a configuration mean, and what is prepared from it once
 * for all requests.
 */

#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_SHARED_SIZE  (16 * 4096)


static ngx_int_t ngx_paas_guard_add_shared(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf);
static ngx_int_t ngx_paas_guard_shared_init(ngx_shm_zone_t *shm_zone,
    void *data);


/* Modules whose location configuration begins with that of an upstream: they
   tell whether a request's body is buffered. */

static ngx_int_t
ngx_paas_guard_find_upstreams(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf)
{
    ngx_uint_t  i, n, *index;

    static const char  *names[] = {
        "ngx_http_grpc_module",             /* which never buffers */
        "ngx_http_proxy_module",
        "ngx_http_fastcgi_module",
        "ngx_http_uwsgi_module",
        "ngx_http_scgi_module"
    };

    gmcf->grpc = NGX_CONF_UNSET_UINT;

    for (i = 0; cf->cycle->modules[i]; i++) {

        for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {

            if (ngx_strcmp(cf->cycle->modules[i]->name, names[n]) == 0) {

                index = ngx_array_push(&gmcf->upstreams);
                if (index == NULL) {
                    return NGX_ERROR;
                }

                *index = cf->cycle->modules[i]->ctx_index;

                if (n == 0) {
                    gmcf->grpc = *index;
                }
            }
        }
    }

    return NGX_OK;
}


/* The module that stores the body of a PUT. */

static void
ngx_paas_guard_find_dav(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf)
{
    ngx_uint_t      i;
    ngx_module_t   *module;
    ngx_command_t  *cmd;

    gmcf->dav = NGX_CONF_UNSET_UINT;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (module->type != NGX_HTTP_MODULE || module->commands == NULL) {
            continue;
        }

        for (cmd = module->commands; cmd->name.len; cmd++) {

            if (ngx_paas_guard_same(&cmd->name, "dav_methods")
                && cmd->set == ngx_conf_set_bitmask_slot
                && cmd->conf == NGX_HTTP_LOC_CONF_OFFSET)
            {
                gmcf->dav = module->ctx_index;
                gmcf->dav_methods = cmd->offset;
            }
        }
    }
}


static ngx_int_t
ngx_paas_guard_default_client(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf)
{
    ngx_http_complex_value_t          *cv;
    ngx_http_compile_complex_value_t   ccv;

    gmcf->default_client = ngx_array_create(cf->pool, 1,
                                           sizeof(ngx_http_complex_value_t));
    if (gmcf->default_client == NULL) {
        return NGX_ERROR;
    }

    cv = ngx_array_push(gmcf->default_client);
    if (cv == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &ngx_paas_guard_default_client_text;
    ccv.complex_value = cv;

    return ngx_http_compile_complex_value(&ccv);
}


/* Before locations are merged. */

ngx_int_t
ngx_paas_guard_conf_init_main(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf)
{
    if (ngx_paas_guard_check_refs(cf, gmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    gmcf->proxy = cf->cycle->hostname;
    gmcf->default_headers = ngx_paas_guard_default_headers(cf);

    if (gmcf->default_headers == NULL
        || ngx_paas_guard_default_client(cf, gmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_paas_guard_find_dav(cf, gmcf);

    return ngx_paas_guard_find_upstreams(cf, gmcf);
}


ngx_paas_guard_rule_t *
ngx_paas_guard_find_rule(ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name)
{
    ngx_uint_t               i;
    ngx_paas_guard_rule_t  **rules;

    rules = gmcf->rules.elts;

    for (i = 0; i < gmcf->rules.nelts; i++) {
        if (ngx_paas_guard_equal(&rules[i]->name, name)) {
            return rules[i];
        }
    }

    return NULL;
}


ngx_paas_guard_zone_t *
ngx_paas_guard_find_zone(ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name)
{
    ngx_uint_t               i;
    ngx_paas_guard_zone_t  **zones;

    zones = gmcf->zones.elts;

    for (i = 0; i < gmcf->zones.nelts; i++) {
        if (ngx_paas_guard_equal(&zones[i]->name, name)) {
            return zones[i];
        }
    }

    return NULL;
}


ngx_paas_guard_service_t *
ngx_paas_guard_find_service(ngx_paas_guard_zone_t *zone, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_paas_guard_service_t  **services;

    services = zone->mcf->services.elts;

    for (i = 0; i < zone->mcf->services.nelts; i++) {
        if (services[i]->zone == zone
            && ngx_paas_guard_equal(&services[i]->name, name))
        {
            return services[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_paas_guard_resolve_service(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf, ngx_paas_guard_loc_conf_t *conf)
{
    XXH128_hash_t               h;
    ngx_paas_guard_service_t  **services, *service;

    conf->service = ngx_paas_guard_find_service(conf->zone,
                                                &conf->service_name);
    if (conf->service) {
        return NGX_OK;
    }

    service = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_service_t));
    services = ngx_array_push(&gmcf->services);

    if (service == NULL || services == NULL) {
        return NGX_ERROR;
    }

    h = XXH3_128bits(conf->service_name.data, conf->service_name.len);

    service->name = conf->service_name;
    service->zone = conf->zone;
    service->salt.lo = h.low64;
    service->salt.hi = h.high64;

    *services = service;
    conf->service = service;

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_resolve_rules(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf,
    ngx_paas_guard_loc_conf_t *conf)
{
    ngx_str_t               *names;
    ngx_uint_t               i;
    ngx_paas_guard_rule_t  **rule;

    if (conf->rule_names == NULL) {
        return NGX_OK;
    }

    names = conf->rule_names->elts;
    conf->rules = ngx_array_create(cf->pool, conf->rule_names->nelts,
                                   sizeof(ngx_paas_guard_rule_t *));
    conf->salts = ngx_palloc(cf->pool, conf->rule_names->nelts
                                       * sizeof(pguard_hash_t));
    if (conf->rules == NULL || conf->salts == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->rule_names->nelts; i++) {

        rule = ngx_array_push(conf->rules);
        if (rule == NULL) {
            return NGX_ERROR;
        }

        *rule = ngx_paas_guard_find_rule(gmcf, &names[i]);
        conf->salts[i] = ngx_paas_guard_window_salt(*rule, conf->service);
    }

    return NGX_OK;
}


/* HTTP/1 leaves out of the hash of a name what does not belong in a name, if
   such names are let through; HTTP/2 does not. */

static ngx_uint_t
ngx_paas_guard_valid_hash(ngx_str_t *name)
{
    u_char      c;
    ngx_uint_t  i, hash;

    hash = 0;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-') {
            hash = ngx_hash(hash, c);
        }
    }

    return hash;
}


/* Lines with a hash like this may be header number i. */

static void
ngx_paas_guard_prepare_header(ngx_paas_guard_loc_conf_t *conf, ngx_uint_t hash,
    ngx_uint_t i)
{
    u_char      *place;
    ngx_uint_t   end;

    end = ngx_paas_guard_header_end(hash);
    place = &conf->header_place[end];

    *place = *place == NGX_PAAS_GUARD_NO_HEADER || *place == i
             ? (u_char) i : NGX_PAAS_GUARD_ANY_HEADER;

    conf->head_line[end] = NGX_PAAS_GUARD_LINE_WHAT;
}


static void
ngx_paas_guard_prepare_headers(ngx_paas_guard_loc_conf_t *conf)
{
    ngx_str_t   *h;
    ngx_uint_t   i;

    ngx_memset(conf->header_place, NGX_PAAS_GUARD_NO_HEADER,
               sizeof(conf->header_place));

    h = conf->headers->elts;

    for (i = 0; i < conf->headers->nelts; i++) {
        ngx_paas_guard_prepare_header(conf, ngx_hash_key(h[i].data, h[i].len),
                                      i);
        ngx_paas_guard_prepare_header(conf, ngx_paas_guard_valid_hash(&h[i]),
                                      i);
    }
}


static void
ngx_paas_guard_prepare_line(ngx_paas_guard_loc_conf_t *conf,
    const char *name, u_char kind)
{
    ngx_uint_t  hash;

    hash = ngx_hash_key((u_char *) name, ngx_strlen(name));
    conf->head_line[ngx_paas_guard_header_end(hash)] = kind;
}


/* If the hashes of several names have the same end, the line is taken for one
   that says who sends the request rather than what it asks for, and for that
   rather than a wish.  Cookies only count if one of them is the session. */

static void
ngx_paas_guard_prepare_lines(ngx_paas_guard_loc_conf_t *conf)
{
    ngx_paas_guard_prepare_line(conf, "host", NGX_PAAS_GUARD_LINE_WHAT);
    ngx_paas_guard_prepare_line(conf, "authorization",
                                NGX_PAAS_GUARD_LINE_WHO);
    ngx_paas_guard_prepare_line(conf, "x-api-key", NGX_PAAS_GUARD_LINE_WHO);

    if (conf->zone->mcf->session_cookie.len) {
        ngx_paas_guard_prepare_line(conf, "cookie", NGX_PAAS_GUARD_LINE_WHO);
    }
}


/* What saves time with each request. */

static void
ngx_paas_guard_prepare(ngx_paas_guard_loc_conf_t *conf)
{
    ngx_http_complex_value_t  *cv;

    cv = conf->client->elts;

    conf->plain_client = conf->client->nelts == 1
                         && ngx_paas_guard_same(&cv[0].value,
                              (char *) ngx_paas_guard_default_client_text.data);

    ngx_paas_guard_prepare_line(conf, "accept", NGX_PAAS_GUARD_LINE_WISH);
    ngx_paas_guard_prepare_line(conf, "accept-language",
                                NGX_PAAS_GUARD_LINE_WISH);
    ngx_paas_guard_prepare_headers(conf);
    ngx_paas_guard_prepare_lines(conf);
}


/* Names in a merged configuration become what they name, which is there. */

ngx_int_t
ngx_paas_guard_conf_resolve(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf,
    ngx_paas_guard_loc_conf_t *conf)
{
    if (!conf->on) {
        return NGX_OK;
    }

    conf->zone = ngx_paas_guard_find_zone(gmcf, &conf->zone_name);

    if (ngx_paas_guard_resolve_service(cf, gmcf, conf) != NGX_OK
        || ngx_paas_guard_resolve_rules(cf, gmcf, conf) != NGX_OK
        || ngx_paas_guard_resolve_sla(cf, gmcf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->interval) {
        conf->zone->use |= PGUARD_USE_SIGNATURES;
    }

    if (conf->rules) {
        conf->zone->use |= PGUARD_USE_WINDOWS;
    }

    if (conf->cluster == NGX_CONF_UNSET_UINT) {
        conf->cluster = (gmcf->store != NULL);
    }

    ngx_paas_guard_prepare(conf);

    return NGX_OK;
}


/* After all locations are merged. */

ngx_int_t
ngx_paas_guard_conf_finish(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf)
{
    ngx_uint_t               i;
    ngx_paas_guard_zone_t  **zones;

    zones = gmcf->zones.elts;

    for (i = 0; i < gmcf->zones.nelts; i++) {

        zones[i]->rules = ngx_pcalloc(cf->pool, (gmcf->rules.nelts + 1)
                                                * sizeof(uint16_t));
        if (zones[i]->rules == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_paas_guard_check_files(cf, gmcf) != NGX_OK
        || ngx_paas_guard_audit_finish(cf, gmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (gmcf->store == NULL) {
        return NGX_OK;
    }

    if (ngx_paas_guard_store_init(cf, gmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_paas_guard_add_shared(cf, gmcf);
}


static ngx_int_t
ngx_paas_guard_add_shared(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf)
{
    ngx_shm_zone_t  *shm_zone;

    static ngx_str_t  name = ngx_string("paas_guard redis");

    shm_zone = ngx_shared_memory_add(cf, &name, NGX_PAAS_GUARD_SHARED_SIZE,
                                     &ngx_paas_guard_filter_module);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    shm_zone->init = ngx_paas_guard_shared_init;
    shm_zone->data = gmcf;

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_shared_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_slab_pool_t             *shpool;
    ngx_paas_guard_main_conf_t  *gmcf;

    gmcf = shm_zone->data;
    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data == NULL) {
        shpool->data = ngx_slab_calloc(shpool,
                                       sizeof(ngx_paas_guard_store_shared_t));
        if (shpool->data == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_paas_guard_store_set_shared(gmcf->store, shpool->data);

    return NGX_OK;
}
