#ifndef TARE_ANALYZE_FLOW_INTERRUPT_H
#define TARE_ANALYZE_FLOW_INTERRUPT_H

/* Ctrl-C and SIGTERM while questions are under way: the first one is noted, so that what came is kept; a second one ends the program at
 * once. One for the program. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

/* Begins to watch. ERR_SOFTWARE. */
int interrupt_watch(struct err *err);

/* Whether a signal came. */
bool interrupt_came(void);

/* Descriptor that can be read once a signal came; -1 while nothing is watched. Borrowed. */
int interrupt_fd(void);

/* Waits until the descriptor `fd` can be read, a signal came or the instant `until_ms` (clock_monotonic_ms) is there. */
void interrupt_wait(int fd, int64_t until_ms);

/* Ends watching: signals do again what they did before. */
void interrupt_end(void);

#endif
