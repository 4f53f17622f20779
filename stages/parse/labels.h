#ifndef TARE_STAGES_PARSE_LABELS_H
#define TARE_STAGES_PARSE_LABELS_H

/* The labels of pods, and the label selectors of Kubernetes that they are matched with. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"
#include "stages/common/manifest/manifest.h"

enum { LABELS_MAX = 1000, REQUIREMENTS_MAX = 100, REQUIREMENT_VALUES_MAX = 1000 };

struct label {
    const char *key;
    const char *value;
    uint32_t hash; /* of the key */
};

/* Sorted by hash. */
struct labels {
    struct label items[LABELS_MAX];
    size_t count;
};

/* One condition of a selector; a pod has to meet all of them. */
struct requirement {
    const char *key;
    uint32_t hash;
    bool wanted;      /* In, Exists; else NotIn, DoesNotExist */
    bool any;         /* whatever the value: Exists, DoesNotExist */
    const char **values;
    size_t count;
};

/* Without requirements it selects everything. */
struct selector {
    struct requirement *items;
    size_t count;
};

/* New object of the first LABELS_MAX labels of a mapping, those of merge keys too; NULL when there is none. */
json_t *labels_read(struct manifest_reader *reader, struct yaml_node *map);

/* Makes labels that were read ready to be matched; strings are borrowed from `object` (NULL: no labels). */
void labels_set(struct labels *out, const json_t *object);

/* Reads `matchLabels` and `matchExpressions` of a selector: a new array of [key, operator, values…]. NULL after a fatal
 * fault for what the Kubernetes API refuses; `what` names the selector in it. */
json_t *selector_read(struct manifest_reader *reader, struct yaml_node *node, const char *what);

/* Makes a selector that was read ready to match; it lives in `arena`, strings are borrowed from `array`. */
void selector_set(struct selector *out, const json_t *array, struct arena *arena);

/* Whether pods with these labels are selected. */
bool selector_matches(const struct selector *selector, const struct labels *labels);

#endif
