#include "stages/collect/range/spacing.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"

void spacing_init(struct spacing *spacing, const struct namespace *namespace, int64_t step_ms)
{
    *spacing = (struct spacing){.namespace = namespace, .step_ms = step_ms};
    spacing->counts = xcalloc_array(namespace->pod_count, sizeof *spacing->counts);
}

void spacing_release(struct spacing *spacing)
{
    free(spacing->counts);
}

void spacing_series(struct spacing *spacing, const char *pod)
{
    long number = namespace_find_pod(spacing->namespace, pod);
    spacing->now = number < 0 ? NULL : spacing->counts[number];
    spacing->last_ms = 0;
}

void spacing_point(struct spacing *spacing, int64_t time_ms)
{
    int64_t distance = time_ms - spacing->last_ms;
    bool first = spacing->last_ms == 0;
    spacing->last_ms = time_ms;
    if (spacing->now == NULL || first || distance <= 0) {
        return;
    }
    unsigned class = 0;
    int64_t bound = spacing->step_ms * 3 / 2;
    while (class + 1 < SPACING_CLASSES && distance > bound) {
        class++;
        bound = (spacing->step_ms << (class + 1)) - spacing->step_ms / 2;
    }
    spacing->now[class]++;
}

unsigned spacing_class(const struct spacing *spacing, uint32_t pod)
{
    const uint32_t *counts = spacing->counts[pod];
    unsigned most = 0;
    for (unsigned i = 1; i < SPACING_CLASSES; i++) {
        most = counts[i] > counts[most] ? i : most;
    }
    return most;
}
