/*
 * The ledger of one SLA indicator: see pguard_ledger.h.
 *
 * Every word that is counted in carries its month in the upper 12 bits.  A
 * worker that comes to a word of an earlier month replaces it, tag and count
 * in one compare-and-swap; one of its own month, it adds to; one of a later
 * month, it leaves alone.  So a new month needs no clearing and no lock, there
 * is no instant between two months, and who dies does so before or after the
 * one instruction that counts.
 *
 * A late worker cannot count into a wrong month: the swap fails if the tag has
 * changed, and between the look at the tag and the addition that follows, the
 * tag would have to change.  Only a request two months younger does that to a
 * slot (the banks take turns), sixteen months younger to a total, and it would
 * have to come while this worker stands between two instructions.
 * pguard_ledger_sweep() writes 0 over words of the future: an addition to such
 * a word gives one with no month, which counts for nothing and is replaced.
 */

#include "pguard_ledger.h"
#include "pguard_atomic.h"
#include "pguard_reason.h"

#include <string.h>


#define PGUARD_LEDGER_MAGIC    0x3172656764656c70ULL    /* "pledger1" */

#define PGUARD_LEDGER_DAYS     32          /* zones have had longer months */

#define PGUARD_WORD_MONTH      52          /* shift of the tag */
#define PGUARD_SLOT_FAILED     26

/* So many workers may have seen the same room left, and each adds one. */

#define PGUARD_WORD_ROOM       65536

#define pguard_align(n, a)     (((n) + ((a) - 1)) & ~((size_t) (a) - 1))


typedef struct {
    uint64_t                month;         /* 0: none, or being written */
    uint64_t                counted;
    uint64_t                min_requests;
    uint64_t                down_ppm;
} pguard_judged_t;

typedef struct {
    uint64_t                word[PGUARD_CELLS];
} __attribute__((aligned(64))) pguard_total_t;

struct pguard_ledger_memory_s {
    uint64_t                magic;
    uint64_t                size;
    uint64_t                identity;
    uint64_t                slice;
    uint64_t                entries;
    uint64_t                since;
    uint64_t                newest;
    uint64_t                late;
    pguard_total_t          ever;          /* untagged */
    pguard_total_t          total[PGUARD_LEDGER_RING];
    pguard_judged_t         judged[PGUARD_LEDGER_RING];
    pguard_outage_ends_t    ends;
};

typedef struct {
    size_t                  entries;
    size_t                  bits;
    size_t                  banks;
    size_t                  end;
} pguard_ledger_places_t;


static void pguard_ledger_places(uint64_t slice, uint64_t entries,
    pguard_ledger_places_t *p);
static int pguard_ledger_enter(pguard_ledger_t *l, uint64_t now);
static int pguard_ledger_add(uint64_t *p, pguard_month_t month,
    unsigned shift, uint64_t max, uint64_t n);
static void pguard_ledger_sweep(pguard_ledger_t *l, pguard_month_t now);
static void pguard_ledger_close(pguard_ledger_t *l, pguard_month_t month,
    pguard_month_t now, const pguard_down_rule_t *rule);
static void pguard_ledger_live(const pguard_ledger_t *l,
    const pguard_month_span_t *span, uint64_t now,
    const pguard_down_rule_t *rule, unsigned char *bits);
static uint64_t pguard_ledger_over(const pguard_month_span_t *span,
    uint64_t slice, uint64_t slots, uint64_t now);


uint64_t
pguard_ledger_slots(uint64_t slice)
{
    return (PGUARD_LEDGER_DAYS * 86400 + slice - 1) / slice;
}


size_t
pguard_ledger_bits_size(uint64_t slice)
{
    return pguard_align((size_t) (pguard_ledger_slots(slice) + 7) / 8, 64);
}


static void
pguard_ledger_places(uint64_t slice, uint64_t entries,
    pguard_ledger_places_t *p)
{
    p->entries = pguard_align(sizeof(pguard_ledger_memory_t), 64);
    p->bits = pguard_align(p->entries
                           + (size_t) entries * sizeof(pguard_outage_entry_t),
                           64);
    p->banks = p->bits + PGUARD_LEDGER_RING * pguard_ledger_bits_size(slice);
    p->end = pguard_align(p->banks + 2 * (size_t) pguard_ledger_slots(slice)
                                     * sizeof(uint64_t), 64);
}


size_t
pguard_ledger_size(uint64_t slice, uint64_t entries)
{
    pguard_ledger_places_t  p;

    pguard_ledger_places(slice, entries, &p);

    return p.end;
}


void
pguard_ledger_create(void *memory, uint64_t slice, uint64_t entries,
    uint64_t identity)
{
    pguard_ledger_memory_t  *m = memory;

    m->size = pguard_ledger_size(slice, entries);
    m->identity = identity;
    m->slice = slice;
    m->entries = entries;

    pguard_store(&m->magic, PGUARD_LEDGER_MAGIC);
}


int
pguard_ledger_open(pguard_ledger_t *l, void *memory, size_t size,
    uint64_t identity, const pguard_tz_t *tz)
{
    unsigned char           *base = memory;
    pguard_ledger_memory_t  *m = memory;
    pguard_ledger_places_t   p;

    if (size < sizeof(pguard_ledger_memory_t)
        || pguard_load(&m->magic) != PGUARD_LEDGER_MAGIC
        || m->identity != identity || m->size > size)
    {
        return -1;
    }

    pguard_ledger_places(m->slice, m->entries, &p);

    if (p.end != m->size) {
        return -1;
    }

    memset(l, 0, sizeof(pguard_ledger_t));

    l->memory = m;
    l->tz = tz;
    l->slice = m->slice;
    l->slots = pguard_ledger_slots(m->slice);
    l->bits = base + p.bits;
    l->bits_size = pguard_ledger_bits_size(m->slice);
    l->bank[0] = (uint64_t *) (void *) (base + p.banks);
    l->bank[1] = l->bank[0] + l->slots;

    l->log.entry = (pguard_outage_entry_t *) (void *) (base + p.entries);
    l->log.entries = m->entries;
    l->log.ends = &m->ends;

    return 0;
}


unsigned
pguard_ledger_cell(pguard_sla_e class, pguard_reason_e reason)
{
    const pguard_reason_t  *why;

    why = pguard_reason(reason);

    if (why && why->sla == class) {
        return PGUARD_CELL_REASON + reason;
    }

    switch (class) {

    case PGUARD_SLA_GOOD:
        return PGUARD_CELL_GOOD;

    case PGUARD_SLA_IGNORED:
        return PGUARD_CELL_IGNORED;

    default:
        return PGUARD_CELL_FAILED;
    }
}


pguard_sla_e
pguard_cell_class(unsigned cell)
{
    static const pguard_sla_e  classes[] = {
        PGUARD_SLA_GOOD, PGUARD_SLA_FAILED, PGUARD_SLA_IGNORED
    };

    return cell < PGUARD_CELL_REASON
           ? classes[cell] : pguard_reason(cell - PGUARD_CELL_REASON)->sla;
}


uint64_t
pguard_cells_class(const pguard_cells_t *cells, pguard_sla_e class)
{
    unsigned  i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < PGUARD_CELLS; i++) {
        n += pguard_cell_class(i) == class ? cells->cell[i] : 0;
    }

    return n;
}


uint64_t
pguard_cells_sum(const pguard_cells_t *cells)
{
    unsigned  i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < PGUARD_CELLS; i++) {
        n += cells->cell[i];
    }

    return n;
}


void
pguard_ledger_count(pguard_ledger_t *l, uint64_t now, pguard_sla_e class,
    pguard_reason_e reason)
{
    unsigned         cell;
    uint64_t        *bank, i;
    pguard_month_t   month;

    cell = pguard_ledger_cell(class, reason);
    class = pguard_cell_class(cell);

    (void) pguard_add(&l->memory->ever.word[cell], 1);

    if ((now < l->span.start || now >= l->span.end)
        && !pguard_ledger_enter(l, now))
    {
        (void) pguard_add(&l->memory->late, 1);
        return;
    }

    month = l->span.month;

    if (!pguard_ledger_add(
                    &l->memory->total[month % PGUARD_LEDGER_RING].word[cell],
                    month, 0, PGUARD_TOTAL_MAX, 1))
    {
        (void) pguard_add(&l->memory->late, 1);
        return;
    }

    i = (now - l->span.start) / l->slice;

    if (i >= l->slots
        || (class != PGUARD_SLA_GOOD && class != PGUARD_SLA_FAILED))
    {
        return;
    }

    bank = l->bank[month % 2];

    (void) pguard_ledger_add(&bank[i], month,
                             class == PGUARD_SLA_FAILED ? PGUARD_SLOT_FAILED
                                                        : 0,
                             PGUARD_SLOT_MAX, 1);
}


static int
pguard_ledger_enter(pguard_ledger_t *l, uint64_t now)
{
    if (!pguard_month_of(l->tz, now, &l->span)) {
        memset(&l->span, 0, sizeof(l->span));
        return 0;
    }

    pguard_raise(&l->memory->newest, l->span.month);

    return 1;
}


/* 1; 0 if the word is a later month's.  A count that is full stays so. */

static int
pguard_ledger_add(uint64_t *p, pguard_month_t month, unsigned shift,
    uint64_t max, uint64_t n)
{
    uint64_t  was, set, had;

    was = pguard_peek(p);

    for ( ;; ) {
        if (was >> PGUARD_WORD_MONTH > month) {
            return 0;
        }

        if (was >> PGUARD_WORD_MONTH == month) {
            had = (was >> shift) & max;

            if (had < max - PGUARD_WORD_ROOM
                && n <= max - PGUARD_WORD_ROOM - had)
            {
                (void) pguard_add(p, n << shift);
            }

            return 1;
        }

        set = n <= max - PGUARD_WORD_ROOM ? n : max - PGUARD_WORD_ROOM;
        set = (uint64_t) month << PGUARD_WORD_MONTH | set << shift;

        if (__atomic_compare_exchange_n(p, &was, set, 0, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
        {
            return 1;
        }
    }
}


void
pguard_ledger_roll(pguard_ledger_t *l, uint64_t now,
    const pguard_down_rule_t *rule)
{
    unsigned                 i;
    pguard_month_t           m, oldest;
    pguard_month_span_t      span;
    pguard_ledger_memory_t  *memory = l->memory;

    if (!pguard_month_of(l->tz, now, &span)) {
        return;
    }

    if (memory->since == 0 || memory->since > now) {
        memory->since = now;
    }

    /* the month after this one is no sign of a wrong clock: one that is set
       back by a second, at the month's end, has been there */

    if (pguard_peek(&memory->newest) > span.month + 1) {
        pguard_ledger_sweep(l, span.month);
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

    pguard_month_span(l->tz, oldest, &span);
    pguard_outage_expire(&l->log, span.start);
}


static void
pguard_ledger_sweep(pguard_ledger_t *l, pguard_month_t now)
{
    uint64_t                *p, *end, was;
    pguard_ledger_memory_t  *memory = l->memory;

    pguard_store(&memory->newest, now);

    p = memory->total->word;
    end = (uint64_t *) (memory->total + PGUARD_LEDGER_RING);

    for ( ;; ) {
        for ( ; p < end; p++) {
            was = pguard_peek(p);

            if (was >> PGUARD_WORD_MONTH > now + 1) {
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
    pguard_month_t now, const pguard_down_rule_t *rule)
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
pguard_ledger_kept(const pguard_ledger_t *l, pguard_month_t month,
    uint64_t now)
{
    pguard_month_span_t  span;

    return pguard_month_of(l->tz, now, &span) && month && month <= span.month
           && span.month - month < PGUARD_LEDGER_MONTHS;
}


uint64_t
pguard_ledger_since(const pguard_ledger_t *l)
{
    return pguard_peek(&l->memory->since);
}


pguard_month_t
pguard_ledger_newest(const pguard_ledger_t *l)
{
    return (pguard_month_t) pguard_peek(&l->memory->newest);
}


void
pguard_ledger_ever(const pguard_ledger_t *l, pguard_cells_t *cells,
    uint64_t *late)
{
    unsigned  i;

    for (i = 0; i < PGUARD_CELLS; i++) {
        cells->cell[i] = pguard_peek(&l->memory->ever.word[i]);
    }

    *late = pguard_peek(&l->memory->late);
}


void
pguard_ledger_cells(const pguard_ledger_t *l, pguard_month_t month,
    pguard_cells_t *cells)
{
    unsigned               i;
    uint64_t               word;
    const pguard_total_t  *total;

    total = &l->memory->total[month % PGUARD_LEDGER_RING];

    for (i = 0; i < PGUARD_CELLS; i++) {
        word = pguard_peek(&total->word[i]);
        cells->cell[i] = word >> PGUARD_WORD_MONTH == month
                         ? word & PGUARD_TOTAL_MAX : 0;
    }
}


pguard_slot_t
pguard_ledger_slot(const pguard_ledger_t *l, pguard_month_t month, uint64_t i)
{
    uint64_t       word;
    pguard_slot_t  slot = { 0, 0 };

    word = pguard_peek(&l->bank[month % 2][i]);

    if (word >> PGUARD_WORD_MONTH == month) {
        slot.good = (uint32_t) (word & PGUARD_SLOT_MAX);
        slot.failed = (uint32_t) (word >> PGUARD_SLOT_FAILED
                                  & PGUARD_SLOT_MAX);
    }

    return slot;
}


int
pguard_slot_down(pguard_slot_t slot, const pguard_down_rule_t *rule)
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
    uint64_t now, const pguard_down_rule_t *rule, unsigned char *bits)
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
    const pguard_down_rule_t *rule, unsigned char *bits)
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
    uint64_t now, const pguard_down_rule_t *rule, unsigned char *bits)
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

    return l->bits + month % PGUARD_LEDGER_RING * l->bits_size;
}


unsigned char *
pguard_ledger_judge_begin(pguard_ledger_t *l, pguard_month_t month)
{
    unsigned char  *bits;

    bits = l->bits + month % PGUARD_LEDGER_RING * l->bits_size;

    pguard_store(&l->memory->judged[month % PGUARD_LEDGER_RING].month, 0);
    memset(bits, 0, l->bits_size);

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

    pguard_store(&judged->month, j->month);
}


void
pguard_ledger_add_ever(pguard_ledger_t *l, const pguard_cells_t *cells,
    uint64_t late, uint64_t since)
{
    unsigned  i;

    for (i = 0; i < PGUARD_CELLS; i++) {
        (void) pguard_add(&l->memory->ever.word[i], cells->cell[i]);
    }

    (void) pguard_add(&l->memory->late, late);

    if (since && (l->memory->since == 0 || since < l->memory->since)) {
        l->memory->since = since;
    }
}


void
pguard_ledger_add_cells(pguard_ledger_t *l, pguard_month_t month,
    const pguard_cells_t *cells)
{
    unsigned         i;
    pguard_total_t  *total;

    total = &l->memory->total[month % PGUARD_LEDGER_RING];

    for (i = 0; i < PGUARD_CELLS; i++) {
        if (cells->cell[i]) {
            (void) pguard_ledger_add(&total->word[i], month, 0,
                                     PGUARD_TOTAL_MAX, cells->cell[i]);
        }
    }

    pguard_raise(&l->memory->newest, month);
}


void
pguard_ledger_add_slot(pguard_ledger_t *l, pguard_month_t month, uint64_t i,
    pguard_slot_t slot)
{
    uint64_t  *word = &l->bank[month % 2][i];

    if (slot.good) {
        (void) pguard_ledger_add(word, month, 0, PGUARD_SLOT_MAX, slot.good);
    }

    if (slot.failed) {
        (void) pguard_ledger_add(word, month, PGUARD_SLOT_FAILED,
                                 PGUARD_SLOT_MAX, slot.failed);
    }
}
