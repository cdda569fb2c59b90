/*
 * What a connection remembers of its last request's head, for the two files
 * that know of it:
 *
 *   ngx_paas_guard_head.c    what is kept
 *   ngx_paas_guard_recall.c  whether the next request's head is the same
 */

#ifndef _NGX_PAAS_GUARD_HEAD_PRIVATE_H_INCLUDED_
#define _NGX_PAAS_GUARD_HEAD_PRIVATE_H_INCLUDED_


#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_HEAD_KEYS 4          /* with more rules, no key is
                                               kept */


/* A header line that counts. */

typedef struct {
    size_t                      at;         /* offset in nginx's list of
                                               headers, bytes */
    size_t                      name;       /* length, bytes */
    size_t                      value;      /* the same */
    size_t                      len;        /* from the begin of the name to
                                               the end of the value; less than
                                               both lengths: the two do not lie
                                               behind each other */
} ngx_paas_guard_line_t;


struct ngx_paas_guard_head_s {
    ngx_pool_cleanup_t          cleanup;    /* marks it in the pool */
    ngx_paas_guard_loc_conf_t  *conf;       /* what counts, and whose key */
    pguard_hash_t               credential; /* as in the context: */
    pguard_hash_t               client;
    pguard_hash_t               head;
    pguard_credential_e         kind;       /* of the credential */
    ngx_uint_t                  authorization;  /* as in the context */
    uint32_t                    who;        /* where the credential is: index
                                               of its line in the list, */
    uint32_t                    start;      /* offset in that line's value, */
    uint32_t                    len;        /* and length */
    uint16_t                    source;     /* as in the context */
    ngx_paas_guard_told_t       told;       /* how, if it was refused */
    ngx_uint_t                  nkeys;      /* of the rules in force, or 0 */
    ngx_paas_guard_key_t        key[NGX_PAAS_GUARD_HEAD_KEYS];
    ngx_uint_t                  misses;     /* heads that differed, in a row */
    ngx_uint_t                  signable;   /* 1: by this head, a signature can
                                               be made ahead */
    ngx_uint_t                  steady;     /* 1: and the next head is likely
                                               the same */
    ngx_uint_t                  ahead;      /* number of the request that was
                                               signed ahead, */
    u_char                     *method;     /* with this method; */
    pguard_hash_t               signature;  /* its signature, */
    pguard_throttle_lines_t     lines_at;   /* and where that may be */
    ngx_uint_t                  max;        /* there is room for so many lines
                                               of the head, */
    size_t                      size;       /* and bytes */
    ngx_uint_t                  nhashes;    /* lines of the head */
    ngx_uint_t                 *hash;       /* of each line's name */
    ngx_paas_guard_line_t      *line;       /* those that count, by kind */
    ngx_paas_guard_line_t      *end[NGX_PAAS_GUARD_LINE_KINDS];
                                            /* of each kind's lines */
    size_t                      address;    /* its length: it comes first */
    size_t                      authority;  /* the same, it is next */
    u_char                     *bytes;      /* the copy of all that counts */
    u_char                     *lines[NGX_PAAS_GUARD_LINE_KINDS];
                                            /* where in bytes the lines of each
                                               kind begin */
};


/* Does nothing: as a handler of the pool's cleanups, it marks the head. */
void ngx_paas_guard_head_cleanup(void *data);


/* What the connection remembers; NULL: nothing. */

static ngx_inline ngx_paas_guard_head_t *
ngx_paas_guard_head(ngx_connection_t *c)
{
    return ngx_paas_guard_marked(c->pool, ngx_paas_guard_head_cleanup);
}


/* From the begin of the name to the end of the value, if they lie so. */

static ngx_inline size_t
ngx_paas_guard_line_len(ngx_table_elt_t *h)
{
    return h->value.data + h->value.len - h->key.data;
}


#endif /* _NGX_PAAS_GUARD_HEAD_PRIVATE_H_INCLUDED_ */
