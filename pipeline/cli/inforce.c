#include "pipeline/cli/inforce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/stricter.h"
#include "pipeline/run/approval.h"
#include "pipeline/run/ledger.h"

static const char *const governed[] = {"approvals", "windows", "policy.guardrails", "policy.exclude",
                                       "policy.overrides"};

int config_windows(const struct config *config, struct window_set *set, struct err *err)
{
    struct err inner = {0};
    if (window_set_add(set, config_value(config, "windows"), NULL, &inner) == 0) {
        return 0;
    }
    config_error(config, err, window_set_fault(set), "%s", inner.message);
    return inner.hint[0] == '\0' ? -1 : err_hint(err, "%s", inner.hint);
}

/* The governed part of a configuration, as what the digest is made of. New. */
static json_t *governed_part(const struct config *config)
{
    json_t *part = json_object();
    for (size_t i = 0; config != NULL && i < ARRAY_COUNT(governed); i++) {
        const json_t *value = config_value(config, governed[i]);
        json_object_set_new(part, governed[i], value == NULL ? json_null() : json_deep_copy(value));
    }
    return part;
}

static void make_digest(struct inforce *inforce)
{
    json_t *whole = json_object();
    json_object_set_new(whole, "own", governed_part(inforce->own));
    json_object_set_new(whole, "stored",
                        inforce->stored == NULL ? json_null() : governed_part(inforce->stored));
    char *text = json_text(whole);
    hash_bytes(text, strlen(text), inforce->digest);
    free(text);
    json_decref(whole);
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
    return config_windows(out->own, out->windows, err);
}

static int both(struct inforce *out, struct err *err)
{
    if (check_approvals(out->stored, err) || config_windows(out->stored, out->windows, err) ||
        config_windows(out->own, out->windows, err) || stricter_check(out->stored, out->own, err)) {
        return -1;
    }
    out->approvals = join_approvals(out->stored, out->own);
    out->overrides = list_of(out->stored, "policy.overrides");
    json_t *more = list_of(out->own, "policy.overrides");
    json_array_extend(out->overrides, more);
    json_decref(more);
    return 0;
}

int inforce_join(const char *stored_text, const struct config *own, struct inforce *out, struct err *err)
{
    *out = (struct inforce){.own = own, .windows = window_set_new()};
    if (stored_text != NULL &&
        config_parse(stored_text, strlen(stored_text), "the stored policy", &out->stored, err)) {
        return -1;
    }
    if (check_approvals(own, err) || (out->stored == NULL ? own_only(out, err) : both(out, err))) {
        return -1;
    }
    make_digest(out);
    return 0;
}

int inforce_load(struct ledger *ledger, const struct config *own, struct inforce *out, struct err *err)
{
    json_t *policy = NULL;
    *out = (struct inforce){0};
    if (ledger != NULL && ledger_policy_get(ledger, &policy, err)) {
        return -1;
    }
    int failed = inforce_join(json_string_or_null(policy, "text"), own, out, err);
    json_decref(policy);
    return failed;
}

void inforce_release(struct inforce *inforce)
{
    config_free(inforce->stored);
    window_set_free(inforce->windows);
    json_decref(inforce->approvals);
    json_decref(inforce->overrides);
    *inforce = (struct inforce){0};
}
