#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/selector.h"
#include "stages/common/classes.h"
#include "stages/policy/lint_internal.h"

enum { KEY_MAX = 128 };

/* Kinds that a workload can have: those that tare-parse reads. */
static const char *const kinds[] = {"Deployment", "StatefulSet", "DaemonSet", "Job",     "CronJob",
                                    "ReplicaSet", "Pod",         "Rollout",   "DeploymentConfig", "ReplicationController"};

/* Whether a glob fits one of the names. */
static bool fits_any(const char *glob, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_glob(glob, names[i])) {
            return true;
        }
    }
    return false;
}

/* Warns of the globs of a list that fit no name. Whether all of them do not. */
static bool check_names(const struct lint *lint, const json_t *list, const char *key, const char *what, const char *const *names,
                        size_t count)
{
    size_t known = 0;
    size_t index = 0;
    const json_t *glob = NULL;
    json_array_foreach(list, index, glob)
    {
        const char *text = json_string_value(glob);
        if (text == NULL || fits_any(text, names, count)) {
            known++;
            continue;
        }
        char place[KEY_MAX];
        snprintf(place, sizeof place, "%.100s[%zu]", key, index);
        const char *near = str_nearest(text, names, count);
        lint_warn(lint, "unknown-name", place, "\"%.63s\" is no %s that tare knows%s%s", text, what,
                  near == NULL ? "" : "; did you mean ", near == NULL ? "" : near);
    }
    return json_array_size(list) > 0 && known == 0;
}

static void check_kinds(const struct lint *lint, const json_t *list, const char *key)
{
    (void)check_names(lint, list, key, "kind", kinds, ARRAY_COUNT(kinds));
}

/* What a match can never fit. */
static void check_match(const struct lint *lint, const json_t *match, const char *where)
{
    char key[KEY_MAX];
    size_t count = 0;
    const char *const *classes = classes_all(&count);
    snprintf(key, sizeof key, "%.80s.match.kinds", where);
    bool never = check_names(lint, json_object_get(match, "kinds"), key, "kind", kinds, ARRAY_COUNT(kinds));
    snprintf(key, sizeof key, "%.80s.match.classes", where);
    never = check_names(lint, json_object_get(match, "classes"), key, "class", classes, count) || never;
    const json_t *excluded = config_value(lint->config, "policy.exclude.namespaces");
    const json_t *namespaces = json_object_get(match, "namespaces");
    size_t out = 0;
    size_t index = 0;
    const json_t *glob = NULL;
    json_array_foreach(namespaces, index, glob)
    {
        size_t other = 0;
        const json_t *gone = NULL;
        bool covered = false;
        json_array_foreach(excluded, other, gone)
        {
            covered = covered || selector_glob_covers(json_string_value(gone), json_string_value(glob));
        }
        out += covered;
    }
    if (never || (index > 0 && out == json_array_size(namespaces))) {
        lint_warn(lint, "never-matches", where, "%s",
                  never ? "can never match a workload" : "is only about namespaces that are excluded");
    }
}

/* Whether everything that `first` sets is set again by `later`. */
static bool sets_all(const json_t *first, const json_t *later)
{
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)first, key, value)
    {
        const json_t *other = json_object_get(later, key);
        if (json_is_null(value) || str_equal(key, "match")) {
            continue;
        }
        if (other == NULL || json_is_null(other) || (json_is_object(value) && !sets_all(value, other))) {
            return false;
        }
    }
    return true;
}

static void check_overrides(const struct lint *lint)
{
    const json_t *overrides = config_value(lint->config, "policy.overrides");
    size_t count = json_array_size(overrides);
    for (size_t i = 0; i < count; i++) {
        const json_t *override = json_array_get(overrides, i);
        const json_t *match = json_object_get(override, "match");
        char where[KEY_MAX];
        snprintf(where, sizeof where, "policy.overrides[%zu]", i);
        check_match(lint, match, where);
        if (selector_covers(match, NULL)) {
            lint_warn(lint, "matches-everything", where, "has an empty match and counts for every workload: write it above instead");
        }
        for (size_t j = i + 1; j < count; j++) {
            const json_t *later = json_array_get(overrides, j);
            if (selector_covers(json_object_get(later, "match"), match) && sets_all(override, later)) {
                lint_warn(lint, "shadowed", where,
                          "never counts: policy.overrides[%zu] comes later, matches the same and sets the same", j);
                break;
            }
        }
    }
}

/* Whether rule `b` asks for whatever `a` asks for, wherever it does. */
static bool asks_the_same(const json_t *a, const json_t *b)
{
    const json_t *when = json_object_get(b, "when");
    const char *role = json_string_or_null(a, "role");
    bool always = json_object_size(when) == 0 || json_equal(json_object_get(a, "when"), when);
    bool same_role = role == NULL || str_equal(role, json_string_or_null(b, "role"));
    return always && same_role && selector_covers(json_object_get(b, "match"), json_object_get(a, "match")) &&
           json_int_or(b, "required", 1) >= json_int_or(a, "required", 1);
}

static void check_rules(const struct lint *lint)
{
    const json_t *rules = config_value(lint->config, "approvals.rules");
    size_t count = json_array_size(rules);
    for (size_t i = 0; i < count; i++) {
        const json_t *rule = json_array_get(rules, i);
        char where[KEY_MAX];
        snprintf(where, sizeof where, "approvals.rules[%zu]", i);
        check_match(lint, json_object_get(rule, "match"), where);
        if (json_int_or(rule, "required", 1) == 0) {
            lint_warn(lint, "asks-nothing", where, "asks for 0 approvals and never counts; approvals.automatic says what needs none");
            continue;
        }
        for (size_t j = 0; j < count; j++) {
            const json_t *other = json_array_get(rules, j);
            bool both = asks_the_same(rule, other) && asks_the_same(other, rule);
            if (j != i && asks_the_same(rule, other) && (!both || j < i)) {
                lint_warn(lint, "shadowed", where, "never counts: approvals.rules[%zu] asks for as much wherever it matches", j);
                break;
            }
        }
    }
}

static void check_automatic(const struct lint *lint)
{
    static const char *const key = "approvals.automatic";
    const json_t *automatic = config_value(lint->config, key);
    const char *risk = json_string_or_null(automatic, "max_risk");
    if (risk == NULL) {
        if (config_given(lint->config, "approvals.required") && config_integer(lint->config, "approvals.required", 1) == 0) {
            lint_warn(lint, "no-approval", "approvals.required", "0: whatever no rule is about is applied without anybody's approval");
        }
        return;
    }
    check_match(lint, json_object_get(automatic, "match"), key);
    if (selector_covers(json_object_get(automatic, "match"), NULL)) {
        lint_warn(lint, "matches-everything", key, "has an empty match: every workload changes without approval, up to risk %s", risk);
    }
    if (str_equal(risk, "high")) {
        lint_warn(lint, "automatic-high", "approvals.automatic.max_risk", "high: changes of any risk need no approval");
    }
}

void lint_rules(const struct lint *lint)
{
    check_kinds(lint, config_value(lint->config, "policy.exclude.kinds"), "policy.exclude.kinds");
    check_overrides(lint);
    check_rules(lint);
    check_automatic(lint);
}
