#include "stages/mcp/tools.h"

#include <stdlib.h>
#include <string.h>

#include "asset_embed.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "stages/mcp/schema.h"

static json_t *all;

void tools_init(void)
{
    struct err err = {0};
    all = json_read((const char *)asset_tools_json, asset_tools_json_length, "tools.json", &err);
    if (json_array_size(all) != TOOL_COUNT) {
        abort(); /* the program was built wrong */
    }
}

void tools_release(void)
{
    json_decref(all);
    all = NULL;
}

static bool listed(size_t tool, bool read_only)
{
    return !read_only || json_is_true(json_at(json_array_get(all, tool), "annotations.readOnlyHint"));
}

json_t *tools_list(bool read_only)
{
    json_t *out = json_array();
    size_t index = 0;
    json_t *tool = NULL;
    json_array_foreach(all, index, tool)
    {
        if (listed(index, read_only)) {
            json_array_append(out, tool);
        }
    }
    return out;
}

const char *tools_name(enum tool tool)
{
    return json_string_or_null(json_array_get(all, tool), "name");
}

bool tools_find(const char *name, bool read_only, enum tool *out)
{
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        if (str_equal(tools_name((enum tool)i), name) && listed(i, read_only)) {
            *out = (enum tool)i;
            return true;
        }
    }
    return false;
}

/* A quantity is more than its pattern says. */
static int check_amounts(const json_t *container, const char *what, struct err *err)
{
    int64_t value;
    const json_t *amounts = json_object_get(container, what);
    const char *cpu = json_string_or_null(amounts, "cpu");
    const char *memory = json_string_or_null(amounts, "memory");
    if ((cpu != NULL && quantity_cpu(cpu, strlen(cpu), &value, err)) ||
        (memory != NULL && quantity_memory(memory, strlen(memory), &value, err))) {
        err->class = ERR_USAGE;
        return err_prefix(err, "%s of the container %s", what, json_string_or_null(container, "name"));
    }
    return (cpu != NULL) + (memory != NULL);
}

static int check_scale(const json_t *arguments, struct err *err)
{
    size_t index = 0;
    const json_t *container = NULL;
    json_array_foreach(json_object_get(arguments, "containers"), index, container)
    {
        int requests = check_amounts(container, "requests", err);
        int limits = requests < 0 ? -1 : check_amounts(container, "limits", err);
        if (limits < 0) {
            return -1;
        }
        if (requests + limits == 0) {
            return err_set(err, ERR_USAGE, "nothing is proposed for the container %s", json_string_or_null(container, "name"));
        }
    }
    return 0;
}

int tools_check(enum tool tool, const json_t *arguments, struct err *err)
{
    if (tool == TOOL_SCALE && json_object_get(arguments, "replicas") != NULL) {
        err_set(err, ERR_USAGE, "replicas is no argument: plans of tare change requests and limits alone");
        return err_hint(err, "list_recommendations and explain give the advice on replicas and autoscalers, for a person to follow");
    }
    const json_t *schema = json_object_get(json_array_get(all, tool), "inputSchema");
    if (schema_check(schema, arguments, "arguments", err)) {
        return -1;
    }
    return tool == TOOL_SCALE ? check_scale(arguments, err) : 0;
}

json_t *tools_said(const char *text, bool is_error)
{
    json_t *part = json_object();
    json_t *content = json_array();
    json_t *result = json_object();
    json_object_set_new(part, "type", json_string("text"));
    json_object_set_new(part, "text", json_string_safe(text));
    json_array_append_new(content, part);
    json_object_set_new(result, "content", content);
    json_object_set_new(result, "isError", json_boolean(is_error));
    return result;
}
