/*
 * The status page: its call, which gathers what it shows, the indicators one
 * after the other.
 */

#include "ngx_paas_guard_page.h"


static ngx_int_t ngx_paas_guard_page_handler(ngx_paas_guard_api_t *api);
static void ngx_paas_guard_page_write(ngx_paas_guard_api_t *api);
static ngx_int_t ngx_paas_guard_page_zones(ngx_paas_guard_api_t *api,
    ngx_paas_guard_view_t *view);
static ngx_int_t ngx_paas_guard_page_headers(ngx_paas_guard_api_t *api);
static ngx_int_t ngx_paas_guard_page_slash(ngx_paas_guard_api_t *api);
static ngx_int_t ngx_paas_guard_page_slas(ngx_paas_guard_api_t *api);
static ngx_int_t ngx_paas_guard_page_month(ngx_paas_guard_api_t *api,
    ngx_paas_guard_sla_t *sla);
static void ngx_paas_guard_page_month_ready(ngx_paas_guard_month_t *m,
    ngx_int_t rc);
static ngx_int_t ngx_paas_guard_page_figures(ngx_paas_guard_api_t *api);


static const char *const  ngx_paas_guard_page_args[] = {
    "lang", "zone", NULL
};


const ngx_paas_guard_api_call_t  ngx_paas_guard_api_page[] = {

    { NGX_HTTP_GET, "", ngx_paas_guard_page_args, NULL,
      ngx_paas_guard_page_handler, ngx_paas_guard_page_write },

    ngx_paas_guard_no_call
};


static ngx_int_t
ngx_paas_guard_page_handler(ngx_paas_guard_api_t *api)
{
    ngx_int_t               rc;
    pguard_status_t        *s;
    ngx_http_request_t     *r;
    ngx_paas_guard_view_t  *view;

    r = api->request;

    /* the page's links begin at the location */

    if (r->uri.data[r->uri.len - 1] != '/') {
        return ngx_paas_guard_page_slash(api);
    }

    view = ngx_pcalloc(r->pool, sizeof(ngx_paas_guard_view_t));
    if (view == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_paas_guard_api_arg_lang(api);

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_page_zones(api, view);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    s = &view->status;

    ngx_paas_guard_core_str(s->host, api->gmcf->proxy);
    s->wall = api->wall;
    s->now = api->now;
    s->writable = api->writable;
    s->known_user = api->who.len != 0;

    ngx_paas_guard_page_view(view, api->gmcf->store);

    api->data = view;

    if (ngx_paas_guard_page_headers(api) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_paas_guard_page_slas(api);
}


static void
ngx_paas_guard_page_write(ngx_paas_guard_api_t *api)
{
    ngx_paas_guard_view_t  *view;

    view = api->data;

    if (view == NULL) {
        pguard_out_byte(&api->out, '\n');       /* of a redirect */
        return;
    }

    pguard_status_html(&api->out, &view->status, api->lang);
}


static ngx_int_t
ngx_paas_guard_page_zones(ngx_paas_guard_api_t *api,
    ngx_paas_guard_view_t *view)
{
    ngx_int_t               rc;
    ngx_paas_guard_zone_t  *zone, **one;

    rc = ngx_paas_guard_api_arg_zone(api, &zone);

    if (rc != NGX_OK) {
        return rc;
    }

    if (zone == NULL) {
        view->zones = api->gmcf->zones.elts;
        view->nzones = api->gmcf->zones.nelts;
        return NGX_OK;
    }

    one = ngx_palloc(api->request->pool, sizeof(ngx_paas_guard_zone_t *));
    if (one == NULL) {
        return NGX_ERROR;
    }

    *one = zone;

    view->zones = one;
    view->nzones = 1;
    ngx_paas_guard_core_str(view->status.only, zone->name);

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_page_headers(ngx_paas_guard_api_t *api)
{
    ngx_str_t  referrer = ngx_string("no-referrer");

    ngx_str_set(&api->type, "text/html; charset=utf-8");
    api->human = 1;

    if (ngx_paas_guard_add_header(api->request, "Content-Security-Policy",
                                  &api->gmcf->page_policy, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_paas_guard_add_header(api->request, "Referrer-Policy",
                                     &referrer, NULL);
}


static ngx_int_t
ngx_paas_guard_page_slash(ngx_paas_guard_api_t *api)
{
    u_char              *p;
    size_t               escape;
    ngx_str_t            location;
    ngx_http_request_t  *r;

    r = api->request;
    escape = 2 * ngx_escape_uri(NULL, r->uri.data, r->uri.len, NGX_ESCAPE_URI);

    location.len = r->uri.len + escape + 1 + (r->args.len ? 1 : 0)
                   + r->args.len;
    location.data = ngx_pnalloc(r->pool, location.len);

    if (location.data == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) ngx_escape_uri(location.data, r->uri.data, r->uri.len,
                                  NGX_ESCAPE_URI);
    *p++ = '/';

    if (r->args.len) {
        *p++ = '?';
        ngx_memcpy(p, r->args.data, r->args.len);
    }

    api->status = NGX_HTTP_MOVED_PERMANENTLY;
    ngx_str_set(&api->type, "text/html");

    return ngx_paas_guard_add_header(r, "Location", &location,
                                     &r->headers_out.location);
}


/* Indicator by indicator: what the other gateways have counted comes from the
   store, for which a call may have to wait. */

static ngx_int_t
ngx_paas_guard_page_slas(ngx_paas_guard_api_t *api)
{
    ngx_int_t                rc;
    ngx_paas_guard_sla_t    *sla, **slas;
    ngx_paas_guard_view_t   *view;

    view = api->data;
    slas = api->gmcf->slas.elts;

    while (view->next < api->gmcf->slas.nelts) {
        sla = slas[view->next++];

        if (view->status.only.len && sla->zone != view->zones[0]) {
            continue;
        }

        if (view->status.slas.n == NGX_PAAS_GUARD_PAGE_SLAS) {
            view->status.slas.more++;
            continue;
        }

        rc = ngx_paas_guard_page_month(api, sla);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_page_month(ngx_paas_guard_api_t *api, ngx_paas_guard_sla_t *sla)
{
    ngx_int_t               rc;
    pguard_month_span_t     span;
    pguard_status_sla_t    *t;
    ngx_paas_guard_view_t  *view;

    view = api->data;
    t = &view->sla[view->status.slas.n++];

    view->status.slas.of = view->sla;

    ngx_paas_guard_core_str(t->zone, sla->zone->name);
    ngx_paas_guard_core_str(t->name, sla->indicator->name);
    t->conditional = sla->indicator->conditional;

    if (!pguard_month_of(&sla->indicator->tz, ngx_time(), &span)) {
        return NGX_OK;
    }

    /* one for each: a fetch may outlive the month that it was for */

    view->month = ngx_pcalloc(api->request->pool,
                              sizeof(ngx_paas_guard_month_t));
    if (view->month == NULL) {
        return NGX_ERROR;
    }

    view->month->sla = sla;
    view->month->month = span.month;
    view->month->pool = api->request->pool;
    view->month->handler = ngx_paas_guard_page_month_ready;
    view->month->data = api;
    view->month->applicable = 1;

    rc = ngx_paas_guard_sla_month(view->month);

    return rc == NGX_OK ? ngx_paas_guard_page_figures(api) : rc;
}


static void
ngx_paas_guard_page_month_ready(ngx_paas_guard_month_t *m, ngx_int_t rc)
{
    ngx_paas_guard_api_t  *api;

    api = m->data;

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_page_figures(api);
    }

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_page_slas(api);
    }

    if (rc != NGX_AGAIN) {
        ngx_paas_guard_api_done(api, rc);
    }
}


/* The figures of the month that was read, and the outages that are open. */

static ngx_int_t
ngx_paas_guard_page_figures(ngx_paas_guard_api_t *api)
{
    size_t                   i;
    pguard_outage_t         *open;
    pguard_status_sla_t     *t;
    ngx_paas_guard_view_t   *view;
    ngx_paas_guard_month_t  *m;

    view = api->data;
    m = view->month;
    t = &view->sla[view->status.slas.n - 1];

    open = ngx_palloc(api->request->pool, NGX_PAAS_GUARD_PAGE_OUTAGES
                                          * sizeof(pguard_outage_t));
    if (open == NULL) {
        return NGX_ERROR;
    }

    t->known = 1;
    t->figures = m->figures;
    t->gateways = m->gateways;
    t->partial = m->partial;
    t->open = open;

    for (i = 0; i < m->in.outages; i++) {

        if (m->in.outage[i].end || m->in.outage[i].withdrawn) {
            continue;
        }

        if (t->opens < NGX_PAAS_GUARD_PAGE_OUTAGES) {
            open[t->opens++] = m->in.outage[i];

        } else {
            t->opens_more++;
        }
    }

    return NGX_OK;
}


/* At configuration time: the same for all pages. */

ngx_int_t
ngx_paas_guard_page_policy(ngx_conf_t *cf, ngx_paas_guard_main_conf_t *gmcf)
{
    u_char        buf[512];
    pguard_out_t  out;

    if (gmcf->page_policy.len) {
        return NGX_OK;
    }

    pguard_out_init(&out, buf, sizeof(buf));

    if (pguard_status_policy(&out) != 0 || out.need > sizeof(buf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"paas_guard_status\": SHA-256 failed");
        return NGX_ERROR;
    }

    gmcf->page_policy.data = ngx_pnalloc(cf->pool, out.need);
    if (gmcf->page_policy.data == NULL) {
        return NGX_ERROR;
    }

    gmcf->page_policy.len = out.need;
    ngx_memcpy(gmcf->page_policy.data, buf, out.need);

    return NGX_OK;
}
