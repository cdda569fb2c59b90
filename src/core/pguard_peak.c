#include "pguard_peak.h"


static const pguard_msec_t  pguard_peak_periods[PGUARD_PEAK_SPANS] = {
    [PGUARD_PEAK_MINUTE] = 20 * 1000,
    [PGUARD_PEAK_HOUR]   = 20 * 60 * 1000
};


void
pguard_peak_raise(pguard_peak_t *peak, uint64_t count, uint64_t limit,
    pguard_msec_t now)
{
    unsigned  i;
    uint64_t  period, share;

    share = count >= limit * (PGUARD_PEAK_MAX / 1000)
            ? PGUARD_PEAK_MAX : count * 1000 / limit;

    for (i = 0; i < PGUARD_PEAK_SPANS; i++) {
        period = now / pguard_peak_periods[i] + 1;

        pguard_raise(&peak->word[i][period % PGUARD_PEAK_PERIODS],
                     period << 16 | share);
    }
}


unsigned
pguard_peak_read(const pguard_peak_t *peak, pguard_peak_span_e span,
    pguard_msec_t now)
{
    unsigned  i, most;
    uint64_t  period, word;

    period = now / pguard_peak_periods[span] + 1;
    most = 0;

    for (i = 0; i < PGUARD_PEAK_PERIODS; i++) {
        word = pguard_peek(&peak->word[span][i]);

        if (word && (word >> 16) + PGUARD_PEAK_PERIODS > period
            && (word & PGUARD_PEAK_MAX) > most)
        {
            most = (unsigned) (word & PGUARD_PEAK_MAX);
        }
    }

    return most;
}
