/*
 * A bounded writer.  It writes what fits and counts what is needed, so that a
 * caller renders once into a buffer that is likely enough, and once more into
 * one of the right size if it was not.  Nothing here can fail.
 *
 * What is in the buffer is always the beginning of the whole: after a byte
 * that did not fit, none is written.  The whole is there if need <= size.
 */

#ifndef PGUARD_OUT_H
#define PGUARD_OUT_H

#include "pguard.h"

#include <string.h>


typedef struct {
    unsigned char  *pos;         /* where the next byte goes */
    unsigned char  *end;
    size_t          need;        /* bytes of all that was to be written */
} pguard_out_t;


/* buffer stays the caller's, and may be NULL if size is 0: then only count. */
void pguard_out_init(pguard_out_t *out, void *buffer, size_t size);

/* As they are.  data may be NULL if len is 0; s ends with a NUL, and is not
   NULL.  O(length), as all that follow. */
void pguard_out_bytes(pguard_out_t *out, const void *data, size_t len);
void pguard_out_str(pguard_out_t *out, pguard_str_t s);
void pguard_out_byte(pguard_out_t *out, unsigned char c);

/* Inline, so that the length of a literal is known. */

static inline void
pguard_out_text(pguard_out_t *out, const char *s)
{
    pguard_out_bytes(out, s, strlen(s));
}


/* Decimal, no sign, no leading zeros: at most 20 digits.  pguard_uint() writes
   to where there is room for them, and returns the end. */
void pguard_out_uint(pguard_out_t *out, uint64_t n);
unsigned char *pguard_uint(unsigned char *dst, uint64_t n);

/* n / 10^places with all its decimals: (250, 6) is 0.000250.  places: 1 to
   18. */
void pguard_out_decimal(pguard_out_t *out, uint64_t n, unsigned places);

/* Seconds: 250 us are 0.000250, 1500 ms are 1.500. */
void pguard_out_usec(pguard_out_t *out, pguard_usec_t us);
void pguard_out_msec(pguard_out_t *out, pguard_msec_t ms);

/* Two lower-case digits for each byte. */
void pguard_out_hex(pguard_out_t *out, const void *data, size_t len);

/*
 * What goes between the quotes, or tags, of the format named.  s may hold any
 * bytes; the result is always well formed, and UTF-8.  A byte that belongs to
 * no UTF-8 character becomes U+FFFD.
 *
 *   json   control characters as \n, \r, \t or \u00xx
 *   html   for elements and for attributes in either quotes; control
 *          characters but \n and \t become U+FFFD
 *   label  value of a label, Prometheus text and OpenMetrics; control
 *          characters but \n become U+FFFD
 *   sf     String of RFC 9651: each character that is not printable ASCII
 *          becomes "?"
 */
void pguard_out_json(pguard_out_t *out, pguard_str_t s);
void pguard_out_html(pguard_out_t *out, pguard_str_t s);
void pguard_out_label(pguard_out_t *out, pguard_str_t s);
void pguard_out_sf(pguard_out_t *out, pguard_str_t s);


#endif /* PGUARD_OUT_H */
