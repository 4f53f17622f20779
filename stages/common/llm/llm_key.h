#ifndef TARE_STAGES_COMMON_LLM_LLM_KEY_H
#define TARE_STAGES_COMMON_LLM_LLM_KEY_H

/* The key of a provider, from a file or from the environment. It is never shown. */

#include "pipeline/base/err.h"

/* Reads the key: from `file` where one is named, else from the environment variable `variable` (both may be NULL or ""). *out is new
 * and secret (mem_free_secret), NULL where the variable is not set or empty. The line's end is cut. A file that everybody on this machine
 * can read is warned of. ERR_NOINPUT (a file that cannot be read), ERR_CONFIG (empty, several lines, control characters). */
int llm_key_read(const char *file, const char *variable, char **out, struct err *err);

#endif
