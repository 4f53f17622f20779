#include "pipeline/driver/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/artifact.h"
#include "pipeline/run/record.h"

typedef int visit_record(const json_t *record, void *context, struct err *err);

const char *plan_default_namespace(const struct session *session)
{
    const char *given = options_string(session->options, OPT_NAMESPACE);
    return given == NULL ? "default" : given;
}

/* Calls `visit` for each workload record of the artifact in `fd`. */
static int each_workload(int fd, enum artifact_kind kind, visit_record *visit, void *context, struct err *err)
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

int plan_namespaces(struct session *session, int64_t run, int fd, struct err *err)
{
    struct names names = {.fallback = plan_default_namespace(session), .set = json_object()};
    int failed = each_workload(fd, ARTIFACT_INVENTORY, add_namespace, &names, err);
    const char **list = xcalloc_array(json_object_size(names.set), sizeof *list);
    size_t count = 0;
    const char *name;
    json_t *unused;
    json_object_foreach(names.set, name, unused)
    {
        list[count++] = name;
    }
    failed = failed || ledger_run_namespaces(session->ledger, run, list, count, err);
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
    return row;
}

/* Sum over the containers of a request, before (manifest) or after (recommendation where it sets one). */
static json_t *total_request(const json_t *record, const char *resource, bool after)
{
    int64_t sum = 0;
    bool any = false;
    size_t index;
    json_t *container;
    json_array_foreach(json_object_get(record_workload(record), "containers"), index, container)
    {
        const char *name = json_string_or_null(container, "name");
        int64_t value;
        bool has = json_get_int(json_object_get(container, "requests"), resource, &value);
        const json_t *advice = json_object_get(json_at(record, "recommendation.containers"), name == NULL ? "" : name);
        int64_t advised;
        if (after && json_get_int(json_object_get(advice, "requests"), resource, &advised)) {
            value = advised;
            has = true;
        }
        if (has && !str_equal(json_string_or_null(container, "role"), "init")) {
            sum += value;
            any = true;
        }
    }
    return json_int_or_null(any, sum);
}

/* A blocked change does not come: it saves nothing, and what it would save is kept beside the sums. */
static void hold_back(json_t *row)
{
    int64_t saving;
    if (!str_equal(json_string_or_null(row, "verdict"), "blocked") ||
        !json_get_int(row, "monthly_saving_microusd", &saving)) {
        return;
    }
    json_object_set(row, "monthly_after_microusd", json_object_get(row, "monthly_before_microusd"));
    json_object_set_new(row, "monthly_saving_microusd", json_integer(0));
    json_object_set_new(row, "detail", json_pack("{s:I}", "held_back_microusd", (json_int_t)saving));
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
    json_object_set_new(row, "detail", json_null());
    hold_back(row);
    return row;
}

/* Of two records of one identity the stricter verdict and the larger number of approvals count. */
static void merge_plan(json_t *row, const json_t *other)
{
    static const char *const strictness[] = {"unchanged", "allowed", "needs-approval", "blocked"};
    int ranks[2] = {0, 0};
    const char *verdicts[2] = {json_string_or_null(row, "verdict"), json_string_or_null(other, "verdict")};
    for (int i = 0; i < (int)ARRAY_COUNT(strictness); i++) {
        ranks[0] = str_equal(verdicts[0], strictness[i]) ? i : ranks[0];
        ranks[1] = str_equal(verdicts[1], strictness[i]) ? i : ranks[1];
    }
    if (ranks[1] > ranks[0]) {
        json_object_set(row, "verdict", json_object_get(other, "verdict"));
        json_object_set(row, "role", json_object_get(other, "role"));
    }
    int64_t more = json_int_or(other, "approvals_required", 0);
    if (more > json_int_or(row, "approvals_required", 0)) {
        json_object_set_new(row, "approvals_required", json_integer(more));
    }
    json_array_extend(json_object_get(row, "reasons"), json_object_get(other, "reasons"));
}

static void merge_result(json_t *row, const json_t *other)
{
    static const char *const sums[] = {"monthly_before_microusd", "monthly_after_microusd", "monthly_saving_microusd"};
    for (size_t i = 0; i < ARRAY_COUNT(sums); i++) {
        int64_t more;
        if (json_get_int(other, sums[i], &more)) {
            json_object_set_new(row, sums[i], json_integer(json_int_or(row, sums[i], 0) + more));
        }
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

int plan_register(struct session *session, int64_t run, const char *digest, int fd, enum ledger_state *state,
                  struct err *err)
{
    struct rows rows = {.fallback = plan_default_namespace(session), .plan = json_object(), .results = json_object()};
    int64_t seconds = config_integer(session->config, "approvals.expires_after", 0);
    int failed = each_workload(fd, ARTIFACT_GATED, add_rows, &rows, err);
    json_t *plan = row_list(rows.plan);
    json_t *results = row_list(rows.results);
    failed = failed || ledger_results_put(session->ledger, run, results, err) ||
             ledger_plan_register(session->ledger, run, digest, plan, seconds, state, err);
    json_decref(plan);
    json_decref(results);
    return failed ? -1 : 0;
}
