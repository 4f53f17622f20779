#ifndef TARE_STAGES_APPLY_CHAIN_H
#define TARE_STAGES_APPLY_CHAIN_H

/*
 * The chain of artifacts that a plan stands on, from the inventory to the gated one: each is stored as it was made, is of its
 * kind, and was made from the one before. What was made by hand and names no input is believed what its attempt says.
 */

#include "pipeline/cli/stage.h"
#include "pipeline/run/ledger.h"

/* Compares all of them with what attempts, trailers and the audit trail say (`evidence`: of ledger_plan_evidence). `gated`
 * receives the digest of the run's own gated artifact. ERR_STALE naming the stage, what was expected and what was found. */
int chain_check(struct stage *stage, const struct ledger_run *run, const json_t *evidence, char gated[LEDGER_DIGEST_SIZE],
                struct err *err);

/* Spools the artifact with this digest and reads its header: *fd to close, *reader to free. Where the ledger has it no more,
 * or not as it was stored: ERR_STALE. */
int chain_open(struct stage *stage, const char *name, const char *digest, enum artifact_kind kind, int *fd,
               struct artifact_reader **reader, struct err *err);

#endif
