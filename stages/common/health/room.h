#ifndef TARE_STAGES_COMMON_HEALTH_ROOM_H
#define TARE_STAGES_COMMON_HEALTH_ROOM_H

/*
 * Whether the nodes have room for the pods of a change: what nodes may give (allocatable) less what the pods on them request, the
 * surge of the rollout, a DaemonSet's pod per node. It is fed object by object, from lists or watches, in any order; pure.
 *
 * It is friendly to the change: former pods are taken to go in the order that suits best, and what else limits a pod (affinity
 * between pods, spread, volumes, extended resources) is not looked at; nor is a node that a cluster autoscaler might add. The
 * scheduler has the last word; pods that it cannot place are told by pods.h.
 */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

/* Nodes, and what is on them. */
struct room;

/* New, without nodes. Free with room_free. */
struct room *room_new(void);

/* Frees; NULL is allowed. */
void room_free(struct room *room);

/* A node, or a pod, as it is now: takes the place of what was known of it. Pods that wait or have ended take no room. */
void room_node(struct room *room, const json_t *node);
void room_pod(struct room *room, const json_t *pod);

/* A node or pod that is there no more, by its uid (NULL: nothing). */
void room_gone(struct room *room, const char *uid);

/* Whether the pods of `after` request more than those of `before`, of CPU or of memory: both are the workload, as it is and as it
 * will be. Whoever asks for no more needs no room. */
bool room_increases(const json_t *before, const json_t *after);

/* Whether the change from `before` to `after` finds room; `in_place`: running pods grow where they are, else as the workload's kind
 * and strategy roll out. `pods` (array, borrowed) are its own pods as they are now; they should be in `room`, too. Where it does not,
 * `why` receives a clause with both sides' numbers; else what could not be looked at, or "". Without any node everything finds room. */
bool room_judge(const struct room *room, const json_t *before, const json_t *after, const json_t *pods, bool in_place,
                char why[ERR_MESSAGE_MAX]);

#endif
