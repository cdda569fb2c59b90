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


/* All of it must outlive the servers.  The members of commands and messages
   that find a server are set by ngx_paas_guard_servers_create(); messages is
   NULL if there is to be no subscriber.  changed() of commands is called when
   it changes whether all servers are there. */

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

/* The same as for one connection, see ngx_paas_guard_redis.h. */
void ngx_paas_guard_servers_start(ngx_paas_guard_servers_t *servers);
void ngx_paas_guard_servers_destroy(ngx_paas_guard_servers_t *servers);
void ngx_paas_guard_servers_flush(ngx_paas_guard_servers_t *servers);

/* 1 or 0: is any server usable; are all? */
ngx_uint_t ngx_paas_guard_servers_usable(ngx_paas_guard_servers_t *servers);
ngx_uint_t ngx_paas_guard_servers_whole(ngx_paas_guard_servers_t *servers);

/* 1: the server of this hash tag is connected; else 0, and it is being
   connected. */
ngx_uint_t ngx_paas_guard_servers_reachable(ngx_paas_guard_servers_t *servers,
    const pguard_id_t *id);

/* 1 or 0: is any server connected; is the subscriber? */
ngx_uint_t ngx_paas_guard_servers_ready(ngx_paas_guard_servers_t *servers);
ngx_uint_t ngx_paas_guard_servers_subscribed(
    ngx_paas_guard_servers_t *servers);

/* A server is back: the subscriber, and a single server's calls, need not wait
   for their next attempt. */
void ngx_paas_guard_servers_hasten(ngx_paas_guard_servers_t *servers);

/* 1: keys of these two hash tags may be in one call, as always where there is
   but one server; else 0. */
ngx_uint_t ngx_paas_guard_servers_together(ngx_paas_guard_servers_t *servers,
    const pguard_id_t *one, const pguard_id_t *other);

/* As ngx_paas_guard_redis_call().  The server is that of the call's first key
   (of a script), or of its second word (of a command). */
ngx_int_t ngx_paas_guard_servers_call(ngx_paas_guard_servers_t *servers,
    ngx_paas_guard_call_t *call);

/* The time of the server of this hash tag, see ngx_paas_guard_redis_time(). */
uint64_t ngx_paas_guard_servers_time(ngx_paas_guard_servers_t *servers,
    const pguard_id_t *id, uint64_t local);


/* ngx_paas_guard_sentinel.c */

ngx_paas_guard_sentinel_t *ngx_paas_guard_sentinel_create(
    ngx_paas_guard_servers_conf_t *conf, ngx_log_t *log);
void ngx_paas_guard_sentinel_destroy(ngx_paas_guard_sentinel_t *s);

/* From now on r connects to the new master whenever that changes; r must be
   destroyed before s. */
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
