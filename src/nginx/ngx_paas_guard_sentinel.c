/*
 * Which server is the master, as the sentinels say.  One connection, to any
 * sentinel that answers, asks and then listens for changes; each further
 * attempt goes to the next one, so a sentinel that is wrong or gone does not
 * keep us from the others.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_paas_guard_redis_private.h"
#include "ngx_paas_guard_servers.h"


#define NGX_PAAS_GUARD_SENTINEL_FRESH    100      /* ms: need not ask again */
#define NGX_PAAS_GUARD_SENTINEL_CLIENTS  2


struct ngx_paas_guard_sentinel_s {
    ngx_paas_guard_redis_conf_t    conf;
    ngx_paas_guard_redis_t        *redis;
    ngx_paas_guard_place_t        *places;
    ngx_uint_t                     nplaces;
    ngx_uint_t                     place;       /* the next */
    u_char                         name[300];

    ngx_queue_t                    waiting;     /* to be told */
    ngx_paas_guard_redis_t        *clients[NGX_PAAS_GUARD_SENTINEL_CLIENTS];
    ngx_uint_t                     nclients;

    pguard_slots_node_t            master;      /* len 0: not known yet */
    ngx_msec_t                     told;
    ngx_uint_t                     changed;
    ngx_connection_t               dummy;
    ngx_event_t                    event;
};


static void ngx_paas_guard_sentinel_place(void *data,
    ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_sentinel_tell(ngx_paas_guard_sentinel_t *s,
    ngx_paas_guard_redis_t *r);
static void ngx_paas_guard_sentinel_event(ngx_event_t *ev);
static void ngx_paas_guard_sentinel_answer(void *data, ngx_str_t *host,
    ngx_uint_t port);
static void ngx_paas_guard_sentinel_message(void *data, ngx_str_t *text);
static void ngx_paas_guard_sentinel_learn(ngx_paas_guard_sentinel_t *s,
    pguard_slots_node_t *node);
static void ngx_paas_guard_sentinel_changed(void *data, const char *lost);
static void ngx_paas_guard_sentinel_observed(void *data,
    ngx_paas_guard_result_e result, uint64_t usec);


ngx_paas_guard_sentinel_t *
ngx_paas_guard_sentinel_create(ngx_paas_guard_servers_conf_t *conf,
    ngx_log_t *log)
{
    ngx_paas_guard_sentinel_t    *s;
    ngx_paas_guard_redis_conf_t  *rcf;

    s = ngx_calloc(sizeof(ngx_paas_guard_sentinel_t), log);
    if (s == NULL) {
        return NULL;
    }

    s->places = conf->places;
    s->nplaces = conf->nplaces;

    /* not all workers at the same one */

    s->place = ngx_random();

    ngx_queue_init(&s->waiting);

    s->dummy.fd = (ngx_socket_t) -1;
    s->dummy.data = s;

    s->event.data = &s->dummy;
    s->event.log = log;
    s->event.handler = ngx_paas_guard_sentinel_event;

    rcf = &s->conf;

    rcf->name.data = s->name;
    rcf->name.len = ngx_snprintf(s->name, sizeof(s->name),
                                 "sentinels of %V", &conf->master)
                    - s->name;
    rcf->resolver = conf->commands->resolver;
    rcf->timeout = conf->commands->connect_timeout;
    rcf->connect_timeout = conf->commands->connect_timeout;
    rcf->master = conf->master;
    ngx_str_set(&rcf->channel, "+switch-master");
    rcf->level = NGX_LOG_INFO;
    rcf->data = s;
    rcf->finder = s;
    rcf->find = ngx_paas_guard_sentinel_place;
    rcf->changed = ngx_paas_guard_sentinel_changed;
    rcf->observed = ngx_paas_guard_sentinel_observed;
    rcf->message = ngx_paas_guard_sentinel_message;
    rcf->master_is = ngx_paas_guard_sentinel_answer;

    s->redis = ngx_paas_guard_redis_create(rcf, log);

    if (s->redis == NULL) {
        ngx_free(s);
        return NULL;
    }

    return s;
}


void
ngx_paas_guard_sentinel_destroy(ngx_paas_guard_sentinel_t *s)
{
    ngx_paas_guard_redis_destroy(s->redis);

    if (s->event.posted) {
        ngx_delete_posted_event(&s->event);
    }

    ngx_free(s);
}


void
ngx_paas_guard_sentinel_follow(ngx_paas_guard_sentinel_t *s,
    ngx_paas_guard_redis_t *r)
{
    if (s->nclients < NGX_PAAS_GUARD_SENTINEL_CLIENTS) {
        s->clients[s->nclients++] = r;
    }
}


void
ngx_paas_guard_sentinel_find(void *data, ngx_paas_guard_redis_t *r)
{
    ngx_paas_guard_sentinel_t *s = data;

    if (s->master.len
        && ngx_current_msec - s->told < NGX_PAAS_GUARD_SENTINEL_FRESH)
    {
        ngx_paas_guard_sentinel_tell(s, r);
        return;
    }

    ngx_queue_insert_tail(&s->waiting, &r->finding);
    ngx_post_event(&s->event, &ngx_posted_events);
}


static void
ngx_paas_guard_sentinel_tell(ngx_paas_guard_sentinel_t *s,
    ngx_paas_guard_redis_t *r)
{
    ngx_str_t  host;

    host.data = s->master.host;
    host.len = s->master.len;

    ngx_paas_guard_redis_found(r, &host, s->master.port, NULL, NULL);
}


/* Out of the callbacks of all connections. */

static void
ngx_paas_guard_sentinel_event(ngx_event_t *ev)
{
    ngx_uint_t                  i;
    ngx_connection_t           *c;
    ngx_paas_guard_sentinel_t  *s;

    c = ev->data;
    s = c->data;

    if (s->changed) {
        s->changed = 0;

        for (i = 0; i < s->nclients; i++) {
            if (!ngx_paas_guard_redis_is_at(s->clients[i], &s->master)) {
                ngx_paas_guard_redis_renew(s->clients[i],
                                           "has another master now");
            }
        }
    }

    if (ngx_queue_empty(&s->waiting)) {
        return;
    }

    /* one that was told long ago: a sentinel that listens can't be asked */

    if (s->redis->state == NGX_PAAS_GUARD_REDIS_READY
        || s->redis->state == NGX_PAAS_GUARD_REDIS_AWAY)
    {
        ngx_paas_guard_redis_start(s->redis);
        ngx_paas_guard_redis_renew(s->redis, "are asked again");
    }
}


/* Which sentinel is next. */

static void
ngx_paas_guard_sentinel_place(void *data, ngx_paas_guard_redis_t *r)
{
    ngx_paas_guard_sentinel_t *s = data;

    ngx_paas_guard_place_t  *place;

    place = &s->places[s->place++ % s->nplaces];

    ngx_paas_guard_redis_found(r, &place->host, place->port, place, NULL);
}


static void
ngx_paas_guard_sentinel_answer(void *data, ngx_str_t *host, ngx_uint_t port)
{
    ngx_paas_guard_sentinel_t *s = data;

    ngx_queue_t             *q;
    pguard_str_t             name;
    pguard_slots_node_t      node;
    ngx_paas_guard_redis_t  *r;

    name.data = host->data;
    name.len = host->len;

    if (name.len == 0 || pguard_slots_node_set(&node, name, port) != 0) {
        return;
    }

    /* it may have changed while nobody listened */

    ngx_paas_guard_sentinel_learn(s, &node);

    while (!ngx_queue_empty(&s->waiting)) {
        q = ngx_queue_head(&s->waiting);
        r = ngx_queue_data(q, ngx_paas_guard_redis_t, finding);

        ngx_paas_guard_sentinel_tell(s, r);
    }
}


static void
ngx_paas_guard_sentinel_message(void *data, ngx_str_t *text)
{
    ngx_paas_guard_sentinel_t *s = data;

    pguard_str_t         master, words;
    pguard_slots_node_t  node;

    words.data = text->data;
    words.len = text->len;

    master.data = s->conf.master.data;
    master.len = s->conf.master.len;

    if (pguard_slots_switch(&node, master, words) != 0) {
        return;
    }

    ngx_paas_guard_sentinel_learn(s, &node);
}


static void
ngx_paas_guard_sentinel_learn(ngx_paas_guard_sentinel_t *s,
    pguard_slots_node_t *node)
{
    s->told = ngx_current_msec;

    if (s->master.port == node->port
        && s->master.len == node->len
        && ngx_memcmp(s->master.host, node->host, node->len) == 0)
    {
        return;
    }

    s->master = *node;
    s->changed = 1;

    ngx_post_event(&s->event, &ngx_posted_events);
}


static void
ngx_paas_guard_sentinel_changed(void *data, const char *lost)
{
    /* a master goes on without its sentinels */
}


static void
ngx_paas_guard_sentinel_observed(void *data, ngx_paas_guard_result_e result,
    uint64_t usec)
{
    /* no request waits for a sentinel */
}
