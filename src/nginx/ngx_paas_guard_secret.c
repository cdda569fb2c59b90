/*
 * Memory for secrets, left out of core dumps and wiped: see
 * ngx_paas_guard_secret.h.
 */

#include "ngx_paas_guard_secret.h"


/* In front of what is given, a cache line. */

typedef union {
    size_t   size;
    u_char   line[64];
} ngx_paas_guard_secret_t;


void *
ngx_paas_guard_secret_alloc(size_t size, ngx_log_t *log)
{
    ngx_paas_guard_secret_t  *secret;

    size = ngx_align(size + sizeof(ngx_paas_guard_secret_t), ngx_pagesize);

    secret = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_ANON|MAP_PRIVATE, -1,
                  0);

    if (secret == MAP_FAILED) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno, "mmap(%uz) failed", size);
        return NULL;
    }

    ngx_paas_guard_secret_hide(secret, size);

    secret->size = size;

    return secret + 1;
}


void
ngx_paas_guard_secret_free(void *p)
{
    size_t                    size;
    ngx_paas_guard_secret_t  *secret;

    if (p == NULL) {
        return;
    }

    secret = p;
    secret--;
    size = secret->size;

    ngx_explicit_memzero(secret, size);
    (void) munmap(secret, size);
}


void *
ngx_paas_guard_secret_palloc(ngx_pool_t *pool, size_t size)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->data = ngx_paas_guard_secret_alloc(size, pool->log);
    if (cln->data == NULL) {
        return NULL;
    }

    cln->handler = ngx_paas_guard_secret_free;

    return cln->data;
}


/* A kernel that does not know of it (EINVAL) has nothing else to offer. */

void
ngx_paas_guard_secret_hide(void *p, size_t size)
{
    u_char  *first, *last;

    first = (u_char *) ((uintptr_t) p & ~((uintptr_t) ngx_pagesize - 1));
    last = ngx_align_ptr((u_char *) p + size, ngx_pagesize);

    (void) madvise(first, last - first, MADV_DONTDUMP);
}


void
ngx_paas_guard_secret_mode(ngx_conf_t *cf, const char *what, ngx_str_t *path)
{
    ngx_file_info_t  fi;

    if (ngx_file_info(path->data, &fi) == NGX_FILE_ERROR
        || (fi.st_mode & (S_IROTH|S_IWOTH)) == 0)
    {
        return;
    }

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"%s%V\" is a file that all users may read or write: "
                       "a mode of 0600 would be right", what, path);
}
