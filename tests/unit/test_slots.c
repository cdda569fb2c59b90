#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../src/core/pguard_slots.h"


#define string(s)  ((pguard_str_t) { strlen(s), (const unsigned char *) (s) })
#define at(d, n, m)  ((pguard_slots_place_t) { .depth = d, .i = n, .j = m })


static pguard_slots_t         slots;
static pguard_slots_reader_t  reader;


/* What redis-server 7.0 says to CLUSTER KEYSLOT. */

static void
test_key(void **state)
{
    (void) state;

    assert_int_equal(pguard_slots_key(string("123456789")), 0x31c3);
    assert_int_equal(pguard_slots_key(string("foo")), 12182);
    assert_int_equal(pguard_slots_key(string("bar")), 5061);
    assert_int_equal(pguard_slots_key(string("hello")), 866);
    assert_int_equal(pguard_slots_key(string("")), 0);

    assert_int_equal(pguard_slots_key(string("{user1000}.following")), 3443);
    assert_int_equal(pguard_slots_key(string("user1000")), 3443);
    assert_int_equal(pguard_slots_key(string("foo{}{bar}")), 8363);
    assert_int_equal(pguard_slots_key(string("foo{{bar}}zap")), 4015);
    assert_int_equal(pguard_slots_key(string("foo{bar}{zap}")), 5061);
    assert_int_equal(pguard_slots_key(string("foo{bar")), 15278);
    assert_int_equal(pguard_slots_key(string("foo}{bar}")), 5061);
}


/* One range: its first and last slot, a master and a replica with metadata. */

static int
range(int64_t first, int64_t last, const char *host, int64_t port)
{
    pguard_str_t  nil = { 0, NULL };

    return pguard_slots_read_array(&reader, at(1, 0, 0))
           || pguard_slots_read_number(&reader, at(2, 0, 0), first)
           || pguard_slots_read_number(&reader, at(2, 1, 0), last)
           || pguard_slots_read_array(&reader, at(2, 2, 0))
           || pguard_slots_read_string(&reader, at(3, 0, 2),
                                       host ? string(host) : nil)
           || pguard_slots_read_number(&reader, at(3, 1, 2), port)
           || pguard_slots_read_string(&reader, at(3, 2, 2), string("id"))
           || pguard_slots_read_array(&reader, at(3, 3, 2))
           || pguard_slots_read_string(&reader, at(4, 0, 3), string("ip"))
           || pguard_slots_read_array(&reader, at(2, 3, 0))
           || pguard_slots_read_string(&reader, at(3, 0, 3), string("replica"))
           || pguard_slots_read_number(&reader, at(3, 1, 3), 1);
}


static void
test_read(void **state)
{
    (void) state;

    pguard_slots_read(&reader, &slots, string("10.0.0.9"), 7009);

    assert_int_equal(slots.owner[0], PGUARD_SLOTS_NOBODY);

    assert_int_equal(pguard_slots_read_array(&reader, at(0, 0, 0)), 0);
    assert_int_equal(range(0, 5460, "10.0.0.1", 7001), 0);
    assert_int_equal(range(5461, 10922, "10.0.0.2", 7001), 0);
    assert_int_equal(range(10924, 16382, "10.0.0.1", 7001), 0);
    assert_int_equal(range(16383, 16383, NULL, 7010), 0);

    assert_int_equal(slots.nnodes, 3);
    assert_string_equal((char *) slots.node[0].host, "10.0.0.1");
    assert_string_equal((char *) slots.node[1].host, "10.0.0.2");
    assert_string_equal((char *) slots.node[2].host, "10.0.0.9");
    assert_int_equal(slots.node[2].port, 7010);

    assert_int_equal(slots.owner[0], 0);
    assert_int_equal(slots.owner[5460], 0);
    assert_int_equal(slots.owner[5461], 1);
    assert_int_equal(slots.owner[10922], 1);
    assert_int_equal(slots.owner[10923], PGUARD_SLOTS_NOBODY);
    assert_int_equal(slots.owner[16382], 0);
    assert_int_equal(slots.owner[16383], 2);
}


static void
test_read_wrong(void **state)
{
    (void) state;

    pguard_slots_read(&reader, &slots, string("h"), 1);

    assert_true(range(-1, 1, "a", 1) != 0);
    assert_true(range(0, 16384, "a", 1) != 0);
    assert_true(range(0, 1, "a", 0) != 0);
    assert_true(range(0, 1, "a", 65536) != 0);
    assert_true(pguard_slots_read_number(&reader, at(0, 0, 0), 1) != 0);
    assert_true(pguard_slots_read_number(&reader, at(1, 0, 0), 1) != 0);
    assert_true(pguard_slots_read_string(&reader, at(0, 0, 0), string("OK")));
    assert_true(pguard_slots_read_string(&reader, at(2, 0, 0), string("1")));
    assert_true(pguard_slots_read_array(&reader, at(2, 0, 0)) != 0);
    assert_int_equal(slots.nnodes, 0);

    /* a name that is not known, a range the wrong way round */

    assert_int_equal(range(0, 1, "?", 7001), 0);
    assert_int_equal(range(2, 1, "a", 7001), 0);
    assert_int_equal(slots.nnodes, 0);
    assert_int_equal(slots.owner[0], PGUARD_SLOTS_NOBODY);

    /* a port with no range before it */

    (void) pguard_slots_read_array(&reader, at(1, 0, 0));
    assert_int_equal(pguard_slots_read_number(&reader, at(3, 1, 2), 1), 0);
    assert_int_equal(slots.nnodes, 0);
}


static void
test_nodes(void **state)
{
    char      host[300];
    unsigned  i;

    (void) state;

    pguard_slots_init(&slots);

    for (i = 0; i < PGUARD_SLOTS_NODES; i++) {
        assert_int_equal(pguard_slots_node(&slots, string("h"), i + 1), i);
    }

    assert_int_equal(pguard_slots_node(&slots, string("h"), i + 1),
                     PGUARD_SLOTS_NOBODY);
    assert_int_equal(pguard_slots_node(&slots, string("h"), 5), 4);

    pguard_slots_init(&slots);
    memset(host, 'a', sizeof(host));
    host[254] = '\0';
    assert_int_equal(pguard_slots_node(&slots, string(host), 1),
                     PGUARD_SLOTS_NOBODY);
    host[253] = '\0';
    assert_int_equal(pguard_slots_node(&slots, string(host), 1), 0);
    assert_int_equal(pguard_slots_node(&slots, string(""), 1),
                     PGUARD_SLOTS_NOBODY);
    assert_int_equal(pguard_slots_node(&slots, string("a b"), 1),
                     PGUARD_SLOTS_NOBODY);
}


static void
test_redirect(void **state)
{
    size_t                    i;
    pguard_slots_redirect_t   r;
    static const char        *wrong[] = {
        "", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED 1 a", "ERR",
        "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a:0", "MOVED 1 a:65536",
        "MOVED 1 a:", "MOVEDX 1 a:1", "MOVED 1 a,b:1", "ASK x a:1",
        "MOVED  1 a:1", "CLUSTERDOWN Hash slot not served"
    };

    (void) state;

    assert_int_equal(pguard_slots_redirect(&r,
                                    string("MOVED 3999 127.0.0.1:6381")), 0);
    assert_int_equal(r.ask, 0);
    assert_int_equal(r.slot, 3999);
    assert_string_equal((char *) r.node.host, "127.0.0.1");
    assert_int_equal(r.node.port, 6381);

    assert_int_equal(pguard_slots_redirect(&r, string("ASK 16383 ::1:6381")),
                     0);
    assert_int_equal(r.ask, 1);
    assert_int_equal(r.slot, 16383);
    assert_string_equal((char *) r.node.host, "::1");

    assert_int_equal(pguard_slots_redirect(&r, string("MOVED 0 :6381")), 0);
    assert_int_equal(r.node.len, 0);
    assert_int_equal(r.node.port, 6381);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(pguard_slots_redirect(&r, string(wrong[i])), -1);
    }
}


static void
test_switch(void **state)
{
    pguard_slots_node_t  n;

    (void) state;

    assert_int_equal(pguard_slots_switch(&n, string("m"),
                                 string("m 10.0.0.1 1 10.0.0.2 65535")), 0);
    assert_string_equal((char *) n.host, "10.0.0.2");
    assert_int_equal(n.port, 65535);

    assert_int_equal(pguard_slots_switch(&n, string("x"),
                                 string("m 10.0.0.1 1 10.0.0.2 2")), -1);
    assert_int_equal(pguard_slots_switch(&n, string("m"),
                                 string("m 10.0.0.1 1 10.0.0.2")), -1);
    assert_int_equal(pguard_slots_switch(&n, string("m"),
                                 string("m 10.0.0.1 1 10.0.0.2 0")), -1);
    assert_int_equal(pguard_slots_switch(&n, string("m"), string("m")), -1);
    assert_int_equal(pguard_slots_switch(&n, string("m"), string("")), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_wrong),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_switch)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
