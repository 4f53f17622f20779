#ifndef TARE_DRIVER_LINE_H
#define TARE_DRIVER_LINE_H

/* Taking a run through its stages: each executable gets the former one's artifact, and what it gives is kept in the ledger. */

#include <stddef.h>

#include "pipeline/driver/command.h"
#include "pipeline/io/hash.h"
#include "pipeline/io/json.h"

/* Number of stages in the line, and the name of one. Borrowed, static. */
size_t line_length(void);
const char *line_stage(size_t index);

/* Index of a stage in the line, line_length() when there is none of that name. */
size_t line_index(const char *name);

/* Every stage that is run as a program, with its bit in options.def; ends with a NULL name. */
struct line_program {
    const char *stage;
    programs program;
};
extern const struct line_program line_programs[];

/* What a run is made from, as the ledger keeps it: folder, paths, configuration file and digest, the typed options of each stage.
 * `base` (borrowed, may be NULL) gives what was not typed now. New object. ERR_NOINPUT, ERR_IO. */
int line_settings(const struct session *session, const json_t *base, json_t **out, struct err *err);

/* The settings of a run beside one with the settings `base` (borrowed): the same, whatever is typed now, with the configuration file as it
 * now is, and without what only that run was told to do with a model (--estimate, --replay). New object. ERR_NOINPUT, ERR_IO. */
int line_settings_beside(const json_t *base, json_t **out, struct err *err);

/* A resumed run keeps what it began with: ERR_USAGE naming the first typed option that is not among the stored settings. */
int line_check_typed(const struct session *session, const json_t *settings, int64_t run, struct err *err);

/* sha256 of the configuration file that the settings name, as it is now. ERR_NOINPUT, ERR_IO. */
int line_config_digest(const json_t *settings, char digest[DIGEST_HEX], struct err *err);

/* Runs the stages that the run has not finished, registers the plan, writes the configured reports. Holds the run's lock; a run that
 * ended before the lock was had is left as it is. *state receives what became of the run. A stage's failure ends the run as failed,
 * with the stage's class. */
int line_run(struct session *session, const struct ledger_run *run, enum ledger_state *state, struct err *err);

/* Puts the artifact with this digest into a new spool file at offset 0; close it. */
int line_fetch(struct session *session, const char *digest, int *fd, struct err *err);

/* Runs tare-<stage> in the run's folder with its stored options and `extra` words (NULL-terminated array, borrowed), reading `in` (or -1)
 * and writing `out`. *said (may be NULL) receives the last sentence it printed and the hint after it ("" where it printed none).
 * session->interrupted receives the signal that came meanwhile, for stages that end in their own way. */
int line_exec(struct session *session, const json_t *settings, const char *created, const char *stage,
              const char *const *extra, int in, int out, int *exit_code, struct err *said, struct err *err);

/* The run's settings as stored. New object. */
int line_stored_settings(const struct ledger_run *run, json_t **out, struct err *err);

#endif
