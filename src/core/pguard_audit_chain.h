/*
 * The writer's end of the audit log: one chain for a gateway, over all of its
 * workers.  Its state lies in shared memory; to append, a worker holds a lock
 * that covers the state and the file.
 *
 * A worker can die at any instruction, and a write can fail or be short.  So
 * a line is first made whole in the state, then marked as pending, then
 * written, then committed.  Whoever finds a pending line cannot know how much
 * of it is in the file: it writes a line feed and the very same line once
 * more, commits it, and then appends chain_resumed, whose "repeats" is the seq
 * of that line.  Readers pass over an empty line.
 *
 * For verification: between a line and the next, the log may hold empty lines,
 * beginnings of that next line and copies of it, if, and only if, the line
 * after it is chain_resumed and repeats it.  As chain_resumed is sealed, only
 * a gateway can allow that, for that one line, and all that it allows is
 * what another, sealed line says word by word.  Everything else is tampering.
 *
 * When the state is lost as well (restart), the chain goes on from the last
 * sealed line of the file; bytes after it, of a line that was torn, are
 * counted in "torn" of the chain_resumed that follows them.  Records that
 * could not be written, because the one before them still waited for the
 * disk, are counted in its "lost".
 */

#ifndef PGUARD_AUDIT_CHAIN_H
#define PGUARD_AUDIT_CHAIN_H

#include "pguard_audit.h"


typedef struct {
    uint64_t       seq;               /* of the last line; 0: none yet */
    unsigned char  mac[PGUARD_MAC_LEN];
    uint64_t       repeats;           /* this line may be there twice */
    uint64_t       torn;              /* so many bytes of an unknown line */
    uint64_t       lost;              /* records, ever */
    uint64_t       lost_told;         /* of them, said in the log */
    uint64_t       resumed;           /* a chain_resumed is due */

    uint64_t       next_seq;          /* the same, once it is committed */
    unsigned char  next_mac[PGUARD_MAC_LEN];
    uint64_t       next_told;
    uint64_t       next_tells;        /* it is a chain_resumed */
    uint64_t       pending;           /* bytes of line; 0: none */

    uint64_t       gateway_len;
    unsigned char  gateway[PGUARD_NAME_MAX];
    unsigned char  line[PGUARD_AUDIT_LINE_MAX + 2];   /* LF, the line, LF */
} pguard_audit_chain_t;


/* Writes all of len bytes at the end of the log, at best in one call.  0, or
   -1 if not all, or perhaps not all, are there. */
typedef int (*pguard_audit_write_pt)(void *data, const unsigned char *p,
    size_t len);


/* A new chain; gateway is cut to PGUARD_NAME_MAX bytes.  Its first record is
   to be PGUARD_AUDIT_CHAIN_STARTED. */
void pguard_audit_begin(pguard_audit_chain_t *chain, pguard_str_t gateway);

/*
 * Goes on with the chain that a log holds.  tail: the end of the log, from
 * its beginning or from anywhere at least 2 * PGUARD_AUDIT_LINE_MAX bytes
 * before its end.  0, or -1 if no line in it was sealed with this key by this
 * gateway: a new chain is to be begun (*chain is as pguard_audit_begin()
 * leaves it).
 */
int pguard_audit_resume(pguard_audit_chain_t *chain, pguard_str_t gateway,
    const pguard_key_t *key, pguard_str_t tail);

/*
 * The log may have been gone on with by others that have a state of their own:
 * another master, while the binary is replaced.  tail: as above, now that the
 * caller holds the lock, and one that keeps them from writing.  Goes on after
 * their last line: 1; what was kept for the next call is then counted as lost,
 * unless the log has it.  0 if there is nothing of others.
 */
int pguard_audit_follow(pguard_audit_chain_t *chain, const pguard_key_t *key,
    pguard_str_t tail);

/*
 * Appends one record; the caller holds the lock.  now: ms since 1970.
 * Finishes first what an earlier call could not.  0 if it was written; -1 if
 * not: it is then kept for the next call, or, if another one is kept already,
 * counted as lost.
 */
int pguard_audit_append(pguard_audit_chain_t *chain, const pguard_key_t *key,
    const pguard_audit_record_t *rec, pguard_msec_t now,
    pguard_audit_write_pt write, void *data);

/* The caller holds the lock.  Finishes what an earlier call could not, if
   there is anything.  0, or -1 if it still cannot be written. */
int pguard_audit_flush(pguard_audit_chain_t *chain, const pguard_key_t *key,
    pguard_msec_t now, pguard_audit_write_pt write, void *data);


#endif /* PGUARD_AUDIT_CHAIN_H */
