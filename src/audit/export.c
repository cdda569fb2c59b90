/*
 * The command export: what the log says of one client, and of no other; or of
 * one event.
 */

#include "audit.h"
#include "pguard_str.h"
#include "pguard_utc.h"

#include <string.h>
#include <openssl/evp.h>


typedef struct {
    pguard_str_t    client;             /* len 0: all, of the event */
    pguard_str_t    event;              /* len 0: all, of the client */
    pguard_msec_t   from;
    pguard_msec_t   to;
    EVP_MD_CTX     *md;
    int             failed;
    uint64_t        read;
    uint64_t        unreadable;
    uint64_t        events;
    uint64_t        types[PGUARD_AUDIT_TYPES + 1];
    unsigned char   last[PGUARD_MAC_LEN];
} export_t;


/* A line that names another client is never this one's, even if the key that
   it blocks is. */

static int
concerns(const export_t *e, const pguard_audit_line_t *line)
{
    pguard_str_t  client, key;

    client = line->value[PGUARD_AUDIT_CLIENT];
    key = line->value[PGUARD_AUDIT_KEY];

    if (line->frame.time < e->from || line->frame.time >= e->to) {
        return 0;
    }

    if (e->event.len) {
        return pguard_str_same(line->value[PGUARD_AUDIT_EVENT], e->event);
    }

    return client.len ? pguard_str_same(client, e->client)
                      : pguard_str_same(key, e->client);
}


static void
export_line(export_t *e, const audit_at_t *at, const pguard_audit_line_t *line)
{
    if (!concerns(e, line)) {
        return;
    }

    e->events++;
    e->types[line->type]++;

    (void) fwrite(at->text.data, 1, at->text.len, stdout);
    (void) fputc('\n', stdout);

    e->failed |= EVP_DigestUpdate(e->md, at->text.data, at->text.len) != 1
                 || EVP_DigestUpdate(e->md, "\n", 1) != 1;
}


static void
export_verified(void *data, const audit_at_t *at,
    const pguard_audit_line_t *line)
{
    export_t  *e = data;

    e->read++;
    export_line(e, at, line);
}


static void
export_unverified(export_t *e, const audit_at_t *at)
{
    pguard_audit_line_t  line;

    e->read++;

    if (at->cut || pguard_audit_parse(at->text, &line) != 0) {
        e->unreadable++;
        return;
    }

    /* not twice what a writer had to write twice */

    if (memcmp(e->last, line.frame.mac, PGUARD_MAC_LEN) != 0) {
        memcpy(e->last, line.frame.mac, PGUARD_MAC_LEN);
        export_line(e, at, &line);
    }
}


static int
print_manifest(export_t *e, const char *chain)
{
    unsigned       i, n;
    const char    *comma = "";
    char           buf[2048];
    pguard_out_t   out;
    unsigned char  md[EVP_MAX_MD_SIZE];

    static const pguard_str_t  other = pguard_string("other");

    e->failed |= EVP_DigestFinal_ex(e->md, md, &n) != 1;

    if (e->failed) {
        return audit_error("SHA-256 failed");
    }

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_out_text(&out, "{\"manifest\":{\"tool\":\"paas-guard-audit "
                    PGUARD_VERSION "\",\"");
    pguard_out_text(&out, e->event.len ? "event\":\"" : "client\":\"");
    pguard_out_str(&out, e->event.len ? e->event : e->client);
    pguard_out_text(&out, "\",\"from\":\"");
    pguard_utc_out(&out, e->from);
    pguard_out_text(&out, "\",\"to\":\"");
    pguard_utc_out(&out, e->to);
    pguard_out_text(&out, "\",\"events\":");
    pguard_out_uint(&out, e->events);
    pguard_out_text(&out, ",\"types\":{");

    for (i = 0; i <= PGUARD_AUDIT_TYPES; i++) {
        if (e->types[i]) {
            pguard_out_text(&out, comma);
            pguard_out_byte(&out, '"');
            pguard_out_str(&out, i < PGUARD_AUDIT_TYPES
                                 ? pguard_audit_type_names[i] : other);
            pguard_out_text(&out, "\":");
            pguard_out_uint(&out, e->types[i]);
            comma = ",";
        }
    }

    pguard_out_text(&out, "},\"lines_read\":");
    pguard_out_uint(&out, e->read);
    pguard_out_text(&out, ",\"lines_unreadable\":");
    pguard_out_uint(&out, e->unreadable);
    pguard_out_text(&out, ",\"chain\":\"");
    pguard_out_text(&out, chain);
    pguard_out_text(&out, "\",\"sha256\":\"");
    pguard_out_hex(&out, md, n);
    pguard_out_text(&out, "\"}}\n");

    (void) fwrite(buf, 1, out.need, stdout);

    if (e->event.len && e->events == 0) {
        (void) fputs("paas-guard-audit: no line has that id. Is it one "
                     "refusal's own? The access log\nhas it, with that of "
                     "its block; a duplicate is in the access log only.\n",
                     stderr);
    }

    return audit_flush();
}


static int
export_files(export_t *e, char **files)
{
    int            rc;
    audit_at_t     at;
    audit_input_t  in;

    if (audit_input_open(&in, files, 0) != AUDIT_OK) {
        return AUDIT_ERROR;
    }

    while ((rc = audit_input_next(&in, &at)) == 1) {
        export_unverified(e, &at);
    }

    audit_input_close(&in);

    if (rc == -2) {
        return audit_error("%s: " AUDIT_GZIP_WRONG, at.file);
    }

    return rc == 0 ? print_manifest(e, "not verified") : AUDIT_ERROR;
}


/* A first walk, so that nothing is exported of a broken log, and a second one
   that exports only what it has verified: a log may grow or change meanwhile.
   Standard input cannot be read a second time. */

static int
export_log(export_t *e, char **files, const char *secret, int restarts)
{
    int            rc;
    char         **f;
    audit_chain_t  chain;

    for (f = files; *f; f++) {
        if (strcmp(*f, "-") == 0) {
            return audit_error("--secret needs logs in files, not \"-\"");
        }
    }

    rc = audit_walk(files, secret, restarts, NULL, &chain, NULL, NULL);

    if (rc == AUDIT_BROKEN) {
        (void) audit_error("the log is broken: nothing is exported");
    }

    if (rc != AUDIT_OK) {
        return rc;
    }

    rc = audit_walk(files, secret, restarts, NULL, &chain, export_verified, e);

    if (rc == AUDIT_BROKEN) {
        (void) audit_error("the log was changed meanwhile: this is no export");
    }

    return rc == AUDIT_OK ? print_manifest(e, "intact") : rc;
}


static int
read_time(const char *option, const char *text, pguard_msec_t *ms)
{
    pguard_str_t  s;

    s.data = (const unsigned char *) text;
    s.len = strlen(text);

    return pguard_utc_parse(s, ms) == 0 ? AUDIT_OK
           : audit_error("--%s takes 2026-11-01 or 2026-11-01T00:00:00Z, not "
                         "\"%s\"", option, text);
}


int
audit_export(int argc, char **argv)
{
    int          rc, files, restarts = 0;
    export_t     e = { .events = 0 };
    const char  *client = NULL, *event = NULL, *secret = NULL;
    const char  *from = NULL, *to = NULL;

    const audit_option_t  options[] = {
        { "client", &client, NULL, NULL },
        { "event", &event, NULL, NULL },
        { "from", &from, NULL, NULL },
        { "to", &to, NULL, NULL },
        { "secret", &secret, NULL, NULL },
        { "restarts", NULL, &restarts, NULL },
        { NULL, NULL, NULL, NULL }
    };

    files = audit_options(options, argc, argv);

    if (files == -1) {
        return AUDIT_ERROR;
    }

    if (event && client == NULL) {
        from = from ? from : "1970-01-01";
        to = to ? to : "9999-12-31";
    }

    if (files == 0 || !client == !event || from == NULL || to == NULL) {
        return audit_error("export takes --client, --from, --to and logs, or "
                           "--event and logs: see --help");
    }

    if (event) {
        e.event.data = (const unsigned char *) event;
        e.event.len = strlen(event);

        if (e.event.len != 24
            || strspn(event, "0123456789abcdef") != e.event.len)
        {
            return audit_error("--event takes an id, 24 hex digits in lower "
                               "case, not \"%s\"", event);
        }
    }

    if ((client && audit_client(client, &e.client))
        || read_time("from", from, &e.from)
        || read_time("to", to, &e.to))
    {
        return AUDIT_ERROR;
    }

    if (e.from >= e.to) {
        return audit_error("--from must be before --to");
    }

    e.md = EVP_MD_CTX_new();

    if (e.md == NULL || EVP_DigestInit_ex(e.md, EVP_sha256(), NULL) != 1) {
        rc = audit_error("SHA-256 failed");

    } else {
        rc = secret ? export_log(&e, argv, secret, restarts)
                    : export_files(&e, argv);
    }

    EVP_MD_CTX_free(e.md);

    return rc;
}
