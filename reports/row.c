#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "reports/model.h"

/* Where a field stands in a container, and what `remove` calls it. */
struct field_place {
    const char *section;
    const char *member;
    const char *removal;
};

static const struct field_place places[REPORT_FIELDS] = {
    [CPU_REQUEST] = {"requests", "cpu_millicores", "requests.cpu"},
    [MEMORY_REQUEST] = {"requests", "memory_bytes", "requests.memory"},
    [CPU_LIMIT] = {"limits", "cpu_millicores", "limits.cpu"},
    [MEMORY_LIMIT] = {"limits", "memory_bytes", "limits.memory"},
};

const char *report_risk_name(enum report_risk risk)
{
    static const char *const names[REPORT_RISKS] = {"", "low", "medium", "high"};
    return names[risk];
}

const char *report_message(const json_t *entry)
{
    if (json_is_string(entry)) {
        return json_string_value(entry);
    }
    static const char *const members[] = {"message", "reason", "text", "detail", "code"};
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        const char *text = json_string_or_null(entry, members[i]);
        if (text != NULL) {
            return text;
        }
    }
    return "";
}

bool report_container_changes(const struct report_container *container)
{
    for (int field = 0; field < REPORT_FIELDS; field++) {
        if (container->now[field] != container->next[field]) {
            return true;
        }
    }
    return false;
}

static bool is_removed(const json_t *advice, const char *removal)
{
    const json_t *list = json_object_get(advice, "remove");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_equal(json_string_value(json_array_get(list, i)), removal)) {
            return true;
        }
    }
    return false;
}

static void read_fields(const json_t *source, const json_t *advice, struct report_container *out)
{
    for (int field = 0; field < REPORT_FIELDS; field++) {
        const struct field_place *place = &places[field];
        int64_t now = json_int_or(json_object_get(source, place->section), place->member, REPORT_ABSENT);
        int64_t kept = is_removed(advice, place->removal) ? REPORT_ABSENT : now;
        out->now[field] = now;
        out->next[field] = json_int_or(json_object_get(advice, place->section), place->member, kept);
    }
}

static void read_money(const json_t *cost, struct report_container *out)
{
    out->priced = json_is_object(cost);
    out->before[0] = json_int_or(cost, "cpu_before_microusd", 0);
    out->before[1] = json_int_or(cost, "memory_before_microusd", 0);
    out->after[0] = json_int_or(cost, "cpu_after_microusd", 0);
    out->after[1] = json_int_or(cost, "memory_after_microusd", 0);
}

/* The second container of one name in a pod has its money under "name#2" (pricing/engine.c). */
static const json_t *cost_of(const json_t *costs, const struct report_container *containers, size_t count,
                             const char *name, struct arena *arena)
{
    int copy = 1;
    for (size_t i = 0; i < count; i++) {
        copy += strcmp(containers[i].name, name) == 0;
    }
    return json_object_get(costs, copy == 1 ? name : arena_printf(arena, "%s#%d", name, copy));
}

int64_t report_effective(const int64_t fields[REPORT_FIELDS], enum report_field field)
{
    static const enum report_field stands_in[REPORT_FIELDS] = {
        [CPU_REQUEST] = CPU_LIMIT,
        [MEMORY_REQUEST] = MEMORY_LIMIT,
        [CPU_LIMIT] = CPU_LIMIT,
        [MEMORY_LIMIT] = MEMORY_LIMIT,
    };
    return fields[field] == REPORT_ABSENT ? fields[stands_in[field]] : fields[field];
}

/* Manifests may ask for more than 64 bits count: the sum stays at the most there is. */
static void add_amount(int64_t *sum, int64_t value)
{
    if (value != REPORT_ABSENT) {
        int64_t so_far = *sum == REPORT_ABSENT ? 0 : *sum;
        *sum = value > INT64_MAX - so_far ? INT64_MAX : so_far + value;
    }
}

static void add_sums(struct report_row *row, const struct report_container *container)
{
    for (int i = 0; i < REPORT_FIELDS; i++) {
        enum report_field field = (enum report_field)i;
        add_amount(&row->now[field], report_effective(container->now, field));
        add_amount(&row->next[field], report_effective(container->next, field));
    }
}

static void read_containers(struct report_row *row, struct arena *arena)
{
    const json_t *list = json_at(row->record, "workload.containers");
    const json_t *advice = json_at(row->record, "recommendation.containers");
    const json_t *costs = json_at(row->record, "cost.containers");
    const json_t *usage = json_at(row->record, "usage.containers");
    size_t count = json_array_size(list);
    count = count < REPORT_CONTAINERS_MAX ? count : REPORT_CONTAINERS_MAX;
    row->containers = arena_alloc_array(arena, count + 1, sizeof *row->containers);
    for (int field = 0; field < REPORT_FIELDS; field++) {
        row->now[field] = REPORT_ABSENT;
        row->next[field] = REPORT_ABSENT;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *source = json_array_get(list, i);
        struct report_container *out = &row->containers[row->container_count];
        out->name = json_string_or_null(source, "name");
        out->role = json_string_or_null(source, "role");
        out->name = out->name == NULL ? "" : out->name;
        out->role = out->role == NULL ? "container" : out->role;
        bool init = strcmp(out->role, "init") == 0;
        read_fields(source, json_object_get(advice, out->name), out);
        read_money(init ? NULL : cost_of(costs, row->containers, row->container_count, out->name, arena),
                   out);
        out->usage = json_object_get(usage, out->name);
        if (!init) {
            add_sums(row, out);
        }
        row->container_count++;
    }
}

static enum report_risk risk_of(const char *name)
{
    for (int risk = RISK_LOW; risk < REPORT_RISKS; risk++) {
        if (str_equal(name, report_risk_name((enum report_risk)risk))) {
            return (enum report_risk)risk;
        }
    }
    return RISK_UNKNOWN;
}

/* What counts is whether a number moves, not what the recommendation calls itself. */
static enum report_action action_of(const struct report_row *row, const json_t *recommendation)
{
    for (size_t i = 0; i < row->container_count; i++) {
        if (report_container_changes(&row->containers[i])) {
            return REPORT_CHANGE;
        }
    }
    const char *action = json_string_or_null(recommendation, "action");
    return action == NULL || strcmp(action, "none") == 0 ? REPORT_NO_ADVICE : REPORT_KEEP;
}

/* A change that nobody may or can make changes no sum. An edit is looked for only once tare-diff has been
 * there. */
static void read_group(struct report_row *row)
{
    const json_t *change = json_object_get(row->record, "change");
    bool unwritten = json_is_object(change) && json_array_size(json_object_get(change, "edits")) == 0;
    row->blocked = row->action == REPORT_CHANGE && str_equal(row->verdict, "blocked");
    row->group = row->action != REPORT_CHANGE ? REPORT_STAYS
                 : row->blocked || unwritten  ? REPORT_HELD
                                              : REPORT_CHANGES;
    row->after = row->group == REPORT_HELD ? row->before : row->proposed;
}

int report_row_read(json_t *record, struct arena *arena, struct report_row *row, struct err *err)
{
    *row = (struct report_row){.record = record};
    struct identity identity;
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    row->cluster = identity.cluster;
    row->namespace = identity.namespace;
    row->kind = identity.kind;
    row->name = identity.name;
    const json_t *recommendation = json_object_get(record, "recommendation");
    const json_t *cost = json_object_get(record, "cost");
    read_containers(row, arena);
    row->action = action_of(row, recommendation);
    row->risk = risk_of(json_string_or_null(recommendation, "risk"));
    row->has_confidence = json_get_number(recommendation, "confidence", &row->confidence);
    row->has_replicas = json_get_number(cost, "replicas", &row->replicas);
    row->priced = json_get_int(cost, "monthly_before_microusd", &row->before) &&
                  json_get_int(cost, "monthly_after_microusd", &row->proposed);
    row->no_data =
        json_object_get(record, "usage") != NULL && !json_is_object(json_object_get(record, "usage"));
    row->verdict = json_string_or_null(json_object_get(record, "gate"), "verdict");
    row->state = json_string_or_null(json_object_get(record, "outcome"), "state");
    read_group(row);
    return 0;
}

void report_row_release(struct report_row *row)
{
    json_decref(row->record);
    row->record = NULL;
}
