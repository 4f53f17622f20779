#ifndef TARE_STAGES_COMMON_MANIFEST_RENDER_H
#define TARE_STAGES_COMMON_MANIFEST_RENDER_H

/*
 * Reading a Helm chart or a kustomization through the program that knows how: `helm template`, `kustomize
 * build` (or `kubectl kustomize`). The programs are those on PATH; they run no code of the repository (no
 * plugins, no post-renderers), have a time and a size limit, and of this program's environment only what they
 * need. tare itself fetches nothing: what is not in the tree is a fault with a sentence.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum render_tool { RENDER_HELM, RENDER_KUSTOMIZE };

enum { RENDER_VALUES_MAX = 64, RENDER_SECONDS_MAX = 3600 };

/* How to render. It stands in the inventory's header, so that a later stage renders the same. */
struct render_settings {
    const char *namespace;                 /* of the release */
    const char *release;                   /* NULL: the chart's own name */
    const char *values[RENDER_VALUES_MAX]; /* further files of values for charts */
    size_t value_count;
    int64_t seconds; /* longest time for one folder */
};

/* Name as records have it ("helm", "kustomize"). Borrowed, static. */
const char *render_tool_name(enum render_tool tool);

/* The tool of such a name. False when it is none (NULL too). */
bool render_tool_named(const char *name, enum render_tool *tool);

/* New object for the header. */
json_t *render_settings_json(const struct render_settings *settings);

/* Reads what render_settings_json wrote; strings are borrowed from `json`. ERR_DATA. */
int render_settings_read(const json_t *json, struct render_settings *out, struct err *err);

/* The settings of one folder: `base` with what `own` says of it ({"release","namespace","values":[…]}, each
 * may be missing; NULL: nothing). Its values come first. Strings are borrowed from both. ERR_DATA when there
 * are too many values. */
int render_settings_over(const struct render_settings *base, const json_t *own, struct render_settings *out,
                         struct err *err);

/* Refuses values files and release names that helm would not take as what they are. ERR_USAGE. */
int render_settings_check(const struct render_settings *settings, struct err *err);

/* Renders a folder; the text is added to `out`, whose cap is the size limit. ERR_UNAVAILABLE when the program
 * is not installed; else ERR_DATA with what the program said, or which limit was reached. */
int render_folder(const struct render_settings *settings, enum render_tool tool, const char *folder,
                  struct buf *out, struct err *err);

#endif
