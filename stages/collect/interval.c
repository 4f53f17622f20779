#include "stages/collect/interval.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/collect/promql.h"

enum { FEW_PODS = 4, MANY_PODS = 64 };

/* Distances between samples, rounded to seconds, of one series; and the shortest median of all series so far.
 */
struct distances {
    int64_t last_ms;
    int64_t total;
    int64_t counts[INTERVAL_MAX + 1];
    int64_t shortest;
};

/* The median, not the mean: gaps do not count. */
static void end_series(struct distances *distances)
{
    int64_t seen = 0;
    for (int64_t i = 1; distances->total > 0 && i <= INTERVAL_MAX; i++) {
        seen += distances->counts[i];
        if (seen * 2 >= distances->total) {
            distances->shortest =
                distances->shortest == 0 || i < distances->shortest ? i : distances->shortest;
            break;
        }
    }
    memset(distances->counts, 0, sizeof distances->counts);
    distances->total = 0;
    distances->last_ms = 0;
}

static int take_series(void *context, const struct labels *labels, struct err *err)
{
    (void)labels;
    (void)err;
    end_series(context);
    return 0;
}

static int take_point(void *context, int64_t time_ms, double value, struct err *err)
{
    struct distances *distances = context;
    (void)value;
    (void)err;
    if (distances->last_ms > 0 && time_ms > distances->last_ms) {
        int64_t seconds = (time_ms - distances->last_ms + 500) / 1000;
        distances->counts[seconds < 1 ? 1 : seconds > INTERVAL_MAX ? INTERVAL_MAX : seconds]++;
        distances->total++;
    }
    distances->last_ms = time_ms;
    return 0;
}

/* Adds about `count` of the pods with a mark of at least `mark`, spread over all of them. Returns how many.
 */
static size_t add_pods(const struct namespace *namespace, const unsigned char *wanted, unsigned char mark,
                       size_t count, struct buf *pattern)
{
    size_t marked = 0;
    size_t added = 0;
    for (size_t i = 0; i < namespace->pod_count; i++) {
        marked += wanted[i] >= mark;
    }
    for (size_t i = 0, nth = 0; i < namespace->pod_count; i++) {
        if (wanted[i] < mark) {
            continue;
        }
        if (nth++ * count / marked >= added) {
            buf_add_str(pattern, added > 0 ? "|" : "");
            promql_literal(pattern, namespace->pods[i].name);
            added++;
        }
    }
    return added;
}

static int look(struct prom *prom, const struct namespace *namespace, const struct buf *pattern,
                int64_t start, int64_t end, int64_t *interval, struct err *err)
{
    struct distances *distances = xcalloc(sizeof *distances);
    struct answer_listener listener = {.series = take_series, .point = take_point, .context = distances};
    struct buf query;
    buf_init(&query, 256 * 1024);
    buf_add_str(&query, "container_memory_working_set_bytes{container!=\"\",container!=\"POD\"");
    promql_match(&query, "namespace", "=", namespace->name);
    promql_match(&query, "pod", "=~", buf_str(pattern));
    buf_printf(&query, "%s}", prom_matcher(prom));
    promql_range(&query, end - start);
    int failed = prom_instant(prom, buf_str(&query), end, &listener, err);
    end_series(distances);
    *interval = distances->shortest;
    buf_release(&query);
    free(distances);
    return failed;
}

int interval_find(struct prom *prom, const struct namespace *namespace, const unsigned char *wanted,
                  int64_t start, int64_t end, int64_t *interval, struct err *err)
{
    static const struct {
        unsigned char mark;
        size_t pods;
    } tries[] = {{2, FEW_PODS}, {1, FEW_PODS}, {1, MANY_PODS}};
    *interval = 0;
    for (size_t i = 0; i < ARRAY_COUNT(tries) && *interval == 0; i++) {
        struct buf pattern;
        buf_init(&pattern, 64 * 1024);
        int failed = add_pods(namespace, wanted, tries[i].mark, tries[i].pods, &pattern) > 0 &&
                     look(prom, namespace, &pattern, start, end, interval, err);
        buf_release(&pattern);
        if (failed) {
            return -1;
        }
    }
    *interval = *interval == 0 ? INTERVAL_DEFAULT : *interval;
    return 0;
}
