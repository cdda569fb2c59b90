/*
 * Comparison of bytes that may be secret: all of them are looked at, so that
 * the time it takes does not show where they differ.
 */

#ifndef PGUARD_SAME_H
#define PGUARD_SAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>


/* 16 bytes at a time, for which the compiler has an instruction on each machine
   (the type is an extension of GCC and clang). */

typedef unsigned char  pguard_bytes_t __attribute__((vector_size(16)));


/* sum, with the bits added in which the 16 bytes at a and b differ. */

static inline pguard_bytes_t
pguard_differ_16(pguard_bytes_t sum, const unsigned char *a,
    const unsigned char *b)
{
    pguard_bytes_t  x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));

    return sum | (x ^ y);
}


/* The same for len bytes, any number.  O(len). */

static inline pguard_bytes_t
pguard_differ(pguard_bytes_t sum, const unsigned char *a,
    const unsigned char *b, size_t len)
{
    size_t  i, last;

    if (len < sizeof(sum)) {

        for (i = 0; i < len; i++) {
            sum[0] |= a[i] ^ b[i];
        }

        return sum;
    }

    last = len - sizeof(sum);

    sum = pguard_differ_16(sum, a, b);

    for (i = sizeof(sum); i < last; i += sizeof(sum)) {
        sum = pguard_differ_16(sum, a + i, b + i);
    }

    /* the last 16, which may overlap with those before */

    return pguard_differ_16(sum, a + last, b + last);
}


/* 1: nothing that went into sum differs. */

static inline int
pguard_none_differ(pguard_bytes_t sum)
{
    uint64_t  found[2];

    memcpy(found, &sum, sizeof(found));

    return (found[0] | found[1]) == 0;
}


/* 1: the len bytes of a and b are the same.  O(len). */

static inline int
pguard_same(const unsigned char *a, const unsigned char *b, size_t len)
{
    pguard_bytes_t  none = { 0 };

    return pguard_none_differ(pguard_differ(none, a, b, len));
}


#endif /* PGUARD_SAME_H */
