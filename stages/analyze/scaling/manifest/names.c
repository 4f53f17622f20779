#include "stages/analyze/scaling/manifest/names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/io/hash.h"

enum { DIGEST_SHOWN = 8 };

/* The length of the label that a text begins with, 0 when it begins with none. */
static size_t label_length(const char *text)
{
    size_t length = 0;
    while (islower((unsigned char)text[length]) || isdigit((unsigned char)text[length]) || text[length] == '-') {
        length++;
    }
    return length == 0 || text[0] == '-' || text[length - 1] == '-' ? 0 : length;
}

bool name_is_label(const char *text)
{
    size_t length = text ? label_length(text) : 0;
    return length > 0 && length <= NAME_LABEL_MAX && text[length] == '\0';
}

bool name_is_subdomain(const char *text)
{
    if (!text || strlen(text) > NAME_SUBDOMAIN_MAX) {
        return false;
    }
    for (;;) {
        size_t length = label_length(text);
        if (length == 0) {
            return false;
        }
        if (text[length] == '\0') {
            return true;
        }
        if (text[length] != '.') {
            return false;
        }
        text += length + 1;
    }
}

char *name_make(const char *base, const char *suffix, size_t most, char out[NAME_SUBDOMAIN_MAX + 1])
{
    char digest[DIGEST_HEX];
    size_t room = most - strlen(suffix);
    if (strlen(base) <= room) {
        (void)snprintf(out, NAME_SUBDOMAIN_MAX + 1, "%s%s", base, suffix);
        return out;
    }
    hash_bytes(base, strlen(base), digest);
    size_t kept = room - DIGEST_SHOWN - 1;
    while (kept > 1 && !isalnum((unsigned char)base[kept - 1])) {
        kept--;
    }
    (void)snprintf(out, NAME_SUBDOMAIN_MAX + 1, "%.*s-%.*s%s", (int)kept, base, DIGEST_SHOWN, digest, suffix);
    return out;
}
