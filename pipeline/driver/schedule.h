#ifndef TARE_DRIVER_SCHEDULE_H
#define TARE_DRIVER_SCHEDULE_H

/* Shared by the schedule*.c files, `tare run --schedule` and `tare doctor`. A row is a schedule as ledger_schedule_get gives it. */

#include "pipeline/driver/command.h"
#include "pipeline/run/schedule.h"

/* ---- schedule_request.c: what tare run is given ---- */

/* Reads words as `tare run` would (ERR_USAGE, ERR_NOINPUT, ERR_CONFIG where it would refuse them) and gives what is stored of them:
 * {"directory","config","words","paths"}, new. *cluster is in the session's arena,
 * "*" where the configuration has several. */
int schedule_request(struct session *session, char **words, size_t count, json_t **out, const char **cluster, struct err *err);

/* What this invocation may say besides the name of the schedule: ERR_USAGE for what is the schedule's. */
int schedule_check_typed(const struct session *session, struct err *err);

/* Makes the session what `tare run` with the stored words is, in the stored folder and with the stored configuration, unless this
 * invocation names another. `run` (0: none) is to be gone on with. May be called again. */
int schedule_use(struct session *session, const json_t *row, int64_t run, struct err *err);

/* ---- schedule_fire.c ---- */

/* `tare run --schedule NAME`. */
int schedule_fire(struct session *session, struct err *err);

/* ---- schedule_list.c: how schedules stand ---- */

/* Reads the rule of a row. ERR_CONFIG naming the schedule. Release the rule, also on failure. */
int schedule_row_rule(const json_t *row, struct schedule_rule *rule, struct err *err);

/* Up to when its instants are dealt with: those of a firing whose process died are not. */
int64_t schedule_row_handled(const json_t *row);

/* Adds the names of the schedules that are overdue, and counts them and all others. */
int schedule_overdue(struct ledger *ledger, struct buf *names, size_t *overdue, size_t *all, struct err *err);

/* Writes heartbeat.file, where the configuration names one; what goes wrong is a warning. */
void schedule_heartbeat(struct session *session);

/* tare schedule list and show. */
int schedule_list(struct session *session, struct err *err);
int schedule_show(struct session *session, const char *name, struct err *err);

/* Writes "2026-11-23T02:00:00Z (03:00 Europe/Berlin)". */
void schedule_instant(const struct schedule_rule *rule, const char *zone, int64_t at, struct buf *out);

/* ---- schedule_print.c: in the words of those who start programs ---- */

enum schedule_form { SCHEDULE_SYSTEMD, SCHEDULE_CRONTAB, SCHEDULE_CRONJOB };

/* What is written about a schedule. */
struct schedule_files {
    struct buf service; /* systemd */
    struct buf timer;
    struct buf lines;   /* the block of a crontab, or the CronJob */
};

/* Makes the text of `form`; release with schedule_files_release, also on failure. */
int schedule_files_make(struct session *session, const json_t *row, enum schedule_form form, struct schedule_files *out, struct err *err);
void schedule_files_release(struct schedule_files *files);

/* The marks around a crontab's block; `end` is the last line. */
void schedule_mark(const char *name, bool end, struct buf *out);

/* ---- schedule_install.c ---- */

/* Writes (or takes away) units or the block of a crontab; the row may be NULL when it is taken away. */
int schedule_install(struct session *session, const char *name, const json_t *row, enum schedule_form form, struct err *err);

#endif
