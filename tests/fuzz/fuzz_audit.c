/*
 * Any bytes as a line of the audit log, and as the end of one that a chain is
 * to go on with.
 */

#include <stdlib.h>
#include <string.h>

#include "pguard_audit_chain.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
discard(void *data, const unsigned char *p, size_t len)
{
    (void) data;
    (void) p;
    (void) len;

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                      i;
    pguard_key_t                  key;
    pguard_str_t                  s = { size, data };
    pguard_audit_line_t           line;
    static pguard_audit_chain_t   chain;
    static pguard_audit_record_t  rec;

    if (pguard_key_init(&key, "a secret of the fuzzer", 22) != 0) {
        abort();
    }

    if (pguard_audit_parse(s, &line) == 0) {
        for (i = 0; i < PGUARD_AUDIT_MEMBERS; i++) {
            if (line.value[i].len > size) {
                abort();
            }
        }

        if (line.frame.seq == 0 || line.sealed.len >= size) {
            abort();
        }
    }

    if (pguard_audit_resume(&chain, (pguard_str_t) { 1, data ? data : key.xxh },
                            &key, s) == 0
        && chain.seq == 0)
    {
        abort();
    }

    /* what is written of any bytes can be read */

    rec.type = PGUARD_AUDIT_OPERATOR_ACTION;
    rec.str[PGUARD_AUDIT_WHO] = s;
    rec.str[PGUARD_AUDIT_WHAT] = s;
    rec.str[PGUARD_AUDIT_CLIENT] = s;
    pguard_audit_begin(&chain, s);

    if (pguard_audit_append(&chain, &key, &rec, size, discard, NULL) != 0) {
        abort();
    }

    s.data = chain.line + 1;
    s.len = (size_t) ((unsigned char *) memchr(s.data, '\n',
                                               PGUARD_AUDIT_LINE_MAX + 1)
                      - s.data);

    if (pguard_audit_parse(s, &line) != 0
        || pguard_audit_sealed(&line, &key) != 1)
    {
        abort();
    }

    return 0;
}
