#ifndef TARE_TESTS_LLM_MIND_H
#define TARE_TESTS_LLM_MIND_H

/*
 * What the scripted model thinks: it finds the evidence of workloads in a user message (JSON objects with `workload` and `containers`,
 * wherever they stand) and answers as the schema of the request asks: the middle of the bounds, a reasoning that names the class.
 *
 * How an answer goes wrong (`say` of a rule; of several workloads in a call only those that the rule's `workload` fits):
 *   of one workload: missing, extra, swapped, duplicate, types, negative, huge (1e308), nan ("NaN"), units ("500m"), fraction, zero,
 *     beyond (far above the bounds), control (control bytes and terminal sequences in its reasoning), long (a reasoning of 100 KB),
 *     doubtful (confidence 0.05), other (a quarter of the way up the bounds in the place of half)
 *   of the whole text: prose, fence, broken, bare-nan, array (the list without its object), cut (half of it; stop_reason max_tokens),
 *     blank, empty (no content at all), refusal, thinking (a thinking block first), flood (`bytes` of it)
 */

#include <jansson.h>

#include "tests/harness/llm_rules.h"

/* New array of the evidence objects in all user messages of a request's `messages`; one workload once. */
json_t *llm_mind_evidence(const json_t *messages);

/* New text of an answer about `evidence` in the shape of `schema` (NULL: none was sent), gone wrong as the act says. */
char *llm_mind_answer(const json_t *evidence, const json_t *schema, const struct llm_act *act);

#endif
