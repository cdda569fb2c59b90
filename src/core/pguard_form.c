#include "pguard_form.h"


void
pguard_form_begin(pguard_form_t *form, const pguard_out_t *out)
{
    form->text = out->pos;
    form->len = 0;
    form->from = out->need;
    form->holes = 0;
}


void
pguard_form_hole(pguard_form_t *form, const pguard_out_t *out, unsigned cell)
{
    pguard_form_hole_t  *hole;

    if (form->holes < PGUARD_FORM_HOLES) {
        hole = &form->hole[form->holes];
        hole->at = out->need - form->from;
        hole->len = 0;
        hole->cell = cell;
    }

    form->holes++;
}


int
pguard_form_end(pguard_form_t *form, const pguard_out_t *out)
{
    form->len = out->need - form->from;

    return form->holes <= PGUARD_FORM_HOLES
           && form->len == (size_t) (out->pos - form->text)
           && form->holes * PGUARD_FORM_CELL <= (size_t) (out->end - out->pos);
}


/* Makes room for len bytes in a hole: what is behind it moves. */

static void
pguard_form_fit(pguard_form_t *form, pguard_form_hole_t *hole, size_t len)
{
    size_t               behind;
    pguard_form_hole_t  *next;

    behind = hole->at + hole->len;

    memmove(form->text + hole->at + len, form->text + behind,
            form->len - behind);

    for (next = hole + 1; next < form->hole + form->holes; next++) {
        next->at = next->at - hole->len + len;
    }

    form->len = form->len - hole->len + len;
    hole->len = len;
}


void
pguard_form_set(pguard_form_t *form, unsigned cell, pguard_str_t value)
{
    pguard_form_hole_t  *hole;

    for (hole = form->hole; hole < form->hole + form->holes; hole++) {

        if (hole->cell != cell) {
            continue;
        }

        if (hole->len != value.len) {
            pguard_form_fit(form, hole, value.len);
        }

        memcpy(form->text + hole->at, value.data, value.len);
    }
}
