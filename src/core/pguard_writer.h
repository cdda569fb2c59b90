/*
 * JSON, written: commas and quotes come by themselves.
 *
 *     pguard_writer_open(w, NULL, '{');
 *     pguard_writer_uint(w, "bytes", 17);
 *     pguard_writer_open(w, "blocks", '[');
 *     ...
 *     pguard_writer_close(w, ']');
 *     pguard_writer_close(w, '}');
 *
 * name is NULL in arrays and for the outermost value, else it is written as it
 * is.  The caller opens and closes in pairs.  O(length).
 */

#ifndef PGUARD_WRITER_H
#define PGUARD_WRITER_H

#include "pguard.h"
#include "pguard_out.h"


typedef struct {
    pguard_out_t  *out;             /* the caller's */
    unsigned       comma;           /* before what comes next */
} pguard_writer_t;


void pguard_writer_init(pguard_writer_t *w, pguard_out_t *out);

/* bracket: one of "{[", one of "]}". */
void pguard_writer_open(pguard_writer_t *w, const char *name, char bracket);
void pguard_writer_close(pguard_writer_t *w, char bracket);

/* Any bytes; a text that ends with a NUL; a number; true or false; null. */
void pguard_writer_str(pguard_writer_t *w, const char *name, pguard_str_t s);
void pguard_writer_text(pguard_writer_t *w, const char *name, const char *s);
void pguard_writer_uint(pguard_writer_t *w, const char *name, uint64_t n);
void pguard_writer_decimal(pguard_writer_t *w, const char *name, uint64_t n,
    unsigned places);
void pguard_writer_flag(pguard_writer_t *w, const char *name, unsigned flag);
void pguard_writer_null(pguard_writer_t *w, const char *name);

/* Bytes as a string of hex digits; ms since 1970 as a string. */
void pguard_writer_hex(pguard_writer_t *w, const char *name, const void *data,
    size_t len);
void pguard_writer_utc(pguard_writer_t *w, const char *name, pguard_msec_t ms);


#endif /* PGUARD_WRITER_H */
