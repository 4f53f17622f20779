#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixtures/tsdb/xor_encode.h"
#include "pipeline/base/crc32c.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"
#include "stages/collect/offline/offline.h"
#include "stages/collect/remote/proto.h"

enum { START = 1700000000, SPAN = 3600, EVERY = 30, FILE_MAX = 64 * 1024 * 1024 };

#define CPU "container_cpu_usage_seconds_total"
#define MEMORY "container_memory_working_set_bytes"

static char path[64];
static struct window window;

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/offline_test.%ld", (long)getpid());
    window_init(&window, START, START + SPAN);
    log_init("offline_test", LOG_TEXT, LOG_ERROR);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    window_release(&window);
    return 0;
}

static void put(const void *bytes, size_t length)
{
    struct err err = {0};
    assert_int_equal(fs_replace(path, bytes, length, 0600, &err), 0);
}

static void put_text(const char *text)
{
    put(text, strlen(text));
}

static struct source *open_source(void)
{
    struct source *source = NULL;
    struct err err = {0};
    if (offline_new(path, &source, &err)) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(source->name, "file");
    return source;
}

/* ---- the same data in each form: CPU and memory of pods p0, p1 …, and who owns p0 ---- */

static double value_at(int pod, bool cpu, int64_t t)
{
    return cpu ? (double)(t - START) * 0.25 * (pod + 1) : 1e6 * (pod + 1) + (double)(t % 997);
}

static void write_openmetrics(struct buf *out, int pods, bool by_time)
{
    buf_add_str(out, "# TYPE x gauge\n# HELP x \"what\"\n");
    int64_t outer_end = by_time ? START + SPAN : START;
    int64_t inner_end = by_time ? START : START + SPAN;
    for (int64_t u = START; u <= outer_end; u += EVERY) {
        for (int cpu = 0; cpu < 2; cpu++) {
            for (int pod = 0; pod < pods; pod++) {
                for (int64_t v = START; v <= inner_end; v += EVERY) {
                    int64_t t = by_time ? u : v;
                    buf_printf(out, "%s{namespace=\"shop\",pod=\"p%d\",container=\"app\",id=\"/%d\"} %.17g %lld\n",
                               cpu ? CPU : MEMORY, pod, pod, value_at(pod, cpu, t), (long long)t);
                }
            }
        }
    }
    buf_printf(out, "kube_pod_owner{namespace=\"shop\",pod=\"p0\",owner_kind=\"ReplicaSet\",owner_name=\"r\"} 1 %d\n", START + 60);
    buf_printf(out, "kube_replicaset_owner{namespace=\"shop\",replicaset=\"r\",owner_kind=\"Deployment\",owner_name=\"d\"} 1 %d\n",
               START + 60);
    buf_printf(out, "unrelated{namespace=\"shop\",pod=\"p0\"} 1 %d\n# EOF\n", START + SPAN + 999);
}

static void write_matrix(struct buf *out, int pods, bool cpu, int64_t from, int64_t to)
{
    buf_add_str(out, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[");
    for (int pod = 0; pod < pods; pod++) {
        buf_printf(out, "%s{\"metric\":{\"__name__\":\"%s\",\"id\":\"/%d\",\"container\":\"app\",\"namespace\":\"shop\","
                   "\"pod\":\"p%d\"},\"values\":[", pod ? "," : "", cpu ? CPU : MEMORY, pod, pod);
        for (int64_t t = from; t <= to; t += EVERY) {
            buf_printf(out, "%s[%lld,\"%.17g\"]", t == from ? "" : ",", (long long)t, value_at(pod, cpu, t));
        }
        buf_add_str(out, "]}");
    }
    buf_add_str(out, "]}}");
}

static void write_json(struct buf *out, int pods, const char *between)
{
    for (int cpu = 0; cpu < 2; cpu++) {
        write_matrix(out, pods, cpu, START, START + SPAN / 2);
        buf_add_str(out, between);
        write_matrix(out, pods, cpu, START + SPAN / 2 + EVERY, START + SPAN);
        buf_add_str(out, between);
    }
    buf_printf(out, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":\"kube_pod_owner\","
                    "\"namespace\":\"shop\",\"pod\":\"p0\",\"owner_kind\":\"ReplicaSet\",\"owner_name\":\"r\"},\"value\":[%d,\"1\"]},"
                    "{\"metric\":{\"__name__\":\"kube_replicaset_owner\",\"namespace\":\"shop\",\"replicaset\":\"r\",\"owner_kind\":"
                    "\"Deployment\",\"owner_name\":\"d\"},\"value\":[%d,\"1\"]}]}}\n", START + 60, START + 60);
}

static void add_label(struct buf *series, const char *name, const char *value)
{
    struct buf label;
    buf_init(&label, 1024);
    proto_add_bytes(&label, 1, name, strlen(name));
    proto_add_bytes(&label, 2, value, strlen(value));
    proto_add_bytes(series, 1, label.data, label.length);
    buf_release(&label);
}

static void add_chunk(struct buf *series, struct xor_encoder *xor, int64_t first, int64_t last)
{
    struct buf chunk;
    xor_end(xor);
    buf_init(&chunk, 1 << 20);
    proto_add_number(&chunk, 1, first * 1000);
    proto_add_number(&chunk, 2, last);
    proto_add_number(&chunk, 3, 1);
    proto_add_bytes(&chunk, 4, xor->bytes, xor->length);
    proto_add_bytes(series, 2, chunk.data, chunk.length);
    buf_release(&chunk);
    xor_release(xor);
}

static void add_frame(struct buf *out, const struct buf *series)
{
    struct buf payload;
    buf_init(&payload, FILE_MAX);
    proto_add_bytes(&payload, 1, series->data, series->length);
    for (uint64_t left = payload.length; left > 0; left >>= 7) {
        buf_add_char(out, (char)((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
    }
    uint32_t sum = crc32c(0, payload.data, payload.length);
    for (int shift = 24; shift >= 0; shift -= 8) {
        buf_add_char(out, (char)(sum >> shift & 0xff));
    }
    buf_add(out, payload.data, payload.length);
    buf_release(&payload);
}

static void add_usage_frame(struct buf *out, int pod, bool cpu)
{
    struct buf series;
    char name[32];
    buf_init(&series, FILE_MAX);
    add_label(&series, "__name__", cpu ? CPU : MEMORY);
    add_label(&series, "container", "app");
    snprintf(name, sizeof name, "/%d", pod);
    add_label(&series, "id", name);
    add_label(&series, "namespace", "shop");
    snprintf(name, sizeof name, "p%d", pod);
    add_label(&series, "pod", name);
    for (int64_t from = START; from <= START + SPAN; from += 40 * EVERY) {
        struct xor_encoder xor = {0};
        xor_begin(&xor);
        int64_t t = from;
        for (; t < from + 40 * EVERY && t <= START + SPAN; t += EVERY) {
            xor_add(&xor, t * 1000, value_at(pod, cpu, t));
        }
        add_chunk(&series, &xor, from, t > START + SPAN ? INT64_MAX : (t - EVERY) * 1000); /* the last one is still open */
    }
    add_frame(out, &series);
    buf_release(&series);
}

static void add_owner_frame(struct buf *out, const char *metric, const char *label, const char *object, const char *kind, const char *name)
{
    struct buf series;
    struct xor_encoder xor = {0};
    buf_init(&series, 4096);
    add_label(&series, "__name__", metric);
    add_label(&series, "namespace", "shop");
    add_label(&series, "owner_kind", kind);
    add_label(&series, "owner_name", name);
    add_label(&series, label, object);
    xor_begin(&xor);
    xor_add(&xor, (START + 60) * (int64_t)1000, 1);
    add_chunk(&series, &xor, START + 60, (START + 60) * (int64_t)1000);
    add_frame(out, &series);
    buf_release(&series);
}

static void write_frames(struct buf *out, int pods)
{
    for (int pod = 0; pod < pods; pod++) {
        add_usage_frame(out, pod, true);
        add_usage_frame(out, pod, false);
    }
    add_owner_frame(out, "kube_pod_owner", "pod", "p0", "ReplicaSet", "r");
    add_owner_frame(out, "kube_replicaset_owner", "replicaset", "r", "Deployment", "d");
}

/* ---- what comes out ---- */

static struct namespace *discover(struct source *source, const char *name)
{
    struct namespace *namespace = NULL;
    enum served served;
    struct err err = {0};
    assert_int_equal(source->discover(source, name, &window, &namespace, &served, &err), 0);
    assert_int_equal(served, SERVED);
    return namespace;
}

static void read_store(struct source *source, const struct namespace *namespace, struct store *store)
{
    uint32_t *pods = xcalloc_array(namespace->pod_count, sizeof *pods);
    for (size_t i = 0; i < namespace->pod_count; i++) {
        pods[i] = (uint32_t)i;
    }
    struct question question = {.namespace = namespace, .pods = pods, .pod_count = namespace->pod_count, .whole = true, .window = &window};
    enum served served;
    struct err err = {0};
    store_begin(store, namespace, NULL);
    if (source->read(source, &question, store, &served, &err) || store_finish(store, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(served, SERVED);
    free(pods);
}

static int compare_points(const void *a, const void *b)
{
    int64_t x = ((const struct point *)a)->time_ms;
    int64_t y = ((const struct point *)b)->time_ms;
    return (x > y) - (x < y);
}

static void check_series(const struct series *series, int pod)
{
    struct points points = {0};
    assert_int_equal(store_points(series, &points), 0);
    qsort(points.items, points.count, sizeof *points.items, compare_points);
    assert_int_equal(points.count, SPAN / EVERY + 1);
    for (size_t i = 0; i < points.count; i++) {
        int64_t t = START + (int64_t)i * EVERY;
        assert_int_equal(points.items[i].time_ms, t * 1000);
        double wanted = value_at(pod, series->metric == METRIC_CPU, t);
        assert_true(fabs(points.items[i].value - wanted) <= 0);
    }
    points_release(&points);
}

static void check_everything(int pods)
{
    struct source *source = open_source();
    struct namespace *namespace = discover(source, "shop");
    struct store store;
    store_init(&store, FILE_MAX);
    assert_int_equal(offline_end(source), (START + SPAN + 59) / 60 * 60);
    assert_int_equal(namespace->pod_count, pods);
    assert_string_equal(namespace->pods[0].top_kind, "Deployment");
    assert_string_equal(namespace->pods[0].top_name, "d");
    read_store(source, namespace, &store);
    for (int pod = 0; pod < pods; pod++) {
        char name[32];
        size_t count = 0;
        snprintf(name, sizeof name, "p%d", pod);
        long number = namespace_find_pod(namespace, name);
        assert_true(number >= 0);
        const struct series *series = store_pod(&store, (uint32_t)number, &count);
        assert_int_equal(count, 2);
        check_series(&series[0], pod);
        check_series(&series[1], pod);
    }
    struct source_counts counts = {0};
    offline_counts(source, &counts);
    assert_int_equal(counts.served, 2);
    assert_int_equal(counts.samples, pods * 2 * (SPAN / EVERY + 1) + 2);
    store_release(&store);
    namespace_free(namespace);
    namespace = discover(source, "sho");
    assert_int_equal(namespace->pod_count, 0);
    namespace_free(namespace);
    source->free(source);
}

static void test_forms(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, FILE_MAX);
    for (int form = 0; form < 5; form++) {
        buf_clear(&out);
        switch (form) {
        case 0:
        case 1:
            write_openmetrics(&out, 12, form == 1);
            break;
        case 2:
        case 3:
            write_json(&out, 12, form == 2 ? "\n" : "");
            break;
        default:
            write_frames(&out, 12);
        }
        put(out.data, out.length);
        check_everything(12);
    }
    buf_release(&out);
}

/* More samples than are kept in memory, scraped in turn: pieces of each series lie all over the file. */
static void test_many(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, (size_t)4 * FILE_MAX);
    write_openmetrics(&out, 1200, true);
    assert_false(out.overflow);
    put(out.data, out.length);
    check_everything(1200);
    buf_release(&out);
}

static void *ask(void *context)
{
    struct source *source = context;
    for (int i = 0; i < 20; i++) {
        struct namespace *namespace = discover(source, "shop");
        struct store store;
        store_init(&store, FILE_MAX);
        read_store(source, namespace, &store);
        size_t count = 0;
        const struct series *series = store_pod(&store, 3, &count);
        assert_int_equal(count, 2);
        struct points points = {0};
        assert_int_equal(store_points(series, &points), 0);
        assert_int_equal(points.count, SPAN / EVERY + 1);
        points_release(&points);
        store_release(&store);
        namespace_free(namespace);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, FILE_MAX);
    write_openmetrics(&out, 30, true);
    put(out.data, out.length);
    buf_release(&out);
    struct source *source = open_source();
    pthread_t threads[3];
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        pthread_create(&threads[i], NULL, ask, source);
    }
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    source->free(source);
}

/* A store that is too small says so; the question can be asked in parts. */
static void test_full_store(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, FILE_MAX);
    write_openmetrics(&out, 30, false);
    put(out.data, out.length);
    buf_release(&out);
    struct source *source = open_source();
    struct namespace *namespace = discover(source, "shop");
    struct store store;
    store_init(&store, 10000);
    store_begin(&store, namespace, NULL);
    uint32_t pods[] = {0, 1, 2, 3, 4, 5, 6, 7};
    struct question question = {.namespace = namespace, .pods = pods, .pod_count = 8, .window = &window};
    enum served served = SERVED;
    struct err err = {0};
    int failed = source->read(source, &question, &store, &served, &err);
    failed = failed || store_finish(&store, &err);
    assert_int_equal(failed != 0, 1);
    assert_true(store.full);
    store_release(&store);
    namespace_free(namespace);
    source->free(source);
}

struct bad_case {
    const char *text;
    enum err_class class;
    const char *message;
};

static const struct bad_case bad[] = {
    {"\n#u\x1e\n", ERR_DATA, "too short for anything else"},
    {"", ERR_DATA, "empty"},
    {"nonsense\n", ERR_DATA, "line 1"},
    {CPU "{namespace=\"a\",pod=\"b\"} 1 1700000000000\n" CPU "{namespace=\"a\",pod=\"b\"} x 1700000000000\n", ERR_DATA,
     "line 2: the value"},
    {CPU "{namespace=\"a\",pod=\"b\"} 1 1700000000\n", ERR_DATA, "line 1: the time is in seconds"},
    {CPU "{namespace=\"a\",pod=\"b\"} 1\n", ERR_DATA, "line 1: the sample has no time"},
    {"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[", ERR_DATA, "the answer at byte 0"},
    {"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}} x", ERR_DATA, "byte 64: an answer begins with {"},
    {"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}\n{\"status\":\"error\",\"errorType\":"
     "\"timeout\",\"error\":\"too slow\"}", ERR_DATA, "the answer at byte 64"},
    {"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":\"" CPU "\",\"namespace\":"
     "\"a\",\"pod\":\"\",\"pod\":\"b\"},\"value\":[1700000000,\"1\"]}]}}", ERR_DATA, "a label stands there twice"},
    {"[1,2]", ERR_DATA, "byte 0"},
    {"{}", ERR_DATA, "byte 0"},
    {"\x1f\x8b\x08", ERR_DATA, "compressed"},
    {"\x08" "crc!\x0a\x06\x01\x02\x03\x04\x05\x06", ERR_DATA, "checksum"},
    {"\x7f" "crc!\x0a\x06\x01", ERR_DATA, "byte"},
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct source *source = NULL;
        struct err err = {0};
        put_text(bad[i].text);
        if (offline_new(path, &source, &err) == 0) {
            fail_msg("taken: %s", bad[i].text);
        }
        assert_null(source);
        if (err.class != bad[i].class || strstr(err.message, bad[i].message) == NULL || strstr(err.message, path) == NULL) {
            fail_msg("%s: %d %s, wanted %s", bad[i].text, err.class, err.message, bad[i].message);
        }
    }
    struct source *source = NULL;
    struct err err = {0};
    assert_int_equal(offline_new("/no/such/file", &source, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    assert_int_equal(offline_new("/tmp", &source, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    assert_int_equal(offline_new("-", &source, &err), -1);
    assert_int_equal(err.class, ERR_USAGE);
}

/* Every file that is cut somewhere is refused or is a shorter file; none is read past its end. */
static void test_cut_frames(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, FILE_MAX);
    write_frames(&out, 1);
    size_t refused = 0;
    for (size_t length = 1; length < out.length; length += 7) {
        struct source *source = NULL;
        struct err err = {0};
        put(out.data, length);
        if (offline_new(path, &source, &err)) {
            assert_int_equal(err.class, ERR_DATA);
            refused++;
        } else {
            source->free(source);
        }
    }
    assert_true(refused > out.length / 8);
    buf_release(&out);
}

/* Label values of any letters, and a series whose labels come in another order. */
static void test_odd_labels(void **state)
{
    (void)state;
    put_text(MEMORY "{namespace=\"n\xc3\xbc\",pod=\"a\\\"b\\\\c\\nd{},=\",container=\"app\"} 1 1700000030000\n"
             MEMORY "{container=\"app\", pod=\"a\\\"b\\\\c\\nd{},=\", namespace=\"n\xc3\xbc\",empty=\"\"} 2 1700000060000\r\n"
             MEMORY "{namespace=\"n\xc3\xbc\",pod=\"pause\"} 3 1700000060000");
    struct source *source = open_source();
    struct namespace *namespace = discover(source, "n\xc3\xbc");
    struct store store;
    size_t count = 0;
    assert_int_equal(namespace->pod_count, 1); /* not the one without a container */
    assert_string_equal(namespace->pods[0].name, "a\"b\\c\nd{},=");
    store_init(&store, FILE_MAX);
    read_store(source, namespace, &store);
    const struct series *series = store_pod(&store, 0, &count);
    assert_int_equal(count, 1);
    assert_int_equal(series->samples, 2);
    assert_int_equal(offline_end(source), 1700000100); /* :40 is up to :41:00 */
    store_release(&store);
    namespace_free(namespace);
    source->free(source);
}

/* A sample of a time that cannot be is beside the others; it does not say where the file ends, nor does it hide who does. */
static void test_far_sample(void **state)
{
    (void)state;
    put_text("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"" MEMORY
             "\",\"namespace\":\"shop\",\"pod\":\"p0\",\"container\":\"app\"},\"values\":[[300000000000,\"1\"],[1700000030,\"1\"]]}]}}");
    struct source *source = open_source();
    assert_int_equal(offline_end(source), (START + EVERY + 59) / 60 * 60);
    source->free(source);
}

/* Bytes beyond ASCII at the end of what is looked at are the beginning of a letter that was cut, or no text at all. */
static void test_text_or_frames(void **state)
{
    (void)state;
    static const struct {
        const char *end;
        const char *message;
    } ends[] = {{"\xf0\x9f\x98", "line 1"}, {"x\xc3", "line 1"}, {"\xff" "aa", "byte 0"}, {"\xe4" "aa", "byte 0"}};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        char text[1025];
        struct source *source = NULL;
        struct err err = {0};
        memset(text, '9', sizeof text);
        text[5] = '\n'; /* where the first series of a frame is tagged */
        memcpy(text + 512 - strlen(ends[i].end), ends[i].end, strlen(ends[i].end));
        put(text, sizeof text);
        assert_int_equal(offline_new(path, &source, &err), -1);
        if (strstr(err.message, ends[i].message) == NULL) {
            fail_msg("%zu: %s, wanted %s", i, err.message, ends[i].message);
        }
    }
}

/* A chunk that cannot be decoded, whose end is open as that of one in work: it is handed on to be counted, and the file does not
 * end with it. */
static void test_broken_chunk(void **state)
{
    (void)state;
    struct buf out;
    struct buf series;
    struct xor_encoder xor = {0};
    buf_init(&out, FILE_MAX);
    buf_init(&series, FILE_MAX);
    add_label(&series, "__name__", MEMORY);
    add_label(&series, "container", "app");
    add_label(&series, "namespace", "shop");
    add_label(&series, "pod", "p0");
    xor_begin(&xor);
    xor_add(&xor, (START + 30) * (int64_t)1000, 1);
    add_chunk(&series, &xor, START + 30, (START + 30) * (int64_t)1000);
    xor_begin(&xor);
    xor_add(&xor, (START + 60) * (int64_t)1000, 1);
    xor_add(&xor, (START + 90) * (int64_t)1000, 2);
    xor.samples = 77; /* more samples than there are */
    add_chunk(&series, &xor, START + 60, INT64_MAX);
    add_frame(&out, &series);
    put(out.data, out.length);
    buf_release(&series);
    buf_release(&out);
    struct source *source = open_source();
    struct namespace *namespace = discover(source, "shop");
    struct store store;
    size_t count = 0;
    struct points points = {0};
    store_init(&store, FILE_MAX);
    read_store(source, namespace, &store);
    const struct series *found = store_pod(&store, 0, &count);
    assert_int_equal(count, 1);
    assert_int_equal(store_points(found, &points), 1);
    assert_int_equal(points.count, 1);
    assert_int_equal(offline_end(source), (START + 30 + 59) / 60 * 60);
    points_release(&points);
    store_release(&store);
    namespace_free(namespace);
    source->free(source);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),     cmocka_unit_test(test_many),       cmocka_unit_test(test_threads),
        cmocka_unit_test(test_full_store), cmocka_unit_test(test_bad_files), cmocka_unit_test(test_cut_frames),
        cmocka_unit_test(test_odd_labels), cmocka_unit_test(test_broken_chunk),
        cmocka_unit_test(test_far_sample), cmocka_unit_test(test_text_or_frames),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
