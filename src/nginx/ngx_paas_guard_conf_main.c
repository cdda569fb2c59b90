/*
 * Directives of http alone: the zone, the secret, the session cookie.
 */

#include "ngx_paas_guard_zone.h"
#include "ngx_paas_guard_secret.h"


#define NGX_PAAS_GUARD_SECRET_SIZE  (PGUARD_SECRET_MAX + 1)


static char *ngx_paas_guard_zone_size(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static char *ngx_paas_guard_zone_state(ngx_conf_t *cf, void *to,
    ngx_str_t *value);
static ngx_paas_guard_zone_t *ngx_paas_guard_add_zone(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name, ssize_t size);
static ngx_int_t ngx_paas_guard_add_state(ngx_conf_t *cf,
    ngx_paas_guard_zone_t *zone, ngx_str_t *state);


typedef struct {
    ngx_str_t    name;
    ssize_t      size;
    ngx_str_t    state;
} ngx_paas_guard_zone_args_t;


static const ngx_paas_guard_parameter_t  ngx_paas_guard_zone_parameters[] = {
    { "zone", ngx_paas_guard_zone_size, "zone=name:size, a size like 10m" },
    { "state", ngx_paas_guard_zone_state, "state=path" },
    ngx_paas_guard_no_parameter
};


char *
ngx_paas_guard_zone_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_main_conf_t *gmcf = conf;

    ngx_paas_guard_zone_t       *zone;
    ngx_paas_guard_zone_args_t   args;

    ngx_memzero(&args, sizeof(ngx_paas_guard_zone_args_t));

    if (ngx_paas_guard_parameters(cf, cmd, 1, ngx_paas_guard_zone_parameters,
                                  &args)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (args.name.data == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must have a \"zone=name:size\" parameter",
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_paas_guard_check_name(cf, cmd, &args.name) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (args.size < PGUARD_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": zone \"%V\" is too small: it must have "
                           "at least %dk", &cmd->name, &args.name,
                           PGUARD_ZONE_MIN / 1024);
        return NGX_CONF_ERROR;
    }

    zone = ngx_paas_guard_add_zone(cf, gmcf, &args.name, args.size);
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (args.state.len
        && ngx_paas_guard_add_state(cf, zone, &args.state) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_zone_size(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_zone_args_t *args = to;

    u_char     *p;
    ngx_str_t   size;

    p = (u_char *) ngx_strchr(value->data, ':');

    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    args->name.data = value->data;
    args->name.len = p - value->data;

    size.data = p + 1;
    size.len = value->len - args->name.len - 1;
    args->size = ngx_parse_offset(&size);       /* also in g */

    return args->size == NGX_ERROR ? NGX_CONF_ERROR : NGX_CONF_OK;
}


static char *
ngx_paas_guard_zone_state(ngx_conf_t *cf, void *to, ngx_str_t *value)
{
    ngx_paas_guard_zone_args_t *args = to;

    args->state = *value;

    return value->len ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_paas_guard_zone_t *
ngx_paas_guard_add_zone(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf,
    ngx_str_t *name, ssize_t size)
{
    ngx_paas_guard_zone_t  *zone, **slot;

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    zone->own_key = ngx_paas_guard_secret_palloc(cf->pool,
                                                 sizeof(pguard_key_t));
    if (zone->own_key == NULL) {
        return NULL;
    }

    zone->name = *name;
    zone->mcf = gmcf;
    zone->conf_file = cf->conf_file->file.name;
    zone->conf_line = cf->conf_file->line;
    zone->shm_zone = ngx_shared_memory_add(cf, name, size,
                                           &ngx_paas_guard_module);
    if (zone->shm_zone == NULL) {
        return NULL;
    }

    if (zone->shm_zone->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"paas_guard_zone\": zone \"%V\" is already "
                           "defined", name);
        return NULL;
    }

    zone->shm_zone->init = ngx_paas_guard_zone_init;
    zone->shm_zone->data = zone;

    slot = ngx_array_push(&gmcf->zones);
    if (slot == NULL) {
        return NULL;
    }

    *slot = zone;

    return zone;
}


static ngx_int_t
ngx_paas_guard_add_state(ngx_conf_t *cf, ngx_paas_guard_zone_t *zone,
    ngx_str_t *state)
{
    ngx_str_t        owner;
    ngx_file_info_t  fi;

    zone->state = *state;

    if (ngx_conf_full_name(cf->cycle, &zone->state, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_file_info(zone->state.data, &fi) != NGX_FILE_ERROR
        && ngx_is_dir(&fi))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"paas_guard_zone\": state \"%V\" is a "
                           "directory: expected the path of a file",
                           &zone->state);
        return NGX_ERROR;
    }

    owner.len = zone->name.len + sizeof("zone \"\"") - 1;
    owner.data = ngx_pnalloc(cf->pool, owner.len);

    if (owner.data == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(owner.data, "zone \"%V\"", &zone->name);

    return ngx_paas_guard_file_init(&zone->file, cf->pool, &zone->state,
                                    &owner);
}


static ssize_t
ngx_paas_guard_read_secret(ngx_str_t *path, u_char *buf, size_t size)
{
    ssize_t   n;
    ngx_fd_t  fd;

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    n = read(fd, buf, size);

    (void) ngx_close_file(fd);

    return n;
}


/* All of the file is the secret, but for a line feed at its end: an editor
   that adds one must not change every digest. */

char *
ngx_paas_guard_secret_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_main_conf_t *gmcf = conf;

    int         rc;
    u_char      buf[NGX_PAAS_GUARD_SECRET_SIZE];
    ssize_t     n;
    ngx_str_t  *args;

    if (gmcf->secret_file.data) {
        return "is duplicate";
    }

    args = cf->args->elts;
    gmcf->secret_file = args[1];

    if (ngx_conf_full_name(cf->cycle, &gmcf->secret_file, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    n = ngx_paas_guard_read_secret(&gmcf->secret_file, buf, sizeof(buf));

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"%V\": could not read \"%V\"",
                           &cmd->name, &gmcf->secret_file);
        return NGX_CONF_ERROR;
    }

    while (n && (buf[n - 1] == LF || buf[n - 1] == CR)) {
        n--;
    }

    if (n < PGUARD_SECRET_MIN || n > PGUARD_SECRET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": \"%V\" must hold %d to %d bytes",
                           &cmd->name, &gmcf->secret_file, PGUARD_SECRET_MIN,
                           PGUARD_SECRET_MAX);
        return NGX_CONF_ERROR;
    }

    ngx_paas_guard_secret_mode(cf, "paas_guard_secret_file ",
                               &gmcf->secret_file);

    gmcf->key = ngx_paas_guard_secret_palloc(cf->pool, sizeof(pguard_key_t));
    if (gmcf->key == NULL) {
        return NGX_CONF_ERROR;
    }

    rc = pguard_key_init(gmcf->key, buf, n);
    ngx_explicit_memzero(buf, sizeof(buf));

    if (rc != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": HMAC-SHA-256 failed", &cmd->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* A name that no cookie can have would never be found. */

char *
ngx_paas_guard_cookie_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_main_conf_t *gmcf = conf;

    size_t      i;
    ngx_str_t  *args, *name;

    if (gmcf->session_cookie.data) {
        return "is duplicate";
    }

    args = cf->args->elts;
    name = &args[1];

    for (i = 0; i < name->len; i++) {
        if (name->data[i] <= ' ' || name->data[i] == 0x7f
            || ngx_strchr("=;,$\"", name->data[i]))
        {
            break;
        }
    }

    if (i < name->len || name->len == 0) {
        return ngx_paas_guard_invalid(cf, cmd, name,
                                      "the name of a cookie: without blanks, "
                                      "\"=\", \";\", \",\", \"$\" and "
                                      "quotes");
    }

    gmcf->session_cookie = *name;

    return NGX_CONF_OK;
}
