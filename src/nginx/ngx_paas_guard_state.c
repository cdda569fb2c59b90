/*
 * The blocks of a zone in its state file.
 */

#include "ngx_paas_guard_zone.h"
#include "ngx_paas_guard_secret.h"
#include "../core/pguard_state.h"


static const char *ngx_paas_guard_state_take(void *data, pguard_str_t file,
    ngx_log_t *log);


static void
ngx_paas_guard_state_time(pguard_state_time_t *t)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    t->wall = (uint64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
    t->now = ngx_paas_guard_clock(NULL);
}


/* The zone as a file's bytes, to be freed; NULL if there is no memory. */

static u_char *
ngx_paas_guard_state_render(ngx_paas_guard_zone_t *zone,
    const pguard_state_time_t *t, size_t *len, ngx_log_t *log)
{
    u_char          *buf;
    size_t           size, n;
    uint64_t         pos;
    pguard_out_t     out;
    pguard_str_t     secret;
    pguard_block_t  *next;

    pos = 0;
    size = 0;

    while (pguard_block_next(&zone->core.blocks, &pos, t->now)) {
        size++;
    }

    secret.data = pguard_zone_secret(&zone->core, &n);
    secret.len = zone->key == zone->own_key ? n : 0;

    /* some may be set meanwhile */

    size = pguard_state_size(size + 64, secret.len);

    buf = ngx_paas_guard_secret_alloc(size, log);
    if (buf == NULL) {
        return NULL;
    }

    pguard_out_init(&out, buf, size);
    pguard_state_begin(&out, t, secret);

    for (pos = 0; out.need + pguard_state_size(1, 0) < size; /* void */ ) {

        next = pguard_block_next(&zone->core.blocks, &pos, t->now);
        if (next == NULL) {
            break;
        }

        /* one that a dying worker left half written */

        if (next->until == 0 && next->ended == 0) {
            continue;
        }

        pguard_state_block(&out, t, next,
                           pguard_zone_name(&zone->core, PGUARD_NAME_RULE,
                                            next->rule),
                           pguard_zone_name(&zone->core, PGUARD_NAME_SERVICE,
                                            next->service));
    }

    pguard_state_end(&out, buf);

    *len = out.need;

    return buf;
}


/* What has changed is written twice: then both generations have it, and
   neither keeps for long what is to be forgotten. */

void
ngx_paas_guard_state_save(ngx_paas_guard_zone_t *zone, ngx_uint_t wait,
    ngx_log_t *log)
{
    size_t               len;
    u_char              *buf;
    uint64_t             changes;
    ngx_int_t            rc;
    pguard_state_time_t  t;

    if (zone->state.len == 0) {
        return;
    }

    rc = ngx_paas_guard_file_written(&zone->file, wait, log);

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc == NGX_OK && zone->writing) {
        zone->kept = zone->saved;
        zone->saved = zone->writing;
        pguard_zone_kept(&zone->core, zone->kept);
    }

    zone->writing = 0;
    changes = pguard_zone_changes(&zone->core);

    /* by an old binary, or the old workers of a zone that had another size */

    if (!ngx_exiting && ngx_paas_guard_file_replaced(&zone->file)) {
        zone->saved = 0;
        zone->kept = 0;
    }

    if (changes == zone->saved && (wait || changes == zone->kept)) {
        return;
    }

    ngx_paas_guard_state_time(&t);

    buf = ngx_paas_guard_state_render(zone, &t, &len, log);
    if (buf == NULL) {
        return;
    }

    zone->writing = changes;

    ngx_paas_guard_file_write(&zone->file, buf, len, wait, log);
}


void
ngx_paas_guard_state_load(ngx_paas_guard_zone_t *zone, ngx_log_t *log)
{
    (void) ngx_paas_guard_file_load(&zone->file, ngx_paas_guard_state_take,
                                    zone, log);
}


/* From a zone of another size, that the old workers still use. */

void
ngx_paas_guard_state_copy(ngx_paas_guard_zone_t *from,
    ngx_paas_guard_zone_t *to)
{
    size_t               len;
    u_char              *buf;
    pguard_str_t         file;
    pguard_state_time_t  t;

    ngx_paas_guard_state_time(&t);

    buf = ngx_paas_guard_state_render(from, &t, &len, to->shm_zone->shm.log);
    if (buf == NULL) {
        return;
    }

    file.data = buf;
    file.len = len;

    (void) ngx_paas_guard_state_take(to, file, to->shm_zone->shm.log);
    ngx_paas_guard_secret_free(buf);
}


/* Nobody else uses the zone yet. */

static const char *
ngx_paas_guard_state_take(void *data, pguard_str_t file, ngx_log_t *log)
{
    int                     index;
    size_t                  n;
    u_char                 *secret;
    const char             *wrong;
    pguard_str_t            rule, service;
    pguard_block_t          b;
    pguard_state_time_t     t;
    pguard_state_reader_t   reader;
    ngx_paas_guard_zone_t  *zone;

    zone = data;

    ngx_paas_guard_state_time(&t);

    wrong = pguard_state_open(&reader, file);
    secret = pguard_zone_secret(&zone->core, &n);

    if (wrong == NULL && reader.secret.len && reader.secret.len != n) {
        wrong = "is of another version";
    }

    if (wrong) {
        return wrong;
    }

    if (reader.secret.len) {
        ngx_memcpy(secret, reader.secret.data, n);
    }

    while (pguard_state_next(&reader, &t, &b, &rule, &service)) {

        /* an operator's counts as no offence */

        if (b.until <= t.now && pguard_block_steps(&b, t.now) == 0
            && b.due == PGUARD_BLOCK_NOTHING)
        {
            continue;
        }

        index = PGUARD_RULE_NONE;

        if (rule.len) {
            index = pguard_zone_name_add(&zone->core, PGUARD_NAME_RULE, rule);
        }

        if (index < 0) {
            continue;
        }

        b.rule = (uint16_t) index;

        if (b.service != PGUARD_SERVICE_ALL) {
            b.service = (uint16_t) pguard_zone_name_add(&zone->core,
                                                  PGUARD_NAME_SERVICE,
                                                  service);
        }

        (void) pguard_block_put(&zone->core.blocks, &b, t.now, NULL);

        /* the file that this zone writes may be another one */

        pguard_zone_changed(&zone->core);
    }

    return NULL;
}
