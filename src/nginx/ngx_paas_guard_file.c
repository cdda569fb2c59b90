/*
 * A state file in generations, written by a thread.  See
 * ngx_paas_guard_file.h.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include <signal.h>
#include <sys/file.h>

#include "../core/pguard_atomic.h"
#include "ngx_paas_guard_file.h"
#include "ngx_paas_guard_secret.h"


#define NGX_PAAS_GUARD_FILE_MAX  (1024 * 1024 * 1024)


static char *ngx_paas_guard_file_name(ngx_pool_t *pool, ngx_str_t *path,
    const char *end);
static ngx_int_t ngx_paas_guard_file_read(ngx_paas_guard_file_t *file,
    const char *path, ngx_str_t *bytes, ngx_log_t *log);
static void *ngx_paas_guard_file_thread(void *data);
static int ngx_paas_guard_file_open(ngx_paas_guard_file_t *file);
static const char *ngx_paas_guard_file_fill(ngx_paas_guard_file_t *file,
    int fd);
static const char *ngx_paas_guard_file_rename(ngx_paas_guard_file_t *file);


ngx_int_t
ngx_paas_guard_file_init(ngx_paas_guard_file_t *file, ngx_pool_t *pool,
    ngx_str_t *path, ngx_str_t *owner)
{
    char  *slash;

    file->path = *path;
    file->owner = *owner;

    file->previous = ngx_paas_guard_file_name(pool, path, "~");
    file->fresh = ngx_paas_guard_file_name(pool, path, "~new");
    file->bad = ngx_paas_guard_file_name(pool, path, "~bad");
    file->folder = ngx_paas_guard_file_name(pool, path, "");

    if (file->previous == NULL || file->fresh == NULL || file->bad == NULL
        || file->folder == NULL)
    {
        return NGX_ERROR;
    }

    /* a full name: there is a slash, which may be that of the root */

    slash = strrchr(file->folder, '/');
    slash[1] = '\0';

    return NGX_OK;
}


static char *
ngx_paas_guard_file_name(ngx_pool_t *pool, ngx_str_t *path, const char *end)
{
    u_char  *name;

    name = ngx_pnalloc(pool, path->len + ngx_strlen(end) + 1);

    if (name) {
        *ngx_sprintf(name, "%V%s", path, end) = '\0';
    }

    return (char *) name;
}


ngx_int_t
ngx_paas_guard_file_load(ngx_paas_guard_file_t *file,
    ngx_paas_guard_file_pt take, void *data, ngx_log_t *log)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    ngx_str_t     buf;
    const char   *wrong, *path;
    pguard_str_t  bytes;

    wrong = NULL;

    for (i = 0; i < 2; i++) {
        path = i ? file->previous : (char *) file->path.data;

        rc = ngx_paas_guard_file_read(file, path, &buf, log);

        if (rc == NGX_OK) {
            bytes.data = buf.data;
            bytes.len = buf.len;
            wrong = take(data, bytes, log);
            ngx_paas_guard_secret_free(buf.data);

            if (wrong == NULL) {

                if (i) {
                    ngx_log_error(NGX_LOG_WARN, log, 0,
                                  "paas_guard_%V: took the generation before, "
                                  "\"%s\"", &file->owner, path);
                }

                return NGX_OK;
            }

            file->refused |= (i == 0);

            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "paas_guard_%V: its state \"%s\" %s: starting "
                          "without it", &file->owner, path, wrong);
        }
    }

    return NGX_DECLINED;
}


/* 0, or why not. */

static ngx_err_t
ngx_paas_guard_file_bytes(ngx_fd_t fd, ngx_str_t *bytes, ngx_log_t *log)
{
    ssize_t          n;
    ngx_err_t        err;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        return ngx_errno;
    }

    if (!ngx_is_file(&fi)) {
        return ngx_is_dir(&fi) ? EISDIR : EINVAL;
    }

    if (ngx_file_size(&fi) >= NGX_PAAS_GUARD_FILE_MAX) {
        return EFBIG;
    }

    bytes->len = ngx_file_size(&fi);
    bytes->data = ngx_paas_guard_secret_alloc(bytes->len + 1, log);

    if (bytes->data == NULL) {
        return ENOMEM;
    }

    n = read(fd, bytes->data, bytes->len);

    if (n == (ssize_t) bytes->len) {
        return 0;
    }

    err = n == -1 ? ngx_errno : EIO;
    ngx_paas_guard_secret_free(bytes->data);

    return err;
}


static ngx_int_t
ngx_paas_guard_file_read(ngx_paas_guard_file_t *file, const char *path,
    ngx_str_t *bytes, ngx_log_t *log)
{
    ngx_fd_t   fd;
    ngx_err_t  err;

    /* what is no file, such as a pipe, must not make the start wait */

    fd = open(path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        err = ngx_errno;

        if (err != NGX_ENOENT) {
            ngx_log_error(NGX_LOG_ERR, log, err,
                          "paas_guard_%V: could not open its state \"%s\"",
                          &file->owner, path);
        }

        return NGX_DECLINED;
    }

    err = ngx_paas_guard_file_bytes(fd, bytes, log);

    (void) ngx_close_file(fd);

    if (err) {
        ngx_log_error(NGX_LOG_ERR, log, err,
                      "paas_guard_%V: could not read its state \"%s\"",
                      &file->owner, path);

        return NGX_DECLINED;
    }

    return NGX_OK;
}


void
ngx_paas_guard_file_write(ngx_paas_guard_file_t *file, u_char *bytes,
    size_t len, ngx_uint_t wait, ngx_log_t *log)
{
    int       rc;
    sigset_t  all, old;

    file->bytes = bytes;
    file->len = len;
    file->done = 0;
    file->busy = 1;

    rc = -1;

    if (!wait) {

        /* signals are for the event loop */

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_BLOCK, &all, &old);

        rc = pthread_create(&file->thread, NULL, ngx_paas_guard_file_thread,
                            file);

        (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
    }

    if (rc != 0) {
        (void) ngx_paas_guard_file_thread(file);
        file->busy = 2;
    }
}


ngx_int_t
ngx_paas_guard_file_written(ngx_paas_guard_file_t *file, ngx_uint_t wait,
    ngx_log_t *log)
{
    if (!file->busy) {
        return NGX_OK;
    }

    if (!wait && !pguard_load(&file->done)) {
        return NGX_AGAIN;
    }

    if (file->busy == 1) {
        (void) pthread_join(file->thread, NULL);
    }

    ngx_paas_guard_secret_free(file->bytes);
    file->bytes = NULL;
    file->busy = 0;

    if (file->step == NULL) {
        file->failing = 0;
        file->refused = 0;
        return NGX_OK;
    }

    /* another worker writes: that of the configuration before, or after */

    if (file->err != NGX_EAGAIN && !file->failing) {
        file->failing = 1;
        ngx_log_error(NGX_LOG_ERR, log, file->err,
                      "paas_guard_%V: could not write its state to \"%V\": "
                      "%s failed; trying again", &file->owner, &file->path,
                      file->step);
    }

    return NGX_ERROR;
}


ngx_uint_t
ngx_paas_guard_file_replaced(ngx_paas_guard_file_t *file)
{
    ngx_file_info_t  fi;

    return file->written
           && ngx_file_info(file->path.data, &fi) != NGX_FILE_ERROR
           && (ngx_file_uniq(&fi) != file->written
               || fi.st_mtim.tv_sec != file->written_at.tv_sec
               || fi.st_mtim.tv_nsec != file->written_at.tv_nsec);
}


/* Nothing in here may use nginx: neither its log nor its memory. */

static void *
ngx_paas_guard_file_thread(void *data)
{
    int                     fd;
    struct stat             st;
    ngx_paas_guard_file_t  *file;

    file = data;
    file->step = "open()";
    file->err = 0;

    fd = ngx_paas_guard_file_open(file);

    if (fd == -1) {
        file->err = errno;

    } else {
        file->step = ngx_paas_guard_file_fill(file, fd);

        if (file->step) {
            file->err = errno;
            (void) unlink(file->fresh);

        } else if (fstat(fd, &st) == 0) {
            file->written = st.st_ino;
            file->written_at = st.st_mtim;
        }

        (void) close(fd);
    }

    pguard_store(&file->done, 1);

    return NULL;
}


/*
 * At a reload the old worker 0 writes, too: the one that gets the lock writes
 * first, the other one after it.  If the file was renamed before it was locked,
 * it is "path" by now, and must not be touched.
 */

static int
ngx_paas_guard_file_open(ngx_paas_guard_file_t *file)
{
    int          fd, flags;
    struct stat  mine, named;

    flags = O_WRONLY|O_CREAT|O_NOFOLLOW|O_CLOEXEC;

    fd = open(file->fresh, flags, 0600);

    if (fd == -1 && (errno == EACCES || errno == ELOOP)) {

        /* of another user: a process that was run as another one left it */

        (void) unlink(file->fresh);
        fd = open(file->fresh, flags, 0600);
    }

    if (fd == -1) {
        return -1;
    }

    if (flock(fd, LOCK_EX|LOCK_NB) == 0
        && fstat(fd, &mine) == 0
        && stat(file->fresh, &named) == 0
        && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev)
    {
        return fd;
    }

    (void) close(fd);
    errno = EAGAIN;

    return -1;
}


static const char *
ngx_paas_guard_file_fill(ngx_paas_guard_file_t *file, int fd)
{
    size_t   at;
    ssize_t  n;

    if (fchmod(fd, 0600) == -1 || ftruncate(fd, 0) == -1) {
        return "ftruncate()";
    }

    for (at = 0; at < file->len; at += n) {
        n = write(fd, file->bytes + at, file->len - at);

        if (n <= 0) {
            return "write()";
        }
    }

    if (fsync(fd) == -1) {
        return "fsync()";
    }

    return ngx_paas_guard_file_rename(file);
}


/* At each moment there is a file under path. */

static const char *
ngx_paas_guard_file_rename(ngx_paas_guard_file_t *file)
{
    int          fd;
    const char  *path;

    path = (char *) file->path.data;

    if (file->refused) {
        (void) rename(path, file->bad);

    } else {
        (void) unlink(file->previous);

        /* where there are no links, or not for us */

        if (link(path, file->previous) == -1 && errno != ENOENT) {
            (void) rename(path, file->previous);
        }
    }

    if (rename(file->fresh, path) == -1) {
        return "rename()";
    }

    fd = open(file->folder, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd != -1) {
        (void) fsync(fd);
        (void) close(fd);
    }

    return NULL;
}
