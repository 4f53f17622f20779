#ifndef TARE_COMMON_JUDGE_VERDICT_H
#define TARE_COMMON_JUDGE_VERDICT_H

/* From a judgement, windows and approvals to a verdict; the last words on a change, for the gate and for tare-policy. */

#include "stages/common/judge/judge.h"

/* Judges the change windows at an instant, adds the reason, and returns whether they allow. *next receives the next opening as
 * text, or null. New. */
bool verdict_windows(const struct judge *judge, const json_t *record, int64_t now, const struct judgement *judgement,
                     json_t **next);

/* Adds the reason that tells which approvals are needed and whether they hold. `why` (may be NULL) says why not. */
void verdict_approvals(const struct judgement *judgement, bool hold, const char *why);

/* "unchanged", "blocked", "needs-approval" or "allowed". Closed windows forbid what is approved, unless a plan is just being made:
 * then they are only told, so that they do not keep it from being approved. Borrowed, static. */
const char *verdict_of(const struct judgement *judgement, bool hold, bool open, bool planning);

/* {"approvals","role","rule"} of a change that may be made, else null. New. */
json_t *verdict_requirement(const struct judgement *judgement);

#endif
