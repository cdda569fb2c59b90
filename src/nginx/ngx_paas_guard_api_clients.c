#include "ngx_paas_guard_api.h"


#define NGX_PAAS_GUARD_FORGET_POLL     50        /* ms */
#define NGX_PAAS_GUARD_FORGET_TIMEOUT  10000


/* A client that is being forgotten.  It goes on when who asked for it is gone:
   then api is NULL. */

typedef struct {
    ngx_paas_guard_api_t        *api;
    ngx_paas_guard_main_conf_t  *gmcf;
    ngx_event_t                  timer;
    ngx_msec_t                   until;
    ngx_uint_t                   calls;         /* to the store, that are out */
    ngx_uint_t                   refused;       /* one of them failed */
    ngx_uint_t                   left;          /* so that it can't complete */
    ngx_uint_t                   finished;
    pguard_id_t                  id;
    pguard_str_t                 who;
    pguard_str_t                 why;
    u_char                       text[2 * PGUARD_AUDIT_TEXT_MAX];
    ngx_uint_t                   nzones;
    ngx_paas_guard_forget_t      zones[];
} ngx_paas_guard_forgetting_t;


static void ngx_paas_guard_forget_asked(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_forget_timer(ngx_event_t *ev);
static void ngx_paas_guard_forget_cleanup(void *data);


/* The id of the path, and the zone that is asked for; NULL: all. */

static ngx_int_t
ngx_paas_guard_api_client(ngx_paas_guard_api_t *api, pguard_id_t *id,
    ngx_paas_guard_zone_t **zone)
{
    static const pguard_id_t  nobody;

    if (api->star[0].len != PGUARD_ID_HEX_LEN
        || pguard_unhex(id->bytes, api->star[0].data, PGUARD_ID_LEN) != 0
        || ngx_memcmp(id->bytes, nobody.bytes, PGUARD_ID_LEN) == 0)
    {
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_CLIENT,
                                          api->star[0]);
    }

    return ngx_paas_guard_api_arg_zone(api, zone);
}


typedef struct {
    pguard_id_t                  id;
    ngx_paas_guard_zone_t       *zone;
} ngx_paas_guard_api_client_t;


static ngx_uint_t
ngx_paas_guard_api_has_blocks(ngx_paas_guard_zone_t *zone,
    const pguard_id_t *id, pguard_msec_t now)
{
    uint64_t         pos;
    pguard_block_t  *b;

    pos = 0;

    do {
        b = pguard_block_next(&zone->core.blocks, &pos, now);
    } while (b && !ngx_paas_guard_block_of(b, id));

    return b != NULL;
}


static ngx_int_t
ngx_paas_guard_api_get_client(ngx_paas_guard_api_t *api)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_paas_guard_zone_t       **zones;
    ngx_paas_guard_api_client_t  *client;

    client = ngx_palloc(api->request->pool,
                        sizeof(ngx_paas_guard_api_client_t));
    if (client == NULL) {
        return NGX_ERROR;
    }

    api->data = client;
    rc = ngx_paas_guard_api_client(api, &client->id, &client->zone);

    if (rc != NGX_OK) {
        return rc;
    }

    zones = api->gmcf->zones.elts;

    for (i = 0; i < api->gmcf->zones.nelts; i++) {

        if ((client->zone == NULL || zones[i] == client->zone)
            && (ngx_paas_guard_client_known(zones[i], &client->id)
                || ngx_paas_guard_api_has_blocks(zones[i], &client->id,
                                                 api->now)))
        {
            return NGX_OK;
        }
    }

    return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_CLIENT,
                                      api->star[0]);
}


static void
ngx_paas_guard_api_write_count(ngx_paas_guard_counted_by_t *by, void *data)
{
    ngx_paas_guard_api_t *api = data;

    pguard_str_t      s;
    pguard_writer_t  *w;

    w = &api->writer;

    pguard_writer_open(w, NULL, '{');
    ngx_paas_guard_core_str(s, by->rule->name);
    pguard_writer_str(w, "rule", s);

    s.len = 0;
    s.data = NULL;

    if (by->service) {
        ngx_paas_guard_core_str(s, by->service->name);
    }

    pguard_writer_str(w, "service", s);
    pguard_writer_uint(w, "count", by->state.count);
    pguard_writer_uint(w, "limit", by->rule->window.limit);
    pguard_writer_uint(w, "window_ms", by->rule->window.window);
    pguard_writer_uint(w, "reset_ms", by->state.reset);
    pguard_writer_close(w, '}');
}


/* Active blocks, or those that have ended and are remembered. */

static void
ngx_paas_guard_api_write_blocks(ngx_paas_guard_api_t *api, const char *name,
    ngx_paas_guard_zone_t *zone, const pguard_id_t *id, ngx_uint_t active)
{
    uint64_t        pos;
    pguard_block_t  b, *next;

    pguard_writer_open(&api->writer, name, '[');

    for (pos = 0; /* void */ ; /* void */ ) {
        next = pguard_block_next(&zone->core.blocks, &pos, api->now);

        if (next == NULL) {
            break;
        }

        b = *next;

        if (b.until && ngx_paas_guard_block_of(&b, id)
            && (b.until > api->now) == active)
        {
            ngx_paas_guard_api_write_block(api, NULL, zone, &b);
        }
    }

    pguard_writer_close(&api->writer, ']');
}


static void
ngx_paas_guard_api_write_refused(ngx_paas_guard_api_t *api,
    ngx_paas_guard_zone_t *zone, const pguard_id_t *id)
{
    size_t               i, n;
    uint64_t             others;
    pguard_writer_t     *w;
    pguard_top_client_t  top[PGUARD_TOP_PERIODS * PGUARD_TOP_MAX];

    w = &api->writer;
    n = pguard_top_read(&zone->core.top, api->now, top,
                        PGUARD_TOP_PERIODS * PGUARD_TOP_MAX, &others);

    for (i = 0; i < n; i++) {
        if (ngx_memcmp(top[i].id.bytes, id->bytes, PGUARD_ID_LEN) == 0) {
            break;
        }
    }

    if (i == n) {
        pguard_writer_null(w, "refused");
        return;
    }

    pguard_writer_open(w, "refused", '{');
    pguard_writer_uint(w, "count", top[i].count);
    ngx_paas_guard_api_time(api, "last", top[i].last);
    pguard_writer_str(w, "reason", pguard_reason_names[top[i].reason]);
    pguard_writer_str(w, "rule", pguard_zone_name(&zone->core,
                                                  PGUARD_NAME_RULE,
                                                  top[i].rule));
    pguard_writer_str(w, "service", pguard_zone_name(&zone->core,
                                                     PGUARD_NAME_SERVICE,
                                                     top[i].service));
    pguard_writer_close(w, '}');
}


static void
ngx_paas_guard_api_write_client(ngx_paas_guard_api_t *api)
{
    ngx_uint_t                    i;
    pguard_str_t                  s;
    pguard_writer_t              *w;
    ngx_paas_guard_zone_t       **zones;
    ngx_paas_guard_api_client_t  *client;

    w = &api->writer;
    client = api->data;
    zones = api->gmcf->zones.elts;

    pguard_writer_open(w, NULL, '{');
    pguard_writer_hex(w, "id", client->id.bytes, PGUARD_ID_LEN);
    pguard_writer_open(w, "zones", '[');

    for (i = 0; i < api->gmcf->zones.nelts; i++) {

        if (client->zone && zones[i] != client->zone) {
            continue;
        }

        ngx_paas_guard_core_str(s, zones[i]->name);

        pguard_writer_open(w, NULL, '{');
        pguard_writer_str(w, "zone", s);
        pguard_writer_flag(w, "known",
                           ngx_paas_guard_client_known(zones[i],
                                                       &client->id));
        pguard_writer_open(w, "counts", '[');
        ngx_paas_guard_client_counts(zones[i], &client->id, api->now,
                                     ngx_paas_guard_api_write_count, api);
        pguard_writer_close(w, ']');
        ngx_paas_guard_api_write_blocks(api, "blocks", zones[i], &client->id,
                                        1);
        ngx_paas_guard_api_write_blocks(api, "ended", zones[i], &client->id,
                                        0);
        ngx_paas_guard_api_write_refused(api, zones[i], &client->id);
        pguard_writer_close(w, '}');
    }

    pguard_writer_close(w, ']');
    pguard_writer_close(w, '}');
    pguard_out_byte(&api->out, '\n');
}


/* $remote_user is as long as the client likes. */

static void
ngx_paas_guard_forget_keep(u_char **p, pguard_str_t *to, pguard_str_t from)
{
    to->data = *p;
    to->len = ngx_min(from.len, PGUARD_AUDIT_TEXT_MAX);

    if (to->len) {
        *p = ngx_cpymem(*p, from.data, to->len);
    }
}


/* What is needed after the request is gone, too. */

static ngx_paas_guard_forgetting_t *
ngx_paas_guard_forget_create(ngx_paas_guard_api_t *api, const pguard_id_t *id)
{
    u_char                       *p;
    ngx_pool_cleanup_t           *cln;
    ngx_paas_guard_forgetting_t  *f;

    cln = ngx_pool_cleanup_add(api->request->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    f = ngx_calloc(sizeof(ngx_paas_guard_forgetting_t)
                   + api->gmcf->zones.nelts * sizeof(ngx_paas_guard_forget_t),
                   ngx_cycle->log);
    if (f == NULL) {
        return NULL;
    }

    cln->handler = ngx_paas_guard_forget_cleanup;
    cln->data = f;

    f->api = api;
    f->gmcf = api->gmcf;
    f->id = *id;
    f->timer.data = f;
    f->timer.log = ngx_cycle->log;
    f->timer.handler = ngx_paas_guard_forget_timer;
    f->until = ngx_current_msec + NGX_PAAS_GUARD_FORGET_TIMEOUT;

    /* $remote_user is as long as the client likes */

    p = f->text;
    ngx_paas_guard_forget_keep(&p, &f->who, api->who);
    ngx_paas_guard_forget_keep(&p, &f->why, api->why);

    return f;
}


static void
ngx_paas_guard_forget_cleanup(void *data)
{
    ngx_paas_guard_forgetting_t  *f = data;

    if (f->finished) {
        ngx_free(f);
        return;
    }

    f->api = NULL;
}


/* Has all that kept it forgotten it? */

static const char *
ngx_paas_guard_forget_state(ngx_paas_guard_forget_t *zone)
{
    if (zone->zone->state.len == 0) {
        return "none";
    }

    return pguard_zone_is_kept(&zone->zone->core) >= zone->change
           ? "erased" : "pending";
}


static const char *
ngx_paas_guard_forget_redis(ngx_paas_guard_forgetting_t *f)
{
    if (f->gmcf->store == NULL) {
        return "none";
    }

    return f->calls || f->refused ? "pending" : "erased";
}


static ngx_uint_t
ngx_paas_guard_forget_complete(ngx_paas_guard_forgetting_t *f)
{
    ngx_uint_t  i;

    for (i = 0; i < f->nzones; i++) {
        if (f->zones[i].left
            || *ngx_paas_guard_forget_state(&f->zones[i]) == 'p')
        {
            return 0;
        }
    }

    return *ngx_paas_guard_forget_redis(f) != 'p';
}


static pguard_str_t
ngx_paas_guard_forget_str(const char *text)
{
    pguard_str_t  s;

    s.data = (u_char *) text;
    s.len = ngx_strlen(text);

    return s;
}


/* The line of which a certificate is made: only when it is true. */

static void
ngx_paas_guard_forget_audit(ngx_paas_guard_forgetting_t *f)
{
    ngx_uint_t                i;
    pguard_audit_record_t     rec;
    ngx_paas_guard_forget_t  *zone;

    if (!ngx_paas_guard_forget_complete(f)) {
        return;
    }

    ngx_memzero(&rec, sizeof(pguard_audit_record_t));

    rec.type = PGUARD_AUDIT_CLIENT_FORGOTTEN;
    rec.str[PGUARD_AUDIT_CLIENT].data = f->id.bytes;
    rec.str[PGUARD_AUDIT_CLIENT].len = PGUARD_ID_LEN;
    rec.str[PGUARD_AUDIT_WHO] = f->who;
    rec.str[PGUARD_AUDIT_WHY] = f->why;
    rec.str[PGUARD_AUDIT_REDIS] = ngx_paas_guard_forget_str(
                                            ngx_paas_guard_forget_redis(f));

    for (i = 0; i < f->nzones; i++) {
        zone = &f->zones[i];

        ngx_paas_guard_core_str(rec.str[PGUARD_AUDIT_ZONE], zone->zone->name);
        rec.num[PGUARD_AUDIT_COUNTS] = zone->counts;
        rec.num[PGUARD_AUDIT_BLOCKS] = zone->blocks;
        rec.num[PGUARD_AUDIT_EVENTS] = zone->events;
        rec.str[PGUARD_AUDIT_STATE_FILE] = ngx_paas_guard_forget_str(
                                           ngx_paas_guard_forget_state(zone));

        ngx_paas_guard_audit(f->gmcf, &rec);
    }
}


static void
ngx_paas_guard_forget_zone(ngx_paas_guard_forgetting_t *f,
    ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t             calls;
    pguard_audit_record_t  rec;

    ngx_paas_guard_api_action(f->api, &rec, "forget_client");
    rec.str[PGUARD_AUDIT_TARGET] = f->api->star[0];
    rec.str[PGUARD_AUDIT_CLIENT].data = f->id.bytes;
    rec.str[PGUARD_AUDIT_CLIENT].len = PGUARD_ID_LEN;
    ngx_paas_guard_core_str(rec.str[PGUARD_AUDIT_ZONE], zone->name);
    ngx_paas_guard_audit(f->gmcf, &rec);

    ngx_paas_guard_client_forget(zone, &f->id, &f->zones[f->nzones]);
    f->left |= (f->zones[f->nzones++].left != 0);

    if (f->gmcf->store == NULL) {
        return;
    }

    if (ngx_paas_guard_store_forget(f->gmcf->store, zone, &f->id,
                                    ngx_paas_guard_forget_asked, f, &calls)
        != NGX_OK)
    {
        f->refused = 1;
    }

    f->calls += calls;
}


static ngx_int_t
ngx_paas_guard_api_forget(ngx_paas_guard_api_t *api)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    pguard_id_t                    id;
    ngx_paas_guard_zone_t         *zone, **zones;
    ngx_paas_guard_forgetting_t   *f;

    rc = ngx_paas_guard_api_client(api, &id, &zone);

    if (rc != NGX_OK) {
        return rc;
    }

    f = ngx_paas_guard_forget_create(api, &id);
    if (f == NULL) {
        return NGX_ERROR;
    }

    api->data = f;
    zones = api->gmcf->zones.elts;

    for (i = 0; i < api->gmcf->zones.nelts; i++) {
        if (zone == NULL || zones[i] == zone) {
            ngx_paas_guard_forget_zone(f, zones[i]);
        }
    }

    if (f->calls == 0 && ngx_paas_guard_forget_complete(f)) {
        f->finished = 1;
        ngx_paas_guard_forget_audit(f);
        return NGX_OK;
    }

    ngx_add_timer(&f->timer, NGX_PAAS_GUARD_FORGET_POLL);

    return NGX_AGAIN;
}


static void
ngx_paas_guard_forget_asked(void *data, ngx_paas_guard_result_e result,
    ngx_paas_guard_reply_t *reply)
{
    ngx_paas_guard_forgetting_t  *f = data;

    f->calls--;

    if (result != NGX_PAAS_GUARD_RESULT_OK) {
        f->refused = 1;
    }
}


/* Waits for the store, whose calls come back in any case, and for the file,
   which may not. */

static void
ngx_paas_guard_forget_timer(ngx_event_t *ev)
{
    ngx_paas_guard_forgetting_t  *f;

    f = ev->data;

    if (f->calls
        || (!f->refused && !f->left && !ngx_paas_guard_forget_complete(f)
            && (ngx_msec_int_t) (f->until - ngx_current_msec) > 0))
    {
        ngx_add_timer(ev, NGX_PAAS_GUARD_FORGET_POLL);
        return;
    }

    f->finished = 1;
    ngx_paas_guard_forget_audit(f);

    if (f->api == NULL) {
        ngx_free(f);
        return;
    }

    ngx_paas_guard_api_done(f->api, NGX_OK);
}


static void
ngx_paas_guard_api_write_forgotten(ngx_paas_guard_api_t *api)
{
    ngx_uint_t                    i;
    pguard_str_t                  s;
    pguard_writer_t              *w;
    ngx_paas_guard_forgetting_t  *f;

    w = &api->writer;
    f = api->data;

    if (!ngx_paas_guard_forget_complete(f)) {
        api->status = NGX_HTTP_ACCEPTED;
    }

    pguard_writer_open(w, NULL, '{');
    pguard_writer_open(w, "forgotten", '{');
    pguard_writer_hex(w, "id", f->id.bytes, PGUARD_ID_LEN);
    pguard_writer_flag(w, "complete", api->status == NGX_HTTP_OK);
    pguard_writer_open(w, "zones", '[');

    for (i = 0; i < f->nzones; i++) {
        ngx_paas_guard_core_str(s, f->zones[i].zone->name);

        pguard_writer_open(w, NULL, '{');
        pguard_writer_str(w, "zone", s);
        pguard_writer_uint(w, "counts", f->zones[i].counts);
        pguard_writer_uint(w, "blocks", f->zones[i].blocks);
        pguard_writer_uint(w, "events", f->zones[i].events);
        pguard_writer_text(w, "state_file",
                           ngx_paas_guard_forget_state(&f->zones[i]));
        pguard_writer_text(w, "redis", ngx_paas_guard_forget_redis(f));
        pguard_writer_close(w, '}');
    }

    pguard_writer_close(w, ']');
    pguard_writer_close(w, '}');
    pguard_writer_close(w, '}');
    pguard_out_byte(&api->out, '\n');
}


static const char *const  ngx_paas_guard_api_client_args[] = { "zone", NULL };


const ngx_paas_guard_api_call_t  ngx_paas_guard_api_clients[] = {

    { NGX_HTTP_GET, "api/1/clients/*", ngx_paas_guard_api_client_args, NULL,
      ngx_paas_guard_api_get_client, ngx_paas_guard_api_write_client },

    { NGX_HTTP_DELETE, "api/1/clients/*", ngx_paas_guard_api_client_args,
      NULL, ngx_paas_guard_api_forget, ngx_paas_guard_api_write_forgotten },

    ngx_paas_guard_no_call
};
