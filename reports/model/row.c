#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "pricing/money/money.h"
#include "reports/model/model.h"
#include "reports/text/insight.h"

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

/* An amount below nothing is none. */
static int64_t amount_or(const json_t *object, const char *key, int64_t fallback)
{
    int64_t amount = json_int_or(object, key, fallback);
    return amount < 0 ? fallback : amount;
}

static void read_fields(const json_t *source, const json_t *advice, struct report_container *out)
{
    for (int field = 0; field < REPORT_FIELDS; field++) {
        const struct field_place *place = &places[field];
        int64_t now = amount_or(json_object_get(source, place->section), place->member, REPORT_ABSENT);
        int64_t kept = is_removed(advice, place->removal) ? REPORT_ABSENT : now;
        out->now[field] = now;
        out->next[field] = amount_or(json_object_get(advice, place->section), place->member, kept);
    }
}

static bool is_money(int64_t microusd)
{
    return microusd >= 0 && microusd <= MONEY_MAX;
}

/* Money of a container by resource; every amount is one that a price may give. */
static bool read_money(const json_t *cost, struct report_container *out)
{
    static const char *const names[REPORT_RESOURCES][4] = {
        {"cpu_before_microusd", "cpu_after_microusd", "cpu_waste_before_microusd", "cpu_waste_after_microusd"},
        {"memory_before_microusd", "memory_after_microusd", "memory_waste_before_microusd", "memory_waste_after_microusd"}};
    bool fits = true;
    out->priced = json_is_object(cost);
    for (int i = 0; i < REPORT_RESOURCES; i++) {
        out->before[i] = json_int_or(cost, names[i][0], 0);
        out->after[i] = json_int_or(cost, names[i][1], 0);
        out->waste_known[i] =
            json_get_int(cost, names[i][2], &out->waste_before[i]) && json_get_int(cost, names[i][3], &out->waste_after[i]);
        fits = fits && is_money(out->before[i]) && is_money(out->after[i]) && is_money(out->waste_before[i]) &&
               is_money(out->waste_after[i]);
    }
    return fits;
}

/* The second container of one name in a pod has its money under "name#2" (pricing/cost/engine.c). */
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

/* false where money of one is none that a price gives. */
static bool read_containers(struct report_row *row, struct arena *arena)
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
    bool fits = true;
    for (size_t i = 0; i < count; i++) {
        const json_t *source = json_array_get(list, i);
        struct report_container *out = &row->containers[row->container_count];
        out->name = json_string_or_null(source, "name");
        out->role = json_string_or_null(source, "role");
        out->name = out->name == NULL ? "" : out->name;
        out->role = out->role == NULL ? "container" : out->role;
        bool init = strcmp(out->role, "init") == 0;
        read_fields(source, json_object_get(advice, out->name), out);
        fits &= read_money(init ? NULL : cost_of(costs, row->containers, row->container_count, out->name, arena), out);
        out->usage = json_object_get(usage, out->name);
        if (!init) {
            add_sums(row, out);
        }
        row->container_count++;
    }
    return fits;
}

/* Whether the containers add up to the workload's money: what tare-price writes does. */
static void check_sums(struct report_row *row)
{
    int64_t sums[4] = {0}; /* at most 256 × 2 amounts of MONEY_MAX */
    bool known = row->waste_known;
    for (size_t i = 0; i < row->container_count; i++) {
        const struct report_container *c = &row->containers[i];
        for (int r = 0; c->priced && r < REPORT_RESOURCES; r++) {
            known = known && c->waste_known[r];
            sums[0] += c->before[r];
            sums[1] += c->after[r];
            sums[2] += c->waste_before[r];
            sums[3] += c->waste_after[r];
        }
    }
    row->uneven = row->priced && (sums[0] != row->before || sums[1] != row->proposed);
    row->waste_by_resource = known && sums[2] == row->waste_before && sums[3] == row->waste_after;
}

static bool read_costs(struct report_row *row, const json_t *cost)
{
    row->priced = json_get_int(cost, "monthly_before_microusd", &row->before) &&
                  json_get_int(cost, "monthly_after_microusd", &row->proposed);
    row->waste_known = json_get_int(cost, "waste_before_microusd", &row->waste_before) &&
                       json_get_int(cost, "waste_after_microusd", &row->waste_after);
    check_sums(row);
    return is_money(row->before) && is_money(row->proposed) && is_money(row->waste_before) && is_money(row->waste_after);
}

static int no_money(const struct report_row *row, struct err *err)
{
    err_set(err, ERR_DATA, "the cost of %s %s%s%s has amounts that no price gives", row->kind,
            row->namespace == NULL ? "" : row->namespace, row->namespace == NULL ? "" : "/", row->name);
    return err_hint(err, "run tare-price again over the recommendations; its artifact was changed by hand");
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

/* What counts is whether a number moves or an object is new, not what the recommendation calls itself. */
static enum report_action action_of(struct report_row *row, const json_t *recommendation)
{
    for (size_t i = 0; i < row->container_count; i++) {
        row->resizes = row->resizes || report_container_changes(&row->containers[i]);
    }
    row->objects = json_array_size(json_at(row->record, "change.objects"));
    if (row->resizes || row->objects > 0) {
        return REPORT_CHANGE;
    }
    const char *action = json_string_or_null(recommendation, "action");
    return action == NULL || strcmp(action, "none") == 0 ? REPORT_NO_ADVICE : REPORT_KEEP;
}

/* A change that nobody may or can make changes no sum. An edit is looked for only once tare-diff has been
 * there. */
static void read_group(struct report_row *row)
{
    const json_t *change = json_object_get(row->record, "change");
    bool edited = record_changes(row->record);
    bool unwritten = json_is_object(change) && !edited;
    /* The gate calls a change that saves too little unchanged. */
    bool changes = row->action == REPORT_CHANGE;
    row->blocked = changes && str_equal(row->verdict, "blocked");
    row->trifle = changes && edited && str_equal(row->verdict, "unchanged");
    row->group = !changes                                   ? REPORT_STAYS
                 : row->blocked || row->trifle || unwritten ? REPORT_HELD
                                                            : REPORT_CHANGES;
    row->after = row->group == REPORT_HELD ? row->before : row->proposed;
}

/* A label without text, as `team: ""`, is the one of those without: else two parts had one name wherever none is written as "". */
static const char *name_or_none(const char *text)
{
    return text == NULL || *text == '\0' ? NULL : text;
}

int report_row_read(json_t *record, const char *team_label, struct arena *arena, struct report_row *row,
                    struct err *err)
{
    *row = (struct report_row){.record = record};
    struct identity identity;
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    row->cluster = name_or_none(identity.cluster);
    row->namespace = name_or_none(identity.namespace);
    row->kind = identity.kind;
    row->name = identity.name;
    const json_t *recommendation = json_object_get(record, "recommendation");
    const json_t *cost = json_object_get(record, "cost");
    if (!read_containers(row, arena) || !read_costs(row, cost)) {
        return no_money(row, err);
    }
    row->action = action_of(row, recommendation);
    row->risk = risk_of(json_string_or_null(recommendation, "risk"));
    row->has_confidence = json_get_number(recommendation, "confidence", &row->confidence);
    row->has_replicas = json_get_number(cost, "replicas", &row->replicas);
    row->team = team_label == NULL ? NULL : name_or_none(json_string_or_null(json_at(record, "workload.labels"), team_label));
    row->class = name_or_none(json_string_or_null(recommendation, "class"));
    row->no_data =
        json_object_get(record, "usage") != NULL && !json_is_object(json_object_get(record, "usage"));
    const json_t *worst = insight_worst_finding(record);
    row->severity = worst == NULL ? -1 : insight_severity(worst);
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
