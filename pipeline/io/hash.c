#include "pipeline/io/hash.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/err.h"
#include "pipeline/base/mem.h"

struct hash {
    EVP_MD_CTX *context;
};

/* libcrypto fails here only without memory or without SHA-256: nothing a caller could mend. */
static void must(int ok)
{
    if (ok != 1) {
        fputs("tare: libcrypto cannot compute SHA-256\n", stderr);
        _Exit(ERR_SOFTWARE);
    }
}

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return xmalloc(size);
}

static void *retake(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return xrealloc_array(old, 1, size);
}

static void give_back(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

/* libcrypto 3 crashes where memory runs out while it starts; with these functions the program ends in order instead. It refuses
 * them once it has allocated anything (a database connection before the first digest): then its own stay. */
static void use_own_memory(void)
{
    static bool done;
    if (!done) {
        done = true;
        CRYPTO_set_mem_functions(take, retake, give_back);
    }
}

/* Looked up once: libcrypto 3 takes longer to find its SHA-256 than to digest a name. Kept until the program ends. */
static const EVP_MD *sha256(void)
{
    static EVP_MD *found;
    if (found == NULL) {
        use_own_memory();
        found = EVP_MD_fetch(NULL, "SHA256", NULL);
        must(found != NULL);
    }
    return found;
}

struct hash *hash_new(void)
{
    const EVP_MD *digest = sha256();
    struct hash *hash = xcalloc(sizeof *hash);
    hash->context = EVP_MD_CTX_new();
    must(hash->context != NULL && EVP_DigestInit_ex(hash->context, digest, NULL));
    return hash;
}

void hash_free(struct hash *hash)
{
    if (hash != NULL) {
        EVP_MD_CTX_free(hash->context);
        free(hash);
    }
}

void hash_add(struct hash *hash, const void *bytes, size_t length)
{
    must(EVP_DigestUpdate(hash->context, bytes, length));
}

static char *to_hex(const unsigned char *raw, unsigned int length, char out[DIGEST_HEX])
{
    static const char hex[] = "0123456789abcdef";
    for (unsigned int i = 0; i < length && i * 2 + 2 < DIGEST_HEX; i++) {
        out[i * 2] = hex[raw[i] >> 4];
        out[i * 2 + 1] = hex[raw[i] & 15];
    }
    out[length * 2] = '\0';
    return out;
}

char *hash_hex(const struct hash *hash, char out[DIGEST_HEX])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    must(copy != NULL && EVP_MD_CTX_copy_ex(copy, hash->context) && EVP_DigestFinal_ex(copy, raw, &length));
    EVP_MD_CTX_free(copy);
    return to_hex(raw, length, out);
}

char *hash_bytes(const void *bytes, size_t length, char out[DIGEST_HEX])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned int used = 0;
    must(EVP_Digest(bytes, length, raw, &used, sha256(), NULL));
    return to_hex(raw, used, out);
}

char *hash_hmac(const void *key, size_t key_length, const void *bytes, size_t length, char out[DIGEST_HEX])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned int used = 0;
    use_own_memory();
    must(key_length <= INT_MAX && HMAC(EVP_sha256(), key, (int)key_length, bytes, length, raw, &used) != NULL);
    return to_hex(raw, used, out);
}
