#ifndef TARE_NOTIFY_NOTIFY_H
#define TARE_NOTIFY_NOTIFY_H

#include "pipeline/cli/stage.h"

/* tare-notify: delivers what waits in the ledger's outbox. The conductor starts it and does not wait for it. */
extern const struct stage_spec notify_stage;

#endif
