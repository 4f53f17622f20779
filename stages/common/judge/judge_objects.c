#include "stages/common/judge/judge_objects.h"

#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/str.h"
#include "stages/common/objects/objects.h"

/* Whether the policy lets this advice become objects: the own file's choice and the stored one's, each where it says anything. Beside
 * a stored policy an own file that is silent forbids nothing, as everywhere; without one its default does: none. */
static bool is_chosen(const struct judge *judge, const struct approval_facts *facts, const char *advice, char why[OBJECT_WHY_MAX])
{
    const struct inforce *inforce = judge->inforce;
    const struct config *const sides[] = {inforce->own, inforce->stored};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        bool asked = sides[i] != NULL && ((i == 0 && inforce->stored == NULL) || object_choice_given(sides[i]));
        if (asked && !object_chosen(sides[i], facts->workload, facts->namespace, facts->class, advice)) {
            (void)snprintf(why, OBJECT_WHY_MAX, "apply.advice%s does not choose %s here", i == 0 ? "" : " of the stored policy",
                           advice == NULL ? "it" : advice);
            return false;
        }
    }
    return true;
}

/* Whether there is a place where it would be written. */
static bool has_place(const struct judge *judge, const json_t *record)
{
    return judge->cluster || json_string_or_null(json_object_get(record, "change"), "objects_file") != NULL;
}

/* Whether one object may be made; adds its reasons. */
static bool judge_one(const struct judge *judge, const json_t *record, const json_t *object, int64_t max_replicas,
                      const struct approval_facts *facts, json_t *reasons)
{
    char why[OBJECT_WHY_MAX] = "";
    const char *kind = json_string_or_null(object, "kind");
    const char *name = json_string_or_null(object, "name");
    const char *advice = json_string_or_null(object, "advice");
    int64_t replicas = object_replicas(object);
    bool ok = !object_objection(record, object, judge->cluster, why) && is_chosen(judge, facts, advice, why);
    if (ok && !has_place(judge, record)) {
        ok = false;
        (void)snprintf(why, sizeof why, "there is no manifest that its file could stand beside");
    }
    reason_add(reasons, "new-object", ok, "%s %.100s %s%s", kind == NULL ? "an object" : kind, name == NULL ? "without a name" : name,
               ok ? "would be made: the advice is " : "may not be made: ", ok ? advice : why);
    if (replicas > 0 && max_replicas != INT64_MAX) {
        bool within = replicas <= max_replicas;
        reason_add(reasons, "max_replicas", within, "%s %.100s may lead to %" PRId64 " replicas, %s %" PRId64 " (max_replicas)",
                   kind == NULL ? "an object" : kind, name == NULL ? "without a name" : name, replicas,
                   within ? "within" : "above", max_replicas);
        ok = ok && within;
    }
    return ok;
}

bool judge_objects(const struct judge *judge, const json_t *record, int64_t max_replicas, struct approval_facts *facts, json_t *reasons)
{
    const json_t *objects = json_at(record, "change.objects");
    bool blocked = json_array_size(objects) > OBJECTS_MAX;
    facts->new_objects = json_array_size(objects);
    if (facts->new_objects == 0) {
        return false;
    }
    if (blocked) {
        reason_add(reasons, "new-object", false, "a change may bring %d new objects, not %zu", (int)OBJECTS_MAX, facts->new_objects);
    }
    facts->risk = facts->risk < RISK_MEDIUM ? RISK_MEDIUM : facts->risk;
    for (size_t i = 0; i < facts->new_objects && i < OBJECTS_MAX; i++) {
        blocked = !judge_one(judge, record, json_array_get(objects, i), max_replicas, facts, reasons) || blocked;
    }
    return blocked;
}

void judge_objects_require(const struct approval_facts *facts, struct approval_requirement *need)
{
    if (facts->new_objects > 0 && need->approvals == 0) {
        need->approvals = 1;
        (void)snprintf(need->rule, sizeof need->rule, "apply.advice (new objects)");
    }
}
