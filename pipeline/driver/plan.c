#include "pipeline/driver/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/limits.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/totals.h"
#include "pipeline/run/artifact.h"
#include "pipeline/run/record.h"

enum { OBJECTS_KEPT = 64, CRITICAL_KEPT = 3, CRITICAL_TEXT = 300 };

enum { MILLICORES = 1000, BYTES_PER_GIB = 1 << 30 };

int plan_default_namespace(struct session *session, const struct ledger_run *run, const char **out, struct err *err)
{
    static const char option[] = "--namespace=";
    json_t *settings;
    if (line_stored_settings(run, &settings, err)) {
        return -1;
    }
    *out = "default";
    size_t index;
    json_t *word;
    json_array_foreach(json_at(settings, "options.parse"), index, word)
    {
        const char *text = json_string_value(word);
        if (text != NULL && str_starts(text, option)) {
            *out = arena_strdup(&session->arena, text + sizeof option - 1);
        }
    }
    json_decref(settings);
    return 0;
}

int plan_each_workload(int fd, enum artifact_kind kind, visit_record *visit, void *context, struct err *err)
{
    struct artifact_reader *reader;
    lseek(fd, 0, SEEK_SET);
    if (artifact_reader_new(fd, artifact_kind_name(kind), ARTIFACT_BIT(kind), &reader, err)) {
        return -1;
    }
    int failed = 0;
    while (!failed) {
        json_t *record;
        int got = artifact_read(reader, &record, err);
        if (got <= 0) {
            failed = got;
            break;
        }
        failed = record_workload(record) != NULL && visit(record, context, err);
        json_decref(record);
    }
    artifact_reader_free(reader);
    lseek(fd, 0, SEEK_SET);
    return failed ? -1 : 0;
}

struct names {
    const char *fallback;
    json_t *set;
};

static int add_namespace(const json_t *record, void *context, struct err *err)
{
    (void)err;
    struct names *names = context;
    const char *namespace = json_string_or_null(record_workload(record), "namespace");
    json_object_set_new(names->set, namespace == NULL ? names->fallback : namespace, json_null());
    return 0;
}

int plan_namespaces(struct session *session, const struct ledger_run *run, int fd, struct err *err)
{
    struct names names = {0};
    if (plan_default_namespace(session, run, &names.fallback, err)) {
        return -1;
    }
    names.set = json_object();
    int failed = plan_each_workload(fd, ARTIFACT_INVENTORY, add_namespace, &names, err);
    const char **list = xcalloc_array(json_object_size(names.set), sizeof *list);
    size_t count = 0;
    const char *name;
    json_t *unused;
    json_object_foreach(names.set, name, unused)
    {
        list[count++] = name;
    }
    failed = failed || ledger_run_namespaces(session->ledger, run->id, list, count, err);
    free(list);
    json_decref(names.set);
    return failed ? -1 : 0;
}

struct rows {
    const char *fallback;
    json_t *plan;    /* by identity, so that two records of one identity make one row */
    json_t *results;
};

static json_t *copy_or_null(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return value == NULL ? json_null() : json_incref(value);
}

static json_t *identity_row(const struct identity *identity, const char *fallback)
{
    return json_pack("{s:s, s:s, s:s}", "namespace", identity->namespace == NULL ? fallback : identity->namespace,
                     "kind", identity->kind, "name", identity->name);
}

static json_t *plan_row(const json_t *record, const struct identity *identity, const char *fallback)
{
    const json_t *gate = json_object_get(record, "gate");
    const json_t *asks = json_object_get(gate, "requirement");
    json_t *row = identity_row(identity, fallback);
    json_object_set_new(row, "verdict", copy_or_null(gate, "verdict"));
    json_object_set_new(row, "approvals_required", json_integer(json_int_or(asks, "approvals", 0)));
    json_object_set_new(row, "role", copy_or_null(asks, "role"));
    json_object_set_new(row, "rule", copy_or_null(asks, "rule"));
    json_object_set_new(row, "risk", copy_or_null(json_object_get(record, "recommendation"), "risk"));
    json_object_set_new(row, "saving_microusd", copy_or_null(json_object_get(record, "cost"), "monthly_saving_microusd"));
    json_t *reasons = json_object_get(gate, "reasons");
    json_object_set_new(row, "reasons", reasons == NULL ? json_array() : json_incref(reasons));
    json_object_set_new(row, "facts", copy_or_null(gate, "facts"));
    return row;
}

/* A field of a container, before (manifest) or after (recommendation where it sets one, nothing where it takes it away). */
static bool amount_of(const json_t *container, const json_t *advice, const char *section, const char *resource,
                      int64_t *amount)
{
    size_t index;
    json_t *removed;
    json_array_foreach(json_object_get(advice, "remove"), index, removed)
    {
        const char *what = json_string_value(removed);
        size_t length = strlen(section);
        if (what != NULL && strncmp(what, section, length) == 0 && what[length] == '.' && what[length + 1] == resource[0]) {
            return false;
        }
    }
    return json_get_int(json_object_get(advice, section), resource, amount) ||
           json_get_int(json_object_get(container, section), resource, amount);
}

/* Sum of the requests over the containers that run, before or after. A request that is left out is its limit. */
static json_t *total_request(const json_t *record, const char *resource, bool after)
{
    int64_t sum = 0;
    bool any = false;
    size_t index;
    json_t *container;
    json_array_foreach(json_object_get(record_workload(record), "containers"), index, container)
    {
        const char *name = json_string_or_null(container, "name");
        const json_t *all = after ? json_at(record, "recommendation.containers") : NULL;
        const json_t *advice = json_object_get(all, name == NULL ? "" : name);
        int64_t value;
        if (!str_equal(json_string_or_null(container, "role"), "init") &&
            (amount_of(container, advice, "requests", resource, &value) ||
             amount_of(container, advice, "limits", resource, &value))) {
            sum = add_amounts(sum, value);
            any = true;
        }
    }
    return json_int_or_null(any, sum);
}

/* A change that is blocked, not worth it, or that no manifest takes, does not come: it saves nothing, and what it would save is kept
 * beside the sums. */
static void hold_back(const json_t *record, json_t *row)
{
    const json_t *edits = json_at(record, "change.edits");
    const char *verdict = json_string_or_null(row, "verdict");
    bool blocked = str_equal(verdict, "blocked") || (str_equal(verdict, "unchanged") && json_array_size(edits) > 0);
    bool unwritten = json_is_array(edits) && json_array_size(edits) == 0;
    int64_t saving;
    if ((!blocked && !unwritten) || !json_get_int(row, "monthly_saving_microusd", &saving) || saving == 0) {
        return;
    }
    json_object_set(row, "monthly_after_microusd", json_object_get(row, "monthly_before_microusd"));
    json_object_set_new(row, "monthly_saving_microusd", json_integer(0));
    json_object_set_new(json_object_get(row, "detail"), blocked ? "held_back_microusd" : "unwritten_microusd", json_integer(saving));
}

/* What is paid for of a resource: max(request, use), summed over the containers. */
static double billed(const json_t *cost, const char *member)
{
    double sum = 0;
    const char *name;
    json_t *container;
    json_object_foreach(json_object_get(cost, "containers"), name, container)
    {
        double amount = 0;
        sum += json_get_number(container, member, &amount) ? amount : 0;
    }
    return sum;
}

/* What a row's cost is made of, so that a later run's amounts can be priced at this run's prices and replicas
 * (sql/queries/run_past.sql); NULL where the cost is made of something else. */
static json_t *unit_of(const json_t *cost)
{
    int64_t before = 0;
    double replicas = 0;
    double hours = 0;
    double vcpu = 0;
    double gib = 0;
    const json_t *price = json_object_get(cost, "price");
    if (!json_get_int(cost, "monthly_before_microusd", &before) || !json_get_number(cost, "replicas", &replicas) ||
        !json_get_number(cost, "hours", &hours) || !json_get_number(price, "microusd_per_vcpu_hour", &vcpu) ||
        !json_get_number(price, "microusd_per_gib_hour", &gib)) {
        return NULL;
    }
    double cpu = billed(cost, "cpu_billed_before_millicores");
    double memory = billed(cost, "memory_billed_before_bytes");
    double again = (cpu / MILLICORES * vcpu + memory / BYTES_PER_GIB * gib) * replicas * hours;
    /* Each container's resource is rounded by itself. */
    double slack = 1 + (double)json_object_size(json_object_get(cost, "containers")) + fabs(again) * 1e-9;
    if (!(fabs(again - (double)before) <= slack)) {
        return NULL;
    }
    return json_pack("{s:f, s:f, s:f, s:f, s:O, s:O}", "cpu_millicores", cpu, "memory_bytes", memory, "replicas", replicas, "hours",
                     hours, "microusd_per_vcpu_hour", json_object_get(price, "microusd_per_vcpu_hour"), "microusd_per_gib_hour",
                     json_object_get(price, "microusd_per_gib_hour"));
}

/* How many records a row stands for, in all, by verdict and without a price: numbers that add up when rows are merged. */
static json_t *counts(const json_t *row)
{
    const char *verdict = json_string_or_null(row, "verdict");
    json_t *detail = json_pack("{s:i}", "records", 1);
    if (verdict != NULL) {
        json_object_set_new(detail, verdict, json_integer(1));
    }
    int64_t before;
    if (!json_get_int(row, "monthly_before_microusd", &before)) {
        json_object_set_new(detail, "unpriced", json_integer(1));
    }
    return detail;
}

/* The findings that cannot wait: how many, a number that adds up, and the first ones for whoever is told of them. */
static void note_critical(const json_t *record, json_t *detail)
{
    static const char *const members[] = {"code", "container", "message"};
    json_int_t count = 0;
    size_t index;
    json_t *finding;
    json_t *first = json_array();
    json_array_foreach(json_at(record, "recommendation.findings"), index, finding)
    {
        if (!str_equal(json_string_or_null(finding, "severity"), "critical") || ++count > CRITICAL_KEPT) {
            continue;
        }
        json_t *kept = json_object();
        for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
            const char *text = json_string_or_null(finding, members[i]);
            if (text != NULL) {
                char *cut = xstrndup(text, CRITICAL_TEXT);
                str_trim_utf8(cut);
                json_object_set_new(kept, members[i], json_string_safe(cut));
                free(cut);
            }
        }
        json_array_append_new(first, kept);
    }
    if (count > 0) {
        json_object_set_new(detail, "critical", json_integer(count));
        json_object_set(detail, "critical_findings", first);
    }
    json_decref(first);
}

/* The new objects of a change, for whoever approves it from the rows: "Kind/name". */
static void note_objects(const json_t *record, json_t *detail)
{
    const json_t *objects = json_at(record, "change.objects");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(objects) && i < OBJECTS_KEPT; i++) {
        const char *kind = json_string_or_null(json_array_get(objects, i), "kind");
        const char *name = json_string_or_null(json_array_get(objects, i), "name");
        char *text = xasprintf("%.100s/%.253s", kind == NULL ? "?" : kind, name == NULL ? "?" : name);
        json_array_append_new(list, json_string_safe(text));
        free(text);
    }
    if (json_array_size(list) > 0) {
        json_object_set(detail, "new_objects", list);
    }
    json_decref(list);
}

static json_t *result_row(const json_t *record, const struct identity *identity, const char *fallback)
{
    static const char *const from_advice[] = {"action", "confidence", "risk", "source"};
    static const char *const from_cost[] = {"monthly_before_microusd", "monthly_after_microusd", "monthly_saving_microusd"};
    json_t *row = identity_row(identity, fallback);
    const json_t *advice = json_object_get(record, "recommendation");
    for (size_t i = 0; i < ARRAY_COUNT(from_advice); i++) {
        json_object_set_new(row, from_advice[i], copy_or_null(advice, from_advice[i]));
    }
    const json_t *cost = json_object_get(record, "cost");
    for (size_t i = 0; i < ARRAY_COUNT(from_cost); i++) {
        json_object_set_new(row, from_cost[i], copy_or_null(cost, from_cost[i]));
    }
    json_object_set_new(row, "verdict", copy_or_null(json_object_get(record, "gate"), "verdict"));
    json_object_set_new(row, "cpu_before_millicores", total_request(record, "cpu_millicores", false));
    json_object_set_new(row, "cpu_after_millicores", total_request(record, "cpu_millicores", true));
    json_object_set_new(row, "memory_before_bytes", total_request(record, "memory_bytes", false));
    json_object_set_new(row, "memory_after_bytes", total_request(record, "memory_bytes", true));
    json_object_set_new(row, "detail", counts(row));
    note_critical(record, json_object_get(row, "detail"));
    limits_note(record, json_object_get(row, "detail"));
    note_objects(record, json_object_get(row, "detail"));
    json_t *unit = unit_of(cost);
    if (unit != NULL) {
        json_object_set_new(json_object_get(row, "detail"), "unit", unit);
    }
    hold_back(record, row);
    return row;
}

/* Adds the integer `key` of `other` to the one of `row`; one that is absent on both sides stays so. */
static void add_member(json_t *row, const json_t *other, const char *key)
{
    int64_t more;
    if (json_get_int(other, key, &more)) {
        json_object_set_new(row, key, json_integer(add_amounts(json_int_or(row, key, 0), more)));
    }
}

static const char *const verdicts[] = {"unchanged", "allowed", "needs-approval", "blocked"};
static const char *const risks[] = {"low", "medium", "high"};

static int rank_of(const json_t *row, const char *key, const char *const names[], size_t count)
{
    const char *name = json_string_or_null(row, key);
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, names[i])) {
            return (int)i;
        }
    }
    return -1;
}

/* Takes over the word `key` of `other` where it comes later in `names`; returns whether it did. */
static bool take_higher(json_t *row, const json_t *other, const char *key, const char *const names[], size_t count)
{
    bool higher = rank_of(other, key, names, count) > rank_of(row, key, names, count);
    if (higher) {
        json_object_set(row, key, json_object_get(other, key));
    }
    return higher;
}

/* Takes the larger of two numbers over; what one of them does not know is not known of both. */
static void take_larger(json_t *facts, const json_t *other, const char *key)
{
    double mine = 0;
    double theirs = 0;
    if (!json_get_number(other, key, &theirs) || (json_get_number(facts, key, &mine) && theirs > mine)) {
        json_object_set_new(facts, key, copy_or_null(other, key));
    }
}

/* Leaves out what the two say differently: the ledger takes it as not known, so that every rule that asks counts. */
static void keep_common(json_t *facts, const json_t *other)
{
    const char *key;
    void *next;
    json_t *value;
    json_object_foreach_safe(facts, next, key, value)
    {
        const json_t *theirs = json_object_get(other, key);
        if (theirs == NULL || !json_equal(value, theirs)) {
            json_object_del(facts, key);
        }
    }
}

/* Facts of two records of one identity: those of the one that changes something, else the worse of both. */
static void merge_facts(json_t *row, const json_t *other)
{
    static const char *const numbers[] = {"decrease_percent", "increase_percent", "monthly_usd"};
    const json_t *theirs = json_object_get(other, "facts");
    if (!json_is_object(theirs)) {
        return;
    }
    json_t *facts = json_deep_copy(json_object_get(row, "facts"));
    if (json_is_object(facts)) {
        for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
            take_larger(facts, theirs, numbers[i]);
        }
        take_higher(facts, theirs, "risk", risks, ARRAY_COUNT(risks));
        keep_common(json_object_get(facts, "labels"), json_object_get(theirs, "labels"));
        if (!str_equal(json_string_or_null(facts, "class"), json_string_or_null(theirs, "class"))) {
            json_object_del(facts, "class");
        }
        json_object_set(row, "facts", facts);
    } else {
        json_object_set_new(row, "facts", json_deep_copy(theirs));
    }
    json_decref(facts);
}

/* Of two records of one verdict the one that names a role says who approves, and one that names a rule why. */
static void merge_demand(json_t *row, const json_t *other)
{
    static const char *const words[] = {"role", "rule"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (json_string_or_null(row, words[i]) == NULL) {
            json_object_set(row, words[i], json_object_get(other, words[i]));
        }
    }
}

/* Of two records of one identity the stricter verdict and the larger number of approvals count. */
static void merge_plan(json_t *row, const json_t *other)
{
    int order = rank_of(other, "verdict", verdicts, ARRAY_COUNT(verdicts)) - rank_of(row, "verdict", verdicts, ARRAY_COUNT(verdicts));
    if (order > 0) {
        json_object_set(row, "verdict", json_object_get(other, "verdict"));
        json_object_set(row, "role", json_object_get(other, "role"));
        json_object_set(row, "rule", json_object_get(other, "rule"));
    } else if (order == 0) {
        merge_demand(row, other);
    }
    take_higher(row, other, "risk", risks, ARRAY_COUNT(risks));
    add_member(row, other, "saving_microusd");
    int64_t more = json_int_or(other, "approvals_required", 0);
    if (more > json_int_or(row, "approvals_required", 0)) {
        json_object_set_new(row, "approvals_required", json_integer(more));
    }
    if (str_equal(json_string_or_null(row, "verdict"), "blocked")) { /* nobody is asked to approve what stays blocked */
        json_object_set_new(row, "approvals_required", json_integer(0));
    }
    json_array_extend(json_object_get(row, "reasons"), json_object_get(other, "reasons"));
    merge_facts(row, other);
}

/* Two records of one identity make one row whose money and requests are those of both, with the stricter verdict, the
 * higher risk and the lower confidence. */
static void merge_result(json_t *row, const json_t *other)
{
    static const char *const sums[] = {"monthly_before_microusd", "monthly_after_microusd",  "monthly_saving_microusd",
                                       "cpu_before_millicores",   "cpu_after_millicores",    "memory_before_bytes",
                                       "memory_after_bytes"};
    for (size_t i = 0; i < ARRAY_COUNT(sums); i++) {
        add_member(row, other, sums[i]);
    }
    /* Two costs may have two prices. */
    json_object_del(json_object_get(row, "detail"), "unit");
    const char *key;
    json_t *unused;
    json_object_foreach(json_object_get(other, "detail"), key, unused)
    {
        add_member(json_object_get(row, "detail"), json_object_get(other, "detail"), key);
    }
    take_higher(row, other, "verdict", verdicts, ARRAY_COUNT(verdicts));
    take_higher(row, other, "risk", risks, ARRAY_COUNT(risks));
    double mine;
    double theirs;
    if (json_get_number(other, "confidence", &theirs) && json_get_number(row, "confidence", &mine) && theirs < mine) {
        json_object_set(row, "confidence", json_object_get(other, "confidence"));
    }
}

/* Puts a row (stolen) under `key`, or merges it into the one that is there. */
static void put_row(json_t *rows, const char *key, json_t *row, void (*merge)(json_t *row, const json_t *other))
{
    json_t *there = json_object_get(rows, key);
    if (there == NULL) {
        json_object_set_new(rows, key, row);
        return;
    }
    merge(there, row);
    json_decref(row);
}

static int add_rows(const json_t *record, void *context, struct err *err)
{
    struct rows *rows = context;
    struct identity identity;
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    char *key = identity_text(&identity, rows->fallback);
    put_row(rows->plan, key, plan_row(record, &identity, rows->fallback), merge_plan);
    put_row(rows->results, key, result_row(record, &identity, rows->fallback), merge_result);
    free(key);
    return 0;
}

/* The rows as an array, in the order of the records. Steals `rows`. */
static json_t *row_list(json_t *rows)
{
    json_t *list = json_array();
    const char *key;
    json_t *row;
    json_object_foreach(rows, key, row)
    {
        json_array_append(list, row);
    }
    json_decref(rows);
    return list;
}

/* The rows of a gated artifact, by identity. Both members are new, also after a failure. */
static int read_rows(struct session *session, const struct ledger_run *run, int fd, struct rows *rows, struct err *err)
{
    *rows = (struct rows){.plan = json_object(), .results = json_object()};
    return plan_default_namespace(session, run, &rows->fallback, err) ||
                   plan_each_workload(fd, ARTIFACT_GATED, add_rows, rows, err)
               ? -1
               : 0;
}

int plan_rows(struct session *session, const struct ledger_run *run, int fd, json_t **out, struct err *err)
{
    struct rows rows;
    int failed = read_rows(session, run, fd, &rows, err);
    json_decref(rows.results);
    *out = row_list(rows.plan);
    return failed;
}

int plan_register(struct session *session, const struct ledger_run *run, const char *digest, int fd,
                  enum ledger_state *state, struct err *err)
{
    struct rows rows;
    int64_t seconds = config_integer(session->config, "approvals.expires_after", 0);
    int failed = read_rows(session, run, fd, &rows, err);
    json_t *plan = row_list(rows.plan);
    json_t *results = row_list(rows.results);
    failed = failed || ledger_results_put(session->ledger, run->id, results, err) ||
             ledger_plan_register(session->ledger, run->id, digest, plan, seconds, state, err);
    json_decref(plan);
    json_decref(results);
    return failed ? -1 : 0;
}
