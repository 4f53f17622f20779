#ifndef TARE_HARNESS_ADVICE_RULES_H
#define TARE_HARNESS_ADVICE_RULES_H

/* The rules of right-sizing that are compared: each looks at seven days of CPU and says what to ask for. */

#include <stddef.h>

#include "stages/analyze/rules/rules.h"

/* What a rule learns from. */
struct lesson {
    const struct figures *use; /* of the days before, with their steps; millicores */
    struct arena *arena;
};

struct advice_rule {
    const char *name;
    double (*request)(const struct lesson *lesson);
    bool peer;    /* is multiplied and put beside ours */
    bool variant; /* ours with other constants */
};

/* All of them; the rule of the product in its three tempers is found by name: "ours", "ours, safe", "ours, lean". */
extern const struct advice_rule advice_rules[];
extern const size_t advice_rule_count;

#endif
