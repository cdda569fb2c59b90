/*
 * Calls of the JSON API: finds the call of a path, checks whether it may be
 * made, runs it, and sends its answer.  See ngx_paas_guard_api.h.
 */

#include "ngx_paas_guard_api.h"


#define NGX_PAAS_GUARD_API_PAGE  (16 * 1024)     /* of an answer, at first */


static ngx_int_t ngx_paas_guard_api_find(ngx_paas_guard_api_t *api);
static ngx_int_t ngx_paas_guard_api_allow(ngx_paas_guard_api_t *api,
    pguard_route_t *route);
static void ngx_paas_guard_api_body_handler(ngx_http_request_t *r);
static void ngx_paas_guard_api_run(ngx_paas_guard_api_t *api, ngx_int_t rc);
static void ngx_paas_guard_api_finish(ngx_paas_guard_api_t *api,
    ngx_int_t rc);
static ngx_buf_t *ngx_paas_guard_api_render(ngx_paas_guard_api_t *api);
static ngx_int_t ngx_paas_guard_api_send(ngx_paas_guard_api_t *api,
    ngx_buf_t *b);


static const ngx_paas_guard_api_call_t  *ngx_paas_guard_api_tables[] = {
    ngx_paas_guard_api_zones,
    ngx_paas_guard_api_blocks,
    ngx_paas_guard_api_clients,
    ngx_paas_guard_api_forgets,
    ngx_paas_guard_api_slas,
    ngx_paas_guard_api_outages,
    ngx_paas_guard_api_page
};

#define NGX_PAAS_GUARD_API_TABLES  (sizeof(ngx_paas_guard_api_tables)         \
                                    / sizeof(ngx_paas_guard_api_tables[0]))


static const struct {
    ngx_uint_t  method;
    ngx_str_t   names;
} ngx_paas_guard_api_methods[] = {
    { NGX_HTTP_GET, ngx_string("GET, HEAD") },
    { NGX_HTTP_POST, ngx_string("POST") },
    { NGX_HTTP_PUT, ngx_string("PUT") },
    { NGX_HTTP_PATCH, ngx_string("PATCH") },
    { NGX_HTTP_DELETE, ngx_string("DELETE") }
};

#define NGX_PAAS_GUARD_API_METHODS  (sizeof(ngx_paas_guard_api_methods)       \
                                     / sizeof(ngx_paas_guard_api_methods[0]))


static ngx_int_t
ngx_paas_guard_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc, discarded;
    ngx_uint_t                  n;
    pguard_str_t                lines[NGX_PAAS_GUARD_LINES];
    ngx_paas_guard_api_t       *api;
    ngx_paas_guard_loc_conf_t  *glcf;

    api = ngx_pcalloc(r->pool, sizeof(ngx_paas_guard_api_t));
    if (api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_paas_guard_module);

    api->request = r;
    api->gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);
    api->writable = (glcf->status == NGX_PAAS_GUARD_STATUS_WRITE);
    api->status = NGX_HTTP_OK;
    ngx_str_set(&api->type, "application/json");

    /* no answer is of what If-Match and the like could be about */

    r->disable_not_modified = 1;

    (void) ngx_paas_guard_header_lines(r, "accept-language", lines,
                                       NGX_PAAS_GUARD_LINES, &n);
    api->lang = pguard_negotiate_lang(lines, n);

    if (ngx_http_auth_basic_user(r) == NGX_OK) {
        ngx_paas_guard_core_str(api->who, r->headers_in.user);
    }

    ngx_http_set_ctx(r, api, ngx_paas_guard_filter_module);

    rc = ngx_paas_guard_api_find(api);

    if (rc == NGX_OK && api->call->method != NGX_HTTP_GET) {
        r->request_body_in_single_buf = 1;

        rc = ngx_http_read_client_request_body(r,
                                             ngx_paas_guard_api_body_handler);

        return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
    }

    discarded = ngx_http_discard_request_body(r);

    if (discarded != NGX_OK) {
        return discarded;
    }

    /* as after a body: what runs ends the request by itself */

    r->main->count++;
    ngx_paas_guard_api_run(api, rc);

    return NGX_DONE;
}


/* Is path the location of a name with so many bytes, or below it?  /statusx
   begins with /status, too. */

static ngx_uint_t
ngx_paas_guard_api_below(pguard_str_t path, size_t len)
{
    return len == 0 || path.len <= len || path.data[len] == '/'
           || path.data[len - 1] == '/';
}


/* The call of the path: NGX_OK, or NGX_DECLINED where it may not be made. */

static ngx_int_t
ngx_paas_guard_api_find(ngx_paas_guard_api_t *api)
{
    u_char                       *p;
    ngx_uint_t                    i;
    pguard_str_t                  raw, path;
    pguard_route_t                route;
    ngx_http_request_t           *r;
    ngx_http_core_loc_conf_t     *clcf;
    const ngx_paas_guard_api_call_t  *call;

    r = api->request;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_paas_guard_core_str(path, r->uri);
    ngx_paas_guard_core_str(raw, r->unparsed_uri);

    p = ngx_strlchr(r->unparsed_uri.data,
                    r->unparsed_uri.data + r->unparsed_uri.len, '?');
    if (p) {
        raw.len = p - r->unparsed_uri.data;
    }

    if (!ngx_paas_guard_api_below(path, clcf->name.len)
        || pguard_route_split(&route, raw, path, clcf->name.len) != 0)
    {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_NO_CALL, "");
    }

    for (i = 0; i < NGX_PAAS_GUARD_API_TABLES; i++) {

        for (call = ngx_paas_guard_api_tables[i]; call->pattern; call++) {

            if ((r->method == call->method
                 || (r->method == NGX_HTTP_HEAD
                     && call->method == NGX_HTTP_GET))
                && pguard_route_match(&route, call->pattern, api->star))
            {
                api->call = call;

                if (call->method != NGX_HTTP_GET
                    && ngx_paas_guard_api_may_write(api) != NGX_OK)
                {
                    return NGX_DECLINED;
                }

                return ngx_paas_guard_api_check_args(api);
            }
        }
    }

    return ngx_paas_guard_api_allow(api, &route);
}


/* No call has this method and this path: which methods has this path? */

static ngx_int_t
ngx_paas_guard_api_allow(ngx_paas_guard_api_t *api, pguard_route_t *route)
{
    u_char                        buf[128], *p;
    ngx_str_t                     allow;
    ngx_uint_t                    i, m, methods;
    const ngx_paas_guard_api_call_t  *call;

    methods = 0;

    for (i = 0; i < NGX_PAAS_GUARD_API_TABLES; i++) {
        for (call = ngx_paas_guard_api_tables[i]; call->pattern; call++) {
            if (pguard_route_match(route, call->pattern, api->star)) {
                methods |= call->method;
            }
        }
    }

    if (methods == 0) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_NO_CALL, "");
    }

    p = buf;

    for (m = 0; m < NGX_PAAS_GUARD_API_METHODS; m++) {
        if (methods & ngx_paas_guard_api_methods[m].method) {
            p = ngx_slprintf(p, buf + sizeof(buf), "%s%V", p == buf ? "" : ", ",
                             &ngx_paas_guard_api_methods[m].names);
        }
    }

    allow.len = p - buf;
    allow.data = ngx_pnalloc(api->request->pool, allow.len);

    if (allow.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(allow.data, buf, allow.len);

    if (ngx_paas_guard_add_header(api->request, "Allow", &allow, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_METHOD, "");
}


ngx_int_t
ngx_paas_guard_api_problem(ngx_paas_guard_api_t *api, pguard_problem_e problem,
    pguard_str_t name)
{
    api->problem = problem;
    api->problem_name = name;

    return NGX_DECLINED;
}


ngx_int_t
ngx_paas_guard_api_wrong(ngx_paas_guard_api_t *api, pguard_problem_e problem,
    const char *name)
{
    pguard_str_t  s;

    s.data = (u_char *) name;
    s.len = ngx_strlen(name);

    return ngx_paas_guard_api_problem(api, problem, s);
}


static void
ngx_paas_guard_api_body_handler(ngx_http_request_t *r)
{
    ngx_paas_guard_api_t  *api;

    api = ngx_http_get_module_ctx(r, ngx_paas_guard_filter_module);

    ngx_paas_guard_api_run(api, ngx_paas_guard_api_body(api));
}


/* Runs the call, which is of now, unless rc says that something was wrong
   already. */

static void
ngx_paas_guard_api_run(ngx_paas_guard_api_t *api, ngx_int_t rc)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    api->now = ngx_paas_guard_clock(NULL);
    api->wall = (uint64_t) tp->sec * 1000 + tp->msec;

    if (rc == NGX_OK && api->call->handler) {
        rc = api->call->handler(api);
    }

    if (rc == NGX_AGAIN) {
        api->waiting = 1;
        ngx_paas_guard_wait(api->request);
        return;
    }

    ngx_paas_guard_api_finish(api, rc);
}


void
ngx_paas_guard_api_done(ngx_paas_guard_api_t *api, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    if (!api->waiting) {
        return;
    }

    api->waiting = 0;

    r = api->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;

    ngx_paas_guard_api_finish(api, rc);

    /* r may be gone here */

    ngx_http_run_posted_requests(c);
}


static void
ngx_paas_guard_api_finish(ngx_paas_guard_api_t *api, ngx_int_t rc)
{
    ngx_buf_t           *b;
    ngx_http_request_t  *r;

    r = api->request;

    if (rc == NGX_ERROR) {
        (void) ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMORY, "");
    }

    b = ngx_paas_guard_api_render(api);

    ngx_http_finalize_request(r, b ? ngx_paas_guard_api_send(api, b)
                                   : NGX_HTTP_INTERNAL_SERVER_ERROR);
}


static ngx_buf_t *
ngx_paas_guard_api_render(ngx_paas_guard_api_t *api)
{
    size_t      size;
    ngx_buf_t  *b;

    for (size = NGX_PAAS_GUARD_API_PAGE; /* void */ ;
         size = api->out.need + 4096)
    {
        b = ngx_create_temp_buf(api->request->pool, size);
        if (b == NULL) {
            return NULL;
        }

        pguard_out_init(&api->out, b->pos, size);
        pguard_writer_init(&api->writer, &api->out);

        if (api->problem) {
            pguard_problem_out(&api->out, api->problem, api->problem_name,
                               api->lang);
        } else {
            api->call->write(api);
        }

        if (api->out.need <= size) {
            b->last = api->out.pos;
            return b;
        }

        (void) ngx_pfree(api->request->pool, b->start);
    }
}


static ngx_int_t
ngx_paas_guard_api_headers(ngx_paas_guard_api_t *api)
{
    ngx_str_t            language;
    ngx_http_request_t  *r;

    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  no_sniff = ngx_string("nosniff");
    static ngx_str_t  vary = ngx_string("Accept, Accept-Language");

    r = api->request;

    if (ngx_paas_guard_add_header(r, "Cache-Control", &no_store, NULL)
        != NGX_OK
        || ngx_paas_guard_add_header(r, "X-Content-Type-Options", &no_sniff,
                                     NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!api->problem && !api->human) {
        return NGX_OK;
    }

    language.len = pguard_lang_names[api->lang].len;
    language.data = (u_char *) pguard_lang_names[api->lang].data;

    if (ngx_paas_guard_add_header(r, "Content-Language", &language, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_paas_guard_add_header(r, "Vary", &vary, NULL);
}


static ngx_int_t
ngx_paas_guard_api_send(ngx_paas_guard_api_t *api, ngx_buf_t *b)
{
    ngx_http_request_t  *r;

    static ngx_str_t  problem = ngx_string("application/problem+json");

    r = api->request;

    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    r->headers_out.status = api->problem ? pguard_problem_status(api->problem)
                                         : api->status;
    r->headers_out.content_length_n = b->last - b->pos;
    r->headers_out.content_type = api->problem ? problem : api->type;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (ngx_paas_guard_api_headers(api) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_paas_guard_send_buf(r, b);
}


void
ngx_paas_guard_api_time(ngx_paas_guard_api_t *api, const char *name,
    pguard_msec_t at)
{
    pguard_writer_utc(&api->writer, name, api->wall + at - api->now);
}


void
ngx_paas_guard_api_action(ngx_paas_guard_api_t *api,
    pguard_audit_record_t *rec, const char *what)
{
    ngx_memzero(rec, sizeof(pguard_audit_record_t));

    rec->type = PGUARD_AUDIT_OPERATOR_ACTION;
    rec->str[PGUARD_AUDIT_WHO] = api->who;
    rec->str[PGUARD_AUDIT_WHY] = api->why;
    rec->str[PGUARD_AUDIT_WHAT].data = (u_char *) what;
    rec->str[PGUARD_AUDIT_WHAT].len = ngx_strlen(what);
}


/* Calls are found by what follows the location's name.  Without its slash, that
   only leads to the name with one, which no exact location has. */

static ngx_uint_t
ngx_paas_guard_api_is_prefix(ngx_http_core_loc_conf_t *clcf)
{
#if (NGX_PCRE)
    if (clcf->regex) {
        return 0;
    }
#endif

    return !clcf->named
           && (!clcf->exact_match
               || (clcf->name.len
                   && clcf->name.data[clcf->name.len - 1] == '/'));
}


char *
ngx_paas_guard_api_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_paas_guard_loc_conf_t *glcf = conf;

    ngx_str_t                   *args;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_paas_guard_main_conf_t  *gmcf;

    if (glcf->status) {
        return "is duplicate";
    }

    args = cf->args->elts;
    glcf->status = NGX_PAAS_GUARD_STATUS_READ;

    if (cf->args->nelts == 2) {

        if (!ngx_paas_guard_same(&args[1], "write=on")) {
            return ngx_paas_guard_invalid(cf, cmd, &args[1], "write=on");
        }

        glcf->status = NGX_PAAS_GUARD_STATUS_WRITE;
    }

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_paas_guard_module);

    if (ngx_paas_guard_page_policy(cf, gmcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (!ngx_paas_guard_api_is_prefix(clcf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": location \"%V\" is not a prefix: "
                           "expected one like /status/",
                           &cmd->name, &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (clcf->name.len && clcf->name.data[clcf->name.len - 1] == '/') {
        clcf->auto_redirect = 1;
    }

    return ngx_paas_guard_set_content(cf, cmd, glcf,
                                      ngx_paas_guard_api_handler);
}


/* A body that is read is in memory, and too long a one is refused here, in
   JSON. */

void
ngx_paas_guard_api_merge(ngx_conf_t *cf, ngx_paas_guard_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == ngx_paas_guard_api_handler && conf->zone == NULL) {
        clcf->client_max_body_size = 0;
        clcf->client_body_buffer_size = ngx_max(clcf->client_body_buffer_size,
                                                NGX_PAAS_GUARD_API_BODY);
    }
}
