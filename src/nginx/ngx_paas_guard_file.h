/*
 * A state file in generations: "path"; "path~", the one before it; and
 * "path~new", which is complete and on the disk before it replaces "path".  A
 * file that was refused at the start is kept as "path~bad".
 *
 * Each write has a thread of its own, so that no event waits for the disk; it
 * needs none of nginx's thread pools.
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

    ngx_uint_t                   refused;       /* path was refused at the
                                                   start */
    ngx_uint_t                   busy;          /* the thread is running */
    ngx_uint_t                   failing;       /* and the log says so */
    pthread_t                    thread;
    u_char                      *bytes;         /* that are being written */
    size_t                       len;
    uint64_t                     done;          /* by the thread */
    ngx_err_t                    err;
    const char                  *step;          /* that failed, or NULL */
    ngx_file_uniq_t              written;       /* the last that was; 0: none
                                                   yet */
    struct timespec              written_at;    /* numbers are used again */
} ngx_paas_guard_file_t;


/* Reads the bytes of a generation.  NULL, or what is wrong with them, as half
   a sentence. */
typedef const char *(*ngx_paas_guard_file_pt)(void *data, pguard_str_t bytes,
    ngx_log_t *log);


/* owner says in the log whose it is; both strings stay the caller's. */
ngx_int_t ngx_paas_guard_file_init(ngx_paas_guard_file_t *file,
    ngx_pool_t *pool, ngx_str_t *path, ngx_str_t *owner);

/* Calls take with the bytes of the file; if there is none, or take refuses it,
   with those of the one before it.  NGX_DECLINED: neither was taken. */
ngx_int_t ngx_paas_guard_file_load(ngx_paas_guard_file_t *file,
    ngx_paas_guard_file_pt take, void *data, ngx_log_t *log);

/* Begins to write a new generation; no write may be under way.  bytes, of
   ngx_paas_guard_secret_alloc(), belong to the file from now on.  wait: only
   returns when they are written. */
void ngx_paas_guard_file_write(ngx_paas_guard_file_t *file, u_char *bytes,
    size_t len, ngx_uint_t wait, ngx_log_t *log);

/* What became of the write.  NGX_AGAIN: it is under way.  NGX_ERROR: it failed,
   which is logged once.  NGX_OK: it is done, or there was none.  wait: waits
   for its end, so never NGX_AGAIN. */
ngx_int_t ngx_paas_guard_file_written(ngx_paas_guard_file_t *file,
    ngx_uint_t wait, ngx_log_t *log);


/* 1: another process has written the file after the last write of this one,
   which has no write under way. */
ngx_uint_t ngx_paas_guard_file_replaced(ngx_paas_guard_file_t *file);


#endif /* _NGX_PAAS_GUARD_FILE_H_INCLUDED_ */
