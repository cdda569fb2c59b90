#include <string.h>

#include "pguard_zone.h"


#define PGUARD_ZONE_MAGIC    0x64726175676161ULL        /* "aaguard" */
#define PGUARD_ZONE_VERSION  8

#define PGUARD_SECRET_LEN    64

/* Bytes, less what nginx keeps of them: 1m is not small. */
#define PGUARD_ZONE_SMALL    (960 * 1024)

#define pguard_align(n, a)   (((n) + ((a) - 1)) & ~((size_t) (a) - 1))


typedef struct {
    uint64_t       len;                     /* 0: free */
    unsigned char  data[PGUARD_NAME_MAX + 1];
} pguard_zone_name_t;


struct pguard_zone_header_s {
    uint64_t            magic;
    uint64_t            version;
    uint64_t            size;
    unsigned char       secret[PGUARD_SECRET_LEN];

    uint64_t            stripes;
    uint64_t            services;
    uint64_t            lines;              /* of the throttle */
    uint64_t            buckets;            /* of the windows */
    uint64_t            blocks;
    uint64_t            bursts;
    uint64_t            top;                /* places */
    uint64_t            clients;

    uint64_t            names[PGUARD_NAME_KINDS];
    pguard_zone_name_t  service[PGUARD_SERVICES_MAX];
    pguard_zone_name_t  rule[PGUARD_RULES_MAX];

    uint64_t            until_max[PGUARD_BLOCK_KINDS + 1];
    uint64_t            until_away;
    uint64_t            changes;
    uint64_t            kept;
    uint64_t            burst_others;
    uint64_t            top_total[PGUARD_TOP_PERIODS];
    pguard_lifts_t      lifts;
};


const pguard_str_t  pguard_entry_names[PGUARD_ENTRIES] = {
    pguard_string("signature"),
    pguard_string("window"),
    pguard_string("block")
};


/* Where the parts lie: computed in one way when a zone is laid out and when it
   is opened. */

typedef struct {
    size_t  counters;
    size_t  bursts;
    size_t  history;
    size_t  peaks;
    size_t  top_head;
    size_t  top_entry;
    size_t  clients;
    size_t  tags;
    size_t  blocks;
    size_t  windows;
    size_t  throttle;
    size_t  end;
} pguard_zone_places_t;


static size_t
pguard_zone_stripe(uint64_t services)
{
    return pguard_align(sizeof(pguard_counters_t)
                        + services * sizeof(pguard_service_counters_t), 64);
}


static void
pguard_zone_places(const pguard_zone_header_t *h, pguard_zone_places_t *p)
{
    p->counters = pguard_align(sizeof(pguard_zone_header_t), 64);
    p->bursts = p->counters + h->stripes * pguard_zone_stripe(h->services);
    p->history = pguard_align(p->bursts + h->bursts * sizeof(pguard_burst_t),
                              64);
    p->peaks = pguard_align(p->history
                            + PGUARD_MOMENTS * sizeof(pguard_moment_t), 64);
    p->top_head = p->peaks + PGUARD_RULES_MAX * sizeof(pguard_peak_t);
    p->top_entry = p->top_head
                   + PGUARD_TOP_PERIODS * h->top * sizeof(pguard_pair_t);
    p->clients = pguard_align(p->top_entry
                              + PGUARD_TOP_PERIODS * h->top
                                * sizeof(pguard_top_entry_t), 64);
    p->tags = pguard_align(p->clients + h->clients * sizeof(pguard_client_t),
                           64);
    p->blocks = p->tags + h->blocks * sizeof(uint64_t);
    p->windows = p->blocks + h->blocks * sizeof(pguard_block_t);
    p->throttle = p->windows + h->buckets * sizeof(pguard_window_bucket_t);
    p->end = p->throttle + h->lines * sizeof(pguard_throttle_line_t);
}


/* Small zones are for tests and small sites: their fixed part is small too.
   Sizes are less what nginx keeps of them. */

static void
pguard_zone_fixed(pguard_zone_header_t *h, size_t size)
{
    if (size < PGUARD_ZONE_SMALL) {
        h->stripes = 1;
        h->services = 32;
        h->bursts = 64;
        h->top = PGUARD_TOP_MAX / 4;

    } else {
        h->stripes = size < 7680 * 1024 ? 4 : PGUARD_STRIPES_MAX;
        h->services = PGUARD_SERVICES_MAX;
        h->bursts = 512;
        h->top = PGUARD_TOP_MAX;
    }
}


/*
 * What is left is for the tables, in 64ths, by what the zone is used for.  A
 * signature is of use for an interval, a second or so, a window for minutes or
 * hours: so where there are both, windows have most.  With 12 to 48, 128 bytes
 * of a zone are enough for each entry of either kind (docs/performance.md).  A
 * table that is not used has the least share that still works, for a reload
 * that begins to use it.  A quarter of the blocks' share is for the ids of
 * clients.  A small zone, too, is to have some dozens of blocks.
 */

typedef struct {
    unsigned  signatures;
    unsigned  windows;
    unsigned  blocks;
} pguard_zone_shares_t;

#define PGUARD_ZONE_SHARES  64

static const pguard_zone_shares_t  pguard_zone_small[PGUARD_USES] = {
    [PGUARD_USE_SIGNATURES] = { 48, 8, 8 },
    [PGUARD_USE_WINDOWS] = { 8, 48, 8 },
    [PGUARD_USE_BOTH] = { 16, 40, 8 }
};

static const pguard_zone_shares_t  pguard_zone_large[PGUARD_USES] = {
    [PGUARD_USE_SIGNATURES] = { 61, 1, 2 },
    [PGUARD_USE_WINDOWS] = { 1, 59, 4 },
    [PGUARD_USE_BOTH] = { 12, 48, 4 }
};


static int
pguard_zone_share(pguard_zone_header_t *h, size_t size, unsigned use)
{
    size_t                       unit;
    pguard_zone_places_t         p;
    const pguard_zone_shares_t  *s;

    pguard_zone_places(h, &p);

    if (size < p.end + 64 * 1024) {
        return -1;
    }

    unit = (size - p.end) / PGUARD_ZONE_SHARES;
    s = size < PGUARD_ZONE_SMALL ? &pguard_zone_small[use]
                                 : &pguard_zone_large[use];

    h->clients = s->blocks * unit / 4 / sizeof(pguard_client_t)
                 / PGUARD_CLIENT_WAYS * PGUARD_CLIENT_WAYS;
    h->blocks = 3 * s->blocks * unit / 4
                / (sizeof(uint64_t) + sizeof(pguard_block_t))
                / PGUARD_BLOCK_WAYS * PGUARD_BLOCK_WAYS;
    h->buckets = s->windows * unit / sizeof(pguard_window_bucket_t);
    h->lines = s->signatures * unit / sizeof(pguard_throttle_line_t);

    return 0;
}


int
pguard_zone_create(void *memory, size_t size, unsigned use)
{
    pguard_zone_header_t  *h = memory;

    if (size < sizeof(pguard_zone_header_t)) {
        return -1;
    }

    pguard_zone_fixed(h, size);

    if (pguard_zone_share(h, size, use) != 0) {
        return -1;
    }

    h->size = size;
    h->version = PGUARD_ZONE_VERSION;

    /* services beyond the names' capacity are counted under this one */

    h->service[0].len = sizeof("other") - 1;
    memcpy(h->service[0].data, "other", sizeof("other") - 1);
    h->names[PGUARD_NAME_SERVICE] = 1;

    pguard_store(&h->magic, PGUARD_ZONE_MAGIC);

    return 0;
}


int
pguard_zone_open(pguard_zone_t *zone, void *memory, size_t size)
{
    unsigned char         *base = memory;
    pguard_zone_header_t  *h = memory;
    pguard_zone_places_t   p;

    if (size < sizeof(pguard_zone_header_t)
        || pguard_load(&h->magic) != PGUARD_ZONE_MAGIC
        || h->version != PGUARD_ZONE_VERSION
        || h->size != size)
    {
        return -1;
    }

    pguard_zone_places(h, &p);

    zone->header = h;
    zone->size = size;
    zone->counters = base + p.counters;
    zone->stripe = pguard_zone_stripe(h->services);
    zone->stripes = (unsigned) h->stripes;
    zone->services = (unsigned) h->services;

    zone->throttle = pguard_throttle_table(
                         (pguard_throttle_line_t *) (base + p.throttle),
                         h->lines);

    zone->windows.bucket = (pguard_window_bucket_t *) (base + p.windows);
    zone->windows.buckets = h->buckets;

    zone->blocks.tag = (uint64_t *) (base + p.tags);
    zone->blocks.block = (pguard_block_t *) (base + p.blocks);
    zone->blocks.capacity = h->blocks;
    zone->blocks.until_max = h->until_max;
    zone->blocks.until_away = &h->until_away;

    zone->bursts.burst = (pguard_burst_t *) (base + p.bursts);
    zone->bursts.capacity = h->bursts;
    zone->bursts.others = &h->burst_others;

    zone->clients.client = (pguard_client_t *) (base + p.clients);
    zone->clients.capacity = h->clients;
    zone->lifts = &h->lifts;

    zone->history = (pguard_moment_t *) (base + p.history);
    zone->peaks = (pguard_peak_t *) (base + p.peaks);

    zone->top.head = (pguard_pair_t *) (base + p.top_head);
    zone->top.entry = (pguard_top_entry_t *) (base + p.top_entry);
    zone->top.places = h->top;
    zone->top.total = h->top_total;

    return 0;
}


unsigned char *
pguard_zone_secret(const pguard_zone_t *zone, size_t *len)
{
    *len = PGUARD_SECRET_LEN;

    return zone->header->secret;
}


static pguard_zone_name_t *
pguard_zone_name_list(const pguard_zone_t *zone, pguard_name_e kind,
    unsigned *capacity)
{
    if (kind == PGUARD_NAME_SERVICE) {
        *capacity = zone->services;
        return zone->header->service;
    }

    *capacity = PGUARD_RULES_MAX;

    return zone->header->rule;
}


unsigned
pguard_zone_names(const pguard_zone_t *zone, pguard_name_e kind)
{
    return (unsigned) pguard_load(&zone->header->names[kind]);
}


int
pguard_zone_name_find(const pguard_zone_t *zone, pguard_name_e kind,
    pguard_str_t name)
{
    unsigned             i, n, capacity;
    pguard_zone_name_t  *list;

    list = pguard_zone_name_list(zone, kind, &capacity);
    n = pguard_zone_names(zone, kind);

    for (i = 0; i < n; i++) {
        if (list[i].len == name.len
            && memcmp(list[i].data, name.data, name.len) == 0)
        {
            return (int) i;
        }
    }

    return -1;
}


int
pguard_zone_name_add(const pguard_zone_t *zone, pguard_name_e kind,
    pguard_str_t name)
{
    int                  i;
    unsigned             n, capacity;
    pguard_zone_name_t  *list;

    i = pguard_zone_name_find(zone, kind, name);

    if (i >= 0) {
        return i;
    }

    list = pguard_zone_name_list(zone, kind, &capacity);
    n = pguard_zone_names(zone, kind);

    if (n == capacity || name.len > PGUARD_NAME_MAX) {
        return kind == PGUARD_NAME_SERVICE ? 0 : -1;
    }

    memcpy(list[n].data, name.data, name.len);
    list[n].len = name.len;

    pguard_store(&zone->header->names[kind], n + 1);

    return (int) n;
}


pguard_str_t
pguard_zone_name(const pguard_zone_t *zone, pguard_name_e kind, unsigned index)
{
    unsigned             capacity;
    pguard_str_t         name = { 0, NULL };
    pguard_zone_name_t  *list;

    list = pguard_zone_name_list(zone, kind, &capacity);

    if (index < pguard_zone_names(zone, kind)) {
        name.data = list[index].data;
        name.len = list[index].len;
    }

    return name;
}


uint64_t
pguard_zone_capacity(const pguard_zone_t *zone, pguard_entry_e kind)
{
    switch (kind) {

    case PGUARD_ENTRY_SIGNATURE:
        return zone->throttle.lines * PGUARD_THROTTLE_WAYS;

    case PGUARD_ENTRY_WINDOW:
        return zone->windows.buckets * PGUARD_WINDOW_WAYS;

    default: /* PGUARD_ENTRY_BLOCK */
        return zone->blocks.capacity;
    }
}


void
pguard_zone_changed(const pguard_zone_t *zone)
{
    (void) pguard_add(&zone->header->changes, 1);
}


uint64_t
pguard_zone_changes(const pguard_zone_t *zone)
{
    return pguard_peek(&zone->header->changes);
}


void
pguard_zone_kept(const pguard_zone_t *zone, uint64_t changes)
{
    pguard_raise(&zone->header->kept, changes);
}


uint64_t
pguard_zone_is_kept(const pguard_zone_t *zone)
{
    return pguard_load(&zone->header->kept);
}


pguard_counters_t *
pguard_zone_counters(const pguard_zone_t *zone, unsigned worker)
{
    return (pguard_counters_t *)
           (zone->counters + worker % zone->stripes * zone->stripe);
}


uint64_t
pguard_zone_sum(const pguard_zone_t *zone, const uint64_t *counter)
{
    unsigned              i;
    uint64_t              sum;
    const unsigned char  *p = (const unsigned char *) counter;

    sum = 0;

    for (i = 0; i < zone->stripes; i++) {
        sum += pguard_peek((const uint64_t *) (const void *) p);
        p += zone->stripe;
    }

    return sum;
}


void
pguard_zone_requests(const pguard_zone_t *zone,
    uint64_t total[PGUARD_VERDICTS])
{
    unsigned            i, n, v;
    pguard_counters_t  *c;

    c = pguard_zone_counters(zone, 0);
    n = pguard_zone_names(zone, PGUARD_NAME_SERVICE);
    memset(total, 0, PGUARD_VERDICTS * sizeof(uint64_t));

    for (i = 0; i < n; i++) {
        for (v = 0; v < PGUARD_VERDICTS; v++) {
            total[v] += pguard_zone_sum(zone, &c->service[i].requests[v]);
        }
    }
}
