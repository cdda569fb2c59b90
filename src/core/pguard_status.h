/*
 * The status page of a gateway, rendered from one plain structure: what its
 * requests became, who was refused, who is blocked and why, how near clients
 * come to the rules, whether the guard itself is well, and what is left of the
 * month's budget.
 *
 * It is read without a script; the one that it holds refreshes it, and calls
 * the JSON API where writing is allowed.  Nothing comes from elsewhere.  Lists
 * are as long as the caller makes them; what is left out is told.
 */

#ifndef PGUARD_STATUS_H
#define PGUARD_STATUS_H

#include "pguard.h"
#include "pguard_block.h"
#include "pguard_figures.h"
#include "pguard_history.h"
#include "pguard_negotiate.h"
#include "pguard_outage.h"
#include "pguard_out.h"
#include "pguard_peak.h"
#include "pguard_top.h"
#include "pguard_zone.h"


typedef struct {
    pguard_str_t             name;
    uint64_t                 bytes;
    uint64_t                 entries[PGUARD_ENTRIES];
    uint64_t                 capacity[PGUARD_ENTRIES];
    uint64_t                 evictions[PGUARD_ENTRIES];
    uint64_t                 exhausted;
} pguard_status_zone_t;

typedef struct {
    pguard_str_t             zone;
    pguard_str_t             service;
    pguard_str_t             rule;           /* empty: a duplicate */
    pguard_top_client_t      client;
} pguard_status_top_t;

typedef struct {
    pguard_str_t             zone;
    pguard_str_t             service;        /* empty: all */
    pguard_str_t             rule;           /* empty: an operator's */
    pguard_block_t           block;
} pguard_status_block_t;

typedef struct {
    pguard_str_t             zone;
    pguard_str_t             name;
    uint64_t                 limit;
    pguard_msec_t            window;
    pguard_reason_e          reason;
    unsigned                 peak[PGUARD_PEAK_SPANS];    /* permille */
    uint64_t                 blocks;         /* set since the zone began */
} pguard_status_rule_t;

typedef struct {
    pguard_str_t             zone;
    pguard_str_t             name;
    uint64_t                 requests[PGUARD_VERDICTS];  /* since it began */
} pguard_status_service_t;

typedef struct {
    pguard_str_t             zone;
    pguard_str_t             name;
    unsigned                 conditional;
    unsigned                 known;          /* 0: the clock is off */
    pguard_figures_t         figures;
    size_t                   gateways;       /* whose figures these are */
    unsigned                 partial;        /* some could not be asked */
    const pguard_outage_t   *open;           /* [opens]: not restored yet */
    size_t                   opens;
    uint64_t                 opens_more;
} pguard_status_sla_t;

typedef enum {
    PGUARD_STATUS_STORE_NONE = 0,            /* not configured */
    PGUARD_STATUS_STORE_UP,
    PGUARD_STATUS_STORE_AWAY,
    PGUARD_STATUS_STORES
} pguard_status_store_e;

typedef struct {
    pguard_status_store_e    state;
    uint64_t                 ok;             /* calls since the start */
    uint64_t                 failed;         /* whatever became of them */
    uint64_t                 mean;           /* us */
    uint64_t                 p99;            /* us, at most; 0: longer than all
                                                that is measured */
    pguard_msec_t            degraded;
    uint64_t                 overshoot;
} pguard_status_store_t;


/* A list that may be shorter than the truth. */

#define pguard_status_list(type)                                              \
    struct {                                                                  \
        const type  *of;                                                      \
        size_t       n;                                                       \
        uint64_t     more;                                                    \
    }

typedef struct {
    pguard_str_t             host;
    uint64_t                 wall;           /* now, ms since 1970 */
    pguard_msec_t            now;            /* monotonic */
    pguard_str_t             only;           /* zone; empty: all */
    unsigned                 writable;
    unsigned                 known_user;     /* nginx knows who it is */

    pguard_series_t          series[PGUARD_SPANS];       /* of all zones */
    uint64_t                 others;         /* refused, not listed */
    uint64_t                 active;         /* blocks in force */
    pguard_status_store_t    store;

    pguard_status_list(pguard_status_zone_t)     zones;
    pguard_status_list(pguard_status_top_t)      top;
    pguard_status_list(pguard_status_block_t)    blocks;
    pguard_status_list(pguard_status_rule_t)     rules;
    pguard_status_list(pguard_status_service_t)  services;
    pguard_status_list(pguard_status_sla_t)      slas;
} pguard_status_t;


/* Writes the page.  O(size of the page). */
void pguard_status_html(pguard_out_t *out, const pguard_status_t *s,
    pguard_lang_e lang);

/* Value of its Content-Security-Policy: 0, or -1, see pguard_page.h. */
int pguard_status_policy(pguard_out_t *out);


#endif /* PGUARD_STATUS_H */
