#include "stages/collect/store.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/collect/remote/xor.h"

/* Points of a source that tells them singly become a chunk once they are so many. */
enum { PENDING_MAX = 120, BLOCK_SIZE = 1024 * 1024, TABLE_SIZE = 256, SERIES_MAX = 200000, CONTAINER_NAME_MAX = 253 };

struct metric_name {
    const char *name;
    enum metric metric;
};

/* A sidecar is an init container to kube-state-metrics. */
static const struct metric_name metric_list[] = {
    {"container_cpu_usage_seconds_total", METRIC_CPU},
    {"container_memory_working_set_bytes", METRIC_MEMORY},
    {"container_cpu_cfs_periods_total", METRIC_PERIODS},
    {"container_cpu_cfs_throttled_periods_total", METRIC_THROTTLED},
    {"container_oom_events_total", METRIC_OOM_EVENTS},
    {"kube_pod_container_status_restarts_total", METRIC_RESTARTS},
    {"kube_pod_init_container_status_restarts_total", METRIC_RESTARTS},
    {"kube_pod_container_status_last_terminated_reason", METRIC_OOM_REASON},
    {"kube_pod_init_container_status_last_terminated_reason", METRIC_OOM_REASON},
    {"kube_pod_container_resource_limits", METRIC_MEMORY_LIMIT},
    {"kube_pod_init_container_resource_limits", METRIC_MEMORY_LIMIT},
};

static const char *const metric_alternatives[METRIC_COUNT] = {
    [METRIC_CPU] = "container_cpu_usage_seconds_total",
    [METRIC_MEMORY] = "container_memory_working_set_bytes",
    [METRIC_PERIODS] = "container_cpu_cfs_periods_total",
    [METRIC_THROTTLED] = "container_cpu_cfs_throttled_periods_total",
    [METRIC_OOM_EVENTS] = "container_oom_events_total",
    [METRIC_RESTARTS] = "kube_pod_container_status_restarts_total|kube_pod_init_container_status_restarts_total",
    [METRIC_OOM_REASON] = ("kube_pod_container_status_last_terminated_reason|"
                          "kube_pod_init_container_status_last_terminated_reason"),
    [METRIC_MEMORY_LIMIT] = "kube_pod_container_resource_limits|kube_pod_init_container_resource_limits",
};

struct store_block {
    struct store_block *next;
    size_t size;
    size_t used;
    unsigned char bytes[];
};

enum metric metric_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(metric_list); i++) {
        if (strcmp(metric_list[i].name, name) == 0) {
            return metric_list[i].metric;
        }
    }
    return METRIC_COUNT;
}

const char *metric_names(enum metric metric)
{
    return metric_alternatives[metric];
}

void store_init(struct store *store, size_t limit)
{
    *store = (struct store){.limit = limit, .current = -1};
}

/* Forgets the series; the names of containers stay, since they mostly come again. */
static void forget(struct store *store)
{
    for (struct store_block *block = store->blocks; block != NULL; block = block->next) {
        block->used = 0;
    }
    store->block = store->blocks;
    store->count = 0;
    store->bytes = 0;
    store->left_out = 0;
    store->per_cpu = 0;
    store->full = false;
    store->current = -1;
    store->pending.count = 0;
    if (store->table != NULL) {
        memset(store->table, 0, store->table_size * sizeof *store->table);
    }
}

static void forget_containers(struct store *store)
{
    for (size_t i = 0; i < store->container_count; i++) {
        free(store->containers[i]);
    }
    store->container_count = 0;
}

void store_begin(struct store *store, const struct namespace *namespace, const bool *asked)
{
    forget(store);
    forget_containers(store);
    store->namespace = namespace;
    store->asked = asked;
}

void store_clear(struct store *store)
{
    forget(store);
}

void store_release(struct store *store)
{
    forget_containers(store);
    while (store->blocks != NULL) {
        struct store_block *next = store->blocks->next;
        free(store->blocks);
        store->blocks = next;
    }
    free(store->series);
    free(store->table);
    free(store->containers);
    points_release(&store->pending);
    *store = (struct store){.current = -1};
}

/* FNV-1a over a label, its end included, so that two labels are not taken for another two. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (const char *p = text;; p++) {
        hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
        if (*p == '\0') {
            return hash;
        }
    }
}

static bool tells_instance(const char *label)
{
    return strcmp(label, "id") == 0 || strcmp(label, "name") == 0 || strcmp(label, "uid") == 0;
}

static void hash_labels(const struct labels *labels, struct series *series)
{
    series->labels = UINT64_C(0xcbf29ce484222325);
    series->instance = series->labels;
    for (size_t i = 0; i < labels->count; i++) {
        series->labels = hash_text(hash_text(series->labels, labels->names[i]), labels->values[i]);
        if (tells_instance(labels->names[i])) {
            series->instance = hash_text(hash_text(series->instance, labels->names[i]), labels->values[i]);
        }
    }
}

/* Whether the labels that narrow a metric down are those that are wanted, or not told. */
static bool is_meant(struct store *store, enum metric metric, const struct labels *labels)
{
    const char *reason = labels_get(labels, "reason");
    const char *resource = labels_get(labels, "resource");
    const char *cpu = labels_get(labels, "cpu");
    if (metric == METRIC_OOM_REASON) {
        return *reason == '\0' || strcmp(reason, "OOMKilled") == 0;
    }
    if (metric == METRIC_MEMORY_LIMIT) {
        return *resource == '\0' || strcmp(resource, "memory") == 0;
    }
    if (metric == METRIC_CPU && *cpu != '\0' && strcmp(cpu, "total") != 0) {
        store->per_cpu++;
        return false;
    }
    return true;
}

static uint32_t container_number(struct store *store, const char *name)
{
    for (size_t i = store->container_count; i-- > 0;) {
        if (strcmp(store->containers[i], name) == 0) {
            return (uint32_t)i;
        }
    }
    GROW(store->containers, store->container_capacity, store->container_count + 1);
    store->containers[store->container_count] = xstrdup(name);
    return (uint32_t)store->container_count++;
}

static size_t slot_of(const struct store *store, const struct series *series)
{
    uint64_t hash = series->labels + (uint64_t)series->metric * 31 + series->form * 7 + (uint64_t)series->pod * 0x9e3779b97f4a7c15u;
    return (size_t)(hash ^ hash >> 32) & (store->table_size - 1);
}

static bool is_same(const struct series *a, const struct series *b)
{
    return a->labels == b->labels && a->metric == b->metric && a->pod == b->pod && a->container == b->container &&
           a->form == b->form;
}

static void enter(struct store *store, uint32_t index)
{
    size_t slot = slot_of(store, &store->series[index]);
    while (store->table[slot] != 0) {
        slot = (slot + 1) & (store->table_size - 1);
    }
    store->table[slot] = index + 1;
}

/* Keeps the table at most half full. */
static void grow_table(struct store *store)
{
    if (store->table != NULL && store->count * 2 < store->table_size) {
        return;
    }
    free(store->table);
    store->table_size = store->table_size == 0 ? TABLE_SIZE : store->table_size * 2;
    store->table = xcalloc_array(store->table_size, sizeof *store->table);
    for (size_t i = 0; i < store->count; i++) {
        enter(store, (uint32_t)i);
    }
}

/* The number of a series, entered anew where it did not come before. */
static long series_number(struct store *store, const struct series *wanted)
{
    grow_table(store);
    for (size_t slot = slot_of(store, wanted); store->table[slot] != 0; slot = (slot + 1) & (store->table_size - 1)) {
        uint32_t index = store->table[slot] - 1;
        if (is_same(&store->series[index], wanted)) {
            return index;
        }
    }
    GROW(store->series, store->capacity, store->count + 1);
    store->series[store->count] = *wanted;
    enter(store, (uint32_t)store->count);
    return (long)store->count++;
}

static void *take_bytes(struct store *store, size_t length)
{
    size_t rounded = (length + 15) / 16 * 16;
    while (store->block != NULL && store->block->size - store->block->used < rounded && store->block->next != NULL) {
        store->block = store->block->next;
    }
    if (store->block == NULL || store->block->size - store->block->used < rounded) {
        size_t size = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;
        struct store_block *block = xmalloc(sizeof *block + size);
        *block = (struct store_block){.size = size};
        if (store->block == NULL) {
            store->blocks = block;
        } else {
            store->block->next = block;
        }
        store->block = block;
    }
    void *out = store->block->bytes + store->block->used;
    store->block->used += rounded;
    return out;
}

static int too_large(const struct store *store, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "the answer about namespace %s is larger than %zu MiB", store->namespace->name,
                   store->limit >> 20);
}

static int add_chunk(struct store *store, struct chunk chunk, struct err *err)
{
    size_t needed = chunk.length + sizeof chunk;
    if (store->bytes + needed > store->limit) {
        store->full = true;
        return too_large(store, err);
    }
    struct chunk *kept = take_bytes(store, sizeof *kept);
    unsigned char *bytes = take_bytes(store, chunk.length);
    memcpy(bytes, chunk.bytes, chunk.length);
    *kept = chunk;
    kept->bytes = bytes;
    struct series *series = &store->series[store->current];
    *(series->first == NULL ? &series->first : &series->last->next) = kept;
    series->last = kept;
    series->samples += chunk.samples;
    store->bytes += needed;
    return 0;
}

static int flush(struct store *store, struct err *err)
{
    struct points *points = &store->pending;
    if (points->count == 0) {
        return 0;
    }
    struct chunk chunk = {.bytes = (const unsigned char *)points->items,
                          .length = (uint32_t)(points->count * sizeof *points->items),
                          .samples = (uint16_t)points->count,
                          .first_ms = points->items[0].time_ms,
                          .last_ms = points->items[points->count - 1].time_ms,
                          .encoding = CHUNK_POINTS};
    points->count = 0;
    return add_chunk(store, chunk, err);
}

bool store_series(struct store *store, const struct labels *labels, enum metric metric, enum series_form form)
{
    struct err ignored = {0};
    const char *name = labels_get(labels, "__name__");
    const char *container = labels_get(labels, "container");
    long pod = namespace_find_pod(store->namespace, labels_get(labels, "pod"));
    struct series series = {.metric = metric == METRIC_COUNT ? metric_of(name) : metric, .form = form};
    /* A full store says so at the next chunk or at the end. */
    flush(store, &ignored);
    store->current = -1;
    if (pod < 0 || (store->asked != NULL && !store->asked[pod]) || *container == '\0' || strlen(container) > CONTAINER_NAME_MAX ||
        strcmp(container, "POD") == 0 ||
        series.metric == METRIC_COUNT || !is_meant(store, series.metric, labels)) {
        return false;
    }
    if (store->count == SERIES_MAX) {
        store->full = true;
        return false;
    }
    series.pod = (uint32_t)pod;
    series.container = container_number(store, container);
    hash_labels(labels, &series);
    store->current = series_number(store, &series);
    return true;
}

int store_chunk(struct store *store, enum chunk_encoding encoding, const unsigned char *bytes, size_t length,
                size_t samples, int64_t first_ms, int64_t last_ms, struct err *err)
{
    if (store->current < 0 || length > UINT32_MAX) {
        return 0;
    }
    return add_chunk(store,
                     (struct chunk){.bytes = bytes,
                                    .length = (uint32_t)length,
                                    .samples = (uint16_t)(samples > UINT16_MAX ? UINT16_MAX : samples),
                                    .first_ms = first_ms,
                                    .last_ms = last_ms,
                                    .encoding = (unsigned char)encoding},
                     err);
}

int store_point(struct store *store, int64_t time_ms, double value, struct err *err)
{
    if (store->current < 0) {
        return 0;
    }
    points_add(&store->pending, time_ms, value);
    return store->pending.count < PENDING_MAX ? 0 : flush(store, err);
}

static int compare_series(const void *a, const void *b)
{
    const struct series *x = a;
    const struct series *y = b;
    const uint64_t keys[][2] = {{x->pod, y->pod},
                                {x->container, y->container},
                                {x->metric, y->metric},
                                {x->instance, y->instance},
                                {x->labels, y->labels}};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (keys[i][0] != keys[i][1]) {
            return keys[i][0] < keys[i][1] ? -1 : 1;
        }
    }
    return 0;
}

int store_finish(struct store *store, struct err *err)
{
    int failed = flush(store, err);
    if (!failed && store->full) {
        failed = too_large(store, err);
    }
    store->current = -1;
    if (store->count > 0) {
        qsort(store->series, store->count, sizeof *store->series, compare_series);
    }
    return failed;
}

const struct series *store_pod(const struct store *store, uint32_t pod, size_t *count)
{
    size_t low = 0;
    size_t high = store->count;
    *count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (store->series[middle].pod < pod) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    while (low + *count < store->count && store->series[low + *count].pod == pod) {
        (*count)++;
    }
    return *count == 0 ? NULL : &store->series[low];
}

int64_t store_samples(const struct store *store)
{
    int64_t samples = 0;
    for (size_t i = 0; i < store->count; i++) {
        samples += store->series[i].samples;
    }
    return samples;
}

/* A chunk whose samples do not lie where it says is damaged. */
static bool decode(const struct chunk *chunk, struct points *out)
{
    size_t before = out->count;
    if (xor_decode(chunk->bytes, chunk->length, out) != 0) {
        return false;
    }
    if (out->count > before &&
        (out->items[before].time_ms < chunk->first_ms || out->items[out->count - 1].time_ms > chunk->last_ms)) {
        out->count = before;
        return false;
    }
    return true;
}

bool store_chunk_points(const struct chunk *chunk, struct points *out)
{
    if (chunk->encoding == CHUNK_XOR) {
        return decode(chunk, out);
    }
    size_t count = chunk->length / sizeof *out->items;
    GROW(out->items, out->capacity, out->count + count);
    memcpy(out->items + out->count, chunk->bytes, count * sizeof *out->items);
    out->count += count;
    return true;
}

size_t store_points(const struct series *series, struct points *out)
{
    size_t bad = 0;
    for (const struct chunk *chunk = series->first; chunk != NULL; chunk = chunk->next) {
        bad += !store_chunk_points(chunk, out);
    }
    return bad;
}
