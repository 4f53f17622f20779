#ifndef TARE_NOTIFY_MESSAGE_H
#define TARE_NOTIFY_MESSAGE_H

/*
 * What is told, before it takes the form of a receiver: made from the facts that the outbox keeps (see sql/README.md), everything in it
 * plain text that can be shown anywhere, bounded. Facts that are missing leave their part out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/io/json.h"

enum message_severity { MESSAGE_INFO, MESSAGE_WARNING, MESSAGE_ERROR, MESSAGE_CRITICAL };

struct message {
    json_t *facts;  /* as kept */
    json_t *values; /* what templates may name: name to text; lists are lines */
    json_t *fields; /* [[label, text], …], short ones */
    json_t *lines;  /* the body, a text each */
    const char *event;
    const char *title; /* borrowed from `values` */
    const char *id;    /* the same for every try; borrowed */
    int64_t run;
    enum message_severity severity;
    bool over;     /* what an earlier message raised is settled by this one */
    bool findings; /* it is about what was found, not about what becomes of the run */
};

/* Makes a message from facts (borrowed) under the identity `id` (borrowed, must outlive it). Free with message_release. */
void message_init(struct message *message, const json_t *facts, const char *id);

/* Frees what it holds. */
void message_release(struct message *message);

/* Facts of a made-up run, for trying a receiver out. New. */
json_t *message_sample(const char *cluster);

/* The names that templates may use, in order; *count receives how many. Borrowed, static. */
const char *const *message_names(size_t *count);

#endif
