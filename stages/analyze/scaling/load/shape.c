#include "stages/analyze/scaling/load/shape.h"

#include <math.h>
#include <string.h>

#include "stages/analyze/scaling/load/rhythm.h"
#include "stages/analyze/scaling/load/weekdays.h"
#include "stages/analyze/statistics/order.h"

enum { DAYS_MIN = 3, GROWTH_DAYS_MIN = 5, HALF_HOUR = 1800, BURSTS_MIN = 5, BASE_REACH = 18, BASE_STRIDE = 6, DAY_SECONDS = 86400 };

static const double weekend_differs = 0.75;  /* a low weekend day ÷ a working day, a working day ÷ a high one */
static const double weekend_alike = 1.4;     /* highest ÷ lowest day of weekends */
static const double weekday_differs = 1.4;   /* a weekday that stands out ÷ the usual day */
static const double growth_concordance = 0.7;
static const double growth_share = 0.15;     /* over the window */
static const double shift_times = 1.4;      /* between the days before and after */
static const double shift_flat = 1.25;      /* highest ÷ lowest day on one side */
static const double spike_times = 1.5;
static const double spike_days_share = 1.0 / 3;
static const double burst_times = 2;
static const double burst_days_share = 0.5;
static const double least_millicores = 50;   /* what is less is not worth a word */

static const char *const names[PATTERNS] = {[WEEKEND_PATTERN] = "weekend", [WEEKLY_PATTERN] = "weekly", [DAILY_PATTERN] = "daily",
                                            [LEVEL_SHIFT] = "level-shift", [GROWING] = "growing", [SPIKES] = "spike",
                                            [BURSTS] = "bursty", [HOURLY_PATTERN] = "hourly"};

const char *pattern_name(enum pattern pattern)
{
    return names[pattern];
}

/* Whether the window brought more growth than a day brings ups and downs. */
static bool grows_more(const struct shape *shape)
{
    double swing = shape->wave_low > 0 ? shape->wave_high / shape->wave_low - 1 : INFINITY;
    return shape->shows[GROWING] && shape->growth_per_day * (double)shape->days > swing;
}

const char *shape_kind(const struct shape *shape)
{
    if (grows_more(shape)) {
        return names[GROWING];
    }
    for (int i = 0; i < PATTERNS; i++) {
        if (shape->shows[i]) {
            return names[i];
        }
    }
    return shape->known ? "steady" : "unknown";
}

/* Whole days; of the weekend (1), of the others (0), or all (−1). Returns how many; their means, less what they grew by since the
 * first at `slope` a day, into `means`. */
static size_t day_means(const struct calendar *calendar, int weekend, double slope, double *means)
{
    size_t n = 0;
    for (size_t i = 0; i < calendar->count; i++) {
        const struct day *day = &calendar->days[i];
        if (day_is_whole(day) && (weekend < 0 || day_is_weekend(day) == (weekend != 0))) {
            means[n++] = day->mean - slope * (double)(day->number - calendar->days[0].number);
        }
    }
    return n;
}

static double extreme(const double *values, size_t count, bool high)
{
    double out = values[0];
    for (size_t i = 1; i < count; i++) {
        out = high ? fmax(out, values[i]) : fmin(out, values[i]);
    }
    return out;
}

/* The days whose growth is judged: the working days, where there are enough of them, since weekends differ. */
static size_t growth_days(const struct calendar *calendar, struct arena *arena, const struct day ***out)
{
    const struct day **days = arena_alloc_array(arena, calendar->count + 1, sizeof *days);
    size_t n = 0;
    for (int pass = 0; pass < 2 && n < GROWTH_DAYS_MIN; pass++) {
        n = 0;
        for (size_t i = 0; i < calendar->count; i++) {
            const struct day *day = &calendar->days[i];
            if (day_is_whole(day) && (pass == 1 || !day_is_weekend(day))) {
                days[n++] = day;
            }
        }
    }
    *out = days;
    return n;
}

/* Theil and Sen's slope over whole days, told where nearly all pairs of them agree. Returns it, 0 where it is not told. */
static double judge_growth(const struct calendar *calendar, struct arena *arena, double *scratch, struct shape *out)
{
    const struct day **days;
    size_t count = growth_days(calendar, arena, &days);
    double *slopes = arena_alloc_array(arena, count * count + 1, sizeof *slopes);
    size_t pairs = 0;
    double up = 0;
    for (size_t i = 0; i < count; i++) {
        scratch[i] = days[i]->mean;
        for (size_t j = i + 1; j < count; j++) {
            slopes[pairs++] = (days[j]->mean - days[i]->mean) / (double)(days[j]->number - days[i]->number);
            up += days[j]->mean > days[i]->mean;
        }
    }
    double middle = order_median(scratch, count);
    if (count < GROWTH_DAYS_MIN || !(middle > 0) || fabs(2 * up / (double)pairs - 1) < growth_concordance) {
        return 0;
    }
    double slope = order_median(slopes, pairs);
    double whole = slope * (double)(days[count - 1]->number - days[0]->number);
    out->growth_per_day = slope / middle;
    out->shows[GROWING] = whole >= growth_share * middle && whole >= least_millicores / 2;
    return slope;
}

/* Whether a working day came after a day of a weekend: what went up then came down again. */
static bool came_back(const struct calendar *calendar)
{
    bool weekend = false;
    for (size_t i = 0; i < calendar->count; i++) {
        const struct day *day = &calendar->days[i];
        if (weekend && day_is_whole(day) && !day_is_weekend(day)) {
            return true;
        }
        weekend = weekend || (day_is_whole(day) && day_is_weekend(day));
    }
    return false;
}

/* Whether every day of the weekend lies below, or every one above, all working days, and by enough. */
static void judge_weekend(const struct calendar *calendar, double slope, double *scratch, struct shape *out)
{
    double *others = scratch + calendar->count;
    size_t weekend = day_means(calendar, 1, slope, scratch);
    size_t working = day_means(calendar, 0, slope, others);
    out->weekend_ratio = NAN;
    if (weekend < 2 || working < DAYS_MIN) {
        return;
    }
    double low = extreme(scratch, weekend, false);
    double high = extreme(scratch, weekend, true);
    double least = extreme(others, working, false);
    double most = extreme(others, working, true);
    double middle = order_median(others, working);
    double mean = order_median(scratch, weekend);
    out->weekend_ratio = middle > 0 ? mean / middle : NAN;
    bool alike = high <= weekend_alike * low;
    bool lower = high <= weekend_differs * middle && high < least;
    bool higher = low * weekend_differs >= middle && low > most && came_back(calendar);
    out->shows[WEEKEND_PATTERN] = alike && (lower || higher) && fabs(middle - mean) >= least_millicores;
}

/* Whether one weekday stood out each time it came, at least twice, and no other did. */
static void judge_week(const struct calendar *calendar, double *scratch, struct shape *out)
{
    size_t all = day_means(calendar, -1, 0, scratch);
    double middle = order_median(scratch, all);
    size_t came[WEEK_DAYS] = {0};
    size_t stood_out[WEEK_DAYS] = {0};
    size_t others = 0;
    for (size_t i = 0; i < calendar->count; i++) {
        const struct day *day = &calendar->days[i];
        if (day_is_whole(day)) {
            came[day->weekday]++;
            stood_out[day->weekday] += day->mean >= weekday_differs * middle && day->mean - middle >= least_millicores;
        }
    }
    size_t found = 0;
    for (int d = 0; d < WEEK_DAYS; d++) {
        bool each = came[d] >= 2 && stood_out[d] == came[d];
        out->weekly_days |= each ? 1u << d : 0;
        found += each;
        others += each ? 0 : stood_out[d];
    }
    out->shows[WEEKLY_PATTERN] = found > 0 && found <= 2 && others == 0;
}

/* Lowest and highest middle of whole days [from, to). */
static void side_of(const double *typical, size_t from, size_t to, double *low, double *high)
{
    *low = INFINITY;
    *high = 0;
    for (size_t i = from; i < to; i++) {
        *low = fmin(*low, typical[i]);
        *high = fmax(*high, typical[i]);
    }
}

/* Whether two days and more lie apart from two days and more before them, both flat; the day between may be anything. */
static void judge_shift(const struct calendar *calendar, double *scratch, struct shape *out)
{
    size_t n = 0;
    for (size_t i = 0; i < calendar->count; i++) {
        if (day_is_whole(&calendar->days[i])) {
            scratch[n++] = calendar->days[i].typical;
        }
    }
    for (size_t k = 2; k + 1 < n && !out->shows[WEEKEND_PATTERN]; k++) {
        for (size_t skip = 0; skip < 2 && k + skip + 2 <= n; skip++) {
            double low, high, low_after, high_after;
            side_of(scratch, 0, k, &low, &high);
            side_of(scratch, k + skip, n, &low_after, &high_after);
            bool flat = high <= shift_flat * low && high_after <= shift_flat * low_after;
            bool apart = low_after >= shift_times * high || low >= shift_times * high_after;
            bool enough = fabs(low_after - low) >= least_millicores;
            out->shows[LEVEL_SHIFT] = out->shows[LEVEL_SHIFT] || (flat && apart && enough);
        }
    }
}

/* What the days usually reach at most, and by what factor that lies above their middle. */
static double usual_top(const struct calendar *calendar, double *scratch, double *over_middle)
{
    size_t n = 0;
    double *ratios = scratch + calendar->count;
    for (size_t i = 0; i < calendar->count; i++) {
        if (day_is_whole(&calendar->days[i])) {
            ratios[n] = calendar->days[i].typical > 0 ? calendar->days[i].top / calendar->days[i].typical : 1;
            scratch[n++] = calendar->days[i].top;
        }
    }
    *over_middle = order_median(ratios, n);
    return order_median(scratch, n);
}

/* Above which the load of a day is a spike; where it grows, the later days are measured by themselves too. */
static double spike_line(const struct shape *shape, const struct day *day, double over_middle)
{
    double usual = shape->usual_top;
    if (shape->shows[GROWING] && isfinite(day->typical)) {
        usual = fmax(usual, over_middle * day->typical);
    }
    return fmax(spike_times * usual, usual + least_millicores);
}

/* Whether a day stands out each time it comes: then it is no spike that it does. */
static bool is_expected(const struct shape *shape, const struct day *day)
{
    return (shape->shows[WEEKLY_PATTERN] && (shape->weekly_days >> day->weekday & 1u) != 0) ||
           (shape->shows[WEEKEND_PATTERN] && day_is_weekend(day));
}

static void add_spike(struct shape *out, int64_t start, int64_t end, double times)
{
    struct spike *last = out->spike_count > 0 ? &out->spikes[out->spike_count - 1] : NULL;
    if (last && start - (last->start + last->seconds) <= HALF_HOUR) {
        last->seconds = end - last->start;
        last->times = fmax(last->times, times);
    } else if (out->spike_count < SPIKES_MAX) {
        out->spikes[out->spike_count++] = (struct spike){start, end - start, times};
    }
}

/* Spikes, and what the level reaches without them. They are spikes only while they are rare. */
static void judge_spikes(const struct load *load, const struct calendar *calendar, const struct tz *tz, double *scratch,
                         struct shape *out)
{
    double over_middle;
    size_t hit = 0;
    size_t n = 0;
    size_t at = 0;
    int64_t last = INT64_MIN;
    out->usual_top = usual_top(calendar, scratch, &over_middle);
    for (size_t i = 0; i < load->count; i++) {
        int hour;
        int64_t start = load->start + (int64_t)i * load->step_seconds;
        int64_t number = calendar_day(tz, start, &hour);
        while (at + 1 < calendar->count && calendar->days[at].number < number) {
            at++;
        }
        double line = spike_line(out, &calendar->days[at], over_middle);
        bool above = load->total[i] > line || load->level[i] > line;
        if (above && !is_expected(out, &calendar->days[at])) {
            add_spike(out, start, start + load->step_seconds, load->total[i] / out->usual_top);
            hit += number != last;
            last = number;
        } else if (isfinite(load->level[i])) {
            scratch[n++] = load->level[i];
        }
    }
    for (size_t i = 0; i < out->spike_count; i++) {
        out->shows[LEVEL_SHIFT] = out->shows[LEVEL_SHIFT] || out->spikes[i].seconds >= DAY_SECONDS;
    }
    hit = out->shows[LEVEL_SHIFT] ? 0 : hit;
    out->shows[SPIKES] = hit > 0 && (double)hit <= fmax(1, spike_days_share * (double)out->days);
    out->shows[BURSTS] = hit > 0 && !out->shows[SPIKES];
    out->spike_count = out->shows[SPIKES] || out->shows[BURSTS] ? out->spike_count : 0;
    size_t steps = (size_t)fmax(1, (double)(HALF_HOUR / load->step_seconds));
    out->usual_peak = n > steps && out->shows[SPIKES] ? order_select(scratch, n, n - steps) : load->peak;
}

/* Short bursts above what the three hours around them hold, on most days. */
static void judge_bursts(const struct load *load, const struct tz *tz, struct shape *out)
{
    size_t bursts = 0;
    size_t days = 0;
    int64_t last = INT64_MIN;
    bool in_burst = false;
    for (size_t i = BASE_REACH; i + BASE_REACH < load->count; i++) {
        double near[2 * BASE_REACH / BASE_STRIDE + 1];
        size_t n = 0;
        for (size_t j = i - BASE_REACH; j <= i + BASE_REACH; j += BASE_STRIDE) {
            if (isfinite(load->level[j])) {
                near[n++] = load->level[j];
            }
        }
        bool above = false;
        if (n > 0 && load->total[i] >= least_millicores) {
            double base = order_median(near, n);
            above = load->total[i] > burst_times * base && load->total[i] - base >= least_millicores;
        }
        if (above && !in_burst) {
            int hour;
            int64_t number = calendar_day(tz, load->start + (int64_t)i * load->step_seconds, &hour);
            bursts++;
            days += number != last;
            last = number;
        }
        in_burst = above;
    }
    /* A job that runs once a day is its curve. */
    bool explained = out->shows[HOURLY_PATTERN] || (out->shows[DAILY_PATTERN] && bursts <= 2 * out->days);
    bool often = bursts >= BURSTS_MIN && (double)days >= burst_days_share * (double)out->days;
    out->shows[BURSTS] = out->shows[BURSTS] || (often && !explained);
}

/* Takes in the middle of each hour over the days of a set of weekdays. */
static void take_hours(const struct calendar *calendar, unsigned days, double *scratch, struct shape *out)
{
    for (int h = 0; h < DAY_HOURS; h++) {
        size_t n = 0;
        for (size_t i = 0; i < calendar->count; i++) {
            const struct day *day = &calendar->days[i];
            if ((days >> day->weekday & 1u) != 0 && isfinite(day->hour_mean[h])) {
                scratch[n++] = day->hour_mean[h];
            }
        }
        if (n >= 2) {
            double middle = order_median(scratch, n);
            out->wave_low = fmin(out->wave_low, middle);
            out->wave_high = fmax(out->wave_high, middle);
        }
    }
}

/* How far the load goes from hour to hour in a way that comes again. */
static void judge_wave(const struct calendar *calendar, double *scratch, struct shape *out)
{
    unsigned apart = shape_days_apart(out);
    out->wave_low = out->wave_high = NAN;
    take_hours(calendar, ALL_DAYS & ~apart, scratch, out);
    take_hours(calendar, apart, scratch, out);
}

unsigned shape_days_apart(const struct shape *shape)
{
    return shape->shows[WEEKEND_PATTERN] ? WEEKEND_DAYS : shape->shows[WEEKLY_PATTERN] ? shape->weekly_days : 0;
}

void shape_make(const struct load *load, const struct calendar *calendar, const struct tz *tz, struct arena *arena, struct shape *out)
{
    *out = (struct shape){.agreement = NAN,
                          .weekend_ratio = NAN,
                          .growth_per_day = NAN,
                          .usual_top = NAN,
                          .usual_peak = load->peak,
                          .wave_low = NAN,
                          .wave_high = NAN};
    double *scratch = arena_alloc_array(arena, load->count + 2 * calendar->count + 1, sizeof *scratch);
    out->days = day_means(calendar, -1, 0, scratch);
    out->known = out->days >= DAYS_MIN;
    if (!out->known) {
        return;
    }
    judge_weekend(calendar, judge_growth(calendar, arena, scratch, out), scratch, out);
    judge_week(calendar, scratch, out);
    judge_shift(calendar, scratch, out);
    out->agreement = rhythm_of_days(calendar, least_millicores, &out->shows[DAILY_PATTERN]);
    out->shows[HOURLY_PATTERN] = rhythm_of_hours(load, least_millicores, arena, &out->hourly_minute, &out->hourly_minutes);
    judge_spikes(load, calendar, tz, scratch, out);
    judge_bursts(load, tz, out);
    judge_wave(calendar, scratch, out);
}
