/*
 * The credential that a request claims.  Only claimed: nobody has verified it
 * yet, so it can tell clients apart, but must never alone decide against one.
 */

#ifndef PGUARD_CREDENTIAL_H
#define PGUARD_CREDENTIAL_H

#include "pguard.h"
#include "pguard_str.h"


/* The kind belongs to what is hashed: the same bytes as a Bearer token and as
   an API key are two credentials.  Values are fixed, hashes depend on them. */

typedef enum {
    PGUARD_CREDENTIAL_NONE = 0,
    PGUARD_CREDENTIAL_KEY_ID = 1,      /* of an AWS4 or OSC4 signature */
    PGUARD_CREDENTIAL_BEARER = 2,
    PGUARD_CREDENTIAL_BASIC = 3,
    PGUARD_CREDENTIAL_API_KEY = 4,
    PGUARD_CREDENTIAL_COOKIE = 5
} pguard_credential_e;

typedef struct {
    pguard_credential_e  kind;
    pguard_str_t         value;        /* not empty, but for NONE */
} pguard_credential_t;

typedef struct {
    pguard_lines_t       authorization;
    pguard_lines_t       api_key;      /* X-API-Key */
    pguard_lines_t       cookie;
    pguard_str_t         session;      /* name of the cookie; empty: none */
} pguard_credential_lines_t;


/*
 * Looks at Authorization, then at X-API-Key, then at the session cookie: the
 * first line that holds a credential wins.  What is malformed or of an unknown
 * scheme holds none.  The value is a slice of the lines:
 *
 *   KEY_ID   what is before the first "/" of Credential
 *   BEARER, BASIC   the token after the scheme, which has no spaces
 *   API_KEY, COOKIE   the value without spaces around it
 *
 * O(bytes).
 */
pguard_credential_t pguard_credential(const pguard_credential_lines_t *lines);

/* The same of one line of Authorization alone. */
pguard_credential_t pguard_credential_authorization(pguard_str_t line);


#endif /* PGUARD_CREDENTIAL_H */
