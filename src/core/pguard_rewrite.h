/*
 * Rewriting a request's target before it is hashed: PCRE2 substitutions, in
 * order, each for all its matches.  Matching is bounded: a pattern that would
 * take too long on some target is as if it did not match there.
 */

#ifndef PGUARD_REWRITE_H
#define PGUARD_REWRITE_H

#include "pguard.h"


#define PGUARD_REWRITE_STEPS  1000000    /* backtracks for a target, about */
#define PGUARD_REWRITE_LEAST  50         /* for a place in it, at least */
#define PGUARD_REWRITE_DEPTH  1000       /* PCRE2's depth limit */

typedef struct pguard_rewrite_s  pguard_rewrite_t;


/*
 * Compiles a rule; replacement may hold $1, ${1}, ${name} and $$.  Both are
 * checked here.  Returns NULL with a sentence in error (size bytes, ended by a
 * NUL).  Free with pguard_rewrite_free().  Not shared between threads.
 */
pguard_rewrite_t *pguard_rewrite_compile(pguard_str_t regex,
    pguard_str_t replacement, char *error, size_t size);

void pguard_rewrite_free(pguard_rewrite_t *rewrite);

/*
 * Applies the rule to target.  Returns 1 and the result, in at most *len bytes
 * of buffer, with its length in *len; 0 if the target stays as it is: no
 * match, no bounded match, or no room.
 */
int pguard_rewrite_apply(const pguard_rewrite_t *rewrite, pguard_str_t target,
    unsigned char *buffer, size_t *len);


#endif /* PGUARD_REWRITE_H */
