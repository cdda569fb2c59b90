/*
 * The address of the shared store, as written in the configuration:
 *
 *   redis://host[:port][/db]             rediss://host[:port][/db]
 *   redis+sentinel://h1[:p1],h2[:p2]/master-name
 *   redis+cluster://h1[:p1],h2[:p2]      unix:/path
 */

#ifndef PGUARD_URL_H
#define PGUARD_URL_H

#include "pguard.h"


#define PGUARD_URL_HOSTS_MAX      16
#define PGUARD_URL_PORT           6379
#define PGUARD_URL_SENTINEL_PORT  26379


typedef enum {
    PGUARD_URL_REDIS = 0,
    PGUARD_URL_REDISS,                      /* TLS */
    PGUARD_URL_SENTINEL,
    PGUARD_URL_CLUSTER,
    PGUARD_URL_UNIX,
    PGUARD_URL_KINDS
} pguard_url_kind_e;

typedef struct {
    pguard_str_t       name;                /* without brackets */
    unsigned           port;
    unsigned           literal6;            /* 1: an IPv6 address */
} pguard_url_host_t;

/* All strings point into the parsed one. */

typedef struct {
    unsigned           kind;                /* pguard_url_kind_e */
    unsigned           db;
    pguard_str_t       path;                /* of a unix socket */
    pguard_str_t       master;              /* of a sentinel's */
    unsigned           nhosts;
    pguard_url_host_t  host[PGUARD_URL_HOSTS_MAX];
} pguard_url_t;

/* What each kind begins with: "redis://". */
extern const pguard_str_t  pguard_url_schemes[PGUARD_URL_KINDS];


/* Fills url from s and returns NULL, or returns what is wrong: the end of a
   sentence that begins with the url. */
const char *pguard_url_parse(pguard_url_t *url, pguard_str_t s);


#endif /* PGUARD_URL_H */
