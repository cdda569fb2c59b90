/*
 * Parts of a page for people: see pguard_page.h.
 */

#include <string.h>

#include <openssl/evp.h>

#include "pguard_page.h"
#include "pguard_utc.h"


void
pguard_page_raw(pguard_page_t *p, const char *html)
{
    pguard_out_text(p->out, html);
}


void
pguard_page_text(pguard_page_t *p, unsigned text)
{
    pguard_page_words(p, p->texts[text]);
}


void
pguard_page_words(pguard_page_t *p, const pguard_text_t text)
{
    pguard_out_text(p->out, text[p->lang]);
}


void
pguard_page_str(pguard_page_t *p, pguard_str_t s)
{
    pguard_out_html(p->out, s);
}


void
pguard_page_number(pguard_page_t *p, uint64_t n)
{
    unsigned        i, len;
    unsigned char   digits[20];
    pguard_out_t    out;

    pguard_out_init(&out, digits, sizeof(digits));
    pguard_out_uint(&out, n);
    len = (unsigned) out.need;

    for (i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) {
            pguard_page_raw(p, p->lang == PGUARD_LANG_FR ? "\u202f" : ",");
        }

        pguard_out_byte(p->out, digits[i]);
    }
}


void
pguard_page_decimal(pguard_page_t *p, uint64_t n, unsigned places)
{
    unsigned        i;
    unsigned char   digits[40];
    pguard_out_t    out;

    pguard_out_init(&out, digits, sizeof(digits));
    pguard_out_decimal(&out, n, places);

    for (i = 0; i < out.need; i++) {
        pguard_out_byte(p->out, digits[i] == '.' && p->lang == PGUARD_LANG_FR
                                ? ',' : digits[i]);
    }
}


void
pguard_page_percent(pguard_page_t *p, uint64_t n, unsigned places)
{
    pguard_page_decimal(p, n, places);
    pguard_page_raw(p, p->lang == PGUARD_LANG_FR ? "\u00a0%" : "%");
}


void
pguard_page_ratio(pguard_page_t *p, pguard_ratio_t r)
{
    if (r.whole) {
        pguard_page_percent(p, pguard_ratio(r) / 100, 5);

    } else {
        pguard_page_words(p, pguard_report_texts[PGUARD_REPORT_NONE]);
    }
}


void
pguard_page_duration(pguard_page_t *p, uint64_t s)
{
    if (s >= 3600) {
        pguard_out_uint(p->out, s / 3600);
        pguard_page_raw(p, "\u00a0h ");
    }

    if (s >= 60) {
        pguard_page_raw(p, s >= 3600 && s / 60 % 60 < 10 ? "0" : "");
        pguard_out_uint(p->out, s / 60 % 60);
        pguard_page_raw(p, "\u00a0min ");
    }

    pguard_page_raw(p, s >= 60 && s % 60 < 10 ? "0" : "");
    pguard_out_uint(p->out, s % 60);
    pguard_page_raw(p, "\u00a0s");
}


void
pguard_page_time(pguard_page_t *p, uint64_t at)
{
    int32_t        offset, minutes;
    int64_t        until;
    unsigned char  buf[PGUARD_UTC_LEN + 8];
    pguard_out_t   out;

    offset = pguard_tz_offset(p->tz, (int64_t) at, &until);

    if ((int64_t) at + offset < 0) {
        offset = 0;
    }

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_utc_out(&out, (uint64_t) ((int64_t) at + offset) * 1000);

    pguard_page_raw(p, "<time datetime=\"");
    pguard_utc_out(p->out, at * 1000);
    pguard_page_raw(p, "\">");
    pguard_out_bytes(p->out, buf, 10);
    pguard_page_raw(p, " ");
    pguard_out_bytes(p->out, buf + 11, 8);

    minutes = (offset < 0 ? -offset : offset) / 60;
    pguard_page_raw(p, offset < 0 ? " UTC\u2212" : " UTC+");
    pguard_out_uint(p->out, (uint64_t) minutes / 60);

    if (minutes % 60) {
        pguard_page_raw(p, minutes % 60 < 10 ? ":0" : ":");
        pguard_out_uint(p->out, (uint64_t) minutes % 60);
    }

    pguard_page_raw(p, "</time>");
}


void
pguard_page_term(pguard_page_t *p, unsigned text)
{
    pguard_page_raw(p, "<dt>");
    pguard_page_text(p, text);
    pguard_page_raw(p, "</dt><dd>");
}


void
pguard_page_term_time(pguard_page_t *p, unsigned text, uint64_t at)
{
    pguard_page_term(p, text);
    pguard_page_time(p, at);
    pguard_page_raw(p, "</dd>\n");
}


void
pguard_page_term_duration(pguard_page_t *p, unsigned text, uint64_t s)
{
    pguard_page_term(p, text);
    pguard_page_duration(p, s);
    pguard_page_raw(p, "</dd>\n");
}


void
pguard_page_section(pguard_page_t *p, const char *id, unsigned text)
{
    pguard_page_raw(p, "<section aria-labelledby=\"");
    pguard_page_raw(p, id);
    pguard_page_raw(p, "\">\n<h2 id=\"");
    pguard_page_raw(p, id);
    pguard_page_raw(p, "\">");
    pguard_page_text(p, text);
    pguard_page_raw(p, "</h2>\n");
}


void
pguard_page_paragraph(pguard_page_t *p, unsigned text)
{
    pguard_page_raw(p, "<p>");
    pguard_page_text(p, text);
    pguard_page_raw(p, "</p>\n");
}


void
pguard_page_table(pguard_page_t *p, const char *id, const unsigned *text,
    unsigned n, unsigned numbers)
{
    pguard_page_raw(p, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
                    "aria-labelledby=\"");
    pguard_page_raw(p, id);
    pguard_page_raw(p, "\">\n<table>\n");
    pguard_page_thead(p, text, n, numbers);
}


void
pguard_page_thead(pguard_page_t *p, const unsigned *text, unsigned n,
    unsigned numbers)
{
    unsigned  i;

    pguard_page_raw(p, "<thead><tr>");

    for (i = 0; i < n; i++) {
        pguard_page_raw(p, i + numbers < n ? "<th scope=\"col\">"
                                           : "<th scope=\"col\" class=\"n\">");
        pguard_page_text(p, text[i]);
        pguard_page_raw(p, "</th>");
    }

    pguard_page_raw(p, "</tr></thead>\n<tbody>\n");
}


void
pguard_page_table_end(pguard_page_t *p)
{
    pguard_page_raw(p, "</tbody>\n</table>\n</div>\n");
}


static void
pguard_page_day(pguard_page_t *p, const pguard_figures_t *f, unsigned day,
    uint64_t start)
{
    uint64_t  down;

    down = f->day[day].down;

    pguard_page_raw(p, down ? "<li class=\"d\"><time datetime=\""
                       : start < f->as_of ? "<li><time datetime=\""
                       : "<li class=\"f\"><time datetime=\"");
    pguard_day_out(p->out, f->span.month, day + 1);
    pguard_page_raw(p, "\">");
    pguard_out_uint(p->out, day + 1);
    pguard_page_raw(p, "</time> <span class=\"h\">");
    pguard_page_words(p, pguard_report_texts[
                             down ? PGUARD_REPORT_DAY_DOWN
                             : start < f->as_of ? PGUARD_REPORT_DAY_UP
                             : PGUARD_REPORT_DAY_FUTURE]);
    pguard_page_raw(p, "</span>");

    if (down) {
        pguard_page_raw(p, " ");
        pguard_page_duration(p, down);
    }

    pguard_page_raw(p, "</li>\n");
}


void
pguard_page_days(pguard_page_t *p, const pguard_figures_t *f)
{
    unsigned  i;
    uint64_t  start;

    pguard_page_raw(p, "<ol class=\"days\">\n");

    start = f->span.start;

    for (i = 0; i < f->days; i++) {
        pguard_page_day(p, f, i, start);
        start += f->day[i].length;
    }

    pguard_page_raw(p, "</ol>\n");
}


/* 'sha256-...' of what stands in the element. */

static int
pguard_page_hash(pguard_out_t *out, const char *text)
{
    unsigned       len;
    unsigned char  digest[EVP_MAX_MD_SIZE], base64[EVP_MAX_MD_SIZE * 2];

    if (EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL) != 1)
    {
        return -1;
    }

    (void) EVP_EncodeBlock(base64, digest, (int) len);

    pguard_out_text(out, "'sha256-");
    pguard_out_text(out, (const char *) base64);
    pguard_out_text(out, "'");

    return 0;
}


int
pguard_page_policy(pguard_out_t *out, const char *style, const char *script)
{
    pguard_out_text(out, "default-src 'none'; base-uri 'none'; "
                    "form-action 'none'; frame-ancestors 'none'; "
                    "img-src data:; style-src ");

    if (pguard_page_hash(out, style) != 0) {
        return -1;
    }

    if (script == NULL) {
        return 0;
    }

    pguard_out_text(out, "; connect-src 'self'; script-src ");

    return pguard_page_hash(out, script);
}
