#ifndef TARE_COMMON_JUDGE_JUDGE_OPINION_H
#define TARE_COMMON_JUDGE_JUDGE_OPINION_H

/* Numbers that are not the rules': a person's own (a proposal), or a model's that differ much from the rules'. Somebody has to approve
 * them, whatever the policy lets through without. That they keep the guardrails is judged on the edits, as for everybody's. */

#include "stages/common/judge/judge.h"

enum judge_doubt { DOUBT_NONE = 0, DOUBT_DISAGREEMENT, DOUBT_PROPOSAL };

/* Adds the reason where the numbers are not the rules', and raises the risk to medium at least where there is a doubt. A model's numbers of
 * which it is not known how far they are from the rules' count as far away. */
enum judge_doubt judge_opinion(const struct judge *judge, const json_t *record, struct approval_facts *facts, json_t *reasons);

/* One approval at least where there is a doubt. */
void judge_opinion_require(enum judge_doubt doubt, struct approval_requirement *need);

/* Puts `source` and, of a model, `disagreement` into the facts that the ledger keeps; nothing where the rules decided. */
void judge_opinion_facts(const json_t *record, json_t *facts);

#endif
