/*
 * What the guard writes into the shared store: the names of its keys, and
 * blocks as they travel.  Nothing of a client is in there but its digest.
 *
 *   <prefix>:<zone>:{<id>}:w:<rule>:<window>[:<service>]   counts
 *   <prefix>:<zone>:{<client>}:t:<signature>               the throttle
 *   <prefix>:<zone>:{blocks}:data, ...:ends                blocks, their ends
 *   <prefix>:<zone>:{sla:<indicator>:<month>}              gateways, by version
 *   <prefix>:<zone>:{sla:<indicator>:<month>}:<gateway>    the record of one
 *   <prefix>:blocks                                        the channel
 *
 * Names go in percent-encoded, all but letters, digits, "_", "." and "-": so
 * no name can hold a separator, a space or the braces of a hash tag.  The
 * window is part of the key: gateways that disagree on it do not mix slots.
 */

#ifndef PGUARD_MESSAGE_H
#define PGUARD_MESSAGE_H

#include "pguard.h"
#include "pguard_block.h"
#include "pguard_calendar.h"


#define PGUARD_PREFIX_MAX         63
#define PGUARD_NAME_ENCODED_MAX   (PGUARD_NAME_MAX * 3)

#define PGUARD_STORE_KEY_MAX      768        /* bytes, enough for any key */
#define PGUARD_MESSAGE_MAX        1024       /* and for any message */


typedef enum {
    PGUARD_MESSAGE_BLOCK = 0,
    PGUARD_MESSAGE_LIFT,
    PGUARD_MESSAGE_FORGET,              /* all of an id, of no rule */
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
    uint64_t                origin;          /* the gateway that says so */
    pguard_message_name_t   zone;
    pguard_message_name_t   rule;            /* empty: set by an operator */
    pguard_message_name_t   service;         /* empty: all services */
    pguard_block_t          block;
} pguard_message_t;


/* A prefix is 1 to PGUARD_PREFIX_MAX letters, digits or any of "_.:/-".
   1 if this is one, else 0. */
int pguard_prefix_valid(pguard_str_t prefix);

/*
 * Each writes a key at dst, which has PGUARD_STORE_KEY_MAX bytes, and returns
 * its length; 0 if a name or the prefix is longer than it may be.
 */
size_t pguard_store_key_window(unsigned char *dst, pguard_str_t prefix,
    pguard_str_t zone, const pguard_id_t *id, pguard_str_t rule,
    pguard_msec_t window, pguard_str_t service);
size_t pguard_store_key_throttle(unsigned char *dst, pguard_str_t prefix,
    pguard_str_t zone, const pguard_id_t *client,
    const pguard_id_t *signature);
size_t pguard_store_key_blocks(unsigned char *dst, pguard_str_t prefix,
    pguard_str_t zone, const char *part);

/* The index of a month's records; that of gateway, if it is not NULL; and one
   that is being written, if attempt is not 0. */
size_t pguard_store_key_sla(unsigned char *dst, pguard_str_t prefix,
    pguard_str_t zone, pguard_str_t indicator, pguard_month_t month,
    const pguard_id_t *gateway, uint64_t attempt);

/* The channel, and the key on which a connection tries whether it may write. */
size_t pguard_store_channel(unsigned char *dst, pguard_str_t prefix);
size_t pguard_store_key_probe(unsigned char *dst, pguard_str_t prefix);

/* The field of a block in the keys of its zone: at dst as above. */
size_t pguard_store_field(unsigned char *dst, const pguard_message_t *m);

/* Copies s into name.  0, or -1 if it is too long (name is then empty). */
int pguard_message_name(pguard_message_name_t *name, pguard_str_t s);

/* Writes m at dst, which has PGUARD_MESSAGE_MAX bytes; returns the length. */
size_t pguard_message_encode(unsigned char *dst, const pguard_message_t *m);

/* Reads a message of any origin.  0, or -1 if it is not one, whatever the
   bytes are: nothing of *m is then of use. */
int pguard_message_decode(pguard_message_t *m, pguard_str_t s);


#endif /* PGUARD_MESSAGE_H */
