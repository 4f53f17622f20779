#ifndef TARE_ANALYZE_OPINION_ANSWER_H
#define TARE_ANALYZE_OPINION_ANSWER_H

/*
 * A model's answer about one workload: untrusted until it is checked here. Shape, types, names, ranges and lengths are all
 * checked in C, whatever the server promised to enforce. A good answer only proposes: amounts go through the
 * same settling as the rules' own, text is kept as text.
 */

#include "stages/analyze/sizing/sizing.h"

enum { ANSWER_REASONING_MAX = 1200 };

struct answer {
    const char *class_name; /* one of class_names_new; static */
    double confidence;      /* 0 to 1, in thousandths */
    char reasoning[ANSWER_REASONING_MAX + 1];
    double (*proposals)[FIELDS]; /* one row a container of the plan, whole amounts; NaN leaves the field. In the arena. */
};

/* Checks an answer about the plan's workload. ERR_DATA with one sentence that can go back to the model: it holds nothing of the answer. */
int answer_take(const json_t *value, const struct plan *plan, struct arena *arena, struct answer *out, struct err *err);

/* The same of a text, which must be one JSON object and nothing beside: what answer_text wrote, or what a person did. */
int answer_read(const char *text, const struct plan *plan, struct arena *arena, struct answer *out, struct err *err);

/* A checked answer as canonical JSON, in the arena: answer_read gives the same answer of it. */
const char *answer_text(const struct answer *answer, const struct plan *plan, struct arena *arena);

/* Settles a plan that is settled on the rules on the answer's proposals. What the rules see to stays seen to: where a number would be left
 * or put below its lower bound, and lower than the rules have it, the rules' own takes its place (of the field; then, where the pod as a
 * whole is what would be refused, of its resource; then of all), and `moved_by` says so. Returns the largest relative difference to the
 * rules' numbers. */
double answer_apply(const struct answer *answer, struct plan *plan);

/* Whether proposals count for this field at all. */
bool answer_may_set(const struct field_plan *field);

/* Whether there is anything in the plan that an answer could move. */
bool answer_may_move(const struct plan *plan);

#endif
