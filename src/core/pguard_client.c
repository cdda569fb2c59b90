/*
 * Whose counts are whose: see pguard_client.h.
 *
 * Processes that note different pairs in one place at once may leave a mix of
 * both, whose sum is wrong but by a chance of 2^-64: a free place.
 */

#include "pguard_client.h"

#include <string.h>


static uint64_t
pguard_client_sum(const uint64_t hash[2], const uint64_t id[2])
{
    unsigned  i;
    uint64_t  sum;

    sum = 0x9e3779b97f4a7c15;

    for (i = 0; i < 2; i++) {
        sum = (sum ^ hash[i]) * 0xff51afd7ed558ccd;
        sum = (sum ^ sum >> 32 ^ id[i]) * 0xc4ceb9fe1a85ec53;
        sum ^= sum >> 29;
    }

    return sum ? sum : 1;
}


/* Copies the pair at c.  1, or 0 if there is none. */

static int
pguard_client_read(const pguard_client_t *c, pguard_client_t *to)
{
    unsigned  i;

    to->sum = pguard_load(&c->sum);

    if (to->sum == 0) {
        return 0;
    }

    for (i = 0; i < 2; i++) {
        to->hash[i] = pguard_peek(&c->hash[i]);
        to->id[i] = pguard_peek(&c->id[i]);
    }

    return pguard_client_sum(to->hash, to->id) == to->sum;
}


static void
pguard_client_write(pguard_client_t *c, const pguard_client_t *from)
{
    unsigned  i;

    pguard_store(&c->sum, 0);

    for (i = 0; i < 2; i++) {
        pguard_store(&c->hash[i], from->hash[i]);
        pguard_store(&c->id[i], from->id[i]);
    }

    pguard_poke(&c->noted, from->noted);
    pguard_store(&c->sum, from->sum);
}


void
pguard_client_note(const pguard_clients_t *t, pguard_hash_t hash,
    const pguard_id_t *id, pguard_msec_t now)
{
    unsigned          i;
    uint64_t          noted, oldest;
    pguard_client_t  *c, *place, pair, is;

    pair.hash[0] = hash.lo;
    pair.hash[1] = hash.hi;
    memcpy(pair.id, id->bytes, PGUARD_ID_LEN);
    pair.sum = pguard_client_sum(pair.hash, pair.id);
    pair.noted = now;

    c = &t->client[(hash.hi >> 32) % (t->capacity / PGUARD_CLIENT_WAYS)
                   * PGUARD_CLIENT_WAYS];
    place = c;
    oldest = UINT64_MAX;

    for (i = 0; i < PGUARD_CLIENT_WAYS; i++, c++) {

        if (!pguard_client_read(c, &is)) {
            noted = 0;

        } else if (is.hash[0] == pair.hash[0] && is.hash[1] == pair.hash[1]) {
            place = c;
            break;

        } else {
            noted = pguard_peek(&c->noted);
        }

        if (noted < oldest) {
            oldest = noted;
            place = c;
        }
    }

    pguard_client_write(place, &pair);
}


int
pguard_client_next(const pguard_clients_t *t, const pguard_id_t *id,
    uint64_t *pos, pguard_hash_t *hash)
{
    pguard_client_t  is;

    while (*pos < t->capacity) {

        if (pguard_client_read(&t->client[(*pos)++], &is)
            && memcmp(is.id, id->bytes, PGUARD_ID_LEN) == 0)
        {
            hash->lo = is.hash[0];
            hash->hi = is.hash[1];
            return 1;
        }
    }

    return 0;
}


void
pguard_client_forget(const pguard_clients_t *t, const pguard_id_t *id)
{
    uint64_t          n;
    pguard_client_t   is, none;

    memset(&none, 0, sizeof(pguard_client_t));

    for (n = 0; n < t->capacity; n++) {

        if (pguard_client_read(&t->client[n], &is)
            && memcmp(is.id, id->bytes, PGUARD_ID_LEN) == 0)
        {
            pguard_client_write(&t->client[n], &none);
        }
    }
}


void
pguard_lift_note(pguard_lifts_t *l, uint64_t who, uint64_t at)
{
    pguard_lift_t  *lift;

    lift = &l->lift[pguard_add(&l->count, 1) % PGUARD_LIFTS];

    pguard_store(&lift->at, 0);
    pguard_store(&lift->who, who);
    pguard_store(&lift->at, at);
}


uint64_t
pguard_lift_time(const pguard_lifts_t *l, uint64_t who)
{
    unsigned  i, n;
    uint64_t  at, last;

    n = pguard_load(&l->count) < PGUARD_LIFTS ? (unsigned) l->count
                                              : PGUARD_LIFTS;
    last = 0;

    for (i = 0; i < n; i++) {
        at = pguard_load(&l->lift[i].at);

        if (at > last && pguard_load(&l->lift[i].who) == who
            && pguard_load(&l->lift[i].at) == at)
        {
            last = at;
        }
    }

    return last;
}
