#include "stages/analyze/scaling/schedule.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "stages/analyze/scaling/policies.h"
#include "stages/analyze/scaling/replicas.h"
#include "stages/analyze/scaling/load/weekdays.h"
#include "stages/analyze/statistics/order.h"

enum { CLASSES_MAX = 2, LEAD_MINUTES = 15, CLASS_DAYS_MAX = 50, STABILIZATION_SECONDS = 300, HOURLY_LEAD = 5 };

static const double varies_times = 2;       /* highest ÷ lowest hour, as an autoscaler asks for it */
static const double far_times = 3;          /* the same, from which on about as many replicas as today will do */
static const double same_share = 1.1;       /* of today's replicas: about as many */
static const double least_millicores = 100;
static const double usual_share = 0.8;   /* of the days of a class that the replicas of an hour carry */
static const double saving_share = 0.15; /* of the replica-hours, from which on a schedule is worth it */

/* Days that are alike, and when on them more replicas are needed. */
struct day_class {
    unsigned days; /* mask of weekdays */
    int64_t need[DAY_HOURS];
    int from, to; /* hours [from, to), from > to: over midnight; from == to: the whole day is alike */
    int64_t inside, outside;
};

struct timetable {
    struct day_class classes[CLASSES_MAX];
    size_t count;
    int64_t base, most;
    double saved;
};

/* What the replicas of one hour must carry on days of a class. False when too few of them tell. */
static bool usual_load(const struct situation *situation, unsigned days, int hour, double *load)
{
    double values[CLASS_DAYS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < situation->calendar.count && n < CLASS_DAYS_MAX; i++) {
        const struct day *day = &situation->calendar.days[i];
        if ((days >> day->weekday & 1u) && isfinite(day->hour_top[hour])) {
            values[n++] = day->hour_top[hour];
        }
    }
    *load = order_quantile(values, n, usual_share);
    return n >= 2;
}

static bool read_class(const struct situation *situation, unsigned days, struct day_class *out)
{
    *out = (struct day_class){.days = days};
    for (int h = 0; h < DAY_HOURS; h++) {
        double load;
        if (!usual_load(situation, days, h, &load)) {
            return false;
        }
        out->need[h] = replicas_for(situation, load, REPLICAS_AMPLE);
        out->need[h] = out->need[h] < situation->floor ? situation->floor : out->need[h];
    }
    return true;
}

static bool is_inside(int hour, int from, int to)
{
    return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}

/* The two levels of a window, and the replica-hours of a day with them. */
static int64_t cost_of(const struct day_class *class, int from, int to, int64_t *inside, int64_t *outside)
{
    int64_t hours = 0;
    *inside = *outside = 1;
    for (int h = 0; h < DAY_HOURS; h++) {
        bool in = is_inside(h, from, to);
        int64_t *level = in ? inside : outside;
        *level = class->need[h] > *level ? class->need[h] : *level;
        hours += in;
    }
    return *inside * hours + *outside * (DAY_HOURS - hours);
}

/* The window that needs the fewest replica-hours; over midnight only where all days are alike. */
static void find_window(struct day_class *class)
{
    int64_t flat = cost_of(class, 0, DAY_HOURS, &class->outside, &class->inside);
    int64_t best = flat;
    class->inside = class->outside;
    for (int from = 0; from < DAY_HOURS; from++) {
        for (int to = 1; to <= DAY_HOURS; to++) {
            int64_t inside, outside;
            if (to == from || (from == 0 && to == DAY_HOURS) || (from > to && class->days != ALL_DAYS)) {
                continue;
            }
            int64_t cost = cost_of(class, from, to, &inside, &outside);
            if (cost < best && inside > outside) {
                best = cost;
                class->from = from;
                class->to = to;
                class->inside = inside;
                class->outside = outside;
            }
        }
    }
}

static int64_t hours_of(const struct day_class *class)
{
    int64_t hours = class->from < class->to ? class->to - class->from : DAY_HOURS - class->from + class->to;
    return class->from == class->to ? 0 : hours;
}

/* Sets base and what is saved against running the most all the time. */
static void sum_up(struct timetable *out)
{
    double hours = 0;
    double days = 0;
    out->base = INT64_MAX;
    for (size_t i = 0; i < out->count; i++) {
        struct day_class *class = &out->classes[i];
        find_window(class);
        out->base = class->outside < out->base ? class->outside : out->base;
        out->most = class->inside > out->most ? class->inside : out->most;
        double each = (double)weekdays_count(class->days);
        double inside = (double)hours_of(class);
        hours += each * ((double)class->inside * inside + (double)class->outside * (DAY_HOURS - inside));
        days += each;
    }
    out->saved = out->most > 0 && days > 0 ? 1 - hours / ((double)out->most * DAY_HOURS * days) : 0;
}

/* Which days are alike: working days and weekends, days that stand out and the others, or all. */
static bool make_timetable(const struct situation *situation, struct timetable *out)
{
    const struct shape *shape = &situation->shape;
    unsigned apart = shape_days_apart(shape);
    *out = (struct timetable){.count = apart ? 2 : 1};
    for (size_t i = 0; i < out->count; i++) {
        unsigned days = i == 0 ? ALL_DAYS & ~apart : apart;
        if (!read_class(situation, days, &out->classes[i])) {
            return false;
        }
    }
    sum_up(out);
    return out->most > out->base;
}

static json_t *entry_new(const char *days, const char *start, const char *end, int64_t replicas)
{
    json_t *out = json_object();
    json_object_set_new(out, "days", json_string(days));
    json_object_set_new(out, "start", json_string(start));
    json_object_set_new(out, "end", json_string(end));
    json_object_set_new(out, "replicas", json_integer(replicas));
    return out;
}

/* Adds the window of a class, a quarter of an hour before the load comes. */
static void add_window(const struct day_class *class, struct scale_crons *crons, json_t *entries)
{
    struct scale_cron *cron = &crons->items[crons->count++];
    char days[WEEKDAYS_TEXT], begins[WEEKDAYS_TEXT], ends[WEEKDAYS_TEXT], start[16], end[16];
    int hour = (class->from + DAY_HOURS - 1) % DAY_HOURS;
    weekdays_text(class->days, days);
    weekdays_text(class->from == 0 ? weekdays_before(class->days) : class->days, begins);
    weekdays_text(class->to == DAY_HOURS ? weekdays_after(class->days) : class->days, ends);
    (void)snprintf(cron->start, sizeof cron->start, "%d %d * * %s", 60 - LEAD_MINUTES, hour, begins);
    (void)snprintf(cron->end, sizeof cron->end, "0 %d * * %s", class->to % DAY_HOURS, ends);
    (void)snprintf(start, sizeof start, "%02d:%02d", hour, 60 - LEAD_MINUTES);
    (void)snprintf(end, sizeof end, "%02d:00", class->to);
    cron->replicas = class->inside;
    json_array_append_new(entries, entry_new(days, start, end, class->inside));
}

/* Adds the rest of the day of a class that needs more than the base then, too: from midnight to midnight, of which the window's
 * number, being larger, wins in its hours. */
static void add_rest(const struct day_class *class, struct scale_crons *crons, json_t *entries)
{
    struct scale_cron *cron = &crons->items[crons->count++];
    char days[WEEKDAYS_TEXT];
    weekdays_text(class->days, days);
    (void)snprintf(cron->start, sizeof cron->start, "0 0 * * %s", days);
    (void)snprintf(cron->end, sizeof cron->end, "59 23 * * %s", days);
    cron->replicas = class->outside;
    json_array_append_new(entries, entry_new(days, "00:00", "23:59", class->outside));
}

static void fill_crons(const struct timetable *table, struct scale_crons *crons, json_t *entries)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct day_class *class = &table->classes[i];
        if (class->outside > table->base) {
            add_rest(class, crons, entries);
        }
        if (class->from != class->to && class->inside > class->outside) {
            add_window(class, crons, entries);
        }
    }
}

/* A peak at the same minutes of every hour. */
static bool fill_hourly(const struct situation *situation, struct timetable *table, struct scale_crons *crons, json_t *entries)
{
    const struct load *load = &situation->load;
    double *values = arena_alloc_array(situation->arena, load->count + 1, sizeof *values);
    size_t n = 0;
    for (size_t i = 0; i < load->count; i++) {
        int64_t start = load->start + (int64_t)i * load->step_seconds;
        if (start / 60 % 60 == situation->shape.hourly_minute && isfinite(load->total[i])) {
            values[n++] = load->total[i];
        }
    }
    table->most = replicas_for(situation, order_quantile(values, n, usual_share), REPLICAS_AMPLE);
    table->base = replicas_for(situation, load->peak, REPLICAS_AMPLE);
    table->base = table->base < situation->floor ? situation->floor : table->base;
    if (table->most <= table->base) {
        return false;
    }
    struct scale_cron *cron = &crons->items[crons->count++];
    int from = (situation->shape.hourly_minute + 60 - HOURLY_LEAD) % 60;
    int to = (situation->shape.hourly_minute + situation->shape.hourly_minutes) % 60;
    char start[16], end[16];
    (void)snprintf(cron->start, sizeof cron->start, "%d * * * *", from);
    (void)snprintf(cron->end, sizeof cron->end, "%d * * * *", to);
    (void)snprintf(start, sizeof start, "*:%02d", from);
    (void)snprintf(end, sizeof end, "*:%02d", to);
    cron->replicas = table->most;
    table->saved = (1 - (double)table->base / (double)table->most) * (60 - HOURLY_LEAD - situation->shape.hourly_minutes) / 60.0;
    json_array_append_new(entries, entry_new("*", start, end, table->most));
    return true;
}

static void write_objects(struct situation *situation, const struct horizontal *horizontal, const struct scale_crons *crons, int64_t most,
                          json_t *why)
{
    struct scale_range range = {.min = crons->base, .max = most, .pace = {.stabilization_seconds = STABILIZATION_SECONDS}};
    char name[NAME_SUBDOMAIN_MAX + 1];
    json_t *unused = json_array();
    if (horizontal->create) {
        range = horizontal->range;
        range.max = range.max < most ? most : range.max;
    }
    policies_limit(situation, &range, unused);
    json_decref(unused);
    if (!can_write(situation, why)) {
        return;
    }
    /* KEDA puts the name of a ScaledObject into a label, and its own word before it. */
    name_make(situation->target.name, "", NAME_LABEL_MAX - 16, name);
    manifest_scaled_object(situation->manifests, &situation->target, name, "keda", &range, crons, NULL);
    if (!situation->target.namespace) {
        why_add(why, "no CronJobs: their RoleBinding needs the namespace, which the manifest does not name");
        return;
    }
    manifest_cron_jobs(situation->manifests, &situation->target, crons, scaling_image(situation->setup));
}

/* Holds the numbers of a schedule, and its entries, to policies and guardrails. */
static void limit_crons(const struct situation *situation, struct timetable *table, struct scale_crons *crons, json_t *entries,
                        json_t *why)
{
    struct scale_range range = {.min = crons->base, .max = table->most};
    policies_limit(situation, &range, why);
    crons->base = range.min;
    table->most = range.max;
    for (size_t i = 0; i < crons->count; i++) {
        struct scale_cron *cron = &crons->items[i];
        cron->replicas = cron->replicas > range.max ? range.max : cron->replicas < range.min ? range.min : cron->replicas;
        json_object_set_new(json_array_get(entries, i), "replicas", json_integer((json_int_t)cron->replicas));
    }
}

static bool has_clock(const struct situation *situation)
{
    const bool *shows = situation->shape.shows;
    double low = situation->shape.wave_low;
    double high = situation->shape.wave_high;
    bool by_day = (shows[DAILY_PATTERN] || shows[WEEKEND_PATTERN] || shows[WEEKLY_PATTERN]) && high >= varies_times * low &&
                  high - low >= least_millicores;
    bool free = !situation->horizontal || situation->horizontal->kind == SCALER_KEDA;
    return situation->scalable && free && !situation->plan->refusal && situation->shape.known &&
           isfinite(situation->request) && situation->now > 0 && (by_day || shows[HOURLY_PATTERN]);
}

static json_t *member_new(const struct timetable *table, const struct scale_crons *crons, json_t *entries, json_t *why)
{
    json_t *out = json_object();
    json_object_set_new(out, "timezone", json_string_safe(crons->timezone));
    json_object_set_new(out, "base", json_integer(crons->base));
    json_object_set_new(out, "entries", entries);
    json_object_set_new(out, "saved_share", json_real_or_null(table->saved));
    json_object_set_new(out, "why", why);
    return out;
}

/* Whether it saves against the most all the time, and against today, unless today's replicas do not carry the load. */
static bool is_worth_it(const struct situation *situation, const struct timetable *table)
{
    double mean = (1 - table->saved) * (double)table->most;
    bool short_now = replicas_for(situation, situation->shape.usual_peak, REPLICAS_SPIKE) > situation->now;
    bool far = situation->shape.wave_high >= far_times * situation->shape.wave_low && mean <= same_share * (double)situation->now;
    return table->saved >= saving_share && (short_now || far || mean <= (1 - saving_share) * (double)situation->now);
}

json_t *schedule_new(struct situation *situation, const struct horizontal *horizontal)
{
    struct timetable table;
    if (!has_clock(situation)) {
        return json_null();
    }
    struct scale_crons crons = {.timezone = scaling_zone_name(situation->setup)};
    const bool *shows = situation->shape.shows;
    bool by_day = shows[DAILY_PATTERN] || shows[WEEKEND_PATTERN] || shows[WEEKLY_PATTERN];
    json_t *entries = json_array();
    json_t *why = json_array();
    bool found = by_day && make_timetable(situation, &table);
    if (found) {
        fill_crons(&table, &crons, entries);
    } else if (shows[HOURLY_PATTERN]) {
        found = fill_hourly(situation, &table, &crons, entries);
    }
    if (!found || crons.count == 0 || !is_worth_it(situation, &table)) {
        json_decref(entries);
        json_decref(why);
        return json_null();
    }
    crons.base = table.base;
    limit_crons(situation, &table, &crons, entries, why);
    why_add(why,
            "from hour to hour the replicas carry what four of five days ask for, at %d %% of their requests, a quarter of an hour "
            "before it comes",
            REPLICAS_AMPLE);
    why_add(why, "%.0f %% fewer replica-hours than with %" PRId64 " all the time", table.saved * 100, table.most);
    if (isfinite(situation->shape.agreement)) {
        why_add(why, "%.0f %% of the days follow the same curve", situation->shape.agreement * 100);
    }
    if (!situation->horizontal) {
        why_replicas(situation, why);
    }
    if (horizontal->create) {
        why_add(why, "in place of the HorizontalPodAutoscaler, not beside it: the ScaledObject makes one itself, the CronJobs would undo "
                     "what it does");
    }
    if (situation->horizontal) {
        why_add(why, "KEDA scales it already: add these times to ScaledObject %.60s as triggers of type cron", situation->horizontal->name);
    } else {
        write_objects(situation, horizontal, &crons, table.most, why);
    }
    json_t *reasons = json_array();
    json_array_extend(reasons, why);
    advise(situation, "schedule", reasons, "%s: %" PRId64 " replicas, and up to %" PRId64 " at fixed times (%s)",
           horizontal->create ? "or by the clock, which the load follows" : "the load goes by the clock", crons.base, table.most,
           crons.timezone);
    return member_new(&table, &crons, entries, why);
}
