/*
 * The nodes of a cluster: one connection each, made when it is needed, and the
 * map that says which node a key is at.  Each connection asks for the map when
 * it greets; later the map is asked for when a node says that it is wrong, or
 * is gone.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_paas_guard_servers.h"


/* Those of the map, some that have just left it, and the hosts of the url. */

#define NGX_PAAS_GUARD_CLUSTER_NODES   (PGUARD_SLOTS_NODES + 32)

#define NGX_PAAS_GUARD_CLUSTER_DELAY   100     /* ms, before the map is asked */
#define NGX_PAAS_GUARD_CLUSTER_AGAIN   250     /* while a node is away */
#define NGX_PAAS_GUARD_CLUSTER_SELDOM  4000
#define NGX_PAAS_GUARD_CLUSTER_PROBES  65536   /* keys to try */


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

    ngx_connection_t               dummy;
    ngx_event_t                    event;
    ngx_msec_t                     again;

    unsigned                       known:1;     /* there is a map */
    unsigned                       covered:1;   /* with all slots */
    unsigned                       wrong:1;     /* that must be asked anew */
    unsigned                       usable:1;
    unsigned                       whole:1;
};


static ngx_paas_guard_node_t *ngx_paas_guard_cluster_owner(
    ngx_paas_guard_cluster_t *cluster, ngx_uint_t slot);
static ngx_paas_guard_node_t *ngx_paas_guard_cluster_seed(
    ngx_paas_guard_cluster_t *cluster);
static ngx_paas_guard_node_t *ngx_paas_guard_cluster_node(
    ngx_paas_guard_cluster_t *cluster, pguard_str_t host, ngx_uint_t port,
    ngx_paas_guard_place_t *known);
static void ngx_paas_guard_cluster_node_free(ngx_paas_guard_node_t *node);
static void ngx_paas_guard_cluster_soon(ngx_paas_guard_cluster_t *cluster,
    ngx_msec_t delay);
static void ngx_paas_guard_cluster_event(ngx_event_t *ev);
static void ngx_paas_guard_cluster_sweep(ngx_paas_guard_cluster_t *cluster);
static void ngx_paas_guard_cluster_ask(ngx_paas_guard_cluster_t *cluster);
static void ngx_paas_guard_cluster_look(ngx_paas_guard_cluster_t *cluster,
    const char *lost);
static pguard_slots_reader_t *ngx_paas_guard_cluster_slots(void *data);
static ngx_str_t ngx_paas_guard_cluster_mapped(void *data);
static void ngx_paas_guard_cluster_adopt(ngx_paas_guard_cluster_t *cluster,
    pguard_slots_t *slots);
static ngx_str_t ngx_paas_guard_cluster_probe(ngx_paas_guard_node_t *node);
static ngx_int_t ngx_paas_guard_cluster_redirect(void *data, ngx_str_t *text,
    ngx_paas_guard_job_t *job);
static void ngx_paas_guard_cluster_changed(void *data, const char *lost);
static void ngx_paas_guard_cluster_observed(void *data,
    ngx_paas_guard_result_e result, uint64_t usec);


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
ngx_paas_guard_cluster_find(void *data, ngx_paas_guard_redis_t *r)
{
    ngx_paas_guard_cluster_t *cluster = data;

    ngx_str_t                host;
    ngx_uint_t               i;
    pguard_slots_node_t     *node;
    ngx_paas_guard_place_t  *place;

    i = cluster->place++ % (cluster->slots.nnodes + cluster->nplaces);

    if (i < cluster->slots.nnodes) {
        node = &cluster->slots.node[i];

        host.data = node->host;
        host.len = node->len;

        ngx_paas_guard_redis_found(r, &host, node->port, NULL, NULL);
        return;
    }

    place = &cluster->places[i - cluster->slots.nnodes];

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


/* The node at host:port, which is added if it is not there. */

static ngx_paas_guard_node_t *
ngx_paas_guard_cluster_node(ngx_paas_guard_cluster_t *cluster,
    pguard_str_t host, ngx_uint_t port, ngx_paas_guard_place_t *known)
{
    ngx_uint_t                    i;
    ngx_paas_guard_node_t        *node;
    ngx_paas_guard_redis_conf_t  *conf;

    for (i = 0; i < cluster->nnodes; i++) {
        node = cluster->nodes[i];

        if (node->node.port == port
            && node->node.len == host.len
            && ngx_memcmp(node->node.host, host.data, host.len) == 0)
        {
            return node;
        }
    }

    if (cluster->nnodes == NGX_PAAS_GUARD_CLUSTER_NODES) {
        return NULL;
    }

    node = ngx_calloc(sizeof(ngx_paas_guard_node_t), cluster->log);
    if (node == NULL) {
        return NULL;
    }

    if (pguard_slots_node_set(&node->node, host, port) != 0) {
        ngx_free(node);
        return NULL;
    }

    node->cluster = cluster;
    node->conf = *cluster->conf;
    conf = &node->conf;

    conf->name.data = node->name;
    conf->name.len = ngx_snprintf(node->name, sizeof(node->name), "%*s:%ui",
                                  (size_t) node->node.len, node->node.host,
                                  port)
                     - node->name;

    ngx_memzero(&conf->place, sizeof(ngx_paas_guard_place_t));

    if (known) {
        conf->place = *known;
    }

    conf->place.host.data = node->node.host;
    conf->place.host.len = node->node.len;
    conf->place.port = port;

    conf->db = 0;
    conf->data = node;
    conf->changed = ngx_paas_guard_cluster_changed;
    conf->observed = ngx_paas_guard_cluster_observed;
    conf->slots = ngx_paas_guard_cluster_slots;
    conf->mapped = ngx_paas_guard_cluster_mapped;
    conf->redirect = ngx_paas_guard_cluster_redirect;

    node->redis = ngx_paas_guard_redis_create(conf, cluster->log);

    if (node->redis == NULL) {
        ngx_free(node);
        return NULL;
    }

    cluster->nodes[cluster->nnodes++] = node;

    return node;
}


static void
ngx_paas_guard_cluster_node_free(ngx_paas_guard_node_t *node)
{
    ngx_paas_guard_redis_destroy(node->redis);

    if (node->reading) {
        ngx_free(node->reading);
    }

    ngx_free(node);
}


static void
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


/* How much of the cluster is there?  Tells if that has changed.  lost: what a
   node did, if it was one that was lost now. */

static void
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


static pguard_slots_reader_t *
ngx_paas_guard_cluster_slots(void *data)
{
    ngx_paas_guard_node_t *node = data;

    pguard_str_t  host;

    if (node->reading == NULL) {
        node->reading = ngx_alloc(sizeof(ngx_paas_guard_reading_t),
                                  node->cluster->log);
        if (node->reading == NULL) {
            return NULL;
        }
    }

    host.data = node->node.host;
    host.len = node->node.len;

    pguard_slots_read(&node->reading->reader, &node->reading->slots, host,
                      node->node.port);

    return &node->reading->reader;
}


static ngx_str_t
ngx_paas_guard_cluster_mapped(void *data)
{
    ngx_paas_guard_node_t *node = data;

    ngx_str_t                 none = ngx_null_string;
    ngx_paas_guard_cluster_t  *cluster;

    cluster = node->cluster;

    /* a node that belongs to no cluster yet knows nothing */

    if (node->reading->slots.nnodes) {
        ngx_paas_guard_cluster_adopt(cluster, &node->reading->slots);
    }

    ngx_free(node->reading);
    node->reading = NULL;

    if (!node->owner || ngx_paas_guard_redis_ready(node->redis)) {
        return none;
    }

    return ngx_paas_guard_cluster_probe(node);
}


static void
ngx_paas_guard_cluster_adopt(ngx_paas_guard_cluster_t *cluster,
    pguard_slots_t *slots)
{
    ngx_uint_t              i, k;
    pguard_slots_node_t    *a, *b;

    cluster->slots = *slots;
    cluster->known = 1;
    cluster->covered = (ngx_strlchr(slots->owner,
                                    slots->owner + PGUARD_SLOTS,
                                    PGUARD_SLOTS_NOBODY)
                        == NULL);

    ngx_memzero(cluster->owners, sizeof(cluster->owners));

    for (i = 0; i < cluster->nnodes; i++) {
        cluster->nodes[i]->owner = 0;
        a = &cluster->nodes[i]->node;

        for (k = 0; k < slots->nnodes; k++) {
            b = &cluster->slots.node[k];

            if (a->port == b->port
                && a->len == b->len
                && ngx_memcmp(a->host, b->host, a->len) == 0)
            {
                cluster->nodes[i]->owner = 1;
                cluster->owners[k] = cluster->nodes[i];
                break;
            }
        }
    }

    ngx_paas_guard_cluster_soon(cluster, NGX_PAAS_GUARD_CLUSTER_DELAY);
}


/* A key that this node may write. */

static ngx_str_t
ngx_paas_guard_cluster_probe(ngx_paas_guard_node_t *node)
{
    ngx_str_t                  key;
    ngx_uint_t                 i, owner;
    pguard_str_t               text;
    ngx_paas_guard_cluster_t  *cluster;

    cluster = node->cluster;
    key.data = node->probe;

    for (i = 0; i < NGX_PAAS_GUARD_CLUSTER_PROBES; i++) {
        key.len = ngx_snprintf(node->probe, sizeof(node->probe), "%V:{%ui}",
                               &cluster->conf->probe, i)
                  - node->probe;

        text.data = key.data;
        text.len = key.len;

        owner = cluster->slots.owner[pguard_slots_key(text)];

        if (owner != PGUARD_SLOTS_NOBODY && cluster->owners[owner] == node) {
            return key;
        }
    }

    key.len = 0;

    return key;
}


static ngx_int_t
ngx_paas_guard_cluster_redirect(void *data, ngx_str_t *text,
    ngx_paas_guard_job_t *job)
{
    ngx_paas_guard_node_t *node = data;

    ngx_uint_t                 i;
    pguard_str_t               host, words;
    ngx_paas_guard_node_t     *to;
    pguard_slots_redirect_t    redirect;
    ngx_paas_guard_cluster_t  *cluster;

    cluster = node->cluster;

    words.data = text->data;
    words.len = text->len;

    if (pguard_slots_redirect(&redirect, words) != 0) {

        if (ngx_strncmp(text->data, "CLUSTERDOWN", ngx_min(text->len, 11))
            == 0)
        {
            cluster->wrong = 1;
            ngx_paas_guard_cluster_soon(cluster, cluster->again);
        }

        return NGX_DECLINED;
    }

    if (redirect.node.len == 0) {
        i = redirect.node.port;
        redirect.node = node->node;
        redirect.node.port = i;
    }

    host.data = redirect.node.host;
    host.len = redirect.node.len;

    to = ngx_paas_guard_cluster_node(cluster, host, redirect.node.port, NULL);

    if (to == NULL || to == node) {
        return NGX_DECLINED;
    }

    if (!redirect.ask) {
        i = pguard_slots_node(&cluster->slots, host, redirect.node.port);

        if (i != PGUARD_SLOTS_NOBODY) {
            to->owner = 1;
            cluster->owners[i] = to;
            cluster->slots.owner[redirect.slot] = i;
        }

        cluster->wrong = 1;
        ngx_paas_guard_cluster_soon(cluster, NGX_PAAS_GUARD_CLUSTER_DELAY);
    }

    if (job == NULL) {
        return NGX_DECLINED;
    }

    return ngx_paas_guard_redis_forward(node->redis, job, to->redis,
                                        redirect.ask);
}


static void
ngx_paas_guard_cluster_changed(void *data, const char *lost)
{
    ngx_paas_guard_node_t *node = data;

    ngx_uint_t                 whole;
    ngx_paas_guard_cluster_t  *cluster;

    cluster = node->cluster;
    whole = cluster->whole;

    ngx_paas_guard_cluster_look(cluster, lost);

    if (lost) {
        cluster->wrong = 1;
        ngx_paas_guard_cluster_soon(cluster, cluster->again);
        return;
    }

    /* what waited for this node, though the whole is as it was */

    if (whole && cluster->whole) {
        cluster->conf->changed(cluster->conf->data, NULL);
    }
}


static void
ngx_paas_guard_cluster_observed(void *data, ngx_paas_guard_result_e result,
    uint64_t usec)
{
    ngx_paas_guard_node_t *node = data;

    ngx_paas_guard_redis_conf_t  *conf;

    conf = node->cluster->conf;

    conf->observed(conf->data, result, usec);
}
