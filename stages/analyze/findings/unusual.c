#include "stages/analyze/findings/unusual.h"

#include <math.h>
#include <stdlib.h>

#include "stages/analyze/detect/alarms.h"
#include "stages/analyze/detect/change.h"
#include "stages/analyze/detect/extra.h"

enum { TOLD_MAX = 6, HOUR = 3600, QUARTER = 900, START_LONGEST = 600, NEAR = 6 * HOUR, LASTING = 5 * HOUR };

/* Below these amounts, and below a tenth of what was usual (the dead-band of sizing), nothing is worth a
 * word; millicores, bytes. */
static const double matters[RESOURCES] = {2, 4 * 1048576.0};
static const double matters_share = 0.1;
static const double matters_level[RESOURCES] = {10, 16 * 1048576.0};
/* Own cuts: a start explains a peak that it nearly reaches; a limit is at hand from here on; a request is far
 * exceeded. */
static const double start_share = 0.7;
static const double at_limit[RESOURCES] = {0.9, 0.95};
static const double above = 1.2;
static const double far_above = 3;
/* The cut above which an excess is a severe one. */
static const double severe_excess = 0.5;
/* A drift is worth acting on where it passes the request within so many days. */
static const double drift_days = 14;

/* One series with what it takes to judge it. */
struct case_of {
    const struct sheet *sheet;
    enum resource resource;
    const struct figures *use;
    double request, limit; /* NaN where there is none */
    struct textbook textbook;
    struct change change;
};

static double positive_or_nan(int64_t amount)
{
    return amount > 0 ? (double)amount : NAN;
}

/* Whether the container's starts are peaks of this kind: as high in the figures of new pods, or it did start
 * again. */
static bool is_start(const struct case_of *about, const struct alarm *alarm)
{
    const struct container *container = about->sheet->container->container;
    bool known = about->use->startup_p99 >= start_share * alarm->extreme || container->restarts >= 0.5;
    return about->resource == CPU && known && alarm->end - alarm->start <= START_LONGEST;
}

/* Severity of a peak: none of it where it stays below the request; high where it is far out and comes to the
 * limit, or to a multiple of the request for an hour. NaN compares false, so what is not known does not
 * count. */
static enum severity peak_severity(const struct case_of *about, const struct alarm *alarm)
{
    int64_t lasts = alarm->end - alarm->start;
    if (alarm->excess < severe_excess || alarm->extreme <= above * about->request || is_start(about, alarm)) {
        return LOW;
    }
    bool far = alarm->extreme >= far_above * about->request;
    if (alarm->extreme >= at_limit[about->resource] * about->limit || (far && lasts >= HOUR)) {
        return HIGH;
    }
    return lasts >= QUARTER || (far && lasts > START_LONGEST / 2) ? MEDIUM : LOW;
}

/* New evidence of an alarm. */
static json_t *alarm_evidence(const struct case_of *about, const struct alarm *alarm)
{
    const struct steps *steps = &about->use->steps;
    json_t *out = json_object();
    evidence_number(out, "score", alarm->score);
    evidence_number(out, "threshold", ALARM_THRESHOLD);
    evidence_number(out, "range_excess", alarm->excess);
    evidence_number(out, "novelty", alarm->novelty);
    evidence_number(out, alarm->up ? "peak" : "lowest", alarm->extreme);
    evidence_number(out, "usual_from", alarm->low);
    evidence_number(out, "usual_to", alarm->high);
    evidence_number(out, "request", about->request);
    evidence_number(out, "limit", about->limit);
    json_object_set_new(out, "extra",
                        textbook_json(&about->textbook, steps->mean, alarm->first,
                                      (size_t)(6 * HOUR / steps->step_seconds), alarm->extreme));
    return out;
}

/* Whether the level stays where an alarm took it. */
static bool is_lasting(const struct case_of *about, const struct alarm *alarm)
{
    const struct change *change = &about->change;
    if (change->kind == CHANGE_STEP && (change->after > change->before) == alarm->up &&
        llabs(change->at - alarm->start) <= NEAR) {
        return true;
    }
    double moved = alarm->up ? alarm->extreme - alarm->high : alarm->low - alarm->extreme;
    double stays = alarm->up ? alarm->after - alarm->usual : alarm->usual - alarm->after;
    return alarm->end - alarm->start >= LASTING && moved > 0 && stays >= 0.5 * moved;
}

static void tell_shift(const struct case_of *about, const struct span *span, double before, double after,
                       json_t *evidence)
{
    char from[32];
    char to[32];
    char at[32];
    enum severity severity = after <= about->request || after <= before ? LOW : MEDIUM;
    evidence_number(evidence, "before", before);
    evidence_number(evidence, "after", after);
    sheet_add(about->sheet, "level-shift", severity, (int)about->resource, *span, evidence,
              "%s went from about %s to about %s at %s and stays there", resource_word(about->resource),
              amount_text(about->resource, fmax(before, 0), from),
              amount_text(about->resource, fmax(after, 0), to), instant_text(span->start, at));
}

/* A burst: what was usual, what it came to, and for how long. */
static void tell_burst(const struct case_of *about, const struct alarm *alarm)
{
    static const char *const codes[2][RESOURCES] = {{"cpu-drop", "memory-drop"},
                                                    {"cpu-spike", "memory-spike"}};
    char to[32];
    char usual[32];
    char at[32];
    char length[32];
    sheet_add(about->sheet, codes[alarm->up][about->resource], alarm->up ? peak_severity(about, alarm) : LOW,
              (int)about->resource, (struct span){alarm->start, alarm->end}, alarm_evidence(about, alarm),
              "%s %s to %s at %s for %s; until then it never %s %s at that hour",
              resource_word(about->resource), alarm->up ? "rose" : "fell",
              amount_text(about->resource, fmax(alarm->extreme, 0), to), instant_text(alarm->start, at),
              length_text(alarm->end - alarm->start, length), alarm->up ? "passed" : "went below",
              amount_text(about->resource, fmax(alarm->up ? alarm->high : alarm->low, 0), usual));
}

/* A new shape within the usual range. */
static void tell_pattern(const struct case_of *about, const struct alarm *alarm)
{
    char at[32];
    sheet_add(about->sheet, "pattern-change", LOW, (int)about->resource,
              (struct span){alarm->start, alarm->end}, alarm_evidence(about, alarm),
              "the course of %s in the hour before %s is unlike any hour before it, within the usual range",
              resource_word(about->resource), instant_text(alarm->end, at));
}

static void tell(struct case_of *about, const struct alarm *alarm)
{
    if (is_lasting(about, alarm)) {
        bool step = about->change.kind == CHANGE_STEP && llabs(about->change.at - alarm->start) <= NEAR;
        double before = step ? about->change.before : alarm->usual;
        double after = step ? about->change.after : alarm->after;
        tell_shift(about, &(struct span){alarm->start, alarm->end}, before, after,
                   alarm_evidence(about, alarm));
        if (step) {
            about->change.kind = CHANGE_NONE;
        }
    } else if (alarm->excess > 0) {
        tell_burst(about, alarm);
    } else {
        tell_pattern(about, alarm);
    }
}

static bool overlaps(const struct rhythms *rhythms, const struct alarm *alarm)
{
    for (size_t i = 0; i < rhythms->count; i++) {
        if (alarm->start < rhythms->bursts[i].end + HOUR && alarm->end > rhythms->bursts[i].start - HOUR) {
            return true;
        }
    }
    return false;
}

/* Whether an alarm is no more than a new height (or depth) of a drift, which is told as such. */
static bool is_drift(const struct case_of *about, const struct alarm *alarm)
{
    return about->change.kind == CHANGE_SLOPE && (about->change.per_day > 0) == alarm->up &&
           alarm->excess < severe_excess;
}

/* Whether an alarm is worth a finding. A leak is told as such, not as each new height it reaches and each
 * restart that ends it. */
static bool is_told(const struct case_of *about, const struct alarm *alarm, const struct rhythms *rhythms)
{
    double moved = alarm->up ? alarm->extreme - alarm->usual : alarm->usual - alarm->extreme;
    double beyond =
        alarm->excess > 0 ? (alarm->up ? alarm->extreme - alarm->high : alarm->low - alarm->extreme) : moved;
    bool leaking = about->resource == MEMORY && about->sheet->container->signals.leak;
    return moved >= matters[about->resource] && beyond >= matters_share * fabs(alarm->usual) && !leaking &&
           !is_drift(about, alarm) && !overlaps(rhythms, alarm);
}

/* Whether one of the two regimes is no more than a weekend: that says nothing about a new level. */
static bool is_weekend(const struct case_of *about)
{
    int64_t end = about->sheet->plan->subject->window_end;
    int64_t weekday = (about->change.at / 86400 + 4) % 7; /* 0 is Sunday */
    int64_t hour = about->change.at % 86400 / HOUR;
    bool begins = weekday == 6 || weekday == 0 || (weekday == 5 && hour >= 15);
    return begins && end - about->change.at <= 60 * HOUR;
}

/* A change that is seen as a whole only. */
static void tell_change(const struct case_of *about)
{
    const struct change *change = &about->change;
    double moved = fabs(change->after - change->before);
    bool leaking = about->resource == MEMORY && about->sheet->container->signals.leak;
    char from[32];
    char to[32];
    if (change->kind == CHANGE_NONE || moved < matters_level[about->resource] || leaking) {
        return;
    }
    json_t *evidence = json_object();
    evidence_number(evidence, "explained", change->explained);
    if (change->kind == CHANGE_STEP) {
        if (is_weekend(about)) {
            json_decref(evidence);
            return;
        }
        tell_shift(about, &(struct span){change->at, change->at + 3 * HOUR}, change->before, change->after,
                   evidence);
        return;
    }
    double days = (about->request - about->use->p95) / change->per_day;
    evidence_number(evidence, "per_day", change->per_day);
    evidence_number(evidence, "p_value", change->p);
    evidence_number(evidence, "from", change->before);
    evidence_number(evidence, "to", change->after);
    evidence_number(evidence, "days_to_request", change->per_day > 0 ? fmax(days, 0) : NAN);
    enum severity severity = change->per_day > 0 && days < drift_days ? MEDIUM : LOW;
    sheet_add(about->sheet, "usage-drift", severity, (int)about->resource, sheet_window(about->sheet),
              evidence, "%s drifts %s bit by bit, from about %s to about %s in the window",
              resource_word(about->resource), change->per_day > 0 ? "up" : "down",
              amount_text(about->resource, fmax(change->before, 0), from),
              amount_text(about->resource, fmax(change->after, 0), to));
}

void find_unusual(const struct sheet *sheet, enum resource resource, const struct profile *profile,
                  const struct rhythms *rhythms)
{
    const struct container *container = sheet->container->container;
    const struct steps *steps = &container->use[resource].steps;
    struct case_of about = {.sheet = sheet, .resource = resource, .use = &container->use[resource]};
    struct past_days past;
    struct alarms *alarms = arena_alloc(sheet->arena, sizeof *alarms);
    about.request = positive_or_nan(container_request(container, resource));
    about.limit = positive_or_nan(container->limit[resource]);
    history_past_days(sheet->past, sheet->plan->subject, container, resource, sheet->arena, &past);
    alarms_find(steps->mean, steps->count, steps->start, steps->step_seconds, profile, &past, sheet->arena,
                alarms, NULL);
    change_find(steps->mean, steps->count, steps->start, steps->step_seconds, profile, sheet->arena,
                &about.change);
    if (alarms->count > 0) {
        textbook_make(steps->mean, steps->count, sheet->arena, &about.textbook);
    }
    size_t told = 0;
    for (size_t i = 0; i < alarms->count && told < TOLD_MAX; i++) {
        if (is_told(&about, &alarms->items[i], rhythms)) {
            tell(&about, &alarms->items[i]);
            told++;
        }
    }
    tell_change(&about);
}
