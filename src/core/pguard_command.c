#include <string.h>

#include "pguard_command.h"


/* What goes with an argument: "$", up to 20 digits, and two ends of lines.  Of
   most arguments it is less, and commands of allocators' small sizes. */

#define PGUARD_COMMAND_AROUND  25
#define PGUARD_COMMAND_SHORT   1000
#define PGUARD_COMMAND_LITTLE  8


static unsigned char *
pguard_command_length(unsigned char *p, unsigned char kind, size_t n)
{
    unsigned char  digits[20], *d;

    *p++ = kind;

    d = digits + sizeof(digits);

    do {
        *--d = (unsigned char) ('0' + n % 10);
        n /= 10;
    } while (n);

    while (d < digits + sizeof(digits)) {
        *p++ = *d++;
    }

    *p++ = '\r';
    *p++ = '\n';

    return p;
}


size_t
pguard_command_max(const pguard_str_t *args, size_t n)
{
    size_t  i, size;

    size = PGUARD_COMMAND_AROUND;

    for (i = 0; i < n; i++) {
        size += args[i].len + (args[i].len < PGUARD_COMMAND_SHORT
                               ? PGUARD_COMMAND_LITTLE
                               : PGUARD_COMMAND_AROUND);
    }

    return size;
}


unsigned char *
pguard_command_write(unsigned char *p, const pguard_str_t *args, size_t n)
{
    size_t  i;

    p = pguard_command_length(p, '*', n);

    for (i = 0; i < n; i++) {
        p = pguard_command_length(p, '$', args[i].len);

        /* no memcpy() of nothing: data may be NULL then */

        if (args[i].len) {
            memcpy(p, args[i].data, args[i].len);
            p += args[i].len;
        }

        *p++ = '\r';
        *p++ = '\n';
    }

    return p;
}
