#ifndef TARE_NOTIFY_SECRETS_H
#define TARE_NOTIFY_SECRETS_H

/* The files of a receiver. */

#include "pipeline/base/buf.h"
#include "pipeline/cli/receivers.h"

struct secrets {
    char *origin;        /* scheme, host and port */
    char *path;          /* the rest of the address: a secret */
    struct buf secret;   /* "" where there is none */
    struct buf template; /* checked; "" where there is none */
};

/* Reads and checks the files that a receiver names. `warn`: log files that every user may read. ERR_NOINPUT, ERR_DATA, ERR_CONFIG; errors
 * name files, never what is in them. Free with secrets_release, also after a failure. */
int secrets_load(const struct receiver *receiver, bool warn, struct secrets *out, struct err *err);

/* Overwrites and frees. */
void secrets_release(struct secrets *secrets);

/* Whether text holds a part of the address's path or the secret that is long enough to be one. */
bool secrets_in(const struct secrets *secrets, const char *text);

#endif
