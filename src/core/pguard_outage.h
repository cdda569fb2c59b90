/*
 * Outages that people declare: a log in shared memory, to which entries are
 * only added.  A restoration, a correction and a withdrawal are entries of
 * their own that refer to the declaration.  Each holds all that is known after
 * it, so the last one says how the outage stands.  An entry may refer to what
 * another gateway has declared: it then has an effect where the logs of both
 * are put together.
 *
 * An outage starts at the earlier of notification and detection, and ends when
 * the service is completely restored: degraded is still down.
 *
 * The caller of any function that takes a log holds a lock.  Times are seconds
 * since 1970; 0 is none.  Round a start down and an end up, so that no outage
 * gets shorter.
 */

#ifndef PGUARD_OUTAGE_H
#define PGUARD_OUTAGE_H

#include "pguard.h"


#define PGUARD_WHO_MAX    64               /* bytes */
#define PGUARD_CAUSE_MAX  200


typedef enum {
    PGUARD_OUTAGE_DECLARED = 0,
    PGUARD_OUTAGE_RESTORED,
    PGUARD_OUTAGE_CORRECTED,
    PGUARD_OUTAGE_WITHDRAWN,
    PGUARD_OUTAGE_KINDS
} pguard_outage_kind_e;

/* Who confirmed a restoration: the agreement knows these two. */

typedef enum {
    PGUARD_CONFIRMED_NOT = 0,
    PGUARD_CONFIRMED_MONITORING,
    PGUARD_CONFIRMED_USER,
    PGUARD_CONFIRMED
} pguard_confirmed_e;

extern const pguard_str_t  pguard_confirmed_names[PGUARD_CONFIRMED];

typedef struct {
    uint64_t       id;                     /* 1, 2, ... */
    uint64_t       refers;                 /* to a declaration's id */
    uint64_t       at;                     /* when it was entered */
    uint64_t       notified;
    uint64_t       detected;
    uint64_t       end;
    uint8_t        kind;
    uint8_t        confirmed_by;
    uint8_t        who_len;
    uint8_t        cause_len;
    uint8_t        confirmer_len;
    uint8_t        reserved[3];
    unsigned char  who[PGUARD_WHO_MAX];    /* who entered it */
    unsigned char  cause[PGUARD_CAUSE_MAX];
    unsigned char  confirmer[PGUARD_WHO_MAX];
    pguard_id_t    gateway;                /* that made the declaration;
                                              zeros: this one */
} pguard_outage_entry_t;

typedef struct {
    uint64_t       first;                  /* entries given up so far */
    uint64_t       next;                   /* entries ever added */
} pguard_outage_ends_t;

typedef struct {
    pguard_outage_entry_t  *entry;         /* [entries], a ring */
    uint64_t                entries;
    pguard_outage_ends_t   *ends;
} pguard_outage_log_t;


/* An outage as it stands.  A copy: it needs no lock. */

typedef struct {
    uint64_t               start;
    uint64_t               end;            /* 0: not restored yet */
    uint64_t               declared;       /* when it was declared */
    unsigned               corrections;
    unsigned               withdrawn;
    uint64_t               own;            /* when the last entry was made that
                                              is in the same log */
    pguard_id_t            gateway;        /* that declared it; zeros: this
                                              one */
    uint8_t                declarer_len;   /* who declared it */
    unsigned char          declarer[PGUARD_WHO_MAX];
    uint64_t               id;
    pguard_outage_entry_t  last;
} pguard_outage_t;


/* What an entry is to say.  All strings but who may be empty. */

typedef struct {
    uint64_t            at;                /* now */
    pguard_str_t        who;
    uint64_t            notified;          /* a declaration has one of these */
    uint64_t            detected;          /* two, or both */
    uint64_t            end;
    pguard_confirmed_e  confirmed_by;      /* with end */
    pguard_str_t        confirmer;
    pguard_str_t        cause;
    unsigned            reopen;            /* of a correction: the outage is
                                              not restored after all */
} pguard_outage_say_t;


/*
 * The next two functions add one entry each.  NULL, or why not, as the code of
 * a problem (see pguard_problem.h); then nothing is changed.  What is 0 or
 * empty in *say stays as it was.
 *
 *   DECLARED    has notified or detected, neither after at; may have an end
 *   RESTORED    has end and confirmed_by, of an outage that is open
 *   CORRECTED   has anything, of an outage that is not withdrawn
 *   WITHDRAWN   says that it was no outage, e.g. only excluded refusals
 */

/* A declaration; *id is its number. */
const char *pguard_outage_declare(const pguard_outage_log_t *log,
    const pguard_outage_say_t *say, uint64_t *id);

/* kind: RESTORED, CORRECTED or WITHDRAWN.  stands: the outage as it stands now,
   which another gateway may have declared. */
const char *pguard_outage_enter(const pguard_outage_log_t *log,
    pguard_outage_kind_e kind, const pguard_outage_say_t *say,
    const pguard_outage_t *stands);

/* Lists the outages as they stand, by their start, at most max of them; returns
   their number.  O(entries ^ 2), at worst. */
size_t pguard_outage_list(const pguard_outage_log_t *log,
    pguard_outage_t *list, size_t max);

/* Sorts n by start, e.g. those of several gateways.  O(n ^ 2), fast if nearly
   sorted. */
void pguard_outage_sort(pguard_outage_t *list, size_t n);

/* The outage that entry number id declared, as it stands: 1, or 0 if there is
   none. */
int pguard_outage_get(const pguard_outage_log_t *log, uint64_t id,
    pguard_outage_t *outage);

/* The entry number id as it was entered, or NULL. */
const pguard_outage_entry_t *pguard_outage_entry(
    const pguard_outage_log_t *log, uint64_t id);

/* Drops the oldest entries, of outages that were over before horizon. */
void pguard_outage_expire(const pguard_outage_log_t *log, uint64_t horizon);

/* Puts back an entry, in the order of ids and without a gap, into a log that
   was empty at first.  1, or 0 if it does not follow or makes no sense. */
int pguard_outage_put(const pguard_outage_log_t *log,
    const pguard_outage_entry_t *e);

/* 1: the entry makes sense by itself; else 0. */
int pguard_outage_valid(const pguard_outage_entry_t *e);

/* 1: the entry refers to a declaration of another gateway; else 0. */
int pguard_outage_foreign(const pguard_outage_entry_t *e);

/* Applies the entries of a log, one call for each, in their order, to a list of
   *n outages (at most max).  One that refers to another gateway's declaration
   changes nothing. */
void pguard_outage_apply(pguard_outage_t *list, size_t *n, size_t max,
    const pguard_outage_entry_t *e);

/* Applies an entry that refers to another gateway's declaration to that outage,
   in a list of n, unless a later entry was applied to it before: in any order,
   but each once. */
void pguard_outage_adopt(pguard_outage_t *list, size_t n,
    const pguard_outage_entry_t *e);

/* Adds an entry of another gateway, of an outage declared here, as one of this
   log: 1, or 0 if it is full. */
int pguard_outage_take(const pguard_outage_log_t *log,
    const pguard_outage_entry_t *e);

/* Applies an entry to the outage that it refers to. */
void pguard_outage_apply_to(pguard_outage_t *o,
    const pguard_outage_entry_t *e);


#endif /* PGUARD_OUTAGE_H */
