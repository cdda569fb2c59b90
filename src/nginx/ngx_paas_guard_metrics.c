/*
 * The page of metrics, and the families of a zone.
 */

#include "ngx_paas_guard_metrics.h"
#include "ngx_paas_guard_sla.h"
#include "ngx_paas_guard_zone.h"


#define NGX_PAAS_GUARD_METRICS_SIZE  65536
#define NGX_PAAS_GUARD_METRICS_MORE  1024      /* bytes, for each service */


/* handler is called once for each zone, or once with none */

typedef struct {
    ngx_paas_guard_family_pt     handler;
    ngx_uint_t                   per_zone;
} ngx_paas_guard_family_t;


static void ngx_paas_guard_service_family(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_zone_family(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_blocks_family(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_kind_family(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_unsigned_family(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);
static void ngx_paas_guard_sla_family(ngx_paas_guard_scrape_t *page,
    ngx_uint_t family, ngx_paas_guard_zone_t *zone);


static ngx_paas_guard_family_t
    ngx_paas_guard_families[PGUARD_METRICS_FAMILIES] = {

    [PGUARD_METRICS_REQUESTS] = { ngx_paas_guard_service_family, 1 },
    [PGUARD_METRICS_REFUSALS] = { ngx_paas_guard_service_family, 1 },
    [PGUARD_METRICS_BLOCKS_ACTIVE] = { ngx_paas_guard_zone_family, 1 },
    [PGUARD_METRICS_BLOCKS] = { ngx_paas_guard_blocks_family, 1 },
    [PGUARD_METRICS_ZONE_BYTES] = { ngx_paas_guard_zone_family, 1 },
    [PGUARD_METRICS_ZONE_ENTRIES] = { ngx_paas_guard_kind_family, 1 },
    [PGUARD_METRICS_ZONE_CAPACITY] = { ngx_paas_guard_kind_family, 1 },
    [PGUARD_METRICS_ZONE_EVICTIONS] = { ngx_paas_guard_kind_family, 1 },
    [PGUARD_METRICS_EXHAUSTED] = { ngx_paas_guard_zone_family, 1 },
    [PGUARD_METRICS_UNSIGNED] = { ngx_paas_guard_unsigned_family, 1 },
    [PGUARD_METRICS_SLA_REQUESTS] = { ngx_paas_guard_sla_family, 0 },
    [PGUARD_METRICS_SLA_AVAILABILITY] = { ngx_paas_guard_sla_family, 0 },
    [PGUARD_METRICS_SLA_DOWNTIME] = { ngx_paas_guard_sla_family, 0 },
    [PGUARD_METRICS_SLA_TARGET] = { ngx_paas_guard_sla_family, 0 },
    [PGUARD_METRICS_REDIS_UP] = { ngx_paas_guard_store_family, 0 },
    [PGUARD_METRICS_REDIS_COMMANDS] = { ngx_paas_guard_store_family, 0 },
    [PGUARD_METRICS_REDIS_DURATION] = { ngx_paas_guard_store_family, 0 },
    [PGUARD_METRICS_OVERSHOOT] = { ngx_paas_guard_store_family, 0 },
    [PGUARD_METRICS_DEGRADED] = { ngx_paas_guard_store_family, 0 },
    [PGUARD_METRICS_AUDIT_FAILING] = { ngx_paas_guard_audit_family, 0 },
    [PGUARD_METRICS_AUDIT_LOST] = { ngx_paas_guard_audit_family, 0 },
    [PGUARD_METRICS_BUILD_INFO] = { ngx_paas_guard_build_family, 0 }
};


void
ngx_paas_guard_sample(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    pguard_label_t *labels, ngx_uint_t n, uint64_t value)
{
    pguard_metrics_sample(&page->out, &pguard_metrics[family], labels, n,
                          value);
}


static void
ngx_paas_guard_zone_label(pguard_label_t *label, ngx_paas_guard_zone_t *zone)
{
    label->name = "zone";
    ngx_paas_guard_core_str(label->value, zone->name);
}


static void
ngx_paas_guard_service_samples(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone, pguard_label_t *labels,
    pguard_service_counters_t *counters)
{
    ngx_uint_t  i;

    if (family == PGUARD_METRICS_REQUESTS) {
        labels[2].name = "verdict";

        for (i = 0; i < PGUARD_VERDICTS; i++) {
            labels[2].value = pguard_verdict_names[i];
            ngx_paas_guard_sample(page, family, labels, 3,
                                  pguard_zone_sum(&zone->core,
                                                  &counters->requests[i]));
        }

        return;
    }

    labels[2].name = "reason";

    for (i = 0; i < PGUARD_REASONS; i++) {
        labels[2].value = pguard_reason_names[i];
        ngx_paas_guard_sample(page, family, labels, 3,
                              pguard_zone_sum(&zone->core,
                                              &counters->refusals[i]));
    }
}


static void
ngx_paas_guard_service_family(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t          i, n;
    pguard_label_t      labels[3];
    pguard_counters_t  *counters;

    counters = pguard_zone_counters(&zone->core, 0);
    n = pguard_zone_names(&zone->core, PGUARD_NAME_SERVICE);

    ngx_paas_guard_zone_label(&labels[0], zone);
    labels[1].name = "service";

    for (i = 0; i < n; i++) {
        labels[1].value = pguard_zone_name(&zone->core, PGUARD_NAME_SERVICE,
                                           i);
        ngx_paas_guard_service_samples(page, family, zone, labels,
                                       &counters->service[i]);
    }
}


static void
ngx_paas_guard_zone_family(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone)
{
    uint64_t        value;
    pguard_label_t  label;

    ngx_paas_guard_zone_label(&label, zone);

    switch (family) {

    case PGUARD_METRICS_BLOCKS_ACTIVE:
        value = ngx_paas_guard_active_blocks(zone, page->now / 1000);
        break;

    case PGUARD_METRICS_ZONE_BYTES:
        value = zone->shm_zone->shm.size;
        break;

    default: /* PGUARD_METRICS_EXHAUSTED */
        value = pguard_zone_sum(&zone->core,
                                &pguard_zone_counters(&zone->core, 0)
                                 ->exhausted);
    }

    ngx_paas_guard_sample(page, family, &label, 1, value);
}


static void
ngx_paas_guard_blocks_family(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t          i, n;
    pguard_label_t      labels[2];
    pguard_counters_t  *counters;

    static const pguard_str_t  by_hand = pguard_string("");

    counters = pguard_zone_counters(&zone->core, 0);
    n = pguard_zone_names(&zone->core, PGUARD_NAME_RULE);

    ngx_paas_guard_zone_label(&labels[0], zone);
    labels[1].name = "rule";

    for (i = 0; i < n; i++) {
        labels[1].value = pguard_zone_name(&zone->core, PGUARD_NAME_RULE, i);
        ngx_paas_guard_sample(page, family, labels, 2,
                              pguard_zone_sum(&zone->core,
                                              &counters->blocks[i]));
    }

    labels[1].value = by_hand;
    ngx_paas_guard_sample(page, family, labels, 2,
                          pguard_zone_sum(&zone->core,
                                          &counters->blocks_operator));
}


uint64_t
ngx_paas_guard_entries(ngx_paas_guard_zone_t *zone, pguard_entry_e kind,
    pguard_usec_t now)
{
    switch (kind) {

    case PGUARD_ENTRY_SIGNATURE:
        return pguard_throttle_entries(&zone->core.throttle, now);

    case PGUARD_ENTRY_WINDOW:
        return pguard_window_entries(&zone->core.windows, now / 1000);

    default: /* PGUARD_ENTRY_BLOCK */
        return ngx_paas_guard_active_blocks(zone, now / 1000);
    }
}


static void
ngx_paas_guard_kind_family(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone)
{
    uint64_t            value;
    ngx_uint_t          i;
    pguard_label_t      labels[2];
    pguard_counters_t  *counters;

    counters = pguard_zone_counters(&zone->core, 0);

    ngx_paas_guard_zone_label(&labels[0], zone);
    labels[1].name = "kind";

    for (i = 0; i < PGUARD_ENTRIES; i++) {
        labels[1].value = pguard_entry_names[i];

        switch (family) {

        case PGUARD_METRICS_ZONE_ENTRIES:
            value = ngx_paas_guard_entries(zone, i, page->now);
            break;

        case PGUARD_METRICS_ZONE_CAPACITY:
            value = pguard_zone_capacity(&zone->core, i);
            break;

        default: /* PGUARD_METRICS_ZONE_EVICTIONS */
            value = pguard_zone_sum(&zone->core, &counters->evictions[i]);
        }

        ngx_paas_guard_sample(page, family, labels, 2, value);
    }
}


static void
ngx_paas_guard_unsigned_family(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t          i;
    pguard_label_t      labels[2];
    pguard_counters_t  *counters;

    counters = pguard_zone_counters(&zone->core, 0);

    ngx_paas_guard_zone_label(&labels[0], zone);
    labels[1].name = "why";

    for (i = 0; i < PGUARD_UNSIGNED_WHYS; i++) {
        labels[1].value = pguard_unsigned_names[i];
        ngx_paas_guard_sample(page, family, labels, 2,
                              pguard_zone_sum(&zone->core,
                                              &counters->unsigned_[i]));
    }
}


static void
ngx_paas_guard_sla_classes(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_sla_t *sla, pguard_label_t *labels)
{
    uint64_t        late;
    ngx_uint_t      i;
    pguard_cells_t  cells;

    pguard_ledger_ever(&sla->ledger, &cells, &late);
    labels[2].name = "class";

    for (i = 0; i < PGUARD_SLA_CLASSES; i++) {
        labels[2].value = pguard_sla_names[i];
        ngx_paas_guard_sample(page, family, labels, 3,
                              pguard_cells_class(&cells, i));
    }
}


/* Time that has not begun is no outage. */

static void
ngx_paas_guard_sla_figure(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_sla_t *sla, pguard_label_t *labels)
{
    uint64_t                 ratio;
    const pguard_figures_t  *f;

    f = ngx_paas_guard_sla_figures(sla);
    if (f == NULL) {
        return;
    }

    if (family == PGUARD_METRICS_SLA_DOWNTIME) {
        ngx_paas_guard_sample(page, family, labels, 2, f->down);
        return;
    }

    ratio = f->time.whole ? pguard_ratio(f->time) : PGUARD_RATIO_ONE;

    pguard_metrics_decimal(&page->out, &pguard_metrics[family], labels, 2,
                           ratio, PGUARD_RATIO_PLACES);
}


static void
ngx_paas_guard_sla_target(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_sla_t *sla, pguard_label_t *labels)
{
    pguard_metrics_decimal(&page->out, &pguard_metrics[family], labels, 2,
                           sla->indicator->rule.target_ppm, 6);
}


static void
ngx_paas_guard_sla_family(ngx_paas_guard_scrape_t *page, ngx_uint_t family,
    ngx_paas_guard_zone_t *zone)
{
    ngx_uint_t              i;
    pguard_label_t          labels[3];
    ngx_paas_guard_sla_t  **slas;

    slas = page->gmcf->slas.elts;
    labels[1].name = "indicator";

    for (i = 0; i < page->gmcf->slas.nelts; i++) {
        ngx_paas_guard_zone_label(&labels[0], slas[i]->zone);
        ngx_paas_guard_core_str(labels[1].value, slas[i]->indicator->name);

        if (family == PGUARD_METRICS_SLA_REQUESTS) {
            ngx_paas_guard_sla_classes(page, family, slas[i], labels);

        } else if (family == PGUARD_METRICS_SLA_TARGET) {
            ngx_paas_guard_sla_target(page, family, slas[i], labels);

        } else {
            ngx_paas_guard_sla_figure(page, family, slas[i], labels);
        }
    }
}


static void
ngx_paas_guard_scrape(ngx_paas_guard_scrape_t *page)
{
    ngx_uint_t                i, n;
    ngx_paas_guard_zone_t   **zones;
    ngx_paas_guard_family_t  *family;

    zones = page->gmcf->zones.elts;

    for (i = 0; i < PGUARD_METRICS_FAMILIES; i++) {
        family = &ngx_paas_guard_families[i];

        /* no head without a sample */

        if (family->handler == ngx_paas_guard_sla_family
            && page->gmcf->slas.nelts == 0)
        {
            continue;
        }

        pguard_metrics_head(&page->out, page->format, &pguard_metrics[i]);

        if (!family->per_zone) {
            family->handler(page, i, NULL);
            continue;
        }

        for (n = 0; n < page->gmcf->zones.nelts; n++) {
            family->handler(page, i, zones[n]);
        }
    }

    pguard_metrics_end(&page->out, page->format);
}


static size_t
ngx_paas_guard_scrape_size(ngx_paas_guard_scrape_t *page)
{
    size_t                   size;
    ngx_uint_t               i;
    ngx_paas_guard_zone_t  **zones;

    zones = page->gmcf->zones.elts;
    size = NGX_PAAS_GUARD_METRICS_SIZE;

    for (i = 0; i < page->gmcf->zones.nelts; i++) {
        size += pguard_zone_names(&zones[i]->core, PGUARD_NAME_SERVICE)
                * NGX_PAAS_GUARD_METRICS_MORE;
    }

    return size;
}


/* Long names may need more, and counters grow while they are written: a page
   that did not fit is tried once more with some room to spare. */

static ngx_buf_t *
ngx_paas_guard_scrape_buf(ngx_http_request_t *r, ngx_paas_guard_scrape_t *page)
{
    size_t      size;
    ngx_buf_t  *b;

    for (size = ngx_paas_guard_scrape_size(page); /* void */ ;
         size = page->out.need + 4096)
    {
        b = ngx_create_temp_buf(r->pool, size);
        if (b == NULL) {
            return NULL;
        }

        pguard_out_init(&page->out, b->pos, size);
        ngx_paas_guard_scrape(page);

        if (page->out.need <= size) {
            b->last = page->out.pos;
            b->last_buf = (r == r->main);
            b->last_in_chain = 1;
            return b;
        }
    }
}


static ngx_int_t
ngx_paas_guard_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_buf_t               *b;
    ngx_str_t                vary = ngx_string("Accept");
    ngx_uint_t               n;
    pguard_str_t             type, lines[NGX_PAAS_GUARD_LINES];
    ngx_paas_guard_scrape_t  page;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    (void) ngx_paas_guard_header_lines(r, "accept", lines,
                                       NGX_PAAS_GUARD_LINES, &n);

    page.format = pguard_negotiate_format(lines, n);
    page.gmcf = ngx_http_get_module_main_conf(r, ngx_paas_guard_module);
    page.now = ngx_paas_guard_now();

    b = ngx_paas_guard_scrape_buf(r, &page);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    type = pguard_metrics_content_type(page.format);

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;
    r->headers_out.content_type.len = type.len;
    r->headers_out.content_type.data = (u_char *) type.data;
    r->headers_out.content_type_len = type.len;

    if (ngx_paas_guard_add_header(r, "Vary", &vary, NULL) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_paas_guard_send_buf(r, b);
}


char *
ngx_paas_guard_metrics_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    return ngx_paas_guard_set_content(cf, cmd, conf,
                                      ngx_paas_guard_metrics_handler);
}
