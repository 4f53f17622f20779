#include "stages/analyze/advice/reasoning.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const struct words_row {
    const char *code;
    const char *words;
} words_rows[] = {
    {"cpu-pooled", "fewer than three replicas: the larger of p95 and the busiest hour's p90, with headroom"},
    {"cpu-per-pod", "three or more replicas: the highest pod's p95 (for more than 20, the 95th of 100 pods), "
                    "or a real daily peak"},
    {"cpu-throttled",
     "throttled: use above the limit cannot be seen, so the limit rises by a quarter or to 1.5 times p99.5"},
    {"cpu-guaranteed", "a Guaranteed pod asks for what it may use, with room for bursts"},
    {"memory-peak", "memory cannot be squeezed: p99 with headroom, at least nine tenths of the peak"},
    {"memory-oom", "killed for memory: a fifth or 100 MiB above what it had, more for each further kill"},
    {"memory-guaranteed", "a Guaranteed pod asks for what it may use: the peak with headroom"},
    {"limit-headroom", "the peak with headroom"},
    {"limit-ratio", "the old ratio of limit to request is held"},
    {"limit-keep", "limits are kept by policy"},
    {"limit-remove", "limits are taken away by policy"},
    {"autoscaled",
     "an autoscaler follows this resource's utilization, and another request would move its replicas"},
    {"heap-capped", "the heap fills what it is given"},
    {"step-cap", "one run lowers by at most half, or by 30 % below a confidence of 0.8"},
    {"throttled", "not lowered while it is throttled"},
    {"oom-kills", "not lowered for 7 days after an OOM kill"},
    {"memory-leak", "not lowered while it leaks"},
    {"lower-bound", "not below what the statistics show"},
    {"upper-bound", "not above what the statistics show"},
    {"limit", "a request stays under its limit"},
    {"request", "a limit stays above its request"},
    {"qos-class", "the pod's QoS class is kept"},
    {"max_increase_percent", "guardrail max_increase_percent"},
    {"max_decrease_percent", "guardrail max_decrease_percent"},
    {"min_cpu", "guardrail min_cpu"},
    {"min_memory", "guardrail min_memory"},
    {"max_cpu", "guardrail max_cpu"},
    {"max_memory", "guardrail max_memory"},
};

/* Words for a rule or for what moved a value ("step-cap": "one run lowers …"). Borrowed, static. */
static const char *reason_words(const char *code)
{
    for (size_t i = 0; i < ARRAY_COUNT(words_rows); i++) {
        if (str_equal(words_rows[i].code, code))
            return words_rows[i].words;
    }
    return code ? code : "";
}

/* An amount today, "unset" where there is none. */
static const char *today(enum resource resource, int64_t amount, char out[32])
{
    if (amount >= 0)
        return amount_text(resource, (double)amount, out);
    (void)snprintf(out, 32, "unset");
    return out;
}

/* "CPU use: p50 …, p95 …, busiest hour …, peak … (N samples, P pods)." */
static void write_use(const struct container *container, enum resource resource, struct buf *out)
{
    const struct figures *use = &container->use[resource];
    char text[4][32];
    if (!use->known) {
        (void)buf_printf(out, " No %s samples.", resource_word(resource));
        return;
    }
    (void)buf_printf(out, " %s use: median %s, weighted %s %s", resource == CPU ? "CPU" : "Memory",
                     amount_text(resource, use->p50, text[0]), resource == CPU ? "p95" : "p99",
                     amount_text(resource, resource == CPU ? use->weighted_p95 : use->weighted_p99, text[1]));
    if (resource == CPU && isfinite(use->busy_hour_p90))
        (void)buf_printf(out, ", busiest hour %s", amount_text(resource, use->busy_hour_p90, text[2]));
    (void)buf_printf(out, ", peak %s", amount_text(resource, use->max, text[3]));
    if (isfinite(use->samples))
        (void)buf_printf(out, " (%.0f samples%s", use->samples, use->pods > 0 ? "" : ")");
    if (isfinite(use->samples) && use->pods > 0)
        (void)buf_printf(out, ", %.0f pod%s)", use->pods, use->pods > 1.5 ? "s" : "");
    (void)buf_add_char(out, '.');
}

/* What is said of one field: the change with its rule, or why it stays although the rule asks for something
 * else. */
static void write_field(const struct field_plan *field, enum field f, struct buf *out)
{
    static const char *const titles[FIELDS] = {"CPU request", "Memory request", "CPU limit", "Memory limit"};
    enum resource resource = FIELD_RESOURCE(f);
    char from[32];
    char to[32];
    char asked[32];
    if (field->remove) {
        (void)buf_printf(out, " %s %s is taken away: %s.", titles[f], today(resource, field->old, from),
                         reason_words(field->rule));
        return;
    }
    if (field->value < 0) {
        if (str_equal(field->rule, "autoscaled") || str_equal(field->rule, "heap-capped"))
            (void)buf_printf(out, " %s stays at %s: %s.", titles[f], today(resource, field->effective, from),
                             reason_words(field->rule));
        else if (str_equal(field->moved_by, "limit") && isfinite(field->target) && !FIELD_IS_LIMIT(f))
            (void)buf_printf(out, " %s stays at %s although the rule asks for %s: the limit is in the way.", titles[f],
                             today(resource, field->effective, from), amount_text(resource, field->target, asked));
        return;
    }
    (void)buf_printf(out, " %s %s to %s: ", titles[f], today(resource, field->old, from),
                     amount_text(resource, (double)field->value, to));
    if (field->by_model)
        (void)buf_printf(out, "the model proposes %s; the rule ",
                         amount_text(resource, field->proposal, asked));
    (void)buf_add_str(out, reason_words(field->rule));
    if (isfinite(field->target))
        (void)buf_printf(out, " asks for %s", amount_text(resource, field->target, asked));
    if (field->moved_by)
        (void)buf_printf(out, "; %s", reason_words(field->moved_by));
    (void)buf_add_char(out, '.');
}

/* One container: its use, then its fields. */
static void write_container(const struct plan *plan, const struct container_plan *container, struct buf *out)
{
    const struct container *of = container->container;
    if (of->role == ROLE_INIT)
        return;
    (void)buf_printf(out, "%s%.63s:", out->length > 0 ? " " : "", of->name);
    if (of->duplicate) {
        (void)buf_add_str(out, " two containers have this name, so nothing is recommended.");
        return;
    }
    if (!container->judged) {
        (void)buf_add_str(out, " no usage of its own was seen, so it stays as it is.");
        return;
    }
    write_use(of, CPU, out);
    write_use(of, MEMORY, out);
    for (int f = 0; f < FIELDS; f++)
        write_field(&container->fields[f], (enum field)f, out);
    if (!container_changes(container))
        (void)buf_add_str(out,
                          " What is set fits: no change is larger than the dead-band (10 %, 10m, 16Mi).");
    if (container->signals.autoscaled[CPU] || container->signals.autoscaled[MEMORY])
        (void)buf_printf(out, " An autoscaler looks after the replicas of this %s.", plan->subject->kind);
}

void reasoning_write(const struct plan *plan, struct buf *out)
{
    char window[RFC3339_MAX];
    if (plan->refusal) {
        (void)buf_printf(out, "Nothing is recommended: %s.", plan->refusal_reason);
        return;
    }
    for (size_t i = 0; i < plan->subject->container_count; i++)
        write_container(plan, &plan->containers[i], out);
    (void)buf_printf(out, " Window %s, confidence %.2f.",
                     duration_format(plan->subject->window_seconds, window), plan->confidence);
    if (plan->lock)
        (void)buf_add_str(out, " The pod is Guaranteed and stays so: requests equal limits.");
    if (plan->subject->qos == QOS_BEST_EFFORT && plan_changes(plan))
        (void)buf_add_str(out,
                          " The pod is BestEffort, first to be evicted; with requests it becomes Burstable.");
}
