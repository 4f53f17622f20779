#ifndef TARE_ANALYZE_FINDINGS_SHEET_H
#define TARE_ANALYZE_FINDINGS_SHEET_H

/* What findings are written on: the list, and whom they are about. */

#include "stages/analyze/history/past.h"
#include "stages/analyze/sizing/sizing.h"

enum severity { LOW = 0, MEDIUM, HIGH, CRITICAL };

/* The findings of one container, or of the workload where `container` is NULL. */
struct sheet {
    json_t *list;
    const struct plan *plan;
    const struct container_plan *container;
    const struct history_past *past; /* NULL: nothing is known of earlier days */
    struct arena *arena;
};

/* Where in time a finding lies, epoch seconds; 0 unknown. */
struct span {
    int64_t start, end;
};

enum { ABOUT_NEITHER = -1 };

/* Adds one finding; steals `evidence`, which may be NULL. `resource`: CPU, MEMORY or ABOUT_NEITHER. */
void sheet_add(const struct sheet *sheet, const char *code, enum severity severity, int resource,
               struct span span, json_t *evidence, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

/* The whole window. */
struct span sheet_window(const struct sheet *sheet);

/* Sets a number of an evidence object, null where it is not finite; an instant, null where it is 0. */
void evidence_number(json_t *evidence, const char *key, double value);
void evidence_time(json_t *evidence, const char *key, int64_t instant);

/* "2026-11-20 14:05 UTC". Returns `out`. */
char *instant_text(int64_t instant, char out[32]);

/* "25 minutes", "3 hours", "2 days": a length of time as people say it. Returns `out`. */
char *length_text(int64_t seconds, char out[32]);

#endif
