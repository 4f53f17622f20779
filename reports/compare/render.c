#include "reports/compare/render.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "reports/render.h"

static const struct {
    const char *name;
    compare_renderer *render;
} formats[] = {{"markdown", compare_markdown},
             {"html", compare_html},
             {"csv", compare_csv},
             {"json", compare_json},
             {"table", compare_table}};

int compare_format_find(const char *name, bool limited, int64_t max_bytes, compare_renderer **out, struct err *err)
{
    const struct report_format *format = NULL;
    if (report_format_find(name, &format, err)) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        if (strcmp(formats[i].name, name) != 0) {
            continue;
        }
        *out = formats[i].render;
        if (limited && strcmp(name, "markdown") != 0) {
            err_set(err, ERR_USAGE, "--max-bytes: a comparison as %s is complete or nothing, it cannot be cut", name);
            return err_hint(err, "leave --max-bytes out, or choose --format markdown");
        }
        return limited ? report_format_check(format, max_bytes, err) : 0;
    }
    err_set(err, ERR_USAGE, "--compare: %s tells the state of one run, not what changed between two", name);
    return err_hint(err, "--format markdown, html, csv, json or table");
}
