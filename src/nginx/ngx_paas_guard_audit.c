/*
 * Appends events to the audit log.  See ngx_paas_guard_audit.h.
 */

#include "ngx_paas_guard_audit.h"


#define NGX_PAAS_GUARD_AUDIT_TICK  1000       /* ms */


static void ngx_paas_guard_audit_rotated(ngx_paas_guard_audit_t *audit);
static void ngx_paas_guard_audit_judge(ngx_paas_guard_audit_t *audit,
    ngx_uint_t failed);
static void ngx_paas_guard_audit_begin(ngx_paas_guard_audit_t *audit);
static void ngx_paas_guard_audit_tick(ngx_event_t *ev);


pguard_msec_t
ngx_paas_guard_audit_time(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return (pguard_msec_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


ngx_int_t
ngx_paas_guard_audit_lock(ngx_paas_guard_audit_t *audit)
{
    ngx_int_t                       rc;
    ngx_paas_guard_audit_shared_t  *shared;

    ngx_shmtx_lock(&audit->shpool->mutex);

    shared = audit->shared;

    ngx_paas_guard_audit_recover(audit);

    rc = ngx_paas_guard_audit_reopen(audit);
    audit->usable = (rc != NGX_ERROR);

    ngx_paas_guard_audit_enter(audit);

    if (pguard_audit_flush(&shared->chain, audit->mcf->key,
                           ngx_paas_guard_audit_time(),
                           ngx_paas_guard_audit_write, audit)
        != 0)
    {
        ngx_paas_guard_audit_judge(audit, 1);
        return NGX_DECLINED;
    }

    if (rc == NGX_ERROR) {
        ngx_paas_guard_audit_judge(audit, 1);
        return NGX_DECLINED;
    }

    if (rc == NGX_AGAIN) {
        ngx_paas_guard_audit_rotated(audit);
    }

    return NGX_OK;
}


void
ngx_paas_guard_audit_unlock(ngx_paas_guard_audit_t *audit)
{
    ngx_paas_guard_audit_leave(audit);
    ngx_shmtx_unlock(&audit->shpool->mutex);
}


/* The lines that go on here are those of another file. */

static void
ngx_paas_guard_audit_rotated(ngx_paas_guard_audit_t *audit)
{
    pguard_audit_record_t  rec;

    ngx_memzero(&rec, sizeof(pguard_audit_record_t));
    rec.type = PGUARD_AUDIT_CHAIN_ROTATED;

    ngx_paas_guard_audit_append(audit, &rec);
}


/* A log that can't be written is said once, and once when it can again. */

static void
ngx_paas_guard_audit_judge(ngx_paas_guard_audit_t *audit, ngx_uint_t failed)
{
    ngx_str_t                       name;
    ngx_paas_guard_audit_shared_t  *shared;

    shared = audit->shared;

    if (shared->failed == failed) {
        return;
    }

    shared->failed = failed;
    ngx_str_set(&name, "syslog");

    if (audit->file) {
        name = audit->file->name;
    }

    if (failed) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "paas_guard_audit: could not write to \"%V\"", &name);

    } else {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "paas_guard_audit: \"%V\" is written again, %uL records "
                      "are lost since the start", &name, shared->chain.lost);
    }
}


void
ngx_paas_guard_audit_append(ngx_paas_guard_audit_t *audit,
    pguard_audit_record_t *rec)
{
    int  rc;

    rc = pguard_audit_append(&audit->shared->chain, audit->mcf->key, rec,
                             ngx_paas_guard_audit_time(),
                             ngx_paas_guard_audit_write, audit);

    ngx_paas_guard_audit_judge(audit, rc != 0);
}


void
ngx_paas_guard_audit(ngx_paas_guard_main_conf_t *gmcf,
    pguard_audit_record_t *rec)
{
    if (gmcf->audit == NULL) {
        return;
    }

    (void) ngx_paas_guard_audit_lock(gmcf->audit);
    ngx_paas_guard_audit_append(gmcf->audit, rec);
    ngx_paas_guard_audit_unlock(gmcf->audit);
}


void
ngx_paas_guard_audit_store(ngx_paas_guard_zone_t *zone, const char *lost)
{
    pguard_audit_record_t  rec;

    static pguard_str_t  states[] = {
        pguard_string("degraded"),
        pguard_string("redis")
    };

    ngx_memzero(&rec, sizeof(pguard_audit_record_t));

    rec.type = PGUARD_AUDIT_STORE_STATE;
    rec.str[PGUARD_AUDIT_WAS] = states[lost != NULL];
    rec.str[PGUARD_AUDIT_STATE] = states[lost == NULL];

    if (lost) {
        rec.str[PGUARD_AUDIT_WHY].data = (u_char *) lost;
        rec.str[PGUARD_AUDIT_WHY].len = ngx_strlen(lost);
    }

    ngx_paas_guard_audit(zone->mcf, &rec);
}


uint64_t
ngx_paas_guard_audit_lost(ngx_paas_guard_main_conf_t *gmcf)
{
    return gmcf->audit ? pguard_peek(&gmcf->audit->shared->chain.lost) : 0;
}


ngx_uint_t
ngx_paas_guard_audit_failing(ngx_paas_guard_main_conf_t *gmcf)
{
    return gmcf->audit && pguard_peek(&gmcf->audit->shared->failed);
}


void
ngx_paas_guard_audit_init_process(ngx_cycle_t *cycle,
    ngx_paas_guard_audit_t *audit)
{
    if (audit == NULL) {
        return;
    }

    /* in each worker, for any of them may be the first that has a request */

    ngx_paas_guard_audit_begin(audit);

    if (ngx_worker != 0) {
        return;
    }

    audit->timer.handler = ngx_paas_guard_audit_tick;
    audit->timer.data = audit;
    audit->timer.log = cycle->log;
    audit->timer.cancelable = 1;

    ngx_add_timer(&audit->timer, NGX_PAAS_GUARD_AUDIT_TICK);
}


/* What a start or a reload has to say, as soon as it can be written; a chain
   has no other first line, though that may have to wait, too. */

static void
ngx_paas_guard_audit_begin(ngx_paas_guard_audit_t *audit)
{
    ngx_int_t                       rc;
    pguard_audit_record_t           rec;
    ngx_paas_guard_audit_shared_t  *shared;

    static pguard_str_t  version = pguard_string(PGUARD_VERSION);
    static pguard_str_t  why = pguard_string("no chain to go on with");

    shared = audit->shared;

    ngx_memzero(&rec, sizeof(pguard_audit_record_t));
    rec.str[PGUARD_AUDIT_VERSION] = version;

    rc = ngx_paas_guard_audit_lock(audit);

    if (shared->chain.seq == 0 && !shared->chain.pending) {
        rec.type = PGUARD_AUDIT_CHAIN_STARTED;
        rec.str[PGUARD_AUDIT_WHY] = why;
        ngx_paas_guard_audit_append(audit, &rec);
    }

    if (rc == NGX_OK) {

        if (audit->digested
            && (!shared->digested
                || ngx_memcmp(shared->digest, audit->digest,
                              NGX_PAAS_GUARD_DIGEST_LEN)
                   != 0))
        {
            rec.type = PGUARD_AUDIT_CONFIG_CHANGED;
            rec.str[PGUARD_AUDIT_DIGEST].data = audit->digest;
            rec.str[PGUARD_AUDIT_DIGEST].len = NGX_PAAS_GUARD_DIGEST_LEN;
            rec.str[PGUARD_AUDIT_DIGEST_WAS].data = shared->digest;
            rec.str[PGUARD_AUDIT_DIGEST_WAS].len =
                              shared->digested ? NGX_PAAS_GUARD_DIGEST_LEN : 0;
            ngx_paas_guard_audit_append(audit, &rec);

            ngx_memcpy(shared->digest, audit->digest,
                       NGX_PAAS_GUARD_DIGEST_LEN);
            shared->digested = 1;
        }

        audit->begun = 1;
    }

    ngx_paas_guard_audit_unlock(audit);
}


static void
ngx_paas_guard_audit_tick(ngx_event_t *ev)
{
    ngx_paas_guard_audit_t  *audit;

    audit = ev->data;

    if (!audit->begun && !ngx_exiting) {
        ngx_paas_guard_audit_begin(audit);

    } else {

        if (ngx_paas_guard_audit_lock(audit) == NGX_OK) {
            ngx_paas_guard_audit_judge(audit, 0);
        }

        ngx_paas_guard_audit_unlock(audit);
    }

    ngx_add_timer(ev, NGX_PAAS_GUARD_AUDIT_TICK);
}
