#include <string.h>
#include <openssl/evp.h>

#include "pguard_hmac.h"


#define PGUARD_HMAC_BLOCK  64                   /* of SHA-256 */
#define PGUARD_HMAC_INNER  0x36                 /* RFC 2104 */
#define PGUARD_HMAC_OUTER  0x5c


static EVP_MD_CTX *
pguard_hmac_begin(const unsigned char *key, unsigned char pad)
{
    int             rc;
    size_t          i;
    EVP_MD_CTX     *md;
    unsigned char   block[PGUARD_HMAC_BLOCK];

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NULL;
    }

    memset(block, pad, sizeof(block));

    for (i = 0; i < PGUARD_HMAC_KEY; i++) {
        block[i] ^= key[i];
    }

    rc = EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
         && EVP_DigestUpdate(md, block, sizeof(block)) == 1;

    explicit_bzero(block, sizeof(block));

    if (!rc) {
        EVP_MD_CTX_free(md);
        return NULL;
    }

    return md;
}


int
pguard_hmac_init(pguard_hmac_t *hmac, const pguard_key_t *key)
{
    hmac->inner = pguard_hmac_begin(key->hmac, PGUARD_HMAC_INNER);
    hmac->outer = pguard_hmac_begin(key->hmac, PGUARD_HMAC_OUTER);
    hmac->work = EVP_MD_CTX_new();

    if (hmac->inner && hmac->outer && hmac->work) {
        return 0;
    }

    pguard_hmac_free(hmac);

    return -1;
}


void
pguard_hmac_free(pguard_hmac_t *hmac)
{
    EVP_MD_CTX_free(hmac->inner);
    EVP_MD_CTX_free(hmac->outer);
    EVP_MD_CTX_free(hmac->work);

    memset(hmac, 0, sizeof(pguard_hmac_t));
}


static int
pguard_hmac_go_on(pguard_hmac_t *hmac, const EVP_MD_CTX *begun,
    const void *data, size_t len, unsigned char *md)
{
    return EVP_MD_CTX_copy_ex(hmac->work, begun) == 1
           && EVP_DigestUpdate(hmac->work, data, len) == 1
           && EVP_DigestFinal_ex(hmac->work, md, NULL) == 1;
}


int
pguard_hmac_id(pguard_hmac_t *hmac, pguard_str_t s, pguard_id_t *id)
{
    unsigned char  md[PGUARD_MAC_LEN];

    if (!pguard_hmac_go_on(hmac, hmac->inner, s.data, s.len, md)
        || !pguard_hmac_go_on(hmac, hmac->outer, md, sizeof(md), md))
    {
        memset(id, 0, sizeof(pguard_id_t));
        return -1;
    }

    memcpy(id->bytes, md, PGUARD_ID_LEN);

    return 0;
}
