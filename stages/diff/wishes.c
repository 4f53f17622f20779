#include "stages/diff/wishes.h"

#include <string.h>

#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"

enum { WISHES_MAX = MANIFEST_CONTAINERS_MAX * FIELD_COUNT };

static const char *amount_key(enum manifest_field field)
{
    return manifest_is_cpu(field) ? "cpu_millicores" : "memory_bytes";
}

/* Whether `remove` of a container's recommendation names a field ("limits.cpu"). */
static bool is_removed(const json_t *wanted, enum manifest_field field)
{
    size_t index;
    json_t *name;
    json_array_foreach(json_object_get(wanted, "remove"), index, name)
    {
        const char *text = json_string_value(name);
        const char *section = manifest_section(field);
        size_t length = text == NULL || !str_starts(text, section) ? 0 : strlen(section);
        if (length > 0 && text[length] == '.' && str_equal(text + length + 1, manifest_resource(field))) {
            return true;
        }
    }
    return false;
}

/* The wish for one field, if there is one. */
static int read_field(const json_t *wanted, enum manifest_field field, struct edit_request *request,
                      bool *there, struct err *err)
{
    const json_t *value =
        json_object_get(json_object_get(wanted, manifest_section(field)), amount_key(field));
    bool removed = is_removed(wanted, field);
    bool given = value != NULL && !json_is_null(value);
    *there = removed || given;
    if (given && (removed || !json_is_integer(value) || json_integer_value(value) < 0)) {
        return err_set(err, ERR_DATA, "the recommendation for %s.%s of container \"%s\" %s",
                       manifest_section(field), manifest_resource(field), request->container,
                       removed ? "both sets and removes it" : "is no whole number of at least 0");
    }
    request->field = field;
    request->remove = removed;
    request->value = given ? json_integer_value(value) : 0;
    return 0;
}

static int read_container(const json_t *source, const json_t *wanted, const char *name, struct wishes *out,
                          struct err *err)
{
    for (enum manifest_field field = 0; field < FIELD_COUNT; field++) {
        struct edit_request request = {.document = (long)json_int_or(source, "document", 1),
                                       .item = (long)json_int_or(source, "item", 0),
                                       .container = name};
        bool there;
        if (read_field(wanted, field, &request, &there, err)) {
            return -1;
        }
        if (there) {
            out->items[out->count++] = request;
        }
    }
    return 0;
}

int wishes_read(const json_t *record, struct arena *arena, struct wishes *out, struct err *err)
{
    const json_t *workload = record_workload(record);
    const json_t *containers = json_object_get(workload, "containers");
    const json_t *wanted = json_at(record, "recommendation.containers");
    size_t found = 0;
    size_t index;
    json_t *container;
    *out = (struct wishes){0};
    if (!str_equal(json_string_or_null(json_object_get(record, "recommendation"), "action"), "resize")) {
        return 0;
    }
    size_t room = json_array_size(containers) * FIELD_COUNT;
    if (room > WISHES_MAX) {
        return err_set(err, ERR_DATA, "the workload has more than %d containers",
                       (int)MANIFEST_CONTAINERS_MAX);
    }
    out->items = arena_alloc_array(arena, room + 1, sizeof *out->items);
    json_array_foreach(containers, index, container)
    {
        const char *name = json_string_or_null(container, "name");
        const json_t *mine = name == NULL ? NULL : json_object_get(wanted, name);
        found += mine != NULL;
        if (mine != NULL && read_container(json_object_get(workload, "source"), mine, name, out, err)) {
            return -1;
        }
    }
    if (found < json_object_size(wanted)) {
        return err_set(err, ERR_DATA, "the recommendation names a container that the workload does not have");
    }
    return 0;
}

static const json_t *container_named(const json_t *record, const char *name, size_t *index, const char **list)
{
    const json_t *containers = json_at(record, "workload.containers");
    size_t at[2] = {0, 0};
    size_t i;
    json_t *container;
    json_array_foreach(containers, i, container)
    {
        bool init = !str_equal(json_string_or_null(container, "role"), "container");
        if (str_equal(json_string_or_null(container, "name"), name)) {
            *index = at[init];
            *list = init ? "initContainers" : "containers";
            return container;
        }
        at[init]++;
    }
    return NULL;
}

static const char *format(struct arena *arena, enum manifest_field field, int64_t value)
{
    char text[QUANTITY_MAX];
    return arena_strdup(arena, manifest_is_cpu(field) ? quantity_cpu_format(value, text)
                                                      : quantity_memory_format(value, text));
}

static const char *path_text(struct arena *arena, const json_t *record, const char *list, size_t index,
                             enum manifest_field field)
{
    const struct manifest_kind *type =
        manifest_kind_named(json_string_or_null(record_workload(record), "kind"));
    const char *path = "";
    for (size_t i = 0; type != NULL && type->pod_path[i] != NULL; i++) {
        path = arena_printf(arena, "%s%s.", path, type->pod_path[i]);
    }
    return arena_printf(arena, "%s%s[%zu].resources.%s.%s", path, list, index, manifest_section(field),
                        manifest_resource(field));
}

struct edit_done *wishes_without_file(const json_t *record, const struct wishes *wishes, struct arena *arena)
{
    struct edit_done *done = arena_alloc_array(arena, wishes->count + 1, sizeof *done);
    for (size_t i = 0; i < wishes->count; i++) {
        const struct edit_request *wish = &wishes->items[i];
        size_t index = 0;
        const char *list = "containers";
        int64_t now = 0;
        const json_t *container = container_named(record, wish->container, &index, &list);
        bool there = json_get_int(json_object_get(container, manifest_section(wish->field)),
                                  amount_key(wish->field), &now);
        done[i] = (struct edit_done){.path = path_text(arena, record, list, index, wish->field),
                                     .changed = wish->remove ? there : !there || now != wish->value,
                                     .from = there ? format(arena, wish->field, now) : NULL,
                                     .to = wish->remove ? NULL : format(arena, wish->field, wish->value)};
    }
    return done;
}
