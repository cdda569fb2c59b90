#include "ngx_paas_guard.h"
#include "../core/pguard_utc.h"


#define NGX_PAAS_GUARD_PAGE    65536
#define NGX_PAAS_GUARD_BLOCKS  1000       /* in one answer, at most */


typedef struct {
    ngx_http_request_t           *request;
    ngx_paas_guard_main_conf_t   *gmcf;
    pguard_out_t                  out;
    pguard_msec_t                 now;      /* monotonic */
    uint64_t                      wall;     /* at the same time, since 1970 */
    ngx_str_t                     rest;     /* of the path, after the call's */
} ngx_paas_guard_call_ctx_t;

/* NGX_OK: out holds the answer; else the status of a problem. */

typedef ngx_int_t (*ngx_paas_guard_api_pt)(ngx_paas_guard_call_ctx_t *call);

typedef struct {
    ngx_uint_t                    method;
    ngx_str_t                     path;     /* ends with "/": an id follows */
    ngx_paas_guard_api_pt         handler;
} ngx_paas_guard_api_t;


static ngx_int_t ngx_paas_guard_api_zones(ngx_paas_guard_call_ctx_t *call);
static ngx_int_t ngx_paas_guard_api_blocks(ngx_paas_guard_call_ctx_t *call);
static ngx_int_t ngx_paas_guard_api_lift(ngx_paas_guard_call_ctx_t *call);


static ngx_paas_guard_api_t  ngx_paas_guard_api[] = {
    { NGX_HTTP_GET, ngx_string("api/1/zones"), ngx_paas_guard_api_zones },
    { NGX_HTTP_GET, ngx_string("api/1/blocks"), ngx_paas_guard_api_blocks },
    { NGX_HTTP_DELETE, ngx_string("api/1/blocks/"), ngx_paas_guard_api_lift }
};

#define NGX_PAAS_GUARD_CALLS  (sizeof(ngx_paas_guard_api)                     \
                               / sizeof(ngx_paas_guard_api[0]))


static void
ngx_paas_guard_json_str(pguard_out_t *out, const char *name, pguard_str_t s)
{
    pguard_out_byte(out, '"');
    pguard_out_text(out, name);
    pguard_out_text(out, "\":\"");
    pguard_out_json(out, s);
    pguard_out_byte(out, '"');
}


static void
ngx_paas_guard_json_uint(pguard_out_t *out, const char *name, uint64_t n)
{
    pguard_out_byte(out, '"');
    pguard_out_text(out, name);
    pguard_out_text(out, "\":");
    pguard_out_uint(out, n);
}


static void
ngx_paas_guard_json_time(ngx_paas_guard_call_ctx_t *call, const char *name,
    pguard_msec_t at)
{
    pguard_out_byte(&call->out, '"');
    pguard_out_text(&call->out, name);
    pguard_out_text(&call->out, "\":\"");
    pguard_utc_out(&call->out, call->wall + at - call->now);
    pguard_out_byte(&call->out, '"');
}


static void
ngx_paas_guard_api_zone(pguard_out_t *out, ngx_paas_guard_zone_t *zone,
    pguard_msec_t now)
{
    pguard_str_t  name;

    ngx_paas_guard_core_str(name, zone->name);

    pguard_out_byte(out, '{');
    ngx_paas_guard_json_str(out, "name", name);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_uint(out, "bytes", zone->shm_zone->shm.size);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_uint(out, "blocks_active",
                             ngx_paas_guard_active_blocks(zone, now));
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_uint(out, "blocks_capacity",
                             zone->core.blocks.capacity);
    pguard_out_byte(out, '}');
}


static ngx_int_t
ngx_paas_guard_api_zones(ngx_paas_guard_call_ctx_t *call)
{
    ngx_uint_t               i;
    ngx_paas_guard_zone_t  **zones;

    zones = call->gmcf->zones.elts;

    pguard_out_text(&call->out, "{\"zones\":[");

    for (i = 0; i < call->gmcf->zones.nelts; i++) {

        if (i) {
            pguard_out_byte(&call->out, ',');
        }

        ngx_paas_guard_api_zone(&call->out, zones[i], call->now);
    }

    pguard_out_text(&call->out, "]}\n");

    return NGX_OK;
}


static void
ngx_paas_guard_api_block(ngx_paas_guard_call_ctx_t *call,
    ngx_paas_guard_zone_t *zone, const pguard_block_t *b)
{
    pguard_out_t  *out;
    pguard_str_t   s;
    unsigned char  hex[PGUARD_ID_HEX_LEN];

    out = &call->out;

    s.data = b->event;
    s.len = PGUARD_EVENT_LEN;
    pguard_out_byte(out, '{');
    ngx_paas_guard_json_str(out, "id", s);

    ngx_paas_guard_core_str(s, zone->name);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_str(out, "zone", s);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_str(out, "rule",
                            pguard_zone_name(&zone->core, PGUARD_NAME_RULE,
                                             b->rule));
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_str(out, "service",
                            pguard_zone_name(&zone->core, PGUARD_NAME_SERVICE,
                                             b->service));

    (void) pguard_hex(hex, b->id.bytes, PGUARD_ID_LEN);
    s.data = hex;
    s.len = sizeof(hex);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_str(out, "key", s);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_str(out, "reason", pguard_reason_names[b->reason]);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_uint(out, "count", b->count);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_uint(out, "limit", b->limit);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_uint(out, "window_ms", b->window);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_uint(out, "offence", b->step);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_uint(out, "refused", b->refused);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_time(call, "since", b->since);
    pguard_out_byte(out, ',');
    ngx_paas_guard_json_time(call, "until", b->until);
    pguard_out_byte(out, '}');
}


static ngx_uint_t
ngx_paas_guard_api_zone_wanted(ngx_paas_guard_call_ctx_t *call,
    ngx_paas_guard_zone_t *zone)
{
    ngx_str_t  value;

    if (ngx_http_arg(call->request, (u_char *) "zone", 4, &value) != NGX_OK) {
        return 1;
    }

    return ngx_paas_guard_equal(&value, &zone->name);
}


static ngx_int_t
ngx_paas_guard_api_blocks(ngx_paas_guard_call_ctx_t *call)
{
    uint64_t                 pos;
    ngx_uint_t               i, n;
    pguard_block_t           b, *next;
    ngx_paas_guard_zone_t  **zones;

    zones = call->gmcf->zones.elts;
    n = 0;

    pguard_out_text(&call->out, "{\"blocks\":[");

    for (i = 0; i < call->gmcf->zones.nelts; i++) {

        if (!ngx_paas_guard_api_zone_wanted(call, zones[i])) {
            continue;
        }

        for (pos = 0; n < NGX_PAAS_GUARD_BLOCKS; /* void */ ) {

            next = pguard_block_next(&zones[i]->core.blocks, &pos, call->now);
            if (next == NULL) {
                break;
            }

            if (!pguard_block_copy(next, next->key, call->now, &b)) {
                continue;
            }

            if (n++) {
                pguard_out_byte(&call->out, ',');
            }

            ngx_paas_guard_api_block(call, zones[i], &b);
        }
    }

    pguard_out_text(&call->out, "],");
    pguard_out_text(&call->out, n == NGX_PAAS_GUARD_BLOCKS
                                ? "\"more\":true}\n" : "\"more\":false}\n");

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_api_lift(ngx_paas_guard_call_ctx_t *call)
{
    ngx_uint_t               i;
    pguard_block_t           b;
    ngx_paas_guard_zone_t  **zones;

    zones = call->gmcf->zones.elts;

    if (call->rest.len != PGUARD_EVENT_LEN) {
        return NGX_HTTP_NOT_FOUND;
    }

    for (i = 0; i < call->gmcf->zones.nelts; i++) {

        if (ngx_paas_guard_zone_lift(zones[i], call->rest.data, call->now, &b)
            == NGX_OK)
        {
            pguard_out_text(&call->out, "{\"lifted\":");
            ngx_paas_guard_api_block(call, zones[i], &b);
            pguard_out_text(&call->out, "}\n");
            return NGX_OK;
        }
    }

    return NGX_HTTP_NOT_FOUND;
}


static void
ngx_paas_guard_problem(pguard_out_t *out, ngx_int_t status)
{
    ngx_uint_t  i;

    static const struct {
        ngx_int_t    status;
        const char  *title;
    } titles[] = {
        { NGX_HTTP_FORBIDDEN, "Writing is not enabled here" },
        { NGX_HTTP_NOT_FOUND, "There is no such thing" },
        { NGX_HTTP_NOT_ALLOWED, "The method is not allowed" },
        { NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
          "Writing takes Content-Type: application/json" }
    };

    /* the last is for whatever else */

    for (i = 0;
         i < sizeof(titles) / sizeof(titles[0]) - 1
         && titles[i].status != status;
         i++)
    { /* void */ }

    pguard_out_text(out, "{\"type\":\"about:blank\",\"title\":\"");
    pguard_out_text(out, titles[i].title);
    pguard_out_text(out, "\",");
    ngx_paas_guard_json_uint(out, "status", status);
    pguard_out_text(out, "}\n");
}


static ngx_uint_t
ngx_paas_guard_is_json(ngx_http_request_t *r)
{
    ngx_str_t  *type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;

    return type->len >= sizeof("application/json") - 1
           && ngx_strncasecmp(type->data, (u_char *) "application/json",
                              sizeof("application/json") - 1)
              == 0
           && (type->len == sizeof("application/json") - 1
               || type->data[sizeof("application/json") - 1] == ';'
               || type->data[sizeof("application/json") - 1] == ' ');
}


/* Finds the call of a path, and whether it may be made. */

static ngx_int_t
ngx_paas_guard_api_find(ngx_http_request_t *r, ngx_str_t *path,
    ngx_paas_guard_api_t **found, ngx_str_t *rest)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i, prefix;
    ngx_paas_guard_api_t       *api;
    ngx_paas_guard_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_paas_guard_module);
    rc = NGX_HTTP_NOT_FOUND;

    for (i = 0; i < NGX_PAAS_GUARD_CALLS; i++) {
        api = &ngx_paas_guard_api[i];
        prefix = api->path.data[api->path.len - 1] == '/';

        if (path->len < api->path.len
            || (!prefix && path->len != api->path.len)
            || ngx_strncmp(path->data, api->path.data, api->path.len) != 0)
        {
            continue;
        }

        if (r->method != api->method
            && !(r->method == NGX_HTTP_HEAD && api->method == NGX_HTTP_GET))
        {
            rc = NGX_HTTP_NOT_ALLOWED;
            continue;
        }

        if (api->method != NGX_HTTP_GET && glcf->status != 2) {
            return NGX_HTTP_FORBIDDEN;
        }

        /* which no page of another site can send */

        if (api->method != NGX_HTTP_GET && !ngx_paas_guard_is_json(r)) {
            return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
        }

        *found = api;
        rest->data = path->data + api->path.len;
        rest->len = path->len - api->path.len;

        return NGX_OK;
    }

    return rc;
}


static ngx_int_t
ngx_paas_guard_status_send(ngx_http_request_t *r, ngx_int_t status,
    ngx_buf_t *b)
{
    static ngx_str_t  json = ngx_string("application/json");
    static ngx_str_t  problem = ngx_string("application/problem+json");
    static ngx_str_t  no_store = ngx_string("no-store");

    b->last_buf = 1;
    b->last_in_chain = 1;

    r->headers_out.status = status == NGX_OK ? NGX_HTTP_OK : status;
    r->headers_out.content_length_n = b->last - b->pos;
    r->headers_out.content_type = status == NGX_OK ? json : problem;
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    if (ngx_paas_guard_add_header(r, "Cache-Control", &no_store, NULL)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_paas_guard_send_buf(r, b);
}


static ngx_int_t
ngx_paas_guard_status_handler(ngx_http_request_t *r)
{
    size_t                      size;
    ngx_int_t                   rc;
    ngx_buf_t                  *b;
    ngx_str_t                   path;
    ngx_time_t                 *tp;
    ngx_paas_guard_api_t       *api;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_paas_guard_call_ctx_t   call;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    path = r->uri;
    path.data += ngx_min(clcf->name.len, path.len);
    path.len -= ngx_min(clcf->name.len, path.len);

    if (path.len && path.data[0] == '/') {
        path.data++;
        path.len--;
    }

    call.request = r;
    call.gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);
    call.now = ngx_paas_guard_clock(NULL);

    tp = ngx_timeofday();
    call.wall = (uint64_t) tp->sec * 1000 + tp->msec;

    api = NULL;
    rc = ngx_paas_guard_api_find(r, &path, &api, &call.rest);

    for (size = NGX_PAAS_GUARD_PAGE; /* void */ ; size = call.out.need + 4096)
    {
        b = ngx_create_temp_buf(r->pool, size);
        if (b == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        pguard_out_init(&call.out, b->pos, size);

        if (rc == NGX_OK) {
            rc = api->handler(&call);
        }

        if (rc != NGX_OK) {
            ngx_paas_guard_problem(&call.out, rc);
        }

        /* only what reads has so much to say that it is asked twice */

        if (call.out.need <= size) {
            b->last = call.out.pos;
            return ngx_paas_guard_status_send(r, rc, b);
        }
    }
}


char *
ngx_paas_guard_api_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t                 *args;
    ngx_http_core_loc_conf_t  *clcf;

    if (glcf->status) {
        return "is duplicate";
    }

    args = cf->args->elts;
    glcf->status = 1;

    if (cf->args->nelts == 2) {

        if (!ngx_paas_guard_same(&args[1], "write=on")) {
            return ngx_paas_guard_invalid(cf, cmd, &args[1], "write=on");
        }

        glcf->status = 2;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_paas_guard_status_handler;

    return NGX_CONF_OK;
}
