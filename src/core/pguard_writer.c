/*
 * JSON, written: see pguard_writer.h.
 */

#include "pguard_writer.h"
#include "pguard_utc.h"

#include <string.h>


void
pguard_writer_init(pguard_writer_t *w, pguard_out_t *out)
{
    w->out = out;
    w->comma = 0;
}


/* Comma and name: after it, a value. */

static void
pguard_writer_name(pguard_writer_t *w, const char *name)
{
    if (w->comma) {
        pguard_out_byte(w->out, ',');
    }

    if (name) {
        pguard_out_byte(w->out, '"');
        pguard_out_text(w->out, name);
        pguard_out_text(w->out, "\":");
    }

    w->comma = 1;
}


void
pguard_writer_open(pguard_writer_t *w, const char *name, char bracket)
{
    pguard_writer_name(w, name);
    pguard_out_byte(w->out, (unsigned char) bracket);
    w->comma = 0;
}


void
pguard_writer_close(pguard_writer_t *w, char bracket)
{
    pguard_out_byte(w->out, (unsigned char) bracket);
    w->comma = 1;
}


void
pguard_writer_str(pguard_writer_t *w, const char *name, pguard_str_t s)
{
    pguard_writer_name(w, name);
    pguard_out_byte(w->out, '"');
    pguard_out_json(w->out, s);
    pguard_out_byte(w->out, '"');
}


void
pguard_writer_text(pguard_writer_t *w, const char *name, const char *s)
{
    pguard_str_t  str;

    str.data = (const unsigned char *) s;
    str.len = strlen(s);

    pguard_writer_str(w, name, str);
}


void
pguard_writer_uint(pguard_writer_t *w, const char *name, uint64_t n)
{
    pguard_writer_name(w, name);
    pguard_out_uint(w->out, n);
}


void
pguard_writer_decimal(pguard_writer_t *w, const char *name, uint64_t n,
    unsigned places)
{
    pguard_writer_name(w, name);
    pguard_out_decimal(w->out, n, places);
}


void
pguard_writer_flag(pguard_writer_t *w, const char *name, unsigned flag)
{
    pguard_writer_name(w, name);
    pguard_out_text(w->out, flag ? "true" : "false");
}


void
pguard_writer_null(pguard_writer_t *w, const char *name)
{
    pguard_writer_name(w, name);
    pguard_out_text(w->out, "null");
}


void
pguard_writer_hex(pguard_writer_t *w, const char *name, const void *data,
    size_t len)
{
    pguard_writer_name(w, name);
    pguard_out_byte(w->out, '"');
    pguard_out_hex(w->out, data, len);
    pguard_out_byte(w->out, '"');
}


void
pguard_writer_utc(pguard_writer_t *w, const char *name, pguard_msec_t ms)
{
    pguard_writer_name(w, name);
    pguard_out_byte(w->out, '"');
    pguard_utc_out(w->out, ms);
    pguard_out_byte(w->out, '"');
}
