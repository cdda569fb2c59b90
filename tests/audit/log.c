/*
 * Writes audit logs for the tests of paas-guard-audit.
 *
 *   write SECRET GATEWAY COUNT          to stdout: a new chain of COUNT lines
 *   append SECRET GATEWAY COUNT FILE    goes on with the chain of FILE
 *   die SECRET CUT FILE                 a writer dies when CUT bytes of its
 *                                       third line are there; others go on
 *   kill SECRET FILE SECONDS            writers that are killed at any moment
 *   forget SECRET CLIENT REDIS [WHAT...]  to stdout: a client is forgotten in a
 *                                       zone WHAT; +WHAT: is blocked there, -WHAT:
 *                                       that ends as it is forgotten, +: is named
 *                                       in an outage, =WHAT: an operator lifts
 *                                       its block, !WHAT: orders that it be
 *                                       forgotten
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pguard_audit_chain.h"


#define WRITERS  3


typedef struct {
    pthread_mutex_t       lock;
    pguard_audit_chain_t  chain;
    uint64_t              appended;
} shared_t;

typedef struct {
    int     fd;
    size_t  cut;                        /* dies there; SIZE_MAX: never */
} output_t;


static pguard_key_t   key;
static pguard_msec_t  now = 1795313053127;   /* or AUDIT_NOW */


static pguard_str_t
str(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static int
write_all(void *data, const unsigned char *p, size_t len)
{
    ssize_t    n;
    output_t  *out = data;

    if (out->cut < len) {
        len = out->cut;
    }

    n = write(out->fd, p, len);

    if (out->cut != SIZE_MAX) {
        _exit(0);
    }

    return n == (ssize_t) len ? 0 : -1;
}


/* Lines of all types; two clients take turns. */

static int
append(pguard_audit_chain_t *chain, uint64_t n, output_t *out)
{
    unsigned               i;
    unsigned char          id[PGUARD_ID_LEN];
    pguard_audit_record_t  rec;

    memset(&rec, 0, sizeof(rec));
    memset(id, n % 2 ? 0xaa : 0xbb, sizeof(id));

    for (i = 0; i < PGUARD_AUDIT_MEMBERS; i++) {
        rec.str[i] = str(i % 2 ? "a text, \"quoted\"" : "name");
        rec.num[i] = n + i;
    }

    rec.type = n ? n % PGUARD_AUDIT_CHAIN_STARTED : PGUARD_AUDIT_CHAIN_STARTED;
    rec.str[PGUARD_AUDIT_CLIENT] = (pguard_str_t) { sizeof(id), id };
    rec.str[PGUARD_AUDIT_KEY] = (pguard_str_t) { sizeof(id), id };
    rec.num[PGUARD_AUDIT_BEGAN] = now;

    return pguard_audit_append(chain, &key, &rec, now + n * 1000, write_all,
                               out);
}


static void
write_lines(pguard_audit_chain_t *chain, uint64_t from, uint64_t count,
    output_t *out)
{
    uint64_t  i;

    for (i = from; i < from + count; i++) {
        if (append(chain, i, out) != 0) {
            perror("write");
            exit(1);
        }
    }
}


static int
do_append(const char *gateway, uint64_t count, const char *file)
{
    output_t               out;
    struct stat            st;
    pguard_str_t           tail;
    unsigned char         *text;
    pguard_audit_chain_t   chain;

    out.fd = open(file, O_RDWR | O_APPEND | O_CREAT, 0600);
    out.cut = SIZE_MAX;

    if (out.fd == -1 || fstat(out.fd, &st) != 0) {
        perror(file);
        return 1;
    }

    text = malloc((size_t) st.st_size + 1);
    tail.len = (size_t) pread(out.fd, text, (size_t) st.st_size, 0);
    tail.data = text;

    if (pguard_audit_resume(&chain, str(gateway), &key, tail) != 0) {
        write_lines(&chain, 0, 1, &out);
    }

    write_lines(&chain, chain.seq, count, &out);
    free(text);

    return 0;
}


static shared_t *
share(void)
{
    shared_t             *s;
    pthread_mutexattr_t   attr;

    s = mmap(NULL, sizeof(shared_t), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (s == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }

    (void) pthread_mutexattr_init(&attr);
    (void) pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    (void) pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    (void) pthread_mutex_init(&s->lock, &attr);
    pguard_audit_begin(&s->chain, str("gw-1"));

    return s;
}


static int
do_die(size_t cut, const char *file)
{
    int        status;
    pid_t      pid;
    output_t   out;
    shared_t  *s = share();

    out.fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0600);
    out.cut = SIZE_MAX;
    write_lines(&s->chain, 0, 2, &out);

    pid = fork();

    if (pid == 0) {
        out.cut = cut;
        (void) append(&s->chain, 2, &out);
        _exit(0);
    }

    (void) waitpid(pid, &status, 0);
    write_lines(&s->chain, 3, 3, &out);

    return 0;
}


static void
writer(shared_t *s, output_t *out)
{
    for ( ;; ) {
        if (pthread_mutex_lock(&s->lock) == EOWNERDEAD) {
            (void) pthread_mutex_consistent(&s->lock);
        }

        if (append(&s->chain, s->appended ? s->appended : 0, out) == 0) {
            s->appended++;
        }

        (void) pthread_mutex_unlock(&s->lock);
    }
}


static pid_t
start_writer(shared_t *s, output_t *out)
{
    pid_t  pid = fork();

    if (pid == 0) {
        writer(s, out);
    }

    return pid;
}


static int
do_kill(const char *file, int seconds)
{
    int        i, status, kills = 0;
    pid_t      pid[WRITERS];
    time_t     end = time(NULL) + seconds;
    output_t   out;
    shared_t  *s = share();

    out.fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0600);
    out.cut = SIZE_MAX;
    write_lines(&s->chain, 0, 1, &out);
    s->appended = 1;

    for (i = 0; i < WRITERS; i++) {
        pid[i] = start_writer(s, &out);
    }

    srand48(time(NULL));

    while (time(NULL) < end) {
        (void) usleep((useconds_t) (lrand48() % 3000));
        i = (int) (lrand48() % WRITERS);
        (void) kill(pid[i], SIGKILL);
        (void) waitpid(pid[i], &status, 0);
        pid[i] = start_writer(s, &out);
        kills++;
    }

    for (i = 0; i < WRITERS; i++) {
        (void) kill(pid[i], SIGKILL);
        (void) waitpid(pid[i], &status, 0);
    }

    write_lines(&s->chain, s->appended, 1, &out);
    printf("%d kills, %lu lines\n", kills, (unsigned long) s->chain.seq);

    return 0;
}


static void
set_forgotten(pguard_audit_record_t *rec, const char *redis)
{
    rec->type = PGUARD_AUDIT_CLIENT_FORGOTTEN;
    rec->str[PGUARD_AUDIT_WHO] = str("opérateur\x1b[31m 7");
    rec->str[PGUARD_AUDIT_WHY] = str("end of the contract");
    rec->str[PGUARD_AUDIT_STATE_FILE] = str("none");
    rec->str[PGUARD_AUDIT_REDIS] = str(redis);
    rec->num[PGUARD_AUDIT_COUNTS] = 4;
    rec->num[PGUARD_AUDIT_BLOCKS] = 1;
}


static int
do_forget(const char *client, const char *redis, char **what)
{
    output_t               out = { STDOUT_FILENO, SIZE_MAX };
    const char            *zone;
    unsigned char          id[PGUARD_ID_LEN];
    pguard_audit_chain_t   chain;
    pguard_audit_record_t  rec;
    static char            guard[] = "guard";
    static char           *only[] = { guard, NULL };

    pguard_audit_begin(&chain, str("gw-1"));
    write_lines(&chain, 0, 2, &out);
    (void) pguard_unhex(id, (const unsigned char *) client, sizeof(id));

    for (what = *what ? what : only; *what; what++) {
        zone = *what + (strchr("+-=!", **what) != NULL);

        memset(&rec, 0, sizeof(rec));
        rec.type = **what == '-' ? PGUARD_AUDIT_BLOCK_ENDED
                   : strchr("=!", **what) ? PGUARD_AUDIT_OPERATOR_ACTION
                   : *zone ? PGUARD_AUDIT_BLOCK_BEGUN
                   : PGUARD_AUDIT_OUTAGE_DECLARED;
        rec.str[PGUARD_AUDIT_HOW] = str("forgotten");
        rec.str[PGUARD_AUDIT_WHAT] = str(**what == '!' ? "forget_client"
                                                       : "lift_block");
        rec.str[PGUARD_AUDIT_CLIENT] = (pguard_str_t) { sizeof(id), id };
        rec.str[PGUARD_AUDIT_ZONE] = str(zone);

        if (zone == *what) {
            set_forgotten(&rec, redis);
        }

        if (pguard_audit_append(&chain, &key, &rec, now, write_all, &out) != 0)
        {
            return 1;
        }
    }

    return 0;
}


int
main(int argc, char **argv)
{
    char                  secret[PGUARD_SECRET_MAX];
    FILE                 *f;
    size_t                n;
    output_t              out = { STDOUT_FILENO, SIZE_MAX };
    pguard_audit_chain_t  chain;

    if (getenv("AUDIT_NOW")) {
        now = strtoull(getenv("AUDIT_NOW"), NULL, 10);
    }

    if (argc < 5 || (f = fopen(argv[2], "rb")) == NULL) {
        return 2;
    }

    n = fread(secret, 1, sizeof(secret), f);
    (void) fclose(f);

    while (n && secret[n - 1] == '\n') {
        n--;
    }

    if (pguard_key_init(&key, secret, n) != 0) {
        return 2;
    }

    if (strcmp(argv[1], "write") == 0) {
        pguard_audit_begin(&chain, str(argv[3]));
        write_lines(&chain, 0, strtoull(argv[4], NULL, 10), &out);
        return 0;
    }

    if (strcmp(argv[1], "append") == 0 && argc == 6) {
        return do_append(argv[3], strtoull(argv[4], NULL, 10), argv[5]);
    }

    if (strcmp(argv[1], "die") == 0) {
        return do_die(strtoull(argv[3], NULL, 10), argv[4]);
    }

    if (strcmp(argv[1], "kill") == 0) {
        return do_kill(argv[3], atoi(argv[4]));
    }

    if (strcmp(argv[1], "forget") == 0) {
        return do_forget(argv[3], argv[4], argv + 5);
    }

    return 2;
}
