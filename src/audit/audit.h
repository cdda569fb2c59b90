/*
 * paas-guard-audit: what its files share.
 */

#ifndef AUDIT_H
#define AUDIT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

#include "pguard_audit.h"


/* Exit status, and what most functions here return. */

#define AUDIT_OK      0
#define AUDIT_BROKEN  1                 /* the log, or what it should prove */
#define AUDIT_ERROR   2                 /* usage, input or output: was told */


/* An option "--name value", "--name" that sets a flag, or "--name value" that
   may come again: the one of the three that is not NULL. */

#define AUDIT_LIST  256

typedef struct {
    const char   *item[AUDIT_LIST];
    int           items;
} audit_list_t;

typedef struct {
    const char    *name;
    const char   **value;
    int           *flag;
    audit_list_t  *list;
} audit_option_t;

typedef struct {
    const char   *name;
    const char   *help;
    int         (*run)(int argc, char **argv);
} audit_command_t;

/* Reads the options, which may stand anywhere, up to "--"; leaves the other
   arguments in argv, NULL-ended, and returns their number, or -1. */
int audit_options(const audit_option_t *options, int argc, char **argv);

/* Tells an error on stderr; returns AUDIT_ERROR. */
int audit_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Flushes stdout.  AUDIT_OK, or AUDIT_ERROR if not all could be written. */
int audit_flush(void);

/* Derives the keys from a secret file.  AUDIT_OK or AUDIT_ERROR. */
int audit_secret(const char *path, pguard_key_t *key);

/* Reads a client's digest.  AUDIT_OK or AUDIT_ERROR. */
int audit_client(const char *text, pguard_str_t *id);


/*
 * The lines of several files, one after the other, plain or gzip.  Of a line
 * longer than AUDIT_LINE_MAX only its beginning is kept.  gzip data may have
 * several parts, and nothing else may come after them: what is not read is
 * never passed over.
 */

#define AUDIT_LINE_MAX    262144
#define AUDIT_GZIP_WRONG  "the gzip data are damaged, end too early, or are " \
                          "followed by something else"

typedef struct {
    const char     *file;
    unsigned        index;              /* of the file, from 0 */
    uint64_t        number;             /* of the line in it, from 1 */
    pguard_str_t    text;               /* without its line feed */
    int             ended;              /* it had one */
    int             cut;                /* it was longer */
} audit_at_t;

typedef struct {
    char          **files;
    unsigned        index;
    uint64_t        number;
    int             open;               /* fd is that of the file */
    int             fd;
    int             gzip;
    int             whole;              /* a part of the gzip data has ended */
    z_stream        z;                  /* its input lies in raw */
    unsigned char  *line;
    unsigned char  *raw;
    unsigned char  *unpacked;
    unsigned char  *pos;                /* what is read next, in one of both */
    unsigned char  *last;
    uint64_t        total;              /* bytes of all files; 0: unknown */
    uint64_t        done;
    int             progress;           /* shown; the tenths of a percent */
    int             shown;
} audit_input_t;

/* files: NULL-ended, "-" is stdin.  With progress, a bar goes to stderr if
   that is a terminal.  AUDIT_OK or AUDIT_ERROR. */
int audit_input_open(audit_input_t *in, char **files, int progress);

/* 1 and a line, which is there until the next call; 0 after the last; -1 if
   a file could not be read, which was told; -2 is AUDIT_GZIP_WRONG: nothing
   more is to be read. */
int audit_input_next(audit_input_t *in, audit_at_t *at);

void audit_input_close(audit_input_t *in);


/* The chain of a log over its files. */

typedef struct {
    uint64_t        lines;
    uint64_t        first_seq;
    uint64_t        seq;                /* of the last good line */
    unsigned char   mac[PGUARD_MAC_LEN];
    pguard_msec_t   first_time;
    pguard_msec_t   time;
    char            gateway[PGUARD_NAME_MAX * 6 + 1];
    uint64_t        repeats;            /* notes, not faults */
    uint64_t        torn;
    uint64_t        lost;
    uint64_t        restarts;
    unsigned        files;
} audit_chain_t;

/* Called with each good line in its order. */
typedef void (*audit_line_pt)(void *data, const audit_at_t *at,
    const pguard_audit_line_t *line);

/* Where a chain must be: seq 0 is anywhere. */

typedef struct {
    uint64_t        seq;
    unsigned char   mac[PGUARD_MAC_LEN];
    int             seen;
} audit_head_t;

/*
 * Walks the chain, with the secret of that file.  restarts: a new chain within
 * the log is no fault.  Tells the first fault on stdout.  AUDIT_OK if the log
 * is intact; AUDIT_BROKEN or AUDIT_ERROR.
 */
int audit_walk(char **files, const char *secret, int restarts,
    audit_head_t *head, audit_chain_t *chain, audit_line_pt handler,
    void *data);


int audit_verify(int argc, char **argv);
int audit_export(int argc, char **argv);
int audit_certificate(int argc, char **argv);
int audit_replay(int argc, char **argv);


#endif /* AUDIT_H */
