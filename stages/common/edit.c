#include "stages/common/edit.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/edit_splice.h"
#include "stages/common/edit_target.h"
#include "stages/common/edit_verify.h"

struct edit_session {
    struct edit_text text;
    struct arena *arena; /* borrowed: what plans return */
    struct edit_splices all;
    struct edit_splices now; /* of the last plan */
};

struct edit_session *edit_session_new(const char *bytes, size_t length, struct arena *arena)
{
    struct edit_session *session = xcalloc(sizeof *session);
    edit_text_init(&session->text, bytes, length);
    session->arena = arena;
    return session;
}

void edit_session_free(struct edit_session *session)
{
    if (session == NULL) {
        return;
    }
    edit_text_release(&session->text);
    free(session->all.items);
    free(session->now.items);
    free(session);
}

const struct edit_splices *edit_session_splices(const struct edit_session *session)
{
    return &session->all;
}

static bool is_json(const struct edit_text *text)
{
    const struct yaml_node *root = yaml_resolve(text->document.root);
    return root->style == YAML_STYLE_FLOW && root->first != NULL &&
           (root->kind == YAML_KIND_MAPPING
                ? root->first->style == YAML_STYLE_DOUBLE
                : root->first->first != NULL && root->first->first->style == YAML_STYLE_DOUBLE);
}

/* Lines put behind a last line that has no end begin with one; where that line goes, the end of the line
 * before is there. */
static void join_at_end(const struct edit_text *text, struct edit_splices *splices)
{
    for (size_t i = 1; i < splices->count; i++) {
        const struct edit_splice *gone = &splices->items[i - 1];
        struct edit_splice *come = &splices->items[i];
        bool whole_line = gone->end == text->length && gone->end > gone->start && gone->length == 0 &&
                          (gone->start == 0 || text->bytes[gone->start - 1] == '\n');
        if (whole_line && come->start == text->length) {
            size_t skipped = strspn(come->text, "\r\n");
            come->text += skipped;
            come->length -= skipped;
        }
    }
}

static void forget_local(const struct edit_target *target)
{
    for (size_t i = 0; i < target->workload.container_count; i++) {
        for (size_t field = 0; field < FIELD_COUNT; field++) {
            target->wants[i][field].local = false;
        }
    }
}

static const char *resources_key(const struct edit_target *target)
{
    return target->keys == NULL ? "resources" : target->workload.containers[0].name;
}

/* Plans all containers of the target in one way. */
static int plan_containers(const struct edit_text *text, struct edit_target *target,
                           enum edit_sharing sharing, struct arena *arena, struct edit_splices *out,
                           struct err *err)
{
    struct layout layout = {.bytes = text->bytes,
                            .length = text->length,
                            .stream = text->stream,
                            .arena = arena,
                            .splices = out,
                            .json = is_json(text)};
    out->count = 0;
    for (size_t i = 0; i < target->workload.container_count; i++) {
        if (edit_target_wants(target, i) &&
            edit_plan_container(&layout, text->document.root, &target->workload.containers[i],
                                resources_key(target), target->wants[i], sharing, err)) {
            return -1;
        }
    }
    edit_splices_sort(out);
    join_at_end(text, out);
    return edit_splices_overlap(out)
               ? err_set(err, ERR_DATA, "two changes of one place in the manifest do not go together")
               : 0;
}

/* Plans and checks. Without aliases there is one way; with them the one that changes least and means what is
 * wanted. */
static int plan_target(const struct edit_text *text, struct edit_target *target, struct arena *arena,
                       struct edit_splices *out, struct err *err)
{
    static const enum edit_sharing ways[] = {EDIT_OVERRIDE, EDIT_FOLLOW, EDIT_OVERRIDE, EDIT_MOVE};
    bool shared = edit_has_alias(text->document.root);
    struct err why = {0};
    for (size_t i = shared ? 1 : 0; i < (shared ? ARRAY_COUNT(ways) : 1); i++) {
        struct err this_time = {0};
        forget_local(target);
        if (plan_containers(text, target, ways[i], arena, out, &this_time) == 0 &&
            edit_verify(text, target, 1, out, &this_time) == 0) {
            return 0;
        }
        if (ways[i] == EDIT_OVERRIDE) {
            why = this_time;
        }
    }
    return err_set(err, ERR_DATA, "%s", why.message);
}

int edit_session_plan(struct edit_session *session, const struct edit_request *requests, size_t count,
                      struct edit_done *done, const struct edit_splices **splices, struct err *err)
{
    struct edit_target target;
    session->now.count = 0;
    *splices = &session->now;
    if (count == 0) {
        return 0;
    }
    if (edit_text_seek(&session->text, requests[0].document, err) ||
        edit_target_find(&session->text, requests, count, session->arena, &target, done, err)) {
        return -1;
    }
    if (!target.changed) {
        return 0;
    }
    if (plan_target(&session->text, &target, session->arena, &session->now, err)) {
        session->now.count = 0;
        return -1;
    }
    if (edit_splices_collide(&session->all, &session->now)) {
        session->now.count = 0;
        return err_set(err, ERR_DATA, "the change needs a place that another workload's change takes");
    }
    edit_splices_merge(&session->all, &session->now);
    edit_target_report(&target, requests, count, done);
    return 0;
}

/* Order of keys, those of workloads (none) first. */
static int compare_keys(const char *const *left, const char *const *right)
{
    static const char *const no_keys[] = {NULL};
    left = left == NULL ? no_keys : left;
    right = right == NULL ? no_keys : right;
    for (; *left != NULL && *right != NULL; left++, right++) {
        int order = strcmp(*left, *right);
        if (order != 0) {
            return order;
        }
    }
    return (*left != NULL) - (*right != NULL);
}

static int compare_requests(const void *a, const void *b)
{
    const struct edit_request *left = a;
    const struct edit_request *right = b;
    if (left->document != right->document) {
        return left->document < right->document ? -1 : 1;
    }
    int keys = compare_keys(left->keys, right->keys);
    return keys != 0 ? keys : (left->item > right->item) - (left->item < right->item);
}

int edit_apply(const char *bytes, size_t length, const struct edit_request *requests, size_t count,
               struct buf *out, struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    struct edit_session *session = edit_session_new(bytes, length, &arena);
    struct edit_request *sorted = arena_alloc_array(&arena, count + 1, sizeof *sorted);
    struct edit_done *done = arena_alloc_array(&arena, count + 1, sizeof *done);
    int failed = 0;
    if (count > 0) {
        memcpy(sorted, requests, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, compare_requests);
    }
    for (size_t i = 0, next; i < count && !failed; i = next) {
        const struct edit_splices *ignored;
        for (next = i + 1; next < count && compare_requests(&sorted[i], &sorted[next]) == 0;) {
            next++;
        }
        failed = edit_session_plan(session, sorted + i, next - i, done + i, &ignored, err);
    }
    failed = failed || edit_splices_apply(bytes, length, edit_session_splices(session), out, err);
    edit_session_free(session);
    arena_release(&arena);
    return failed ? -1 : 0;
}
