#include <string.h>

#include "pguard_history.h"


typedef struct {
    pguard_msec_t  length;               /* of a slot */
    unsigned       slots;
    unsigned       first;                /* moment of the ring */
} pguard_span_t;


static const pguard_span_t  pguard_spans[PGUARD_SPANS] = {
    [PGUARD_SPAN_MINUTE] = { 1000, PGUARD_MINUTE_SLOTS, 0 },
    [PGUARD_SPAN_HOUR]   = { 60 * 1000, PGUARD_HOUR_SLOTS,
                             PGUARD_MINUTE_SLOTS + 2 },
    [PGUARD_SPAN_DAY]    = { 15 * 60 * 1000, PGUARD_DAY_SLOTS,
                             PGUARD_MINUTE_SLOTS + PGUARD_HOUR_SLOTS + 4 }
};


#define pguard_span_number(span, now)  ((now) / (span)->length + 1)
#define pguard_span_place(span, n)                                            \
    ((span)->first + (n) % ((span)->slots + 2))


void
pguard_history_sample(pguard_moment_t *moment,
    const uint64_t total[PGUARD_VERDICTS], pguard_msec_t now)
{
    unsigned              i, v;
    uint64_t              n;
    pguard_moment_t      *m;
    const pguard_span_t  *span;

    for (i = 0; i < PGUARD_SPANS; i++) {
        span = &pguard_spans[i];
        n = pguard_span_number(span, now);
        m = &moment[pguard_span_place(span, n)];

        if (pguard_load(&m->number) >= n) {
            continue;
        }

        pguard_store(&m->number, 0);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);

        for (v = 0; v < PGUARD_VERDICTS; v++) {
            pguard_poke(&m->total[v], (uint32_t) total[v]);
        }

        pguard_store(&m->number, n);
    }
}


/* Copies m; the number of its slot, or 0 if it is being written. */

static uint64_t
pguard_moment_copy(const pguard_moment_t *m, uint32_t total[PGUARD_VERDICTS])
{
    unsigned  v;
    uint64_t  n;

    n = pguard_load(&m->number);

    for (v = 0; v < PGUARD_VERDICTS; v++) {
        total[v] = pguard_peek(&m->total[v]);
    }

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return pguard_peek(&m->number) == n ? n : 0;
}


/* The sums as the span begins: the last moment at or before it, or, if counting
   began later, the first one after it.  Copied to total; 0 if there is none. */

static int
pguard_history_base(const pguard_moment_t *moment, const pguard_span_t *span,
    uint64_t first, uint32_t total[PGUARD_VERDICTS])
{
    unsigned  i;
    uint64_t  n, best;
    uint32_t  copy[PGUARD_VERDICTS];

    best = 0;

    for (i = 0; i < span->slots + 2; i++) {
        n = pguard_moment_copy(&moment[span->first + i], copy);

        if (n == 0 || (best && best <= first && (n > first || n < best))
            || (best > first && n > best))
        {
            continue;
        }

        best = n;
        memcpy(total, copy, sizeof(copy));
    }

    return best != 0;
}


/* A sum that seems to go back was read while it was written: nothing then. */

static void
pguard_history_slot(pguard_series_t *series, unsigned slot,
    uint32_t was[PGUARD_VERDICTS], const uint32_t is[PGUARD_VERDICTS])
{
    unsigned  v;
    uint32_t  n;
    uint64_t  all;

    all = 0;

    for (v = 0; v < PGUARD_VERDICTS; v++) {
        n = is[v] - was[v];

        if (n >= 0xff000000) {
            continue;
        }

        series->slot[slot][v] = n;
        series->sum[v] += n;
        all += n;
        was[v] = is[v];
    }

    if (all > series->most) {
        series->most = all;
    }
}


void
pguard_history_read(const pguard_moment_t *moment, pguard_span_e which,
    const uint64_t total[PGUARD_VERDICTS], pguard_msec_t now,
    pguard_series_t *series)
{
    unsigned              i, v;
    uint64_t              last, first, n;
    uint32_t              was[PGUARD_VERDICTS], is[PGUARD_VERDICTS];
    const pguard_span_t  *span;

    span = &pguard_spans[which];
    last = pguard_span_number(span, now);
    first = last < span->slots ? 1 : last - span->slots + 1;

    memset(series, 0, sizeof(pguard_series_t));
    series->slots = span->slots;

    if (!pguard_history_base(moment, span, first, was)) {
        return;
    }

    for (i = 0; i < span->slots - 1; i++) {
        n = last - span->slots + 2 + i;         /* ends slot i */

        if (n > first && n <= last
            && pguard_moment_copy(&moment[pguard_span_place(span, n)], is)
               == n)
        {
            pguard_history_slot(series, i, was, is);
        }
    }

    for (v = 0; v < PGUARD_VERDICTS; v++) {
        is[v] = (uint32_t) total[v];
    }

    pguard_history_slot(series, i, was, is);
}
