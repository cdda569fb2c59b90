/*
 * The state of a zone as a file: its blocks, and its secret if that is its
 * own.  Times are kept by the wall clock, names as text, so a file outlives a
 * restart and a change of configuration.  A sum over all of it tells a torn
 * file; it is no defence against who may write the file.
 */

#ifndef PGUARD_STATE_H
#define PGUARD_STATE_H

#include "pguard.h"
#include "pguard_block.h"
#include "pguard_out.h"
#include "pguard_pack.h"


/* The largest size of n blocks with a secret, bytes. */
size_t pguard_state_size(uint64_t n, size_t secret_len);

/* Milliseconds since 1970 and since the monotonic clock's start, at once. */

typedef struct {
    uint64_t       wall;
    pguard_msec_t  now;
} pguard_state_time_t;

/* Renders to start, where out began; the sum at the end is over all since. */
void pguard_state_begin(pguard_out_t *out, const pguard_state_time_t *t,
    pguard_str_t secret);
void pguard_state_block(pguard_out_t *out, const pguard_state_time_t *t,
    const pguard_block_t *b, pguard_str_t rule, pguard_str_t service);
void pguard_state_end(pguard_out_t *out, const unsigned char *start);


typedef struct {
    pguard_unpack_t  in;
    pguard_str_t     secret;
} pguard_state_reader_t;

/* Checks a whole file.  NULL, or what is wrong with it, as half a sentence. */
const char *pguard_state_open(pguard_state_reader_t *r, pguard_str_t file);

/* The next block, in the times of t; its event is zeros if it has none.  1; 0
   at the end, or where a record makes no sense (whose bytes the sum has
   confirmed: another version's). */
int pguard_state_next(pguard_state_reader_t *r, const pguard_state_time_t *t,
    pguard_block_t *b, pguard_str_t *rule, pguard_str_t *service);


#endif /* PGUARD_STATE_H */
