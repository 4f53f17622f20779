#include "pipeline/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DISTANCE_MAX = 64 };

bool str_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

int str_compare(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return (a != NULL) - (b != NULL);
    }
    return strcmp(a, b);
}

/* On a mismatch only the last star needs to take one more character: earlier stars cannot do better. */
bool str_glob(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *resume = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

size_t str_distance(const char *a, const char *b)
{
    size_t la = strnlen(a, DISTANCE_MAX);
    size_t lb = strnlen(b, DISTANCE_MAX);
    size_t rows[3][DISTANCE_MAX + 1];
    for (size_t j = 0; j <= lb; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3];
        const size_t *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            now[j] = min3(before[j] + 1, now[j - 1] + 1, before[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && earlier[j - 2] + 1 < now[j]) {
                now[j] = earlier[j - 2] + 1;
            }
        }
    }
    return rows[la % 3][lb];
}

const char *str_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t limit = strlen(word) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(word, names[i]);
        if (distance <= limit) {
            best = names[i];
            limit = distance == 0 ? 0 : distance - 1;
            if (distance == 0) {
                break;
            }
        }
    }
    return best;
}

int str_int64(const char *text, int64_t min, int64_t max, int64_t *value)
{
    const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
    if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits)) {
        return -1;
    }
    errno = 0;
    long long parsed = strtoll(text, NULL, 10);
    if (errno != 0 || parsed < min || parsed > max) {
        return -1;
    }
    *value = parsed;
    return 0;
}

int str_digits(const char **text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9') {
            return -1;
        }
        value = value * 10 + (**text - '0');
    }
    return value;
}

/* Whether a valid sequence does something else than show a character: controls, line separators, and the marks that turn the
 * direction of writing around (U+202A..202E, U+2066..2069), which can make a message read as another one. */
static bool steers(const unsigned char *bytes, size_t length)
{
    if (length == 1) {
        return bytes[0] < 0x20 || bytes[0] == 0x7f;
    }
    if (length == 2) {
        return bytes[0] == 0xc2 && bytes[1] < 0xa0;
    }
    return length == 3 && bytes[0] == 0xe2 &&
           ((bytes[1] == 0x80 && bytes[2] >= 0xa8 && bytes[2] <= 0xae) ||
            (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9));
}

void str_mask_controls(char *text)
{
    unsigned char *p = (unsigned char *)text;
    while (*p != '\0') {
        size_t length = str_utf8_length(p, strnlen((const char *)p, 4));
        size_t masked = length == 0 ? 1 : steers(p, length) ? length : 0;
        memset(p, '?', masked);
        p += masked > 0 ? masked : length;
    }
}

void str_trim_utf8(char *text)
{
    size_t length = strlen(text);
    size_t start = length;
    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return;
    }
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (want > length - start + 1) {
        text[start - 1] = '\0';
    }
}

size_t str_utf8_length(const unsigned char *bytes, size_t available)
{
    if (available == 0) {
        return 0;
    }
    unsigned char lead = bytes[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t want = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (want == 0 || want > available) {
        return 0;
    }
    for (size_t i = 1; i < want; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((lead == 0xe0 && bytes[1] < 0xa0) || (lead == 0xed && bytes[1] > 0x9f) ||
        (lead == 0xf0 && bytes[1] < 0x90) || (lead == 0xf4 && bytes[1] > 0x8f)) {
        return 0;
    }
    return want;
}

bool str_utf8_valid(const void *bytes, size_t length, size_t *bad_offset)
{
    const unsigned char *p = bytes;
    for (size_t at = 0; at < length;) {
        size_t step = str_utf8_length(p + at, length - at);
        if (step == 0) {
            if (bad_offset != NULL) {
                *bad_offset = at;
            }
            return false;
        }
        at += step;
    }
    return true;
}
