#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_SECRET_SIZE  (PGUARD_SECRET_MAX + 1)


static ngx_paas_guard_zone_t *ngx_paas_guard_add_zone(ngx_conf_t *cf,
    ngx_paas_guard_main_conf_t *gmcf, ngx_str_t *name, ssize_t size);


/* A name goes into headers, metrics, keys of Redis: plain letters will do. */

ngx_int_t
ngx_paas_guard_check_name(ngx_conf_t *cf, ngx_command_t *cmd, ngx_str_t *name)
{
    u_char      ch;
    ngx_uint_t  i;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!(ngx_paas_guard_alnum(ch) || ch == '-' || ch == '_'
              || ch == '.' || ch == '/'))
        {
            break;
        }
    }

    if (i == name->len && name->len && name->len <= PGUARD_NAME_MAX) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": name \"%V\" must be 1 to %d letters, digits, "
                       "\"-\", \"_\", \".\" or \"/\"",
                       &cmd->name, name, PGUARD_NAME_MAX);

    return NGX_ERROR;
}


static char *
ngx_paas_guard_invalid(ngx_conf_t *cf, ngx_command_t *cmd, ngx_str_t *value,
    const char *right)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid parameter \"%V\": expected %s",
                       &cmd->name, value, right);

    return NGX_CONF_ERROR;
}


static char *
ngx_paas_guard_twice(ngx_conf_t *cf, ngx_command_t *cmd, const char *name)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": parameter \"%s\" is given twice",
                       &cmd->name, name);

    return NGX_CONF_ERROR;
}


/* If arg is name=value, the value. */

ngx_int_t
ngx_paas_guard_parameter(ngx_str_t *arg, const char *name, ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (arg->len <= len || arg->data[len] != '='
        || ngx_strncmp(arg->data, name, len) != 0)
    {
        return NGX_DECLINED;
    }

    value->data = arg->data + len + 1;
    value->len = arg->len - len - 1;

    return NGX_OK;
}


char *
ngx_paas_guard_zone_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_main_conf_t *gmcf = conf;

    u_char                 *p;
    ssize_t                 size;
    ngx_str_t              *args, value, name, state;
    ngx_uint_t              i;
    ngx_paas_guard_zone_t  *zone;

    args = cf->args->elts;
    size = 0;
    ngx_str_null(&name);
    ngx_str_null(&state);

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_paas_guard_parameter(&args[i], "zone", &value) == NGX_OK) {

            if (name.data) {
                return ngx_paas_guard_twice(cf, cmd, "zone");
            }

            p = (u_char *) ngx_strchr(value.data, ':');

            if (p == NULL) {
                return ngx_paas_guard_invalid(cf, cmd, &args[i],
                                              "zone=name:size");
            }

            name.data = value.data;
            name.len = p - value.data;

            value.len -= name.len + 1;
            value.data = p + 1;
            size = ngx_parse_size(&value);

            if (size == NGX_ERROR) {
                return ngx_paas_guard_invalid(cf, cmd, &args[i],
                                              "a size like 10m");
            }

            continue;
        }

        if (ngx_paas_guard_parameter(&args[i], "state", &value) == NGX_OK
            && value.len)
        {
            if (state.data) {
                return ngx_paas_guard_twice(cf, cmd, "state");
            }

            state = value;
            continue;
        }

        return ngx_paas_guard_invalid(cf, cmd, &args[i],
                                      "zone=name:size or state=path");
    }

    if (name.data == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must have a \"zone=name:size\" parameter",
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_paas_guard_check_name(cf, cmd, &name) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (size < PGUARD_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": zone \"%V\" is too small: it must have "
                           "at least %dk", &cmd->name, &name,
                           PGUARD_ZONE_MIN / 1024);
        return NGX_CONF_ERROR;
    }

    zone = ngx_paas_guard_add_zone(cf, gmcf, &name, size);
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (state.len) {
        zone->state = state;

        if (ngx_conf_full_name(cf->cycle, &zone->state, 0) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
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

    zone->name = *name;
    zone->mcf = gmcf;
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


static void
ngx_paas_guard_reference(ngx_conf_t *cf, ngx_paas_guard_ref_t *ref,
    ngx_str_t *name)
{
    ref->name = *name;
    ref->file = cf->conf_file->file.name;
    ref->line = cf->conf_file->line;
}


static ngx_uint_t
ngx_paas_guard_is_off(ngx_str_t *arg)
{
    return arg->len == 3 && ngx_strncmp(arg->data, "off", 3) == 0;
}


char *
ngx_paas_guard_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t  *args, value;

    if (glcf->on != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (ngx_paas_guard_is_off(&args[1])) {
        glcf->on = 0;
        return NGX_CONF_OK;
    }

    if (ngx_paas_guard_parameter(&args[1], "zone", &value) != NGX_OK
        || value.len == 0)
    {
        return ngx_paas_guard_invalid(cf, cmd, &args[1], "zone=name or off");
    }

    glcf->on = 1;
    ngx_paas_guard_reference(cf, &glcf->zone_ref, &value);

    return NGX_CONF_OK;
}


char *
ngx_paas_guard_service_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t  *args;

    if (glcf->service_name.data) {
        return "is duplicate";
    }

    args = cf->args->elts;
    glcf->service_name = args[1];

    return ngx_paas_guard_check_name(cf, cmd, &args[1]) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* Strings with variables, into the array at cmd->offset. */

char *
ngx_paas_guard_strings_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char  *p = conf;

    ngx_str_t                          *args;
    ngx_uint_t                          i;
    ngx_array_t                       **strings;
    ngx_http_complex_value_t           *cv;
    ngx_http_compile_complex_value_t    ccv;

    strings = (ngx_array_t **) (p + cmd->offset);

    if (*strings != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    *strings = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                sizeof(ngx_http_complex_value_t));
    if (*strings == NULL) {
        return NGX_CONF_ERROR;
    }

    args = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cv = ngx_array_push(*strings);
        if (cv == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

        ccv.cf = cf;
        ccv.value = &args[i];
        ccv.complex_value = cv;

        if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_paas_guard_throttle_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t   *args, value;
    ngx_uint_t   i;
    ngx_int_t    interval;

    static ngx_str_t  node = ngx_string("node");
    static ngx_str_t  cluster = ngx_string("cluster");

    if (glcf->interval != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (ngx_paas_guard_is_off(&args[1]) && cf->args->nelts == 2) {
        glcf->interval = 0;
        return NGX_CONF_OK;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_paas_guard_parameter(&args[i], "interval", &value) == NGX_OK) {

            if (glcf->interval != NGX_CONF_UNSET_MSEC) {
                return ngx_paas_guard_twice(cf, cmd, "interval");
            }

            interval = ngx_parse_time(&value, 0);

            if (interval == NGX_ERROR || interval < 1
                || interval > (ngx_int_t) PGUARD_WINDOW_MAX)
            {
                return ngx_paas_guard_invalid(cf, cmd, &args[i],
                                              "a time from 1ms to 24d");
            }

            glcf->interval = interval;
            continue;
        }

        if (ngx_paas_guard_parameter(&args[i], "scope", &value) == NGX_OK
            && (ngx_paas_guard_same(&value, (char *) node.data)
                || ngx_paas_guard_same(&value, (char *) cluster.data)))
        {
            if (glcf->cluster != NGX_CONF_UNSET_UINT) {
                return ngx_paas_guard_twice(cf, cmd, "scope");
            }

            glcf->cluster = (value.len == cluster.len);
            continue;
        }

        return ngx_paas_guard_invalid(cf, cmd, &args[i],
                                      "off alone, or interval=time, "
                                      "scope=node or scope=cluster");
    }

    if (glcf->interval == NGX_CONF_UNSET_MSEC) {
        glcf->interval = 1000;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_paas_guard_add_signature_header(ngx_array_t *headers, ngx_str_t *name)
{
    ngx_paas_guard_header_t  *h;

    h = ngx_array_push(headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->name.data = ngx_pnalloc(headers->pool, name->len);
    if (h->name.data == NULL) {
        return NGX_ERROR;
    }

    h->name.len = name->len;
    h->hash = ngx_hash_strlow(h->name.data, name->data, name->len);

    return NGX_OK;
}


/* May a header have this name? */

static ngx_uint_t
ngx_paas_guard_is_token(ngx_str_t *s)
{
    ngx_uint_t  i;

    for (i = 0; i < s->len; i++) {
        if (!ngx_paas_guard_alnum(s->data[i])
            && ngx_strchr("!#$%&'*+-.^_`|~", s->data[i]) == NULL)
        {
            return 0;
        }
    }

    return s->len != 0;
}


/* A list of headers for n names.  An API key always counts: beside another
   credential, too, of which the client is made. */

static ngx_array_t *
ngx_paas_guard_create_headers(ngx_conf_t *cf, ngx_uint_t n)
{
    ngx_array_t  *headers;

    static ngx_str_t  api_key = ngx_string("X-API-Key");

    headers = ngx_array_create(cf->pool, n + 1,
                               sizeof(ngx_paas_guard_header_t));

    if (headers == NULL
        || ngx_paas_guard_add_signature_header(headers, &api_key) != NGX_OK)
    {
        return NULL;
    }

    return headers;
}


char *
ngx_paas_guard_headers_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t   *args;
    ngx_uint_t   i;

    if (glcf->headers != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (cf->args->nelts - 1 > PGUARD_FIELD_HEADERS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": at most %d headers",
                           &cmd->name, PGUARD_FIELD_HEADERS);
        return NGX_CONF_ERROR;
    }

    glcf->headers = ngx_paas_guard_create_headers(cf, cf->args->nelts - 1);

    if (glcf->headers == NULL) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2 && ngx_strcmp(args[1].data, "none") == 0) {
        return NGX_CONF_OK;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(args[i].data, "none") == 0
            || !ngx_paas_guard_is_token(&args[i]))
        {
            return ngx_paas_guard_invalid(cf, cmd, &args[i],
                                          "names of headers, or none alone");
        }

        if (ngx_paas_guard_add_signature_header(glcf->headers, &args[i])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_array_t *
ngx_paas_guard_default_headers(ngx_conf_t *cf)
{
    ngx_uint_t    i;
    ngx_array_t  *headers;

    static ngx_str_t  names[] = {
        ngx_string("Accept"),
        ngx_string("Content-Type"),
        ngx_string("Content-Encoding"),
        ngx_string("Range"),
        ngx_string("If-Match"),
        ngx_string("If-None-Match"),
        ngx_string("If-Modified-Since"),
        ngx_string("If-Unmodified-Since"),
        ngx_string("If-Range"),
        ngx_string("Idempotency-Key")
    };

    headers = ngx_paas_guard_create_headers(cf, sizeof(names)
                                                / sizeof(names[0]));
    if (headers == NULL) {
        return NULL;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ngx_paas_guard_add_signature_header(headers, &names[i])
            != NGX_OK)
        {
            return NULL;
        }
    }

    return headers;
}


char *
ngx_paas_guard_body_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ssize_t     size;
    ngx_str_t  *args;

    if (glcf->body != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    args = cf->args->elts;
    size = ngx_paas_guard_is_off(&args[1]) ? 0 : ngx_parse_size(&args[1]);

    if (size == NGX_ERROR) {
        return ngx_paas_guard_invalid(cf, cmd, &args[1],
                                      "a size like 1m, or off");
    }

    glcf->body = size;

    return NGX_CONF_OK;
}


static void
ngx_paas_guard_rewrite_cleanup(void *data)
{
    pguard_rewrite_free(data);
}


char *
ngx_paas_guard_rewrite_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    char                  error[256];
    ngx_str_t            *args;
    pguard_str_t          regex, replacement;
    pguard_rewrite_t    **rw;
    ngx_pool_cleanup_t   *cln;

    if (glcf->rewrites == NGX_CONF_UNSET_PTR) {
        glcf->rewrites = ngx_array_create(cf->pool, 4,
                                          sizeof(pguard_rewrite_t *));
        if (glcf->rewrites == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    rw = ngx_array_push(glcf->rewrites);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (rw == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    args = cf->args->elts;
    ngx_paas_guard_core_str(regex, args[1]);
    ngx_paas_guard_core_str(replacement, args[2]);

    *rw = pguard_rewrite_compile(regex, replacement, error, sizeof(error));

    if (*rw == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": \"%V\" with \"%V\": %s",
                           &cmd->name, &args[1], &args[2], error);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_paas_guard_rewrite_cleanup;
    cln->data = *rw;

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_paas_guard_is_named(ngx_array_t *refs, ngx_str_t *name)
{
    ngx_uint_t             i;
    ngx_paas_guard_ref_t  *ref;

    ref = refs->elts;

    for (i = 0; i < refs->nelts; i++) {
        if (ref[i].name.len == name->len
            && ngx_strncmp(ref[i].name.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


char *
ngx_paas_guard_hammer_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t             *args;
    ngx_uint_t             i;
    ngx_paas_guard_ref_t  *ref;

    if (glcf->rule_refs != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    args = cf->args->elts;
    glcf->rule_refs = NULL;

    if (cf->args->nelts == 2 && ngx_paas_guard_is_off(&args[1])) {
        return NGX_CONF_OK;
    }

    if (cf->args->nelts - 1 > NGX_PAAS_GUARD_ITEMS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": at most %d rules in one place",
                           &cmd->name, NGX_PAAS_GUARD_ITEMS_MAX);
        return NGX_CONF_ERROR;
    }

    glcf->rule_refs = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                       sizeof(ngx_paas_guard_ref_t));
    if (glcf->rule_refs == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_paas_guard_is_named(glcf->rule_refs, &args[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\": rule \"%V\" is named twice",
                               &cmd->name, &args[i]);
            return NGX_CONF_ERROR;
        }

        ref = ngx_array_push(glcf->rule_refs);
        if (ref == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_paas_guard_reference(cf, ref, &args[i]);
    }

    return NGX_CONF_OK;
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

    rc = pguard_key_init(&gmcf->key, buf, n);
    ngx_explicit_memzero(buf, sizeof(buf));

    if (rc != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": HMAC-SHA-256 failed", &cmd->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* At cmd->offset: never a 5xx, which every SLA tool takes for an outage. */

char *
ngx_paas_guard_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char  *p = conf;

    ngx_int_t    status;
    ngx_str_t   *args;
    ngx_uint_t  *field;

    field = (ngx_uint_t *) (p + cmd->offset);

    if (*field != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;
    status = ngx_atoi(args[1].data, args[1].len);

    if (status == NGX_ERROR || status < 400 || status > 499) {
        return ngx_paas_guard_invalid(cf, cmd, &args[1],
                                      "a status from 400 to 499: no refusal "
                                      "may look like an outage");
    }

    *field = status;

    return NGX_CONF_OK;
}


/* As ngx_conf_set_enum_slot(), with a sentence that tells what would be right:
   cmd->post is the list, whose words the sentence has, too. */

char *
ngx_paas_guard_enum_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *base = conf;

    u_char           right[128], *p;
    ngx_str_t       *args;
    ngx_uint_t      *field;
    ngx_conf_enum_t *e;

    field = (ngx_uint_t *) (base + cmd->offset);

    if (*field != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;
    p = right;

    for (e = cmd->post; e->name.len; e++) {

        if (e->name.len == args[1].len
            && ngx_strcasecmp(e->name.data, args[1].data) == 0)
        {
            *field = e->value;
            return NGX_CONF_OK;
        }

        p = ngx_snprintf(p, right + sizeof(right) - 1 - p, "%s%V",
                         p == right ? "" : (e + 1)->name.len ? ", " : " or ",
                         &e->name);
    }

    *p = '\0';

    return ngx_paas_guard_invalid(cf, cmd, &args[1], (char *) right);
}
