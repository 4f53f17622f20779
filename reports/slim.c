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

/* The numbers of each container, without how they came about. */
static json_t *slim_containers(const json_t *containers)
{
    static const char *const unused[] = {"why", "samples", "confidence_parts"};
    json_t *slim = json_object();
    const char *name;
    json_t *container;
    json_object_foreach((json_t *)(uintptr_t)containers, name, container)
    {
        json_t *kept = json_copy(container);
        for (size_t i = 0; i < ARRAY_COUNT(unused) && json_is_object(kept); i++) {
            json_object_del(kept, unused[i]);
        }
        json_object_set_new(slim, name, kept);
    }
    return slim;
}

static json_t *slim_recommendation(const json_t *recommendation, bool charts)
{
    json_t *slim = json_copy((json_t *)(uintptr_t)recommendation);
    json_object_del(slim, "clamps");
    if (!charts) {
        json_object_del(slim, "forecast");
    }
    json_t *containers = json_object_get(slim, "containers");
    if (json_is_object(containers)) {
        json_object_set_new(slim, "containers", slim_containers(containers));
    }
    return slim;
}

json_t *report_slim(const json_t *record, bool charts)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)record);
    json_t *usage = json_object_get(copy, "usage");
    if (json_is_object(usage)) {
        json_object_set_new(copy, "usage", charts ? slim_usage(usage) : json_object());
    }
    json_t *recommendation = json_object_get(copy, "recommendation");
    if (json_is_object(recommendation)) {
        json_object_set_new(copy, "recommendation", slim_recommendation(recommendation, charts));
    }
    return copy;
}
