#include "pipeline/kube/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Four letters, of which the last `padding` are '='. */
static int decode_group(const unsigned values[4], size_t padding, struct buf *out)
{
    uint32_t bits = values[0] << 18 | values[1] << 12 | values[2] << 6 | values[3];
    char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8 & 0xff), (char)(bits & 0xff)};
    uint32_t unused = padding == 2 ? 0xffff : padding == 1 ? 0xff : 0;
    return (bits & unused) != 0 || padding > 2 || buf_add(out, bytes, 3 - padding) ? -1 : 0;
}

int base64_decode(const char *text, struct buf *out)
{
    unsigned values[4] = {0};
    size_t count = 0;
    size_t padding = 0;
    for (; *text != '\0'; text++) {
        const char *at = strchr(alphabet, *text);
        if (*text == '\n' || *text == '\r') {
            continue;
        }
        if ((at == NULL && *text != '=') || (padding > 0 && (*text != '=' || count == 0))) {
            return -1;
        }
        padding += *text == '=';
        values[count++] = at == NULL ? 0 : (unsigned)(at - alphabet);
        if (count == 4) {
            if (decode_group(values, padding, out)) {
                return -1;
            }
            count = 0;
        }
    }
    return count == 0 ? 0 : -1;
}

int base64_encode(const void *bytes, size_t length, struct buf *out)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t bits = (uint32_t)at[i] << 16;
        bits |= left > 1 ? (uint32_t)at[i + 1] << 8 : 0;
        bits |= left > 2 ? at[i + 2] : 0;
        char group[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63],
                         left > 1 ? alphabet[bits >> 6 & 63] : '=', left > 2 ? alphabet[bits & 63] : '='};
        if (buf_add(out, group, 4)) {
            return -1;
        }
    }
    return 0;
}
