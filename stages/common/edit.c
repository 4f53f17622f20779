#include "stages/common/edit.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/edit_check.h"
#include "stages/common/edit_plan.h"

enum { UNIT_CAP = INT32_MAX - 1 };

struct edit_session {
    const char *bytes; /* borrowed */
    size_t length;
    struct arena *arena; /* borrowed: what plans return */
    struct arena document_arena;
    struct yaml_stream *stream; /* NULL until the first plan */
    struct yaml_document document;
    struct edit_splices all;
    struct edit_splices now; /* of the last plan */
};

/* One plan at work. */
struct job {
    struct edit_session *session;
    struct manifest_reader reader;
    struct manifest_object object;
    struct manifest_workload workload;
    struct edit_want (*wants)[FIELD_COUNT];
    long item;
    bool found;
};

/* The smallest piece of text around a workload that can be read by itself. */
struct unit {
    size_t start;
    size_t end;
    struct yaml_node *root; /* of the piece, as it was */
    bool listed;            /* read alone it is a list of one */
    long item;              /* of the workload in it */
};

struct edit_session *edit_session_new(const char *bytes, size_t length, struct arena *arena)
{
    struct edit_session *session = xcalloc(sizeof *session);
    session->bytes = bytes;
    session->length = length;
    session->arena = arena;
    arena_init(&session->document_arena);
    return session;
}

void edit_session_free(struct edit_session *session)
{
    if (session == NULL) {
        return;
    }
    yaml_close(session->stream);
    arena_release(&session->document_arena);
    free(session->all.items);
    free(session->now.items);
    free(session);
}

const struct edit_splices *edit_session_splices(const struct edit_session *session)
{
    return &session->all;
}

static int compare_splices(const void *a, const void *b)
{
    const struct edit_splice *left = a;
    const struct edit_splice *right = b;
    if (left->start != right->start) {
        return left->start < right->start ? -1 : 1;
    }
    if (left->end != right->end) { /* an insertion comes before what is replaced behind it */
        return left->end < right->end ? -1 : 1;
    }
    return 0;
}

/* Sorts by place; those of one place stay in the order they were planned (insertion sort: they are few, or
 * sorted). */
static void sort_splices(struct edit_splices *splices)
{
    for (size_t i = 1; i < splices->count; i++) {
        struct edit_splice moved = splices->items[i];
        size_t at = i;
        for (; at > 0 && compare_splices(&splices->items[at - 1], &moved) > 0; at--) {
            splices->items[at] = splices->items[at - 1];
        }
        splices->items[at] = moved;
    }
}

static int check_overlap(const struct edit_splices *splices, struct err *err)
{
    for (size_t i = 1; i < splices->count; i++) {
        if (splices->items[i].start < splices->items[i - 1].end) {
            return err_set(err, ERR_DATA, "two changes of one place in the manifest do not go together");
        }
    }
    return 0;
}

/* Whether the places of the last plan are free of those before. The earlier ones are looked at from the end,
 * as workloads come in the order of the file. */
static int check_free(const struct edit_session *s, struct err *err)
{
    for (size_t i = s->all.count; i > 0 && s->now.count > 0; i--) {
        const struct edit_splice *old = &s->all.items[i - 1];
        if (old->end < s->now.items[0].start) {
            break;
        }
        for (size_t j = 0; j < s->now.count; j++) {
            if (old->start < s->now.items[j].end && s->now.items[j].start < old->end) {
                return err_set(err, ERR_DATA,
                               "the change needs a place that another workload's change takes");
            }
        }
    }
    return 0;
}

/* Adds the original bytes with the splices (sorted, not overlapping) applied to `out`. ERR_DATA past its cap.
 */
static int edit_splices_apply(const char *bytes, size_t length, const struct edit_splices *splices, struct buf *out,
                       struct err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < splices->count; i++) {
        const struct edit_splice *splice = &splices->items[i];
        if (splice->start < at || splice->end < splice->start || splice->end > length) {
            return err_set(err, ERR_SOFTWARE, "the changes of a manifest are not in order");
        }
        buf_add(out, bytes + at, splice->start - at);
        buf_add(out, splice->text, splice->length);
        at = splice->end;
    }
    buf_add(out, bytes + at, length - at);
    if (out->overflow) {
        return err_set(err, ERR_DATA, "the changed manifest is larger than %zu bytes", out->cap);
    }
    return 0;
}

static void add_all(struct edit_splices *to, const struct edit_splices *from)
{
    GROW(to->items, to->capacity, to->count + from->count + 1);
    for (size_t i = 0; i < from->count; i++) {
        to->items[to->count++] = from->items[i];
    }
    sort_splices(to);
}

/* Opens the stream, or opens it again when an earlier document is wanted. */
static int open_stream(struct edit_session *s, long document, struct err *err)
{
    struct yaml_fault fault;
    struct yaml_limits limits = yaml_default_limits;
    if (s->stream != NULL && document >= s->document.number) {
        return 0;
    }
    limits.max_depth = 1000;
    yaml_close(s->stream);
    s->stream = NULL;
    s->document = (struct yaml_document){0};
    return yaml_open(s->bytes, s->length, &limits, &s->stream, &fault, err);
}

static int seek_document(struct edit_session *s, long document, struct err *err)
{
    if (open_stream(s, document, err)) {
        return -1;
    }
    while (s->document.number < document) {
        struct yaml_fault fault;
        struct err broken = {0};
        arena_clear(&s->document_arena);
        int got = yaml_next(s->stream, &s->document_arena, &s->document, &fault, &broken);
        if (got == 0) {
            yaml_close(s->stream);
            s->stream = NULL;
            return err_set(err, ERR_DATA, "the manifest has no document %ld", document);
        }
    }
    if (s->document.number != document || s->document.root == NULL) {
        return err_set(err, ERR_DATA, "document %ld of the manifest cannot be read", document);
    }
    return 0;
}

static int take_item(void *context, const struct manifest_object *object)
{
    struct job *job = context;
    if (object->item != job->item) {
        return 0;
    }
    job->object = *object;
    job->found = true;
    return 1;
}

/* Finds the workload and reads its facts. */
static int locate(struct job *job, long document, struct err *err)
{
    struct edit_session *s = job->session;
    if (seek_document(s, document, err)) {
        return -1;
    }
    manifest_reader_init(&job->reader, s->stream, &s->document_arena);
    manifest_each(&job->reader, s->document.root, take_item, job);
    if (!job->found || job->object.type == NULL) {
        return err_set(err, ERR_DATA, "there is no workload at document %ld, item %ld of the manifest",
                       document, job->item);
    }
    if (manifest_read(&job->reader, &job->object, &job->workload)) {
        return err_set(err, ERR_DATA, "%s",
                       job->reader.fault_count == 0 ? "the workload cannot be read"
                                                    : job->reader.faults[0].message);
    }
    job->wants = arena_alloc_array(s->arena, job->workload.container_count + 1, sizeof *job->wants);
    return 0;
}

/* Index of the one container of that name. */
static int find_container(const struct manifest_workload *workload, const char *name, size_t *index,
                          struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < workload->container_count; i++) {
        if (str_equal(workload->containers[i].name, name)) {
            *index = i;
            count++;
        }
    }
    if (count != 1) {
        return err_set(err, ERR_DATA,
                       count == 0 ? "the manifest has no container \"%s\""
                                  : "the manifest has more than one container \"%s\"",
                       name);
    }
    return 0;
}

static const char *path_of(struct arena *arena, const struct manifest_kind *type,
                           const struct manifest_container *container, enum manifest_field field)
{
    const char *path = "";
    for (size_t i = 0; type->pod_path[i] != NULL; i++) {
        path = arena_printf(arena, "%s%s.", path, type->pod_path[i]);
    }
    return arena_printf(arena, "%s%s[%zu].resources.%s.%s", path, container->list, container->index,
                        manifest_section(field), manifest_resource(field));
}

/* What a request is for: nothing when the manifest says so already. */
static int take_request(struct job *job, const struct edit_request *request, struct edit_done *done,
                        struct err *err)
{
    struct arena *arena = job->session->arena;
    size_t index = 0;
    if (find_container(&job->workload, request->container, &index, err)) {
        return -1;
    }
    const struct manifest_container *container = &job->workload.containers[index];
    const struct manifest_amount *amount = &container->amounts[request->field];
    struct edit_want *want = &job->wants[index][request->field];
    *done = (struct edit_done){.path = path_of(arena, job->object.type, container, request->field)};
    if (want->set || want->remove) {
        return err_set(err, ERR_DATA, "%s is to be changed twice", done->path);
    }
    done->from = amount->present ? yaml_scalar(arena, amount->node) : NULL;
    if (request->check_from && !str_equal(done->from, request->from)) {
        return err_set(err, ERR_DATA, "%s is %s in the manifest, not %s", done->path,
                       done->from == NULL ? "absent" : done->from,
                       request->from == NULL ? "absent" : request->from);
    }
    if (request->remove ? !amount->present : amount->present && amount->value == request->value) {
        done->to = done->from;
        return 0;
    }
    done->changed = true;
    want->set = !request->remove;
    want->remove = request->remove;
    want->value = request->value;
    want->text = request->text;
    return 0;
}

static bool is_json(const struct edit_session *s)
{
    const struct yaml_node *root = yaml_resolve(s->document.root);
    return root->style == YAML_STYLE_FLOW && root->first != NULL &&
           (root->kind == YAML_KIND_MAPPING
                ? root->first->style == YAML_STYLE_DOUBLE
                : root->first->first != NULL && root->first->first->style == YAML_STYLE_DOUBLE);
}

static bool container_wanted(const struct job *job, size_t index)
{
    for (size_t field = 0; field < FIELD_COUNT; field++) {
        if (job->wants[index][field].set || job->wants[index][field].remove) {
            return true;
        }
    }
    return false;
}

/* Lines put behind a last line that has no end begin with one; where that line goes, the end of the line
 * before is there. */
static void join_at_end(struct edit_session *s)
{
    for (size_t i = 1; i < s->now.count; i++) {
        const struct edit_splice *gone = &s->now.items[i - 1];
        struct edit_splice *come = &s->now.items[i];
        bool whole_line = gone->end == s->length && gone->end > gone->start && gone->length == 0 &&
                          (gone->start == 0 || s->bytes[gone->start - 1] == '\n');
        if (whole_line && come->start == s->length) {
            size_t skipped = strspn(come->text, "\r\n");
            come->text += skipped;
            come->length -= skipped;
        }
    }
}

static void forget_local(struct job *job)
{
    for (size_t i = 0; i < job->workload.container_count; i++) {
        for (size_t field = 0; field < FIELD_COUNT; field++) {
            job->wants[i][field].local = false;
        }
    }
}

/* Plans all containers of the workload into session->now. */
static int plan_containers(struct job *job, enum edit_sharing sharing, struct err *err)
{
    struct edit_session *s = job->session;
    struct layout layout = {.bytes = s->bytes,
                            .length = s->length,
                            .stream = s->stream,
                            .arena = s->arena,
                            .splices = &s->now,
                            .json = is_json(s)};
    s->now.count = 0;
    for (size_t i = 0; i < job->workload.container_count; i++) {
        if (container_wanted(job, i) &&
            edit_plan_container(&layout, s->document.root, &job->workload.containers[i], job->wants[i],
                                sharing, err)) {
            return -1;
        }
    }
    sort_splices(&s->now);
    join_at_end(s);
    return check_overlap(&s->now, err);
}

static bool has_alias(const struct yaml_node *node)
{
    if (node->kind == YAML_KIND_ALIAS) {
        return true;
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (has_alias(child)) {
            return true;
        }
    }
    return false;
}

/* Widens the place of a List's item to whole lines: "- apiVersion: v1 …" can be read alone. False when the
 * item does not stand so. */
static bool widen_to_lines(const struct edit_session *s, const struct yaml_node *node, struct unit *unit)
{
    size_t start = node->start;
    size_t dashes = 0;
    while (start > 0 && (s->bytes[start - 1] == ' ' || s->bytes[start - 1] == '-')) {
        start--;
        dashes += s->bytes[start] == '-';
    }
    if (dashes != 1 || (start > 0 && s->bytes[start - 1] != '\n')) {
        return false;
    }
    const char *feed = memchr(s->bytes + node->end, '\n', s->length - node->end);
    unit->start = start;
    unit->end = feed == NULL ? s->length : (size_t)(feed - s->bytes) + 1;
    unit->listed = true;
    return true;
}

/* The document, or in a List without aliases the item: so that a long List is not read again for each of its
 * items. */
static struct unit unit_of(const struct job *job)
{
    const struct edit_session *s = job->session;
    struct yaml_node *node = job->object.node;
    struct unit unit = {
        .start = s->document.start, .end = s->document.end, .root = s->document.root, .item = job->item};
    if (job->item == 0 || s->document.root->kind != YAML_KIND_MAPPING || has_alias(s->document.root)) {
        return unit;
    }
    bool inside = false;
    if (node->style == YAML_STYLE_FLOW) {
        unit.start = node->start;
        unit.end = node->end;
        inside = true;
    } else {
        inside = widen_to_lines(s, node, &unit);
    }
    if (inside) {
        unit.root = node;
        unit.item = 0;
    }
    return unit;
}

/* The bytes of a unit with the planned splices. */
static int edited_unit(const struct edit_session *s, const struct unit *unit, struct buf *out,
                       struct err *err)
{
    struct edit_splices moved = {0};
    int failed = 0;
    for (size_t i = 0; i < s->now.count && !failed; i++) {
        struct edit_splice splice = s->now.items[i];
        if (splice.start < unit->start || splice.end > unit->end) {
            failed = err_set(err, ERR_DATA, "the change reaches beyond its place in the manifest");
            break;
        }
        splice.start -= unit->start;
        splice.end -= unit->start;
        GROW(moved.items, moved.capacity, moved.count + 1);
        moved.items[moved.count++] = splice;
    }
    failed = failed || edit_splices_apply(s->bytes + unit->start, unit->end - unit->start, &moved, out, err);
    free(moved.items);
    return failed ? -1 : 0;
}

/* Reads the edited unit: one document, of which the workload is told to be found at *root. */
static int read_unit(struct yaml_stream *stream, struct arena *arena, const struct unit *unit,
                     struct yaml_node **root, struct err *err)
{
    struct yaml_document document;
    struct yaml_document more;
    struct yaml_fault fault;
    struct err broken = {0};
    if (yaml_next(stream, arena, &document, &fault, &broken) != 1 ||
        yaml_next(stream, arena, &more, &fault, &broken) != 0) {
        return err_set(err, ERR_DATA, "the changed manifest would not be valid YAML: %s",
                       broken.message[0] == '\0' ? "it would have another number of documents"
                                                 : broken.message);
    }
    *root = document.root;
    if (unit->listed) {
        bool one = *root != NULL && (*root)->kind == YAML_KIND_SEQUENCE && (*root)->count == 1;
        *root = one ? (*root)->first : NULL;
    }
    return 0;
}

/* Reads what the plan makes and compares. */
static int check_plan(struct job *job, struct err *err)
{
    struct edit_session *s = job->session;
    struct unit unit = unit_of(job);
    struct yaml_limits limits = yaml_default_limits;
    struct yaml_stream *after = NULL;
    struct yaml_node *root = NULL;
    struct yaml_fault fault;
    struct arena arena;
    struct buf text;
    buf_init(&text, UNIT_CAP);
    arena_init(&arena);
    limits.max_depth = 1000;
    int failed = edited_unit(s, &unit, &text, err) ||
                 yaml_open(buf_str(&text), text.length, &limits, &after, &fault, err) ||
                 read_unit(after, &arena, &unit, &root, err);
    if (!failed) {
        struct edit_check check = {.before = s->stream,
                                   .after = after,
                                   .arena = &arena,
                                   .workload = &job->workload,
                                   .wants = (const struct edit_want(*)[FIELD_COUNT])job->wants};
        failed = edit_check_documents(&check, unit.root, root, unit.item, err);
    }
    yaml_close(after);
    arena_release(&arena);
    buf_release(&text);
    return failed ? -1 : 0;
}

/* Plans and checks. Without aliases there is one way; with them the one that changes least and means what is
 * wanted. */
static int plan_checked(struct job *job, struct err *err)
{
    static const enum edit_sharing ways[] = {EDIT_OVERRIDE, EDIT_FOLLOW, EDIT_OVERRIDE, EDIT_MOVE};
    bool shared = has_alias(job->session->document.root);
    struct err why = {0};
    for (size_t i = shared ? 1 : 0; i < (shared ? ARRAY_COUNT(ways) : 1); i++) {
        struct err this_time = {0};
        forget_local(job);
        if (plan_containers(job, ways[i], &this_time) == 0 && check_plan(job, &this_time) == 0) {
            return 0;
        }
        if (ways[i] == EDIT_OVERRIDE) {
            why = this_time;
        }
    }
    return err_set(err, ERR_DATA, "%s", why.message);
}

/* Tells what each request became. */
static void report(const struct job *job, const struct edit_request *requests, size_t count,
                   struct edit_done *done)
{
    for (size_t i = 0; i < count; i++) {
        size_t index = 0;
        if (done[i].changed && find_container(&job->workload, requests[i].container, &index, NULL) == 0) {
            const struct edit_want *want = &job->wants[index][requests[i].field];
            done[i].local = want->local;
            done[i].to = want->set ? want->text : NULL;
        }
    }
}

int edit_session_plan(struct edit_session *session, const struct edit_request *requests, size_t count,
                      struct edit_done *done, const struct edit_splices **splices, struct err *err)
{
    struct job job = {.session = session, .item = count > 0 ? requests[0].item : 0};
    bool changed = false;
    session->now.count = 0;
    *splices = &session->now;
    if (count == 0) {
        return 0;
    }
    if (locate(&job, requests[0].document, err)) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (take_request(&job, &requests[i], &done[i], err)) {
            return -1;
        }
        changed = changed || done[i].changed;
    }
    if (!changed) {
        return 0;
    }
    if (plan_checked(&job, err)) {
        session->now.count = 0;
        return -1;
    }
    if (check_free(session, err)) {
        session->now.count = 0;
        return -1;
    }
    add_all(&session->all, &session->now);
    report(&job, requests, count, done);
    return 0;
}

static int compare_requests(const void *a, const void *b)
{
    const struct edit_request *left = a;
    const struct edit_request *right = b;
    if (left->document != right->document) {
        return left->document < right->document ? -1 : 1;
    }
    return (left->item > right->item) - (left->item < right->item);
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
