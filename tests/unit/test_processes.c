/*
 * Throttle and windows with several processes on one memory and the real
 * clock.  Every process logs what it did; what the logs together say is
 * checked afterwards.  Nothing depends on how fast the machine is: what a
 * scheduler can delay is measured, and allowed for.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "pguard_throttle.h"
#include "pguard_window.h"
#include "tables.h"


#define SEED      77
#define WORKERS   4
#define SIGS      8
#define LINES     4
#define CROWD     40                 /* signatures, in as many of ... */
#define CROWDED   16                 /* lines: two thirds of their places */
#define LOG       40000
#define KEYS      3
#define TICKS     120
#define TICK      7000               /* us */
#define WINDOW    20                 /* ms */
#define PATIENCE  30000000           /* us: for a machine that does much else */

#define number_of(a)  (sizeof(a) / sizeof((a)[0]))


/* What a worker did: a time before and one after each call. */

typedef struct {
    unsigned       subject;          /* signature or key */
    unsigned       exceeded;
    uint64_t       count;
    pguard_usec_t  before;
    pguard_usec_t  after;
    pguard_msec_t  looked;           /* when it looked a second time */
} event_t;

typedef struct {
    uint64_t       n;
    uint64_t       evicted;
    uint64_t       bad_waits;
    pguard_usec_t  pause[CROWD];     /* the longest between two offers */
    event_t        event[LOG];
} worker_log_t;

typedef struct {
    int                     ready;
    int                     started;
    int                     stop;
    pguard_usec_t           begun;
    pguard_usec_t           zero;
    unsigned                sends[TICKS][WORKERS];
    pguard_window_rule_t    rule;
    worker_log_t            log[WORKERS];
    pguard_throttle_line_t  line[CROWDED];
    pguard_window_bucket_t  bucket[2];
} shared_t;

typedef void (*work_pt)(unsigned worker);


static shared_t               *shared;
static pguard_throttle_t       throttle;
static pguard_windows_t        table;
static pguard_usec_t           interval;
static pguard_msec_t           looked;
static int                     hold_up;
static unsigned                sigs;


static pguard_usec_t
clock_us(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (pguard_usec_t) ts.tv_sec * 1000000
           + (pguard_usec_t) ts.tv_nsec / 1000;
}


/* The clock of a second look, now and then after the scheduler has held the
   process up while others went on. */

static pguard_msec_t
clock_ms(void *arg)
{
    (void) arg;

    if (hold_up && lrand48() % 8 == 0) {
        (void) usleep((useconds_t) lrand48() % (4 * TICK));
    }

    looked = clock_us() / 1000;

    return looked;
}


static int
setup(void **state)
{
    (void) state;

    shared = mmap(NULL, sizeof(shared_t), PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED) {
        return -1;
    }

    throttle = pguard_throttle_table(shared->line, LINES);
    table = (pguard_windows_t) { shared->bucket, 1 };
    sigs = SIGS;

    print_message("seed %d\n", SEED);
    srand48(SEED);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    return munmap(shared, sizeof(shared_t));
}


static uint64_t
logged(void)
{
    unsigned  i;
    uint64_t  n = 0;

    for (i = 0; i < WORKERS; i++) {
        n += pguard_load(&shared->log[i].n);
    }

    return n;
}


/* Until the workers have logged so much.  Nothing depends on how long that
   takes; what is missing in the end fails there. */

static void
wait_for_logged(uint64_t n)
{
    pguard_usec_t  end = clock_us() + PATIENCE;

    while (logged() < n && clock_us() < end) { (void) usleep(500); }
}


/* All workers wait, and start at once. */

static void
start(pid_t *pid, work_pt work)
{
    unsigned  i;

    pguard_store(&shared->ready, 0);
    pguard_store(&shared->started, 0);
    pguard_store(&shared->stop, 0);

    for (i = 0; i < WORKERS; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);

        if (pid[i] == 0) {
            (void) pguard_add(&shared->ready, 1);

            while (!pguard_load(&shared->started)) { (void) usleep(100); }

            srand48(SEED + i);
            work(i);
            _exit(0);
        }
    }

    while (pguard_load(&shared->ready) < WORKERS) { (void) usleep(500); }

    shared->begun = clock_us();
    shared->zero = shared->begun + 2000;
    pguard_store(&shared->started, 1);
}


static void
finish(pid_t *pid)
{
    int       status;
    unsigned  i;

    for (i = 0; i < WORKERS; i++) {
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(status == 0
                    || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    }
}


static void
append(worker_log_t *log, event_t e)
{
    if (log->n < LOG) {
        log->event[log->n] = e;
        pguard_store(&log->n, log->n + 1);
    }
}


static int
by_subject_and_time(const void *one, const void *two)
{
    const event_t  *a = one, *b = two;

    if (a->subject != b->subject) {
        return a->subject < b->subject ? -1 : 1;
    }

    return a->before < b->before ? -1 : a->before > b->before;
}


static size_t
merged(event_t **events)
{
    size_t    n;
    unsigned  i;

    *events = malloc(sizeof(event_t) * WORKERS * LOG);
    assert_non_null(*events);
    n = 0;

    for (i = 0; i < WORKERS; i++) {
        assert_true(shared->log[i].n < LOG);
        memcpy(*events + n, shared->log[i].event,
               shared->log[i].n * sizeof(event_t));
        n += shared->log[i].n;
    }

    qsort(*events, n, sizeof(event_t), by_subject_and_time);

    return n;
}


/* Throttle */


static uint64_t
mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;

    return x ^ x >> 31;
}


/* Few at home in one line, for there can be a copy of a displaced one for each
   worker: two homes, and a second line of its own for each signature.  Or a
   crowd, anywhere. */

static pguard_hash_t
sig_of(unsigned i)
{
    if (sigs == CROWD) {
        return (pguard_hash_t) { mix((i + 1) * 0x9e3779b97f4a7c15),
                                 mix((i + 1) * 0xd6e8feb86659fd93) };
    }

    return (pguard_hash_t) { (uint64_t) (i + 1) << 33
                             | (uint64_t) (i % LINES) << 30,
                             (uint64_t) (i + 1) << 48
                             | (uint64_t) (i % LINES) << 30 };
}


static void
offer(unsigned worker, unsigned subject, pguard_usec_t *last)
{
    event_t                    e = { subject, 0, 0, clock_us(), 0, 0 };
    worker_log_t              *log = &shared->log[worker];
    pguard_throttle_result_t   r;

    r = throttle_ask(&throttle, sig_of(subject), e.before, interval);
    e.after = clock_us();

    if (e.before - *last > log->pause[subject]) {
        log->pause[subject] = e.before - *last;
    }

    *last = e.before;
    log->evicted += r.evicted;

    /* whoever was admitted had read the clock by now */

    log->bad_waits += r.wait > interval + (e.after - e.before)
                      || r.admitted != (r.wait == 0);

    if (r.admitted) {
        append(log, e);
    }
}


static void
offer_all(unsigned worker)
{
    unsigned       i;
    pguard_usec_t  last[CROWD];

    /* who comes late has paused since the others began */

    for (i = 0; i < sigs; i++) {
        last[i] = shared->begun;
    }

    while (!pguard_load(&shared->stop)) {
        for (i = 0; i < sigs; i++) {
            offer(worker, i, &last[i]);
        }
    }
}


static void
clean(void)
{
    memset(shared->log, 0, sizeof(shared->log));
    memset(shared->line, 0, sizeof(shared->line));
    memset(shared->bucket, 0, sizeof(shared->bucket));
}


static uint64_t
evicted(void)
{
    unsigned  i;
    uint64_t  n = 0;

    for (i = 0; i < WORKERS; i++) {
        assert_int_equal(shared->log[i].bad_waits, 0);
        n += shared->log[i].evicted;
    }

    return n;
}


/* A call that took an interval or more was admitted at no known time of it. */

static size_t
without_held_up(event_t *e, size_t n)
{
    size_t  i, kept;

    for (i = 0, kept = 0; i < n; i++) {
        if (e[i].after - e[i].before < interval) {
            e[kept++] = e[i];
        }
    }

    return kept;
}


/* Admitted some time before after, by a clock read before that: who reads it
   a little later can take the last one's entry for expired, and remove it. */

static uint64_t
too_close(const event_t *e, size_t n)
{
    size_t    i;
    uint64_t  found = 0;

    for (i = 1; i < n; i++) {
        found += e[i].subject == e[i - 1].subject
                 && e[i].after - e[i - 1].before < interval;
    }

    return found;
}


/* An offer that comes an interval after the last admitted is admitted, or
   another meanwhile: the gap is no longer than that and the longest pause. */

static void
assert_no_long_gap(const event_t *e, size_t n)
{
    size_t         i;
    unsigned       k;
    pguard_usec_t  pause;

    for (i = 1; i < n; i++) {

        if (e[i].subject != e[i - 1].subject) {
            continue;
        }

        for (k = 0, pause = 0; k < WORKERS; k++) {
            if (shared->log[k].pause[e[i].subject] > pause) {
                pause = shared->log[k].pause[e[i].subject];
            }
        }

        assert_true(e[i].before - e[i - 1].before <= interval + 2 * pause);
    }
}


static void
stress_throttle(pguard_usec_t us)
{
    pid_t     pid[WORKERS];
    size_t    n;
    event_t  *events;

    clean();
    interval = us;
    start(pid, offer_all);
    (void) usleep(1000000);
    wait_for_logged(2 * sigs);
    pguard_store(&shared->stop, 1);
    finish(pid);

    n = merged(&events);
    assert_no_long_gap(events, n);
    assert_true(n >= 2 * sigs);
    n = without_held_up(events, n);
    print_message("interval %lu us: %zu admitted, %lu too close, %lu evicted\n",
                  (unsigned long) us, n, (unsigned long) too_close(events, n),
                  (unsigned long) evicted());

    /* nothing is evicted but where several copied one and the same head */

    assert_true(too_close(events, n) <= evicted());

    free(events);
}


static void
test_throttle(void **state)
{
    (void) state;

    stress_throttle(2000);
    stress_throttle(5000);
    stress_throttle(20000);
}


/* So full that entries are moved on all the time, by one process while another
   looks for them: too few of them, and of those that had to go are as many
   duplicates as there may be. */

static void
crowd(void)
{
    sigs = CROWD;
    throttle = pguard_throttle_table(shared->line, CROWDED);
}


static void
uncrowd(void)
{
    sigs = SIGS;
    throttle = pguard_throttle_table(shared->line, LINES);
}


static void
test_throttle_crowded(void **state)
{
    (void) state;

    crowd();
    stress_throttle(2000);
    stress_throttle(5000);
    stress_throttle(20000);
    uncrowd();
}


static int
recognised(pguard_pair_t v, pguard_usec_t now)
{
    unsigned       i;
    pguard_hash_t  sig;

    if (v.lo == 0 && v.hi == 0) {
        return 1;
    }

    for (i = 0; i < sigs; i++) {
        sig = sig_of(i);

        if (v.lo == sig.lo && v.hi >> 48 == sig.hi >> 48) {
            return (v.hi & 0xffffffffffff) <= now + interval;
        }
    }

    return 0;
}


static void
assert_recognised(void)
{
    unsigned  i, k;

    for (i = 0; i < throttle.lines; i++) {
        for (k = 0; k < PGUARD_THROTTLE_WAYS; k++) {
            assert_true(recognised(shared->line[i].way[k], clock_us()));
        }
    }
}


/* The rest goes on, on the same table as all the rounds before. */

static void
kill_two(void)
{
    pid_t     pid[WORKERS];
    uint64_t  before = logged();
    unsigned  first = (unsigned) lrand48() % WORKERS;

    start(pid, offer_all);
    (void) usleep(3000 + (useconds_t) lrand48() % 15000);
    wait_for_logged(before + 1);
    (void) kill(pid[first], SIGKILL);
    (void) usleep((useconds_t) lrand48() % 5000);
    (void) kill(pid[(first + 1) % WORKERS], SIGKILL);
    (void) usleep(10000);
    pguard_store(&shared->stop, 1);
    finish(pid);
}


static void
assert_still_throttles(void)
{
    unsigned       i;
    pguard_usec_t  now = clock_us() + interval;

    for (i = 0; i < sigs; i++) {
        assert_int_equal(throttle_ask(&throttle, sig_of(i), now,
                                      interval).admitted, 1);
        assert_int_equal(throttle_ask(&throttle, sig_of(i),
                                      now + interval - 1,
                                      interval).wait, 1);
    }
}


static void
kill_often(pguard_usec_t us)
{
    size_t     n;
    unsigned   i;
    event_t   *events;

    clean();
    interval = us;

    for (i = 0; i < 50; i++) {
        kill_two();
        assert_recognised();
    }

    n = merged(&events);
    assert_true(n > sigs);
    n = without_held_up(events, n);
    assert_true(too_close(events, n) <= evicted());
    free(events);
}


static void
test_throttle_killed(void **state)
{
    (void) state;

    kill_often(1000);
    assert_still_throttles();

    crowd();
    kill_often(4000);
    uncrowd();
}


/* Windows */


static pguard_hash_t
key_of(unsigned i)
{
    return (pguard_hash_t) { (uint64_t) (i + 1) << 32, 0x80000000ULL << 32 };
}


static void
send_one(unsigned worker, unsigned subject)
{
    event_t                 e = { subject, 0, 0, clock_us(), 0, 0 };
    pguard_window_result_t  r;

    r = window_add(&table, key_of(subject), 0, &shared->rule,
                   e.before / 1000, clock_ms, NULL);

    e.after = clock_us();
    e.looked = looked;
    e.exceeded = r.exceeded;
    e.count = r.count;
    shared->log[worker].evicted += r.evicted;

    append(&shared->log[worker], e);
}


static void
sleep_until(pguard_usec_t at)
{
    struct timespec  ts = { (time_t) (at / 1000000),
                            (long) (at % 1000000) * 1000 };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) != 0) {
        /* again */
    }
}


/* Together, so that the requests of one burst meet. */

static void
send_bursts(unsigned worker)
{
    unsigned  tick, i, k;

    for (tick = 0; tick < TICKS; tick++) {
        sleep_until(shared->zero + tick * TICK);

        for (i = 0; i < shared->sends[tick][worker]; i++) {
            for (k = 0; k < KEYS; k++) {
                send_one(worker, k);
            }
        }
    }
}


/* About the limit in three ticks, sometimes much less, sometimes more. */

static void
plan_bursts(uint64_t limit)
{
    long      most;
    unsigned  tick, i;

    for (tick = 0; tick < TICKS; tick++) {
        most = (long) (limit / (tick % 20 < 10 ? 9 : 4));

        for (i = 0; i < WORKERS; i++) {
            shared->sends[tick][i] = (unsigned) (lrand48() % (most + 2));
        }
    }
}


/* All that can have been in the window that ended at the look of e. */

static uint64_t
sent_at_most(const event_t *all, size_t n, const event_t *e)
{
    size_t         i;
    uint64_t       sent = 0;
    pguard_msec_t  begin = e->looked - WINDOW, end = e->looked;

    for (i = 0; i < n; i++) {
        sent += all[i].subject == e->subject && all[i].after / 1000 > begin
                && all[i].before / 1000 <= end;
    }

    return sent;
}


/* The first bucket of all keys is full: they go to the second one. */

static void
fill_first_bucket(void)
{
    unsigned              i;
    pguard_window_rule_t  rule;

    pguard_window_rule_init(&rule, 2, 24 * 3600000);

    for (i = 0; i < PGUARD_WINDOW_WAYS; i++) {
        (void) window_add(&table,
                          (pguard_hash_t) { (i + 1ULL) << 40, 0 },
                          0, &rule, clock_us() / 1000, NULL, NULL);
    }

    assert_int_not_equal(shared->bucket[0].index[PGUARD_WINDOW_WAYS - 1], 0);
    assert_int_equal(shared->bucket[1].index[0], 0);
}


static void
stress_windows(uint64_t limit)
{
    pid_t      pid[WORKERS];
    size_t     n, i, said, wrong;
    event_t   *e;

    clean();

    if (table.buckets == 2) {
        fill_first_bucket();
    }

    pguard_window_rule_init(&shared->rule, limit, WINDOW);
    plan_bursts(limit);
    hold_up = 1;
    start(pid, send_bursts);
    finish(pid);
    hold_up = 0;

    n = merged(&e);

    for (i = 0, said = 0, wrong = 0; i < n; i++) {
        said += e[i].exceeded;
        wrong += e[i].exceeded
                 && (e[i].count <= limit
                     || e[i].count > sent_at_most(e, n, &e[i]));
    }

    print_message("limit %lu: %zu sent, %zu said to exceed, %zu wrongly\n",
                  (unsigned long) limit, n, said, wrong);

    free(e);

    assert_int_equal(evicted(), 0);
    assert_int_equal(wrong, 0);
    assert_true(said > 0);
}


static void
test_windows_never_too_many(void **state)
{
    size_t                 i;
    static const uint64_t  limits[] = { 2, 7, 11, 12, 22, 100 };

    (void) state;

    for (i = 0; i < number_of(limits); i++) {
        stress_windows(limits[i]);
    }

    table.buckets = 2;
    stress_windows(7);
    stress_windows(100);
    table.buckets = 1;
}


/* A quarter more than the limit by all of them together. */

static void
send_share(unsigned worker)
{
    uint64_t  i;
    unsigned  k;

    for (i = 0; i <= shared->rule.limit * 5 / 4 / WORKERS; i++) {
        for (k = 0; k < KEYS; k++) {
            send_one(worker, k);
        }
    }
}


static void
assert_found_out(void)
{
    size_t    i, n;
    event_t  *e;
    unsigned  found[KEYS] = { 0 };

    n = merged(&e);

    for (i = 0; i < n; i++) {
        found[e[i].subject] += e[i].exceeded;
    }

    free(e);

    /* who was held up may have written its mark when nobody came after it:
       then the next request is told */

    for (i = 0; i < KEYS; i++) {
        assert_true(found[i] > 0
                    || window_add(&table, key_of(i), 0, &shared->rule,
                                  clock_ms(NULL), clock_ms,
                                  NULL).exceeded);
    }
}


static void
test_windows_found_out(void **state)
{
    pid_t     pid[WORKERS];
    uint64_t  limit;

    (void) state;

    for (limit = 50; limit < 20000; limit = limit * 3 / 2) {
        clean();
        pguard_window_rule_init(&shared->rule, limit, 3600000);
        start(pid, send_share);
        finish(pid);
        assert_found_out();
    }
}


/* Counts go on, and are never too many, with workers gone in their midst. */

static void
send_on(unsigned worker)
{
    unsigned  k;

    while (!pguard_load(&shared->stop)) {
        for (k = 0; k < KEYS; k++) {
            send_one(worker, k);
        }

        (void) usleep(50);
    }
}


static void
test_windows_killed(void **state)
{
    pid_t     pid[WORKERS];
    uint64_t  before;
    unsigned  i, k;

    (void) state;

    clean();
    pguard_window_rule_init(&shared->rule, 50, 3600000);

    for (i = 0; i < 30; i++) {
        before = logged();
        start(pid, send_on);
        (void) usleep(2000 + (useconds_t) lrand48() % 6000);
        wait_for_logged(before + 2 * WORKERS * KEYS);
        (void) kill(pid[lrand48() % WORKERS], SIGKILL);
        (void) usleep(2000);
        pguard_store(&shared->stop, 1);
        finish(pid);
    }

    assert_found_out();

    for (k = 0; k < KEYS; k++) {
        pguard_window_forget(&table, key_of(k));
        assert_int_equal(pguard_window_peek(&table, key_of(k), &shared->rule,
                                            clock_ms(NULL)).count, 0);
        assert_int_equal(window_add(&table, key_of(k), 0, &shared->rule,
                                    clock_ms(NULL), clock_ms,
                                    NULL).exceeded, 0);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_throttle),
        cmocka_unit_test(test_throttle_crowded),
        cmocka_unit_test(test_throttle_killed),
        cmocka_unit_test(test_windows_never_too_many),
        cmocka_unit_test(test_windows_found_out),
        cmocka_unit_test(test_windows_killed)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
