#ifndef TARE_STAGES_COMMON_MANIFEST_RENDER_TREE_H
#define TARE_STAGES_COMMON_MANIFEST_RENDER_TREE_H

/* Which files a chart or a kustomization is made of: what lies in the chart's folder; what a kustomization
 * names, and the kustomizations that it names. */

#include <stdbool.h>
#include <stddef.h>

#include "stages/common/manifest/render.h"

/* What a file is to the folder that it is rendered with. */
enum tree_role {
    TREE_OTHER,
    TREE_RULES,   /* Chart.yaml, kustomization.yaml */
    TREE_VALUES,  /* of a chart, or of one of its subcharts */
    TREE_PATCH,   /* of a kustomization */
    TREE_RESOURCE /* objects that a kustomization starts from */
};

struct tree_file {
    char *path; /* absolute; where the program looks for it */
    enum tree_role role;
    size_t depth; /* 0: of the folder itself; more: of a subchart, of a base */
};

struct render_tree {
    char *folder; /* absolute, resolved */
    struct tree_file *files;
    size_t count;
    size_t capacity;
    char *remote; /* the first thing it names that is not in the tree but elsewhere (an address), else NULL */
    bool overflow; /* there are more files than it may have */
};

/* Whether a file's name is that of a kustomization. */
bool kustomization_named(const char *path);

/* Whether a file is a kustomization: by its name, and by what it says of itself. */
bool kustomization_is(const char *path);

/* Whether a folder holds a chart: a Chart.yaml with an API version and a name. *library: it renders to
 * nothing. */
bool chart_is(const char *folder, bool *library);

/* New name of the chart in a folder, NULL when it cannot be read. free(). */
char *chart_name(const char *folder);

/* Collects the files; what cannot be read is left out, for the program to complain of. Free with
 * render_tree_release. */
void render_tree_read(enum render_tool tool, const char *folder, struct render_tree *out);

/* Frees. */
void render_tree_release(struct render_tree *tree);

#endif
