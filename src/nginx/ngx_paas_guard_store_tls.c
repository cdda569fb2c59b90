/*
 * The tls_ parameters of paas_guard_redis.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_paas_guard_store_private.h"
#include "ngx_paas_guard_secret.h"


#if (NGX_SSL)


#define NGX_PAAS_GUARD_TLS_DEPTH  9        /* OpenSSL's own default is more */


static char *ngx_paas_guard_store_tls_name(ngx_conf_t *cf,
    ngx_paas_guard_store_t *store);
static char *ngx_paas_guard_store_tls_files(ngx_conf_t *cf,
    ngx_paas_guard_store_t *store, ngx_ssl_t *ssl);


char *
ngx_paas_guard_store_tls(ngx_conf_t *cf, ngx_paas_guard_store_t *store)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    if (store->url.kind != PGUARD_URL_REDISS) {
        return NGX_CONF_OK;
    }

    if ((store->tls_cert.len == 0) != (store->tls_key.len == 0)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "parameters \"tls_cert=%V\" and \"tls_key=%V\" of "
                           "\"paas_guard_redis\" need each other",
                           &store->tls_cert, &store->tls_key);
        return NGX_CONF_ERROR;
    }

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_CONF_ERROR;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (ngx_paas_guard_store_tls_files(cf, store, ssl) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    store->tls = ssl;

    return ngx_paas_guard_store_tls_name(cf, store);
}


/* OpenSSL says itself, in the log, which file is wrong and why. */

static char *
ngx_paas_guard_store_tls_files(ngx_conf_t *cf, ngx_paas_guard_store_t *store,
    ngx_ssl_t *ssl)
{
    if (store->tls_ca.len) {

        if (ngx_ssl_trusted_certificate(cf, ssl, &store->tls_ca,
                                        NGX_PAAS_GUARD_TLS_DEPTH)
            != NGX_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"tls_ca=%V\" of \"paas_guard_redis\" must be "
                               "a readable PEM file of certificates",
                               &store->tls_ca);
            return NGX_CONF_ERROR;
        }

    } else if (SSL_CTX_set_default_verify_paths(ssl->ctx) == 0) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_CONF_ERROR;
    }

    if (store->tls_cert.len == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_ssl_certificate(cf, ssl, &store->tls_cert, &store->tls_key, NULL)
        != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"tls_cert=%V\" and \"tls_key=%V\" of "
                           "\"paas_guard_redis\" must be readable PEM files "
                           "that belong together", &store->tls_cert,
                           &store->tls_key);
        return NGX_CONF_ERROR;
    }

    ngx_paas_guard_secret_mode(cf, "tls_key=", &store->tls_key);

    return NGX_CONF_OK;
}


/* With a zero after it, for OpenSSL. */

static char *
ngx_paas_guard_store_tls_name(ngx_conf_t *cf, ngx_paas_guard_store_t *store)
{
    u_char        *p;
    pguard_str_t   name;

    name = store->tls_name.len ? ngx_paas_guard_store_str(&store->tls_name)
                               : store->url.host[0].name;

    p = ngx_pnalloc(cf->pool, name.len + 1);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(p, name.data, name.len);
    p[name.len] = '\0';

    store->tls_name.data = p;
    store->tls_name.len = name.len;

    return NGX_CONF_OK;
}


#else


char *
ngx_paas_guard_store_tls(ngx_conf_t *cf, ngx_paas_guard_store_t *store)
{
    if (store->url.kind != PGUARD_URL_REDISS) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "url \"%V\" of \"paas_guard_redis\" needs an nginx "
                       "that was built with SSL: \"--with-http_ssl_module\"",
                       &store->text);
    return NGX_CONF_ERROR;
}

#endif
