/*
 * Who is refused, and who is blocked.
 */

#include <string.h>

#include "pguard_key.h"
#include "pguard_status_private.h"


/* Service and rule, each of which may be empty; the zone, where there are
   several. */

static void
pguard_clients_where(pguard_page_t *p, const pguard_status_t *s,
    pguard_str_t service, pguard_str_t rule, pguard_str_t zone)
{
    pguard_status_cell(p, PGUARD_STATUS_WHERE);

    if (service.len) {
        pguard_status_name(p, service);

    } else {
        pguard_page_text(p, PGUARD_STATUS_ALL_SERVICES);
    }

    if (rule.len) {
        pguard_page_raw(p, ", ");
        pguard_status_name(p, rule);
    }

    pguard_status_of_zone(p, s, zone);
}


static void
pguard_top_row(pguard_page_t *p, const pguard_status_t *s,
    const pguard_status_top_t *t, uint64_t most)
{
    unsigned char               hex[PGUARD_ID_HEX_LEN];
    pguard_str_t                key = { sizeof(hex), hex };
    pguard_str_t                zone = pguard_status_zone(s, t->zone);
    const pguard_top_client_t  *c = &t->client;

    pguard_status_row(p);
    pguard_status_id(p, &c->id);
    pguard_status_cell(p, PGUARD_STATUS_REASON);
    pguard_status_reason(p, c->reason);
    pguard_clients_where(p, s, t->service, t->rule, t->zone);
    pguard_status_cell(p, PGUARD_STATUS_LATEST);
    pguard_status_ago(p, c->last, s->now);
    pguard_status_number(p, PGUARD_STATUS_REFUSALS);
    pguard_page_number(p, c->count);
    pguard_status_bar(p, pguard_status_permille(c->count, most), 1);

    if (s->writable) {
        (void) pguard_hex(hex, c->id.bytes, PGUARD_ID_LEN);
        pguard_status_cell(p, PGUARD_STATUS_ACTION);
        pguard_status_button(p, "block", key, zone);
        pguard_page_raw(p, "api/1/blocks\" data-client=\"");
        pguard_page_str(p, key);
        pguard_page_raw(p, "\" data-zone=\"");
        pguard_page_str(p, t->zone);
        pguard_status_button_end(p, PGUARD_STATUS_BLOCK, key, zone);
    }

    pguard_status_row_end(p);
}


void
pguard_status_top(pguard_page_t *p, const pguard_status_t *s)
{
    size_t    i;
    uint64_t  most;

    static const unsigned  heads[] = {
        PGUARD_STATUS_CLIENT, PGUARD_STATUS_REASON, PGUARD_STATUS_WHERE,
        PGUARD_STATUS_LATEST, PGUARD_STATUS_REFUSALS, PGUARD_STATUS_ACTION
    };

    pguard_status_section(p, "top", PGUARD_STATUS_TOP);

    if (s->top.n == 0 && s->others == 0) {
        pguard_page_paragraph(p, PGUARD_STATUS_TOP_NONE);
        pguard_page_raw(p, "</section>\n");
        return;
    }

    most = s->others;

    for (i = 0; i < s->top.n; i++) {
        if (s->top.of[i].client.count > most) {
            most = s->top.of[i].client.count;
        }
    }

    pguard_status_table(p, "top", PGUARD_STATUS_TOP_NOTE, heads,
                        s->writable ? 6 : 5, s->writable ? 2 : 1);

    for (i = 0; i < s->top.n; i++) {
        pguard_top_row(p, s, &s->top.of[i], most);
    }

    pguard_status_row(p);
    pguard_page_text(p, PGUARD_STATUS_OTHERS);
    pguard_page_raw(p, "<td><td><td>");
    pguard_status_number(p, PGUARD_STATUS_REFUSALS);
    pguard_page_number(p, s->others);
    pguard_status_bar(p, pguard_status_permille(s->others, most), 1);
    pguard_page_raw(p, s->writable ? "<td>" : "");
    pguard_status_row_end(p);
    pguard_page_table_end(p);
    pguard_page_raw(p, "</section>\n");
}


static void
pguard_blocks_evidence(pguard_page_t *p, const pguard_block_t *b)
{
    if (b->rule == PGUARD_RULE_NONE) {
        pguard_page_text(p, PGUARD_STATUS_BY_HAND);
        return;
    }

    pguard_page_number(p, b->count);
    pguard_page_raw(p, " ");
    pguard_page_text(p, PGUARD_STATUS_REQUESTS_IN);
    pguard_page_raw(p, " ");
    pguard_status_span(p, b->window);
    pguard_page_raw(p, ", ");
    pguard_page_text(p, PGUARD_STATUS_LIMIT);
    pguard_page_raw(p, " ");
    pguard_page_number(p, b->limit);

    if (b->step > 1) {
        pguard_page_raw(p, ", ");
        pguard_page_text(p, PGUARD_STATUS_OFFENCE);
        pguard_page_raw(p, " ");
        pguard_out_uint(p->out, b->step);
    }

    if (b->dry_run) {
        pguard_page_raw(p, ", ");
        pguard_page_text(p, PGUARD_STATUS_DRY_RUN);
    }
}


/* Who caused it, where that is known and is not the key. */

static void
pguard_blocks_client(pguard_page_t *p, const pguard_block_t *b)
{
    if (!pguard_id_known(&b->client) || pguard_id_same(&b->client, &b->id)) {
        return;
    }

    pguard_page_raw(p, "<br><small>");
    pguard_page_text(p, PGUARD_STATUS_CLIENT);
    pguard_page_raw(p, " ");
    pguard_status_id(p, &b->client);
    pguard_page_raw(p, "</small>");
}


static void
pguard_blocks_row(pguard_page_t *p, const pguard_status_t *s,
    const pguard_status_block_t *t)
{
    unsigned char          hex[PGUARD_ID_HEX_LEN];
    pguard_str_t           key = { sizeof(hex), hex };
    pguard_str_t           none = { 0, NULL };
    pguard_str_t           event = { PGUARD_EVENT_LEN, t->block.event };
    const pguard_block_t  *b = &t->block;

    pguard_status_row(p);
    pguard_status_id(p, &b->id);
    pguard_blocks_client(p, b);
    pguard_status_cell(p, PGUARD_STATUS_REASON);
    pguard_status_reason(p, b->reason);
    pguard_clients_where(p, s, t->service, t->rule, t->zone);
    pguard_status_cell(p, PGUARD_STATUS_EVIDENCE);
    pguard_blocks_evidence(p, b);
    pguard_status_cell(p, PGUARD_STATUS_SET);
    pguard_status_ago(p, b->since, s->now);
    pguard_status_number(p, PGUARD_STATUS_REFUSALS);
    pguard_page_number(p, b->refused);
    pguard_status_number(p, PGUARD_STATUS_LEFT);
    pguard_page_duration(p, b->until > s->now
                            ? (b->until - s->now + 999) / 1000 : 0);

    if (s->writable) {
        (void) pguard_hex(hex, b->id.bytes, PGUARD_ID_LEN);
        pguard_status_cell(p, PGUARD_STATUS_ACTION);
        pguard_status_button(p, "lift", event, none);
        pguard_page_raw(p, "api/1/blocks/");
        pguard_status_segment(p, event);
        pguard_status_button_end(p, PGUARD_STATUS_LIFT, key,
                                 pguard_status_zone(s, t->zone));
    }

    pguard_status_row_end(p);
}


void
pguard_status_blocks(pguard_page_t *p, const pguard_status_t *s)
{
    size_t        i;
    pguard_str_t  none = { 0, NULL };

    static const unsigned  heads[] = {
        PGUARD_STATUS_KEY, PGUARD_STATUS_REASON, PGUARD_STATUS_WHERE,
        PGUARD_STATUS_EVIDENCE, PGUARD_STATUS_SET, PGUARD_STATUS_REFUSALS,
        PGUARD_STATUS_LEFT, PGUARD_STATUS_ACTION
    };

    pguard_status_section(p, "blocks", PGUARD_STATUS_BLOCKS);

    if (s->writable) {
        pguard_page_raw(p, "<p>");
        pguard_status_button(p, "block", none, none);
        pguard_page_raw(p, "api/1/blocks");
        pguard_status_button_end(p, PGUARD_STATUS_SET_BLOCK, none, none);
        pguard_page_raw(p, "</p>\n");
    }

    if (s->blocks.n == 0) {
        pguard_page_paragraph(p, PGUARD_STATUS_BLOCKS_NONE);
        pguard_page_raw(p, "</section>\n");
        return;
    }

    pguard_status_table(p, "blocks", PGUARD_STATUS_BLOCKS_NOTE, heads,
                        s->writable ? 8 : 7, s->writable ? 3 : 2);

    for (i = 0; i < s->blocks.n; i++) {
        pguard_blocks_row(p, s, &s->blocks.of[i]);
    }

    pguard_page_table_end(p);
    pguard_status_more(p, s->blocks.more);
    pguard_page_raw(p, "</section>\n");
}
