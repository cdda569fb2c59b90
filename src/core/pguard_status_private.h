/*
 * Sections of the status page, in the order in which they come.  Each is
 * refreshed by itself, by the id of its heading's section.
 */

#ifndef PGUARD_STATUS_PRIVATE_H
#define PGUARD_STATUS_PRIVATE_H

#include "pguard_page.h"
#include "pguard_report.h"
#include "pguard_status.h"
#include "pguard_status_text.h"
#include "pguard_str.h"


extern const char         pguard_status_style[];
extern const char         pguard_status_script[];

/* A human word for each of them. */

extern const unsigned     pguard_status_verdicts[PGUARD_VERDICTS];

/* pguard_status.c: what sections have in common */

/* Opens a section that the script refreshes, with its heading. */
void pguard_status_section(pguard_page_t *p, const char *id, unsigned text);

/*
 * A table with a caption and n columns; the last are numbers, or buttons.  On
 * a phone, the rows of one with many columns stand one below the other.
 */
void pguard_status_table(pguard_page_t *p, const char *id, unsigned caption,
    const unsigned *text, unsigned n, unsigned numbers);

/* A row up to what is in its head; a cell of the column called head, after
   the row's head or another cell, whose end tags HTML lets us leave out. */
void pguard_status_row(pguard_page_t *p);
void pguard_status_cell(pguard_page_t *p, unsigned head);
void pguard_status_number(pguard_page_t *p, unsigned head);
void pguard_status_row_end(pguard_page_t *p);

/* How many rows a list leaves out. */
void pguard_status_more(pguard_page_t *p, uint64_t more);

/* A bar that is filled by permille (cut off at 1000); high: drawn as a warning.
   It is hidden from screen readers: its figure stands beside it. */
void pguard_status_bar(pguard_page_t *p, uint64_t permille, unsigned high);

/* A time in one unit, as 5 min; and how long ago at was: 0 if it
   is later than now, as of what is set while the page is made. */
void pguard_status_span(pguard_page_t *p, pguard_msec_t ms);
void pguard_status_ago(pguard_page_t *p, pguard_msec_t at, pguard_msec_t now);

/* A digest; a name, and "-" for none. */
void pguard_status_id(pguard_page_t *p, const pguard_id_t *id);
void pguard_status_name(pguard_page_t *p, pguard_str_t name);

/* The zone that something is of, if it is to be told: empty where there is but
   one.  In brackets, after what it is of. */
pguard_str_t pguard_status_zone(const pguard_status_t *s, pguard_str_t zone);
void pguard_status_of_zone(pguard_page_t *p, const pguard_status_t *s,
    pguard_str_t zone);

/* What is refused of a row of verdicts; all of it. */
uint64_t pguard_status_refused(const uint64_t n[PGUARD_VERDICTS]);
uint64_t pguard_status_all(const uint64_t n[PGUARD_VERDICTS]);

/* The reason in words. */
void pguard_status_reason(pguard_page_t *p, unsigned reason);

/* part of whole in permille, 1 at least if there is any. */
uint64_t pguard_status_permille(uint64_t part, uint64_t whole);

/* pguard_status_summary.c */
void pguard_status_summary(pguard_page_t *p, const pguard_status_t *s);

/* pguard_status_requests.c */
void pguard_status_requests(pguard_page_t *p, const pguard_status_t *s);

/* pguard_status_clients.c */
void pguard_status_top(pguard_page_t *p, const pguard_status_t *s);
void pguard_status_blocks(pguard_page_t *p, const pguard_status_t *s);

/* pguard_status_guard.c */
void pguard_status_rules(pguard_page_t *p, const pguard_status_t *s);
void pguard_status_services(pguard_page_t *p, const pguard_status_t *s);
void pguard_status_guard(pguard_page_t *p, const pguard_status_t *s);

/* Microseconds, 10 or more, in ms; 0: longer than what is measured. */
void pguard_status_usec(pguard_page_t *p, uint64_t us);

/* pguard_status_sla.c */
void pguard_status_slas(pguard_page_t *p, const pguard_status_t *s);

/* What is left of the budget; what is overdrawn has a minus. */
void pguard_status_left(pguard_page_t *p, const pguard_figures_t *f);

/* pguard_status_forms.c: what writes */

/* A segment of a path, as it is written in a URL. */
void pguard_status_segment(pguard_page_t *p, pguard_str_t s);

/*
 * A button that opens a dialog.  what and zone (may be empty) tell it from
 * other buttons of that dialog.  The first leaves the path of the call open,
 * for the caller to write; the second closes it, and says what the button is
 * about, in the dialog and for screen readers.
 */
void pguard_status_button(pguard_page_t *p, const char *dialog,
    pguard_str_t what, pguard_str_t zone);
void pguard_status_button_end(pguard_page_t *p, unsigned text,
    pguard_str_t what, pguard_str_t zone);

/* The dialogs. */
void pguard_status_forms(pguard_page_t *p, const pguard_status_t *s);


#endif /* PGUARD_STATUS_PRIVATE_H */
