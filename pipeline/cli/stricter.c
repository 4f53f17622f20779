#include "pipeline/cli/stricter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/approval.h"

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
    {"policy.guardrails.max_changes", LOWER_IS_STRICTER},
    {"approvals.required", HIGHER_IS_STRICTER},
    {"approvals.expires_after", LOWER_IS_STRICTER},
};

static int weaker(const struct config *own, const char *key, const json_t *own_value,
                  const json_t *stored_value, struct err *err)
{
    char *mine = json_text(own_value);
    char *theirs = json_text(stored_value);
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

static int check_exclusions(const struct config *stored, const struct config *own, struct err *err)
{
    static const char *const namespaces = "policy.exclude.namespaces";
    static const char *const annotation = "policy.exclude.annotation";
    const json_t *mine = config_value(own, namespaces);
    const json_t *theirs = config_value(stored, namespaces);
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(theirs, index, item)
    {
        if (config_given(own, namespaces) && !list_has(mine, item)) {
            return weaker(own, namespaces, mine, theirs, err);
        }
    }
    mine = config_value(own, annotation);
    theirs = config_value(stored, annotation);
    if (config_given(own, annotation) && theirs != NULL && (mine == NULL || !json_equal(mine, theirs))) {
        return weaker(own, annotation, mine, theirs, err);
    }
    return 0;
}

/* What needs no approval may only become less: a lower risk over the same workloads, or nothing at all. */
static bool automatic_is_weaker(const json_t *own, const json_t *stored)
{
    const char *mine = json_string_or_null(own, "max_risk");
    const char *theirs = json_string_or_null(stored, "max_risk");
    if (mine == NULL) {
        return false;
    }
    const json_t *own_match = json_object_get(own, "match");
    const json_t *stored_match = json_object_get(stored, "match");
    bool same = stored_match == NULL || json_is_null(stored_match) ||
                (own_match != NULL && json_equal(own_match, stored_match));
    return theirs == NULL || risk_of(mine) > risk_of(theirs) || !same;
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
    return automatic_is_weaker(mine, theirs) ? weaker(own, automatic, mine, theirs, err) : 0;
}

/* An override of the own file that loosens a stored bound. One that the stored policy has too is its own
 * affair. */
static int check_override(const struct config *stored, const struct config *own, size_t index,
                          const json_t *override, struct err *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(bounds); i++) {
        const char *dot =
            str_starts(bounds[i].key, "policy.") ? bounds[i].key + strlen("policy.") : bounds[i].key;
        const json_t *mine = json_at(override, dot);
        const json_t *theirs = config_value(stored, bounds[i].key);
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
                   check_windows(stored, own, err)
               ? -1
               : 0;
}
