#ifndef TARE_KUBE_BASE64_H
#define TARE_KUBE_BASE64_H

/* Base64 (RFC 4648 §4), as kubeconfigs and credential plugins hold PEM text. */

#include "pipeline/base/buf.h"

/* Adds the bytes that `text` stands for to `out`; line ends in it are passed over. -1 when it is not base64,
 * or `out` is full. */
int base64_decode(const char *text, struct buf *out);

/* Adds the base64 of `length` bytes to `out`. Returns like buf_add. */
int base64_encode(const void *bytes, size_t length, struct buf *out);

#endif
