#include "stages/common/edit/edit_target.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/common/manifest/input_limits.h"

void edit_text_init(struct edit_text *text, const char *bytes, size_t length)
{
    *text = (struct edit_text){.bytes = bytes, .length = length};
    arena_init(&text->arena);
}

void edit_text_release(struct edit_text *text)
{
    yaml_close(text->stream);
    text->stream = NULL;
    arena_release(&text->arena);
}

struct yaml_limits edit_limits(void)
{
    struct input_limits limits = {.yaml = yaml_default_limits};
#define X(option, key, member, least, most, beyond) limits.member = (size_t)(most);
#include "stages/common/manifest/input_limits.def"
#undef X
    return limits.yaml;
}

/* Opens the stream, or opens it again when an earlier document is wanted. */
static int open_stream(struct edit_text *text, long document, struct err *err)
{
    struct yaml_fault fault;
    struct yaml_limits limits = edit_limits();
    if (text->stream != NULL && document >= text->document.number) {
        return 0;
    }
    yaml_close(text->stream);
    text->stream = NULL;
    text->document = (struct yaml_document){0};
    return yaml_open(text->bytes, text->length, &limits, &text->stream, &fault, err);
}

int edit_text_seek(struct edit_text *text, long document, struct err *err)
{
    struct err broken = {0};
    if (open_stream(text, document, err)) {
        return -1;
    }
    while (text->document.number < document) {
        struct yaml_fault fault;
        arena_clear(&text->arena);
        if (yaml_next(text->stream, &text->arena, &text->document, &fault, &broken) == 0) {
            yaml_close(text->stream);
            text->stream = NULL;
            return err_set(err, ERR_DATA, "the manifest has no document %ld", document);
        }
    }
    if (text->document.number != document || text->document.root == NULL) {
        return err_set(err, ERR_DATA, "document %ld of the manifest cannot be read", document);
    }
    return 0;
}

static int take_item(void *context, const struct manifest_object *object)
{
    struct edit_target *target = context;
    if (object->item != target->item) {
        return 0;
    }
    target->object = *object;
    return 1;
}

/* Finds the workload and reads its facts. */
static int find_workload(struct edit_text *text, struct edit_target *target, struct err *err)
{
    struct manifest_reader reader;
    manifest_reader_init(&reader, text->stream, &text->arena);
    manifest_each(&reader, text->document.root, take_item, target);
    if (target->object.type == NULL) {
        return err_set(err, ERR_DATA, "there is no workload at document %ld, item %ld of the manifest",
                       text->document.number, target->item);
    }
    if (manifest_read(&reader, &target->object, &target->workload)) {
        return err_set(err, ERR_DATA, "%s",
                       reader.fault_count == 0 ? "the workload cannot be read" : reader.faults[0].message);
    }
    return 0;
}

/* Whether a key may be the index of an item. */
static bool is_index(const char *key)
{
    return key[0] != '\0' && key[strspn(key, "0123456789")] == '\0';
}

struct yaml_node *edit_step(struct yaml_stream *stream, struct yaml_node *node, const char *key)
{
    struct yaml_pair pair = {0};
    node = yaml_resolve(node);
    if (node != NULL && node->kind == YAML_KIND_SEQUENCE && is_index(key)) {
        unsigned long index = strtoul(key, NULL, 10);
        struct yaml_node *item = node->first;
        for (; item != NULL && index > 0; index--) {
            item = item->next;
        }
        return item;
    }
    return yaml_find(stream, node, key, &pair) && pair.again == NULL ? pair.value : NULL;
}

/* "controller.resources", "workers[0].resources" */
static const char *keys_text(struct arena *arena, const char *const *keys)
{
    const char *text = "";
    for (size_t i = 0; keys[i] != NULL; i++) {
        bool index = is_index(keys[i]);
        text = arena_printf(arena, index ? "%s%s[%s]" : "%s%s%s", text, i == 0 || index ? "" : ".", keys[i]);
    }
    return text;
}

/* The amounts below a mapping like `resources`. */
static int read_amounts(struct edit_text *text, struct yaml_node *resources, struct manifest_container *out,
                        struct err *err)
{
    for (enum manifest_field field = 0; field < FIELD_COUNT; field++) {
        struct manifest_amount *amount = &out->amounts[field];
        struct yaml_node *section = edit_step(text->stream, resources, manifest_section(field));
        struct yaml_node *value = edit_step(text->stream, section, manifest_resource(field));
        if (yaml_type_of(value) == YAML_TYPE_NULL) {
            continue;
        }
        if (manifest_quantity(&text->arena, value, manifest_is_cpu(field), &amount->value, err)) {
            return err_prefix(err, "%s.%s", manifest_section(field), manifest_resource(field));
        }
        amount->present = true;
        amount->node = value;
    }
    return 0;
}

/* Follows the keys; the mapping around the last one is what containers are elsewhere. */
static int find_mapping(struct edit_text *text, struct edit_target *target, struct err *err)
{
    struct yaml_node *node = text->document.root;
    const char *const *key = target->keys;
    for (; key[0] != NULL && key[1] != NULL; key++) {
        node = edit_step(text->stream, node, *key);
    }
    node = yaml_resolve(node);
    if (key[0] == NULL || node == NULL || node->kind != YAML_KIND_MAPPING) {
        return err_set(err, ERR_DATA, "document %ld of the file has no mapping around %s",
                       text->document.number, keys_text(&text->arena, target->keys));
    }
    struct yaml_node *resources = edit_step(text->stream, node, key[0]);
    struct manifest_container *container = arena_alloc(&text->arena, sizeof *container);
    *container = (struct manifest_container){.node = node, .name = key[0], .list = ""};
    if (yaml_type_of(resources) != YAML_TYPE_NULL && yaml_resolve(resources)->kind != YAML_KIND_MAPPING) {
        return err_set(err, ERR_DATA, "%s is not a mapping", keys_text(&text->arena, target->keys));
    }
    target->object.node = text->document.root;
    target->workload.containers = container;
    target->workload.container_count = 1;
    return read_amounts(text, resources, container, err);
}

/* Index of the one container of that name. */
static int find_container(const struct edit_target *target, const char *name, size_t *index, struct err *err)
{
    size_t count = 0;
    *index = 0;
    if (target->keys != NULL) {
        return 0;
    }
    for (size_t i = 0; i < target->workload.container_count; i++) {
        if (str_equal(target->workload.containers[i].name, name)) {
            *index = i;
            count++;
        }
    }
    if (count != 1) {
        return err_set(
            err, ERR_DATA,
            count == 0
                ? "the manifest has no container \"%s\""
                : "the manifest has more than one container \"%s\", which Kubernetes refuses: rename one",
            name);
    }
    return 0;
}

static const char *path_of(struct arena *arena, const struct edit_target *target,
                           const struct manifest_container *container, enum manifest_field field)
{
    const char *path = "";
    if (target->keys != NULL) {
        path = keys_text(arena, target->keys);
    } else {
        for (size_t i = 0; target->object.type->pod_path[i] != NULL; i++) {
            path = arena_printf(arena, "%s%s.", path, target->object.type->pod_path[i]);
        }
        path = arena_printf(arena, "%s%s[%zu].resources", path, container->list, container->index);
    }
    return arena_printf(arena, "%s.%s.%s", path, manifest_section(field), manifest_resource(field));
}

/* What a request is for: nothing when the manifest says so already. */
static int take_request(struct edit_target *target, const struct edit_request *request, struct arena *arena,
                        struct edit_done *done, struct err *err)
{
    size_t index = 0;
    if (find_container(target, request->container, &index, err)) {
        return -1;
    }
    const struct manifest_container *container = &target->workload.containers[index];
    const struct manifest_amount *amount = &container->amounts[request->field];
    struct edit_want *want = &target->wants[index][request->field];
    *done = (struct edit_done){.path = path_of(arena, target, container, request->field)};
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
    done->changed = target->changed = true;
    want->set = !request->remove;
    want->remove = request->remove;
    want->value = request->value;
    want->text = request->text;
    return 0;
}

int edit_target_find(struct edit_text *text, const struct edit_request *requests, size_t count,
                     struct arena *arena, struct edit_target *target, struct edit_done *done, struct err *err)
{
    *target = (struct edit_target){.keys = requests[0].keys, .item = requests[0].item};
    if (target->keys != NULL ? find_mapping(text, target, err) : find_workload(text, target, err)) {
        return -1;
    }
    target->wants = arena_alloc_array(arena, target->workload.container_count + 1, sizeof *target->wants);
    for (size_t i = 0; i < count; i++) {
        if (take_request(target, &requests[i], arena, &done[i], err)) {
            return -1;
        }
    }
    return 0;
}

const char *edit_target_key(const struct edit_target *target)
{
    return target->keys == NULL ? "resources" : target->workload.containers[0].name;
}

bool edit_target_wants(const struct edit_target *target, size_t container)
{
    for (size_t field = 0; field < FIELD_COUNT; field++) {
        if (target->wants[container][field].set || target->wants[container][field].remove) {
            return true;
        }
    }
    return false;
}

void edit_target_report(const struct edit_target *target, const struct edit_request *requests, size_t count,
                        struct edit_done *done)
{
    for (size_t i = 0; i < count; i++) {
        size_t index = 0;
        if (done[i].changed && find_container(target, requests[i].container, &index, NULL) == 0) {
            const struct edit_want *want = &target->wants[index][requests[i].field];
            done[i].local = want->local;
            done[i].to = want->set ? want->text : NULL;
        }
    }
}
