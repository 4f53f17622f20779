#ifndef TARE_REPORTS_COMPARE_DIFFER_H
#define TARE_REPORTS_COMPARE_DIFFER_H

/* How two rows of one workload differ; only the files of this folder use it. */

#include "reports/compare/compare.h"

/* Fills the entry's parts, findings, kind and moved money; a row is NULL where its run does not have the workload. */
void compare_rows(const struct compare *compare, const struct report_row *then, const struct report_row *now, struct compare_entry *entry);

/* The container of this name that is the copy-th of it (from 0), NULL where there is none. Borrowed. */
const struct report_container *compare_container(const struct report_row *row, const char *name, size_t copy);

/* How many containers before `index` have its name. */
size_t compare_copy(const struct report_row *row, size_t index);

/* Whether the findings of `row` have one of the code and container of this one. */
bool compare_has_finding(const struct report_row *row, const json_t *finding);

#endif
