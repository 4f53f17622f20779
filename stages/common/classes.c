#include "stages/common/classes.h"

#include "pipeline/base/mem.h"

static const char *const names[] = {"database", "cache", "queue",      "search", "web",    "proxy",
                                    "jvm",      "batch", "monitoring", "agent",  "worker", "service"};

const char *const *classes_all(size_t *count)
{
    *count = ARRAY_COUNT(names);
    return names;
}
