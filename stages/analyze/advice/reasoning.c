#include "stages/analyze/advice/reasoning.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/reasons.h"
#include "stages/analyze/advice/proof.h"
#include "stages/analyze/subject/allowance.h"
#include "stages/analyze/subject/scalers.h"

/* Adds the words for a rule or for what moved a value, and the name of the object behind it. */
static void add_words(const char *code, struct buf *out)
{
    const char *words = reason_words(code);
    const char *name = code ? strchr(code, ':') : NULL;
    (void)buf_add_str(out, words ? words : code ? code : "");
    if (words && name) {
        (void)buf_printf(out, " (%s)", name + 1);
    }
}

/* An amount today, "unset" where there is none. */
static const char *today(enum resource resource, int64_t amount, char out[32])
{
    if (amount >= 0) {
        return amount_text(resource, (double)amount, out);
    }
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
    if (resource == CPU && isfinite(use->busy_hour_p90)) {
        (void)buf_printf(out, ", busiest hour %s", amount_text(resource, use->busy_hour_p90, text[2]));
    }
    (void)buf_printf(out, ", peak %s", amount_text(resource, use->max, text[3]));
    if (isfinite(use->samples)) {
        (void)buf_printf(out, " (%.0f samples%s", use->samples, use->pods > 0 ? "" : ")");
    }
    if (isfinite(use->samples) && use->pods > 0) {
        (void)buf_printf(out, ", %.0f pod%s)", use->pods, use->pods > 1.5 ? "s" : "");
    }
    (void)buf_add_char(out, '.');
}

static const char *const titles[FIELDS] = {"CPU request", "Memory request", "CPU limit", "Memory limit"};

/* Why a field stays although the rule asks for something else, or somebody else looks after it. */
static void write_kept(const struct field_plan *field, enum field f, struct buf *out)
{
    enum resource resource = FIELD_RESOURCE(f);
    bool owned = str_equal(field->rule, "autoscaled") || str_equal(field->rule, "heap-capped");
    bool asked = isfinite(field->target) && !(field->moved_by && str_equal(field->moved_by, "qos-class"));
    const char *by = field->moved_by ? field->moved_by : field->movable ? NULL : field->rule;
    bool allowance = by && (str_starts(by, "limit-range:") || str_starts(by, "quota:"));
    char amount[32];
    char target[32];
    if (owned || (allowance && !asked)) {
        (void)buf_printf(out, " %s stays at %s: ", titles[f], today(resource, field->effective, amount));
        add_words(owned ? field->rule : by, out);
        (void)buf_add_char(out, '.');
    } else if (asked && (allowance || (str_equal(field->moved_by, "limit") && !FIELD_IS_LIMIT(f)))) {
        (void)buf_printf(out, " %s stays at %s although the rule asks for %s: ", titles[f], today(resource, field->effective, amount),
                         amount_text(resource, field->target, target));
        if (allowance) {
            add_words(by, out);
        } else {
            (void)buf_add_str(out, "the limit is in the way");
        }
        (void)buf_add_char(out, '.');
    }
}

/* What is said of one field: the change with its rule, or why it stays. */
static void write_field(const struct field_plan *field, enum field f, struct buf *out)
{
    enum resource resource = FIELD_RESOURCE(f);
    char from[32];
    char to[32];
    char asked[32];
    if (field->remove) {
        (void)buf_printf(out, " %s %s is taken away: ", titles[f], today(resource, field->old, from));
        add_words(field->rule, out);
        (void)buf_add_char(out, '.');
        return;
    }
    if (field->value < 0) {
        write_kept(field, f, out);
        return;
    }
    (void)buf_printf(out, " %s %s to %s: ", titles[f], today(resource, field->old, from),
                     amount_text(resource, (double)field->value, to));
    if (field->by_model) {
        (void)buf_printf(out, "%s proposes %s; the rule ", field->exact ? "somebody" : "the model",
                         amount_text(resource, field->proposal, asked));
    }
    add_words(field->rule, out);
    if (isfinite(field->target)) {
        (void)buf_printf(out, " asks for %s", amount_text(resource, field->target, asked));
    }
    if (field->moved_by) {
        (void)buf_add_str(out, "; ");
        add_words(field->moved_by, out);
    }
    (void)buf_add_char(out, '.');
}

/* What an init container is said of: only where something changes, or could have. */
static void write_init(const struct container_plan *container, struct buf *out)
{
    char peak[32];
    if (!container->judged || !container_changes(container)) {
        return;
    }
    (void)buf_printf(out, "%s%.63s (starts the pod):", out->length > 0 ? " " : "", container->container->name);
    for (int r = 0; r < RESOURCES; r++) {
        const struct figures *use = &container->container->use[r];
        if (use->known) {
            (void)buf_printf(out, " %s peak %s.", r == CPU ? "CPU" : "Memory", amount_text((enum resource)r, use->max, peak));
        }
    }
    for (int f = 0; f < FIELDS; f++) {
        write_field(&container->fields[f], (enum field)f, out);
    }
}

/* Starts, kills of long ago and uneven replicas: what beside the figures went into the numbers. */
static void write_circumstances(const struct plan *plan, const struct container_plan *container, struct buf *out)
{
    const struct container *of = container->container;
    const struct figures *cpu = &of->use[CPU];
    char start[32];
    if (container->signals.cold_start) {
        (void)buf_printf(out,
                         " Starting takes %s of CPU (p99 of the first 3 minutes): the request is not raised for it, a limit that is "
                         "kept stays above it.",
                         amount_text(CPU, cpu->startup_p99, start));
    }
    if (container->signals.oom && !container->signals.oom_recent) {
        (void)buf_add_str(out, " Its last OOM kill is more than 7 days ago, so memory is sized by use again.");
    }
    if (container->signals.hot) {
        (void)buf_printf(out, " %.63s is far above the other replicas%s; all of them share one template, so it is sized in.",
                         cpu->hot_pod ? cpu->hot_pod : "One pod",
                         str_equal(plan->subject->kind, "StatefulSet") ? ", as a leader is" : "");
    }
}

/* One container: its use, then its fields. */
static void write_container(const struct plan *plan, const struct container_plan *container, struct buf *out)
{
    const struct container *of = container->container;
    if (of->role == ROLE_INIT) {
        write_init(container, out);
        return;
    }
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
    if (container->signals.resized) {
        (void)buf_add_str(out, " It stays as it is: ");
        add_words("vpa", out);
        (void)buf_add_char(out, '.');
        return;
    }
    for (int f = 0; f < FIELDS; f++) {
        write_field(&container->fields[f], (enum field)f, out);
    }
    write_circumstances(plan, container, out);
    if (!container_changes(container)) {
        (void)buf_add_str(out,
                          " What is set fits, or is held: no change is larger than the dead-band (10 %, 10m, 16Mi).");
    }
    proof_write(container, out);
}

/* Why request and target of an autoscaler do not move together, for people. */
static const char *move_words(const char *code)
{
    static const struct {
        const char *code, *words;
    } rows[] = {
        {"no-request", "a container that it counts has no request, so it cannot work"},
        {"no-container", "it is about a container that the pod does not have"},
        {"no-target", "its target is not known"},
        {"no-room", "that is more than the limits let the pod use, so it would never add one"},
        {"fits", "the request fits"},
        {"held", "no request that it counts may move now"},
        {"no-integral-target", "no whole percentage gives the same load with another request"},
        {"followed-twice", "two metrics count the same request"},
        {"vpa", "a VerticalPodAutoscaler sets the request"},
        {"no-data", "there is too little usage to say more"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_equal(rows[i].code, code)) {
            return rows[i].words;
        }
    }
    return "";
}

/* One autoscaler on utilization: where it adds pods, and what would keep that with another request. */
static void write_move(const struct hpa_move *move, struct buf *out)
{
    char load[32];
    char request[32];
    (void)buf_printf(out, " %s %.63s adds pods at %lld %% of the %s request%s%.63s, %s a pod", move->scaler->kind_name,
                     move->scaler->name, (long long)move->target, resource_word(move->resource),
                     move->container ? " of " : " of the whole pod", move->container ? move->container : "",
                     amount_text(move->resource, move->load, load));
    if (move->why_not) {
        (void)buf_printf(out, ": %s.", move_words(move->why_not));
        return;
    }
    (void)buf_printf(out,
                     "; at a request of %s the same load is a target of %lld %%. The two belong together and are two objects, so "
                     "this plan changes neither; the advice on scaling has both.",
                     amount_text(move->resource, (double)move->request, request), (long long)move->new_target);
}

/* A quota that would not take what the rules ask for, or of which nobody knows how full it is. */
static void write_quota(const struct plan *plan, const struct quota_need *need, struct buf *out)
{
    enum resource resource = FIELD_RESOURCE(need->field);
    char more[32];
    char room[32];
    if (need->more <= 0 || (need->fits && isfinite(need->room))) {
        return;
    }
    (void)buf_printf(out, " ResourceQuota %s: all replicas of this %s would take %s more of its %s, ", need->quota->name,
                     plan->subject->kind, amount_text(resource, need->more, more), field_name(need->field));
    if (isfinite(need->room)) {
        (void)buf_printf(out, "and %s is left.", amount_text(resource, need->room, room));
    } else {
        (void)buf_add_str(out, "and how much is left is not known.");
    }
}

/* What is true of the whole pod. */
static void write_pod(const struct plan *plan, struct buf *out)
{
    const struct business_hours *hours = &plan->policy->hours;
    if (plan->refused_today && !plan_changes(plan)) {
        (void)buf_add_str(out, " The pod as it is would be refused by ");
        add_words(plan->refused_today, out);
        (void)buf_add_str(out, ", so no change could be rolled out.");
    }
    for (size_t i = 0; i < plan->move_count; i++) {
        write_move(&plan->moves[i], out);
    }
    for (size_t i = 0; i < plan->quota_need_count; i++) {
        write_quota(plan, &plan->quota_needs[i], out);
    }
    if (plan->hours_steps > 0) {
        (void)buf_printf(out, " CPU requests are learned from %s (%s) alone, %zu steps of five minutes; memory and limits from all hours.",
                         hours->schedule, hours->timezone ? hours->timezone : "UTC", plan->hours_steps);
    } else if (hours->schedule && !plan->subject->batch) {
        (void)buf_printf(out, " There is too little of %s in the window, so all hours count.", hours->schedule);
    }
    if (str_equal(plan->subject->kind, "DaemonSet")) {
        (void)buf_add_str(out, " One pod runs on each node and all have the same amounts, so the busiest nodes decide.");
    }
    if (plan->lock) {
        (void)buf_add_str(out, " The pod is Guaranteed and stays so: requests equal limits.");
    }
    if (plan->subject->qos == QOS_BEST_EFFORT && plan_changes(plan)) {
        (void)buf_add_str(out,
                          " The pod is BestEffort, first to be evicted; with requests it becomes Burstable.");
    }
}

void reasoning_write(const struct plan *plan, struct buf *out)
{
    char window[RFC3339_MAX];
    if (plan->refusal) {
        (void)buf_printf(out, "Nothing is recommended: %s.", plan->refusal_reason);
        return;
    }
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        write_container(plan, &plan->containers[i], out);
    }
    (void)buf_printf(out, " Window %s, confidence %.2f.",
                     duration_format(plan->subject->window_seconds, window), plan->confidence);
    write_pod(plan, out);
}
