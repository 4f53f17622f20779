/*
 * Properties of edits over every manifest in fixtures/cases, and over manifests made from a seed: what is
 * written is what is read back and nothing else moves, the present values change no byte, and workloads may
 * be changed together or one after the other, in any order.
 *
 * TARE_TEST_SEED and TARE_TEST_ROUNDS pick other seeds and more of them.
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
#include "stages/common/edit/edit.h"

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
    expect_facts(path, facts, &stepwise, all);
    assert_string_equal(buf_str(&forward), buf_str(&backward));
    if (strchr(buf_str(bytes), '&') == NULL) { /* what is shared may be written in several ways */
        assert_string_equal(buf_str(&forward), buf_str(&stepwise));
    }
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

/* A manifest in the making. Anchors are for one kind of thing each, and used only once it is written. */
enum shared { SHARED_CPU, SHARED_MEMORY, SHARED_SECTION, SHARED_RESOURCES, SHARED_SPEC, SHARED_COUNT };

struct maker {
    uint64_t state;
    struct buf *out;
    const char *eol;
    int step;
    bool sharing;
    int anchors[SHARED_COUNT]; /* the newest of each kind in this document, 0: none */
    int last_anchor;
};

static unsigned below(struct maker *m, unsigned limit)
{
    m->state = m->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(m->state >> 33) % limit;
}

static bool chance(struct maker *m, unsigned percent)
{
    return below(m, 100) < percent;
}

static void end_line(struct maker *m)
{
    static const char *const tails[] = {"", "", "", "", " # kept", "  "};
    buf_printf(m->out, "%s%s", tails[below(m, 6)], m->eol);
}

/* Starts a line, maybe below a comment of its own. */
static void start_line(struct maker *m, int indent)
{
    if (chance(m, 8)) {
        buf_printf(m->out, "%*s# cpu: 1%s", indent, "", m->eol);
    }
    buf_printf(m->out, "%*s", indent, "");
}

/* Writes an alias instead of a thing (true), or gives it an anchor that others may use when it is done. */
static bool share(struct maker *m, enum shared kind, int *anchor)
{
    *anchor = 0;
    if (m->sharing && m->anchors[kind] > 0 && chance(m, 30)) {
        buf_printf(m->out, "*x%d", m->anchors[kind]);
        return true;
    }
    if (m->sharing && chance(m, 40)) {
        *anchor = ++m->last_anchor;
        buf_printf(m->out, "&x%d ", *anchor);
    }
    return false;
}

static void offer(struct maker *m, enum shared kind, int anchor)
{
    m->anchors[kind] = anchor > 0 ? anchor : m->anchors[kind];
}

static void make_amount(struct maker *m, bool cpu)
{
    static const char *const texts[2][8] = {
        {"128Mi", "\"1Gi\"", "'0.5Gi'", "268435456", "100M", "1e9", "!!str 64Mi", "1536Ki"},
        {"100m", "\"250m\"", "1", "0.5", "'2'", "1.250", "!!str 1", "1e-1"}};
    int anchor;
    if (!share(m, cpu ? SHARED_CPU : SHARED_MEMORY, &anchor)) {
        buf_add_str(m->out, texts[cpu][below(m, 8)]);
        offer(m, cpu ? SHARED_CPU : SHARED_MEMORY, anchor);
    }
}

/* The inside of `requests` or `limits`. */
static void make_section(struct maker *m, int indent, bool flow)
{
    unsigned which = below(m, 5); /* one bit an amount; and now and then another resource */
    const char *separator = "";
    int anchor;
    if (share(m, SHARED_SECTION, &anchor)) {
        return;
    }
    flow = flow || which == 0 || chance(m, 25);
    buf_add_str(m->out, flow ? "{" : "");
    for (unsigned i = 0; i < 3; i++) {
        if ((which == 4 ? 3 : which) >> i & 1 || (i == 2 && which == 4)) {
            if (!flow) {
                end_line(m);
                start_line(m, indent);
            }
            buf_printf(m->out, "%s%s: ", flow ? separator : "",
                       i == 0   ? "cpu"
                       : i == 1 ? "memory"
                                : "nvidia.com/gpu");
            separator = ", ";
            if (i < 2) {
                make_amount(m, i == 0);
            } else {
                buf_add_char(m->out, '1');
            }
            buf_add_str(m->out, flow && m->out->data[m->out->length - 1] != ' ' ? " " : "");
        }
    }
    buf_add_str(m->out, flow ? "}" : "");
    offer(m, SHARED_SECTION, anchor);
}

static void make_resources(struct maker *m, int indent, bool flow)
{
    unsigned which = below(m, 4);
    const char *separator = "";
    int anchor;
    if (!flow && chance(m, 10)) {
        buf_add_str(m->out, chance(m, 50) ? "{}" : "null");
        return;
    }
    if (share(m, SHARED_RESOURCES, &anchor)) {
        return;
    }
    flow = flow || which == 0 || chance(m, 20);
    buf_add_str(m->out, flow ? "{" : "");
    for (unsigned i = 0; i < 2; i++) {
        if (which >> i & 1) {
            if (!flow) {
                end_line(m);
                start_line(m, indent);
            }
            buf_printf(m->out, "%s%s: ", flow ? separator : "", i == 0 ? "limits" : "requests");
            separator = ", ";
            make_section(m, indent + m->step, flow);
            buf_add_str(m->out, flow ? " " : "");
        }
    }
    buf_add_str(m->out, flow ? "}" : "");
    offer(m, SHARED_RESOURCES, anchor);
}

static void make_container(struct maker *m, int indent, char name)
{
    bool flow = chance(m, 15);
    buf_printf(m->out, "%*s- %sname: %c", indent, "", flow ? "{" : "", name);
    for (unsigned i = 0, first = below(m, 2); i < 2; i++) {
        if (i == first) {
            buf_add_str(m->out, flow ? ", " : "");
            if (!flow) {
                end_line(m);
                start_line(m, indent + 2);
            }
            buf_add_str(m->out, "image: r/i:1");
        } else if (chance(m, 85)) {
            buf_add_str(m->out, flow ? ", " : "");
            if (!flow) {
                end_line(m);
                start_line(m, indent + 2);
            }
            buf_add_str(m->out, "resources: ");
            make_resources(m, indent + 2 + m->step, flow);
        }
    }
    buf_add_str(m->out, flow ? " }" : "");
    end_line(m);
}

static void make_workload(struct maker *m, int indent, int number, bool listed)
{
    int anchor;
    buf_printf(m->out, "%*s%sapiVersion: v1%s%*skind: Pod%s", indent, "", listed ? "- " : "", m->eol,
               indent + 2 * listed, "", m->eol);
    indent += 2 * listed;
    start_line(m, indent);
    buf_printf(m->out, "metadata: {name: p%d}%s%*sspec: ", number, m->eol, indent, "");
    if (share(m, SHARED_SPEC, &anchor)) {
        end_line(m);
        return;
    }
    end_line(m);
    start_line(m, indent + m->step);
    buf_printf(m->out, "containers:%s", m->eol);
    unsigned count = 1 + below(m, 3);
    for (unsigned i = 0; i < count; i++) {
        make_container(m, indent + m->step, (char)('a' + (int)i));
    }
    offer(m, SHARED_SPEC, anchor);
}

/* A manifest of one to four pods: as documents, or as items of a List that may share. */
static void make_manifest(uint64_t seed, struct buf *out)
{
    struct maker m = {.state = seed * 2654435761u + 1, .out = out, .eol = "\n"};
    below(&m, 2);
    m.eol = chance(&m, 15) ? "\r\n" : "\n";
    m.step = chance(&m, 70) ? 2 : 4;
    m.sharing = chance(&m, 60);
    bool listed = m.sharing || chance(&m, 30);
    int count = 1 + (int)below(&m, 4);
    if (listed) {
        buf_printf(out, "apiVersion: v1%skind: List%sitems:%s", m.eol, m.eol, m.eol);
    }
    for (int i = 0; i < count; i++) {
        buf_printf(out, "%s%s", listed || i == 0 ? "" : "---", listed || i == 0 ? "" : m.eol);
        make_workload(&m, 0, i, listed);
    }
    while (seed % 7 == 0 && strchr(" \r\n", out->data[out->length - 1]) != NULL) {
        out->data[--out->length] = '\0'; /* without a last line end */
    }
}

/* Each amount kept, set or removed, as it comes. */
static void check_at_random(const char *path, const struct buf *bytes, uint64_t seed)
{
    struct facts *facts = xcalloc(sizeof *facts);
    struct maker m = {.state = seed};
    read_facts(bytes, facts);
    if (facts->count == 0) {
        fail_msg("%s cannot be read:\n%s", path, buf_str(bytes));
    }
    for (int round = 0; round < 4; round++) {
        int choices[FACTS_MAX];
        struct buf out;
        for (size_t i = 0; i < facts->count; i++) {
            choices[i] = chance(&m, 40) ? 0 : 1 + (int)below(&m, 2);
        }
        buf_init(&out, 1 << 20);
        edit(path, facts, bytes, choices, round % 2 == 1, &out);
        expect_facts(path, facts, &out, choices);
        buf_release(&out);
    }
    free(facts);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_made_manifests(void **state)
{
    uint64_t first = number_from("TARE_TEST_SEED", 1);
    uint64_t rounds = number_from("TARE_TEST_ROUNDS", 150);
    (void)state;
    for (uint64_t seed = first; seed < first + rounds; seed++) {
        char path[64];
        struct buf bytes;
        snprintf(path, sizeof path, "the manifest of seed %llu", (unsigned long long)seed);
        buf_init(&bytes, 1 << 20);
        make_manifest(seed, &bytes);
        check_at_random(path, &bytes, seed);
        check_same(path, &bytes);
        check_composition(path, &bytes);
        buf_release(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_back),
        cmocka_unit_test(test_present_values_change_no_byte),
        cmocka_unit_test(test_edits_compose_in_any_order),
        cmocka_unit_test(test_made_manifests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
