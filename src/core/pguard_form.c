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
    size_t               len;
    pguard_form_hole_t  *hole;

    len = out->need - form->from;

    if (form->holes < PGUARD_FORM_HOLES) {
        hole = &form->hole[form->holes];
        hole->before = len - form->len;
        hole->cell = cell;
    }

    form->holes++;
    form->len = len;
}


int
pguard_form_end(pguard_form_t *form, const pguard_out_t *out)
{
    form->len = out->need - form->from;
    form->room = form->len + form->holes * PGUARD_FORM_CELL;

    return form->holes <= PGUARD_FORM_HOLES
           && form->len == (size_t) (out->pos - form->text);
}


unsigned char *
pguard_form_fill(const pguard_form_t *form, const pguard_form_cell_t *cells,
    unsigned char *p)
{
    const unsigned char       *text, *end;
    const pguard_form_cell_t  *cell;
    const pguard_form_hole_t  *hole, *last;

    text = form->text;
    end = text + form->len;
    last = form->hole + form->holes;

    for (hole = form->hole; hole < last; hole++) {
        memcpy(p, text, hole->before);
        p += hole->before;
        text += hole->before;

        cell = &cells[hole->cell];
        memcpy(p, cell->text, PGUARD_FORM_CELL);
        p += cell->len;
    }

    memcpy(p, text, (size_t) (end - text));

    return p + (end - text);
}
