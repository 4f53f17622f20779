#include "stages/common/judge/verdict.h"

#include "pipeline/base/clock.h"
#include "pipeline/run/record.h"
#include "pipeline/run/window.h"

bool verdict_windows(const struct judge *judge, const json_t *record, int64_t now, const struct judgement *judgement,
                     json_t **next)
{
    const json_t *workload = record_workload(record);
    struct window_subject subject = {
        .cluster = json_string_or_null(workload, "cluster"),
        .namespace = judge_namespace(judge, workload),
        .labels = json_object_get(workload, "labels"),
    };
    struct window_verdict verdict;
    window_judge(judge->inforce->windows, &subject, now, NULL, &verdict);
    char opens[RFC3339_MAX];
    bool later = !verdict.allowed && verdict.has_next;
    *next = later ? json_string(time_format(verdict.next_opening, opens)) : json_null();
    reason_add(judgement->reasons, "window", verdict.allowed, "%s%s%s", verdict.reason,
               later ? "; it opens at " : "", later ? opens : "");
    return verdict.allowed;
}

void verdict_approvals(const struct judgement *judgement, bool hold, const char *why)
{
    const struct approval_requirement *need = &judgement->need;
    if (need->conflict) {
        return; /* said already */
    }
    if (need->approvals == 0) {
        reason_add(judgement->reasons, "approvals", true, "no approval is needed: %s", need->rule);
        return;
    }
    reason_add(judgement->reasons, "approvals", hold, "%d approval%s%s%s needed by %s%s%s", need->approvals,
               need->approvals == 1 ? "" : "s", need->role == NULL ? "" : " of role ",
               need->role == NULL ? "" : need->role, need->rule, why == NULL ? "" : "; ", why == NULL ? "" : why);
}

const char *verdict_of(const struct judgement *judgement, bool hold, bool open, bool planning)
{
    if (!judgement->changes) {
        return "unchanged";
    }
    if (judgement->blocked) {
        return "blocked";
    }
    if (judgement->trifle) {
        return "unchanged";
    }
    return !hold ? "needs-approval" : open || planning ? "allowed" : "blocked";
}

json_t *verdict_requirement(const struct judgement *judgement)
{
    if (!judgement->changes || judgement->blocked || judgement->trifle) {
        return json_null();
    }
    json_t *object = json_object();
    json_object_set_new(object, "approvals", json_integer(judgement->need.approvals));
    json_object_set_new(object, "role", json_string_safe(judgement->need.role));
    json_object_set_new(object, "rule", json_string_safe(judgement->need.rule));
    return object;
}
