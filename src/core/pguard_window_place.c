/*
 * Where a key has its entry: each has two buckets of eight ways.
 */

#include "pguard_window_private.h"


#define PGUARD_ROOMY  (PGUARD_WINDOW_WAYS / 2)


/* The way of key in this bucket and what its entry holds, or -1. */

static int
pguard_window_find(const pguard_window_bucket_t *b, uint64_t tag,
    uint64_t *word, pguard_pair_t *head)
{
    int  i;

    for (i = 0; i < PGUARD_WINDOW_WAYS; i++) {
        *word = pguard_load(&b->index[i]);

        if (*word == 0 || !pguard_window_same_tag(*word, tag)) {
            continue;
        }

        *head = pguard_pair_read(&b->entry[i].head);

        if (head->lo == tag) {
            return i;
        }
    }

    return -1;
}


static unsigned
pguard_window_share(const uint64_t *word, uint16_t source)
{
    int       i;
    unsigned  share;

    for (i = 0, share = 0; i < PGUARD_WINDOW_WAYS; i++) {
        share += pguard_window_source(word[i]) == source;
    }

    return share;
}


/* How many ways are free or idle; the first of them, which is found fastest,
   with its index word. */

static unsigned
pguard_window_room(const pguard_window_bucket_t *b, uint32_t now_s,
    int *way, uint64_t *word)
{
    int       i;
    unsigned  room;
    uint64_t  found;

    room = 0;
    *way = 0;
    *word = 0;

    for (i = PGUARD_WINDOW_WAYS - 1; i >= 0; i--) {
        found = pguard_load(&b->index[i]);

        if (pguard_window_idle(found, now_s)) {
            room++;
            *way = i;
            *word = found;
        }
    }

    return room;
}


/*
 * The way that a new key of this source takes if all are in use, with its index
 * word: one of the source that would have most ways here, the new key included.
 * So a client that makes up keys replaces its own first.
 */

static int
pguard_window_victim(const pguard_window_bucket_t *b, uint16_t source,
    uint64_t *victim)
{
    int       i, found;
    unsigned  share, most;
    uint64_t  word[PGUARD_WINDOW_WAYS];

    for (i = 0; i < PGUARD_WINDOW_WAYS; i++) {
        word[i] = pguard_load(&b->index[i]);
    }

    found = 0;
    most = 0;

    for (i = 0; i < PGUARD_WINDOW_WAYS; i++) {
        share = pguard_window_share(word, pguard_window_source(word[i]))
                + (pguard_window_source(word[i]) == source);

        if (share > most
            || (share == most
                && pguard_window_later(pguard_window_until(word[found]),
                                       pguard_window_until(word[i]))))
        {
            most = share;
            found = i;
        }
    }

    *victim = word[found];

    return found;
}


void
pguard_window_look(const pguard_windows_t *w, pguard_hash_t key,
    pguard_window_place_t *p)
{
    uint64_t  tag = pguard_window_tag(key);

    p->b = pguard_window_bucket(w, key);
    p->way = pguard_window_find(p->b, tag, &p->word, &p->head);

    if (p->way < 0) {
        p->b = pguard_window_second(w, key);
        p->way = pguard_window_find(p->b, tag, &p->word, &p->head);
    }

    p->found = p->way >= 0;
}


/* A new key goes to its first bucket, where it is found fastest, while half of
   that is free; then to the emptier of its two.  Another key is replaced in the
   first bucket only. */

int
pguard_window_choose(const pguard_windows_t *w, pguard_hash_t key,
    uint16_t source, uint32_t now_s, pguard_window_place_t *p)
{
    int                      way;
    unsigned                 room;
    uint64_t                 word;
    pguard_window_bucket_t  *b;

    p->b = pguard_window_bucket(w, key);
    room = pguard_window_room(p->b, now_s, &p->way, &p->word);

    if (room < PGUARD_ROOMY) {
        b = pguard_window_second(w, key);

        if (pguard_window_room(b, now_s, &way, &word) > room) {
            p->b = b;
            p->way = way;
            p->word = word;

        } else if (room == 0) {
            p->way = pguard_window_victim(p->b, source, &p->word);
        }
    }

    p->head = pguard_pair_read(&p->b->entry[p->way].head);

    /* is it the head of that entry, and not of another that has taken the place
       meanwhile? */

    return pguard_load(&p->b->index[p->way]) == p->word;
}
