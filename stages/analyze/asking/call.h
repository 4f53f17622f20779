#ifndef TARE_ANALYZE_ASKING_CALL_H
#define TARE_ANALYZE_ASKING_CALL_H

/* A question to one provider about some workloads: gathered in the order of the records, then sent, perhaps once more with a complaint. */

#include "stages/analyze/asking/inquiry.h"
#include "stages/analyze/opinion/question.h"

struct analyst;

struct call {
    struct analyst *analyst; /* borrowed */
    struct link *link;       /* borrowed */
    struct call *next;       /* in a queue */
    struct inquiry *of[QUESTION_WORKLOADS_MAX]; /* borrowed */
    struct asked asked[QUESTION_WORKLOADS_MAX];
    size_t count;
    size_t bytes;        /* of the evidence */
    bool repair; /* asked once already */
    int64_t number;      /* among the questions of a batch, the same in each pass over the same records; -1: not of a batch */
    int64_t reserved;    /* tokens that the budget set aside */
    char *former;        /* for a repair; new */
    char *complaint;
    char *user;          /* call_prepare makes these */
    json_t *schema;
    struct llm_prompt prompt;
};

/* New, about nothing yet. Free with call_free; NULL is allowed there. */
struct call *call_new(struct analyst *analyst, struct link *link);
void call_free(struct call *call);

/* Adds a workload. */
void call_add(struct call *call, struct inquiry *inquiry);

/* Whether there is room for another: at most `workloads`, of a size that small models can take, no two of one name. */
bool call_fits(const struct call *call, const struct inquiry *inquiry, size_t workloads);

/* Writes the prompt. */
void call_prepare(struct call *call);

/* Digest of what is sent: provider, model and prompt. Returns `out`. */
char *call_digest(const struct call *call, char out[DIGEST_HEX]);

#endif
