#include "pipeline/run/approval.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/selector.h"

enum { ROLE_MAX = 63, RULES_MAX = 1000 }; /* a role is a Postgres name */

static const char *const risk_names[] = {"low", "medium", "high"};

enum risk risk_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(risk_names); i++) {
        if (str_equal(name, risk_names[i])) {
            return (enum risk)i;
        }
    }
    return RISK_HIGH;
}

const char *risk_name(enum risk risk)
{
    return risk_names[risk];
}

static bool in_range(const json_t *value)
{
    return value == NULL || json_is_null(value) ||
           (json_is_integer(value) && json_integer_value(value) >= 0 &&
            json_integer_value(value) <= APPROVALS_MAX);
}

static int check_rule(const json_t *rule, size_t index, const char *place, struct err *err)
{
    const char *role = json_string_or_null(rule, "role");
    if (!in_range(json_object_get(rule, "required"))) {
        return err_set(err, ERR_CONFIG, "%s: approvals.rules[%zu].required is not a number from 0 to %d",
                       place, index, APPROVALS_MAX);
    }
    if (role != NULL && (*role == '\0' || strlen(role) > ROLE_MAX)) {
        return err_set(err, ERR_CONFIG, "%s: approvals.rules[%zu].role is not the name of a database role",
                       place, index);
    }
    return 0;
}

int approval_check(const json_t *approvals, const char *place, struct err *err)
{
    if (!in_range(json_object_get(approvals, "required"))) {
        return err_set(err, ERR_CONFIG, "%s: approvals.required is not a number from 0 to %d", place,
                       APPROVALS_MAX);
    }
    const json_t *expires = json_object_get(approvals, "expires_after");
    if (json_is_integer(expires) && json_integer_value(expires) <= 0) {
        return err_set(err, ERR_CONFIG, "%s: approvals.expires_after is not longer than 0", place);
    }
    const json_t *automatic = json_object_get(approvals, "automatic");
    if (json_is_object(automatic) && json_object_size(automatic) > 0 &&
        json_string_or_null(automatic, "max_risk") == NULL) {
        err_set(err, ERR_CONFIG, "%s: approvals.automatic.max_risk is missing", place);
        return err_hint(err, "say up to which risk a change needs no approval: low, medium or high");
    }
    const json_t *rules = json_object_get(approvals, "rules");
    if (json_array_size(rules) > RULES_MAX) {
        return err_set(err, ERR_CONFIG, "%s: approvals.rules has more than %d rules", place, RULES_MAX);
    }
    size_t index = 0;
    const json_t *rule = NULL;
    json_array_foreach(rules, index, rule)
    {
        if (check_rule(rule, index, place, err)) {
            return -1;
        }
    }
    return 0;
}

/* The number that counts for every change, and where it stands. */
static int general_number(const json_t *approvals, const json_t *overrides,
                          const struct approval_facts *facts, char rule[APPROVAL_RULE_MAX])
{
    int64_t number = json_int_or(approvals, "required", 1);
    snprintf(rule, APPROVAL_RULE_MAX, "approvals.required");
    size_t index = 0;
    const json_t *override = NULL;
    json_array_foreach(overrides, index, override)
    {
        int64_t own = 0;
        if (selector_match(json_object_get(override, "match"), facts->workload, facts->namespace, facts->class) &&
            json_get_int(json_object_get(override, "approvals"), "required", &own)) {
            number = own;
            snprintf(rule, APPROVAL_RULE_MAX, "policy.overrides[%zu].approvals.required", index);
        }
    }
    return number < 0 ? 1 : number > APPROVALS_MAX ? APPROVALS_MAX : (int)number;
}

/* Whether a threshold is set, and reached. A fact that is not known counts as reached. */
static bool reached(const json_t *when, const char *key, bool known, double value, bool *any)
{
    double threshold = 0;
    if (!json_get_number(when, key, &threshold)) {
        return false;
    }
    *any = true;
    return !known || value >= threshold;
}

static bool rule_applies(const json_t *rule, const struct approval_facts *facts)
{
    if (!selector_match(json_object_get(rule, "match"), facts->workload, facts->namespace, facts->class)) {
        return false;
    }
    const json_t *when = json_object_get(rule, "when");
    const char *risk = json_string_or_null(when, "risk");
    bool any = risk != NULL;
    bool met = risk != NULL && facts->risk >= risk_of(risk);
    met = reached(when, "decrease_percent", true, facts->decrease_percent, &any) || met;
    met = reached(when, "increase_percent", true, facts->increase_percent, &any) || met;
    met = reached(when, "monthly_usd", facts->priced, facts->monthly_usd, &any) || met;
    return met || !any;
}

static void add_text(char rule[APPROVAL_RULE_MAX], const char *text)
{
    size_t length = strlen(rule);
    snprintf(rule + length, APPROVAL_RULE_MAX - length, "%s%s", length == 0 ? "" : ", ", text);
}

/* Adds the demand of one rule that applies. tare_approver is what every approver holds anyway. */
static void add_demand(const json_t *rule, size_t index, struct approval_requirement *out)
{
    int64_t number = json_int_or(rule, "required", 1);
    const char *role = json_string_or_null(rule, "role");
    char text[64];
    snprintf(text, sizeof text, "approvals.rules[%zu]", index);
    if (number <= 0) {
        return;
    }
    add_text(out->rule, text);
    out->approvals = number > out->approvals ? (int)number : out->approvals;
    if (role == NULL || str_equal(role, "tare_approver")) {
        return;
    }
    out->conflict = out->conflict || (out->role != NULL && !str_equal(out->role, role));
    out->role = role;
}

static bool is_automatic(const json_t *approvals, const struct approval_facts *facts)
{
    const json_t *automatic = json_object_get(approvals, "automatic");
    const char *risk = json_string_or_null(automatic, "max_risk");
    return risk != NULL && facts->risk <= risk_of(risk) &&
           selector_match(json_object_get(automatic, "match"), facts->workload, facts->namespace, facts->class);
}

void approval_require(const json_t *approvals, const json_t *overrides, const struct approval_facts *facts,
                      struct approval_requirement *out)
{
    *out = (struct approval_requirement){0};
    char general[APPROVAL_RULE_MAX];
    int number = general_number(approvals, overrides, facts, general);
    size_t index = 0;
    const json_t *rule = NULL;
    json_array_foreach(json_object_get(approvals, "rules"), index, rule)
    {
        if (rule_applies(rule, facts)) {
            add_demand(rule, index, out);
        }
    }
    bool automatic = is_automatic(approvals, facts);
    if (number > 0 && !automatic) {
        out->approvals = number > out->approvals ? number : out->approvals;
        add_text(out->rule, general);
    } else if (out->approvals == 0) {
        add_text(out->rule, number > 0 ? "approvals.automatic" : general);
    }
}
