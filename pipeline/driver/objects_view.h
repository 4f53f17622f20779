#ifndef TARE_DRIVER_OBJECTS_VIEW_H
#define TARE_DRIVER_OBJECTS_VIEW_H

/* What a run wrote (files, or objects of a cluster) and the state of each, for `tare status`. */

#include "pipeline/driver/command.h"
#include "pipeline/io/json.h"

/* Prints a table of them, at most `limit` (0: all), those that ended otherwise than well first; nothing where the run wrote none. */
int objects_print(struct session *session, int64_t run, int64_t limit, struct err *err);

/* [{"object","state","updated","why"}] in the order they were begun: *out new. */
int objects_json(struct session *session, int64_t run, json_t **out, struct err *err);

#endif
