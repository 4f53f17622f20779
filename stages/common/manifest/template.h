#ifndef TARE_STAGES_COMMON_MANIFEST_TEMPLATE_H
#define TARE_STAGES_COMMON_MANIFEST_TEMPLATE_H

/* Telling a template that was not rendered (Helm, mostly) from broken YAML. */

#include <stdbool.h>
#include <stddef.h>

/* Whether text holds an action of Helm's language ("{{ .Values.image }}"). */
bool template_has_action(const char *bytes, size_t length);

/* Text that could not be read as a manifest is a template where it holds an action of Helm's language outside of quotes: the
 * same for every fault in it, so asked once. */
bool template_has_open_action(const char *bytes, size_t length);

/* Or where the line of the fault at `offset` holds "{{" or "{%"; with a fault of `syntax` not in quotes, where they break
 * nothing. */
bool template_on_line(const char *bytes, size_t length, size_t offset, bool syntax);

#endif
