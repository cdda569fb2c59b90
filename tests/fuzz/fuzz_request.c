/*
 * What clients send in headers: lines of any bytes, taken for Authorization,
 * X-API-Key, Cookie, Accept and Accept-Language.  What is found lies within
 * them; what is chosen is one of the choices.
 */

#include <stdlib.h>

#include "pguard_credential.h"
#include "pguard_negotiate.h"


#define LINES  8


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Lines end with a line feed, as they cannot hold one. */

static size_t
split(const uint8_t *data, size_t size, pguard_str_t *lines)
{
    size_t          n;
    const uint8_t  *end;

    for (n = 0; size && n < LINES; n++) {
        end = memchr(data, '\n', size);

        lines[n].data = data;
        lines[n].len = end ? (size_t) (end - data) : size;

        size -= lines[n].len + (end != NULL);
        data += lines[n].len + (end != NULL);
    }

    return n;
}


static void
check_credential(pguard_credential_t c, const uint8_t *data, size_t size)
{
    if (c.kind > PGUARD_CREDENTIAL_COOKIE
        || (c.kind == PGUARD_CREDENTIAL_NONE) != (c.value.len == 0))
    {
        abort();
    }

    if (c.value.len
        && (c.value.data < data || c.value.data + c.value.len > data + size))
    {
        abort();
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                     n;
    pguard_str_t               lines[LINES];
    pguard_credential_lines_t  in;

    n = split(data, size, lines);

    memset(&in, 0, sizeof(in));
    in.authorization.line = lines;
    in.authorization.count = n;
    check_credential(pguard_credential(&in), data, size);

    memset(&in, 0, sizeof(in));
    in.api_key.line = lines;
    in.api_key.count = n / 2;
    in.cookie.line = lines;
    in.cookie.count = n;
    in.session = (pguard_str_t) pguard_string("sid");
    check_credential(pguard_credential(&in), data, size);

    if (pguard_negotiate_lang(lines, n) >= PGUARD_LANGS
        || pguard_negotiate_body(lines, n) >= PGUARD_BODIES
        || pguard_negotiate_format(lines, n) >= PGUARD_FORMATS)
    {
        abort();
    }

    return 0;
}
