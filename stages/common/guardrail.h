#ifndef TARE_COMMON_GUARDRAIL_H
#define TARE_COMMON_GUARDRAIL_H

/*
 * Guardrails: how far one number may move in one run. analyze keeps its numbers inside them, the gate checks
 * them again with the same code. Pure: no I/O, no clock.
 *
 * CPU is in millicores, memory in bytes. An old value that is not set is GUARDRAIL_ABSENT. The percent
 * guardrails hold only where the old value is set and greater than 0, the absolute steps where it is set;
 * floors and ceilings always hold and win over both (from 1m with a floor of 10m the only allowed value is
 * 10m), so there always is an allowed value.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GUARDRAIL_ABSENT = -1, GUARDRAIL_REASONS_MAX = 4, GUARDRAIL_MESSAGE_MAX = 192 };

enum guardrail_resource { GUARDRAIL_CPU = 0, GUARDRAIL_MEMORY = 1, GUARDRAIL_RESOURCES = 2 };

/* Which guardrail moved or refused a value. */
enum guardrail_rule {
    GUARDRAIL_NONE = 0,
    GUARDRAIL_MAX_INCREASE,
    GUARDRAIL_MAX_DECREASE,
    GUARDRAIL_FLOOR,
    GUARDRAIL_CEILING,
    GUARDRAIL_STEP_UP,  /* max_increase_cpu, max_increase_memory */
    GUARDRAIL_STEP_DOWN
};

/* The guardrails in force for one workload. Percents are ≥ 0; INT64_MAX as a ceiling, a step or a number of replicas means that
 * there is none. */
struct guardrails {
    double max_increase_percent;
    double max_decrease_percent;
    int64_t floor[GUARDRAIL_RESOURCES];
    int64_t ceiling[GUARDRAIL_RESOURCES];
    int64_t step_up[GUARDRAIL_RESOURCES];   /* largest increase, as an amount */
    int64_t step_down[GUARDRAIL_RESOURCES]; /* largest decrease */
    int64_t max_replicas;                   /* most that scaling advice may ask for */
    double min_saving_usd;                  /* a month; a change that saves less is not worth it */
};

/* The allowed range, min ≤ max, both included, and what sets either end. `percent` tells whether the percent
 * guardrails took part; where they did not, the change is of at least medium risk. */
struct guardrail_bounds {
    int64_t min;
    int64_t max;
    enum guardrail_rule min_rule;
    enum guardrail_rule max_rule;
    bool percent;
};

/* One line of a check. `passed` lines are given too, so that a report can show what was looked at. */
struct guardrail_reason {
    enum guardrail_rule rule;
    bool passed;
    char message[GUARDRAIL_MESSAGE_MAX];
};

/* The defaults of tare.yaml: +200 %, −50 %, 10m, 32Mi, nothing else. */
void guardrails_default(struct guardrails *guardrails);

/* Guardrails that allow everything. */
void guardrails_none(struct guardrails *guardrails);

/* Takes from `other` each that is stricter. */
void guardrails_join(struct guardrails *guardrails, const struct guardrails *other);

/* Name of a rule as in configuration and reports: "max_increase_percent", "min_cpu", … "none". Borrowed,
 * static. */
const char *guardrail_rule_name(enum guardrail_rule rule, enum guardrail_resource resource);

/* The range a value may move in from `old` (GUARDRAIL_ABSENT where it is not set). */
struct guardrail_bounds guardrail_range(const struct guardrails *guardrails, enum guardrail_resource resource,
                                        int64_t old);

/* The value nearest to `proposed` inside the range; *moved_by (may be NULL) receives the rule that moved it,
 * GUARDRAIL_NONE when it was inside. */
int64_t guardrail_clamp(const struct guardrail_bounds *bounds, int64_t proposed,
                        enum guardrail_rule *moved_by);

/* Checks the change old → new of one field and lists what was looked at in `reasons`. Returns the number of
 * reasons. An unchanged value passes with no reasons. `new_value` GUARDRAIL_ABSENT means that the field is
 * taken away: no number to check, no reasons. All passed = the guardrails allow it. */
size_t guardrail_check(const struct guardrails *guardrails, enum guardrail_resource resource, int64_t old,
                       int64_t new_value, struct guardrail_reason reasons[GUARDRAIL_REASONS_MAX]);

/* Change from old to new in percent of old; 0 when either is absent or old is 0. */
double guardrail_percent(int64_t old, int64_t new_value);

#endif
