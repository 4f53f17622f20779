#include "stages/collect/figures/counter.h"

#include <stdbool.h>
#include <stdlib.h>

/* A part of one series that counts. */
struct piece {
    const struct told *told;
    size_t from;
    size_t to;
};

/* By instance, the fuller series first. */
static int compare_told(const void *a, const void *b)
{
    const struct told *x = *(const struct told *const *)a;
    const struct told *y = *(const struct told *const *)b;
    if (x->instance != y->instance) {
        return x->instance < y->instance ? -1 : 1;
    }
    if (x->points->count != y->points->count) {
        return x->points->count > y->points->count ? -1 : 1;
    }
    return (x > y) - (x < y);
}

static int compare_pieces(const void *a, const void *b)
{
    const struct piece *x = a;
    const struct piece *y = b;
    int64_t first = x->told->points->items[x->from].time_ms;
    int64_t second = y->told->points->items[y->from].time_ms;
    return (first > second) - (first < second);
}

static int compare_times(const void *a, const void *b)
{
    const struct point *x = a;
    const struct point *y = b;
    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

/* Room was made before. */
static void put(struct points *out, int64_t time_ms, double value)
{
    if (value > 0) {
        out->items[out->count++] = (struct point){time_ms, value};
    }
}

/* Adds the increases of a piece; `last` is the counter's value before it, negative while there is none. Returns its last. */
static double add_piece(const struct piece *piece, double last, struct points *out)
{
    const struct point *items = piece->told->points->items;
    if (piece->told->form == SERIES_INCREASE) {
        for (size_t i = piece->from; i < piece->to; i++) {
            put(out, items[i].time_ms, items[i].value);
        }
        return last;
    }
    if (last >= 0) {
        put(out, items[piece->from].time_ms, items[piece->from].value - last);
    }
    last = items[piece->from].value;
    for (size_t i = piece->from + 1; i < piece->to; i++) {
        double value = items[i].value;
        put(out, items[i].time_ms, value >= last ? value - last : value);
        last = value;
    }
    return last;
}

/* The parts of the series of one instance that count. Returns how many: at most two for each series. */
static size_t cut_pieces(const struct told *const *series, size_t count, struct piece *out)
{
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
    size_t pieces = 0;
    for (size_t i = 0; i < count; i++) {
        const struct points *points = series[i]->points;
        size_t before = 0;
        size_t after = points->count;
        if (points->count == 0 || series[i]->form == SERIES_RATE) {
            continue;
        }
        while (before < points->count && points->items[before].time_ms < first) {
            before++;
        }
        while (after > before && points->items[after - 1].time_ms > last) {
            after--;
        }
        if (before > 0) {
            out[pieces++] = (struct piece){series[i], 0, before};
        }
        if (after < points->count) {
            out[pieces++] = (struct piece){series[i], after, points->count};
        }
        int64_t own_first = points->items[0].time_ms;
        int64_t own_last = points->items[points->count - 1].time_ms;
        first = own_first < first ? own_first : first;
        last = own_last > last ? own_last : last;
    }
    return pieces;
}

static void add_instance(const struct told *const *series, size_t count, struct points *out)
{
    struct piece *pieces = xcalloc_array(2 * count, sizeof *pieces);
    size_t piece_count = cut_pieces(series, count, pieces);
    double last = -1;
    if (piece_count > 1) {
        qsort(pieces, piece_count, sizeof *pieces, compare_pieces);
    }
    for (size_t i = 0; i < piece_count; i++) {
        last = add_piece(&pieces[i], last, out);
    }
    free(pieces);
}

void counter_increases(const struct told *series, size_t count, struct points *out)
{
    const struct told **sorted = xcalloc_array(count, sizeof *sorted);
    size_t points = 0;
    bool many = false;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &series[i];
        points += series[i].points->count;
    }
    GROW(out->items, out->capacity, points);
    if (count > 1) {
        qsort(sorted, count, sizeof *sorted, compare_told);
    }
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && sorted[to]->instance == sorted[from]->instance;) {
            to++;
        }
        many = many || from > 0;
        add_instance(&sorted[from], to - from, out);
    }
    if (many && out->count > 1) {
        qsort(out->items, out->count, sizeof *out->items, compare_times);
    }
    free(sorted);
}
