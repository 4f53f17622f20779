#ifndef TARE_DRIVER_REPORTS_H
#define TARE_DRIVER_REPORTS_H

/* Reports of runs: tare-report over the newest artifact of a run. */

#include "pipeline/driver/command.h"

/* Writes the formats of reports.formats into reports.directory as run-<id>.<ending>. Nothing when none are configured. */
int reports_write(struct session *session, const struct ledger_run *run, struct err *err);

/* Writes one report of the run to `out` in `format`. */
int reports_one(struct session *session, const struct ledger_run *run, const char *format, int out, struct err *err);

/* Writes what tare-report says of one workload to `out`, from the run's newest artifact in which something is recommended. `words`
 * (borrowed, NULL-terminated) choose workload and format. ERR_DATA for a run that was not analyzed yet. */
int reports_explain(struct session *session, const struct ledger_run *run, const char *const *words, int out, struct err *err);

/* Digest of the newest artifact of the run that stage `first` of the line, or one after it, made: the further along, the more a report
 * can say. ERR_NOINPUT where there is none. */
int reports_newest(struct session *session, int64_t run, size_t first, char digest[LEDGER_DIGEST_SIZE], struct err *err);

/* Refuses a format that no report has. ERR_USAGE. */
int reports_check_format(const char *format, struct err *err);

/* Path of the report that reports_write makes in this format, new; NULL when it is not configured. free(). */
char *reports_path(const struct session *session, const struct ledger_run *run, const char *format);

#endif
