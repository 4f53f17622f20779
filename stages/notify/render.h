#ifndef TARE_NOTIFY_RENDER_H
#define TARE_NOTIFY_RENDER_H

/* Messages in the form of each kind of receiver, inside the limits that it documents. */

#include "pipeline/cli/receivers.h"
#include "pipeline/io/json.h"
#include "stages/notify/message.h"

/* What a message is made with. */
struct render_with {
    const char *template; /* checked text of a template, NULL: the built-in body */
    const char *secret;   /* routing key of pagerduty; the others do not show theirs */
};

/* The body of the request for a kind of receiver. New object. */
json_t *render(enum receiver_type type, const struct message *message, const struct render_with *with);

#endif
