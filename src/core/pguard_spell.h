/*
 * How long something has lasted in total, over several spells, as one word in
 * shared memory.  As it is one word, a reader always sees spells and sum of one
 * moment, so the sum never goes back.
 *
 * Between spells the word is twice the sum, in ms.  During a spell it is twice
 * the time at which the spell would have begun if it were the only one, plus 1.
 */

#ifndef PGUARD_SPELL_H
#define PGUARD_SPELL_H

#include "pguard.h"
#include "pguard_atomic.h"


/* Is a spell going on?  0 or 1. */

static inline int
pguard_spell_on(const uint64_t *spell)
{
    return pguard_load(spell) & 1;
}


/* Begins a spell, or ends it: 1 if this call has done so, 0 if another had
   before.  now: ms of the system's monotonic clock, read just now (not cached),
   as all processes must agree on it. */

static inline int
pguard_spell_begin(uint64_t *spell, pguard_msec_t now)
{
    uint64_t  was;

    was = pguard_load(spell);

    return (was & 1) == 0
           && pguard_cas(spell, was, (now - (was >> 1)) << 1 | 1);
}


static inline int
pguard_spell_end(uint64_t *spell, pguard_msec_t now)
{
    uint64_t  was;

    was = pguard_load(spell);

    return (was & 1) && pguard_cas(spell, was, (now - (was >> 1)) << 1);
}


/* The sum of the spells so far, ms.  clock reads the same clock; it is called
   after the word was read, hence never earlier than the spell's begin. */

static inline pguard_msec_t
pguard_spell_sum(const uint64_t *spell, pguard_msec_t (*clock)(void))
{
    uint64_t  is;

    is = pguard_load(spell);

    return is & 1 ? clock() - (is >> 1) : is >> 1;
}


#endif /* PGUARD_SPELL_H */
