/* tare.yaml: every key, every default, and for every kind of mistake the file, the line, the key and the near name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/config.h"
#include "pipeline/cli/config_schema.h"

#define FULL "fixtures/cases/config/full.yaml"

static struct config *load(const char *text)
{
    struct config *config = NULL;
    struct err err = {0};
    if (config_parse(text, strlen(text), "tare.yaml", &config, &err)) {
        fail_msg("%s", err.message);
    }
    return config;
}

static void test_defaults(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "\n", "# nothing\n", "---\n", "null\n", "{}\n", "version: 1\n"};
    for (size_t i = 0; i < ARRAY_COUNT(empty); i++) {
        struct config *config = load(empty[i]);
        assert_string_equal(config_string(config, "metrics.source"), "auto");
        assert_int_equal(config_integer(config, "metrics.window", -1), 604800);
        assert_int_equal(config_integer(config, "metrics.timeout", -1), 120);
        assert_string_equal(config_string(config, "policy.aggressiveness"), "balanced");
        assert_string_equal(config_string(config, "policy.limits.cpu"), "keep");
        assert_string_equal(config_string(config, "policy.limits.memory"), "headroom");
        assert_false(config_flag(config, "policy.qos_change"));
        assert_int_equal(config_integer(config, "policy.minimum_history", -1), 86400);
        assert_int_equal(config_integer(config, "policy.guardrails.max_increase_percent", -1), 200);
        assert_int_equal(config_integer(config, "policy.guardrails.max_decrease_percent", -1), 50);
        assert_int_equal(config_integer(config, "policy.guardrails.min_cpu", -1), 10);
        assert_int_equal(config_integer(config, "policy.guardrails.min_memory", -1), 32 * 1024 * 1024);
        assert_null(config_value(config, "policy.guardrails.max_cpu"));
        assert_null(config_value(config, "policy.guardrails.max_changes"));
        assert_int_equal(json_array_size(config_value(config, "policy.exclude.namespaces")), 3);
        assert_string_equal(config_string(config, "policy.exclude.annotation"), "tare.dev/skip");
        assert_int_equal(config_integer(config, "approvals.required", -1), 1);
        assert_true(config_flag(config, "approvals.separation_of_duties"));
        assert_int_equal(config_integer(config, "approvals.expires_after", -1), 86400);
        assert_null(config_value(config, "approvals.automatic"));
        assert_null(config_value(config, "metrics.basic"));
        assert_null(config_value(config, "metrics.tls"));
        assert_null(config_value(config, "apply.git"));
        assert_true(json_is_array(config_value(config, "windows")) && json_array_size(config_value(config, "windows")) == 0);
        assert_string_equal(config_string(config, "apply.target"), "files");
        assert_string_equal(config_string(config, "apply.on_failure"), "rollback-run");
        assert_null(config_value(config, "database"));
        assert_false(config_given(config, "policy.guardrails.min_cpu"));
        config_free(config);
    }
    struct config *config = NULL;
    struct err err = {0};
    assert_int_equal(config_load(NULL, &config, &err), 0);
    assert_null(config_path(config));
    assert_int_equal(config_integer(config, "policy.guardrails.min_cpu", -1), 10);
    config_free(config);
}

/* A section whose keys are all commented out is null in YAML; it must not take the guardrails away. */
static void test_null_is_the_default(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "policy:\n",
        "policy:\n  guardrails:\n  exclude:\n",
        "policy:\n  guardrails: {min_cpu: null, max_decrease_percent: ~}\n  exclude: {namespaces: null, annotation: null}\n",
        "policy: {exclude: {namespaces: }}\napprovals:\nmetrics:\nreports: ~\nwindows:\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct config *config = load(texts[i]);
        assert_int_equal(config_integer(config, "policy.guardrails.max_decrease_percent", -1), 50);
        assert_int_equal(config_integer(config, "policy.guardrails.min_cpu", -1), 10);
        assert_int_equal(config_integer(config, "approvals.required", -1), 1);
        assert_int_equal(config_integer(config, "metrics.window", -1), 604800);
        assert_int_equal(json_array_size(config_value(config, "policy.exclude.namespaces")), 3);
        assert_string_equal(config_string(config, "policy.exclude.annotation"), "tare.dev/skip");
        assert_true(json_is_array(config_value(config, "windows")));
        config_free(config);
    }
    /* An empty list is one that somebody wrote. */
    struct config *config = load("policy: {exclude: {namespaces: []}}\n");
    assert_int_equal(json_array_size(config_value(config, "policy.exclude.namespaces")), 0);
    config_free(config);
}

static void assert_text(const struct config *config, const char *key, const char *wanted)
{
    char *text = json_text(config_value(config, key));
    if (strcmp(text, wanted) != 0) {
        fail_msg("%s is %s, not %s", key, text, wanted);
    }
    free(text);
}

static void test_full_file(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct err err = {0};
    if (config_load(FULL, &config, &err)) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(config_path(config), FULL);
    static const struct {
        const char *key;
        const char *text;
    } wanted[] = {
        {"cluster", "\"prod-eu\""},
        {"manifests", "[\"fixtures/cases/config/deploy/\",\"fixtures/cases/config/../other/app.yaml\",\"/srv/manifests\"]"},
        {"render.enabled", "true"},
        {"render.timeout", "120"},
        {"render.charts", "[{\"folder\":\"fixtures/cases/config/charts/cart\",\"namespace\":\"shop\",\"release\":\"cart-prod\","
                          "\"values\":[\"fixtures/cases/config/charts/values-prod.yaml\"]}]"},
        {"metrics.window", "1209600"},
        {"metrics.timeout", "90"},
        {"metrics.parallel", "8"},
        {"metrics.headers", "{\"X-Other\":\"1\",\"X-Scope-OrgID\":\"team-a\"}"},
        {"metrics.bearer_token_file", "\"fixtures/cases/config/secrets/token\""},
        {"metrics.basic.username", "\"reader\""},
        {"metrics.tls.ca", "\"fixtures/cases/config/tls/ca.pem\""},
        {"analysis.providers", "[\"anthropic\",\"openai\",\"rules\"]"},
        {"analysis.anthropic.batch", "true"},
        {"policy.guardrails.min_cpu", "50"},
        {"policy.guardrails.min_memory", "67108864"},
        {"policy.guardrails.max_cpu", "8000"},
        {"policy.guardrails.max_memory", "17179869184"},
        {"policy.guardrails.max_changes", "40"},
        {"policy.minimum_history", "129600"},
        {"policy.qos_change", "true"},
        {"approvals.separation_of_duties", "false"},
        {"approvals.automatic.max_risk", "\"low\""},
        {"pricing.discount", "0.3"},
        {"pricing.usd_per_gib_hour", "0.004237"},
        {"apply.git.branch", "\"tare/run-{run}\""},
        {"reports.formats", "[\"html\",\"markdown\",\"csv\",\"json\",\"junit\",\"prometheus\",\"table\"]"},
        {"database", "\"postgresql://tare@db.example/tare\""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        assert_text(config, wanted[i].key, wanted[i].text);
    }
    const json_t *override = json_array_get(config_value(config, "policy.overrides"), 0);
    assert_int_equal(json_integer_value(json_at(override, "guardrails.min_memory")), 128000000);
    assert_int_equal(json_integer_value(json_at(override, "minimum_history")), 259200);
    const json_t *window = json_array_get(config_value(config, "windows"), 1);
    assert_string_equal(json_string_or_null(window, "end"), "2027-01-03T00:00:00+01:00");
    assert_true(json_is_false(json_object_get(window, "override")));
    config_free(config);
}

/* The file above has every row of the table, so that a new key cannot be forgotten there. */
static void test_full_file_has_every_key(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct err err = {0};
    assert_int_equal(config_load(FULL, &config, &err), 0);
    size_t count;
    const struct config_row *rows = config_rows(&count);
    assert_true(count > 90);
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (int entry = 0; entry < 3 && !found; entry++) {
            char shown[256] = {0};
            for (const char *p = rows[i].key; *p != '\0'; p++) {
                size_t length = strlen(shown);
                if (str_starts(p, "[].")) {
                    snprintf(shown + length, sizeof shown - length, "[%d]", entry);
                    p++;
                } else if (strcmp(p, "[]") == 0) {
                    p++;
                } else {
                    snprintf(shown + length, sizeof shown - length, "%c", *p);
                }
            }
            found = config_given(config, shown);
        }
        if (!found) {
            fail_msg("%s does not give %s", FULL, rows[i].key);
        }
    }
    config_free(config);
}

/* A default in the table that its own type refuses would silently be none. */
static void test_defaults_are_good_values(void **state)
{
    (void)state;
    size_t count;
    const struct config_row *rows = config_rows(&count);
    for (size_t i = 0; i < count; i++) {
        json_t *value = NULL;
        struct err err = {0};
        if (rows[i].fallback == NULL || str_ends(rows[i].key, "[]")) {
            continue;
        }
        if (config_convert(&rows[i], rows[i].fallback, &value, &err)) {
            fail_msg("%s: %s", rows[i].key, err.message);
        }
        json_decref(value);
    }
}

struct bad_case {
    const char *text;
    const char *message; /* a part of it, place and key included */
    const char *hint;    /* a part of it, "" for any */
};

static const struct bad_case bad[] = {
    {"metrcs: {}\n", "tare.yaml, line 1: metrcs: there is no such key", "metrics"},
    {"version: 1\nmetrics:\n  promethues: x\n", "tare.yaml, line 3: promethues: there is no such key in metrics", "prometheus"},
    {"policy:\n  guardrails:\n    min_cp: 1\n", "tare.yaml, line 3: min_cp: there is no such key in policy.guardrails", "min_cpu"},
    {"windows:\n  - name: a\n  - nmae: b\n", "tare.yaml, line 3: nmae: there is no such key in windows[1]", "name"},
    {"zzzzzzzz: 1\n", "zzzzzzzz", "README"},
    {"metrics.window: 7d\n", "metrics.window", ""},
    {"\"windows[]\": 7d\n", "windows[]", ""},
    {"\"\": 1\n", "line 1", ""},
    {"? [a]\n: 1\n", "line 1", ""},
    {"<<: {cluster: a}\n", "<<", ""},
    {"metrics:\n  window: 7 days\n", "tare.yaml, line 2: metrics.window: \"7 days\" is not a duration", "7d"},
    {"metrics: {window: 7}\n", "metrics.window", "7d"},
    {"metrics: {parallel: -1}\n", "metrics.parallel: must be a whole number from 0 up, not \"-1\"", ""},
    {"metrics: {parallel: 1.5}\n", "metrics.parallel", ""},
    {"metrics: {parallel: many}\n", "not \"many\"", ""},
    {"metrics: {parallel: 99999999999999999999}\n", "metrics.parallel", ""},
    {"metrics:\n  source: query_range\n", "line 2: metrics.source: must be one of auto|remote-read|query-range, not \"query_range\"", "query-range"},
    {"policy: {aggressiveness: ballanced}\n", "policy.aggressiveness", "balanced"},
    {"policy: {qos_change: yes}\n", "policy.qos_change: must be true or false, not \"yes\"", ""},
    {"policy: {guardrails: {min_cpu: 10 m}}\n", "policy.guardrails.min_cpu", ""},
    {"policy: {guardrails: {min_cpu: -10m}}\n", "policy.guardrails.min_cpu", ""},
    {"policy: {guardrails: {min_memory: 32MB}}\n", "policy.guardrails.min_memory", ""},
    {"pricing: {discount: -0.1}\n", "pricing.discount: must be a number from 0 up, not \"-0.1\"", ""},
    {"pricing: {discount: 10%}\n", "pricing.discount", ""},
    {"pricing: {discount: 1e999}\n", "pricing.discount", ""},
    {"pricing: {discount: .inf}\n", "pricing.discount", ""},
    {"pricing: {discount: 0x10}\n", "pricing.discount", ""},
    {"windows:\n- name: x\n  start: tomorrow\n", "line 3: windows[0].start: \"tomorrow\" is not a time", "2026-11-22T03:00:00Z"},
    {"cluster: [a]\n", "cluster: must be a single value", ""},
    {"cluster: {a: b}\n", "cluster: must be a single value", ""},
    {"metrics: http://x\n", "metrics: must be a map of keys", ""},
    {"metrics: [a]\n", "metrics: must be a map of keys", ""},
    {"manifests: deploy/\n", "manifests: must be a list", ""},
    {"windows: {name: x}\n", "windows: must be a list", ""},
    {"windows: [nights]\n", "windows[0]: must be a map of keys", ""},
    {"windows: [null]\n", "windows[0]", ""},
    {"manifests:\n  - a\n  -\n", "line 3: manifests[1]", ""},
    {"policy: {exclude: {namespaces: [null]}}\n", "policy.exclude.namespaces[0]", ""},
    {"analysis:\n  providers: [rules, opnai]\n", "analysis.providers[1]", "openai"},
    {"metrics: {headers: [a]}\n", "metrics.headers: must be a map", ""},
    {"metrics: {headers: {a: [b]}}\n", "metrics.headers: must be a map", ""},
    {"metrics: {headers: {a: null}}\n", "metrics.headers: must be a map", ""},
    {"- a\n- b\n", "the file: must be a map of keys", ""},
    {"just text\n", "the file: must be a map of keys", ""},
    {"cluster: a\ncluster: b\n", "line 2: cluster: this key stands here twice", ""},
    {"metrics:\n  window: 1d\n  window: 2d\n", "line 3: window: this key stands here twice", ""},
    {"a: [\n", "tare.yaml, line", ""},
    {"cluster: a\n\tmetrics: b\n", "tare.yaml, line 2", ""},
    {"cluster: \"a\n", "tare.yaml, line", ""},
    {"cluster: *nobody\n", "tare.yaml, line 1", ""},
    {"cluster: &a [*a]\n", "tare.yaml, line 1", ""},
    {"cluster: a\xff\n", "tare.yaml, line 1", ""},
    {"cluster: a\x01\n", "tare.yaml, line 1", ""},
    {"clusters:\n- {cluster: a}\n- metrics: {}\n", "tare.yaml, line 3: clusters[1]: has no `cluster`", ""},
    {"clusters: [{cluster: ''}]\n", "clusters[0]: has no `cluster`", ""},
    {"clusters: [{cluster: a}, {cluster: b}, {cluster: a}]\n", "clusters[2]: has the same `cluster` as clusters[0]: a", ""},
    {"clusters: [{cluster: a, metrcs: {}}]\n", "metrcs: there is no such key in clusters[0]", "metrics"},
    {"clusters:\n- cluster: a\n  metrics: {promethues: x}\n", "line 3: promethues: there is no such key in clusters[0].metrics", "prometheus"},
    {"clusters: [{cluster: a, metrics: {source: x}}]\n", "clusters[0].metrics.source: must be one of", ""},
    {"clusters: [{cluster: a, clusters: []}]\n", "clusters: there is no such key in clusters[0]", ""},
    {"clusters: [{cluster: a, version: 1}]\n", "version: there is no such key in clusters[0]", "top of the file"},
    {"clusters: [{cluster: a, database: x}]\n", "database: there is no such key in clusters[0]", "top of the file"},
    {"clusters: [{cluster: a, notify: []}]\n", "notify: there is no such key in clusters[0]", "top of the file"},
    {"clusters: [{cluster: a, databas: x}]\n", "databas: there is no such key in clusters[0]", ""},
    {"clusters: [a]\n", "clusters[0]: must be a map of keys", ""},
    {"clusters: {cluster: a}\n", "clusters: must be a list", ""},
    {"version: 2\n", "version 2", "version: 1"},
    {"version: 0\n", "version 0", ""},
    {"cluster: \"a\\0b\"\n", "line 1: cluster: must not have a NUL", ""},
    {"policy: {guardrails: {max_cpu: \"1\\0\"}}\n", "max_cpu: must not have a NUL", ""},
    {"\"a\\0\": 1\n\"a\\0\": 2\n", "twice", ""},
    {"cluster: a\n---\ncluster: b\n", "tare.yaml, line 3", ""},
    {"cluster: a\n---\n: [\n", "tare.yaml, line 3", ""},
};

static void test_bad_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct config *config = NULL;
        struct err err = {0};
        if (config_parse(bad[i].text, strlen(bad[i].text), "tare.yaml", &config, &err) == 0) {
            fail_msg("taken: %s", bad[i].text);
        }
        assert_null(config);
        if (err.class != ERR_CONFIG || strstr(err.message, bad[i].message) == NULL || strstr(err.hint, bad[i].hint) == NULL) {
            fail_msg("%s gave %d \"%s\" (hint \"%s\"), wanted \"%s\" (hint \"%s\")", bad[i].text, err.class, err.message, err.hint,
                     bad[i].message, bad[i].hint);
        }
    }
}

static void test_good_forms(void **state)
{
    (void)state;
    static const char *const good[] = {
        "cluster: a\r\nmetrics:\r\n  window: 1d\r\n", "{\"cluster\": \"a\", \"metrics\": {\"window\": \"1d\"}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct config *config = load(good[i]);
        assert_int_equal(config_integer(config, "metrics.window", -1), 86400);
        assert_string_equal(config_string(config, "cluster"), "a");
        assert_true(config_given(config, "metrics.window"));
        config_free(config);
    }
    /* An alias stands for what it names; a document marker at the end is no second document. */
    struct config *config = load("cluster: &c prod\nmetrics: {cluster_label: {name: cluster, value: *c}}\n...\n");
    assert_string_equal(config_string(config, "metrics.cluster_label.value"), "prod");
    config_free(config);
    config = load("---\ncluster: 007\n---\n# nothing more\n");
    assert_string_equal(config_string(config, "cluster"), "007");
    config_free(config);
}

/* An entry of `clusters` has what the file gives it and no defaults: what it leaves out is taken from the top by its reader. */
static void test_clusters(void **state)
{
    (void)state;
    struct config *config = load("clusters:\n- cluster: a\n  metrics: {timeout: 2m, headers: {X: y}}\n- cluster: b\n");
    assert_text(config, "clusters", "[{\"cluster\":\"a\",\"metrics\":{\"headers\":{\"X\":\"y\"},\"timeout\":120}},{\"cluster\":\"b\"}]");
    assert_true(config_given(config, "clusters[0].metrics.timeout"));
    config_free(config);
}

static void test_files(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct err err = {0};
    assert_int_equal(config_load("/no/such/tare.yaml", &config, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    assert_int_equal(config_load("/tmp", &config, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
}

static void test_error_of_a_reader(void **state)
{
    (void)state;
    struct config *config = load("windows:\n  - name: a\n  - name: b\n    schedule: nonsense\n");
    struct err err = {0};
    assert_int_equal(config_error(config, &err, "windows[1].schedule", "\"%s\" is no schedule", "nonsense"), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    assert_string_equal(err.message, "tare.yaml, line 4: windows[1].schedule: \"nonsense\" is no schedule");
    assert_int_equal(config_error(config, &err, "windows[0].schedule", "is missing"), -1);
    assert_string_equal(err.message, "tare.yaml, line 2: windows[0].schedule: is missing");
    config_free(config);
}

static void test_reference(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    config_reference(out);
    fclose(out);
    size_t count;
    const struct config_row *rows = config_rows(&count);
    size_t lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++) {
        lines++;
    }
    assert_int_equal(lines, count + 2);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(strstr(text, rows[i].key));
    }
    /* Four columns in every line: a bar in a list of choices would make more. */
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t bars = 0;
        for (const char *p = line; *p != '\n'; p++) {
            bars += *p == '|';
        }
        assert_int_equal(bars, 5);
    }
    free(text);
}

/* The fixture is named from the root of the project, where the tests run. */
static int find_fixture(void **state)
{
    (void)state;
    log_init("config_test", LOG_TEXT, LOG_ERROR);
    return access(FULL, R_OK);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),   cmocka_unit_test(test_null_is_the_default),
        cmocka_unit_test(test_full_file), cmocka_unit_test(test_full_file_has_every_key),
        cmocka_unit_test(test_defaults_are_good_values), cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_good_forms), cmocka_unit_test(test_files), cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_error_of_a_reader), cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, find_fixture, NULL);
}
