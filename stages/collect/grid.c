#include "stages/collect/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

void grid_init(struct grid *grid, int64_t start, int64_t end, int64_t step)
{
    int64_t length = end - start;
    while (length / step > GRID_POINTS_MAX) {
        step *= 2;
    }
    grid->start = start;
    grid->end = end;
    grid->step = step;
    grid->range = 4 * step > 120 ? 4 * step : 120;
    grid->count = (uint32_t)(length / step);
    grid->first = end - (grid->count - 1) * step;
    grid->hours = (size_t)((length + HOUR - 1) / HOUR);
    grid->weights = xcalloc_array(grid->count, sizeof *grid->weights);
    for (uint32_t i = 0; i < grid->count; i++) {
        grid->weights[i] = exp2(-(double)(end - grid_time(grid, i)) / WEIGHT_HALF_LIFE);
    }
}

void grid_release(struct grid *grid)
{
    free(grid->weights);
    memset(grid, 0, sizeof *grid);
}

int64_t grid_time(const struct grid *grid, uint32_t index)
{
    return grid->first + index * grid->step;
}

int64_t grid_index(const struct grid *grid, int64_t time_ms)
{
    int64_t since = time_ms - grid->first * 1000;
    int64_t step = grid->step * 1000;
    return since < 0 || since % step != 0 || since / step >= grid->count ? -1 : since / step;
}

size_t grid_hour(const struct grid *grid, int64_t time)
{
    int64_t since = time - grid->start - 1;
    size_t hour = since < 0 ? 0 : (size_t)(since / HOUR);
    return hour < grid->hours ? hour : grid->hours - 1;
}
