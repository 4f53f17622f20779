/* An answer's proposals settled like the rules' own, and the rules' numbers in their place where they would do harm. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/opinion/answer.h"

/* How much of the answer gives way to the rules, one step after another until nothing is left unmet. */
enum step { AS_PROPOSED = 0, FIELDS_BY_RULES, RESOURCES_BY_RULES, ALL_BY_RULES };

/* The fields of one container: as the rules settled them, and who decides now. */
struct kept {
    struct field_plan rules[FIELDS];
    bool by_rules[FIELDS];
    const char *why[FIELDS]; /* what moved the proposal that gave way */
};

/* What is settled for one field: the model's amount, or the rules' where it leaves a value below what the
 * statistics allow, or where it has no say. */
static double proposal_for(const struct field_plan *field, enum field f, double proposed)
{
    if (!answer_may_set(field)) {
        return field->target;
    }
    bool missing = field->effective < 0 && !FIELD_IS_LIMIT(f);
    bool too_low = field->effective >= 0 && field->effective < field->min;
    return isnan(proposed) && (missing || too_low) ? field->target : proposed;
}

/* Whether nothing of the answer is left. */
static bool nothing_left(const struct plan *plan, const struct kept *kept)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            if (!kept[i].by_rules[f]) {
                return false;
            }
        }
    }
    return true;
}

/* Settles all containers from what the rules left, which is also what is there where nothing of the answer is. */
static void settle_all(const struct answer *answer, struct plan *plan, const struct kept *kept)
{
    bool all_by_rules = nothing_left(plan, kept);
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        struct container_plan *container = &plan->containers[i];
        double proposals[FIELDS];
        memcpy(container->fields, kept[i].rules, sizeof container->fields);
        for (int f = 0; f < FIELDS; f++) {
            struct field_plan *field = &container->fields[f];
            double proposed = answer->proposals[i][f];
            proposals[f] = kept[i].by_rules[f] ? field->target : proposal_for(field, (enum field)f, proposed);
            field->asked = isnan(proposed) ? 0 : proposed;
            field->by_model = answer_may_set(field) && isfinite(proposed) && !kept[i].by_rules[f];
        }
        if (!all_by_rules) {
            container_settle(plan, container, proposals);
        }
    }
    if (!all_by_rules) {
        plan_finish(plan);
    }
}

/* Whether a field ends lower than it may, and lower than by the rules. */
static bool unmet(const struct field_plan *field, const struct field_plan *rules)
{
    int64_t after = field_after(field);
    return rules->movable && after >= 0 && after < rules->min && after < field_after(rules);
}

/* Hands a field to the rules; false where it is theirs. */
static bool give_way(struct kept *kept, int f, const char *why)
{
    if (kept->by_rules[f]) {
        return false;
    }
    kept->by_rules[f] = true;
    kept->why[f] = why;
    return true;
}

/* Hands over what stands in the way of what is unmet. Whether anything was. */
static bool hand_over(const struct plan *plan, struct kept *kept, enum step step)
{
    bool resource[RESOURCES] = {false};
    bool any = false;
    size_t count = plan->subject->container_count;
    for (size_t i = 0; i < count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            const struct field_plan *field = &plan->containers[i].fields[f];
            if (!unmet(field, &kept[i].rules[f])) {
                continue;
            }
            resource[FIELD_RESOURCE(f)] = true;
            any |= step == FIELDS_BY_RULES && give_way(&kept[i], f, field->moved_by);
        }
    }
    for (size_t i = 0; i < count && step > FIELDS_BY_RULES; i++) {
        for (int f = 0; f < FIELDS; f++) {
            bool concerned = resource[FIELD_RESOURCE(f)] || (step == ALL_BY_RULES && (resource[CPU] || resource[MEMORY]));
            any |= concerned && give_way(&kept[i], f, plan->containers[i].fields[f].moved_by);
        }
    }
    return any;
}

/* Says of each proposal that gave way why it did, where nothing else is said. */
static void note_givers(struct plan *plan, const struct kept *kept)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            struct field_plan *field = &plan->containers[i].fields[f];
            if (kept[i].by_rules[f] && field->asked > 0 && !field->moved_by) {
                field->moved_by = kept[i].why[f] ? kept[i].why[f] : "lower-bound";
            }
        }
    }
}

/* Largest relative difference to the rules' amounts; one that is not set on either side is none. */
static double largest_difference(const struct plan *plan, const struct kept *kept)
{
    double largest = 0;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            double rules = (double)field_after(&kept[i].rules[f]);
            double now = (double)field_after(&plan->containers[i].fields[f]);
            if (rules > 0 && now > 0) {
                largest = fmax(largest, fabs(now - rules) / rules);
            }
        }
    }
    return largest;
}

double answer_apply(const struct answer *answer, struct plan *plan)
{
    size_t count = plan->subject->container_count;
    struct kept *kept = xcalloc_array(count + 1, sizeof *kept);
    for (size_t i = 0; i < count; i++) {
        memcpy(kept[i].rules, plan->containers[i].fields, sizeof kept[i].rules);
    }
    settle_all(answer, plan, kept);
    for (int step = FIELDS_BY_RULES; step <= ALL_BY_RULES; step++) {
        if (hand_over(plan, kept, (enum step)step)) {
            settle_all(answer, plan, kept);
        }
    }
    note_givers(plan, kept);
    double largest = largest_difference(plan, kept);
    free(kept);
    return largest;
}
