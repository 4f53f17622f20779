#ifndef TARE_IO_YAML_FIND_H
#define TARE_IO_YAML_FIND_H

/* Looking up keys below the YAML reader: in a mapping, and through its merge keys. */

#include "pipeline/io/yaml.h"

/* Mappings visited through merge keys, of one document. */
struct yaml_merges {
    size_t done;
    size_t most;
};

/* yaml_find in a mapping that is none's alias; `name` has `length` bytes. Past merges->most nothing more is found. */
bool yaml_find_in(struct yaml_merges *merges, struct yaml_node *map, const char *name, size_t length,
                  struct yaml_pair *pair);

/* yaml_each in a mapping that is none's alias. Past merges->most no further merge is followed. */
bool yaml_each_in(struct yaml_merges *merges, struct yaml_node *map, yaml_visit *visit, void *context);

#endif
