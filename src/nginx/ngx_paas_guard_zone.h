/*
 * What a zone has: its life, its blocks, what it knows of clients, and its
 * state file.
 */

#ifndef _NGX_PAAS_GUARD_ZONE_H_INCLUDED_
#define _NGX_PAAS_GUARD_ZONE_H_INCLUDED_


#include "ngx_paas_guard.h"


/* ngx_paas_guard_zone.c: its life */

/* init of its shared memory: makes it, or finds all that is there. */
ngx_int_t ngx_paas_guard_zone_init(ngx_shm_zone_t *shm_zone, void *data);

/* A worker begins and ends. */
ngx_int_t ngx_paas_guard_zone_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_zone_t *zone);
void ngx_paas_guard_zone_exit_process(ngx_paas_guard_zone_t *zone);


/* ngx_paas_guard_blocks.c: found, and set for what requests do */

/* Blocks key for its rule, or finds that it is blocked already: a copy of that
   block is in *b.  evidence: the count that exceeded.  NGX_DECLINED: there is
   no place for it. */
ngx_int_t ngx_paas_guard_zone_block(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key, pguard_window_result_t *evidence,
    pguard_block_t *b);

/* Counts a refusal by b, as ngx_paas_guard_zone_blocked() does by itself. */
void ngx_paas_guard_zone_refused(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b);

/* Is key blocked, by a block set here or learned from another gateway?  1: *b
   is filled, and the refusal is counted; or 0.  b->dry_run is set on entry, see
   pguard_block_refuse(). */
ngx_uint_t ngx_paas_guard_zone_blocked(ngx_paas_guard_ctx_t *ctx,
    ngx_paas_guard_key_t *key, pguard_msec_t now, pguard_blocked_t *b);

/* The same for a block that an operator has set for the client, by no rule. */
PGUARD_APART ngx_uint_t ngx_paas_guard_operator_blocked(
    ngx_paas_guard_ctx_t *ctx, pguard_msec_t now, pguard_blocked_t *b);

/* The key of such a block; service is NULL: all. */
pguard_hash_t ngx_paas_guard_operator_key(const pguard_id_t *client,
    ngx_paas_guard_service_t *service);

/* How many blocks are active at now.  O(capacity). */
uint64_t ngx_paas_guard_active_blocks(ngx_paas_guard_zone_t *zone,
    pguard_msec_t now);

/* The client behind a block: id itself, if the rule is keyed by the client or
   the block is an operator's (rule is NULL); else zeros. */
pguard_id_t ngx_paas_guard_zone_client(ngx_paas_guard_rule_t *rule,
    const pguard_id_t *id);

/* The caller holds the zone's mutex.  Puts b, see pguard_block_put(), and
   writes the audit lines that are due for what it replaces, and for b. */
pguard_block_t *ngx_paas_guard_zone_put(ngx_paas_guard_zone_t *zone,
    pguard_block_t *b, pguard_msec_t now, unsigned *evicted);


/* ngx_paas_guard_blocks_told.c: blocks that operators set and lift; for those
   of other gateways, see ngx_paas_guard_store.h */

/*
 * Blocks b->id by hand, for length ms, here and at the other gateways: the
 * client with this digest if rule is empty, else this key of the rule.  An
 * empty service: all of them.  On entry b has id, client, reason, and zeros.
 * NGX_OK; NGX_BUSY: it is blocked already, *b is that block; NGX_DECLINED:
 * there is no place; NGX_ERROR: there is no such rule or service, or the rule
 * blocks in one service and none is given.
 */
ngx_int_t ngx_paas_guard_operator_block(ngx_paas_guard_zone_t *zone,
    ngx_str_t *rule, ngx_str_t *service, pguard_msec_t length,
    pguard_block_t *b);

/* Lifts the block with this event id, here and at the other gateways, and
   forgets its counts and offences.  NGX_OK: *b is what it was; NGX_DECLINED:
   there is none. */
ngx_int_t ngx_paas_guard_zone_lift(ngx_paas_guard_zone_t *zone,
    const u_char *event, pguard_msec_t now, pguard_block_t *b);


/* ngx_paas_guard_clients.c: what a zone has of one client */

typedef struct {
    ngx_paas_guard_rule_t       *rule;
    ngx_paas_guard_service_t    *service;       /* NULL: all */
    pguard_hash_t                key;           /* of the windows */
    pguard_window_state_t        state;
} ngx_paas_guard_counted_by_t;

typedef void (*ngx_paas_guard_count_pt)(ngx_paas_guard_counted_by_t *by,
    void *data);

/* How much was forgotten of a client. */

typedef struct {
    ngx_paas_guard_zone_t       *zone;
    uint64_t                     counts;
    uint64_t                     blocks;        /* active ones */
    uint64_t                     events;        /* ended ones, refusals */
    uint64_t                     left;          /* not yet in the audit log */
    uint64_t                     change;        /* see pguard_zone_kept() */
} ngx_paas_guard_forget_t;

/* How often a block was lifted.  An id noted before the last lift may have been
   forgotten since, and is to be noted again. */

#define ngx_paas_guard_lifts(zone)  pguard_peek(&(zone)->core.lifts->count)

/* Notes in the zone that hash and id belong together (see pguard_client.h),
   unless this worker has done so within the last minute.  Called whenever an id
   is known. */

#define NGX_PAAS_GUARD_NOTE_AGAIN  60000        /* ms */

PGUARD_RARE void ngx_paas_guard_client_tell(ngx_paas_guard_zone_t *zone,
    pguard_hash_t hash, const pguard_id_t *id);

static ngx_inline void
ngx_paas_guard_client_note(ngx_paas_guard_zone_t *zone, pguard_hash_t hash,
    const pguard_id_t *id)
{
    uint64_t                tag;
    ngx_paas_guard_note_t  *note;

    tag = hash.lo ^ (uintptr_t) zone->memory
          ^ ngx_paas_guard_lifts(zone) << 32;

    note = &zone->mcf->worker->notes[hash.hi % NGX_PAAS_GUARD_NOTES];

    if (note->tag != tag
        || ngx_current_msec - note->at >= NGX_PAAS_GUARD_NOTE_AGAIN)
    {
        note->tag = tag;
        note->at = ngx_current_msec;
        ngx_paas_guard_client_tell(zone, hash, id);
    }
}


/* 1: the hash of this id is noted, so its counts can be found; else 0.
   O(clients), as all that follow. */
ngx_uint_t ngx_paas_guard_client_known(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id);

/* Calls handler for each count, not 0, of a client or of a rule's key, as far
   as its hash is noted. */
void ngx_paas_guard_client_counts(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, pguard_msec_t now, ngx_paas_guard_count_pt handler,
    void *data);

/* 1: b was set for this id, or caused by it; else 0.  Zeros are nobody's id. */
ngx_uint_t ngx_paas_guard_block_of(const pguard_block_t *b,
    const pguard_id_t *id);

/* Forgets all that the zone has of id; *forget says how much that was. */
void ngx_paas_guard_client_forget(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, ngx_paas_guard_forget_t *forget);

/* Forgets what this gateway has counted of the key of a block that is lifted:
   of one that another gateway has set, counts are kept until it first refuses.
   O(rules * services). */
void ngx_paas_guard_lift_counts(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b, pguard_msec_t now);

/* Notes that a block of id was lifted now: counts from before that are still on
   their way are to be dropped. */
void ngx_paas_guard_lifted(ngx_paas_guard_zone_t *zone, const pguard_id_t *id);

/* 1: one was lifted at or after since (us, monotonic); else 0. */
ngx_uint_t ngx_paas_guard_lifted_since(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, uint64_t since);

/* Notes that the block of this event was lifted at this gateway: others may
   tell of it until they know. */
void ngx_paas_guard_lifted_here(ngx_paas_guard_zone_t *zone,
    const u_char *event);

/* 1: it was, and is among the last ones that were; else 0. */
ngx_uint_t ngx_paas_guard_was_lifted_here(ngx_paas_guard_zone_t *zone,
    const u_char *event);


/* ngx_paas_guard_state.c: blocks in a file */

/* Reads the state file into a zone that is new. */
void ngx_paas_guard_state_load(ngx_paas_guard_zone_t *zone, ngx_log_t *log);

/* Writes what has changed since the last time, if no write is under way.
   wait: only returns when it is written. */
void ngx_paas_guard_state_save(ngx_paas_guard_zone_t *zone, ngx_uint_t wait,
    ngx_log_t *log);

/* Takes over the blocks of a zone that had another size. */
void ngx_paas_guard_state_copy(ngx_paas_guard_zone_t *from,
    ngx_paas_guard_zone_t *to);


#endif /* _NGX_PAAS_GUARD_ZONE_H_INCLUDED_ */
