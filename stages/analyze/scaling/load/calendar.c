#include "stages/analyze/scaling/load/calendar.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600, THURSDAY = 4, DAYS_MAX = STEPS_MAX / 12 };

int64_t calendar_day(const struct tz *tz, int64_t instant, int *hour)
{
    int64_t wall = tz_wall_reached(tz, instant);
    int64_t day = wall / DAY_SECONDS - (wall % DAY_SECONDS < 0);
    *hour = (int)((wall - day * DAY_SECONDS) / HOUR_SECONDS);
    return day;
}

/* Takes in one step; `told` counts the steps of each hour. */
static void take(struct day *day, int hour, double total, double level, double *told)
{
    if (isnan(day->hour_mean[hour])) {
        day->hour_mean[hour] = 0;
        day->hour_top[hour] = level;
        *told = 0;
    }
    (*told)++;
    day->hour_mean[hour] += (total - day->hour_mean[hour]) / *told;
    day->hour_top[hour] = fmax(day->hour_top[hour], level);
    day->top = fmax(day->top, total);
}

static void begin_day(struct day *day, int64_t number)
{
    *day = (struct day){.number = number, .weekday = (int)((number % WEEK_DAYS + WEEK_DAYS + THURSDAY) % WEEK_DAYS)};
    for (int h = 0; h < DAY_HOURS; h++) {
        day->hour_mean[h] = NAN;
        day->hour_top[h] = NAN;
    }
}

static void finish_day(struct day *day)
{
    double means[DAY_HOURS];
    double sum = 0;
    for (int h = 0; h < DAY_HOURS; h++) {
        if (!isnan(day->hour_mean[h])) {
            means[day->hours++] = day->hour_mean[h];
            sum += day->hour_mean[h];
        }
    }
    day->mean = day->hours > 0 ? sum / (double)day->hours : NAN;
    day->typical = order_median(means, day->hours);
}

void calendar_make(const struct load *load, const struct tz *tz, struct arena *arena, struct calendar *out)
{
    size_t room = (size_t)((int64_t)load->count * load->step_seconds / DAY_SECONDS) + 3;
    room = room < DAYS_MAX ? room : DAYS_MAX;
    *out = (struct calendar){.days = arena_alloc_array(arena, room, sizeof *out->days)};
    double told = 0;
    for (size_t i = 0; i < load->count; i++) {
        int hour;
        /* A step tells of the time before its end. */
        int64_t number = calendar_day(tz, load->start + (int64_t)i * load->step_seconds, &hour);
        if (out->count == 0 || out->days[out->count - 1].number != number) {
            if (out->count == room) {
                break;
            }
            begin_day(&out->days[out->count++], number);
        }
        if (isfinite(load->total[i])) {
            take(&out->days[out->count - 1], hour, load->total[i], load->level[i], &told);
        }
    }
    for (size_t i = 0; i < out->count; i++) {
        finish_day(&out->days[i]);
    }
}

bool day_is_whole(const struct day *day)
{
    return day->hours >= DAY_WHOLE_HOURS;
}

bool day_is_weekend(const struct day *day)
{
    return day->weekday == 0 || day->weekday == WEEK_DAYS - 1;
}
