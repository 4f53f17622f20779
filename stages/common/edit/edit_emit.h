#ifndef TARE_STAGES_COMMON_EDIT_EDIT_EMIT_H
#define TARE_STAGES_COMMON_EDIT_EDIT_EMIT_H

/* What a mapping effectively holds, merge keys included, and nodes written out again in one line of flow
 * style, for values that have to be repeated where they were shared. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/io/yaml.h"

enum { EMIT_PAIRS_MAX = 256, EMIT_TEXT_MAX = 64 * 1024 };

struct emit_pair {
    struct yaml_node *key;
    struct yaml_node *value;
};

struct emit_pairs {
    struct emit_pair items[EMIT_PAIRS_MAX];
    size_t count;
    bool overflow; /* there are more */
};

/* The effective pairs of a mapping (resolved; NULL: none): its own in order, then those merged in that it
 * does not have. */
void emit_effective(struct yaml_node *map, struct emit_pairs *out);

/* Whether a mapping has a merge key of its own. */
bool emit_has_merge(const struct yaml_node *map);

/* One line of flow style for a node, aliases and merges written out. `json`: as JSON. NULL when it would be
 * longer than EMIT_TEXT_MAX. In the arena. */
const char *emit_flow(struct arena *arena, const char *bytes, struct yaml_node *node, bool json);

#endif
