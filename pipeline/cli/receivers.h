#ifndef TARE_CLI_RECEIVERS_H
#define TARE_CLI_RECEIVERS_H

/* Who is told of what: the entries of `notify` in tare.yaml, checked. Their files (address, secret, template) are not opened here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/cli/config.h"

enum receiver_type { RECEIVER_SLACK, RECEIVER_TEAMS, RECEIVER_DISCORD, RECEIVER_PAGERDUTY, RECEIVER_HTTP };

/* One receiver; texts are borrowed from the configuration, but for the name. */
struct receiver {
    char *name; /* as given, else its type, with its place where there are several of that type: "slack", "slack-2" */
    enum receiver_type type;
    const char *type_name;
    const char *url_file;      /* NULL: the receiver's public address (pagerduty) */
    const char *secret_file;   /* NULL: none */
    const char *template_file; /* NULL: the built-in text */
    const json_t *on;          /* names of events; empty: all, of pagerduty but what nothing may settle */
    int64_t interval_seconds;
    int64_t timeout_seconds;
    int64_t tries;
    int64_t give_up_seconds;
};

struct receivers {
    struct receiver *items;
    size_t count;
};

/* Reads them; `config` is borrowed and must outlive *out. ERR_CONFIG with file, line and key: no type, no address, no secret where one
 * is needed, a name that is not one or stands twice. Free with receivers_release, also after a failure. */
int receivers_load(const struct config *config, struct receivers *out, struct err *err);

/* Frees what it holds; safe on a zeroed one. */
void receivers_release(struct receivers *receivers);

/* Whether a receiver is told of an event: without `on` of all, but pagerduty neither of awaiting-approval nor of refused. */
bool receiver_wants(const struct receiver *receiver, const char *event);

#endif
