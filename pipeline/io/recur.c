#include "pipeline/io/recur.h"

#include <libical/ical.h>
#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

enum { DAY = 86400 };

struct recur {
    struct icalrecurrencetype rule;
    int64_t first;
    int64_t from; /* earlier readings are passed over */
    icalrecur_iterator *iterator;
};

static struct icaltimetype to_ical(int64_t wall)
{
    int64_t days = wall / DAY - (wall % DAY < 0 ? 1 : 0);
    int rest = (int)(wall - days * DAY);
    int64_t year = 0;
    struct icaltimetype time = icaltime_null_time();
    days_to_date(days, &year, &time.month, &time.day);
    time.year = (int)year;
    time.hour = rest / 3600;
    time.minute = rest / 60 % 60;
    time.second = rest % 60;
    return time;
}

static int64_t from_ical(struct icaltimetype time)
{
    return date_to_days(time.year, time.month, time.day) * DAY + time.hour * 3600 + time.minute * 60 + time.second;
}

static void begin(struct recur *recur, int64_t first)
{
    if (recur->iterator != NULL) {
        icalrecur_iterator_free(recur->iterator);
    }
    recur->iterator = icalrecur_iterator_new(recur->rule, to_ical(first));
}

/* A week's day that is not named is that of the start: libical (3.0.16) takes its month and day instead, or reads beyond its
 * tables. */
static void name_weekday(struct icalrecurrencetype *rule, int64_t first)
{
    if (rule->freq == ICAL_YEARLY_RECURRENCE && rule->by_week_no[0] != ICAL_RECURRENCE_ARRAY_MAX &&
        rule->by_day[0] == ICAL_RECURRENCE_ARRAY_MAX) {
        rule->by_day[0] = (short)icaltime_day_of_week(to_ical(first)); /* 1 is Sunday, as in BYDAY */
        rule->by_day[1] = ICAL_RECURRENCE_ARRAY_MAX;
    }
}

int recur_new(const char *rule, int64_t first, struct recur **out, struct err *err)
{
    icalerror_set_errors_are_fatal(0);
    icalerror_clear_errno();
    struct recur *recur = xcalloc(sizeof *recur);
    recur->rule = icalrecurrencetype_from_string(rule);
    name_weekday(&recur->rule, first);
    recur->first = first;
    recur->from = first;
    if (recur->rule.freq != ICAL_NO_RECURRENCE) {
        recur->iterator = icalrecur_iterator_new(recur->rule, to_ical(first));
    }
    if (recur->iterator == NULL) {
        recur_free(recur);
        return err_set(err, ERR_CONFIG, "\"%.200s\" is not a rule that can be expanded", rule);
    }
    *out = recur;
    return 0;
}

void recur_free(struct recur *recur)
{
    if (recur != NULL) {
        if (recur->iterator != NULL) {
            icalrecur_iterator_free(recur->iterator);
        }
        free(recur);
    }
}

/* Days after which a rule of days or weeks comes again as it was; 0 for others. */
static int64_t period_of(const struct icalrecurrencetype *rule)
{
    int64_t days = rule->freq == ICAL_DAILY_RECURRENCE ? 1 : rule->freq == ICAL_WEEKLY_RECURRENCE ? 7 : 0;
    return days * rule->interval * DAY;
}

/* A rule of days or weeks is moved by whole periods: libical's own way of starting in the middle loses count of the weeks at
 * new year (3.0.16). A rule that counts has to be counted from its start. */
void recur_seek(struct recur *recur, int64_t wall)
{
    int64_t period = period_of(&recur->rule);
    recur->from = wall;
    if (wall <= recur->first || recur->rule.count != 0) {
        begin(recur, recur->first);
    } else if (period > 0) {
        int64_t periods = (wall - recur->first) / period;
        begin(recur, recur->first + (periods > 1 ? periods - 1 : 0) * period);
    } else {
        begin(recur, recur->first);
        if (recur->iterator != NULL && icalrecur_iterator_set_start(recur->iterator, to_ical(wall)) == 0) {
            begin(recur, recur->first);
        }
    }
}

bool recur_next(struct recur *recur, int64_t *wall)
{
    while (recur->iterator != NULL) {
        struct icaltimetype time = icalrecur_iterator_next(recur->iterator);
        if (icaltime_is_null_time(time)) {
            return false;
        }
        *wall = from_ical(time);
        if (*wall >= recur->from) {
            return true;
        }
    }
    return false;
}
