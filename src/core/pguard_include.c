/*
 * The includes of a configuration: see pguard_include.h.
 */

#include "pguard_include.h"

#include <string.h>


static int
pguard_include_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


static int
pguard_include_end(unsigned char c)
{
    return c == ';' || c == '{' || c == '}';
}


/* White space and comments. */

static size_t
pguard_include_skip(pguard_str_t text, size_t pos)
{
    while (pos < text.len) {

        if (text.data[pos] == '#') {
            while (pos < text.len && text.data[pos] != '\n') {
                pos++;
            }

        } else if (pguard_include_space(text.data[pos])) {
            pos++;

        } else {
            break;
        }
    }

    return pos;
}


/* One word from pos on.  *len is its length, even if it is over size. */

static size_t
pguard_include_word(pguard_str_t text, size_t pos, unsigned char *arg,
    size_t size, size_t *len)
{
    unsigned char  c, quote;

    *len = 0;
    quote = 0;

    if (text.data[pos] == '"' || text.data[pos] == '\'') {
        quote = text.data[pos++];
    }

    for ( /* void */ ; pos < text.len; pos++) {
        c = text.data[pos];

        if (quote ? c == quote
                  : pguard_include_space(c) || c == ';' || c == '{')
        {
            return pos + (quote != 0);
        }

        if (c == '\\' && pos + 1 < text.len
            && strchr("\"'\\", text.data[pos + 1]))
        {
            c = text.data[++pos];
        }

        if (*len < size) {
            arg[*len] = c;
        }

        (*len)++;
    }

    return pos;
}


int
pguard_include_next(pguard_str_t text, size_t *pos, unsigned char *arg,
    size_t size, size_t *len)
{
    unsigned  words, include;

    words = 0;
    include = 0;

    for ( ;; ) {
        *pos = pguard_include_skip(text, *pos);

        if (*pos == text.len) {
            return 0;
        }

        if (pguard_include_end(text.data[*pos])) {
            (*pos)++;
            words = 0;
            continue;
        }

        *pos = pguard_include_word(text, *pos, arg, size, len);
        words++;

        if (words == 1) {
            include = *len == sizeof("include") - 1 && *len <= size
                      && memcmp(arg, "include", *len) == 0;

        } else if (words == 2 && include && *len <= size) {
            return 1;
        }
    }
}
