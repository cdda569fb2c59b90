/*
 * The ledger of one SLA indicator in shared memory.  For this month and the
 * last it keeps what was counted in each slot of time; for these and the twelve
 * before, the requests by class, and which slots were down.
 *
 * Counting takes no lock, and a worker may die anywhere in it.  Time is the
 * wall clock's, in seconds since 1970, and may jump either way.  The memory,
 * which must be zero at first, holds no pointers.
 */

#ifndef PGUARD_LEDGER_H
#define PGUARD_LEDGER_H

#include "pguard.h"
#include "pguard_calendar.h"
#include "pguard_outage.h"


#define PGUARD_SLICE_MIN       1         /* seconds */
#define PGUARD_SLICE_HOURS     1
#define PGUARD_SLICE_MAX       (PGUARD_SLICE_HOURS * 3600)
#define PGUARD_LEDGER_MONTHS   14        /* this, the last, twelve before */
#define PGUARD_LEDGER_RING     16

#define PGUARD_PPM             1000000   /* ratios are in millionths */

#define PGUARD_TOTAL_MAX       ((1ULL << 52) - 1)
#define PGUARD_SLOT_MAX        ((1U << 26) - 1)     /* good, failed each */


/* Each request is counted in exactly one cell: that of its reason, if it was
   refused for one (the reason implies a class), else that of its class. */

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

/* The terms of a month.  A slot is down if at least min_requests were good or
   failed in it (and at least one), and at least down_ppm of these failed. */

typedef struct {
    uint64_t  min_requests;
    uint32_t  down_ppm;                  /* 1 to PGUARD_PPM */
    uint32_t  target_ppm;                /* of availability; 0 in a judgement of
                                            an older release: not known */
} pguard_sla_rule_t;


typedef struct pguard_ledger_memory_s  pguard_ledger_memory_t;

/* Where the requests of a slice of time are counted. */

typedef struct {
    uint64_t                 start;      /* seconds since 1970 */
    uint64_t                 length;     /* seconds; the last slice of a month
                                            may be shorter.  0: no slice */
    uint64_t                 month;      /* shifted as in the words */
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
    unsigned char            shift[PGUARD_CELLS];   /* where in a slot's word a
                                                       cell is counted */
} pguard_ledger_t;


/* Bytes of a ledger, a multiple of 64: 0.9 MB for a slice of a minute and 128
   entries.  slice: PGUARD_SLICE_MIN to PGUARD_SLICE_MAX, seconds; entries: of
   the log of outages, 1 or more. */
size_t pguard_ledger_size(uint64_t slice, uint64_t entries);

/* The slots of the longest month, and the bytes of a bit map with one bit for
   each. */
uint64_t pguard_ledger_slots(uint64_t slice);
size_t pguard_ledger_bits_size(uint64_t slice);

/*
 * Lays out zeroed memory, aligned to 64, of pguard_ledger_size() bytes.
 * identity: a hash of the indicator's name, slice and time zone, so that no
 * ledger is taken for another one.
 */
void pguard_ledger_create(void *memory, uint64_t slice, uint64_t entries,
    uint64_t identity);

/* tz stays the caller's, and must live as long as *l.  0, or -1 if the memory
   holds another ledger, or one of another layout. */
int pguard_ledger_open(pguard_ledger_t *l, void *memory, size_t size,
    uint64_t identity, const pguard_tz_t *tz);

/* The cell of a request.  reason: NONE unless the request was refused for it.
   Only a reason can exclude a request: one of class EXCLUDED whose reason does
   not exclude it is counted as failed.  O(1). */
unsigned pguard_ledger_cell(pguard_sla_e class, pguard_reason_e reason);

/* The class of a cell; the requests of a class, and of all cells. */
pguard_sla_e pguard_cell_class(unsigned cell);
uint64_t pguard_cells_class(const pguard_cells_t *cells, pguard_sla_e class);
uint64_t pguard_cells_sum(const pguard_cells_t *cells);

/* Counts one request that ended at now, in this cell.  Lock-free, O(1): three
   additions. */
void pguard_ledger_count(pguard_ledger_t *l, uint64_t now, unsigned cell);

/*
 * Housekeeping, by one process at a time (caller holds a lock): at the start,
 * before any count, and every few seconds.  Judges the months that are over by
 * the rule in force then, once and for all; drops what was counted in months to
 * come while the clock was ahead; forgets outages of months no longer kept.
 * What was there before a clock was set months back, or ahead, is given up only
 * when it has gone on so for a day, as it may be set right before that.
 * O(1); O(slots) when a month is judged or dropped.
 */
void pguard_ledger_roll(pguard_ledger_t *l, uint64_t now,
    const pguard_sla_rule_t *rule);

/* Is the month among those kept at now, and not in the future? */
int pguard_ledger_kept(const pguard_ledger_t *l, pguard_month_t month,
    uint64_t now);

/* The rule of a month: that by which it was judged, or else this one. */
pguard_sla_rule_t pguard_ledger_rule(const pguard_ledger_t *l,
    pguard_month_t month, const pguard_sla_rule_t *rule);

/* When counting began; 0 before the first pguard_ledger_roll(). */
uint64_t pguard_ledger_since(const pguard_ledger_t *l);

/* Requests of all time, which only grow: for metrics.  *late: those among them
   that were counted in no month, because the month of their time was no longer
   kept. */
void pguard_ledger_ever(const pguard_ledger_t *l, pguard_cells_t *cells,
    uint64_t *late);

/* Requests of a month: all 0 if it is not kept.  O(1). */
void pguard_ledger_cells(const pguard_ledger_t *l, pguard_month_t month,
    pguard_cells_t *cells);

/* Slot i (less than l->slots) of this month or the last; zero if nothing was
   counted in it, or if another month has its place by now. */
pguard_slot_t pguard_ledger_slot(const pguard_ledger_t *l,
    pguard_month_t month, uint64_t i);

/*
 * Which slots of a month are down, into bits_size bytes: bit i % 8 of byte
 * i / 8 is slot i.  A slot that is not over at now is not judged yet.  A month
 * judged by pguard_ledger_roll() keeps that judgement; caller holds its lock.
 */
void pguard_ledger_bits(const pguard_ledger_t *l,
    const pguard_month_span_t *span, uint64_t now,
    const pguard_sla_rule_t *rule, unsigned char *bits);

/* The same for slots in plain memory, e.g. added up over gateways.  bits:
   pguard_ledger_bits_size() bytes. */
void pguard_slots_bits(const pguard_slot_t *slot, uint64_t slots,
    uint64_t slice, const pguard_month_span_t *span, uint64_t now,
    const pguard_sla_rule_t *rule, unsigned char *bits);

/* 1: the slot is down by this rule; else 0. */
int pguard_slot_down(pguard_slot_t slot, const pguard_sla_rule_t *rule);


/* For what a state file brings back: additions to a ledger that has counted
   nothing of it yet.  Caller holds the lock. */

typedef struct {
    pguard_month_t       month;          /* 0: not judged */
    uint64_t             counted;        /* requests, when it was judged */
    pguard_sla_rule_t    rule;
} pguard_judgement_t;

/* To the requests of all time, with late and since as they were; to those of a
   month by cell; to one of its slots (i: less than l->slots). */
void pguard_ledger_add_ever(pguard_ledger_t *l, const pguard_cells_t *cells,
    uint64_t late, uint64_t since);
void pguard_ledger_add_cells(pguard_ledger_t *l, pguard_month_t month,
    const pguard_cells_t *cells);
void pguard_ledger_add_slot(pguard_ledger_t *l, pguard_month_t month,
    uint64_t i, pguard_slot_t slot);

/* The judgement of a month in *j, and its bits; NULL if there is none. */
const unsigned char *pguard_ledger_judgement(const pguard_ledger_t *l,
    pguard_month_t month, pguard_judgement_t *j);

/* Writes a judgement, in two steps: begin gives l->bits_size zero bytes, in
   which the caller sets the bits; end makes the judgement hold. */
unsigned char *pguard_ledger_judge_begin(pguard_ledger_t *l,
    pguard_month_t month);
void pguard_ledger_judge_end(pguard_ledger_t *l, const pguard_judgement_t *j);

/* The latest month that has been counted in; and that by a clock that went on
   for an hour without a step, or by what was brought back: 0 if there is none. */
pguard_month_t pguard_ledger_newest(const pguard_ledger_t *l);
pguard_month_t pguard_ledger_sure(const pguard_ledger_t *l);


#endif /* PGUARD_LEDGER_H */
