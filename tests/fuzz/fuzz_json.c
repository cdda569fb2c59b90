/*
 * Any bytes as JSON: tokens lie within them, and texts resolve to no more than
 * they are.
 */

#include <stdlib.h>

#include "pguard_json.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_text(const pguard_json_t *json, const uint8_t *data, size_t size)
{
    int64_t        n;
    unsigned char  buf[64];

    if (json->text.data < data
        || json->text.data + json->text.len > data + size
        || pguard_json_unescape(json->text, buf, sizeof(buf))
           > json->text.len)
    {
        abort();
    }

    (void) pguard_json_same(json->text, "name");
    (void) pguard_json_int(json->text, &n);
    (void) pguard_json_decimal(json->text, 3, &n);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         tokens;
    pguard_json_t  json;
    pguard_json_e  token;

    if (size == 0) {
        return 0;
    }

    pguard_json_init(&json, (pguard_str_t) { size - 1, data + 1 }, data[0]);

    for (tokens = 0; (token = pguard_json_next(&json)) > PGUARD_JSON_END;
         tokens++)
    {
        if (json.depth > PGUARD_JSON_DEPTH_MAX || tokens > size) {
            abort();
        }

        if (token == PGUARD_JSON_NAME || token == PGUARD_JSON_STRING
            || token == PGUARD_JSON_NUMBER)
        {
            check_text(&json, data, size);
        }
    }

    if (token == PGUARD_JSON_END && (json.depth || json.pos != data + size)) {
        abort();
    }

    return 0;
}
