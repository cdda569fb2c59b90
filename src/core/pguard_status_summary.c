/*
 * The status page at a glance: five figures, each with a word on whether to
 * look at it.
 */

#include "pguard_status_private.h"


#define PGUARD_STATUS_FULL  800          /* permille of a table: look at it */


/* Opens a tile up to its figure. */

static void
pguard_tile(pguard_page_t *p, unsigned text, unsigned look)
{
    pguard_page_raw(p, look ? "<div class=\"tile look\"><dt>"
                            : "<div class=\"tile\"><dt>");
    pguard_page_text(p, text);
    pguard_page_raw(p, look ? " <span class=\"mark\">"
                            : " <span class=\"mark\"><span "
                              "aria-hidden=\"true\">\u2713\u00a0</span>");
    pguard_page_text(p, look ? PGUARD_STATUS_LOOK : PGUARD_STATUS_OK);
    pguard_page_raw(p, "</span></dt>\n<dd><span class=\"big\">");
}


static void
pguard_tile_end(pguard_page_t *p)
{
    pguard_page_raw(p, "</dd></div>\n");
}


static void
pguard_tile_refused(pguard_page_t *p, const pguard_status_t *s)
{
    uint64_t  all, refused;

    all = pguard_status_all(s->series[PGUARD_SPAN_MINUTE].sum);
    refused = pguard_status_refused(s->series[PGUARD_SPAN_MINUTE].sum);

    pguard_tile(p, PGUARD_STATUS_REFUSED, refused > all / 10);
    pguard_page_number(p, refused);
    pguard_page_raw(p, "</span> ");

    if (all == 0) {
        pguard_page_text(p, PGUARD_STATUS_NO_REQUESTS);

    } else {
        pguard_page_percent(p, pguard_status_permille(refused, all), 1);
        pguard_page_raw(p, " ");
        pguard_page_text(p, PGUARD_STATUS_OF_REQUESTS);
    }

    pguard_tile_end(p);
}


static void
pguard_tile_blocks(pguard_page_t *p, const pguard_status_t *s)
{
    pguard_tile(p, PGUARD_STATUS_BLOCKS, s->active > 0);
    pguard_page_number(p, s->active);
    pguard_page_raw(p, "</span> ");

    if (s->blocks.n == 0) {
        pguard_page_text(p, PGUARD_STATUS_NOBODY);

    } else {
        pguard_page_text(p, PGUARD_STATUS_NEWEST);
        pguard_page_raw(p, " ");
        pguard_status_ago(p, s->blocks.of[0].block.since, s->now);
    }

    pguard_tile_end(p);
}


static void
pguard_tile_store(pguard_page_t *p, const pguard_status_t *s)
{
    const pguard_status_store_t  *store = &s->store;

    static const unsigned  states[PGUARD_STATUS_STORES] = {
        [PGUARD_STATUS_STORE_NONE] = PGUARD_STATUS_STORE_NONE_TEXT,
        [PGUARD_STATUS_STORE_UP]   = PGUARD_STATUS_STORE_UP_TEXT,
        [PGUARD_STATUS_STORE_AWAY] = PGUARD_STATUS_STORE_AWAY_TEXT
    };

    pguard_tile(p, PGUARD_STATUS_STORE,
                store->state == PGUARD_STATUS_STORE_AWAY);
    pguard_page_text(p, states[store->state]);
    pguard_page_raw(p, "</span> ");

    if (store->state == PGUARD_STATUS_STORE_UP) {
        pguard_page_text(p, PGUARD_STATUS_P99);
        pguard_page_raw(p, " ");
        pguard_status_usec(p, store->p99);

    } else {
        pguard_page_text(p, PGUARD_STATUS_STORE_ALONE);
    }

    pguard_tile_end(p);
}


static void
pguard_tile_fill(pguard_page_t *p, const pguard_status_t *s)
{
    size_t    i;
    unsigned  kind;
    uint64_t  most, fill, evicted;

    most = 0;
    evicted = 0;

    for (i = 0; i < s->zones.n; i++) {
        for (kind = 0; kind < PGUARD_ENTRIES; kind++) {
            fill = pguard_status_permille(s->zones.of[i].entries[kind],
                                          s->zones.of[i].capacity[kind]);
            most = fill > most ? fill : most;
            evicted += s->zones.of[i].evictions[kind];
        }
    }

    pguard_tile(p, PGUARD_STATUS_FILL, most > PGUARD_STATUS_FULL);
    pguard_page_percent(p, most, 1);
    pguard_page_raw(p, "</span> ");
    pguard_page_text(p, evicted ? PGUARD_STATUS_EVICTING
                                : PGUARD_STATUS_NO_EVICTIONS);

    if (evicted) {
        pguard_page_raw(p, " ");
        pguard_page_number(p, evicted);
    }

    pguard_tile_end(p);
}


/* An outage goes before all, then the least share of a budget.  Budgets are of
   a month: their products fit. */

static int
pguard_budget_worse(const pguard_status_sla_t *a, const pguard_status_sla_t *b)
{
    if (!a->opens != !b->opens) {
        return a->opens != 0;
    }

    return a->figures.left * (int64_t) b->figures.budget
           < b->figures.left * (int64_t) a->figures.budget;
}


/* Of the indicator that wants most to be looked at. */

static void
pguard_tile_budget(pguard_page_t *p, const pguard_status_t *s)
{
    size_t                      i;
    const pguard_status_sla_t  *worst;

    worst = NULL;

    for (i = 0; i < s->slas.n; i++) {
        if (s->slas.of[i].known
            && (worst == NULL || pguard_budget_worse(&s->slas.of[i], worst)))
        {
            worst = &s->slas.of[i];
        }
    }

    if (worst == NULL) {
        return;
    }

    pguard_tile(p, PGUARD_STATUS_BUDGET,
                worst->figures.left * 4 < (int64_t) worst->figures.budget
                || worst->opens > 0);
    pguard_status_left(p, &worst->figures);
    pguard_page_raw(p, "</span> ");
    pguard_status_name(p, worst->name);
    pguard_status_of_zone(p, s, worst->zone);

    if (worst->opens) {
        pguard_page_raw(p, ", ");
        pguard_page_text(p, PGUARD_STATUS_OUTAGE);
    }

    pguard_tile_end(p);
}


void
pguard_status_summary(pguard_page_t *p, const pguard_status_t *s)
{
    pguard_status_section(p, "summary", PGUARD_STATUS_SUMMARY);
    pguard_page_raw(p, "<dl class=\"tiles\">\n");

    pguard_tile_refused(p, s);
    pguard_tile_blocks(p, s);
    pguard_tile_budget(p, s);
    pguard_tile_fill(p, s);
    pguard_tile_store(p, s);

    pguard_page_raw(p, "</dl>\n</section>\n");
}
