#include "pguard_slots.h"
#include "pguard_str.h"


/* What a range begins with. */

#define PGUARD_SLOTS_SEEN_FIRST  1
#define PGUARD_SLOTS_SEEN_LAST   2
#define PGUARD_SLOTS_SEEN_HOST   4
#define PGUARD_SLOTS_SEEN_PORT   8


static unsigned pguard_slots_crc16(pguard_str_t s);
static void pguard_slots_own(pguard_slots_reader_t *reader);
static pguard_str_t pguard_slots_word(pguard_str_t *s);


/* CRC-16/XMODEM (polynomial 0x1021), four bits at a time. */

static const unsigned short  pguard_slots_crc16_table[16] = {
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
};


void
pguard_slots_init(pguard_slots_t *slots)
{
    slots->nnodes = 0;
    memset(slots->owner, PGUARD_SLOTS_NOBODY, sizeof(slots->owner));
}


unsigned
pguard_slots_key(pguard_str_t key)
{
    pguard_str_t          tag;
    const unsigned char  *open, *close, *end;

    end = key.data + key.len;
    open = key.len ? memchr(key.data, '{', key.len) : NULL;

    if (open) {
        close = memchr(open, '}', end - open);

        if (close && close > open + 1) {
            tag.data = open + 1;
            tag.len = close - tag.data;

            return pguard_slots_crc16(tag) % PGUARD_SLOTS;
        }
    }

    return pguard_slots_crc16(key) % PGUARD_SLOTS;
}


static unsigned
pguard_slots_crc16(pguard_str_t s)
{
    size_t    i;
    unsigned  crc;

    crc = 0;

    for (i = 0; i < s.len; i++) {
        crc = crc << 4
              ^ pguard_slots_crc16_table[(crc >> 12 ^ s.data[i] >> 4) & 15];
        crc = crc << 4
              ^ pguard_slots_crc16_table[(crc >> 12 ^ s.data[i]) & 15];
        crc &= 0xffff;
    }

    return crc;
}


unsigned
pguard_slots_find(const pguard_slots_t *slots, const pguard_slots_node_t *node)
{
    unsigned                    i;
    const pguard_slots_node_t  *other;

    for (i = 0; i < slots->nnodes; i++) {
        other = &slots->node[i];

        if (other->port == node->port
            && other->len == node->len
            && memcmp(other->host, node->host, node->len) == 0)
        {
            return i;
        }
    }

    return PGUARD_SLOTS_NOBODY;
}


unsigned
pguard_slots_node(pguard_slots_t *slots, pguard_str_t host, unsigned port)
{
    unsigned             i;
    pguard_slots_node_t  node;

    if (host.len == 0 || pguard_slots_node_set(&node, host, port) != 0) {
        return PGUARD_SLOTS_NOBODY;
    }

    i = pguard_slots_find(slots, &node);

    if (i != PGUARD_SLOTS_NOBODY || slots->nnodes == PGUARD_SLOTS_NODES) {
        return i;
    }

    slots->node[slots->nnodes] = node;

    return slots->nnodes++;
}


int
pguard_slots_node_set(pguard_slots_node_t *node, pguard_str_t host,
    int64_t port)
{
    if (host.len > PGUARD_SLOTS_HOST_MAX || !pguard_str_word(host, ".-_:")
        || port < 1 || port > 65535)
    {
        return -1;
    }

    node->port = port;
    node->len = host.len;

    if (host.len) {
        memcpy(node->host, host.data, host.len);
    }

    node->host[host.len] = '\0';

    return 0;
}


void
pguard_slots_read(pguard_slots_reader_t *reader, pguard_slots_t *slots,
    pguard_str_t host, unsigned port)
{
    pguard_slots_init(slots);

    reader->slots = slots;
    reader->seen = 0;

    if (pguard_slots_node_set(&reader->asked, host, port) != 0) {
        reader->asked.len = 0;
    }
}


int
pguard_slots_read_array(pguard_slots_reader_t *reader,
    pguard_slots_place_t at)
{
    if (at.depth == 1) {
        reader->seen = 0;
    }

    /* nodes have arrays of metadata, which may hold arrays one day */

    return (at.depth == 2 && at.i < 2) ? -1 : 0;
}


int
pguard_slots_read_number(pguard_slots_reader_t *reader,
    pguard_slots_place_t at, int64_t n)
{
    if (at.depth < 2) {
        return -1;
    }

    if (at.depth == 2) {

        if (at.i > 1 || n < 0 || n >= PGUARD_SLOTS) {
            return -1;
        }

        if (at.i == 0) {
            reader->first = n;
            reader->seen = PGUARD_SLOTS_SEEN_FIRST;

        } else {
            reader->last = n;
            reader->seen |= PGUARD_SLOTS_SEEN_LAST;
        }

        return 0;
    }

    if (at.depth == 3 && at.j == 2 && at.i == 1) {

        if (n < 1 || n > 65535) {
            return -1;
        }

        reader->node.port = n;
        reader->seen |= PGUARD_SLOTS_SEEN_PORT;

        pguard_slots_own(reader);
    }

    return 0;
}


int
pguard_slots_read_string(pguard_slots_reader_t *reader,
    pguard_slots_place_t at, pguard_str_t s)
{
    if (at.depth < 3) {
        return -1;
    }

    if (at.depth > 3 || at.j != 2 || at.i != 0) {
        return 0;
    }

    if (s.data == NULL || s.len == 0) {
        reader->node = reader->asked;
        reader->seen |= PGUARD_SLOTS_SEEN_HOST;

        return 0;
    }

    /* "?" stands for a name that is not known: these slots are nobody's */

    if (pguard_slots_node_set(&reader->node, s, 1) == 0) {
        reader->seen |= PGUARD_SLOTS_SEEN_HOST;
    }

    return 0;
}


static void
pguard_slots_own(pguard_slots_reader_t *reader)
{
    unsigned       i;
    pguard_str_t   host;

    if (reader->seen != (PGUARD_SLOTS_SEEN_FIRST|PGUARD_SLOTS_SEEN_LAST
                         |PGUARD_SLOTS_SEEN_HOST|PGUARD_SLOTS_SEEN_PORT)
        || reader->first > reader->last)
    {
        return;
    }

    host.data = reader->node.host;
    host.len = reader->node.len;

    i = pguard_slots_node(reader->slots, host, reader->node.port);

    memset(&reader->slots->owner[reader->first], (int) i,
           reader->last - reader->first + 1);
}


int
pguard_slots_redirect(pguard_slots_redirect_t *redirect, pguard_str_t s)
{
    int           slot, port;
    size_t        i;
    pguard_str_t  word, host;

    word = pguard_slots_word(&s);

    if (word.len == 5 && memcmp(word.data, "MOVED", 5) == 0) {
        redirect->ask = 0;

    } else if (word.len == 3 && memcmp(word.data, "ASK", 3) == 0) {
        redirect->ask = 1;

    } else {
        return -1;
    }

    slot = pguard_str_number(pguard_slots_word(&s));

    if (slot < 0 || slot >= PGUARD_SLOTS) {
        return -1;
    }

    redirect->slot = slot;

    /* an IPv6 address has colons, too */

    host = pguard_slots_word(&s);

    for (i = host.len; i > 0; i--) {
        if (host.data[i - 1] == ':') {
            break;
        }
    }

    if (i == 0) {
        return -1;
    }

    word.data = host.data + i;
    word.len = host.len - i;
    host.len = i - 1;

    port = pguard_str_number(word);

    return pguard_slots_node_set(&redirect->node, host, port);
}


int
pguard_slots_switch(pguard_slots_node_t *node, pguard_str_t master,
    pguard_str_t s)
{
    pguard_str_t  word, host;

    word = pguard_slots_word(&s);

    if (word.len != master.len
        || word.len == 0
        || memcmp(word.data, master.data, word.len) != 0)
    {
        return -1;
    }

    (void) pguard_slots_word(&s);
    (void) pguard_slots_word(&s);

    host = pguard_slots_word(&s);

    if (host.len == 0) {
        return -1;
    }

    return pguard_slots_node_set(node, host,
                                 pguard_str_number(pguard_slots_word(&s)));
}


/* Takes the next word off s, and the space after it. */

static pguard_str_t
pguard_slots_word(pguard_str_t *s)
{
    pguard_str_t          word;
    const unsigned char  *space;

    word = *s;
    space = s->len ? memchr(s->data, ' ', s->len) : NULL;

    if (space == NULL) {
        s->len = 0;
        return word;
    }

    word.len = space - s->data;

    s->data = space + 1;
    s->len -= word.len + 1;

    return word;
}
