#include "stages/analyze/findings/rhythms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/analyze/statistics/order.h"

enum { HOUR = 3600, DAY = 86400, WEEK = 7 * DAY, DAYS_MAX = 64, TWO_WEEKS = 13 * DAY, PHASE = 6 * HOUR };

/* Own cuts, what is worth a word in millicores and bytes. */
static const double matters[RESOURCES] = {20, 32 * 1048576.0};
static const double busy_ratio = 1.5;
static const double agreement_least = 0.5;
static const double quiet_share = 0.6;
static const double burst_ratio = 1.5;
static const double burst_hours_most = 0.15;
static const double again_share = 0.7;

/* ---- Busy hours ---- */

static void find_daily_peak(const struct sheet *sheet, enum resource resource, const struct profile *profile)
{
    const struct figures *use = &sheet->container->container->use[resource];
    char usual[32];
    char busy[32];
    size_t best = 0;
    for (size_t s = 0; s < PROFILE_SLOTS; s++) {
        best = profile->slots[s] > profile->slots[best] ? s : best;
    }
    if (profile->agreement < agreement_least || !use->known) {
        return;
    }
    /* The profile is smoothed, which flattens a short peak. */
    double peak = fmax(use->p50 + profile->highest / profile->agreement, use->busy_hour_p90);
    if (!(peak >= busy_ratio * use->p50) || peak - use->p50 < matters[resource]) {
        return;
    }
    int minutes = (int)(best * PROFILE_SLOT_SECONDS / 60);
    json_t *evidence = json_object();
    evidence_number(evidence, "minute_of_day", minutes);
    evidence_number(evidence, "busy", peak);
    evidence_number(evidence, "median", use->p50);
    evidence_number(evidence, "agreement", profile->agreement);
    sheet_add(sheet, "daily-peak", LOW, (int)resource, sheet_window(sheet), evidence,
              "%s peaks at about %02d:%02d UTC each day: about %s, where the middle of all times is %s",
              resource_word(resource), minutes / 60, minutes % 60, amount_text(resource, peak, busy),
              amount_text(resource, use->p50, usual));
}

/* ---- Weekends ---- */

/* Means of the whole days of a window. */
struct day_means {
    size_t count;
    int weekday[DAYS_MAX]; /* 0 is Sunday */
    double mean[DAYS_MAX];
};

static void read_days(const struct hours *hours, struct day_means *out)
{
    double sum = 0;
    int seen = 0;
    out->count = 0;
    for (size_t i = 0; i < hours->count; i++) {
        int64_t at = hours->start + (int64_t)i * HOUR;
        if (isfinite(hours->values[i])) {
            sum += hours->values[i];
            seen++;
        }
        if ((at + HOUR) / DAY != at / DAY) {
            if (seen >= 20 && out->count < DAYS_MAX) {
                out->weekday[out->count] = (int)((at / DAY + 4) % 7);
                out->mean[out->count++] = sum / seen;
            }
            sum = 0;
            seen = 0;
        }
    }
}

static void find_weekend_low(const struct sheet *sheet, enum resource resource)
{
    const struct figures *use = &sheet->container->container->use[resource];
    struct day_means days;
    double weekend = 0;
    double most_weekend = 0;
    double working = 0;
    double least_working = INFINITY;
    double counts[2] = {0, 0};
    read_days(&use->mean_hour, &days);
    for (size_t i = 0; i < days.count; i++) {
        bool free_day = days.weekday[i] == 0 || days.weekday[i] == 6;
        counts[free_day] += 1;
        *(free_day ? &weekend : &working) += days.mean[i];
        most_weekend = free_day ? fmax(most_weekend, days.mean[i]) : most_weekend;
        least_working = free_day ? least_working : fmin(least_working, days.mean[i]);
    }
    weekend /= counts[1];
    working /= counts[0];
    if (counts[0] < 3 || counts[1] < 1 || most_weekend >= least_working || weekend >= quiet_share * working ||
        working - weekend < matters[resource]) {
        return;
    }
    char low[32];
    char usual[32];
    json_t *evidence = json_object();
    evidence_number(evidence, "weekend_mean", weekend);
    evidence_number(evidence, "working_day_mean", working);
    evidence_number(evidence, "weekend_days", counts[1]);
    sheet_add(sheet, "weekend-low", LOW, (int)resource, sheet_window(sheet), evidence,
              "%s is %s on average at weekends and %s on working days", resource_word(resource),
              amount_text(resource, weekend, low), amount_text(resource, working, usual));
}

/* ---- Once a week ---- */

/* Bursts of a window: hours far above what is usual, those next to one another as one. */
struct bursts {
    size_t count;
    struct span spans[BURSTS_MAX];
    double peak;   /* highest hourly mean of all */
    double lowest; /* of the peaks of the bursts */
};

/* Adds an hour to the bursts; false where there are too many for any rhythm of a week. */
static bool burst_add(struct bursts *bursts, int64_t at, int64_t apart, double value)
{
    struct span *last = bursts->count > 0 ? &bursts->spans[bursts->count - 1] : NULL;
    bursts->peak = fmax(bursts->peak, value);
    if (last && at - last->end <= apart) {
        last->end = at + HOUR;
        return true;
    }
    if (bursts->count == BURSTS_MAX) {
        return false;
    }
    bursts->spans[bursts->count++] = (struct span){at, at + HOUR};
    return true;
}

/* Bursts of a workload that always runs. */
static bool read_bursts(const struct hours *hours, enum resource resource, struct arena *arena,
                        struct bursts *out)
{
    double *known = arena_alloc_array(arena, hours->count + 1, sizeof *known);
    size_t n = 0;
    for (size_t i = 0; i < hours->count; i++) {
        if (isfinite(hours->values[i])) {
            known[n++] = hours->values[i];
        }
    }
    if (n < 72) {
        return false;
    }
    double usual = order_quantile(known, n, 0.9);
    double cut = fmax(burst_ratio * usual, usual + matters[resource]);
    double hours_seen = 0;
    for (size_t i = 0; i < hours->count; i++) {
        if (hours->values[i] >= cut) {
            hours_seen += 1;
            if (!burst_add(out, hours->start + (int64_t)i * HOUR, 3 * HOUR, hours->values[i])) {
                return false;
            }
        }
    }
    return out->count > 0 && hours_seen <= burst_hours_most * (double)n;
}

/* Runs of a batch kind: hours with samples. */
static bool read_runs(const struct hours *hours, struct bursts *out)
{
    for (size_t i = 0; i < hours->count; i++) {
        if (isfinite(hours->values[i]) &&
            !burst_add(out, hours->start + (int64_t)i * HOUR, 6 * HOUR, hours->values[i])) {
            return false;
        }
    }
    return out->count > 0;
}

/* How far apart two instants are in the week, seconds. */
static int64_t week_apart(int64_t a, int64_t b)
{
    int64_t apart = llabs(a - b) % WEEK;
    return apart < WEEK - apart ? apart : WEEK - apart;
}

/* Whether all bursts lie at one time of the week; *weeks receives how many weeks have one. */
static bool one_phase(const struct bursts *bursts, int *weeks)
{
    int64_t last = INT64_MIN;
    *weeks = 0;
    for (size_t i = 0; i < bursts->count; i++) {
        if (week_apart(bursts->spans[i].start, bursts->spans[0].start) > PHASE) {
            return false;
        }
        int64_t week = (bursts->spans[i].start - bursts->spans[0].start + WEEK / 2) / WEEK;
        *weeks += week != last;
        last = week;
    }
    return true;
}

/* Whether the days before the window had the same burst on the same weekday, and hardly ever on others. */
static bool past_agrees(const struct past_days *past, const struct span *burst, double peak, int *weeks)
{
    int64_t weekday = burst->start / DAY % 7;
    int again = 0;
    int same = 0;
    int others = 0;
    int high_others = 0;
    for (size_t i = 0; i < past->count; i++) {
        bool high = (double)past->high[i] >= again_share * peak;
        if (past->day[i] % 7 == weekday) {
            same++;
            again += high;
        } else {
            others++;
            high_others += high;
        }
    }
    *weeks = 1 + again;
    return again >= 1 && 4 * again >= 3 * same && 10 * high_others <= others;
}

/* Whether a schedule names one day of the week: "0 3 * * 1". */
static bool is_weekly_schedule(const char *schedule)
{
    char fields[5][16];
    size_t count = 0;
    for (const char *at = schedule; at != NULL && *at != '\0' && count < 5;) {
        size_t blank = strspn(at, " \t");
        size_t length = strcspn(at + blank, " \t");
        if (length == 0 || length >= sizeof fields[0]) {
            break;
        }
        memcpy(fields[count], at + blank, length);
        fields[count++][length] = '\0';
        at += blank + length;
    }
    if (count < 5) {
        return str_equal(schedule, "@weekly");
    }
    return str_equal(fields[2], "*") && strpbrk(fields[4], "*,-/?") == NULL &&
           strpbrk(fields[1], "*,-/") == NULL;
}

static void tell_weekly(const struct sheet *sheet, enum resource resource, const struct bursts *bursts,
                        int weeks, struct rhythms *out)
{
    static const char *const weekdays[] = {"Thursday", "Friday",  "Saturday", "Sunday",
                                           "Monday",   "Tuesday", "Wednesday"};
    const struct span *first = &bursts->spans[0];
    char peak[32];
    char length[32];
    json_t *evidence = json_object();
    evidence_number(evidence, "weeks", weeks);
    evidence_number(evidence, "peak", bursts->peak);
    evidence_number(evidence, "seconds", (double)(first->end - first->start));
    evidence_time(evidence, "first", first->start);
    sheet_add(sheet, "weekly-batch", LOW, (int)resource,
              (struct span){first->start, bursts->spans[bursts->count - 1].end}, evidence,
              "%s comes to %s for about %s once a week, on %s at about %02d:00 UTC", resource_word(resource),
              amount_text(resource, bursts->peak, peak), length_text(first->end - first->start, length),
              weekdays[first->start / DAY % 7], (int)(first->start % DAY / HOUR));
    out->count = bursts->count;
    memcpy(out->bursts, bursts->spans, bursts->count * sizeof *out->bursts);
}

static void find_weekly(const struct sheet *sheet, enum resource resource, struct rhythms *out)
{
    const struct subject *subject = sheet->plan->subject;
    const struct hours *hours = &sheet->container->container->use[resource].mean_hour;
    struct bursts bursts = {.count = 0};
    struct past_days past;
    int weeks;
    bool any =
        subject->batch ? read_runs(hours, &bursts) : read_bursts(hours, resource, sheet->arena, &bursts);
    if (!any || !one_phase(&bursts, &weeks)) {
        return;
    }
    history_past_days(sheet->past, subject, sheet->container->container, resource, sheet->arena, &past);
    int whole_weeks = (int)((subject->window_end - bursts.spans[0].start) / WEEK);
    bool seen_often = subject->window_seconds >= TWO_WEEKS && weeks >= 2 && weeks >= whole_weeks;
    bool scheduled = subject->batch && is_weekly_schedule(json_string_or_null(subject->workload, "schedule"));
    if (seen_often || scheduled || past_agrees(&past, &bursts.spans[0], bursts.peak, &weeks)) {
        tell_weekly(sheet, resource, &bursts, weeks, out);
    }
}

void find_rhythms(const struct sheet *sheet, enum resource resource, const struct profile *profile,
                  struct rhythms *out)
{
    out->count = 0;
    find_weekly(sheet, resource, out);
    if (!sheet->plan->subject->batch) {
        find_daily_peak(sheet, resource, profile);
        find_weekend_low(sheet, resource);
    }
}
