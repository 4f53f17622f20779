#include "pipeline/driver/size.h"

#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

char *size_text(int64_t bytes, char out[SIZE_TEXT])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double left = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024) {
        snprintf(out, SIZE_TEXT, "%" PRId64 " bytes", bytes);
        return out;
    }
    while (left >= 1024 && unit + 1 < ARRAY_COUNT(units)) {
        left /= 1024;
        unit++;
    }
    snprintf(out, SIZE_TEXT, "%.1f %s", left, units[unit]);
    return out;
}

void size_sentence(const json_t *size, struct buf *out)
{
    char text[SIZE_TEXT];
    int64_t runs = 0;
    const json_t *most = json_array_get(json_object_get(size, "parts"), 0);
    const char *part = json_string_or_null(most, "part");
    buf_printf(out, "the database is %s", size_text(json_int_or(size, "database_bytes", 0), text));
    if (part == NULL) {
        return;
    }
    buf_printf(out, ", the largest part: %s %s", part, size_text(json_int_or(most, "bytes", 0), text));
    if (str_equal(part, "artifacts") && json_get_int(size, "runs", &runs)) {
        buf_printf(out, " in %" PRId64 " run%s", runs, runs == 1 ? "" : "s");
    }
}
