#include "stages/diff/origin/compare.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/edit/edit_check.h"

enum { UNSTABLE_LINES_MAX = 200 };

/* Both texts, document by document. */
struct walk {
    struct edit_text before;
    struct edit_text after;
    struct arena arena; /* of the documents at work */
    const struct edit_request *requests;
    size_t count;
    const struct unstable *unstable;
    struct comparison *out;
    int (*each)(struct walk *walk, struct err *err); /* for each document of both */
    struct unstable *found;
    size_t capacity; /* of what was found */
};

/* What tare-parse read is read here too. It may have refused objects beside: merges are bounded as by default. */
static int open_text(struct edit_text *text, struct err *err)
{
    struct yaml_fault fault;
    struct yaml_limits limits = edit_limits();
    limits.max_merges = yaml_default_limits.max_merges;
    return yaml_open(text->bytes, text->length, &limits, &text->stream, &fault, err);
}

/* Next document: 1, 0 at the end, -1 when it is broken. */
static int next(struct edit_text *text, struct err *err)
{
    struct yaml_fault fault;
    arena_clear(&text->arena);
    return yaml_next(text->stream, &text->arena, &text->document, &fault, err);
}

static bool same_bytes(const struct walk *walk)
{
    const struct yaml_document *a = &walk->before.document;
    const struct yaml_document *b = &walk->after.document;
    return a->end - a->start == b->end - b->start &&
           memcmp(walk->before.bytes + a->start, walk->after.bytes + b->start, a->end - a->start) == 0;
}

/* Whether the documents mean the same but for what the target wants (NULL: nothing). */
static bool same(struct walk *walk, const struct edit_target *target)
{
    struct err ignored = {0};
    struct edit_check check = {.before = walk->before.stream,
                               .after = walk->after.stream,
                               .arena = &walk->arena,
                               .targets = target,
                               .count = target != NULL};
    struct yaml_node *a = walk->before.document.root;
    struct yaml_node *b = walk->after.document.root;
    return a == NULL || b == NULL ? a == b : edit_check_documents(&check, a, b, &ignored) == 0;
}

/* Names an object that changed and should not. */
static void add_other(struct walk *walk, const char *before)
{
    struct buf *others = &walk->out->others;
    struct yaml_stream *stream = walk->before.stream;
    struct yaml_node *root = walk->before.document.root;
    const char *kind = yaml_string(&walk->arena, yaml_get(stream, root, "kind"));
    const char *name =
        yaml_string(&walk->arena, yaml_get(stream, yaml_get(stream, root, "metadata"), "name"));
    walk->out->clean = false;
    buf_printf(others, "%s%s%.60s/%.80s", others->length == 0 ? "" : ", ", before,
               kind == NULL ? "object" : kind, name == NULL ? "?" : name);
}

/* The document of the container: which requests hold now, and whether nothing else changed in it. */
static int compare_target(struct walk *walk, struct err *err)
{
    struct edit_done done[FIELD_COUNT];
    struct edit_request held[FIELD_COUNT];
    struct edit_target target;
    size_t count = 0;
    if (edit_target_find(&walk->after, walk->requests, walk->count, &walk->arena, &target, done, err)) {
        return -1;
    }
    for (size_t i = 0; i < walk->count; i++) {
        walk->out->got[i] = !done[i].changed;
        if (walk->out->got[i]) {
            held[count++] = walk->requests[i];
        }
    }
    walk->out->got_count = count;
    if (count > 0 && edit_target_find(&walk->before, held, count, &walk->arena, &target, done, err)) {
        return -1;
    }
    if (!same(walk, count > 0 ? &target : NULL)) {
        add_other(walk, "other parts of ");
    }
    return 0;
}

static int compare_document(struct walk *walk, struct err *err)
{
    arena_clear(&walk->arena);
    if (walk->count > 0 && walk->before.document.number == walk->requests[0].document) {
        return compare_target(walk, err);
    }
    size_t index = (size_t)walk->before.document.number - 1;
    bool left_out = index < walk->unstable->count && walk->unstable->is[index];
    if (!left_out && !same_bytes(walk) && !same(walk, NULL)) {
        add_other(walk, "");
    }
    return 0;
}

static int is_workload(void *context, const struct manifest_object *object)
{
    (void)context;
    return object->type != NULL;
}

static int find_unstable(struct walk *walk, struct err *err)
{
    struct manifest_reader reader;
    struct unstable *found = walk->found;
    (void)err;
    arena_clear(&walk->arena);
    GROW(found->is, walk->capacity, found->count + 1);
    manifest_reader_init(&reader, walk->before.stream, &walk->arena);
    found->is[found->count++] = !same_bytes(walk) && walk->before.document.root != NULL &&
                                manifest_each(&reader, walk->before.document.root, is_workload, NULL) == 0;
    return 0;
}

static int walk_all(struct walk *walk, struct err *err)
{
    if (open_text(&walk->before, err) || open_text(&walk->after, err)) {
        return -1;
    }
    for (;;) {
        int a = next(&walk->before, err);
        int b = a < 0 ? -1 : next(&walk->after, err);
        if (a < 0 || b < 0) {
            return -1;
        }
        if (a != b) {
            return err_set(err, ERR_DATA, "objects would come or go");
        }
        if (a == 0) {
            return 0;
        }
        if (walk->each(walk, err)) {
            return -1;
        }
    }
}

static int walk_texts(struct walk *walk, const struct buf *before, const struct buf *after, struct err *err)
{
    edit_text_init(&walk->before, buf_str(before), before->length);
    edit_text_init(&walk->after, buf_str(after), after->length);
    arena_init(&walk->arena);
    int failed = walk_all(walk, err);
    edit_text_release(&walk->before);
    edit_text_release(&walk->after);
    arena_release(&walk->arena);
    return failed;
}

/* How much of a line is its indentation and key: up to behind ": ". 0 when there is no key. */
static size_t key_length(const char *line, size_t length)
{
    for (size_t i = 1; i + 1 < length; i++) {
        if (line[i] == ':' && line[i + 1] == ' ') {
            return i + 2;
        }
    }
    return 0;
}

static size_t line_length(const char *at, const char *end)
{
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    return feed == NULL ? (size_t)(end - at) : (size_t)(feed - at) + 1;
}

static bool is_unstable_line(const struct unstable *unstable, const char *line, size_t length, size_t *key)
{
    for (size_t i = 0; i < unstable->line_count; i++) {
        *key = strlen(unstable->lines[i]);
        if (*key <= length && memcmp(line, unstable->lines[i], *key) == 0) {
            return true;
        }
    }
    return false;
}

/* Collects the beginnings of lines that differ in their values only. */
static void find_lines(const struct buf *once, const struct buf *again, struct unstable *out)
{
    const char *a = buf_str(once);
    const char *b = buf_str(again);
    const char *ends[] = {a + once->length, b + again->length};
    while (a < ends[0] && b < ends[1] && out->line_count < UNSTABLE_LINES_MAX) {
        size_t lengths[] = {line_length(a, ends[0]), line_length(b, ends[1])};
        size_t key = key_length(a, lengths[0]);
        size_t known;
        bool differs = lengths[0] != lengths[1] || memcmp(a, b, lengths[0]) != 0;
        if (differs && key > 0 && key <= lengths[1] && memcmp(a, b, key) == 0 &&
            !is_unstable_line(out, a, lengths[0], &known)) {
            GROW(out->lines, out->line_capacity, out->line_count + 1);
            out->lines[out->line_count++] = xstrndup(a, key);
        }
        a += lengths[0];
        b += lengths[1];
    }
}

void unstable_mask(const struct unstable *unstable, struct buf *text)
{
    struct buf out;
    const char *at = buf_str(text);
    const char *end = at + text->length;
    if (unstable->line_count == 0) {
        return;
    }
    buf_init(&out, text->cap);
    while (at < end) {
        size_t key;
        size_t length = line_length(at, end);
        if (is_unstable_line(unstable, at, length, &key)) {
            buf_add(&out, at, key);
            buf_add_str(&out, "x\n");
        } else {
            buf_add(&out, at, length);
        }
        at += length;
    }
    buf_release(text);
    *text = out;
}

void unstable_release(struct unstable *unstable)
{
    for (size_t i = 0; i < unstable->line_count; i++) {
        free(unstable->lines[i]);
    }
    free(unstable->lines);
    free(unstable->is);
    *unstable = (struct unstable){.is = NULL};
}

int rendered_unstable(const struct buf *once, const struct buf *again, struct unstable *out, struct err *err)
{
    struct walk walk = {.each = find_unstable, .found = out};
    struct buf texts[2];
    *out = (struct unstable){.is = NULL};
    find_lines(once, again, out);
    for (size_t i = 0; i < 2; i++) {
        const struct buf *from = i == 0 ? once : again;
        buf_init(&texts[i], from->cap);
        buf_add(&texts[i], buf_str(from), from->length);
        unstable_mask(out, &texts[i]);
    }
    int failed = walk_texts(&walk, &texts[0], &texts[1], err);
    buf_release(&texts[0]);
    buf_release(&texts[1]);
    if (failed) {
        unstable_release(out);
    }
    return failed;
}

int rendered_compare(const struct buf *before, const struct buf *after, const struct unstable *unstable,
                     const struct edit_request *requests, size_t count, struct comparison *out,
                     struct err *err)
{
    struct walk walk = {
        .each = compare_document, .requests = requests, .count = count, .unstable = unstable, .out = out};
    *out = (struct comparison){.clean = true};
    buf_init(&out->others, COMPARE_OTHERS_MAX);
    int failed = walk_texts(&walk, before, after, err);
    if (failed) {
        buf_release(&out->others);
    }
    return failed;
}
