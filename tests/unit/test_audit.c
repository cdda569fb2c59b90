/*
 * Lines of the audit log: what is written can be read, whatever the values
 * are; a changed byte never passes; a chain survives its writer.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_audit_chain.h"
#include "pguard_str.h"


#define SEED  1764547200
#define NOW   1795313053127

#define number_of(a)  (sizeof(a) / sizeof((a)[0]))


typedef struct {
    unsigned char  bytes[1 << 20];
    size_t         len;
    size_t         room;                /* the disk is full after these */
    size_t         cut;                 /* bytes of a write that get there */
    int            dies;                /* the writer, in the next write */
    jmp_buf        dead;
} disk_t;


static pguard_key_t           key;
static disk_t                 disk;
static pguard_audit_chain_t   chain;
static pguard_audit_record_t  rec;


static pguard_str_t
str(const char *s)
{
    return (pguard_str_t) { strlen(s), (const unsigned char *) s };
}


static int
disk_write(void *data, const unsigned char *p, size_t len)
{
    size_t   n = len;
    disk_t  *d = data;

    if (d->dies && d->cut < n) {
        n = d->cut;
    }

    if (n > d->room) {
        n = d->room;
    }

    assert_true(d->len + n <= sizeof(d->bytes));
    memcpy(d->bytes + d->len, p, n);
    d->len += n;
    d->room -= n;

    if (d->dies) {
        d->dies = 0;
        longjmp(d->dead, 1);
    }

    return n == len ? 0 : -1;
}


static int
setup(void **state)
{
    (void) state;

    memset(&disk, 0, sizeof(disk));
    memset(&rec, 0, sizeof(rec));
    disk.room = sizeof(disk.bytes);

    assert_int_equal(pguard_key_init(&key, "a secret of the tests", 21), 0);
    pguard_audit_begin(&chain, str("gw-1"));

    return 0;
}


static int
append(pguard_audit_type_e type, uint64_t count)
{
    rec.type = type;
    rec.num[PGUARD_AUDIT_COUNT] = count;

    return pguard_audit_append(&chain, &key, &rec, NOW + count, disk_write,
                               &disk);
}


/* A function of its own: nothing that a longjmp() could spoil is in it. */

static void
append_and_die(pguard_audit_type_e type, uint64_t count)
{
    if (setjmp(disk.dead) == 0) {
        (void) append(type, count);
    }
}


/* Line n of the disk, from 0; data is NULL after the last. */

static pguard_str_t
line_of(size_t n)
{
    size_t         i = 0;
    pguard_str_t   s = { 0, NULL };
    unsigned char *lf;

    for ( ;; n--) {
        lf = i < disk.len ? memchr(disk.bytes + i, '\n', disk.len - i) : NULL;

        if (lf == NULL) {
            return s;
        }

        if (n == 0) {
            s.data = disk.bytes + i;
            s.len = (size_t) (lf - s.data);
            return s;
        }

        i = (size_t) (lf - disk.bytes) + 1;
    }
}


static void
assert_sealed(pguard_str_t s, uint64_t seq, pguard_audit_type_e type,
    pguard_audit_line_t *line)
{
    assert_non_null(s.data);
    assert_int_equal(pguard_audit_parse(s, line), 0);
    assert_int_equal(pguard_audit_sealed(line, &key), 1);
    assert_int_equal(line->frame.seq, seq);
    assert_int_equal(line->type, type);
}


static void
assert_value(const pguard_audit_line_t *line, pguard_audit_member_e member,
    const char *value)
{
    assert_non_null(line->value[member].data);
    assert_int_equal(line->value[member].len, strlen(value));
    assert_memory_equal(line->value[member].data, value, strlen(value));
}


static void
test_known_line(void **state)
{
    pguard_str_t   s, expected;

    static const char  sealed[] =
        "{\"time\":\"2026-11-22T02:04:13.127Z\",\"seq\":1,\"gateway\":\"gw-1\","
        "\"type\":\"block_begun\",\"zone\":\"z\",\"service\":\"api\","
        "\"client\":\"0102030405060708090a0b0c0d0e0f10\",\"key\":\"\","
        "\"rule\":\"flood\",\"reason\":\"hammering_blocked\","
        "\"event\":\"e\\\"1\",\"count\":0,\"limit\":600,\"window_ms\":60000,"
        "\"block_ms\":0,\"offence\":2,\"dry_run\":true,"
        "\"prev\":\"00000000000000000000000000000000\",\"mac\":\"";

    (void) state;

    rec.str[PGUARD_AUDIT_ZONE] = str("z");
    rec.str[PGUARD_AUDIT_SERVICE] = str("api");
    rec.str[PGUARD_AUDIT_CLIENT] =
        str("\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20");
    rec.str[PGUARD_AUDIT_RULE] = str("flood");
    rec.str[PGUARD_AUDIT_REASON] = str("hammering_blocked");
    rec.str[PGUARD_AUDIT_EVENT] = str("e\"1");
    rec.num[PGUARD_AUDIT_LIMIT] = 600;
    rec.num[PGUARD_AUDIT_WINDOW] = 60000;
    rec.num[PGUARD_AUDIT_OFFENCE] = 2;
    rec.num[PGUARD_AUDIT_DRY_RUN] = 1;

    assert_int_equal(append(PGUARD_AUDIT_BLOCK_BEGUN, 0), 0);

    s = line_of(0);
    expected = str(sealed);
    assert_int_equal(s.len, expected.len + 64 + 2);
    assert_memory_equal(s.data, expected.data, expected.len);
}


/* Every type, every member, bytes of all kinds and far too many of them. */

static void
test_whatever_the_values(void **state)
{
    size_t                i, k, most = 0;
    unsigned              type, round;
    pguard_str_t          s;
    pguard_audit_line_t   line;
    const unsigned char  *m;

    static unsigned char  bytes[2 * PGUARD_AUDIT_TEXT_MAX];

    (void) state;

    print_message("seed %d\n", SEED);
    srand48(SEED);
    pguard_audit_begin(&chain, (pguard_str_t) { sizeof(bytes), bytes });
    memset(chain.gateway, 1, sizeof(chain.gateway));

    for (round = 0; round < 200; round++) {
        for (i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (unsigned char) (round ? lrand48() : 1);
        }

        for (type = 0; type < PGUARD_AUDIT_TYPES; type++) {
            for (k = 0; k < PGUARD_AUDIT_MEMBERS; k++) {
                rec.str[k].data = bytes;
                rec.str[k].len = round ? (size_t) lrand48() % sizeof(bytes)
                                       : sizeof(bytes);
                rec.num[k] = round ? (uint64_t) lrand48() << (round % 33)
                                   : UINT64_MAX;
            }

            disk.len = 0;
            disk.room = sizeof(disk.bytes);
            rec.type = type;
            assert_int_equal(pguard_audit_append(&chain, &key, &rec, UINT64_MAX,
                                                 disk_write, &disk), 0);

            s = line_of(0);
            assert_sealed(s, chain.seq, type, &line);
            assert_int_equal(s.len + 1, disk.len);
            most = s.len > most ? s.len : most;

            for (m = pguard_audit_members(type); *m != PGUARD_AUDIT_MEMBERS;
                 m++)
            {
                assert_non_null(line.value[*m].data);
            }
        }
    }

    print_message("the longest line has %zu bytes\n", most);
    assert_in_range(most, PGUARD_AUDIT_LINE_MAX / 2, PGUARD_AUDIT_LINE_MAX);
}


static void
test_text_is_cut_between_characters(void **state)
{
    size_t                i;
    pguard_audit_line_t   line;
    unsigned char         text[300];

    (void) state;

    for (i = 0; i < sizeof(text); i++) {
        text[i] = i % 2 ? 0xa9 : 0xc3;
    }

    rec.str[PGUARD_AUDIT_WHY] = (pguard_str_t) { sizeof(text), text };
    assert_int_equal(append(PGUARD_AUDIT_STORE_STATE, 0), 0);

    assert_sealed(line_of(0), 1, PGUARD_AUDIT_STORE_STATE, &line);
    assert_int_equal(line.value[PGUARD_AUDIT_WHY].len, 252 + 3);
    assert_memory_equal(line.value[PGUARD_AUDIT_WHY].data + 252, "...", 3);
    assert_memory_equal(line.value[PGUARD_AUDIT_WHY].data, text, 252);
}


static void
test_chained(void **state)
{
    unsigned             i;
    pguard_audit_line_t  line;
    unsigned char        prev[PGUARD_MAC_LEN] = { 0 };

    (void) state;

    for (i = 0; i < 100; i++) {
        assert_int_equal(append(i ? i % PGUARD_AUDIT_TYPES
                                  : PGUARD_AUDIT_CHAIN_STARTED, i), 0);
    }

    for (i = 0; i < 100; i++) {
        assert_int_equal(pguard_audit_parse(line_of(i), &line), 0);
        assert_int_equal(line.frame.seq, i + 1);
        assert_int_equal(line.frame.time, NOW + i);
        assert_memory_equal(line.frame.prev, prev, PGUARD_AUDIT_PREV_LEN);
        memcpy(prev, line.frame.mac, sizeof(prev));
    }

    assert_null(line_of(100).data);
}


/* Each bit of each byte of a line. */

static void
test_every_byte_counts(void **state)
{
    size_t               i;
    unsigned             bit;
    pguard_str_t         s;
    unsigned char       *p;
    pguard_audit_line_t  line;

    (void) state;

    rec.str[PGUARD_AUDIT_WHO] = str("someone \xc3\xa9");
    assert_int_equal(append(PGUARD_AUDIT_OPERATOR_ACTION, 0), 0);

    s = line_of(0);
    p = disk.bytes;

    for (i = 0; i < s.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            p[i] ^= 1u << bit;
            assert_false(pguard_audit_parse(s, &line) == 0
                         && pguard_audit_sealed(&line, &key) == 1);
            p[i] ^= 1u << bit;
        }
    }

    assert_sealed(s, 1, PGUARD_AUDIT_OPERATOR_ACTION, &line);
}


static void
test_refused(void **state)
{
    size_t               i;
    pguard_str_t         s;
    unsigned char       *copy;
    pguard_audit_line_t  line;

    (void) state;

#define FRAME  "{\"time\":\"2026-11-22T02:04:13.127Z\",\"seq\":1,"             \
               "\"gateway\":\"g\",\"type\":\"x\""
#define PREV   ",\"prev\":\"00000000000000000000000000000000\""
#define MAC    ",\"mac\":\"000000000000000000000000000000000000000000000000"   \
               "0000000000000000\"}"

    static const char *const  good[] = {
        FRAME PREV MAC,
        FRAME ",\"new\":1.5e3,\"other\":null" PREV MAC,
        FRAME ",\"count\":18446744073709551615,\"dry_run\":false" PREV MAC
    };

    static const char *const  bad[] = {
        "", "{}", PREV MAC, FRAME MAC, FRAME PREV, FRAME PREV MAC " ",
        " " FRAME PREV MAC, FRAME ", \"a\":1" PREV MAC,
        FRAME ",\"a\":{}" PREV MAC, FRAME ",\"a\":[]" PREV MAC,
        FRAME ",\"time\":1" PREV MAC, FRAME ",\"s\\u0065q\":1" PREV MAC,
        FRAME ",\"mac\":1" PREV MAC, FRAME PREV PREV MAC, FRAME PREV MAC MAC,
        FRAME ",\"count\":-1" PREV MAC, FRAME ",\"count\":1.0" PREV MAC,
        FRAME ",\"count\":\"1\"" PREV MAC, FRAME ",\"count\":1e3" PREV MAC,
        FRAME ",\"count\":1,\"count\":1" PREV MAC,
        FRAME ",\"client\":\"00\"" PREV MAC, FRAME ",\"began\":\"x\"" PREV MAC,
        FRAME ",\"began\":\"2026-11-22\"" PREV MAC,
        FRAME ",\"dry_run\":1" PREV MAC, FRAME ",\"zone\":1" PREV MAC,
        FRAME ",\"digest\":\"0\"" PREV MAC, FRAME "x" PREV MAC,
        "[" FRAME PREV MAC, FRAME ",\"a\":\"\n\"" PREV MAC,
        "{\"seq\":1,\"time\":\"2026-11-22T02:04:13.127Z\","
        "\"gateway\":\"g\",\"type\":\"x\"" PREV MAC,
        "{\"time\":\"2026-11-22T02:04:13.127Z\",\"seq\":0,"
        "\"gateway\":\"g\",\"type\":\"x\"" PREV MAC,
        "{\"time\":\"2026-11-22T02:04:13Z\",\"seq\":1,"
        "\"gateway\":\"g\",\"type\":\"x\"" PREV MAC,
        "{\"time\":\"2026-11-22T02:04:13.127Z\",\"seq\":1.0,"
        "\"gateway\":\"g\",\"type\":\"x\"" PREV MAC,
        "{\"time\":\"2026-11-22T02:04:13.127Z\",\"seq\":1,"
        "\"gateway\":\"g\",\"type\":\"\"" PREV MAC
    };

    for (i = 0; i < number_of(good); i++) {
        s = str(good[i]);
        assert_int_equal(pguard_audit_parse(s, &line), 0);
        assert_int_equal(line.type, PGUARD_AUDIT_TYPES);
        assert_int_equal(pguard_audit_sealed(&line, &key), 0);
    }

    for (i = 0; i < number_of(bad); i++) {
        s = str(bad[i]);
        copy = malloc(s.len + 1);
        assert_non_null(copy);
        memcpy(copy, s.data, s.len);
        s.data = copy;

        if (pguard_audit_parse(s, &line) != -1) {
            fail_msg("accepted: %s", bad[i]);
        }

        free(copy);
    }
}


/* Lines damaged at random: no byte outside of them is looked at. */

static void
test_damaged(void **state)
{
    unsigned             i, k;
    pguard_str_t         s, d;
    unsigned char       *copy;
    pguard_audit_line_t  line;

    (void) state;

    srand48(SEED);
    rec.str[PGUARD_AUDIT_WHY] = str("a \"reason\"");
    assert_int_equal(append(PGUARD_AUDIT_OUTAGE_CONFIRMED, 0), 0);
    s = line_of(0);

    for (i = 0; i < 20000; i++) {
        d.len = i % 3 ? s.len : (size_t) lrand48() % (s.len + 1);
        copy = malloc(d.len + 1);
        assert_non_null(copy);
        memcpy(copy, s.data, d.len);

        for (k = i % 4; k && d.len; k--) {
            copy[(size_t) lrand48() % d.len] =
                (unsigned char) "\"\\{}[]:,0a\0\xff"[lrand48() % 12];
        }

        copy = realloc(copy, d.len ? d.len : 1);
        assert_non_null(copy);
        d.data = copy;

        if (pguard_audit_parse(d, &line) == 0
            && pguard_audit_sealed(&line, &key) == 1)
        {
            assert_true(pguard_str_same(d, s));
        }

        free(copy);
    }
}


/* The writer dies with so many bytes of a line on the disk, any number. */

static void
test_death_in_write(void **state)
{
    size_t               cut, whole;
    pguard_str_t         s;
    pguard_audit_line_t  line;

    (void) state;

    for (cut = 0, whole = 1; cut <= whole; cut++) {
        (void) setup(NULL);
        assert_int_equal(append(PGUARD_AUDIT_CHAIN_STARTED, 0), 0);
        whole = disk.len + 200;

        disk.dies = 1;
        disk.cut = cut;

        append_and_die(PGUARD_AUDIT_STORE_STATE, 0);
        assert_int_equal(disk.dies, 0);

        assert_int_equal(append(PGUARD_AUDIT_CONFIG_CHANGED, 0), 0);
        assert_int_equal(append(PGUARD_AUDIT_CHAIN_ROTATED, 0), 0);

        assert_sealed(line_of(0), 1, PGUARD_AUDIT_CHAIN_STARTED, &line);

        /* what was cut off, or all of it and an empty line */

        s = line_of(2);

        if (s.len == 0) {
            assert_sealed(line_of(1), 2, PGUARD_AUDIT_STORE_STATE, &line);
            s = line_of(3);
            assert_sealed(line_of(4), 3, PGUARD_AUDIT_CHAIN_RESUMED, &line);
            assert_sealed(line_of(5), 4, PGUARD_AUDIT_CONFIG_CHANGED, &line);
            assert_null(line_of(7).data);
        } else {
            assert_int_equal(line_of(1).len, cut);
            assert_memory_equal(line_of(1).data, s.data, cut);
            assert_sealed(line_of(3), 3, PGUARD_AUDIT_CHAIN_RESUMED, &line);
            assert_value(&line, PGUARD_AUDIT_REPEATS, "2");
            assert_value(&line, PGUARD_AUDIT_TORN, "0");
            assert_value(&line, PGUARD_AUDIT_LOST, "0");
            assert_sealed(line_of(4), 4, PGUARD_AUDIT_CONFIG_CHANGED, &line);
            assert_null(line_of(6).data);
        }

        assert_sealed(s, 2, PGUARD_AUDIT_STORE_STATE, &line);
    }
}


/* And again, while it repairs. */

static void
test_death_after_death(void **state)
{
    unsigned             i, n;
    size_t               k;
    uint64_t             seq;
    pguard_str_t         s;
    pguard_audit_line_t  line;

    (void) state;

    srand48(SEED);

    for (i = 0; i < 500; i++) {
        (void) setup(NULL);
        assert_int_equal(append(PGUARD_AUDIT_CHAIN_STARTED, 0), 0);

        for (n = 0; n < 20; n++) {
            disk.dies = lrand48() % 2;
            disk.cut = (size_t) lrand48() % 600;

            append_and_die(PGUARD_AUDIT_STORE_STATE, n);
        }

        disk.dies = 0;
        assert_int_equal(append(PGUARD_AUDIT_CHAIN_ROTATED, 0), 0);
        seq = 0;

        for (k = 0; (s = line_of(k)).data; k++) {
            if (pguard_audit_parse(s, &line) == 0
                && line.frame.seq == seq + 1)
            {
                assert_int_equal(pguard_audit_sealed(&line, &key), 1);
                seq++;
            }
        }

        assert_int_equal(seq, chain.seq);
    }
}


static void
test_full_disk(void **state)
{
    unsigned             i;
    size_t               k;
    pguard_audit_line_t  line;

    (void) state;

    assert_int_equal(append(PGUARD_AUDIT_CHAIN_STARTED, 0), 0);

    disk.room = 100;

    for (i = 0; i < 5; i++) {
        assert_int_equal(append(PGUARD_AUDIT_STORE_STATE, i), -1);
    }

    assert_int_equal(chain.lost, 4);

    disk.room = sizeof(disk.bytes) - disk.len;
    assert_int_equal(pguard_audit_flush(&chain, &key, NOW, disk_write, &disk),
                     0);
    assert_int_equal(append(PGUARD_AUDIT_CHAIN_ROTATED, 0), 0);

    for (k = 0; line_of(k).data; k++) {
        /* void */
    }

    assert_sealed(line_of(k - 3), 2, PGUARD_AUDIT_STORE_STATE, &line);
    assert_sealed(line_of(k - 2), 3, PGUARD_AUDIT_CHAIN_RESUMED, &line);
    assert_value(&line, PGUARD_AUDIT_REPEATS, "2");
    assert_value(&line, PGUARD_AUDIT_LOST, "4");
    assert_sealed(line_of(k - 1), 4, PGUARD_AUDIT_CHAIN_ROTATED, &line);
}


/* A restart: all that is left is the file, with or without a torn end. */

static void
test_restart(void **state)
{
    char                 torn[32];
    size_t               i, len;
    pguard_str_t         tail;
    pguard_audit_line_t  line;

    static const char *const  ends[] = {
        "", "{\"time\":\"20", "\n", "\n{\"ti", "junk\n", "\n\n\n", "}"
    };

    (void) state;

    for (i = 0; i < number_of(ends); i++) {
        (void) setup(NULL);
        assert_int_equal(append(PGUARD_AUDIT_CHAIN_STARTED, 0), 0);
        assert_int_equal(append(PGUARD_AUDIT_STORE_STATE, 0), 0);

        len = strlen(ends[i]);
        memcpy(disk.bytes + disk.len, ends[i], len);
        disk.len += len;

        tail = (pguard_str_t) { disk.len, disk.bytes };
        assert_int_equal(pguard_audit_resume(&chain, str("gw-1"), &key, tail),
                         0);
        assert_int_equal(chain.seq, 2);

        len = disk.len + (len ? 1 : 0);
        assert_int_equal(append(PGUARD_AUDIT_CONFIG_CHANGED, 0), 0);
        assert_sealed((pguard_str_t) { (size_t)
                          ((unsigned char *) memchr(disk.bytes + len, '\n',
                                                    disk.len - len)
                           - disk.bytes) - len, disk.bytes + len },
                      3, PGUARD_AUDIT_CHAIN_RESUMED, &line);
        (void) snprintf(torn, sizeof(torn), "%zu", strlen(ends[i]));
        assert_value(&line, PGUARD_AUDIT_TORN, torn);
        assert_int_equal(chain.seq, 4);
    }
}


static void
test_restart_without_a_line(void **state)
{
    pguard_key_t  other;
    pguard_str_t  tail;

    (void) state;

    assert_int_equal(append(PGUARD_AUDIT_CHAIN_STARTED, 0), 0);
    tail = (pguard_str_t) { disk.len, disk.bytes };

    assert_int_equal(pguard_key_init(&other, "another secret", 14), 0);
    assert_int_equal(pguard_audit_resume(&chain, str("gw-1"), &other, tail),
                     -1);
    assert_int_equal(chain.seq, 0);
    assert_int_equal(pguard_audit_resume(&chain, str("gw-2"), &key, tail), -1);
    assert_int_equal(pguard_audit_resume(&chain, str("gw-1"), &key, str("")),
                     -1);
    assert_int_equal(pguard_audit_resume(&chain, str("gw-1"), &key, str("\n")),
                     -1);
    tail.len--;
    assert_int_equal(pguard_audit_resume(&chain, str("gw-1"), &key, tail), -1);
}


/* Two that have a state of their own write to one log, in turn. */

static void
test_follow(void **state)
{
    size_t                i, pos, len;
    uint64_t              seq;
    pguard_str_t          s;
    pguard_audit_line_t   line;
    pguard_audit_chain_t  one, two;
    unsigned char         mac[PGUARD_MAC_LEN];

    (void) state;

    assert_int_equal(append(PGUARD_AUDIT_CHAIN_STARTED, 0), 0);
    one = chain;
    assert_int_equal(pguard_audit_resume(&two, str("gw-1"), &key,
                                         (pguard_str_t) { disk.len,
                                                          disk.bytes }), 0);

    for (i = 0; i < 20; i++) {
        chain = i % 3 ? one : two;

        /* one has a line on its way, once written in part, once not at all */

        if (i == 7 || i == 13) {
            chain = one;
            disk.dies = 1;
            disk.cut = i == 7 ? 17 : 0;
            append_and_die(PGUARD_AUDIT_STORE_STATE, i);
            one = chain;
            chain = two;
        }

        s = (pguard_str_t) { disk.len, disk.bytes };
        (void) pguard_audit_follow(&chain, &key, s);
        assert_int_equal(pguard_audit_follow(&chain, &key, s), 0);
        assert_int_equal(append(PGUARD_AUDIT_CONFIG_CHANGED, i), 0);

        *(i % 3 && i != 7 && i != 13 ? &one : &two) = chain;
    }

    /* what one could not write is lost, and said to be */

    assert_int_equal(one.lost, 2);

    seq = 0;
    memset(mac, 0, sizeof(mac));

    for (pos = 0; pos < disk.len; pos += len + 1) {
        len = (size_t) ((unsigned char *) memchr(disk.bytes + pos, '\n',
                                                 disk.len - pos)
                        - (disk.bytes + pos));
        s = (pguard_str_t) { len, disk.bytes + pos };

        if (pguard_audit_parse(s, &line) != 0) {
            assert_int_equal(len, 17);
            continue;
        }

        assert_int_equal(pguard_audit_sealed(&line, &key), 1);
        assert_int_equal(line.frame.seq, ++seq);
        assert_memory_equal(line.frame.prev, mac, PGUARD_AUDIT_PREV_LEN);
        memcpy(mac, line.frame.mac, PGUARD_MAC_LEN);
    }

    assert_in_range(seq, 21, 30);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(test_known_line, setup),
        cmocka_unit_test_setup(test_whatever_the_values, setup),
        cmocka_unit_test_setup(test_text_is_cut_between_characters, setup),
        cmocka_unit_test_setup(test_chained, setup),
        cmocka_unit_test_setup(test_every_byte_counts, setup),
        cmocka_unit_test_setup(test_refused, setup),
        cmocka_unit_test_setup(test_damaged, setup),
        cmocka_unit_test_setup(test_death_in_write, setup),
        cmocka_unit_test_setup(test_death_after_death, setup),
        cmocka_unit_test_setup(test_full_disk, setup),
        cmocka_unit_test_setup(test_restart, setup),
        cmocka_unit_test_setup(test_restart_without_a_line, setup),
        cmocka_unit_test_setup(test_follow, setup)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
