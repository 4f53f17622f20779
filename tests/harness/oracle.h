#ifndef TARE_HARNESS_ORACLE_H
#define TARE_HARNESS_ORACLE_H

/* The parts of the oracle (oracle_main.c says what it is). One question a process: what is asked and known stands in `oracle`. */

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOUR_MS = 3600000, STEP_MS = 300000, STARTUP_MS = 180000, NAMES_MAX = 256 };

struct point {
    int64_t time; /* ms */
    double value;
    size_t pod;
};

struct list {
    struct point *items;
    size_t count;
    size_t capacity;
};

struct series {
    char *key; /* name and labels as they stand */
    char *metric;
    char *pod;
    char *container;
    char *id; /* of one run of the container */
    char *reason;
    struct list points;
};

struct oracle {
    struct series *series;
    size_t series_count;
    size_t series_capacity;
    const char *namespace; /* asked about */
    regex_t pods;
    int64_t start_ms;
    int64_t end_ms;
    int64_t interval_ms;
    int64_t range_ms;
    bool at_grid; /* as query_range gives them */
    const char *pod_names[NAMES_MAX];
    size_t pod_count;
    size_t odd_values;
    char path[512]; /* of the member whose figures are printed */
};

extern struct oracle oracle;

/* ---- oracle_samples.c: from the file to samples ---- */

/* Adds a point. */
void oracle_add(struct list *list, int64_t time, double value, size_t pod);

/* Reads what is asked for of an OpenMetrics file; ends the program where it cannot be read. Then puts it in order. */
void oracle_read_file(const char *path);
void oracle_settle(void);

/* The number of a pod, a new one where it is not known yet. The name stays borrowed. */
size_t oracle_pod_number(const char *name);

/* Orders of points, for qsort. */
int oracle_by_time(const void *a, const void *b);
int oracle_by_value(const void *a, const void *b);

/* Whether an instant lies in (start, end]. */
bool oracle_in_window(int64_t time);

/* Whether a series is of this metric, pod (NULL: any) and container (NULL: any). */
bool oracle_is_of(const struct series *series, const char *metric, const char *pod, const char *container);

/* The samples of a container of a pod, one for each scrape: rates in millicores of a CPU counter, else as they are. New. */
struct list oracle_pod_samples(const char *metric, const char *pod, const char *container, bool cpu);

/* ---- oracle_figures.c: figures of one resource of one container ---- */

/* Prints a figure, or a time, of oracle.path (of `prefix`). */
void oracle_show(const char *name, double value);
void oracle_show_time(const char *prefix, const char *name, int64_t seconds);

/* Prints all figures of a resource. */
void oracle_show_resource(const char *metric, const char *container, bool cpu);

/* ---- oracle_events.c: throttling, restarts and OOM kills of one container ---- */

/* Print them. */
void oracle_show_throttling(const char *container);
void oracle_show_events(const char *container);

#endif
