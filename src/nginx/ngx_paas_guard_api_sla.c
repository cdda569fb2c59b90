/*
 * The report of an indicator's month, and which indicator a call is about.
 */

#include "ngx_paas_guard_api_sla.h"


#define NGX_PAAS_GUARD_API_RUNS  1000       /* measured ones that are listed */


static ngx_int_t ngx_paas_guard_api_report_month(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call);
static ngx_int_t ngx_paas_guard_api_report_format(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call);
static ngx_int_t ngx_paas_guard_api_report_applies(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call);
static ngx_int_t ngx_paas_guard_api_report_headers(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call);


ngx_int_t
ngx_paas_guard_api_sla_call(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t **call)
{
    ngx_int_t                rc;
    ngx_str_t                name;
    ngx_uint_t               i;
    ngx_paas_guard_sla_t   **slas;
    ngx_paas_guard_zone_t   *zone;

    rc = ngx_paas_guard_api_arg_zone(api, &zone);

    if (rc != NGX_OK) {
        return rc;
    }

    name.data = (u_char *) api->star[0].data;
    name.len = api->star[0].len;
    slas = api->gmcf->slas.elts;

    for (i = 0; i < api->gmcf->slas.nelts; i++) {

        if ((zone && slas[i]->zone != zone)
            || !ngx_paas_guard_equal(&slas[i]->indicator->name, &name))
        {
            continue;
        }

        *call = ngx_pcalloc(api->request->pool,
                            sizeof(ngx_paas_guard_api_sla_t));
        if (*call == NULL) {
            return NGX_ERROR;
        }

        (*call)->sla = slas[i];
        (*call)->month.sla = slas[i];
        (*call)->month.pool = api->request->pool;
        (*call)->month.data = api;
        (*call)->month.applicable = 1;
        api->data = *call;

        return NGX_OK;
    }

    return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_INDICATOR,
                                      api->star[0]);
}


/* GET api/1/sla: what there is, as this gateway alone has counted it */

static void
ngx_paas_guard_api_sla_list(ngx_paas_guard_api_t *api)
{
    ngx_uint_t                    i;
    pguard_str_t                  s;
    pguard_writer_t              *w;
    ngx_paas_guard_sla_t        **slas;
    const pguard_figures_t       *f;
    ngx_paas_guard_indicator_t   *indicator;

    w = &api->writer;
    slas = api->gmcf->slas.elts;

    pguard_writer_open(w, NULL, '{');
    pguard_writer_open(w, "indicators", '[');

    for (i = 0; i < api->gmcf->slas.nelts; i++) {
        indicator = slas[i]->indicator;
        f = ngx_paas_guard_sla_figures(slas[i]);

        pguard_writer_open(w, NULL, '{');

        ngx_paas_guard_core_str(s, indicator->name);
        pguard_writer_str(w, "indicator", s);
        ngx_paas_guard_core_str(s, slas[i]->zone->name);
        pguard_writer_str(w, "zone", s);
        ngx_paas_guard_core_str(s, indicator->timezone);
        pguard_writer_str(w, "timezone", s);
        pguard_writer_flag(w, "conditional", indicator->conditional != 0);
        pguard_writer_decimal(w, "target", indicator->rule.target_ppm, 6);

        if (f) {
            pguard_writer_uint(w, "downtime_seconds", f->down);
        }

        if (f && f->time.whole) {
            pguard_writer_decimal(w, "availability", pguard_ratio(f->time),
                                  PGUARD_RATIO_PLACES);
        } else {
            pguard_writer_null(w, "availability");
        }

        pguard_writer_close(w, '}');
    }

    pguard_writer_close(w, ']');
    pguard_writer_close(w, '}');
    pguard_out_byte(&api->out, '\n');
}


/* GET api/1/sla/{indicator} */

static void
ngx_paas_guard_api_report_ready(ngx_paas_guard_month_t *m, ngx_int_t rc)
{
    ngx_paas_guard_api_done(m->data, rc);
}


static ngx_int_t
ngx_paas_guard_api_report(ngx_paas_guard_api_t *api)
{
    ngx_int_t                  rc;
    ngx_paas_guard_api_sla_t  *call;

    rc = ngx_paas_guard_api_sla_call(api, &call);

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_api_report_month(api, call);
    }

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_api_report_format(api, call);
    }

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_api_arg_lang(api);
    }

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_api_report_applies(api, call);
    }

    if (rc == NGX_OK) {
        rc = ngx_paas_guard_api_report_headers(api, call);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    call->month.handler = ngx_paas_guard_api_report_ready;

    return ngx_paas_guard_sla_month(&call->month);
}


static ngx_int_t
ngx_paas_guard_api_report_month(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call)
{
    ngx_int_t             rc;
    pguard_str_t          text;
    pguard_month_t        month;
    pguard_month_span_t   span;
    ngx_paas_guard_sla_t *sla;

    sla = call->sla;

    if (!pguard_month_of(&sla->indicator->tz, ngx_time(), &span)) {
        return NGX_ERROR;
    }

    call->month.month = span.month;
    rc = ngx_paas_guard_api_arg(api, "month", &text);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    month = pguard_month_parse(text);

    if (month == 0) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_ARGUMENT_VALUE,
                                        "month");
    }

    if (month > span.month) {
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_MONTH_FUTURE,
                                          text);
    }

    if (!pguard_ledger_kept(&sla->ledger, month, ngx_time())) {
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_MONTH_KEPT,
                                          text);
    }

    call->month.month = month;

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_api_report_format(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call)
{
    ngx_int_t     rc;
    ngx_uint_t    n, format;
    pguard_str_t  lines[NGX_PAAS_GUARD_LINES];

    static const pguard_str_t  formats[PGUARD_REPORTS] = {
        [PGUARD_REPORT_JSON] = pguard_string("json"),
        [PGUARD_REPORT_CSV]  = pguard_string("csv"),
        [PGUARD_REPORT_HTML] = pguard_string("html")
    };

    format = PGUARD_REPORT_JSON;

    (void) ngx_paas_guard_header_lines(api->request, "accept", lines,
                                       NGX_PAAS_GUARD_LINES, &n);

    if (n == 1 && lines[0].len >= sizeof("text/csv") - 1
        && ngx_strncasecmp((u_char *) lines[0].data, (u_char *) "text/csv",
                           sizeof("text/csv") - 1)
           == 0)
    {
        format = PGUARD_REPORT_CSV;

    } else if (pguard_negotiate_body(lines, n) == PGUARD_BODY_HTML) {
        format = PGUARD_REPORT_HTML;
    }

    rc = ngx_paas_guard_api_arg_word(api, "format", formats, PGUARD_REPORTS,
                                     &format);
    call->format = format;

    return rc;
}


/* For one client the condition of an indicator may not be met: its report can
   say so, and the audit log says that it did. */

static ngx_int_t
ngx_paas_guard_api_report_applies(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call)
{
    u_char                  month[PGUARD_MONTH_LEN];
    ngx_int_t               rc;
    ngx_uint_t              yes;
    pguard_out_t            out;
    pguard_audit_record_t   rec;

    static const pguard_str_t  words[] = {
        pguard_string("no"), pguard_string("yes")
    };

    yes = 1;
    rc = ngx_paas_guard_api_arg_word(api, "applicable", words, 2, &yes);

    if (rc != NGX_OK || yes) {
        return rc;
    }

    if (!call->sla->indicator->conditional) {
        return ngx_paas_guard_api_problem(api, PGUARD_PROBLEM_UNCONDITIONAL,
                                          api->star[0]);
    }

    call->month.applicable = 0;

    pguard_out_init(&out, month, sizeof(month));
    pguard_month_out(&out, call->month.month);

    ngx_paas_guard_api_action(api, &rec, "report_not_applicable");
    rec.str[PGUARD_AUDIT_TARGET].data = month;
    rec.str[PGUARD_AUDIT_TARGET].len = sizeof(month);
    rec.str[PGUARD_AUDIT_WHY] = api->star[0];
    ngx_paas_guard_core_str(rec.str[PGUARD_AUDIT_ZONE],
                            call->sla->zone->name);
    ngx_paas_guard_audit(api->gmcf, &rec);

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_api_report_headers(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call)
{
    ngx_str_t     policy;
    pguard_out_t  out;
    pguard_str_t  type;

    type = pguard_report_content_type(call->format);

    api->type.data = (u_char *) type.data;
    api->type.len = type.len;

    if (call->format != PGUARD_REPORT_HTML) {
        return NGX_OK;
    }

    api->human = 1;

    policy.data = ngx_pnalloc(api->request->pool, 512);

    if (policy.data == NULL) {
        return NGX_ERROR;
    }

    pguard_out_init(&out, policy.data, 512);

    if (pguard_report_policy(&out) != 0) {
        return NGX_ERROR;
    }

    policy.len = out.need;

    return ngx_paas_guard_add_header(api->request, "Content-Security-Policy",
                                     &policy, NULL);
}


static void
ngx_paas_guard_api_report_write(ngx_paas_guard_api_t *api)
{
    pguard_report_t             r;
    ngx_paas_guard_month_t     *m;
    ngx_paas_guard_api_sla_t   *call;
    ngx_paas_guard_indicator_t *indicator;

    call = api->data;
    m = &call->month;
    indicator = call->sla->indicator;

    ngx_memzero(&r, sizeof(pguard_report_t));

    ngx_paas_guard_core_str(r.indicator, indicator->name);
    ngx_paas_guard_core_str(r.zone, call->sla->zone->name);
    ngx_paas_guard_core_str(r.timezone, indicator->timezone);
    r.tz = &indicator->tz;
    r.figures = &m->figures;
    r.outage = m->in.outage;
    r.outages = m->in.outages;
    r.bits = m->in.bits;
    r.slice = m->in.slice;
    r.rule = m->rule;
    r.conditional = indicator->conditional != 0;
    r.applicable = m->applicable;
    r.since = pguard_ledger_since(&call->sla->ledger);
    r.generated = api->wall;
    r.gateways = m->gateways;
    r.partial = m->partial;
    r.measured_max = NGX_PAAS_GUARD_API_RUNS;

    pguard_report(&api->out, &r, call->format, api->lang);
}


static const char *const  ngx_paas_guard_api_report_args[] = {
    "month", "zone", "format", "lang", "applicable", NULL
};

const ngx_paas_guard_api_call_t  ngx_paas_guard_api_slas[] = {

    { NGX_HTTP_GET, "api/1/sla", NULL, NULL,
      NULL, ngx_paas_guard_api_sla_list },

    { NGX_HTTP_GET, "api/1/sla/*", ngx_paas_guard_api_report_args, NULL,
      ngx_paas_guard_api_report, ngx_paas_guard_api_report_write },

    ngx_paas_guard_no_call
};
