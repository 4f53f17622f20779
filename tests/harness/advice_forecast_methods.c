#include "tests/harness/advice_forecast_methods.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/statistics/order.h"

enum { HOUR = 12, DAY = PEER_DAY, DAYS = 7, HOURS = 24 * DAYS, WAVES = 6 };

static const double two_pi = 6.283185307179586;

/* Median of the known ones of `count` values, `stride` apart; NaN of none. */
static double median_of(const double *values, size_t count, size_t stride)
{
    double known[PEER_LEARN];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i * stride])) {
            known[n++] = values[i * stride];
        }
    }
    return order_median(known, n);
}

static double mean_of(const double *values, size_t count)
{
    double sum = 0;
    double n = 0;
    for (size_t i = 0; i < count; i++) {
        sum += isnan(values[i]) ? 0 : values[i];
        n += !isnan(values[i]);
    }
    return sum / n;
}

static double or_zero(double value)
{
    return isnan(value) ? 0 : value;
}

/* Share that is left from one hour to the next: autocorrelation of the first order, 0 to 0.98. */
static double persistence(const double *hours, size_t count)
{
    double mean = mean_of(hours, count);
    double over = 0;
    double all = 0;
    for (size_t i = 0; i < count; i++) {
        double now = hours[i] - mean;
        all += isnan(now) ? 0 : now * now;
        over += i == 0 ? 0 : or_zero(now * (hours[i - 1] - mean));
    }
    double phi = all > 0 ? over / all : 0;
    return phi < 0 ? 0 : phi > 0.98 ? 0.98 : phi;
}

/* Hourly means or medians of rows that end together with `values`. Returns how many. */
static size_t hours_of(const double *values, size_t count, bool medians, double *out)
{
    size_t hours = count / HOUR;
    const double *first = values + count - hours * HOUR;
    for (size_t h = 0; h < hours; h++) {
        out[h] = medians ? median_of(first + h * HOUR, HOUR, 1) : mean_of(first + h * HOUR, HOUR);
    }
    return hours;
}

static void naive(const double *values, size_t count, double *out)
{
    for (size_t i = 0; i < PEER_STEPS; i++) {
        size_t at = count - DAY + i;
        for (; isnan(values[at]) && at >= DAY; at -= DAY) {
        }
        out[i] = values[at];
    }
}

static void naive_drift(const double *values, size_t count, double *out)
{
    double difference[PEER_LEARN];
    for (size_t i = DAY; i < count; i++) {
        difference[i - DAY] = values[i] - values[i - DAY];
    }
    double drift = or_zero(mean_of(difference, count - DAY));
    naive(values, count, out);
    for (size_t i = 0; i < PEER_STEPS; i++) {
        out[i] += drift;
    }
}

static void seasonal_median(const double *values, size_t count, double *out)
{
    size_t days = count / DAY;
    for (size_t i = 0; i < PEER_STEPS; i++) {
        out[i] = median_of(values + count - days * DAY + i, days, DAY);
    }
}

static void flat(double value, double *out)
{
    for (size_t i = 0; i < PEER_STEPS; i++) {
        out[i] = value;
    }
}

static void last_hour(const double *values, size_t count, double *out)
{
    double now = median_of(values + count - HOUR, HOUR, 1);
    flat(isnan(now) ? median_of(values, count, 1) : now, out);
}

/* Simple exponential smoothing; the factor that does best one step ahead. */
static void smoothing(const double *values, size_t count, double *out)
{
    static const double factors[] = {0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8};
    double best = INFINITY;
    for (size_t f = 0; f < ARRAY_COUNT(factors); f++) {
        double level = NAN;
        double error = 0;
        for (size_t i = 0; i < count; i++) {
            if (isnan(values[i])) {
                continue;
            }
            double off = isnan(level) ? 0 : values[i] - level;
            level = isnan(level) ? values[i] : level + factors[f] * off;
            error += off * off;
        }
        if (error < best) {
            best = error;
            flat(level, out);
        }
    }
}

/* Holt and Winters' additive method with a damped trend on steps of a quarter of an hour. Returns the sum of squares. */
static double winters(const double *quarters, size_t count, const double factor[3], double *out)
{
    enum { SEASON = DAY / 3 };
    double season[SEASON];
    double level = mean_of(quarters, SEASON);
    double trend = 0;
    double sum = 0;
    for (size_t i = 0; i < SEASON; i++) {
        season[i] = or_zero(quarters[i] - level);
    }
    for (size_t i = SEASON; i < count; i++) {
        double damped = 0.95 * trend;
        double off = quarters[i] - level - damped - season[i % SEASON];
        off = or_zero(off);
        sum += off * off;
        level += damped + factor[0] * off;
        trend = damped + factor[0] * factor[1] * off;
        season[i % SEASON] += factor[2] * (1 - factor[0]) * off;
    }
    double ahead = 0;
    for (size_t i = 0; i < PEER_STEPS; i++) {
        ahead += i % 3 == 0 ? pow(0.95, (double)(i / 3 + 1)) * trend : 0;
        out[i] = level + ahead + season[(count + i / 3) % SEASON];
    }
    return sum;
}

static void holt_winters(const double *values, size_t count, double *out)
{
    static const double levels[] = {0.02, 0.1, 0.3, 0.6};
    static const double trends[] = {0.01, 0.05, 0.2};
    static const double seasons[] = {0.05, 0.2, 0.5};
    double quarters[PEER_LEARN / 3];
    double said[PEER_STEPS];
    double best = INFINITY;
    size_t n = count / 3;
    for (size_t i = 0; i < n; i++) {
        quarters[i] = mean_of(values + count - 3 * (n - i), 3);
    }
    for (size_t i = 0; i < ARRAY_COUNT(levels) * ARRAY_COUNT(trends) * ARRAY_COUNT(seasons); i++) {
        double factor[3] = {levels[i % 4], trends[i / 4 % 3], seasons[i / 12]};
        double error = winters(quarters, n, factor, said);
        if (error < best) {
            best = error;
            memcpy(out, said, sizeof said);
        }
    }
}

/* What is left of a row after a profile of a day that starts where the row ends, and how it goes on: decays hour by hour. */
static void decay_onto(const double *values, size_t count, const double *profile, double *out)
{
    double left[PEER_LEARN];
    double hours[HOURS];
    for (size_t i = 0; i < count; i++) {
        left[i] = values[i] - profile[(i + DAYS * DAY - count) % DAY];
    }
    double phi = persistence(hours, hours_of(left, count, false, hours));
    double now = or_zero(median_of(left + count - HOUR, HOUR, 1));
    for (size_t i = 0; i < PEER_STEPS; i++) {
        out[i] = profile[i] + now * pow(phi, (double)(i + 1) / HOUR);
    }
}

/* Six waves of a day by least squares, which on whole days are independent of each other, and what is left decays. */
static void fourier(const double *values, size_t count, double *out)
{
    double profile[DAY];
    double mean[DAY];
    size_t days = count / DAY;
    const double *first = values + count - days * DAY;
    double level = mean_of(first, days * DAY);
    for (size_t i = 0; i < DAY; i++) {
        double sum = 0;
        for (size_t d = 0; d < days; d++) {
            sum += or_zero(first[d * DAY + i] - level);
        }
        mean[i] = sum / (double)days;
        profile[i] = level;
    }
    for (size_t wave = 1; wave <= WAVES; wave++) {
        double a = 0;
        double b = 0;
        for (size_t i = 0; i < DAY; i++) {
            double angle = two_pi * (double)(wave * i % DAY) / DAY;
            a += mean[i] * cos(angle) * 2 / DAY;
            b += mean[i] * sin(angle) * 2 / DAY;
        }
        for (size_t i = 0; i < DAY; i++) {
            double angle = two_pi * (double)(wave * i % DAY) / DAY;
            profile[i] += a * cos(angle) + b * sin(angle);
        }
    }
    decay_onto(values, count, profile, out);
}

/* Slot medians of the days but one, smoothed over an hour, less their median. */
static void profile_without(double (*days)[DAY], size_t count, size_t without, double *out)
{
    double slot[DAY];
    for (size_t i = 0; i < DAY; i++) {
        double known[DAYS];
        size_t n = 0;
        for (size_t d = 0; d < count; d++) {
            if (d != without && !isnan(days[d][i])) {
                known[n++] = days[d][i];
            }
        }
        slot[i] = or_zero(order_median(known, n));
    }
    for (size_t i = 0; i < DAY; i++) {
        out[i] = 0;
        for (size_t j = 0; j < 13; j++) {
            out[i] += slot[(i + DAY - 6 + j) % DAY] / 13;
        }
    }
    double middle = median_of(out, DAY, 1);
    for (size_t i = 0; i < DAY; i++) {
        out[i] -= middle;
    }
}

/* The notes' "decomp": season made smaller by how little the days bear each other out, level between the last day's and all days'. */
static void decomposition(const double *values, size_t count, double *out)
{
    double rest[DAYS][DAY];
    double others[DAY];
    double profile[DAY];
    double left[PEER_LEARN];
    double hours[HOURS];
    double seen = 0;
    double all = 1e-300;
    size_t days = count / DAY;
    const double *first = values + count - days * DAY;
    for (size_t d = 0; d < days; d++) {
        double level = median_of(first + d * DAY, DAY, 1);
        for (size_t i = 0; i < DAY; i++) {
            rest[d][i] = first[d * DAY + i] - level;
        }
    }
    for (size_t d = 0; d < days; d++) {
        profile_without(rest, days, d, others);
        for (size_t i = 0; i < DAY; i++) {
            seen += or_zero(others[i] * rest[d][i]);
            all += isnan(rest[d][i]) ? 0 : others[i] * others[i];
        }
    }
    double factor = fmin(fmax(seen / all, 0), 1);
    profile_without(rest, days, days, profile);
    for (size_t i = 0; i < days * DAY; i++) {
        left[i] = first[i] - factor * profile[i % DAY];
    }
    double base = (or_zero(median_of(left + (days - 1) * DAY, DAY, 1)) + median_of(left, days * DAY, 1)) / 2;
    double phi = persistence(hours, hours_of(left, days * DAY, true, hours));
    double now = median_of(left + days * DAY - HOUR, HOUR, 1);
    for (size_t i = 0; i < PEER_STEPS; i++) {
        out[i] = base + factor * profile[i] + or_zero(now - base) * pow(phi, (double)(i + 1) / HOUR);
    }
}

/* The notes' "snaive_ar": yesterday's values, and what today is off them decays. */
static void naive_decay(const double *values, size_t count, double *out)
{
    double off[PEER_LEARN];
    double hours[HOURS];
    for (size_t i = DAY; i < count; i++) {
        off[i - DAY] = values[i] - values[i - DAY];
    }
    double phi = persistence(hours, hours_of(off, count - DAY, false, hours));
    double now = or_zero(median_of(off + count - DAY - HOUR, HOUR, 1));
    naive(values, count, out);
    for (size_t i = 0; i < PEER_STEPS; i++) {
        out[i] += now * pow(phi, (double)(i + 1) / HOUR);
    }
}

const struct peer peers[] = {
    {"seasonal naive", naive, false},    {"snaive + drift", naive_drift, false}, {"seasonal median", seasonal_median, true},
    {"SES", smoothing, false},           {"last hour's median", last_hour, true}, {"Holt-Winters", holt_winters, false},
    {"Fourier + AR", fourier, false},    {"decomposition", decomposition, true}, {"snaive_ar", naive_decay, true},
};
const size_t peer_count = ARRAY_COUNT(peers);
