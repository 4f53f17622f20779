#ifndef TARE_ANALYZE_ASKING_DESK_H
#define TARE_ANALYZE_ASKING_DESK_H

/* What the files behind analyst.h share. */

#include "stages/analyze/asking/analyst.h"
#include "stages/analyze/asking/batched.h"
#include "stages/analyze/asking/budget.h"
#include "stages/analyze/asking/call.h"
#include "stages/analyze/asking/estimate.h"
#include "stages/analyze/asking/kept.h"
#include "stages/analyze/asking/progress.h"
#include "stages/analyze/asking/recall.h"
#include "stages/common/llm/llm_pool.h"

/* One unfinished question for each provider. */
struct gathering {
    struct call *calls[LINKS_MAX];
};

struct analyst {
    struct chain chain;
    struct recall recall;
    struct budget budget;
    struct counts counts;
    struct progress progress;
    struct gathering gathering;
    struct call *waiting; /* the next to be sent comes first */
    struct call **last;   /* where the next one is added behind */
    struct llm_pool *pool;
    struct history_out *history; /* borrowed, may be NULL */
    const json_t *redact;        /* borrowed */
    int64_t created;
    struct batched *batched;          /* NULL: questions are sent one by one */
    bool gathers;                     /* the first pass of batches: nothing is decided yet */
    bool drains;                      /* what is there is taken, nothing is sent any more */
    struct history_out *second_history; /* of the second pass */
    int64_t calls;                    /* questions for the batch so far */
    size_t parallel, under_way;
    size_t workloads; /* in one question */
    bool refuse;      /* beyond the budget the run ends */
    bool estimate; /* nothing is sent: what would be is counted in `rows` */
    struct estimate_row rows[LINKS_MAX];
    bool stopped;
    struct err fatal; /* what ends the run */
};

/* --- analyst.c --- */

/* Goes on with an inquiry at the provider that inquiry->link says: known, gathered for a question, passed on, or done. */
void desk_walk(struct analyst *analyst, struct inquiry *inquiry, struct gathering *gathering);

/* The provider gave nothing for `reason`: told, and the next one's turn (desk_walk is the caller's). `at`: when that was. */
void desk_pass(struct analyst *analyst, struct inquiry *inquiry, enum told_outcome outcome, const char *reason, const char *exchange,
               int64_t at);

/* A good answer, with its text. `at`: when it was given. */
void desk_answer(struct analyst *analyst, struct inquiry *inquiry, const struct answer *answer, const char *text, const char *exchange,
                 int64_t at);

/* Finishes the questions of a gathering: they go to the front of the queue (`first`) or to its end. */
void desk_close(struct analyst *analyst, struct gathering *gathering, bool first);

/* --- queue.c --- */

/* Puts a question into the queue; of an estimate it is counted instead. */
void queue_add(struct analyst *analyst, struct call *call, bool first);

/* Sends what may be sent now. */
void queue_send(struct analyst *analyst);

/* Forgets all that waits. */
void queue_drop(struct analyst *analyst);

/* --- reply.c --- */

/* A question is over: its workloads are answered, asked about once more, or go on to the next provider. Frees the call. */
void reply_take(struct call *call, const struct llm_reply *reply, enum llm_end end, const struct err *why, bool batch);

/* A question that is not sent, for a reason: its workloads go on. Frees the call. */
void reply_none(struct call *call, const char *reason);

#endif
