#include "pipeline/cli/inforce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/calendars.h"
#include "pipeline/cli/stricter.h"
#include "pipeline/run/approval.h"
#include "pipeline/run/ledger.h"

static const char *const governed[] = {"approvals", "windows", "policy.guardrails", "policy.exclude",
                                       "policy.overrides", "apply.advice"};

int config_windows(const struct config *config, const json_t *files, struct window_set *set, struct err *err)
{
    struct err inner = {0};
    if (window_set_add(set, config_value(config, "windows"), files, NULL, &inner) == 0) {
        return 0;
    }
    config_error(config, err, window_set_fault(set), "%s", inner.message);
    return inner.hint[0] == '\0' ? -1 : err_hint(err, "%s", inner.hint);
}

/* The governed part of a configuration, as what the digest is made of: of calendars it is their bytes. New. */
static json_t *governed_part(const struct config *config, const json_t *files)
{
    json_t *part = json_object();
    for (size_t i = 0; config != NULL && i < ARRAY_COUNT(governed); i++) {
        const json_t *value = config_value(config, governed[i]);
        json_object_set_new(part, governed[i], value == NULL ? json_null() : json_deep_copy(value));
    }
    calendars_digest(json_object_get(part, "windows"), files);
    return part;
}

static void make_digest(struct inforce *inforce)
{
    json_t *whole = json_object();
    json_object_set_new(whole, "own", governed_part(inforce->own, inforce->own_files));
    json_object_set_new(whole, "stored",
                        inforce->stored == NULL ? json_null() : governed_part(inforce->stored, inforce->stored_files));
    char *text = json_text(whole);
    hash_bytes(text, strlen(text), inforce->digest);
    free(text);
    inforce->governed = whole;
}

/* A list of the configuration as a new array; empty where there is none. */
static json_t *list_of(const struct config *config, const char *key)
{
    const json_t *list = config_value(config, key);
    return json_is_array(list) ? json_deep_copy(list) : json_array();
}

/* The approvals that count: each value the own file gives (it is no weaker), else the stored one; rules of
 * both. */
static json_t *join_approvals(const struct config *stored, const struct config *own)
{
    const json_t *base = config_value(stored, "approvals");
    json_t *joined = json_is_object(base) ? json_deep_copy(base) : json_object();
    static const char *const keys[] = {"required", "separation_of_duties", "expires_after", "automatic"};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        char key[64];
        snprintf(key, sizeof key, "approvals.%s", keys[i]);
        if (config_given(own, key)) {
            const json_t *value = config_value(own, key);
            json_object_set_new(joined, keys[i], value == NULL ? json_null() : json_deep_copy(value));
        }
    }
    json_t *rules = list_of(stored, "approvals.rules");
    json_t *more = list_of(own, "approvals.rules");
    json_array_extend(rules, more);
    json_decref(more);
    json_object_set_new(joined, "rules", rules);
    return joined;
}

static void add_labels(json_t *keys, const json_t *labels)
{
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)labels, key, value)
    {
        json_object_set_new(keys, key, json_null());
    }
}

/* Adds the keys of the labels that the entries of a list ask about; `member` is "match", or NULL where they stand in the entry. */
static void add_labels_of(json_t *keys, const json_t *list, const char *member)
{
    size_t index = 0;
    const json_t *entry = NULL;
    json_array_foreach(list, index, entry)
    {
        add_labels(keys, json_object_get(member == NULL ? entry : json_object_get(entry, member), "labels"));
    }
}

/* The labels of a workload that anything in force asks about. New. */
static json_t *labels_asked(const struct inforce *inforce)
{
    json_t *keys = json_object();
    add_labels_of(keys, inforce->overrides, "match");
    add_labels_of(keys, json_object_get(inforce->approvals, "rules"), "match");
    add_labels(keys, json_at(inforce->approvals, "automatic.match.labels"));
    add_labels_of(keys, config_value(inforce->own, "windows"), NULL);
    if (inforce->stored != NULL) {
        add_labels_of(keys, config_value(inforce->stored, "windows"), NULL);
    }
    return keys;
}

static int check_approvals(const struct config *config, struct err *err)
{
    const char *path = config_path(config);
    return approval_check(config_value(config, "approvals"), path == NULL ? "the configuration" : path, err);
}

/* Own values only, where nothing was stored. */
static int own_only(struct inforce *out, struct err *err)
{
    const json_t *approvals = config_value(out->own, "approvals");
    out->approvals = json_is_object(approvals) ? json_deep_copy(approvals) : json_object();
    out->overrides = list_of(out->own, "policy.overrides");
    return config_windows(out->own, out->own_files, out->windows, err);
}

static int both(struct inforce *out, struct err *err)
{
    if (check_approvals(out->stored, err) || config_windows(out->stored, out->stored_files, out->windows, err) ||
        config_windows(out->own, out->own_files, out->windows, err) || stricter_check(out->stored, out->own, err)) {
        return -1;
    }
    out->approvals = join_approvals(out->stored, out->own);
    out->overrides = list_of(out->stored, "policy.overrides");
    json_t *more = list_of(out->own, "policy.overrides");
    json_array_extend(out->overrides, more);
    json_decref(more);
    return 0;
}

int inforce_join_files(const char *stored_text, json_t *stored_files, const struct config *own, struct inforce *out,
                       struct err *err)
{
    *out = (struct inforce){.own = own, .windows = window_set_new(), .stored_files = json_incref(stored_files)};
    if (stored_text != NULL &&
        config_parse(stored_text, strlen(stored_text), "the stored policy", &out->stored, err)) {
        return -1;
    }
    if (config_calendars(own, NULL, &out->own_files, err) || check_approvals(own, err) ||
        (out->stored == NULL ? own_only(out, err) : both(out, err))) {
        return -1;
    }
    out->labels = labels_asked(out);
    make_digest(out);
    return 0;
}

int inforce_join(const char *stored_text, const struct config *own, struct inforce *out, struct err *err)
{
    return inforce_join_files(stored_text, NULL, own, out, err);
}

int inforce_load(struct ledger *ledger, const struct config *own, struct inforce *out, struct err *err)
{
    json_t *policy = NULL;
    *out = (struct inforce){0};
    if (ledger != NULL && ledger_policy_get(ledger, &policy, err)) {
        return -1;
    }
    int failed =
        inforce_join_files(json_string_or_null(policy, "text"), json_object_get(policy, "files"), own, out, err);
    const char *digest = json_string_or_null(policy, "digest");
    snprintf(out->stored_digest, sizeof out->stored_digest, "%s", digest == NULL ? "" : digest);
    json_decref(policy);
    return failed;
}

void inforce_release(struct inforce *inforce)
{
    config_free(inforce->stored);
    window_set_free(inforce->windows);
    json_decref(inforce->approvals);
    json_decref(inforce->overrides);
    json_decref(inforce->labels);
    json_decref(inforce->governed);
    json_decref(inforce->own_files);
    json_decref(inforce->stored_files);
    *inforce = (struct inforce){0};
}
