#ifndef TARE_REPORTS_JSON_MEMBERS_H
#define TARE_REPORTS_JSON_MEMBERS_H

/* Setting members of objects. */

#include "pipeline/io/json.h"

/* An integer. */
void json_set_int(json_t *object, const char *key, int64_t value);

/* A text, null for NULL. */
void json_set_text(json_t *object, const char *key, const char *text);

#endif
