/*
 * The method: a log of the requests of a key, of which only the time of the
 * first of every group of k is kept (a mark), in a ring of 12.  The number n
 * of requests seen tells which group is the current one, g = n / k, and how
 * many it holds, c.
 *
 * Never too many.  A group is counted, whole, if its mark lies within the
 * window: all its requests came after its first.  The current group is newer
 * than any other that is counted.  So each request counted is in the window.
 *
 * Never too few by k or more.  Of the requests in the window, only those of
 * the group that the window's beginning cuts are not counted, and of that one
 * the first is outside: k - 1 at most.
 *
 * The limit L is exceeded if c + q k > L for the least such q, and the group q
 * before the current one has its mark in the window; q <= (L - 1) / k + 1.  For
 * the ring to hold it, q <= 11, hence k = ceil(L / 11), and k - 1 < L / 11.
 * A key with L + k or more requests in any window, which is at most
 * 12/11 L + 1 and exactly L + 1 for L <= 11, is always found out, at the
 * request that makes it so.
 *
 * Several processes.  Tag and n change together by compare-and-swap, so every
 * request has its own number, and only the first of a group writes its mark.
 * - A mark that is not written yet (or never: its writer died) is an older
 *   one, of 12 groups before or of the key that had the entry before.  Older
 *   marks count less: still never too many.
 * - The mark takes the time at which its request arrived, read before it is
 *   counted; the window ends at a time read after.  As the second reading is
 *   only of use where the first says "exceeded", it is only made there.
 * - A new key goes to the first free place of its bucket, so processes that
 *   enter the same new key meet there.  To choose a place, a process reads its
 *   head, then its index word again, then looks for the key again; if it then
 *   fails to swap the head, or to write the index word, it chooses anew.  So
 *   two processes that enter the same key make one entry, wherever one of them
 *   is held up.  There may be two only if a place becomes free between their
 *   choices, or if they take places from other keys, for two sources.  As all
 *   look in the same order, one of the two is not found again, with what it
 *   counted.  (If the entry that is found is evicted, the other one is found:
 *   marks in the window are requests in it, so still never too many.)
 * - An entry does not move.  It is taken from a key by compare-and-swap of its
 *   head, tag and count in one: a process that counted just before has counted
 *   for the old key; one that comes after starts again, or counts for the new
 *   key.  Index words only tell where to look; one that is late or lost belongs
 *   to a key that is not found again, and which is idle after its time.
 *
 * Marks are 32 bits, and must not wrap around.  A key that was idle for a
 * window starts anew (its marks are not looked at until L more requests), so
 * the mark consulted is at most L + k requests, with less than a window
 * between two, before now: the unit is chosen so that this is below 2^31.
 */

#include "pguard_window_private.h"


#define PGUARD_TRIES    64
#define PGUARD_SAMPLE   (1 << 13)      /* buckets */
#define PGUARD_IDLE     2              /* s, for what whole seconds hide */


void
pguard_window_rule_init(pguard_window_rule_t *rule, uint64_t limit,
    pguard_msec_t window)
{
    rule->limit = limit;
    rule->window = window;
    rule->group = (limit + PGUARD_WINDOW_MARKS - 2)
                  / (PGUARD_WINDOW_MARKS - 1);
    rule->shift = 0;
    rule->use = (uint32_t) (window / 1000) + PGUARD_IDLE;

    while (((limit + rule->group) * (window + (PGUARD_IDLE + 1) * 1000))
           >> rule->shift >= 1ULL << 31)
    {
        rule->shift++;
    }
}


static int
pguard_window_in(const pguard_window_rule_t *rule, uint32_t mark,
    pguard_msec_t now)
{
    int32_t  age;

    age = (int32_t) ((uint32_t) (now >> rule->shift) - mark);

    return age < (int64_t) (rule->window >> rule->shift);
}


/* The number n of the request among those of e: does it exceed the rule? */

static int
pguard_window_exceeded(const pguard_window_entry_t *e, uint64_t n,
    const pguard_window_rule_t *rule, pguard_msec_t now)
{
    uint64_t  g, c, q;

    if (n < rule->limit) {
        return 0;
    }

    g = n / rule->group;
    c = n % rule->group + 1;
    q = (rule->limit - c) / rule->group + 1;

    return pguard_window_in(rule,
                            pguard_load(&e->mark[(g - q)
                                                 % PGUARD_WINDOW_MARKS]),
                            now);
}


/* Counts group by group, from the current one back; n as above. */

static pguard_window_state_t
pguard_window_state(const pguard_window_entry_t *e, uint64_t n,
    const pguard_window_rule_t *rule, pguard_msec_t now)
{
    uint32_t               mark, age;
    uint64_t               g, i;
    pguard_window_state_t  s = { 0, 0 };

    g = n / rule->group;

    for (i = 0; i <= g && i < PGUARD_WINDOW_MARKS; i++) {
        mark = pguard_load(&e->mark[(g - i) % PGUARD_WINDOW_MARKS]);

        if (!pguard_window_in(rule, mark, now)) {
            break;
        }

        s.count += i ? rule->group : n % rule->group + 1;

        age = (uint32_t) (now >> rule->shift) - mark;
        s.reset = rule->window;

        if ((int32_t) age > 0) {
            s.reset -= (pguard_msec_t) age << rule->shift;
        }
    }

    return s;
}


/* One more request of a key that has an entry and is in use, as most are: what
   pguard_window_enter() does, if it can be done at once; else NULL. */

static inline pguard_window_entry_t *
pguard_window_again(pguard_window_bucket_t *b, uint64_t tag,
    const pguard_window_rule_t *rule, uint32_t now_s, uint64_t *n)
{
    int            i;
    uint32_t       until;
    uint64_t       word;
    pguard_pair_t  head, set;

    for (i = 0; i < PGUARD_WINDOW_WAYS; i++) {
        word = pguard_load(&b->index[i]);

        if (!pguard_window_same_tag(word, tag)) {
            continue;
        }

        /* two loads, which the swap proves to belong together */

        head.lo = pguard_peek(&b->entry[i].head.lo);
        head.hi = pguard_peek(&b->entry[i].head.hi);

        if (head.lo != tag || pguard_window_idle(word, now_s)) {
            return NULL;
        }

        *n = head.hi;
        set.lo = tag;
        set.hi = head.hi + 1;

        if (!pguard_pair_cas(&b->entry[i].head, &head, set)) {
            return NULL;
        }

        until = now_s + rule->use;

        if (pguard_window_later(until, pguard_window_until(word))) {
            (void) pguard_cas(&b->index[i], word,
                              pguard_window_index_word(tag,
                                            pguard_window_source(word),
                                            until));
        }

        return &b->entry[i];
    }

    return NULL;
}


/* Writes the index word of an entry that has just been counted in.  0: it is a
   new one's, and would not be found, for another has written there. */

static int
pguard_window_tell(const pguard_window_place_t *p, uint64_t tag,
    uint16_t source, uint32_t until)
{
    int  told;

    /* never back, were this process held up meanwhile */

    if (p->found && !pguard_window_later(until, pguard_window_until(p->word))) {
        return 1;
    }

    told = pguard_cas(&p->b->index[p->way], p->word,
                      pguard_window_index_word(tag, source, until));

    return told || p->found;
}


/* Has another entered key meanwhile, before the place was chosen, where that
   one would not be found? */

static int
pguard_window_entered(const pguard_windows_t *w, pguard_hash_t key)
{
    pguard_window_place_t  p;

    pguard_window_look(w, key, &p);

    return p.found;
}


/* Gives key an entry, or one more request.  Returns the entry, with the number
   of this request (0 for the first) in *n; NULL if others always were first. */

static pguard_window_entry_t *
pguard_window_enter(const pguard_windows_t *w, pguard_hash_t key,
    uint16_t source, const pguard_window_rule_t *rule, uint32_t now_s,
    uint64_t *n, unsigned *evicted)
{
    uint32_t               until;
    unsigned               tries;
    pguard_pair_t          set;
    pguard_window_place_t  p;

    until = now_s + rule->use;
    set.lo = pguard_window_tag(key);

    for (tries = 0; tries < PGUARD_TRIES; tries++) {

        pguard_window_look(w, key, &p);

        if (p.found) {
            source = pguard_window_source(p.word);

        } else if (!pguard_window_choose(w, key, source, now_s, &p)
                   || pguard_window_entered(w, key))
        {
            continue;
        }

        *n = p.found && !pguard_window_idle(p.word, now_s) ? p.head.hi : 0;
        set.hi = *n + 1;

        if (!pguard_pair_cas(&p.b->entry[p.way].head, &p.head, set)) {
            continue;
        }

        if (!pguard_window_tell(&p, set.lo, source, until)) {
            continue;
        }

        *evicted = !p.found && !pguard_window_idle(p.word, now_s);

        return &p.b->entry[p.way];
    }

    return NULL;
}


/* What is not in the key's first bucket: it is in the second, or new. */

static PGUARD_RARE pguard_window_entry_t *
pguard_window_elsewhere(const pguard_windows_t *w, pguard_hash_t key,
    uint16_t source, const pguard_window_rule_t *rule, uint32_t now_s,
    uint64_t *n, unsigned *evicted)
{
    pguard_window_entry_t  *e;

    e = pguard_window_again(pguard_window_second(w, key),
                            pguard_window_tag(key), rule, now_s, n);

    return e ? e : pguard_window_enter(w, key, source, rule, now_s, n, evicted);
}


/* The second look, at a time read after the requests it counts.  Others may
   have begun groups since n, whose marks are where older ones were: then it
   looks again, as the latest request. */

static int
pguard_window_confirmed(const pguard_window_entry_t *e, uint64_t tag,
    uint64_t n, const pguard_window_rule_t *rule, pguard_msec_t now,
    pguard_clock_pt clock, void *arg, uint64_t *count)
{
    unsigned       tries;
    pguard_pair_t  head;

    for (tries = 0; tries < PGUARD_TRIES; tries++) {

        if (clock) {
            now = clock(arg);
        }

        if (!pguard_window_exceeded(e, n, rule, now)) {
            return 0;
        }

        *count = pguard_window_state(e, n, rule, now).count;
        head = pguard_pair_read(&e->head);

        if (head.lo != tag || head.hi <= n) {
            return 0;
        }

        if ((head.hi - 1) / rule->group == n / rule->group) {

            /* proven, even where a mark on the way is not written yet */

            *count = *count > rule->limit ? *count : rule->limit + 1;
            return 1;
        }

        n = head.hi - 1;
    }

    return 0;
}


/* The request n of an entry that may have exceeded, or begins a group. */

static PGUARD_RARE pguard_window_result_t
pguard_window_judge(pguard_window_entry_t *e, uint64_t tag, uint64_t n,
    const pguard_window_rule_t *rule, pguard_msec_t now,
    pguard_clock_pt clock, void *arg)
{
    pguard_window_result_t  result = { 0, 0, 0, 0 };

    if (n % rule->group == 0) {
        pguard_store(&e->mark[n / rule->group % PGUARD_WINDOW_MARKS],
                     (uint32_t) (now >> rule->shift));

        if (n < rule->limit / 2) {
            return result;
        }

        result.seen = pguard_window_state(e, n, rule, now).count;
    }

    if (!pguard_window_exceeded(e, n, rule, now)) {
        return result;
    }

    result.exceeded = pguard_window_confirmed(e, tag, n, rule, now, clock,
                                              arg, &result.count);
    if (!result.exceeded) {
        result.count = 0;
    }

    return result;
}


/* What most requests are: neither the first of a group, nor too many. */

static inline int
pguard_window_plain(const pguard_window_entry_t *e, uint64_t n,
    const pguard_window_rule_t *rule, pguard_msec_t now)
{
    return n % rule->group != 0 && !pguard_window_exceeded(e, n, rule, now);
}


/* A key that has no entry, or not in its first bucket, or not in use. */

static PGUARD_RARE pguard_window_result_t
pguard_window_add_elsewhere(const pguard_windows_t *w, pguard_hash_t key,
    uint16_t source, const pguard_window_rule_t *rule, pguard_msec_t now,
    pguard_clock_pt clock, void *arg)
{
    uint64_t                n;
    unsigned                evicted;
    pguard_window_entry_t  *e;
    pguard_window_result_t  result = { 0, 0, 0, 0 };

    evicted = 0;

    e = pguard_window_elsewhere(w, key, source, rule,
                                (uint32_t) (now / 1000) + 1, &n, &evicted);

    if (e && !pguard_window_plain(e, n, rule, now)) {
        result = pguard_window_judge(e, pguard_window_tag(key), n, rule, now,
                                     clock, arg);
    }

    result.evicted = evicted;

    return result;
}


pguard_window_result_t
pguard_window_add(pguard_window_bucket_t *home, const pguard_windows_t *w,
    pguard_hash_t key, uint16_t source, const pguard_window_rule_t *rule,
    pguard_msec_t now, pguard_clock_pt clock, void *arg)
{
    uint64_t                 n, tag;
    pguard_window_entry_t   *e;
    pguard_window_result_t   none = { 0, 0, 0, 0 };

    tag = pguard_window_tag(key);
    e = pguard_window_again(home, tag, rule, (uint32_t) (now / 1000) + 1, &n);

    if (e == NULL) {
        return pguard_window_add_elsewhere(w, key, source, rule, now, clock,
                                           arg);
    }

    if (!pguard_window_plain(e, n, rule, now)) {
        return pguard_window_judge(e, tag, n, rule, now, clock, arg);
    }

    return none;
}


pguard_window_state_t
pguard_window_peek(const pguard_windows_t *w, pguard_hash_t key,
    const pguard_window_rule_t *rule, pguard_msec_t now)
{
    pguard_window_place_t  p;
    pguard_window_state_t  none = { 0, 0 };

    pguard_window_look(w, key, &p);

    if (!p.found || p.head.hi == 0
        || pguard_window_idle(p.word, (uint32_t) (now / 1000) + 1))
    {
        return none;
    }

    return pguard_window_state(&p.b->entry[p.way], p.head.hi - 1, rule, now);
}


void
pguard_window_forget(const pguard_windows_t *w, pguard_hash_t key)
{
    unsigned               tries;
    pguard_pair_t          set;
    pguard_window_place_t  p;

    for (tries = 0; tries < PGUARD_TRIES; tries++) {
        pguard_window_look(w, key, &p);

        if (!p.found) {
            return;
        }

        set.lo = p.head.lo;
        set.hi = 0;

        if (pguard_pair_cas(&p.b->entry[p.way].head, &p.head, set)) {
            return;
        }
    }
}


uint64_t
pguard_window_entries(const pguard_windows_t *w, pguard_msec_t now)
{
    int       i;
    uint64_t  n, step, seen, found, word;

    step = (w->buckets + PGUARD_SAMPLE - 1) / PGUARD_SAMPLE;
    seen = 0;
    found = 0;

    for (n = 0; n < w->buckets; n += step) {
        seen++;

        for (i = 0; i < PGUARD_WINDOW_WAYS; i++) {
            word = pguard_peek(&w->bucket[n].index[i]);
            found += !pguard_window_idle(word, (uint32_t) (now / 1000));
        }
    }

    return seen ? found * w->buckets / seen : 0;
}
