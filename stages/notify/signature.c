#include "stages/notify/signature.h"

#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/buf.h"
#include "pipeline/io/hash.h"

char *signature_make(const char *key, size_t key_length, int64_t at, const char *body, size_t length, char out[SIGNATURE_MAX])
{
    char digest[DIGEST_HEX];
    struct buf signed_text;
    buf_init(&signed_text, length + SIGNATURE_MAX);
    buf_printf(&signed_text, "%" PRId64 ".", at);
    buf_add(&signed_text, body, length);
    hash_hmac(key, key_length, buf_str(&signed_text), signed_text.length, digest);
    snprintf(out, SIGNATURE_MAX, "t=%" PRId64 ",v1=%s", at, digest);
    buf_release(&signed_text);
    return out;
}
