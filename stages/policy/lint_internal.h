#ifndef TARE_STAGES_POLICY_LINT_INTERNAL_H
#define TARE_STAGES_POLICY_LINT_INTERNAL_H

/* What the files of the lint share. */

#include "stages/policy/lint.h"

struct lint {
    const struct config *config;
    int64_t now;
    json_t *warnings;
    struct window_set *windows; /* of the file, NULL where they cannot be read */
};

/* Adds a warning about a key ("approvals.rules[1].required"). */
void lint_warn(const struct lint *lint, const char *code, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Overrides and approval rules: what never counts, or counts for more than was meant (lint_rules.c). */
void lint_rules(const struct lint *lint);

/* Windows that never open, or that others cover (lint_windows.c). `files` are the calendars that the windows name. */
void lint_windows(const struct lint *lint, const json_t *files);

#endif
