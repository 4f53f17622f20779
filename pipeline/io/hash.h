#ifndef TARE_IO_HASH_H
#define TARE_IO_HASH_H

/* SHA-256 (libcrypto) as lower-case hex. */

#include <stddef.h>

enum { DIGEST_HEX = 65 };

struct hash;

/* New running digest. Free with hash_free. */
struct hash *hash_new(void);

/* Frees; NULL is allowed. */
void hash_free(struct hash *hash);

/* Adds bytes. */
void hash_add(struct hash *hash, const void *bytes, size_t length);

/* Writes the digest of what was added so far; more may be added after. Returns `out`. */
char *hash_hex(const struct hash *hash, char out[DIGEST_HEX]);

/* Digest of one piece of memory. Returns `out`. */
char *hash_bytes(const void *bytes, size_t length, char out[DIGEST_HEX]);

/* HMAC-SHA256 (RFC 2104) of one piece of memory with a key of any length. Returns `out`. */
char *hash_hmac(const void *key, size_t key_length, const void *bytes, size_t length, char out[DIGEST_HEX]);

#endif
