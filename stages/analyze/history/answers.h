#ifndef TARE_ANALYZE_HISTORY_ANSWERS_H
#define TARE_ANALYZE_HISTORY_ANSWERS_H

/*
 * What models said in earlier runs, from --history: one row for each workload and each provider that was tried for it, and what this
 * month's exchanges cost. Replay finds the row of the very same evidence, whatever came of it; the cache finds an answer to evidence that
 * is alike (evidence_key) and not too old. The texts stay in the file: memory holds an index of 64 bytes a row.
 *
 * A row: {"answer":{"at","evidence","exchange","key","kind","model","name","namespace","outcome","provider","reason","text"}}, written by
 * history_answer (history.h). `at` is RFC 3339, `outcome` answered, refused or failed, `text` null unless answered, `reason` null if so.
 * A batch that was sent: {"batch":{"at","id","model","provider","questions"}}, written by history_batch.
 * The spending: {"spent":{"microusd","tokens"}}; of several lines the last.
 */

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "pipeline/io/hash.h"
#include "stages/analyze/subject/model.h"

enum { BATCHES_MAX = 1000, ANSWERS_MAX = 1000 * 1000, ANSWER_ROW_MAX = 192 * 1024 /* a whole reply as a JSON string, and its names */ };

enum told_outcome { TOLD_ANSWERED, TOLD_REFUSED /* the model's answers did not hold */, TOLD_FAILED /* there was none */ };

/* What came of asking one provider about one workload. Borrowed. */
struct told {
    const char *provider;
    const char *model; /* as asked */
    char evidence[DIGEST_HEX]; /* of the evidence as sent */
    char key[DIGEST_HEX]; /* evidence_key */
    enum told_outcome outcome;
    const char *text; /* canonical JSON that answer_read takes; NULL unless TOLD_ANSWERED */
    const char *reason; /* as the record says it, valid UTF-8; NULL where TOLD_ANSWERED */
    const char *exchange; /* key of the exchange it came with, NULL for none */
    int64_t at; /* epoch seconds when it was asked: of an answer from the cache then, not now, so that it ages */
};

/* "answered", "refused", "failed". Borrowed, static. */
const char *told_outcome_name(enum told_outcome outcome);

/* Questions that a vendor took as a batch. Borrowed. */
struct sent_batch {
    const char *provider, *model;
    const char *id; /* the vendor's */
    char questions[DIGEST_HEX]; /* of all questions of the run, see llm_batch.h */
    int64_t at; /* epoch seconds */
};

struct history_answers;

/* Reads the rows not older than `oldest` (epoch seconds; INT64_MIN: all). `path` NULL: none. *out new, free with history_answers_free.
 * ERR_NOINPUT (also for what is no regular file: it is read again later), ERR_DATA naming the line, ERR_IO. */
int history_answers_open(const char *path, int64_t oldest, struct history_answers **out, struct err *err);
void history_answers_free(struct history_answers *answers);

/* The row of this workload, provider, model and evidence (told->provider, ->model, ->evidence are set); of several the last in the
 * file. Fills the rest, in `arena`. False where there is none. */
bool history_answers_exact(const struct history_answers *answers, const struct subject *subject, struct arena *arena, struct told *told);

/* The newest row that is no failure with told->key, whichever workload it was about (the key holds who is meant). Fills all of *told, in
 * `arena`; false where there is none. */
bool history_answers_alike(const struct history_answers *answers, struct arena *arena, struct told *told);

/* The batch at a place of the file, counted from 0; false past the last. Its strings live as long as `answers`. At most BATCHES_MAX. */
bool history_answers_batch(const struct history_answers *answers, size_t index, struct sent_batch *out);

/* What all runs of this month spent before this one: tokens in and out, millionths of a US dollar. 0 where it is not known. */
void history_answers_spent(const struct history_answers *answers, int64_t *tokens, int64_t *microusd);

#endif
