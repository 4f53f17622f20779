#include "stages/analyze/subject/allowance.h"

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { NAME_SHOWN = 100 };

/* "quota:NAME", safe to show. */
static const char *shown(const char *prefix, const char *name, struct arena *arena)
{
    char *text = arena_printf(arena, "%s%.*s", prefix, (int)NAME_SHOWN, name ? name : "");
    str_trim_utf8(text);
    str_mask_controls(text);
    return text;
}

/* Two amounts of an object; what is missing, negative or no number is absent. */
static void read_amounts(const json_t *from, const char *cpu, const char *memory, int64_t out[RESOURCES])
{
    const char *const keys[RESOURCES] = {cpu, memory};
    for (int r = 0; r < RESOURCES; r++) {
        int64_t value = json_int_or(from, keys[r], AMOUNT_ABSENT);
        out[r] = value < 0 ? AMOUNT_ABSENT : value;
    }
}

static void read_range(const json_t *from, struct arena *arena, struct limit_range *out)
{
    static const char cpu[] = "cpu_millicores";
    static const char memory[] = "memory_bytes";
    const char *name = json_string_or_null(from, "name");
    out->by = shown("limit-range:", name, arena);
    out->name = shown("", name, arena);
    out->pod = str_equal(json_string_or_null(from, "type"), "Pod");
    read_amounts(json_object_get(from, "min"), cpu, memory, out->min);
    read_amounts(json_object_get(from, "max"), cpu, memory, out->max);
    read_amounts(json_object_get(from, "default"), cpu, memory, out->limit);
    read_amounts(json_object_get(from, "default_request"), cpu, memory, out->request);
    read_amounts(json_object_get(from, "max_limit_request_ratio"), "cpu_thousandths", "memory_thousandths", out->ratio);
}

/* Whether a quota with these scopes is about the pods of a workload that runs on and asks for something. Scopes that
 * depend on what is not known here (priority class, affinity) do not count. */
static bool scopes_fit(const json_t *from, bool batch)
{
    size_t index;
    json_t *scope;
    json_array_foreach(json_object_get(from, "scopes"), index, scope)
    {
        const char *name = json_string_value(scope);
        if (!str_equal(name, "NotBestEffort") && (batch || !str_equal(name, "NotTerminating"))) {
            return false;
        }
    }
    return json_array_size(json_object_get(from, "scope_selector")) == 0;
}

static void read_quota(const json_t *from, bool batch, struct arena *arena, struct quota *out)
{
    const char *name = json_string_or_null(from, "name");
    const json_t *hard = json_object_get(from, "hard");
    const json_t *used = json_object_get(from, "used");
    out->by = shown("quota:", name, arena);
    out->name = shown("", name, arena);
    read_amounts(hard, "requests.cpu", "requests.memory", out->hard[0]);
    read_amounts(hard, "limits.cpu", "limits.memory", out->hard[1]);
    read_amounts(used, "requests.cpu", "requests.memory", out->used[0]);
    read_amounts(used, "limits.cpu", "limits.memory", out->used[1]);
    out->counts = scopes_fit(from, batch);
}

const struct allowance *allowance_read(const json_t *workload, bool batch, struct arena *arena)
{
    static const struct allowance none;
    const json_t *ranges = json_object_get(workload, "limit_ranges");
    const json_t *quotas = json_object_get(workload, "quotas");
    size_t index;
    json_t *item;
    if (json_array_size(ranges) == 0 && json_array_size(quotas) == 0) {
        return &none;
    }
    struct allowance *out = arena_alloc(arena, sizeof *out);
    out->range_count = 0;
    out->quota_count = 0;
    json_array_foreach(ranges, index, item)
    {
        if (out->range_count < ALLOWANCES_MAX) {
            read_range(item, arena, &out->ranges[out->range_count++]);
        }
    }
    json_array_foreach(quotas, index, item)
    {
        if (out->quota_count < ALLOWANCES_MAX) {
            read_quota(item, batch, arena, &out->quotas[out->quota_count++]);
        }
    }
    return out;
}

/* What a container gets that sets neither: the first default that a LimitRange gives; AMOUNT_ABSENT for none. */
static int64_t default_of(const struct allowance *allowance, enum resource resource, bool is_limit)
{
    for (size_t i = 0; i < allowance->range_count; i++) {
        const struct limit_range *range = &allowance->ranges[i];
        int64_t amount = is_limit ? range->limit[resource] : range->request[resource];
        if (!range->pod && amount > 0) {
            return amount;
        }
    }
    return AMOUNT_ABSENT;
}

void allowance_fill(const struct allowance *allowance, int64_t request[RESOURCES], int64_t limit[RESOURCES])
{
    for (int r = 0; r < RESOURCES; r++) {
        bool neither = request[r] < 0 && limit[r] < 0;
        int64_t most = default_of(allowance, (enum resource)r, true);
        if (neither) {
            request[r] = default_of(allowance, (enum resource)r, false);
        }
        if (limit[r] < 0 && request[r] <= most) {
            limit[r] = most;
        }
    }
}
