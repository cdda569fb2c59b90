/*
 * Parts of a page, of the report or of the gateway's status: texts, numbers
 * and times as the reader's language writes them, and pieces of markup.
 */

#ifndef PGUARD_PAGE_H
#define PGUARD_PAGE_H

#include "pguard.h"
#include "pguard_report.h"
#include "pguard_report_text.h"


/* A text in each language; none is markup, and none needs escaping. */

typedef const char  *pguard_text_t[PGUARD_LANGS];


/* The page as it is being written. */

typedef struct {
    pguard_out_t             *out;
    const pguard_text_t      *texts;     /* the page's own, by number */
    const pguard_tz_t        *tz;        /* of its times */
    pguard_lang_e             lang;
    const pguard_report_t    *r;         /* of a report */
    const pguard_figures_t   *f;
} pguard_page_t;


/* Markup as it is; a text of the page's; any text; bytes, escaped. */
void pguard_page_raw(pguard_page_t *p, const char *html);
void pguard_page_text(pguard_page_t *p, unsigned text);
void pguard_page_words(pguard_page_t *p, const pguard_text_t text);
void pguard_page_str(pguard_page_t *p, pguard_str_t s);

/* Thousands apart, as the language has it; n / 10^places. */
void pguard_page_number(pguard_page_t *p, uint64_t n);
void pguard_page_decimal(pguard_page_t *p, uint64_t n, unsigned places);
void pguard_page_percent(pguard_page_t *p, uint64_t n, unsigned places);

/* A percentage with five decimals, so that a second of a month shows: cut
   off, not rounded. */
void pguard_page_ratio(pguard_page_t *p, pguard_ratio_t r);

/* 1 h 02 min 03 s, which both languages write alike. */
void pguard_page_duration(pguard_page_t *p, uint64_t s);

/* Local time, and how far that is from UTC.  at: seconds since 1970. */
void pguard_page_time(pguard_page_t *p, uint64_t at);

/* Rows of a dl; the first leaves its dd open. */
void pguard_page_term(pguard_page_t *p, unsigned text);
void pguard_page_term_time(pguard_page_t *p, unsigned text, uint64_t at);
void pguard_page_term_duration(pguard_page_t *p, unsigned text, uint64_t s);

/* Opens a section, whose heading has the id. */
void pguard_page_section(pguard_page_t *p, const char *id, unsigned text);
void pguard_page_paragraph(pguard_page_t *p, unsigned text);

/* Opens a table of n columns in the section of id; the last are numbers. */
void pguard_page_table(pguard_page_t *p, const char *id, const unsigned *text,
    unsigned n, unsigned numbers);
void pguard_page_table_end(pguard_page_t *p);

/* The head of any table, and the begin of its body. */
void pguard_page_thead(pguard_page_t *p, const unsigned *text, unsigned n,
    unsigned numbers);

/* The days of a month, each with its downtime, as a list. */
void pguard_page_days(pguard_page_t *p, const pguard_figures_t *f);

/* Content-Security-Policy of a page that has this one style and this one
   script (NULL: none), may fetch from where it comes from, and nothing else.
   0, or -1 if it could not be made. */
int pguard_page_policy(pguard_out_t *out, const char *style,
    const char *script);


#endif /* PGUARD_PAGE_H */
