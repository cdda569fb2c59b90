/*
 * What a client prefers: a language, a body, a metrics format (RFC 9110,
 * section 12).  Malformed elements are passed over.  Each function reads all
 * the lines of one header, at most PGUARD_NEGOTIATE_MAX bytes of them: O(n)
 * in these.
 */

#ifndef PGUARD_NEGOTIATE_H
#define PGUARD_NEGOTIATE_H

#include "pguard.h"


#define PGUARD_NEGOTIATE_MAX  4096     /* bytes; what follows is not read */


typedef enum {
    PGUARD_LANG_EN = 0,
    PGUARD_LANG_FR,
    PGUARD_LANGS
} pguard_lang_e;

typedef enum {
    PGUARD_BODY_JSON = 0,
    PGUARD_BODY_HTML,
    PGUARD_BODIES
} pguard_body_e;

typedef enum {
    PGUARD_FORMAT_TEXT = 0,            /* Prometheus text 0.0.4 */
    PGUARD_FORMAT_OPENMETRICS,         /* OpenMetrics 1.0.0 */
    PGUARD_FORMATS
} pguard_format_e;


/* "en", "fr": for Content-Language and the attribute lang. */
extern const pguard_str_t  pguard_lang_names[PGUARD_LANGS];


/* lines: n lines of Accept-Language.  English unless French is preferred; of
   two that are named with the same weight, the first. */
pguard_lang_e pguard_negotiate_lang(const pguard_str_t *lines, size_t n);

/* lines: n lines of Accept.  JSON unless HTML has more weight. */
pguard_body_e pguard_negotiate_body(const pguard_str_t *lines, size_t n);

/* lines: n lines of Accept.  Prometheus text unless OpenMetrics has more
   weight. */
pguard_format_e pguard_negotiate_format(const pguard_str_t *lines, size_t n);


#endif /* PGUARD_NEGOTIATE_H */
