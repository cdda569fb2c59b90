/*
 * The ledger of one SLA indicator: see pguard_ledger.h.
 *
 * Every word that is counted in carries its month in the upper 12 bits.  A
 * worker that comes to a word of an earlier month replaces it, tag and count
 * in one compare-and-swap; one of its own month, it adds to; one of a later
 * month, it leaves alone.  So a new month needs no clearing and no lock, there
 * is no instant between two months, and a worker that dies does so before or
 * after the one instruction that counts.
 *
 * A late worker cannot count into a wrong month: the swap fails if the tag has
 * changed, and between the look at the tag and the addition that follows, the
 * tag would have to change.  Only a request two months younger does that to a
 * slot (the banks take turns), sixteen months younger to a total, and it would
 * have to come while this worker stands between two instructions.
 * pguard_ledger_roll() writes 0 over words of the future: an addition to such
 * a word gives one with no month, which counts for nothing and is replaced.
 */

#include "pguard_ledger.h"
#include "pguard_ledger_private.h"
#include "pguard_reason.h"

#include <string.h>


#define PGUARD_LEDGER_MAGIC    0x3472656764656c70ULL    /* "pledger4" */

#define PGUARD_LEDGER_DAYS     32          /* zones have had longer months */

#define PGUARD_SLOT_FAILED     26          /* shift of these in a slot */
#define PGUARD_SLOT_NONE       64          /* of what a slot does not count */

/* So many workers may have seen the same room left, and each adds one. */

#define PGUARD_WORD_ROOM       65536

#define pguard_align(n, a)     (((n) + ((a) - 1)) & ~((size_t) (a) - 1))


typedef struct {
    size_t                  entries;
    size_t                  bits;
    size_t                  banks;
    size_t                  end;
} pguard_ledger_places_t;


static void pguard_ledger_places(uint64_t slice, uint64_t entries,
    pguard_ledger_places_t *p);
static unsigned char pguard_ledger_shift(pguard_sla_e class);
static PGUARD_RARE int pguard_ledger_enter(pguard_ledger_t *l, uint64_t now);
static inline int pguard_ledger_add_one(uint64_t *p, uint64_t month,
    unsigned shift, uint64_t max);
static PGUARD_RARE int pguard_ledger_add(uint64_t *p, pguard_month_t month,
    unsigned shift, uint64_t max, uint64_t n);


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
    unsigned                 i;

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

    for (i = 0; i < PGUARD_CELLS; i++) {
        l->shift[i] = pguard_ledger_shift(pguard_cell_class(i));
    }

    return 0;
}


/* In a slot, of a request of this class. */

static unsigned char
pguard_ledger_shift(pguard_sla_e class)
{
    switch (class) {

    case PGUARD_SLA_GOOD:
        return 0;

    case PGUARD_SLA_FAILED:
        return PGUARD_SLOT_FAILED;

    default:
        return PGUARD_SLOT_NONE;
    }
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
pguard_ledger_count(pguard_ledger_t *l, uint64_t now, unsigned cell)
{
    unsigned                shift;
    pguard_ledger_slice_t  *last;

    last = &l->last;

    (void) pguard_add(&l->memory->ever.word[cell], 1);

    /* also where now is before the start */

    if ((now - last->start >= last->length && !pguard_ledger_enter(l, now))
        || !pguard_ledger_add_one(&last->total[cell], last->month, 0,
                                  PGUARD_TOTAL_MAX))
    {
        (void) pguard_add(&l->memory->late, 1);
        return;
    }

    shift = l->shift[cell];

    if (last->slot && shift != PGUARD_SLOT_NONE) {
        (void) pguard_ledger_add_one(last->slot, last->month, shift,
                                     PGUARD_SLOT_MAX);
    }
}


/* Finds the slice of now, and its month.  1; 0 if that is none. */

static PGUARD_RARE int
pguard_ledger_enter(pguard_ledger_t *l, uint64_t now)
{
    uint64_t                i;
    pguard_month_span_t     span;
    pguard_ledger_slice_t  *last;

    last = &l->last;

    if (!pguard_month_of(l->tz, now, &span)) {
        last->length = 0;
        return 0;
    }

    pguard_raise(&l->memory->newest, span.month);

    i = (now - span.start) / l->slice;

    last->start = span.start + i * l->slice;
    last->length = span.end - last->start < l->slice ? span.end - last->start
                                                     : l->slice;
    last->month = (uint64_t) span.month << PGUARD_WORD_MONTH;
    last->total = l->memory->total[span.month % PGUARD_LEDGER_RING].word;
    last->slot = i < l->slots ? &l->bank[span.month % 2][i] : NULL;

    return 1;
}


/* The same as pguard_ledger_add(), mostly without a call. */

static inline int
pguard_ledger_add_one(uint64_t *p, uint64_t month, unsigned shift,
    uint64_t max)
{
    uint64_t  count;

    count = pguard_peek(p) - month;

    if (count >> PGUARD_WORD_MONTH == 0
        && ((count >> shift) & max) < max - PGUARD_WORD_ROOM)
    {
        (void) pguard_add(p, 1ULL << shift);
        return 1;
    }

    return pguard_ledger_add(p, (pguard_month_t) (month >> PGUARD_WORD_MONTH),
                             shift, max, 1);
}


/* 1; 0 if the word is a later month's.  A count that is full stays so. */

static PGUARD_RARE int
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


pguard_month_t
pguard_ledger_sure(const pguard_ledger_t *l)
{
    return (pguard_month_t) pguard_peek(&l->memory->sure);
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
    pguard_raise(&l->memory->sure, month);
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
