#ifndef TARE_NOTIFY_TEMPLATE_H
#define TARE_NOTIFY_TEMPLATE_H

/* Texts with {{placeholders}}. What a template says itself goes to the receiver as written, so that it may use its markup; what comes in
 * place of a placeholder is escaped. */

#include "pipeline/base/buf.h"
#include "pipeline/io/json.h"
#include "stages/notify/text.h"

enum { TEMPLATE_MAX = 16 * 1024 };

/* Whether each placeholder of `text` is known. ERR_CONFIG naming `what`, the line and the placeholder, with a hint that lists the known
 * ones; also for "{{" without an end. */
int template_check(const char *text, const char *what, struct err *err);

/* Adds a checked template with the texts of `values` in place of its placeholders. */
void template_fill(const char *text, const json_t *values, text_escape *escape, struct buf *out);

#endif
