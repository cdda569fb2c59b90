#include "ngx_paas_guard_secret.h"


typedef struct {
    void    *memory;
    size_t   size;
} ngx_paas_guard_secret_t;


static void ngx_paas_guard_secret_wipe(void *data);


void *
ngx_paas_guard_secret_alloc(ngx_pool_t *pool, size_t size)
{
    void                     *p;
    ngx_pool_cleanup_t       *cln;
    ngx_paas_guard_secret_t  *secret;

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_paas_guard_secret_t));
    if (cln == NULL) {
        return NULL;
    }

    size = ngx_align(size, ngx_pagesize);

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_ANON|MAP_PRIVATE, -1, 0);

    if (p == MAP_FAILED) {
        ngx_log_error(NGX_LOG_ALERT, pool->log, ngx_errno,
                      "mmap(%uz) failed", size);
        return NULL;
    }

    ngx_paas_guard_secret_hide(p, size);

    cln->handler = ngx_paas_guard_secret_wipe;

    secret = cln->data;
    secret->memory = p;
    secret->size = size;

    return p;
}


static void
ngx_paas_guard_secret_wipe(void *data)
{
    ngx_paas_guard_secret_t *secret = data;

    ngx_explicit_memzero(secret->memory, secret->size);
    (void) munmap(secret->memory, secret->size);
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
ngx_paas_guard_secret_free(void *p, size_t size)
{
    if (p) {
        ngx_explicit_memzero(p, size);
        ngx_free(p);
    }
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
