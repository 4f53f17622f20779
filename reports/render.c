#include "reports/render.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const struct report_format formats[] = {
    {"markdown", true, MARKDOWN_MIN_BYTES, report_markdown}, {"html", true, HTML_MIN_BYTES, report_html},
    {"csv", false, 0, report_csv},                           {"json", false, 0, report_json},
    {"junit", false, 0, report_junit},                       {"prometheus", false, 0, report_prometheus},
    {"table", false, 0, report_table},
};

int report_format_find(const char *name, const struct report_format **out, struct err *err)
{
    const char *names[ARRAY_COUNT(formats)];
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *out = &formats[i];
            return 0;
        }
        names[i] = formats[i].name;
    }
    err_set(err, ERR_USAGE, "--format: unknown format '%s'", name);
    const char *near = str_nearest(name, names, ARRAY_COUNT(names));
    if (near != NULL) {
        return err_hint(err, "did you mean '%s'? known are markdown, html, csv, json, junit, prometheus and table", near);
    }
    return err_hint(err, "one of markdown, html, csv, json, junit, prometheus and table");
}

int report_format_check(const struct report_format *format, int64_t max_bytes, struct err *err)
{
    if (format->min_bytes == 0) {
        err_set(err, ERR_USAGE, "--max-bytes: a report as %s is complete or nothing, it cannot be cut", format->name);
        return err_hint(err, "leave --max-bytes out, or choose --format markdown or html");
    }
    if (max_bytes < format->min_bytes) {
        err_set(err, ERR_USAGE, "--max-bytes is %" PRId64 ": a report as %s takes at least %" PRId64 " bytes", max_bytes, format->name,
                format->min_bytes);
        return err_hint(err, "--max-bytes %" PRId64 " or more", format->min_bytes);
    }
    return 0;
}
