#ifndef TARE_RUN_WINDOW_H
#define TARE_RUN_WINDOW_H

/*
 * Change windows. Pure: configuration and an instant in, a verdict out; no clock, no ledger.
 *
 * A window is open in [start, start + duration): start included, end excluded. Each start of a schedule is a
 * wall clock reading in the window's own zone, converted to UTC at its own date (gap: first instant after;
 * ambiguous: the first); the duration is elapsed time. So a window that crosses midnight belongs to its
 * opening day.
 *
 * Of the windows that match a workload: any active deny → denied; else an active allow → allowed; else, where
 * some allow window matches → denied; else allowed. A set may hold several groups (the stored policy's
 * windows and the run's own): each must allow, so an own window can only make things stricter.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum window_kind { WINDOW_DENY = 0, WINDOW_ALLOW = 1 };

/* What apply does when a window closes over it; a later one is stricter. */
enum window_overrun { OVERRUN_FINISH = 0, OVERRUN_STOP = 1, OVERRUN_ROLLBACK = 2 };

enum { WINDOW_DURATION_MAX = 31 * 86400, WINDOW_HORIZON = 400 * 86400, WINDOW_REASON_MAX = 400 };

struct window_set;

/* Whom a question is about. `cluster` NULL is "default"; `namespace` is the effective one; `labels` an object or NULL.
 * Borrowed. */
struct window_subject {
    const char *cluster;
    const char *namespace;
    const json_t *labels;
};

struct window_verdict {
    bool allowed;
    bool overridden;                /* allowed only because of an override */
    bool has_next;                  /* where denied: whether it opens within WINDOW_HORIZON */
    int64_t next_opening;           /* where denied: the first instant that is allowed */
    enum window_overrun overrun;    /* where denied: what the windows that deny ask of a running apply */
    char reason[WINDOW_REASON_MAX]; /* one clause for people, for either answer */
};

/* New empty set: everything is allowed. Free with window_set_free. */
struct window_set *window_set_new(void);

/* Frees; NULL is allowed. */
void window_set_free(struct window_set *set);

/* Adds a group from a `windows` list (borrowed; NULL or null adds nothing); durations are integer seconds or text ("6h"). `files` are
 * the texts of calendars by the name that `calendar` gives (NULL: there are none). `place` is the file that errors name. ERR_CONFIG
 * naming the place and the key ("windows[2].schedule"); with a NULL place the caller names both (config_windows in
 * pipeline/cli/inforce.h does). */
int window_set_add(struct window_set *set, const json_t *windows, const json_t *files, const char *place, struct err *err);

/* The key that window_set_add refused last. Borrowed. */
const char *window_set_fault(const struct window_set *set);

/* Number of windows in all groups. */
size_t window_set_count(const struct window_set *set);

/* The verdict at an instant for a subject. `override` names a deny window that is overridden, NULL none: it
 * counts only where that window is active and every active deny permits overriding. NULL subject: every
 * window matches. */
void window_judge(const struct window_set *set, const struct window_subject *subject, int64_t instant,
                  const char *override, struct window_verdict *out);

/* Whether the window `name` is there and may be overridden. ERR_REFUSED with the reason where not. */
int window_may_override(const struct window_set *set, const char *name, struct err *err);

/* What `tare windows --format json` prints, for [instant, until):
 * {"verdict":"allowed"|"denied","reason","at","until","next_opening":time|null,
 *  "windows":[{"name","kind","timezone","active","override","on_overrun","namespaces","clusters","labels","opens","closes",
 *              "openings":[{"start","end"}…] that begin in the span}…],
 *  "openings":[{"start","end","window","kind","timezone","local_start","local_end"}…] of all windows in order of time, those that are
 *              open at its begin too,
 *  "allowed":[{"from","to"}…] the spans in which changes are allowed, "cut": whether openings or spans were left out,
 *  "selectors":[{"namespaces","clusters","labels","windows","verdict","reason","next_opening","allowed"}…]}.
 * `opens` is the present or next start, `closes` its end (null where none comes within the horizon). With a subject the windows are
 * those that match it and `selectors` is empty. Without one, `selectors` has an entry for each set of selectors that windows have,
 * judged by the windows of that set and those that are about everything; `verdict` is allowed where every entry is, `next_opening`
 * the first instant at which every entry is. `name` lists only that window (NULL: all); verdicts ask all of them. New. */
json_t *window_report(const struct window_set *set, const struct window_subject *subject, const char *name, int64_t instant,
                      int64_t until);

/* Whether a window has this name. */
bool window_set_has(const struct window_set *set, const char *name);

/* "allow" or "deny"; "finish", "stop" or "rollback". Borrowed, static. */
const char *window_kind_name(enum window_kind kind);
const char *window_overrun_name(enum window_overrun overrun);

#endif
