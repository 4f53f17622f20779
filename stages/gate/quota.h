#ifndef TARE_STAGES_GATE_QUOTA_H
#define TARE_STAGES_GATE_QUOTA_H

/* The most changes a run may make: of those that nothing else forbids, the ones of lowest risk and then of
 * largest saving stay. Keeps 24 bytes a change. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/run/approval.h"

struct quota_item {
    size_t index; /* of the workload in the artifact */
    int64_t saving_microusd;
    enum risk risk;
};

struct quota {
    struct quota_item *items;
    size_t count;
    size_t capacity;
    size_t kept;
};

/* Adds a change that could be made; indexes ascend. */
void quota_add(struct quota *quota, size_t index, enum risk risk, int64_t saving_microusd);

/* Keeps at most `most` of them (negative: all). */
void quota_choose(struct quota *quota, int64_t most);

/* Whether the change of this workload was kept; only for those that were added. */
bool quota_keeps(const struct quota *quota, size_t index);

/* Frees the items. */
void quota_release(struct quota *quota);

#endif
