/*
 * Are bytes the same?  All of them are looked at, so that time tells nothing
 * of where they differ: they may be a secret.
 */

#ifndef PGUARD_SAME_H
#define PGUARD_SAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>


/* 16 bytes at a time, which the compiler has an instruction for on each machine
   (the type is GCC's and clang's). */

typedef unsigned char  pguard_bytes_t __attribute__((vector_size(16)));


/* 1: the len bytes of a and b are the same.  O(len). */

static inline int
pguard_same(const unsigned char *a, const unsigned char *b, size_t len)
{
    size_t          i;
    uint64_t        found[2];
    unsigned char   byte;
    pguard_bytes_t  x, y, differ;

    if (len < sizeof(x)) {

        for (i = 0, byte = 0; i < len; i++) {
            byte |= a[i] ^ b[i];
        }

        return byte == 0;
    }

    /* the last ones, which may overlap with others */

    len -= sizeof(x);

    memcpy(&x, a + len, sizeof(x));
    memcpy(&y, b + len, sizeof(y));
    differ = x ^ y;

    for (i = 0; i < len; i += sizeof(x)) {
        memcpy(&x, a + i, sizeof(x));
        memcpy(&y, b + i, sizeof(y));
        differ |= x ^ y;
    }

    memcpy(found, &differ, sizeof(found));

    return (found[0] | found[1]) == 0;
}


#endif /* PGUARD_SAME_H */
