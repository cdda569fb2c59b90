/*
 * Secrets in memory and in files.  If nginx crashes, people who must not have
 * the secrets may get its core dump, so secrets lie in pages that are left out
 * of dumps.
 */

#ifndef NGX_PAAS_GUARD_SECRET_H
#define NGX_PAAS_GUARD_SECRET_H

#include <ngx_config.h>
#include <ngx_core.h>


/* size bytes, all zero, in pages of their own, which are left out of core
   dumps.  NULL if there are none. */
void *ngx_paas_guard_secret_alloc(size_t size, ngx_log_t *log);

/* Wipes them, and gives them back; p may be NULL. */
void ngx_paas_guard_secret_free(void *p);

/* The same, for as long as the pool is there. */
void *ngx_paas_guard_secret_palloc(ngx_pool_t *pool, size_t size);

/* Leaves the pages of size bytes at p out of core dumps from now on. */
void ngx_paas_guard_secret_hide(void *p, size_t size);

/* Warns, in the name of what the configuration calls it ("tls_key="), of a
   file that others than its owner and group may read or write. */
void ngx_paas_guard_secret_mode(ngx_conf_t *cf, const char *what,
    ngx_str_t *path);


#endif /* NGX_PAAS_GUARD_SECRET_H */
