/*
 * The state of a zone as a file: its blocks, and its secret if there is no
 * secret file.  Times are kept by the wall clock and names as text, so a file
 * outlives a restart and a change of configuration.  A checksum over all of it
 * detects a damaged file; it is no defence against somebody who may write the
 * file.
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

/* Renders a file: begin, then each block, then end, which adds the checksum.
   start: the beginning of out's buffer.  secret: empty if there is a file. */
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

/* Reads the next block, with its times by the clocks of t; its event is zeros
   if it has none.  1; 0 at the end, or at a record that makes no sense (as the
   checksum was right, that is one of another version). */
int pguard_state_next(pguard_state_reader_t *r, const pguard_state_time_t *t,
    pguard_block_t *b, pguard_str_t *rule, pguard_str_t *service);


#endif /* PGUARD_STATE_H */
