/*
 * A text with holes: rendered once, and kept with a value in each hole, which
 * others replace.  Who needs a text of its own copies this one, in one go.
 *
 * Who renders it marks a hole where a value would go:
 *
 *     pguard_form_begin(&form, &out);
 *     ... pguard_form_hole(&form, &out, cell); ...
 *     if (pguard_form_end(&form, &out)) ...
 *
 * out has a buffer, which stays the caller's: the text is in it, and has the
 * rest of it to grow into.
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
    unsigned              holes;         /* may be over the maximum: no form */
    pguard_form_hole_t    hole[PGUARD_FORM_HOLES];
} pguard_form_t;


void pguard_form_begin(pguard_form_t *form, const pguard_out_t *out);
void pguard_form_hole(pguard_form_t *form, const pguard_out_t *out,
    unsigned cell);

/* 1, or 0: it had too many holes, or the buffer of out has no room for it with
   PGUARD_FORM_CELL bytes in each. */
int pguard_form_end(pguard_form_t *form, const pguard_out_t *out);

/* Puts value, of PGUARD_FORM_CELL bytes at most, into each hole for this cell.
   O(len) if it is of another length than the last, else O(holes). */
void pguard_form_set(pguard_form_t *form, unsigned cell, pguard_str_t value);


#endif /* PGUARD_FORM_H */
