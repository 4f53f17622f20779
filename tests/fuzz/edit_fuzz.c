/* Edits: the first byte picks the wishes, the rest is a manifest (or, where it has no workload, values). What
 * is written reads back as wished, in whatever order it is asked for; changing it to what it is then changes
 * no byte; the diff makes of the original what the edit makes of it. (That nothing else changes, edits check
 * themselves.) */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/common/edit/edit.h"
#include "stages/common/edit/unidiff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WISHES_MAX = 32, TEXT_CAP = 1 << 20 };

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

/* Four wishes for one container, or for values: each amount kept, set or removed. */
static void add_wishes(struct wishes *wishes, struct edit_request about)
{
    unsigned rest = wishes->choice;
    for (enum manifest_field field = 0; field < FIELD_COUNT && wishes->count < WISHES_MAX;
         field++, rest /= 3) {
        if (rest % 3 != 0) {
            about.field = field;
            about.remove = rest % 3 == 2;
            about.value = manifest_is_cpu(field) ? 350 : 192 << 20;
            wishes->items[wishes->count++] = about;
        }
    }
}

/* Whether the name is that of one container only. */
static bool is_alone(const struct manifest_workload *workload, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < workload->container_count; i++) {
        count += strcmp(workload->containers[i].name, name) == 0;
    }
    return count == 1;
}

static int wish(void *context, const struct manifest_object *object)
{
    struct wishes *wishes = context;
    struct manifest_workload workload;
    if (object->type == NULL || manifest_read(wishes->reader, object, &workload) != 0) {
        return 0;
    }
    for (size_t i = 0; i < workload.container_count; i++) {
        struct edit_request about = {
            .document = wishes->document, .item = object->item, .container = workload.containers[i].name};
        if (is_alone(&workload, about.container)) {
            add_wishes(wishes, about);
        }
    }
    return wishes->count == WISHES_MAX;
}

static void collect(const char *bytes, size_t size, struct wishes *wishes)
{
    static const char *const keys[] = {"server", "resources", NULL};
    struct yaml_stream *stream;
    struct yaml_document document;
    struct yaml_fault fault;
    struct err err = {0};
    struct manifest_reader reader;
    if (yaml_open(bytes, size, NULL, &stream, &fault, &err)) {
        return;
    }
    wishes->reader = &reader;
    for (int got; (got = yaml_next(stream, wishes->arena, &document, &fault, &err)) != 0;) {
        if (got > 0) {
            wishes->document = document.number;
            manifest_reader_init(&reader, stream, wishes->arena);
            manifest_each(&reader, document.root, wish, wishes);
        }
    }
    if (wishes->count == 0) {
        add_wishes(wishes, (struct edit_request){.document = 1, .keys = keys});
    }
    yaml_close(stream);
}

/* Offset behind the line of `at`. */
static size_t line_after(const char *bytes, size_t length, size_t at)
{
    const char *feed = memchr(bytes + at, '\n', length - at);
    return feed == NULL ? length : (size_t)(feed - bytes) + 1;
}

/* Applies a diff of one file as patch does: strictly, hunk by hunk. */
static void apply_diff(const char *bytes, size_t size, const struct buf *diff, struct buf *out)
{
    static const char no_end[] = "\\ No newline at end of file\n";
    size_t at = 0;
    for (size_t line = 0, next; line < diff->length; line = next) {
        const char *text = buf_str(diff) + line;
        next = line_after(buf_str(diff), diff->length, line);
        size_t length = next - line - 1;
        bool ends = strncmp(buf_str(diff) + next, no_end, sizeof no_end - 1) != 0;
        if (line < 16 || text[0] == '\\') { /* the two names */
            continue;
        }
        if (text[0] == '@') {
            size_t first = strtoul(text + 4, NULL, 10);
            const char *comma = strpbrk(text, ", ");
            bool empty = comma != NULL && text[4 + strcspn(text + 4, ", ")] == ',' &&
                         strtoul(text + 5 + strcspn(text + 4, ", "), NULL, 10) == 0;
            size_t start = 0;
            for (size_t i = empty ? 0 : 1; i < first; i++) {
                start = line_after(bytes, size, start);
            }
            check(start >= at);
            buf_add(out, bytes + at, start - at);
            at = start;
            continue;
        }
        size_t body = length - 1 + ends;
        check(text[0] == '+' || (at + body <= size && memcmp(bytes + at, text + 1, body) == 0));
        if (text[0] != '-') {
            buf_add(out, text + 1, body);
        }
        at += text[0] == '+' ? 0 : body;
    }
    buf_add(out, bytes + at, size - at);
}

/* All wishes in one session, in the order of the file: its diff is the edit. */
static void check_diff(const char *bytes, size_t size, const struct wishes *wishes, const struct buf *edited)
{
    struct arena arena;
    struct err err = {0};
    struct edit_done done[WISHES_MAX];
    struct buf diff;
    struct buf made;
    arena_init(&arena);
    buf_init(&diff, TEXT_CAP);
    buf_init(&made, TEXT_CAP);
    struct edit_session *session = edit_session_new(bytes, size, &arena);
    for (size_t i = 0, next; i < wishes->count; i = next) {
        const struct edit_splices *splices;
        const struct edit_request *first = &wishes->items[i];
        for (next = i + 1; next < wishes->count && wishes->items[next].document == first->document &&
                           wishes->items[next].item == first->item;) {
            next++;
        }
        check(edit_session_plan(session, first, next - i, done, &splices, &err) == 0);
    }
    check(unidiff_write("f", bytes, size, edit_session_splices(session), &diff, &err) == 0);
    check(diff.length == 0 || strncmp(buf_str(&diff), "--- a/f\n+++ b/f\n@@ -", 20) == 0);
    apply_diff(bytes, size, &diff, &made);
    check(made.length == edited->length && memcmp(buf_str(&made), buf_str(edited), made.length) == 0);
    edit_session_free(session);
    buf_release(&made);
    buf_release(&diff);
    arena_release(&arena);
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
    buf_init(&out, TEXT_CAP);
    buf_init(&again, TEXT_CAP);
    collect(bytes, size - 1, &wishes);
    if (wishes.count > 0 && edit_apply(bytes, size - 1, wishes.items, wishes.count, &out, &err) == 0) {
        check(edit_apply(buf_str(&out), out.length, wishes.items, wishes.count, &again, &err) == 0);
        check(again.length == out.length && memcmp(buf_str(&again), buf_str(&out), out.length) == 0);
        check_diff(bytes, size - 1, &wishes, &out);
    }
    buf_release(&again);
    buf_release(&out);
    arena_release(&arena);
    return 0;
}
