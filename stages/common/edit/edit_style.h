#ifndef TARE_STAGES_COMMON_EDIT_EDIT_STYLE_H
#define TARE_STAGES_COMMON_EDIT_EDIT_STYLE_H

/* How a value is written: in the unit that is there already, in the quotes that are there already. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/io/yaml.h"

/* Text of an amount (millicores or bytes) in the unit of `old` (`length` bytes; NULL: none) where it fits
 * exactly, else as people write it. In the arena. */
const char *edit_quantity_text(struct arena *arena, const char *old, size_t length, bool cpu, int64_t value);

/* A scalar in a quoting style; block styles become plain. In JSON what is no number is quoted. In the arena.
 */
const char *edit_quote(struct arena *arena, const char *text, enum yaml_style style, bool json);

#endif
