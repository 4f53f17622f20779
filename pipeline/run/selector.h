#ifndef TARE_RUN_SELECTOR_H
#define TARE_RUN_SELECTOR_H

/* Selectors of windows and approval rules: which workloads a rule is about. What is missing, null or empty
 * matches all. */

#include <stdbool.h>

#include "pipeline/io/json.h"

/* Whether a list of globs (`*`, `?`) has one that fits the whole of `text`; NULL text fits none but an empty
 * list. */
bool selector_globs(const json_t *globs, const char *text);

/* Whether `labels` (an object or NULL) carries every label of `wanted` with the same value. */
bool selector_labels(const json_t *wanted, const json_t *labels);

/* Whether a `match` {namespaces:[globs], clusters:[globs], kinds:[globs], labels:{…}} fits a `workload`
 * member; `namespace` is its effective namespace. */
bool selector_match(const json_t *match, const json_t *workload, const char *namespace);

#endif
