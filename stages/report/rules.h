#ifndef TARE_STAGES_REPORT_RULES_H
#define TARE_STAGES_REPORT_RULES_H

/* What `workload.scheduling` says about nodes, each wording kept once. */

#include "pipeline/base/arena.h"
#include "pipeline/io/json.h"
#include "pricing/packing/index.h"
#include "pricing/packing/fleet_input.h"

enum { RULES_MAX = 20000 };

struct rules {
    struct arena arena;
    struct fleet_rules *items;
    size_t count, capacity;
    struct index by_text;
    bool full; /* there were more than RULES_MAX wordings: the rest is taken to say nothing */
};

/* What is known of a workload's scheduling besides its rules. */
struct rules_reading {
    uint32_t rules; /* index, or PACK_NONE */
    int64_t overhead_cpu;
    int64_t overhead_memory;
    bool pinned;  /* it names its node */
    bool spread;  /* something holds across zones, or as a skew: it is not modelled */
    bool several; /* more than one term of pod affinity: one is modelled */
    bool more;    /* terms with more workloads than are told */
};

/* Prepares an empty set; frees it. */
void rules_init(struct rules *rules);
void rules_release(struct rules *rules);

/* Reads the member (NULL: nothing is said) of a workload; `space` is "cluster/namespace", against which other workloads are named,
 * `cluster` the part before it. */
struct rules_reading rules_read(struct rules *rules, const json_t *scheduling, const char *cluster, const char *space);

/* Labels of an object {key: value}, at most `most`, after `extra` free places in front; arena's. */
struct fleet_label *rules_labels(struct arena *arena, const json_t *object, size_t extra, size_t *count);

/* Taints of an array; arena's. */
struct fleet_taint *rules_taints(struct arena *arena, const json_t *array, size_t *count);

#endif
