#include "stages/common/guardrail.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/quantity.h"

void guardrails_none(struct guardrails *guardrails)
{
    *guardrails = (struct guardrails){
        .max_increase_percent = INFINITY, .max_decrease_percent = INFINITY, .max_replicas = INT64_MAX};
    for (int i = 0; i < GUARDRAIL_RESOURCES; i++) {
        guardrails->ceiling[i] = INT64_MAX;
        guardrails->step_up[i] = INT64_MAX;
        guardrails->step_down[i] = INT64_MAX;
    }
}

void guardrails_default(struct guardrails *guardrails)
{
    guardrails_none(guardrails);
    guardrails->max_increase_percent = 200;
    guardrails->max_decrease_percent = 50;
    guardrails->floor[GUARDRAIL_CPU] = 10;
    guardrails->floor[GUARDRAIL_MEMORY] = 32 * 1024 * 1024;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void guardrails_join(struct guardrails *guardrails, const struct guardrails *other)
{
    guardrails->max_increase_percent = fmin(guardrails->max_increase_percent, other->max_increase_percent);
    guardrails->max_decrease_percent = fmin(guardrails->max_decrease_percent, other->max_decrease_percent);
    guardrails->min_saving_usd = fmax(guardrails->min_saving_usd, other->min_saving_usd);
    guardrails->max_replicas = smaller(guardrails->max_replicas, other->max_replicas);
    for (int i = 0; i < GUARDRAIL_RESOURCES; i++) {
        guardrails->floor[i] = guardrails->floor[i] > other->floor[i] ? guardrails->floor[i] : other->floor[i];
        guardrails->ceiling[i] = smaller(guardrails->ceiling[i], other->ceiling[i]);
        guardrails->step_up[i] = smaller(guardrails->step_up[i], other->step_up[i]);
        guardrails->step_down[i] = smaller(guardrails->step_down[i], other->step_down[i]);
    }
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
    case GUARDRAIL_STEP_UP:
        return cpu ? "max_increase_cpu" : "max_increase_memory";
    case GUARDRAIL_STEP_DOWN:
        return cpu ? "max_decrease_cpu" : "max_decrease_memory";
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
    if (value >= 9.2e18) {
        return INT64_MAX;
    }
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

/* Narrows a range to what the percent guardrails leave. */
static void narrow_by_percent(const struct guardrails *guardrails, int64_t old, struct guardrail_bounds *bounds)
{
    double down = guardrails->max_decrease_percent > 100 ? 100 : guardrails->max_decrease_percent;
    bounds->percent = true;
    bounds->min = scaled(old, 1 - down / 100, true);
    bounds->max = scaled(old, 1 + guardrails->max_increase_percent / 100, false);
    bounds->min_rule = GUARDRAIL_MAX_DECREASE;
    bounds->max_rule = GUARDRAIL_MAX_INCREASE;
}

/* Narrows a range to what the absolute steps leave. */
static void narrow_by_steps(const struct guardrails *guardrails, enum guardrail_resource resource, int64_t old,
                            struct guardrail_bounds *bounds)
{
    int64_t up = guardrails->step_up[resource];
    int64_t down = guardrails->step_down[resource];
    if (down < old && old - down > bounds->min) {
        bounds->min = old - down;
        bounds->min_rule = GUARDRAIL_STEP_DOWN;
    }
    if (up < INT64_MAX - old && old + up < bounds->max) {
        bounds->max = old + up;
        bounds->max_rule = GUARDRAIL_STEP_UP;
    }
}

/* The range of one of these kinds, or of both, inside floor and ceiling. */
static struct guardrail_bounds range_by(const struct guardrails *guardrails, enum guardrail_resource resource, int64_t old,
                                        bool percent, bool steps)
{
    int64_t low = guardrails->floor[resource];
    int64_t high = guardrails->ceiling[resource] < low ? low : guardrails->ceiling[resource];
    struct guardrail_bounds bounds = {0, INT64_MAX, GUARDRAIL_FLOOR, GUARDRAIL_CEILING, false};
    if (percent && old > 0) {
        narrow_by_percent(guardrails, old, &bounds);
    }
    if (steps && old >= 0) {
        narrow_by_steps(guardrails, resource, old, &bounds);
    }
    bounds.min = hold(bounds.min, low, high, &bounds.min_rule);
    bounds.max = hold(bounds.max, low, high, &bounds.max_rule);
    return bounds;
}

struct guardrail_bounds guardrail_range(const struct guardrails *guardrails, enum guardrail_resource resource,
                                        int64_t old)
{
    return range_by(guardrails, resource, old, true, true);
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
    if (moved_by) {
        *moved_by = rule;
    }
    return value;
}

double guardrail_percent(int64_t old, int64_t new_value)
{
    if (old <= 0 || new_value < 0) {
        return 0;
    }
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

/* What a guardrail of a movement allows, as people write it: "+200 %" or "-500m". */
static void allowed_text(const struct guardrails *guardrails, enum guardrail_resource resource, bool up, bool percent,
                         char out[QUANTITY_MAX])
{
    char text[QUANTITY_MAX];
    if (percent) {
        (void)snprintf(out, QUANTITY_MAX, "%s%g %%", up ? "+" : "-",
                       up ? guardrails->max_increase_percent : guardrails->max_decrease_percent);
    } else {
        const int64_t *steps = up ? guardrails->step_up : guardrails->step_down;
        (void)snprintf(out, QUANTITY_MAX, "%s%.30s", up ? "+" : "-", amount(resource, steps[resource], text));
    }
}

/* One line about a movement, in percent or as an amount, on the side to which the value moved. */
static struct guardrail_reason movement_reason(const struct guardrails *guardrails, enum guardrail_resource resource,
                                               int64_t old, int64_t value, bool percent)
{
    struct guardrail_bounds bounds = range_by(guardrails, resource, old, percent, !percent);
    bool up = value > old;
    enum guardrail_rule rule = percent ? (up ? GUARDRAIL_MAX_INCREASE : GUARDRAIL_MAX_DECREASE)
                                       : (up ? GUARDRAIL_STEP_UP : GUARDRAIL_STEP_DOWN);
    /* A floor or ceiling that widened the range carries this line as well: the two must never contradict. */
    struct guardrail_reason reason = {rule, up ? value <= bounds.max : value >= bounds.min, ""};
    bool absolute = up ? bounds.max_rule == GUARDRAIL_FLOOR : bounds.min_rule == GUARDRAIL_CEILING;
    char moved[QUANTITY_MAX];
    char text[QUANTITY_MAX];
    if (percent) {
        (void)snprintf(moved, sizeof moved, "%+.1f %%", guardrail_percent(old, value));
    } else {
        (void)snprintf(moved, sizeof moved, "%s%.30s", up ? "+" : "-", amount(resource, up ? value - old : old - value, text));
    }
    if (absolute && reason.passed) {
        (void)snprintf(reason.message, sizeof reason.message, "%s follows %s, which wins over %s", moved,
                       guardrail_rule_name(up ? bounds.max_rule : bounds.min_rule, resource), guardrail_rule_name(rule, resource));
        return reason;
    }
    allowed_text(guardrails, resource, up, percent, text);
    (void)snprintf(reason.message, sizeof reason.message, "%s is %s %s (%s)", moved, reason.passed ? "within" : "past", text,
                   guardrail_rule_name(rule, resource));
    return reason;
}

size_t guardrail_check(const struct guardrails *guardrails, enum guardrail_resource resource, int64_t old,
                       int64_t new_value, struct guardrail_reason reasons[GUARDRAIL_REASONS_MAX])
{
    size_t count = 0;
    if (new_value < 0 || new_value == old) {
        return 0;
    }
    if (old > 0) {
        reasons[count++] = movement_reason(guardrails, resource, old, new_value, true);
    }
    if (old >= 0 && (new_value > old ? guardrails->step_up : guardrails->step_down)[resource] != INT64_MAX) {
        reasons[count++] = movement_reason(guardrails, resource, old, new_value, false);
    }
    int64_t low = guardrails->floor[resource];
    int64_t high = guardrails->ceiling[resource] < low ? low : guardrails->ceiling[resource];
    reasons[count++] = absolute_reason(resource, GUARDRAIL_FLOOR, low, new_value);
    if (high != INT64_MAX) {
        reasons[count++] = absolute_reason(resource, GUARDRAIL_CEILING, high, new_value);
    }
    return count;
}
