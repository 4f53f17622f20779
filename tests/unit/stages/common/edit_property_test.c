/*
 * Properties of edits over every manifest in fixtures/cases: what is written is what is read back and nothing
 * else moves, the present values change no byte, and workloads may be changed together or one after the
 * other, in any order.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "stages/common/edit.h"

/* Another folder of manifests may be named, to try them too. */
static const char *cases(void)
{
    const char *named = getenv("TARE_TEST_CASES");
    return named == NULL ? "fixtures/cases" : named;
}

enum { FACTS_MAX = 512 };

/* One amount of one container, as read. */
struct fact {
    long document;
    long item;
    char container[32];
    enum manifest_field field;
    bool present;
    bool doubled; /* its container's name is there twice: no edit is possible */
    int64_t value;
};

struct facts {
    struct fact items[FACTS_MAX];
    size_t count;
    struct manifest_reader *reader;
    long document;
};

static int take(void *context, const struct manifest_object *object)
{
    struct facts *facts = context;
    struct manifest_workload workload;
    if (object->type == NULL || manifest_read(facts->reader, object, &workload)) {
        return 0;
    }
    bool doubled =
        facts->reader->fault_count > 0 && str_equal(facts->reader->faults[0].code, "duplicate-container");
    for (size_t i = 0; i < workload.container_count; i++) {
        for (enum manifest_field field = 0; field < FIELD_COUNT; field++) {
            const struct manifest_amount *amount = &workload.containers[i].amounts[field];
            assert_true(facts->count < FACTS_MAX);
            struct fact *fact = &facts->items[facts->count++];
            *fact = (struct fact){.document = facts->document,
                                  .item = object->item,
                                  .field = field,
                                  .present = amount->present,
                                  .value = amount->value,
                                  .doubled = doubled};
            snprintf(fact->container, sizeof fact->container, "%s", workload.containers[i].name);
        }
    }
    return 0;
}

static void read_facts(const struct buf *bytes, struct facts *facts)
{
    struct yaml_stream *stream;
    struct yaml_document document;
    struct yaml_fault fault;
    struct err err = {0};
    struct arena arena;
    struct manifest_reader reader;
    arena_init(&arena);
    memset(facts, 0, sizeof *facts);
    facts->reader = &reader;
    if (yaml_open(buf_str(bytes), bytes->length, NULL, &stream, &fault, &err)) {
        return;
    }
    for (int got = 1; got != 0;) {
        got = yaml_next(stream, &arena, &document, &fault, &err);
        facts->document = document.number;
        if (got > 0) {
            manifest_reader_init(&reader, stream, &arena);
            manifest_each(&reader, document.root, take, facts);
        }
    }
    yaml_close(stream);
    arena_release(&arena);
}

static void for_each_file(void (*check)(const char *path, const struct buf *bytes))
{
    DIR *dir = opendir(cases());
    size_t files = 0;
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (!str_ends(entry->d_name, ".yaml") && !str_ends(entry->d_name, ".json")) {
            continue;
        }
        struct buf bytes;
        struct err err;
        char *path = fs_join(cases(), entry->d_name);
        buf_init(&bytes, 1 << 20);
        assert_int_equal(fs_read(path, &bytes, &err), 0);
        check(path, &bytes);
        files++;
        buf_release(&bytes);
        free(path);
    }
    closedir(dir);
    assert_true(files >= 15);
}

static struct edit_request request_for(const struct fact *fact, int choice)
{
    static const int64_t values[FIELD_COUNT] = {350, 192 << 20, 1500, 3LL << 30};
    return (struct edit_request){.document = fact->document,
                                 .item = fact->item,
                                 .container = fact->container,
                                 .field = fact->field,
                                 .remove = choice == 2,
                                 .value = choice == 1 ? values[fact->field] : fact->value};
}

/* Compares facts with what requests (by index; NULL: left alone) should have made of them. */
static void expect_facts(const char *path, const struct facts *before, const struct buf *text,
                         const int *choices)
{
    struct facts *after = xcalloc(sizeof *after);
    read_facts(text, after);
    assert_int_equal(after->count, before->count);
    for (size_t i = 0; i < before->count; i++) {
        const struct fact *was = &before->items[i];
        const struct fact *is = &after->items[i];
        struct edit_request request = request_for(was, choices[i]);
        bool present = choices[i] == 0 ? was->present : choices[i] == 1;
        if (is->present != present || (present && is->value != request.value)) {
            fail_msg("%s: %s.%s of %s is %s%lld after:\n%s", path, manifest_section(was->field),
                     manifest_resource(was->field), was->container, is->present ? "" : "absent, not ",
                     (long long)is->value, buf_str(text));
        }
    }
    free(after);
}

static void edit(const char *path, const struct facts *facts, const struct buf *bytes, const int *choices,
                 bool backwards, struct buf *out)
{
    struct edit_request requests[FACTS_MAX];
    struct err err = {0};
    size_t count = 0;
    for (size_t i = 0; i < facts->count; i++) {
        size_t at = backwards ? facts->count - 1 - i : i;
        if (choices[at] != 0) {
            requests[count++] = request_for(&facts->items[at], choices[at]);
        }
    }
    if (edit_apply(buf_str(bytes), bytes->length, requests, count, out, &err)) {
        fail_msg("%s (%d%d%d%d…): %s", path, choices[0], choices[1], choices[2], choices[3], err.message);
    }
}

/* Every container by itself, each of its four amounts kept, set or removed: 81 ways. */
static void check_containers(const char *path, const struct buf *bytes)
{
    struct facts *facts = xcalloc(sizeof *facts);
    read_facts(bytes, facts);
    for (size_t first = 0; first < facts->count; first += FIELD_COUNT) {
        for (int way = 1; way < 81 && !facts->items[first].doubled; way++) {
            int choices[FACTS_MAX] = {0};
            struct buf out;
            for (int field = 0, rest = way; field < FIELD_COUNT; field++, rest /= 3) {
                choices[first + (size_t)field] = rest % 3;
            }
            buf_init(&out, 1 << 20);
            edit(path, facts, bytes, choices, false, &out);
            expect_facts(path, facts, &out, choices);
            buf_release(&out);
        }
    }
    free(facts);
}

static void test_what_is_written_is_read_back(void **state)
{
    (void)state;
    for_each_file(check_containers);
}

static void check_same(const char *path, const struct buf *bytes)
{
    struct facts *facts = xcalloc(sizeof *facts);
    struct edit_request requests[FACTS_MAX];
    struct err err = {0};
    struct buf out;
    size_t count = 0;
    read_facts(bytes, facts);
    for (size_t i = 0; i < facts->count; i++) {
        if (!facts->items[i].doubled) {
            requests[count] = request_for(&facts->items[i], 0);
            requests[count++].remove = !facts->items[i].present;
        }
    }
    buf_init(&out, 1 << 20);
    if (edit_apply(buf_str(bytes), bytes->length, requests, count, &out, &err)) {
        fail_msg("%s: %s", path, err.message);
    }
    assert_int_equal(out.length, bytes->length);
    assert_memory_equal(buf_str(&out), buf_str(bytes), bytes->length);
    buf_release(&out);
    free(facts);
}

static void test_present_values_change_no_byte(void **state)
{
    (void)state;
    for_each_file(check_same);
}

/* All at once, in both orders, and workload by workload each over the result of the one before. */
static void check_composition(const char *path, const struct buf *bytes)
{
    struct facts *facts = xcalloc(sizeof *facts);
    int all[FACTS_MAX];
    struct buf forward;
    struct buf backward;
    struct buf stepwise;
    read_facts(bytes, facts);
    for (size_t i = 0; i < facts->count; i++) {
        all[i] = facts->items[i].doubled ? 0 : 1;
    }
    buf_init(&forward, 1 << 20);
    buf_init(&backward, 1 << 20);
    buf_init(&stepwise, 1 << 20);
    edit(path, facts, bytes, all, false, &forward);
    edit(path, facts, bytes, all, true, &backward);
    buf_add(&stepwise, buf_str(bytes), bytes->length);
    for (size_t i = facts->count; i > 0;) {
        int one[FACTS_MAX] = {0};
        size_t last = i--;
        while (i > 0 && facts->items[i - 1].document == facts->items[last - 1].document &&
               facts->items[i - 1].item == facts->items[last - 1].item) {
            i--;
        }
        memcpy(one + i, all + i, (last - i) * sizeof *one);
        struct buf next;
        buf_init(&next, 1 << 20);
        edit(path, facts, &stepwise, one, false, &next);
        buf_clear(&stepwise);
        buf_add(&stepwise, buf_str(&next), next.length);
        buf_release(&next);
    }
    expect_facts(path, facts, &forward, all);
    assert_string_equal(buf_str(&forward), buf_str(&backward));
    assert_string_equal(buf_str(&forward), buf_str(&stepwise));
    buf_release(&forward);
    buf_release(&backward);
    buf_release(&stepwise);
    free(facts);
}

static void test_edits_compose_in_any_order(void **state)
{
    (void)state;
    for_each_file(check_composition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_back),
        cmocka_unit_test(test_present_values_change_no_byte),
        cmocka_unit_test(test_edits_compose_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
