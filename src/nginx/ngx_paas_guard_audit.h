/*
 * The audit log: what its files share.
 *
 * _audit.c appends to the chain, _audit_file.c is the file below it,
 * _audit_blocks.c tells what blocks owe, _audit_conf.c is the directive and
 * what a start or a reload does, _audit_digest.c hashes the configuration.
 *
 * The chain's state is in shared memory, one for all workers, zones and
 * cycles; the mutex of that memory covers the state and the file.  A process
 * that holds a zone's mutex may take this one, never the other way round.
 * While the binary is replaced, two masters have a state each and share the
 * file: a lock on the file keeps their workers apart, and a worker that finds
 * the file longer than its own master's workers have left it goes on after what
 * the others have written.
 */

#ifndef _NGX_PAAS_GUARD_AUDIT_H_INCLUDED_
#define _NGX_PAAS_GUARD_AUDIT_H_INCLUDED_


#include "ngx_paas_guard.h"
#include "../core/pguard_audit_chain.h"

#include <ngx_syslog.h>


#define NGX_PAAS_GUARD_DIGEST_LEN  PGUARD_MAC_LEN


/* In shared memory, zeroed at first and kept over a reload. */

typedef struct {
    pguard_audit_chain_t         chain;
    uint64_t                     device;        /* of the file that has the */
    uint64_t                     inode;         /* last line; 0: none yet */
    uint64_t                     size;          /* of it, with that line */
    uint64_t                     failed;        /* the last write; was told */

    uint64_t                     digested;      /* there is a digest */
    u_char                       digest[NGX_PAAS_GUARD_DIGEST_LEN];

    /* a block's line on its way: see ngx_paas_guard_audit_block() */

    uint64_t                     block_seq;     /* 0: none */
    uint64_t                     block_due;
    u_char                       block[PGUARD_EVENT_LEN];
} ngx_paas_guard_audit_shared_t;


struct ngx_paas_guard_audit_s {
    ngx_str_t                      path;        /* empty: syslog alone */
    ngx_str_t                      conf_file;   /* of its line */
    ngx_uint_t                     conf_line;
    ngx_open_file_t               *file;        /* or NULL */
    ngx_syslog_peer_t             *syslog;      /* or NULL */
    ngx_shm_zone_t                *shm_zone;
    ngx_slab_pool_t               *shpool;      /* its mutex */
    ngx_paas_guard_audit_shared_t *shared;
    ngx_paas_guard_main_conf_t    *mcf;
    ngx_event_t                    timer;       /* worker 0 */
    ngx_uint_t                     usable;      /* the file, in this call */
    ngx_uint_t                     begun;       /* this worker has told so */
    ngx_uint_t                     digested;    /* there is a digest */
    u_char                         digest[NGX_PAAS_GUARD_DIGEST_LEN];
};


/* ngx_paas_guard_audit.c */

/* Takes the lock, and finishes what an earlier call could not.  NGX_OK: what is
   appended now is not lost; NGX_DECLINED: the log can't be written.  In both
   cases the lock is held. */
ngx_int_t ngx_paas_guard_audit_lock(ngx_paas_guard_audit_t *audit);
void ngx_paas_guard_audit_unlock(ngx_paas_guard_audit_t *audit);

/* The caller holds the lock. */
void ngx_paas_guard_audit_append(ngx_paas_guard_audit_t *audit,
    pguard_audit_record_t *rec);

/* ms since 1970, as the system has it now. */
pguard_msec_t ngx_paas_guard_audit_time(void);

/* ngx_paas_guard_audit_file.c */

/* Makes audit->file the file that its path names now.  NGX_OK; NGX_AGAIN: done,
   and it is another file than the last line is in; NGX_ERROR: it can't be
   opened. */
ngx_int_t ngx_paas_guard_audit_reopen(ngx_paas_guard_audit_t *audit);

/* Locks the file against other masters and goes on after what they have
   written; unlocks it.  The caller holds the lock. */
void ngx_paas_guard_audit_enter(ngx_paas_guard_audit_t *audit);
void ngx_paas_guard_audit_leave(ngx_paas_guard_audit_t *audit);

/* Creates the file, if there is none, for nobody but its owner and group. */
ngx_int_t ngx_paas_guard_audit_create(ngx_str_t *path);

/* The master, at the start: gives the file to the workers' user, and reads its
   end, to be freed.  tail->data is NULL if there is nothing to read. */
void ngx_paas_guard_audit_own(ngx_cycle_t *cycle,
    ngx_paas_guard_audit_t *audit);
void ngx_paas_guard_audit_tail(ngx_paas_guard_audit_t *audit,
    pguard_str_t *tail, ngx_log_t *log);

/* As pguard_audit_write_pt: to the file, then to syslog. */
int ngx_paas_guard_audit_write(void *data, const u_char *p, size_t len);

/* ngx_paas_guard_audit_blocks.c */

/* If a worker died while it wrote a block's line (block_seq): finds out whether
   the line is written, and if so, that it is not due any more. */
void ngx_paas_guard_audit_recover(ngx_paas_guard_audit_t *audit);

/* ngx_paas_guard_audit_digest.c */

/* SHA-256 of the bytes of all files of the configuration.  NGX_OK, or
   NGX_DECLINED if one can't be read, which is logged. */
ngx_int_t ngx_paas_guard_audit_digest(ngx_conf_t *cf, u_char *digest);


#endif /* _NGX_PAAS_GUARD_AUDIT_H_INCLUDED_ */
