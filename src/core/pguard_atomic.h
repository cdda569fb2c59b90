/*
 * Atomics on memory that several processes share.
 *
 * A 128-bit compare-and-swap is what lets a tag and its time, or a tag and
 * its count, change in one step: with two stores a second worker can see the
 * one without the other.  libatomic is no substitute: its fallback locks are
 * private to a process.
 */

#ifndef PGUARD_ATOMIC_H
#define PGUARD_ATOMIC_H

#include <stdint.h>


typedef struct {
    uint64_t  lo;
    uint64_t  hi;
} __attribute__((aligned(16))) pguard_pair_t;


/*
 * Sets *p to set if it holds was.  Returns 1 if it did, else 0 with *was
 * refreshed: in both cases *was is a value that *p truly held at once.
 * A full barrier.  Always writes the cache line.
 */

static inline int
pguard_pair_cas(pguard_pair_t *p, pguard_pair_t *was, pguard_pair_t set)
{
#if defined(__x86_64__)

    unsigned char  done;

    __asm__ __volatile__ ("lock cmpxchg16b %1\n\tsete %0"
                          : "=q" (done), "+m" (*p),
                            "+a" (was->lo), "+d" (was->hi)
                          : "b" (set.lo), "c" (set.hi)
                          : "cc", "memory");
    return done;

#elif defined(__aarch64__)

    uint64_t  lo, hi;
    uint32_t  failed;

    do {
        __asm__ __volatile__ ("ldaxp %0, %1, %2"
                              : "=&r" (lo), "=&r" (hi) : "Q" (*p) : "memory");

        /* a failed comparison stores what it read: only a store that
           succeeds proves that the two halves were read at once */

        int       same = (lo == was->lo && hi == was->hi);
        uint64_t  slo = same ? set.lo : lo;
        uint64_t  shi = same ? set.hi : hi;

        __asm__ __volatile__ ("stlxp %w0, %2, %3, %1"
                              : "=&r" (failed), "=Q" (*p)
                              : "r" (slo), "r" (shi) : "memory");

        if (!failed && !same) {
            was->lo = lo;
            was->hi = hi;
            return 0;
        }

    } while (failed);

    __sync_synchronize();
    return 1;

#else
#error "paas_guard needs a lock-free 128-bit compare-and-swap (amd64, arm64)"
#endif
}


/*
 * A value of *p.  The second half is read before and after the first: were
 * the two from different values, it would have had to change and change back
 * meanwhile.  Entries keep a time there, so that it does not.
 */

static inline pguard_pair_t
pguard_pair_read(const pguard_pair_t *p)
{
    uint64_t       hi;
    pguard_pair_t  v;

    v.hi = __atomic_load_n(&p->hi, __ATOMIC_ACQUIRE);

    for ( ;; ) {
        hi = v.hi;
        v.lo = __atomic_load_n(&p->lo, __ATOMIC_ACQUIRE);
        v.hi = __atomic_load_n(&p->hi, __ATOMIC_ACQUIRE);

        if (v.hi == hi) {
            return v;
        }
    }
}


#define pguard_load(p)        __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define pguard_store(p, v)    __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define pguard_peek(p)        __atomic_load_n(p, __ATOMIC_RELAXED)
#define pguard_poke(p, v)     __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define pguard_add(p, n)      __atomic_fetch_add(p, n, __ATOMIC_RELAXED)

/* Sets *p to set if it holds was.  Returns 1 if it did. */

#define pguard_cas(p, was, set)                                               \
    __sync_bool_compare_and_swap(p, was, set)

#define pguard_prefetch(p)    __builtin_prefetch(p, 1, 3)


/* Raises *p to v, never lowers it. */

static inline void
pguard_raise(uint64_t *p, uint64_t v)
{
    uint64_t  was = pguard_peek(p);

    while (was < v
           && !__atomic_compare_exchange_n(p, &was, v, 0, __ATOMIC_RELEASE,
                                           __ATOMIC_RELAXED))
    { /* again */ }
}


#endif /* PGUARD_ATOMIC_H */
