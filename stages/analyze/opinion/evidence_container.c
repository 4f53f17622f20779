#include "stages/analyze/opinion/evidence_container.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/answer.h"
#include "stages/analyze/opinion/clean.h"
#include "stages/analyze/opinion/figure.h"
#include "stages/analyze/opinion/names.h"
#include "stages/analyze/opinion/schema.h"

enum { IMAGE_MAX = 160, HOURS_A_DAY = 24, DAYS_A_WEEK = 7, EPOCH_WEEKDAY = 3 };

/* Memory is settled in hundredths of itself, CPU in less fine steps. */
static const int digits_of[RESOURCES] = {3, 4};
/* Hours of a day that differ by less from each other, as a share of their mean, are not worth telling. */
static const double alike = 0.10;

static json_t *figures_new(const struct figures *use, enum resource resource)
{
    const struct {
        const char *key;
        double value;
    } rows[] = {{"mean", use->mean},
                {"p50", use->p50},
                {"p90", use->p90},
                {"p95", use->p95},
                {"p99", use->p99},
                {"max", use->max},
                {"weighted_p95", use->weighted_p95},
                {"busy_hour_p90", use->busy_hour_p90},
                {"highest_pod_p95", use->pod_p95_max},
                {"p95_last_2_days", use->p95_recent},
                {"p95_before", use->p95_before},
                {"start_p99", use->startup_p99}};
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        figure_put(out, rows[i].key, rows[i].value, digits_of[resource]);
    }
    return out;
}

/* Sums of use by slot of time. */
struct course {
    double sum[HOURS_A_DAY], count[HOURS_A_DAY];
    double all_sum, all_count;
};

/* Parts hours into `slots` slots of `slot_hours` hours each, the first of which began `shift` hours before the epoch. */
static void course_read(const struct hours *hours, int64_t slots, int64_t slot_hours, int64_t shift, struct course *out)
{
    *out = (struct course){.all_sum = 0};
    for (size_t i = 0; i < hours->count; i++) {
        int64_t slot = ((hours->start / 3600 + (int64_t)i + shift) / slot_hours) % slots;
        if (!isfinite(hours->values[i]) || slot < 0) {
            continue;
        }
        out->sum[slot] += hours->values[i];
        out->count[slot] += 1;
        out->all_sum += hours->values[i];
        out->all_count += 1;
    }
}

/* New list of the mean of each slot in percent of the mean of all, null for one without data; NULL where they are all alike. */
static json_t *course_new(const struct hours *hours, int64_t slots, int64_t slot_hours, int64_t shift)
{
    struct course course;
    course_read(hours, slots, slot_hours, shift, &course);
    if (!(course.all_sum > 0)) {
        return NULL;
    }
    json_t *list = json_array();
    double least = INFINITY;
    double most = 0;
    for (int64_t s = 0; s < slots; s++) {
        double share = course.count[s] > 0 ? course.sum[s] / course.count[s] / (course.all_sum / course.all_count) : NAN;
        least = fmin(least, isnan(share) ? 0 : share);
        most = fmax(most, share);
        json_array_append_new(list, isnan(share) ? json_null() : json_integer((json_int_t)(share * 100 + 0.5)));
    }
    if (most - least > alike) {
        return list;
    }
    json_decref(list);
    return NULL;
}

/* By hour of the day and by day of the week, from Monday; the epoch began on a Thursday. */
static void put_course(json_t *out, const char *by_hour, const char *by_weekday, const struct hours *hours)
{
    json_t *day = course_new(hours, HOURS_A_DAY, 1, 0);
    json_t *week = course_new(hours, DAYS_A_WEEK, HOURS_A_DAY, EPOCH_WEEKDAY * HOURS_A_DAY);
    if (day) {
        json_object_set_new(out, by_hour, day);
    }
    if (week) {
        json_object_set_new(out, by_weekday, week);
    }
}

/* New {"above","over_limit"} of one contender, NULL where nothing was judged. */
static json_t *verdict_new(const struct verdict *verdict)
{
    json_t *out = json_object();
    figure_put(out, "above", verdict->time_above, 2);
    figure_put(out, "over_limit", verdict->over_limit, 2);
    if (json_object_size(out) > 0) {
        return out;
    }
    json_decref(out);
    return NULL;
}

/* What the rules' numbers and today's would have done on days they were not learned from. */
static void put_backtest(json_t *out, const struct backtest *backtest)
{
    if (!backtest->known) {
        return;
    }
    json_t *all = json_object();
    for (int r = 0; r < RESOURCES; r++) {
        json_t *one = json_object();
        json_t *rules = backtest->judged[r] ? verdict_new(&backtest->verdicts[r][CONTENDER_OURS]) : NULL;
        json_t *today = backtest->judged[r] ? verdict_new(&backtest->verdicts[r][CONTENDER_TODAY]) : NULL;
        if (rules) {
            json_object_set_new(one, "rules", rules);
        }
        if (today) {
            json_object_set_new(one, "today", today);
        }
        json_object_set_new(all, r == CPU ? "cpu" : "memory", one);
    }
    figure_put(all, "judged_hours", (double)backtest->judged_seconds / 3600, 3);
    json_object_set_new(out, "backtest", all);
}

/* Why the rules say what they say: the rule, and what moved its number. */
static json_t *why_new(const struct field_plan *field, const char *rule)
{
    char text[200];
    (void)clean_copy(rule, text, sizeof text);
    size_t used = strlen(text);
    if (field->moved_by && used + 3 < sizeof text) {
        memcpy(text + used, ", ", 3);
        (void)clean_copy(field->moved_by, text + used + 2, sizeof text - used - 2);
    }
    return json_string_safe(text);
}

/* New {"max","max_by","min","min_by"}: how far a number may move, and who says so. */
static json_t *range_new(const struct field_plan *field)
{
    json_t *range = json_object();
    char by[100];
    json_object_set_new(range, "min", json_integer(field->min));
    json_object_set_new(range, "max", json_integer(field->max));
    json_object_set_new(range, "min_by", json_string_safe(clean_copy(field->min_by, by, sizeof by)));
    json_object_set_new(range, "max_by", json_string_safe(clean_copy(field->max_by, by, sizeof by)));
    return range;
}

/* The four amounts of today, the rules' choice with its reasons, and the ranges of those that may move. */
static void put_amounts(json_t *out, const struct container_plan *container)
{
    json_t *today = json_object();
    json_t *rules = json_object();
    json_t *why = json_object();
    json_t *bounds = json_object();
    for (int f = 0; f < FIELDS; f++) {
        const struct field_plan *field = &container->fields[f];
        const char *key = schema_field((enum field)f);
        if (field->effective >= 0) {
            json_object_set_new(today, key, json_integer(field->effective));
        }
        if (field_after(field) >= 0) {
            json_object_set_new(rules, key, json_integer(field_after(field)));
        }
        if (field->rule) {
            json_object_set_new(why, key, why_new(field, field->rule));
        }
        if (answer_may_set(field)) {
            json_object_set_new(bounds, key, range_new(field));
        }
    }
    json_object_set_new(out, "today", today);
    json_object_set_new(out, "rules", rules);
    json_object_set_new(out, "why", why);
    json_object_set_new(out, "bounds", bounds);
}

/* Sets a count or a share only where there is something to tell. */
static void put_if_any(json_t *out, const char *key, double value)
{
    if (value > 0) {
        figure_put(out, key, value, 2);
    }
}

json_t *evidence_container(const struct container_plan *container, bool with_image)
{
    const struct container *of = container->container;
    char name[CONTAINER_NAME_MAX];
    char image[IMAGE_MAX];
    json_t *out = json_object();
    json_object_set_new(out, "name", json_string_safe(container_name(of, name)));
    if (of->role != ROLE_CONTAINER) {
        json_object_set_new(out, "role", json_string(of->role == ROLE_SIDECAR ? "sidecar" : "init"));
    }
    if (with_image && of->image && *of->image) {
        json_object_set_new(out, "image", json_string_safe(clean_copy(of->image, image, sizeof image)));
    }
    json_object_set_new(out, "cpu", figures_new(&of->use[CPU], CPU));
    json_object_set_new(out, "memory", figures_new(&of->use[MEMORY], MEMORY));
    put_course(out, "cpu_by_hour", "cpu_by_weekday", &of->use[CPU].mean_hour);
    put_course(out, "memory_by_hour", "memory_by_weekday", &of->use[MEMORY].mean_hour);
    put_if_any(out, "throttled", of->throttled);
    put_if_any(out, "throttled_worst_hour", of->throttled_worst_hour);
    put_if_any(out, "oom_kills", of->oom_kills);
    put_if_any(out, "restarts", of->restarts);
    put_backtest(out, &container->backtest);
    put_amounts(out, container);
    return out;
}
