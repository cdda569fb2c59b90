/*
 * Commands for Redis: each byte as its protocol has it, and never more of them
 * than were made room for.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_command.h"


#define SEED  6379


static void
test_known(void **state)
{
    unsigned char  *end, buf[256];

    static const char          text[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n"
                                        "$12\r\na\r\nb\0c$9*1\r\n\r\n";
    static const pguard_str_t  args[] = {
        pguard_string("SET"), pguard_string("k"), { 12, (const unsigned char *)
                                                    "a\r\nb\0c$9*1\r\n" }
    };

    (void) state;

    assert_true(pguard_command_max(args, 3) <= sizeof(buf));

    end = pguard_command_write(buf, args, 3);

    assert_int_equal(end - buf, sizeof(text) - 1);
    assert_memory_equal(buf, text, sizeof(text) - 1);
}


static void
test_empty(void **state)
{
    unsigned char  *end, buf[64];

    static const char          text[] = "*1\r\n$0\r\n\r\n";
    static const pguard_str_t  none = { 0, NULL };

    (void) state;

    end = pguard_command_write(buf, &none, 1);

    assert_int_equal(end - buf, sizeof(text) - 1);
    assert_memory_equal(buf, text, sizeof(text) - 1);
}


/* Arguments of any number and length, in a buffer of just that size: beside
   snprintf(). */

static void
test_any(void **state)
{
    size_t          i, n, size, len, round;
    pguard_str_t    args[99];
    unsigned char  *buf, *end, *want, data[3000];

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char) lrand48();
    }

    for (round = 0; round < 300; round++) {
        n = (size_t) lrand48() % 99 + 1;

        for (i = 0; i < n; i++) {
            args[i].data = data;
            args[i].len = (size_t) lrand48()
                          % (lrand48() % 4 ? 20 : sizeof(data));
        }

        size = pguard_command_max(args, n);
        buf = malloc(size);
        want = malloc(size + 1);
        assert_non_null(buf);
        assert_non_null(want);

        end = pguard_command_write(buf, args, n);
        len = (size_t) sprintf((char *) want, "*%zu\r\n", n);

        for (i = 0; i < n; i++) {
            len += (size_t) sprintf((char *) want + len, "$%zu\r\n",
                                    args[i].len);
            memcpy(want + len, args[i].data, args[i].len);
            len += args[i].len;
            want[len++] = '\r';
            want[len++] = '\n';
        }

        assert_true(len <= size);
        assert_int_equal(end - buf, len);
        assert_memory_equal(buf, want, len);

        free(buf);
        free(want);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
