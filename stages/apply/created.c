#include "stages/apply/created.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/url.h"
#include "stages/common/cluster_kind.h"
#include "stages/common/objects/object_live.h"
#include "stages/common/objects/objects.h"

enum { PATH_TEXT = 2048, AUTOSCALERS_MAX = 10000 };

/* ---- For the machine ---- */

int created_object(const json_t *record, size_t index, const char *namespace, const struct ledger_workload *workload,
                   struct arena *arena, struct machine_object *out, struct err *err)
{
    const json_t *object = json_array_get(json_at(record, "change.objects"), index);
    const struct object_kind *kind = object_kind_of(object);
    const char *name = json_string_or_null(object, "name");
    const json_t *manifest = json_object_get(object, "manifest");
    if (kind == NULL || name == NULL || !json_is_object(manifest)) {
        return err_set(err, ERR_DATA, "a new object of %s/%s/%s is of a kind that tare does not make", workload->namespace,
                       workload->kind, workload->name);
    }
    out->name = arena_printf(arena, "%s/%s/%s", namespace, kind->kind, name);
    out->workload = *workload;
    out->group = kind->group;
    out->version = kind->version;
    out->resource = kind->resource;
    out->kind = kind->kind;
    out->namespace = arena_strdup(arena, namespace);
    out->object_name = arena_strdup(arena, name);
    out->action = MACHINE_CREATE;
    out->manifest = manifest;
    return 0;
}

/* ---- Whether the cluster would have them ---- */

struct created_check {
    const struct cluster *cluster;
    json_t *resources;   /* "/apis/GROUP/VERSION" → its resources, as the server lists them; null: may not be asked */
    json_t *autoscalers; /* namespace → list of {kind, name, target: {kind, name}} */
};

struct created_check *created_check_new(const struct cluster *cluster)
{
    struct created_check *check = xcalloc(sizeof *check);
    check->cluster = cluster;
    check->resources = json_object();
    check->autoscalers = json_object();
    return check;
}

void created_check_free(struct created_check *check)
{
    if (check != NULL) {
        json_decref(check->resources);
        json_decref(check->autoscalers);
        free(check);
    }
}

/* What a version of a group has; null where that may not be asked. *out borrowed. */
static int ask_resources(struct created_check *check, const char *path, json_t **out, struct err *err)
{
    json_t *answer = NULL;
    struct err why = {0};
    long status = 0;
    if (kube_get(check->cluster->api, path, &answer, &status, &why) && status != 404 && status != 403) {
        *err = why;
        return -1;
    }
    json_t *list = json_object_get(answer, "resources");
    json_object_set_new(check->resources, path, status == 403 ? json_null() : json_is_array(list) ? json_incref(list) : json_array());
    *out = json_object_get(check->resources, path);
    json_decref(answer);
    return 0;
}

/* Whether the server has this resource: a group may be there without the definition of a kind. Who may not ask is told by the
 * create itself. */
static int is_served(struct created_check *check, const struct machine_object *object, bool *served, struct err *err)
{
    char *path = xasprintf("%s%s/%s", *object->group == '\0' ? "/api" : "/apis/", object->group, object->version);
    json_t *list = json_object_get(check->resources, path);
    int failed = list == NULL ? ask_resources(check, path, &list, err) : 0;
    *served = json_is_null(list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        *served = *served || str_equal(json_string_or_null(json_array_get(list, i), "name"), object->resource);
    }
    free(path);
    return failed;
}

static int not_served(const struct machine_object *object, const char *advice, struct err *err)
{
    err_set(err, ERR_REFUSED, "the cluster does not know the kind %s (%s/%s), so %s cannot be made", object->kind, object->group,
            object->version, object->name);
    return err_hint(err, "install what serves it, or leave %s out of apply.advice and make a new plan", advice);
}

static void object_path(const struct machine_object *object, struct buf *path)
{
    buf_add_str(path, *object->group == '\0' ? "/api/" : "/apis/");
    if (*object->group != '\0') {
        buf_printf(path, "%s/", object->group);
    }
    buf_printf(path, "%s/namespaces/", object->version);
    url_escape(path, object->namespace);
    buf_printf(path, "/%s/", object->resource);
    url_escape(path, object->object_name);
}

/* The name is free, or just such an object has it. */
static int name_is_free(const struct created_check *check, const struct machine_object *object, struct err *err)
{
    struct buf path;
    json_t *live = NULL;
    struct err why = {0};
    long status = 0;
    char differs[ERR_MESSAGE_MAX];
    int failed = 0;
    buf_init(&path, PATH_TEXT);
    object_path(object, &path);
    if (kube_get(check->cluster->api, buf_str(&path), &live, &status, &why) == 0) {
        if (!object_as_planned(live, object->manifest, differs)) {
            err_set(err, ERR_STALE, "the plan is stale: %s is there already, and is another one: %.600s", object->name, differs);
            failed = err_hint(err, "kubectl get %s -n %s %s -o yaml", object->resource, object->namespace, object->object_name);
        }
    } else if (status != 404) {
        *err = why;
        failed = -1;
    }
    json_decref(live);
    buf_release(&path);
    return failed;
}

static int take_autoscaler(void *context, json_t *object, struct err *err)
{
    json_t *list = context;
    const json_t *spec = json_object_get(object, "spec");
    const json_t *target = json_object_get(spec, "scaleTargetRef");
    target = target == NULL ? json_object_get(spec, "targetRef") : target;
    const char *kind = json_string_or_null(target, "kind");
    json_t *entry = json_object();
    if (json_array_size(list) >= AUTOSCALERS_MAX) {
        json_decref(entry);
        return err_set(err, ERR_DATA, "a namespace has more than %d autoscalers", (int)AUTOSCALERS_MAX);
    }
    json_object_set_new(entry, "kind", json_string_safe(json_string_or_null(object, "kind")));
    json_object_set_new(entry, "name", json_string_safe(json_string_or_null(json_object_get(object, "metadata"), "name")));
    json_object_set_new(entry, "target_kind", json_string_safe(kind == NULL ? "Deployment" : kind)); /* as KEDA takes it */
    json_object_set_new(entry, "target_name", json_string_safe(json_string_or_null(target, "name")));
    json_array_append_new(list, entry);
    return 0;
}

static void clear_list(void *context)
{
    json_array_clear(context);
}

/* Adds the autoscalers of one kind in a namespace; a kind that the cluster does not serve has none. */
static int list_kind(struct created_check *check, const struct cluster_kind *kind, const char *namespace, json_t *list, struct err *err)
{
    const char *version = kube_groups_version(check->cluster->groups, kind->group, kind->versions);
    json_t *found = json_array();
    struct kube_query query = {
        .group = kind->group, .version = version, .resource = kind->resource, .kind = kind->kind, .namespace = namespace};
    struct kube_taker taker = {.item = take_autoscaler, .restart = clear_list, .context = found};
    struct err why = {0};
    long status = 0;
    int failed = 0;
    if (version != NULL && kube_list(check->cluster->api, &query, &taker, &status, &why) && status != 404) {
        *err = why;
        failed = -1;
    }
    json_array_extend(list, found);
    json_decref(found);
    return failed;
}

/* All autoscalers of a namespace, asked for once. */
static int autoscalers_of(struct created_check *check, const char *namespace, const json_t **out, struct err *err)
{
    size_t count = 0;
    const struct cluster_kind *kinds = cluster_kinds(&count);
    json_t *list = json_object_get(check->autoscalers, namespace);
    if (list == NULL) {
        list = json_array();
        for (size_t i = 0; i < count; i++) {
            bool scales = str_equal(kinds[i].kind, "HorizontalPodAutoscaler") || str_equal(kinds[i].kind, "VerticalPodAutoscaler") ||
                          str_equal(kinds[i].kind, "ScaledObject");
            if (scales && list_kind(check, &kinds[i], namespace, list, err)) {
                json_decref(list);
                return -1;
            }
        }
        json_object_set_new(check->autoscalers, namespace, list);
    }
    *out = list;
    return 0;
}

/* Whether two autoscalers would work against each other on one workload; one of the same kind and name is the object itself. */
static bool collides(const json_t *there, const struct machine_object *object, const char *advice)
{
    const char *kind = json_string_or_null(there, "kind");
    bool vertical = str_equal(kind, "VerticalPodAutoscaler");
    bool itself = str_equal(kind, object->kind) && str_equal(json_string_or_null(there, "name"), object->object_name);
    return str_equal(json_string_or_null(there, "target_kind"), object->workload.kind) &&
           str_equal(json_string_or_null(there, "target_name"), object->workload.name) && vertical == str_equal(advice, "vpa") && !itself;
}

static int no_other(struct created_check *check, const struct machine_object *object, const char *advice, struct err *err)
{
    const json_t *list = NULL;
    size_t index = 0;
    const json_t *there = NULL;
    if (autoscalers_of(check, object->namespace, &list, err)) {
        return -1;
    }
    json_array_foreach(list, index, there)
    {
        if (collides(there, object, advice)) {
            err_set(err, ERR_STALE, "the plan is stale: %s %s holds %s/%s/%s by now, so %s is not made", json_string_or_null(there, "kind"),
                    json_string_or_null(there, "name"), object->workload.namespace, object->workload.kind, object->workload.name,
                    object->name);
            return err_hint(err, "a new plan takes it into account: tare run");
        }
    }
    return 0;
}

/* ---- Whose the workload is ---- */

static int not_delivered(const struct created_check *check, const struct ledger_workload *workload, struct err *err)
{
    const struct cluster_kind *row = NULL;
    const char *version = cluster_version(check->cluster, workload->kind, &row);
    struct buf path;
    json_t *live = NULL;
    long status = 0;
    if (version == NULL) {
        return 0; /* live_check says so */
    }
    struct machine_object object = {.group = row->group, .version = version, .resource = row->resource,
                                    .namespace = workload->namespace, .object_name = workload->name};
    buf_init(&path, PATH_TEXT);
    object_path(&object, &path);
    int failed = kube_get(check->cluster->api, buf_str(&path), &live, &status, err);
    const json_t *metadata = json_object_get(live, "metadata");
    const char *owner = object_owner(json_object_get(metadata, "labels"), json_object_get(metadata, "annotations"));
    if (!failed && owner != NULL) {
        err_set(err, ERR_REFUSED, "%s delivers %s/%s/%s and would work against a new object beside it", owner, workload->namespace,
                workload->kind, workload->name);
        failed = err_hint(err, "write it into the manifests that it delivers: tare run --target files");
    }
    json_decref(live);
    buf_release(&path);
    return failed;
}

static int check_object(struct created_check *check, const struct machine_object *object, const char *advice, struct err *err)
{
    bool served = false;
    if (is_served(check, object, &served, err)) {
        return -1;
    }
    if (!served) {
        return not_served(object, advice, err);
    }
    return no_other(check, object, advice, err) || name_is_free(check, object, err) ? -1 : 0;
}

int created_check_record(struct created_check *check, const json_t *record, const struct ledger_workload *workload,
                         const json_t *begun, struct err *err)
{
    const json_t *objects = json_at(record, "change.objects");
    struct arena arena;
    int failed = 0;
    if (json_array_size(objects) == 0) {
        return 0;
    }
    arena_init(&arena);
    failed = not_delivered(check, workload, err);
    for (size_t i = 0; !failed && i < json_array_size(objects); i++) {
        struct machine_object object = {0};
        failed = created_object(record, i, workload->namespace, workload, &arena, &object, err);
        if (!failed && json_object_get(begun, object.name) == NULL) {
            failed = check_object(check, &object, json_string_or_null(json_array_get(objects, i), "advice"), err);
        }
    }
    arena_release(&arena);
    return failed ? -1 : 0;
}
