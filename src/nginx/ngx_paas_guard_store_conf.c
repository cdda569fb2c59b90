/*
 * paas_guard_redis: the directive, and the servers that its url names.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_paas_guard_store_private.h"
#include "ngx_paas_guard_secret.h"


#define NGX_PAAS_GUARD_PASSWORD_MAX  4096

#define NGX_PAAS_GUARD_TIMEOUT          5
#define NGX_PAAS_GUARD_CONNECT_TIMEOUT  1000
#define NGX_PAAS_GUARD_FLUSH            10


/* The parameters: min is 0 for one that is a string. */

typedef struct {
    ngx_str_t   name;                      /* with "=" */
    size_t      offset;
    ngx_msec_t  min;
    ngx_msec_t  max;
    ngx_uint_t  tls;
} ngx_paas_guard_store_param_t;


static char *ngx_paas_guard_store_url(ngx_conf_t *cf,
    ngx_paas_guard_store_t *store);
static char *ngx_paas_guard_store_resolve(ngx_conf_t *cf,
    ngx_paas_guard_store_t *store);
static ngx_int_t ngx_paas_guard_store_place(ngx_conf_t *cf,
    ngx_paas_guard_place_t *place, ngx_str_t *url, const char **err);
static char *ngx_paas_guard_store_param(ngx_conf_t *cf,
    ngx_paas_guard_store_t *store, ngx_str_t *arg, ngx_uint_t *seen);
static char *ngx_paas_guard_store_param_value(ngx_conf_t *cf,
    ngx_paas_guard_store_t *store, const ngx_paas_guard_store_param_t *param,
    ngx_str_t *value);
static char *ngx_paas_guard_store_check(ngx_conf_t *cf,
    ngx_paas_guard_store_t *store);
static char *ngx_paas_guard_store_password(ngx_conf_t *cf,
    ngx_paas_guard_store_t *store);
static char *ngx_paas_guard_store_names(ngx_conf_t *cf,
    ngx_paas_guard_store_t *store);


#define ngx_paas_guard_store_param_string(name, field, tls)                   \
    { ngx_string(name "="), offsetof(ngx_paas_guard_store_t, field), 0, 0,    \
      tls }

#define ngx_paas_guard_store_param_time(name, field, max)                     \
    { ngx_string(name "="), offsetof(ngx_paas_guard_store_t, field), 1, max,  \
      0 }


static const ngx_paas_guard_store_param_t  ngx_paas_guard_store_params[] = {
    ngx_paas_guard_store_param_string("prefix", prefix, 0),
    ngx_paas_guard_store_param_string("username", username, 0),
    ngx_paas_guard_store_param_string("password_file", password_file, 0),
    ngx_paas_guard_store_param_time("timeout", timeout, 10000),
    ngx_paas_guard_store_param_time("connect_timeout", connect_timeout, 60000),
    ngx_paas_guard_store_param_time("flush", flush, 1000),
    ngx_paas_guard_store_param_string("tls_ca", tls_ca, 1),
    ngx_paas_guard_store_param_string("tls_cert", tls_cert, 1),
    ngx_paas_guard_store_param_string("tls_key", tls_key, 1),
    ngx_paas_guard_store_param_string("tls_name", tls_name, 1)
};

#define NGX_PAAS_GUARD_STORE_PARAMS                                           \
    (sizeof(ngx_paas_guard_store_params)                                      \
     / sizeof(ngx_paas_guard_store_params[0]))


char *
ngx_paas_guard_redis_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_main_conf_t *mcf = conf;

    char                    *rv;
    ngx_str_t               *value;
    ngx_uint_t               i, seen;
    ngx_paas_guard_store_t  *store;

    if (mcf->store) {
        return "is duplicate";
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_store_t));
    if (store == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    store->text = value[1];
    ngx_str_set(&store->prefix, "paas_guard");
    store->timeout = NGX_PAAS_GUARD_TIMEOUT;
    store->connect_timeout = NGX_PAAS_GUARD_CONNECT_TIMEOUT;
    store->flush = NGX_PAAS_GUARD_FLUSH;

    rv = ngx_paas_guard_store_url(cf, store);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    seen = 0;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_paas_guard_store_param(cf, store, &value[i], &seen);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    rv = ngx_paas_guard_store_check(cf, store);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_paas_guard_store_tls(cf, store);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_paas_guard_store_resolve(cf, store);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    mcf->store = store;

    return ngx_paas_guard_reference(cf, NGX_PAAS_GUARD_REDIS_NEEDS_SECRET,
                                    &store->text)
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_paas_guard_store_init(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *mcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (mcf->store == NULL) {
        return NGX_OK;
    }

    mcf->store->zones = &mcf->zones;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        mcf->store->resolver = clcf->resolver;
    }

    return NGX_OK;
}


static char *
ngx_paas_guard_store_url(ngx_conf_t *cf, ngx_paas_guard_store_t *store)
{
    const char  *error;

    error = pguard_url_parse(&store->url,
                             ngx_paas_guard_store_str(&store->text));

    if (error) {

        /* a url with a password in it is not for the log */

        if (ngx_strlchr(store->text.data, store->text.data + store->text.len,
                        '@'))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the url of \"paas_guard_redis\" %s", error);
            return NGX_CONF_ERROR;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "url \"%V\" of \"paas_guard_redis\" %s",
                           &store->text, error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * A start needs no more than this; later the names are looked up again if
 * there is a resolver.  Of several hosts one that is found will do.
 */

static char *
ngx_paas_guard_store_resolve(ngx_conf_t *cf, ngx_paas_guard_store_t *store)
{
    ngx_str_t                url;
    ngx_uint_t               found, i;
    const char              *err;
    pguard_url_host_t       *host;
    ngx_paas_guard_place_t  *place;

    store->nplaces = ngx_max(store->url.nhosts, 1);

    place = ngx_pcalloc(cf->pool,
                        store->nplaces * sizeof(ngx_paas_guard_place_t));
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }

    store->places = place;

    err = NULL;
    found = 0;

    for (i = 0; i < store->nplaces; i++, place++) {

        if (store->url.kind == PGUARD_URL_UNIX) {
            url = store->text;

        } else {
            host = &store->url.host[i];

            place->host.data = (u_char *) host->name.data;
            place->host.len = host->name.len;
            place->port = host->port;

            url.data = ngx_pnalloc(cf->pool, place->host.len
                                             + sizeof("[]:65535") - 1);
            if (url.data == NULL) {
                return NGX_CONF_ERROR;
            }

            url.len = ngx_sprintf(url.data,
                                  host->literal6 ? "[%V]:%ui" : "%V:%ui",
                                  &place->host, (ngx_uint_t) place->port)
                      - url.data;
        }

        if (ngx_paas_guard_store_place(cf, place, &url, &err) == NGX_OK) {
            found = 1;

        } else if (store->nplaces > 1) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "host \"%V\" of \"paas_guard_redis\" has no "
                               "address: %s", &url, err);
        }
    }

    if (!found) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "url \"%V\" of \"paas_guard_redis\" has no "
                           "address: %s", &store->text, err);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_paas_guard_store_place(ngx_conf_t *cf, ngx_paas_guard_place_t *place,
    ngx_str_t *url, const char **err)
{
    ngx_url_t  u;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = *url;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK || u.naddrs == 0) {
        *err = u.err ? u.err : "host not found";
        return NGX_DECLINED;
    }

    place->addrs = u.addrs;
    place->naddrs = u.naddrs;

    return NGX_OK;
}


static char *
ngx_paas_guard_store_param(ngx_conf_t *cf, ngx_paas_guard_store_t *store,
    ngx_str_t *arg, ngx_uint_t *seen)
{
    ngx_str_t                            value;
    ngx_uint_t                           i;
    const ngx_paas_guard_store_param_t  *param;

    for (i = 0; i < NGX_PAAS_GUARD_STORE_PARAMS; i++) {
        param = &ngx_paas_guard_store_params[i];

        if (arg->len < param->name.len
            || ngx_strncmp(arg->data, param->name.data, param->name.len) != 0)
        {
            continue;
        }

        if (*seen & (ngx_uint_t) 1 << i) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\" of "
                               "\"paas_guard_redis\"", arg);
            return NGX_CONF_ERROR;
        }

        *seen |= (ngx_uint_t) 1 << i;

        value.data = arg->data + param->name.len;
        value.len = arg->len - param->name.len;

        if (value.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "parameter \"%V\" of \"paas_guard_redis\" "
                               "needs a value", arg);
            return NGX_CONF_ERROR;
        }

        return ngx_paas_guard_store_param_value(cf, store, param, &value);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown parameter \"%V\" of \"paas_guard_redis\": "
                       "prefix=, username=, password_file=, timeout=, "
                       "connect_timeout=, flush=, tls_ca=, tls_cert=, "
                       "tls_key= and tls_name= are known", arg);

    return NGX_CONF_ERROR;
}


static char *
ngx_paas_guard_store_param_value(ngx_conf_t *cf, ngx_paas_guard_store_t *store,
    const ngx_paas_guard_store_param_t *param, ngx_str_t *value)
{
    char        *p;
    ngx_int_t    msec;
    ngx_str_t   *string;
    ngx_msec_t  *time;

    p = (char *) store + param->offset;

    if (param->min == 0) {
        string = (ngx_str_t *) p;
        *string = *value;

        if (param->tls && store->url.kind != PGUARD_URL_REDISS) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "parameter \"%V%V\" of \"paas_guard_redis\" "
                               "needs a url that begins with \"rediss://\"",
                               &param->name, value);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    msec = ngx_parse_time(value, 0);

    if (msec == NGX_ERROR
        || (ngx_msec_t) msec < param->min || (ngx_msec_t) msec > param->max)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V%V\" of \"paas_guard_redis\": "
                           "a time from %Mms to %Mms is right", &param->name,
                           value, param->min, param->max);
        return NGX_CONF_ERROR;
    }

    time = (ngx_msec_t *) p;
    *time = msec;

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_store_check(ngx_conf_t *cf, ngx_paas_guard_store_t *store)
{
    if (!pguard_prefix_valid(ngx_paas_guard_store_str(&store->prefix))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"prefix=%V\" of "
                           "\"paas_guard_redis\": 1 to %d letters, digits or "
                           "any of \"_.:/-\" are right", &store->prefix,
                           PGUARD_PREFIX_MAX);
        return NGX_CONF_ERROR;
    }

    if (store->username.len && store->password_file.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "parameter \"username=%V\" of \"paas_guard_redis\" "
                           "needs \"password_file=\"", &store->username);
        return NGX_CONF_ERROR;
    }

    if (store->password_file.len
        && ngx_paas_guard_store_password(cf, store) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_paas_guard_store_names(cf, store);
}


/* The file's first line. */

static char *
ngx_paas_guard_store_password(ngx_conf_t *cf, ngx_paas_guard_store_t *store)
{
    u_char     *p, *end;
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_err_t   err;
    ngx_str_t  *path;

    path = &store->password_file;

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    p = ngx_paas_guard_secret_palloc(cf->pool, NGX_PAAS_GUARD_PASSWORD_MAX);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        n = -1;
        err = ngx_errno;

    } else {
        n = ngx_read_fd(fd, p, NGX_PAAS_GUARD_PASSWORD_MAX);
        err = ngx_errno;

        (void) ngx_close_file(fd);
    }

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                           "can't read \"password_file=%V\" of "
                           "\"paas_guard_redis\"", path);
        return NGX_CONF_ERROR;
    }

    for (end = p; end < p + n; end++) {
        if (*end == LF || *end == CR) {
            break;
        }
    }

    if (end == p || end == p + NGX_PAAS_GUARD_PASSWORD_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the first line of \"password_file=%V\" of "
                           "\"paas_guard_redis\" must be a password of less "
                           "than %d bytes", path, NGX_PAAS_GUARD_PASSWORD_MAX);
        return NGX_CONF_ERROR;
    }

    ngx_paas_guard_secret_mode(cf, "password_file=", path);

    store->password.data = p;
    store->password.len = end - p;

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_store_names(ngx_conf_t *cf, ngx_paas_guard_store_t *store)
{
    pguard_str_t  prefix;

    prefix = ngx_paas_guard_store_str(&store->prefix);

    store->channel.data = ngx_pnalloc(cf->pool, 2 * PGUARD_STORE_KEY_MAX);
    if (store->channel.data == NULL) {
        return NGX_CONF_ERROR;
    }

    store->channel.len = pguard_store_channel(store->channel.data, prefix,
                                              store->url.db);

    store->probe.data = store->channel.data + PGUARD_STORE_KEY_MAX;
    store->probe.len = pguard_store_key_probe(store->probe.data, prefix);

    return NGX_CONF_OK;
}
