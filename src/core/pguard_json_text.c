/*
 * The texts of tokens: see pguard_json.h.
 */

#include "pguard_json.h"
#include "pguard_key.h"

#include <string.h>


static const unsigned char *pguard_json_unescape_one(const unsigned char *p,
    unsigned char *buf, size_t *n);
static uint32_t pguard_json_unit(const unsigned char *p);
static size_t pguard_json_encode(unsigned char *buf, uint32_t c);


static const char  pguard_json_escapes[] = "\"\\/bfnrt";
static const char  pguard_json_escaped[] = "\"\\/\b\f\n\r\t";


const char *const  pguard_json_wrongs[PGUARD_JSON_WRONGS][PGUARD_LANGS] = {
    [PGUARD_JSON_RIGHT] = { "", "" },
    [PGUARD_JSON_AFTER_END] = {
        "text after the end",
        "du texte après la fin" },
    [PGUARD_JSON_EARLY_END] = {
        "the text ends too early",
        "le texte finit trop tôt" },
    [PGUARD_JSON_TOO_DEEP] = {
        "nested too deeply",
        "une imbrication trop profonde" },
    [PGUARD_JSON_NO_COMMA] = {
        "a comma or the end is missing",
        "il manque une virgule ou la fin" },
    [PGUARD_JSON_NO_NAME] = {
        "a name is missing",
        "il manque un nom" },
    [PGUARD_JSON_NO_COLON] = {
        "a colon is missing",
        "il manque un deux-points" },
    [PGUARD_JSON_NO_VALUE] = {
        "a value is missing",
        "il manque une valeur" },
    [PGUARD_JSON_CONTROL] = {
        "a control character in a string",
        "un caractère de commande dans une chaîne" },
    [PGUARD_JSON_NO_QUOTE] = {
        "a string does not end",
        "une chaîne qui ne finit pas" },
    [PGUARD_JSON_BAD_ESCAPE] = {
        "an escape that there is not",
        "une séquence d’échappement inconnue" },
    [PGUARD_JSON_HALF_PAIR] = {
        "half a surrogate pair",
        "la moitié d’une paire de substitution" },
    [PGUARD_JSON_NO_UTF8] = {
        "bytes that are not UTF-8",
        "des octets qui ne sont pas de l’UTF-8" },
    [PGUARD_JSON_LEADING_0] = {
        "a number that begins with a 0",
        "un nombre qui commence par 0" },
    [PGUARD_JSON_NO_DECIMAL] = {
        "no digit after the point",
        "aucun chiffre après le point" },
    [PGUARD_JSON_NO_EXPONENT] = {
        "no digit in the exponent",
        "aucun chiffre dans l’exposant" }
};


int
pguard_json_same(pguard_str_t text, const char *s)
{
    size_t                n, len;
    unsigned char         buf[4];
    const unsigned char  *p, *end;

    len = strlen(s);
    end = text.len ? text.data + text.len : text.data;

    for (p = text.data; p < end; s += n, len -= n) {
        p = pguard_json_unescape_one(p, buf, &n);

        if (n > len || memcmp(s, buf, n) != 0) {
            return 0;
        }
    }

    return len == 0;
}


size_t
pguard_json_unescape(pguard_str_t text, void *buf, size_t size)
{
    size_t                n, need;
    unsigned char        *out, one[4];
    const unsigned char  *p, *end;

    out = buf;
    need = 0;
    end = text.len ? text.data + text.len : text.data;

    for (p = text.data; p < end; need += n) {
        p = pguard_json_unescape_one(p, one, &n);

        if (need + n <= size) {
            memcpy(out + need, one, n);
        } else {
            size = need;
        }
    }

    return need;
}


/* The character or the byte at p, resolved into n (1 to 4) bytes at buf;
   returns what follows.  The text is known to be well formed. */

static const unsigned char *
pguard_json_unescape_one(const unsigned char *p, unsigned char *buf, size_t *n)
{
    uint32_t  c, low;

    *n = 1;

    if (p[0] != '\\') {
        buf[0] = p[0];
        return p + 1;
    }

    if (p[1] != 'u') {
        buf[0] = (unsigned char)
                 pguard_json_escaped[strchr(pguard_json_escapes, p[1])
                                     - pguard_json_escapes];
        return p + 2;
    }

    c = pguard_json_unit(p + 2);
    p += 6;

    if (c >= 0xd800 && c <= 0xdbff) {
        low = pguard_json_unit(p + 2);
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }

    *n = pguard_json_encode(buf, c);

    return p;
}


/* The four hex digits at p. */

static uint32_t
pguard_json_unit(const unsigned char *p)
{
    unsigned char  bytes[2];

    (void) pguard_unhex(bytes, p, 2);

    return (uint32_t) bytes[0] << 8 | bytes[1];
}


static size_t
pguard_json_encode(unsigned char *buf, uint32_t c)
{
    size_t  i, n;

    static const unsigned char  lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    if (c < 0x80) {
        buf[0] = (unsigned char) c;
        return 1;
    }

    n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (i = n - 1; i; i--) {
        buf[i] = (unsigned char) (0x80 | (c & 0x3f));
        c >>= 6;
    }

    buf[0] = (unsigned char) (lead[n] | c);

    return n;
}


int
pguard_json_int(pguard_str_t number, int64_t *n)
{
    size_t  i;

    for (i = 0; i < number.len; i++) {
        if (number.data[i] != '-'
            && (number.data[i] < '0' || number.data[i] > '9'))
        {
            return -1;
        }
    }

    return pguard_json_decimal(number, 0, n);
}


/* Appends a digit to *value, which stays negative or 0, as only there every
   int64_t has its place.  -1 if it does not fit. */

static int
pguard_json_append(int64_t *value, unsigned digit)
{
    return __builtin_mul_overflow(*value, 10, value)
           || __builtin_sub_overflow(*value, (int64_t) digit, value) ? -1 : 0;
}


int
pguard_json_decimal(pguard_str_t number, unsigned places, int64_t *n)
{
    size_t    i;
    int64_t   value;
    unsigned  point, left, negative, digit;

    value = 0;
    point = 0;
    left = places;
    negative = number.len && number.data[0] == '-';

    if (number.len == negative) {
        return -1;
    }

    for (i = negative; i < number.len; i++) {
        if (number.data[i] == '.' && !point) {
            point = 1;
            continue;
        }

        digit = (unsigned) number.data[i] - '0';

        if (digit > 9) {
            return -1;
        }

        if (point && left == 0) {
            if (digit) {
                return -1;
            }

            continue;
        }

        left -= point;

        if (pguard_json_append(&value, digit) != 0) {
            return -1;
        }
    }

    for ( /* void */ ; left; left--) {
        if (pguard_json_append(&value, 0) != 0) {
            return -1;
        }
    }

    if (!negative && value == INT64_MIN) {
        return -1;
    }

    *n = negative ? value : -value;

    return 0;
}
