#ifndef TARE_ASK_ASK_H
#define TARE_ASK_ASK_H

/* tare-ask: answers a question about a run from one of its artifacts, and from nothing else. It changes nothing. */

#include "pipeline/cli/stage.h"

extern const struct stage_spec ask_stage;

#endif
