/*
 * The state file of a zone: what is written is read again, and what makes no
 * sense is not taken.  tests/fuzz/fuzz_state.c reads files of any bytes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_state.h"


#define ROOM  4096

static const pguard_state_time_t  then = { 1700000000000, 5000000 };
static const pguard_state_time_t  later = { 1700000060000, 70000 };

static const pguard_str_t  rule = pguard_string("calls");
static const pguard_str_t  service = pguard_string("compute");
static const pguard_str_t  secret = pguard_string("a secret of 24 bytes ...");


static pguard_block_t
block(const char *event)
{
    pguard_block_t  b;

    memset(&b, 0, sizeof(b));
    b.key.lo = 1;
    b.key.hi = 2;
    b.since = then.now - 1000;
    b.until = then.now + 90000;
    b.last = 91000;
    b.count = 12;
    b.limit = 11;
    b.reason = PGUARD_REASON_HAMMERING;
    b.step = 1;
    memcpy(b.event, event, PGUARD_EVENT_LEN);

    return b;
}


/* Of one block, to be read as b. */

static pguard_str_t
file_of(const pguard_block_t *b, unsigned char *bytes)
{
    pguard_str_t  file;
    pguard_out_t  out;

    pguard_out_init(&out, bytes, ROOM);
    pguard_state_begin(&out, &then, secret);
    pguard_state_block(&out, &then, b, rule, service);
    pguard_state_end(&out, bytes);

    assert_true(out.need <= ROOM);

    file.data = bytes;
    file.len = (size_t) out.need;

    return file;
}


static int
read_one(pguard_str_t file, pguard_block_t *b)
{
    pguard_str_t           r, s;
    pguard_state_reader_t  reader;

    assert_null(pguard_state_open(&reader, file));
    assert_int_equal(reader.secret.len, secret.len);
    assert_memory_equal(reader.secret.data, secret.data, secret.len);

    if (!pguard_state_next(&reader, &later, b, &r, &s)) {
        return 0;
    }

    assert_int_equal(r.len, rule.len);
    assert_memory_equal(r.data, rule.data, rule.len);
    assert_int_equal(s.len, service.len);
    assert_memory_equal(s.data, service.data, service.len);

    return 1;
}


/* A minute later, on a machine that has started again. */

static void
test_kept(void **state)
{
    pguard_block_t  b, was = block("0123456789abcdef01234567");
    unsigned char   bytes[ROOM];

    (void) state;

    assert_true(read_one(file_of(&was, bytes), &b));

    assert_true(b.key.lo == was.key.lo && b.key.hi == was.key.hi);
    assert_int_equal(b.until, later.now + 30000);
    assert_int_equal(b.since, later.now - 61000);
    assert_int_equal(b.count, was.count);
    assert_int_equal(b.reason, was.reason);
    assert_memory_equal(b.event, was.event, PGUARD_EVENT_LEN);
}


/* An event goes into answers as it is: what is none is left out. */

static void
test_no_event(void **state)
{
    size_t          i;
    pguard_block_t  b, was;
    unsigned char   bytes[ROOM], none[PGUARD_EVENT_LEN] = { 0 };

    static const char  *events[] = {
        "0123456789abcdef0123456\"", "\n123456789abcdef01234567",
        "0123456789ABCDEF01234567", "0123456789abcdef0123456g"
    };

    (void) state;

    for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        was = block(events[i]);
        assert_true(read_one(file_of(&was, bytes), &b));
        assert_memory_equal(b.event, none, PGUARD_EVENT_LEN);
    }
}


static void
test_senseless(void **state)
{
    pguard_block_t  b, was = block("0123456789abcdef01234567");
    unsigned char   bytes[ROOM];

    (void) state;

    was.kind = PGUARD_BLOCK_KINDS;
    assert_false(read_one(file_of(&was, bytes), &b));

    was.kind = 0;
    was.reason = PGUARD_REASONS;
    assert_false(read_one(file_of(&was, bytes), &b));

    was.reason = PGUARD_REASON_HAMMERING;
    was.step = PGUARD_BLOCK_MAX_STEP + 1;
    assert_false(read_one(file_of(&was, bytes), &b));

    was.step = 1;
    assert_true(read_one(file_of(&was, bytes), &b));
}


/* Every byte, and every end. */

static void
test_damaged(void **state)
{
    size_t                  i;
    pguard_str_t            file;
    pguard_block_t          was = block("0123456789abcdef01234567");
    unsigned char           bytes[ROOM];
    pguard_state_reader_t   r;

    (void) state;

    file = file_of(&was, bytes);

    for (i = 0; i < file.len; i++) {
        bytes[i] ^= 1;
        assert_non_null(pguard_state_open(&r, file));
        bytes[i] ^= 1;

        assert_non_null(pguard_state_open(&r, (pguard_str_t) { i, bytes }));
    }

    assert_null(pguard_state_open(&r, file));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_no_event),
        cmocka_unit_test(test_senseless),
        cmocka_unit_test(test_damaged)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
