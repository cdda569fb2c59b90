#include "pguard_hold.h"


/*
 * At its pace since the last answer, the key would reach its limit after some
 * time: counts may wait for half of that.  Should the pace rise meanwhile, they
 * are sent at once when they have used up a share of what was left.
 */

void
pguard_hold_learn(pguard_hold_t *hold, uint64_t total, uint64_t n,
    uint64_t limit, pguard_msec_t window, pguard_msec_t flush, uint64_t now)
{
    uint64_t       left, passed, grown;
    pguard_msec_t  longest, wait;

    longest = window / 20;

    if (longest > PGUARD_HOLD_MAX) {
        longest = PGUARD_HOLD_MAX;
    }

    left = (total < limit) ? limit - total : 0;

    if (hold->when == 0 || now <= hold->when || left == 0 || longest < flush) {
        wait = flush;

    } else {
        grown = (total > hold->total) ? total - hold->total : 0;

        if (grown < n) {
            grown = n;
        }

        passed = (now - hold->when) / 1000;
        wait = (grown == 0) ? longest
                            : (pguard_msec_t) ((double) left * passed
                                               / (2.0 * grown));
        if (wait > longest) {
            wait = longest;
        }

        if (wait < flush) {
            wait = flush;
        }
    }

    hold->total = total;
    hold->when = now;
    hold->hold = wait;
    hold->enough = left / PGUARD_HOLD_SHARE + 1;
}


int
pguard_hold_valid(const pguard_hold_t *hold, pguard_msec_t window,
    uint64_t now)
{
    return hold->when && now - hold->when <= window * 1000;
}
