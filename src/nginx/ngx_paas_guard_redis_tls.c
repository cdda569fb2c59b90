/*
 * The TLS handshake with a server; checks its name and certificate.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_paas_guard_redis_private.h"


#if (NGX_SSL)

static void ngx_paas_guard_redis_tls_handshake(ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_redis_tls_handler(ngx_connection_t *c);
static void ngx_paas_guard_redis_tls_done(ngx_paas_guard_redis_t *r);
static ngx_int_t ngx_paas_guard_redis_tls_check(ngx_paas_guard_redis_t *r,
    ngx_connection_t *c);
static ngx_int_t ngx_paas_guard_redis_tls_name(ngx_connection_t *c,
    ngx_str_t *name);
static ngx_uint_t ngx_paas_guard_redis_tls_literal(ngx_str_t *name);


void
ngx_paas_guard_redis_tls_start(ngx_paas_guard_redis_t *r)
{
    if (r->conf->tls == NULL) {
        ngx_paas_guard_redis_greet(r);
        return;
    }

    ngx_paas_guard_redis_tls_handshake(r);
}


static void
ngx_paas_guard_redis_tls_handshake(ngx_paas_guard_redis_t *r)
{
    ngx_int_t          rc;
    ngx_str_t         *name;
    ngx_connection_t  *c;

    c = r->peer.connection;
    name = &r->conf->tls_name;

    c->pool = ngx_create_pool(128, r->log);

    if (c->pool == NULL
        || ngx_ssl_create_connection(r->conf->tls, c,
                                     NGX_SSL_BUFFER|NGX_SSL_CLIENT)
           != NGX_OK)
    {
        ngx_paas_guard_redis_fail(r, "gets no memory here", 0);
        return;
    }

#ifdef SSL_CTRL_SET_TLSEXT_HOSTNAME

    if (!ngx_paas_guard_redis_tls_literal(name)
        && SSL_set_tlsext_host_name(c->ssl->connection, (char *) name->data)
           == 0)
    {
        ngx_paas_guard_redis_fail(r, "has a name that TLS does not take", 0);
        return;
    }

#endif

    r->state = NGX_PAAS_GUARD_REDIS_HANDSHAKE;

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = ngx_paas_guard_redis_tls_handler;
        return;
    }

    ngx_paas_guard_redis_tls_done(r);
}


static void
ngx_paas_guard_redis_tls_handler(ngx_connection_t *c)
{
    ngx_paas_guard_redis_tls_done(c->data);
}


static void
ngx_paas_guard_redis_tls_done(ngx_paas_guard_redis_t *r)
{
    ngx_connection_t  *c;

    c = r->peer.connection;

    if (!c->ssl->handshaked) {
        ngx_paas_guard_redis_fail(r, "refuses the TLS handshake", 0);
        return;
    }

    if (ngx_paas_guard_redis_tls_check(r, c) != NGX_OK) {
        ngx_paas_guard_redis_fail(r, (const char *) r->error, 0);
        return;
    }

    c->read->handler = ngx_paas_guard_redis_read_handler;
    c->write->handler = ngx_paas_guard_redis_write_handler;

    ngx_paas_guard_redis_greet(r);
}


/* Nothing is sent to a server before it has shown who it is. */

static ngx_int_t
ngx_paas_guard_redis_tls_check(ngx_paas_guard_redis_t *r, ngx_connection_t *c)
{
    long        rc;
    ngx_str_t  *name;

    name = &r->conf->tls_name;
    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        ngx_snprintf(r->error, sizeof(r->error) - 1,
                     "has a certificate that is not valid (%s)%Z",
                     X509_verify_cert_error_string(rc));
        r->error[sizeof(r->error) - 1] = '\0';
        return NGX_ERROR;
    }

    if (ngx_paas_guard_redis_tls_name(c, name) != NGX_OK) {
        ngx_snprintf(r->error, sizeof(r->error) - 1,
                     "has a certificate that is not for \"%V\"%Z", name);
        r->error[sizeof(r->error) - 1] = '\0';
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_redis_tls_name(ngx_connection_t *c, ngx_str_t *name)
{
    int    rc;
    X509  *cert;

    if (!ngx_paas_guard_redis_tls_literal(name)) {
        return ngx_ssl_check_host(c, name);
    }

    /* ngx_ssl_check_host() knows no addresses */

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    rc = X509_check_ip_asc(cert, (char *) name->data, 0);

    X509_free(cert);

    return (rc == 1) ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_paas_guard_redis_tls_literal(ngx_str_t *name)
{
    return ngx_inet_addr(name->data, name->len) != INADDR_NONE
           || ngx_strlchr(name->data, name->data + name->len, ':') != NULL;
}


/* Without a goodbye: that could wait for the socket, and keep the SSL. */

void
ngx_paas_guard_redis_tls_close(ngx_connection_t *c)
{
    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        (void) ngx_ssl_shutdown(c);
    }

    if (c->pool) {
        ngx_destroy_pool(c->pool);
        c->pool = NULL;
    }
}


#else


void
ngx_paas_guard_redis_tls_start(ngx_paas_guard_redis_t *r)
{
    ngx_paas_guard_redis_greet(r);
}


void
ngx_paas_guard_redis_tls_close(ngx_connection_t *c)
{
}

#endif
