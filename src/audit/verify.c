/*
 * The command verify.
 */

#include "audit.h"
#include "pguard_utc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>


static int
read_head(const char *text, audit_head_t *head)
{
    char  *end;

    errno = 0;
    head->seq = strtoull(text, &end, 10);

    if (errno || text[0] < '1' || text[0] > '9' || *end != ':'
        || strlen(end + 1) != 2 * PGUARD_MAC_LEN
        || pguard_unhex(head->mac, (const unsigned char *) end + 1,
                        PGUARD_MAC_LEN) != 0)
    {
        return audit_error("--head takes SEQ:MAC, as verify prints it, not "
                           "\"%s\"", text);
    }

    return AUDIT_OK;
}


static void
print_time(pguard_msec_t ms)
{
    char          buf[PGUARD_UTC_LEN];
    pguard_out_t  out;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_utc_out(&out, ms);
    (void) fwrite(buf, 1, sizeof(buf), stdout);
}


static void
print_chain(const audit_chain_t *c)
{
    unsigned char  hex[2 * PGUARD_MAC_LEN];

    printf("gateway: %s\nlines: %lu, seq %lu to %lu\ntime: ", c->gateway,
           (unsigned long) c->lines, (unsigned long) c->first_seq,
           (unsigned long) c->seq);
    print_time(c->first_time);
    fputs(" to ", stdout);
    print_time(c->time);

    (void) pguard_hex(hex, c->mac, PGUARD_MAC_LEN);
    printf("\nhead: %lu:%.*s\n", (unsigned long) c->seq, (int) sizeof(hex),
           (const char *) hex);

    if (c->repeats || c->torn || c->lost || c->restarts) {
        printf("notes: %lu lines written again after a writer's death, "
               "%lu torn, %lu records lost to a full disk, %lu restarts\n",
               (unsigned long) c->repeats, (unsigned long) c->torn,
               (unsigned long) c->lost, (unsigned long) c->restarts);
    }

    if (c->first_seq != 1) {
        printf("notes: begins at seq %lu: what was before is not in these "
               "files\n", (unsigned long) c->first_seq);
    }
}


int
audit_verify(int argc, char **argv)
{
    int            rc, files, whole = 0, restarts = 0;
    const char    *secret = NULL, *head_text = NULL;
    audit_head_t   head = { 0 };
    audit_chain_t  chain;

    const audit_option_t  options[] = {
        { "secret", &secret, NULL, NULL },
        { "head", &head_text, NULL, NULL },
        { "whole", NULL, &whole, NULL },
        { "restarts", NULL, &restarts, NULL },
        { NULL, NULL, NULL, NULL }
    };

    files = audit_options(options, argc, argv);

    if (files == -1) {
        return AUDIT_ERROR;
    }

    if (files == 0 || secret == NULL) {
        return audit_error("verify takes --secret FILE and logs: see --help");
    }

    if (head_text && read_head(head_text, &head) != AUDIT_OK) {
        return AUDIT_ERROR;
    }

    rc = audit_walk(argv, secret, restarts, &head, &chain, NULL, NULL);

    if (rc == AUDIT_ERROR) {
        return rc;
    }

    if (rc == AUDIT_OK && whole && chain.first_seq != 1) {
        printf("%s:1: dropped: before it is missing seq 1 to %lu\n", argv[0],
               (unsigned long) chain.first_seq - 1);
        rc = AUDIT_BROKEN;
    }

    if (rc == AUDIT_OK && head_text && !head.seen) {
        printf("%s: dropped: the line seq %lu of --head is not in the log\n",
               argv[files - 1], (unsigned long) head.seq);
        rc = AUDIT_BROKEN;
    }

    if (rc == AUDIT_OK) {
        puts("intact");
        print_chain(&chain);
        return audit_flush();
    }

    if (chain.lines) {
        printf("broken: of %lu lines before that, seq %lu to %lu, all are "
               "intact\n", (unsigned long) chain.lines,
               (unsigned long) chain.first_seq, (unsigned long) chain.seq);

    } else {
        puts("broken: no line was found intact");
    }

    return audit_flush() == AUDIT_OK ? AUDIT_BROKEN : AUDIT_ERROR;
}
