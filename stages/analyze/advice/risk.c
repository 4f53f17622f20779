#include "stages/analyze/advice/risk.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "pipeline/base/str.h"
#include "stages/analyze/advice/proof.h"

static const double big_step_percent = 30;
static const double sure = 0.8;
static const double doubtful = 0.5;
/* A request that was passed for so much of the held-out time, and is lowered all the same. */
static const double passed_often = 0.05;
static const double passed_very_often = 0.10;

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
    if (to > tally->risk) {
        tally->risk = to;
    }
    if (json_array_size(tally->reasons) < RISK_REASONS_MAX) {
        json_array_append_new(tally->reasons, json_string_safe(text));
    }
}

/* A limit that is new, or lower than today's, must clear the peak that was seen. */
static void judge_memory_limit(const struct container_plan *container, struct tally *tally)
{
    const struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    double peak = container->container->use[MEMORY].max;
    if (limit->value >= 0 && (double)limit->value < peak) {
        raise_risk(tally, RISK_HIGH, "%s: the memory limit is below the peak that was seen",
                   container->container->name);
    } else if (limit->value >= 0 && limit->value < limit->effective && (double)limit->value < 1.15 * peak) {
        raise_risk(tally, RISK_MEDIUM, "%s: the memory limit comes close to the peak",
                   container->container->name);
    }
}

/* Whether a field gets smaller than it is. */
static bool is_lowered(const struct field_plan *field)
{
    return field->value >= 0 && field->value < field->effective;
}

/* OOM kills, which nobody takes for a small matter: what the rule's own limit would have done on days that it had not
 * seen, or the plan's on days that it has. A change that only raises memory is still better than none. */
static void judge_kills(const struct container_plan *container, struct tally *tally)
{
    const struct verdict *verdicts = container->backtest.verdicts[MEMORY];
    const char *name = container->container->name;
    if (!container->backtest.known || !container->backtest.judged[MEMORY]) {
        return;
    }
    /* Without a limit there are none. */
    double ours = fmax(fmax(0, verdicts[CONTENDER_OURS].over_limit), plan_verdict(container, MEMORY).over_limit);
    double today = fmax(0, verdicts[CONTENDER_TODAY].over_limit);
    const struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    bool new_limit = limit->effective < 0 && limit->value >= 0;
    bool lowers = new_limit || is_lowered(limit) || is_lowered(&container->fields[MEMORY_REQUEST]);
    if (ours >= 1) {
        raise_risk(tally, lowers && (ours >= 2 || today < 1) ? RISK_HIGH : RISK_MEDIUM,
                   "%.120s: on the held-out days memory would have passed such a limit %.0f time%s (today's: %.0f)",
                   name, ours, ours > 1 ? "s" : "", today);
    } else if (today >= 1) {
        raise_risk(tally, RISK_LOW, "%.120s: no OOM kills on the held-out days, where today's limit has %.0f", name, today);
    }
}

/* A request that is lowered although the rule's one did not hold on the held-out days. A number that a cap keeps above
 * what the rule asks for, or a model puts below, is judged as much above or below. */
static void judge_held_out(const struct container_plan *container, enum resource resource, struct tally *tally)
{
    const struct field_plan *field = &container->fields[FIELD_OF(resource, false)];
    double judged = container->backtest.verdicts[resource][CONTENDER_OURS].request;
    if (!is_lowered(field)) {
        return;
    }
    double moved = (double)field->value / field->target;
    double above = backtest_ask(&container->backtest, resource, judged * moved, NAN).time_above;
    if (above > passed_often) {
        raise_risk(tally, above > passed_very_often ? RISK_HIGH : RISK_MEDIUM,
                   "%.120s: %s falls, but on the held-out days use was above such a request for %.0f %% of the time",
                   container->container->name, field_name(FIELD_OF(resource, false)), above * 100);
    }
}

static void judge_field(const struct container_plan *container, enum field f, struct tally *tally)
{
    const struct field_plan *field = &container->fields[f];
    const char *name = container->container->name;
    double percent = guardrail_percent(field->effective, field->value);
    if (field->remove) {
        raise_risk(tally, RISK_MEDIUM, "%s: %s is taken away", name, field_name(f));
    }
    if (field->value < 0) {
        return;
    }
    if (field->old <= 0) {
        raise_risk(tally, RISK_MEDIUM, "%s: %s is not set today, so percent guardrails do not hold", name,
                   field_name(f));
    }
    if (percent < -big_step_percent) {
        raise_risk(tally, RISK_MEDIUM, "%s: %s falls by %.0f %%", name, field_name(f), -percent);
    }
    if (percent < 0 && container->confidence < doubtful) {
        raise_risk(tally, RISK_HIGH, "%s: %s falls at a confidence of %.2f", name, field_name(f),
                   container->confidence);
    } else if (percent < 0 && container->confidence < sure) {
        raise_risk(tally, RISK_MEDIUM, "%s: %s falls at a confidence of %.2f", name, field_name(f),
                   container->confidence);
    }
}

/* Whether anything is lowered or taken away. */
static bool lowers(const struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            const struct field_plan *field = &plan->containers[i].fields[f];
            if (field->value >= 0 && field->value < field->effective) {
                return true;
            }
        }
    }
    return false;
}

enum risk risk_of(const struct plan *plan, const struct class *class, json_t *reasons)
{
    struct tally tally = {RISK_LOW, reasons};
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container_plan *container = &plan->containers[i];
        for (int f = 0; f < FIELDS; f++) {
            judge_field(container, (enum field)f, &tally);
        }
        judge_memory_limit(container, &tally);
        judge_kills(container, &tally);
        for (int r = 0; r < RESOURCES; r++) {
            judge_held_out(container, (enum resource)r, &tally);
        }
        if (container->signals.oom) {
            raise_risk(&tally, RISK_MEDIUM, "%.120s: killed for memory in the window, so nobody saw how much it needs",
                       container->container->name);
        }
        if (container_changes(container) && container->signals.leak) {
            raise_risk(&tally, RISK_MEDIUM, "%s: memory leaks, so no size holds for long",
                       container->container->name);
        }
    }
    if (class->stateful && lowers(plan)) {
        raise_risk(&tally, RISK_MEDIUM, "a %s feels a restart", class->name);
    }
    if (plan->subject->qos == QOS_BEST_EFFORT && plan_changes(plan)) {
        raise_risk(&tally, RISK_MEDIUM, "the pod's QoS class changes from BestEffort");
    }
    return tally.risk;
}
