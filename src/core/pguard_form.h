/*
 * A text with holes: rendered once, and from then on filled, in one pass that
 * copies what is always the same and puts a value into each hole.
 *
 * Who renders it marks a hole where a value would go:
 *
 *     pguard_form_begin(&form, &out);
 *     ... pguard_form_hole(&form, &out, cell); ...
 *     if (pguard_form_end(&form, &out)) ...
 *
 * out has a buffer, which the form points into, and which stays the caller's.
 */

#ifndef PGUARD_FORM_H
#define PGUARD_FORM_H

#include "pguard.h"
#include "pguard_out.h"


#define PGUARD_FORM_HOLES  8
#define PGUARD_FORM_CELL   32            /* bytes that a value may have */


/* A value.  All of the cell is copied, whatever its length is: that takes no
   call and no loop. */

typedef struct {
    unsigned char         text[PGUARD_FORM_CELL];
    size_t                len;
} pguard_form_cell_t;

typedef struct {
    size_t                before;        /* bytes of text since the last one */
    size_t                cell;          /* which value goes there */
} pguard_form_hole_t;

typedef struct {
    const unsigned char  *text;          /* in what it was rendered into */
    size_t                len;           /* of the text without its holes */
    size_t                room;          /* that filling it may write to */
    size_t                from;          /* out->need at its begin */
    unsigned              holes;         /* may be over the maximum: no form */
    pguard_form_hole_t    hole[PGUARD_FORM_HOLES];
} pguard_form_t;


void pguard_form_begin(pguard_form_t *form, const pguard_out_t *out);
void pguard_form_hole(pguard_form_t *form, const pguard_out_t *out,
    unsigned cell);

/* 1, or 0: the text did not fit into the buffer of out, or had too many
   holes. */
int pguard_form_end(pguard_form_t *form, const pguard_out_t *out);

/* Fills it with cells, by their number, into p, where there are form->room
   bytes: more than it then has.  Returns the end. */
unsigned char *pguard_form_fill(const pguard_form_t *form,
    const pguard_form_cell_t *cells, unsigned char *p);


#endif /* PGUARD_FORM_H */
