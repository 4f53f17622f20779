#include "stages/analyze/scaling/load/rhythm.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

enum { DAYS_MIN = 3, CURVE_DAYS_MAX = 50, SLOTS_MAX = 12, SLOT_SECONDS = 300, HOUR_SECONDS = 3600, HOURS_MIN = 24, SLOTS_TOLD = 10 };

static const double agreeing = 0.6;       /* correlation of a day with the others */
static const double agreeing_share = 0.6; /* of the days */
static const double swing = 0.4;          /* of the curve, from its lowest to its highest hour, in means of the day */
static const double slot_times = 1.5;     /* the middle of a slot ÷ that of its hour */
static const double slot_shown = 1.3;
static const double slot_share = 0.7;

/* The days that are compared. */
struct curves {
    const struct day *days[CURVE_DAYS_MAX];
    size_t count;
};

static void choose(const struct calendar *calendar, struct curves *out)
{
    for (int pass = 0; pass < 2 && out->count < DAYS_MIN; pass++) {
        out->count = 0;
        for (size_t i = 0; i < calendar->count && out->count < CURVE_DAYS_MAX; i++) {
            const struct day *day = &calendar->days[i];
            if (day_is_whole(day) && day->mean > 0 && (pass == 1 || !day_is_weekend(day))) {
                out->days[out->count++] = day;
            }
        }
    }
}

/* The middle curve of all days but one, in means of the day; NaN for an hour that none tells. */
static void middle_curve(const struct curves *curves, size_t without, double curve[DAY_HOURS])
{
    for (int h = 0; h < DAY_HOURS; h++) {
        double values[CURVE_DAYS_MAX];
        size_t n = 0;
        for (size_t i = 0; i < curves->count; i++) {
            if (i != without && !isnan(curves->days[i]->hour_mean[h])) {
                values[n++] = curves->days[i]->hour_mean[h] / curves->days[i]->mean;
            }
        }
        curve[h] = order_median(values, n);
    }
}

/* Pearson's correlation of a day with a curve, over the hours that both tell; 0 for what does not vary. */
static double correlation(const struct day *day, const double curve[DAY_HOURS])
{
    double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    for (int h = 0; h < DAY_HOURS; h++) {
        double a = day->hour_mean[h] / day->mean;
        double b = curve[h];
        if (isfinite(a) && isfinite(b)) {
            n++;
            x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
        }
    }
    double spread = (n * xx - x * x) * (n * yy - y * y);
    return spread > 1e-12 ? (n * xy - x * y) / sqrt(spread) : 0;
}

double rhythm_of_days(const struct calendar *calendar, double least, bool *shows)
{
    struct curves curves = {.count = 0};
    double curve[DAY_HOURS];
    double agree = 0;
    double mean = 0;
    *shows = false;
    choose(calendar, &curves);
    if (curves.count < DAYS_MIN) {
        return NAN;
    }
    for (size_t i = 0; i < curves.count; i++) {
        middle_curve(&curves, i, curve);
        agree += correlation(curves.days[i], curve) >= agreeing;
        mean += curves.days[i]->mean / (double)curves.count;
    }
    middle_curve(&curves, curves.count, curve);
    double low = INFINITY;
    double high = 0;
    for (int h = 0; h < DAY_HOURS; h++) {
        low = fmin(low, curve[h]);
        high = fmax(high, curve[h]);
    }
    double share = agree / (double)curves.count;
    *shows = share >= agreeing_share && agree >= DAYS_MIN && high - low >= swing && (high - low) * mean >= least;
    return share;
}

/* Slots of whole hours, each in middles of its hour: `out[hour × SLOTS_MAX + slot]`. Returns how many hours. */
static size_t slots_of(const struct load *load, double least, double *out)
{
    size_t hours = 0;
    size_t per_hour = (size_t)(HOUR_SECONDS / load->step_seconds);
    for (size_t i = 0; i + per_hour <= load->count;) {
        int64_t start = load->start + (int64_t)i * load->step_seconds;
        if (start % HOUR_SECONDS != 0) {
            i++;
            continue;
        }
        double values[SLOTS_MAX];
        double high = 0;
        size_t n = 0;
        for (size_t s = 0; s < per_hour; s++) {
            if (isfinite(load->total[i + s])) {
                values[n++] = load->total[i + s];
                high = fmax(high, load->total[i + s]);
            }
        }
        double middle = order_median(values, n);
        if (n >= SLOTS_TOLD && middle > 0 && high - middle >= least) {
            for (size_t s = 0; s < per_hour; s++) {
                out[hours * SLOTS_MAX + s] = load->total[i + s] / middle;
            }
            hours++;
        }
        i += per_hour;
    }
    return hours;
}

/* The middle of each slot over the hours, in middles of the hour; 0 where it does not stand out in most of them. */
static void slot_middles(const double *slots, size_t hours, size_t all, double *values, double middles[SLOTS_MAX])
{
    for (size_t s = 0; s < SLOTS_MAX; s++) {
        size_t n = 0;
        double shown = 0;
        for (size_t h = 0; h < hours; h++) {
            double value = slots[h * SLOTS_MAX + s];
            if (isfinite(value)) {
                values[n++] = value;
                shown += value >= slot_shown;
            }
        }
        middles[s] = order_median(values, n);
        if (n == 0 || middles[s] < slot_times || shown < slot_share * (double)all) {
            middles[s] = 0;
        }
    }
}

bool rhythm_of_hours(const struct load *load, double least, struct arena *arena, int *minute, int *minutes)
{
    double middles[SLOTS_MAX];
    size_t best = 0;
    *minute = *minutes = 0;
    if (load->step_seconds != SLOT_SECONDS) {
        return false;
    }
    size_t all = load->count / SLOTS_MAX;
    double *slots = arena_alloc_array(arena, (all + 1) * SLOTS_MAX, sizeof *slots);
    double *values = arena_alloc_array(arena, all + 1, sizeof *values);
    size_t hours = slots_of(load, least, slots);
    if (hours < HOURS_MIN) {
        return false;
    }
    slot_middles(slots, hours, all, values, middles);
    for (size_t s = 1; s < SLOTS_MAX; s++) {
        best = middles[s] > middles[best] ? s : best;
    }
    /* The slots beside it that stand out, too; they may lie around the full hour. */
    size_t first = best;
    size_t length = middles[best] > 0 ? 1 : 0;
    while (length > 0 && length < SLOTS_MAX / 2 && middles[(first + SLOTS_MAX - 1) % SLOTS_MAX] > 0) {
        first = (first + SLOTS_MAX - 1) % SLOTS_MAX;
        length++;
    }
    while (length > 0 && length < SLOTS_MAX / 2 && middles[(first + length) % SLOTS_MAX] > 0) {
        length++;
    }
    *minute = (int)(first * SLOT_SECONDS / 60);
    *minutes = (int)(length * SLOT_SECONDS / 60);
    return length > 0;
}
