/*
 * The body of a call: one flat JSON object, whose members are known by name.
 */

#ifndef PGUARD_MEMBERS_H
#define PGUARD_MEMBERS_H

#include "pguard.h"
#include "pguard_negotiate.h"


#define PGUARD_MEMBERS_MAX  16


typedef enum {
    PGUARD_MEMBER_STRING = 0,
    PGUARD_MEMBER_NUMBER,               /* whole, within int64_t */
    PGUARD_MEMBER_FLAG
} pguard_member_e;

typedef struct {
    const char       *name;             /* NULL ends a table */
    pguard_member_e   kind;
    size_t            max;              /* bytes of a string, at most */
} pguard_member_t;

typedef struct {
    pguard_str_t      str;
    int64_t           num;              /* a flag: 0 or 1 */
    unsigned          given;            /* 0: not there, or null */
    unsigned          seen;             /* of the reader: not twice */
} pguard_value_t;


typedef enum {
    PGUARD_MEMBERS_OK = 0,
    PGUARD_MEMBERS_SYNTAX,              /* not JSON */
    PGUARD_MEMBERS_OBJECT,              /* not an object */
    PGUARD_MEMBERS_UNKNOWN,             /* a member that there is not */
    PGUARD_MEMBERS_TWICE,
    PGUARD_MEMBERS_TYPE,                /* of another type than it should be */
    PGUARD_MEMBERS_LONG
} pguard_members_e;


/*
 * Reads body into value, which has as many elements as the table (at most
 * PGUARD_MEMBERS_MAX).  A body of spaces, or none, is an object without
 * members.  Strings are slices of scratch, which has room for body.len bytes;
 * they may hold any character, NULs too.
 *
 * What is wrong is told; *what is then the name of the member it is about, in
 * body or in scratch and as long as it may be, or where the syntax is wrong, a
 * text that says how, in the language lang.
 */
pguard_members_e pguard_members_read(pguard_str_t body,
    const pguard_member_t *table, pguard_value_t *value, void *scratch,
    pguard_lang_e lang, pguard_str_t *what);


#endif /* PGUARD_MEMBERS_H */
