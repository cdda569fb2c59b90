/*
 * A month of all gateways: this one's record is sent to the store, those of
 * the others are read from there.
 */

#include "ngx_paas_guard_sla.h"


#define NGX_PAAS_GUARD_MONTH_OUTAGES  2048
#define NGX_PAAS_GUARD_MONTH_SPARE    4096      /* what is counted meanwhile */
#define NGX_PAAS_GUARD_SEND_EVERY     10        /* s, at least; */
#define NGX_PAAS_GUARD_SEND_RATE      65536     /* bytes in each of them */
#define NGX_PAAS_GUARD_SEND_AGAIN     1800      /* s: what has not changed */


static ngx_int_t ngx_paas_guard_sla_send_month(ngx_paas_guard_sla_t *sla,
    pguard_month_t month, ngx_uint_t which, ngx_log_t *log);
static void ngx_paas_guard_sla_sent(ngx_paas_guard_put_t *put,
    ngx_uint_t done);
static u_char *ngx_paas_guard_sla_record(ngx_paas_guard_sla_t *sla,
    pguard_month_t month, uint64_t version, size_t *len, ngx_log_t *log);
static ngx_int_t ngx_paas_guard_month_ask(ngx_paas_guard_month_t *m,
    pguard_month_t month, ngx_paas_guard_fetch_t **fetch);
static void ngx_paas_guard_month_cleanup(void *data);
static void ngx_paas_guard_month_fetched(ngx_paas_guard_fetch_t *fetch);
static ngx_uint_t ngx_paas_guard_month_lost(ngx_paas_guard_month_t *m);
static ngx_int_t ngx_paas_guard_month_alone(ngx_paas_guard_month_t *m);
static ngx_int_t ngx_paas_guard_month_merge(ngx_paas_guard_month_t *m);
static ngx_int_t ngx_paas_guard_month_records(ngx_paas_guard_month_t *m,
    pguard_merge_record_t **records, size_t *n);
static void ngx_paas_guard_month_log(ngx_paas_guard_month_t *m,
    pguard_merge_record_t *r, size_t *n, const pguard_merge_record_t *later);
static ngx_int_t ngx_paas_guard_month_add(ngx_paas_guard_month_t *m,
    pguard_merge_record_t *r, size_t n);


/*
 * What this gateway has counted goes to the store under its own id, this month
 * and the last one, whenever it has changed: what could not be sent goes the
 * next time, with all that was counted meanwhile.
 */

void
ngx_paas_guard_sla_send(ngx_paas_guard_sla_t *sla, ngx_log_t *log)
{
    ngx_uint_t               i;
    pguard_month_span_t      span;
    ngx_paas_guard_store_t  *store;

    store = sla->zone->mcf->store;

    if (store == NULL) {
        return;
    }

    /* a store that was away may have lost all, and one that was not, too */

    if (!ngx_paas_guard_store_up(store)
        || sla->ticks % NGX_PAAS_GUARD_SEND_AGAIN == 0)
    {
        ngx_memzero(sla->sent_month, sizeof(sla->sent_month));
    }

    if (sla->put.bytes
        || sla->ticks < sla->send_at
        || !pguard_month_of(&sla->indicator->tz, ngx_time(), &span))
    {
        return;
    }

    for (i = 0; i < 2 && span.month > i; i++) {
        if (ngx_paas_guard_sla_send_month(sla, span.month - i, i, log)
            != NGX_DECLINED)
        {
            return;
        }
    }
}


/* NGX_DECLINED: nothing is to be sent of this month. */

static ngx_int_t
ngx_paas_guard_sla_send_month(ngx_paas_guard_sla_t *sla, pguard_month_t month,
    ngx_uint_t which, ngx_log_t *log)
{
    uint64_t               counted;
    ngx_time_t            *tp;
    pguard_cells_t         cells;
    ngx_paas_guard_put_t  *put;
    pguard_outage_ends_t  *ends;

    ends = sla->ledger.log.ends;
    pguard_ledger_cells(&sla->ledger, month, &cells);

    counted = pguard_cells_sum(&cells);

    if (counted == 0 && which > 0 && ends->next == ends->first) {
        return NGX_DECLINED;
    }

    counted += 1 + ends->next;

    if (sla->sent_month[which] == month && sla->sent[which] == counted) {
        return NGX_DECLINED;
    }

    tp = ngx_timeofday();
    put = &sla->put;

    put->key.zone = sla->zone;
    put->key.month = month;
    ngx_paas_guard_core_str(put->key.indicator, sla->indicator->name);
    put->gateway = sla->head->gateway;
    put->version = (uint64_t) tp->sec * 1000 + tp->msec;
    put->handler = ngx_paas_guard_sla_sent;
    put->data = sla;
    put->bytes = ngx_paas_guard_sla_record(sla, month, put->version, &put->len,
                                           log);
    if (put->bytes == NULL) {
        return NGX_ERROR;
    }

    sla->sending = counted;
    sla->sending_which = which;
    sla->send_at = sla->ticks + NGX_PAAS_GUARD_SEND_EVERY
                   + put->len / NGX_PAAS_GUARD_SEND_RATE;

    return ngx_paas_guard_store_put(sla->zone->mcf->store, put) == NGX_OK
           ? NGX_OK : NGX_ERROR;
}


static void
ngx_paas_guard_sla_sent(ngx_paas_guard_put_t *put, ngx_uint_t done)
{
    ngx_uint_t             which;
    ngx_paas_guard_sla_t  *sla;

    sla = put->data;
    which = sla->sending_which;

    if (!done) {
        return;
    }

    sla->sent_month[which] = put->key.month;
    sla->sent[which] = sla->sending;

    /* the other month at once, if it is due, too */

    if (which == 0) {
        (void) ngx_paas_guard_sla_send_month(sla, put->key.month - 1, 1,
                                             ngx_cycle->log);
    }
}


/* To be freed; NULL: no memory. */

static u_char *
ngx_paas_guard_sla_record(ngx_paas_guard_sla_t *sla, pguard_month_t month,
    uint64_t version, size_t *len, ngx_log_t *log)
{
    size_t              size;
    u_char             *bytes;
    pguard_out_t        out;
    pguard_ledger_id_t  id;

    ngx_paas_guard_sla_id(sla, &id);
    size = sla->recorded;

    for ( ;; ) {
        size += NGX_PAAS_GUARD_MONTH_SPARE + size / 8;

        bytes = ngx_alloc(size, log);
        if (bytes == NULL) {
            return NULL;
        }

        pguard_out_init(&out, bytes, size);

        ngx_shmtx_lock(&sla->shpool->mutex);
        pguard_merge_record(&out, bytes, &sla->ledger, &id, month, version);
        ngx_shmtx_unlock(&sla->shpool->mutex);

        sla->recorded = out.need;

        if (out.need <= size) {
            *len = out.need;
            return bytes;
        }

        ngx_free(bytes);
        size = out.need;
    }
}


ngx_int_t
ngx_paas_guard_sla_month(ngx_paas_guard_month_t *m)
{
    ngx_pool_cleanup_t    *cln;
    pguard_month_span_t    span;
    ngx_paas_guard_sla_t  *sla;

    sla = m->sla;

    m->now = ngx_time();
    m->current = pguard_month_of(&sla->indicator->tz, m->now, &span)
                 ? span.month : m->month;
    m->rule = pguard_ledger_rule(&sla->ledger, m->month,
                                 &sla->indicator->rule);

    if (sla->zone->mcf->store == NULL) {
        return ngx_paas_guard_month_alone(m);
    }

    cln = ngx_pool_cleanup_add(m->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_paas_guard_month_cleanup;
    cln->data = m;

    if (ngx_paas_guard_month_ask(m, m->month, &m->fetch) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    return ngx_paas_guard_month_alone(m);
}


static ngx_int_t
ngx_paas_guard_month_ask(ngx_paas_guard_month_t *m, pguard_month_t month,
    ngx_paas_guard_fetch_t **fetch)
{
    ngx_paas_guard_record_key_t  key;

    key.zone = m->sla->zone;
    key.month = month;
    ngx_paas_guard_core_str(key.indicator, m->sla->indicator->name);

    *fetch = ngx_paas_guard_store_fetch(m->sla->zone->mcf->store, &key,
                                        ngx_paas_guard_month_fetched, m);
    if (*fetch) {
        return NGX_AGAIN;
    }

    m->partial = 1;

    return NGX_DECLINED;
}


static void
ngx_paas_guard_month_cleanup(void *data)
{
    ngx_paas_guard_month_t *m = data;

    if (m->fetch) {
        ngx_paas_guard_store_fetch_free(m->fetch);
        m->fetch = NULL;
    }

    if (m->later) {
        ngx_paas_guard_store_fetch_free(m->later);
        m->later = NULL;
    }
}


/* Of a month whose records are not sent any more, what has been declared, or
   corrected, since then is in those of this month. */

static void
ngx_paas_guard_month_fetched(ngx_paas_guard_fetch_t *fetch)
{
    ngx_int_t                rc;
    ngx_paas_guard_month_t  *m;

    m = fetch->data;

    m->partial |= fetch->partial;

    if (fetch == m->fetch
        && m->month + 1 < m->current
        && ngx_paas_guard_month_ask(m, m->current, &m->later) == NGX_AGAIN)
    {
        return;
    }

    m->partial |= ngx_paas_guard_month_lost(m);

    rc = m->fetch->nrecords ? ngx_paas_guard_month_merge(m)
                            : ngx_paas_guard_month_alone(m);

    m->handler(m, rc);
}


/* Which of n records is of this gateway; n: none. */

static size_t
ngx_paas_guard_month_find(const pguard_merge_record_t *r, size_t n,
    const pguard_id_t *gateway)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (pguard_id_same(&r[i].id.gateway, gateway)) {
            break;
        }
    }

    return i;
}


/* Of a month whose slots are gone here, what the store has lost of this gateway
   can't be added up any more, and it may have lost others, too. */

static ngx_uint_t
ngx_paas_guard_month_lost(ngx_paas_guard_month_t *m)
{
    pguard_cells_t  cells;

    if (m->month + 1 >= m->current
        || ngx_paas_guard_month_find(m->fetch->records, m->fetch->nrecords,
                                     &m->sla->head->gateway)
           < m->fetch->nrecords)
    {
        return 0;
    }

    pguard_ledger_cells(&m->sla->ledger, m->month, &cells);

    return pguard_cells_sum(&cells) != 0;
}


static ngx_int_t
ngx_paas_guard_month_alone(ngx_paas_guard_month_t *m)
{
    int                    rc;
    size_t                 i;
    u_char                *bits;
    pguard_outage_t       *outages;
    ngx_paas_guard_sla_t  *sla;

    sla = m->sla;

    bits = ngx_palloc(m->pool, pguard_ledger_bits_size(sla->indicator->slice));
    outages = ngx_palloc(m->pool, NGX_PAAS_GUARD_OUTAGES
                                  * sizeof(pguard_outage_t));

    if (bits == NULL || outages == NULL) {
        return NGX_ERROR;
    }

    m->gateways = 1;
    m->in.tz = &sla->indicator->tz;
    m->in.applicable = m->applicable;

    ngx_shmtx_lock(&sla->shpool->mutex);

    rc = pguard_figures_of(&m->figures, &m->in, &sla->ledger, m->month, m->now,
                           &sla->indicator->rule, bits, outages,
                           NGX_PAAS_GUARD_OUTAGES);

    ngx_shmtx_unlock(&sla->shpool->mutex);

    for (i = 0; i < m->in.outages; i++) {
        outages[i].gateway = sla->head->gateway;
    }

    return rc == 0 ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_paas_guard_month_merge(ngx_paas_guard_month_t *m)
{
    size_t                  n;
    pguard_merge_record_t  *records;

    if (ngx_paas_guard_month_records(m, &records, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_paas_guard_month_add(m, records, n);
}


/* Those of the store, and this gateway's own as it is now, which takes the
   place of the one that was sent. */

static ngx_int_t
ngx_paas_guard_month_records(ngx_paas_guard_month_t *m,
    pguard_merge_record_t **records, size_t *n)
{
    u_char                 *bytes, *own;
    size_t                  len, i;
    pguard_str_t            str;
    pguard_month_t          month;
    pguard_merge_record_t  *r, live;

    *n = m->fetch->nrecords;
    r = ngx_palloc(m->pool, (2 * NGX_PAAS_GUARD_RECORDS + 1)
                            * sizeof(pguard_merge_record_t));
    if (r == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(r, m->fetch->records, *n * sizeof(pguard_merge_record_t));

    month = (m->month + 1 < m->current) ? m->current : m->month;
    bytes = ngx_paas_guard_sla_record(m->sla, month, INT64_MAX, &len,
                                      ngx_cycle->log);
    if (bytes == NULL) {
        return NGX_ERROR;
    }

    own = ngx_palloc(m->pool, len);

    if (own) {
        ngx_memcpy(own, bytes, len);
    }

    ngx_free(bytes);

    str.data = own;
    str.len = len;

    if (own == NULL || pguard_merge_open(&live, str) != NULL) {
        return NGX_ERROR;
    }

    if (month == m->month) {
        r[(*n)++] = live;

    } else {
        for (i = 0; m->later && i < m->later->nrecords; i++) {
            ngx_paas_guard_month_log(m, r, n, &m->later->records[i]);
        }

        ngx_paas_guard_month_log(m, r, n, &live);
    }

    *records = r;

    return NGX_OK;
}


/* The log of a later record of the same gateway is the same, and longer. */

static void
ngx_paas_guard_month_log(ngx_paas_guard_month_t *m, pguard_merge_record_t *r,
    size_t *n, const pguard_merge_record_t *later)
{
    size_t  i;

    static const u_char  no_slots[] = { 0 };

    i = ngx_paas_guard_month_find(r, *n, &later->id.gateway);

    if (i < *n) {
        r[i].log = later->log;
        r[i].log_end = later->log_end;
        return;
    }

    if (*n == 2 * NGX_PAAS_GUARD_RECORDS) {
        m->partial = 1;
        return;
    }

    /* it had counted nothing yet, or its record of that month was lost */

    r[i] = *later;
    r[i].month = m->month;
    r[i].slots = no_slots;
    r[i].end = no_slots + sizeof(no_slots);
    ngx_memzero(&r[i].cells, sizeof(pguard_cells_t));
    (*n)++;
}


static ngx_int_t
ngx_paas_guard_month_add(ngx_paas_guard_month_t *m, pguard_merge_record_t *r,
    size_t n)
{
    size_t                       i;
    u_char                      *bits;
    uint64_t                     slots;
    pguard_merged_t              merged;
    pguard_ledger_id_t           id;
    ngx_paas_guard_indicator_t  *indicator;

    indicator = m->sla->indicator;
    ngx_paas_guard_sla_id(m->sla, &id);

    for (i = 0; i < n; i++) {
        m->partial |= r[i].id.slice != id.slice
                      || r[i].id.timezone.len != id.timezone.len
                      || ngx_memcmp(r[i].id.timezone.data, id.timezone.data,
                                    id.timezone.len)
                         != 0;
    }

    slots = pguard_ledger_slots(indicator->slice);

    ngx_memzero(&merged, sizeof(pguard_merged_t));

    merged.max = ngx_min(n * NGX_PAAS_GUARD_OUTAGES,
                         NGX_PAAS_GUARD_MONTH_OUTAGES);
    merged.slot = ngx_pcalloc(m->pool, slots * sizeof(pguard_slot_t));
    merged.outage = ngx_palloc(m->pool, merged.max * sizeof(pguard_outage_t));
    bits = ngx_palloc(m->pool, pguard_ledger_bits_size(indicator->slice));

    if (merged.slot == NULL || merged.outage == NULL || bits == NULL) {
        return NGX_ERROR;
    }

    pguard_merge(&merged, r, n, &id, m->month);

    ngx_shmtx_lock(&m->sla->shpool->mutex);
    pguard_merge_take(&m->sla->ledger.log, &id.gateway, r, n);
    ngx_shmtx_unlock(&m->sla->shpool->mutex);

    m->gateways = merged.gateways;
    m->partial |= merged.outages == NGX_PAAS_GUARD_MONTH_OUTAGES;

    pguard_month_span(&indicator->tz, m->month, &m->in.span);
    pguard_slots_bits(merged.slot, slots, indicator->slice, &m->in.span,
                      m->now, &m->rule, bits);

    m->in.tz = &indicator->tz;
    m->in.now = m->now;
    m->in.since = pguard_ledger_since(&m->sla->ledger);
    m->in.bits = bits;
    m->in.slice = indicator->slice;
    m->in.outage = merged.outage;
    m->in.outages = merged.outages;
    m->in.cells = merged.cells;
    m->in.target_ppm = m->rule.target_ppm;
    m->in.applicable = m->applicable;

    pguard_figures(&m->figures, &m->in);

    return NGX_OK;
}
