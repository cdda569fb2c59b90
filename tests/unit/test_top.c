/*
 * Which clients were refused most, against an exact count; what Space-Saving
 * promises; several processes, and one that dies.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pguard_top.h"


#define SEED     90000
#define PLACES   16
#define CLIENTS  2000
#define START    (7 * PGUARD_TOP_PERIOD + 1000)


typedef struct {
    pguard_pair_t       head[PGUARD_TOP_PERIODS * PLACES];
    pguard_top_entry_t  entry[PGUARD_TOP_PERIODS * PLACES];
    uint64_t            total[PGUARD_TOP_PERIODS];
} memory_t;


static memory_t             *memory;
static pguard_top_client_t   list[PGUARD_TOP_PERIODS * PGUARD_TOP_MAX];
static uint64_t              others;


static pguard_top_t
table(void)
{
    if (memory == NULL) {
        memory = mmap(NULL, sizeof(memory_t), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(memory != MAP_FAILED);
    }

    memset(memory, 0, sizeof(memory_t));

    return (pguard_top_t) { memory->head, memory->entry, memory->total,
                            PLACES };
}


static void
refuse(const pguard_top_t *t, uint64_t client, pguard_msec_t now)
{
    pguard_top_client_t  c;

    memset(&c, 0, sizeof(c));
    client *= 0x9e3779b97f4a7c15ULL;
    memcpy(c.id.bytes, &client, 8);
    client = ~client;
    memcpy(c.id.bytes + 8, &client, 8);
    c.rule = (uint16_t) client;
    c.reason = PGUARD_REASON_HAMMERING;

    pguard_top_add(t, &c, now);
}


static uint64_t
client_of(const pguard_top_client_t *c)
{
    uint64_t  a, b;

    memcpy(&a, c->id.bytes, 8);
    memcpy(&b, c->id.bytes + 8, 8);
    assert_int_equal(a, ~b);

    return a * 0xf1de83e19937733dULL;       /* the inverse of the above */
}


static size_t
read_all(const pguard_top_t *t, pguard_msec_t now)
{
    return pguard_top_read(t, now, list,
                           sizeof(list) / sizeof(list[0]), &others);
}


/* As many as there are places: all is exact, in order, with its latest. */

static void
test_few(void **state)
{
    size_t        i, n;
    uint64_t      j;
    pguard_top_t  t = table();

    (void) state;

    assert_int_equal(read_all(&t, START), 0);
    assert_int_equal(others, 0);

    for (i = 1; i <= PLACES; i++) {
        for (j = 0; j < i * 3; j++) {
            refuse(&t, i, START + i);
        }
    }

    n = read_all(&t, START + 100);
    assert_int_equal(n, PLACES);
    assert_int_equal(others, 0);

    for (i = 0; i < n; i++) {
        assert_int_equal(client_of(&list[i]), PLACES - i);
        assert_int_equal(list[i].count, (PLACES - i) * 3);
        assert_int_equal(list[i].last, START + PLACES - i);
        assert_int_equal(list[i].reason, PGUARD_REASON_HAMMERING);
    }

    n = pguard_top_read(&t, START + 100, list, 3, &others);
    assert_int_equal(n, 3);
    assert_int_equal(others, 3 * PLACES * (PLACES + 1) / 2
                             - 3 * (PLACES + PLACES - 1 + PLACES - 2));
}


/* Whatever the order: all refusals are told, none more than there were, and
   who had more than one in PLACES of them is listed. */

static void
test_promises(void **state)
{
    size_t        i, n;
    unsigned      round;
    uint64_t      client, sum, sent, said[CLIENTS];
    pguard_top_t  t;

    static uint64_t  exact[CLIENTS];

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);

    for (round = 0; round < 20; round++) {
        t = table();
        memset(exact, 0, sizeof(exact));
        memset(said, 0, sizeof(said));

        for (sent = 0; sent < 20000; sent++) {
            client = lrand48() % 3 ? (uint64_t) lrand48() % CLIENTS
                                   : (uint64_t) lrand48() % (1 + round);
            exact[client]++;
            refuse(&t, client + 1, START + sent / 100);
        }

        n = read_all(&t, START + 1000);
        sum = others;

        for (i = 0; i < n; i++) {
            client = client_of(&list[i]) - 1;
            assert_true(client < CLIENTS);
            assert_int_equal(said[client], 0);
            said[client] = list[i].count;
            assert_in_range(list[i].count, 1, exact[client]);
            assert_true(i == 0 || list[i].count <= list[i - 1].count);
            sum += list[i].count;
        }

        assert_int_equal(sum, sent);

        for (i = 0; i < CLIENTS; i++) {
            assert_true(said[i] || exact[i] <= sent / PLACES);
        }
    }
}


/* Two half hours are told together; then the older one is gone. */

static void
test_periods(void **state)
{
    pguard_top_t  t = table();

    (void) state;

    refuse(&t, 1, START);
    refuse(&t, 1, START + PGUARD_TOP_PERIOD);
    refuse(&t, 2, START + PGUARD_TOP_PERIOD);
    refuse(&t, 1, START + PGUARD_TOP_PERIOD + 5);

    assert_int_equal(read_all(&t, START + PGUARD_TOP_PERIOD + 9), 2);
    assert_int_equal(client_of(&list[0]), 1);
    assert_int_equal(list[0].count, 3);
    assert_int_equal(list[0].last, START + PGUARD_TOP_PERIOD + 5);
    assert_int_equal(list[1].count, 1);

    assert_int_equal(read_all(&t, START + 2 * PGUARD_TOP_PERIOD), 2);
    assert_int_equal(list[0].count, 2);

    refuse(&t, 3, START + 2 * PGUARD_TOP_PERIOD);
    assert_int_equal(read_all(&t, START + 2 * PGUARD_TOP_PERIOD), 3);
    assert_int_equal(read_all(&t, START + 3 * PGUARD_TOP_PERIOD), 1);
    assert_int_equal(client_of(&list[0]), 3);
    assert_int_equal(read_all(&t, START + 4 * PGUARD_TOP_PERIOD), 0);
    assert_int_equal(others, 0);
}


/* A worker that died between taking a place and naming itself: the place is
   not listed, under nobody's name, until its client is refused again. */

static void
test_torn(void **state)
{
    size_t        i;
    pguard_top_t  t = table();

    (void) state;

    for (i = 1; i <= 5; i++) {
        refuse(&t, 1, START);
    }

    refuse(&t, 2, START);
    memset(&memory->entry[START / PGUARD_TOP_PERIOD % 2 ? 0 : PLACES].id, 0xee,
           PGUARD_ID_LEN);

    assert_int_equal(read_all(&t, START), 1);
    assert_int_equal(client_of(&list[0]), 2);
    assert_int_equal(others, 5);

    refuse(&t, 1, START);
    refuse(&t, 1, START);
    assert_int_equal(read_all(&t, START), 2);
    assert_int_equal(client_of(&list[0]), 1);
    assert_int_equal(list[0].count, 2);
    assert_int_equal(others, 5);
}


/* Four processes at once, one of which is killed: nothing is told that was
   not, and the heavy ones are there. */

static void
test_processes(void **state)
{
    int           i, status;
    pid_t         pid[4];
    size_t        n;
    uint64_t      k, sum;
    pguard_top_t  t = table();

    (void) state;

    for (i = 0; i < 4; i++) {
        pid[i] = fork();

        if (pid[i] == 0) {
            srand48(SEED + i);

            for (k = 0; k < 50000 || i == 3; k++) {
                refuse(&t, k % 2 ? 1 + k % 5
                                 : 10 + (uint64_t) lrand48() % CLIENTS,
                       START);
            }

            _exit(0);
        }
    }

    for (i = 0; i < 3; i++) {
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
    }

    assert_int_equal(kill(pid[3], SIGKILL), 0);
    assert_int_equal(waitpid(pid[3], &status, 0), pid[3]);

    n = read_all(&t, START);
    assert_true(n >= 5);

    for (k = 0, sum = others; k < n; k++) {
        sum += list[k].count;
    }

    assert_int_equal(sum, t.total[(START / PGUARD_TOP_PERIOD + 1) % 2]
                          & ((1ULL << 40) - 1));
    assert_true(sum >= 150000);

    for (k = 0; k < 5; k++) {
        assert_in_range(client_of(&list[k]), 1, 5);
    }
}


static void
test_forget(void **state)
{
    pguard_id_t   who;
    pguard_top_t  t = table();

    (void) state;

    refuse(&t, 1, START - PGUARD_TOP_PERIOD);
    refuse(&t, 1, START);
    refuse(&t, 1, START);
    refuse(&t, 2, START);

    assert_int_equal(pguard_top_read(&t, START, list, 9, &others), 2);
    who = list[0].id;

    assert_int_equal(pguard_top_forget(&t, &who, START), 3);
    assert_int_equal(pguard_top_read(&t, START, list, 9, &others), 1);
    assert_memory_not_equal(list[0].id.bytes, who.bytes, PGUARD_ID_LEN);
    assert_int_equal(others, 3);
    assert_null(memmem(memory, sizeof(memory_t), who.bytes, PGUARD_ID_LEN));
    assert_int_equal(pguard_top_forget(&t, &who, START), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_few),
        cmocka_unit_test(test_promises),
        cmocka_unit_test(test_periods),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_processes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
