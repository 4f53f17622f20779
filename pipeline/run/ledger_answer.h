#ifndef TARE_RUN_LEDGER_ANSWER_H
#define TARE_RUN_LEDGER_ANSWER_H

/* Verbs for what models were asked and said; conventions and errors as in ledger.h. What it means: sql/README.md. */

#include "pipeline/run/ledger.h"

/* Calls to models: [{"key" (unique within the run: a row that is there already stays),"stage" (default "analyze"),"prompt_digest",
 * "provider","model","outcome" (answered, repaired, refused, failed),"reply","error","workloads","input_tokens","output_tokens",
 * "cache_read_tokens","cache_write_tokens","cost_microusd" (null: not known),"latency_ms","batch","at"}]. run 0: of no run. */
int ledger_llm_put(struct ledger *ledger, int64_t run, const json_t *rows, struct err *err);

/* What came of asking about workloads, in the order of the array, for the attempt at `analyze` that is under way: [{"namespace","kind",
 * "name","provider","model","evidence","key","outcome","text","reason","exchange","at"}]. ERR_REFUSED for namespaces of other runs. */
int ledger_answers_put(struct ledger *ledger, int64_t attempt, const json_t *rows, struct err *err);

/* The run whose answers the analysis of `run` stands on; 0 where there is none. */
int ledger_answers_source(struct ledger *ledger, int64_t run, int64_t *source, struct err *err);

/* Writes rows of answers to `fd`, a line {"answer":{…}} each, and adds their number to *count. Holds one page of rows in memory.
 * _of: all of one run, in the order in which they were told. _young: what `run` may take without asking, not older than `seconds` before
 * it began; of each key the newest. */
int ledger_answers_of(struct ledger *ledger, int64_t run, int fd, int64_t *count, struct err *err);
int ledger_answers_young(struct ledger *ledger, int64_t run, int64_t seconds, int fd, int64_t *count, struct err *err);

/* Batches that a vendor took, for the attempt that is under way, and those of a run, oldest first: [{"id","provider","model","questions",
 * "at"}]; one that is there already stays. */
int ledger_llm_batches_put(struct ledger *ledger, int64_t attempt, const json_t *rows, struct err *err);
int ledger_llm_batches(struct ledger *ledger, int64_t run, json_t **out, struct err *err);

/* Tokens and money spent since the month of the ledger's clock began (UTC). */
int ledger_llm_month(struct ledger *ledger, int64_t *tokens, int64_t *microusd, struct err *err);

/* Calls of a run, oldest first, with all that ledger_llm_put took; what each run spent, newest first: [{"run" (null: no run),"cluster",
 * "first","calls","failed","workloads","input_tokens","cache_read_tokens","output_tokens","cost_microusd","unpriced"}]. */
int ledger_llm_list(struct ledger *ledger, int64_t run, int limit, json_t **out, struct err *err);
int ledger_llm_runs(struct ledger *ledger, int limit, json_t **out, struct err *err);

#endif
