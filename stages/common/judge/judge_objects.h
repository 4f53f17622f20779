#ifndef TARE_COMMON_JUDGE_JUDGE_OBJECTS_H
#define TARE_COMMON_JUDGE_JUDGE_OBJECTS_H

/* What the policy says of the new objects of a change (stages/common/objects). */

#include "stages/common/judge/judge.h"

/* Judges them: a reason each, and what they mean for the facts that rules ask about. `max_replicas` is the guardrail, INT64_MAX for
 * none. Returns whether one of them may not be made, which holds all of the change back. */
bool judge_objects(const struct judge *judge, const json_t *record, int64_t max_replicas, struct approval_facts *facts, json_t *reasons);

/* Somebody has to approve a change that brings new objects, whatever else the rules say. */
void judge_objects_require(const struct approval_facts *facts, struct approval_requirement *need);

#endif
