/*
 * The file below the audit log: opened, rotated, shared with another master;
 * and the copies to syslog.
 */

#include "ngx_paas_guard_audit.h"


#define NGX_PAAS_GUARD_AUDIT_ACCESS  0640
#define NGX_PAAS_GUARD_AUDIT_TAIL    65536
#define NGX_PAAS_GUARD_AUDIT_TRIES   16
#define NGX_PAAS_GUARD_AUDIT_HEADER  1024      /* of a message to syslog */


static ngx_fd_t
ngx_paas_guard_audit_open(ngx_str_t *path)
{
    return open((char *) path->data, O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC,
                NGX_PAAS_GUARD_AUDIT_ACCESS);
}


ngx_int_t
ngx_paas_guard_audit_create(ngx_str_t *path)
{
    ngx_fd_t  fd;

    fd = ngx_paas_guard_audit_open(path);

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    (void) ngx_close_file(fd);

    return NGX_OK;
}


/*
 * nginx reopens the file on USR1, worker by worker, and logrotate may do
 * without USR1: so each write checks whether the path still names the file that
 * is open, and the first one into a new file says so there.  A worker that
 * can't open what the path names goes on with the old file, as long as no other
 * worker has left it, and it was not deleted.
 */

ngx_int_t
ngx_paas_guard_audit_reopen(ngx_paas_guard_audit_t *audit)
{
    ngx_fd_t                        fd;
    ngx_uint_t                      first;
    ngx_open_file_t                *file;
    ngx_file_info_t                 open, named;
    ngx_paas_guard_audit_shared_t  *shared;

    file = audit->file;
    shared = audit->shared;

    if (file == NULL) {
        return NGX_OK;
    }

    if (ngx_fd_info(file->fd, &open) == NGX_FILE_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_file_info(file->name.data, &named) == NGX_FILE_ERROR
        || named.st_dev != open.st_dev || named.st_ino != open.st_ino)
    {
        fd = ngx_paas_guard_audit_open(&file->name);

        if (fd != NGX_INVALID_FILE) {
            (void) ngx_close_file(file->fd);
            file->fd = fd;

            if (ngx_fd_info(fd, &open) == NGX_FILE_ERROR) {
                return NGX_ERROR;
            }

        } else if (open.st_nlink == 0 || shared->inode != open.st_ino
                   || shared->device != open.st_dev)
        {
            return NGX_ERROR;
        }
    }

    if (shared->inode == open.st_ino && shared->device == open.st_dev) {
        return NGX_OK;
    }

    first = (shared->inode == 0);

    shared->device = open.st_dev;
    shared->inode = open.st_ino;

    return first ? NGX_OK : NGX_AGAIN;
}


/*
 * The file's end is read before the lock is taken, as closing the file gives
 * up all locks of the process on it, and is of use if nothing came meanwhile.
 * A lock that can't be had is no reason to write nothing.
 */

void
ngx_paas_guard_audit_enter(ngx_paas_guard_audit_t *audit)
{
    off_t                           size;
    ngx_uint_t                      tries;
    pguard_str_t                    tail;
    ngx_file_info_t                 fi;
    ngx_paas_guard_audit_shared_t  *shared;

    if (audit->file == NULL || !audit->usable) {
        return;
    }

    shared = audit->shared;
    size = shared->size;

    ngx_str_null(&tail);

    for (tries = 0; tries < NGX_PAAS_GUARD_AUDIT_TRIES; tries++) {

        if (ngx_lock_fd(audit->file->fd) != 0
            || ngx_fd_info(audit->file->fd, &fi) == NGX_FILE_ERROR
            || ngx_file_size(&fi) == size)
        {
            break;
        }

        (void) ngx_unlock_fd(audit->file->fd);

        ngx_free((void *) tail.data);
        ngx_paas_guard_audit_tail(audit, &tail, ngx_cycle->log);

        size = ngx_file_size(&fi);
    }

    if (tail.data) {
        (void) pguard_audit_follow(&shared->chain, audit->mcf->key, tail);
        ngx_free((void *) tail.data);
    }
}


void
ngx_paas_guard_audit_leave(ngx_paas_guard_audit_t *audit)
{
    ngx_file_info_t  fi;

    if (audit->file == NULL || !audit->usable) {
        return;
    }

    if (ngx_fd_info(audit->file->fd, &fi) != NGX_FILE_ERROR) {
        audit->shared->size = ngx_file_size(&fi);
    }

    (void) ngx_unlock_fd(audit->file->fd);
}


void
ngx_paas_guard_audit_own(ngx_cycle_t *cycle, ngx_paas_guard_audit_t *audit)
{
    ngx_core_conf_t  *ccf;
    ngx_file_info_t   fi;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (audit->file == NULL || geteuid() != 0
        || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT
        || ngx_fd_info(audit->file->fd, &fi) == NGX_FILE_ERROR
        || !S_ISREG(fi.st_mode) || fi.st_uid == ccf->user)
    {
        return;
    }

    if (fchown(audit->file->fd, ccf->user, -1) == -1) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                      "paas_guard_audit: chown(\"%V\") failed",
                      &audit->file->name);
    }
}


void
ngx_paas_guard_audit_tail(ngx_paas_guard_audit_t *audit, pguard_str_t *tail,
    ngx_log_t *log)
{
    off_t             size;
    u_char           *buf;
    ssize_t           n;
    ngx_fd_t          fd;
    ngx_file_info_t   fi;

    tail->len = 0;
    tail->data = NULL;

    if (audit->file == NULL
        || ngx_fd_info(audit->file->fd, &fi) == NGX_FILE_ERROR
        || !S_ISREG(fi.st_mode))
    {
        return;
    }

    fd = ngx_open_file(audit->file->name.data, NGX_FILE_RDONLY, NGX_FILE_OPEN,
                       0);
    buf = ngx_alloc(NGX_PAAS_GUARD_AUDIT_TAIL, log);
    n = -1;

    if (fd != NGX_INVALID_FILE && buf) {
        size = ngx_max(ngx_file_size(&fi), NGX_PAAS_GUARD_AUDIT_TAIL);
        n = pread(fd, buf, NGX_PAAS_GUARD_AUDIT_TAIL,
                  size - NGX_PAAS_GUARD_AUDIT_TAIL);
    }

    if (n < 0) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      "paas_guard_audit: could not read the end of \"%V\"",
                      &audit->file->name);
        ngx_free(buf);

    } else {
        tail->data = buf;
        tail->len = n;
    }

    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }
}


/* A line is a message, without its line feeds. */

static int
ngx_paas_guard_audit_syslog(ngx_syslog_peer_t *peer, const u_char *p,
    size_t len)
{
    u_char  buf[NGX_PAAS_GUARD_AUDIT_HEADER + PGUARD_AUDIT_LINE_MAX], *last;

    while (len && p[len - 1] == LF) {
        len--;
    }

    while (len && *p == LF) {
        p++;
        len--;
    }

    last = ngx_syslog_add_header(peer, buf);
    last = ngx_cpymem(last, p, ngx_min(len, PGUARD_AUDIT_LINE_MAX));

    return ngx_syslog_send(peer, buf, last - buf) == last - buf ? 0 : -1;
}


int
ngx_paas_guard_audit_write(void *data, const u_char *p, size_t len)
{
    ngx_paas_guard_audit_t *audit = data;

    ssize_t  n;

    if (!audit->usable) {
        return -1;
    }

    if (audit->file == NULL) {
        return ngx_paas_guard_audit_syslog(audit->syslog, p, len);
    }

    n = write(audit->file->fd, p, len);

    if (n != (ssize_t) len) {

        if (n >= 0) {
            ngx_set_errno(NGX_ENOSPC);
        }

        return -1;
    }

    /* the file is the log, and syslog has copies as far as it can */

    if (audit->syslog) {
        (void) ngx_paas_guard_audit_syslog(audit->syslog, p, len);
    }

    return 0;
}
