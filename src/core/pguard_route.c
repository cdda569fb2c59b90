/*
 * Paths of calls: see pguard_route.h.
 */

#include "pguard_route.h"
#include "pguard_key.h"

#include <string.h>


/* The bytes that the character at raw is written with; what it means in *c. */

static size_t
pguard_route_decode(pguard_str_t raw, unsigned char *c)
{
    *c = raw.data[0];

    return raw.data[0] == '%' && raw.len >= 3
           && pguard_unhex(c, raw.data + 1, 1) == 0
           ? 3 : 1;
}


static int
pguard_route_decodes(pguard_str_t raw, pguard_str_t path)
{
    size_t         n;
    unsigned char  c;

    while (raw.len && path.len) {
        n = pguard_route_decode(raw, &c);

        if (c != path.data[0]) {
            return 0;
        }

        raw.data += n;
        raw.len -= n;
        path.data++;
        path.len--;
    }

    return raw.len == 0 && path.len == 0;
}


int
pguard_route_split(pguard_route_t *route, pguard_str_t raw, pguard_str_t path,
    size_t skip)
{
    int            exact, slash;
    size_t         i, n;
    unsigned char  c;
    pguard_str_t  *s;

    exact = pguard_route_decodes(raw, path);

    while (skip < path.len && path.data[skip] == '/') {
        skip++;
    }

    s = NULL;
    route->count = 0;

    for (i = 0; i < path.len; i++) {
        n = exact ? pguard_route_decode(raw, &c) : 1;

        if (exact) {
            raw.data += n;
            raw.len -= n;
        }

        if (i < skip) {
            continue;
        }

        slash = path.data[i] == '/' && n == 1;

        if (slash || s == NULL) {

            if (route->count == PGUARD_ROUTE_SEGMENTS) {
                return -1;
            }

            s = &route->segment[route->count++];
            s->data = path.data + i + slash;
            s->len = 0;
        }

        s->len += !slash;
    }

    return 0;
}


int
pguard_route_match(const pguard_route_t *route, const char *pattern,
    pguard_str_t *star)
{
    size_t        len;
    unsigned      i;
    pguard_str_t  s;

    for (i = 0; i < route->count && *pattern; i++) {
        s = route->segment[i];
        len = strcspn(pattern, "/");

        if (len == 1 && pattern[0] == '*' && s.len) {
            *star++ = s;

        } else if (len != s.len || memcmp(pattern, s.data, len) != 0) {
            return 0;
        }

        pattern += len + (pattern[len] == '/');
    }

    return i == route->count && *pattern == '\0';
}
