/*
 * Rules and services; whether the guard itself is well; what is left of the
 * month's budget.
 */

#include "pguard_status_private.h"


#define PGUARD_PEAK_KNOWN  500           /* permille: below, not measured */
#define PGUARD_PEAK_HIGH   900
#define PGUARD_FILL_HIGH   800


static void
pguard_rules_peak(pguard_page_t *p, unsigned head, unsigned peak)
{
    pguard_status_number(p, head);

    if (peak < PGUARD_PEAK_KNOWN) {
        pguard_page_text(p, PGUARD_STATUS_UNDER);

    } else {
        pguard_page_number(p, peak / 10);
    }

    pguard_page_raw(p, p->lang == PGUARD_LANG_FR ? "\u00a0%" : "%");
    pguard_status_bar(p, peak < PGUARD_PEAK_KNOWN ? 0 : peak,
                      peak >= PGUARD_PEAK_HIGH);
}


static void
pguard_rules_row(pguard_page_t *p, const pguard_status_rule_t *r)
{
    pguard_status_row(p);
    pguard_status_name(p, r->name);
    pguard_status_cell(p, PGUARD_STATUS_ZONE);
    pguard_status_name(p, r->zone);
    pguard_status_cell(p, PGUARD_STATUS_REASON);
    pguard_status_reason(p, r->reason);
    pguard_status_number(p, PGUARD_STATUS_RULE_LIMIT);
    pguard_page_number(p, r->limit);
    pguard_page_raw(p, " / ");
    pguard_status_span(p, r->window);
    pguard_rules_peak(p, PGUARD_STATUS_MINUTE, r->peak[PGUARD_PEAK_MINUTE]);
    pguard_rules_peak(p, PGUARD_STATUS_HOUR, r->peak[PGUARD_PEAK_HOUR]);
    pguard_status_number(p, PGUARD_STATUS_BLOCKS_SET);
    pguard_page_number(p, r->blocks);
    pguard_status_row_end(p);
}


void
pguard_status_rules(pguard_page_t *p, const pguard_status_t *s)
{
    size_t  i;

    static const unsigned  heads[] = {
        PGUARD_STATUS_RULE, PGUARD_STATUS_ZONE, PGUARD_STATUS_REASON,
        PGUARD_STATUS_RULE_LIMIT, PGUARD_STATUS_MINUTE, PGUARD_STATUS_HOUR,
        PGUARD_STATUS_BLOCKS_SET
    };

    pguard_status_section(p, "rules", PGUARD_STATUS_RULES);

    if (s->rules.n == 0) {
        pguard_page_paragraph(p, PGUARD_STATUS_RULES_NONE);
        pguard_page_raw(p, "</section>\n");
        return;
    }

    pguard_status_table(p, "rules", PGUARD_STATUS_RULES_NOTE, heads, 7, 4);

    for (i = 0; i < s->rules.n; i++) {
        pguard_rules_row(p, &s->rules.of[i]);
    }

    pguard_page_table_end(p);
    pguard_status_more(p, s->rules.more);
    pguard_page_raw(p, "</section>\n");
}


void
pguard_status_services(pguard_page_t *p, const pguard_status_t *s)
{
    size_t                          i;
    const pguard_status_service_t  *v;

    static const unsigned  heads[] = {
        PGUARD_STATUS_SERVICE, PGUARD_STATUS_ZONE, PGUARD_STATUS_PASSED,
        PGUARD_STATUS_THROTTLED, PGUARD_STATUS_BLOCKED
    };

    pguard_status_section(p, "services", PGUARD_STATUS_SERVICES);
    pguard_status_table(p, "services", PGUARD_STATUS_SERVICES_NOTE, heads, 5,
                        3);

    for (i = 0; i < s->services.n; i++) {
        v = &s->services.of[i];

        pguard_status_row(p);
        pguard_status_name(p, v->name);
        pguard_status_cell(p, PGUARD_STATUS_ZONE);
        pguard_status_name(p, v->zone);
        pguard_status_number(p, PGUARD_STATUS_PASSED);
        pguard_page_number(p, v->requests[PGUARD_VERDICT_PASSED]);
        pguard_status_number(p, PGUARD_STATUS_THROTTLED);
        pguard_page_number(p, v->requests[PGUARD_VERDICT_THROTTLED]);
        pguard_status_number(p, PGUARD_STATUS_BLOCKED);
        pguard_page_number(p, v->requests[PGUARD_VERDICT_BLOCKED]);
        pguard_status_row_end(p);
    }

    pguard_page_table_end(p);
    pguard_status_more(p, s->services.more);
    pguard_page_raw(p, "</section>\n");
}


static void
pguard_guard_zone(pguard_page_t *p, const pguard_status_zone_t *z)
{
    unsigned  kind;
    uint64_t  fill;

    static const unsigned  kinds[PGUARD_ENTRIES] = {
        [PGUARD_ENTRY_SIGNATURE] = PGUARD_STATUS_SIGNATURES,
        [PGUARD_ENTRY_WINDOW]    = PGUARD_STATUS_WINDOWS,
        [PGUARD_ENTRY_BLOCK]     = PGUARD_STATUS_BLOCK_ENTRIES
    };

    for (kind = 0; kind < PGUARD_ENTRIES; kind++) {
        fill = pguard_status_permille(z->entries[kind], z->capacity[kind]);

        pguard_status_row(p);
        pguard_status_name(p, z->name);
        pguard_status_cell(p, PGUARD_STATUS_KIND);
        pguard_page_text(p, kinds[kind]);
        pguard_status_number(p, PGUARD_STATUS_EVICTIONS);
        pguard_page_number(p, z->evictions[kind]);
        pguard_status_number(p, PGUARD_STATUS_USED);
        pguard_page_number(p, z->entries[kind]);
        pguard_page_raw(p, " / ");
        pguard_page_number(p, z->capacity[kind]);
        pguard_status_number(p, PGUARD_STATUS_SHARE);
        pguard_page_percent(p, fill, 1);
        pguard_status_bar(p, fill, fill > PGUARD_FILL_HIGH);
        pguard_status_row_end(p);
    }
}


void
pguard_status_usec(pguard_page_t *p, uint64_t us)
{
    if (us == 0) {
        pguard_page_text(p, PGUARD_STATUS_SLOWER);
        return;
    }

    if (us % 1000) {
        pguard_page_decimal(p, us / 10, 2);

    } else {
        pguard_page_number(p, us / 1000);
    }

    pguard_page_raw(p, "\u00a0ms");
}


static void
pguard_guard_store(pguard_page_t *p, const pguard_status_store_t *store)
{
    if (store->state == PGUARD_STATUS_STORE_NONE) {
        return;
    }

    pguard_page_raw(p, "<h3>");
    pguard_page_text(p, PGUARD_STATUS_STORE);
    pguard_page_raw(p, "</h3>\n<dl>\n");
    pguard_page_term(p, PGUARD_STATUS_CALLS);
    pguard_page_number(p, store->ok + store->failed);
    pguard_page_raw(p, ", ");
    pguard_page_text(p, PGUARD_STATUS_CALLS_FAILED);
    pguard_page_raw(p, " ");
    pguard_page_number(p, store->failed);
    pguard_page_raw(p, "</dd>\n");

    if (store->ok) {
        pguard_page_term(p, PGUARD_STATUS_MEAN);
        pguard_status_usec(p, store->mean < 10 ? 10 : store->mean);
        pguard_page_raw(p, "</dd>\n");
        pguard_page_term(p, PGUARD_STATUS_P99);
        pguard_status_usec(p, store->p99);
        pguard_page_raw(p, "</dd>\n");
    }

    pguard_page_term_duration(p, PGUARD_STATUS_DEGRADED,
                              store->degraded / 1000);
    pguard_page_term(p, PGUARD_STATUS_OVERSHOOT);
    pguard_page_number(p, store->overshoot);
    pguard_page_raw(p, "</dd>\n</dl>\n");
}


void
pguard_status_guard(pguard_page_t *p, const pguard_status_t *s)
{
    size_t    i;
    uint64_t  exhausted;

    static const unsigned  heads[] = {
        PGUARD_STATUS_ZONE, PGUARD_STATUS_KIND, PGUARD_STATUS_EVICTIONS,
        PGUARD_STATUS_USED, PGUARD_STATUS_SHARE
    };

    pguard_status_section(p, "guard", PGUARD_STATUS_GUARD);
    pguard_status_table(p, "guard", PGUARD_STATUS_GUARD_NOTE, heads, 5, 3);

    for (i = 0, exhausted = 0; i < s->zones.n; i++) {
        pguard_guard_zone(p, &s->zones.of[i]);
        exhausted += s->zones.of[i].exhausted;
    }

    pguard_page_table_end(p);
    pguard_status_more(p, s->zones.more);

    if (exhausted) {
        pguard_page_raw(p, "<p><strong>");
        pguard_page_text(p, PGUARD_STATUS_EXHAUSTED);
        pguard_page_raw(p, " ");
        pguard_page_number(p, exhausted);
        pguard_page_raw(p, "</strong></p>\n");
    }

    pguard_guard_store(p, &s->store);
    pguard_page_raw(p, "</section>\n");
}
