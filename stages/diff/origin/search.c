#include "stages/diff/origin/search.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "stages/common/edit/edit_splice.h"
#include "stages/common/edit/edit_style.h"

enum { FILE_MAX = 16 * 1024 * 1024, RENDERS_MAX = 400, SPENT_MAX = 300 * 1000 };

/* One container at work. */
struct search {
    struct workbench *bench;
    const struct subject *subject;
    struct edit_request open[FIELD_COUNT]; /* what is not so yet */
    size_t count;
    size_t *tries;
    struct arena *arena;
    struct search_result *out;
    struct err *err;
};

/* The bytes of a file with its edits and `more` (may be NULL). */
static int file_text(const struct plain_file *file, const struct edit_splices *more, struct buf *out,
                     struct err *err)
{
    struct edit_splices all = {0};
    edit_splices_merge(&all, &file->accepted);
    edit_splices_merge(&all, &file->trying);
    if (more != NULL) {
        edit_splices_merge(&all, more);
    }
    int failed = edit_splices_apply(buf_str(&file->bytes), file->bytes.length, &all, out, err);
    free(all.items);
    return failed;
}

/* Writes a file of the copy. */
static int put_file(struct scratch *scratch, const struct plain_file *file, const struct edit_splices *more,
                    struct err *err)
{
    struct buf text;
    buf_init(&text, FILE_MAX);
    int failed = file_text(file, more, &text, err) ||
                 scratch_put(scratch, file->path, buf_str(&text), text.length, err);
    buf_release(&text);
    return failed ? -1 : 0;
}

int search_put(struct scratch *scratch, const struct plain_file *file, bool tried, struct err *err)
{
    struct plain_file copy = *file; /* its sets are only read */
    if (!tried) {
        copy.trying.count = 0;
    }
    return put_file(scratch, &copy, NULL, err);
}

/* The bytes that an origin's places are about. */
static const char *text_of(const struct origin *origin, size_t *length)
{
    *length = origin->embedded != NULL ? origin->embedded->length : origin->file->bytes.length;
    return origin->embedded != NULL ? origin->embedded->bytes : buf_str(&origin->file->bytes);
}

/* The splice of a scalar that the requests (of one value) want changed. */
static void plan_scalar(struct search *search, const struct origin *origin,
                        const struct edit_request *request, struct edit_splices *out)
{
    struct arena *arena = &origin->file->arena;
    size_t length;
    const char *old = text_of(origin, &length) + origin->start;
    length = origin->end - origin->start;
    bool quoted = origin->style == YAML_STYLE_SINGLE || origin->style == YAML_STYLE_DOUBLE;
    if (quoted && length >= 2) {
        old++;
        length -= 2;
    }
    const char *text =
        edit_quantity_text(search->arena, old, length, manifest_is_cpu(request->field), request->value);
    text = edit_quote(arena, text, origin->style, origin->json);
    edit_splices_add(out, origin->start, origin->end, text, strlen(text));
}

/* The splices of a container or mapping. */
static void plan_amounts(const struct origin *origin, const struct edit_request *requests, size_t count,
                         struct edit_splices *out)
{
    struct edit_request mine[FIELD_COUNT];
    struct edit_done done[FIELD_COUNT];
    const struct edit_splices *splices;
    struct err ignored = {0};
    size_t length;
    const char *text = text_of(origin, &length);
    for (size_t i = 0; i < count; i++) {
        mine[i] = requests[i];
        mine[i].document = origin->document;
        mine[i].item = origin->item;
        mine[i].keys = origin->keys;
    }
    struct edit_session *session = edit_session_new(text, length, &origin->file->arena);
    if (edit_session_plan(session, mine, count, done, &splices, &ignored) == 0) {
        edit_splices_merge(out, splices);
    }
    edit_session_free(session);
}

/* The splices of one origin for some requests; none when it cannot be written there, or is taken. */
static void plan(struct search *search, const struct origin *origin, const struct edit_request *requests,
                 size_t count, struct edit_splices *out)
{
    struct plain_file *file = origin->file;
    struct edit_splices splices = {0};
    out->count = 0;
    if (origin->container == NULL && origin->keys == NULL) {
        plan_scalar(search, origin, &requests[0], &splices);
    } else {
        plan_amounts(origin, requests, count, &splices);
    }
    if (origin->embedded != NULL) {
        embedded_splices(origin->embedded, &splices, &file->arena, out);
    } else {
        edit_splices_merge(out, &splices);
    }
    free(splices.items);
    if (edit_splices_collide(&file->accepted, out) || edit_splices_collide(&file->trying, out)) {
        out->count = 0;
    }
}

/* Keeps what the likeliest place changes besides. */
static void note_others(struct search *search, const struct origin *origin, const struct comparison *seen)
{
    if (seen->got_count > 0 && !seen->clean && search->out->place == NULL) {
        search->out->place = origin->place;
        search->out->file = origin->file->relative;
        search->out->others = arena_strdup(search->arena, buf_str(&seen->others));
    }
}

/* Renders the copy, without what is unstable. */
static int render_masked(struct workbench *bench, struct buf *out, struct err *err)
{
    int64_t start = clock_monotonic_ms();
    int failed = scratch_render(bench->scratch, out, err);
    bench->renders++;
    bench->spent += clock_monotonic_ms() - start;
    if (!failed) {
        unstable_mask(&bench->unstable, out);
    }
    return failed;
}

/* Tries splices. 1: accepted, 0: not; then seen->got tells what would have come true, if seen->clean. −1:
 * ends. */
static int try(struct search *search, const struct origin *origin, const struct edit_splices *splices,
               const struct edit_request *requests, size_t count, struct comparison *seen)
{
    struct workbench *bench = search->bench;
    struct err why = {0};
    struct buf after;
    int result = 0;
    *seen = (struct comparison){.clean = false};
    if (splices->count == 0) {
        return 0;
    }
    if (*search->tries == 0 || bench->renders >= RENDERS_MAX || bench->spent >= SPENT_MAX) {
        search->out->limited = true;
        return 0;
    }
    --*search->tries;
    buf_init(&after, bench->now.cap);
    if (put_file(bench->scratch, origin->file, splices, search->err)) {
        result = -1;
    } else if (render_masked(bench, &after, &why) == 0 &&
               rendered_compare(&bench->now, &after, &bench->unstable, requests, count, seen, &why) == 0) {
        note_others(search, origin, seen);
        result = seen->clean && seen->got_count == count;
        buf_release(&seen->others);
    }
    if (result == 1) {
        edit_splices_merge(&origin->file->trying, splices);
        struct buf old = bench->now;
        bench->now = after;
        after = old;
    } else if (result == 0 && search_put(bench->scratch, origin->file, true, search->err)) {
        result = -1;
    }
    buf_release(&after);
    return result;
}

/* The open requests that an origin may serve. */
static size_t pick(const struct search *search, const struct origin *origin, struct edit_request *out)
{
    bool scalar = origin->container == NULL && origin->keys == NULL;
    size_t count = 0;
    for (size_t i = 0; i < search->count; i++) {
        const struct edit_request *request = &search->open[i];
        bool fits = origin->fields[request->field] &&
                    (!scalar || (!request->remove && (count == 0 || (out[0].value == request->value))));
        if (fits) {
            out[count++] = *request;
        }
    }
    return count;
}

static void close_requests(struct search *search, const struct edit_request *done, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < search->count; i++) {
        bool closed = false;
        for (size_t k = 0; k < count; k++) {
            closed = closed || done[k].field == search->open[i].field;
        }
        if (!closed) {
            search->open[kept++] = search->open[i];
        }
    }
    search->count = kept;
}

/* Adds what the container has besides to the requests: where a place is empty, what it says may stand for a
 * default as a whole. */
static size_t complete(const struct search *search, const struct origin *origin,
                       struct edit_request *requests, size_t count)
{
    for (enum manifest_field field = 0; field < FIELD_COUNT && count > 0; field++) {
        const struct manifest_amount *amount = &search->subject->amounts[field];
        bool asked = !amount->present || !origin->fields[field];
        for (size_t i = 0; i < count; i++) {
            asked = asked || requests[i].field == field;
        }
        if (!asked) {
            requests[count] = requests[0];
            requests[count].field = field;
            requests[count].remove = false;
            requests[count++].value = amount->value;
        }
    }
    return count;
}

/* One place: with all requests it may serve; where only some of them come true, with those alone; where it
 * stands for more than is asked, with all that the container has. */
static int take_origin(struct search *search, const struct origin *origin)
{
    struct edit_request wanted[FIELD_COUNT];
    struct edit_splices splices = {0};
    struct comparison seen;
    size_t count = pick(search, origin, wanted);
    int result = 0;
    for (int round = 0; round < 2 && count > 0 && result == 0; round++) {
        plan(search, origin, wanted, count, &splices);
        result = try(search, origin, &splices, wanted, count, &seen);
        if (result != 0) {
            break;
        }
        size_t before = count;
        size_t kept = 0;
        for (size_t i = 0; seen.clean && i < count; i++) {
            if (seen.got[i]) {
                wanted[kept++] = wanted[i];
            }
        }
        bool whole =
            !seen.clean && seen.got_count == count && (origin->keys != NULL || origin->container != NULL);
        count = whole ? complete(search, origin, wanted, count) : kept;
        count = count == before ? 0 : count;
    }
    if (result == 1) {
        close_requests(search, wanted, count);
    }
    free(splices.items);
    return result < 0 ? -1 : 0;
}

int search_container(struct workbench *bench, const struct subject *subject,
                     const struct edit_request *requests, size_t count, size_t *tries, struct arena *arena,
                     struct search_result *out, struct err *err)
{
    struct origins origins = {0};
    struct search search = {.bench = bench,
                            .subject = subject,
                            .count = count,
                            .tries = tries,
                            .arena = arena,
                            .out = out,
                            .err = err};
    int failed = 0;
    *out = (struct search_result){.found = false};
    memcpy(search.open, requests, count * sizeof *requests);
    for (size_t i = 0; i < bench->count; i++) {
        origins_find(bench->files[i], subject, arena, &origins);
    }
    origins_sort(&origins);
    for (size_t i = 0; i < origins.count && search.count > 0 && !failed; i++) {
        failed = take_origin(&search, &origins.items[i]);
    }
    out->found = search.count == 0;
    free(origins.items);
    return failed;
}

int search_undo(struct workbench *bench, struct err *err)
{
    for (size_t i = 0; i < bench->count; i++) {
        if (bench->files[i]->trying.count > 0) {
            bench->files[i]->trying.count = 0;
            if (search_put(bench->scratch, bench->files[i], false, err)) {
                return -1;
            }
        }
    }
    return 0;
}
