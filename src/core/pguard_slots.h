/*
 * Who holds what in a cluster: 16384 slots, each with one owner, as the
 * servers tell in CLUSTER SLOTS and correct in MOVED and ASK.
 */

#ifndef PGUARD_SLOTS_H
#define PGUARD_SLOTS_H

#include "pguard.h"


#define PGUARD_SLOTS           16384
#define PGUARD_SLOTS_NODES     128           /* at most; the rest is nobody's */
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

/* Where a value is: at depth 2 it is number i of a range, at depth 3 number i
   of the array that is number j of a range.  The reply itself has depth 0. */

typedef struct {
    unsigned        depth;
    unsigned        i;
    unsigned        j;
} pguard_slots_place_t;

typedef struct {
    unsigned             ask;                     /* 1: ASK, 0: MOVED */
    unsigned             slot;
    pguard_slots_node_t  node;                    /* len 0: who says so */
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

/* Is there a node at the host and port of this one? */
int pguard_slots_has(const pguard_slots_t *slots,
    const pguard_slots_node_t *node);

/* Begins a reply into *slots.  asked: host and port of who was asked. */
void pguard_slots_read(pguard_slots_reader_t *reader, pguard_slots_t *slots,
    pguard_str_t host, unsigned port);

/* Takes the next value: an array begins, a number, or a string (data NULL: a
   nil).  0, or -1 if such a reply is not right, whatever the values are. */
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

/* Fills node.  0, or -1 if host or port can't be. */
int pguard_slots_node_set(pguard_slots_node_t *node, pguard_str_t host,
    int64_t port);


#endif /* PGUARD_SLOTS_H */
