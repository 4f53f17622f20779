#include "stages/collect/api/promql.h"

#include <inttypes.h>
#include <string.h>

int promql_match(struct buf *out, const char *name, const char *op, const char *value)
{
    buf_printf(out, ",%s%s\"", name, op);
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            buf_add_char(out, '\\');
        }
        if (*p == '\n') {
            buf_add_str(out, "\\n");
        } else {
            buf_add_char(out, *p);
        }
    }
    return buf_add_char(out, '"') || out->overflow ? -1 : 0;
}

int promql_literal(struct buf *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr("\\.+*?()|[]{}^$", *p) != NULL) {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, *p);
    }
    return out->overflow ? -1 : 0;
}

int promql_range(struct buf *out, int64_t seconds)
{
    return buf_printf(out, "[%" PRId64 "ms]", seconds * 1000 - 1);
}
