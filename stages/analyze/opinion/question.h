#ifndef TARE_ANALYZE_OPINION_QUESTION_H
#define TARE_ANALYZE_OPINION_QUESTION_H

/*
 * One question to a model about several workloads: fixed rules, the evidence of each as data, one schema; and its reply, taken apart into
 * one answer a workload. A reply that is good for one workload and not for another counts for the one: what is missing, swapped, told
 * twice or was never asked about costs only the workload it concerns.
 *
 * User message: {"workloads":[EVIDENCE,…]}, in the order of `asked`. Reply: {"answers":[{"class","confidence","containers":[{"name",
 * "cpu_request_millicores","memory_request_bytes","cpu_limit_millicores","memory_limit_bytes"},…],"reasoning","workload"},…]}, in
 * any order.
 */

#include "stages/analyze/opinion/answer.h"

enum { QUESTION_WORKLOADS_MAX = 16 };

/* One workload of a question. Borrowed. */
struct asked {
    const struct plan *plan; /* settled on the rules */
    const char *name;        /* evidence_name; two workloads of one name do not belong in one question: neither would be answered */
    const char *evidence;    /* evidence_text_new */
};

/* What a reply says of one workload. */
struct said {
    bool good;
    struct answer answer;  /* where good */
    const char *text;      /* where good: answer_text, which answer_read takes again; in the arena */
    const char *complaint; /* where not good: one sentence of ours, with nothing of the reply in it, that can go back to the model; in
                              the arena or static */
};

/* The fixed rules, the same for all questions and providers, so that servers can cache them. Borrowed, static. */
const char *question_system(void);

/* New text of the user message: nothing but data, each workload in an envelope that its data cannot close. */
char *question_user(const struct asked *asked, size_t count);

/* New schema of the reply: every object closed, all members required, no ranges. `narrow`: only as many answers, workloads and containers
 * as were asked about, for a server of one's own that enforces it; else the same for all questions, so that a vendor compiles it once. */
json_t *question_schema(const struct asked *asked, size_t count, bool narrow);

/* Most tokens that a reply needs, with room to think. */
int64_t question_max_tokens(const struct asked *asked, size_t count);

/* Tokens that a reply usually has; for estimates. */
int64_t question_usual_tokens(const struct asked *asked, size_t count);

/* Takes a reply apart: fills `out` for each of `asked`, whatever the text is; prose and fences about the JSON do not matter, and of a
 * reply that was cut the answers before the cut count. Returns how many answers were about nothing that was asked (they count for
 * nothing). */
size_t question_read(const char *text, const struct asked *asked, size_t count, struct arena *arena, struct said *out);

/* What goes back with a refused reply, in the arena: the complaints, one line a workload that has no good answer. */
const char *question_complaint(const struct asked *asked, const struct said *said, size_t count, struct arena *arena);

#endif
