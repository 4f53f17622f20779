#include "pipeline/run/reasons.h"

#include <stddef.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

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
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_equal(rows[i].code, code)) {
            return rows[i].words;
        }
    }
    return NULL;
}
