/*
 * Blocks in shared memory: who is blocked until when, why, with which
 * evidence, and how many offences are remembered.
 *
 * Readers take no lock; writers, which are rare, must hold a lock that the
 * caller provides.  A block is found by its kind and a 128-bit key made of
 *
 *   HERE       the keyed hash of what is blocked: set by this gateway, which
 *              shares no store with others
 *   ELSEWHERE  its id, by which all gateways of a store know it; also of what
 *              an operator blocks under a rule
 *   OPERATOR   the client's id: blocked by an operator, under no rule
 */

#ifndef PGUARD_BLOCK_H
#define PGUARD_BLOCK_H

#include "pguard.h"
#include "pguard_atomic.h"


#define PGUARD_BLOCK_WAYS      8
#define PGUARD_BLOCK_MAX_STEP  32

#define PGUARD_EVENT_LEN       24              /* hex digits of an event id */

#define PGUARD_SERVICE_ALL     0xffff          /* not of one service alone */
#define PGUARD_RULE_NONE       0xffff          /* of no rule */

typedef enum {
    PGUARD_BLOCK_HERE = 0,                     /* key is a keyed hash */
    PGUARD_BLOCK_ELSEWHERE,                    /* key is an id */
    PGUARD_BLOCK_OPERATOR,                     /* key is a client's id */
    PGUARD_BLOCK_KINDS
} pguard_block_kind_e;

/* Which line of the audit log is still to be written for a block (is due), and
   how the block ended. */

typedef enum {
    PGUARD_BLOCK_NOTHING = 0,
    PGUARD_BLOCK_BEGIN,
    PGUARD_BLOCK_END
} pguard_block_due_e;

typedef enum {
    PGUARD_BLOCK_EXPIRED = 0,
    PGUARD_BLOCK_LIFTED,
    PGUARD_BLOCK_FORGOTTEN,
    PGUARD_BLOCK_REPLACED,        /* by a longer one of another gateway */
    PGUARD_BLOCK_HOWS
} pguard_block_how_e;

extern const pguard_str_t  pguard_block_how_names[PGUARD_BLOCK_HOWS];

typedef struct {
    pguard_hash_t  key;
    pguard_id_t    id;            /* digest of the rule's key */
    pguard_msec_t  since;
    pguard_msec_t  until;         /* 0: being written, or lifted */
    pguard_msec_t  last;          /* length of this block */
    pguard_msec_t  forget;        /* each such time without a block forgets
                                     a step */
    uint64_t       count;         /* evidence: requests in the window */
    uint64_t       limit;
    pguard_msec_t  window;
    uint64_t       refused;       /* requests refused by it */
    uint16_t       rule;          /* index in the zone's names */
    uint16_t       service;
    uint8_t        kind;
    uint8_t        reason;        /* pguard_reason_e */
    uint8_t        step;          /* offences remembered: 1 for the first */
    uint8_t        dry_run;
    unsigned char  event[PGUARD_EVENT_LEN];
    pguard_id_t    client;        /* who caused it; zeros: not known */
    pguard_msec_t  ended;         /* when, if before its time; else 0 */
    uint8_t        due;           /* pguard_block_due_e */
    uint8_t        how;           /* pguard_block_how_e */
} __attribute__((aligned(64))) pguard_block_t;

/* What of a block goes into a refusal. */

typedef struct {
    pguard_msec_t  until;
    uint16_t       rule;
    uint8_t        reason;
    uint8_t        dry_run;       /* set by the caller: its own, not the
                                     block's */
    unsigned char  event[PGUARD_EVENT_LEN];
} pguard_blocked_t;

typedef struct {
    uint64_t         *tag;        /* [capacity], 0: free; a bucket's are one
                                     cache line */
    pguard_block_t   *block;      /* [capacity] */
    uint64_t          capacity;   /* a multiple of PGUARD_BLOCK_WAYS */
    uint64_t         *until_max;  /* [PGUARD_BLOCK_KINDS + 1]: latest end of
                                     any block of a kind; the last, of all */
    uint64_t         *until_away; /* latest end of any block that is in its
                                     second bucket */
} pguard_blocks_t;

typedef struct {
    pguard_msec_t  block;         /* the first block's length */
    pguard_msec_t  block_max;
    pguard_msec_t  window;
} pguard_block_rule_t;


/* 0: no block of this kind is active at now; 1: one may be.  One load, to be
   asked before any look-up. */
static inline int
pguard_block_any(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_msec_t now)
{
    return pguard_load(&t->until_max[kind]) > now;
}


/* The same for all kinds together. */
static inline int
pguard_block_some(const pguard_blocks_t *t, pguard_msec_t now)
{
    return pguard_block_any(t, PGUARD_BLOCK_KINDS, now);
}


/* The active block of key at now, or NULL.  Lock-free, O(1).  The pointer
   stays valid, its content may be replaced: copy what matters with
   pguard_block_copy(). */
pguard_block_t *pguard_block_find(const pguard_blocks_t *t,
    pguard_block_kind_e kind, pguard_hash_t key, pguard_msec_t now);

/* Copies *b if it is still the active block of key.  1, or 0 if it changed. */
int pguard_block_copy(const pguard_block_t *b, pguard_hash_t key,
    pguard_msec_t now, pguard_block_t *to);

/* Is there an active block of key at now?  1: *to is filled, and the block has
   one more refusal; or 0.  If to->dry_run is set on entry, the caller lets the
   request through, and the block's refusals are only raised if it was set by a
   dry run, too.  Lock-free, O(1). */
int pguard_block_refuse(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_hash_t key, pguard_msec_t now, pguard_blocked_t *to);

/* Fills *to but for dry_run.  b must not change meanwhile: it is the caller's
   own copy, or it is checked afterwards. */
void pguard_block_tell(const pguard_block_t *b, pguard_blocked_t *to);

/* How many offences are remembered at now for b (NULL: 0). */
unsigned pguard_block_steps(const pguard_block_t *b, pguard_msec_t now);

/* The length of the block for a new offence, where steps are remembered. */
pguard_msec_t pguard_block_length(const pguard_block_rule_t *rule,
    unsigned steps);

/*
 * Caller holds the lock.  Writes b (until > now) over the entry of the same
 * key, or else over one that is free or not active.  Returns the entry, or NULL
 * if there is no place, as another active block is never replaced.  *evicted
 * (may be NULL) is set to 1 if remembered offences were lost, else to 0.
 */
pguard_block_t *pguard_block_put(const pguard_blocks_t *t,
    const pguard_block_t *b, pguard_msec_t now, unsigned *evicted);

/* The entry of key, active or only remembered, or NULL.  Lock-free. */
pguard_block_t *pguard_block_get(const pguard_blocks_t *t,
    pguard_block_kind_e kind, pguard_hash_t key);

/* Caller holds the lock.  The entry that pguard_block_put() would take for b,
   so that the lines due for it can be written first.  NULL if there is no
   place. */
pguard_block_t *pguard_block_place(const pguard_blocks_t *t,
    const pguard_block_t *b, pguard_msec_t now);

/* Caller holds the lock.  Ends b, if it is active, and forgets its offences.
   As long as a line is due for it, the entry stays, inactive. */
void pguard_block_lift(const pguard_blocks_t *t, pguard_block_t *b,
    pguard_block_how_e how, pguard_msec_t now);

/* The line that is due for b at now: of its begin, or of its end if it has
   ended; PGUARD_BLOCK_NOTHING if there is none.  Once a line is written, call
   pguard_block_told() and ask again. */
pguard_block_due_e pguard_block_due(const pguard_block_t *b,
    pguard_msec_t now);

/* Caller holds the lock.  The line that was due is written. */
void pguard_block_told(const pguard_blocks_t *t, pguard_block_t *b,
    pguard_block_due_e due);

/* Walks the table, from *pos on (0 at first): the next entry that is active at
   now, or whose offences are remembered, or for which a line is due; NULL at
   the end.  Lock-free, O(capacity) for all. */
pguard_block_t *pguard_block_next(const pguard_blocks_t *t, uint64_t *pos,
    pguard_msec_t now);

/* 1: these PGUARD_EVENT_LEN bytes are an event id, lower-case hex digits, which
   can go into an answer as they are; else 0. */
int pguard_block_is_event(const unsigned char *event);

/* The key under which a block learned by its id is found. */
pguard_hash_t pguard_block_id_key(const pguard_id_t *id);


#endif /* PGUARD_BLOCK_H */
