/*
 * Forgets a client, at the end of its contract: in the zones, their files and
 * the store.  The answer waits for all of them.
 */

#include "ngx_paas_guard_api.h"
#include "ngx_paas_guard_zone.h"


#define NGX_PAAS_GUARD_FORGET_POLL     50        /* ms */
#define NGX_PAAS_GUARD_FORGET_TIMEOUT  10000


/* A client that is being forgotten.  If the request that asked for it is gone,
   api is NULL, and it goes on. */

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


/* What has become of it in a place where it may be kept. */

typedef enum {
    NGX_PAAS_GUARD_FORGOTTEN_NONE = 0,          /* there is no such place */
    NGX_PAAS_GUARD_FORGOTTEN_ERASED,
    NGX_PAAS_GUARD_FORGOTTEN_PENDING
} ngx_paas_guard_forgotten_e;


static void ngx_paas_guard_forget_asked(void *data,
    ngx_paas_guard_result_e result, ngx_paas_guard_reply_t *reply);
static void ngx_paas_guard_forget_timer(ngx_event_t *ev);
static void ngx_paas_guard_forget_cleanup(void *data);


static const pguard_str_t  ngx_paas_guard_forgotten_names[] = {
    pguard_string("none"),
    pguard_string("erased"),
    pguard_string("pending")
};


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


/* Have the zone's file and the store forgotten it? */

static ngx_paas_guard_forgotten_e
ngx_paas_guard_forget_state(ngx_paas_guard_forget_t *zone)
{
    if (zone->zone->state.len == 0) {
        return NGX_PAAS_GUARD_FORGOTTEN_NONE;
    }

    return pguard_zone_is_kept(&zone->zone->core) >= zone->change
           ? NGX_PAAS_GUARD_FORGOTTEN_ERASED
           : NGX_PAAS_GUARD_FORGOTTEN_PENDING;
}


static ngx_paas_guard_forgotten_e
ngx_paas_guard_forget_redis(ngx_paas_guard_forgetting_t *f)
{
    if (f->gmcf->store == NULL) {
        return NGX_PAAS_GUARD_FORGOTTEN_NONE;
    }

    return f->calls || f->refused ? NGX_PAAS_GUARD_FORGOTTEN_PENDING
                                  : NGX_PAAS_GUARD_FORGOTTEN_ERASED;
}


static ngx_uint_t
ngx_paas_guard_forget_complete(ngx_paas_guard_forgetting_t *f)
{
    ngx_uint_t  i;

    for (i = 0; i < f->nzones; i++) {
        if (f->zones[i].left
            || ngx_paas_guard_forget_state(&f->zones[i])
               == NGX_PAAS_GUARD_FORGOTTEN_PENDING)
        {
            return 0;
        }
    }

    return ngx_paas_guard_forget_redis(f) != NGX_PAAS_GUARD_FORGOTTEN_PENDING;
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
    rec.str[PGUARD_AUDIT_REDIS] = ngx_paas_guard_forgotten_names[
                                            ngx_paas_guard_forget_redis(f)];

    for (i = 0; i < f->nzones; i++) {
        zone = &f->zones[i];

        ngx_paas_guard_core_str(rec.str[PGUARD_AUDIT_ZONE], zone->zone->name);
        rec.num[PGUARD_AUDIT_COUNTS] = zone->counts;
        rec.num[PGUARD_AUDIT_BLOCKS] = zone->blocks;
        rec.num[PGUARD_AUDIT_EVENTS] = zone->events;
        rec.str[PGUARD_AUDIT_STATE_FILE] = ngx_paas_guard_forgotten_names[
                                           ngx_paas_guard_forget_state(zone)];

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
        pguard_writer_str(w, "state_file",
                          ngx_paas_guard_forgotten_names[
                              ngx_paas_guard_forget_state(&f->zones[i])]);
        pguard_writer_str(w, "redis",
                          ngx_paas_guard_forgotten_names[
                              ngx_paas_guard_forget_redis(f)]);
        pguard_writer_close(w, '}');
    }

    pguard_writer_close(w, ']');
    pguard_writer_close(w, '}');
    pguard_writer_close(w, '}');
    pguard_out_byte(&api->out, '\n');
}


static const char *const  ngx_paas_guard_api_forget_args[] = { "zone", NULL };


const ngx_paas_guard_api_call_t  ngx_paas_guard_api_forgets[] = {

    { NGX_HTTP_DELETE, "api/1/clients/*", ngx_paas_guard_api_forget_args,
      NULL, ngx_paas_guard_api_forget, ngx_paas_guard_api_write_forgotten },

    ngx_paas_guard_no_call
};
