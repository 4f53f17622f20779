/* Edits: the first byte picks the wishes, the rest is a manifest. What is written reads back as wished,
 * changing it to what it is then changes no byte, and the diff starts as a diff does. (That nothing else
 * changes, edits check themselves.) */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/common/edit.h"
#include "stages/common/unidiff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WISHES_MAX = 32 };

struct wishes {
    struct manifest_reader *reader;
    struct arena *arena;
    struct edit_request items[WISHES_MAX];
    size_t count;
    long document;
    unsigned choice;
};

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static int wish(void *context, const struct manifest_object *object)
{
    struct wishes *wishes = context;
    struct manifest_workload workload;
    if (object->type == NULL || manifest_read(wishes->reader, object, &workload) != 0 || wishes->count > 0 ||
        workload.container_count == 0) {
        return 0;
    }
    unsigned rest = wishes->choice;
    for (enum manifest_field field = 0; field < FIELD_COUNT; field++, rest /= 3) {
        if (rest % 3 != 0) {
            wishes->items[wishes->count++] =
                (struct edit_request){.document = wishes->document,
                                      .item = object->item,
                                      .field = field,
                                      .remove = rest % 3 == 2,
                                      .value = manifest_is_cpu(field) ? 350 : 192 << 20,
                                      .container = workload.containers[workload.container_count - 1].name};
        }
    }
    return wishes->count > 0;
}

static void collect(const char *bytes, size_t size, struct wishes *wishes)
{
    struct yaml_stream *stream;
    struct yaml_document document;
    struct yaml_fault fault;
    struct err err = {0};
    struct manifest_reader reader;
    if (yaml_open(bytes, size, NULL, &stream, &fault, &err)) {
        return;
    }
    wishes->reader = &reader;
    for (int got;
         wishes->count == 0 && (got = yaml_next(stream, wishes->arena, &document, &fault, &err)) != 0;) {
        if (got > 0) {
            wishes->document = document.number;
            manifest_reader_init(&reader, stream, wishes->arena);
            manifest_each(&reader, document.root, wish, wishes);
        }
    }
    yaml_close(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = {0};
    struct buf out;
    struct buf again;
    if (size < 2 || size > 16 * 1024) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    struct wishes wishes = {.arena = &arena, .choice = data[0] % 81};
    arena_init(&arena);
    buf_init(&out, 1 << 20);
    buf_init(&again, 1 << 20);
    collect(bytes, size - 1, &wishes);
    if (wishes.count > 0 && edit_apply(bytes, size - 1, wishes.items, wishes.count, &out, &err) == 0) {
        check(edit_apply(buf_str(&out), out.length, wishes.items, wishes.count, &again, &err) == 0);
        check(again.length == out.length && memcmp(buf_str(&again), buf_str(&out), out.length) == 0);
        struct edit_done done[WISHES_MAX];
        const struct edit_splices *splices;
        struct edit_session *session = edit_session_new(bytes, size - 1, &arena);
        check(edit_session_plan(session, wishes.items, wishes.count, done, &splices, &err) == 0);
        buf_clear(&again);
        check(unidiff_write("f", bytes, size - 1, splices, &again, &err) == 0);
        check(again.length == 0 || strncmp(buf_str(&again), "--- a/f\n+++ b/f\n@@ -", 20) == 0);
        edit_session_free(session);
    }
    buf_release(&again);
    buf_release(&out);
    arena_release(&arena);
    return 0;
}
