#include "stages/policy/lint_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/calendars.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/run/approval.h"

enum { MESSAGE_MAX = 700, KEY_MAX = 160 };

static const char *const resources[] = {"cpu", "memory"};

static void add(json_t *list, const char *code, const char *message, const char *hint)
{
    json_t *entry = json_object();
    json_object_set_new(entry, "code", json_string(code));
    json_object_set_new(entry, "message", json_string_safe(message));
    if (hint != NULL && hint[0] != '\0') {
        json_object_set_new(entry, "hint", json_string_safe(hint));
    }
    json_array_append_new(list, entry);
}

void lint_warn(const struct lint *lint, const char *code, const char *key, const char *format, ...)
{
    char sentence[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    char *place = config_place(lint->config, key);
    char *message = xasprintf("%s: %s", place, sentence);
    add(lint->warnings, code, message, NULL);
    free(message);
    free(place);
}

void findings_error(struct findings *findings, const struct err *err)
{
    add(findings->errors, "refused", err->message, err->hint);
}

void findings_release(struct findings *findings)
{
    json_decref(findings->errors);
    json_decref(findings->warnings);
}

/* The floor of a resource is above its ceiling: the floor wins, and nothing else is allowed. Within one object that is an error. */
static void check_floor(const struct lint *lint, const json_t *top, const json_t *own, const char *where, const char *resource,
                        struct findings *out)
{
    char floor[32];
    char ceiling[32];
    char key[KEY_MAX];
    snprintf(floor, sizeof floor, "min_%s", resource);
    snprintf(ceiling, sizeof ceiling, "max_%s", resource);
    int64_t low = json_int_or(own, floor, json_int_or(top, floor, -1));
    int64_t high = json_int_or(own, ceiling, json_int_or(top, ceiling, -1));
    if (high < 0 || low <= high) {
        return;
    }
    bool has_low = json_is_integer(json_object_get(own, floor));
    bool has_high = json_is_integer(json_object_get(own, ceiling));
    snprintf(key, sizeof key, "%s.guardrails.%s", where, has_low ? floor : ceiling);
    if (has_low && has_high) {
        struct err err = {0};
        config_error(lint->config, &err, key, "is above %s", ceiling);
        findings_error(out, &err);
    } else if (has_low || has_high) {
        lint_warn(lint, "floor-above-ceiling", key,
                  "with the %s of the file the floor is above the ceiling: it wins, and no other amount is allowed",
                  has_low ? ceiling : floor);
    }
}

/* Numbers that allow nothing. */
static void check_zeros(const struct lint *lint)
{
    static const struct {
        const char *key, *sentence;
    } zeros[] = {
        {"policy.guardrails.max_namespace_share_percent", "0 percent are no workload at all: no change can ever be made"},
        {"policy.guardrails.max_changes", "0 lets no run change anything"},
        {"policy.guardrails.max_replicas", "0 replicas: scaling advice may never ask for more than there is"},
        {"policy.guardrails.max_increase_percent", "0 lets no value grow, not even one that is too small"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(zeros); i++) {
        if (config_given(lint->config, zeros[i].key) && config_integer(lint->config, zeros[i].key, 1) == 0) {
            lint_warn(lint, "allows-nothing", zeros[i].key, "%s", zeros[i].sentence);
        }
    }
    if (config_integer(lint->config, "policy.guardrails.max_decrease_percent", 0) >= 100) {
        lint_warn(lint, "no-limit", "policy.guardrails.max_decrease_percent", "100 percent or more limit nothing");
    }
    if (config_integer(lint->config, "policy.guardrails.max_namespace_share_percent", 0) > 100) {
        lint_warn(lint, "no-limit", "policy.guardrails.max_namespace_share_percent", "more than 100 percent limit nothing");
    }
}

static void check_guardrails(const struct lint *lint, struct findings *out)
{
    const json_t *top = config_value(lint->config, "policy.guardrails");
    size_t index = 0;
    const json_t *override = NULL;
    for (size_t r = 0; r < ARRAY_COUNT(resources); r++) {
        check_floor(lint, NULL, top, "policy", resources[r], out);
        json_array_foreach(config_value(lint->config, "policy.overrides"), index, override)
        {
            char where[KEY_MAX / 2];
            snprintf(where, sizeof where, "policy.overrides[%zu]", index);
            check_floor(lint, top, json_object_get(override, "guardrails"), where, resources[r], out);
        }
    }
    check_zeros(lint);
}

/* Whether a glob of protected workloads can fit namespace/Kind/name. */
static bool names_workloads(const char *glob)
{
    size_t slashes = 0;
    for (const char *at = glob; *at != '\0'; at++) {
        slashes += *at == '/';
    }
    return slashes == 2 || (slashes < 2 && strchr(glob, '*') != NULL);
}

static void check_protected(const struct lint *lint)
{
    size_t index = 0;
    const json_t *glob = NULL;
    json_array_foreach(config_value(lint->config, "policy.exclude.workloads"), index, glob)
    {
        const char *text = json_string_value(glob);
        if (text != NULL && !names_workloads(text)) {
            char key[KEY_MAX];
            snprintf(key, sizeof key, "policy.exclude.workloads[%zu]", index);
            lint_warn(lint, "protects-nothing", key, "\"%.80s\" is no namespace/Kind/name and protects nothing", text);
        }
    }
}

json_t *lint_roles(const struct config *config)
{
    json_t *seen = json_object();
    size_t index = 0;
    const json_t *rule = NULL;
    json_array_foreach(config_value(config, "approvals.rules"), index, rule)
    {
        const char *role = json_string_or_null(rule, "role");
        if (role != NULL) {
            json_object_set_new(seen, role, json_null());
        }
    }
    json_t *out = json_array();
    const char *role = NULL;
    const json_t *unused = NULL;
    json_object_foreach(seen, role, unused)
    {
        json_array_append_new(out, json_string_safe(role));
    }
    json_decref(seen);
    return out;
}

static bool has_text(const json_t *list, const char *text)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(list, index, item)
    {
        if (str_equal(json_string_value(item), text)) {
            return true;
        }
    }
    return false;
}

static void check_roles(const struct lint *lint, const json_t *roles)
{
    size_t index = 0;
    const json_t *rule = NULL;
    json_array_foreach(config_value(lint->config, "approvals.rules"), index, rule)
    {
        const char *role = json_string_or_null(rule, "role");
        if (roles != NULL && role != NULL && !has_text(roles, role)) {
            char key[KEY_MAX];
            snprintf(key, sizeof key, "approvals.rules[%zu].role", index);
            lint_warn(lint, "no-such-role", key, "the ledger's server has no role \"%.63s\": nobody could approve", role);
        }
    }
}

/* What would be refused when the file is used. */
static void check_errors(struct lint *lint, json_t **files, struct findings *out)
{
    struct err err = {0};
    const char *path = config_path(lint->config);
    if (approval_check(config_value(lint->config, "approvals"), path == NULL ? "the configuration" : path, &err)) {
        findings_error(out, &err);
    }
    lint->windows = window_set_new();
    err = (struct err){0};
    if (config_calendars(lint->config, NULL, files, &err) || config_windows(lint->config, *files, lint->windows, &err)) {
        findings_error(out, &err);
        window_set_free(lint->windows);
        lint->windows = NULL;
    }
}

void lint(const struct config *config, int64_t now, const json_t *roles, struct findings *out)
{
    *out = (struct findings){json_array(), json_array()};
    struct lint lint = {.config = config, .now = now, .warnings = out->warnings};
    json_t *files = NULL;
    check_errors(&lint, &files, out);
    check_guardrails(&lint, out);
    check_protected(&lint);
    lint_rules(&lint);
    check_roles(&lint, roles);
    if (lint.windows != NULL) {
        lint_windows(&lint, files);
    }
    window_set_free(lint.windows);
    json_decref(files);
}
