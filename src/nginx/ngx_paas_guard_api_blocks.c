/*
 * Blocks: listed, set by hand, and lifted.
 */

#include "ngx_paas_guard_api.h"
#include "ngx_paas_guard_zone.h"


#define NGX_PAAS_GUARD_API_SECONDS  (31 * 86400)   /* of a block by hand */


void
ngx_paas_guard_api_write_block(ngx_paas_guard_api_t *api, const char *name,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b)
{
    pguard_str_t      s;
    pguard_writer_t  *w;

    w = &api->writer;

    s.data = b->event;
    s.len = PGUARD_EVENT_LEN;
    pguard_writer_open(w, name, '{');
    pguard_writer_str(w, "id", s);

    ngx_paas_guard_core_str(s, zone->name);
    pguard_writer_str(w, "zone", s);
    pguard_writer_str(w, "rule", pguard_zone_name(&zone->core,
                                                  PGUARD_NAME_RULE, b->rule));
    pguard_writer_str(w, "service", pguard_zone_name(&zone->core,
                                                     PGUARD_NAME_SERVICE,
                                                     b->service));
    pguard_writer_hex(w, "key", b->id.bytes, PGUARD_ID_LEN);
    pguard_writer_hex(w, "client", b->client.bytes,
                      pguard_id_known(&b->client) ? PGUARD_ID_LEN : 0);
    pguard_writer_str(w, "reason", pguard_reason_names[b->reason]);
    pguard_writer_uint(w, "count", b->count);
    pguard_writer_uint(w, "limit", b->limit);
    pguard_writer_uint(w, "window_ms", b->window);
    pguard_writer_uint(w, "offence", b->step);
    pguard_writer_uint(w, "refused", b->refused);
    pguard_writer_flag(w, "dry_run", b->dry_run);
    ngx_paas_guard_api_time(api, "since", b->since);
    ngx_paas_guard_api_time(api, "until", b->until);
    pguard_writer_close(w, '}');
}


/* The value of "after" for the next page. */

static void
ngx_paas_guard_api_write_next(ngx_paas_guard_api_t *api, uint64_t place,
    ngx_paas_guard_zone_t *zone)
{
    u_char        text[NGX_INT64_LEN + 1 + PGUARD_NAME_MAX];
    pguard_str_t  s;

    s.data = text;
    s.len = ngx_snprintf(text, sizeof(text), "%uL:%V", place, &zone->name)
            - text;
    pguard_writer_str(&api->writer, "next", s);
}


/* A page of the list: blocks stay where they are in their zone's table, so a
   place in it is a cursor that stays right while others come and go. */

typedef struct {
    ngx_paas_guard_zone_t  *zone;         /* NULL: all */
    uint64_t                limit;
    ngx_uint_t              from_zone;    /* its index */
    uint64_t                from;

    uint64_t                n;            /* as it is written */
    ngx_uint_t              next_zone;
    uint64_t                next;
} ngx_paas_guard_api_page_t;


/* "<place>:<zone>", or none: the beginning. */

static ngx_int_t
ngx_paas_guard_api_after(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_page_t *page)
{
    off_t                     from;
    u_char                   *colon;
    ngx_int_t                 rc;
    pguard_str_t              after, name;
    ngx_paas_guard_zone_t   **zones, *zone;

    rc = ngx_paas_guard_api_arg(api, "after", &after);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    zone = NULL;
    from = NGX_ERROR;
    colon = ngx_strlchr((u_char *) after.data,
                        (u_char *) after.data + after.len, ':');
    if (colon) {
        from = ngx_atoof((u_char *) after.data, colon - after.data);
        name.data = colon + 1;
        name.len = after.data + after.len - name.data;
        zone = ngx_paas_guard_api_zone(api, name);
    }

    if (from == NGX_ERROR || zone == NULL || (page->zone && zone != page->zone))
    {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_ARGUMENT_VALUE,
                                        "after");
    }

    zones = api->gmcf->zones.elts;
    page->from = from;

    while (zones[page->from_zone] != zone) {
        page->from_zone++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_api_list(ngx_paas_guard_api_t *api)
{
    ngx_int_t                   rc;
    ngx_paas_guard_api_page_t  *page;

    page = ngx_pcalloc(api->request->pool, sizeof(ngx_paas_guard_api_page_t));
    if (page == NULL) {
        return NGX_ERROR;
    }

    api->data = page;
    page->limit = NGX_PAAS_GUARD_API_BLOCKS;

    rc = ngx_paas_guard_api_arg_zone(api, &page->zone);

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_api_arg_number(api, "limit",
                                           NGX_PAAS_GUARD_API_BLOCKS,
                                           &page->limit);
    }

    if (rc == NGX_OK && page->limit == 0) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_ARGUMENT_VALUE,
                                        "limit");
    }

    return rc == NGX_OK ? ngx_paas_guard_api_after(api, page) : rc;
}


/* NGX_AGAIN: the page is full, and there is one more. */

static ngx_int_t
ngx_paas_guard_api_list_zone(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t *zone, ngx_uint_t index)
{
    uint64_t                    pos;
    pguard_block_t              b, *next;
    ngx_paas_guard_api_page_t  *page;

    page = api->data;
    pos = index == page->from_zone ? page->from : 0;

    for ( ;; ) {
        next = pguard_block_next(&zone->core.blocks, &pos, api->now);

        if (next == NULL) {
            return NGX_OK;
        }

        if (!pguard_block_copy(next, next->key, api->now, &b)) {
            continue;
        }

        if (page->n == page->limit) {
            return NGX_AGAIN;
        }

        ngx_paas_guard_api_write_block(api, NULL, zone, &b);

        page->n++;
        page->next_zone = index;
        page->next = pos;
    }
}


static void
ngx_paas_guard_api_write_list(ngx_paas_guard_api_t *api)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    pguard_writer_t             *w;
    ngx_paas_guard_zone_t      **zones;
    ngx_paas_guard_api_page_t   *page;

    w = &api->writer;
    page = api->data;
    page->n = 0;
    zones = api->gmcf->zones.elts;
    rc = NGX_OK;

    pguard_writer_open(w, NULL, '{');
    pguard_writer_open(w, "blocks", '[');

    for (i = page->from_zone; i < api->gmcf->zones.nelts && rc == NGX_OK; i++)
    {
        if (page->zone == NULL || zones[i] == page->zone) {
            rc = ngx_paas_guard_api_list_zone(api, zones[i], i);
        }
    }

    pguard_writer_close(w, ']');
    pguard_writer_flag(w, "more", rc == NGX_AGAIN);

    if (rc == NGX_AGAIN) {
        ngx_paas_guard_api_write_next(api, page->next,
                                      zones[page->next_zone]);
    } else {
        pguard_writer_null(w, "next");
    }

    pguard_writer_close(w, '}');
    pguard_out_byte(&api->out, '\n');
}


typedef struct {
    ngx_paas_guard_zone_t  *zone;
    pguard_block_t          block;
} ngx_paas_guard_api_block_t;


/* Who has done what to this block. */

static void
ngx_paas_guard_api_block_audit(ngx_paas_guard_api_t *api, const char *what,
    ngx_paas_guard_api_block_t *block)
{
    pguard_str_t           id;
    pguard_audit_record_t  rec;

    id.data = block->block.event;
    id.len = PGUARD_EVENT_LEN;

    ngx_paas_guard_api_action(api, &rec, what);

    rec.str[PGUARD_AUDIT_TARGET] = id;
    rec.str[PGUARD_AUDIT_EVENT] = id;
    ngx_paas_guard_core_str(rec.str[PGUARD_AUDIT_ZONE], block->zone->name);
    rec.str[PGUARD_AUDIT_CLIENT].data = block->block.id.bytes;
    rec.str[PGUARD_AUDIT_CLIENT].len = PGUARD_ID_LEN;

    ngx_paas_guard_audit(api->gmcf, &rec);
}


static ngx_int_t
ngx_paas_guard_api_lift(ngx_paas_guard_api_t *api)
{
    ngx_uint_t                   i;
    pguard_str_t                 id;
    ngx_paas_guard_zone_t      **zones;
    ngx_paas_guard_api_block_t  *lifted;

    id = api->star[0];
    zones = api->gmcf->zones.elts;

    lifted = ngx_pmemalign(api->request->pool,
                           sizeof(ngx_paas_guard_api_block_t), 64);
    if (lifted == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; id.len == PGUARD_EVENT_LEN && i < api->gmcf->zones.nelts; i++)
    {
        if (ngx_paas_guard_zone_lift(zones[i], id.data, api->now,
                                     &lifted->block)
            != NGX_OK)
        {
            continue;
        }

        lifted->zone = zones[i];
        api->data = lifted;

        ngx_paas_guard_api_block_audit(api, "lift_block", lifted);

        return NGX_OK;
    }

    return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_BLOCK, id);
}


static void
ngx_paas_guard_api_write_lifted(ngx_paas_guard_api_t *api)
{
    ngx_paas_guard_api_block_t  *lifted;

    lifted = api->data;

    pguard_writer_open(&api->writer, NULL, '{');
    ngx_paas_guard_api_write_block(api, "lifted", lifted->zone,
                                   &lifted->block);
    pguard_writer_close(&api->writer, '}');
    pguard_out_byte(&api->out, '\n');
}


enum {
    NGX_PAAS_GUARD_BLOCK_ZONE = NGX_PAAS_GUARD_API_FIRST,
    NGX_PAAS_GUARD_BLOCK_CLIENT,
    NGX_PAAS_GUARD_BLOCK_RULE,
    NGX_PAAS_GUARD_BLOCK_KEY,
    NGX_PAAS_GUARD_BLOCK_SERVICE,
    NGX_PAAS_GUARD_BLOCK_SECONDS,
    NGX_PAAS_GUARD_BLOCK_REASON
};


static const pguard_member_t  ngx_paas_guard_api_block_members[] = {
    ngx_paas_guard_api_common,
    { "zone", PGUARD_MEMBER_STRING, 255 },
    { "client", PGUARD_MEMBER_STRING, PGUARD_ID_HEX_LEN },
    { "rule", PGUARD_MEMBER_STRING, PGUARD_NAME_MAX },
    { "key", PGUARD_MEMBER_STRING, PGUARD_ID_HEX_LEN },
    { "service", PGUARD_MEMBER_STRING, PGUARD_NAME_MAX },
    { "seconds", PGUARD_MEMBER_NUMBER, 0 },
    { "reason", PGUARD_MEMBER_STRING, PGUARD_NAME_MAX },
    ngx_paas_guard_no_member
};


/* Whom to block: a client, or a rule and a key of it; never both. */

static ngx_int_t
ngx_paas_guard_api_whom(ngx_paas_guard_api_t *api, pguard_id_t *id)
{
    pguard_value_t  *client, *key, *value;

    client = &api->value[NGX_PAAS_GUARD_BLOCK_CLIENT];
    key = &api->value[NGX_PAAS_GUARD_BLOCK_KEY];

    if (!client->given && !key->given) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_MISSING,
                                        "client");
    }

    if (client->given
        && (key->given || api->value[NGX_PAAS_GUARD_BLOCK_RULE].given))
    {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_VALUE,
                                        "client");
    }

    if (key->given && !api->value[NGX_PAAS_GUARD_BLOCK_RULE].given) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_MISSING,
                                        "rule");
    }

    value = client->given ? client : key;

    if (!ngx_paas_guard_api_digest(value->str, id)) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_VALUE,
                                        value == client ? "client" : "key");
    }

    return NGX_OK;
}


/* Names must be known, and a service goes with a client, or with a rule that
   blocks in one service. */

static ngx_int_t
ngx_paas_guard_api_where(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t **zone, ngx_str_t *rule, ngx_str_t *service)
{
    pguard_value_t         *value;
    ngx_paas_guard_rule_t  *r;

    *zone = NULL;
    value = &api->value[NGX_PAAS_GUARD_BLOCK_ZONE];

    if (!value->given) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_MISSING,
                                        "zone");
    }

    *zone = ngx_paas_guard_api_zone(api, value->str);

    if (*zone == NULL) {
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_MEMBER_ZONE,
                                          value->str);
    }

    value = &api->value[NGX_PAAS_GUARD_BLOCK_RULE];
    rule->data = (u_char *) value->str.data;
    rule->len = value->str.len;
    r = ngx_paas_guard_find_rule(api->gmcf, rule);

    if (value->given && r == NULL) {
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_RULE,
                                          value->str);
    }

    value = &api->value[NGX_PAAS_GUARD_BLOCK_SERVICE];
    service->data = (u_char *) value->str.data;
    service->len = value->str.len;

    if (value->given && ngx_paas_guard_find_service(*zone, service) == NULL) {
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_SERVICE,
                                          value->str);
    }

    if (r && value->given == r->scope_zone) {
        return ngx_paas_guard_api_wrong(api, value->given
                                             ? PGUARD_PROBLEM_MEMBER_VALUE
                                             : PGUARD_PROBLEM_MEMBER_MISSING,
                                        "service");
    }

    return NGX_OK;
}


/* For how long, and why. */

static ngx_int_t
ngx_paas_guard_api_sentence(ngx_paas_guard_api_t *api, pguard_msec_t *length,
    pguard_block_t *b)
{
    ngx_str_t        reason;
    pguard_value_t  *value;

    *length = 0;
    value = &api->value[NGX_PAAS_GUARD_BLOCK_SECONDS];

    if (!value->given) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_MISSING,
                                        "seconds");
    }

    if (value->num < 1 || value->num > NGX_PAAS_GUARD_API_SECONDS) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_VALUE,
                                        "seconds");
    }

    *length = (pguard_msec_t) value->num * 1000;

    value = &api->value[NGX_PAAS_GUARD_BLOCK_REASON];
    reason.data = (u_char *) value->str.data;
    reason.len = value->str.len;

    b->reason = PGUARD_REASON_OPERATOR;

    if (value->given && ngx_paas_guard_same(&reason, "hammering_blocked")) {
        b->reason = PGUARD_REASON_HAMMERING;

    } else if (value->given && !ngx_paas_guard_same(&reason,
                                                    "operator_blocked"))
    {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_VALUE,
                                        "reason");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_api_set(ngx_paas_guard_api_t *api)
{
    ngx_int_t                    rc;
    ngx_str_t                    rule, service;
    pguard_str_t                 s;
    pguard_msec_t                length;
    pguard_block_t              *b;
    ngx_paas_guard_zone_t       *zone;
    ngx_paas_guard_api_block_t  *set;

    set = ngx_pmemalign(api->request->pool,
                        sizeof(ngx_paas_guard_api_block_t), 64);
    if (set == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(set, sizeof(ngx_paas_guard_api_block_t));
    b = &set->block;

    if (ngx_paas_guard_api_where(api, &zone, &rule, &service) != NGX_OK
        || ngx_paas_guard_api_whom(api, &b->id) != NGX_OK
        || ngx_paas_guard_api_sentence(api, &length, b) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (rule.len == 0) {
        b->client = b->id;
    }

    set->zone = zone;
    api->data = set;
    api->status = NGX_HTTP_CREATED;

    rc = ngx_paas_guard_operator_block(zone, &rule, &service, length, b);

    s.data = b->event;
    s.len = PGUARD_EVENT_LEN;

    if (rc == NGX_BUSY) {
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_BLOCKED, s);
    }

    if (rc != NGX_OK) {
        ngx_paas_guard_core_str(s, zone->name);
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_FULL, s);
    }

    ngx_paas_guard_api_block_audit(api, "set_block", set);

    return NGX_OK;
}


static void
ngx_paas_guard_api_write_set(ngx_paas_guard_api_t *api)
{
    ngx_paas_guard_api_block_t  *set;

    set = api->data;

    pguard_writer_open(&api->writer, NULL, '{');
    ngx_paas_guard_api_write_block(api, "block", set->zone, &set->block);
    pguard_writer_close(&api->writer, '}');
    pguard_out_byte(&api->out, '\n');
}


static const char *const  ngx_paas_guard_api_list_args[] = {
    "zone", "limit", "after", NULL
};


const ngx_paas_guard_api_call_t  ngx_paas_guard_api_blocks[] = {

    { NGX_HTTP_GET, "api/1/blocks", ngx_paas_guard_api_list_args, NULL,
      ngx_paas_guard_api_list, ngx_paas_guard_api_write_list },

    { NGX_HTTP_POST, "api/1/blocks", NULL, ngx_paas_guard_api_block_members,
      ngx_paas_guard_api_set, ngx_paas_guard_api_write_set },

    { NGX_HTTP_DELETE, "api/1/blocks/*", NULL, NULL,
      ngx_paas_guard_api_lift, ngx_paas_guard_api_write_lifted },

    ngx_paas_guard_no_call
};
