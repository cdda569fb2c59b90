#include <string.h>

#include "pguard_state.h"


#define PGUARD_STATE_MAGIC    "PGSTATE2"
#define PGUARD_STATE_NUMBERS  8
#define PGUARD_STATE_ALL      0xff           /* for a service: all of them */

#define PGUARD_STATE_RECORD                                                   \
    (6 + (int) sizeof(pguard_hash_t) + 2 * PGUARD_ID_LEN                      \
     + 8 * PGUARD_STATE_NUMBERS + PGUARD_EVENT_LEN)


static void
pguard_state_put(pguard_out_t *out, uint64_t n)
{
    unsigned  i;

    for (i = 0; i < 8; i++) {
        pguard_out_byte(out, (unsigned char) (n >> 8 * i));
    }
}


static uint64_t
pguard_state_get(const unsigned char *p)
{
    unsigned  i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < 8; i++) {
        n |= (uint64_t) p[i] << 8 * i;
    }

    return n;
}


size_t
pguard_state_size(uint64_t n, size_t secret_len)
{
    return 64 + secret_len
           + n * (PGUARD_STATE_RECORD + 2 * (PGUARD_NAME_MAX + 1));
}


void
pguard_state_begin(pguard_out_t *out, const pguard_state_time_t *t,
    pguard_str_t secret)
{
    size_t  i;

    pguard_out_text(out, PGUARD_STATE_MAGIC);
    pguard_state_put(out, t->wall);
    pguard_state_put(out, secret.len);

    /* memcpy() would leave it in vector registers, which go to the stack, and
       so to a core dump, with the next signal */

    for (i = 0; i < secret.len; i++) {
        pguard_out_byte(out, secret.data[i]);
    }
}


/* From the monotonic clock to the wall's, and back. */

static uint64_t
pguard_state_wall(const pguard_state_time_t *t, pguard_msec_t at)
{
    return t->wall + at - t->now;
}


static pguard_msec_t
pguard_state_monotonic(const pguard_state_time_t *t, uint64_t wall)
{
    /* 1 is the earliest there is: after a boot, what began before it */

    return t->now + wall > t->wall ? t->now + wall - t->wall : 1;
}


/* One that was lifted, and whose end is still to be told, has ended then, and
   is not remembered. */

void
pguard_state_block(pguard_out_t *out, const pguard_state_time_t *t,
    const pguard_block_t *b, pguard_str_t rule, pguard_str_t service)
{
    pguard_out_byte(out, b->kind);
    pguard_out_byte(out, b->reason);
    pguard_out_byte(out, b->until ? b->step : 0);
    pguard_out_byte(out, b->dry_run);
    pguard_out_byte(out, b->due);
    pguard_out_byte(out, b->how);

    pguard_state_put(out, b->key.lo);
    pguard_state_put(out, b->key.hi);
    pguard_out_bytes(out, b->id.bytes, PGUARD_ID_LEN);
    pguard_out_bytes(out, b->client.bytes, PGUARD_ID_LEN);

    pguard_state_put(out, pguard_state_wall(t, b->since));
    pguard_state_put(out, pguard_state_wall(t, b->until ? b->until
                                                        : b->ended));
    pguard_state_put(out, b->last);
    pguard_state_put(out, b->forget);
    pguard_state_put(out, b->count);
    pguard_state_put(out, b->limit);
    pguard_state_put(out, b->window);
    pguard_state_put(out, b->refused);
    pguard_out_bytes(out, b->event, PGUARD_EVENT_LEN);

    pguard_pack_text(out, rule);

    if (b->service == PGUARD_SERVICE_ALL) {
        pguard_out_byte(out, PGUARD_STATE_ALL);
        return;
    }

    pguard_pack_text(out, service);
}


void
pguard_state_end(pguard_out_t *out, const unsigned char *start)
{
    pguard_pack_sum(out, start);
}


const char *
pguard_state_open(pguard_state_reader_t *r, pguard_str_t file)
{
    size_t            left;
    uint64_t          secret;
    const char       *wrong;
    pguard_unpack_t  *in = &r->in;

    wrong = pguard_unpack_open(in, file, PGUARD_STATE_MAGIC,
                               "is not a state file of this version");

    if (wrong) {
        return wrong;
    }

    left = (size_t) (in->end - in->pos);

    if (left < 16) {
        return "is damaged";
    }

    secret = pguard_state_get(in->pos + 8);     /* behind the wall's time */

    if (secret > left - 16) {
        return "is damaged";
    }

    r->secret.data = in->pos + 16;
    r->secret.len = (size_t) secret;
    in->pos += 16 + secret;

    return NULL;
}


static void
pguard_state_record(const unsigned char *p, const pguard_state_time_t *t,
    pguard_block_t *b)
{
    memset(b, 0, sizeof(pguard_block_t));

    b->kind = p[0];
    b->reason = p[1];
    b->step = p[2];
    b->dry_run = p[3];
    b->due = p[4];
    b->how = p[5];
    p += 6;

    b->key.lo = pguard_state_get(p);
    b->key.hi = pguard_state_get(p + 8);
    p += 16;

    memcpy(b->id.bytes, p, PGUARD_ID_LEN);
    memcpy(b->client.bytes, p + PGUARD_ID_LEN, PGUARD_ID_LEN);
    p += 2 * PGUARD_ID_LEN;

    b->since = pguard_state_monotonic(t, pguard_state_get(p));
    b->until = pguard_state_monotonic(t, pguard_state_get(p + 8));
    b->last = pguard_state_get(p + 16);
    b->forget = pguard_state_get(p + 24);
    b->count = pguard_state_get(p + 32);
    b->limit = pguard_state_get(p + 40);
    b->window = pguard_state_get(p + 48);
    b->refused = pguard_state_get(p + 56);
    p += 8 * PGUARD_STATE_NUMBERS;

    if (pguard_block_is_event(p)) {
        memcpy(b->event, p, PGUARD_EVENT_LEN);
    }
}


int
pguard_state_next(pguard_state_reader_t *r, const pguard_state_time_t *t,
    pguard_block_t *b, pguard_str_t *rule, pguard_str_t *service)
{
    pguard_unpack_t  *in = &r->in;

    if (in->end - in->pos < PGUARD_STATE_RECORD) {
        return 0;
    }

    pguard_state_record(in->pos, t, b);
    in->pos += PGUARD_STATE_RECORD;
    *rule = pguard_unpack_text(in, PGUARD_NAME_MAX);

    if (b->kind >= PGUARD_BLOCK_KINDS || b->reason >= PGUARD_REASONS
        || b->step > PGUARD_BLOCK_MAX_STEP
        || b->due > PGUARD_BLOCK_END || b->how >= PGUARD_BLOCK_HOWS
        || in->bad)
    {
        return 0;
    }

    if (in->pos < in->end && *in->pos == PGUARD_STATE_ALL) {
        in->pos++;
        b->service = PGUARD_SERVICE_ALL;
        service->len = 0;
        service->data = NULL;
        return 1;
    }

    *service = pguard_unpack_text(in, PGUARD_NAME_MAX);

    return !in->bad;
}
