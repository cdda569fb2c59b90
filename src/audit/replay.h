/*
 * The command replay: what is read from access logs, and what comes out.
 *
 * This is a second way to the figures of the gateway's own ledger, and on
 * purpose a plain one: counts in an array, a byte for each second of the
 * month.  It shares nothing with that ledger.
 */

#ifndef AUDIT_REPLAY_H
#define AUDIT_REPLAY_H

#include "audit.h"

#include <time.h>


enum { GOOD, FAILED, EXCLUDED, IGNORED, CLASSES };

enum {
    DUPLICATE_THROTTLED, HAMMERING_BLOCKED, AUTH_LOCKOUT, OPERATOR_BLOCKED,
    REASONS
};

extern const char *const  replay_classes[CLASSES + 1];
extern const char *const  replay_reasons[REASONS + 1];


/* A line of the log. */

typedef struct {
    int64_t   ms;                       /* when the request ended */
    int       status;
    char      verdict[32];
    char      reason[32];
    char      sla[32];                  /* as the gateway has logged it */
    char      indicators[4096];
} replay_entry_t;

typedef struct {
    uint32_t  good;
    uint32_t  failed;
    uint32_t  excluded;
} replay_slot_t;

typedef struct {
    const char      *month;
    const char      *indicator;         /* NULL: all */
    const char      *zone;
    time_t           start;
    time_t           end;
    time_t           as_of;             /* the end, or within the month */
    int64_t          slice;
    int64_t          min_requests;
    int64_t          down_ppm;
    int64_t          target_ppm;

    replay_slot_t   *slots;
    unsigned char   *declared;          /* a byte for each second */

    uint64_t         classes[CLASSES];
    uint64_t         reasons[REASONS];
    uint64_t         lines;
    uint64_t         unreadable;
    uint64_t         unguarded;
    uint64_t         other_month;
    uint64_t         other_indicator;
    uint64_t         differs;           /* from the class that was logged */
    char             first_unreadable[4200];
    char             first_differs[4200];
} replay_t;


/* Reads a line.  0, or -1 if it is none of the format. */
int replay_read(pguard_str_t text, replay_entry_t *e);

/* The class by the agreement's rules: see contract clauses in the manual. */
int replay_class(const replay_entry_t *e);

/* The number of a name in a list that ends with NULL, or -1. */
int replay_index(const char *const *names, const char *name);

/* Counts an entry. */
void replay_count(replay_t *r, const audit_at_t *at, const replay_entry_t *e);

/* Prints the figures.  AUDIT_OK or AUDIT_ERROR. */
int replay_print(const replay_t *r);


#endif /* AUDIT_REPLAY_H */
