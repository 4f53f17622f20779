#ifndef TARE_ANALYZE_OPINION_QUESTION_H
#define TARE_ANALYZE_OPINION_QUESTION_H

/*
 * One question to a model about several workloads: fixed rules, the evidence of each as data, one schema; and its reply, taken apart into
 * one answer a workload. A reply that is good for one workload and not for another counts for the one: what is missing, swapped, told
 * twice or was never asked about costs only the workload it concerns.
 */

#include "stages/analyze/opinion/answer.h"

enum { QUESTION_WORKLOADS_MAX = 16, EVIDENCE_ONE_MAX = 3600 };

/* One workload of a question. Borrowed. */
struct asked {
    const struct plan *plan; /* settled on the rules */
    const char *name;        /* evidence_name */
    const char *evidence;    /* canonical JSON text of evidence_new */
};

/* What a reply says of one workload. */
struct said {
    bool good;
    struct answer answer;  /* where good */
    const char *text;      /* its part of the reply as canonical JSON, which answer_read takes again; in the arena */
    const char *complaint; /* where not good: one sentence that can go back to the model; in the arena */
};

/* The fixed rules, the same for all questions and providers, so that servers can cache them. Borrowed, static. */
const char *question_system(void);

/* New text of the user message: nothing but data, each workload in an envelope that its data cannot close. */
char *question_user(const struct asked *asked, size_t count);

/* New schema of the reply. `narrow`: only the names that were asked about, for a server of one's own that enforces it. */
json_t *question_schema(const struct asked *asked, size_t count, bool narrow);

/* Most tokens that a reply needs. */
int64_t question_max_tokens(const struct asked *asked, size_t count);

/* Takes a reply apart: fills `out` for each of `asked`, whatever the text is. */
void question_read(const char *text, const struct asked *asked, size_t count, struct arena *arena, struct said *out);

/* What goes back with a refused reply, in the arena: the complaints, one line a workload. */
const char *question_complaint(const struct asked *asked, const struct said *said, size_t count, struct arena *arena);

#endif
