#include "stages/apply/live.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/url.h"
#include "stages/common/cluster_kind.h"
#include "stages/common/machine/image.h"
#include "stages/common/machine/rest.h"

/* From so many objects of one kind and namespace on, one list is asked for instead of each. */
enum { PATH_TEXT = 2048, LIST_FROM = 4 };

/* The plan's objects of one kind in one namespace. */
struct group {
    const struct cluster *cluster;
    const struct cluster_writer *writer;
    const char *kind;
    const char *namespace;
    const struct cluster_kind *row;
    const char *version;
    const json_t *wanted; /* object name → item of the plan */
    json_t *seen;         /* names that the list had */
};

/* The record of an item: *record new. */
static int record_at(const struct cluster_writer *writer, const json_t *item, json_t **record, struct err *err)
{
    const struct apply_plan *plan = writer->plan;
    return spool_at(plan->spool, plan->items[json_integer_value(item)].offset, record, err);
}

static int gone(const char *name, const json_t *record, struct err *err)
{
    const char *uid = json_string_or_null(json_at(record, "workload.live"), "uid");
    return err_set(err, ERR_STALE, "the plan is stale: %s is not in the cluster any more, the plan was made from the one with the uid %s",
                   name, uid == NULL ? "unknown" : uid);
}

/* Compares an object (NULL: it is gone) with its record. */
static int compare(const struct group *group, const char *object_name, const json_t *item, const json_t *object, struct err *err)
{
    json_t *record = NULL;
    if (record_at(group->writer, item, &record, err)) {
        return -1;
    }
    char *name = xasprintf("%s/%s/%s", group->namespace, group->kind, object_name);
    /* A dry run tells of every object; an apply is refused before it has begun, so that the run stays approved. */
    bool written = !group->writer->policy.rehearse && json_array_size(json_at(record, "change.edits")) > 0;
    int failed = object == NULL ? gone(name, record, err) : image_as_planned(record, name, object, err);
    failed = failed || (written && rest_check(name, object, err));
    free(name);
    json_decref(record);
    return failed ? -1 : 0;
}

/* ---- One by one ---- */

static int read_one(const struct group *group, const char *name, const json_t *item, struct err *err)
{
    struct buf path;
    struct err why = {0};
    json_t *object = NULL;
    long status = 0;
    buf_init(&path, PATH_TEXT);
    buf_add_str(&path, *group->row->group == '\0' ? "/api/" : "/apis/");
    buf_printf(&path, "%s%s%s/namespaces/", group->row->group, *group->row->group == '\0' ? "" : "/", group->version);
    url_escape(&path, group->namespace);
    buf_printf(&path, "/%s/", group->row->resource);
    url_escape(&path, name);
    int failed = kube_get(group->cluster->api, buf_str(&path), &object, &status, &why);
    if (failed && status != 404) {
        *err = why;
    } else {
        failed = compare(group, name, item, object, err);
    }
    json_decref(object);
    buf_release(&path);
    return failed;
}

static int read_each(const struct group *group, struct err *err)
{
    const char *name = NULL;
    const json_t *item = NULL;
    json_object_foreach((json_t *)(uintptr_t)group->wanted, name, item)
    {
        if (read_one(group, name, item, err)) {
            return -1;
        }
    }
    return 0;
}

/* ---- By a list ---- */

static int take_listed(void *context, json_t *object, struct err *err)
{
    struct group *group = context;
    const char *name = json_string_or_null(json_object_get(object, "metadata"), "name");
    const json_t *item = name == NULL ? NULL : json_object_get(group->wanted, name);
    if (item == NULL) {
        return 0;
    }
    json_object_set_new(group->seen, name, json_true());
    return compare(group, name, item, object, err);
}

static void start_anew(void *context)
{
    struct group *group = context;
    json_object_clear(group->seen);
}

static int check_unseen(const struct group *group, struct err *err)
{
    const char *name = NULL;
    const json_t *item = NULL;
    json_object_foreach((json_t *)(uintptr_t)group->wanted, name, item)
    {
        if (json_object_get(group->seen, name) == NULL && compare(group, name, item, NULL, err)) {
            return -1;
        }
    }
    return 0;
}

/* Who may not list may still read them one by one. */
static int read_list(struct group *group, struct err *err)
{
    struct kube_query query = {
        .group = group->row->group,
        .version = group->version,
        .resource = group->row->resource,
        .kind = group->kind,
        .namespace = group->namespace,
    };
    struct kube_taker taker = {take_listed, start_anew, group};
    struct err why = {0};
    long status = 0;
    group->seen = json_object();
    int failed = kube_list(group->cluster->api, &query, &taker, &status, &why);
    if (!failed) {
        failed = check_unseen(group, err);
    } else if (status == 403) {
        failed = read_each(group, err);
    } else {
        *err = why;
    }
    json_decref(group->seen);
    return failed;
}

/* ---- All of them ---- */

static int check_group(const struct cluster *cluster, const struct cluster_writer *writer, const json_t *wanted, struct err *err)
{
    json_t *record = NULL;
    struct identity identity;
    struct group group = {.cluster = cluster, .writer = writer, .wanted = wanted};
    json_t *first = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)wanted));
    if (record_at(writer, first, &record, err) || record_identity(record, &identity, err)) {
        json_decref(record);
        return -1;
    }
    group.kind = identity.kind;
    group.namespace = identity.namespace == NULL ? writer->permit->default_namespace : identity.namespace;
    group.version = cluster_version(cluster, identity.kind, &group.row);
    int failed = group.version == NULL
                     ? err_set(err, ERR_STALE, "the plan is stale: the cluster does not know the kind %s of %s/%s/%s any more",
                               identity.kind, group.namespace, identity.kind, identity.name)
                 : json_object_size(wanted) >= LIST_FROM ? read_list(&group, err)
                                                         : read_each(&group, err);
    json_decref(record);
    return failed;
}

/* Sorts a record's object into its group. */
static int sort_in(const struct cluster_writer *writer, const json_t *record, size_t item, json_t *groups, struct err *err)
{
    struct identity identity;
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    char *key = xasprintf("%s/%s", identity.kind, identity.namespace == NULL ? writer->permit->default_namespace : identity.namespace);
    json_t *group = json_object_get(groups, key);
    if (group == NULL) {
        group = json_object();
        json_object_set_new(groups, key, group);
    }
    json_object_set_new(group, identity.name, json_integer((json_int_t)item));
    free(key);
    return 0;
}

static int same_cluster(const struct cluster *cluster, const json_t *record, struct err *err)
{
    const char *then = json_string_or_null(json_at(record, "workload.live"), "cluster_id");
    if (cluster_is(cluster, then, "the plan was made from", err) == 0) {
        return 0;
    }
    return err->class == ERR_STALE ? err_prefix(err, "the plan is stale") : -1;
}

static int sort_all(const struct cluster *cluster, const struct cluster_writer *writer, json_t *groups, struct err *err)
{
    for (size_t i = 0; i < writer->plan->item_count; i++) {
        const struct apply_item *item = &writer->plan->items[i];
        json_t *record = NULL;
        if (item->fate != FATE_PENDING) {
            continue;
        }
        if (spool_at(writer->plan->spool, item->offset, &record, err)) {
            return -1;
        }
        int failed = same_cluster(cluster, record, err) ||
                     (cluster_row(writer, record) == NULL && sort_in(writer, record, i, groups, err));
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

int live_check(const struct cluster *cluster, const struct cluster_writer *writer, struct err *err)
{
    const char *key = NULL;
    const json_t *group = NULL;
    json_t *groups = json_object();
    int failed = sort_all(cluster, writer, groups, err);
    json_object_foreach(groups, key, group)
    {
        failed = failed || check_group(cluster, writer, group, err) ? -1 : 0;
    }
    json_decref(groups);
    return failed;
}
