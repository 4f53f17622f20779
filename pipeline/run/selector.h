#ifndef TARE_RUN_SELECTOR_H
#define TARE_RUN_SELECTOR_H

/* Selectors of overrides, approval rules, windows, price pools and policies of replicas: which workloads a rule is about. What is
 * missing, null or empty matches all. The one implementation; sql/ has it once more for what the ledger decides itself. */

#include <stdbool.h>

#include "pipeline/io/json.h"

/* Whether a list of globs (`*`, `?`) has one that fits the whole of `text`; NULL text fits none but an empty
 * list. */
bool selector_globs(const json_t *globs, const char *text);

/* Whether `labels` (an object or NULL) carries every label of `wanted` with the same value. */
bool selector_labels(const json_t *wanted, const json_t *labels);

/* Whether a `match` {namespaces:[globs], clusters:[globs], kinds:[globs], labels:{…}, classes:[globs]} fits a `workload`
 * member; one that names no cluster counts in "default", as its run does. `namespace` is its effective namespace, `class` its
 * recommendation.class; NULL where nobody has told it yet, and then no `match` with classes fits. */
bool selector_match(const json_t *match, const json_t *workload, const char *namespace, const char *class);

/* Whether all that fits the glob `inner` fits `outer`. False also where that cannot be told, and for NULL. */
bool selector_glob_covers(const char *outer, const char *inner);

/* Whether whatever fits `inner` fits `outer`, too. False also where that cannot be told from the globs. */
bool selector_covers(const json_t *outer, const json_t *inner);

/* The cluster that counts for a record that may name none: its own, else "default", as its run has it. Borrowed. */
const char *selector_cluster(const char *own);

/* The namespace that counts for a workload that may name none: its own, else `fallback`, else "default". Borrowed. */
const char *selector_namespace(const json_t *workload, const char *fallback);

#endif
