#ifndef TARE_REPORTS_TEXT_FIGURES_H
#define TARE_REPORTS_TEXT_FIGURES_H

/* How numbers are written for people, the same in every report. Each function returns `out`. */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "reports/model/model.h"

enum { FIGURE_MAX = 64 };

/* A change of money a month, after − before: "−$120", "+$5", "$0". `minus` is the sign to use ("-" or "−").
 */
char *figure_change(int64_t before, int64_t after, const char *minus, char out[FIGURE_MAX]);

/* The change in percent of before: "−42%", "+0.4%"; empty where a side is 0 or nothing changes. */
char *figure_percent(int64_t before, int64_t after, const char *minus, char out[FIGURE_MAX]);

/* An amount as in a manifest: "250m", "512Mi"; "–" when absent. */
char *figure_amount(enum report_field field, int64_t amount, char out[FIGURE_MAX]);

/* "250m → 100m"; one side alone when nothing changes. `arrow` is the sign between (" → "). */
char *figure_pair(enum report_field field, int64_t now, int64_t next, const char *arrow,
                  char out[FIGURE_MAX]);

/* A measured amount, three digits at most: "184m", "1.25", "311Mi". Works for reals that no manifest would
 * hold. */
char *figure_measured(enum report_field field, double amount, char out[FIGURE_MAX]);

/* Micro-dollars as exact dollars: "0.034522", "-1.5". */
char *figure_dollars(int64_t microusd, char out[FIGURE_MAX]);

/* An amount of money in the other currency that the run states, "≈ €780"; empty where it states none. Each call rounds by itself: for
 * headlines and totals, never for sums. */
char *figure_other_currency(const struct report *report, int64_t microusd, char out[FIGURE_MAX]);

/* Confidence: "0.87"; "–" when unknown. */
char *figure_confidence(const struct report_row *row, char out[FIGURE_MAX]);

/* "1 workload", "2 workloads". */
char *figure_count(int64_t count, const char *noun, char out[FIGURE_MAX]);

/* A share as percent ("2.8%"), "–" unknown. */
char *figure_share(double share, char out[FIGURE_MAX]);

/* Seconds as people say them ("7 d", "36 h", "5 min"), "–" unknown. */
char *figure_duration(double seconds, char out[FIGURE_MAX]);

/* Member `key`, an instant (RFC 3339 or seconds since the epoch), as "2026-11-22 03:00"; other text as it is, "–" for none. */
char *figure_instant(const json_t *object, const char *key, char out[FIGURE_MAX]);

/* A plain number of three digits ("1.25"), "–" unknown. */
char *figure_plain(double number, char out[FIGURE_MAX]);

#endif
