/*
 * Blocks as they travel from gateway to gateway: the messages of the channel,
 * which the store also keeps.  Of a client, they hold only its digest.  Names
 * are encoded as in keys: see pguard_store_key.h.
 */

#ifndef PGUARD_MESSAGE_H
#define PGUARD_MESSAGE_H

#include "pguard.h"
#include "pguard_block.h"


#define PGUARD_MESSAGE_MAX  1024             /* bytes, enough for any */


typedef enum {
    PGUARD_MESSAGE_BLOCK = 0,
    PGUARD_MESSAGE_LIFT,
    PGUARD_MESSAGE_FORGET,              /* all that there is of an id */
    PGUARD_MESSAGES
} pguard_message_e;

typedef struct {
    size_t          len;
    unsigned char   data[PGUARD_NAME_MAX];
} pguard_message_name_t;

/*
 * A block or its end.  Of the block only id, until (here: ms that are left),
 * last, forget, count, limit, window, step, reason, dry_run and event travel.
 */

typedef struct {
    unsigned                op;              /* pguard_message_e */
    uint64_t                origin;          /* the gateway that sent it */
    pguard_message_name_t   zone;
    pguard_message_name_t   rule;            /* empty: set by an operator */
    pguard_message_name_t   service;         /* empty: all services */
    pguard_block_t          block;
} pguard_message_t;


/* Writes the field of a block in the keys of its zone at dst, which has
   PGUARD_STORE_KEY_MAX bytes; returns the length. */
size_t pguard_store_field(unsigned char *dst, const pguard_message_t *m);

/* Copies s into name.  0, or -1 if it is too long (name is then empty). */
int pguard_message_name(pguard_message_name_t *name, pguard_str_t s);

/* Writes m at dst, which has PGUARD_MESSAGE_MAX bytes; returns the length. */
size_t pguard_message_encode(unsigned char *dst, const pguard_message_t *m);

/* Reads a message of any origin.  0, or -1 if it is not one, whatever the
   bytes are: nothing of *m is then of use. */
int pguard_message_decode(pguard_message_t *m, pguard_str_t s);


#endif /* PGUARD_MESSAGE_H */
