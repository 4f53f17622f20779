#ifndef TARE_NOTIFY_DELIVER_H
#define TARE_NOTIFY_DELIVER_H

/* One message to one receiver, once. Address and secret are read from their files for each message, so that they may change at any
 * time; nothing of them is in what is told, of the address only scheme, host and port. */

#include "pipeline/cli/receivers.h"
#include "stages/notify/backoff.h"
#include "stages/notify/message.h"

/* Sends it and waits for the answer. A file that cannot be used is a failed try, too, since it can be mended. */
void deliver(const struct receiver *receiver, const struct message *message, struct attempt *attempt);

/* Whether a receiver's files can be used: they are there, the address is one, the template has only known placeholders. Files of secrets
 * that every user may read are warned of. ERR_NOINPUT, ERR_DATA, ERR_CONFIG. */
int deliver_check(const struct receiver *receiver, struct err *err);

#endif
