/*
 * A command as Redis reads it (RESP 2): an array of bulk strings.
 */

#ifndef PGUARD_COMMAND_H
#define PGUARD_COMMAND_H

#include "pguard.h"


/* Bytes that are enough for the command of these n (> 0) arguments. */
size_t pguard_command_max(const pguard_str_t *args, size_t n);

/* Writes it at dst, which has as many; returns the end.  O(length). */
unsigned char *pguard_command_write(unsigned char *dst,
    const pguard_str_t *args, size_t n);


#endif /* PGUARD_COMMAND_H */
