/*
 * The audit log: one JSON object a line, sealed and chained.
 *
 *   {"time":"2026-11-22T02:04:13.127Z","seq":17,"gateway":"gw-1",
 *    "type":"block_begun", ... ,"prev":"<32 hex>","mac":"<64 hex>"}
 *
 * (in one line).  mac is HMAC-SHA-256, under the audit key, of all bytes of
 * the line before ,"mac"; prev is the first half of the mac of the line
 * before, or zeros in the first line of a chain.  As prev is inside of what
 * is sealed, and seq counts every line, no line can be altered, dropped,
 * inserted or moved without the key.  What the chain cannot show by itself is
 * that its last lines are gone: see --head of paas-guard-audit.
 *
 * The members of each type, in their order, are in the table of
 * pguard_audit.c.  A type may get new ones later: a reader passes over what it
 * does not know.
 */

#ifndef PGUARD_AUDIT_H
#define PGUARD_AUDIT_H

#include "pguard.h"
#include "pguard_key.h"
#include "pguard_out.h"


#define PGUARD_AUDIT_LINE_MAX  8192    /* bytes, without the line feed */
#define PGUARD_AUDIT_TEXT_MAX  256     /* of a free text; longer is cut */
#define PGUARD_AUDIT_PREV_LEN  16
#define PGUARD_AUDIT_SEQ_MAX   ((uint64_t) 1 << 53)


typedef enum {
    PGUARD_AUDIT_BLOCK_BEGUN = 0,
    PGUARD_AUDIT_BLOCK_ENDED,
    PGUARD_AUDIT_STORE_STATE,
    PGUARD_AUDIT_OPERATOR_ACTION,
    PGUARD_AUDIT_OUTAGE_DECLARED,
    PGUARD_AUDIT_OUTAGE_CONFIRMED,
    PGUARD_AUDIT_CONFIG_CHANGED,
    PGUARD_AUDIT_CLIENT_FORGOTTEN,
    PGUARD_AUDIT_CHAIN_STARTED,
    PGUARD_AUDIT_CHAIN_RESUMED,
    PGUARD_AUDIT_CHAIN_ROTATED,
    PGUARD_AUDIT_TYPES                 /* of a line: one not known here */
} pguard_audit_type_e;


/* How a member is written, and where its value is in a record. */

typedef enum {
    PGUARD_AUDIT_NAME = 0,             /* str, up to PGUARD_NAME_MAX bytes */
    PGUARD_AUDIT_TEXT,                 /* str, up to PGUARD_AUDIT_TEXT_MAX */
    PGUARD_AUDIT_ID,                   /* str, PGUARD_ID_LEN bytes, as hex */
    PGUARD_AUDIT_HASH,                 /* str, 32 bytes, as hex */
    PGUARD_AUDIT_TIME,                 /* num, ms since 1970; 0 is "" */
    PGUARD_AUDIT_NUMBER,               /* num */
    PGUARD_AUDIT_FLAG                  /* num, as true or false */
} pguard_audit_kind_e;


typedef enum {
    PGUARD_AUDIT_ZONE = 0,
    PGUARD_AUDIT_SERVICE,              /* "": all of them */
    PGUARD_AUDIT_CLIENT,               /* who is concerned */
    PGUARD_AUDIT_KEY,                  /* what is blocked: the rule's key */
    PGUARD_AUDIT_RULE,                 /* "": an operator */
    PGUARD_AUDIT_REASON,
    PGUARD_AUDIT_EVENT,
    PGUARD_AUDIT_COUNT,
    PGUARD_AUDIT_LIMIT,
    PGUARD_AUDIT_WINDOW,               /* ms */
    PGUARD_AUDIT_BLOCK,                /* ms */
    PGUARD_AUDIT_OFFENCE,
    PGUARD_AUDIT_DRY_RUN,
    PGUARD_AUDIT_BEGAN,
    PGUARD_AUDIT_REFUSED,              /* requests that the block refused */
    PGUARD_AUDIT_HOW,                  /* pguard_block_how_names[] */
    PGUARD_AUDIT_WAS,
    PGUARD_AUDIT_STATE,
    PGUARD_AUDIT_WHO,
    PGUARD_AUDIT_WHAT,
    PGUARD_AUDIT_TARGET,
    PGUARD_AUDIT_WHY,
    PGUARD_AUDIT_INDICATOR,
    PGUARD_AUDIT_OUTAGE,
    PGUARD_AUDIT_CORRECTS,             /* the entry that this one corrects */
    PGUARD_AUDIT_DETECTED,
    PGUARD_AUDIT_NOTIFIED,
    PGUARD_AUDIT_RESTORED,
    PGUARD_AUDIT_CAUSE,
    PGUARD_AUDIT_CONFIRMED_BY,
    PGUARD_AUDIT_DIGEST,
    PGUARD_AUDIT_DIGEST_WAS,
    PGUARD_AUDIT_COUNTS,               /* how much was erased */
    PGUARD_AUDIT_BLOCKS,
    PGUARD_AUDIT_EVENTS,
    PGUARD_AUDIT_STATE_FILE,           /* erased, none, pending */
    PGUARD_AUDIT_REDIS,                /* erased, none, pending */
    PGUARD_AUDIT_VERSION,
    PGUARD_AUDIT_AFTER,                /* seq that was reached, if known */
    PGUARD_AUDIT_REPEATS,
    PGUARD_AUDIT_TORN,
    PGUARD_AUDIT_LOST,
    PGUARD_AUDIT_MEMBERS
} pguard_audit_member_e;


/* What happened; members that its type has not are passed over, those that
   are not set are written as "", 0 or false. */

typedef struct {
    pguard_audit_type_e  type;
    pguard_str_t         str[PGUARD_AUDIT_MEMBERS];
    uint64_t             num[PGUARD_AUDIT_MEMBERS];
} pguard_audit_record_t;


/* What stands before and after the members. */

typedef struct {
    pguard_msec_t   time;              /* UTC */
    uint64_t        seq;
    pguard_str_t    gateway;
    unsigned char   prev[PGUARD_AUDIT_PREV_LEN];
    unsigned char   mac[PGUARD_MAC_LEN];
} pguard_audit_frame_t;


/* A line that was read.  The slices are of the line: as they are written,
   without the quotes, escapes not resolved (pguard_json_unescape()). */

typedef struct {
    pguard_audit_frame_t  frame;
    pguard_audit_type_e   type;        /* PGUARD_AUDIT_TYPES: not known */
    pguard_str_t          name;        /* of the type, known or not */
    pguard_str_t          value[PGUARD_AUDIT_MEMBERS];  /* data NULL: none */
    pguard_str_t          sealed;      /* what mac is of */
} pguard_audit_line_t;


extern const pguard_str_t  pguard_audit_type_names[PGUARD_AUDIT_TYPES];


/* The name of a member, and its kind. */
pguard_str_t pguard_audit_member_name(pguard_audit_member_e member);
pguard_audit_kind_e pguard_audit_member_kind(pguard_audit_member_e member);

/* The members of a type, in their order; ends with PGUARD_AUDIT_MEMBERS. */
const unsigned char *pguard_audit_members(pguard_audit_type_e type);

/* Writes what is sealed of a line: all up to the end of prev (frame->mac is
   not looked at).  At most PGUARD_AUDIT_LINE_MAX bytes with what
   pguard_audit_seal() appends, whatever the values are. */
void pguard_audit_render(pguard_out_t *out, const pguard_audit_record_t *rec,
    const pguard_audit_frame_t *frame);

/* Writes the rest: the mac and the brace. */
void pguard_audit_seal(pguard_out_t *out, const unsigned char *mac);

/*
 * Reads a line, without its line feed, whatever its bytes are.  0, or -1 if it
 * is not a line of an audit log in exactly the form that is written here
 * (nothing of *line is then of use).  Says nothing of the seal.  O(len).
 */
int pguard_audit_parse(pguard_str_t s, pguard_audit_line_t *line);

/* Is the line sealed with this key?  1, or 0; -1 if the crypto library
   fails. */
int pguard_audit_sealed(const pguard_audit_line_t *line,
    const pguard_key_t *key);


#endif /* PGUARD_AUDIT_H */
