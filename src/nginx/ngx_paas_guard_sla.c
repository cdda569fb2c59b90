/*
 * The ledger of an indicator in a zone: its memory, its state file, what is
 * counted.
 */

#include "ngx_paas_guard_sla.h"
#include "ngx_paas_guard_secret.h"


#define NGX_PAAS_GUARD_SLA_TICK   1000      /* ms */
#define NGX_PAAS_GUARD_SLA_SAVE   5         /* s between two generations */
#define NGX_PAAS_GUARD_SLA_SPARE  4096      /* what is counted meanwhile */


static ngx_int_t ngx_paas_guard_sla_same(ngx_paas_guard_sla_t *sla);
static ngx_int_t ngx_paas_guard_sla_create(ngx_paas_guard_sla_t *sla,
    ngx_log_t *log);
static const char *ngx_paas_guard_sla_take(void *data, pguard_str_t bytes,
    ngx_log_t *log);
static const char *ngx_paas_guard_sla_convert(ngx_paas_guard_sla_t *sla,
    pguard_str_t bytes, pguard_ledger_id_t *id, ngx_log_t *log);
static void ngx_paas_guard_sla_tick(ngx_event_t *ev);
static void ngx_paas_guard_sla_save(ngx_paas_guard_sla_t *sla,
    ngx_uint_t wait, ngx_log_t *log);
static uint64_t ngx_paas_guard_sla_changes(ngx_paas_guard_sla_t *sla);
static u_char *ngx_paas_guard_sla_render(ngx_paas_guard_sla_t *sla,
    ngx_uint_t last, size_t *len, ngx_log_t *log);


/* A file for each ledger, beside that of the zone's blocks: an indicator that
   is not configured any more keeps it. */

ngx_int_t
ngx_paas_guard_sla_state(ngx_conf_t *cf, ngx_paas_guard_sla_t *sla)
{
    u_char     *p;
    ngx_str_t   path, owner, *zone, *name;

    if (sla->zone->state.len == 0) {
        return NGX_OK;
    }

    zone = &sla->zone->name;
    name = &sla->indicator->name;

    path.data = ngx_pnalloc(cf->pool, sla->zone->state.len + name->len
                                      + sizeof(".sla."));
    owner.data = ngx_pnalloc(cf->pool, zone->len + name->len
                                       + sizeof("sla \"\" of zone \"\""));

    if (path.data == NULL || owner.data == NULL) {
        return NGX_ERROR;
    }

    path.len = ngx_sprintf(path.data, "%V.sla.%V%Z", &sla->zone->state, name)
               - path.data - 1;
    owner.len = ngx_sprintf(owner.data, "sla \"%V\" of zone \"%V\"", name,
                            zone) - owner.data;

    for (p = path.data + sla->zone->state.len; *p; p++) {
        if (*p == '/') {
            *p = '+';           /* no name has it */
        }
    }

    return ngx_paas_guard_file_init(&sla->file, cf->pool, &path, &owner);
}


ngx_int_t
ngx_paas_guard_sla_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_log_t             *log;
    ngx_paas_guard_sla_t  *sla, *old;

    old = data;
    sla = shm_zone->data;
    log = shm_zone->shm.log;
    sla->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (old == NULL) {

        if (ngx_paas_guard_sla_same(sla) != NGX_OK) {
            goto another;
        }

        return ngx_paas_guard_sla_create(sla, log);
    }

    sla->head = sla->shpool->data;

    if (pguard_ledger_open(&sla->ledger,
                           (u_char *) sla->head + NGX_PAAS_GUARD_SLA_HEAD,
                           sla->size - NGX_PAAS_GUARD_SLA_HEAD,
                           sla->indicator->identity, &sla->indicator->tz)
        == 0)
    {
        return NGX_OK;
    }

another:

    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "paas_guard_indicator \"%V\" has another slice or time zone "
                  "now: restart nginx, which converts what is in the file of "
                  "\"state=\"", &sla->indicator->name);

    return NGX_ERROR;
}


/* With another slice a ledger has another size: nginx would begin anew. */

static ngx_int_t
ngx_paas_guard_sla_same(ngx_paas_guard_sla_t *sla)
{
    ngx_str_t        *name;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_shm_zone_t   *shm_zone;

    name = &sla->shm_zone->shm.name;

    for (part = (ngx_list_part_t *) &ngx_cycle->shared_memory.part;
         part;
         part = part->next)
    {
        shm_zone = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (shm_zone[i].data
                && shm_zone[i].init == ngx_paas_guard_sla_init
                && ngx_paas_guard_equal(&shm_zone[i].shm.name, name))
            {
                return NGX_DECLINED;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_sla_create(ngx_paas_guard_sla_t *sla, ngx_log_t *log)
{
    size_t   size;
    u_char  *memory;

    sla->head = ngx_slab_alloc(sla->shpool, sla->size);

    if (sla->head == NULL) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "paas_guard_sla \"%V\": no memory",
                      &sla->indicator->name);
        return NGX_ERROR;
    }

#if (NGX_DEBUG_MALLOC)
    ngx_memzero(sla->head, sla->size);
#endif

    sla->shpool->data = sla->head;

    memory = (u_char *) sla->head + NGX_PAAS_GUARD_SLA_HEAD;
    size = sla->size - NGX_PAAS_GUARD_SLA_HEAD;

    pguard_ledger_create(memory, sla->indicator->slice, NGX_PAAS_GUARD_OUTAGES,
                         sla->indicator->identity);

    if (pguard_ledger_open(&sla->ledger, memory, size,
                           sla->indicator->identity, &sla->indicator->tz)
        != 0
        || getentropy(&sla->head->gateway, sizeof(pguard_id_t)) != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "paas_guard_sla \"%V\": could not begin its ledger",
                      &sla->indicator->name);
        return NGX_ERROR;
    }

    if (sla->file.path.len) {
        (void) ngx_paas_guard_file_load(&sla->file, ngx_paas_guard_sla_take,
                                        sla, log);
    }

    pguard_ledger_roll(&sla->ledger, ngx_time(), &sla->indicator->rule);

    return NGX_OK;
}


void
ngx_paas_guard_sla_id(ngx_paas_guard_sla_t *sla, pguard_ledger_id_t *id)
{
    ngx_paas_guard_core_str(id->indicator, sla->indicator->name);
    ngx_paas_guard_core_str(id->timezone, sla->indicator->timezone);
    id->slice = sla->indicator->slice;
    id->gateway = sla->head->gateway;
}


/* Nobody else uses the ledger yet. */

static const char *
ngx_paas_guard_sla_take(void *data, pguard_str_t bytes, ngx_log_t *log)
{
    const char            *wrong;
    pguard_ledger_id_t     id, has;
    ngx_paas_guard_sla_t  *sla;

    sla = data;

    ngx_paas_guard_sla_id(sla, &id);
    wrong = pguard_ledger_state_id(bytes, &has);

    if (wrong == NULL
        && (has.slice != id.slice
            || has.timezone.len != id.timezone.len
            || ngx_memcmp(has.timezone.data, id.timezone.data,
                          id.timezone.len)
               != 0))
    {
        wrong = ngx_paas_guard_sla_convert(sla, bytes, &id, log);

    } else if (wrong == NULL) {
        wrong = pguard_ledger_state_read(&sla->ledger, bytes, &id);
    }

    if (wrong == NULL) {
        sla->head->gateway = id.gateway;
    }

    return wrong;
}


static const char *
ngx_paas_guard_sla_convert(ngx_paas_guard_sla_t *sla, pguard_str_t bytes,
    pguard_ledger_id_t *id, ngx_log_t *log)
{
    ngx_str_t           name;
    ngx_pool_t         *pool;
    const char         *wrong;
    pguard_tz_t         tz;
    pguard_ledger_id_t  has;

    (void) pguard_ledger_state_id(bytes, &has);

    name.data = (u_char *) has.timezone.data;
    name.len = has.timezone.len;

    pool = ngx_create_pool(2 * PGUARD_TZ_FILE_MAX, log);
    if (pool == NULL) {
        return "finds no memory";
    }

    wrong = "is of a time zone that this system does not know";

    if (ngx_paas_guard_timezone(&tz, &name, pool) == NGX_OK) {
        wrong = pguard_ledger_state_convert(&sla->ledger, bytes, id, &tz,
                                            &sla->indicator->rule,
                                            ngx_time());
    }

    if (wrong == NULL) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "paas_guard_%V: its state had a slice of %uL s and time "
                      "zone \"%V\": what was measured before is kept as "
                      "outages", &sla->file.owner, has.slice, &name);
    }

    ngx_destroy_pool(pool);

    return wrong;
}


void
ngx_paas_guard_sla_init_process(ngx_cycle_t *cycle, ngx_paas_guard_sla_t *sla)
{
    if (ngx_worker != 0) {
        return;
    }

    sla->timer.handler = ngx_paas_guard_sla_tick;
    sla->timer.data = sla;
    sla->timer.log = cycle->log;
    sla->timer.cancelable = 1;

    ngx_add_timer(&sla->timer, NGX_PAAS_GUARD_SLA_TICK);
}


void
ngx_paas_guard_sla_exit_process(ngx_paas_guard_sla_t *sla)
{
    if (ngx_worker == 0) {
        ngx_paas_guard_sla_save(sla, 1, ngx_cycle->log);
        (void) ngx_paas_guard_file_written(&sla->file, 1, ngx_cycle->log);
    }
}


static void
ngx_paas_guard_sla_tick(ngx_event_t *ev)
{
    ngx_paas_guard_sla_t  *sla;

    sla = ev->data;

    ngx_shmtx_lock(&sla->shpool->mutex);
    pguard_ledger_roll(&sla->ledger, ngx_time(), &sla->indicator->rule);
    ngx_shmtx_unlock(&sla->shpool->mutex);

    if (++sla->ticks % NGX_PAAS_GUARD_SLA_SAVE == 0) {
        ngx_paas_guard_sla_save(sla, 0, ev->log);
    }

    ngx_paas_guard_sla_send(sla, ev->log);

    ngx_add_timer(ev, NGX_PAAS_GUARD_SLA_TICK);
}


static void
ngx_paas_guard_sla_save(ngx_paas_guard_sla_t *sla, ngx_uint_t wait,
    ngx_log_t *log)
{
    size_t      len;
    u_char     *bytes;
    uint64_t    changes;
    ngx_int_t   rc;

    if (sla->file.path.len == 0) {
        return;
    }

    rc = ngx_paas_guard_file_written(&sla->file, wait, log);

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc == NGX_OK && sla->writing) {
        sla->saved = sla->writing;
    }

    sla->writing = 0;
    changes = ngx_paas_guard_sla_changes(sla);

    /* at the end always: an old binary may have written since */

    if (changes == sla->saved && !wait) {
        return;
    }

    bytes = ngx_paas_guard_sla_render(sla, wait, &len, log);

    if (bytes) {
        sla->writing = changes;
        ngx_paas_guard_file_write(&sla->file, bytes, len, wait, log);
    }
}


/* A number that changes with what was counted or declared, and with a month
   that begins, for then the one before is judged.  Never 0. */

static uint64_t
ngx_paas_guard_sla_changes(ngx_paas_guard_sla_t *sla)
{
    uint64_t             late;
    pguard_cells_t       cells;
    pguard_month_span_t  span;

    pguard_ledger_ever(&sla->ledger, &cells, &late);

    if (!pguard_month_of(&sla->indicator->tz, ngx_time(), &span)) {
        span.month = 0;
    }

    return 1 + pguard_cells_sum(&cells) + late + span.month
           + sla->ledger.log.ends->next;
}


/* To be freed; NULL: not now.  It is about as long as the last one. */

static u_char *
ngx_paas_guard_sla_render(ngx_paas_guard_sla_t *sla, ngx_uint_t last,
    size_t *len, ngx_log_t *log)
{
    size_t              size;
    u_char             *bytes;
    pguard_out_t        out;
    pguard_ledger_id_t  id;

    ngx_paas_guard_sla_id(sla, &id);
    size = sla->rendered;

    for ( ;; ) {
        size += NGX_PAAS_GUARD_SLA_SPARE + size / 8;

        bytes = ngx_paas_guard_secret_alloc(size, log);
        if (bytes == NULL) {
            return NULL;
        }

        pguard_out_init(&out, bytes, size);

        ngx_shmtx_lock(&sla->shpool->mutex);
        pguard_ledger_state(&out, bytes, &sla->ledger, &id, last);
        ngx_shmtx_unlock(&sla->shpool->mutex);

        sla->rendered = out.need;

        if (out.need <= size) {
            *len = out.need;
            return bytes;
        }

        ngx_paas_guard_secret_free(bytes);
        size = out.need;
    }
}


/* In the log phase: each guarded request once, for each of its indicators. */

void
ngx_paas_guard_sla_count(ngx_http_request_t *r, ngx_paas_guard_ctx_t *ctx)
{
    unsigned                     cell;
    ngx_paas_guard_sla_t       **sla, **end;
    ngx_paas_guard_loc_conf_t   *glcf;

    glcf = ngx_paas_guard_place(r, ctx);

    if (glcf->slas == NULL) {
        return;
    }

    /* what was refused is of the class that its reason implies */

    cell = ctx && (ctx->verdict == PGUARD_VERDICT_THROTTLED
                   || ctx->verdict == PGUARD_VERDICT_BLOCKED)
           ? PGUARD_CELL_REASON + ctx->reason
           : pguard_ledger_cell(ngx_paas_guard_class(r, ctx),
                                PGUARD_REASON_NONE);

    sla = glcf->slas->elts;

    for (end = sla + glcf->slas->nelts; sla < end; sla++) {
        pguard_ledger_count(&(*sla)->ledger, ngx_time(), cell);
    }
}


const pguard_figures_t *
ngx_paas_guard_sla_figures(ngx_paas_guard_sla_t *sla)
{
    int                         rc;
    uint64_t                    now;
    pguard_figures_in_t         in;
    pguard_month_span_t         span;
    ngx_paas_guard_indicator_t *indicator;

    indicator = sla->indicator;
    now = ngx_time();

    if (sla->figured == ngx_time()) {
        return &sla->figures;
    }

    if (!pguard_month_of(&indicator->tz, now, &span)) {
        return NULL;
    }

    ngx_memzero(&in, sizeof(pguard_figures_in_t));

    in.tz = &indicator->tz;
    in.applicable = 1;

    ngx_shmtx_lock(&sla->shpool->mutex);

    rc = pguard_figures_of(&sla->figures, &in, &sla->ledger, span.month, now,
                           &indicator->rule, sla->bits, sla->outages,
                           NGX_PAAS_GUARD_OUTAGES);

    ngx_shmtx_unlock(&sla->shpool->mutex);

    sla->figured = rc == 0 ? ngx_time() : 0;

    return rc == 0 ? &sla->figures : NULL;
}
