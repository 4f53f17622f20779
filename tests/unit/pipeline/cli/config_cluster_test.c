/* The configuration as one of its clusters sees it: every kind of key, and where it is said to stand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/config.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/cli/options.h"

static struct config *load(const char *text)
{
    struct config *config = NULL;
    struct err err = {0};
    if (config_parse(text, strlen(text), "tare.yaml", &config, &err)) {
        fail_msg("%s", err.message);
    }
    return config;
}

static struct config *view_of(const char *text, const char *cluster)
{
    struct config *config = load(text);
    struct config *view = config_for_cluster(config, cluster);
    config_free(config); /* the view needs nothing of it */
    assert_non_null(view);
    return view;
}

static char *value_text(const struct config *config, const char *key)
{
    const json_t *value = config_value(config, key);
    return value == NULL ? xstrdup("null") : json_text(value);
}

/* What the file and its entry (b) say, and the value of a key that comes of it. */
static const struct {
    const char *top;
    const char *entry;
    const char *key;
    const char *wanted;
} cases[] = {
    /* text, path, choice, whole number, number, duration, CPU, memory, truth */
    {"pricing: {region: eu-west-1}", "pricing: {region: us-east-1}", "pricing.region", "\"us-east-1\""},
    {"pricing: {region: eu-west-1}", "pricing: {instance: m5.large}", "pricing.region", "\"eu-west-1\""},
    {"kubernetes: {kubeconfig: a}", "kubernetes: {kubeconfig: b}", "kubernetes.kubeconfig", "\"b\""},
    {"apply: {target: cluster}", "apply: {target: files}", "apply.target", "\"files\""},
    {"apply: {target: cluster}", "", "apply.target", "\"cluster\""},
    {"metrics: {parallel: 8}", "metrics: {parallel: 1}", "metrics.parallel", "1"},
    {"policy: {guardrails: {max_decrease_percent: 20}}", "policy: {guardrails: {max_decrease_percent: 10}}",
     "policy.guardrails.max_decrease_percent", "10"},
    {"pricing: {discount: 0.5}", "pricing: {discount: 0.25}", "pricing.discount", "0.25"},
    {"metrics: {window: 3d}", "metrics: {window: 14d}", "metrics.window", "1209600"},
    {"metrics: {window: 3d}", "metrics: {timeout: 1m}", "metrics.window", "259200"},
    {"policy: {guardrails: {min_cpu: 20m}}", "policy: {guardrails: {min_cpu: '0.1'}}", "policy.guardrails.min_cpu", "100"},
    {"policy: {guardrails: {min_memory: 64Mi}}", "policy: {guardrails: {min_memory: 1Gi}}", "policy.guardrails.min_memory", "1073741824"},
    {"policy: {qos_change: true}", "policy: {qos_change: false}", "policy.qos_change", "false"},
    {"render: {enabled: true}", "", "render.enabled", "true"},
    /* times, lists of sections: the entry's list takes the place of the file's */
    {"windows: [{name: a, kind: deny, start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z'}]",
     "windows: [{name: b, kind: deny, start: '2027-01-01T00:00:00Z', end: '2027-01-02T00:00:00Z'}]", "windows",
     "[{\"clusters\":[],\"end\":\"2027-01-02T00:00:00Z\",\"kind\":\"deny\",\"name\":\"b\",\"namespaces\":[],\"on_overrun\":\"stop\","
     "\"override\":false,\"start\":\"2027-01-01T00:00:00Z\"}]"},
    {"windows: [{name: a, kind: deny, start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z'}]", "windows: []", "windows", "[]"},
    {"approvals: {required: 2, rules: [{required: 3}]}", "approvals: {rules: []}", "approvals.rules", "[]"},
    {"approvals: {required: 2, rules: [{required: 3}]}", "approvals: {rules: []}", "approvals.required", "2"},
    {"approvals: {required: 2, rules: [{required: 3}]}", "approvals: {required: 1}", "approvals.rules", "[{\"required\":3}]"},
    /* lists of values */
    {"manifests: [a, b]", "manifests: [c]", "manifests", "[\"c\"]"},
    {"manifests: [a, b]", "manifests: []", "manifests", "[]"},
    {"manifests: [a, b]", "", "manifests", "[\"a\",\"b\"]"},
    {"", "policy: {exclude: {namespaces: []}}", "policy.exclude.namespaces", "[]"},
    {"policy: {exclude: {namespaces: [x]}}", "policy: {exclude: {annotation: a/b}}", "policy.exclude.namespaces", "[\"x\"]"},
    {"", "reports: {formats: [csv]}", "reports.formats", "[\"csv\"]"},
    /* maps of texts are values of their own */
    {"metrics: {headers: {A: '1', B: '2'}}", "metrics: {headers: {B: '3'}}", "metrics.headers", "{\"B\":\"3\"}"},
    {"metrics: {headers: {A: '1'}}", "metrics: {headers: {}}", "metrics.headers", "{}"},
    /* sections are merged at every depth, those that are there only where given too */
    {"metrics: {cluster_label: {name: cluster, value: a}}", "metrics: {cluster_label: {value: b}}", "metrics.cluster_label",
     "{\"name\":\"cluster\",\"value\":\"b\"}"},
    {"pricing: {reserved: {share: 0.5, years: '1'}}", "pricing: {reserved: {share: 0.25}}", "pricing.reserved",
     "{\"share\":0.25,\"years\":\"1\"}"},
    {"", "apply: {git: {branch: x}}", "apply.git.branch", "\"x\""},
    {"", "apply: {git: {branch: x}}", "apply.git.push", "false"},
    {"apply: {git: {branch: x, remote: y}}", "apply: {git: {branch: z}}", "apply.git.remote", "\"y\""},
    {"approvals: {automatic: {max_risk: low, match: {namespaces: [a]}}}", "approvals: {automatic: {max_risk: high}}",
     "approvals.automatic.match.namespaces", "[\"a\"]"},
    {"approvals: {automatic: {max_risk: low, match: {namespaces: [a]}}}", "approvals: {automatic: {max_risk: high}}",
     "approvals.automatic.max_risk", "\"high\""},
    /* null: as if nobody had given it */
    {"metrics: {window: 3d}", "metrics: {window: null}", "metrics.window", "604800"},
    {"metrics: {window: 3d}", "metrics: null", "metrics.window", "604800"},
    {"metrics: {bearer_token_file: t}", "metrics: {bearer_token_file: null}", "metrics.bearer_token_file", "null"},
    {"approvals: {automatic: {max_risk: low}}", "approvals: {automatic: null}", "approvals.automatic", "null"},
    {"policy: {exclude: {namespaces: [x]}}", "policy: {exclude: {namespaces: null}}", "policy.exclude.namespaces",
     "[\"kube-system\",\"kube-public\",\"kube-node-lease\"]"},
    {"manifests: null", "manifests: [c]", "manifests", "[\"c\"]"},
    {"metrics: null", "metrics: {window: 1d}", "metrics.window", "86400"},
    /* one way to prove who one is */
    {"metrics: {bearer_token_file: t}", "metrics: {basic: {username: u, password_file: p}}", "metrics.bearer_token_file", "null"},
    {"metrics: {basic: {username: u, password_file: p}}", "metrics: {bearer_token_file: t}", "metrics.basic", "null"},
    {"metrics: {basic: {username: u, password_file: p}}", "metrics: {bearer_token_file: null}", "metrics.basic.username", "\"u\""},
    {"metrics: {basic: {username: u, password_file: p}}", "metrics: {basic: {password_file: q}}", "metrics.basic",
     "{\"password_file\":\"q\",\"username\":\"u\"}"},
    /* what is not of one cluster */
    {"database: postgresql://db", "", "database", "\"postgresql://db\""},
    {"notify: [{name: n, type: slack, url_file: f}]", "", "notify[0]", "null"},
    {"cluster: mine", "", "cluster", "\"b\""},
    {"", "", "clusters", "null"},
};

static void test_overlay(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *text = xasprintf("%s\nclusters:\n- {cluster: a, manifests: [other], metrics: {window: 9d}}\n- {cluster: b%s%s}\n", cases[i].top,
                               *cases[i].entry == '\0' ? "" : ", ", cases[i].entry);
        struct config *view = view_of(text, "b");
        char *got = value_text(view, cases[i].key);
        if (strcmp(got, cases[i].wanted) != 0) {
            fail_msg("%s + %s: %s is %s, not %s", cases[i].top, cases[i].entry, cases[i].key, got, cases[i].wanted);
        }
        free(got);
        config_free(view);
        free(text);
    }
}

/* A file with everything in the entry, and one of its own with the same: both say the same. */
static void test_as_a_file(void **state)
{
    (void)state;
    static const char body[] = "manifests: [m]\nmetrics: {prometheus: 'http://x:1', window: 2d}\npolicy: {aggressiveness: safe,\n"
                               "  overrides: [{match: {namespaces: [n]}, aggressiveness: lean}]}\napprovals: {required: 2}\n"
                               "windows: [{name: w, kind: allow, schedule: '0 1 * * *', duration: 1h}]\nreports: {formats: []}\n";
    struct buf text;
    buf_init(&text, 4096);
    buf_add_str(&text, "policy: {aggressiveness: lean, guardrails: {max_cpu: 8}}\nclusters:\n- cluster: b\n  policy: null\n- cluster: c\n");
    buf_add_str(&text, "  ");
    for (const char *p = body; *p != '\0'; p++) {
        buf_add_char(&text, *p);
        buf_add_str(&text, *p == '\n' && p[1] != '\0' ? "  " : "");
    }
    struct config *view = view_of(buf_str(&text), "b");
    struct config *plain = load("cluster: b\n");
    assert_true(json_equal(config_root(view), config_root(plain)));
    config_free(view);
    config_free(plain);
    view = view_of(buf_str(&text), "c");
    char *own = xasprintf("cluster: c\n%s", body);
    plain = load(own);
    json_t *mine = json_deep_copy(config_root(view));
    json_object_del(json_object_get(json_object_get(mine, "policy"), "guardrails"), "max_cpu");
    assert_true(json_equal(mine, config_root(plain)));
    assert_int_equal(config_integer(view, "policy.guardrails.max_cpu", 0), 8000);
    json_decref(mine);
    free(own);
    config_free(view);
    config_free(plain);
    buf_release(&text);
}

static void test_places(void **state)
{
    (void)state;
    struct config *view = view_of("windows: [{name: a}, {name: b}]\n"         /* line 1 */
                                  "approvals:\n  required: 2\n"               /* 2, 3 */
                                  "clusters:\n- cluster: b\n"                 /* 4, 5 */
                                  "  approvals: {expires_after: 1h}\n"        /* 6 */
                                  "  windows:\n  - {name: w, kind: allow, duration: 1h,\n     schedule: x}\n" /* 7, 8, 9 */,
                                  "b");
    static const char *const places[][2] = {
        {"approvals.required", "tare.yaml, line 3: approvals.required"},
        {"approvals.expires_after", "tare.yaml, line 6: clusters[0].approvals.expires_after"},
        {"windows[0].schedule", "tare.yaml, line 9: clusters[0].windows[0].schedule"},
        {"windows[1].name", "tare.yaml: windows[1].name"}, /* that of the file does not count any more */
        {"windows[0].override", "tare.yaml, line 8: clusters[0].windows[0].override"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        char *place = config_place(view, places[i][0]);
        assert_string_equal(place, places[i][1]);
        free(place);
    }
    assert_true(config_given(view, "approvals.required"));
    assert_false(config_own(view, "approvals.required"));
    assert_true(config_own(view, "approvals.expires_after"));
    assert_false(config_given(view, "windows[1]"));
    assert_string_equal(config_cluster(view), "b");
    struct err err = {0};
    struct window_set *set = window_set_new();
    assert_int_equal(config_windows(view, NULL, set, &err), -1);
    assert_non_null(strstr(err.message, "tare.yaml, line 9: clusters[0].windows[0].schedule"));
    window_set_free(set);
    config_free(view);
}

static void test_names(void **state)
{
    (void)state;
    static const char text[] = "cluster: top\nclusters: [{cluster: prod-eu}, {cluster: prod-us}]\n";
    struct config *config = load(text);
    struct err err = {0};
    assert_null(config_cluster(config));
    assert_null(config_for_cluster(config, "top"));
    assert_null(config_for_cluster(config, "prod"));
    assert_int_equal(config_take_cluster(&config, "top", &err), 0);
    assert_null(config_cluster(config));
    assert_int_equal(config_take_cluster(&config, "prod-ue", &err), -1);
    assert_int_equal(err.class, ERR_USAGE);
    assert_non_null(strstr(err.message, "tare.yaml has no cluster \"prod-ue\""));
    assert_non_null(strstr(err.hint, "prod-eu"));
    assert_int_equal(config_take_cluster(&config, "prod-us", &err), 0);
    assert_string_equal(config_cluster(config), "prod-us");
    assert_null(config_for_cluster(config, "prod-eu")); /* a view has no others */
    config_free(config);
    config = load("cluster: top\n");
    assert_int_equal(config_take_cluster(&config, "anything", &err), 0);
    assert_string_equal(config_string(config, "cluster"), "top");
    config_free(config);
}

/* What an entry says goes before the environment, not before what is typed. */
static void test_options(void **state)
{
    (void)state;
    static const char text[] = "metrics: {prometheus: 'http://top'}\nclusters: [{cluster: a, metrics: {prometheus: 'http://own'}}, {cluster: b}]\n";
    static const struct {
        const char *cluster;
        const char *typed;
        const char *wanted;
    } tries[] = {{"a", NULL, "http://own"}, {"b", NULL, "http://env"}, {"a", "http://typed", "http://typed"}, {"b", "http://typed", "http://typed"}};
    setenv("TARE_PROMETHEUS_URL", "http://env", 1);
    for (size_t i = 0; i < ARRAY_COUNT(tries); i++) {
        char name[] = "x";
        char option[] = "--prometheus";
        char *argv[] = {name, option, (char *)(uintptr_t)tries[i].typed, NULL};
        struct options *options = NULL;
        struct err err = {0};
        assert_int_equal(options_parse(tries[i].typed == NULL ? 1 : 3, argv, FOR_COLLECT, "x", &options, &err), 0);
        struct config *view = view_of(text, tries[i].cluster);
        options_use_config(options, view);
        assert_string_equal(options_string(options, OPT_PROMETHEUS), tries[i].wanted);
        options_free(options);
        config_free(view);
    }
    unsetenv("TARE_PROMETHEUS_URL");
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlay), cmocka_unit_test(test_as_a_file), cmocka_unit_test(test_places),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
