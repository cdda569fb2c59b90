/*
 * paas_guard_audit: the directive, and what a start or a reload writes to the
 * log.
 */

#include "ngx_paas_guard_audit.h"


#define NGX_PAAS_GUARD_AUDIT_SIZE  (16 * 4096)


static char *ngx_paas_guard_audit_set_file(ngx_conf_t *cf,
    ngx_command_t *cmd, ngx_paas_guard_audit_t *audit, ngx_str_t *path);
static char *ngx_paas_guard_audit_set_syslog(ngx_conf_t *cf,
    ngx_command_t *cmd, ngx_paas_guard_audit_t *audit);
static void ngx_paas_guard_audit_flush(ngx_open_file_t *file, ngx_log_t *log);
static ngx_int_t ngx_paas_guard_audit_shared_init(ngx_shm_zone_t *shm_zone,
    void *data);
static void ngx_paas_guard_audit_find_digest(ngx_paas_guard_audit_t *audit,
    pguard_str_t tail);


/* A path, and syslog for copies, or one of them; each once. */

char *
ngx_paas_guard_audit_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_main_conf_t *gmcf = conf;

    ngx_str_t               *args;
    ngx_paas_guard_audit_t  *audit;

    args = cf->args->elts;
    audit = gmcf->audit;

    if (gmcf->audit_off || (audit && ngx_paas_guard_is_off(&args[1]))) {
        return "is duplicate";
    }

    if (ngx_paas_guard_is_off(&args[1])) {
        gmcf->audit_off = 1;
        return NGX_CONF_OK;
    }

    if (audit == NULL) {
        audit = ngx_pcalloc(cf->pool, sizeof(ngx_paas_guard_audit_t));

        if (audit == NULL
            || ngx_paas_guard_reference(cf, NGX_PAAS_GUARD_AUDIT_NEEDS_SECRET,
                                        &args[0])
               != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        audit->mcf = gmcf;
        gmcf->audit = audit;
    }

    if (ngx_strncmp(args[1].data, "syslog:", sizeof("syslog:") - 1) == 0) {
        return ngx_paas_guard_audit_set_syslog(cf, cmd, audit);
    }

    return ngx_paas_guard_audit_set_file(cf, cmd, audit, &args[1]);
}


/* nginx would create it for all to read, now and when it reopens it.  Opened
   when all logs are known, as none of them may be in the same file. */

static char *
ngx_paas_guard_audit_set_file(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_paas_guard_audit_t *audit, ngx_str_t *path)
{
    if (audit->path.len) {
        return "is duplicate";
    }

    if (path->len == 0) {
        return ngx_paas_guard_invalid(cf, cmd, path,
                                      "a path, \"syslog:server=address\" or "
                                      "\"off\"");
    }

    audit->path = *path;
    audit->conf_file = cf->conf_file->file.name;
    audit->conf_line = cf->conf_file->line;

    if (ngx_conf_full_name(cf->cycle, &audit->path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_paas_guard_audit_create(&audit->path) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"%V\": could not open \"%V\"",
                           &cmd->name, &audit->path);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_paas_guard_audit_set_syslog(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_paas_guard_audit_t *audit)
{
    if (audit->syslog) {
        return "is duplicate";
    }

    audit->syslog = ngx_pcalloc(cf->pool, sizeof(ngx_syslog_peer_t));
    if (audit->syslog == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_syslog_process_conf(cf, audit->syslog);
}


/* On USR1, before nginx opens it anew. */

static void
ngx_paas_guard_audit_flush(ngx_open_file_t *file, ngx_log_t *log)
{
    (void) ngx_paas_guard_audit_create(&file->name);
}


ngx_int_t
ngx_paas_guard_audit_finish(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf)
{
    ngx_paas_guard_audit_t  *audit;

    static ngx_str_t  name = ngx_string("paas_guard audit");

    audit = gmcf->audit;

    if (audit == NULL) {
        return NGX_OK;
    }

    if (audit->path.len) {
        audit->file = ngx_conf_open_file(cf->cycle, &audit->path);
        if (audit->file == NULL) {
            return NGX_ERROR;
        }

        audit->file->flush = ngx_paas_guard_audit_flush;
    }

    audit->digested = ngx_paas_guard_audit_digest(cf, audit->digest)
                      == NGX_OK;

    audit->shm_zone = ngx_shared_memory_add(cf, &name,
                                            NGX_PAAS_GUARD_AUDIT_SIZE,
                                            &ngx_paas_guard_filter_module);
    if (audit->shm_zone == NULL) {
        return NGX_ERROR;
    }

    audit->shm_zone->init = ngx_paas_guard_audit_shared_init;
    audit->shm_zone->data = audit;

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_audit_shared_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_paas_guard_audit_t  *audit;

    audit = shm_zone->data;
    audit->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data == NULL) {
        audit->shpool->data = ngx_slab_calloc(audit->shpool,
                                       sizeof(ngx_paas_guard_audit_shared_t));
        if (audit->shpool->data == NULL) {
            return NGX_ERROR;
        }
    }

    audit->shared = audit->shpool->data;

    return NGX_OK;
}


static void
ngx_paas_guard_audit_stranger(ngx_paas_guard_audit_t *audit, const char *then,
    ngx_log_t *log)
{
    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "paas_guard_audit: the end of \"%V\" holds no line of this "
                  "gateway and secret: %s", &audit->file->name, then);
}


/* A chain that goes on over a reload: after a change of the secret it does not
   fit what is in the file. */

static void
ngx_paas_guard_audit_goes_on(ngx_paas_guard_audit_t *audit,
    pguard_str_t gateway, pguard_str_t tail, ngx_log_t *log)
{
    pguard_audit_chain_t  chain;

    if (tail.len
        && pguard_audit_resume(&chain, gateway, audit->mcf->key, tail) != 0)
    {
        ngx_paas_guard_audit_stranger(audit, "move it away, or it can't be "
                                      "verified", log);
    }
}


/* In the master, which may read the file.  Fresh memory has no chain yet, and
   no worker that could use it. */

void
ngx_paas_guard_audit_init_module(ngx_cycle_t *cycle,
    ngx_paas_guard_audit_t *audit)
{
    pguard_str_t  tail, gateway;

    if (audit == NULL || ngx_test_config) {
        return;
    }

    ngx_paas_guard_audit_own(cycle, audit);

    ngx_paas_guard_core_str(gateway, audit->mcf->proxy);
    ngx_paas_guard_audit_tail(audit, &tail, cycle->log);

    if (audit->shared->chain.gateway_len) {
        ngx_paas_guard_audit_goes_on(audit, gateway, tail, cycle->log);

    } else if (pguard_audit_resume(&audit->shared->chain, gateway,
                                   audit->mcf->key, tail)
               == 0)
    {
        ngx_paas_guard_audit_find_digest(audit, tail);

    } else if (tail.len) {
        ngx_paas_guard_audit_stranger(audit, "a new chain begins", cycle->log);
    }

    ngx_free((void *) tail.data);
}


/* The digest that was told last, if that is not too long ago. */

static void
ngx_paas_guard_audit_find_digest(ngx_paas_guard_audit_t *audit,
    pguard_str_t tail)
{
    size_t                 len;
    const u_char          *p;
    pguard_str_t           s, digest;
    pguard_audit_line_t    line;

    for (s = tail; s.len; s.data += len, s.len -= len) {

        p = memchr(s.data, LF, s.len);
        len = p ? (size_t) (p - s.data) + 1 : s.len;

        if (pguard_audit_parse((pguard_str_t) { len - (p != NULL), s.data },
                               &line)
            != 0
            || line.type != PGUARD_AUDIT_CONFIG_CHANGED
            || pguard_audit_sealed(&line, audit->mcf->key) != 1)
        {
            continue;
        }

        digest = line.value[PGUARD_AUDIT_DIGEST];

        if (digest.len == 2 * NGX_PAAS_GUARD_DIGEST_LEN
            && pguard_unhex(audit->shared->digest, digest.data,
                            NGX_PAAS_GUARD_DIGEST_LEN)
               == 0)
        {
            audit->shared->digested = 1;
        }
    }
}
