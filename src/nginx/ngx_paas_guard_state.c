#include "ngx_paas_guard.h"
#include "ngx_paas_guard_secret.h"
#include "../core/pguard_state.h"


#define NGX_PAAS_GUARD_STATE_MAX  (1024 * 1024 * 1024)


static void ngx_paas_guard_state_take(ngx_paas_guard_zone_t *zone,
    pguard_str_t file, const pguard_state_time_t *t, ngx_log_t *log);


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

    buf = ngx_alloc(size, log);
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


static ngx_int_t
ngx_paas_guard_state_write(const char *path, u_char *buf, size_t len)
{
    ssize_t   n;
    ngx_fd_t  fd;

    /* what a killed worker of this pid left may have another mode */

    (void) ngx_delete_file(path);

    fd = open(path, O_WRONLY|O_CREAT|O_EXCL, 0600);

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    n = write(fd, buf, len);

    if (ngx_close_file(fd) == NGX_FILE_ERROR || n != (ssize_t) len) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* A new file takes the old one's place whole, or not at all. */

void
ngx_paas_guard_state_save(ngx_paas_guard_zone_t *zone, ngx_log_t *log)
{
    size_t               len;
    u_char              *buf, path[NGX_MAX_PATH], *p;
    pguard_state_time_t  t;

    ngx_paas_guard_state_time(&t);

    buf = ngx_paas_guard_state_render(zone, &t, &len, log);
    if (buf == NULL) {
        return;
    }

    /* at a reload an old worker writes, too */

    p = ngx_snprintf(path, sizeof(path) - 1, "%V.%P", &zone->state, ngx_pid);
    *p = '\0';

    if (ngx_paas_guard_state_write((char *) path, buf, len) != NGX_OK
        || ngx_rename_file(path, zone->state.data) == NGX_FILE_ERROR)
    {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      "paas_guard_zone \"%V\": could not write its state to "
                      "\"%V\"", &zone->name, &zone->state);
        (void) ngx_delete_file(path);
    }

    ngx_paas_guard_secret_free(buf, len);
}


void
ngx_paas_guard_state_load(ngx_paas_guard_zone_t *zone, ngx_log_t *log)
{
    ssize_t              n;
    u_char              *buf;
    ngx_fd_t             fd;
    pguard_str_t         file;
    ngx_file_info_t      fi;
    pguard_state_time_t  t;

    fd = ngx_open_file(zone->state.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {

        if (ngx_errno != NGX_ENOENT) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                          "paas_guard_zone \"%V\": could not open its state "
                          "\"%V\"", &zone->name, &zone->state);
        }

        return;
    }

    buf = NULL;
    n = -1;

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR
        && ngx_file_size(&fi) < NGX_PAAS_GUARD_STATE_MAX)
    {
        buf = ngx_alloc(ngx_file_size(&fi) + 1, log);
    }

    if (buf) {
        n = read(fd, buf, ngx_file_size(&fi));
    }

    (void) ngx_close_file(fd);

    if (n < 0) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      "paas_guard_zone \"%V\": could not read its state "
                      "\"%V\"", &zone->name, &zone->state);

    } else {
        file.data = buf;
        file.len = n;

        ngx_paas_guard_state_time(&t);
        ngx_paas_guard_state_take(zone, file, &t, log);
    }

    ngx_paas_guard_secret_free(buf, n > 0 ? n : 0);
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

    ngx_paas_guard_state_take(to, file, &t, to->shm_zone->shm.log);
    ngx_paas_guard_secret_free(buf, len);
}


/* Nobody else uses the zone yet. */

static void
ngx_paas_guard_state_take(ngx_paas_guard_zone_t *zone, pguard_str_t file,
    const pguard_state_time_t *t, ngx_log_t *log)
{
    int                     index;
    size_t                  n;
    u_char                 *secret;
    const char             *wrong;
    pguard_str_t            rule, service;
    pguard_block_t          b;
    pguard_state_reader_t   reader;

    wrong = pguard_state_open(&reader, file);
    secret = pguard_zone_secret(&zone->core, &n);

    if (wrong == NULL && reader.secret.len && reader.secret.len != n) {
        wrong = "is of another version";
    }

    if (wrong) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "paas_guard_zone \"%V\": its state \"%V\" %s: starting "
                      "without it", &zone->name, &zone->state, wrong);
        return;
    }

    if (reader.secret.len) {
        ngx_memcpy(secret, reader.secret.data, n);
    }

    while (pguard_state_next(&reader, t, &b, &rule, &service)) {

        /* an operator's counts as no offence */

        if (b.until <= t->now && pguard_block_steps(&b, t->now) == 0
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

        (void) pguard_block_put(&zone->core.blocks, &b, t->now, NULL);
    }
}
