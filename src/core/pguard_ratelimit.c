#include "pguard_ratelimit.h"


#define PGUARD_SF_INTEGER_MAX  999999999999999      /* RFC 9651, 3.3.1 */


static void pguard_ratelimit_name(pguard_out_t *out, size_t i,
    pguard_str_t name);
static void pguard_ratelimit_number(pguard_out_t *out, const char *key,
    uint64_t n);


void
pguard_ratelimit_policy(pguard_out_t *out, const pguard_ratelimit_t *p,
    size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        pguard_ratelimit_name(out, i, p[i].name);
        pguard_ratelimit_number(out, ";q=", p[i].quota);
        pguard_ratelimit_number(out, ";w=", p[i].window ? p[i].window : 1);
    }
}


void
pguard_ratelimit(pguard_out_t *out, const pguard_ratelimit_t *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        pguard_ratelimit_name(out, i, p[i].name);
        pguard_ratelimit_number(out, ";r=", p[i].remaining);
        pguard_ratelimit_number(out, ";t=", p[i].reset);
    }
}


static void
pguard_ratelimit_name(pguard_out_t *out, size_t i, pguard_str_t name)
{
    pguard_out_text(out, i ? ", \"" : "\"");
    pguard_out_sf(out, name);
    pguard_out_byte(out, '"');
}


static void
pguard_ratelimit_number(pguard_out_t *out, const char *key, uint64_t n)
{
    pguard_out_text(out, key);
    pguard_out_uint(out, n < PGUARD_SF_INTEGER_MAX ? n
                                                   : PGUARD_SF_INTEGER_MAX);
}
