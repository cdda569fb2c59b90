/*
 * The command certificate: that a client was forgotten, in its language.
 */

#include "audit.h"
#include "pguard_json.h"
#include "pguard_str.h"
#include "pguard_utc.h"

#include <stdlib.h>
#include <string.h>


#define RECORDS  64


/* All that is said, in both languages.  \u00a0: the space that does not break,
   which French wants before a colon. */

typedef enum {
    TEXT_TITLE = 0,
    TEXT_INTRO,
    TEXT_CLIENT,
    TEXT_GATEWAY,
    TEXT_RECORD,
    TEXT_TIME,
    TEXT_ZONE,
    TEXT_WHO,
    TEXT_WHY,
    TEXT_MEMORY,
    TEXT_COUNTS,
    TEXT_BLOCKS,
    TEXT_EVENTS,
    TEXT_STATE_FILE,
    TEXT_REDIS,
    TEXT_ERASED,
    TEXT_NONE,
    TEXT_KEPT,
    TEXT_AFTER,
    TEXT_CHAIN,
    TEXT_LINES,
    TEXT_SEAL,
    TEXT_CHECK,
    TEXTS
} text_e;

static const char *const  texts[TEXTS][2] = {
    [TEXT_TITLE] = {
        "CERTIFICATE OF ERASURE",
        "CERTIFICAT D’EFFACEMENT"
    },
    [TEXT_INTRO] = {
        "The gateway named below certifies that it has erased what it held of "
        "this client in\nthe zones listed: its counts, its blocks and its "
        "events.",
        "La passerelle désignée ci-dessous certifie qu’elle a effacé ce "
        "qu’elle détenait de ce\nclient dans les zones indiquées\u00a0: ses "
        "compteurs, ses blocages et ses événements."
    },
    [TEXT_CLIENT]  = { "Client (keyed digest)", "Client (empreinte à clé)" },
    [TEXT_GATEWAY] = { "Gateway", "Passerelle" },
    [TEXT_RECORD]  = { "Audit record", "Enregistrement d’audit" },
    [TEXT_TIME]    = { "Erased on (UTC)", "Effacé le (UTC)" },
    [TEXT_ZONE]    = { "Zone", "Zone" },
    [TEXT_WHO]     = { "Ordered by", "Ordonné par" },
    [TEXT_WHY]     = { "Reason", "Motif" },
    [TEXT_MEMORY]  = { "Shared memory", "Mémoire partagée" },
    [TEXT_COUNTS]  = { "Counts erased", "Compteurs effacés" },
    [TEXT_BLOCKS]  = { "Blocks erased", "Blocages effacés" },
    [TEXT_EVENTS]  = { "Events erased", "Événements effacés" },
    [TEXT_STATE_FILE] = { "State file", "Fichier d’état" },
    [TEXT_REDIS]   = { "Shared store (Redis)", "Mémoire commune (Redis)" },
    [TEXT_ERASED]  = { "erased", "contenu effacé" },
    [TEXT_NONE]    = { "none in use", "aucun usage" },
    [TEXT_KEPT] = {
        "What is kept: the audit log, with the fact of the erasure and the "
        "digest, for as long as\nlogs must be kept. Access logs are not held "
        "by the gateway’s memory and are not covered.",
        "Ce qui est conservé\u00a0: le journal d’audit, avec le fait de "
        "l’effacement et l’empreinte, pour\nla durée de conservation des "
        "journaux. Les journaux d’accès ne relèvent pas de la mémoire\nde la "
        "passerelle et ne sont pas couverts."
    },
    [TEXT_AFTER] = {
        "Records of it since then",
        "Enregistrements depuis"
    },
    [TEXT_CHAIN] = {
        "The audit log was verified before this certificate was printed: its "
        "chain is intact.",
        "Le journal d’audit a été vérifié avant l’impression de ce "
        "certificat\u00a0: sa chaîne est intacte."
    },
    [TEXT_LINES]   = { "Verified lines (seq)", "Lignes vérifiées (seq)" },
    [TEXT_SEAL]    = { "Seal (HMAC-SHA-256)", "Sceau (HMAC-SHA-256)" },
    [TEXT_CHECK] = {
        "Who holds the log and the secret checks this with: paas-guard-audit "
        "verify.",
        "Le détenteur du journal et du secret le contrôle avec\u00a0: "
        "paas-guard-audit verify."
    }
};


/* What is kept of a client_forgotten; the texts are as in the line. */

typedef struct {
    pguard_audit_frame_t  frame;
    char                 *value[PGUARD_AUDIT_MEMBERS];
    char                 *file;
    uint64_t              number;
    uint64_t              after;        /* lines that name the client since */
} record_t;

typedef struct {
    pguard_str_t          client;
    record_t              record[RECORDS];
    unsigned              records;
    int                   failed;
} certificate_t;


static const unsigned char  kept[] = {
    PGUARD_AUDIT_ZONE, PGUARD_AUDIT_WHO, PGUARD_AUDIT_WHY,
    PGUARD_AUDIT_COUNTS, PGUARD_AUDIT_BLOCKS, PGUARD_AUDIT_EVENTS,
    PGUARD_AUDIT_STATE_FILE, PGUARD_AUDIT_REDIS
};


/* The text of a member, escapes resolved; what would move a terminal's cursor
   or end the line is shown as "?". */

static char *
text_of(pguard_str_t s)
{
    char    *text;
    size_t   i, n;

    n = pguard_json_unescape(s, NULL, 0);
    text = malloc(n + 1);

    if (text == NULL) {
        return NULL;
    }

    (void) pguard_json_unescape(s, text, n);
    text[n] = '\0';

    for (i = 0; i < n; i++) {
        if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f
            || ((unsigned char) text[i] == 0xc2
                && (unsigned char) text[i + 1] < 0xa0))
        {
            text[i] = '?';

            if (i + 1 < n && ((unsigned char) text[i + 1] & 0xc0) == 0x80) {
                text[++i] = '?';
            }
        }
    }

    return text;
}


static void
free_record(record_t *r)
{
    unsigned  i;

    for (i = 0; i < PGUARD_AUDIT_MEMBERS; i++) {
        free(r->value[i]);
    }

    free(r->file);
    memset(r, 0, sizeof(record_t));
}


/* A later record of the same zone takes the place of an earlier one. */

static record_t *
place(certificate_t *c, const char *zone)
{
    unsigned  i;

    for (i = 0; i < c->records; i++) {
        if (strcmp(c->record[i].value[PGUARD_AUDIT_ZONE], zone) == 0) {
            free_record(&c->record[i]);
            return &c->record[i];
        }
    }

    return c->records < RECORDS ? &c->record[c->records++] : NULL;
}


static void
keep(certificate_t *c, const audit_at_t *at, const pguard_audit_line_t *line)
{
    char      *zone;
    record_t  *r;
    unsigned   i;

    zone = text_of(line->value[PGUARD_AUDIT_ZONE]);
    r = zone ? place(c, zone) : NULL;
    free(zone);

    if (r == NULL) {
        c->failed = 1;
        return;
    }

    r->frame = line->frame;
    r->number = at->number;
    r->file = strdup(at->file);
    c->failed |= r->file == NULL;

    for (i = 0; i < sizeof(kept); i++) {
        r->value[kept[i]] = text_of(line->value[kept[i]]);
        c->failed |= r->value[kept[i]] == NULL;
    }
}


/* A line that names the client: of one zone, or of none. */

static void
count_after(certificate_t *c, const pguard_audit_line_t *line)
{
    char      *zone;
    unsigned   i;

    zone = text_of(line->value[PGUARD_AUDIT_ZONE]);

    if (zone == NULL) {
        c->failed = 1;
        return;
    }

    for (i = 0; i < c->records; i++) {
        if (zone[0] == '\0'
            || strcmp(c->record[i].value[PGUARD_AUDIT_ZONE], zone) == 0)
        {
            c->record[i].after++;
        }
    }

    free(zone);
}


/* Is this a line about an erasure: who ordered it, or the end of a block that
   it erased, whose line may come later? */

static int
is_of_erasure(const pguard_audit_line_t *line)
{
    static const pguard_str_t  order = pguard_string("forget_client");
    static const pguard_str_t  forgotten = pguard_string("forgotten");

    return (line->type == PGUARD_AUDIT_OPERATOR_ACTION
            && pguard_str_same(line->value[PGUARD_AUDIT_WHAT], order))
           || (line->type == PGUARD_AUDIT_BLOCK_ENDED
               && pguard_str_same(line->value[PGUARD_AUDIT_HOW], forgotten));
}


static void
read_line(void *data, const audit_at_t *at, const pguard_audit_line_t *line)
{
    certificate_t  *c = data;

    if (c->failed
        || !pguard_str_same(line->value[PGUARD_AUDIT_CLIENT], c->client))
    {
        return;
    }

    if (line->type == PGUARD_AUDIT_CLIENT_FORGOTTEN) {
        keep(c, at, line);

    } else if (!is_of_erasure(line)) {
        count_after(c, line);
    }
}


static int
complete(const certificate_t *c)
{
    unsigned     i, k;
    const char  *v;

    static const unsigned char  places[] = {
        PGUARD_AUDIT_STATE_FILE, PGUARD_AUDIT_REDIS
    };

    for (i = 0; i < c->records; i++) {
        for (k = 0; k < sizeof(places); k++) {
            v = c->record[i].value[places[k]];

            if (strcmp(v, "erased") != 0 && strcmp(v, "none") != 0) {
                printf("%s:%lu: the erasure is not complete: %.*s is "
                       "\"%s\"\n", c->record[i].file,
                       (unsigned long) c->record[i].number,
                       (int) pguard_audit_member_name(places[k]).len,
                       (const char *)
                       pguard_audit_member_name(places[k]).data, v);
                return 0;
            }
        }
    }

    return 1;
}


/* "Name:" in a column; letters beyond ASCII are more bytes than columns. */

static void
print_name(text_e name, int lang)
{
    int          columns;
    const char  *p;

    columns = lang;

    for (p = texts[name][lang]; *p; p++) {
        columns += ((unsigned char) *p & 0xc0) != 0x80;
    }

    printf("%s%s%*s", texts[name][lang], lang ? "\u00a0:" : ":",
           columns < 30 ? 30 - columns : 1, "");
}


static void
print_pair(text_e name, int lang, const char *value)
{
    print_name(name, lang);
    puts(value);
}


static void
print_place(text_e name, int lang, const char *value)
{
    print_pair(name, lang, texts[strcmp(value, "none") == 0 ? TEXT_NONE
                                                            : TEXT_ERASED]
                                [lang]);
}


static void
print_record(const record_t *r, const audit_chain_t *chain, int lang)
{
    char           time[PGUARD_UTC_LEN];
    pguard_out_t   out;
    unsigned char  mac[2 * PGUARD_MAC_LEN];

    pguard_out_init(&out, time, sizeof(time));
    pguard_utc_out(&out, r->frame.time);
    (void) pguard_hex(mac, r->frame.mac, PGUARD_MAC_LEN);

    puts("");
    print_name(TEXT_TIME, lang);
    printf("%.*s\n", (int) sizeof(time), time);
    print_pair(TEXT_ZONE, lang, r->value[PGUARD_AUDIT_ZONE]);
    print_pair(TEXT_WHO, lang, r->value[PGUARD_AUDIT_WHO]);
    print_pair(TEXT_WHY, lang, r->value[PGUARD_AUDIT_WHY]);
    print_pair(TEXT_MEMORY, lang, texts[TEXT_ERASED][lang]);
    print_pair(TEXT_COUNTS, lang, r->value[PGUARD_AUDIT_COUNTS]);
    print_pair(TEXT_BLOCKS, lang, r->value[PGUARD_AUDIT_BLOCKS]);
    print_pair(TEXT_EVENTS, lang, r->value[PGUARD_AUDIT_EVENTS]);
    print_place(TEXT_STATE_FILE, lang, r->value[PGUARD_AUDIT_STATE_FILE]);
    print_place(TEXT_REDIS, lang, r->value[PGUARD_AUDIT_REDIS]);
    print_name(TEXT_RECORD, lang);
    printf("%s/%lu, %s:%lu\n", chain->gateway, (unsigned long) r->frame.seq,
           r->file, (unsigned long) r->number);
    print_name(TEXT_SEAL, lang);
    printf("%.*s\n", (int) sizeof(mac), (const char *) mac);
    print_name(TEXT_AFTER, lang);
    printf("%lu\n", (unsigned long) r->after);
}


static int
print_certificate(const certificate_t *c, const audit_chain_t *chain, int lang)
{
    unsigned  i;

    puts(texts[TEXT_TITLE][lang]);
    puts("");
    puts(texts[TEXT_INTRO][lang]);
    puts("");
    print_name(TEXT_CLIENT, lang);
    printf("%.*s\n", (int) c->client.len, (const char *) c->client.data);
    print_pair(TEXT_GATEWAY, lang, chain->gateway);

    for (i = 0; i < c->records; i++) {
        print_record(&c->record[i], chain, lang);
    }

    puts("");
    puts(texts[TEXT_KEPT][lang]);
    puts("");
    puts(texts[TEXT_CHAIN][lang]);
    print_name(TEXT_LINES, lang);
    printf("%lu - %lu\n", (unsigned long) chain->first_seq,
           (unsigned long) chain->seq);
    puts(texts[TEXT_CHECK][lang]);

    return audit_flush();
}


int
audit_certificate(int argc, char **argv)
{
    int              rc, files, restarts = 0;
    unsigned         i;
    const char      *client = NULL, *lang = NULL, *secret = NULL;
    audit_chain_t    chain;
    certificate_t   *c;

    const audit_option_t  options[] = {
        { "client", &client, NULL, NULL },
        { "lang", &lang, NULL, NULL },
        { "secret", &secret, NULL, NULL },
        { "restarts", NULL, &restarts, NULL },
        { NULL, NULL, NULL, NULL }
    };

    files = audit_options(options, argc, argv);

    if (files == -1) {
        return AUDIT_ERROR;
    }

    if (files == 0 || client == NULL || lang == NULL || secret == NULL) {
        return audit_error("certificate takes --lang, --client, --secret and "
                           "logs: see --help");
    }

    if (strcmp(lang, "en") != 0 && strcmp(lang, "fr") != 0) {
        return audit_error("--lang takes en or fr, not \"%s\"", lang);
    }

    c = calloc(1, sizeof(certificate_t));

    if (c == NULL) {
        return audit_error("no memory");
    }

    rc = audit_client(client, &c->client);

    if (rc == AUDIT_OK) {
        rc = audit_walk(argv, secret, restarts, NULL, &chain, read_line, c);
    }

    if (rc == AUDIT_OK && c->failed) {
        rc = audit_error("no memory, or more than %d zones", RECORDS);

    } else if (rc == AUDIT_OK && c->records == 0) {
        printf("the log does not say that the client %s was forgotten\n",
               client);
        rc = AUDIT_BROKEN;

    } else if (rc == AUDIT_OK) {
        rc = complete(c) ? print_certificate(c, &chain, strcmp(lang, "fr") == 0)
                         : AUDIT_BROKEN;
    }

    for (i = 0; i < c->records; i++) {
        free_record(&c->record[i]);
    }

    free(c);

    return rc;
}
