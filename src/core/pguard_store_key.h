/*
 * The names of the guard's keys in the shared store.  Of a client, they hold
 * only its digest.
 *
 *   <prefix>:<zone>:{<id>}:w:<rule>:<window>[:<service>]   counts
 *   <prefix>:<zone>:{<client>}:t:<signature>               the throttle
 *   <prefix>:<zone>:{blocks}:data, ...:ends                blocks, their ends
 *   <prefix>:<zone>:{sla:<indicator>:<month>}              gateways, by version
 *   <prefix>:<zone>:{sla:<indicator>:<month>}:<gateway>    the record of one
 *   <prefix>:blocks                                        the channel
 *
 * In names, all but letters, digits, "_", "." and "-" is percent-encoded, so no
 * name can hold a separator, a space or the braces of a hash tag.  The window
 * is part of the key, so gateways that disagree on it do not mix their counts.
 */

#ifndef PGUARD_STORE_KEY_H
#define PGUARD_STORE_KEY_H

#include "pguard.h"
#include "pguard_calendar.h"
#include "pguard_out.h"


#define PGUARD_PREFIX_MAX     63
#define PGUARD_STORE_KEY_MAX  768            /* bytes, enough for any key */


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

/* The index of a month's records (gateway NULL); the record of a gateway; that
   record while it is being written (attempt not 0). */
size_t pguard_store_key_sla(unsigned char *dst, pguard_str_t prefix,
    pguard_str_t zone, pguard_str_t indicator, pguard_month_t month,
    const pguard_id_t *gateway, uint64_t attempt);

/* The channel for messages: a server's databases share channels, so each but
   the first has one of its own. */
size_t pguard_store_channel(unsigned char *dst, pguard_str_t prefix,
    uint64_t db);

/* The key that a new connection writes, to find out whether it may. */
size_t pguard_store_key_probe(unsigned char *dst, pguard_str_t prefix);

/* Appends a name of up to PGUARD_NAME_MAX bytes, encoded; a lone "-" is the
   empty name.  One that is too long makes all of it too long. */
void pguard_store_out_name(pguard_out_t *out, const unsigned char *s,
    size_t len);

/* The length of what was written, or 0 if that is more than size. */
size_t pguard_store_done(const pguard_out_t *out, size_t size);


#endif /* PGUARD_STORE_KEY_H */
