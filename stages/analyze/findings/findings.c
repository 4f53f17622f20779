#include "stages/analyze/findings/findings.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const char *const severities[] = {"low", "medium", "high", "critical"};

enum severity { LOW = 0, MEDIUM, HIGH, CRITICAL };

/* What findings of one container are added to. */
struct sheet {
    json_t *list;
    const struct plan *plan;
    const struct container_plan *container;
};

/* New time, null when unknown. */
static json_t *time_new(int64_t instant)
{
    char text[RFC3339_MAX];
    return instant > 0 ? json_string(time_format(instant, text)) : json_null();
}

/* Adds one finding; steals `evidence`. `resource` NULL means that it is about neither. */
static void add(const struct sheet *sheet, const char *code, enum severity severity, const char *resource,
                int64_t start, json_t *evidence, const char *message)
{
    json_t *finding = json_object();
    json_object_set_new(finding, "code", json_string(code));
    json_object_set_new(finding, "severity", json_string(severities[severity]));
    json_object_set_new(finding, "container",
                        sheet->container ? json_string_safe(sheet->container->container->name) : json_null());
    json_object_set_new(finding, "resource", resource ? json_string(resource) : json_null());
    json_object_set_new(finding, "start", time_new(start));
    json_object_set_new(finding, "end", time_new(sheet->plan->subject->window_end));
    json_object_set_new(finding, "message", json_string_safe(message));
    json_object_set_new(finding, "evidence", evidence ? evidence : json_object());
    json_array_append_new(sheet->list, finding);
}

/* Adds a real to an evidence object, null where it is not known. */
static void put(json_t *evidence, const char *key, double value)
{
    json_object_set_new(evidence, key, json_real_or_null(value));
}

static int64_t window_start(const struct sheet *sheet)
{
    return sheet->plan->subject->window_start;
}

static void find_throttling(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    char message[200];
    if (!sheet->container->signals.throttled)
        return;
    json_t *evidence = json_object();
    put(evidence, "throttled_ratio", of->throttled);
    put(evidence, "throttled_worst_hour", of->throttled_worst_hour);
    put(evidence, "limit_millicores", (double)of->limit[CPU]);
    (void)snprintf(message, sizeof message,
                   "CPU is held back at its limit in %.1f %% of the periods, %.1f %% in the worst hour",
                   of->throttled * 100, of->throttled_worst_hour * 100);
    bool severe = of->throttled >= 0.25 || of->throttled_worst_hour >= 0.5;
    add(sheet, "throttling", severe ? HIGH : MEDIUM, "cpu", window_start(sheet), evidence, message);
}

static void find_oom(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    char message[200];
    if (!sheet->container->signals.oom)
        return;
    json_t *evidence = json_object();
    put(evidence, "oom_kills", of->oom_kills);
    put(evidence, "peak_bytes", of->use[MEMORY].max);
    json_object_set_new(evidence, "limit_bytes", json_int_or_null(of->limit[MEMORY] >= 0, of->limit[MEMORY]));
    json_object_set_new(evidence, "last", time_new(of->oom_last));
    (void)snprintf(message, sizeof message, "killed for memory %.0f time%s in the window", of->oom_kills,
                   of->oom_kills > 1.5 ? "s" : "");
    add(sheet, "oom-kills", of->oom_kills >= 5 ? CRITICAL : HIGH, "memory", window_start(sheet), evidence,
        message);
}

static void find_leak(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    const struct trend *trend = &sheet->container->signals.memory_trend;
    char message[200];
    char per_day[32];
    char until[80] = "";
    if (!sheet->container->signals.leak)
        return;
    double room = of->limit[MEMORY] > 0 ? (double)of->limit[MEMORY] - of->use[MEMORY].max : NAN;
    double days = room / (24 * trend->per_step);
    if (isfinite(days))
        (void)snprintf(until, sizeof until, "; at this pace it meets its limit in %.1f days",
                       days > 0 ? days : 0);
    json_t *evidence = json_object();
    put(evidence, "bytes_per_day", (24 * trend->per_step));
    put(evidence, "p_value", trend->p);
    put(evidence, "median_of_hourly_minima", trend->median);
    put(evidence, "days_to_limit", days);
    (void)snprintf(message, sizeof message, "memory rises by %s a day (%.0f %%)%s",
                   amount_text(MEMORY, (24 * trend->per_step), per_day), (24 * trend->per_step) / trend->median * 100, until);
    add(sheet, "memory-leak", days < 3 ? HIGH : MEDIUM, "memory", window_start(sheet), evidence, message);
}

static void find_heap_capped(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    if (!sheet->container->signals.heap_capped)
        return;
    json_t *evidence = json_object();
    put(evidence, "p50_bytes", of->use[MEMORY].p50);
    put(evidence, "peak_bytes", of->use[MEMORY].max);
    put(evidence, "limit_bytes", (double)of->limit[MEMORY]);
    add(sheet, "heap-capped", LOW, "memory", window_start(sheet), evidence,
        "memory lies flat just under its limit while CPU varies: a heap or cache that fills what it is "
        "given, so its use "
        "does not tell its need");
}

static void find_hot_replica(const struct sheet *sheet)
{
    const struct figures *cpu = &sheet->container->container->use[CPU];
    char message[256];
    char hot[32];
    char median[32];
    if (!sheet->container->signals.hot)
        return;
    json_t *evidence = json_object();
    put(evidence, "highest_p95_millicores", cpu->pod_p95_max);
    put(evidence, "median_p95_millicores", cpu->pod_p95_median);
    put(evidence, "pods", cpu->pods);
    json_object_set_new(evidence, "pod", json_string_safe(cpu->hot_pod));
    (void)snprintf(message, sizeof message,
                   "one replica (%.63s) uses %s at its 95th percentile, the middle one %s",
                   cpu->hot_pod ? cpu->hot_pod : "unnamed", amount_text(CPU, cpu->pod_p95_max, hot),
                   amount_text(CPU, cpu->pod_p95_median, median));
    add(sheet, "hot-replica", MEDIUM, "cpu", window_start(sheet), evidence, message);
}

static void find_idle(const struct sheet *sheet)
{
    const struct figures *cpu = &sheet->container->container->use[CPU];
    if (!sheet->container->signals.idle)
        return;
    json_t *evidence = json_object();
    put(evidence, "max_millicores", cpu->max);
    put(evidence, "p95_millicores", cpu->p95);
    add(sheet, "idle", LOW, "cpu", window_start(sheet), evidence,
        "hardly any CPU was used in the whole window; is it still needed?");
}

static void find_unset(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    bool cpu = container_request(of, CPU) <= 0;
    bool memory = container_request(of, MEMORY) <= 0;
    if (!cpu && !memory)
        return;
    const char *message = cpu && memory
                              ? "neither CPU nor memory is requested: the scheduler counts it as nothing"
                          : cpu ? "no CPU is requested: the scheduler counts it as nothing"
                                : "no memory is requested: the scheduler counts it as nothing";
    add(sheet, "no-requests", MEDIUM,
        cpu && memory ? NULL
        : cpu         ? "cpu"
                      : "memory",
        window_start(sheet), NULL, message);
}

/* A limit that usage already presses against, though nothing was killed or throttled yet. */
static void find_limit_below_use(const struct sheet *sheet, enum resource resource)
{
    const struct container *of = sheet->container->container;
    const struct figures *use = &of->use[resource];
    const struct signals *signals = &sheet->container->signals;
    char message[200];
    char peak[32];
    char limit[32];
    double share = use->max / (double)of->limit[resource];
    if (of->limit[resource] <= 0 || !use->known || !(share >= 0.95) || signals->heap_capped || signals->oom ||
        (resource == CPU && !(use->p95 >= 0.95 * (double)of->limit[CPU])))
        return;
    json_t *evidence = json_object();
    put(evidence, "peak", use->max);
    put(evidence, "limit", (double)of->limit[resource]);
    (void)snprintf(message, sizeof message, "%s peaks at %s with a limit of %s", resource_word(resource),
                   amount_text(resource, use->max, peak),
                   amount_text(resource, (double)of->limit[resource], limit));
    add(sheet, "limits-below-use", MEDIUM, resource == CPU ? "cpu" : "memory", window_start(sheet), evidence,
        message);
}

/* Asks for more than three times what it uses at its 95th percentile, and the difference matters. */
static void find_over_provisioned(const struct sheet *sheet, enum resource resource)
{
    static const double matters[RESOURCES] = {100, 128.0 * 1048576};
    const struct figures *use = &sheet->container->container->use[resource];
    double request = (double)container_request(sheet->container->container, resource);
    char message[200];
    char asked[32];
    char used[32];
    if (!use->known || request < 3 * use->p95 || request - use->p95 < matters[resource])
        return;
    json_t *evidence = json_object();
    put(evidence, "request", request);
    put(evidence, "p95", use->p95);
    (void)snprintf(message, sizeof message, "%s of %s is requested and %s is used at the 95th percentile",
                   amount_text(resource, request, asked), resource_word(resource),
                   amount_text(resource, use->p95, used));
    add(sheet, "over-provisioned", LOW, resource == CPU ? "cpu" : "memory", window_start(sheet), evidence,
        message);
}

/* New {requests,limits} of a container as the record gives them. */
static json_t *amounts_of(const json_t *container)
{
    json_t *out = json_object();
    json_object_set(out, "requests", json_object_get(container, "requests"));
    json_object_set(out, "limits", json_object_get(container, "limits"));
    return out;
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
        if (!name || !str_equal(json_string_or_null(container, "name"), name))
            continue;
        json_t *evidence = json_object();
        json_object_set_new(evidence, "live", amounts_of(live));
        json_object_set_new(evidence, "manifest", amounts_of(container));
        if (json_equal(json_object_get(evidence, "live"), json_object_get(evidence, "manifest")))
            json_decref(evidence);
        else
            add(sheet, "drift", LOW, NULL, 0, evidence,
                "the cluster runs this container with other requests or limits than its manifest gives");
        return;
    }
}

static void find_brand_new(const struct sheet *sheet)
{
    double history = subject_history_seconds(sheet->plan->subject);
    double needed = (double)sheet->plan->policy->minimum_history_seconds;
    if (!sheet->plan->subject->has_usage || sheet->plan->subject->batch || history >= needed || history <= 0)
        return;
    json_t *evidence = json_object();
    put(evidence, "history_seconds", history);
    add(sheet, "brand-new", LOW, NULL, sheet->plan->subject->first_seen, evidence,
        "first seen so recently that its usage does not tell what it needs");
}

void findings_add_outlook(json_t *findings, const struct plan *plan, const json_t *outlook)
{
    (void)findings, (void)plan, (void)outlook;
}

json_t *findings_new(const struct plan *plan, const struct forecasts *forecasts, const struct history_past *past, struct arena *arena)
{
    (void)forecasts, (void)past, (void)arena;
    struct sheet sheet = {json_array(), plan, NULL};
    find_brand_new(&sheet);
    const json_t *live = json_at(plan->subject->workload, "live.containers");
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        sheet.container = &plan->containers[i];
        if (sheet.container->container->role == ROLE_INIT || sheet.container->container->duplicate)
            continue;
        find_drift(&sheet, json_array_get(live, i));
        find_oom(&sheet);
        find_throttling(&sheet);
        find_leak(&sheet);
        find_heap_capped(&sheet);
        find_hot_replica(&sheet);
        find_limit_below_use(&sheet, CPU);
        find_limit_below_use(&sheet, MEMORY);
        find_unset(&sheet);
        if (plan->refusal)
            continue;
        find_idle(&sheet);
        find_over_provisioned(&sheet, CPU);
        find_over_provisioned(&sheet, MEMORY);
    }
    return sheet.list;
}
