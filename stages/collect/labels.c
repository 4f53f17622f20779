#include "stages/collect/labels.h"

#include <string.h>

const char *labels_get(const struct labels *labels, const char *name)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (strcmp(labels->names[i], name) == 0) {
            return labels->values[i];
        }
    }
    return "";
}
