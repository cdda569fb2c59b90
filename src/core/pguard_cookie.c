/*
 * One cookie out of the lines of Cookie: see pguard_cookie.h.
 */

#include "pguard_cookie.h"
#include "pguard_str.h"


static pguard_str_t pguard_cookie_pair(pguard_str_t pair, pguard_str_t name);


pguard_str_t
pguard_cookie(const pguard_str_t *lines, size_t n, pguard_str_t name)
{
    size_t        i;
    pguard_str_t  line, pair, value;

    value.len = 0;
    value.data = NULL;

    if (name.len == 0) {
        return value;
    }

    for (i = 0; i < n; i++) {
        line = lines[i];

        while (line.len) {
            pair.data = line.data;
            pair.len = 0;

            /* quotes protect nothing here: RFC 6265, section 5.4 */

            while (pair.len < line.len && pair.data[pair.len] != ';') {
                pair.len++;
            }

            value = pguard_cookie_pair(pair, name);

            if (value.len) {
                return value;
            }

            line.data += pair.len;
            line.len -= pair.len;

            if (line.len) {
                line.data++;
                line.len--;
            }
        }
    }

    return value;
}


/* The value of "name = value", or empty if it is not of that name. */

static pguard_str_t
pguard_cookie_pair(pguard_str_t pair, pguard_str_t name)
{
    size_t        i;
    pguard_str_t  key, value;

    value.len = 0;
    value.data = NULL;

    for (i = 0; i < pair.len && pair.data[i] != '='; i++) { /* void */ }

    if (i == pair.len) {
        return value;
    }

    key.data = pair.data;
    key.len = i;

    if (pguard_str_same(pguard_str_trim(key), name)) {
        value.data = pair.data + i + 1;
        value.len = pair.len - i - 1;
        value = pguard_str_trim(value);
    }

    return value;
}
