/*
 * The Lua scripts that run in the shared store: one for each decision, so
 * that a decision is one step there, whoever else asks at the same time.
 * Time is the server's.  Each call names all its keys in KEYS, in a cluster of
 * one hash tag only, does a bounded amount of work, and leaves no key without
 * a TTL.
 */

#ifndef PGUARD_SCRIPT_H
#define PGUARD_SCRIPT_H

#include "pguard.h"


typedef enum {
    PGUARD_SCRIPT_DECIDE = 0,
    PGUARD_SCRIPT_BLOCK,
    PGUARD_SCRIPT_LIFT,
    PGUARD_SCRIPT_SYNC,
    PGUARD_SCRIPT_FORGET,
    PGUARD_SCRIPTS
} pguard_script_e;

/*
 * DECIDE   KEYS [throttle key] window key ...
 *          ARGV interval (ms, 0: no throttle), then for each window key:
 *               when (0 always, 1 if admitted, 2 if refused), n, window (ms),
 *               at (server time of the oldest arrival, microseconds; <= 0:
 *               so long before now)
 *          gives admitted (1, 0; -1: no throttle), wait (ms), server time
 *               (microseconds), then for each window key the total (0: not
 *               counted)
 *
 * BLOCK    KEYS data, ends       ARGV field, message, ms left, channel
 *          gives 1, or 0 if as long a block is there already
 * LIFT     KEYS data, ends       ARGV field, message, channel
 *          gives 1 if there was such a block, else 0; tells it in both cases
 * SYNC     KEYS data, ends       ARGV from, skip (both 0 at first), limit
 *          gives from, skip for the next page (0, 0: there is none), then
 *               message, ms left, of each
 * FORGET   KEYS data, ends       ARGV message (may be empty), channel, fields
 *          drops the fields, then tells the message; gives 1
 */

extern const pguard_str_t  pguard_scripts[PGUARD_SCRIPTS];

/* The most values that SYNC gives for a limit. */
#define pguard_script_sync_values(limit)  (2 + 2 * (limit))


#endif /* PGUARD_SCRIPT_H */
