/*
 * A bounded writer: see pguard_out.h.
 */

#include "pguard_out.h"

#include <string.h>


#define PGUARD_OUT_REPLACEMENT  "\xef\xbf\xbd"          /* U+FFFD */


typedef struct {
    unsigned char           c;
    const char             *as;
} pguard_out_escape_t;

typedef struct {
    pguard_out_escape_t     escapes[8];  /* up to the first without as */
    const char             *control;     /* for other control characters */
    unsigned                hex;         /* followed by their two digits */
    const char             *wide;        /* beyond ASCII; NULL: as they are */
    const char             *bad;         /* for bytes that are not UTF-8 */
} pguard_out_style_t;


static void pguard_out_escaped(pguard_out_t *out, pguard_str_t s,
    const pguard_out_style_t *style);
static const char *pguard_out_escape(const pguard_out_style_t *style,
    unsigned char c, size_t n);
static size_t pguard_out_utf8(const unsigned char *p, size_t len);


static const char  pguard_out_digits[] = "0123456789abcdef";


static const pguard_out_style_t  pguard_out_style_json = {
    { { '"', "\\\"" }, { '\\', "\\\\" }, { '\n', "\\n" }, { '\r', "\\r" },
      { '\t', "\\t" } },
    "\\u00", 1, NULL, PGUARD_OUT_REPLACEMENT
};

static const pguard_out_style_t  pguard_out_style_html = {
    { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
      { '\'', "&#39;" }, { '\n', "\n" }, { '\t', "\t" } },
    PGUARD_OUT_REPLACEMENT, 0, NULL, PGUARD_OUT_REPLACEMENT
};

static const pguard_out_style_t  pguard_out_style_label = {
    { { '"', "\\\"" }, { '\\', "\\\\" }, { '\n', "\\n" } },
    PGUARD_OUT_REPLACEMENT, 0, NULL, PGUARD_OUT_REPLACEMENT
};

static const pguard_out_style_t  pguard_out_style_sf = {
    { { '"', "\\\"" }, { '\\', "\\\\" } },
    "?", 0, "?", "?"
};


void
pguard_out_init(pguard_out_t *out, void *buffer, size_t size)
{
    out->pos = buffer;
    out->end = size ? out->pos + size : out->pos;
    out->need = 0;
}


void
pguard_out_bytes(pguard_out_t *out, const void *data, size_t len)
{
    size_t  n;

    n = (size_t) (out->end - out->pos);

    if (n > len) {
        n = len;
    }

    /* neither memcpy() nor an addition may see a NULL, even with 0 bytes */

    if (n) {
        memcpy(out->pos, data, n);
        out->pos += n;
    }

    out->need += len;
}


void
pguard_out_str(pguard_out_t *out, pguard_str_t s)
{
    pguard_out_bytes(out, s.data, s.len);
}


void
pguard_out_byte(pguard_out_t *out, unsigned char c)
{
    pguard_out_bytes(out, &c, 1);
}


void
pguard_out_uint(pguard_out_t *out, uint64_t n)
{
    unsigned char  buf[20];

    pguard_out_bytes(out, buf, (size_t) (pguard_uint(buf, n) - buf));
}


unsigned char *
pguard_uint(unsigned char *dst, uint64_t n)
{
    uint64_t        limit;
    unsigned char  *p, *end;

    /* the last power of ten that 64 bits hold has 20 digits */

    for (end = dst + 1, limit = 10; n >= limit && end < dst + 20; end++) {
        limit *= 10;
    }

    for (p = end; p > dst; n /= 10) {
        *--p = (unsigned char) ('0' + n % 10);
    }

    return end;
}


void
pguard_out_decimal(pguard_out_t *out, uint64_t n, unsigned places)
{
    unsigned       i;
    unsigned char  buf[19];

    for (i = places; i; i--) {
        buf[i] = (unsigned char) ('0' + n % 10);
        n /= 10;
    }

    buf[0] = '.';

    pguard_out_uint(out, n);
    pguard_out_bytes(out, buf, places + 1);
}


void
pguard_out_usec(pguard_out_t *out, pguard_usec_t us)
{
    pguard_out_decimal(out, us, 6);
}


void
pguard_out_msec(pguard_out_t *out, pguard_msec_t ms)
{
    pguard_out_decimal(out, ms, 3);
}


void
pguard_out_hex(pguard_out_t *out, const void *data, size_t len)
{
    size_t                i;
    unsigned char         pair[2];
    const unsigned char  *p;

    p = data;

    for (i = 0; i < len; i++) {
        pair[0] = (unsigned char) pguard_out_digits[p[i] >> 4];
        pair[1] = (unsigned char) pguard_out_digits[p[i] & 15];
        pguard_out_bytes(out, pair, 2);
    }
}


void
pguard_out_json(pguard_out_t *out, pguard_str_t s)
{
    pguard_out_escaped(out, s, &pguard_out_style_json);
}


void
pguard_out_html(pguard_out_t *out, pguard_str_t s)
{
    pguard_out_escaped(out, s, &pguard_out_style_html);
}


void
pguard_out_label(pguard_out_t *out, pguard_str_t s)
{
    pguard_out_escaped(out, s, &pguard_out_style_label);
}


void
pguard_out_sf(pguard_out_t *out, pguard_str_t s)
{
    pguard_out_escaped(out, s, &pguard_out_style_sf);
}


/* Names, digests and event ids are of characters that mean nothing anywhere. */

static const unsigned char  pguard_out_plain[256] = {
    [' '] = 1, ['-'] = 1, ['.'] = 1, ['/'] = 1, ['0' ... '9'] = 1, [':'] = 1,
    ['A' ... 'Z'] = 1, ['_'] = 1, ['a' ... 'z'] = 1
};


static void
pguard_out_escaped(pguard_out_t *out, pguard_str_t s,
    const pguard_out_style_t *style)
{
    size_t       i, n, plain;
    const char  *as;

    for (i = 0; i < s.len && pguard_out_plain[s.data[i]]; i++) { /* void */ }

    plain = 0;

    for ( /* void */ ; i < s.len; i += n ? n : 1) {
        n = pguard_out_utf8(s.data + i, s.len - i);
        as = pguard_out_escape(style, s.data[i], n);

        if (as == NULL) {
            continue;
        }

        pguard_out_bytes(out, s.data + plain, i - plain);
        pguard_out_text(out, as);

        if (as == style->control && style->hex) {
            pguard_out_hex(out, s.data + i, 1);
        }

        plain = i + (n ? n : 1);
    }

    if (plain < s.len) {
        pguard_out_bytes(out, s.data + plain, s.len - plain);
    }
}


/* What stands for the character of n bytes, the first of them c; NULL: it
   stands for itself. */

static const char *
pguard_out_escape(const pguard_out_style_t *style, unsigned char c, size_t n)
{
    const pguard_out_escape_t  *e;

    if (n != 1) {
        return n ? style->wide : style->bad;
    }

    for (e = style->escapes; e->as; e++) {
        if (e->c == c) {
            return e->as;
        }
    }

    return (c < 0x20 || c == 0x7f) ? style->control : NULL;
}


/* The length of the UTF-8 character (RFC 3629) at p, or 0 if there is none. */

static size_t
pguard_out_utf8(const unsigned char *p, size_t len)
{
    size_t    i, n;
    uint32_t  c;

    static const uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    c = p[0];

    if (c < 0x80) {
        return 1;
    }

    n = (c >= 0xf0) ? 4 : (c >= 0xe0) ? 3 : 2;

    if (c < 0xc2 || c > 0xf4 || len < n) {
        return 0;
    }

    c &= 0x7fu >> n;

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        c = (c << 6) | (p[i] & 0x3f);
    }

    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }

    return n;
}
