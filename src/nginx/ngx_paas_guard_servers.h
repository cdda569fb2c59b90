/*
 * The servers behind one url: a single one, the master that sentinels name,
 * or the nodes of a cluster.  Whoever asks here need not know which.
 */

#ifndef _NGX_PAAS_GUARD_SERVERS_H_INCLUDED_
#define _NGX_PAAS_GUARD_SERVERS_H_INCLUDED_


#include "ngx_paas_guard_redis.h"
#include "../core/pguard_url.h"


typedef struct ngx_paas_guard_servers_s   ngx_paas_guard_servers_t;
typedef struct ngx_paas_guard_sentinel_s  ngx_paas_guard_sentinel_t;
typedef struct ngx_paas_guard_cluster_s   ngx_paas_guard_cluster_t;


/* All of it must outlive the servers.  Of commands and messages (NULL: no
   subscriber) the ways to find a server are set here; changed() of commands
   tells whether all servers are there. */

typedef struct {
    ngx_uint_t                     kind;        /* pguard_url_kind_e */
    ngx_paas_guard_place_t        *places;      /* of the hosts of the url */
    ngx_uint_t                     nplaces;
    ngx_str_t                      master;      /* of sentinels */
    ngx_paas_guard_redis_conf_t   *commands;
    ngx_paas_guard_redis_conf_t   *messages;
} ngx_paas_guard_servers_conf_t;


/* NULL if there is no memory. */
ngx_paas_guard_servers_t *ngx_paas_guard_servers_create(
    ngx_paas_guard_servers_conf_t *conf, ngx_log_t *log);

/* As of a connection, see ngx_paas_guard_redis.h. */
void ngx_paas_guard_servers_start(ngx_paas_guard_servers_t *servers);
void ngx_paas_guard_servers_destroy(ngx_paas_guard_servers_t *servers);
void ngx_paas_guard_servers_flush(ngx_paas_guard_servers_t *servers);

/* Is any server usable, and are all? */
ngx_uint_t ngx_paas_guard_servers_usable(ngx_paas_guard_servers_t *servers);
ngx_uint_t ngx_paas_guard_servers_whole(ngx_paas_guard_servers_t *servers);

/* Is the one of this hash tag connected?  Else connects. */
ngx_uint_t ngx_paas_guard_servers_reachable(ngx_paas_guard_servers_t *servers,
    const pguard_id_t *id);

/* Is a server connected, and the subscriber? */
ngx_uint_t ngx_paas_guard_servers_ready(ngx_paas_guard_servers_t *servers);
ngx_uint_t ngx_paas_guard_servers_subscribed(
    ngx_paas_guard_servers_t *servers);

/* A server is back: the subscriber, and a single server's calls, need not wait
   for their next attempt. */
void ngx_paas_guard_servers_hasten(ngx_paas_guard_servers_t *servers);

/* May keys of these two hash tags be in one call?  Where there is one server,
   any may. */
ngx_uint_t ngx_paas_guard_servers_together(ngx_paas_guard_servers_t *servers,
    const pguard_id_t *one, const pguard_id_t *other);

/* As ngx_paas_guard_redis_call(); the first key, or the second word of what is
   no script, says which server. */
ngx_int_t ngx_paas_guard_servers_call(ngx_paas_guard_servers_t *servers,
    ngx_paas_guard_call_t *call);

/* The time of the server of this hash tag, see ngx_paas_guard_redis_time(). */
uint64_t ngx_paas_guard_servers_time(ngx_paas_guard_servers_t *servers,
    const pguard_id_t *id, uint64_t local);


/* ngx_paas_guard_sentinel.c */

ngx_paas_guard_sentinel_t *ngx_paas_guard_sentinel_create(
    ngx_paas_guard_servers_conf_t *conf, ngx_log_t *log);
void ngx_paas_guard_sentinel_destroy(ngx_paas_guard_sentinel_t *s);

/* Tells r of a new master; r must be destroyed first. */
void ngx_paas_guard_sentinel_follow(ngx_paas_guard_sentinel_t *s,
    ngx_paas_guard_redis_t *r);

/* find() of the connections that follow. */
void ngx_paas_guard_sentinel_find(void *data, ngx_paas_guard_redis_t *r);


/* ngx_paas_guard_cluster.c */

ngx_paas_guard_cluster_t *ngx_paas_guard_cluster_create(
    ngx_paas_guard_servers_conf_t *conf, ngx_log_t *log);
void ngx_paas_guard_cluster_start(ngx_paas_guard_cluster_t *cluster);
void ngx_paas_guard_cluster_destroy(ngx_paas_guard_cluster_t *cluster);
void ngx_paas_guard_cluster_flush(ngx_paas_guard_cluster_t *cluster);
ngx_uint_t ngx_paas_guard_cluster_usable(ngx_paas_guard_cluster_t *cluster);
ngx_uint_t ngx_paas_guard_cluster_whole(ngx_paas_guard_cluster_t *cluster);
ngx_uint_t ngx_paas_guard_cluster_ready(ngx_paas_guard_cluster_t *cluster);
ngx_int_t ngx_paas_guard_cluster_call(ngx_paas_guard_cluster_t *cluster,
    ngx_paas_guard_call_t *call);

/* The connection to the node of a hash tag; NULL: there is none yet. */
ngx_paas_guard_redis_t *ngx_paas_guard_cluster_node_of(
    ngx_paas_guard_cluster_t *cluster, const pguard_id_t *id);

/* Moves the subscriber r, which may be NULL, when its node leaves the cluster:
   nothing would be heard there; r must be destroyed first. */
void ngx_paas_guard_cluster_follow(ngx_paas_guard_cluster_t *cluster,
    ngx_paas_guard_redis_t *r);

/* find() of the subscriber: any node will do. */
void ngx_paas_guard_cluster_find(void *data, ngx_paas_guard_redis_t *r);


#endif /* _NGX_PAAS_GUARD_SERVERS_H_INCLUDED_ */
