#include "stages/apply/outcome.h"

#include "pipeline/run/record.h"

static const char *state_of(enum fate fate)
{
    switch (fate) {
    case FATE_NOTE:
    case FATE_SKIPPED:
    case FATE_REJECTED:
        return "skipped";
    case FATE_REFUSED:
        return "refused";
    case FATE_PENDING:
    case FATE_UNTOUCHED:
        return "planned";
    case FATE_DONE:
        return "done";
    case FATE_ROLLED_BACK:
        return "rolled-back";
    case FATE_ROLLBACK_FAILED:
        return "rollback-failed";
    }
    return "planned";
}

static void add_outcome(const struct apply_plan *plan, const struct apply_item *item, json_t *record)
{
    const struct apply_file *file = item->fate == FATE_PENDING ? apply_plan_file(plan, item) : NULL;
    enum fate fate = file == NULL ? (enum fate)item->fate : file->fate;
    const char *detail = file == NULL ? item->detail : file->detail;
    json_t *outcome = json_object();
    json_object_set_new(outcome, "state", json_string(state_of(fate)));
    json_object_set_new(outcome, "detail", json_string_safe(detail));
    json_object_set_new(record, "outcome", outcome);
    if (fate == FATE_ROLLED_BACK) {
        record_problem(record, "apply", "rolled-back", "%s",
                       detail == NULL ? "the change was undone" : detail);
    } else if (fate == FATE_REJECTED) {
        record_problem(record, "apply", "rejected", "%s", detail == NULL ? "somebody rejected the change" : detail);
    } else if (fate == FATE_ROLLBACK_FAILED) {
        record_problem(record, "apply", "apply-failed", "%s",
                       detail == NULL ? "the change was not undone" : detail);
    }
}

int outcome_write(struct stage *stage, struct apply_plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->item_count; i++) {
        json_t *record = NULL;
        if (spool_at(plan->spool, plan->items[i].offset, &record, err)) {
            return -1;
        }
        if (plan->items[i].fate != FATE_NOTE) {
            add_outcome(plan, &plan->items[i], record);
        }
        int failed = stage_write(stage, record, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
    return 0;
}
