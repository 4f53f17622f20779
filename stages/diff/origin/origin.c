#include "stages/diff/origin/origin.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { DEEP = 24, ORIGINS_MAX = 2000, KNOWN_SCORE = 10, NAME_SCORE = 3, PATCH_SCORE = 4 };

/* One file at work. */
struct finding {
    struct plain_file *file;
    enum tree_role role;             /* of the file, or of the patch inside */
    const struct embedded *embedded; /* that patch, NULL: the file itself */
    const struct subject *subject;
    struct arena *arena;
    struct origins *out;
    struct yaml_stream *stream;
    struct yaml_document document;
    struct arena nodes; /* of the document */
    const char *path[DEEP + 1];
    const char *operation; /* where an operation of a JSON patch writes to, NULL elsewhere */
    bool json;
};

static bool has_amounts(const struct subject *subject)
{
    for (size_t field = 0; field < FIELD_COUNT; field++) {
        if (subject->amounts[field].present) {
            return true;
        }
    }
    return false;
}

/* What a place says of what the container has. `fields` receives those that it may hold: all that it does not
 * contradict. False when there are none. */
static bool agreement(const struct subject *subject, const struct manifest_amount *says,
                      bool fields[FIELD_COUNT], int *score)
{
    bool any = false;
    *score = 0;
    for (size_t field = 0; field < FIELD_COUNT; field++) {
        const struct manifest_amount *has = &subject->amounts[field];
        fields[field] = !says[field].present || (has->present && has->value == says[field].value);
        *score += !fields[field] ? -KNOWN_SCORE : says[field].present ? KNOWN_SCORE : 0;
        any = any || fields[field];
    }
    return any;
}

static char plain(char c)
{
    return (char)tolower((unsigned char)c);
}

/* Whether a key and a name are of one thing: one holds the other, cases and dashes aside. */
static bool related(const char *key, const char *name)
{
    char a[64] = "";
    char b[64] = "";
    size_t lengths[2] = {0, 0};
    for (const char *c = key; *c != '\0' && lengths[0] + 1 < sizeof a; c++) {
        if (isalnum((unsigned char)*c)) {
            a[lengths[0]++] = plain(*c);
        }
    }
    for (const char *c = name; *c != '\0' && lengths[1] + 1 < sizeof b; c++) {
        if (isalnum((unsigned char)*c)) {
            b[lengths[1]++] = plain(*c);
        }
    }
    return lengths[0] > 1 && lengths[1] > 1 && (strstr(a, b) != NULL || strstr(b, a) != NULL);
}

/* How well the keys to a place name the container or its workload. */
static int name_score(const struct finding *f, size_t depth)
{
    int score = 0;
    for (size_t i = 0; i < depth; i++) {
        bool ours = related(f->path[i], f->subject->container) || related(f->path[i], f->subject->name);
        score += ours ? NAME_SCORE : -1;
    }
    return score;
}

static struct origin *add(struct finding *f, size_t depth, int score)
{
    struct origins *out = f->out;
    const char *place = "";
    if (out->count == ORIGINS_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < depth; i++) {
        place = arena_printf(f->arena, "%s%s%s", place, i == 0 ? "" : ".", f->path[i]);
    }
    GROW(out->items, out->capacity, out->count + 1);
    struct origin *origin = &out->items[out->count++];
    *origin = (struct origin){.file = f->file,
                              .embedded = f->embedded,
                              .document = f->document.number,
                              .place = f->operation != NULL ? arena_strdup(f->arena, f->operation) : place,
                              .json = f->json,
                              .score = score + f->file->rank};
    return origin;
}

/* The amounts of a mapping like `resources`. False when one is no amount. */
static bool read_amounts(struct finding *f, struct yaml_node *map, struct manifest_amount says[FIELD_COUNT])
{
    for (enum manifest_field field = 0; field < FIELD_COUNT; field++) {
        struct err ignored = {0};
        struct yaml_node *section = yaml_get(f->stream, map, manifest_section(field));
        struct yaml_node *value = yaml_get(f->stream, section, manifest_resource(field));
        says[field] = (struct manifest_amount){.present = yaml_type_of(value) != YAML_TYPE_NULL};
        if (says[field].present &&
            manifest_quantity(&f->nodes, value, manifest_is_cpu(field), &says[field].value, &ignored)) {
            return false;
        }
    }
    return true;
}

static void take_mapping(struct finding *f, struct yaml_node *map, size_t depth)
{
    struct manifest_amount says[FIELD_COUNT] = {{.present = false}};
    bool fields[FIELD_COUNT];
    int score = 0;
    bool fits = (map == NULL || read_amounts(f, map, says)) && agreement(f->subject, says, fields, &score);
    struct origin *origin = fits && score >= 0 ? add(f, depth, score + name_score(f, depth - 1)) : NULL;
    if (origin == NULL) {
        return;
    }
    const char **keys = arena_alloc_array(f->arena, depth + 1, sizeof *keys);
    for (size_t i = 0; i < depth; i++) {
        keys[i] = arena_strdup(f->arena, f->path[i]);
    }
    origin->keys = keys;
    memcpy(origin->fields, fields, sizeof fields);
}

/* Whether the keys say that a value has to do with a resource; else a plain number could be anything. */
static bool is_about(const struct finding *f, size_t depth, bool cpu)
{
    static const char *const words[2][2] = {{"mem", "mem"}, {"cpu", "core"}};
    for (size_t i = 0; i < depth; i++) {
        char key[64] = "";
        for (size_t k = 0; f->path[i][k] != '\0' && k + 1 < sizeof key; k++) {
            key[k] = plain(f->path[i][k]);
        }
        if (strstr(key, words[cpu][0]) != NULL || strstr(key, words[cpu][1]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Whether an operation of a JSON patch writes a field. */
static bool operation_writes(const char *operation, enum manifest_field field)
{
    char tail[64];
    snprintf(tail, sizeof tail, "/resources/%s/%s", manifest_section(field), manifest_resource(field));
    return str_ends(operation, tail);
}

static void take_scalar(struct finding *f, const struct yaml_node *node, size_t depth)
{
    bool fields[FIELD_COUNT] = {false};
    bool any = false;
    for (enum manifest_field field = 0; field < FIELD_COUNT; field++) {
        struct err ignored = {0};
        int64_t value = 0;
        const struct manifest_amount *has = &f->subject->amounts[field];
        bool cpu = manifest_is_cpu(field);
        struct yaml_node copy = *node;
        fields[field] =
            has->present && manifest_quantity(&f->nodes, &copy, cpu, &value, &ignored) == 0 &&
            value == has->value &&
            (f->operation != NULL ? operation_writes(f->operation, field) : is_about(f, depth, cpu));
        any = any || fields[field];
    }
    struct origin *origin = any ? add(f, depth, KNOWN_SCORE - 2 + name_score(f, depth)) : NULL;
    if (origin != NULL) {
        memcpy(origin->fields, fields, sizeof fields);
        origin->start = node->value;
        origin->end = node->end;
        origin->style = (enum yaml_style)node->style;
    }
}

static bool named_resources(const char *key)
{
    static const char word[] = "resources";
    size_t length = strlen(key);
    size_t start = length < sizeof word - 1 ? length : length - (sizeof word - 1);
    for (size_t i = 0; i < sizeof word - 1; i++) {
        if (plain(key[start + i]) != word[i]) {
            return false;
        }
    }
    return true;
}

/* Whether a value looks like `resources`: by what it holds, or empty by its key. */
static bool like_resources(struct finding *f, const char *key, struct yaml_node *value)
{
    struct yaml_node *node = yaml_resolve(value);
    if (node != NULL && node->kind == YAML_KIND_MAPPING && node->count > 0) {
        return yaml_get(f->stream, node, "requests") != NULL || yaml_get(f->stream, node, "limits") != NULL;
    }
    bool empty = (node != NULL && node->kind == YAML_KIND_MAPPING) || yaml_type_of(node) == YAML_TYPE_NULL;
    return empty && named_resources(key);
}

static void walk(struct finding *f, struct yaml_node *node, size_t depth);

static void walk_value(struct finding *f, const char *key, struct yaml_node *value, size_t depth)
{
    f->path[depth] = key;
    if (like_resources(f, key, value)) {
        struct yaml_node *node = yaml_resolve(value);
        take_mapping(f, node->kind == YAML_KIND_MAPPING ? node : NULL, depth + 1);
    } else if (value->kind == YAML_KIND_SCALAR) {
        take_scalar(f, value, depth + 1);
    } else if (value->kind != YAML_KIND_ALIAS) {
        walk(f, value, depth + 1);
    }
}

/* A mapping of values that could have `resources` and has none: only for a container that has no numbers at
 * all. */
static void take_absent(struct finding *f, struct yaml_node *map, size_t depth)
{
    if (f->role != TREE_VALUES || has_amounts(f->subject) || yaml_get(f->stream, map, "resources") != NULL ||
        (depth > 0 && yaml_get(f->stream, map, "image") == NULL)) {
        return;
    }
    f->path[depth] = "resources";
    take_mapping(f, NULL, depth + 1);
}

static void walk(struct finding *f, struct yaml_node *node, size_t depth)
{
    if (depth >= DEEP) {
        return;
    }
    if (node->kind == YAML_KIND_SEQUENCE) {
        size_t index = 0;
        for (struct yaml_node *item = node->first; item != NULL; item = item->next) {
            f->operation = depth > 0 || f->role != TREE_PATCH
                               ? NULL
                               : yaml_string(&f->nodes, yaml_get(f->stream, item, "path"));
            walk_value(f, arena_printf(&f->nodes, "%zu", index++), item, depth);
        }
        f->operation = NULL;
    } else if (node->kind == YAML_KIND_MAPPING) {
        for (struct yaml_node *key = node->first; key != NULL && key->next != NULL; key = key->next->next) {
            const char *text = yaml_is_merge(key) ? NULL : yaml_scalar(&f->nodes, key);
            if (text != NULL) {
                walk_value(f, text, key->next, depth);
            }
        }
        take_absent(f, node, depth);
    }
}

/* A container of an object in a patch or resource file. */
static int take_object(void *context, const struct manifest_object *object)
{
    struct finding *f = context;
    struct manifest_workload workload;
    struct manifest_reader reader;
    manifest_reader_init(&reader, f->stream, &f->nodes);
    if (object->type == NULL || !str_equal(object->kind, f->subject->kind) ||
        manifest_read(&reader, object, &workload)) {
        return 0;
    }
    /* A prefix or suffix may have come to the name; a patch with a target may be named anything. */
    bool named = strstr(f->subject->name, workload.name) != NULL;
    bool patch = f->role == TREE_PATCH;
    int bonus = (patch ? PATCH_SCORE : 0) - (named ? 0 : KNOWN_SCORE);
    if (!named && !patch) {
        return 0;
    }
    for (size_t i = 0; i < workload.container_count; i++) {
        const struct manifest_container *container = &workload.containers[i];
        bool fields[FIELD_COUNT];
        int score = 0;
        bool fits = str_equal(container->name, f->subject->container) &&
                    agreement(f->subject, container->amounts, fields, &score);
        struct origin *origin = fits ? add(f, 0, score + bonus) : NULL;
        if (origin != NULL) {
            origin->container = f->subject->container;
            origin->item = object->item;
            origin->place = arena_printf(f->arena, "%s/%s", object->kind, workload.name);
            memcpy(origin->fields, fields, sizeof fields);
        }
    }
    return 0;
}

static void read_text(struct finding *f, const char *bytes, size_t length);

/* The patch that a text in a kustomization file is. */
static void take_inline(struct finding *f, struct yaml_node *text)
{
    text = yaml_resolve(text);
    struct finding inner = {
        .file = f->file, .role = TREE_PATCH, .subject = f->subject, .arena = f->arena, .out = f->out};
    inner.embedded = text == NULL ? NULL : embedded_of(buf_str(&f->file->bytes), text, f->arena);
    if (inner.embedded != NULL) {
        read_text(&inner, inner.embedded->bytes, inner.embedded->length);
    }
}

/* Patches that stand in a kustomization itself. */
static void take_kustomization(struct finding *f, struct yaml_node *root)
{
    static const char *const lists[] = {"patches", "patchesJson6902", "patchesStrategicMerge"};
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        struct yaml_node *list = yaml_get(f->stream, root, lists[i]);
        struct yaml_node *item = list == NULL || list->kind != YAML_KIND_SEQUENCE ? NULL : list->first;
        for (; item != NULL; item = item->next) {
            struct yaml_node *value = yaml_resolve(item);
            take_inline(f, value != NULL && value->kind == YAML_KIND_MAPPING
                               ? yaml_get(f->stream, value, "patch")
                               : value);
        }
    }
}

/* Values are walked whole; of patches the lists of operations, and of objects the containers. */
static void take_document(struct finding *f)
{
    struct yaml_node *root = yaml_resolve(f->document.root);
    f->json = root->style == YAML_STYLE_FLOW && root->first != NULL && str_ends(f->file->path, ".json");
    if (f->role == TREE_RULES) {
        take_kustomization(f, root);
    } else if (f->role == TREE_VALUES || (f->role == TREE_PATCH && root->kind == YAML_KIND_SEQUENCE)) {
        walk(f, root, 0);
    } else if (f->role == TREE_PATCH || f->role == TREE_RESOURCE) {
        struct manifest_reader reader;
        manifest_reader_init(&reader, f->stream, &f->nodes);
        manifest_each(&reader, root, take_object, f);
    }
}

static void read_text(struct finding *f, const char *bytes, size_t length)
{
    struct yaml_fault fault;
    struct err ignored = {0};
    if (yaml_open(bytes, length, NULL, &f->stream, &fault, &ignored)) {
        return;
    }
    arena_init(&f->nodes);
    for (int got = 1; got != 0;) {
        arena_clear(&f->nodes);
        got = yaml_next(f->stream, &f->nodes, &f->document, &fault, &ignored);
        if (got == 1 && f->document.root != NULL) {
            take_document(f);
        }
    }
    arena_release(&f->nodes);
    yaml_close(f->stream);
}

void origins_find(struct plain_file *file, const struct subject *subject, struct arena *arena,
                  struct origins *out)
{
    struct finding f = {.file = file, .role = file->role, .subject = subject, .arena = arena, .out = out};
    read_text(&f, buf_str(&file->bytes), file->bytes.length);
}

/* Insertion sort: they are few, and it keeps the order of equals. */
void origins_sort(struct origins *origins)
{
    for (size_t i = 1; i < origins->count; i++) {
        struct origin moved = origins->items[i];
        size_t at = i;
        for (; at > 0 && origins->items[at - 1].score < moved.score; at--) {
            origins->items[at] = origins->items[at - 1];
        }
        origins->items[at] = moved;
    }
}
