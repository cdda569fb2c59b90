/*
 * The table is an array of cache lines, each of four 16-byte entries: 80 bits
 * of the signature and the time (48 bits, us) at which it expires.
 *
 * A signature has a home line and a second line, of the same group of lines:
 * in a large table, a page takes more time to find than a line of it to read,
 * and a group is on few.  way[0] of a line, its head, is what was admitted
 * last among the signatures at home there; the other ways keep what was head
 * before and has not expired.  To admit S at home in a line whose head is X:
 *
 *   1. read the head; if it is S, unexpired: refuse
 *   2. look for an unexpired S in the other ways, here and in S's second
 *      line; if there is one: refuse
 *   3. if X is unexpired, copy it to another way here or in X's second line,
 *      over an expired entry.  If there is none, one that is at home in a
 *      line where X may be goes to its second line: it is copied there first,
 *      then X over it.  If that can't be either, X goes over the one of the
 *      six that expires first (evicted)
 *   4. compare-and-swap the head from X to S; if that fails, start again
 *
 * Every admission of S goes through step 4 on one and the same head, and
 * every admission writes a value that the head never held before (its time is
 * new, for S is admitted again only once it has expired).  So if step 4
 * succeeds, nothing was admitted in this line between steps 1 and 4.  An S
 * admitted before step 1 was head before X, was copied (step 3) before X or
 * one before it became head (step 4), and the last unexpired copy goes away by
 * eviction only.  Step 2 sees it also where it is moved meanwhile: it moves
 * from home to its second line and never back, is there before it is gone
 * here, and step 2 looks there last.  Hence, of any number of processes, one
 * admits S in an interval.
 *
 * What can go wrong, and its bound:
 * - Eviction: a table full of unexpired entries forgets the oldest of six
 *   (three here, three in the second line, never the head), and a duplicate of
 *   that one may pass.  It is counted.  Nothing is refused for want of space.
 * - A process dies anywhere: each store is whole in itself.  After step 3 and
 *   without step 4, or after one half of a move, an entry is there twice, with
 *   one and the same time: harmless.
 * - Two processes copy X to two ways, or move one entry at once, or one copies
 *   X that has been copied to X's second line before: the same.
 * - A torn read (two halves of different values): only compare-and-swaps
 *   follow from it, which fail, or a refusal of what was admitted with just
 *   that tag; pguard_pair_read() reads until the second half has not changed.
 * - A move meets pguard_throttle_correct(): a copy keeps the longer time.  A
 *   request is refused that another gateway would let pass, for one interval
 *   at most after the one that was admitted here.
 * - A collision: see docs/design.md.
 */

#include "pguard_throttle.h"


#define PGUARD_TIME_BITS  48
#define PGUARD_TIME_MASK  ((1ULL << PGUARD_TIME_BITS) - 1)
#define PGUARD_TRIES      256
#define PGUARD_SAMPLE     (1 << 14)     /* lines */
#define PGUARD_MOVES      2             /* one after the other */
#define PGUARD_GROUP      512           /* lines, a power of 2 */
#define PGUARD_GROUPS     64            /* of a smaller table, all is one */

/* Room in a line of which none of the lower ways holds what can't move on. */
#define PGUARD_ROOMY      (PGUARD_THROTTLE_WAYS * (PGUARD_THROTTLE_WAYS - 1))

/* A lower way that has expired, and what it held. */

typedef struct {
    unsigned        room;               /* how good it is; 0: there is none */
    pguard_pair_t  *way;
    pguard_pair_t   was;
} pguard_throttle_spot_t;


pguard_throttle_t
pguard_throttle_table(pguard_throttle_line_t *line, uint64_t lines)
{
    pguard_throttle_t  t = { line, lines, lines, 0 };

    if (lines >= PGUARD_GROUP * PGUARD_GROUPS) {
        t.group = PGUARD_GROUP;
        t.groups = ~(uint64_t) (PGUARD_GROUP - 1);
        t.lines &= t.groups;
    }

    return t;
}


/* The home is chosen by bits that an entry does not keep, the second line by
   some that it does: so an entry in either line tells its own second line. */

static inline pguard_throttle_line_t *
pguard_throttle_second(const pguard_throttle_t *t,
    const pguard_throttle_line_t *line, uint64_t lo)
{
    return &t->line[((uint64_t) (line - t->line) & t->groups)
                    + pguard_hash_place(lo, t->group)];
}


static inline pguard_throttle_lines_t
pguard_throttle_lines(const pguard_throttle_t *t, pguard_hash_t sig)
{
    pguard_throttle_lines_t  at;

    at.home = &t->line[pguard_hash_place(sig.hi, t->lines)];
    at.second = pguard_throttle_second(t, at.home, sig.lo);

    return at;
}


static pguard_pair_t
pguard_throttle_entry(pguard_hash_t sig, pguard_usec_t expires)
{
    pguard_pair_t  v;

    v.lo = sig.lo;
    v.hi = (sig.hi & ~PGUARD_TIME_MASK) | (expires & PGUARD_TIME_MASK);

    return v;
}


static int
pguard_throttle_same(pguard_pair_t v, pguard_hash_t sig)
{
    return v.lo == sig.lo && ((v.hi ^ sig.hi) & ~PGUARD_TIME_MASK) == 0;
}


/* How long v is still to be remembered; an empty entry has expired. */

static pguard_usec_t
pguard_throttle_left(pguard_pair_t v, pguard_usec_t now)
{
    pguard_usec_t  expires = v.hi & PGUARD_TIME_MASK;

    return expires > now ? expires - now : 0;
}


inline pguard_throttle_lines_t
pguard_throttle_prefetch(const pguard_throttle_t *t, pguard_hash_t sig)
{
    pguard_throttle_lines_t  at = pguard_throttle_lines(t, sig);

    pguard_prefetch(at.home);
    pguard_prefetch(at.second);

    return at;
}


/* The time that sig is still remembered among the lower ways of line. */

static PGUARD_APART pguard_usec_t
pguard_throttle_search(const pguard_throttle_line_t *line, pguard_hash_t sig,
    pguard_usec_t now)
{
    unsigned       i;
    pguard_pair_t  v;
    pguard_usec_t  left;

    for (i = 1; i < PGUARD_THROTTLE_WAYS; i++) {

        if (pguard_load(&line->way[i].lo) != sig.lo) {
            continue;
        }

        v = pguard_pair_read(&line->way[i]);

        if (pguard_throttle_same(v, sig)) {
            left = pguard_throttle_left(v, now);

            if (left) {
                return left;
            }
        }
    }

    return 0;
}


/* May one of the lower ways of line be sig?  Mostly none is. */

static inline int
pguard_throttle_hint(const pguard_throttle_line_t *line, pguard_hash_t sig)
{
    _Static_assert(PGUARD_THROTTLE_WAYS == 4, "each way is looked at");

    return pguard_load(&line->way[1].lo) == sig.lo
           || pguard_load(&line->way[2].lo) == sig.lo
           || pguard_load(&line->way[3].lo) == sig.lo;
}


/* The lower way of line that expires first, if it does so before *least. */

static void
pguard_throttle_oldest(pguard_throttle_line_t *line, pguard_usec_t now,
    pguard_usec_t *least, pguard_pair_t **way, pguard_pair_t *was)
{
    unsigned       i;
    pguard_pair_t  v;
    pguard_usec_t  left;

    for (i = 1; i < PGUARD_THROTTLE_WAYS && *least; i++) {
        v = pguard_pair_read(&line->way[i]);
        left = pguard_throttle_left(v, now);

        if (left < *least) {
            *least = left;
            *way = &line->way[i];
            *was = v;
        }
    }
}


/* Has another process kept head by now? */

static int
pguard_throttle_kept(const pguard_throttle_line_t *line, pguard_pair_t head)
{
    unsigned       i;
    pguard_pair_t  v;

    for (i = 1; i < PGUARD_THROTTLE_WAYS; i++) {
        v = pguard_pair_read(&line->way[i]);

        if (v.lo == head.lo && v.hi == head.hi) {
            return 1;
        }
    }

    return 0;
}


/* Where line has room for a copy: the more, the fewer of its lower ways hold
   one that has come to its second line, and stays until it expires. */

static pguard_throttle_spot_t
pguard_throttle_spot(const pguard_throttle_t *t, pguard_throttle_line_t *line,
    pguard_usec_t now)
{
    unsigned                i, stay, expired;
    pguard_pair_t           v;
    pguard_throttle_spot_t  spot = { 0, NULL, { 0, 0 } };

    stay = 0;
    expired = 0;

    for (i = PGUARD_THROTTLE_WAYS - 1; i > 0; i--) {
        v = pguard_pair_read(&line->way[i]);

        if (pguard_throttle_left(v, now) == 0) {
            expired++;
            spot.way = &line->way[i];
            spot.was = v;

        } else if (pguard_throttle_second(t, line, v.lo) == line) {
            stay++;
        }
    }

    if (expired) {
        spot.room = PGUARD_THROTTLE_WAYS * (PGUARD_THROTTLE_WAYS - 1 - stay)
                    + expired;
    }

    return spot;
}


/* Finds a lower way in line, that has no room, for a copy of v: by copying one
   that is at home there to its second line (which may have to make room in the
   same manner), or in v's own second line.  1, or 0 to start again, or -1 if
   there is none. */

static int
pguard_throttle_move(const pguard_throttle_t *t, pguard_throttle_line_t *line,
    pguard_pair_t v, pguard_usec_t now, unsigned moves)
{
    int                      rc;
    unsigned                 i, goes;
    pguard_pair_t            copy[PGUARD_THROTTLE_WAYS];
    pguard_throttle_line_t  *second[PGUARD_THROTTLE_WAYS];
    pguard_throttle_spot_t   spot, best = { 0, NULL, { 0, 0 } };

    /* v itself takes the place of the head here, that is not moved; each line
       is read from memory, so all are on their way before one is looked at */

    for (i = 0; i < PGUARD_THROTTLE_WAYS; i++) {
        copy[i] = i ? pguard_pair_read(&line->way[i]) : v;
        second[i] = pguard_throttle_second(t, line, copy[i].lo);
        pguard_prefetch(second[i]);
    }

    goes = 0;

    for (i = 0; i < PGUARD_THROTTLE_WAYS && best.room < PGUARD_ROOMY; i++) {

        if (second[i] == line) {
            continue;
        }

        spot = pguard_throttle_spot(t, second[i], now);

        if (spot.room > best.room) {
            best = spot;
            goes = i;
        }
    }

    rc = -1;

    if (best.room) {
        rc = pguard_pair_cas(best.way, &best.was, copy[goes]);

    } else if (moves) {

        for (i = 0; i < PGUARD_THROTTLE_WAYS && rc == -1; i++) {

            if (second[i] != line) {
                rc = pguard_throttle_move(t, second[i], copy[i], now,
                                          moves - 1);
                goes = i;
            }
        }
    }

    if (rc != 1 || goes == 0) {
        return rc;
    }

    return pguard_pair_cas(&line->way[goes], &copy[goes], v);
}


/* Step 3.  1 if head is kept in a lower way now, 0 to start again.  Its second
   line is mostly far, so it is looked at only where there is no room at home:
   should head be kept there already, it is there twice. */

static PGUARD_APART int
pguard_throttle_keep(const pguard_throttle_t *t, pguard_throttle_line_t *home,
    pguard_pair_t head, pguard_usec_t now, unsigned *evicted)
{
    int                      rc;
    pguard_pair_t           *way, was;
    pguard_usec_t            least;
    pguard_throttle_spot_t   spot;
    pguard_throttle_line_t  *second;

    if (pguard_throttle_kept(home, head)) {
        return 1;
    }

    spot = pguard_throttle_spot(t, home, now);

    if (spot.room) {
        return pguard_pair_cas(spot.way, &spot.was, head);
    }

    second = pguard_throttle_second(t, home, head.lo);

    if (pguard_throttle_kept(second, head)) {
        return 1;
    }

    rc = pguard_throttle_move(t, home, head, now, PGUARD_MOVES - 1);

    if (rc != -1) {
        return rc;
    }

    way = NULL;
    was = head;
    least = UINT64_MAX;

    pguard_throttle_oldest(home, now, &least, &way, &was);
    pguard_throttle_oldest(second, now, &least, &way, &was);

    if (!pguard_pair_cas(way, &was, head)) {
        return 0;
    }

    *evicted += least > 0;

    return 1;
}


/* pguard_throttle_ask(), whatever is there. */

static PGUARD_APART pguard_throttle_result_t
pguard_throttle_any(const pguard_throttle_t *t, pguard_throttle_lines_t at,
    pguard_hash_t sig, pguard_pair_t set, pguard_usec_t now)
{
    unsigned                   tries;
    pguard_pair_t              head;
    pguard_throttle_result_t   result = { 0, 0, 0 };

    for (tries = 0; tries < PGUARD_TRIES; tries++) {

        head = pguard_pair_read(&at.home->way[0]);

        if (pguard_throttle_same(head, sig)) {
            result.wait = pguard_throttle_left(head, now);

        } else if (pguard_throttle_hint(at.home, sig)
                   || pguard_throttle_hint(at.second, sig))
        {
            result.wait = pguard_throttle_search(at.home, sig, now);

            if (result.wait == 0) {
                result.wait = pguard_throttle_search(at.second, sig, now);
            }
        }

        if (result.wait) {
            return result;
        }

        if (pguard_throttle_left(head, now)
            && !pguard_throttle_keep(t, at.home, head, now, &result.evicted))
        {
            continue;
        }

        if (pguard_pair_cas(&at.home->way[0], &head, set)) {
            break;
        }
    }

    /* each try lost means that another process admitted something here:
       after so many of them this one has waited enough */

    result.admitted = 1;

    return result;
}


/* In most calls, the head is sig, or the head has expired and nothing else in
   the two lines can be sig: these two cases need no loop. */

pguard_throttle_result_t
pguard_throttle_ask(const pguard_throttle_t *t, pguard_throttle_lines_t at,
    pguard_hash_t sig, pguard_usec_t now, pguard_usec_t interval)
{
    pguard_pair_t              head, set;
    pguard_throttle_result_t   result = { 0, 0, 0 };

    head = pguard_pair_read(&at.home->way[0]);
    result.wait = pguard_throttle_left(head, now);

    if (result.wait && pguard_throttle_same(head, sig)) {
        return result;
    }

    set = pguard_throttle_entry(sig, now + interval);

    result.admitted = result.wait == 0
                      && head.lo != sig.lo
                      && !pguard_throttle_hint(at.home, sig)
                      && !pguard_throttle_hint(at.second, sig)
                      && pguard_pair_cas(&at.home->way[0], &head, set);

    return result.admitted ? result : pguard_throttle_any(t, at, sig, set, now);
}


static int
pguard_throttle_replace(pguard_throttle_line_t *line, pguard_pair_t was,
    pguard_pair_t set)
{
    unsigned       i;
    pguard_pair_t  v;

    for (i = 0; i < PGUARD_THROTTLE_WAYS; i++) {
        v = was;

        if (pguard_pair_cas(&line->way[i], &v, set)) {
            return 1;
        }
    }

    return 0;
}


void
pguard_throttle_correct(const pguard_throttle_t *t, pguard_hash_t sig,
    pguard_usec_t then, pguard_usec_t interval, pguard_usec_t wait)
{
    pguard_pair_t            was, set;
    pguard_throttle_lines_t  at;

    at = pguard_throttle_lines(t, sig);
    was = pguard_throttle_entry(sig, then + interval);
    set = pguard_throttle_entry(sig, then + wait);

    if (!pguard_throttle_replace(at.home, was, set)) {
        (void) pguard_throttle_replace(at.second, was, set);
    }
}


uint64_t
pguard_throttle_entries(const pguard_throttle_t *t, pguard_usec_t now)
{
    unsigned       i;
    uint64_t       n, step, seen, found;

    step = (t->lines + PGUARD_SAMPLE - 1) / PGUARD_SAMPLE;
    seen = 0;
    found = 0;

    for (n = 0; n < t->lines; n += step) {
        seen++;

        for (i = 0; i < PGUARD_THROTTLE_WAYS; i++) {
            found += pguard_throttle_left(pguard_pair_read(&t->line[n].way[i]),
                                          now)
                     != 0;
        }
    }

    return seen ? found * t->lines / seen : 0;
}
