#ifndef TARE_DRIVER_PLAN_VIEW_H
#define TARE_DRIVER_PLAN_VIEW_H

/*
 * A plan as those see it who decide about it: row by row what changes, what it needs, what holds now. It comes from the ledger's flat
 * rows, of which a login sees those of its namespaces, whether it sees the whole run or not.
 */

#include "pipeline/driver/command.h"
#include "pipeline/driver/table.h"

/* The run with this number as far as the login may know of it; *whole: all of it. ERR_NOINPUT. */
int plan_view_run(struct session *session, int64_t id, struct ledger_run *run, bool *whole, struct err *err);

/* The rows of the plan, the largest change of money first: those of ledger_plan_rows, each with "result" (its flat row, or null) and
 * "window" {"open","reason","next"}, judged now, with the workload's own namespace and the overrides of the run. *rows is new. */
int plan_view_rows(struct session *session, const struct ledger_run *run, json_t **rows, struct err *err);

/* NAMESPACE/KIND/NAME of a row. New string. */
char *plan_view_name(const json_t *row);

/* The rows that --workload names, in its order; all of them without it. ERR_NOINPUT for one that is not there. *chosen is new. */
int plan_view_chosen(struct session *session, const struct ledger_run *run, const json_t *rows, json_t **chosen, struct err *err);

/* Prints rows as a table: requests and limits now and new, change of money, risk, confidence, approvals, role and rule. */
void plan_view_table(const json_t *rows);

/* Before and after of a request or limit of a row ("cpu" or "memory", "request" or "limit"), as people write them: "500m → 300m",
 * one value where it stays, "" where a limit does not change. Writes at most `size` bytes to `out`. */
void plan_view_change(const json_t *row, const char *resource, const char *what, char *out, size_t size);

/* What the change of a row moves in a month, with its sign, "+$10" or "-$24", to `out`; NULL where it has no price, else `out`. */
const char *plan_view_money(const json_t *row, char *out, size_t size);

/* Prints a line for each new object that a change of these rows brings:
 * "new with shop/Deployment/cart: HorizontalPodAutoscaler/cart"; names
 * stand in `code`, as an item of a list where that is not "". Returns whether there was any. */
bool plan_view_objects(const json_t *rows, const char *code);

/* The sums over the results of rows, as lines on stdout. */
void plan_view_totals(const json_t *rows);

/* How many of the rows that may be written are held by which window, and when it opens: one line for each on `out`. */
void plan_view_windows(const json_t *rows, FILE *out);

#endif
