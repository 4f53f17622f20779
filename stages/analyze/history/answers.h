#ifndef TARE_ANALYZE_HISTORY_ANSWERS_H
#define TARE_ANALYZE_HISTORY_ANSWERS_H

/*
 * What models said in earlier runs, from --history: one row for each workload and each provider that was tried for it, and what this
 * month's exchanges cost. Replay finds the row of the very same evidence, whatever came of it; the cache finds an answer to evidence that
 * is alike (evidence_key) and not too old. The texts stay in the file: memory holds an index.
 *
 * A row: {"answer":{"at","evidence","exchange","key","kind","model","name","namespace","outcome","provider","reason","text"}}
 * The spending: {"spent":{"microusd","tokens"}}
 */

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "pipeline/io/hash.h"
#include "stages/analyze/subject/model.h"

enum told_outcome { TOLD_ANSWERED, TOLD_REFUSED /* the model's answers did not hold */, TOLD_FAILED /* there was none */ };

/* What came of asking one provider about one workload. Borrowed. */
struct told {
    const char *provider;
    const char *model; /* as asked */
    char evidence[DIGEST_HEX]; /* of the evidence as sent */
    char key[DIGEST_HEX]; /* evidence_key */
    enum told_outcome outcome;
    const char *text; /* canonical JSON that answer_read takes; NULL unless TOLD_ANSWERED */
    const char *reason; /* NULL where TOLD_ANSWERED */
    const char *exchange; /* key of the exchange it came with, NULL for none */
    int64_t at;
};

struct history_answers;

/* Reads the rows not older than `oldest` (INT64_MIN: all). `path` NULL: none. *out new, free with history_answers_free. ERR_NOINPUT,
 * ERR_DATA naming the line. */
int history_answers_open(const char *path, int64_t oldest, struct history_answers **out, struct err *err);
void history_answers_free(struct history_answers *answers);

/* The row of this workload, provider, model and evidence (told->provider, ->model, ->evidence are set); of several the newest. Fills the
 * rest, in `arena`. False where there is none. */
bool history_answers_exact(const struct history_answers *answers, const struct subject *subject, struct arena *arena, struct told *told);

/* The newest row that is no failure with told->key. */
bool history_answers_alike(const struct history_answers *answers, struct arena *arena, struct told *told);

/* What all runs of this month spent before this one. */
void history_answers_spent(const struct history_answers *answers, int64_t *tokens, int64_t *microusd);

#endif
