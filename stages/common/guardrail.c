#include "stages/common/guardrail.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/quantity.h"

void guardrails_default(struct guardrails *guardrails)
{
    guardrails->max_increase_percent = 200;
    guardrails->max_decrease_percent = 50;
    guardrails->floor[GUARDRAIL_CPU] = 10;
    guardrails->floor[GUARDRAIL_MEMORY] = 32 * 1024 * 1024;
    guardrails->ceiling[GUARDRAIL_CPU] = INT64_MAX;
    guardrails->ceiling[GUARDRAIL_MEMORY] = INT64_MAX;
}

const char *guardrail_rule_name(enum guardrail_rule rule, enum guardrail_resource resource)
{
    bool cpu = resource == GUARDRAIL_CPU;
    switch (rule) {
    case GUARDRAIL_MAX_INCREASE:
        return "max_increase_percent";
    case GUARDRAIL_MAX_DECREASE:
        return "max_decrease_percent";
    case GUARDRAIL_FLOOR:
        return cpu ? "min_cpu" : "min_memory";
    case GUARDRAIL_CEILING:
        return cpu ? "max_cpu" : "max_memory";
    case GUARDRAIL_NONE:
        break;
    }
    return "none";
}

/* old × factor as an integer, rounded towards old (up for the lower end, down for the upper), never past
 * int64. The tiny tolerance keeps 10 × 1.1 at 11 although 1.1 has no exact binary form. */
static int64_t scaled(int64_t old, double factor, bool up)
{
    double value = (double)old * factor;
    double tolerance = fabs(value) * 1e-12;
    value = up ? ceil(value - tolerance) : floor(value + tolerance);
    if (value >= 9.2e18)
        return INT64_MAX;
    return value < 0 ? 0 : (int64_t)value;
}

/* Pulls one end of the range inside floor and ceiling, and notes which of them did. */
static int64_t hold(int64_t value, int64_t low, int64_t high, enum guardrail_rule *rule)
{
    if (value < low) {
        *rule = GUARDRAIL_FLOOR;
        return low;
    }
    if (value > high) {
        *rule = GUARDRAIL_CEILING;
        return high;
    }
    return value;
}

struct guardrail_bounds guardrail_range(const struct guardrails *guardrails, enum guardrail_resource resource,
                                        int64_t old)
{
    int64_t low = guardrails->floor[resource];
    int64_t high = guardrails->ceiling[resource];
    if (high < low)
        high = low;
    struct guardrail_bounds bounds = {low, high, GUARDRAIL_FLOOR, GUARDRAIL_CEILING, old > 0};
    if (old <= 0)
        return bounds;
    bounds.min_rule = GUARDRAIL_MAX_DECREASE;
    bounds.max_rule = GUARDRAIL_MAX_INCREASE;
    double down = guardrails->max_decrease_percent > 100 ? 100 : guardrails->max_decrease_percent;
    bounds.min = hold(scaled(old, 1 - down / 100, true), low, high, &bounds.min_rule);
    bounds.max =
        hold(scaled(old, 1 + guardrails->max_increase_percent / 100, false), low, high, &bounds.max_rule);
    return bounds;
}

int64_t guardrail_clamp(const struct guardrail_bounds *bounds, int64_t proposed,
                        enum guardrail_rule *moved_by)
{
    enum guardrail_rule rule = GUARDRAIL_NONE;
    int64_t value = proposed;
    if (proposed < bounds->min) {
        value = bounds->min;
        rule = bounds->min_rule;
    } else if (proposed > bounds->max) {
        value = bounds->max;
        rule = bounds->max_rule;
    }
    if (moved_by)
        *moved_by = rule;
    return value;
}

double guardrail_percent(int64_t old, int64_t new_value)
{
    if (old <= 0 || new_value < 0)
        return 0;
    return ((double)new_value - (double)old) / (double)old * 100;
}

/* An amount as people write it. */
static const char *amount(enum guardrail_resource resource, int64_t value, char out[QUANTITY_MAX])
{
    return resource == GUARDRAIL_CPU ? quantity_cpu_format(value, out) : quantity_memory_format(value, out);
}

/* One line about a floor or ceiling. */
static struct guardrail_reason absolute_reason(enum guardrail_resource resource, enum guardrail_rule rule,
                                               int64_t edge, int64_t value)
{
    bool is_floor = rule == GUARDRAIL_FLOOR;
    struct guardrail_reason reason = {rule, is_floor ? value >= edge : value <= edge, ""};
    char value_text[QUANTITY_MAX];
    char edge_text[QUANTITY_MAX];
    (void)snprintf(reason.message, sizeof reason.message, "%s is %s %s (%s)",
                   amount(resource, value, value_text),
                   reason.passed ? "within" : (is_floor ? "below" : "above"),
                   amount(resource, edge, edge_text), guardrail_rule_name(rule, resource));
    return reason;
}

/* One line about the percent guardrail on the side to which the value moved. */
static struct guardrail_reason percent_reason(const struct guardrails *guardrails,
                                              enum guardrail_resource resource, int64_t old, int64_t value)
{
    struct guardrail_bounds bounds = guardrail_range(guardrails, resource, old);
    bool up = value > old;
    double allowed = up ? guardrails->max_increase_percent : guardrails->max_decrease_percent;
    /* A floor or ceiling that widened the range carries this line as well: the two must never contradict. */
    struct guardrail_reason reason = {up ? GUARDRAIL_MAX_INCREASE : GUARDRAIL_MAX_DECREASE,
                                      up ? value <= bounds.max : value >= bounds.min, ""};
    bool absolute = up ? bounds.max_rule == GUARDRAIL_FLOOR : bounds.min_rule == GUARDRAIL_CEILING;
    if (absolute && reason.passed) {
        (void)snprintf(reason.message, sizeof reason.message, "%+.1f %% follows %s, which wins over %s",
                       guardrail_percent(old, value),
                       guardrail_rule_name(up ? bounds.max_rule : bounds.min_rule, resource),
                       guardrail_rule_name(reason.rule, resource));
        return reason;
    }
    (void)snprintf(reason.message, sizeof reason.message, "%+.1f %% is %s %s%g %% (%s)",
                   guardrail_percent(old, value), reason.passed ? "within" : "past", up ? "+" : "-", allowed,
                   guardrail_rule_name(reason.rule, resource));
    return reason;
}

size_t guardrail_check(const struct guardrails *guardrails, enum guardrail_resource resource, int64_t old,
                       int64_t new_value, struct guardrail_reason reasons[GUARDRAIL_REASONS_MAX])
{
    size_t count = 0;
    if (new_value < 0 || new_value == old)
        return 0;
    if (old > 0)
        reasons[count++] = percent_reason(guardrails, resource, old, new_value);
    int64_t low = guardrails->floor[resource];
    int64_t high = guardrails->ceiling[resource] < low ? low : guardrails->ceiling[resource];
    reasons[count++] = absolute_reason(resource, GUARDRAIL_FLOOR, low, new_value);
    if (high != INT64_MAX)
        reasons[count++] = absolute_reason(resource, GUARDRAIL_CEILING, high, new_value);
    return count;
}
