#ifndef TARE_RUN_SCHEDULE_H
#define TARE_RUN_SCHEDULE_H

/*
 * Schedules: instants at which runs are due. Pure: a rule and two instants in, an answer out; no clock, no ledger.
 *
 * An instant is a reading of a cron schedule, converted to UTC in the rule's zone at its own date, as the starts of
 * change windows are: a reading that clocks skip means the first instant after the gap, of one that comes twice the
 * first counts. Several readings that mean one instant are one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/run/cron.h"
#include "pipeline/run/tz.h"

enum { SCHEDULE_GRACE_MIN = 60, SCHEDULE_GRACE_MAX = 31 * 86400, SCHEDULE_NAME_MAX = 40, SCHEDULE_MISSED_MAX = 1000000 };

struct schedule_rule {
    struct cron cron;
    struct tz *tz;
};

/* What is to happen: nothing yet, a run, or (too late for one) only a note that instants were missed. */
enum schedule_verdict { SCHEDULE_NOT_DUE, SCHEDULE_DUE, SCHEDULE_LATE };

struct schedule_answer {
    enum schedule_verdict verdict;
    int64_t due;    /* the last instant that is not dealt with, where there is one */
    int64_t missed; /* how many come before it that are not dealt with either, at most SCHEDULE_MISSED_MAX */
};

/* Reads cron text and an IANA zone. ERR_CONFIG with a sentence. Release with schedule_rule_release, also on failure. */
int schedule_rule_read(const char *cron, const char *zone, struct schedule_rule *out, struct err *err);

/* Frees what is in it. */
void schedule_rule_release(struct schedule_rule *rule);

/* The first instant after `after`. A rule that was read has one within 400 years. */
int64_t schedule_next(const struct schedule_rule *rule, int64_t after);

/* What is to happen at `now`, where instants up to `handled` are dealt with. Too late is what is more than `grace` seconds past, unless
 * `late_runs`: then one run stands for all. */
struct schedule_answer schedule_judge(const struct schedule_rule *rule, int64_t handled, int64_t now, int64_t grace, bool late_runs);

/* Cron text of "HH:MM" every day; "mon@HH:MM" (or "mon,thu@HH:MM") every week; "1@HH:MM" every month, days 1 to 28. ERR_USAGE.
 * *out new, free(). */
int schedule_daily(const char *text, char **out, struct err *err);
int schedule_weekly(const char *text, char **out, struct err *err);
int schedule_monthly(const char *text, char **out, struct err *err);

/* A name that units, objects of Kubernetes and labels of metrics can bear: a-z, 0-9 and inner dashes, a letter first. ERR_USAGE. */
int schedule_name(const char *name, struct err *err);

/* Adds lines of systemd's OnCalendar= that fire at every instant of the rule after `from`, and perhaps at others: systemd
 * leaves a reading out that clocks skip. `zone` is the rule's. */
void schedule_calendars(const struct schedule_rule *rule, const char *zone, int64_t from, struct buf *out);

/* Adds one cron text of Kubernetes, for a controller that counts in the rule's zone and leaves a reading out that clocks skip: it
 * fires at every instant of the rule after `from`, and perhaps at others. */
void schedule_kubernetes(const struct schedule_rule *rule, int64_t from, struct buf *out);

/* Adds cron texts, a line each, for a cron daemon that counts in `machine`: together they fire at every instant of the rule after `from`
 * for years, and perhaps at others. */
void schedule_crontab(const struct schedule_rule *rule, const struct tz *machine, int64_t from, struct buf *out);

#endif
