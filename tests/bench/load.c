/*
 * A load generator: keep-alive connections to one server, each with up to
 * PIPELINE requests under way, all in one thread.
 *
 * The request is read from standard input as it is to be sent (a line feed
 * alone ends a line; the body, if any, is made here).  In it, a run of "#" is
 * replaced by the number of the request, a run of "@" by that of the user,
 * both padded with zeros, so that all requests have one length.
 *
 * Each connection sends as soon as it has an answer; or, with a rate, each
 * request has its time, and how long it takes is counted from then on, whether
 * or not a connection was free.  The first request of each connection, for
 * which the server has to accept it, is sent before all others, and not timed:
 * of 1000 requests on 16 connections, these alone would be beyond p99.
 *
 * It prints one line: requests that were timed, seconds, us at p50 and p99, and
 * the number of answers of each status, of all requests.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define LOAD_CONNECTIONS  256
#define LOAD_PIPELINE     64
#define LOAD_BUFFER       65536
#define LOAD_US           4000000          /* longer answers count as this */


typedef struct {
    char      *text;
    size_t     len;                         /* with the body */
    char      *number;                      /* the run of "#", or NULL */
    size_t     number_len;
    char      *user;                        /* of "@" */
    size_t     user_len;
} load_request_t;

typedef struct {
    int        fd;
    unsigned   waiting;                     /* requests sent, not answered */
    uint64_t   sent[LOAD_PIPELINE];         /* when, as a ring */
    unsigned   oldest;
    size_t     skip;                        /* bytes of a body to come */
    size_t     len;
    char       buffer[LOAD_BUFFER];
} load_connection_t;

typedef struct {
    uint16_t         port;
    unsigned         connections;
    unsigned         pipeline;
    uint64_t         requests;              /* 0: none, seconds count */
    double           seconds;
    double           rate;                  /* requests in a second; 0: any */
    uint64_t         distinct;              /* numbers; 0: all */
    uint64_t         users;
    uint64_t         first;
    size_t           body;
    load_request_t   request;

    uint64_t         next;
    uint64_t         answered;
    uint64_t         untimed;               /* of these, the first */
    uint64_t         status[1000];
    uint32_t         took[LOAD_US];
} load_t;


static void
load_die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "failed");
    exit(1);
}


static uint64_t
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}


static void
load_read_request(load_t *load)
{
    int              c;
    size_t           size;
    load_request_t  *r = &load->request;

    size = LOAD_BUFFER + load->body;
    r->text = malloc(size + 1);

    if (r->text == NULL) {
        load_die("request");
    }

    while ((c = getchar()) != EOF && r->len + 2 < LOAD_BUFFER) {
        if (c == '\n') {
            r->text[r->len++] = '\r';
        }

        r->text[r->len++] = (char) c;
    }

    r->text[r->len] = '\0';

    r->number = strchr(r->text, '#');
    r->number_len = r->number ? strspn(r->number, "#") : 0;
    r->user = strchr(r->text, '@');
    r->user_len = r->user ? strspn(r->user, "@") : 0;

    memset(r->text + r->len, 'x', load->body);
    r->len += load->body;
}


static void
load_put(char *p, size_t len, uint64_t n)
{
    while (len--) {
        p[len] = (char) ('0' + n % 10);
        n /= 10;
    }
}


static void
load_open(load_t *load, load_connection_t *c, int epoll)
{
    int                 on = 1;
    struct epoll_event  ev;
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(load->port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    c->fd = socket(AF_INET, SOCK_STREAM, 0);

    if (c->fd == -1 || connect(c->fd, (struct sockaddr *) &sin, sizeof(sin))) {
        load_die("connect");
    }

    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    c->waiting = 0;
    c->oldest = 0;
    c->skip = 0;
    c->len = 0;

    ev.events = EPOLLIN;
    ev.data.ptr = c;

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev)) {
        load_die("epoll");
    }
}


static void
load_write(int fd, const char *p, size_t len)
{
    ssize_t  n;

    while (len) {
        n = send(fd, p, len, MSG_NOSIGNAL);

        if (n < 0) {

            /* refused before its body was read: the answer tells */

            if (errno == EPIPE || errno == ECONNRESET) {
                return;
            }

            load_die("send");
        }

        p += n;
        len -= (size_t) n;
    }
}


/* A request that was due at this time. */

static void
load_send(load_t *load, load_connection_t *c, uint64_t due)
{
    uint64_t         n;
    load_request_t  *r = &load->request;

    n = load->distinct ? load->next % load->distinct : load->next;

    if (r->number) {
        load_put(r->number, r->number_len, load->first + n);
    }

    if (r->user) {
        load_put(r->user, r->user_len, load->next % load->users);
    }

    c->sent[(c->oldest + c->waiting) % LOAD_PIPELINE] = due;
    c->waiting++;
    load->next++;

    load_write(c->fd, r->text, r->len);
}


static size_t
load_length(const char *head)
{
    const char  *p;

    p = strcasestr(head, "\r\ncontent-length:");

    return p ? strtoul(p + sizeof("\r\ncontent-length:") - 1, NULL, 10) : 0;
}


/* One answer's head at the start of the buffer: its length, or 0. */

static size_t
load_head(load_t *load, load_connection_t *c)
{
    char      *end;
    uint64_t   took;
    unsigned   status;

    c->buffer[c->len] = '\0';
    end = strstr(c->buffer, "\r\n\r\n");

    if (end == NULL) {
        return 0;
    }

    end[2] = '\0';

    if (c->len < 12 || strcasestr(c->buffer, "\r\ntransfer-encoding:")) {
        load_die("an answer without a length");
    }

    status = (unsigned) strtoul(c->buffer + 9, NULL, 10) % 1000;
    c->skip = load_length(c->buffer);

    took = load_now() - c->sent[c->oldest];
    load->took[took < LOAD_US ? took : LOAD_US - 1]++;
    load->status[status]++;
    load->answered++;

    c->oldest = (c->oldest + 1) % LOAD_PIPELINE;
    c->waiting--;

    return (size_t) (end + 4 - c->buffer);
}


/* 1; 0: the server has closed. */

static int
load_receive(load_t *load, load_connection_t *c)
{
    size_t   used, skip;
    ssize_t  n;

    n = recv(c->fd, c->buffer + c->len, sizeof(c->buffer) - 1 - c->len, 0);

    if (n <= 0) {
        return 0;
    }

    c->len += (size_t) n;

    for ( ;; ) {
        skip = c->skip < c->len ? c->skip : c->len;
        memmove(c->buffer, c->buffer + skip, c->len - skip);
        c->skip -= skip;
        c->len -= skip;

        if (c->len == 0 || (used = load_head(load, c)) == 0) {
            return 1;
        }

        c->skip += used;
    }
}


/* Answers that are there, or come within ms; returns of how many connections,
   which are in ev. */

static int
load_answers(load_t *load, int epoll, struct epoll_event *ev, int ms)
{
    int                 i, n;
    load_connection_t  *c;

    n = epoll_wait(epoll, ev, LOAD_CONNECTIONS, ms);

    if (n < 0 || (n == 0 && ms)) {
        load_die("no answer in 10 s");
    }

    for (i = 0; i < n; i++) {
        c = ev[i].data.ptr;

        if (!load_receive(load, c)) {
            load->next -= c->waiting;
            close(c->fd);
            load_open(load, c, epoll);
        }
    }

    return n;
}


/* The first request of each connection. */

static void
load_first(load_t *load, load_connection_t *c, int epoll)
{
    unsigned            i;
    struct epoll_event  ev[LOAD_CONNECTIONS];

    for (i = 0; i < load->connections; i++) {
        if (load->requests && load->next == load->requests) {
            break;
        }

        load_send(load, &c[i], load_now());
    }

    while (load->answered < load->next) {
        (void) load_answers(load, epoll, ev, 10000);
    }

    load->untimed = load->answered;
    memset(load->took, 0, sizeof(load->took));
}


/* As fast as they are answered. */

static void
load_all(load_t *load, load_connection_t *c, int epoll)
{
    int                 i, n, more;
    uint64_t            end;
    struct epoll_event  ev[LOAD_CONNECTIONS];

    end = load_now() + (uint64_t) (load->seconds * 1e6);

    for (i = 0; i < (int) load->connections; i++) {
        if (load->requests == 0 || load->next < load->requests) {
            load_send(load, &c[i], load_now());
        }
    }

    more = load->answered < load->next;

    while (more || load->answered < load->next) {
        n = load_answers(load, epoll, ev, 10000);

        for (i = 0; i < n; i++) {
            load_connection_t  *ready = ev[i].data.ptr;

            for ( ;; ) {
                more = load->requests ? load->next < load->requests
                                      : load_now() < end;

                if (!more || ready->waiting == load->pipeline) {
                    break;
                }

                load_send(load, ready, load_now());
            }
        }
    }
}


/* Each at its time, by connections in turn.  One that is not free makes it late,
   which counts.  Does not sleep: that would be later still. */

static void
load_paced(load_t *load, load_connection_t *c, int epoll)
{
    uint64_t            start, due;
    load_connection_t  *next;
    struct epoll_event  ev[LOAD_CONNECTIONS];

    start = load_now();

    while (load->answered < load->requests) {
        (void) load_answers(load, epoll, ev, 0);

        if (load->next == load->requests) {
            continue;
        }

        due = start + (uint64_t) ((double) (load->next - load->untimed) * 1e6
                                  / load->rate);
        next = &c[load->next % load->connections];

        if (load_now() >= due && next->waiting < load->pipeline) {
            load_send(load, next, due);
        }
    }
}


static void
load_run(load_t *load)
{
    int                 epoll;
    unsigned            i;
    uint64_t            start;
    load_connection_t  *c;

    epoll = epoll_create1(0);
    c = calloc(load->connections, sizeof(load_connection_t));

    if (epoll == -1 || c == NULL) {
        load_die("start");
    }

    for (i = 0; i < load->connections; i++) {
        load_open(load, &c[i], epoll);
    }

    load_first(load, c, epoll);
    start = load_now();

    if (load->rate > 0) {
        load_paced(load, c, epoll);

    } else {
        load_all(load, c, epoll);
    }

    load->seconds = (double) (load_now() - start) / 1e6;
}


/* Of those of one us, evenly. */

static double
load_percentile(const load_t *load, double share)
{
    double    left;
    unsigned  us;

    left = share * (double) (load->answered - load->untimed);

    for (us = 0; us < LOAD_US - 1 && left > load->took[us]; us++) {
        left -= load->took[us];
    }

    return us + (load->took[us] ? left / load->took[us] : 0);
}


int
main(int argc, char **argv)
{
    int      c, i;
    load_t  *load;

    load = calloc(1, sizeof(load_t));

    if (load == NULL) {
        load_die("memory");
    }

    load->connections = 1;
    load->pipeline = 1;
    load->users = 1;
    load->seconds = 1;

    while ((c = getopt(argc, argv, "c:p:n:d:r:k:u:s:b:")) != -1) {
        switch (c) {
        case 'c': load->connections = (unsigned) atoi(optarg); break;
        case 'p': load->pipeline = (unsigned) atoi(optarg); break;
        case 'n': load->requests = strtoull(optarg, NULL, 10); break;
        case 'd': load->seconds = atof(optarg); break;
        case 'r': load->rate = atof(optarg); break;
        case 'k': load->distinct = strtoull(optarg, NULL, 10); break;
        case 'u': load->users = strtoull(optarg, NULL, 10); break;
        case 's': load->first = strtoull(optarg, NULL, 10); break;
        case 'b': load->body = strtoull(optarg, NULL, 10); break;
        default: argc = 0;
        }
    }

    if (argc != optind + 1 || load->users == 0
        || load->connections < 1 || load->connections > LOAD_CONNECTIONS
        || load->pipeline < 1 || load->pipeline > LOAD_PIPELINE
        || (load->rate > 0 && load->requests == 0))
    {
        fprintf(stderr, "usage: load [-c connections] [-p pipeline] "
                "[-n requests [-r rate] | -d seconds] [-k numbers] [-s first number] "
                "[-u users] [-b body] port < request\n");
        return 2;
    }

    load->port = (uint16_t) atoi(argv[optind]);
    load_read_request(load);
    load_run(load);

    printf("requests=%llu seconds=%.3f p50=%.1f p99=%.1f",
           (unsigned long long) (load->answered - load->untimed), load->seconds,
           load_percentile(load, 0.5), load_percentile(load, 0.99));

    for (i = 0; i < 1000; i++) {
        if (load->status[i]) {
            printf(" %03d=%llu", i, (unsigned long long) load->status[i]);
        }
    }

    printf("\n");

    return 0;
}
