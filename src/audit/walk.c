/*
 * The walk along a chain.  A line that does not go on where the one before it
 * ended is a suspect until the next line that does: only that one tells
 * whether a writer had died there (see pguard_audit_chain.h) or what has been
 * done to the log.
 */

#include "audit.h"
#include "pguard_str.h"

#include <stdlib.h>
#include <string.h>


#define SUSPECTS  64
#define CHAINS    4096                  /* begun in one log, with --restarts */


typedef struct {
    const char    *file;
    unsigned       index;
    uint64_t       number;
    pguard_str_t   text;                /* a copy */
    int            ended;
} suspect_t;

typedef struct {
    audit_input_t         in;
    audit_at_t            at;
    pguard_audit_line_t   line;         /* of at, if it is sealed */
    pguard_key_t          key;
    int                   restarts;
    audit_head_t         *head;
    audit_chain_t        *chain;
    audit_line_pt         handler;
    void                 *data;

    suspect_t             suspect[SUSPECTS];
    unsigned              suspects;
    pguard_str_t          last;         /* a copy of the last good line */
    const char           *last_file;
    unsigned              last_index;
    uint64_t              last_number;
    int                   last_ended;
    unsigned char         begun[CHAINS][PGUARD_MAC_LEN];
    unsigned              chains;
    suspect_t             untold;       /* waits for its chain_resumed */
    int                   must_tell;
} walk_t;


static int walk_lines(walk_t *w);
static int sealed(walk_t *w);
static int goes_on(walk_t *w);
static int accept_line(walk_t *w);
static int cut_off(const walk_t *w);
static int judge(walk_t *w, unsigned from);
static int explain(walk_t *w);
static int misplaced(walk_t *w);
static int at_end(walk_t *w);
static int fault(const char *file, uint64_t number, const char *what,
    const char *why);


static int
begins(pguard_str_t whole, pguard_str_t s)
{
    return s.len <= whole.len
           && (s.len == 0 || memcmp(whole.data, s.data, s.len) == 0);
}


static void
copy_text(pguard_str_t *to, pguard_str_t s)
{
    unsigned char  *p;

    p = realloc((void *) to->data, s.len ? s.len : 1);

    if (p == NULL) {
        (void) audit_error("no memory");
        exit(AUDIT_ERROR);
    }

    if (s.len) {
        memcpy(p, s.data, s.len);
    }

    to->data = p;
    to->len = s.len;
}


int
audit_walk(char **files, const char *secret, int restarts,
    audit_head_t *head, audit_chain_t *chain, audit_line_pt handler,
    void *data)
{
    int       rc;
    unsigned  i;
    walk_t   *w;

    memset(chain, 0, sizeof(audit_chain_t));
    w = calloc(1, sizeof(walk_t));

    if (w == NULL) {
        return audit_error("no memory");
    }

    w->restarts = restarts;
    w->head = head;
    w->chain = chain;
    w->handler = handler;
    w->data = data;

    rc = audit_secret(secret, &w->key);

    if (rc == AUDIT_OK) {
        rc = audit_input_open(&w->in, files, 0);
    }

    if (rc == AUDIT_OK) {
        rc = walk_lines(w);
    }

    for (i = 0; i < SUSPECTS; i++) {
        free((void *) w->suspect[i].text.data);
    }

    free((void *) w->last.data);
    audit_input_close(&w->in);
    free(w);

    return rc;
}


static void
suspect_line(walk_t *w)
{
    suspect_t  *s;

    s = &w->suspect[w->suspects++];

    s->file = w->at.file;
    s->index = w->at.index;
    s->number = w->at.number;
    s->ended = w->at.ended;
    copy_text(&s->text, w->at.text);
}


static int
walk_lines(walk_t *w)
{
    int  rc;

    while ((rc = audit_input_next(&w->in, &w->at)) == 1) {

        if (sealed(w) && goes_on(w)) {
            rc = accept_line(w);

            if (rc != AUDIT_OK) {
                return rc;
            }

            continue;
        }

        /* a line that is whole, but not the next, shows what was done; a
           copy of the last may come from a writer's death */

        if ((w->line.sealed.len && !pguard_str_same(w->last, w->at.text))
            || w->suspects == SUSPECTS)
        {
            return explain(w);
        }

        suspect_line(w);
    }

    if (rc == -1) {
        return AUDIT_ERROR;
    }

    if (rc == -2) {
        return fault(w->at.file, w->at.number, "cut off",
                     AUDIT_GZIP_WRONG);
    }

    return at_end(w);
}


static int
sealed(walk_t *w)
{
    if (!w->at.cut && pguard_audit_parse(w->at.text, &w->line) == 0
        && pguard_audit_sealed(&w->line, &w->key) == 1)
    {
        return 1;
    }

    w->line.sealed.len = 0;

    return 0;
}


static int
begins_chain(const walk_t *w)
{
    static const unsigned char  zeros[PGUARD_AUDIT_PREV_LEN];

    return w->line.frame.seq == 1
           && memcmp(w->line.frame.prev, zeros, sizeof(zeros)) == 0;
}


/* A chain that was there before is no new one. */

static int
begins_again(const walk_t *w)
{
    unsigned  i;

    for (i = 0; i < w->chains; i++) {
        if (memcmp(w->begun[i], w->line.frame.mac, PGUARD_MAC_LEN) == 0) {
            return 1;
        }
    }

    return w->chains == CHAINS;
}


static int
same_gateway(const walk_t *w)
{
    pguard_str_t  name;

    name.data = (const unsigned char *) w->chain->gateway;
    name.len = strlen(w->chain->gateway);

    return pguard_str_same(w->line.frame.gateway, name);
}


static int
follows(const walk_t *w)
{
    return w->line.frame.seq == w->chain->seq + 1
           && memcmp(w->line.frame.prev, w->chain->mac,
                     PGUARD_AUDIT_PREV_LEN) == 0;
}


static int
goes_on(walk_t *w)
{
    if (w->chain->lines == 0) {
        return 1;
    }

    if (!same_gateway(w)) {
        return 0;
    }

    return follows(w) || (w->restarts && begins_chain(w) && !begins_again(w)
                          && !w->must_tell);
}


static uint64_t
number_of(const walk_t *w, pguard_audit_member_e member)
{
    uint64_t             n;
    const pguard_str_t  *s;
    size_t               i;

    s = &w->line.value[member];
    n = 0;

    for (i = 0; i < s->len && s->data[i] >= '0' && s->data[i] <= '9'; i++) {
        n = n * 10 + (uint64_t) (s->data[i] - '0');
    }

    return n;
}


static void
count_line(walk_t *w)
{
    audit_chain_t               *c;
    const pguard_audit_frame_t  *f;

    c = w->chain;
    f = &w->line.frame;

    if (c->lines == 0) {
        c->first_seq = f->seq;
        c->first_time = f->time;
        memcpy(c->gateway, f->gateway.data,
               f->gateway.len < sizeof(c->gateway) ? f->gateway.len
                                                   : sizeof(c->gateway) - 1);

    } else if (!follows(w)) {
        c->restarts++;
    }

    if (begins_chain(w)) {
        memcpy(w->begun[w->chains++], f->mac, PGUARD_MAC_LEN);
    }

    c->lines++;
    c->seq = f->seq;
    c->time = f->time;
    c->files = w->at.index + 1;
    memcpy(c->mac, f->mac, PGUARD_MAC_LEN);

    if (w->line.type == PGUARD_AUDIT_CHAIN_RESUMED) {
        c->repeats += number_of(w, PGUARD_AUDIT_REPEATS) != 0;
        c->torn += number_of(w, PGUARD_AUDIT_TORN) != 0;
        c->lost += number_of(w, PGUARD_AUDIT_LOST);
    }

    if (w->head && w->head->seq == f->seq
        && memcmp(w->head->mac, f->mac, PGUARD_MAC_LEN) == 0)
    {
        w->head->seen = 1;
    }
}


/* The line goes on.  What stands between it and the one before it? */

static int
accept_line(walk_t *w)
{
    int       resumed;
    uint64_t  torn, used;
    unsigned  i, n;

    resumed = w->line.type == PGUARD_AUDIT_CHAIN_RESUMED;
    i = 0;

    if (resumed && w->chain->lines
        && number_of(w, PGUARD_AUDIT_REPEATS) == w->chain->seq)
    {
        w->must_tell = 0;
        w->last_ended = 1;

        while (i < w->suspects && begins(w->last, w->suspect[i].text)) {
            i++;
        }
    }

    if (w->must_tell) {
        return fault(w->untold.file, w->untold.number, "inserted",
                     "nothing in the log says that a writer died here");
    }

    if (w->chain->lines && !w->last_ended) {
        return cut_off(w);
    }

    torn = resumed ? number_of(w, PGUARD_AUDIT_TORN) : 0;

    for (n = i, used = 0; torn && n < w->suspects && used < torn; n++) {
        used += w->suspect[n].text.len + (n > i);
    }

    if (torn && used == torn) {
        i = n;
    }

    if (i < w->suspects) {
        if (judge(w, i) != AUDIT_OK) {
            return AUDIT_BROKEN;
        }

        w->untold = w->suspect[i];
        w->must_tell = 1;
    }

    count_line(w);

    if (w->handler) {
        w->handler(w->data, &w->at, &w->line);
    }

    copy_text(&w->last, w->at.text);
    w->last_file = w->at.file;
    w->last_index = w->at.index;
    w->last_number = w->at.number;
    w->last_ended = w->at.ended;
    w->suspects = 0;

    return AUDIT_OK;
}


static int
cut_off(const walk_t *w)
{
    return fault(w->last_file, w->last_number, "cut off",
                 "its line feed is missing");
}


/* Suspects from this one on must be beginnings of the line that follows. */

static int
judge(walk_t *w, unsigned from)
{
    unsigned          i;
    const suspect_t  *s;

    if (w->chain->lines == 0) {
        return explain(w);
    }

    for (i = from; i < w->suspects; i++) {
        s = &w->suspect[i];

        if (!begins(w->at.text, s->text)) {
            return fault(s->file, s->number, "inserted",
                         pguard_str_same(w->last, s->text)
                         ? "it is a copy of the line before it"
                         : "the lines around it follow each other");
        }
    }

    return AUDIT_OK;
}


/* The first line that cannot be explained by a writer's death: either the
   first suspect, or else the whole line that was just read. */

static int
explain(walk_t *w)
{
    const suspect_t  *s;

    if (w->suspects == 0) {
        return misplaced(w);
    }

    s = &w->suspect[0];

    if (s->text.len == 0) {
        return fault(s->file, s->number, "inserted", "an empty line");
    }

    if (pguard_str_same(w->last, s->text)) {
        return fault(s->file, s->number, "inserted",
                     "it is a copy of the line before it");
    }

    return fault(s->file, s->number, "altered",
                 w->chain->lines ? "its seal is broken"
                 : "its seal is broken, or the secret is another one");
}


/* Does the line that is missing come later? */

static int
comes_later(walk_t *w, unsigned *index)
{
    while (audit_input_next(&w->in, &w->at) == 1) {
        if (sealed(w) && same_gateway(w) && follows(w)) {
            *index = w->at.index;
            return 1;
        }
    }

    return 0;
}


static int
misplaced(walk_t *w)
{
    char           why[256];
    unsigned       index, later;
    uint64_t       seq, number;
    const char    *file;
    unsigned long  from, to;

    file = w->at.file;
    index = w->at.index;
    number = w->at.number;
    seq = w->line.frame.seq;
    from = (unsigned long) w->chain->seq + 1;
    to = (unsigned long) seq - 1;

    if (!same_gateway(w)) {
        return fault(file, number, "inserted", "it is of another gateway");
    }

    if (begins_chain(w) && !begins_again(w)) {
        return fault(file, number, "restarted", "a new chain begins here; "
                     "--restarts accepts this");
    }

    if (seq == w->chain->seq + 1) {
        return fault(file, number, "altered",
                     "it follows another line than the one before it");
    }

    if (seq <= w->chain->seq) {
        (void) snprintf(why, sizeof(why), seq < w->chain->first_seq
                        ? "seq %lu belongs before the first line (are the "
                          "files in their order, the oldest first?)"
                        : "seq %lu was there before", (unsigned long) seq);
        return fault(file, number, seq < w->chain->first_seq ? "reordered"
                                                             : "inserted", why);
    }

    if (comes_later(w, &later)) {
        (void) snprintf(why, sizeof(why), "seq %lu is expected here, and comes "
                        "later%s", from, later == index ? ""
                        : " (are the files in their order, the oldest first?)");
        return fault(file, number, "reordered", why);
    }

    (void) snprintf(why, sizeof(why), "before it is missing seq %lu to %lu%s",
                    from, to, number == 1 && index != w->last_index
                    ? " (is a file missing?)" : "");

    return fault(file, number, "dropped", why);
}


static int
at_end(walk_t *w)
{
    const suspect_t  *s;

    if (w->chain->lines == 0 && w->suspects == 0) {
        (void) audit_error("there is no line in the log");
        return AUDIT_BROKEN;
    }

    if (w->must_tell) {
        return fault(w->untold.file, w->untold.number, "cut off",
                     "a writer died here, and the line that says so is not "
                     "there");
    }

    if (w->suspects) {
        s = &w->suspect[w->suspects - 1];

        return s->ended || w->suspects > 1 ? explain(w)
               : fault(s->file, s->number, "cut off",
                       "the last line does not end");
    }

    return w->last_ended ? AUDIT_OK : cut_off(w);
}


static int
fault(const char *file, uint64_t number, const char *what, const char *why)
{
    printf("%s:%lu: %s: %s\n", file, (unsigned long) number, what, why);

    return AUDIT_BROKEN;
}
