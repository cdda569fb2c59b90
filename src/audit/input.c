/*
 * Lines of files, plain or gzip, and the progress bar.
 */

#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>


#define AUDIT_READ  65536
#define AUDIT_GZIP  (16 + MAX_WBITS)      /* for inflateInit2() */


int
audit_input_open(audit_input_t *in, char **files, int progress)
{
    struct stat   st;
    char        **f;

    memset(in, 0, sizeof(audit_input_t));

    in->files = files;
    in->line = malloc(AUDIT_LINE_MAX);
    in->raw = malloc(AUDIT_READ);
    in->unpacked = malloc(AUDIT_READ);
    in->progress = progress && isatty(STDERR_FILENO);

    if (in->line == NULL || in->raw == NULL || in->unpacked == NULL
        || inflateInit2(&in->z, AUDIT_GZIP) != Z_OK)
    {
        (void) audit_error("no memory");
        audit_input_close(in);
        return AUDIT_ERROR;
    }

    for (f = files; *f; f++) {
        if (strcmp(*f, "-") == 0) {
            in->progress = 0;
            continue;
        }

        errno = EISDIR;

        if (stat(*f, &st) != 0 || S_ISDIR(st.st_mode)) {
            (void) audit_error("%s: %s", *f, strerror(errno));
            audit_input_close(in);
            return AUDIT_ERROR;
        }

        in->total += (uint64_t) st.st_size;
    }

    return AUDIT_OK;
}


static void
progress(audit_input_t *in)
{
    int  i, tenths;

    if (!in->progress || in->total == 0) {
        return;
    }

    tenths = in->done < in->total ? (int) (in->done * 1000 / in->total) : 1000;

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
    if (in->open) {
        (void) close(in->fd);
    }

    if (in->progress && in->shown) {
        fprintf(stderr, "\r%60s\r", "");
    }

    (void) inflateEnd(&in->z);
    free(in->line);
    free(in->raw);
    free(in->unpacked);
    memset(in, 0, sizeof(audit_input_t));
}


/* More of the file, behind what is left in raw: that is at its beginning.  1;
   0 at the end, or -1. */

static int
more(audit_input_t *in)
{
    ssize_t  n;

    do {
        n = read(in->fd, in->raw + in->z.avail_in, AUDIT_READ - in->z.avail_in);
    } while (n == -1 && errno == EINTR);

    if (n == -1) {
        (void) audit_error("%s: %s", in->files[in->index], strerror(errno));
        return -1;
    }

    in->z.next_in = in->raw;
    in->z.avail_in += (unsigned) n;
    in->done += (uint64_t) n;
    progress(in);

    return n > 0;
}


/* Its first two bytes tell a gzip file. */

static int
open_file(audit_input_t *in)
{
    int          rc;
    const char  *name;

    name = in->files[in->index];
    in->fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO)
                                    : open(name, O_RDONLY | O_CLOEXEC);

    if (in->fd == -1) {
        (void) audit_error("%s: %s", name, strerror(errno));
        return -1;
    }

    in->open = 1;
    in->number = 0;
    in->z.avail_in = 0;

    do {
        rc = more(in);
    } while (rc == 1 && in->z.avail_in < 2);

    in->gzip = in->z.avail_in >= 2 && memcmp(in->raw, "\x1f\x8b", 2) == 0;
    in->whole = 0;
    (void) inflateReset(&in->z);

    return rc == -1 ? -1 : 0;
}


static int
unpack(audit_input_t *in)
{
    int  rc;

    in->z.next_out = in->unpacked;
    in->z.avail_out = AUDIT_READ;

    while (in->z.avail_out == AUDIT_READ) {

        if (in->z.avail_in == 0 && (rc = more(in)) != 1) {
            return rc == 0 && !in->whole ? -2 : rc;
        }

        if (in->whole) {
            (void) inflateReset(&in->z);
        }

        rc = inflate(&in->z, Z_NO_FLUSH);
        in->whole = rc == Z_STREAM_END;

        /* what is wrong is so again, after what came before it */

        if (rc != Z_OK && rc != Z_STREAM_END
            && in->z.avail_out == AUDIT_READ)
        {
            return -2;
        }
    }

    in->pos = in->unpacked;
    in->last = in->z.next_out;

    return 1;
}


/* 1 if there are bytes, 0 at the end of the file, -1 or -2 as
   audit_input_next(). */

static int
fill(audit_input_t *in)
{
    int  rc;

    if (in->gzip) {
        return unpack(in);
    }

    if (in->z.avail_in == 0 && (rc = more(in)) != 1) {
        return rc;
    }

    in->pos = in->z.next_in;
    in->last = in->pos + in->z.avail_in;
    in->z.avail_in = 0;

    return 1;
}


static int
next_file(audit_input_t *in)
{
    (void) close(in->fd);
    in->open = 0;
    in->index++;

    return in->files[in->index] != NULL;
}


/* Adds bytes to the line.  1 if it ended. */

static int
take(audit_input_t *in, size_t *len, int *cut)
{
    size_t          n, room;
    unsigned char  *p, *lf;

    p = in->pos;
    lf = memchr(p, '\n', (size_t) (in->last - p));
    n = (size_t) ((lf ? lf : in->last) - p);
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

        if (!in->open && open_file(in) != 0) {
            return -1;
        }

        rc = in->pos < in->last ? 1 : fill(in);

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
