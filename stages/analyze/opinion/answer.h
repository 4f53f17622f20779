#ifndef TARE_ANALYZE_OPINION_ANSWER_H
#define TARE_ANALYZE_OPINION_ANSWER_H

/*
 * A model's answer: untrusted text until it is checked here. Shape, types, names, ranges and lengths are all
 * checked in C, whatever the server promised to enforce. A good answer only proposes: amounts go through the
 * same settling as the rules' own, text is kept as text.
 */

#include "stages/analyze/sizing/sizing.h"

enum { ANSWER_REASONING_MAX = 1200, ANSWER_CLASS_MAX = 32 };

struct answer {
    const char *class_name; /* one of class_names_new; static */
    double confidence;
    char reasoning[ANSWER_REASONING_MAX + 1];
    double (*proposals)[FIELDS]; /* one row a container of the plan; NaN leaves the field. In the arena. */
};

/* Checks the text of an answer about the plan's workload. ERR_DATA with one sentence that can go back to the
 * model. */
int answer_read(const char *text, const struct plan *plan, struct arena *arena, struct answer *out,
                struct err *err);

/* Settles the plan on the answer's proposals. A field that today lies below its range is not left there: the
 * rules' target stands for it. Returns the largest relative difference to the rules' numbers, which the plan
 * held before. */
double answer_apply(const struct answer *answer, struct plan *plan);

/* Whether proposals count for this field at all. */
bool answer_may_set(const struct field_plan *field);

#endif
