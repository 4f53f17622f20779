#ifndef TARE_HARNESS_ADVICE_SERIES_H
#define TARE_HARNESS_ADVICE_SERIES_H

/*
 * Series that advice is judged on: a folder of real ones, each a CSV of "timestamp,value" ("2014-02-14 14:30:00,0.132", UTC), with
 * windows that people labelled in windows.json; and made ones, the same for the same seed. All on a grid of five minutes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

enum { ADVICE_STEP = 300, ADVICE_DAY = 86400 / ADVICE_STEP };

/* Anomalous by somebody's word, both ends in seconds since the epoch. */
struct advice_window {
    int64_t start, end;
};

struct advice_series {
    char *name;     /* of the file, or of the shape that made it */
    bool share;     /* percent of the machine: CPU */
    int64_t start;  /* of the first step, a multiple of ADVICE_STEP */
    size_t count;
    double *values; /* NaN = gap */
    bool labelled;  /* windows.json names it */
    struct advice_window *windows;
    size_t window_count;
};

struct advice_set {
    struct advice_series *items; /* by name */
    size_t count;
};

/* Reads every *.csv of a folder, and windows.json where there is one. A value goes to the nearest step, the later of two. ERR_NOINPUT
 * where there is none, ERR_DATA where one cannot be read. */
int advice_set_read(const char *folder, struct advice_set *out, struct err *err);

/* Made series of `days` days in percent: daily, weekly, spiky, batch, drift, flash, … several of each shape; the same for the same
 * seed. Free with advice_set_release. */
void advice_set_make(uint64_t seed, size_t days, struct advice_set *out);

void advice_set_release(struct advice_set *set);

#endif
