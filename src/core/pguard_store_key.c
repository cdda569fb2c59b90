#include "pguard_key.h"
#include "pguard_store_key.h"
#include "pguard_str.h"


#define PGUARD_STORE_TOO_LONG  (SIZE_MAX / 2)      /* more may be added */


static void pguard_store_out_zone(pguard_out_t *out, unsigned char *dst,
    pguard_str_t prefix, pguard_str_t zone);
static void pguard_store_out_id(pguard_out_t *out, const pguard_id_t *id);


int
pguard_prefix_valid(pguard_str_t prefix)
{
    return prefix.len > 0 && prefix.len <= PGUARD_PREFIX_MAX
           && pguard_str_word(prefix, "_.:/-");
}


size_t
pguard_store_key_window(unsigned char *dst, pguard_str_t prefix,
    pguard_str_t zone, const pguard_id_t *id, pguard_str_t rule,
    pguard_msec_t window, pguard_str_t service)
{
    pguard_out_t  o;

    pguard_store_out_zone(&o, dst, prefix, zone);
    pguard_out_text(&o, ":{");
    pguard_store_out_id(&o, id);
    pguard_out_text(&o, "}:w:");
    pguard_store_out_name(&o, rule.data, rule.len);
    pguard_out_text(&o, ":");
    pguard_out_uint(&o, window);

    if (service.len) {
        pguard_out_text(&o, ":");
        pguard_store_out_name(&o, service.data, service.len);
    }

    return pguard_store_done(&o, PGUARD_STORE_KEY_MAX);
}


size_t
pguard_store_key_throttle(unsigned char *dst, pguard_str_t prefix,
    pguard_str_t zone, const pguard_id_t *client,
    const pguard_id_t *signature)
{
    pguard_out_t  o;

    pguard_store_out_zone(&o, dst, prefix, zone);
    pguard_out_text(&o, ":{");
    pguard_store_out_id(&o, client);
    pguard_out_text(&o, "}:t:");
    pguard_store_out_id(&o, signature);

    return pguard_store_done(&o, PGUARD_STORE_KEY_MAX);
}


size_t
pguard_store_key_blocks(unsigned char *dst, pguard_str_t prefix,
    pguard_str_t zone, const char *part)
{
    pguard_out_t  o;

    pguard_store_out_zone(&o, dst, prefix, zone);
    pguard_out_text(&o, ":{blocks}:");
    pguard_out_text(&o, part);

    return pguard_store_done(&o, PGUARD_STORE_KEY_MAX);
}


size_t
pguard_store_key_sla(unsigned char *dst, pguard_str_t prefix,
    pguard_str_t zone, pguard_str_t indicator, pguard_month_t month,
    const pguard_id_t *gateway, uint64_t attempt)
{
    pguard_out_t  o;

    pguard_store_out_zone(&o, dst, prefix, zone);
    pguard_out_text(&o, ":{sla:");
    pguard_store_out_name(&o, indicator.data, indicator.len);
    pguard_out_text(&o, ":");
    pguard_month_out(&o, month);
    pguard_out_text(&o, "}");

    if (gateway) {
        pguard_out_text(&o, ":");
        pguard_store_out_id(&o, gateway);
    }

    if (attempt) {
        pguard_out_text(&o, ":");
        pguard_out_uint(&o, attempt);
    }

    return pguard_store_done(&o, PGUARD_STORE_KEY_MAX);
}


size_t
pguard_store_channel(unsigned char *dst, pguard_str_t prefix, uint64_t db)
{
    pguard_out_t  o;

    pguard_out_init(&o, dst, PGUARD_STORE_KEY_MAX);
    pguard_out_str(&o, prefix);
    pguard_out_text(&o, ":blocks");

    if (db) {
        pguard_out_text(&o, ":");
        pguard_out_uint(&o, db);
    }

    return pguard_store_done(&o, PGUARD_STORE_KEY_MAX);
}


size_t
pguard_store_key_probe(unsigned char *dst, pguard_str_t prefix)
{
    pguard_out_t  o;

    pguard_out_init(&o, dst, PGUARD_STORE_KEY_MAX);
    pguard_out_str(&o, prefix);
    pguard_out_text(&o, ":{probe}:w");

    return pguard_store_done(&o, PGUARD_STORE_KEY_MAX);
}


static void
pguard_store_out_zone(pguard_out_t *out, unsigned char *dst,
    pguard_str_t prefix, pguard_str_t zone)
{
    pguard_out_init(out, dst, PGUARD_STORE_KEY_MAX);

    if (prefix.len > PGUARD_PREFIX_MAX) {
        out->need = PGUARD_STORE_TOO_LONG;
        return;
    }

    pguard_out_str(out, prefix);
    pguard_out_byte(out, ':');
    pguard_store_out_name(out, zone.data, zone.len);
}


static void
pguard_store_out_id(pguard_out_t *out, const pguard_id_t *id)
{
    unsigned char  hex[2 * PGUARD_ID_LEN];

    (void) pguard_hex(hex, id->bytes, PGUARD_ID_LEN);
    pguard_out_bytes(out, hex, sizeof(hex));
}


void
pguard_store_out_name(pguard_out_t *out, const unsigned char *s, size_t len)
{
    size_t         i, from;
    unsigned char  ch;

    if (len > PGUARD_NAME_MAX) {
        out->need = PGUARD_STORE_TOO_LONG;
        return;
    }

    if (len == 0) {
        pguard_out_byte(out, '-');
    }

    from = 0;

    for (i = 0; i < len; i++) {
        ch = s[i];

        if (pguard_str_alnum(ch) || ch == '_' || ch == '.'
            || (ch == '-' && len > 1))
        {
            continue;
        }

        pguard_out_bytes(out, s + from, i - from);
        pguard_out_byte(out, '%');
        pguard_out_hex(out, &ch, 1);
        from = i + 1;
    }

    if (from < len) {
        pguard_out_bytes(out, s + from, len - from);
    }
}


size_t
pguard_store_done(const pguard_out_t *out, size_t size)
{
    return out->need <= size ? out->need : 0;
}
