#include "stages/parse/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/url.h"
#include "stages/common/cluster_kind.h"
#include "stages/parse/cluster_object.h"

/* As large as the API server lets an object be, and then some. */
enum { OBJECT_MAX = 16 * 1024 * 1024 };

struct cluster {
    struct kube_api *api;
    struct kube_groups *groups;
    char *id; /* uid of the namespace kube-system, NULL where it may not be read */
    struct err no_id;
    bool partial; /* a list of workloads was not given */
};

/* Who an object is; the strings live in the listing's arena. */
struct key {
    const char *namespace; /* of a Namespace: its own name */
    const char *kind;
    const char *name;
    size_t index; /* on the shelf */
};

/* What the lists gave so far. */
struct listing {
    struct cluster *cluster;
    const struct cluster_options *options;
    struct intake *intake;
    const struct cluster_kind *kind; /* being listed */
    struct shelf objects;
    struct buf text; /* of the object being taken */
    struct arena arena;
    struct key *keys;
    size_t count; /* objects on the shelf, each with its key */
    size_t capacity;
    size_t mark;   /* before the list at work */
    size_t served; /* lists of workloads that were answered */
    struct err refusal;
};

static int identify(struct cluster *cluster, struct err *err)
{
    json_t *namespace = NULL;
    long status = 0;
    if (kube_get(cluster->api, "/api/v1/namespaces/kube-system", &namespace, &status, &cluster->no_id)) {
        if (status == 403 || status == 404) {
            return 0;
        }
        *err = cluster->no_id;
        return -1;
    }
    cluster->id = xstrdup_null(json_string_or_null(json_object_get(namespace, "metadata"), "uid"));
    json_decref(namespace);
    return 0;
}

int cluster_open(const struct cluster_options *options, struct cluster **out, struct err *err)
{
    struct kube_access *access = NULL;
    struct cluster *cluster = xcalloc(sizeof *cluster);
    if (kube_access_find(&options->choice, &access, err) ||
        kube_api_new(access, &options->limits, &cluster->api, err) ||
        kube_groups_ask(cluster->api, &cluster->groups, err) || identify(cluster, err)) {
        cluster_close(cluster);
        return -1;
    }
    *out = cluster;
    return 0;
}

void cluster_close(struct cluster *cluster)
{
    if (cluster != NULL) {
        kube_groups_free(cluster->groups);
        kube_api_free(cluster->api);
        free(cluster->id);
        free(cluster);
    }
}

json_t *cluster_settings(const struct cluster *cluster)
{
    char server[512];
    const struct kube_access *access = kube_api_access(cluster->api);
    return json_pack("{s:o, s:o, s:o}", "server",
                     json_string_safe(url_public(access->server, server, sizeof server)), "context",
                     json_string_safe(access->context), "cluster_id", json_string_safe(cluster->id));
}

static void add_key(struct listing *listing, const json_t *metadata, const char *name)
{
    struct arena *arena = &listing->arena;
    const char *namespace = json_string_or_null(metadata, "namespace");
    GROW(listing->keys, listing->capacity, listing->count + 1);
    listing->keys[listing->count] =
        (struct key){.namespace = arena_strdup(arena, namespace == NULL ? name : namespace),
                     .kind = listing->kind->kind,
                     .name = arena_strdup(arena, name),
                     .index = listing->count};
    listing->count++;
}

static int take_item(void *context, json_t *object, struct err *err)
{
    struct listing *listing = context;
    const json_t *metadata = json_object_get(object, "metadata");
    const char *name = json_string_or_null(metadata, "name");
    if (name == NULL || (listing->kind->scoped && json_string_or_null(metadata, "namespace") == NULL)) {
        return err_set(err, ERR_DATA, "the Kubernetes API server's list of %s holds an object without a name",
                       listing->kind->resource);
    }
    if (listing->kind->workload && listing->options->wanted == NULL && cluster_kind_owned(object)) {
        return 0;
    }
    buf_clear(&listing->text);
    if (cluster_object_text(object, listing->options->wanted != NULL, &listing->text)) {
        buf_clear(&listing->text); /* no text: too large */
    }
    if (shelf_add_text(&listing->objects, NULL, name, &listing->text, err)) {
        return -1;
    }
    add_key(listing, metadata, name);
    return 0;
}

static void forget_list(void *context)
{
    struct listing *listing = context;
    shelf_truncate(&listing->objects, listing->mark);
    listing->count = listing->mark;
}

/* What a list that was not given is told of; the others go on. */
static int note_refusal(struct listing *listing, const char *namespace, const struct err *failure,
                        struct err *err)
{
    struct intake_place place = {0};
    char *message;
    forget_list(listing);
    listing->cluster->partial |= listing->kind->workload;
    if (listing->kind->workload && listing->refusal.class == ERR_NONE) {
        listing->refusal = *failure;
    }
    message = xasprintf("%s%s%s could not be listed: %s", listing->kind->resource,
                        namespace == NULL ? "" : " of namespace ", namespace == NULL ? "" : namespace,
                        failure->message);
    int failed = intake_error(listing->intake, &place, "not-listed", message, err);
    free(message);
    return failed;
}

/* Lists one kind in one namespace (NULL: in all). The connection and the credentials are everybody's: without
 * them the run ends. */
static int list_kind(struct listing *listing, const char *namespace, struct err *err)
{
    const struct cluster_kind *kind = listing->kind;
    struct kube_query query = {.group = kind->group,
                               .version =
                                   kube_groups_version(listing->cluster->groups, kind->group, kind->versions),
                               .resource = kind->resource,
                               .kind = kind->kind,
                               .namespace = namespace,
                               .labels = kind->workload ? listing->options->selector : NULL,
                               .fields = kind->fields};
    struct kube_taker taker = {.item = take_item, .restart = forget_list, .context = listing};
    struct err failure = {0};
    long status = 0;
    listing->mark = listing->count;
    if (query.version == NULL) {
        return 0;
    }
    if (kube_list(listing->cluster->api, &query, &taker, &status, &failure) == 0) {
        listing->served += kind->workload;
        return 0;
    }
    bool of_all = status == 0 || status == 401 || http_status_ok(status) || failure.class != ERR_UNAVAILABLE;
    if (status == 400 && query.labels != NULL) {
        err_set(err, ERR_USAGE, "the cluster does not understand the selector \"%s\": %s", query.labels, failure.message);
        return err_hint(err, "write it as for kubectl: --selector 'app=shop,tier in (web, api)'");
    }
    if (of_all) {
        *err = failure;
        return -1;
    }
    if (status == 404) { /* the server has the group, or does not tell its groups, and not this kind */
        forget_list(listing);
        return 0;
    }
    return note_refusal(listing, namespace, &failure, err);
}

/* A namespace is got by its name, which a role in that namespace may permit. */
static int get_namespace(struct listing *listing, const char *namespace, struct err *err)
{
    struct buf path;
    json_t *object = NULL;
    struct err failure = {0};
    long status = 0;
    listing->mark = listing->count;
    buf_init(&path, 1024);
    buf_add_str(&path, "/api/v1/namespaces/");
    url_escape(&path, namespace);
    int failed = kube_get(listing->cluster->api, buf_str(&path), &object, &status, &failure);
    buf_release(&path);
    if (!failed) {
        json_object_set_new(object, "kind", json_string(listing->kind->kind));
        failed = take_item(listing, object, err);
        json_decref(object);
        return failed;
    }
    if (status == 0 || status == 401 || http_status_ok(status)) {
        *err = failure;
        return -1;
    }
    if (status == 404) {
        err_set(&failure, ERR_UNAVAILABLE, "the cluster has no namespace \"%s\"", namespace);
    }
    return note_refusal(listing, namespace, &failure, err);
}

/* The kind in the namespaces that were named. */
static int list_named(struct listing *listing, const json_t *namespaces, struct err *err)
{
    size_t index;
    json_t *name;
    json_array_foreach(namespaces, index, name)
    {
        const char *namespace = json_string_value(name);
        if (listing->kind->scoped ? list_kind(listing, namespace, err)
                                  : get_namespace(listing, namespace, err)) {
            return -1;
        }
    }
    return 0;
}

static int list_all(struct listing *listing, struct err *err)
{
    const struct cluster_options *options = listing->options;
    size_t count = 0;
    const struct cluster_kind *kinds = cluster_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        listing->kind = &kinds[i];
        const json_t *named =
            options->wanted == NULL ? options->namespaces : json_object_get(options->wanted, kinds[i].kind);
        bool everywhere = options->wanted == NULL && json_array_size(named) == 0;
        if (everywhere ? list_kind(listing, NULL, err) : list_named(listing, named, err)) {
            return -1;
        }
    }
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *left = a;
    const struct key *right = b;
    int order = strcmp(left->namespace, right->namespace);
    order = order != 0 ? order : strcmp(left->kind, right->kind);
    return order != 0 ? order : strcmp(left->name, right->name);
}

/* One object comes in. What is wrong with it is a note under its name. */
static int hand_over(struct listing *listing, const struct key *key, struct err *err)
{
    struct shelf_item item;
    struct intake_found found;
    int failed;
    if (shelf_read(&listing->objects, &listing->objects.entries[key->index], &item, err)) {
        return -1;
    }
    char *name = xasprintf("%s/%s/%s", key->namespace, key->kind, key->name);
    if (item.length == 0) {
        struct intake_place place = {.object = name};
        failed = intake_error(listing->intake, &place, "size-limit", "the object is larger than 16 MiB", err);
    } else {
        struct intake_text in = {.object = name,
                                 .cluster_id = listing->cluster->id,
                                 .bytes = item.text,
                                 .length = item.length};
        failed = intake_text(listing->intake, &in, &found, err);
        if (!failed) {
            intake_accept(listing->intake, &found);
        }
    }
    free(name);
    return failed;
}

static int hand_over_all(struct listing *listing, struct err *err)
{
    int failed = 0;
    if (listing->count > 1) {
        qsort(listing->keys, listing->count, sizeof *listing->keys, compare_keys);
    }
    for (size_t i = 0; i < listing->count && !failed; i++) {
        failed = hand_over(listing, &listing->keys[i], err);
    }
    return failed;
}

/* The cluster's id is what an apply compares first. */
static int note_no_id(struct listing *listing, struct err *err)
{
    struct intake_place place = {0};
    const struct err *why = &listing->cluster->no_id;
    if (listing->cluster->id != NULL) {
        return 0;
    }
    char *message = xasprintf("the cluster's id is not known: %s",
                              why->class == ERR_NONE ? "kube-system has none" : why->message);
    int failed = intake_error(listing->intake, &place, "not-listed", message, err);
    free(message);
    return failed;
}

int cluster_take(struct cluster *cluster, const struct cluster_options *options, struct intake *intake,
                 struct err *err)
{
    struct listing listing = {.cluster = cluster, .options = options, .intake = intake};
    cluster->partial = false;
    arena_init(&listing.arena);
    buf_init(&listing.text, OBJECT_MAX);
    int failed = shelf_init(&listing.objects, err) || note_no_id(&listing, err) || list_all(&listing, err);
    if (!failed && listing.served == 0 && listing.refusal.class != ERR_NONE) {
        *err = listing.refusal;
        failed = -1;
    }
    failed = failed || hand_over_all(&listing, err);
    shelf_release(&listing.objects);
    arena_release(&listing.arena);
    buf_release(&listing.text);
    free(listing.keys);
    return failed ? -1 : 0;
}

bool cluster_is_whole(const struct cluster *cluster)
{
    return !cluster->partial;
}

static int take_node(void *context, json_t *object, struct err *err)
{
    (void)err;
    nodes_add(context, object);
    return 0;
}

static void forget_nodes(void *context)
{
    nodes_clear(context);
}

int cluster_nodes(struct cluster *cluster, struct nodes *nodes, struct err *err)
{
    static const struct kube_query query = {.group = "", .version = "v1", .resource = "nodes", .kind = "Node"};
    struct kube_taker taker = {.item = take_node, .restart = forget_nodes, .context = nodes};
    if (kube_list(cluster->api, &query, &taker, NULL, err)) {
        nodes_clear(nodes);
        return -1;
    }
    return 0;
}
