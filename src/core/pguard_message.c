#include <string.h>

#include "pguard_key.h"
#include "pguard_message.h"
#include "pguard_out.h"
#include "pguard_store_key.h"


#define PGUARD_MESSAGE_VERSION  "1"

#define PGUARD_MS_MAX           ((uint64_t) 1 << 40)     /* 34 years */
#define PGUARD_COUNT_MAX        ((uint64_t) 1 << 53)     /* a Lua number */


/* What remains to be read; failed is sticky. */

typedef struct {
    const unsigned char  *pos;
    const unsigned char  *end;
    int                   failed;
} pguard_in_t;

/* The numbers of a block, in their order, and what each may be at most. */

typedef struct {
    size_t    offset;
    size_t    size;
    uint64_t  max;
} pguard_message_number_t;

#define pguard_message_number(field, max)                                     \
    { offsetof(pguard_block_t, field),                                        \
      sizeof(((pguard_block_t *) 0)->field), max }


static uint64_t pguard_message_get(const pguard_block_t *b,
    const pguard_message_number_t *n);
static void pguard_message_set(pguard_block_t *b,
    const pguard_message_number_t *n, uint64_t value);
static pguard_str_t pguard_in_field(pguard_in_t *in);
static unsigned pguard_in_op(pguard_in_t *in);
static void pguard_in_hex(pguard_in_t *in, unsigned char *dst, size_t n);
static void pguard_in_name(pguard_in_t *in, pguard_message_name_t *name);
static uint64_t pguard_in_number(pguard_in_t *in, uint64_t max);
static void pguard_in_event(pguard_in_t *in, unsigned char *event);


static const char  pguard_message_ops[PGUARD_MESSAGES + 1] = "blf";

static const pguard_message_number_t  pguard_message_numbers[] = {
    pguard_message_number(until, PGUARD_MS_MAX),
    pguard_message_number(last, PGUARD_MS_MAX),
    pguard_message_number(forget, PGUARD_MS_MAX),
    pguard_message_number(count, PGUARD_COUNT_MAX),
    pguard_message_number(limit, PGUARD_COUNT_MAX),
    pguard_message_number(window, PGUARD_MS_MAX),
    pguard_message_number(step, PGUARD_BLOCK_MAX_STEP),
    pguard_message_number(reason, PGUARD_REASONS - 1),
    pguard_message_number(dry_run, 1)
};

#define PGUARD_MESSAGE_NUMBERS                                                \
    (sizeof(pguard_message_numbers) / sizeof(pguard_message_numbers[0]))


size_t
pguard_store_field(unsigned char *dst, const pguard_message_t *m)
{
    pguard_out_t  o;

    pguard_out_init(&o, dst, PGUARD_STORE_KEY_MAX);
    pguard_out_hex(&o, m->block.id.bytes, PGUARD_ID_LEN);
    pguard_out_text(&o, ":");
    pguard_store_out_name(&o, m->rule.data, m->rule.len);
    pguard_out_text(&o, ":");
    pguard_store_out_name(&o, m->service.data, m->service.len);

    return pguard_store_done(&o, PGUARD_STORE_KEY_MAX);
}


int
pguard_message_name(pguard_message_name_t *name, pguard_str_t s)
{
    name->len = 0;

    if (s.len > PGUARD_NAME_MAX) {
        return -1;
    }

    if (s.len) {
        memcpy(name->data, s.data, s.len);
    }

    name->len = s.len;

    return 0;
}


size_t
pguard_message_encode(unsigned char *dst, const pguard_message_t *m)
{
    int            i;
    size_t         n;
    pguard_out_t   o;
    unsigned char  origin[8];

    for (i = 0; i < 8; i++) {
        origin[i] = (unsigned char) (m->origin >> (56 - 8 * i));
    }

    pguard_out_init(&o, dst, PGUARD_MESSAGE_MAX);
    pguard_out_text(&o, PGUARD_MESSAGE_VERSION " ");
    pguard_out_bytes(&o, &pguard_message_ops[m->op], 1);
    pguard_out_text(&o, " ");
    pguard_out_hex(&o, origin, sizeof(origin));
    pguard_out_text(&o, " ");
    pguard_store_out_name(&o, m->zone.data, m->zone.len);
    pguard_out_text(&o, " ");
    pguard_store_out_name(&o, m->rule.data, m->rule.len);
    pguard_out_text(&o, " ");
    pguard_store_out_name(&o, m->service.data, m->service.len);
    pguard_out_text(&o, " ");
    pguard_out_hex(&o, m->block.id.bytes, PGUARD_ID_LEN);

    if (m->op != PGUARD_MESSAGE_BLOCK) {
        return pguard_store_done(&o, PGUARD_MESSAGE_MAX);
    }

    for (n = 0; n < PGUARD_MESSAGE_NUMBERS; n++) {
        pguard_out_text(&o, " ");
        pguard_out_uint(&o, pguard_message_get(&m->block,
                                                 &pguard_message_numbers[n]));
    }

    pguard_out_text(&o, " ");

    if (pguard_block_is_event(m->block.event)) {
        pguard_out_bytes(&o, m->block.event, PGUARD_EVENT_LEN);

    } else {
        pguard_out_text(&o, "-");
    }

    return pguard_store_done(&o, PGUARD_MESSAGE_MAX);
}


int
pguard_message_decode(pguard_message_t *m, pguard_str_t s)
{
    int            i;
    size_t         n;
    pguard_in_t    in = { s.data, s.data + s.len, 0 };
    pguard_str_t   version;
    unsigned char  origin[8];

    memset(m, 0, sizeof(pguard_message_t));

    if (s.len == 0 || s.len > PGUARD_MESSAGE_MAX) {
        return -1;
    }

    version = pguard_in_field(&in);

    if (version.len != sizeof(PGUARD_MESSAGE_VERSION) - 1
        || memcmp(version.data, PGUARD_MESSAGE_VERSION, version.len) != 0)
    {
        return -1;
    }

    m->op = pguard_in_op(&in);

    memset(origin, 0, sizeof(origin));
    pguard_in_hex(&in, origin, sizeof(origin));

    for (i = 0; i < 8; i++) {
        m->origin = m->origin << 8 | origin[i];
    }

    pguard_in_name(&in, &m->zone);
    pguard_in_name(&in, &m->rule);
    pguard_in_name(&in, &m->service);
    pguard_in_hex(&in, m->block.id.bytes, PGUARD_ID_LEN);

    if (m->op == PGUARD_MESSAGE_BLOCK) {

        for (n = 0; n < PGUARD_MESSAGE_NUMBERS; n++) {
            pguard_message_set(&m->block, &pguard_message_numbers[n],
                       pguard_in_number(&in, pguard_message_numbers[n].max));
        }

        pguard_in_event(&in, m->block.event);
    }

    return (in.failed || in.pos != NULL || m->zone.len == 0) ? -1 : 0;
}


static uint64_t
pguard_message_get(const pguard_block_t *b, const pguard_message_number_t *n)
{
    uint8_t   small;
    uint64_t  value;

    if (n->size == sizeof(small)) {
        memcpy(&small, (const char *) b + n->offset, sizeof(small));
        value = small;

    } else {
        memcpy(&value, (const char *) b + n->offset, sizeof(value));
    }

    return value < n->max ? value : n->max;
}


static void
pguard_message_set(pguard_block_t *b, const pguard_message_number_t *n,
    uint64_t value)
{
    uint8_t  small;

    if (n->size == sizeof(small)) {
        small = (uint8_t) value;
        memcpy((char *) b + n->offset, &small, sizeof(small));
        return;
    }

    memcpy((char *) b + n->offset, &value, sizeof(value));
}


/* The next field, up to a space or the end; then pos is NULL. */

static pguard_str_t
pguard_in_field(pguard_in_t *in)
{
    pguard_str_t          f = { 0, NULL };
    const unsigned char  *space;

    if (in->pos == NULL) {
        in->failed = 1;
        return f;
    }

    space = (in->pos < in->end) ? memchr(in->pos, ' ', in->end - in->pos)
                                : NULL;

    f.data = in->pos;
    f.len = (space ? space : in->end) - in->pos;

    in->pos = space ? space + 1 : NULL;

    if (f.len == 0) {
        in->failed = 1;
    }

    return f;
}


static unsigned
pguard_in_op(pguard_in_t *in)
{
    unsigned      i;
    pguard_str_t  f;

    f = pguard_in_field(in);

    for (i = 0; f.len == 1 && i < PGUARD_MESSAGES; i++) {
        if (f.data[0] == (unsigned char) pguard_message_ops[i]) {
            return i;
        }
    }

    in->failed = 1;

    return PGUARD_MESSAGE_LIFT;
}


static void
pguard_in_hex(pguard_in_t *in, unsigned char *dst, size_t n)
{
    pguard_str_t  f;

    f = pguard_in_field(in);

    if (f.len != 2 * n || pguard_unhex(dst, f.data, n) != 0) {
        in->failed = 1;
    }
}


static void
pguard_in_name(pguard_in_t *in, pguard_message_name_t *name)
{
    size_t         i;
    pguard_str_t   f;
    unsigned char  ch;

    f = pguard_in_field(in);

    if (f.len == 1 && f.data[0] == '-') {
        return;
    }

    for (i = 0; i < f.len && name->len < PGUARD_NAME_MAX; i++) {
        ch = f.data[i];

        if (ch == '%') {
            if (f.len - i <= 2 || pguard_unhex(&ch, &f.data[i + 1], 1) != 0) {
                in->failed = 1;
                return;
            }

            i += 2;
        }

        name->data[name->len++] = ch;
    }

    if (i < f.len) {
        in->failed = 1;
    }
}


static uint64_t
pguard_in_number(pguard_in_t *in, uint64_t max)
{
    size_t        i;
    uint64_t      n;
    pguard_str_t  f;

    f = pguard_in_field(in);
    n = 0;

    for (i = 0; i < f.len; i++) {

        if (f.data[i] < '0' || f.data[i] > '9' || i == 18) {
            in->failed = 1;
            return 0;
        }

        n = n * 10 + (f.data[i] - '0');
    }

    if (n > max) {
        in->failed = 1;
        return 0;
    }

    return n;
}


static void
pguard_in_event(pguard_in_t *in, unsigned char *event)
{
    pguard_str_t  f;

    f = pguard_in_field(in);

    if (f.len == 1 && f.data[0] == '-') {
        return;
    }

    if (f.len != PGUARD_EVENT_LEN || !pguard_block_is_event(f.data)) {
        in->failed = 1;
        return;
    }

    memcpy(event, f.data, PGUARD_EVENT_LEN);
}
