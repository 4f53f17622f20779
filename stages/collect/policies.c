#include "stages/collect/policies.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/collect/api/prom.h"
#include "pipeline/run/selector.h"

enum { QUERY_MAX = 16 * 1024 };

/* What an answer holds. */
struct answered {
    int64_t points;
    double value;
};

/* Whether a text holds nothing but what names and label values of Kubernetes may hold. */
static bool is_harmless(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && strchr("-._:", *c) == NULL) {
            return false;
        }
    }
    return *text != '\0';
}

/* Adds the value of the variable at `at` (behind the $). Returns its length, -1 on failure. */
static int put_variable(const char *at, const struct policy_names *names, struct buf *out, struct err *err)
{
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '_') {
        length++;
    }
    const char *const known[][2] = {{"namespace", names->namespace}, {"workload", names->workload}, {"cluster", names->cluster}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i][0]) != length || strncmp(known[i][0], at, length) != 0) {
            continue;
        }
        if (known[i][1] == NULL) {
            return err_set(err, ERR_DATA, "its query names $cluster, and no metrics.cluster_label says what that is");
        }
        if (!is_harmless(known[i][1])) {
            return err_set(err, ERR_DATA, "the %s holds characters that are not put into a query", known[i][0]);
        }
        (void)buf_add_str(out, known[i][1]);
        return (int)length;
    }
    return err_set(err, ERR_DATA, "its query names $%.*s; there are $namespace, $workload and $cluster", (int)(length < 40 ? length : 40),
                   at);
}

/* Whether a query holds a value between quotes. */
static bool is_quoted(const char *query, const char *value)
{
    size_t length = strlen(value);
    for (const char *at = strstr(query, value); at != NULL && length > 0; at = strstr(at + 1, value)) {
        if (at > query && strchr("\"'`", at[-1]) != NULL && at[length] == at[-1]) {
            return true;
        }
    }
    return false;
}

int policy_query_text(const char *query, const struct policy_names *names, struct buf *out, struct err *err)
{
    /* A query over all clusters of a server would be the number of none of them. */
    if (names->cluster != NULL && strstr(query, "$cluster") == NULL && !is_quoted(query, names->cluster)) {
        return err_set(err, ERR_DATA, "its query does not name the cluster, and the server holds several: add the label with \"$cluster\"");
    }
    while (*query != '\0') {
        size_t plain = strcspn(query, "$");
        (void)buf_add(out, query, plain);
        query += plain;
        if (*query == '$') {
            int length = put_variable(query + 1, names, out, err);
            if (length < 0) {
                return -1;
            }
            query += 1 + length;
        }
    }
    return out->overflow ? err_set(err, ERR_DATA, "its query is longer than %d bytes", QUERY_MAX) : 0;
}

static void take_begin(void *context)
{
    *(struct answered *)context = (struct answered){0};
}

static int take_series(void *context, const struct labels *labels, struct err *err)
{
    (void)context, (void)labels, (void)err;
    return 0;
}

static int take_point(void *context, int64_t time_ms, double value, struct err *err)
{
    struct answered *answered = context;
    (void)time_ms, (void)err;
    answered->points++;
    answered->value = value;
    return 0;
}

/* Asks; ERR_DATA where the answer is not one number. */
static int ask(struct prom *prom, const char *query, int64_t end, double *value, struct err *err)
{
    enum served served;
    struct answered answered = {0};
    struct answer_listener listener = {
        .begin = take_begin, .series = take_series, .point = take_point, .context = &answered};
    if (prom_instant(prom, query, end, &listener, &served, err)) {
        return -1;
    }
    if (answered.points == 0) {
        return err_set(err, ERR_DATA, "the answer is empty");
    }
    if (answered.points > 1) {
        return err_set(err, ERR_DATA, "the answer has %lld numbers: sum them, or take one", (long long)answered.points);
    }
    if (!isfinite(answered.value)) {
        return err_set(err, ERR_DATA, "the answer is no finite number");
    }
    *value = answered.value;
    return 0;
}

/* New {value,query,reason} of one policy. */
static json_t *entry_new(const json_t *policy, struct source *source, const struct policy_names *names, int64_t end, json_t *record)
{
    json_t *out = json_object();
    struct buf text;
    struct err problem = {0};
    double value = NAN;
    const char *query = json_string_or_null(policy, "query");
    buf_init(&text, QUERY_MAX);
    int failed = 0;
    if (source->prom == NULL) {
        failed = err_set(&problem, ERR_DATA, "usage was read from a file, which no query can be asked of");
    } else {
        failed = policy_query_text(query, names, &text, &problem) || ask(source->prom, buf_str(&text), end, &value, &problem);
        if (failed) {
            record_problem(record, "collect", "policy-query", "policy %s: %s", json_string_or_null(policy, "name"), problem.message);
        }
    }
    json_object_set_new(out, "value", json_real_or_null(value));
    json_object_set_new(out, "query", json_string_safe(text.length > 0 ? buf_str(&text) : query));
    json_object_set_new(out, "reason", failed ? json_string_safe(problem.message) : json_null());
    buf_release(&text);
    return out;
}

void policies_ask(const json_t *policies, struct source *source, const char *fallback, int64_t end, json_t *record)
{
    json_t *usage = json_object_get(record, "usage");
    const json_t *workload = record_workload(record);
    struct policy_names names = {.namespace = json_string_or_null(workload, "namespace"),
                                 .workload = json_string_or_null(workload, "name"),
                                 .cluster = source->prom != NULL ? prom_label_value(source->prom) : NULL};
    names.namespace = names.namespace != NULL ? names.namespace : fallback;
    json_t *found = NULL;
    size_t index;
    json_t *policy;
    json_array_foreach(policies, index, policy)
    {
        const char *name = json_string_or_null(policy, "name");
        bool asks = name != NULL && json_string_or_null(policy, "query") != NULL && json_is_object(usage);
        if (asks && selector_match(json_object_get(policy, "match"), workload, selector_namespace(workload, fallback), NULL)) {
            found = found == NULL ? json_object() : found;
            json_object_set_new(found, name, entry_new(policy, source, &names, end, record));
        }
    }
    if (found != NULL) {
        json_object_set_new(usage, "policies", found);
    }
}
