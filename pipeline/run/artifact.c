#include "pipeline/run/artifact.h"

#include <string.h>

#include "pipeline/base/str.h"

static const char *const kind_names[ARTIFACT_KINDS] = {
    [ARTIFACT_INVENTORY] = "inventory", [ARTIFACT_USAGE] = "usage",     [ARTIFACT_RECOMMENDATIONS] = "recommendations",
    [ARTIFACT_COSTS] = "costs",         [ARTIFACT_CHANGES] = "changes", [ARTIFACT_GATED] = "gated",
    [ARTIFACT_OUTCOME] = "outcome",
};

const char *artifact_kind_name(enum artifact_kind kind)
{
    return kind < 0 || kind >= ARTIFACT_KINDS ? "none" : kind_names[kind];
}

enum artifact_kind artifact_kind_of(const char *name)
{
    for (int kind = 0; kind < ARTIFACT_KINDS; kind++) {
        if (str_equal(name, kind_names[kind])) {
            return (enum artifact_kind)kind;
        }
    }
    return ARTIFACT_NONE;
}

int64_t artifact_count_problems(const json_t *record)
{
    const json_t *note = json_object_get(record, "note");
    return (int64_t)json_array_size(json_object_get(record, "problems")) +
           str_equal(json_string_or_null(note, "outcome"), "error");
}
