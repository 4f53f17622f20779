#include "pipeline/cli/stricter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/run/approval.h"
#include "pipeline/run/selector.h"

/* Which way a number gets stricter. A null one is no bound at all. */
enum direction { LOWER_IS_STRICTER, HIGHER_IS_STRICTER };

struct bound {
    const char *key;
    enum direction direction;
};

static const struct bound bounds[] = {
    {"policy.guardrails.max_increase_percent", LOWER_IS_STRICTER},
    {"policy.guardrails.max_decrease_percent", LOWER_IS_STRICTER},
    {"policy.guardrails.min_cpu", HIGHER_IS_STRICTER},
    {"policy.guardrails.min_memory", HIGHER_IS_STRICTER},
    {"policy.guardrails.max_cpu", LOWER_IS_STRICTER},
    {"policy.guardrails.max_memory", LOWER_IS_STRICTER},
    {"policy.guardrails.max_increase_cpu", LOWER_IS_STRICTER},
    {"policy.guardrails.max_increase_memory", LOWER_IS_STRICTER},
    {"policy.guardrails.max_decrease_cpu", LOWER_IS_STRICTER},
    {"policy.guardrails.max_decrease_memory", LOWER_IS_STRICTER},
    {"policy.guardrails.max_replicas", LOWER_IS_STRICTER},
    {"policy.guardrails.max_changes", LOWER_IS_STRICTER},
    {"policy.guardrails.max_namespace_share_percent", LOWER_IS_STRICTER},
    {"policy.guardrails.min_monthly_saving_usd", HIGHER_IS_STRICTER},
    {"approvals.required", HIGHER_IS_STRICTER},
    {"approvals.expires_after", LOWER_IS_STRICTER},
};

/* A value as people write it: amounts by the key that they stand under. New. */
static char *value_text(const char *key, const json_t *value)
{
    char text[QUANTITY_MAX];
    int64_t amount = json_integer_value(value);
    if (json_is_integer(value) && str_ends(key, "_cpu")) {
        return xstrdup(quantity_cpu_format(amount, text));
    }
    if (json_is_integer(value) && str_ends(key, "_memory")) {
        return xstrdup(quantity_memory_format(amount, text));
    }
    if (json_is_integer(value) && str_ends(key, "expires_after")) {
        return xasprintf("%" PRId64 "s", amount);
    }
    if (json_is_real(value)) {
        return xasprintf("%g", json_real_value(value));
    }
    return json_text(value);
}

static int weaker(const struct config *own, const char *key, const json_t *own_value,
                  const json_t *stored_value, struct err *err)
{
    char *mine = value_text(key, own_value);
    char *theirs = value_text(key, stored_value);
    config_error(own, err, key, "%.200s is weaker than %.200s in the stored policy", mine, theirs);
    free(mine);
    free(theirs);
    return err_hint(err, "a run's own file may only be stricter; a tare_admin changes the policy with: "
                         "tare policy set FILE");
}

static bool number_is_weaker(enum direction direction, const json_t *own, const json_t *stored)
{
    if (!json_is_number(stored)) {
        return false;
    }
    if (!json_is_number(own)) {
        return true;
    }
    double difference = json_number_value(own) - json_number_value(stored);
    return direction == LOWER_IS_STRICTER ? difference > 0 : difference < 0;
}

static int check_bounds(const struct config *stored, const struct config *own, struct err *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(bounds); i++) {
        const json_t *mine = config_value(own, bounds[i].key);
        const json_t *theirs = config_value(stored, bounds[i].key);
        if (config_given(own, bounds[i].key) && number_is_weaker(bounds[i].direction, mine, theirs)) {
            return weaker(own, bounds[i].key, mine, theirs, err);
        }
    }
    return 0;
}

static bool list_has(const json_t *list, const json_t *value)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(list, index, item)
    {
        if (json_equal(item, value)) {
            return true;
        }
    }
    return false;
}

/* A list of what is never changed may only grow; a glob of the own file that takes in a stored one stands for it. */
static bool list_is_weaker(const json_t *mine, const json_t *theirs)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(theirs, index, item)
    {
        bool found = false;
        size_t other = 0;
        const json_t *own = NULL;
        json_array_foreach(mine, other, own)
        {
            found = found || selector_glob_covers(json_string_value(own), json_string_value(item));
        }
        if (!found) {
            return true;
        }
    }
    return false;
}

static int check_exclusions(const struct config *stored, const struct config *own, struct err *err)
{
    static const char *const lists[] = {"policy.exclude.namespaces", "policy.exclude.kinds", "policy.exclude.workloads"};
    static const char *const annotation = "policy.exclude.annotation";
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        const json_t *list = config_value(own, lists[i]);
        if (config_given(own, lists[i]) && list_is_weaker(list, config_value(stored, lists[i]))) {
            return weaker(own, lists[i], list, config_value(stored, lists[i]), err);
        }
    }
    const json_t *mine = config_value(own, annotation);
    const json_t *theirs = config_value(stored, annotation);
    if (config_given(own, annotation) && theirs != NULL && (mine == NULL || !json_equal(mine, theirs))) {
        return weaker(own, annotation, mine, theirs, err);
    }
    return 0;
}

/* What needs no approval may only become less: a lower risk over the same workloads or fewer, or nothing at all. */
static bool automatic_is_weaker(const json_t *own, const json_t *stored)
{
    const char *mine = json_string_or_null(own, "max_risk");
    const char *theirs = json_string_or_null(stored, "max_risk");
    if (mine == NULL) {
        return false;
    }
    return theirs == NULL || risk_of(mine) > risk_of(theirs) ||
           !selector_covers(json_object_get(stored, "match"), json_object_get(own, "match"));
}

static bool same_or_none(const json_t *a, const json_t *b)
{
    return json_object_size(a) == 0 ? json_object_size(b) == 0 : json_equal(a, b);
}

/* Whether a rule of the own file is a stored one with a smaller number. Both hold, so it would not count: but somebody believes that
 * it does. */
static bool rule_is_weaker(const json_t *own, const json_t *stored)
{
    return same_or_none(json_object_get(own, "match"), json_object_get(stored, "match")) &&
           same_or_none(json_object_get(own, "when"), json_object_get(stored, "when")) &&
           json_int_or(own, "required", 1) < json_int_or(stored, "required", 1);
}

static int check_rules(const struct config *stored, const struct config *own, struct err *err)
{
    static const char *const rules = "approvals.rules";
    const json_t *all = config_value(stored, rules);
    size_t index = 0;
    const json_t *mine = NULL;
    json_array_foreach(config_value(own, rules), index, mine)
    {
        size_t other = 0;
        const json_t *theirs = NULL;
        json_array_foreach(all, other, theirs)
        {
            if (!list_has(all, mine) && rule_is_weaker(mine, theirs)) {
                char key[64];
                snprintf(key, sizeof key, "approvals.rules[%zu].required", index);
                return weaker(own, key, json_object_get(mine, "required"), json_object_get(theirs, "required"), err);
            }
        }
    }
    return 0;
}

static int check_approvals(const struct config *stored, const struct config *own, struct err *err)
{
    static const char *const separation = "approvals.separation_of_duties";
    static const char *const automatic = "approvals.automatic";
    if (config_given(own, separation) && !config_flag(own, separation) && config_flag(stored, separation)) {
        return weaker(own, separation, config_value(own, separation), config_value(stored, separation), err);
    }
    const json_t *mine = config_value(own, automatic);
    const json_t *theirs = config_value(stored, automatic);
    return automatic_is_weaker(mine, theirs) ? weaker(own, automatic, mine, theirs, err) : check_rules(stored, own, err);
}

/* What the stored policy says of a bound for all that `match` is about: the last override about all of it that gives one, else the
 * value for everybody. */
static const json_t *stored_bound(const struct config *stored, const struct bound *bound, const char *dotted, const json_t *match)
{
    const json_t *value = config_value(stored, bound->key);
    size_t index = 0;
    const json_t *override = NULL;
    json_array_foreach(config_value(stored, "policy.overrides"), index, override)
    {
        const json_t *given = json_at(override, dotted);
        if (json_is_number(given) && selector_covers(json_object_get(override, "match"), match)) {
            value = given;
        }
    }
    return value;
}

/* The advice that the stored policy lets become objects for all that `match` is about; NULL: it says nothing of it. */
static const json_t *stored_advice(const struct config *stored, const json_t *match)
{
    const json_t *list = config_given(stored, "apply.advice") ? config_value(stored, "apply.advice") : NULL;
    size_t index = 0;
    const json_t *override = NULL;
    json_array_foreach(config_value(stored, "policy.overrides"), index, override)
    {
        const json_t *given = json_at(override, "apply.advice");
        if (json_is_array(given) && selector_covers(json_object_get(override, "match"), match)) {
            list = given;
        }
    }
    return list;
}

/* A list of what may be done may only shrink. */
static int check_list(const struct config *own, const char *key, const json_t *mine, const json_t *theirs, struct err *err)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(mine, index, item)
    {
        if (theirs != NULL && !str_equal(json_string_value(item), "none") && !list_has(theirs, item)) {
            return weaker(own, key, mine, theirs, err);
        }
    }
    return 0;
}

/* New objects: which advice becomes one, for everybody and by override. What the stored policy says of some workloads only is the
 * gate's to judge. */
static int check_advice(const struct config *stored, const struct config *own, struct err *err)
{
    static const char *const advice = "apply.advice";
    size_t index = 0;
    const json_t *override = NULL;
    if (config_given(own, advice) && check_list(own, advice, config_value(own, advice), stored_advice(stored, NULL), err)) {
        return -1;
    }
    json_array_foreach(config_value(own, "policy.overrides"), index, override)
    {
        char key[64];
        snprintf(key, sizeof key, "policy.overrides[%zu].%s", index, advice);
        const json_t *theirs = stored_advice(stored, json_object_get(override, "match"));
        if (!list_has(config_value(stored, "policy.overrides"), override) &&
            check_list(own, key, json_at(override, advice), theirs, err)) {
            return -1;
        }
    }
    return 0;
}

/* An override of the own file that loosens a stored bound. One that the stored policy has too is its own affair. */
static int check_override(const struct config *stored, const struct config *own, size_t index,
                          const json_t *override, struct err *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(bounds); i++) {
        const char *dot =
            str_starts(bounds[i].key, "policy.") ? bounds[i].key + strlen("policy.") : bounds[i].key;
        const json_t *mine = json_at(override, dot);
        const json_t *theirs = stored_bound(stored, &bounds[i], dot, json_object_get(override, "match"));
        char key[128];
        snprintf(key, sizeof key, "policy.overrides[%zu].%s", index, dot);
        if (json_is_number(mine) && number_is_weaker(bounds[i].direction, mine, theirs)) {
            return weaker(own, key, mine, theirs, err);
        }
    }
    return 0;
}

static int check_overrides(const struct config *stored, const struct config *own, struct err *err)
{
    const json_t *theirs = config_value(stored, "policy.overrides");
    size_t index = 0;
    const json_t *override = NULL;
    json_array_foreach(config_value(own, "policy.overrides"), index, override)
    {
        if (!list_has(theirs, override) && check_override(stored, own, index, override, err)) {
            return -1;
        }
    }
    return 0;
}

/* An own window is evaluated besides the stored ones and so can only deny more; but one that says something
 * else under a stored window's name means that somebody believes in a freeze that is not in force. */
static int check_windows(const struct config *stored, const struct config *own, struct err *err)
{
    size_t index = 0;
    const json_t *mine = NULL;
    json_array_foreach(config_value(own, "windows"), index, mine)
    {
        size_t other = 0;
        const json_t *theirs = NULL;
        json_array_foreach(config_value(stored, "windows"), other, theirs)
        {
            if (str_equal(json_string_or_null(mine, "name"), json_string_or_null(theirs, "name")) &&
                !json_equal(mine, theirs)) {
                char key[48];
                snprintf(key, sizeof key, "windows[%zu].name", index);
                config_error(own, err, key, "the stored policy has another window \"%s\"",
                             json_string_or_null(mine, "name"));
                return err_hint(err, "give it another name, or write it as tare policy show has it");
            }
        }
    }
    return 0;
}

int stricter_check(const struct config *stored, const struct config *own, struct err *err)
{
    return check_bounds(stored, own, err) || check_exclusions(stored, own, err) ||
                   check_approvals(stored, own, err) || check_overrides(stored, own, err) ||
                   check_windows(stored, own, err) || check_advice(stored, own, err)
               ? -1
               : 0;
}
