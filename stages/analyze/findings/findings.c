#include "stages/analyze/findings/findings.h"

#include <math.h>

#include "pipeline/base/clock.h"
#include "stages/analyze/findings/facts.h"
#include "stages/analyze/findings/rhythms.h"
#include "stages/analyze/findings/sheet.h"
#include "stages/analyze/findings/unusual.h"

/* A quota that is met within so many days is worth a word, within a week more than one. */
static const double quota_days = 30;
static const double quota_soon = 7;

/* What the course of the days says of one resource. Batch kinds run now and then: their course is that of the
 * schedule. */
static void find_course(const struct sheet *sheet, enum resource resource)
{
    const struct figures *use = &sheet->container->container->use[resource];
    struct profile profile;
    struct rhythms rhythms;
    /* Instants before 1970 are no window that a server has: days and hours are counted from there. */
    if (!use->known || use->steps.count == 0 || sheet->plan->subject->window_start < 0) {
        return;
    }
    profile_make(use->steps.mean, use->steps.count, use->steps.start, use->steps.step_seconds, sheet->arena,
                 &profile);
    find_rhythms(sheet, resource, &profile, &rhythms);
    if (!sheet->plan->subject->batch) {
        find_unusual(sheet, resource, &profile, &rhythms);
    }
}

json_t *findings_new(const struct plan *plan, const struct history_past *past, struct arena *arena)
{
    struct sheet sheet = {.list = json_array(), .plan = plan, .past = past, .arena = arena};
    const json_t *live = json_at(plan->subject->workload, "live.containers");
    find_workload_facts(&sheet);
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        sheet.container = &plan->containers[i];
        if (sheet.container->container->role == ROLE_INIT || sheet.container->container->duplicate) {
            continue;
        }
        find_pressure(&sheet);
        find_settings(&sheet, json_array_get(live, i));
        find_course(&sheet, CPU);
        find_course(&sheet, MEMORY);
    }
    return sheet.list;
}

void findings_add_outlook(json_t *findings, const struct plan *plan, const json_t *outlook)
{
    struct sheet sheet = {.list = findings, .plan = plan};
    const json_t *quotas = json_object_get(outlook, "quotas");
    size_t index;
    json_t *quota;
    json_array_foreach(quotas, index, quota)
    {
        const char *name = json_string_or_null(quota, "name");
        const char *resource = json_string_or_null(quota, "resource");
        const char *at = json_string_or_null(quota, "at");
        double days;
        int64_t until = 0;
        if (!name || !resource || !json_get_number(quota, "days", &days) || !(days <= quota_days)) {
            continue;
        }
        if (at && time_parse(at, &until, NULL)) {
            until = 0;
        }
        sheet_add(&sheet, "quota-near", days <= quota_soon ? MEDIUM : LOW, ABOUT_NEITHER,
                  (struct span){plan->subject->window_end, until}, json_incref(quota),
                  "at the present trend %s of quota %.100s is used up in %.0f days", resource, name,
                  fmax(days, 0));
    }
}
