#include "stages/analyze/detect/novelty.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* An hour is compared to those of the last 833 quarters (8.7 days); distances are of
 * twelve five-minute steps, each in standard deviations of the series, and below 0.02 say nothing. */
enum { HOUR = 4, LOOK_BACK = 833, LEAST_DISTANCES = 50, AT_ONCE = 8 };
static const double share = 0.99;
static const double least_unit = 0.02;

/* An earlier hour with its sum, for the search. */
struct hour {
    float sum;
    float quarters[HOUR];
    uint32_t end;
};

/* Earlier hours in order of their sums. The distance of two hours is at least half the difference of their
 * sums (Cauchy and Schwarz), so a search outwards from a sum can end early. */
struct book {
    struct hour *hours;
    size_t count;
};

/* The hour that ends with a quarter. */
static struct hour hour_at(const double *quarters, size_t end)
{
    struct hour hour = {.end = (uint32_t)end};
    for (size_t k = 0; k < HOUR; k++) {
        hour.quarters[k] = (float)quarters[end - k];
        hour.sum += hour.quarters[k];
    }
    return hour;
}

/* The first place whose sum is not below `sum`. */
static size_t book_place(const struct book *book, float sum)
{
    size_t low = 0;
    size_t high = book->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (book->hours[middle].sum < sum) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void book_add(struct book *book, struct hour hour)
{
    size_t place = book_place(book, hour.sum);
    memmove(book->hours + place + 1, book->hours + place, (book->count - place) * sizeof *book->hours);
    book->hours[place] = hour;
    book->count++;
}

static void book_remove(struct book *book, struct hour hour)
{
    for (size_t i = book_place(book, hour.sum); i < book->count; i++) {
        if (book->hours[i].end == hour.end) {
            memmove(book->hours + i, book->hours + i + 1, (book->count - i - 1) * sizeof *book->hours);
            book->count--;
            return;
        }
    }
}

/* Squared distance of two hours. */
static float squared(const struct hour *a, const struct hour *b)
{
    float sum = 0;
    for (size_t k = 0; k < HOUR; k++) {
        float difference = a->quarters[k] - b->quarters[k];
        sum += difference * difference;
    }
    return sum;
}

/* The two smallest squared distances. */
struct nearest {
    float first, second;
};

/* Looks at an hour of the book; false when neither it nor any that lies farther out can be nearer. */
static bool look(const struct hour *hour, const struct hour *other, struct nearest *nearest)
{
    float apart = hour->sum - other->sum;
    if (apart * apart >= 4 * nearest->second) {
        return false;
    }
    float distance = squared(hour, other);
    if (distance < nearest->first) {
        nearest->second = nearest->first;
        nearest->first = distance;
    } else if (distance < nearest->second) {
        nearest->second = distance;
    }
    return true;
}

/* Squared distance to the second nearest hour of the book, or of two that are not farther than `enough`. Some
 * on either side first, so that the search soon has a bound. */
static float second_nearest(const struct book *book, const struct hour *hour, float enough)
{
    struct nearest nearest = {INFINITY, INFINITY};
    size_t up = book_place(book, hour->sum);
    size_t down = up;
    bool above = true;
    bool below = true;
    while ((above || below) && nearest.second > enough) {
        for (size_t k = 0; k < AT_ONCE && above; k++) {
            above = up < book->count && look(hour, &book->hours[up], &nearest);
            up++;
        }
        for (size_t k = 0; k < AT_ONCE && below; k++) {
            below = down > 0 && look(hour, &book->hours[down - 1], &nearest);
            down--;
        }
    }
    return nearest.second;
}

/* The largest distances so far, in falling order: as many as the percentile will ever look at. */
struct ranks {
    size_t seen, count, room;
    double *values;
};

static void ranks_add(struct ranks *ranks, double value)
{
    ranks->seen++;
    if (ranks->count == ranks->room && value <= ranks->values[ranks->room - 1]) {
        return;
    }
    size_t i = ranks->count < ranks->room ? ranks->count++ : ranks->room - 1;
    for (; i > 0 && ranks->values[i - 1] < value; i--) {
        ranks->values[i] = ranks->values[i - 1];
    }
    ranks->values[i] = value;
}

/* The unit of scores: the percentile, interpolated between its neighbours. */
static double ranks_unit(const struct ranks *ranks)
{
    double place = (1 - share) * (double)(ranks->seen - 1);
    size_t k = (size_t)place;
    double next = ranks->values[k + 1 < ranks->count ? k + 1 : ranks->count - 1];
    return fmax(ranks->values[k] + (place - (double)k) * (next - ranks->values[k]), least_unit);
}

/* What is not above this can neither become a rank nor score 1. */
static double ranks_least(const struct ranks *ranks)
{
    return ranks->count < ranks->room ? 0 : ranks->values[ranks->room - 1];
}

/* What turns a distance of four quarters into one of twelve steps in standard deviations. */
static double unit_of(const double *quarters, size_t count)
{
    double mean = 0;
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        mean += quarters[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        square += (quarters[i] - mean) * (quarters[i] - mean) / (double)count;
    }
    return sqrt(3) / fmax(sqrt(square), 1e-9);
}

void novelty(const double *quarters, size_t count, const bool *exact, struct arena *arena, double *scores)
{
    struct book book = {.hours = arena_alloc_array(arena, LOOK_BACK + 2, sizeof *book.hours)};
    struct ranks ranks = {.room = (size_t)((1 - share) * (double)count) + 3};
    double unit = unit_of(quarters, count);
    ranks.values = arena_alloc_array(arena, ranks.room, sizeof *ranks.values);
    for (size_t i = 0; i < count; i++) {
        scores[i] = 0;
        if (i < 2 * HOUR - 1) {
            continue;
        }
        book_add(&book, hour_at(quarters, i - HOUR));
        if (book.count > LOOK_BACK) {
            book_remove(&book, hour_at(quarters, i - HOUR - LOOK_BACK));
        }
        if (book.count < 2) {
            continue;
        }
        struct hour hour = hour_at(quarters, i);
        double enough = exact[i] ? 0 : ranks_least(&ranks) / unit;
        double distance = sqrt((double)second_nearest(&book, &hour, (float)(enough * enough))) * unit;
        if (ranks.seen >= LEAST_DISTANCES) {
            scores[i] = distance / ranks_unit(&ranks);
        }
        ranks_add(&ranks, distance);
    }
}
