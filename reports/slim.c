#include "reports/slim.h"

#include <stdint.h>

#include "pipeline/base/mem.h"

/* What the charts show of a resource. */
static json_t *slim_resource(const json_t *resource)
{
    static const char *const shown[] = {"mean", "max"};
    const json_t *hourly = json_object_get(resource, "hourly");
    json_t *kept = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(shown); i++) {
        json_object_set(kept, shown[i], json_object_get(hourly, shown[i]));
    }
    return json_pack("{s:o}", "hourly", kept);
}

static json_t *slim_usage(const json_t *usage)
{
    json_t *containers = json_object();
    const char *name;
    json_t *container;
    json_object_foreach(json_object_get(usage, "containers"), name, container)
    {
        json_t *slim =
            json_pack("{s:o, s:o}", "cpu_millicores",
                      slim_resource(json_object_get(container, "cpu_millicores")), "memory_bytes",
                      slim_resource(json_object_get(container, "memory_bytes")));
        json_object_set_new(containers, name, slim);
    }
    json_t *window = json_object_get(usage, "window");
    return json_pack("{s:O, s:o}", "window", window == NULL ? json_null() : window, "containers", containers);
}

json_t *report_slim(const json_t *record, bool charts)
{
    static const char *const unused[] = {"forecast", "backtest", "clamps"};
    json_t *copy = json_copy((json_t *)(uintptr_t)record);
    json_t *usage = json_object_get(copy, "usage");
    if (json_is_object(usage)) {
        json_object_set_new(copy, "usage", charts ? slim_usage(usage) : json_object());
    }
    json_t *recommendation = json_object_get(copy, "recommendation");
    if (json_is_object(recommendation)) {
        recommendation = json_copy(recommendation);
        for (size_t i = 0; i < ARRAY_COUNT(unused); i++) {
            json_object_del(recommendation, unused[i]);
        }
        json_object_set_new(copy, "recommendation", recommendation);
    }
    return copy;
}
