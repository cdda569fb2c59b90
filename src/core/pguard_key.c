#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/* Part of this file: a request hashes three times. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pguard_key.h"


#define PGUARD_SHA256_LEN  PGUARD_MAC_LEN


static int
pguard_key_hmac(const unsigned char *key, size_t keylen, const void *data,
    size_t len, unsigned char *md)
{
    unsigned int  n = PGUARD_SHA256_LEN;

    return HMAC(EVP_sha256(), key, (int) keylen, data, len, md, &n) ? 0 : -1;
}


/* The expand step of RFC 5869, with the secret as its key. */

static int
pguard_key_expand(const void *secret, size_t secret_len, const char *label,
    unsigned char *out, size_t len)
{
    int            rc;
    size_t         n, used;
    unsigned char  md[PGUARD_SHA256_LEN], block[PGUARD_SHA256_LEN + 64];
    unsigned char  counter = 1;

    rc = 0;
    used = 0;

    while (len) {
        memcpy(block + used, label, strlen(label));
        n = used + strlen(label);
        block[n++] = counter++;

        rc = pguard_key_hmac(secret, secret_len, block, n, md);
        if (rc != 0) {
            break;
        }

        n = len < sizeof(md) ? len : sizeof(md);
        memcpy(out, md, n);
        out += n;
        len -= n;

        memcpy(block, md, sizeof(md));
        used = sizeof(md);
    }

    /* parts of the key are left on no stack, where a core dump has them */

    explicit_bzero(md, sizeof(md));
    explicit_bzero(block, sizeof(block));

    return rc;
}


int
pguard_key_init(pguard_key_t *key, const void *secret, size_t len)
{
    unsigned char  none[PGUARD_SHA256_LEN];

    if (pguard_key_expand(secret, len, "paas_guard xxh3", key->xxh,
                          sizeof(key->xxh))
        != 0)
    {
        return -1;
    }

    if (pguard_key_expand(secret, len, "paas_guard hmac", key->hmac,
                          sizeof(key->hmac))
        != 0)
    {
        return -1;
    }

    if (pguard_key_expand(secret, len, "paas_guard audit", key->audit,
                          sizeof(key->audit))
        != 0)
    {
        return -1;
    }

    /* the library wipes neither its stack nor registers: what is left there is
       now of a key that nothing uses */

    return pguard_key_expand(secret, len, "paas_guard none", none,
                             sizeof(none));
}


pguard_hash_t
pguard_key_hash(const pguard_key_t *key, pguard_str_t s)
{
    pguard_hash_t   hash;
    XXH128_hash_t   h;

    h = XXH3_128bits_withSecret(s.data, s.len, key->xxh, sizeof(key->xxh));

    hash.lo = h.low64;
    hash.hi = h.high64;

    return hash;
}


int
pguard_key_id(const pguard_key_t *key, pguard_str_t s, pguard_id_t *id)
{
    unsigned char  md[PGUARD_SHA256_LEN];

    if (pguard_key_hmac(key->hmac, sizeof(key->hmac), s.data, s.len, md)
        != 0)
    {
        memset(id, 0, sizeof(pguard_id_t));
        return -1;
    }

    memcpy(id->bytes, md, PGUARD_ID_LEN);

    return 0;
}


const pguard_id_t *
pguard_id_cache_find(const pguard_id_cache_t *cache, pguard_hash_t hash)
{
    size_t  i = hash.lo % PGUARD_ID_CACHE;

    return cache->hash[i].lo == hash.lo && cache->hash[i].hi == hash.hi
           ? &cache->id[i] : NULL;
}


void
pguard_id_cache_put(pguard_id_cache_t *cache, pguard_hash_t hash,
    const pguard_id_t *id)
{
    size_t  i = hash.lo % PGUARD_ID_CACHE;

    cache->hash[i] = hash;
    cache->id[i] = *id;
}


int
pguard_key_mac(const pguard_key_t *key, pguard_str_t s, unsigned char *mac)
{
    if (pguard_key_hmac(key->audit, sizeof(key->audit), s.data, s.len, mac)
        != 0)
    {
        memset(mac, 0, PGUARD_MAC_LEN);
        return -1;
    }

    return 0;
}


/* The two digits of each byte. */

#define PGUARD_HEX_ROW(h)                                                     \
    h "0" h "1" h "2" h "3" h "4" h "5" h "6" h "7"                           \
    h "8" h "9" h "a" h "b" h "c" h "d" h "e" h "f"

static const char  pguard_hex_pairs[] =
    PGUARD_HEX_ROW("0") PGUARD_HEX_ROW("1") PGUARD_HEX_ROW("2")
    PGUARD_HEX_ROW("3") PGUARD_HEX_ROW("4") PGUARD_HEX_ROW("5")
    PGUARD_HEX_ROW("6") PGUARD_HEX_ROW("7") PGUARD_HEX_ROW("8")
    PGUARD_HEX_ROW("9") PGUARD_HEX_ROW("a") PGUARD_HEX_ROW("b")
    PGUARD_HEX_ROW("c") PGUARD_HEX_ROW("d") PGUARD_HEX_ROW("e")
    PGUARD_HEX_ROW("f");


unsigned char *
pguard_hex(unsigned char *dst, const unsigned char *src, size_t n)
{
    for ( /* void */ ; n; n--, src++, dst += 2) {
        memcpy(dst, &pguard_hex_pairs[2 * *src], 2);
    }

    return dst;
}


void
pguard_hex_next(unsigned char *end, size_t n)
{
    for ( /* void */ ; n; n--) {

        if (*--end != 'f') {
            *end = *end == '9' ? 'a' : *end + 1;
            return;
        }

        *end = '0';
    }
}


static int
pguard_unhex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


int
pguard_unhex(unsigned char *dst, const unsigned char *src, size_t n)
{
    int  hi, lo;

    while (n--) {
        hi = pguard_unhex_digit(src[0]);
        lo = pguard_unhex_digit(src[1]);

        if (hi < 0 || lo < 0) {
            return -1;
        }

        *dst++ = (unsigned char) (hi << 4 | lo);
        src += 2;
    }

    return 0;
}
