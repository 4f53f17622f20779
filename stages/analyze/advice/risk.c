#include "stages/analyze/advice/risk.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "pipeline/base/str.h"

static const double big_step_percent = 30;
static const double sure = 0.8;
static const double doubtful = 0.5;

struct tally {
    enum risk risk;
    json_t *reasons;
};

const char *risk_name(enum risk risk)
{
    static const char *const names[] = {"low", "medium", "high"};
    return names[risk];
}

static void raise_risk(struct tally *tally, enum risk to, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Raises the risk and notes the clause. */
static void raise_risk(struct tally *tally, enum risk to, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    str_trim_utf8(text);
    if (to > tally->risk)
        tally->risk = to;
    if (json_array_size(tally->reasons) < RISK_REASONS_MAX)
        json_array_append_new(tally->reasons, json_string_safe(text));
}

/* A limit that is new, or lower than today's, must clear the peak that was seen. */
static void judge_memory_limit(const struct container_plan *container, struct tally *tally)
{
    const struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    double peak = container->container->use[MEMORY].max;
    if (limit->value >= 0 && (double)limit->value < peak)
        raise_risk(tally, RISK_HIGH, "%s: the memory limit is below the peak that was seen",
                   container->container->name);
    else if (limit->value >= 0 && limit->value < limit->effective && (double)limit->value < 1.15 * peak)
        raise_risk(tally, RISK_MEDIUM, "%s: the memory limit comes close to the peak",
                   container->container->name);
}

static void judge_field(const struct container_plan *container, enum field f, struct tally *tally)
{
    const struct field_plan *field = &container->fields[f];
    const char *name = container->container->name;
    double percent = guardrail_percent(field->effective, field->value);
    if (field->remove)
        raise_risk(tally, RISK_MEDIUM, "%s: %s is taken away", name, field_name(f));
    if (field->value < 0)
        return;
    if (field->old <= 0)
        raise_risk(tally, RISK_MEDIUM, "%s: %s is not set today, so percent guardrails do not hold", name,
                   field_name(f));
    if (percent < -big_step_percent)
        raise_risk(tally, RISK_MEDIUM, "%s: %s falls by %.0f %%", name, field_name(f), -percent);
    if (percent < 0 && container->confidence < doubtful)
        raise_risk(tally, RISK_HIGH, "%s: %s falls at a confidence of %.2f", name, field_name(f),
                   container->confidence);
    else if (percent < 0 && container->confidence < sure)
        raise_risk(tally, RISK_MEDIUM, "%s: %s falls at a confidence of %.2f", name, field_name(f),
                   container->confidence);
}

/* Whether anything is lowered or taken away. */
static bool lowers(const struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            const struct field_plan *field = &plan->containers[i].fields[f];
            if (field->value >= 0 && field->value < field->effective)
                return true;
        }
    }
    return false;
}

enum risk risk_of(const struct plan *plan, const struct class *class, json_t *reasons)
{
    struct tally tally = {RISK_LOW, reasons};
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container_plan *container = &plan->containers[i];
        for (int f = 0; f < FIELDS; f++)
            judge_field(container, (enum field)f, &tally);
        judge_memory_limit(container, &tally);
        if (container_changes(container) && container->signals.leak)
            raise_risk(&tally, RISK_MEDIUM, "%s: memory leaks, so no size holds for long",
                       container->container->name);
    }
    if (class->stateful && lowers(plan))
        raise_risk(&tally, RISK_MEDIUM, "a %s feels a restart", class->name);
    if (plan->subject->qos == QOS_BEST_EFFORT && plan_changes(plan))
        raise_risk(&tally, RISK_MEDIUM, "the pod's QoS class changes from BestEffort");
    return tally.risk;
}
