#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PCRE2_CODE_UNIT_WIDTH  8
#include <pcre2.h>

#include "pguard_rewrite.h"


struct pguard_rewrite_s {
    pcre2_code           *code;
    pcre2_match_data     *data;
    pcre2_match_context  *context;
    PCRE2_UCHAR          *replacement;
    PCRE2_SIZE            len;
};


static int
pguard_rewrite_run(const pguard_rewrite_t *rw, pguard_str_t target,
    unsigned char *buffer, size_t *len)
{
    return pcre2_substitute(rw->code, target.data, target.len, 0,
                            PCRE2_SUBSTITUTE_GLOBAL
                            |PCRE2_SUBSTITUTE_UNSET_EMPTY,
                            rw->data, rw->context, rw->replacement, rw->len,
                            buffer, len);
}


static void
pguard_rewrite_error(char *error, size_t size, int code, PCRE2_SIZE offset)
{
    PCRE2_UCHAR  text[128];

    (void) pcre2_get_error_message(code, text, sizeof(text));
    (void) snprintf(error, size, "%s at offset %zu", (char *) text,
                    (size_t) offset);
}


/* A replacement is only parsed where it is applied: an unknown group shows
   once something matches.  So the check runs it with a pattern of the same
   groups that always does: the pattern itself, made optional. */

static pcre2_code *
pguard_rewrite_optional(pguard_str_t regex)
{
    int             code;
    size_t          len;
    PCRE2_SIZE      offset;
    pcre2_code     *optional;
    unsigned char  *pattern;

    len = regex.len + sizeof("(?:)?") - 1;
    pattern = malloc(len);

    if (pattern == NULL) {
        return NULL;
    }

    memcpy(pattern, "(?:", 3);
    memcpy(pattern + 3, regex.data, regex.len);
    memcpy(pattern + 3 + regex.len, ")?", 2);

    optional = pcre2_compile(pattern, len, 0, &code, &offset, NULL);
    free(pattern);

    return optional;
}


static int
pguard_rewrite_check(pguard_rewrite_t *rw, pguard_str_t regex, char *error,
    size_t size)
{
    int             rc;
    size_t          n;
    pcre2_code     *optional, *own;
    unsigned char   buffer[4096];
    pguard_str_t    empty = { 0, (const unsigned char *) "" };

    optional = pguard_rewrite_optional(regex);

    if (optional == NULL) {

        /* so wrapped, the pattern means something else: no check then */

        return 0;
    }

    own = rw->code;
    rw->code = optional;
    n = sizeof(buffer);
    rc = pguard_rewrite_run(rw, empty, buffer, &n);
    rw->code = own;

    pcre2_code_free(optional);

    /* any other error is of this pattern, which is not the one in use */

    if (rc == PCRE2_ERROR_BADREPLACEMENT || rc == PCRE2_ERROR_BADREPESCAPE
        || rc == PCRE2_ERROR_REPMISSINGBRACE
        || rc == PCRE2_ERROR_BADSUBSTITUTION || rc == PCRE2_ERROR_NOSUBSTRING)
    {
        pguard_rewrite_error(error, size, rc, n);
        return -1;
    }

    return 0;
}


static int
pguard_rewrite_replacement(pguard_rewrite_t *rw, pguard_str_t replacement)
{
    rw->replacement = malloc(replacement.len + 1);

    if (rw->replacement == NULL) {
        return -1;
    }

    memcpy(rw->replacement, replacement.data, replacement.len);
    rw->len = replacement.len;

    return 0;
}


pguard_rewrite_t *
pguard_rewrite_compile(pguard_str_t regex, pguard_str_t replacement,
    char *error, size_t size)
{
    int                code;
    PCRE2_SIZE         offset;
    pguard_rewrite_t  *rw;

    rw = calloc(1, sizeof(pguard_rewrite_t));

    if (rw == NULL) {
        (void) snprintf(error, size, "no memory");
        return NULL;
    }

    rw->code = pcre2_compile(regex.data, regex.len,
                             PCRE2_USE_OFFSET_LIMIT, &code, &offset, NULL);

    if (rw->code == NULL) {
        pguard_rewrite_error(error, size, code, offset);
        pguard_rewrite_free(rw);
        return NULL;
    }

    rw->data = pcre2_match_data_create_from_pattern(rw->code, NULL);
    rw->context = pcre2_match_context_create(NULL);

    if (rw->data == NULL || rw->context == NULL
        || pguard_rewrite_replacement(rw, replacement) != 0)
    {
        (void) snprintf(error, size, "no memory");
        pguard_rewrite_free(rw);
        return NULL;
    }

    (void) pcre2_set_depth_limit(rw->context, PGUARD_REWRITE_DEPTH);

    if (pguard_rewrite_check(rw, regex, error, size) != 0) {
        pguard_rewrite_free(rw);
        return NULL;
    }

    /* without it matching is slower, not different */

    (void) pcre2_jit_compile(rw->code, PCRE2_JIT_COMPLETE);

    return rw;
}


void
pguard_rewrite_free(pguard_rewrite_t *rw)
{
    if (rw == NULL) {
        return;
    }

    free(rw->replacement);
    pcre2_match_context_free(rw->context);
    pcre2_match_data_free(rw->data);
    pcre2_code_free(rw->code);
    free(rw);
}


static uint64_t
pguard_rewrite_cpu(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}


/* The match limit counts backtracks, not the bytes between two of them: a
   pattern may look at all that follows from each place.  So a long target is
   searched a few places at a time first, and left alone if that takes long. */

static int
pguard_rewrite_quick(const pguard_rewrite_t *rw, pguard_str_t target)
{
    int          rc;
    uint64_t     began;
    PCRE2_SIZE   at, limit, *ov;

    ov = pcre2_get_ovector_pointer(rw->data);
    began = pguard_rewrite_cpu();
    at = 0;

    while (at <= target.len) {
        limit = at + 1 + 1024 * 1024 / target.len;

        (void) pcre2_set_offset_limit(rw->context, limit);
        rc = pcre2_match(rw->code, target.data, target.len, at, 0, rw->data,
                         rw->context);

        if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
            return 0;
        }

        at = rc >= 0 && ov[1] > at ? ov[1] : limit + 1;

        if (pguard_rewrite_cpu() - began > 4000) {
            return 0;
        }
    }

    return 1;
}


int
pguard_rewrite_apply(const pguard_rewrite_t *rewrite, pguard_str_t target,
    unsigned char *buffer, size_t *len)
{
    uint32_t  limit;

    /* PCRE2's limit holds for each place where a match may start */

    limit = PGUARD_REWRITE_STEPS / (target.len + 1);
    limit = limit > PGUARD_REWRITE_LEAST ? limit : PGUARD_REWRITE_LEAST;

    (void) pcre2_set_match_limit(rewrite->context, limit);

    if (target.len > 512 && !pguard_rewrite_quick(rewrite, target)) {
        return 0;
    }

    (void) pcre2_set_offset_limit(rewrite->context, PCRE2_UNSET);

    return pguard_rewrite_run(rewrite, target, buffer, len) > 0;
}
