/*
 * Parts of the report's page: texts, numbers and times as the reader's
 * language writes them, and pieces of markup.
 */

#ifndef PGUARD_PAGE_H
#define PGUARD_PAGE_H

#include "pguard.h"
#include "pguard_report.h"
#include "pguard_report_text.h"


/* The page as it is being written. */

typedef struct {
    pguard_out_t             *out;
    const pguard_report_t    *r;
    const pguard_figures_t   *f;
    pguard_lang_e             lang;
} pguard_page_t;


/* Markup as it is; a text of pguard_report_texts[]. */
void pguard_page_raw(pguard_page_t *p, const char *html);
void pguard_page_text(pguard_page_t *p, unsigned text);

/* Thousands apart, as the language has it; n / 10^places. */
void pguard_page_number(pguard_page_t *p, uint64_t n);
void pguard_page_decimal(pguard_page_t *p, uint64_t n, unsigned places);
void pguard_page_percent(pguard_page_t *p, uint64_t n, unsigned places);

/* A percentage with five decimals, so that a second of a month shows: cut
   off, not rounded. */
void pguard_page_ratio(pguard_page_t *p, pguard_ratio_t r);

/* 1 h 02 min 03 s, which both languages write alike. */
void pguard_page_duration(pguard_page_t *p, uint64_t s);

/* Local time of the indicator, and how far that is from UTC. */
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


#endif /* PGUARD_PAGE_H */
