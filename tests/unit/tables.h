/*
 * The throttle and the windows in one call, for tests in which nothing happens
 * between the look at where an entry may be and the entry itself.
 */

#ifndef TABLES_H
#define TABLES_H

#include "pguard_throttle.h"
#include "pguard_window.h"


static inline pguard_throttle_result_t
throttle_ask(const pguard_throttle_t *t, pguard_hash_t sig, pguard_usec_t now,
    pguard_usec_t interval)
{
    return pguard_throttle_ask(t, pguard_throttle_prefetch(t, sig), sig, now,
                               interval);
}


static inline pguard_window_result_t
window_add(const pguard_windows_t *w, pguard_hash_t key, uint16_t source,
    const pguard_window_rule_t *rule, pguard_msec_t now,
    pguard_clock_pt clock, void *arg)
{
    return pguard_window_add(pguard_window_bucket(w, key), w, key, source,
                             rule, now, clock, arg);
}


#endif /* TABLES_H */
