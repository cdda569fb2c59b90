#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../src/core/pguard_url.h"


#define string(s)  ((pguard_str_t) { strlen(s), (const unsigned char *) (s) })


static void
assert_str(pguard_str_t s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.data, expected, s.len);
}


static void
test_right(void **state)
{
    pguard_url_t  u;

    (void) state;

    assert_null(pguard_url_parse(&u, string("redis://10.0.0.1")));
    assert_int_equal(u.kind, PGUARD_URL_REDIS);
    assert_int_equal(u.nhosts, 1);
    assert_str(u.host[0].name, "10.0.0.1");
    assert_int_equal(u.host[0].port, 6379);
    assert_int_equal(u.db, 0);

    assert_null(pguard_url_parse(&u, string("redis://cache.local:7000/15")));
    assert_str(u.host[0].name, "cache.local");
    assert_int_equal(u.host[0].port, 7000);
    assert_int_equal(u.db, 15);

    assert_null(pguard_url_parse(&u, string("redis://h/")));
    assert_int_equal(u.db, 0);

    assert_null(pguard_url_parse(&u, string("rediss://[2001:db8::1]:6380/1")));
    assert_int_equal(u.kind, PGUARD_URL_REDISS);
    assert_int_equal(u.host[0].literal6, 1);
    assert_str(u.host[0].name, "2001:db8::1");
    assert_int_equal(u.host[0].port, 6380);

    assert_null(pguard_url_parse(&u, string("unix:/run/redis.sock")));
    assert_int_equal(u.kind, PGUARD_URL_UNIX);
    assert_str(u.path, "/run/redis.sock");

    assert_null(pguard_url_parse(&u,
                        string("redis+sentinel://a,b:26380,[::1]/master-1")));
    assert_int_equal(u.kind, PGUARD_URL_SENTINEL);
    assert_int_equal(u.nhosts, 3);
    assert_int_equal(u.host[0].port, 26379);
    assert_int_equal(u.host[1].port, 26380);
    assert_str(u.host[2].name, "::1");
    assert_str(u.master, "master-1");

    assert_null(pguard_url_parse(&u, string("redis+cluster://a:1,b:65535")));
    assert_int_equal(u.kind, PGUARD_URL_CLUSTER);
    assert_int_equal(u.nhosts, 2);
    assert_int_equal(u.host[1].port, 65535);
}


static void
test_wrong(void **state)
{
    size_t              i;
    pguard_url_t        u;
    static const char  *urls[] = {
        "", "redis:", "redis:/", "http://h", "redis://", "redis:///1",
        "redis://:6379", "redis://h:", "redis://h:0", "redis://h:65536",
        "redis://h:6379x", "redis://h/x", "redis://h/-1", "redis://h/65536",
        "redis://h/1/2", "redis://a,b", "redis://u:p@h", "redis://h h",
        "redis://h?x=1", "redis://[::1", "redis://[]", "redis://[::1]6379",
        "redis://[h]", "rediss://", "unix:", "unix:/", "unix:run",
        "redis+sentinel://a", "redis+sentinel://a/", "redis+sentinel:///m",
        "redis+sentinel://a,/m", "redis+sentinel://,a/m",
        "redis+sentinel://a/m/n", "redis+cluster://", "redis+cluster://a/1",
        "redis+cluster://a,b,", "REDIS://h",
        "redis+cluster://a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a"
    };

    (void) state;

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        assert_non_null(pguard_url_parse(&u, string(urls[i])));
    }
}


/* Whatever is cut off or changed: an answer, and nothing read beyond. */

static void
test_any(void **state)
{
    size_t         i, n;
    unsigned       ch;
    pguard_url_t   u;
    unsigned char  buf[64];
    pguard_str_t   all = string("redis+sentinel://a:1,[::1]:2/master");

    (void) state;

    for (n = 0; n <= all.len; n++) {
        (void) pguard_url_parse(&u, (pguard_str_t) { n, all.data });
    }

    for (i = 0; i < all.len; i++) {
        for (ch = 0; ch < 256; ch++) {
            memcpy(buf, all.data, all.len);
            buf[i] = (unsigned char) ch;

            if (pguard_url_parse(&u, (pguard_str_t) { all.len, buf }) == NULL) {
                assert_in_range(u.nhosts, 1, PGUARD_URL_HOSTS_MAX);
            }
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_any)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
