/*
 * Months that are over, and which slots were down: see pguard_ledger.h.
 */

#include "pguard_ledger_private.h"

#include <string.h>


#define PGUARD_CLOCK_STEP    3600        /* s between two looks */
#define PGUARD_CLOCK_SURE    3600        /* s without one, ahead of all else; */
#define PGUARD_CLOCK_STEADY  86400       /* to give up what was there before */


static unsigned pguard_ledger_steady(pguard_ledger_memory_t *memory,
    uint64_t now, pguard_month_t month);
static void pguard_ledger_sweep(pguard_ledger_t *l, pguard_month_t last);
static void pguard_ledger_close(pguard_ledger_t *l, pguard_month_t month,
    pguard_month_t now, const pguard_sla_rule_t *rule);
static void pguard_ledger_live(const pguard_ledger_t *l,
    const pguard_month_span_t *span, uint64_t now,
    const pguard_sla_rule_t *rule, unsigned char *bits);
static uint64_t pguard_ledger_over(const pguard_month_span_t *span,
    uint64_t slice, uint64_t slots, uint64_t now);


void
pguard_ledger_roll(pguard_ledger_t *l, uint64_t now,
    const pguard_sla_rule_t *rule)
{
    unsigned                 i, steady;
    pguard_month_t           m, oldest;
    pguard_month_span_t      span;
    pguard_ledger_memory_t  *memory = l->memory;

    if (!pguard_month_of(l->tz, now, &span)) {
        return;
    }

    steady = pguard_ledger_steady(memory, now, span.month);
    m = pguard_ledger_sure(l);
    m = span.month > m ? span.month : m;

    /* the month after this one is no sign of a wrong clock: one that is set
       back by a second, at the month's end, has been there */

    if (pguard_peek(&memory->newest) > m + 1) {
        pguard_ledger_sweep(l, m);
    }

    if (m > span.month + 1) {
        return;
    }

    if (memory->since == 0 || memory->since > now) {
        memory->since = now;
    }

    for (i = 0; i < PGUARD_LEDGER_RING; i++) {
        if (memory->judged[i].month >= span.month) {
            pguard_store(&memory->judged[i].month, 0);
        }
    }

    oldest = span.month > PGUARD_LEDGER_MONTHS
             ? span.month - PGUARD_LEDGER_MONTHS + 1 : 1;

    for (m = oldest; m < span.month; m++) {
        pguard_ledger_close(l, m, span.month, rule);
    }

    if (steady) {
        pguard_month_span(l->tz, oldest, &span);
        pguard_outage_expire(&l->log, span.start);
    }
}


/* A machine may start with any time, and be told the right one later.  Which
   of two is right, none but the one that goes on can tell. */

static unsigned
pguard_ledger_steady(pguard_ledger_memory_t *memory, uint64_t now,
    pguard_month_t month)
{
    uint64_t  step, went;

    step = now > memory->clock ? now - memory->clock : memory->clock - now;

    if (step > PGUARD_CLOCK_STEP) {
        memory->steady = now;

        /* all so far was by a clock that was soon set */

        if (memory->sure == 0 && memory->clock && step > PGUARD_CLOCK_STEADY) {
            memory->since = 0;
        }
    }

    memory->clock = now;

    went = now > memory->steady ? now - memory->steady : 0;

    if (went >= PGUARD_CLOCK_STEADY
        || (went >= PGUARD_CLOCK_SURE && month > memory->sure))
    {
        pguard_store(&memory->sure, month);
    }

    return went >= PGUARD_CLOCK_STEADY;
}


static void
pguard_ledger_sweep(pguard_ledger_t *l, pguard_month_t last)
{
    uint64_t                *p, *end, was;
    pguard_ledger_memory_t  *memory = l->memory;

    pguard_store(&memory->newest, last);

    p = memory->total->word;
    end = (uint64_t *) (memory->total + PGUARD_LEDGER_RING);

    for ( ;; ) {
        for ( ; p < end; p++) {
            was = pguard_peek(p);

            if (was >> PGUARD_WORD_MONTH > last + 1) {
                (void) pguard_cas(p, was, 0);
            }
        }

        if (end == l->bank[1] + l->slots) {
            return;
        }

        p = l->bank[0];
        end = l->bank[1] + l->slots;
    }
}


/* Judges a month that is over, once more if requests of it came in since.
   Older than the last, its slots may be gone: then only if it never was. */

static void
pguard_ledger_close(pguard_ledger_t *l, pguard_month_t month,
    pguard_month_t now, const pguard_sla_rule_t *rule)
{
    pguard_cells_t       cells;
    pguard_judgement_t   j;
    pguard_month_span_t  span;

    pguard_ledger_cells(l, month, &cells);

    if (pguard_ledger_judgement(l, month, &j)) {
        if (month + 1 < now || j.counted == pguard_cells_sum(&cells)) {
            return;
        }

    } else if (pguard_cells_sum(&cells) == 0) {
        return;

    } else {
        j.rule = *rule;
    }

    pguard_month_span(l->tz, month, &span);
    pguard_ledger_live(l, &span, span.end, &j.rule,
                       pguard_ledger_judge_begin(l, month));

    j.month = month;
    j.counted = pguard_cells_sum(&cells);
    pguard_ledger_judge_end(l, &j);
}


int
pguard_slot_down(pguard_slot_t slot, const pguard_sla_rule_t *rule)
{
    uint64_t  counted;

    counted = (uint64_t) slot.good + slot.failed;

    return counted && counted >= rule->min_requests
           && (uint64_t) slot.failed * PGUARD_PPM >= rule->down_ppm * counted;
}


/* How many slots of the month, of which the last may be shorter, are over. */

static uint64_t
pguard_ledger_over(const pguard_month_span_t *span, uint64_t slice,
    uint64_t slots, uint64_t now)
{
    uint64_t  n;

    n = 0;

    if (now >= span->end) {
        n = (span->end - span->start + slice - 1) / slice;

    } else if (now > span->start) {
        n = (now - span->start) / slice;
    }

    return n < slots ? n : slots;
}


static void
pguard_ledger_live(const pguard_ledger_t *l, const pguard_month_span_t *span,
    uint64_t now, const pguard_sla_rule_t *rule, unsigned char *bits)
{
    uint64_t  i, n;

    memset(bits, 0, l->bits_size);
    n = pguard_ledger_over(span, l->slice, l->slots, now);

    for (i = 0; i < n; i++) {
        if (pguard_slot_down(pguard_ledger_slot(l, span->month, i), rule)) {
            bits[i / 8] |= (unsigned char) (1u << i % 8);
        }
    }
}


void
pguard_slots_bits(const pguard_slot_t *slot, uint64_t slots, uint64_t slice,
    const pguard_month_span_t *span, uint64_t now,
    const pguard_sla_rule_t *rule, unsigned char *bits)
{
    uint64_t  i, n;

    memset(bits, 0, pguard_ledger_bits_size(slice));
    n = pguard_ledger_over(span, slice, slots, now);

    for (i = 0; i < n; i++) {
        if (pguard_slot_down(slot[i], rule)) {
            bits[i / 8] |= (unsigned char) (1u << i % 8);
        }
    }
}


void
pguard_ledger_bits(const pguard_ledger_t *l, const pguard_month_span_t *span,
    uint64_t now, const pguard_sla_rule_t *rule, unsigned char *bits)
{
    pguard_judgement_t    j;
    const unsigned char  *judged;

    judged = now < span->end ? NULL
                             : pguard_ledger_judgement(l, span->month, &j);

    if (judged) {
        memcpy(bits, judged, l->bits_size);
        return;
    }

    pguard_ledger_live(l, span, now, rule, bits);
}


const unsigned char *
pguard_ledger_judgement(const pguard_ledger_t *l, pguard_month_t month,
    pguard_judgement_t *j)
{
    const pguard_judged_t  *judged;

    judged = &l->memory->judged[month % PGUARD_LEDGER_RING];
    memset(j, 0, sizeof(pguard_judgement_t));

    if (month == 0 || pguard_load(&judged->month) != month) {
        return NULL;
    }

    j->month = month;
    j->counted = judged->counted;
    j->rule.min_requests = judged->min_requests;
    j->rule.down_ppm = (uint32_t) judged->down_ppm;
    j->rule.target_ppm = (uint32_t) judged->target_ppm;

    return l->bits + month % PGUARD_LEDGER_RING * l->bits_size;
}


pguard_sla_rule_t
pguard_ledger_rule(const pguard_ledger_t *l, pguard_month_t month,
    const pguard_sla_rule_t *rule)
{
    pguard_judgement_t  j;

    if (pguard_ledger_judgement(l, month, &j) == NULL) {
        return *rule;
    }

    if (j.rule.target_ppm == 0) {
        j.rule.target_ppm = rule->target_ppm;
    }

    return j.rule;
}


unsigned char *
pguard_ledger_judge_begin(pguard_ledger_t *l, pguard_month_t month)
{
    unsigned char  *bits;

    bits = l->bits + month % PGUARD_LEDGER_RING * l->bits_size;

    pguard_store(&l->memory->judged[month % PGUARD_LEDGER_RING].month, 0);
    memset(bits, 0, l->bits_size);      /* NOLINT: it is never NULL */

    return bits;
}


void
pguard_ledger_judge_end(pguard_ledger_t *l, const pguard_judgement_t *j)
{
    pguard_judged_t  *judged;

    judged = &l->memory->judged[j->month % PGUARD_LEDGER_RING];

    judged->counted = j->counted;
    judged->min_requests = j->rule.min_requests;
    judged->down_ppm = j->rule.down_ppm;
    judged->target_ppm = j->rule.target_ppm;

    pguard_store(&judged->month, j->month);
}
