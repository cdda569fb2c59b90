/*
 * What every part of the guard's core shares: byte strings, time, and the
 * closed lists of verdicts, reasons and SLA classes.
 *
 * The core (src/core) includes no nginx header.  It takes time, memory and
 * bytes as arguments, never allocates on behalf of a request, and never logs.
 */

#ifndef PGUARD_H
#define PGUARD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>


#define PGUARD_VERSION  "0.1.0"


/* Code that runs rarely is kept out of functions that every request runs: if it
   were inlined there, each request would save registers for it.  PGUARD_RARE
   runs almost never, PGUARD_APART for some requests but not for each. */

#define PGUARD_RARE   __attribute__((noinline, cold))
#define PGUARD_APART  __attribute__((noinline))


/* Bytes owned by the caller; not terminated by a NUL, and may hold NULs. */

typedef struct {
    size_t                len;
    const unsigned char  *data;
} pguard_str_t;

#define pguard_string(s)  { sizeof(s) - 1, (const unsigned char *) s }


/* Time since an arbitrary start, monotonic, the same for all processes. */

typedef uint64_t  pguard_usec_t;
typedef uint64_t  pguard_msec_t;


/* A keyed 128-bit hash: of a request (its signature), or of a rule's key. */

typedef struct {
    uint64_t  lo;
    uint64_t  hi;
} pguard_hash_t;


/* One of n places (0 to n - 1; n up to 2^32), chosen by the low 32 of bits that
   are as good as random.  O(1), with no division. */

static inline uint64_t
pguard_hash_place(uint64_t bits, uint64_t n)
{
    return ((bits & 0xffffffff) * n) >> 32;
}


/* HMAC-SHA-256 cut to 128 bits: the only form in which an identity leaves the
   gateway. */

#define PGUARD_ID_LEN      16
#define PGUARD_ID_HEX_LEN  32

typedef struct {
    unsigned char  bytes[PGUARD_ID_LEN];
} pguard_id_t;


/* 1: both ids are the same; else 0. */

static inline int
pguard_id_same(const pguard_id_t *a, const pguard_id_t *b)
{
    return memcmp(a->bytes, b->bytes, PGUARD_ID_LEN) == 0;
}


/* 1: somebody's id; 0: zeros, which stand for none. */

static inline int
pguard_id_known(const pguard_id_t *id)
{
    static const pguard_id_t  none;

    return !pguard_id_same(id, &none);
}


#define PGUARD_NAME_MAX  63     /* bytes in the name of a rule, service, zone */


typedef enum {
    PGUARD_VERDICT_PASSED = 0,
    PGUARD_VERDICT_THROTTLED,
    PGUARD_VERDICT_BLOCKED,
    PGUARD_VERDICT_EXEMPT,
    PGUARD_VERDICT_THROTTLED_DRY_RUN,
    PGUARD_VERDICT_BLOCKED_DRY_RUN,
    PGUARD_VERDICTS
} pguard_verdict_e;


typedef enum {
    PGUARD_REASON_DUPLICATE = 0,
    PGUARD_REASON_HAMMERING,
    PGUARD_REASON_LOCKOUT,
    PGUARD_REASON_OPERATOR,
    PGUARD_REASONS,
    PGUARD_REASON_NONE = PGUARD_REASONS
} pguard_reason_e;


typedef enum {
    PGUARD_SLA_GOOD = 0,
    PGUARD_SLA_FAILED,
    PGUARD_SLA_EXCLUDED,
    PGUARD_SLA_IGNORED,
    PGUARD_SLA_CLASSES
} pguard_sla_e;


/* Why a request could not be signed, hence was not throttled. */

typedef enum {
    PGUARD_UNSIGNED_UPGRADE = 0,    /* Upgrade, CONNECT */
    PGUARD_UNSIGNED_UNBUFFERED,     /* the upstream takes an unbuffered body */
    PGUARD_UNSIGNED_TOO_LARGE,      /* body over paas_guard_signature_body */
    PGUARD_UNSIGNED_BODY_OFF,       /* a body, and none are to be signed */
    PGUARD_UNSIGNED_ERROR,          /* body unreadable, or no memory */
    PGUARD_UNSIGNED_WHYS
} pguard_unsigned_e;


/* Names as they appear in variables, headers, metrics and the API. */

extern const pguard_str_t  pguard_verdict_names[PGUARD_VERDICTS];
extern const pguard_str_t  pguard_reason_names[PGUARD_REASONS];
extern const pguard_str_t  pguard_sla_names[PGUARD_SLA_CLASSES];
extern const pguard_str_t  pguard_unsigned_names[PGUARD_UNSIGNED_WHYS];


#endif /* PGUARD_H */
