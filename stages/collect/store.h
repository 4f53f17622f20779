#ifndef TARE_COLLECT_STORE_H
#define TARE_COLLECT_STORE_H

/*
 * What a source told about the pods of one question, as compressed as it came, until the figures are made of it.
 * A source announces a series by its labels and hands over its chunks; a series that was not asked for is passed
 * over. The bytes are bounded: past the limit the question has to be asked in parts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "stages/collect/labels.h"
#include "stages/collect/namespace.h"
#include "stages/collect/points.h"

/* What is asked about. Several names may mean one thing: metric_of knows them. */
enum metric {
    METRIC_CPU,          /* counter, seconds */
    METRIC_MEMORY,       /* working set, bytes */
    METRIC_PERIODS,      /* counter of CFS periods */
    METRIC_THROTTLED,    /* counter of throttled ones */
    METRIC_OOM_EVENTS,   /* counter */
    METRIC_RESTARTS,     /* counter */
    METRIC_OOM_REASON,   /* 1 while the last termination was an OOM kill */
    METRIC_MEMORY_LIMIT, /* bytes */
    METRIC_COUNT
};

/* How the values of a series are meant. */
enum series_form {
    SERIES_RAW,     /* as scraped */
    SERIES_RATE,    /* the server made a rate of the counter: per second */
    SERIES_INCREASE /* the server made increases of it: each since the point before */
};

enum chunk_encoding {
    CHUNK_XOR = 1, /* Prometheus' (Gorilla) encoding, see remote/xor.h */
    CHUNK_POINTS = 2 /* struct point after struct point */
};

struct chunk {
    const unsigned char *bytes;
    struct chunk *next;
    int64_t first_ms;
    int64_t last_ms;
    uint32_t length;
    uint16_t samples;
    unsigned char encoding;
};

struct series {
    enum metric metric;
    enum series_form form;
    uint32_t pod;       /* its number in the namespace */
    uint32_t container; /* its number among the store's names */
    uint64_t instance;  /* of the labels that tell one run of a container from the next (id, name, uid) */
    uint64_t labels;    /* of all labels */
    struct chunk *first;
    struct chunk *last;
    uint32_t samples;
};

struct store_block;

struct store {
    const struct namespace *namespace;
    const bool *asked; /* of each pod of the namespace: whether it is in the question; NULL: all are */
    struct series *series;
    size_t count;
    size_t capacity;
    uint32_t *table; /* series by hash, index + 1; 0 is free */
    size_t table_size;
    char **containers; /* names seen */
    size_t container_count;
    size_t container_capacity;
    struct store_block *blocks; /* of chunks; kept for the next question */
    struct store_block *block;  /* in work */
    size_t bytes;               /* of chunks */
    size_t limit;
    bool full;             /* the limit was reached */
    long current;          /* the announced series, −1 while it is one that was not asked for */
    size_t left_out;       /* chunks of an encoding that is not read (histograms): counted by the source */
    size_t per_cpu;        /* series of single processors, which are no container's */
    struct points pending; /* points of the announced series that are no chunk yet */
};

/* Which metric a name means; METRIC_COUNT for none. */
enum metric metric_of(const char *name);

/* The names that mean a metric, joined by '|', as a regular expression takes them. Static. */
const char *metric_names(enum metric metric);

/* Prepares an empty store that holds at most `limit` bytes of chunks. */
void store_init(struct store *store, size_t limit);

/* Forgets what it holds, keeping the memory, and takes up a question about pods of a namespace (both borrowed). */
void store_begin(struct store *store, const struct namespace *namespace, const bool *asked);

/* Frees. */
void store_release(struct store *store);

/* Forgets everything: the answer comes again from its beginning. */
void store_clear(struct store *store);

/* Announces a series; what is handed over next is of it. One without `__name__` is `metric` (METRIC_COUNT: it has its
 * name). One that comes again is gone on with. Returns whether it was asked for. */
bool store_series(struct store *store, const struct labels *labels, enum metric metric, enum series_form form);

/* Hands over a chunk of the announced series, copied. `samples`, `first_ms` and `last_ms` are what the chunk says of
 * itself. ERR_UNAVAILABLE with store->full set once the limit is passed. */
int store_chunk(struct store *store, enum chunk_encoding encoding, const unsigned char *bytes, size_t length,
                size_t samples, int64_t first_ms, int64_t last_ms, struct err *err);

/* Hands over one sample of the announced series. Errors as store_chunk. */
int store_point(struct store *store, int64_t time_ms, double value, struct err *err);

/* Says that the answer is whole: sorts the series by pod, container, metric, instance and labels. Errors as store_chunk. */
int store_finish(struct store *store, struct err *err);

/* The series of a pod: *count of them, beside each other. NULL for none. Borrowed. */
const struct series *store_pod(const struct store *store, uint32_t pod, size_t *count);

/* How many samples the series say they have. */
int64_t store_samples(const struct store *store);

/* Adds the samples of a series, in any order as they came, to `out`. Returns how many chunks could not be read. */
size_t store_points(const struct series *series, struct points *out);

/* The same of one chunk. False when it could not be read: then nothing was added. */
bool store_chunk_points(const struct chunk *chunk, struct points *out);

#endif
