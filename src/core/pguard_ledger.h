/*
 * The ledger of one SLA indicator in shared memory: for this month and the
 * last, what was counted in each slot of time; for these and the twelve
 * before, the requests by class, and which slots were down.
 *
 * Counting takes no lock, and a worker may die anywhere in it.  Time is the
 * wall clock's, in seconds since 1970, and may jump either way.  No pointer is
 * kept in the memory, which must be zero at first.
 */

#ifndef PGUARD_LEDGER_H
#define PGUARD_LEDGER_H

#include "pguard.h"
#include "pguard_calendar.h"
#include "pguard_outage.h"


#define PGUARD_SLICE_MIN       1         /* seconds */
#define PGUARD_SLICE_MAX       3600
#define PGUARD_LEDGER_MONTHS   14        /* this, the last, twelve before */
#define PGUARD_LEDGER_RING     16

#define PGUARD_PPM             1000000   /* ratios are in millionths */

#define PGUARD_TOTAL_MAX       ((1ULL << 52) - 1)
#define PGUARD_SLOT_MAX        ((1U << 26) - 1)     /* good, failed each */


/* Where a request is counted: each in exactly one cell.  Those of a reason
   belong to the class that the reason implies. */

enum {
    PGUARD_CELL_GOOD = 0,
    PGUARD_CELL_FAILED,
    PGUARD_CELL_IGNORED,
    PGUARD_CELL_REASON,
    PGUARD_CELLS = PGUARD_CELL_REASON + PGUARD_REASONS
};

typedef struct {
    uint64_t  cell[PGUARD_CELLS];
} pguard_cells_t;

typedef struct {
    uint32_t  good;
    uint32_t  failed;
} pguard_slot_t;

/* When a slot is down: at least min_requests good or failed ones (and at
   least one), of which at least down_ppm failed. */

typedef struct {
    uint64_t  min_requests;
    uint32_t  down_ppm;                  /* 1 to PGUARD_PPM */
} pguard_down_rule_t;


typedef struct pguard_ledger_memory_s  pguard_ledger_memory_t;

/* Where what comes in a slice is counted. */

typedef struct {
    uint64_t                 start;      /* seconds since 1970 */
    uint64_t                 length;     /* 0: no slice; the last of a month
                                            may be shorter than others */
    uint64_t                 month;      /* as words have it */
    uint64_t                *total;      /* [PGUARD_CELLS], of the month */
    uint64_t                *slot;       /* NULL: the month has no more */
} pguard_ledger_slice_t;

/* A process's view, made by pguard_ledger_open(). */

typedef struct {
    pguard_ledger_memory_t  *memory;
    uint64_t                *bank[2];    /* [slots], by parity of the month */
    unsigned char           *bits;       /* [PGUARD_LEDGER_RING] of bits_size */
    pguard_outage_log_t      log;
    const pguard_tz_t       *tz;
    uint64_t                 slice;      /* seconds */
    uint64_t                 slots;      /* of a month, at most */
    size_t                   bits_size;
    pguard_ledger_slice_t    last;       /* of the last count */
    unsigned char            shift[PGUARD_CELLS];   /* of a cell, in a slot */
} pguard_ledger_t;


/* Bytes of a ledger, a multiple of 64: 0.9 MB for a slice of a minute and 128
   entries.  slice: PGUARD_SLICE_MIN to PGUARD_SLICE_MAX, seconds; entries: of
   the log of outages, 1 to PGUARD_OUTAGE_ENTRIES_MAX. */
size_t pguard_ledger_size(uint64_t slice, uint64_t entries);

/* Slots of the longest month; the bytes of a bit for each. */
uint64_t pguard_ledger_slots(uint64_t slice);
size_t pguard_ledger_bits_size(uint64_t slice);

/*
 * Lays out zeroed memory, aligned to 64, of pguard_ledger_size() bytes.
 * identity: any number that changes with the indicator's name, slice and time
 * zone, so that no ledger is taken for another one.
 */
void pguard_ledger_create(void *memory, uint64_t slice, uint64_t entries,
    uint64_t identity);

/* tz stays the caller's, and must live as long as *l.  0, or -1 if the memory
   holds another ledger, or one of another layout. */
int pguard_ledger_open(pguard_ledger_t *l, void *memory, size_t size,
    uint64_t identity, const pguard_tz_t *tz);

/* The cell of a request, and the class of a cell.  reason: NONE unless the
   request was refused for it.  Nothing is excluded without a reason that
   excludes: what claims to be counts as failed.  O(1). */
unsigned pguard_ledger_cell(pguard_sla_e class, pguard_reason_e reason);
pguard_sla_e pguard_cell_class(unsigned cell);
uint64_t pguard_cells_class(const pguard_cells_t *cells, pguard_sla_e class);
uint64_t pguard_cells_sum(const pguard_cells_t *cells);

/* Counts one request that ended at now, in this cell.  Lock-free, O(1): three
   additions. */
void pguard_ledger_count(pguard_ledger_t *l, uint64_t now, unsigned cell);

/*
 * Housekeeping, by one process at a time (caller holds a lock): at the start,
 * before any count, and every few seconds.  Judges the months that are over by
 * the rule in force, once for all; drops what a clock that was ahead has
 * counted in months to come; forgets outages of months no longer kept.  What
 * was there before a clock was set months back, or ahead, is given up only
 * when it has gone on so for a day, for it may be set right before that.
 * O(1), O(slots) when there is such a month.
 */
void pguard_ledger_roll(pguard_ledger_t *l, uint64_t now,
    const pguard_down_rule_t *rule);

/* Is the month among those kept at now, and not in the future? */
int pguard_ledger_kept(const pguard_ledger_t *l, pguard_month_t month,
    uint64_t now);

/* When counting began; 0 before the first pguard_ledger_roll(). */
uint64_t pguard_ledger_since(const pguard_ledger_t *l);

/* Requests of all time, which only grow: for metrics.  late: those among them
   whose month, by the clock they came with, was no longer kept. */
void pguard_ledger_ever(const pguard_ledger_t *l, pguard_cells_t *cells,
    uint64_t *late);

/* Requests of a month: all 0 if it is not kept.  O(1). */
void pguard_ledger_cells(const pguard_ledger_t *l, pguard_month_t month,
    pguard_cells_t *cells);

/* A slot of this month or the last: zero if it has been given up.  i: less
   than l->slots. */
pguard_slot_t pguard_ledger_slot(const pguard_ledger_t *l,
    pguard_month_t month, uint64_t i);

/*
 * Which slots of a month are down, into bits_size bytes: bit i % 8 of byte
 * i / 8 is slot i.  A slot that is not over at now is not judged yet.  A month
 * judged by pguard_ledger_roll() keeps that judgement; caller holds its lock.
 */
void pguard_ledger_bits(const pguard_ledger_t *l,
    const pguard_month_span_t *span, uint64_t now,
    const pguard_down_rule_t *rule, unsigned char *bits);

/* The same from slots read, or added up over gateways, in plain memory. */
void pguard_slots_bits(const pguard_slot_t *slot, uint64_t slots,
    uint64_t slice, const pguard_month_span_t *span, uint64_t now,
    const pguard_down_rule_t *rule, unsigned char *bits);

int pguard_slot_down(pguard_slot_t slot, const pguard_down_rule_t *rule);


/* What the state file and the store bring back: additions to a ledger that
   has counted nothing of it yet.  Caller holds the lock. */

typedef struct {
    pguard_month_t       month;          /* 0: not judged */
    uint64_t             counted;        /* requests, when it was judged */
    pguard_down_rule_t   rule;
} pguard_judgement_t;

void pguard_ledger_add_ever(pguard_ledger_t *l, const pguard_cells_t *cells,
    uint64_t late, uint64_t since);
void pguard_ledger_add_cells(pguard_ledger_t *l, pguard_month_t month,
    const pguard_cells_t *cells);
void pguard_ledger_add_slot(pguard_ledger_t *l, pguard_month_t month,
    uint64_t i, pguard_slot_t slot);

/* The judgement of a month, and its bits (NULL if there is none). */
const unsigned char *pguard_ledger_judgement(const pguard_ledger_t *l,
    pguard_month_t month, pguard_judgement_t *j);

/* And back: bits_size bytes, zero, to set bits in; then the judgement. */
unsigned char *pguard_ledger_judge_begin(pguard_ledger_t *l,
    pguard_month_t month);
void pguard_ledger_judge_end(pguard_ledger_t *l, const pguard_judgement_t *j);

/* The latest month that has been counted in; and that by a clock that went on
   for an hour without a step, or by what was brought back: 0 if there is none. */
pguard_month_t pguard_ledger_newest(const pguard_ledger_t *l);
pguard_month_t pguard_ledger_sure(const pguard_ledger_t *l);


#endif /* PGUARD_LEDGER_H */
