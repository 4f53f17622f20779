#include "stages/analyze/advice/proof.h"

#include <math.h>

#include "pipeline/base/clock.h"

static const char *const contender_names[CONTENDERS] = {"ours", "today", "krr", "vpa"};

/* New string of an instant. */
static json_t *instant_new(int64_t at)
{
    char text[RFC3339_MAX];
    return json_string(time_format(at, text));
}

/* New whole amount; null for none. */
static json_t *amount_new(double amount)
{
    bool present = isfinite(amount) && amount >= 0 && amount < 9e15;
    return json_int_or_null(present, present ? (int64_t)ceil(amount - 1e-6) : 0);
}

static json_t *verdict_new(const struct verdict *verdict, enum resource resource, bool censored)
{
    json_t *out = json_object();
    json_object_set_new(out, "request", amount_new(verdict->request));
    json_object_set_new(out, "limit", amount_new(verdict->limit));
    json_object_set_new(out, "time_above", json_real_or_null(verdict->time_above));
    json_object_set_new(out, "peak_above", json_real_or_null(verdict->peak_above));
    json_object_set_new(out, "worst_hour", json_real_or_null(verdict->worst_hour));
    json_object_set_new(out, "starved", json_real_or_null(verdict->starved));
    json_object_set_new(out, "slack", json_real_or_null(verdict->slack));
    if (resource == CPU) {
        json_object_set_new(out, "throttled", json_real_or_null(verdict->over_limit));
    } else {
        json_object_set_new(out, "oom_kills", amount_new(verdict->over_limit));
    }
    json_object_set_new(out, "censored", json_boolean(censored));
    return out;
}

struct verdict plan_verdict(const struct container_plan *container, enum resource resource)
{
    return backtest_ask(&container->backtest, resource,
                        amount_or_nan(field_after(&container->fields[FIELD_OF(resource, false)])),
                        amount_or_nan(field_after(&container->fields[FIELD_OF(resource, true)])));
}

/* New verdict of the plan's own numbers, after caps and dead-band, on the judged days: they have seen these days, so it
 * proves nothing, but says how far the caps keep the plan from what the rule asks for. */
static json_t *plan_new(const struct container_plan *container, enum resource resource, bool censored)
{
    struct verdict verdict = plan_verdict(container, resource);
    return verdict_new(&verdict, resource, censored);
}

/* The contenders of one resource; null where it was not judged. */
static json_t *resource_new(const struct container_plan *container, enum resource resource)
{
    const struct backtest *backtest = &container->backtest;
    bool censored = resource == CPU ? container->signals.throttled : container->signals.oom;
    if (!backtest->known || !backtest->judged[resource]) {
        return json_null();
    }
    json_t *out = json_object();
    for (int c = 0; c < CONTENDERS; c++) {
        json_object_set_new(out, contender_names[c],
                            verdict_new(&backtest->verdicts[resource][c], resource, censored));
    }
    json_object_set_new(out, "plan", plan_new(container, resource, censored));
    json_object_set_new(out, "promised", json_real_or_null(backtest->promised[resource]));
    return out;
}

/* When was learned and judged. */
static void set_parts(json_t *out, const struct backtest *backtest)
{
    json_object_set_new(out, "judged_from", instant_new(backtest->judged_from));
    json_object_set_new(out, "judged_to", instant_new(backtest->judged_to));
    json_object_set_new(out, "learned_seconds", json_integer(backtest->learned_seconds));
    json_object_set_new(out, "judged_seconds", json_integer(backtest->judged_seconds));
    json_object_set_new(out, "by_runs", json_boolean(backtest->by_runs));
}

static json_t *container_new(const struct container_plan *container)
{
    const struct backtest *backtest = &container->backtest;
    json_t *out = json_object();
    for (int r = 0; r < RESOURCES; r++) {
        json_object_set_new(out, resource_key((enum resource)r), resource_new(container, (enum resource)r));
    }
    json_object_set_new(out, "reason", json_string_safe(backtest->reason));
    if (backtest->known) {
        set_parts(out, backtest);
    }
    return out;
}

/* The container whose parts stand for the workload: the one with most to judge. NULL where none was judged. */
static const struct container_plan *leading(const struct plan *plan)
{
    const struct container_plan *best = NULL;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container_plan *container = &plan->containers[i];
        if (container->backtest.known &&
            (!best || container->backtest.judged_seconds > best->backtest.judged_seconds)) {
            best = container;
        }
    }
    return best;
}

/* Why nothing was judged: what is said of the first container that has usage. */
static const char *reason_of(const struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container *container = plan->containers[i].container;
        if (container->use[CPU].known || container->use[MEMORY].known) {
            return plan->containers[i].backtest.reason;
        }
    }
    return "no usage";
}

json_t *backtests_new(const struct plan *plan, const char **reason)
{
    const struct container_plan *first = leading(plan);
    if (reason) {
        *reason = first ? NULL : reason_of(plan);
    }
    if (!first) {
        return json_null();
    }
    json_t *containers = json_object();
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container_plan *container = &plan->containers[i];
        bool usage = container->container->use[CPU].known || container->container->use[MEMORY].known;
        if (usage && container->container->role != ROLE_INIT && !container->container->duplicate) {
            json_object_set_new(containers, container->container->name, container_new(container));
        }
    }
    json_t *out = json_object();
    set_parts(out, &first->backtest);
    json_object_set_new(out, "containers", containers);
    return out;
}

/* "KRR 3.1 %, 1.52", with what happens at its limit. */
static void write_verdict(const struct verdict *verdict, enum resource resource, struct buf *out)
{
    (void)buf_printf(out, " %.1f %%, %.2f", verdict->time_above * 100, verdict->slack);
    if (resource == MEMORY && verdict->over_limit >= 1) {
        (void)buf_printf(out, ", OOM killed %.0f time%s", verdict->over_limit, verdict->over_limit > 1 ? "s" : "");
    } else if (resource == CPU && verdict->over_limit >= 0.001) {
        (void)buf_printf(out, ", throttled %.1f %%", verdict->over_limit * 100);
    }
}

static void write_resource(const struct backtest *backtest, enum resource resource, struct buf *out)
{
    static const char *const who[CONTENDERS] = {"ours", "; today", "; KRR", "; VPA"};
    char judged[RFC3339_MAX] = "runs";
    if (!backtest->by_runs) {
        (void)duration_format(backtest->judged_seconds / 3600 * 3600, judged);
    }
    (void)buf_printf(out, " Backtest of %s on the last %s, which no rule had seen (time above the request, request ÷ mean use): ",
                     resource_word(resource), judged);
    for (int c = 0; c < CONTENDERS; c++) {
        const struct verdict *verdict = &backtest->verdicts[resource][c];
        if (isfinite(verdict->time_above) && isfinite(verdict->slack)) {
            (void)buf_add_str(out, who[c]);
            write_verdict(verdict, resource, out);
        }
    }
    (void)buf_add_char(out, '.');
}

void proof_write(const struct container_plan *container, struct buf *out)
{
    const struct backtest *backtest = &container->backtest;
    for (int r = 0; r < RESOURCES; r++) {
        const struct verdict *ours = &backtest->verdicts[r][CONTENDER_OURS];
        if (backtest->known && backtest->judged[r] && isfinite(ours->time_above) && isfinite(ours->slack)) {
            write_resource(backtest, (enum resource)r, out);
        }
    }
}
