/*
 * Pairs of hash and id: found, evicted, forgotten, and never mixed, whatever
 * several processes write at once; lifts.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pguard_client.h"


#define CAPACITY  64
#define ROUNDS    200000


static pguard_client_t   table[CAPACITY];
static pguard_clients_t  clients = { table, CAPACITY };


/* The n-th pair. */

static pguard_hash_t
hash_of(uint64_t n)
{
    return (pguard_hash_t) { n * 0x9e3779b97f4a7c15, n * 0xc2b2ae3d27d4eb4f };
}


static pguard_id_t
id_of(uint64_t n)
{
    uint64_t     words[2] = { ~n * 0x165667b19e3779f9, n };
    pguard_id_t  id;

    memcpy(id.bytes, words, PGUARD_ID_LEN);

    return id;
}


static void
note(uint64_t n, pguard_msec_t now)
{
    pguard_id_t  id = id_of(n);

    pguard_client_note(&clients, hash_of(n), &id, now);
}


/* How many hashes n's id has; each must be n's own. */

static unsigned
found(uint64_t n)
{
    unsigned       count;
    uint64_t       pos;
    pguard_id_t    id = id_of(n);
    pguard_hash_t  hash;

    count = 0;
    pos = 0;

    while (pguard_client_next(&clients, &id, &pos, &hash)) {
        assert_int_equal(hash.lo, hash_of(n).lo);
        assert_int_equal(hash.hi, hash_of(n).hi);
        count++;
    }

    return count;
}


static int
setup(void **state)
{
    (void) state;

    clients.client = table;
    memset(table, 0, sizeof(table));

    return 0;
}


static void
test_note(void **state)
{
    uint64_t  n;

    (void) state;

    assert_int_equal(found(0), 0);

    for (n = 1; n <= 10; n++) {
        note(n, n);
        note(n, n + 1);
    }

    for (n = 1; n <= 10; n++) {
        assert_int_equal(found(n), 1);
    }

    assert_int_equal(found(11), 0);
}


static void
test_two_hashes(void **state)
{
    unsigned       n;
    uint64_t       pos;
    pguard_id_t    id = id_of(1);
    pguard_hash_t  hash;

    (void) state;

    pguard_client_note(&clients, hash_of(2), &id, 1);
    pguard_client_note(&clients, hash_of(3), &id, 1);

    for (n = 0, pos = 0; pguard_client_next(&clients, &id, &pos, &hash); n++) {
        /* void */
    }

    assert_int_equal(n, 2);

    pguard_client_forget(&clients, &id);
    pos = 0;
    assert_false(pguard_client_next(&clients, &id, &pos, &hash));
}


static void
test_evict(void **state)
{
    uint64_t  n, left;

    (void) state;

    /* one that is noted again and again stays, whoever else comes */

    for (n = 1; n <= 10000; n++) {
        note(n, 2 * n);
        note(7, 2 * n + 1);
    }

    assert_int_equal(found(7), 1);

    for (n = 1, left = 0; n <= 10000; n++) {
        left += found(n);
    }

    assert_true(left > CAPACITY / 2 && left <= CAPACITY);
    assert_int_equal(found(10000), 1);
}


static void
test_forget(void **state)
{
    uint64_t     n;
    pguard_id_t  id = id_of(5);

    (void) state;

    for (n = 1; n <= 9; n++) {
        note(n, 1);
    }

    pguard_client_forget(&clients, &id);

    for (n = 1; n <= 9; n++) {
        assert_int_equal(found(n), n != 5);
    }

    /* nothing of it is left */

    for (n = 0; n < CAPACITY; n++) {
        assert_memory_not_equal(table[n].id, id.bytes, PGUARD_ID_LEN);
    }
}


/* What a writer that died left, or two at once, is no pair. */

static void
test_torn(void **state)
{
    size_t           i;
    uint64_t         n;
    pguard_client_t  was;

    (void) state;

    note(1, 1);

    for (n = 0; table[n].sum == 0; n++) { /* void */ }

    was = table[n];

    for (i = 0; i < 5 * sizeof(uint64_t); i++) {
        ((unsigned char *) &table[n])[i] ^= 1;
        assert_int_equal(found(1), 0);
        table[n] = was;
    }

    table[n].sum = 0;
    assert_int_equal(found(1), 0);
    note(1, 2);
    assert_int_equal(found(1), 1);
}


static void
test_processes(void **state)
{
    int       i, status;
    pid_t     pid[3];
    uint64_t  n, r;

    (void) state;

    clients.client = mmap(NULL, sizeof(table), PROT_READ|PROT_WRITE,
                          MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    assert_true(clients.client != MAP_FAILED);

    for (i = 0; i < 3; i++) {
        pid[i] = fork();

        if (pid[i] == 0) {
            for (r = 0; r < ROUNDS; r++) {
                note(1 + (r * 7 + (uint64_t) i) % 200, r);
            }

            _exit(0);
        }
    }

    for (r = 0; r < ROUNDS / 50; r++) {
        (void) found(1 + r % 200);
    }

    for (i = 0; i < 3; i++) {
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }

    for (n = 1; n <= 200; n++) {
        assert_true(found(n) <= PGUARD_CLIENT_WAYS);
    }

    munmap(clients.client, sizeof(table));
}


static void
test_lifts(void **state)
{
    uint64_t        n;
    pguard_lifts_t  lifts;

    (void) state;

    memset(&lifts, 0, sizeof(lifts));
    assert_int_equal(pguard_lift_time(&lifts, 0), 0);

    pguard_lift_note(&lifts, 7, 100);
    assert_int_equal(pguard_lift_time(&lifts, 7), 100);
    assert_int_equal(pguard_lift_time(&lifts, 8), 0);

    pguard_lift_note(&lifts, 7, 200);
    assert_int_equal(pguard_lift_time(&lifts, 7), 200);

    for (n = 0; n < PGUARD_LIFTS - 1; n++) {
        pguard_lift_note(&lifts, 1000 + n, 300 + n);
    }

    assert_int_equal(pguard_lift_time(&lifts, 7), 200);
    pguard_lift_note(&lifts, 8, 400);
    assert_int_equal(pguard_lift_time(&lifts, 7), 0);
    assert_int_equal(pguard_lift_time(&lifts, 8), 400);
    assert_int_equal(pguard_lift_time(&lifts, 1000), 300);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(test_note, setup),
        cmocka_unit_test_setup(test_two_hashes, setup),
        cmocka_unit_test_setup(test_evict, setup),
        cmocka_unit_test_setup(test_forget, setup),
        cmocka_unit_test_setup(test_torn, setup),
        cmocka_unit_test_setup(test_processes, setup),
        cmocka_unit_test(test_lifts)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
