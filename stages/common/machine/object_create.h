#ifndef TARE_STAGES_COMMON_MACHINE_OBJECT_CREATE_H
#define TARE_STAGES_COMMON_MACHINE_OBJECT_CREATE_H

/* Objects that are made (MACHINE_CREATE), and removed again: answers of the phases that differ from those of a change. */

#include "stages/common/machine/machine_internal.h"

/* Answers of the phases read, rehearse, write and look. */
void create_write_answer(struct machine *machine, struct work *work, struct machine_event *event);

/* Answers of the phases undo read and undo write. */
void create_undo_answer(struct machine *machine, struct work *work, struct machine_event *event);

#endif
