#include "pipeline/run/window.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/str.h"
#include "pipeline/run/selector.h"
#include "pipeline/run/window_set.h"

bool window_matches(const struct window *window, const struct window_subject *subject)
{
    return subject == NULL || (selector_globs(window->namespaces, subject->namespace) &&
                               selector_globs(window->clusters, selector_cluster(subject->cluster)) &&
                               selector_labels(window->labels, subject->labels));
}

/* The last opening of a schedule that began at or before an instant, looked for as far back as it could still be open.
 * Starts never decrease as readings grow, so the last one is the one that stays open longest. */
static bool last_by_schedule(const struct window *window, int64_t instant, struct opening *out)
{
    int64_t reached = tz_wall_reached(window->tz, instant);
    int64_t wall = 0;
    /* Two days more than the duration: no change of offset is longer. */
    if (!cron_previous(&window->schedule, reached, reached - window->duration - 2 * 86400, &wall)) {
        return false;
    }
    out->start = tz_instant(window->tz, wall);
    out->end = out->start + window->duration;
    return true;
}

bool window_open_at(const struct window *window, int64_t instant, struct opening *out)
{
    if (window->calendar != NULL) {
        return calendar_open(window->calendar, instant, out);
    }
    *out = (struct opening){window->start, window->end};
    return (window->one_off || last_by_schedule(window, instant, out)) && out->start <= instant && instant < out->end;
}

bool window_next_opening(const struct window *window, int64_t instant, struct opening *out)
{
    if (window->calendar != NULL) {
        return calendar_next(window->calendar, instant, WINDOW_HORIZON, out);
    }
    if (window->one_off) {
        *out = (struct opening){window->start, window->end};
        return window->start > instant;
    }
    int64_t reached = tz_wall_reached(window->tz, instant);
    int64_t wall = 0;
    if (!cron_next(&window->schedule, reached + 1, reached + WINDOW_HORIZON, &wall)) {
        return false;
    }
    out->start = tz_instant(window->tz, wall);
    out->end = out->start + window->duration;
    return true;
}

static bool is_active(const struct window *window, int64_t instant)
{
    struct opening opening;
    return window_open_at(window, instant, &opening);
}

int64_t window_closes_at(const struct window *window, int64_t instant, int64_t limit)
{
    struct opening opening;
    int64_t end = instant;
    if (window->calendar != NULL) {
        return calendar_closes(window->calendar, instant, limit);
    }
    while (end < limit && window_open_at(window, end, &opening)) {
        end = opening.end;
    }
    return end;
}

/* What one group of windows says of a subject at an instant. */
struct tally {
    const struct window *deny;   /* an active deny, or NULL */
    const struct window *fixed;  /* an active deny that cannot be overridden, or NULL */
    const struct window *allow;  /* an active allow, or NULL */
    const struct window *closed; /* an allow window that matches and is not active, or NULL */
    bool named;                  /* the overridden window is among the active denies */
    enum window_overrun overrun; /* the strictest of those that deny */
};

static enum window_overrun stricter(enum window_overrun a, enum window_overrun b)
{
    return a > b ? a : b;
}

static void count_deny(struct tally *tally, const struct window *window, const char *override)
{
    tally->overrun = tally->deny == NULL ? window->overrun : stricter(tally->overrun, window->overrun);
    tally->deny = tally->deny == NULL ? window : tally->deny;
    if (!window->override && tally->fixed == NULL) {
        tally->fixed = window;
    }
    tally->named = tally->named || (override != NULL && str_equal(window->name, override));
}

static struct tally count_group(const struct window_set *set, size_t group,
                                const struct window_subject *subject, int64_t instant, const char *override)
{
    struct tally tally = {0};
    enum window_overrun closed = OVERRUN_FINISH;
    for (size_t i = 0; i < set->count; i++) {
        const struct window *window = &set->items[i];
        if (window->group != group || !window_matches(window, subject)) {
            continue;
        }
        bool active = is_active(window, instant);
        if (window->kind == WINDOW_DENY && active) {
            count_deny(&tally, window, override);
        } else if (window->kind == WINDOW_ALLOW && active) {
            tally.allow = tally.allow == NULL ? window : tally.allow;
        } else if (window->kind == WINDOW_ALLOW) {
            tally.closed = tally.closed == NULL ? window : tally.closed;
            closed = stricter(closed, window->overrun);
        }
    }
    tally.overrun = tally.deny == NULL ? closed : tally.overrun;
    return tally;
}

static bool tally_allows(const struct tally *tally, bool overridden)
{
    return (tally->deny == NULL || overridden) && (tally->allow != NULL || tally->closed == NULL);
}

/* The earliest instant at which a group that denies could be open: when its denies close, or its next allow
 * opens. INT64_MAX where neither comes. */
static int64_t earliest_change(const struct window_set *set, size_t group,
                               const struct window_subject *subject, int64_t instant, int64_t limit)
{
    int64_t closing = instant;
    int64_t opening = INT64_MAX;
    for (size_t i = 0; i < set->count; i++) {
        const struct window *window = &set->items[i];
        struct opening next;
        if (window->group != group || !window_matches(window, subject)) {
            continue;
        }
        if (window->kind == WINDOW_DENY && is_active(window, instant)) {
            int64_t end = window_closes_at(window, instant, limit);
            closing = end > closing ? end : closing;
        } else if (window->kind == WINDOW_ALLOW && window_next_opening(window, instant, &next) &&
                   next.start < opening) {
            opening = next.start;
        }
    }
    return closing > instant ? closing : opening;
}

/* The first instant at or after `instant` at which a group allows. */
static bool group_opening(const struct window_set *set, size_t group, const struct window_subject *subject,
                          int64_t instant, int64_t limit, int64_t *out)
{
    for (int64_t at = instant; at < limit; at = earliest_change(set, group, subject, at, limit)) {
        struct tally tally = count_group(set, group, subject, at, NULL);
        if (tally_allows(&tally, false)) {
            *out = at;
            return true;
        }
    }
    return false;
}

/* The first instant after a denied one at which every group allows: goes round until no group moves it any
 * more. */
static bool find_opening(const struct window_set *set, const struct window_subject *subject, int64_t instant,
                         int64_t *out)
{
    int64_t limit = instant + WINDOW_HORIZON;
    int64_t before = instant;
    *out = instant;
    do {
        before = *out;
        for (size_t group = 0; group < set->groups; group++) {
            if (!group_opening(set, group, subject, *out, limit, out)) {
                return false;
            }
        }
    } while (*out != before);
    return true;
}

static void say_denied(const struct tally *tally, int64_t instant, struct window_verdict *out)
{
    if (tally->deny == NULL) {
        snprintf(out->reason, sizeof out->reason, "outside of the allow window \"%s\"", tally->closed->name);
        return;
    }
    const struct window *deny = tally->fixed != NULL ? tally->fixed : tally->deny;
    char until[RFC3339_MAX];
    int64_t limit = instant + WINDOW_HORIZON;
    int64_t end = window_closes_at(deny, instant, limit);
    snprintf(out->reason, sizeof out->reason, "the deny window \"%s\" is open%s%s%s", deny->name,
             end < limit ? " until " : "", end < limit ? time_format(end, until) : "",
             deny->override ? "" : ", and does not permit overriding");
}

/* The clause of a verdict that allows. */
static void say_allowed(const struct tally *tally, int64_t instant, struct window_verdict *out)
{
    if (tally->deny != NULL) {
        snprintf(out->reason, sizeof out->reason, "the deny window \"%s\" is open and was overridden",
                 tally->deny->name);
    } else if (tally->allow != NULL && out->reason[0] == '\0') {
        char until[RFC3339_MAX];
        int64_t limit = instant + WINDOW_HORIZON;
        int64_t end = window_closes_at(tally->allow, instant, limit);
        snprintf(out->reason, sizeof out->reason, "the allow window \"%s\" is open%s%s", tally->allow->name,
                 end < limit ? " until " : "", end < limit ? time_format(end, until) : "");
    }
}

/* Whether the override holds over all groups: the window it names is active, and every active deny permits
 * it. */
static bool override_holds(const struct window_set *set, const struct window_subject *subject,
                           int64_t instant, const char *override)
{
    bool named = false;
    bool fixed = false;
    for (size_t group = 0; override != NULL && group < set->groups; group++) {
        struct tally tally = count_group(set, group, subject, instant, override);
        named = named || tally.named;
        fixed = fixed || tally.fixed != NULL;
    }
    return named && !fixed;
}

void window_judge(const struct window_set *set, const struct window_subject *subject, int64_t instant,
                  const char *override, struct window_verdict *out)
{
    *out = (struct window_verdict){.allowed = true};
    bool overridden = override_holds(set, subject, instant, override);
    bool denied = false;
    for (size_t group = 0; group < set->groups; group++) {
        struct tally tally = count_group(set, group, subject, instant, NULL);
        if (tally_allows(&tally, overridden)) {
            out->overridden = out->overridden || tally.deny != NULL;
            if (!denied) {
                say_allowed(&tally, instant, out);
            }
            continue;
        }
        out->overrun = denied ? stricter(out->overrun, tally.overrun) : tally.overrun;
        if (!denied) {
            say_denied(&tally, instant, out);
        }
        denied = true;
    }
    out->allowed = !denied;
    out->overridden = out->overridden && !denied;
    if (denied) {
        out->has_next = find_opening(set, subject, instant, &out->next_opening);
    } else if (out->reason[0] == '\0') {
        snprintf(out->reason, sizeof out->reason, "no window forbids it");
    }
}

int window_may_override(const struct window_set *set, const char *name, struct err *err)
{
    const struct window *found = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct window *window = &set->items[i];
        if (str_equal(window->name, name)) {
            found = window;
            if (window->kind != WINDOW_DENY || !window->override) {
                err_set(err, ERR_REFUSED, "the window \"%s\" does not permit overriding", name);
                return err_hint(err, "wait until it closes: tare windows");
            }
        }
    }
    if (found == NULL) {
        err_set(err, ERR_REFUSED, "there is no window \"%s\" to override", name);
        return err_hint(err, "tare windows");
    }
    return 0;
}
