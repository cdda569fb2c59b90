/*
 * Lines of the audit log about blocks: which line is due is kept in the block
 * itself, so that another worker writes it if one dies.
 */

#include "ngx_paas_guard_audit.h"


/* A request that has found a block is counted by it a moment later, so its end
   is told with some delay; what is still due is looked for as often. */

#define NGX_PAAS_GUARD_AUDIT_GRACE  500         /* ms */
#define NGX_PAAS_GUARD_AUDIT_LOOK   10000


static void
ngx_paas_guard_audit_record(ngx_paas_guard_zone_t *zone,
    const pguard_block_t *b, pguard_audit_record_t *rec)
{
    pguard_msec_t  now;

    now = ngx_paas_guard_clock(NULL);

    ngx_paas_guard_core_str(rec->str[PGUARD_AUDIT_ZONE], zone->name);
    rec->str[PGUARD_AUDIT_SERVICE] = pguard_zone_name(&zone->core,
                                                      PGUARD_NAME_SERVICE,
                                                      b->service);
    rec->str[PGUARD_AUDIT_RULE] = pguard_zone_name(&zone->core,
                                                   PGUARD_NAME_RULE, b->rule);
    rec->str[PGUARD_AUDIT_REASON] = pguard_reason_names[b->reason];
    rec->str[PGUARD_AUDIT_KEY].data = b->id.bytes;
    rec->str[PGUARD_AUDIT_KEY].len = PGUARD_ID_LEN;
    rec->str[PGUARD_AUDIT_EVENT].data = b->event;
    rec->str[PGUARD_AUDIT_EVENT].len = PGUARD_EVENT_LEN;

    if (pguard_id_known(&b->client)) {
        rec->str[PGUARD_AUDIT_CLIENT].data = b->client.bytes;
        rec->str[PGUARD_AUDIT_CLIENT].len = PGUARD_ID_LEN;
    }

    rec->str[PGUARD_AUDIT_HOW] = pguard_block_how_names[b->how];
    rec->num[PGUARD_AUDIT_COUNT] = b->count;
    rec->num[PGUARD_AUDIT_LIMIT] = b->limit;
    rec->num[PGUARD_AUDIT_WINDOW] = b->window;
    rec->num[PGUARD_AUDIT_BLOCK] = b->last;
    rec->num[PGUARD_AUDIT_OFFENCE] = b->step;
    rec->num[PGUARD_AUDIT_DRY_RUN] = b->dry_run;
    rec->num[PGUARD_AUDIT_REFUSED] = pguard_peek(&b->refused);
    rec->num[PGUARD_AUDIT_BEGAN] = ngx_paas_guard_audit_time() + b->since
                                   - now;
}


/*
 * One line of a block, and its mark that the line is told.  A worker that dies
 * between the two leaves in shared memory which line of which block it was
 * about to write: whoever takes the lock next sees whether the chain has it.
 */

static ngx_int_t
ngx_paas_guard_audit_line(ngx_paas_guard_audit_t *audit,
    ngx_paas_guard_zone_t *zone, pguard_block_t *b, pguard_block_due_e due)
{
    pguard_audit_record_t           rec;
    ngx_paas_guard_audit_shared_t  *shared;

    shared = audit->shared;

    ngx_memzero(&rec, sizeof(pguard_audit_record_t));

    rec.type = due == PGUARD_BLOCK_BEGIN ? PGUARD_AUDIT_BLOCK_BEGUN
                                         : PGUARD_AUDIT_BLOCK_ENDED;
    ngx_paas_guard_audit_record(zone, b, &rec);

    shared->block_due = due;
    ngx_memcpy(shared->block, b->event, PGUARD_EVENT_LEN);
    pguard_store(&shared->block_seq, shared->chain.seq + 1);

    ngx_paas_guard_audit_append(audit, &rec);

    pguard_block_told(&zone->core.blocks, b, due);
    pguard_store(&shared->block_seq, 0);

    /* the state file must not have it as still due */

    pguard_zone_changed(&zone->core);

    return NGX_OK;
}


void
ngx_paas_guard_audit_recover(ngx_paas_guard_audit_t *audit)
{
    uint64_t                        pos;
    ngx_uint_t                      i;
    pguard_msec_t                   now;
    pguard_block_t                 *b;
    ngx_paas_guard_zone_t         **zones;
    ngx_paas_guard_audit_shared_t  *shared;

    shared = audit->shared;

    if (pguard_load(&shared->block_seq) == 0) {
        return;
    }

    zones = audit->mcf->zones.elts;
    now = ngx_paas_guard_clock(NULL);

    /* written, or whole in the chain's state, from which it is written yet */

    if (shared->chain.seq >= shared->block_seq
        || (shared->chain.pending
            && shared->chain.next_seq == shared->block_seq))
    {
        for (i = 0; i < audit->mcf->zones.nelts; i++) {

            for (pos = 0; /* void */ ; ) {

                b = pguard_block_next(&zones[i]->core.blocks, &pos, now);
                if (b == NULL) {
                    break;
                }

                if (pguard_load(&b->due) == shared->block_due
                    && ngx_memcmp(b->event, shared->block, PGUARD_EVENT_LEN)
                       == 0)
                {
                    pguard_block_told(&zones[i]->core.blocks, b,
                                      shared->block_due);
                }
            }
        }
    }

    pguard_store(&shared->block_seq, 0);
}


ngx_int_t
ngx_paas_guard_audit_block(ngx_paas_guard_zone_t *zone, pguard_block_t *b,
    pguard_msec_t at)
{
    ngx_int_t                rc;
    pguard_block_due_e       due;
    ngx_paas_guard_audit_t  *audit;

    audit = zone->mcf->audit;

    /* what was due when there was an audit log yet */

    while (audit == NULL
           && (due = pguard_block_due(b, at)) != PGUARD_BLOCK_NOTHING)
    {
        pguard_block_told(&zone->core.blocks, b, due);
    }

    if (pguard_block_due(b, at) == PGUARD_BLOCK_NOTHING) {
        return NGX_OK;
    }

    rc = ngx_paas_guard_audit_lock(audit);

    while (rc == NGX_OK) {

        /* under the lock, as what another one died of may be told by now */

        due = pguard_block_due(b, at);

        if (due == PGUARD_BLOCK_NOTHING || audit->shared->chain.pending) {
            break;
        }

        rc = ngx_paas_guard_audit_line(audit, zone, b, due);
    }

    ngx_paas_guard_audit_unlock(audit);

    return pguard_block_due(b, at) == PGUARD_BLOCK_NOTHING ? NGX_OK
                                                           : NGX_DECLINED;
}


/* Its place is needed, so it ends now; what still can't be told is lost. */

void
ngx_paas_guard_audit_replaced(ngx_paas_guard_zone_t *zone, pguard_block_t *b,
    pguard_msec_t now)
{
    if (zone->mcf->audit == NULL || b->due == PGUARD_BLOCK_NOTHING) {
        return;
    }

    if (b->until > now) {
        b->how = PGUARD_BLOCK_REPLACED;
        now = b->until;
    }

    if (ngx_paas_guard_audit_block(zone, b, now) == NGX_OK) {
        return;
    }

    (void) ngx_paas_guard_audit_lock(zone->mcf->audit);

    zone->mcf->audit->shared->chain.lost +=
                       pguard_block_due(b, now) == PGUARD_BLOCK_BEGIN ? 2 : 1;

    ngx_paas_guard_audit_unlock(zone->mcf->audit);
}


/* Worker 0, every second: begins that a worker died before telling, ends. */

void
ngx_paas_guard_audit_blocks(ngx_paas_guard_zone_t *zone)
{
    uint64_t         pos, changes, ended;
    ngx_int_t        rc;
    pguard_msec_t    now, at;
    pguard_block_t  *b;

    changes = pguard_zone_changes(&zone->core);
    now = ngx_paas_guard_clock(NULL);
    at = now - NGX_PAAS_GUARD_AUDIT_GRACE;

    /* at a reload to another size, the new workers have the blocks, too */

    if (zone->mcf->audit == NULL || ngx_exiting
        || (changes == zone->audited && now < zone->audit_due))
    {
        return;
    }

    zone->audited = changes;
    zone->audit_due = now + NGX_PAAS_GUARD_AUDIT_LOOK;
    pos = 0;
    rc = NGX_OK;

    while (rc == NGX_OK) {

        b = pguard_block_next(&zone->core.blocks, &pos, now);
        if (b == NULL) {
            break;
        }

        if (pguard_block_due(b, at) != PGUARD_BLOCK_NOTHING) {
            ngx_shmtx_lock(&zone->shpool->mutex);
            rc = ngx_paas_guard_audit_block(zone, b, at);
            ngx_shmtx_unlock(&zone->shpool->mutex);
        }

        if (pguard_load(&b->due) != PGUARD_BLOCK_NOTHING) {
            ended = pguard_load(&b->until);
            ended = ended ? ended : pguard_load(&b->ended);
            zone->audit_due = ngx_min(zone->audit_due,
                                      ended + NGX_PAAS_GUARD_AUDIT_GRACE);
        }
    }
}
