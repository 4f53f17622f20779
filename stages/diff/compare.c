#include "stages/diff/compare.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/edit_check.h"

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

static int open_text(struct edit_text *text, struct err *err)
{
    struct yaml_fault fault;
    struct yaml_limits limits = yaml_default_limits;
    limits.max_depth = EDIT_DEPTH_MAX;
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

int rendered_unstable(const struct buf *once, const struct buf *again, struct unstable *out, struct err *err)
{
    struct walk walk = {.each = find_unstable, .found = out};
    *out = (struct unstable){.is = NULL};
    if (walk_texts(&walk, once, again, err)) {
        free(out->is);
        *out = (struct unstable){.is = NULL};
        return -1;
    }
    return 0;
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
