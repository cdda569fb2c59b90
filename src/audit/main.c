/*
 * paas-guard-audit: checks the audit log, exports from it, and computes an
 * SLA month from access logs.
 */

#include "audit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>


static const char  verify_help[] =
"usage: paas-guard-audit verify --secret FILE [--head SEQ:MAC] [--whole]\n"
"           [--restarts] LOG...\n"
"\n"
"Verifies the chain of one gateway's audit log over its files, plain or gzip,\n"
"given with the oldest first.  Names the first line that was altered, dropped,\n"
"inserted or moved.\n"
"\n"
"  --secret FILE    the gateway's paas_guard_secret_file\n"
"  --head SEQ:MAC   this line, noted elsewhere, must be in the log: shows that\n"
"                   its last lines were not cut off\n"
"  --whole          the log must begin with the beginning of its chain\n"
"  --restarts       a gateway that began a new chain, as it found no log to go\n"
"                   on with, is no fault\n"
"\n"
"Exit status: 0 intact, 1 broken, 2 usage, input or output.\n";

static const char  export_help[] =
"usage: paas-guard-audit export --client ID --from TIME --to TIME\n"
"           [--secret FILE] [--restarts] LOG...\n"
"       paas-guard-audit export --event ID [--from TIME] [--to TIME]\n"
"           [--secret FILE] [--restarts] LOG...\n"
"\n"
"Writes the events that concern one client, or those with one id, as they are\n"
"in the log, and a last line, the manifest, with their number and SHA-256.\n"
"\n"
"  --client ID      the client's digest: 32 hex digits\n"
"  --event ID       24 hex digits: of an answer, the one named \"block\"\n"
"  --from TIME      2026-11-01 or 2026-11-01T00:00:00Z, UTC\n"
"  --to TIME        the same; events before this time\n"
"  --secret FILE    verify the log first; nothing is exported if it is broken\n"
"  --restarts       as for verify\n"
"\n"
"Exit status: 0 done, 1 the log is broken, 2 usage, input or output.\n";

static const char  certificate_help[] =
"usage: paas-guard-audit certificate --lang en|fr --client ID --secret FILE\n"
"           [--restarts] LOG...\n"
"\n"
"Prints the certificate that a client was forgotten, from a log that is\n"
"verified first.\n"
"\n"
"  --lang en|fr     its language\n"
"  --client ID      the client's digest: 32 hex digits\n"
"  --secret FILE    the gateway's paas_guard_secret_file\n"
"  --restarts       as for verify\n"
"\n"
"Exit status: 0 done, 1 the log is broken, does not say that the client was\n"
"forgotten, or says that this is not complete; 2 usage, input or output.\n";

static const char  replay_help[] =
"usage: paas-guard-audit replay --month YYYY-MM [option...] ACCESS_LOG...\n"
"\n"
"Computes a month's availability from access logs, plain or gzip, in the format\n"
"of docs/log-format.md.  Prints JSON.\n"
"\n"
"  --month YYYY-MM       the month\n"
"  --indicator NAME      only requests that are counted for it\n"
"  --timezone NAME       of the month (UTC)\n"
"  --slice SECONDS       length of a slot (60)\n"
"  --min-requests N      fewer counted requests never make a slot down (1)\n"
"  --down-ratio PERCENT  of them failed make it down (50)\n"
"  --target PERCENT      (99.9)\n"
"  --outage FROM/TO      a declared outage, UTC; may be given again\n"
"  --as-of TIME          of a month that is not over: what was until then\n"
"  --config NAME=VALUE   the same as --NAME VALUE\n"
"  --strict              exit with 1 if a line cannot be read, or has another\n"
"                        class than its status and reason give\n"
"\n"
"Exit status: 0 done, 1 see --strict, 2 usage, input or output.\n";

static const audit_command_t  commands[] = {
    { "verify", verify_help, audit_verify },
    { "export", export_help, audit_export },
    { "certificate", certificate_help, audit_certificate },
    { "replay", replay_help, audit_replay },
    { NULL, NULL, NULL }
};


static int
usage(FILE *out)
{
    fputs("usage: paas-guard-audit COMMAND [option...] FILE...\n"
          "\n"
          "  verify        is the audit log as it was written?\n"
          "  export        what it says of one client\n"
          "  certificate   that a client was forgotten\n"
          "  replay        a month's availability, from access logs\n"
          "\n"
          "paas-guard-audit COMMAND --help tells more;"
          " --version the version.\n", out);

    return out == stdout ? audit_flush() : AUDIT_ERROR;
}


static const audit_command_t *
find_command(const char *name)
{
    const audit_command_t  *c;

    for (c = commands; c->name; c++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }

    return NULL;
}


int
main(int argc, char **argv)
{
    int                     i;
    const audit_command_t  *c;

    if (argc < 2) {
        return usage(stderr);
    }

    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return usage(stdout);
    }

    if (strcmp(argv[1], "--version") == 0) {
        puts("paas-guard-audit " PGUARD_VERSION);
        return audit_flush();
    }

    c = find_command(argv[1]);

    if (c == NULL) {
        return audit_error("no command \"%s\": see --help", argv[1]);
    }

    for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(c->help, stdout);
            return audit_flush();
        }
    }

    return c->run(argc - 2, argv + 2);
}


int
audit_error(const char *format, ...)
{
    va_list  args;

    (void) fflush(stdout);
    fputs("paas-guard-audit: ", stderr);

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);

    fputc('\n', stderr);

    return AUDIT_ERROR;
}


int
audit_flush(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return audit_error("stdout: %s", strerror(errno));
    }

    return AUDIT_OK;
}


/* One option at argv[i].  The number of arguments it took, or -1. */

static int
take_option(const audit_option_t *options, int argc, char **argv, int i)
{
    size_t                  len;
    const char             *name, *eq, *value;
    const audit_option_t   *o;

    name = argv[i] + 2;
    eq = strchr(name, '=');
    len = eq ? (size_t) (eq - name) : strlen(name);

    for (o = options; o->name; o++) {
        if (strlen(o->name) != len || memcmp(o->name, name, len) != 0) {
            continue;
        }

        if (o->flag && eq == NULL) {
            *o->flag = 1;
            return 1;
        }

        if (o->flag || (eq == NULL && i + 1 == argc)) {
            (void) audit_error("--%s takes %s value", o->name,
                               o->flag ? "no" : "a");
            return -1;
        }

        value = eq ? eq + 1 : argv[i + 1];

        if (o->value) {
            *o->value = value;

        } else if (o->list->items < AUDIT_LIST) {
            o->list->item[o->list->items++] = value;

        } else {
            (void) audit_error("--%s comes too often", o->name);
            return -1;
        }

        return eq ? 1 : 2;
    }

    (void) audit_error("no option \"%s\": see --help", argv[i]);

    return -1;
}


int
audit_options(const audit_option_t *options, int argc, char **argv)
{
    int  i, n, files;

    files = 0;

    for (i = 0; i < argc; i += n) {
        n = 1;

        if (strcmp(argv[i], "--") == 0) {
            for (i++; i < argc; i++) {
                argv[files++] = argv[i];
            }

            break;
        }

        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[files++] = argv[i];
            continue;
        }

        if (argv[i][1] != '-') {
            (void) audit_error("no option \"%s\": see --help", argv[i]);
            return -1;
        }

        n = take_option(options, argc, argv, i);

        if (n == -1) {
            return -1;
        }
    }

    argv[files] = NULL;

    return files;
}


int
audit_secret(const char *path, pguard_key_t *key)
{
    int            rc;
    FILE          *f;
    size_t         n;
    unsigned char  buf[PGUARD_SECRET_MAX + 3];

    f = fopen(path, "rb");

    if (f == NULL) {
        return audit_error("%s: %s", path, strerror(errno));
    }

    n = fread(buf, 1, sizeof(buf), f);
    rc = ferror(f);
    (void) fclose(f);

    if (rc) {
        return audit_error("%s: cannot be read", path);
    }

    /* as the gateway reads it */

    while (n && (buf[n - 1] == '\n' || buf[n - 1] == '\r')) {
        n--;
    }

    if (n < PGUARD_SECRET_MIN || n > PGUARD_SECRET_MAX) {
        return audit_error("%s: a secret has %d to %d bytes", path,
                           PGUARD_SECRET_MIN, PGUARD_SECRET_MAX);
    }

    rc = pguard_key_init(key, buf, n);
    explicit_bzero(buf, sizeof(buf));

    return rc == 0 ? AUDIT_OK : audit_error("HMAC-SHA-256 failed");
}


int
audit_client(const char *text, pguard_str_t *id)
{
    if (strlen(text) != PGUARD_ID_HEX_LEN
        || strspn(text, "0123456789abcdef") != PGUARD_ID_HEX_LEN)
    {
        return audit_error("--client takes a digest, %d hex digits in lower "
                           "case, not \"%s\"", PGUARD_ID_HEX_LEN, text);
    }

    id->data = (const unsigned char *) text;
    id->len = PGUARD_ID_HEX_LEN;

    return AUDIT_OK;
}
