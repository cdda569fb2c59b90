/* What the files of the windows share: see pguard_window.c. */

#ifndef PGUARD_WINDOW_PRIVATE_H
#define PGUARD_WINDOW_PRIVATE_H

#include "pguard_window.h"


/* What of a key its entry keeps; never 0. */
#define pguard_window_tag(key)             ((key).lo | 1)

/* The index word of an entry: 16 bits of its tag, its source, and the second up
   to which its key is in use.  0: the entry is free. */

static inline uint64_t
pguard_window_index_word(uint64_t tag, uint16_t source, uint32_t until)
{
    return (tag & 0xffff000000000000) | (uint64_t) source << 32 | until;
}


#define pguard_window_same_tag(word, tag)  ((((word) ^ (tag)) >> 48) == 0)
#define pguard_window_source(word)         ((uint16_t) ((word) >> 32))
#define pguard_window_until(word)          ((uint32_t) (word))

/* Is second a later than b?  They have 32 bits and may wrap around. */
#define pguard_window_later(a, b)          ((int32_t) ((a) - (b)) > 0)

/* 1: surely nothing was counted for a whole window, or the entry is free. */
#define pguard_window_idle(word, now_s)                                       \
    ((word) == 0 || pguard_window_later(now_s, pguard_window_until(word)))


/* The entry that a key has, or is to get. */

typedef struct {
    pguard_window_bucket_t  *b;
    int                      way;
    int                      found;       /* 1: key has it */
    uint64_t                 word;        /* as they were read: index word */
    pguard_pair_t            head;        /* and head */
} pguard_window_place_t;


/* pguard_window_place.c */

/* Looks for key; if it has no entry, p->found is 0 and nothing else of *p is
   of use. */
void pguard_window_look(const pguard_windows_t *w, pguard_hash_t key,
    pguard_window_place_t *p);

/* Chooses the entry for a new key of this source: one that is free or idle at
   now_s (seconds), else another key's.  Changes nothing in the table.  1; 0 if
   another process has just changed that entry: choose again. */
int pguard_window_choose(const pguard_windows_t *w, pguard_hash_t key,
    uint16_t source, uint32_t now_s, pguard_window_place_t *p);


#endif /* PGUARD_WINDOW_PRIVATE_H */
