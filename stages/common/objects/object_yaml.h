#ifndef TARE_COMMON_OBJECTS_OBJECT_YAML_H
#define TARE_COMMON_OBJECTS_OBJECT_YAML_H

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

/* The one object of a YAML text as JSON, as an API server reads it; *out new. ERR_DATA for what is no single object, has aliases,
 * or numbers that are not whole. */
int object_from_yaml(const char *yaml, json_t **out, struct err *err);

#endif
