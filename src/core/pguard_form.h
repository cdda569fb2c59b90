/*
 * A text with holes.  It is rendered once and kept with a value in each hole;
 * a value can be replaced, and the text copied, without rendering it again.
 *
 * While rendering, mark a hole where a value is to go:
 *
 *     pguard_form_begin(&form, &out);
 *     ... pguard_form_hole(&form, &out, cell); ...
 *     if (pguard_form_end(&form, &out)) ...
 *
 * The text lies in the buffer of out, which stays the caller's, and needs the
 * rest of that buffer to grow into.
 */

#ifndef PGUARD_FORM_H
#define PGUARD_FORM_H

#include "pguard.h"
#include "pguard_out.h"


#define PGUARD_FORM_HOLES  8
#define PGUARD_FORM_CELL   32            /* bytes that a value may have */


typedef struct {
    size_t                at;            /* where in the text its value is */
    size_t                len;           /* of the value; 0 at first */
    unsigned              cell;          /* which value it is */
} pguard_form_hole_t;

typedef struct {
    unsigned char        *text;
    size_t                len;
    size_t                from;          /* out->need at its begin */
    unsigned              holes;         /* more than there is room for: the
                                            form can't be used */
    pguard_form_hole_t    hole[PGUARD_FORM_HOLES];
} pguard_form_t;


/* Begins a form where out is now; marks a hole for the value number cell. */
void pguard_form_begin(pguard_form_t *form, const pguard_out_t *out);
void pguard_form_hole(pguard_form_t *form, const pguard_out_t *out,
    unsigned cell);

/* 1, and the form can be used; or 0: it has too many holes, or the buffer has
   no room for PGUARD_FORM_CELL bytes in each. */
int pguard_form_end(pguard_form_t *form, const pguard_out_t *out);

/* Puts value, of PGUARD_FORM_CELL bytes at most, into each hole of this cell.
   O(holes); O(length of the text) if the value's length changes. */
void pguard_form_set(pguard_form_t *form, unsigned cell, pguard_str_t value);


#endif /* PGUARD_FORM_H */
