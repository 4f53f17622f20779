#include "stages/analyze/sizing/parts.h"

#include <math.h>

#include "stages/analyze/subject/allowance.h"

/* How much more of a field the rules want in all pods together. */
static double wanted_more(const struct plan *plan, enum field field)
{
    double more = 0;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct field_plan *of = &plan->containers[i].fields[field];
        if (plan->containers[i].container->role != ROLE_INIT && isfinite(of->target)) {
            more += of->target - fmax(0, (double)of->effective);
        }
    }
    return fmax(0, more) * (double)pods_counted(plan->subject);
}

void plan_quotas(struct plan *plan, struct arena *arena)
{
    const struct allowance *allowance = plan->subject->allowance;
    struct quota_need *needs = arena_alloc_array(arena, allowance->quota_count * FIELDS + 1, sizeof *needs);
    plan->quota_needs = needs;
    for (size_t i = 0; i < allowance->quota_count; i++) {
        const struct quota *quota = &allowance->quotas[i];
        for (int f = 0; f < FIELDS; f++) {
            int64_t hard = quota->hard[FIELD_IS_LIMIT(f)][FIELD_RESOURCE(f)];
            int64_t used = quota->used[FIELD_IS_LIMIT(f)][FIELD_RESOURCE(f)];
            if (hard < 0 || !quota->counts) {
                continue;
            }
            struct quota_need *need = &needs[plan->quota_need_count++];
            *need = (struct quota_need){.quota = quota, .field = (enum field)f, .more = wanted_more(plan, (enum field)f)};
            need->room = used < 0 ? NAN : fmax(0, (double)hard - (double)used);
            need->fits = isnan(need->room) || need->more <= need->room;
        }
    }
}
