#include "pipeline/run/reasons.h"

#include <stddef.h>
#include <string.h>

#include "pipeline/base/mem.h"

static const struct {
    const char *code;
    const char *words;
} rows[] = {
#define X(code, words) {code, words},
#include "pipeline/run/reasons.def"
#undef X
};

const char *reason_words(const char *code)
{
    size_t length = code == NULL ? 0 : strcspn(code, ":");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (length > 0 && strncmp(rows[i].code, code, length) == 0 && rows[i].code[length] == '\0') {
            return rows[i].words;
        }
    }
    return NULL;
}
