#ifndef TARE_CLI_HELP_H
#define TARE_CLI_HELP_H

/* --help and --version, and the tables they share with the README. */

#include <stdio.h>

#include "pipeline/cli/stage.h"

/* Prints a stage's help on stdout. Returns the exit code. */
int help_stage(const struct stage_spec *spec);

/* Ends what was printed for people: 0, or ERR_IO with a message where it could not be written. */
int help_end(FILE *out);

/* Prints "program version" on stdout. Returns the exit code. */
int help_version(const char *program);

/* Writes the table of exit codes, as text or as Markdown. */
void help_exit_codes(FILE *out, bool markdown);

/* Sets the form and level of messages from --log-format, --quiet and --verbose. `program` is borrowed for good. */
void help_log_init(const char *program, const struct options *options);

#endif
