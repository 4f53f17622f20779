#include "stages/prices/words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"

/* What people call the providers, and what counts as one. */
static const char *const names[][2] = {
    {"amazon", "aws"}, {"ec2", "aws"}, {"google", "gcp"}, {"gce", "gcp"}, {"microsoft", "azure"},
};

static const char *meant(const char *text)
{
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcasecmp(text, names[i][0]) == 0) {
            return names[i][1];
        }
    }
    return text;
}

void words_init(struct words *words, const char *const *texts, size_t count)
{
    words->items = xcalloc_array(count + 1, sizeof *words->items);
    words->count = count;
    for (size_t i = 0; i < count; i++) {
        words->items[i] = xstrdup(meant(texts[i]));
    }
}

void words_release(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->items[i]);
    }
    free(words->items);
}

void words_replace(struct words *words, size_t index, const char *text)
{
    free(words->items[index]);
    words->items[index] = xstrdup(text);
}

/* The next letter or digit in small, '\0' at the end; bytes of wide characters count as letters. */
static char next_letter(const char **text)
{
    for (; **text != '\0'; (*text)++) {
        unsigned char c = (unsigned char)**text;
        if (c >= 'A' && c <= 'Z') {
            (*text)++;
            return (char)(c - 'A' + 'a');
        }
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80) {
            (*text)++;
            return (char)c;
        }
    }
    return '\0';
}

/* Whether the letters of `word` follow each other from here on. */
static bool begins(const char *text, const char *word)
{
    char wanted;
    while ((wanted = next_letter(&word)) != '\0') {
        if (next_letter(&text) != wanted) {
            return false;
        }
    }
    return true;
}

static bool contains(const char *field, const char *word)
{
    for (; field != NULL && *field != '\0'; field++) {
        if (begins(field, word)) {
            return true;
        }
    }
    return false;
}

bool words_fit(const struct words *words, const char *const *fields, size_t count)
{
    for (size_t i = 0; i < words->count; i++) {
        bool found = false;
        for (size_t k = 0; !found && k < count; k++) {
            found = contains(fields[k], words->items[i]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}
