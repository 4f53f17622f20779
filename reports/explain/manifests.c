#include "reports/explain/manifests.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/text/escape.h"
#include "reports/explain/explain.h"
#include "reports/explain/page.h"

enum { OPTIONS_MAX = 32 };

static const char *option_of(const json_t *manifests, size_t index)
{
    return page_string(json_array_get(manifests, index), "option");
}

/* Options that do the same work by different means. */
static bool is_alternative(const char *option)
{
    static const char *const names[] = {"hpa", "keda", "cronjobs"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(option, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool manifest_is_first_choice(const json_t *manifests, size_t index)
{
    const char *option = option_of(manifests, index);
    if (str_starts(option, "policy-")) {
        return false;
    }
    for (size_t i = 0; i < index && is_alternative(option); i++) {
        if (is_alternative(option_of(manifests, i))) {
            return strcmp(option, option_of(manifests, i)) == 0;
        }
    }
    return true;
}

/* Text of YAML: what would steer a terminal is masked, which also makes it no YAML that does harm. */
static void add_document(struct buf *out, const char *yaml)
{
    buf_add_str(out, "---\n");
    page_block(out, 0, yaml);
}

static int no_option(const json_t *manifests, const char *option, struct err *err)
{
    const char *names[OPTIONS_MAX];
    size_t count = 0;
    struct buf list;
    buf_init(&list, 4096);
    for (size_t i = 0; i < json_array_size(manifests) && count < OPTIONS_MAX; i++) {
        names[count] = option_of(manifests, i);
        if (i == 0 || strcmp(names[count], option_of(manifests, i - 1)) != 0) {
            buf_printf(&list, "%s%s", count == 0 ? "" : ", ", names[count]);
            count++;
        }
    }
    const char *near = str_nearest(option, names, count);
    err_set(err, ERR_USAGE, "there are no manifests of option \"%s\"", option);
    if (count > 0) {
        err_hint(err, "%s%s%sthere are %s", near == NULL ? "" : "did you mean ", near == NULL ? "" : near,
                 near == NULL ? "" : "? ", buf_str(&list));
    }
    buf_release(&list);
    return -1;
}

int explain_yaml(const struct explain *explain, const char *option, struct report_sink *sink, struct err *err)
{
    const json_t *manifests = json_at(explain->recommendation, "scaling.manifests");
    size_t printed = 0;
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        bool wanted = option == NULL ? manifest_is_first_choice(manifests, i)
                                     : strcmp(option, option_of(manifests, i)) == 0;
        if (wanted) {
            add_document(&sink->out, page_string(json_array_get(manifests, i), "yaml"));
            printed++;
        }
    }
    if (printed == 0 && option != NULL) {
        return no_option(manifests, option, err);
    }
    if (printed == 0) {
        buf_add_str(&sink->out, "# no manifests are advised for ");
        escape_terminal(&sink->out, explain->row.name, 253);
        buf_add_char(&sink->out, '\n');
    }
    return sink_finish(sink, err);
}
