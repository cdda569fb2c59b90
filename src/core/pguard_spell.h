/*
 * The time that something has lasted, in several spells, as one word in shared
 * memory: whoever reads it sees spells and their sum at one moment, so the sum
 * never goes back.
 *
 * Between spells it is twice the sum, in ms.  During one it is twice the time
 * at which this spell would have begun if it were the only one, and 1.
 */

#ifndef PGUARD_SPELL_H
#define PGUARD_SPELL_H

#include "pguard.h"
#include "pguard_atomic.h"


/* Does a spell last?  0 or 1. */

static inline int
pguard_spell_on(const uint64_t *spell)
{
    return pguard_load(spell) & 1;
}


/* Both: 1 if this call has done it, 0 if it was so already.  now: ms, of the
   system's monotonic clock and not cached, for all processes. */

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


/* The sum of the spells, ms.  The same clock is to be read after spell was. */

static inline pguard_msec_t
pguard_spell_sum(const uint64_t *spell, pguard_msec_t (*clock)(void))
{
    uint64_t  is;

    is = pguard_load(spell);

    return is & 1 ? clock() - (is >> 1) : is >> 1;
}


#endif /* PGUARD_SPELL_H */
