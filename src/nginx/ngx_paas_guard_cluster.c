/*
 * The nodes of a cluster: one connection each, made when it is needed, and the
 * map that says which node a key is at.  Each connection asks for the map when
 * it greets; later the map is asked for when a node says that it is wrong, or
 * is gone.
 */

#include "ngx_paas_guard_cluster_private.h"


#define NGX_PAAS_GUARD_CLUSTER_AGAIN   250     /* ms, while a node is away */
#define NGX_PAAS_GUARD_CLUSTER_SELDOM  4000


static ngx_paas_guard_node_t *ngx_paas_guard_cluster_owner(
    ngx_paas_guard_cluster_t *cluster, ngx_uint_t slot);
static ngx_paas_guard_node_t *ngx_paas_guard_cluster_seed(
    ngx_paas_guard_cluster_t *cluster);
static void ngx_paas_guard_cluster_event(ngx_event_t *ev);
static void ngx_paas_guard_cluster_move(ngx_paas_guard_cluster_t *cluster);
static void ngx_paas_guard_cluster_sweep(ngx_paas_guard_cluster_t *cluster);
static void ngx_paas_guard_cluster_ask(ngx_paas_guard_cluster_t *cluster);


ngx_paas_guard_cluster_t *
ngx_paas_guard_cluster_create(ngx_paas_guard_servers_conf_t *conf,
    ngx_log_t *log)
{
    ngx_paas_guard_cluster_t  *cluster;

    cluster = ngx_calloc(sizeof(ngx_paas_guard_cluster_t), log);
    if (cluster == NULL) {
        return NULL;
    }

    cluster->conf = conf->commands;
    cluster->places = conf->places;
    cluster->nplaces = conf->nplaces;
    cluster->place = ngx_random();
    cluster->log = log;
    cluster->usable = 1;
    cluster->whole = 1;
    cluster->again = NGX_PAAS_GUARD_CLUSTER_AGAIN;

    pguard_slots_init(&cluster->slots);

    cluster->dummy.fd = (ngx_socket_t) -1;
    cluster->dummy.data = cluster;

    cluster->event.data = &cluster->dummy;
    cluster->event.log = log;
    cluster->event.handler = ngx_paas_guard_cluster_event;
    cluster->event.cancelable = 1;

    return cluster;
}


void
ngx_paas_guard_cluster_start(ngx_paas_guard_cluster_t *cluster)
{
    (void) ngx_paas_guard_cluster_seed(cluster);
}


void
ngx_paas_guard_cluster_destroy(ngx_paas_guard_cluster_t *cluster)
{
    ngx_uint_t  i;

    for (i = 0; i < cluster->nnodes; i++) {
        ngx_paas_guard_cluster_node_free(cluster->nodes[i]);
    }

    if (cluster->event.timer_set) {
        ngx_del_timer(&cluster->event);
    }

    ngx_free(cluster);
}


void
ngx_paas_guard_cluster_flush(ngx_paas_guard_cluster_t *cluster)
{
    ngx_uint_t  i;

    for (i = 0; i < cluster->nnodes; i++) {
        ngx_paas_guard_redis_flush(cluster->nodes[i]->redis);
    }
}


ngx_uint_t
ngx_paas_guard_cluster_usable(ngx_paas_guard_cluster_t *cluster)
{
    return cluster->usable;
}


ngx_uint_t
ngx_paas_guard_cluster_whole(ngx_paas_guard_cluster_t *cluster)
{
    return cluster->whole;
}


ngx_uint_t
ngx_paas_guard_cluster_ready(ngx_paas_guard_cluster_t *cluster)
{
    return cluster->known && cluster->usable;
}


/* What comes before there is a map goes to any node, which knows better. */

ngx_int_t
ngx_paas_guard_cluster_call(ngx_paas_guard_cluster_t *cluster,
    ngx_paas_guard_call_t *call)
{
    ngx_str_t              *key;
    pguard_str_t            text;
    ngx_paas_guard_node_t  *node;

    key = &call->args[(call->script >= 0) ? 0 : 1];

    text.data = key->data;
    text.len = key->len;

    node = cluster->known
           ? ngx_paas_guard_cluster_owner(cluster, pguard_slots_key(text))
           : ngx_paas_guard_cluster_seed(cluster);

    if (node == NULL) {
        return NGX_DECLINED;
    }

    return ngx_paas_guard_redis_call(node->redis, call);
}


ngx_paas_guard_redis_t *
ngx_paas_guard_cluster_node_of(ngx_paas_guard_cluster_t *cluster,
    const pguard_id_t *id)
{
    u_char                  hex[2 * PGUARD_ID_LEN];
    pguard_str_t            tag;
    ngx_paas_guard_node_t  *node;

    tag.data = hex;
    tag.len = ngx_hex_dump(hex, (u_char *) id->bytes, PGUARD_ID_LEN) - hex;

    node = ngx_paas_guard_cluster_owner(cluster, pguard_slots_key(tag));

    return node ? node->redis : NULL;
}


void
ngx_paas_guard_cluster_follow(ngx_paas_guard_cluster_t *cluster,
    ngx_paas_guard_redis_t *r)
{
    cluster->follower = r;
}


/* A host of the url may have left the cluster: as soon as there is a map, it is
   one of that. */

void
ngx_paas_guard_cluster_find(void *data, ngx_paas_guard_redis_t *r)
{
    ngx_paas_guard_cluster_t *cluster = data;

    ngx_str_t                host;
    pguard_slots_node_t     *node;
    ngx_paas_guard_place_t  *place;

    if (cluster->slots.nnodes) {
        node = &cluster->slots.node[cluster->place++ % cluster->slots.nnodes];

        host.data = node->host;
        host.len = node->len;

        ngx_paas_guard_redis_found(r, &host, node->port, NULL, NULL);
        return;
    }

    place = &cluster->places[cluster->place++ % cluster->nplaces];

    ngx_paas_guard_redis_found(r, &place->host, place->port, place, NULL);
}


static ngx_paas_guard_node_t *
ngx_paas_guard_cluster_owner(ngx_paas_guard_cluster_t *cluster,
    ngx_uint_t slot)
{
    pguard_str_t          host;
    ngx_uint_t            i;
    pguard_slots_node_t  *node;

    i = cluster->slots.owner[slot];

    if (i == PGUARD_SLOTS_NOBODY) {
        return NULL;
    }

    if (cluster->owners[i] == NULL) {
        node = &cluster->slots.node[i];

        host.data = node->host;
        host.len = node->len;

        cluster->owners[i] = ngx_paas_guard_cluster_node(cluster, host,
                                                         node->port, NULL);
        if (cluster->owners[i]) {
            cluster->owners[i]->owner = 1;
        }
    }

    return cluster->owners[i];
}


/* A node to begin with: one that is usable, or the next of the url's. */

static ngx_paas_guard_node_t *
ngx_paas_guard_cluster_seed(ngx_paas_guard_cluster_t *cluster)
{
    ngx_uint_t               i;
    pguard_str_t             host;
    ngx_paas_guard_node_t   *node;
    ngx_paas_guard_place_t  *place;

    for (i = 0; i < cluster->nnodes; i++) {
        if (ngx_paas_guard_redis_usable(cluster->nodes[i]->redis)) {
            return cluster->nodes[i];
        }
    }

    place = &cluster->places[cluster->place++ % cluster->nplaces];

    host.data = place->host.data;
    host.len = place->host.len;

    node = ngx_paas_guard_cluster_node(cluster, host, place->port, place);

    if (node) {
        ngx_paas_guard_redis_start(node->redis);
    }

    return node;
}


void
ngx_paas_guard_cluster_soon(ngx_paas_guard_cluster_t *cluster,
    ngx_msec_t delay)
{
    if (!cluster->event.timer_set) {
        ngx_add_timer(&cluster->event, delay);
    }
}


/* Out of the callbacks of all nodes. */

static void
ngx_paas_guard_cluster_event(ngx_event_t *ev)
{
    ngx_msec_t                 delay;
    ngx_connection_t          *c;
    ngx_paas_guard_cluster_t  *cluster;

    c = ev->data;
    cluster = c->data;

    ngx_paas_guard_cluster_sweep(cluster);

    if (cluster->left) {
        cluster->left = 0;
        ngx_paas_guard_cluster_move(cluster);
    }

    if (cluster->wrong) {
        cluster->wrong = 0;
        ngx_paas_guard_cluster_ask(cluster);
    }

    if (cluster->whole && cluster->known) {
        cluster->again = NGX_PAAS_GUARD_CLUSTER_AGAIN;
        return;
    }

    delay = cluster->again + ngx_random() % cluster->again;

    cluster->wrong = 1;
    cluster->again = ngx_min(cluster->again * 2,
                             NGX_PAAS_GUARD_CLUSTER_SELDOM);

    ngx_paas_guard_cluster_soon(cluster, delay);
}


/* A node that has left says nothing of it to who listens there. */

static void
ngx_paas_guard_cluster_move(ngx_paas_guard_cluster_t *cluster)
{
    ngx_uint_t  i;

    if (cluster->follower == NULL) {
        return;
    }

    for (i = 0; i < cluster->slots.nnodes; i++) {
        if (ngx_paas_guard_redis_is_at(cluster->follower,
                                       &cluster->slots.node[i]))
        {
            return;
        }
    }

    ngx_paas_guard_redis_renew(cluster->follower, "has a node less");
}


/* Nodes that have left the map go when nobody waits for them any more. */

static void
ngx_paas_guard_cluster_sweep(ngx_paas_guard_cluster_t *cluster)
{
    ngx_uint_t              i, n;
    ngx_paas_guard_node_t  *node;

    if (!cluster->known) {
        return;
    }

    n = 0;

    for (i = 0; i < cluster->nnodes; i++) {
        node = cluster->nodes[i];

        if (node->owner || ngx_paas_guard_redis_pending(node->redis)) {
            cluster->nodes[n++] = node;
            continue;
        }

        ngx_paas_guard_cluster_node_free(node);
    }

    cluster->nnodes = n;

    ngx_paas_guard_cluster_look(cluster, NULL);
}


static void
ngx_paas_guard_cluster_ask(ngx_paas_guard_cluster_t *cluster)
{
    ngx_uint_t              i;
    ngx_paas_guard_node_t  *node;

    for (i = 0; i < cluster->nnodes; i++) {
        node = cluster->nodes[cluster->turn++ % cluster->nnodes];

        if (ngx_paas_guard_redis_ask_slots(node->redis) == NGX_OK) {
            return;
        }
    }

    (void) ngx_paas_guard_cluster_seed(cluster);
}


void
ngx_paas_guard_cluster_look(ngx_paas_guard_cluster_t *cluster,
    const char *lost)
{
    ngx_uint_t              i, whole, usable;
    ngx_paas_guard_node_t  *node;

    usable = (cluster->nnodes == 0);

    for (i = 0; i < cluster->nnodes; i++) {
        usable |= ngx_paas_guard_redis_usable(cluster->nodes[i]->redis);
    }

    whole = usable;

    if (cluster->known) {
        whole &= cluster->covered;

        for (i = 0; i < cluster->slots.nnodes; i++) {
            node = cluster->owners[i];
            whole &= (node == NULL
                      || ngx_paas_guard_redis_usable(node->redis));
        }
    }

    cluster->usable = usable;

    if (cluster->whole == whole) {
        return;
    }

    cluster->whole = whole;

    if (whole) {
        lost = NULL;

    } else if (lost == NULL) {
        lost = cluster->covered ? "has a node that is away"
                                : "has slots that no node serves";
    }

    cluster->conf->changed(cluster->conf->data, lost);
}
