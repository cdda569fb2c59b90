/*
 * The servers behind one url: what is asked goes to the one connection, or to
 * the cluster's node.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_paas_guard_servers.h"


struct ngx_paas_guard_servers_s {
    ngx_paas_guard_redis_t        *one;         /* NULL: a cluster */
    ngx_paas_guard_redis_t        *messages;    /* may be NULL */
    ngx_paas_guard_sentinel_t     *sentinel;
    ngx_paas_guard_cluster_t      *cluster;
};


static ngx_int_t ngx_paas_guard_servers_make(
    ngx_paas_guard_servers_t *servers, ngx_paas_guard_servers_conf_t *conf,
    ngx_log_t *log);
static void ngx_paas_guard_servers_finder(ngx_paas_guard_servers_t *servers,
    ngx_paas_guard_redis_conf_t *conf);


ngx_paas_guard_servers_t *
ngx_paas_guard_servers_create(ngx_paas_guard_servers_conf_t *conf,
    ngx_log_t *log)
{
    ngx_paas_guard_servers_t  *servers;

    servers = ngx_calloc(sizeof(ngx_paas_guard_servers_t), log);
    if (servers == NULL) {
        return NULL;
    }

    if (ngx_paas_guard_servers_make(servers, conf, log) != NGX_OK) {
        ngx_paas_guard_servers_destroy(servers);
        return NULL;
    }

    return servers;
}


static ngx_int_t
ngx_paas_guard_servers_make(ngx_paas_guard_servers_t *servers,
    ngx_paas_guard_servers_conf_t *conf, ngx_log_t *log)
{
    if (conf->kind == PGUARD_URL_CLUSTER) {
        servers->cluster = ngx_paas_guard_cluster_create(conf, log);

        if (servers->cluster == NULL) {
            return NGX_ERROR;
        }
    }

    if (conf->kind == PGUARD_URL_SENTINEL) {
        servers->sentinel = ngx_paas_guard_sentinel_create(conf, log);

        if (servers->sentinel == NULL) {
            return NGX_ERROR;
        }
    }

    if (servers->cluster == NULL) {
        ngx_paas_guard_servers_finder(servers, conf->commands);

        servers->one = ngx_paas_guard_redis_create(conf->commands, log);

        if (servers->one == NULL) {
            return NGX_ERROR;
        }
    }

    if (conf->messages) {
        ngx_paas_guard_servers_finder(servers, conf->messages);

        servers->messages = ngx_paas_guard_redis_create(conf->messages, log);

        if (servers->messages == NULL) {
            return NGX_ERROR;
        }
    }

    if (servers->sentinel) {
        ngx_paas_guard_sentinel_follow(servers->sentinel, servers->one);

        if (servers->messages) {
            ngx_paas_guard_sentinel_follow(servers->sentinel,
                                           servers->messages);
        }
    }

    if (servers->cluster) {
        ngx_paas_guard_cluster_follow(servers->cluster, servers->messages);
    }

    return NGX_OK;
}


static void
ngx_paas_guard_servers_finder(ngx_paas_guard_servers_t *servers,
    ngx_paas_guard_redis_conf_t *conf)
{
    if (servers->sentinel) {
        conf->find = ngx_paas_guard_sentinel_find;
        conf->finder = servers->sentinel;
        conf->role = 1;
    }

    if (servers->cluster) {
        conf->find = ngx_paas_guard_cluster_find;
        conf->finder = servers->cluster;
    }
}


void
ngx_paas_guard_servers_start(ngx_paas_guard_servers_t *servers)
{
    if (servers->one) {
        ngx_paas_guard_redis_start(servers->one);

    } else {
        ngx_paas_guard_cluster_start(servers->cluster);
    }

    if (servers->messages) {
        ngx_paas_guard_redis_start(servers->messages);
    }
}


void
ngx_paas_guard_servers_destroy(ngx_paas_guard_servers_t *servers)
{
    if (servers->one) {
        ngx_paas_guard_redis_destroy(servers->one);
    }

    if (servers->messages) {
        ngx_paas_guard_redis_destroy(servers->messages);
    }

    if (servers->sentinel) {
        ngx_paas_guard_sentinel_destroy(servers->sentinel);
    }

    if (servers->cluster) {
        ngx_paas_guard_cluster_destroy(servers->cluster);
    }

    ngx_free(servers);
}


void
ngx_paas_guard_servers_flush(ngx_paas_guard_servers_t *servers)
{
    if (servers->one) {
        ngx_paas_guard_redis_flush(servers->one);
        return;
    }

    ngx_paas_guard_cluster_flush(servers->cluster);
}


ngx_uint_t
ngx_paas_guard_servers_usable(ngx_paas_guard_servers_t *servers)
{
    return servers->one ? ngx_paas_guard_redis_usable(servers->one)
                        : ngx_paas_guard_cluster_usable(servers->cluster);
}


ngx_uint_t
ngx_paas_guard_servers_whole(ngx_paas_guard_servers_t *servers)
{
    return servers->one ? ngx_paas_guard_redis_usable(servers->one)
                        : ngx_paas_guard_cluster_whole(servers->cluster);
}


ngx_uint_t
ngx_paas_guard_servers_reachable(ngx_paas_guard_servers_t *servers,
    const pguard_id_t *id)
{
    ngx_paas_guard_redis_t  *r;

    r = servers->one ? servers->one
                     : ngx_paas_guard_cluster_node_of(servers->cluster, id);

    if (r == NULL) {
        return 0;
    }

    ngx_paas_guard_redis_start(r);

    return ngx_paas_guard_redis_ready(r);
}


ngx_uint_t
ngx_paas_guard_servers_ready(ngx_paas_guard_servers_t *servers)
{
    return servers->one ? ngx_paas_guard_redis_ready(servers->one)
                        : ngx_paas_guard_cluster_ready(servers->cluster);
}


ngx_uint_t
ngx_paas_guard_servers_subscribed(ngx_paas_guard_servers_t *servers)
{
    return servers->messages && ngx_paas_guard_redis_ready(servers->messages);
}


void
ngx_paas_guard_servers_hasten(ngx_paas_guard_servers_t *servers)
{
    if (servers->one) {
        ngx_paas_guard_redis_hasten(servers->one);
    }

    if (servers->messages) {
        ngx_paas_guard_redis_hasten(servers->messages);
    }
}


ngx_uint_t
ngx_paas_guard_servers_together(ngx_paas_guard_servers_t *servers,
    const pguard_id_t *one, const pguard_id_t *other)
{
    return servers->one || pguard_id_same(one, other);
}


ngx_int_t
ngx_paas_guard_servers_call(ngx_paas_guard_servers_t *servers,
    ngx_paas_guard_call_t *call)
{
    return servers->one ? ngx_paas_guard_redis_call(servers->one, call)
                        : ngx_paas_guard_cluster_call(servers->cluster, call);
}


uint64_t
ngx_paas_guard_servers_time(ngx_paas_guard_servers_t *servers,
    const pguard_id_t *id, uint64_t local)
{
    ngx_paas_guard_redis_t  *r;

    r = servers->one;

    if (r == NULL) {
        r = ngx_paas_guard_cluster_node_of(servers->cluster, id);
    }

    return r ? ngx_paas_guard_redis_time(r, local) : 0;
}
