/*
 * What writes: buttons, and the dialogs that they open.  Without a script
 * neither is there.  The script sends what is in a form's fields, as JSON, to
 * the call that the button names.
 */

#include "pguard_status_private.h"

#include "pguard_audit.h"
#include "pguard_str.h"


/* A browser counts in units of UTF-16, each of at most 3 bytes of UTF-8. */

#define PGUARD_FORM_UNIT  3

#define PGUARD_FORM_SERVICES  "services-known"


typedef enum {
    PGUARD_FIELD_TEXT = 0,
    PGUARD_FIELD_SERVICE,                /* text, with those that are known */
    PGUARD_FIELD_MINUTES,                /* sent as seconds */
    PGUARD_FIELD_TIME,                   /* sent in UTC */
    PGUARD_FIELD_ZONE,
    PGUARD_FIELD_REASON,
    PGUARD_FIELD_CONFIRMED
} pguard_field_e;

typedef struct {
    const char      *name;               /* member of the call; NULL: no more */
    unsigned         text;
    pguard_field_e   kind;
    unsigned         required;
    unsigned         max;                /* of its characters or value */
} pguard_field_t;

#define PGUARD_FIELDS_MAX  8

typedef struct {
    const char      *id;
    const char      *method;
    unsigned         title;
    unsigned         note;
    pguard_field_t   field[PGUARD_FIELDS_MAX];
} pguard_form_t;


static const pguard_field_t  pguard_form_common[] = {
    { "why", PGUARD_STATUS_FIELD_WHY, PGUARD_FIELD_TEXT, 1,
      PGUARD_AUDIT_TEXT_MAX / PGUARD_FORM_UNIT },
    { "who", PGUARD_STATUS_FIELD_WHO, PGUARD_FIELD_TEXT, 1,
      PGUARD_WHO_MAX / PGUARD_FORM_UNIT },
};


static const pguard_form_t  pguard_forms[] = {

    { "lift", "DELETE", PGUARD_STATUS_LIFT_TITLE, PGUARD_STATUS_LIFT_NOTE,
      { { NULL, 0, 0, 0, 0 } } },

    { "block", "POST", PGUARD_STATUS_SET_BLOCK, PGUARD_STATUS_BLOCK_NOTE,
      { { "zone", PGUARD_STATUS_ZONE, PGUARD_FIELD_ZONE, 1, 0 },
        { "client", PGUARD_STATUS_FIELD_CLIENT, PGUARD_FIELD_TEXT, 1,
          PGUARD_ID_HEX_LEN },
        { "service", PGUARD_STATUS_FIELD_SERVICE, PGUARD_FIELD_SERVICE, 0,
          PGUARD_NAME_MAX },
        { "seconds", PGUARD_STATUS_FIELD_MINUTES, PGUARD_FIELD_MINUTES, 1,
          31 * 24 * 60 },
        { "reason", PGUARD_STATUS_REASON, PGUARD_FIELD_REASON, 1, 0 } } },

    { "declare", "POST", PGUARD_STATUS_DECLARE,
      PGUARD_STATUS_FIELD_TIMES_NOTE,
      { { "notified_at", PGUARD_STATUS_FIELD_NOTIFIED, PGUARD_FIELD_TIME, 0,
          0 },
        { "detected_at", PGUARD_STATUS_FIELD_DETECTED, PGUARD_FIELD_TIME, 0,
          0 },
        { "cause", PGUARD_STATUS_FIELD_CAUSE, PGUARD_FIELD_TEXT, 1,
          PGUARD_CAUSE_MAX / PGUARD_FORM_UNIT } } },

    { "restore", "PATCH", PGUARD_STATUS_RESTORE_TITLE,
      PGUARD_STATUS_RESTORE_NOTE,
      { { "restored_at", PGUARD_STATUS_FIELD_END, PGUARD_FIELD_TIME, 1, 0 },
        { "confirmed_by", PGUARD_STATUS_FIELD_CONFIRMED,
          PGUARD_FIELD_CONFIRMED, 1, 0 },
        { "confirmer", PGUARD_STATUS_FIELD_CONFIRMER, PGUARD_FIELD_TEXT, 0,
          PGUARD_WHO_MAX / PGUARD_FORM_UNIT } } }
};

#define PGUARD_FORMS  (sizeof(pguard_forms) / sizeof(pguard_forms[0]))


void
pguard_status_segment(pguard_page_t *p, pguard_str_t s)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if (pguard_str_alnum(c) || c == '-' || c == '_' || c == '.') {
            pguard_out_byte(p->out, c);

        } else {
            pguard_page_raw(p, "%");
            pguard_out_hex(p->out, &c, 1);
        }
    }
}


void
pguard_status_button(pguard_page_t *p, const char *dialog, pguard_str_t what,
    pguard_str_t zone)
{
    pguard_page_raw(p, "<button type=\"button\" class=\"script\" id=\"b-");
    pguard_page_raw(p, dialog);
    pguard_page_raw(p, "-");
    pguard_status_segment(p, what);
    pguard_page_raw(p, zone.len ? ":" : "");
    pguard_status_segment(p, zone);
    pguard_page_raw(p, "\" data-dialog=\"");
    pguard_page_raw(p, dialog);
    pguard_page_raw(p, "\" data-path=\"");
}


static void
pguard_button_what(pguard_page_t *p, pguard_str_t what, pguard_str_t zone)
{
    pguard_page_str(p, what);

    if (zone.len) {
        pguard_page_raw(p, " (");
        pguard_page_str(p, zone);
        pguard_page_raw(p, ")");
    }
}


void
pguard_status_button_end(pguard_page_t *p, unsigned text, pguard_str_t what,
    pguard_str_t zone)
{
    pguard_page_raw(p, "\" data-what=\"");
    pguard_button_what(p, what, zone);
    pguard_page_raw(p, "\">");
    pguard_page_text(p, text);
    pguard_page_raw(p, "<span class=\"h\"> ");
    pguard_button_what(p, what, zone);
    pguard_page_raw(p, "</span></button>");
}


static void
pguard_form_option(pguard_page_t *p, pguard_str_t value)
{
    pguard_page_raw(p, "<option value=\"");
    pguard_page_str(p, value);
    pguard_page_raw(p, "\">");
}


static void
pguard_form_zones(pguard_page_t *p, const pguard_status_t *s)
{
    size_t  i;

    for (i = 0; i < s->zones.n; i++) {
        pguard_form_option(p, s->zones.of[i].name);
        pguard_page_str(p, s->zones.of[i].name);
        pguard_page_raw(p, "</option>");
    }
}


/* Each name once: a service may be of several zones. */

static void
pguard_form_services(pguard_page_t *p, const pguard_status_t *s)
{
    size_t                          i, j;
    const pguard_status_service_t  *v = s->services.of;

    pguard_page_raw(p, "<datalist id=\"" PGUARD_FORM_SERVICES "\">");

    for (i = 0; i < s->services.n; i++) {

        for (j = 0; j < i && !pguard_str_same(v[j].name, v[i].name); j++)
        { /* void */ }

        if (j == i) {
            pguard_form_option(p, v[i].name);
        }
    }

    pguard_page_raw(p, "</datalist>");
}


static void
pguard_form_options(pguard_page_t *p, const pguard_status_t *s,
    const pguard_field_t *f)
{
    unsigned  i;

    static const pguard_reason_e  reasons[] = {
        PGUARD_REASON_OPERATOR, PGUARD_REASON_HAMMERING
    };

    pguard_page_raw(p, "<select name=\"");
    pguard_page_raw(p, f->name);
    pguard_page_raw(p, f->required ? "\" required>" : "\">");

    switch (f->kind) {

    case PGUARD_FIELD_ZONE:
        pguard_form_zones(p, s);
        break;

    case PGUARD_FIELD_REASON:

        for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
            pguard_form_option(p, pguard_reason_names[reasons[i]]);
            pguard_status_reason(p, reasons[i]);
            pguard_page_raw(p, "</option>");
        }

        break;

    default: /* PGUARD_FIELD_CONFIRMED */

        for (i = PGUARD_CONFIRMED_MONITORING; i < PGUARD_CONFIRMED; i++) {
            pguard_form_option(p, pguard_confirmed_names[i]);
            pguard_page_words(p, pguard_report_texts[
                                     i == PGUARD_CONFIRMED_USER
                                     ? PGUARD_REPORT_USER
                                     : PGUARD_REPORT_MONITORING]);
            pguard_page_raw(p, "</option>");
        }
    }

    pguard_page_raw(p, "</select>");
}


static void
pguard_form_input(pguard_page_t *p, const pguard_field_t *f)
{
    static const char *const  kinds[] = {
        [PGUARD_FIELD_TEXT]    = "text\" autocomplete=\"off\" maxlength=\"",
        [PGUARD_FIELD_SERVICE] = "text\" autocomplete=\"off\" list=\""
                                 PGUARD_FORM_SERVICES "\" maxlength=\"",
        [PGUARD_FIELD_MINUTES] = "number\" min=\"1\" value=\"60\" max=\"",
        [PGUARD_FIELD_TIME]    = "datetime-local"
    };

    pguard_page_raw(p, "<input name=\"");
    pguard_page_raw(p, f->name);
    pguard_page_raw(p, "\" type=\"");
    pguard_page_raw(p, kinds[f->kind]);

    if (f->max) {
        pguard_out_uint(p->out, f->max);
    }

    pguard_page_raw(p, f->required ? "\" required>" : "\">");
}


static void
pguard_form_field(pguard_page_t *p, const pguard_status_t *s,
    const pguard_field_t *f)
{
    pguard_page_raw(p, "<label><span>");
    pguard_page_text(p, f->text);
    pguard_page_raw(p, "</span> ");

    if (f->kind <= PGUARD_FIELD_TIME) {
        pguard_form_input(p, f);

    } else {
        pguard_form_options(p, s, f);
    }

    if (f->kind == PGUARD_FIELD_SERVICE) {
        pguard_form_services(p, s);
    }

    pguard_page_raw(p, "</label>\n");
}


static void
pguard_form(pguard_page_t *p, const pguard_status_t *s,
    const pguard_form_t *form)
{
    unsigned  i;

    pguard_page_raw(p, "<dialog id=\"");
    pguard_page_raw(p, form->id);
    pguard_page_raw(p, "\" aria-labelledby=\"");
    pguard_page_raw(p, form->id);
    pguard_page_raw(p, "-h\">\n<form method=\"dialog\" data-method=\"");
    pguard_page_raw(p, form->method);
    pguard_page_raw(p, "\">\n<h2 id=\"");
    pguard_page_raw(p, form->id);
    pguard_page_raw(p, "-h\">");
    pguard_page_text(p, form->title);
    pguard_page_raw(p, "</h2>\n<p class=\"what\" translate=\"no\"></p>\n");
    pguard_page_paragraph(p, form->note);

    for (i = 0; i < PGUARD_FIELDS_MAX && form->field[i].name; i++) {
        pguard_form_field(p, s, &form->field[i]);
    }

    pguard_form_field(p, s, &pguard_form_common[0]);

    if (!s->known_user) {
        pguard_form_field(p, s, &pguard_form_common[1]);
    }

    pguard_page_paragraph(p, PGUARD_STATUS_WHY_NOTE);
    pguard_page_raw(p, "<p role=\"alert\"></p>\n<p class=\"do\"><button "
                    "type=\"button\" data-close>");
    pguard_page_text(p, PGUARD_STATUS_CANCEL);
    pguard_page_raw(p, "</button> <button class=\"go\">");
    pguard_page_text(p, PGUARD_STATUS_SEND);
    pguard_page_raw(p, "</button></p>\n</form>\n</dialog>\n");
}


void
pguard_status_forms(pguard_page_t *p, const pguard_status_t *s)
{
    unsigned  i;

    for (i = 0; i < PGUARD_FORMS; i++) {
        pguard_form(p, s, &pguard_forms[i]);
    }
}
