/*
 * Which server of a cluster holds which keys: 16384 slots, each with one owner,
 * as the servers say in CLUSTER SLOTS and correct by MOVED and ASK.
 */

#ifndef PGUARD_SLOTS_H
#define PGUARD_SLOTS_H

#include "pguard.h"


#define PGUARD_SLOTS           16384
#define PGUARD_SLOTS_NODES     128           /* slots of further ones have no
                                                owner */
#define PGUARD_SLOTS_HOST_MAX  253
#define PGUARD_SLOTS_NOBODY    255


typedef struct {
    unsigned        port;
    unsigned        len;
    unsigned char   host[PGUARD_SLOTS_HOST_MAX + 1];
} pguard_slots_node_t;

typedef struct {
    unsigned             nnodes;
    pguard_slots_node_t  node[PGUARD_SLOTS_NODES];
    unsigned char        owner[PGUARD_SLOTS];     /* index of node */
} pguard_slots_t;

/* Reads CLUSTER SLOTS, value by value. */

typedef struct {
    pguard_slots_t      *slots;
    pguard_slots_node_t  asked;                   /* stands for a nil host */
    pguard_slots_node_t  node;
    unsigned             first;
    unsigned             last;
    unsigned             seen;                    /* values of this range */
} pguard_slots_reader_t;

/* Where in the reply a value is.  The reply itself has depth 0, a range depth
   1; at depth 2 the value is number i of a range, at depth 3 number i of the
   array that is number j of a range. */

typedef struct {
    unsigned        depth;
    unsigned        i;
    unsigned        j;
} pguard_slots_place_t;

typedef struct {
    unsigned             ask;                     /* 1: ASK, 0: MOVED */
    unsigned             slot;
    pguard_slots_node_t  node;                    /* len 0: the one that
                                                     answered */
} pguard_slots_redirect_t;


/* No node, no owner. */
void pguard_slots_init(pguard_slots_t *slots);

/* The slot of a key: of what is between its first "{" and the next "}", or of
   the whole key if there is nothing. */
unsigned pguard_slots_key(pguard_str_t key);

/* Index of the node at host:port, which is added if it is not there;
   PGUARD_SLOTS_NOBODY: there are too many, or host is no host. */
unsigned pguard_slots_node(pguard_slots_t *slots, pguard_str_t host,
    unsigned port);

/* Index of the node at the host and port of this one; PGUARD_SLOTS_NOBODY: there
   is none.  O(nodes). */
unsigned pguard_slots_find(const pguard_slots_t *slots,
    const pguard_slots_node_t *node);

/* Begins to read a reply into *slots, from the server at host and port. */
void pguard_slots_read(pguard_slots_reader_t *reader, pguard_slots_t *slots,
    pguard_str_t host, unsigned port);

/* Takes the next value: the begin of an array, a number or a string (data
   NULL: a nil).  Any value is safe.  0, or -1 if a right reply has no such
   value there. */
int pguard_slots_read_array(pguard_slots_reader_t *reader,
    pguard_slots_place_t at);
int pguard_slots_read_number(pguard_slots_reader_t *reader,
    pguard_slots_place_t at, int64_t n);
int pguard_slots_read_string(pguard_slots_reader_t *reader,
    pguard_slots_place_t at, pguard_str_t s);

/* Reads "MOVED slot host:port" or "ASK ...".  0, or -1 if it is neither. */
int pguard_slots_redirect(pguard_slots_redirect_t *redirect, pguard_str_t s);

/* Reads "name old-host old-port new-host new-port" of a sentinel into node.
   0, or -1 if it is not that, or of another master. */
int pguard_slots_switch(pguard_slots_node_t *node, pguard_str_t master,
    pguard_str_t s);

/* Fills node.  0, or -1 if host or port is not valid. */
int pguard_slots_node_set(pguard_slots_node_t *node, pguard_str_t host,
    int64_t port);


#endif /* PGUARD_SLOTS_H */
