/*
 * The figures of a month: availability by time and by requests, in whole
 * seconds and requests, with integer arithmetic throughout.
 *
 *   by time       A = 1 - |union of the outages within the month| / |month|
 *   by requests   good / (good + failed)
 *   raw           good / (good + failed + excluded), as a tool would say that
 *                 takes what the agreement excludes for failures
 *
 * Outages are the slots that were down and the outages that were declared; a
 * second in which they overlap counts once.  Blocked requests never shorten an
 * outage.  Of a month that is not over, the part that has elapsed counts; the
 * projection assumes that the rest will be up.  Of a month that was over before
 * counting began, with nothing in it, nothing is said.
 */

#ifndef PGUARD_FIGURES_H
#define PGUARD_FIGURES_H

#include "pguard.h"
#include "pguard_calendar.h"
#include "pguard_ledger.h"
#include "pguard_outage.h"


#define PGUARD_RATIO_PLACES  9
#define PGUARD_RATIO_ONE     1000000000ULL


typedef struct {
    uint64_t  start;             /* seconds since 1970 */
    uint64_t  end;               /* the first second after */
} pguard_interval_t;

typedef enum {
    PGUARD_TARGET_MET = 0,
    PGUARD_TARGET_MISSED,        /* also said before the month's end, once the
                                    target can't be met any more */
    PGUARD_TARGET_OPEN,          /* the month is not over: not missed yet */
    PGUARD_TARGET_NO_DATA,       /* no request was counted */
    PGUARD_TARGET_NOT_APPLICABLE,
    PGUARD_TARGETS
} pguard_target_e;

extern const pguard_str_t  pguard_target_names[PGUARD_TARGETS];

/* A part of a whole; where the whole is 0, there is no ratio. */

typedef struct {
    uint64_t  part;
    uint64_t  whole;
} pguard_ratio_t;

typedef struct {
    uint64_t  length;            /* seconds; 0: the time zone left the day
                                    out */
    uint64_t  down;
} pguard_figures_day_t;


/* What they are made from. */

typedef struct {
    const pguard_tz_t      *tz;
    pguard_month_span_t     span;
    uint64_t                now;         /* span.start or later */
    uint64_t                since;       /* when counting began; 0: before */
    const unsigned char    *bits;        /* of pguard_ledger_bits() */
    uint64_t                slice;
    const pguard_outage_t  *outage;      /* [outages], by their start */
    size_t                  outages;
    pguard_cells_t          cells;
    uint32_t                target_ppm;  /* 999000: 99.9 % */
    unsigned                applicable;  /* 0 if a condition is not met */
} pguard_figures_in_t;

typedef struct {
    pguard_month_span_t     span;
    uint64_t                as_of;       /* now, or the month's end */
    uint64_t                length;      /* of the month, seconds */
    uint64_t                elapsed;
    uint64_t                down;        /* of these */
    uint64_t                outages;     /* those that overlap or touch are
                                            one */
    uint64_t                longest;     /* seconds within the month */
    pguard_ratio_t          time;        /* up / elapsed */
    pguard_ratio_t          projected;   /* length - down / length */
    uint64_t                by_class[PGUARD_SLA_CLASSES];
    pguard_cells_t          cells;
    pguard_ratio_t          requests;
    pguard_ratio_t          raw;
    uint32_t                target_ppm;
    pguard_target_e         time_target;
    pguard_target_e         requests_target;
    pguard_target_e         raw_target;
    uint64_t                budget;      /* ms of the month that may be down */
    int64_t                 left;        /* ms: negative if overdrawn */
    unsigned                days;
    pguard_figures_day_t    day[PGUARD_MONTH_DAYS];
} pguard_figures_t;


/* O(slots / 8 + runs + outages + days). */
void pguard_figures(pguard_figures_t *f, const pguard_figures_in_t *in);

/*
 * The same for a month of a ledger, at now, by its rule or else by this one: the
 * caller sets tz and applicable of *in; this sets the rest and computes *f.  bits:
 * l->bits_size bytes; outage: room for max outages (there are never more than
 * the log has entries).  Caller holds the lock.  0, or -1 if the month is not
 * kept at now.
 */
int pguard_figures_of(pguard_figures_t *f, pguard_figures_in_t *in,
    const pguard_ledger_t *l, pguard_month_t month, uint64_t now,
    const pguard_sla_rule_t *rule, unsigned char *bits,
    pguard_outage_t *outage, size_t max);

/* The next run of down slots, from slot *pos on (0 at first), cut at the
   month's end: 1, or 0 at the end. */
int pguard_bits_next(const unsigned char *bits, uint64_t slice,
    const pguard_month_span_t *span, uint64_t *pos, pguard_interval_t *run);

/* The seconds of an interval (end 0: still open) before as_of and within the
   month. */
uint64_t pguard_figures_within(const pguard_figures_t *f, uint64_t start,
    uint64_t end);

/* part / whole in 10^9ths, cut off and not rounded: so what misses a target
   never looks as if it met it.  whole is not 0. */
uint64_t pguard_ratio(pguard_ratio_t r);

/* 1: the ratio is the target or more; else 0.  whole is not 0. */
int pguard_ratio_meets(pguard_ratio_t r, uint32_t target_ppm);


#endif /* PGUARD_FIGURES_H */
