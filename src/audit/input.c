/*
 * Lines of files, plain or gzip, and the progress bar.
 */

#include "audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>


#define AUDIT_READ  65536


int
audit_input_open(audit_input_t *in, char **files, int progress)
{
    struct stat   st;
    char        **f;

    memset(in, 0, sizeof(audit_input_t));

    in->files = files;
    in->line = malloc(AUDIT_LINE_MAX);
    in->buf = malloc(AUDIT_READ);
    in->progress = progress && isatty(STDERR_FILENO);

    if (in->line == NULL || in->buf == NULL) {
        audit_input_close(in);
        return audit_error("no memory");
    }

    for (f = files; *f; f++) {
        if (strcmp(*f, "-") == 0) {
            in->progress = 0;
            continue;
        }

        if (stat(*f, &st) != 0 || S_ISDIR(st.st_mode)) {
            audit_input_close(in);
            return audit_error("%s: %s", *f,
                               strerror(errno ? errno : EISDIR));
        }

        in->total += (uint64_t) st.st_size;
    }

    return AUDIT_OK;
}


static void
progress(audit_input_t *in)
{
    int       i, tenths;
    uint64_t  done;

    if (!in->progress || in->total == 0) {
        return;
    }

    done = in->done + (in->gz ? (uint64_t) gzoffset(in->gz) : 0);
    tenths = done < in->total ? (int) (done * 1000 / in->total) : 1000;

    if (tenths == in->shown) {
        return;
    }

    in->shown = tenths;

    fputs("\r[", stderr);

    for (i = 0; i < 40; i++) {
        fputc(i * 25 < tenths ? '#' : ' ', stderr);
    }

    fprintf(stderr, "] %3d.%d %%", tenths / 10, tenths % 10);
}


void
audit_input_close(audit_input_t *in)
{
    if (in->gz) {
        (void) gzclose(in->gz);
    }

    if (in->progress && in->shown) {
        fprintf(stderr, "\r%60s\r", "");
    }

    free(in->line);
    free(in->buf);
    memset(in, 0, sizeof(audit_input_t));
}


static int
open_file(audit_input_t *in)
{
    int          fd;
    const char  *name;

    name = in->files[in->index];
    errno = 0;

    if (strcmp(name, "-") == 0) {
        fd = dup(STDIN_FILENO);
        in->gz = fd == -1 ? NULL : gzdopen(fd, "rb");
    } else {
        in->gz = gzopen(name, "rb");
    }

    if (in->gz == NULL) {
        (void) audit_error("%s: %s", name, strerror(errno ? errno : ENOMEM));
        return -1;
    }

    (void) gzbuffer(in->gz, AUDIT_READ);
    in->number = 0;
    in->early = 0;
    in->pos = in->len = 0;

    return 0;
}


/* 1 if there are bytes, 0 at the end of the file, -1 or -2 as
   audit_input_next(). */

static int
fill(audit_input_t *in)
{
    int  n, error;

    n = gzread(in->gz, in->buf, AUDIT_READ);
    (void) gzerror(in->gz, &error);
    progress(in);

    /* the end of cut off data is told with the last bytes, and after them
       once more only by a zlib older than 1.3.2 */

    if (n > 0) {
        in->early = error == Z_BUF_ERROR;
        in->pos = 0;
        in->len = (size_t) n;
        return 1;
    }

    if (n == 0 && error != Z_BUF_ERROR && !in->early) {
        return 0;
    }

    if (error == Z_ERRNO) {
        (void) audit_error("%s: %s", in->files[in->index], strerror(errno));
        return -1;
    }

    in->failed = 1;

    return -2;
}


static int
next_file(audit_input_t *in)
{
    struct stat  st;

    (void) gzclose(in->gz);
    in->gz = NULL;

    if (stat(in->files[in->index], &st) == 0) {
        in->done += (uint64_t) st.st_size;
    }

    in->index++;

    return in->files[in->index] != NULL;
}


/* Adds bytes of the buffer to the line.  1 if the line ended. */

static int
take(audit_input_t *in, size_t *len, int *cut)
{
    size_t          n, room;
    unsigned char  *p, *lf;

    p = in->buf + in->pos;
    lf = memchr(p, '\n', in->len - in->pos);
    n = lf ? (size_t) (lf - p) : in->len - in->pos;
    in->pos += n + (lf != NULL);

    room = AUDIT_LINE_MAX - *len;

    if (n > room) {
        n = room;
        *cut = 1;
    }

    memcpy(in->line + *len, p, n);
    *len += n;

    return lf != NULL;
}


int
audit_input_next(audit_input_t *in, audit_at_t *at)
{
    int     rc, any;
    size_t  len;

    memset(at, 0, sizeof(audit_at_t));
    len = 0;
    any = 0;

    while (in->files[in->index]) {

        at->file = in->files[in->index];
        at->index = in->index;

        if (in->gz == NULL && open_file(in) != 0) {
            return -1;
        }

        rc = in->pos < in->len ? 1 : fill(in);

        if (rc < 0) {
            at->number = in->number + 1;
            return rc;
        }

        if (rc == 1) {
            any = 1;
            at->ended = take(in, &len, &at->cut);
        }

        if (at->ended || (rc == 0 && any)) {
            at->number = ++in->number;
            at->text.data = in->line;
            at->text.len = len;
            return 1;
        }

        if (rc == 0 && !next_file(in)) {
            return 0;
        }
    }

    return 0;
}
