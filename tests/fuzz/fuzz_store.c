/*
 * What the operator and other gateways send: an address of Redis, and a
 * message.  A message that is read is written as the same again.
 */

#include <stdlib.h>
#include <string.h>

#include "pguard_message.h"
#include "pguard_url.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t            len;
    pguard_str_t      s = { size, data };
    pguard_url_t      url;
    unsigned char     text[PGUARD_MESSAGE_MAX];
    pguard_message_t  m, again;

    if (pguard_url_parse(&url, s) == NULL
        && (url.kind >= PGUARD_URL_KINDS || url.nhosts > PGUARD_URL_HOSTS_MAX))
    {
        abort();
    }

    if (pguard_message_decode(&m, s) != 0) {
        return 0;
    }

    len = pguard_message_encode(text, &m);
    s.data = text;
    s.len = len;

    if (len > sizeof(text) || pguard_message_decode(&again, s) != 0) {
        abort();
    }

    return 0;
}
