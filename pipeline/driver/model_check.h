#ifndef TARE_DRIVER_MODEL_CHECK_H
#define TARE_DRIVER_MODEL_CHECK_H

/* Whether the providers of analysis.providers can be used: for the doctor. */

#include "pipeline/driver/command.h"

/* Looks at each provider: its key is there, its address is one, its model is named; a server with OpenAI's API is asked for its list of
 * models, a vendor whose every question costs is not asked. Says of each in `found` what was found, and never shows a key. Where one
 * cannot be used the error is of its class, with the sentences of all: ERR_CONFIG, ERR_NOINPUT for a key file that cannot be read,
 * ERR_UNAVAILABLE, ERR_REFUSED for a key that is refused. */
int model_check(struct session *session, struct buf *found, struct err *err);

#endif
