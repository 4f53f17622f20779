#include "stages/analyze/opinion/evidence_fit.h"

#include "pipeline/base/mem.h"
#include "stages/analyze/opinion/sealed.h"

/* Where a part stands. */
enum place {
    OF_WORKLOAD,  /* a member of the evidence, or of one of its members */
    OF_CONTAINERS /* the same of each container */
};

/* What is left out: a member ("a", or "b" of the member "a"); `one_by_one`: the last entry of it, again and again. */
struct cut {
    enum place place;
    const char *member;
    const char *inside; /* NULL: the member itself */
    bool one_by_one;
    size_t keep; /* entries that stay, where they go one by one */
};

/* From what helps least on. */
static const struct cut cuts[] = {
    {OF_WORKLOAD, "annotations", NULL, true, 2},
    {OF_WORKLOAD, "labels", NULL, true, 4},
    {OF_CONTAINERS, "memory_by_weekday", NULL, false, 0},
    {OF_CONTAINERS, "memory_by_hour", NULL, false, 0},
    {OF_WORKLOAD, "findings", NULL, true, 5},
    {OF_WORKLOAD, "annotations", NULL, true, 0},
    {OF_WORKLOAD, "labels", NULL, true, 0},
    {OF_WORKLOAD, "class_reason", NULL, false, 0},
    {OF_WORKLOAD, "limit_ranges", NULL, true, 0},
    {OF_WORKLOAD, "quotas", NULL, true, 0},
    {OF_CONTAINERS, "image", NULL, false, 0},
    {OF_CONTAINERS, "cpu_by_weekday", NULL, false, 0},
    {OF_WORKLOAD, "findings", NULL, true, 2},
    {OF_CONTAINERS, "bounds", "max_by", false, 0},
    {OF_CONTAINERS, "bounds", "min_by", false, 0},
    {OF_CONTAINERS, "cpu_by_hour", NULL, false, 0},
    {OF_WORKLOAD, "autoscalers", NULL, true, 1},
    {OF_CONTAINERS, "why", NULL, false, 0},
    {OF_CONTAINERS, "backtest", NULL, false, 0},
    {OF_CONTAINERS, "memory", "p95_before", false, 0},
    {OF_CONTAINERS, "memory", "p95_last_2_days", false, 0},
    {OF_CONTAINERS, "memory", "busy_hour_p90", false, 0},
    {OF_CONTAINERS, "memory", "start_p99", false, 0},
    {OF_CONTAINERS, "memory", "p90", false, 0},
    {OF_CONTAINERS, "memory", "weighted_p95", false, 0},
    {OF_CONTAINERS, "memory", "highest_pod_p95", false, 0},
    {OF_CONTAINERS, "cpu", "p95_before", false, 0},
    {OF_CONTAINERS, "cpu", "p90", false, 0},
    {OF_CONTAINERS, "cpu", "start_p99", false, 0},
    {OF_WORKLOAD, "findings", NULL, true, 0},
    {OF_WORKLOAD, "autoscalers", NULL, true, 0},
    {OF_WORKLOAD, "schedule", NULL, false, 0},
};

static size_t sealed_size(const json_t *value)
{
    struct buf out;
    buf_init(&out, 16 * 1024 * 1024);
    sealed_write(value, &out);
    size_t size = out.overflow ? SIZE_MAX : out.length;
    buf_release(&out);
    return size;
}

/* Takes the last entry off a list or an object; false where only `keep` are left. */
static bool drop_last(json_t *from, size_t keep)
{
    const char *key;
    const char *last = NULL;
    json_t *value;
    if (json_array_size(from) > keep) {
        return json_array_remove(from, json_array_size(from) - 1) == 0;
    }
    if (json_object_size(from) <= keep) {
        return false;
    }
    json_object_foreach(from, key, value)
    {
        (void)value;
        last = key;
    }
    return json_object_del(from, last) == 0;
}

/* Leaves one thing out; false where it is not there any more. */
static bool cut_from(json_t *from, const struct cut *cut)
{
    json_t *member = json_object_get(from, cut->member);
    bool any = false;
    const char *key;
    json_t *value;
    if (cut->one_by_one) {
        any = drop_last(member, cut->keep);
        if (json_array_size(member) + json_object_size(member) == 0) {
            (void)json_object_del(from, cut->member);
        }
        return any;
    }
    if (!cut->inside) {
        return json_object_del(from, cut->member) == 0;
    }
    any = json_object_del(member, cut->inside) == 0;
    json_object_foreach(member, key, value) any |= json_object_del(value, cut->inside) == 0;
    return any;
}

static bool cut_once(json_t *evidence, const struct cut *cut)
{
    size_t index;
    json_t *container;
    bool any = false;
    if (cut->place == OF_WORKLOAD) {
        return cut_from(evidence, cut);
    }
    json_array_foreach(json_object_get(evidence, "containers"), index, container) any |= cut_from(container, cut);
    return any;
}

void evidence_fit(json_t *evidence, size_t most)
{
    for (size_t i = 0; i < ARRAY_COUNT(cuts) && sealed_size(evidence) > most;) {
        if (!cut_once(evidence, &cuts[i]) || !cuts[i].one_by_one) {
            i++;
        }
    }
}
