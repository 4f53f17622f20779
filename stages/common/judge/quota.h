#ifndef TARE_COMMON_JUDGE_QUOTA_H
#define TARE_COMMON_JUDGE_QUOTA_H

/* The most changes that a run may make, in all and in a namespace: of those that nothing else forbids, the ones of lowest risk and
 * then of largest saving stay. Keeps 32 bytes a change. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"
#include "pipeline/run/approval.h"

/* What became of a change. */
enum quota_fate { QUOTA_KEPT = 0, QUOTA_SHARE, QUOTA_RUN };

struct quota_item {
    size_t index; /* of the workload in the artifact */
    int64_t saving_microusd;
    uint32_t space;
    enum risk risk;
    enum quota_fate fate;
};

/* A namespace of a cluster. */
struct quota_space {
    size_t workloads;
    size_t allowed; /* changes; set by quota_choose */
    size_t kept;
};

struct quota {
    struct quota_item *items;
    size_t count;
    size_t capacity;
    size_t kept;
    struct quota_space *spaces;
    size_t space_count;
    size_t space_capacity;
    json_t *names; /* "cluster/namespace" to the place in `spaces` */
};

/* Counts a workload of a namespace (`cluster` may be NULL); returns which one of them it is. */
uint32_t quota_workload(struct quota *quota, const char *cluster, const char *namespace);

/* Adds a change that could be made; indexes ascend. */
void quota_add(struct quota *quota, size_t index, uint32_t space, enum risk risk, int64_t saving_microusd);

/* Keeps at most `most` of them, and in each namespace at most `percent` of its workloads, but one at least unless `percent` is 0.
 * Negative: no limit. */
void quota_choose(struct quota *quota, int64_t most, int64_t percent);

/* What became of the change of this workload; only for those that were added. */
enum quota_fate quota_fate_of(const struct quota *quota, size_t index);

/* How many changes a namespace may have, after quota_choose. */
const struct quota_space *quota_space_of(const struct quota *quota, size_t index);

/* Frees what it holds. */
void quota_release(struct quota *quota);

#endif
