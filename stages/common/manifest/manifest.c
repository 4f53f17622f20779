#include "stages/common/manifest/manifest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "stages/common/manifest/template.h"

enum { REPLICAS_MAX = INT32_MAX, SHOWN_MAX = 60, TYPE_MAX = 253, NAME_BYTES_MAX = 253 };

void manifest_reader_init(struct manifest_reader *reader, struct yaml_stream *stream, struct arena *arena)
{
    reader->stream = stream;
    reader->arena = arena;
    reader->fault_count = 0;
    reader->fatal = false;
}

void manifest_add_fault(struct manifest_reader *reader, bool fatal, const char *code, size_t offset,
                        const char *format, ...)
{
    struct err sentence;
    reader->fatal = reader->fatal || fatal;
    if (reader->fault_count == MANIFEST_FAULTS_MAX) {
        return;
    }
    va_list args;
    va_start(args, format);
    err_vset(&sentence, ERR_DATA, format, args);
    va_end(args);
    reader->faults[reader->fault_count++] = (struct manifest_fault){
        .code = code, .message = arena_strdup(reader->arena, sentence.message), .offset = offset, .fatal = fatal};
}

struct yaml_node *manifest_value(struct manifest_reader *reader, struct yaml_node *node, const char *key)
{
    struct yaml_pair pair = {0};
    if (!yaml_find(reader->stream, node, key, &pair)) {
        return NULL;
    }
    if (pair.again != NULL) {
        manifest_add_fault(reader, true, "duplicate-key", pair.again->start, "the key \"%s\" is there twice",
                           key);
    }
    return yaml_type_of(pair.value) == YAML_TYPE_NULL ? NULL : yaml_resolve(pair.value);
}

struct yaml_node *manifest_map(struct manifest_reader *reader, struct yaml_node *node, const char *key,
                               const char *what)
{
    struct yaml_node *value = manifest_value(reader, node, key);
    if (value != NULL && value->kind != YAML_KIND_MAPPING) {
        manifest_add_fault(reader, true, "bad-value", value->start, "%s is not a mapping", what);
        return NULL;
    }
    return value;
}

/* What a value is that is no string of use. */
static const char *not_a_string(struct yaml_node *value)
{
    switch (yaml_type_of(value)) {
    case YAML_TYPE_TEXT:
        return "binary";
    case YAML_TYPE_BOOL:
        return "a truth value, not a string: it needs quotes";
    case YAML_TYPE_INT:
    case YAML_TYPE_FLOAT:
        return "a number, not a string: it needs quotes";
    default:
        return "not a string";
    }
}

const char *manifest_text(struct manifest_reader *reader, struct yaml_node *node, const char *key,
                          const char *what)
{
    struct yaml_node *value = manifest_value(reader, node, key);
    const char *text = value == NULL ? NULL : yaml_string(reader->arena, value);
    if (value != NULL && text == NULL) {
        manifest_add_fault(reader, true, "bad-value", value->start, "%s is %s", what, not_a_string(value));
    }
    return text;
}

int manifest_quantity(struct arena *arena, struct yaml_node *node, bool cpu, int64_t *value, struct err *err)
{
    enum yaml_type type = yaml_type_of(node);
    int64_t integer;
    node = yaml_resolve(node);
    if (node->kind != YAML_KIND_SCALAR || type == YAML_TYPE_BOOL || type == YAML_TYPE_NULL) {
        return err_set(err, ERR_DATA, "the value is not a quantity");
    }
    const char *text = node->text;
    size_t length = node->length;
    if (type == YAML_TYPE_INT && yaml_int(node, &integer)) { /* also 0x10, 010 and 1_000 */
        text = arena_printf(arena, "%lld", (long long)integer);
        length = strlen(text);
    }
    return cpu ? quantity_cpu(text, length, value, err) : quantity_memory(text, length, value, err);
}

/* Whether an object is a list of objects, and its items. */
static struct yaml_node *items_of(struct manifest_reader *reader, const struct manifest_object *object)
{
    if (object->kind == NULL || !str_ends(object->kind, "List")) {
        return NULL;
    }
    struct yaml_node *items = yaml_get(reader->stream, object->node, "items");
    return items != NULL && items->kind == YAML_KIND_SEQUENCE ? items : NULL;
}

/* What items of a typed list ("DeploymentList") may leave out, because the list says it. */
static struct manifest_object usual_item(struct manifest_reader *reader, const struct manifest_object *list)
{
    size_t length = strlen(list->kind) - strlen("List");
    if (length == 0) {
        return (struct manifest_object){0};
    }
    return (struct manifest_object){.kind = arena_strndup(reader->arena, list->kind, length),
                                    .api_version = list->api_version};
}

struct walk {
    struct manifest_reader *reader;
    int (*each)(void *context, const struct manifest_object *object);
    void *context;
    long items;
};

/* A kind or version; what is longer than TYPE_MAX is none. */
static const char *type_text(struct manifest_reader *r, struct yaml_node *value)
{
    value = yaml_resolve(value);
    return value == NULL || value->length > TYPE_MAX ? NULL : yaml_string(r->arena, value);
}

/* Sets version and kind. Where the object has two, those that make it a workload: manifest_read then says what
 * is there twice. */
static void read_type(struct manifest_reader *r, struct manifest_object *object)
{
    static const char *const keys[] = {"apiVersion", "kind"};
    const char *found[2][2] = {{NULL, NULL}, {NULL, NULL}};
    for (int i = 0; i < 2; i++) {
        struct yaml_pair pair;
        if (yaml_find(r->stream, object->node, keys[i], &pair)) {
            found[i][0] = type_text(r, pair.value);
            found[i][1] = pair.again == NULL ? NULL : type_text(r, pair.again->next);
        }
    }
    object->api_version = found[0][0];
    object->kind = found[1][0];
    for (int i = 0; i < 4 && manifest_kind_of(object->api_version, object->kind) == NULL; i++) {
        if (manifest_kind_of(found[0][i & 1], found[1][i >> 1]) != NULL) {
            object->api_version = found[0][i & 1];
            object->kind = found[1][i >> 1];
        }
    }
}

/* `usual` is what items may leave out, NULL for the root. Depth is bounded by the YAML reader; aliases of
 * items by the number of aliases. */
static int walk_object(struct walk *walk, struct yaml_node *node, const struct manifest_object *usual,
                       size_t depth)
{
    struct manifest_reader *r = walk->reader;
    node = yaml_resolve(node);
    if (node == NULL || node->kind != YAML_KIND_MAPPING || depth > yaml_default_limits.max_depth) {
        return 0;
    }
    struct manifest_object object = {.node = node};
    read_type(r, &object);
    if (usual != NULL && object.kind == NULL && object.api_version == NULL) {
        object.kind = usual->kind;
        object.api_version = usual->api_version;
    }
    struct yaml_node *items = items_of(r, &object);
    if (items != NULL) {
        struct manifest_object item_usual = usual_item(r, &object);
        for (struct yaml_node *item = items->first; item != NULL; item = item->next) {
            int result = walk_object(walk, item, &item_usual, depth + 1);
            if (result != 0) {
                return result;
            }
        }
        return 0;
    }
    object.item = usual == NULL ? 0 : ++walk->items;
    object.type = manifest_kind_of(object.api_version, object.kind);
    return walk->each(walk->context, &object);
}

int manifest_each(struct manifest_reader *reader, struct yaml_node *root,
                  int (*each)(void *context, const struct manifest_object *object), void *context)
{
    struct walk walk = {.reader = reader, .each = each, .context = context};
    return walk_object(&walk, root, NULL, 0);
}

/* A whole number; also one written as a float ("2.0", "1e1"), which Kubernetes' tools hand on as JSON's 2. */
static bool read_whole(struct manifest_reader *r, struct yaml_node *value, int64_t *out)
{
    if (yaml_int(value, out)) {
        return true;
    }
    char *end = NULL;
    const char *text = yaml_type_of(value) == YAML_TYPE_FLOAT ? yaml_scalar(r->arena, value) : NULL;
    double number = text == NULL ? -1 : strtod(text, &end);
    if (text == NULL || *end != '\0' || !(number >= 0 && number <= REPLICAS_MAX)) { /* NaN is neither */
        return false;
    }
    *out = (int64_t)number;
    return number - (double)*out <= 0;
}

static void read_replicas(struct manifest_reader *r, struct yaml_node *spec, const char *key,
                          struct manifest_workload *out)
{
    struct yaml_node *value = key == NULL ? NULL : manifest_value(r, spec, key);
    if (value == NULL) {
        return;
    }
    if (!read_whole(r, value, &out->replicas) || out->replicas < 0 || out->replicas > REPLICAS_MAX) {
        bool scalar = value->kind == YAML_KIND_SCALAR;
        const char *quote = !scalar || value->style == YAML_STYLE_PLAIN ? "" : "\"";
        manifest_add_fault(r, true, "bad-value", value->start,
                           "spec.%s is not a whole number of at least 0%s%s%.*s%s", key, scalar ? ": " : "", quote,
                           (int)(value->length < SHOWN_MAX ? value->length : SHOWN_MAX), scalar ? value->text : "",
                           quote);
        return;
    }
    out->has_replicas = true;
}

/* Text that a template fills in. With an action of Helm's the file is one; other braces are listed as
 * written. */
static void check_rendered(struct manifest_reader *r, const char *text, size_t offset, const char *what)
{
    if (text != NULL && strstr(text, "{{") != NULL) {
        bool helm = template_has_action(text, strlen(text));
        manifest_add_fault(r, helm, "helm-template", offset, "%s is still to be filled in by a template",
                           what);
    }
}

/* Identities are NAMESPACE/KIND/NAME. Kubernetes takes neither slashes in them nor longer ones. */
static void check_named(struct manifest_reader *r, const char *text, size_t offset, const char *what)
{
    if (text != NULL && (strchr(text, '/') != NULL || strlen(text) > NAME_BYTES_MAX) && strstr(text, "{{") == NULL) {
        manifest_add_fault(r, true, "bad-value", offset, "%s is no name of an object: it %s", what,
                           strchr(text, '/') != NULL ? "has a slash" : "is longer than 253 bytes");
    }
}

/* Follows the keys to the pod's spec; each has to be a mapping. */
static void read_spec(struct manifest_reader *r, struct manifest_workload *out)
{
    const struct manifest_kind *type = out->object->type;
    struct yaml_node *node = out->object->node;
    char what[128] = "";
    for (size_t i = 0; type->pod_path[i] != NULL && node != NULL; i++) {
        size_t used = strlen(what);
        snprintf(what + used, sizeof what - used, "%s%s", i == 0 ? "" : ".", type->pod_path[i]);
        node = manifest_map(r, node, type->pod_path[i], what);
        if (i == 0 && node != NULL) {
            read_replicas(r, node, type->replicas, out);
        }
    }
    out->pod = node;
}

static void read_metadata(struct manifest_reader *r, struct manifest_workload *out)
{
    struct yaml_node *node = out->object->node;
    out->metadata = manifest_map(r, node, "metadata", "metadata");
    out->name = manifest_text(r, out->metadata, "name", "metadata.name");
    out->namespace = manifest_text(r, out->metadata, "namespace", "metadata.namespace");
    if (out->namespace != NULL && out->namespace[0] == '\0') {
        out->namespace = NULL;
    }
    check_rendered(r, out->name, node->start, "metadata.name");
    check_rendered(r, out->namespace, node->start, "metadata.namespace");
    check_named(r, out->name, node->start, "metadata.name");
    check_named(r, out->namespace, node->start, "metadata.namespace");
    if ((out->name == NULL || out->name[0] == '\0') && !r->fatal) {
        bool generated = manifest_value(r, out->metadata, "generateName") != NULL;
        manifest_add_fault(r, true, "bad-value", node->start, "the %s has no metadata.name%s",
                           out->object->kind, generated ? " (a generateName has no usage to look up)" : "");
        r->faults[r->fault_count - 1].aside = generated;
    }
}

int manifest_read(struct manifest_reader *reader, const struct manifest_object *object,
                  struct manifest_workload *out)
{
    *out = (struct manifest_workload){.object = object};
    reader->fault_count = 0;
    reader->fatal = false;
    manifest_value(reader, object->node, "kind"); /* a second one would be a guess */
    manifest_value(reader, object->node, "apiVersion");
    read_metadata(reader, out);
    read_spec(reader, out);
    if (out->pod != NULL) {
        manifest_read_pod(reader, out);
    }
    for (size_t i = 0; i < out->container_count; i++) {
        check_rendered(reader, out->containers[i].name, out->containers[i].node->start, "a container's name");
        check_rendered(reader, out->containers[i].image, out->containers[i].node->start,
                       "a container's image");
    }
    struct yaml_node *odd = yaml_odd_key(object->node);
    if (odd != NULL) {
        manifest_add_fault(reader, true, "bad-value", odd->start, "%s",
                           yaml_resolve(odd)->kind != YAML_KIND_SCALAR ? "a key is a mapping or a list"
                           : yaml_is_merge(odd) ? "the merge key names neither a mapping nor a list of mappings"
                                                : "a key is null");
    }
    if (yaml_exhausted(reader->stream)) {
        manifest_add_fault(reader, true, "alias-limit", object->node->start,
                           "the merge keys of the document lead to too many mappings");
    }
    return reader->fatal ? -1 : 0;
}
