/*
 * The seeds of the fuzz targets are what they are called: each is read to its
 * end by the parser that it is for.  Else a layout has changed, and a target
 * begins with bytes that are refused at once: make its seeds anew.
 *
 * To be run from the top of the source tree, as make does.
 */

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pguard_audit_chain.h"
#include "pguard_ledger_state.h"
#include "pguard_merge.h"
#include "pguard_message.h"
#include "pguard_slots.h"
#include "pguard_state.h"
#include "pguard_tz.h"
#include "pguard_url.h"


#define CORPUS  "tests/fuzz/corpus"
#define SLICE   3600                   /* of the ledger's seeds */
#define SEED    65536


/* NULL, or what is wrong. */
typedef const char *(*accept_pt)(const char *name, pguard_str_t s);


static int
begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}


/* The fuzz target adds the sum. */

static const char *
ledger(const char *name, pguard_str_t s)
{
    void                  *memory;
    const char            *wrong;
    pguard_out_t           out;
    pguard_ledger_t        l;
    pguard_ledger_id_t     id;
    pguard_merge_record_t  r;

    static unsigned char      bytes[SEED + PGUARD_PACK_SUM];
    static const pguard_tz_t  utc;

    pguard_out_init(&out, bytes, sizeof(bytes));
    pguard_out_str(&out, s);
    pguard_pack_sum(&out, bytes);
    s.data = bytes;
    s.len = out.need;

    if (begins(name, "record")) {
        wrong = pguard_merge_open(&r, s);
        return wrong || r.id.slice == SLICE ? wrong : "has another slice";
    }

    wrong = pguard_ledger_state_id(s, &id);

    if (wrong) {
        return wrong;
    }

    memory = aligned_alloc(64, pguard_ledger_size(SLICE, 8));
    assert_non_null(memory);
    memset(memory, 0, pguard_ledger_size(SLICE, 8));
    pguard_ledger_create(memory, SLICE, 8, 1);
    assert_int_equal(pguard_ledger_open(&l, memory,
                                        pguard_ledger_size(SLICE, 8), 1, &utc),
                     0);

    id.slice = SLICE;
    wrong = pguard_ledger_state_read(&l, s, &id);
    free(memory);

    return wrong;
}


static unsigned
blocks_of(pguard_state_reader_t *r)
{
    unsigned        n;
    pguard_str_t    rule, service;
    pguard_block_t  b;

    static const pguard_state_time_t  t = { 1700000000000, 1000000 };

    for (n = 0; pguard_state_next(r, &t, &b, &rule, &service); n++) {
        /* void */
    }

    return n;
}


/* What is called without a sum is what the target puts between magic and sum. */

static const char *
state(const char *name, pguard_str_t s)
{
    const char             *wrong;
    pguard_out_t            out;
    pguard_state_reader_t   r;

    static unsigned char              bytes[SEED + 64];
    static const pguard_state_time_t  t = { 1700000000000, 1000000 };

    if (strstr(name, "without-sum")) {
        pguard_out_init(&out, bytes, sizeof(bytes));
        pguard_state_begin(&out, &t, (pguard_str_t) { 0, NULL });
        out.pos = bytes + 8;
        pguard_out_str(&out, s);
        pguard_state_end(&out, bytes);
        s.data = bytes;
        s.len = (size_t) (out.pos - bytes);
    }

    wrong = pguard_state_open(&r, s);

    if (wrong) {
        return wrong;
    }

    return blocks_of(&r) == (begins(name, "two-blocks") ? 2 : 0)
           ? NULL : "has another number of blocks";
}


static const char *
audit(const char *name, pguard_str_t s)
{
    pguard_audit_line_t  line;

    (void) name;

    if (s.len && s.data[s.len - 1] == '\n') {
        s.len--;
    }

    return pguard_audit_parse(s, &line) == 0 ? NULL : "is no line";
}


static const char *
store(const char *name, pguard_str_t s)
{
    pguard_url_t      url;
    pguard_message_t  m;

    if (begins(name, "wrong-url")) {
        return pguard_url_parse(&url, s) ? NULL : "is right";
    }

    if (begins(name, "url")) {
        return pguard_url_parse(&url, s);
    }

    return pguard_message_decode(&m, s) == 0 ? NULL : "is no message";
}


/* A key may be anything, and a reply is the target's own way to write one. */

static const char *
slots(const char *name, pguard_str_t s)
{
    pguard_slots_node_t       node;
    pguard_slots_redirect_t   r;

    static const pguard_str_t  master = pguard_string("m");

    if (begins(name, "moved") || begins(name, "ask")) {
        return pguard_slots_redirect(&r, s) == 0 ? NULL : "is no redirection";
    }

    if (begins(name, "switch")) {
        return pguard_slots_switch(&node, master, s) == 0 ? NULL
                                                          : "is no switch";
    }

    return NULL;
}


static const char *
tz(const char *name, pguard_str_t s)
{
    pguard_tz_t  zone;

    (void) name;

    return pguard_tz_open(&zone, s);
}


static const char *
accept_file(const char *path, const char *name, accept_pt accept)
{
    FILE          *in;
    pguard_str_t   s;

    static unsigned char  bytes[SEED];

    in = fopen(path, "rb");
    assert_non_null(in);
    s.data = bytes;
    s.len = fread(bytes, 1, sizeof(bytes), in);
    fclose(in);

    return accept(name, s);
}


static void
test_seeds(void **given)
{
    char            dir[256], path[1024];
    DIR            *d;
    size_t          i;
    unsigned        n, wrong;
    const char     *why;
    struct dirent  *e;

    static const struct {
        const char  *target;
        accept_pt    accept;
    } targets[] = {
        { "fuzz_ledger", ledger },
        { "fuzz_state", state },
        { "fuzz_audit", audit },
        { "fuzz_store", store },
        { "fuzz_slots", slots },
        { "fuzz_tz", tz }
    };

    (void) given;
    wrong = 0;

    for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        snprintf(dir, sizeof(dir), CORPUS "/%s", targets[i].target);
        d = opendir(dir);
        assert_non_null(d);

        for (n = 0; (e = readdir(d)) != NULL; /* void */) {

            if (e->d_name[0] == '.') {
                continue;
            }

            snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
            why = accept_file(path, e->d_name, targets[i].accept);
            n++;

            if (why) {
                print_error("%s %s\n", path, why);
                wrong++;
            }
        }

        closedir(d);
        assert_true(n > 0);
    }

    assert_int_equal(wrong, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_seeds)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
