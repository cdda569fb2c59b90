/*
 * What the files of a connection's memory share:
 *
 *   ngx_paas_guard_head.c    what is kept of a request's head
 *   ngx_paas_guard_recall.c  is the next one's the same
 */

#ifndef _NGX_PAAS_GUARD_HEAD_PRIVATE_H_INCLUDED_
#define _NGX_PAAS_GUARD_HEAD_PRIVATE_H_INCLUDED_


#include "ngx_paas_guard.h"


#define NGX_PAAS_GUARD_HEAD_KEYS 4          /* of more rules, none is kept */


/* A line that counts. */

typedef struct {
    size_t                      at;         /* bytes from the list's begin */
    size_t                      name;       /* bytes */
    size_t                      value;      /* bytes */
    size_t                      len;        /* of both, as they lie; or less
                                               than both: they lie apart */
} ngx_paas_guard_line_t;


struct ngx_paas_guard_head_s {
    ngx_pool_cleanup_t          cleanup;    /* marks it in the pool */
    ngx_paas_guard_loc_conf_t  *conf;       /* what counts, and whose key */
    pguard_hash_t               credential; /* as in the context: */
    pguard_hash_t               client;
    pguard_hash_t               head;
    pguard_credential_e         kind;       /* of the credential */
    ngx_uint_t                  authorization;  /* as in the context */
    uint32_t                    who;        /* in the list: its line */
    uint32_t                    start;      /* and in that one's value */
    uint32_t                    len;
    uint16_t                    source;
    ngx_paas_guard_told_t       told;       /* how, if it was refused */
    ngx_uint_t                  nkeys;      /* of the rules in force, or 0 */
    ngx_paas_guard_key_t        key[NGX_PAAS_GUARD_HEAD_KEYS];
    ngx_uint_t                  misses;     /* in a row */
    ngx_uint_t                  signable;   /* once its line is read, by this */
    ngx_uint_t                  steady;     /* and the next is as it, likely */
    ngx_uint_t                  ahead;      /* number of the one signed so */
    u_char                     *method;     /* as which it was */
    pguard_hash_t               signature;
    pguard_throttle_lines_t     lines_at;   /* and where it may be */
    ngx_uint_t                  max;        /* room: lines */
    size_t                      size;       /* and bytes */
    ngx_uint_t                  nhashes;
    ngx_uint_t                 *hash;       /* of each name */
    ngx_paas_guard_line_t      *line;
    ngx_paas_guard_line_t      *end[NGX_PAAS_GUARD_LINE_KINDS];
    size_t                      address;    /* bytes of it, which come first */
    size_t                      authority;  /* and of this, which is next */
    u_char                     *bytes;
    u_char                     *lines[NGX_PAAS_GUARD_LINE_KINDS];
                                            /* bytes of those of a kind, which
                                               end where others begin */
};


/* Marks it in the pool, and does nothing else. */
void ngx_paas_guard_head_cleanup(void *data);


static ngx_inline ngx_paas_guard_head_t *
ngx_paas_guard_head(ngx_connection_t *c)
{
    return ngx_paas_guard_marked(c->pool, ngx_paas_guard_head_cleanup);
}


static ngx_inline size_t
ngx_paas_guard_line_len(ngx_table_elt_t *h)
{
    return h->value.data + h->value.len - h->key.data;
}


#endif /* _NGX_PAAS_GUARD_HEAD_PRIVATE_H_INCLUDED_ */
