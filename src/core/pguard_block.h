/*
 * Blocks in shared memory: who is blocked until when, why, with which
 * evidence, and how many offences are remembered.
 *
 * Readers take no lock; writers (rare) hold one that the caller brings.  A
 * block is found by a 128-bit key: the keyed hash of what it blocks for blocks
 * set here, the id for those learned from elsewhere, the client's id for those
 * that an operator sets for no rule (kind tells which).
 */

#ifndef PGUARD_BLOCK_H
#define PGUARD_BLOCK_H

#include "pguard.h"
#include "pguard_atomic.h"


#define PGUARD_BLOCK_WAYS      8
#define PGUARD_BLOCK_MAX_STEP  32

#define PGUARD_EVENT_LEN       24              /* hex digits of an event id */

#define PGUARD_SERVICE_ALL     0xffff          /* blocked in all services */
#define PGUARD_RULE_NONE       0xffff          /* set by an operator */

typedef enum {
    PGUARD_BLOCK_HERE = 0,                     /* key is a keyed hash */
    PGUARD_BLOCK_ELSEWHERE,                    /* key is an id */
    PGUARD_BLOCK_OPERATOR,                     /* key is a client's id */
    PGUARD_BLOCK_KINDS
} pguard_block_kind_e;

/* Which line of the audit log a block still owes, and how it ended. */

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
    pguard_id_t    id;            /* of the rule's key, as it leaves */
    pguard_msec_t  since;
    pguard_msec_t  until;         /* 0: being written, or lifted */
    pguard_msec_t  last;          /* length of this block */
    pguard_msec_t  forget;        /* each such clean time forgets a step */
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
    pguard_msec_t  ended;         /* before its time; 0: was not */
    uint8_t        due;           /* pguard_block_due_e */
    uint8_t        how;           /* pguard_block_how_e */
} __attribute__((aligned(64))) pguard_block_t;

/* What of a block goes into a refusal. */

typedef struct {
    pguard_msec_t  until;
    uint16_t       rule;
    uint8_t        reason;
    uint8_t        dry_run;       /* the caller's, not the block's */
    unsigned char  event[PGUARD_EVENT_LEN];
} pguard_blocked_t;

typedef struct {
    uint64_t         *tag;        /* [capacity], 0: free; in lines of ways */
    pguard_block_t   *block;      /* [capacity] */
    uint64_t          capacity;   /* a multiple of PGUARD_BLOCK_WAYS */
    uint64_t         *until_max;  /* by kind: latest end of any block;
                                     last, of all kinds */
    uint64_t         *until_away; /* of any that is in its second bucket */
} pguard_blocks_t;

typedef struct {
    pguard_msec_t  block;         /* the first block's length */
    pguard_msec_t  block_max;
    pguard_msec_t  window;
} pguard_block_rule_t;


/* Is a block of this kind possibly active at now?  One load: asked first. */
static inline int
pguard_block_any(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_msec_t now)
{
    return pguard_load(&t->until_max[kind]) > now;
}


/* The same of any kind. */
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

/* Is there an active block of key at now?  1: *to is filled, and one more
   refusal by it is counted; or 0.  Who brings to->dry_run lets through: that
   counts only if the block is of a dry run, too.  Lock-free, O(1). */
int pguard_block_refuse(const pguard_blocks_t *t, pguard_block_kind_e kind,
    pguard_hash_t key, pguard_msec_t now, pguard_blocked_t *to);

/* Fills *to.  Nobody else changes b. */
void pguard_block_tell(const pguard_block_t *b, pguard_blocked_t *to);

/* How many offences are remembered of b at now (b may be NULL: 0). */
unsigned pguard_block_steps(const pguard_block_t *b, pguard_msec_t now);

/* The length of the block for an offence after so many remembered ones. */
pguard_msec_t pguard_block_length(const pguard_block_rule_t *rule,
    unsigned steps);

/*
 * Caller holds the lock.  Puts b (until > now) in place of an earlier one of
 * the same key, or of a free or forgotten entry.  Never replaces another
 * active block: returns NULL if there is no place.  evicted (may be NULL) is
 * set to 1 if remembered offences had to go, else to 0.
 */
pguard_block_t *pguard_block_put(const pguard_blocks_t *t,
    const pguard_block_t *b, pguard_msec_t now, unsigned *evicted);

/* The entry of key, active or only remembered, or NULL.  Lock-free. */
pguard_block_t *pguard_block_get(const pguard_blocks_t *t,
    pguard_block_kind_e kind, pguard_hash_t key);

/* Caller holds the lock.  The entry that pguard_block_put() would take for b:
   what is due for it is to be told before.  NULL if there is no place. */
pguard_block_t *pguard_block_place(const pguard_blocks_t *t,
    const pguard_block_t *b, pguard_msec_t now);

/* Caller holds the lock.  Ends b now and forgets its offences.  The entry
   stays, inactive, until its end is told, if that is due. */
void pguard_block_lift(const pguard_blocks_t *t, pguard_block_t *b,
    pguard_block_how_e how, pguard_msec_t now);

/* What is to be told of b: its begin, or its end if that was at now or before;
   else PGUARD_BLOCK_NOTHING.  One line at a time: ask again after telling. */
pguard_block_due_e pguard_block_due(const pguard_block_t *b,
    pguard_msec_t now);

/* Caller holds the lock.  What was due, is told. */
void pguard_block_told(const pguard_blocks_t *t, pguard_block_t *b,
    pguard_block_due_e due);

/* For each entry from *pos on (start at 0): the next one that is active at
   now, or whose offences are remembered, or of which something is to be told;
   NULL at the end.  Lock-free. */
pguard_block_t *pguard_block_next(const pguard_blocks_t *t, uint64_t *pos,
    pguard_msec_t now);

/* Are these PGUARD_EVENT_LEN bytes an event id: lower-case hex digits?  It goes
   into answers as it is. */
int pguard_block_is_event(const unsigned char *event);

/* The key under which a block learned by its id is found. */
pguard_hash_t pguard_block_id_key(const pguard_id_t *id);


#endif /* PGUARD_BLOCK_H */
