/*
 * The layout of a zone's shared memory, and its parts that are no tables of
 * their own: names, counters.
 *
 * A header with a magic number and a version tells where each part lies, so a
 * process that maps the memory anew (a reload) finds everything again, and
 * memory of another layout is recognised.  Fresh memory must be zero.
 */

#ifndef PGUARD_ZONE_H
#define PGUARD_ZONE_H

#include "pguard.h"
#include "pguard_throttle.h"
#include "pguard_window.h"
#include "pguard_block.h"
#include "pguard_burst.h"
#include "pguard_client.h"
#include "pguard_history.h"
#include "pguard_peak.h"
#include "pguard_top.h"


#define PGUARD_ZONE_MIN       (128 * 1024)    /* bytes, with nginx's own part */

#define PGUARD_SERVICES_MAX   256
#define PGUARD_RULES_MAX      64
#define PGUARD_STRIPES_MAX    16


typedef enum {
    PGUARD_NAME_SERVICE = 0,
    PGUARD_NAME_RULE,
    PGUARD_NAME_KINDS
} pguard_name_e;

typedef enum {
    PGUARD_ENTRY_SIGNATURE = 0,
    PGUARD_ENTRY_WINDOW,
    PGUARD_ENTRY_BLOCK,
    PGUARD_ENTRIES
} pguard_entry_e;

/* Bits: what a zone is used for.  What it is not used for gets the least share
   of its memory. */

typedef enum {
    PGUARD_USE_SIGNATURES = 1,      /* some requests are throttled */
    PGUARD_USE_WINDOWS = 2,         /* some are counted under a rule */
    PGUARD_USE_BOTH = 3,
    PGUARD_USES
} pguard_use_e;

extern const pguard_str_t  pguard_entry_names[PGUARD_ENTRIES];


/* Counters.  There is one copy for each stripe; they are added up when read.
   Each worker adds to one stripe, mostly its own. */

typedef struct {
    uint64_t  requests[PGUARD_VERDICTS];
    uint64_t  refusals[PGUARD_REASONS];
} pguard_service_counters_t;

typedef struct {
    uint64_t                   evictions[PGUARD_ENTRIES];
    uint64_t                   exhausted;
    uint64_t                   unsigned_[PGUARD_UNSIGNED_WHYS];
    uint64_t                   blocks[PGUARD_RULES_MAX];
    uint64_t                   blocks_operator;
    pguard_service_counters_t  service[];    /* [services] */
} pguard_counters_t;


typedef struct pguard_zone_header_s  pguard_zone_header_t;

/* A process's view of a zone: plain pointers, made by pguard_zone_open(). */

typedef struct {
    pguard_zone_header_t  *header;
    size_t                 size;
    pguard_throttle_t      throttle;
    pguard_windows_t       windows;
    pguard_blocks_t        blocks;
    pguard_bursts_t        bursts;
    pguard_clients_t       clients;
    pguard_lifts_t        *lifts;
    pguard_top_t           top;
    pguard_peak_t         *peaks;         /* [PGUARD_RULES_MAX] */
    pguard_moment_t       *history;       /* [PGUARD_MOMENTS] */
    unsigned char         *counters;      /* [stripes] of stripe bytes */
    size_t                 stripe;
    unsigned               stripes;
    unsigned               services;      /* capacity */
} pguard_zone_t;


/*
 * Lays out size bytes of zeroed memory, aligned to 64, for use: one bit of
 * pguard_use_e, or both.  0, or -1 if size is too small.  Touches only the
 * header's pages.
 */
int pguard_zone_create(void *memory, size_t size, unsigned use);

/* Fills zone from memory laid out before.  0, or -1 if it is of another
   layout, version or size. */
int pguard_zone_open(pguard_zone_t *zone, void *memory, size_t size);

/* The zone's own secret, *len (64) bytes, for a gateway without a secret file.
   Zero at first: the caller fills it. */
unsigned char *pguard_zone_secret(const pguard_zone_t *zone, size_t *len);

/*
 * The index of name among those of a kind, added if it is new.  Caller holds
 * the lock.  If there is no place left: 0 for a service (whose name is then
 * "other"), -1 for a rule.
 */
int pguard_zone_name_add(const pguard_zone_t *zone, pguard_name_e kind,
    pguard_str_t name);

/* The index of name, or -1. */
int pguard_zone_name_find(const pguard_zone_t *zone, pguard_name_e kind,
    pguard_str_t name);

/* The name at index: empty if there is none. */
pguard_str_t pguard_zone_name(const pguard_zone_t *zone, pguard_name_e kind,
    unsigned index);

/* How many names of a kind there are: their indices are below that. */
unsigned pguard_zone_names(const pguard_zone_t *zone, pguard_name_e kind);

/* How many entries of a kind there is place for. */
uint64_t pguard_zone_capacity(const pguard_zone_t *zone, pguard_entry_e kind);

/* Counts a change of the zone's blocks, which are to be saved; and the number
   of changes so far. */
void pguard_zone_changed(const pguard_zone_t *zone);
uint64_t pguard_zone_changes(const pguard_zone_t *zone);

/* All generations of the zone's state file have these first changes, hence none
   still has what they have removed; and the number of changes for which that is
   so. */
void pguard_zone_kept(const pguard_zone_t *zone, uint64_t changes);
uint64_t pguard_zone_is_kept(const pguard_zone_t *zone);

/* The stripe that a worker (any number) adds to, with pguard_add(). */
pguard_counters_t *pguard_zone_counters(const pguard_zone_t *zone,
    unsigned worker);

/* The sum over all workers of the counter at this place in a stripe: pass the
   address of the field in the stripe of worker 0. */
uint64_t pguard_zone_sum(const pguard_zone_t *zone, const uint64_t *counter);

/* Requests of all services by verdict, for the history.  O(services). */
void pguard_zone_requests(const pguard_zone_t *zone,
    uint64_t total[PGUARD_VERDICTS]);


#endif /* PGUARD_ZONE_H */
