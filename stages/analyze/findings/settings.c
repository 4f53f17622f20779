#include "stages/analyze/findings/facts.h"

#include <math.h>

#include "pipeline/base/str.h"
#include "stages/analyze/sizing/conflict_words.h"

/* Asks for more than three times what it uses at its 95th percentile, and the difference matters. */
static const double far_above = 3;
static const double matters[RESOURCES] = {100, 128.0 * 1048576};

static void find_brand_new(const struct sheet *sheet)
{
    const struct subject *subject = sheet->plan->subject;
    double history = subject_history_seconds(subject);
    if (!subject->has_usage || subject->batch ||
        history >= (double)sheet->plan->policy->minimum_history_seconds || history <= 0) {
        return;
    }
    json_t *evidence = json_object();
    evidence_number(evidence, "history_seconds", history);
    sheet_add(sheet, "brand-new", LOW, ABOUT_NEITHER, (struct span){subject->first_seen, subject->window_end},
              evidence, "first seen so recently that its usage does not tell what it needs");
}

/* Autoscalers that work against each other, or cannot work. */
static void find_conflicts(const struct sheet *sheet)
{
    json_t *conflicts = conflicts_new(sheet->plan);
    size_t index;
    json_t *conflict;
    json_array_foreach(conflicts, index, conflict)
    {
        const char *message = json_string_or_null(conflict, "message");
        json_t *evidence = json_object();
        json_object_set(evidence, "conflict", json_object_get(conflict, "code"));
        json_object_set(evidence, "objects", json_object_get(conflict, "objects"));
        sheet_add(sheet, "hpa-conflict", MEDIUM, ABOUT_NEITHER, sheet_window(sheet), evidence, "%s",
                  message ? message : "autoscalers conflict");
    }
    json_decref(conflicts);
}

void find_workload_facts(const struct sheet *sheet)
{
    find_brand_new(sheet);
    find_conflicts(sheet);
}

static void find_unset(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    bool cpu = container_request(of, CPU) <= 0;
    bool memory = container_request(of, MEMORY) <= 0;
    if (!cpu && !memory) {
        return;
    }
    const char *what = cpu && memory ? "neither CPU nor memory is" : cpu ? "no CPU is" : "no memory is";
    sheet_add(sheet, "no-requests", MEDIUM,
              cpu && memory ? ABOUT_NEITHER
              : cpu         ? (int)CPU
                            : (int)MEMORY,
              sheet_window(sheet), NULL, "%s requested: the scheduler counts it as nothing", what);
}

static void find_idle(const struct sheet *sheet)
{
    const struct figures *cpu = &sheet->container->container->use[CPU];
    if (!sheet->container->signals.idle) {
        return;
    }
    json_t *evidence = json_object();
    evidence_number(evidence, "max_millicores", cpu->max);
    evidence_number(evidence, "p95_millicores", cpu->p95);
    sheet_add(sheet, "idle", LOW, CPU, sheet_window(sheet), evidence,
              "hardly any CPU was used in the whole window; is it still needed?");
}

static void find_over_provisioned(const struct sheet *sheet, enum resource resource)
{
    const struct figures *use = &sheet->container->container->use[resource];
    double request = (double)container_request(sheet->container->container, resource);
    char asked[32];
    char used[32];
    if (!use->known || request < far_above * use->p95 || request - use->p95 < matters[resource]) {
        return;
    }
    json_t *evidence = json_object();
    evidence_number(evidence, "request", request);
    evidence_number(evidence, "p95", use->p95);
    sheet_add(sheet, "over-provisioned", LOW, (int)resource, sheet_window(sheet), evidence,
              "%s of %s is requested and %s is used at the 95th percentile",
              amount_text(resource, request, asked), resource_word(resource),
              amount_text(resource, use->p95, used));
}

/* New {requests,limits} of a container as the record gives them. */
static json_t *amounts_of(const json_t *container)
{
    json_t *out = json_object();
    json_object_set(out, "requests", json_object_get(container, "requests"));
    json_object_set(out, "limits", json_object_get(container, "limits"));
    return out;
}

/* What tare-parse saw of this container: field by field, with who holds it. New. */
static json_t *drift_fields(const json_t *workload, const char *container)
{
    json_t *out = json_array();
    size_t index;
    json_t *entry;
    json_array_foreach(json_at(workload, "live.drift"), index, entry)
    {
        if (str_equal(json_string_or_null(entry, "container"), container)) {
            json_array_append(out, entry);
        }
    }
    return out;
}

/* Who made it so, as the API server names managers: the first that is known. "" for nobody. */
static const char *drift_manager(const json_t *fields, const char **time)
{
    size_t index;
    const json_t *entry;
    *time = "";
    json_array_foreach(fields, index, entry)
    {
        const json_t *owner = json_array_get(json_object_get(entry, "owners"), 0);
        const char *manager = json_string_or_null(owner, "manager");
        if (manager != NULL) {
            const char *since = json_string_or_null(owner, "time");
            *time = since == NULL ? "" : since;
            return manager;
        }
    }
    return "";
}

/* What runs is not what the manifest says: somebody changed the one without the other. */
static void find_drift(const struct sheet *sheet, const json_t *live)
{
    const json_t *manifest = json_object_get(sheet->plan->subject->workload, "containers");
    const char *name = json_string_or_null(live, "name");
    size_t index;
    json_t *container;
    json_array_foreach(manifest, index, container)
    {
        if (!name || !str_equal(json_string_or_null(container, "name"), name)) {
            continue;
        }
        json_t *evidence = json_object();
        json_object_set_new(evidence, "live", amounts_of(live));
        json_object_set_new(evidence, "manifest", amounts_of(container));
        if (json_equal(json_object_get(evidence, "live"), json_object_get(evidence, "manifest"))) {
            json_decref(evidence);
        } else {
            const char *time = NULL;
            json_t *fields = drift_fields(sheet->plan->subject->workload, name);
            const char *manager = drift_manager(fields, &time);
            json_object_set(evidence, "fields", fields);
            sheet_add(
                sheet, "drift", LOW, ABOUT_NEITHER, (struct span){0, sheet->plan->subject->window_end},
                evidence,
                "the cluster runs this container with other requests or limits than its manifest gives%s%.100s%s%.40s",
                *manager == '\0' ? "" : "; they are held by ", manager, *time == '\0' ? "" : " since ", time);
            json_decref(fields);
        }
        return;
    }
}

void find_settings(const struct sheet *sheet, const json_t *live)
{
    find_drift(sheet, live);
    find_unset(sheet);
    if (sheet->plan->refusal) {
        return;
    }
    find_idle(sheet);
    find_over_provisioned(sheet, CPU);
    find_over_provisioned(sheet, MEMORY);
}
