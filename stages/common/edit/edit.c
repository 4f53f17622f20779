#include "stages/common/edit/edit.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/common/edit/edit_draft.h"
#include "stages/common/edit/edit_splice.h"
#include "stages/common/edit/edit_target.h"
#include "stages/common/edit/edit_verify.h"
#include "stages/common/edit/edit_way.h"

/* The requests of one plan that changed something, kept. */
struct batch {
    struct edit_request *requests;
    size_t count;
};

struct edit_session {
    struct edit_text text;
    struct arena *arena;        /* borrowed: what plans return */
    struct edit_splices now;    /* of the last plan, by itself */
    struct edit_splices joined; /* of all plans of the open document */
    struct edit_splices all;    /* of the documents before */
    struct batch *batches;      /* of the open document */
    size_t batch_count;
    size_t batch_capacity;
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
    free(session->now.items);
    free(session->joined.items);
    free(session->all.items);
    free(session->batches);
    free(session);
}

static const char *const *copy_keys(struct arena *arena, const char *const *keys)
{
    size_t count = 0;
    while (keys[count] != NULL) {
        count++;
    }
    const char **copy = arena_alloc_array(arena, count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = arena_strdup(arena, keys[i]);
    }
    return copy;
}

/* Keeps requests beyond the record they are of. */
static void keep_batch(struct edit_session *s, const struct edit_request *requests, size_t count)
{
    struct batch batch = {.count = count};
    batch.requests = arena_alloc_array(s->arena, count, sizeof *batch.requests);
    for (size_t i = 0; i < count; i++) {
        struct edit_request *copy = &batch.requests[i];
        *copy = requests[i];
        copy->container = copy->container == NULL ? NULL : arena_strdup(s->arena, copy->container);
        copy->keys = copy->keys == NULL ? NULL : copy_keys(s->arena, copy->keys);
        copy->text = copy->text == NULL ? NULL : arena_strdup(s->arena, copy->text);
        copy->check_from = false;
    }
    GROW(s->batches, s->batch_capacity, s->batch_count + 1);
    s->batches[s->batch_count++] = batch;
}

/* What several workloads share may change once for all of them: shorter than a copy for each. */
static void share_again(struct edit_session *s)
{
    struct edit_target *targets = arena_alloc_array(s->arena, s->batch_count, sizeof *targets);
    struct edit_splices once = {0};
    struct err ignored = {0};
    bool found = true;
    for (size_t i = 0; i < s->batch_count && found; i++) {
        const struct batch *batch = &s->batches[i];
        struct edit_done *done = arena_alloc_array(s->arena, batch->count, sizeof *done);
        found =
            batch->requests[0].keys == NULL && edit_target_find(&s->text, batch->requests, batch->count,
                                                                s->arena, &targets[i], done, &ignored) == 0;
    }
    if (found && edit_plan_together(&s->text, targets, s->batch_count, s->arena, &once, &ignored) == 0) {
        s->joined.count = 0;
        edit_splices_merge(&s->joined, &once);
    }
    free(once.items);
}

/* Ends the open document. */
static void close_document(struct edit_session *s)
{
    if (s->batch_count > 1 && edit_has_alias(s->text.document.root)) {
        share_again(s);
    }
    edit_splices_merge(&s->all, &s->joined);
    s->joined.count = 0;
    s->batch_count = 0;
}

const struct edit_splices *edit_session_splices(struct edit_session *session)
{
    close_document(session);
    return &session->all;
}

/* Plans requests over what the ones before made of the document. */
static int join_after(struct edit_session *s, const struct edit_request *requests, size_t count,
                      struct err *err)
{
    struct edit_draft draft;
    struct edit_target target;
    struct edit_splices splices = {0};
    struct edit_done *done = arena_alloc_array(s->arena, count, sizeof *done);
    int failed = edit_draft_begin(&draft, &s->text, &s->joined, s->arena, err) ||
                 edit_target_find(&draft.text, requests, count, s->arena, &target, done, err) ||
                 (target.changed &&
                  edit_plan_target(&draft.text, requests, count, &target, s->arena, &splices, err)) ||
                 edit_draft_step(&draft, &splices, err);
    if (!failed) {
        edit_draft_result(&draft, &s->joined);
    }
    edit_draft_release(&draft);
    free(splices.items);
    return failed ? err_prefix(err, "with the changes of other workloads in this file") : 0;
}

/* Adds the last plan to those of its document. Where places are shared, or taken, it is made once more, after
 * them. */
static int join(struct edit_session *s, const struct edit_request *requests, size_t count, struct err *err)
{
    if (edit_splices_collide(&s->all, &s->now)) {
        return err_set(err, ERR_DATA, "the change needs a place that another workload's change takes");
    }
    if (s->batch_count > 0 &&
        (edit_splices_collide(&s->joined, &s->now) || edit_has_alias(s->text.document.root))) {
        return join_after(s, requests, count, err);
    }
    edit_splices_merge(&s->joined, &s->now);
    return 0;
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
    if (requests[0].document != session->text.document.number) {
        close_document(session);
    }
    if (edit_text_seek(&session->text, requests[0].document, err) ||
        edit_target_find(&session->text, requests, count, session->arena, &target, done, err)) {
        return -1;
    }
    if (!target.changed) {
        return 0;
    }
    if (edit_plan_target(&session->text, requests, count, &target, session->arena, &session->now, err) ||
        join(session, requests, count, err)) {
        session->now.count = 0;
        return -1;
    }
    keep_batch(session, requests, count);
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
