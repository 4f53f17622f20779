#ifndef TARE_NOTIFY_SIGNATURE_H
#define TARE_NOTIFY_SIGNATURE_H

/* The signature of what receivers of type http get: "t=<seconds since 1970>,v1=<HMAC-SHA256 in hex over t, a dot and the body>". The time
 * is signed, too, so that an old message cannot be sent again by somebody else. */

#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_HEADER "X-Tare-Signature"

enum { SIGNATURE_MAX = 128 };

/* Writes the header's value. Returns `out`. */
char *signature_make(const char *key, size_t key_length, int64_t at, const char *body, size_t length, char out[SIGNATURE_MAX]);

#endif
