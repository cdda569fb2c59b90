/* What the files of the windows share: see pguard_window.c. */

#ifndef PGUARD_WINDOW_PRIVATE_H
#define PGUARD_WINDOW_PRIVATE_H

#include "pguard_window.h"


#define pguard_window_tag(key)             ((key).lo | 1)

/* A part of the tag, the source, and the second up to which the key is of
   use. */

static inline uint64_t
pguard_window_index_word(uint64_t tag, uint16_t source, uint32_t until)
{
    return (tag & 0xffff000000000000) | (uint64_t) source << 32 | until;
}


#define pguard_window_same_tag(word, tag)  ((((word) ^ (tag)) >> 48) == 0)
#define pguard_window_source(word)         ((uint16_t) ((word) >> 32))
#define pguard_window_until(word)          ((uint32_t) (word))

/* Seconds may come round. */
#define pguard_window_later(a, b)          ((int32_t) ((a) - (b)) > 0)

/* Was nothing counted for a whole window?  Not sure is no.  Free is idle. */
#define pguard_window_idle(word, now_s)                                       \
    ((word) == 0 || pguard_window_later(now_s, pguard_window_until(word)))


/* Where a key is, or is to go: its bucket, way, index word, and head. */

typedef struct {
    pguard_window_bucket_t  *b;
    int                      way;
    int                      found;
    uint64_t                 word;
    pguard_pair_t            head;
} pguard_window_place_t;


/* pguard_window_place.c */

/* Where key is; p->found says whether it is anywhere. */
void pguard_window_look(const pguard_windows_t *w, pguard_hash_t key,
    pguard_window_place_t *p);

/* Where a new key of this source is to go: a place that is free or idle at
   now_s, else another key's.  Takes nothing.  0: another was first there. */
int pguard_window_choose(const pguard_windows_t *w, pguard_hash_t key,
    uint16_t source, uint32_t now_s, pguard_window_place_t *p);


#endif /* PGUARD_WINDOW_PRIVATE_H */
