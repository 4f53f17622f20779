#ifndef TARE_ANALYZE_ASKING_BATCHED_H
#define TARE_ANALYZE_ASKING_BATCHED_H

/*
 * Questions that go to the vendor as batches: gathered in a first pass over the records, sent all together, and handed out in a second pass
 * over the same records, which gathers the same questions again. What a batch leaves open (repairs, other providers) is asked as usual.
 */

#include "stages/analyze/asking/budget.h"
#include "stages/analyze/asking/call.h"
#include "stages/analyze/asking/recall.h"
#include "stages/analyze/history/history.h"
#include "stages/common/llm/llm_pool.h"

struct batched;

/* New; `link` (borrowed) is asked, and waited for so long. ERR_CANTCREAT, ERR_CONFIG. Free with batched_free; NULL is allowed there. */
int batched_new(struct link *link, int64_t wait_seconds, struct batched **out, struct err *err);
void batched_free(struct batched *batched);

/* Whether a question is for the batch: a first one to its provider. */
bool batched_wants(const struct batched *batched, const struct call *call);

/* Adds the question with the next number; its prompt is written. Where the budget does not allow it, that is noted in its place, or with
 * `refuse` ERR_REFUSED. ERR_IO. */
int batched_add(struct batched *batched, const struct call *call, struct budget *budget, bool refuse, struct err *err);

/* Sends all, waits, and keeps what comes in a spool. Batches that an earlier attempt sent are known from `recall`; those that are sent
 * are told to `history` (may be NULL). ERR_IO, ERR_CANTCREAT, ERR_SOFTWARE. */
int batched_run(struct batched *batched, const struct recall *recall, struct history_out *history, int wake_fd, struct err *err);

/* What came of a question, by its number. */
struct batch_result {
    struct llm_reply reply; /* release with llm_reply_release */
    bool sent;              /* else `why` says why not */
    enum llm_end end;
    struct err why;
    int64_t reserved; /* of the budget */
};

/* The result of question `number`. False where it is another question than the one that was added, or none was. ERR_IO in *err then, too,
 * where the spool cannot be read. */
bool batched_take(const struct batched *batched, const struct call *call, struct batch_result *out, struct err *err);

#endif
