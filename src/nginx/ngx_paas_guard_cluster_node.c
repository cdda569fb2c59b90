/*
 * A node of a cluster: its connection, and what that tells of the map.
 */

#include "ngx_paas_guard_cluster_private.h"


#define NGX_PAAS_GUARD_CLUSTER_DELAY   100     /* ms, before the map is asked */
#define NGX_PAAS_GUARD_CLUSTER_PROBES  65536   /* keys to try */


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


ngx_paas_guard_node_t *
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


void
ngx_paas_guard_cluster_node_free(ngx_paas_guard_node_t *node)
{
    ngx_paas_guard_redis_destroy(node->redis);

    if (node->reading) {
        ngx_free(node->reading);
    }

    ngx_free(node);
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
    ngx_paas_guard_node_t  *node;

    for (i = 0; i < cluster->slots.nnodes; i++) {
        cluster->left |= pguard_slots_find(slots, &cluster->slots.node[i])
                         == PGUARD_SLOTS_NOBODY;
    }

    cluster->slots = *slots;
    cluster->known = 1;
    cluster->covered = (ngx_strlchr(slots->owner,
                                    slots->owner + PGUARD_SLOTS,
                                    PGUARD_SLOTS_NOBODY)
                        == NULL);

    ngx_memzero(cluster->owners, sizeof(cluster->owners));

    for (i = 0; i < cluster->nnodes; i++) {
        node = cluster->nodes[i];
        k = pguard_slots_find(slots, &node->node);

        node->owner = (k != PGUARD_SLOTS_NOBODY);

        if (node->owner) {
            cluster->owners[k] = node;
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
