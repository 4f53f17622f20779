#include "stages/mcp/item.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/mcp/mask.h"

enum { TEXT_MOST = 1200, MESSAGE_MOST = 400, LIST_MOST = 8 };

static const struct json_cut cut_workload[] = {{.key = "annotations", .drop = true}, {.key = "labels", .drop = true}, {.key = NULL}};
static const struct json_cut cut_resource[] = {{.key = "hourly", .drop = true}, {.key = "series", .drop = true}, {.key = NULL}};
static const struct json_cut cut_container[] = {
    {.key = "cpu_millicores", .inside = cut_resource}, {.key = "memory_bytes", .inside = cut_resource}, {.key = NULL}};
static const struct json_cut cut_containers[] = {{.key = "*", .inside = cut_container}, {.key = NULL}};
static const struct json_cut cut_usage[] = {{.key = "containers", .inside = cut_containers},
                                            {.key = "init_containers", .drop = true},
                                            {.key = "hourly_replicas", .drop = true},
                                            {.key = NULL}};
static const struct json_cut cut_scaling[] = {{.key = "advice"}, {.key = "*", .drop = true}, {.key = NULL}};
static const struct json_cut cut_recommendation[] = {{.key = "scaling", .inside = cut_scaling}, {.key = "backtest", .drop = true},
                                                     {.key = "containers", .drop = true},       {.key = "forecast", .drop = true},
                                                     {.key = NULL}};
static const struct json_cut cut_change[] = {{.key = "edits"}, {.key = "*", .drop = true}, {.key = NULL}};

const struct json_cut item_cut[] = {{.key = "workload", .inside = cut_workload},
                                    {.key = "usage", .inside = cut_usage},
                                    {.key = "recommendation", .inside = cut_recommendation},
                                    {.key = "change", .inside = cut_change},
                                    {.key = NULL}};

static void copy(json_t *item, const char *name, const json_t *from, const char *key)
{
    const json_t *value = json_object_get(from, key);
    json_object_set_new(item, name, value == NULL ? json_null() : mask_value(value));
}

static void text(json_t *item, const char *name, const json_t *from, const char *key, size_t most)
{
    json_object_set_new(item, name, mask_text(json_string_or_null(from, key), most));
}

/* The member `key` of each entry of a list, at most LIST_MOST, each with these texts. */
static json_t *short_list(const json_t *list, const char *const *keys)
{
    json_t *out = json_array();
    size_t index = 0;
    const json_t *entry = NULL;
    json_array_foreach(list, index, entry)
    {
        if (index == LIST_MOST) {
            break;
        }
        json_t *one = json_object();
        for (size_t i = 0; keys[i] != NULL; i++) {
            text(one, keys[i], entry, keys[i], MESSAGE_MOST);
        }
        json_array_append_new(out, one);
    }
    return out;
}

/* Problems of every stage so far: what the numbers beside them are not to be trusted for. */
static void problems(json_t *item, const json_t *record)
{
    static const char *const keys[] = {"stage", "code", "message", NULL};
    const json_t *list = json_object_get(record, "problems");
    if (json_array_size(list) > 0) {
        json_object_set_new(item, "problems", short_list(list, keys));
    }
}

static json_t *identity(const json_t *record)
{
    struct identity identity = {0};
    struct err ignored = {0};
    json_t *item = json_object();
    if (record_identity(record, &identity, &ignored)) {
        return item;
    }
    char *name = identity_text(&identity, "default");
    json_object_set_new(item, "workload", mask_text(name, MESSAGE_MOST * 2));
    json_object_set_new(item, "cluster", mask_text(identity.cluster, MESSAGE_MOST));
    json_object_set_new(item, "namespace", mask_text(identity.namespace, MESSAGE_MOST));
    json_object_set_new(item, "kind", mask_text(identity.kind, MESSAGE_MOST));
    json_object_set_new(item, "name", mask_text(identity.name, MESSAGE_MOST));
    free(name);
    return item;
}

static json_t *containers_of(const json_t *list)
{
    json_t *out = json_array();
    size_t index = 0;
    const json_t *container = NULL;
    json_array_foreach(list, index, container)
    {
        json_t *one = json_object();
        text(one, "name", container, "name", MESSAGE_MOST);
        copy(one, "role", container, "role");
        copy(one, "requests", container, "requests");
        copy(one, "limits", container, "limits");
        json_array_append_new(out, one);
    }
    return out;
}

json_t *item_state(const json_t *record)
{
    json_t *item = identity(record);
    const json_t *workload = record_workload(record);
    const json_t *live = json_object_get(json_object_get(workload, "live"), "containers");
    const json_t *source = json_object_get(workload, "source");
    copy(item, "replicas", workload, "replicas");
    copy(item, "autoscaler", workload, "autoscaler");
    json_object_set_new(item, "seen_in", json_string(live != NULL ? "cluster" : "manifest"));
    json_object_set_new(item, "containers", containers_of(live != NULL ? live : json_object_get(workload, "containers")));
    text(item, "file", source, "file", MESSAGE_MOST);
    copy(item, "line", source, "line");
    problems(item, record);
    return item;
}

static json_t *figures(const json_t *resource)
{
    static const char *const names[] = {"mean", "min", "p50", "p90", "p95", "p99", "max"};
    if (!json_is_object(resource)) {
        return json_null();
    }
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        copy(out, names[i], resource, names[i]);
    }
    return out;
}

json_t *item_metrics(const json_t *record)
{
    static const char *const of_usage[] = {"window", "coverage", "source", "pods", "replicas", "replicas_mean", "replicas_max"};
    static const char *const of_container[] = {"throttled_ratio", "oom_kills", "restarts"};
    json_t *item = identity(record);
    const json_t *usage = json_object_get(record, "usage");
    json_t *containers = json_array();
    const char *name = NULL;
    const json_t *container = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(of_usage); i++) {
        copy(item, of_usage[i], usage, of_usage[i]);
    }
    json_object_foreach(json_object_get(usage, "containers"), name, container)
    {
        json_t *one = json_object();
        json_object_set_new(one, "name", mask_text(name, MESSAGE_MOST));
        json_object_set_new(one, "cpu_millicores", figures(json_object_get(container, "cpu_millicores")));
        json_object_set_new(one, "memory_bytes", figures(json_object_get(container, "memory_bytes")));
        for (size_t i = 0; i < ARRAY_COUNT(of_container); i++) {
            copy(one, of_container[i], container, of_container[i]);
        }
        json_array_append_new(containers, one);
    }
    json_object_set_new(item, "containers", containers);
    problems(item, record);
    return item;
}

/* "requests.cpu" of "spec.template.spec.containers[0].resources.requests.cpu", else the whole path: a values file has no other name for
 * it. */
static const char *field_of(const char *path)
{
    static const char mark[] = ".resources.";
    const char *at = path == NULL ? NULL : strstr(path, mark);
    return at == NULL ? path : at + sizeof mark - 1;
}

static json_t *changes_of(const json_t *edits)
{
    json_t *out = json_array();
    size_t index = 0;
    const json_t *edit = NULL;
    json_array_foreach(edits, index, edit)
    {
        const char *field = field_of(json_string_or_null(edit, "path"));
        json_t *one = json_object();
        text(one, "container", edit, "container", MESSAGE_MOST);
        json_object_set_new(one, "field", mask_text(field == NULL ? "" : field, MESSAGE_MOST));
        text(one, "from", edit, "from", MESSAGE_MOST);
        text(one, "to", edit, "to", MESSAGE_MOST);
        json_array_append_new(out, one);
    }
    return out;
}

static void dollars(json_t *item, const char *name, const json_t *cost, const char *key)
{
    int64_t microusd;
    bool present = json_get_int(cost, key, &microusd);
    json_object_set_new(item, name, present ? json_real((double)microusd / 1e6) : json_null());
}

/* What stands against the change. */
static json_t *against(const json_t *reasons)
{
    static const char *const keys[] = {"code", "message", NULL};
    json_t *failed = json_array();
    size_t index = 0;
    json_t *reason = NULL;
    json_array_foreach(reasons, index, reason)
    {
        if (json_is_false(json_object_get(reason, "ok"))) {
            json_array_append(failed, reason);
        }
    }
    json_t *out = short_list(failed, keys);
    json_decref(failed);
    return out;
}

json_t *item_recommendation(const json_t *record)
{
    static const char *const finding_keys[] = {"code", "severity", "container", "message", NULL};
    static const char *const advice_keys[] = {"code", "message", NULL};
    static const char *const of_recommendation[] = {"action", "risk", "confidence", "class", "source", "provider", "model"};
    json_t *item = identity(record);
    const json_t *recommendation = json_object_get(record, "recommendation");
    const json_t *cost = json_object_get(record, "cost");
    const json_t *gate = json_object_get(record, "gate");
    for (size_t i = 0; i < ARRAY_COUNT(of_recommendation); i++) {
        copy(item, of_recommendation[i], recommendation, of_recommendation[i]);
    }
    json_object_set_new(item, "changes", changes_of(json_at(record, "change.edits")));
    dollars(item, "monthly_saving_usd", cost, "monthly_saving_microusd");
    dollars(item, "monthly_before_usd", cost, "monthly_before_microusd");
    dollars(item, "monthly_after_usd", cost, "monthly_after_microusd");
    copy(item, "verdict", gate, "verdict");
    json_object_set_new(item, "against", against(json_object_get(gate, "reasons")));
    text(item, "reasoning", recommendation, "reasoning", TEXT_MOST);
    json_object_set_new(item, "findings", short_list(json_object_get(recommendation, "findings"), finding_keys));
    json_object_set_new(item, "advice", short_list(json_at(recommendation, "scaling.advice"), advice_keys));
    if (json_is_object(json_object_get(recommendation, "fallback"))) {
        copy(item, "fallback", recommendation, "fallback");
    }
    problems(item, record);
    return item;
}
