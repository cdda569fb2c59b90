/*
 * What the files of the store share: its configuration, and what a worker has
 * of it.
 */

#ifndef _NGX_PAAS_GUARD_STORE_PRIVATE_H_INCLUDED_
#define _NGX_PAAS_GUARD_STORE_PRIVATE_H_INCLUDED_


#include "../core/pguard_hold.h"
#include "../core/pguard_message.h"
#include "../core/pguard_store_key.h"
#include "../core/pguard_url.h"
#include "ngx_paas_guard.h"
#include "ngx_paas_guard_servers.h"


#define NGX_PAAS_GUARD_PENDING_MAX      4096   /* counts that wait */
#define NGX_PAAS_GUARD_PENDING_BUCKETS  4096
#define NGX_PAAS_GUARD_PENDING_PLACES   8192   /* powers of 2 */
#define NGX_PAAS_GUARD_KNOWN            8192
#define NGX_PAAS_GUARD_OUTBOX_MAX       256    /* blocks and lifts that wait */
#define NGX_PAAS_GUARD_SYNC_AGAIN       1000   /* ms after one that failed */


/* Counts of one key, within one slot of its window, that wait to be sent. */

typedef struct {
    ngx_queue_t                     queue;     /* the oldest first, or free */
    ngx_queue_t                     bucket;    /* of those found by the id */
    ngx_msec_t                      due;       /* when they are to be sent */
    uint64_t                        enough;    /* if there are so many: with the
                                                  next flush */
    uint64_t                        n;         /* how many there are */
    uint64_t                        oldest;    /* arrival, us */
    uint64_t                        slot;      /* begin of the slot, us */
    uint64_t                        span;      /* found by hash for so long
                                                  after it, us, */
    uint64_t                        lifts;     /* while the zone has no more */
    ngx_paas_guard_zone_t          *zone;      /* NULL: is free */
    ngx_paas_guard_item_t           item;
} ngx_paas_guard_pending_t;

/* What the store has answered about a key.  Where it is forgotten, the key's
   counts are only sent sooner. */

typedef struct {
    uint64_t                        key;
    pguard_hold_t                   hold;
} ngx_paas_guard_known_t;

typedef struct {
    ngx_paas_guard_pending_t       *pending;
    ngx_queue_t                    *buckets;
    uint16_t                       *places;    /* by hash: index of the last
                                                  pending one */
    ngx_paas_guard_known_t         *known;
    ngx_queue_t                     free;
    ngx_queue_t                     queue;
    ngx_event_t                     event;
} ngx_paas_guard_counts_t;


/* A message on its way out; tried more than once. */

typedef struct {
    pguard_message_t                message;
    ngx_queue_t                     queue;
    ngx_paas_guard_store_t         *store;
    ngx_paas_guard_zone_t          *zone;
    ngx_msec_t                      ends;      /* of the block */
    ngx_uint_t                      tries;
    ngx_uint_t                      revoked;   /* lifted meanwhile */
} ngx_paas_guard_letter_t;

typedef enum {
    NGX_PAAS_GUARD_SYNC_ASKED = 1,             /* for a page of blocks */
    NGX_PAAS_GUARD_SYNC_LATER                  /* the timer asks */
} ngx_paas_guard_loading_e;

typedef struct {
    ngx_paas_guard_letter_t        *letters;
    ngx_queue_t                     free;
    ngx_queue_t                     queue;     /* in flight: in neither */

    ngx_uint_t                      zone;      /* that is being loaded */
    int64_t                         from;
    int64_t                         skip;
    ngx_uint_t                      anew;      /* from the first one on */
    ngx_uint_t                      loading;   /* ngx_paas_guard_loading_e */
    ngx_event_t                     event;     /* loads again */
} ngx_paas_guard_sync_t;


struct ngx_paas_guard_store_s {
    pguard_url_t                    url;
    ngx_str_t                       text;      /* the url, for the log */
    ngx_str_t                       prefix;
    ngx_str_t                       username;
    ngx_str_t                       password_file;
    ngx_str_t                       password;
    ngx_str_t                       tls_ca;
    ngx_str_t                       tls_cert;
    ngx_str_t                       tls_key;
    ngx_str_t                       tls_name;
    ngx_msec_t                      timeout;
    ngx_msec_t                      connect_timeout;
    ngx_msec_t                      flush;
    ngx_paas_guard_place_t         *places;    /* of the hosts of the url */
    ngx_uint_t                      nplaces;
    ngx_resolver_t                 *resolver;  /* NULL: there is none */
    void                           *tls;       /* ngx_ssl_t, NULL: none */
    ngx_str_t                       channel;
    ngx_str_t                       probe;
    ngx_array_t                    *zones;     /* ngx_paas_guard_zone_t * */
    ngx_paas_guard_store_shared_t  *shared;

    /* of this worker */

    ngx_paas_guard_store_shared_t   own;       /* where there is no other */
    ngx_log_t                      *log;
    ngx_connection_t                dummy;     /* data of events */
    ngx_paas_guard_redis_conf_t     commands;
    ngx_paas_guard_redis_conf_t     messages;  /* worker 0 only */
    ngx_paas_guard_servers_conf_t   servers_conf;
    ngx_paas_guard_servers_t       *servers;
    ngx_paas_guard_counts_t         counts;
    ngx_paas_guard_sync_t           sync;
    unsigned                        started:1;
    unsigned                        stopping:1;
};


/* One of the items of a call of DECIDE. */

typedef struct {
    ngx_paas_guard_item_t          *item;
    ngx_uint_t                      when;      /* ngx_paas_guard_item_e */
    uint64_t                        n;
    int64_t                         at;        /* server's time; not above 0:
                                                  so long before now */
} ngx_paas_guard_counted_t;


static ngx_inline pguard_str_t
ngx_paas_guard_store_str(const ngx_str_t *s)
{
    pguard_str_t  str = { s->len, s->data };

    return str;
}


/* 1: p has the counts of the item of this hash; else 0. */

static ngx_inline ngx_uint_t
ngx_paas_guard_pending_is(ngx_paas_guard_pending_t *p,
    ngx_paas_guard_zone_t *zone, pguard_hash_t hash)
{
    return p->zone == zone
           && p->item.hash.lo == hash.lo && p->item.hash.hi == hash.hi;
}


/* Where the index of those of a hash is noted: others may have the place. */

static ngx_inline uint16_t *
ngx_paas_guard_pending_place(ngx_paas_guard_counts_t *counts,
    pguard_hash_t hash)
{
    return &counts->places[hash.lo % NGX_PAAS_GUARD_PENDING_PLACES];
}


/* ngx_paas_guard_store_tls.c */

/* Makes store->tls of the parameters, if the url asks for TLS. */
char *ngx_paas_guard_store_tls(ngx_conf_t *cf, ngx_paas_guard_store_t *store);


/* ngx_paas_guard_store.c */

/* 1: the store is connected, or connects for the first time; else 0.  Starts
   it, if that was not done yet. */
ngx_uint_t ngx_paas_guard_store_usable(ngx_paas_guard_store_t *store);


/* ngx_paas_guard_store_ask.c */

/* Asks for the throttle of q (NULL: none) and n items, all of the same hash
   tag: q's client, or the items' id.  As ngx_paas_guard_redis_call(). */
ngx_int_t ngx_paas_guard_store_decide(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, ngx_paas_guard_question_t *q, ngx_uint_t n,
    ngx_paas_guard_counted_t *counted, ngx_msec_t due,
    ngx_paas_guard_call_pt handler, void *data);

/* Checks whether reply is what DECIDE gives for n items (NGX_OK), and then
   learns the server's time from it. */
ngx_int_t ngx_paas_guard_store_decided(ngx_paas_guard_store_t *store,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply,
    ngx_uint_t n);


/* ngx_paas_guard_store_count.c */

/* A worker begins (NGX_ERROR: no memory) and ends. */
ngx_int_t ngx_paas_guard_counts_start(ngx_paas_guard_store_t *store);
void ngx_paas_guard_counts_stop(ngx_paas_guard_store_t *store);

/* Sends the counts that are due, if they can be sent; all: also those that may
   wait longer. */
void ngx_paas_guard_counts_flush(ngx_paas_guard_store_t *store,
    ngx_uint_t all);


/* ngx_paas_guard_store_pending.c */

/* NGX_ERROR: no memory; then counts->pending is NULL. */
ngx_int_t ngx_paas_guard_pending_create(ngx_paas_guard_counts_t *counts,
    ngx_log_t *log);
void ngx_paas_guard_pending_destroy(ngx_paas_guard_counts_t *counts);

/* The list in which the counts of this id are, among others. */
ngx_queue_t *ngx_paas_guard_pending_bucket(ngx_paas_guard_counts_t *counts,
    const pguard_id_t *id);

/* The counts of the item of this hash in that slot; or NULL. */
ngx_paas_guard_pending_t *ngx_paas_guard_pending_find(ngx_queue_t *bucket,
    ngx_paas_guard_zone_t *zone, pguard_hash_t hash, uint64_t slot);

/* Takes a free one, which there must be; the caller fills it in. */
ngx_paas_guard_pending_t *ngx_paas_guard_pending_add(
    ngx_paas_guard_counts_t *counts, ngx_queue_t *bucket);
void ngx_paas_guard_pending_free(ngx_paas_guard_counts_t *counts,
    ngx_paas_guard_pending_t *p);

/* Drops the counts that wait for this id. */
void ngx_paas_guard_pending_forget(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_id_t *id);

/* Where to keep what the store has answered about the item of this hash.  It is
   about this item only if its key is *key, which is set here. */
ngx_paas_guard_known_t *ngx_paas_guard_pending_known(
    ngx_paas_guard_counts_t *counts, ngx_paas_guard_zone_t *zone,
    pguard_hash_t hash, uint64_t *key);


/* ngx_paas_guard_sync.c */

/* A worker begins (NGX_ERROR: no memory) and ends. */
ngx_int_t ngx_paas_guard_sync_start(ngx_paas_guard_store_t *store);
void ngx_paas_guard_sync_stop(ngx_paas_guard_store_t *store);

/* Sends the messages that wait, if they can be sent. */
void ngx_paas_guard_sync_flush(ngx_paas_guard_store_t *store);

/* Writes the names of the keys of a zone's blocks to keys, and sets args to
   them.  Returns how many there are. */
ngx_uint_t ngx_paas_guard_sync_keys(ngx_paas_guard_store_t *store,
    pguard_str_t zone, u_char (*keys)[PGUARD_STORE_KEY_MAX], ngx_str_t *args);


/* ngx_paas_guard_sync_load.c */

/* Loads the blocks of all zones, if this worker is the one that does. */
void ngx_paas_guard_sync_load(ngx_paas_guard_store_t *store);

/* A message of the channel has come. */
void ngx_paas_guard_sync_message(void *data, ngx_str_t *text);


#endif /* _NGX_PAAS_GUARD_STORE_PRIVATE_H_INCLUDED_ */
