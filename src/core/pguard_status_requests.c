/*
 * What became of the requests: three drawings and a table that says the same.
 */

#include "pguard_status_private.h"


#define PGUARD_CHART_SLOT    10          /* units of the drawing */
#define PGUARD_CHART_BAR     8
#define PGUARD_CHART_GAP     2
#define PGUARD_CHART_HEIGHT  1000
#define PGUARD_CHART_LEAST   14          /* of what there is, to be seen */


static const struct {
    unsigned  title;
    unsigned  most;
    unsigned  ago;
} pguard_chart_texts[PGUARD_SPANS] = {
    [PGUARD_SPAN_MINUTE] = { PGUARD_STATUS_MINUTE, PGUARD_STATUS_PER_SECOND,
                             PGUARD_STATUS_MINUTE_AGO },
    [PGUARD_SPAN_HOUR]   = { PGUARD_STATUS_HOUR, PGUARD_STATUS_PER_MINUTE,
                             PGUARD_STATUS_HOUR_AGO },
    [PGUARD_SPAN_DAY]    = { PGUARD_STATUS_DAY, PGUARD_STATUS_PER_QUARTER,
                             PGUARD_STATUS_DAY_AGO }
};


/* From the bottom of a bar to its top. */

static const pguard_verdict_e  pguard_chart_order[PGUARD_VERDICTS] = {
    PGUARD_VERDICT_PASSED,
    PGUARD_VERDICT_EXEMPT,
    PGUARD_VERDICT_THROTTLED_DRY_RUN,
    PGUARD_VERDICT_BLOCKED_DRY_RUN,
    PGUARD_VERDICT_THROTTLED,
    PGUARD_VERDICT_BLOCKED
};

static const char *const  pguard_chart_class[PGUARD_VERDICTS] = {
    [PGUARD_VERDICT_PASSED]            = "v-pass",
    [PGUARD_VERDICT_THROTTLED]         = "v-thr",
    [PGUARD_VERDICT_BLOCKED]           = "v-blk",
    [PGUARD_VERDICT_EXEMPT]            = "v-exm",
    [PGUARD_VERDICT_THROTTLED_DRY_RUN] = "v-thd",
    [PGUARD_VERDICT_BLOCKED_DRY_RUN]   = "v-bld"
};


static unsigned
pguard_chart_height(uint64_t n, uint64_t most)
{
    uint64_t  h;

    if (n == 0) {
        return 0;
    }

    h = n * PGUARD_CHART_HEIGHT / most;

    return h < PGUARD_CHART_LEAST ? PGUARD_CHART_LEAST : (unsigned) h;
}


/* All parts of one verdict as a single path; base: how high the bars are up to
   here.  What is raised to be seen may go beyond the top, where it is cut. */

static void
pguard_chart_path(pguard_page_t *p, const pguard_series_t *series,
    pguard_verdict_e verdict, unsigned base[PGUARD_SLOTS_MAX])
{
    unsigned  i, h;

    if (series->sum[verdict] == 0) {
        return;
    }

    pguard_page_raw(p, "<path class=\"");
    pguard_page_raw(p, pguard_chart_class[verdict]);
    pguard_page_raw(p, "\" d=\"");

    for (i = 0; i < series->slots; i++) {
        h = pguard_chart_height(series->slot[i][verdict], series->most);

        if (h == 0 || base[i] >= PGUARD_CHART_HEIGHT) {
            continue;
        }

        if (base[i] + h > PGUARD_CHART_HEIGHT) {
            h = PGUARD_CHART_HEIGHT - base[i];
        }

        pguard_page_raw(p, "M");
        pguard_out_uint(p->out, i * PGUARD_CHART_SLOT);
        pguard_page_raw(p, " ");
        pguard_out_uint(p->out, PGUARD_CHART_HEIGHT - base[i]);
        pguard_page_raw(p, "v-");
        pguard_out_uint(p->out, h);
        pguard_page_raw(p, "h");
        pguard_out_uint(p->out, PGUARD_CHART_BAR);
        pguard_page_raw(p, "v");
        pguard_out_uint(p->out, h);
        pguard_page_raw(p, "z");

        base[i] += h;
    }

    pguard_page_raw(p, "\"/>");
}


/* n, and what it counts, of which text is the singular: English has the plural
   for none, French has not. */

static void
pguard_chart_count(pguard_page_t *p, uint64_t n, unsigned text)
{
    pguard_page_number(p, n);
    pguard_page_raw(p, " ");
    pguard_page_text(p, n > 1 || (n == 0 && p->lang == PGUARD_LANG_EN)
                        ? text + 1 : text);
    pguard_page_raw(p, ", ");
}


static void
pguard_chart_caption(pguard_page_t *p, const pguard_series_t *series,
    pguard_span_e span)
{
    pguard_page_raw(p, "<figcaption><strong>");
    pguard_page_text(p, pguard_chart_texts[span].title);
    pguard_page_raw(p, "</strong> ");
    pguard_chart_count(p, pguard_status_all(series->sum),
                       PGUARD_STATUS_CHART_REQUEST);
    pguard_chart_count(p, pguard_status_refused(series->sum),
                       PGUARD_STATUS_CHART_REFUSED);
    pguard_page_text(p, pguard_chart_texts[span].most);
    pguard_page_raw(p, " ");
    pguard_page_number(p, series->most);
    pguard_page_raw(p, "</figcaption>\n");
}


static void
pguard_chart(pguard_page_t *p, const pguard_series_t *series,
    pguard_span_e span)
{
    unsigned  i, base[PGUARD_SLOTS_MAX] = { 0 };

    pguard_page_raw(p, "<figure>");
    pguard_chart_caption(p, series, span);
    pguard_page_raw(p, "<svg class=\"chart\" viewBox=\"0 0 ");
    pguard_out_uint(p->out, series->slots ? series->slots * PGUARD_CHART_SLOT
                                            - PGUARD_CHART_GAP : 0);
    pguard_page_raw(p, " ");
    pguard_out_uint(p->out, PGUARD_CHART_HEIGHT);
    pguard_page_raw(p, "\" preserveAspectRatio=\"none\" aria-hidden=\"true\" "
                    "focusable=\"false\">");

    for (i = 0; i < PGUARD_VERDICTS; i++) {
        pguard_chart_path(p, series, pguard_chart_order[i], base);
    }

    pguard_page_raw(p, "</svg>\n<div class=\"axis\" aria-hidden=\"true\">"
                    "<span>");
    pguard_page_text(p, pguard_chart_texts[span].ago);
    pguard_page_raw(p, "</span><span>");
    pguard_page_text(p, PGUARD_STATUS_NOW);
    pguard_page_raw(p, "</span></div></figure>\n");
}


static void
pguard_chart_row(pguard_page_t *p, const pguard_status_t *s, unsigned verdict)
{
    unsigned  i;

    pguard_status_row(p);
    pguard_page_raw(p, "<svg class=\"key\" viewBox=\"0 0 1 1\" "
                    "aria-hidden=\"true\" focusable=\"false\"><rect "
                    "width=\"1\" height=\"1\" class=\"");
    pguard_page_raw(p, pguard_chart_class[verdict]);
    pguard_page_raw(p, "\"/></svg> ");
    pguard_page_text(p, pguard_status_verdicts[verdict]);

    for (i = 0; i < PGUARD_SPANS; i++) {
        pguard_status_number(p, pguard_chart_texts[i].title);
        pguard_page_number(p, s->series[i].sum[verdict]);
    }

    pguard_status_row_end(p);
}


void
pguard_status_requests(pguard_page_t *p, const pguard_status_t *s)
{
    unsigned  i;

    static const unsigned  heads[] = {
        PGUARD_STATUS_VERDICT, PGUARD_STATUS_MINUTE, PGUARD_STATUS_HOUR,
        PGUARD_STATUS_DAY
    };

    pguard_status_section(p, "requests", PGUARD_STATUS_REQUESTS);
    pguard_page_raw(p, "<div class=\"charts\">\n");

    for (i = 0; i < PGUARD_SPANS; i++) {
        pguard_chart(p, &s->series[i], i);
    }

    pguard_page_raw(p, "</div>\n");
    pguard_status_table(p, "requests", PGUARD_STATUS_REQUESTS_NOTE, heads, 4,
                        3);

    for (i = 0; i < PGUARD_VERDICTS; i++) {
        pguard_chart_row(p, s, pguard_chart_order[i]);
    }

    pguard_status_row(p);
    pguard_page_text(p, PGUARD_STATUS_TOTAL);

    for (i = 0; i < PGUARD_SPANS; i++) {
        pguard_status_number(p, pguard_chart_texts[i].title);
        pguard_page_number(p, pguard_status_all(s->series[i].sum));
    }

    pguard_status_row_end(p);
    pguard_page_table_end(p);
    pguard_page_raw(p, "</section>\n");
}
