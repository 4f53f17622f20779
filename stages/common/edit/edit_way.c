#include "stages/common/edit/edit_way.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/edit/edit_draft.h"
#include "stages/common/edit/edit_share.h"
#include "stages/common/edit/edit_verify.h"

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

static struct layout layout_over(const struct edit_text *text, struct arena *arena, struct edit_splices *out)
{
    return (struct layout){.bytes = text->bytes,
                           .length = text->length,
                           .stream = text->stream,
                           .arena = arena,
                           .splices = out,
                           .json = is_json(text)};
}

static int settle(const struct edit_text *text, struct edit_splices *splices, struct err *err)
{
    edit_splices_sort(splices);
    join_at_end(text, splices);
    return edit_splices_overlap(splices)
               ? err_set(err, ERR_DATA, "two changes of one place in the manifest do not go together")
               : 0;
}

/* Plans all containers of the target in one way. */
static int plan_containers(const struct edit_text *text, struct edit_target *target,
                           enum edit_sharing sharing, struct arena *arena, struct edit_splices *out,
                           struct err *err)
{
    struct layout layout = layout_over(text, arena, out);
    out->count = 0;
    forget_local(target);
    for (size_t i = 0; i < target->workload.container_count; i++) {
        if (edit_target_wants(target, i) &&
            edit_plan_container(&layout, text->document.root, &target->workload.containers[i],
                                edit_target_key(target), target->wants[i], sharing, err)) {
            return -1;
        }
    }
    return settle(text, out, err);
}

/* Plans and checks. Without aliases there is one way; with them the one that changes least and means what is
 * wanted. */
static int plan_in_place(const struct edit_text *text, struct edit_target *target, struct arena *arena,
                         struct edit_splices *out, struct err *err)
{
    static const enum edit_sharing ways[] = {EDIT_OVERRIDE, EDIT_FOLLOW, EDIT_OVERRIDE, EDIT_MOVE};
    bool shared = edit_has_alias(text->document.root);
    struct err why = {0};
    for (size_t i = shared ? 1 : 0; i < (shared ? ARRAY_COUNT(ways) : 1); i++) {
        struct err this_time = {0};
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

/* The wants of a target that was found again in a draft: its values, and how they were written there. */
static void take_back(struct edit_target *to, const struct edit_target *from)
{
    for (size_t i = 0; i < to->workload.container_count; i++) {
        for (size_t field = 0; field < FIELD_COUNT; field++) {
            to->wants[i][field] = from->wants[i][field];
            to->wants[i][field].local = from->wants[i][field].set || from->wants[i][field].remove;
        }
    }
}

/* One round of a draft: ends one sharing above a container that is to change. Returns 1, 0 when there was
 * none, -1. */
static int unshare(struct edit_draft *draft, const struct edit_target *target, struct err *err)
{
    struct edit_splices splices = {0};
    struct layout layout = layout_over(&draft->text, draft->arena, &splices);
    int done = 0;
    for (size_t i = 0; i < target->workload.container_count && done == 0; i++) {
        if (edit_target_wants(target, i)) {
            done = edit_unshare(&layout, &draft->text, target, i, err);
        }
    }
    if (done > 0 && (settle(&draft->text, &splices, err) || edit_draft_step(draft, &splices, err))) {
        done = -1;
    }
    free(splices.items);
    return done;
}

/* Plans in a draft in which the target's containers get a text of their own first. */
static int plan_apart(const struct edit_text *text, const struct edit_request *requests, size_t count,
                      struct edit_target *target, struct arena *arena, struct edit_splices *out,
                      struct err *err)
{
    enum { ROUNDS = 64 };
    struct edit_draft draft;
    struct edit_target again;
    struct edit_splices splices = {0};
    struct edit_done *done = arena_alloc_array(arena, count, sizeof *done);
    int failed = edit_draft_begin(&draft, text, NULL, arena, err);
    int shared = 1;
    for (int round = 0; round < ROUNDS && !failed && shared > 0; round++) {
        failed = edit_target_find(&draft.text, requests, count, arena, &again, done, err);
        shared = failed ? -1 : unshare(&draft, &again, err);
        failed = shared < 0 || (shared == 0 && round == 0);
    }
    failed = failed || edit_target_find(&draft.text, requests, count, arena, &again, done, err) ||
             plan_in_place(&draft.text, &again, arena, &splices, err) ||
             edit_draft_step(&draft, &splices, err);
    if (!failed) {
        edit_draft_result(&draft, out);
        failed = edit_verify(text, target, 1, out, err);
        take_back(target, &again);
    }
    edit_draft_release(&draft);
    free(splices.items);
    return failed ? -1 : 0;
}

/* Plans in its place, else with a copy of what is shared above. */
static int plan_whole(const struct edit_text *text, const struct edit_request *requests, size_t count,
                      struct edit_target *target, struct arena *arena, struct edit_splices *out,
                      struct err *err)
{
    struct err why = {0};
    struct err apart = {0};
    if (plan_in_place(text, target, arena, out, &why) == 0) {
        return 0;
    }
    if (edit_has_alias(text->document.root) &&
        plan_apart(text, requests, count, target, arena, out, &apart) == 0) {
        return 0;
    }
    out->count = 0;
    return err_set(err, ERR_DATA, "%s", apart.message[0] == '\0' ? why.message : apart.message);
}

/* Requests for one container of a target, in order. */
static size_t requests_for(const struct edit_request *requests, size_t count, const char *container,
                           struct edit_request *out)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (str_equal(requests[i].container, container)) {
            out[found++] = requests[i];
        }
    }
    return found;
}

/* Takes the step of one container of `of` in a draft. */
static int plan_one(struct edit_draft *draft, const struct edit_request *requests, size_t count,
                    struct edit_target *of, size_t container, struct err *err)
{
    struct edit_target target;
    struct edit_splices splices = {0};
    struct edit_done *done = arena_alloc_array(draft->arena, count + 1, sizeof *done);
    int failed =
        edit_target_find(&draft->text, requests, count, draft->arena, &target, done, err) ||
        (target.changed && (plan_whole(&draft->text, requests, count, &target, draft->arena, &splices, err) ||
                            edit_draft_step(draft, &splices, err)));
    if (!failed) {
        memcpy(of->wants[container], target.wants[container], sizeof of->wants[container]);
    }
    free(splices.items);
    return failed ? -1 : 0;
}

/* Plans one container after the other, for those that share with each other. */
static int plan_in_turn(const struct edit_text *text, const struct edit_request *requests, size_t count,
                        struct edit_target *target, struct arena *arena, struct edit_splices *out,
                        struct err *err)
{
    struct edit_draft draft;
    struct edit_request *mine = arena_alloc_array(arena, count, sizeof *mine);
    int failed = edit_draft_begin(&draft, text, NULL, arena, err);
    for (size_t i = 0; i < target->workload.container_count && !failed; i++) {
        size_t found = requests_for(requests, count, target->workload.containers[i].name, mine);
        failed = edit_target_wants(target, i) && plan_one(&draft, mine, found, target, i, err);
    }
    if (!failed) {
        edit_draft_result(&draft, out);
        failed = edit_verify(text, target, 1, out, err);
    }
    edit_draft_release(&draft);
    return failed ? -1 : 0;
}

int edit_plan_target(const struct edit_text *text, const struct edit_request *requests, size_t count,
                     struct edit_target *target, struct arena *arena, struct edit_splices *out,
                     struct err *err)
{
    struct err why = {0};
    size_t containers = 0;
    if (plan_whole(text, requests, count, target, arena, out, &why) == 0) {
        return 0;
    }
    for (size_t i = 0; i < target->workload.container_count; i++) {
        containers += edit_target_wants(target, i);
    }
    if (containers > 1 && edit_has_alias(text->document.root) &&
        plan_in_turn(text, requests, count, target, arena, out, err) == 0) {
        return 0;
    }
    out->count = 0;
    return err_set(err, ERR_DATA, "%s", why.message);
}

/* Whether a container is one that an earlier target has too, through an alias, and wants the same of. */
static bool planned_already(const struct edit_target *targets, size_t target, size_t container)
{
    const struct edit_target *mine = &targets[target];
    for (size_t i = 0; i < target; i++) {
        for (size_t j = 0; j < targets[i].workload.container_count; j++) {
            bool same = targets[i].workload.containers[j].node == mine->workload.containers[container].node;
            for (size_t field = 0; field < FIELD_COUNT && same; field++) {
                const struct edit_want *a = &targets[i].wants[j][field];
                const struct edit_want *b = &mine->wants[container][field];
                same = a->set == b->set && a->remove == b->remove && (!a->set || a->value == b->value);
            }
            if (same) {
                return true;
            }
        }
    }
    return false;
}

int edit_plan_together(const struct edit_text *text, struct edit_target *targets, size_t count,
                       struct arena *arena, struct edit_splices *out, struct err *err)
{
    struct layout layout = layout_over(text, arena, out);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < targets[i].workload.container_count; j++) {
            if (edit_target_wants(&targets[i], j) && !planned_already(targets, i, j) &&
                edit_plan_container(&layout, text->document.root, &targets[i].workload.containers[j],
                                    edit_target_key(&targets[i]), targets[i].wants[j], EDIT_FOLLOW, err)) {
                return -1;
            }
        }
    }
    return settle(text, out, err) || edit_verify(text, targets, count, out, err) ? -1 : 0;
}
