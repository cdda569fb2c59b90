/*
 * No file may serve two purposes: as the state of two zones, as a log, as the
 * secret.
 */

#include "ngx_paas_guard.h"
#include "ngx_paas_guard_audit.h"


/*
 * A state file is written by renaming, without looking for others that do so:
 * if two states had one file, or one had the other's "path~", each would lose
 * what it has at a restart.  A log or the secret would be gone at once.
 */

typedef struct {
    ngx_str_t               path;
    ngx_str_t               owner;
    ngx_paas_guard_file_t  *file;           /* NULL: not of ours */
} ngx_paas_guard_taken_t;


static ngx_uint_t
ngx_paas_guard_same_folder(const char *a, size_t a_len, const char *b,
    size_t b_len)
{
    char         path[NGX_MAX_PATH];
    struct stat  one, other;

    if (a_len >= sizeof(path) || b_len >= sizeof(path)) {
        return 0;
    }

    *ngx_cpymem(path, a, a_len) = '\0';

    if (stat(path, &one) == -1) {
        return 0;
    }

    *ngx_cpymem(path, b, b_len) = '\0';

    return stat(path, &other) == 0 && one.st_ino == other.st_ino
           && one.st_dev == other.st_dev;
}


/* Full names, of files that may not be there yet. */

static ngx_uint_t
ngx_paas_guard_same_file(const char *a, const char *b)
{
    const char  *a_name, *b_name;

    a_name = strrchr(a, '/');
    b_name = strrchr(b, '/');

    if (a_name == NULL || b_name == NULL || strcmp(a_name, b_name) != 0) {
        return 0;
    }

    return strcmp(a, b) == 0
           || ngx_paas_guard_same_folder(a, a_name + 1 - a, b, b_name + 1 - b);
}


static ngx_uint_t
ngx_paas_guard_has_file(ngx_paas_guard_file_t *file, ngx_str_t *path)
{
    const char  *name;

    name = (char *) path->data;

    return ngx_paas_guard_same_file((char *) file->path.data, name)
           || ngx_paas_guard_same_file(file->previous, name)
           || ngx_paas_guard_same_file(file->fresh, name)
           || ngx_paas_guard_same_file(file->bad, name);
}


static ngx_int_t
ngx_paas_guard_take_file(ngx_array_t *taken, ngx_str_t *path,
    ngx_str_t *owner, ngx_paas_guard_file_t *file)
{
    ngx_paas_guard_taken_t  *t;

    if (path->len == 0) {
        return NGX_OK;
    }

    t = ngx_array_push(taken);
    if (t == NULL) {
        return NGX_ERROR;
    }

    t->path = *path;
    t->owner = *owner;
    t->file = file;

    return NGX_OK;
}


/* What nginx or an operator keeps something else in. */

static ngx_int_t
ngx_paas_guard_take_others(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf,
    ngx_array_t *taken)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_open_file_t  *open;

    static ngx_str_t  log = ngx_string("a log");
    static ngx_str_t  secret = ngx_string("\"paas_guard_secret_file\"");

    for (part = &cf->cycle->open_files.part; part; part = part->next) {
        open = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_paas_guard_take_file(taken, &open[i].name, &log, NULL)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return ngx_paas_guard_take_file(taken, &gmcf->secret_file, &secret, NULL);
}


/* Lines of a log among those of the audit log would break its chain. */

static ngx_int_t
ngx_paas_guard_take_audit(ngx_conf_t *cf, ngx_array_t *taken,
    ngx_paas_guard_audit_t *audit)
{
    ngx_uint_t               i;
    ngx_paas_guard_taken_t  *t;

    static ngx_str_t  owner = ngx_string("\"paas_guard_audit\"");

    if (audit == NULL || audit->path.len == 0) {
        return NGX_OK;
    }

    t = taken->elts;

    for (i = 0; i < taken->nelts; i++) {

        if (ngx_paas_guard_same_file((char *) t[i].path.data,
                                     (char *) audit->path.data))
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "%V: \"%V\" is in the way of \"%V\" of %V: choose "
                          "another path in %V:%ui", &owner, &audit->path,
                          &t[i].path, &t[i].owner, &audit->conf_file,
                          audit->conf_line);
            return NGX_ERROR;
        }
    }

    return ngx_paas_guard_take_file(taken, &audit->path, &owner, NULL);
}


static ngx_int_t
ngx_paas_guard_take_state(ngx_conf_t *cf, ngx_array_t *taken,
    ngx_paas_guard_zone_t *zone, ngx_paas_guard_file_t *file)
{
    ngx_uint_t               i;
    ngx_paas_guard_taken_t  *t;

    t = taken->elts;

    for (i = 0; i < taken->nelts && file->path.len; i++) {

        if (ngx_paas_guard_has_file(file, &t[i].path)
            || (t[i].file && ngx_paas_guard_has_file(t[i].file, &file->path)))
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"paas_guard_zone\": state \"%V\" of %V is in the "
                          "way of \"%V\" of %V: choose another path in %V:%ui",
                          &file->path, &file->owner, &t[i].path, &t[i].owner,
                          &zone->conf_file, zone->conf_line);
            return NGX_ERROR;
        }
    }

    return ngx_paas_guard_take_file(taken, &file->path, &file->owner, file);
}


ngx_int_t
ngx_paas_guard_check_files(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf)
{
    ngx_uint_t               i;
    ngx_array_t              taken;
    ngx_paas_guard_sla_t   **slas;
    ngx_paas_guard_zone_t  **zones;

    if (ngx_array_init(&taken, cf->temp_pool, 8,
                       sizeof(ngx_paas_guard_taken_t))
        != NGX_OK
        || ngx_paas_guard_take_others(cf, gmcf, &taken) != NGX_OK
        || ngx_paas_guard_take_audit(cf, &taken, gmcf->audit) != NGX_OK)
    {
        return NGX_ERROR;
    }

    zones = gmcf->zones.elts;

    for (i = 0; i < gmcf->zones.nelts; i++) {
        if (ngx_paas_guard_take_state(cf, &taken, zones[i], &zones[i]->file)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    slas = gmcf->slas.elts;

    for (i = 0; i < gmcf->slas.nelts; i++) {
        if (ngx_paas_guard_take_state(cf, &taken, slas[i]->zone,
                                      &slas[i]->file)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
