#include "stages/collect/points.h"

size_t points_after(const struct points *points, int64_t time_ms)
{
    size_t low = 0;
    size_t high = points->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (points->items[middle].time_ms > time_ms) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}
