#include "reports/batch/render.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "reports/render.h"

static const struct {
    const char *name;
    batch_renderer *render;
} formats[] = {{"markdown", batch_markdown}, {"html", batch_html}, {"csv", batch_csv}, {"json", batch_json}, {"table", batch_table}};

int batch_format_find(const char *name, batch_renderer **out, struct err *err)
{
    const struct report_format *format = NULL;
    if (report_format_find(name, &format, err)) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *out = formats[i].render;
            return 0;
        }
    }
    err_set(err, ERR_USAGE, "%s tells the state of one run, not of several together", name);
    return err_hint(err, "--format markdown, html, csv, json or table; or tare report RUN --format %s for each", name);
}
