/*
 * A file of state in generations: "path", the one before it, "path~", and
 * "path~new", which is complete and on the disk before it takes the place of
 * "path".  What was refused at the start is kept as "path~bad".
 *
 * A write has a thread of its own, so that no event waits for a disk.  It needs
 * neither nginx's thread pools nor their number of threads in each worker.
 */

#ifndef _NGX_PAAS_GUARD_FILE_H_INCLUDED_
#define _NGX_PAAS_GUARD_FILE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <pthread.h>

#include "../core/pguard.h"


typedef struct {
    ngx_str_t                    path;
    char                        *previous;      /* all with a zero after it */
    char                        *fresh;
    char                        *bad;
    char                        *folder;
    ngx_str_t                    owner;         /* for the log */

    ngx_uint_t                   refused;       /* path is not ours */
    ngx_uint_t                   busy;
    ngx_uint_t                   failing;       /* and the log says so */
    pthread_t                    thread;
    u_char                      *bytes;         /* that are being written */
    size_t                       len;
    uint64_t                     done;          /* by the thread */
    ngx_err_t                    err;
    const char                  *step;          /* that failed, or NULL */
} ngx_paas_guard_file_t;


/* Takes the bytes of a generation.  NULL, or what is wrong with them, as half
   a sentence. */
typedef const char *(*ngx_paas_guard_file_pt)(void *data, pguard_str_t bytes,
    ngx_log_t *log);


/* owner says in the log whose it is; both strings stay the caller's. */
ngx_int_t ngx_paas_guard_file_init(ngx_paas_guard_file_t *file,
    ngx_pool_t *pool, ngx_str_t *path, ngx_str_t *owner);

/* Hands the file to take, and if that refuses it, or it is not there, the one
   before it.  NGX_DECLINED: there is none that is of use. */
ngx_int_t ngx_paas_guard_file_load(ngx_paas_guard_file_t *file,
    ngx_paas_guard_file_pt take, void *data, ngx_log_t *log);

/* Begins a new generation; bytes, of
   ngx_paas_guard_secret_alloc(), are now the file's.  None
   may be under way.  wait: only returns when it is written. */
void ngx_paas_guard_file_write(ngx_paas_guard_file_t *file, u_char *bytes,
    size_t len, ngx_uint_t wait, ngx_log_t *log);

/* What became of it.  NGX_AGAIN: it is under way.  NGX_ERROR: it failed, which
   is told once.  NGX_OK: it is written, or there was none.  wait: never
   NGX_AGAIN. */
ngx_int_t ngx_paas_guard_file_written(ngx_paas_guard_file_t *file,
    ngx_uint_t wait, ngx_log_t *log);


#endif /* _NGX_PAAS_GUARD_FILE_H_INCLUDED_ */
