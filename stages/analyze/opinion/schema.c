#include "stages/analyze/opinion/schema.h"

#include "stages/analyze/opinion/names.h"
#include "stages/analyze/subject/class.h"

static const char *const field_names[FIELDS] = {"cpu_request_millicores", "memory_request_bytes", "cpu_limit_millicores",
                                                "memory_limit_bytes"};

const char *schema_field(enum field field)
{
    return field_names[field];
}

/* New {"type": type}. */
static json_t *type_new(const char *type)
{
    json_t *out = json_object();
    json_object_set_new(out, "type", json_string(type));
    return out;
}

/* New object schema with all members required; steals `properties`. */
static json_t *object_schema(json_t *properties)
{
    json_t *out = type_new("object");
    json_t *required = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(properties, key, value)
    {
        (void)value;
        json_array_append_new(required, json_string(key));
    }
    json_object_set_new(out, "properties", properties);
    json_object_set_new(out, "required", required);
    json_object_set_new(out, "additionalProperties", json_false());
    return out;
}

/* New list schema; steals `items`. `count` 0: of any length. */
static json_t *list_schema(json_t *items, size_t count)
{
    json_t *out = type_new("array");
    json_object_set_new(out, "items", items);
    if (count > 0) {
        json_object_set_new(out, "minItems", json_integer((json_int_t)count));
        json_object_set_new(out, "maxItems", json_integer((json_int_t)count));
    }
    return out;
}

/* New text schema; steals `names`, the only ones allowed, NULL for any. */
static json_t *text_schema(json_t *names)
{
    json_t *out = type_new("string");
    if (names) {
        json_object_set_new(out, "enum", names);
    }
    return out;
}

/* New schema of a reply of `answers` answers (0: any number) with so many containers each (likewise); steals both lists of names. Members
 * stand in the order in which a model had best decide: what it is, why, then numbers. */
static json_t *reply_schema(json_t *workloads, size_t answers, json_t *container_names, size_t containers)
{
    json_t *container = json_object();
    json_t *answer = json_object();
    json_t *reply = json_object();
    json_object_set_new(container, "name", text_schema(container_names));
    for (int f = 0; f < FIELDS; f++) {
        json_object_set_new(container, field_names[f], type_new("integer"));
    }
    json_object_set_new(answer, "workload", text_schema(workloads));
    json_object_set_new(answer, "class", text_schema(class_names_new()));
    json_object_set_new(answer, "reasoning", type_new("string"));
    json_object_set_new(answer, "confidence", type_new("number"));
    json_object_set_new(answer, "containers", list_schema(object_schema(container), containers));
    json_object_set_new(reply, "answers", list_schema(object_schema(answer), answers));
    return object_schema(reply);
}

json_t *schema_new(void)
{
    return reply_schema(NULL, 0, NULL, 0);
}

/* Adds a text to a list that does not hold it. */
static void add_once(json_t *list, const char *text)
{
    size_t index;
    json_t *item;
    json_t *value = json_string_safe(text);
    json_array_foreach(list, index, item)
    {
        if (json_equal(item, value)) {
            json_decref(value);
            return;
        }
    }
    json_array_append_new(list, value);
}

json_t *schema_narrow(const char *const *names, const struct plan *const *plans, size_t count)
{
    json_t *workloads = json_array();
    json_t *containers = json_array();
    for (size_t i = 0; i < count; i++) {
        add_once(workloads, names[i]);
        for (size_t c = 0; c < plans[i]->subject->container_count; c++) {
            char name[CONTAINER_NAME_MAX];
            if (plans[i]->containers[c].judged) {
                add_once(containers, container_name(plans[i]->containers[c].container, name));
            }
        }
    }
    return reply_schema(workloads, count, containers, count == 1 ? json_array_size(containers) : 0);
}
