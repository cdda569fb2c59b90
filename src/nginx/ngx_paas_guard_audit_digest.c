/*
 * A digest of the configuration's files, so that the log shows when they
 * changed.
 */

#include "ngx_paas_guard_audit.h"
#include "../core/pguard_include.h"

#include <openssl/evp.h>


#define NGX_PAAS_GUARD_INCLUDES  32        /* one within the other, at most */


typedef struct {
    ngx_conf_t   *cf;
    EVP_MD_CTX   *md;
    ngx_uint_t    depth;
} ngx_paas_guard_digest_t;


static ngx_int_t ngx_paas_guard_digest_file(ngx_paas_guard_digest_t *d,
    ngx_str_t *name);


/* Each with its length before it, so that no two lists give the same. */

static ngx_int_t
ngx_paas_guard_digest_bytes(ngx_paas_guard_digest_t *d, const u_char *p,
    size_t len)
{
    u_char  buf[NGX_INT64_LEN + 1];

    *ngx_sprintf(buf, "%uz", len) = '\0';

    return EVP_DigestUpdate(d->md, buf, ngx_strlen(buf) + 1) == 1
           && EVP_DigestUpdate(d->md, p, len) == 1 ? NGX_OK : NGX_DECLINED;
}


static u_char *
ngx_paas_guard_digest_read(ngx_paas_guard_digest_t *d, ngx_str_t *name,
    size_t *len)
{
    u_char           *buf;
    ssize_t           n;
    ngx_fd_t          fd;
    ngx_file_info_t   fi;

    buf = NULL;
    n = -1;
    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd != NGX_INVALID_FILE && ngx_fd_info(fd, &fi) != NGX_FILE_ERROR) {
        buf = ngx_alloc(ngx_file_size(&fi) + 1, d->cf->log);
    }

    if (buf) {
        n = read(fd, buf, ngx_file_size(&fi));
    }

    if (n < 0) {
        ngx_log_error(NGX_LOG_WARN, d->cf->log, ngx_errno,
                      "paas_guard_audit: could not read \"%V\" for the digest "
                      "of the configuration", name);
        ngx_free(buf);
        buf = NULL;
    }

    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }

    *len = n;

    return buf;
}


/* As the directive itself finds them. */

static ngx_int_t
ngx_paas_guard_digest_include(ngx_paas_guard_digest_t *d, const u_char *arg,
    size_t len)
{
    ngx_int_t   rc;
    ngx_str_t   file, name;
    ngx_glob_t  gl;

    file.len = len;
    file.data = ngx_pnalloc(d->cf->temp_pool, len + 1);

    if (file.data == NULL) {
        return NGX_DECLINED;
    }

    *ngx_cpymem(file.data, arg, len) = '\0';

    if (ngx_conf_full_name(d->cf->cycle, &file, 1) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (strpbrk((char *) file.data, "*?[") == NULL) {
        return ngx_paas_guard_digest_file(d, &file);
    }

    ngx_memzero(&gl, sizeof(ngx_glob_t));

    gl.pattern = file.data;
    gl.log = d->cf->log;
    gl.test = 1;

    if (ngx_open_glob(&gl) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = NGX_OK;

    while (rc == NGX_OK && ngx_read_glob(&gl, &name) == NGX_OK) {
        rc = ngx_paas_guard_digest_file(d, &name);
    }

    ngx_close_glob(&gl);

    return rc;
}


static ngx_int_t
ngx_paas_guard_digest_file(ngx_paas_guard_digest_t *d, ngx_str_t *name)
{
    size_t        pos, len;
    u_char       *buf, arg[NGX_MAX_PATH];
    ngx_int_t     rc;
    pguard_str_t  text;

    if (d->depth == NGX_PAAS_GUARD_INCLUDES) {
        return NGX_DECLINED;
    }

    buf = ngx_paas_guard_digest_read(d, name, &text.len);
    if (buf == NULL) {
        return NGX_DECLINED;
    }

    text.data = buf;
    pos = 0;
    d->depth++;

    rc = ngx_paas_guard_digest_bytes(d, buf, text.len);

    while (rc == NGX_OK
           && pguard_include_next(text, &pos, arg, sizeof(arg), &len))
    {
        rc = ngx_paas_guard_digest_include(d, arg, len);
    }

    d->depth--;
    ngx_free(buf);

    return rc;
}


ngx_int_t
ngx_paas_guard_audit_digest(ngx_conf_t *cf, u_char *digest)
{
    ngx_int_t                rc;
    ngx_cycle_t             *cycle;
    unsigned int             n;
    ngx_paas_guard_digest_t  d;

    cycle = cf->cycle;
    n = NGX_PAAS_GUARD_DIGEST_LEN;

    d.cf = cf;
    d.depth = 0;
    d.md = EVP_MD_CTX_new();

    if (d.md == NULL || EVP_DigestInit_ex(d.md, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(d.md);
        return NGX_DECLINED;
    }

    /* what "nginx -g" was given, and the files */

    rc = ngx_paas_guard_digest_bytes(&d, cycle->conf_param.data,
                                     cycle->conf_param.len);

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_digest_file(&d, &cycle->conf_file);
    }

    if (rc == NGX_OK && EVP_DigestFinal_ex(d.md, digest, &n) != 1) {
        rc = NGX_DECLINED;
    }

    EVP_MD_CTX_free(d.md);

    return rc;
}
