#include "stages/common/machine/detail.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const char *const actions[] = {"change", "create"};

json_t *detail_new(const struct machine_object *object, const char *uid)
{
    char version[256];
    bool core = *object->group == '\0';
    snprintf(version, sizeof version, "%s%s%s", object->group, core ? "" : "/", object->version);
    json_t *detail = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "action", actions[object->action], "api_version", version,
                               "group", object->group, "version", object->version, "resource", object->resource, "kind", object->kind,
                               "namespace", object->namespace, "name", object->object_name, "uid", json_string_safe(uid));
    const char *cluster = json_string_or_null(json_at(object->record, "workload.live"), "cluster_id");
    json_object_set_new(detail, "cluster_id", json_string_safe(cluster));
    return detail;
}

json_t *detail_planned(const struct machine_object *object)
{
    const json_t *change = json_object_get(object->record, "change");
    json_t *merge = json_object_get(change, "merge_patch");
    json_t *operations = json_object_get(change, "json_patch");
    if (object->action == MACHINE_CREATE) {
        return (json_t *)(uintptr_t)object->manifest;
    }
    return json_is_object(merge) ? merge : json_is_array(operations) ? operations : NULL;
}

int detail_read(const json_t *detail, const char *name, struct machine_object *object, struct err *err)
{
    const char *action = NULL;
    if (json_get_string(detail, "action", &action, err) || json_get_string(detail, "group", &object->group, err) ||
        json_get_string(detail, "version", &object->version, err) || json_get_string(detail, "resource", &object->resource, err) ||
        json_get_string(detail, "kind", &object->kind, err) || json_get_string(detail, "namespace", &object->namespace, err) ||
        json_get_string(detail, "name", &object->object_name, err)) {
        return err_prefix(err, "the change of %s is not one of an object of a cluster", name);
    }
    char *own = xasprintf("%s/%s/%s", object->namespace, object->kind, object->object_name);
    bool same = str_equal(own, name);
    free(own);
    if (!same) {
        return err_set(err, ERR_DATA, "the row of %s says of itself that it is of %.100s/%.100s/%.200s", name, object->namespace,
                       object->kind, object->object_name);
    }
    object->uid = json_string_or_null(detail, "uid");
    object->action = str_equal(action, actions[MACHINE_CREATE]) ? MACHINE_CREATE : MACHINE_CHANGE;
    object->detail = detail;
    object->name = name;
    return 0;
}
