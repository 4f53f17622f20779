#include "reports/render.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const struct report_format formats[] = {
    {"markdown", true, report_markdown}, {"html", true, report_html},    {"csv", false, report_csv},
    {"json", false, report_json},         {"table", false, report_table},
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
        return err_hint(err, "did you mean '%s'? known are markdown, html, csv, json and table", near);
    }
    return err_hint(err, "one of markdown, html, csv, json and table");
}
