/*
 * What the files of a cluster share:
 *
 *   ngx_paas_guard_cluster.c       which node is asked, and how much is there
 *   ngx_paas_guard_cluster_node.c  a node and what it says of the map
 */

#ifndef _NGX_PAAS_GUARD_CLUSTER_PRIVATE_H_INCLUDED_
#define _NGX_PAAS_GUARD_CLUSTER_PRIVATE_H_INCLUDED_


#include "ngx_paas_guard_servers.h"


/* Those of the map, some that have just left it, and the hosts of the url. */

#define NGX_PAAS_GUARD_CLUSTER_NODES   (PGUARD_SLOTS_NODES + 32)


/* A map that is being read. */

typedef struct {
    pguard_slots_reader_t          reader;
    pguard_slots_t                 slots;
} ngx_paas_guard_reading_t;

typedef struct {
    ngx_paas_guard_cluster_t      *cluster;
    ngx_paas_guard_redis_conf_t    conf;
    ngx_paas_guard_redis_t        *redis;
    ngx_paas_guard_reading_t      *reading;     /* NULL: no map */
    ngx_uint_t                     owner;       /* is in the map */
    pguard_slots_node_t            node;
    u_char                         name[PGUARD_SLOTS_HOST_MAX + 8];
    u_char                         probe[128];
} ngx_paas_guard_node_t;

struct ngx_paas_guard_cluster_s {
    ngx_paas_guard_redis_conf_t   *conf;
    ngx_paas_guard_place_t        *places;
    ngx_uint_t                     nplaces;
    ngx_uint_t                     place;       /* the next to begin with */
    ngx_log_t                     *log;

    ngx_paas_guard_node_t         *nodes[NGX_PAAS_GUARD_CLUSTER_NODES];
    ngx_uint_t                     nnodes;
    ngx_uint_t                     turn;        /* who is asked next */

    pguard_slots_t                 slots;
    ngx_paas_guard_node_t         *owners[PGUARD_SLOTS_NODES];
    ngx_paas_guard_redis_t        *follower;    /* subscriber, or NULL */

    ngx_connection_t               dummy;
    ngx_event_t                    event;
    ngx_msec_t                     again;

    unsigned                       known:1;     /* there is a map */
    unsigned                       covered:1;   /* with all slots */
    unsigned                       wrong:1;     /* that must be asked anew */
    unsigned                       left:1;      /* by a node */
    unsigned                       usable:1;
    unsigned                       whole:1;
};


/* ngx_paas_guard_cluster.c */

/* Sweeps, and asks for the map if it is wrong, unless that is due already. */
void ngx_paas_guard_cluster_soon(ngx_paas_guard_cluster_t *cluster,
    ngx_msec_t delay);

/* How much of the cluster is there?  Tells if that has changed.  lost: what a
   node did, if it was one that was lost now. */
void ngx_paas_guard_cluster_look(ngx_paas_guard_cluster_t *cluster,
    const char *lost);


/* ngx_paas_guard_cluster_node.c */

/* The node at host:port, which is added if it is not there, with addresses to
   fall back on, which may be NULL.  NULL: no memory, or too many. */
ngx_paas_guard_node_t *ngx_paas_guard_cluster_node(
    ngx_paas_guard_cluster_t *cluster, pguard_str_t host, ngx_uint_t port,
    ngx_paas_guard_place_t *known);

/* Closes its connection and frees it.  The caller takes it off its lists. */
void ngx_paas_guard_cluster_node_free(ngx_paas_guard_node_t *node);


#endif /* _NGX_PAAS_GUARD_CLUSTER_PRIVATE_H_INCLUDED_ */
