#ifndef TARE_IO_JSON_QUICK_H
#define TARE_IO_JSON_QUICK_H

/* The usual JSON, quickly. jansson reads byte by byte through a callback, which is most of the time that records take. */

#include <stddef.h>

#include "pipeline/io/json.h"

/* New value of a text, the same that jansson gives (duplicate keys refused, any value at the top). NULL where something unusual is in
 * it, right or wrong: escapes by number, more than 18 digits or 64 levels, keys past 255 bytes, what is no JSON. Then jansson tells. */
json_t *json_quick(const char *text, size_t length);

#endif
