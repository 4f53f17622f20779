#include "pipeline/kube/kubeconfig_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/url.h"

enum { FILES_MAX = 100, NAMES_SHOWN = 12, ENTRIES_MAX = 10000 };

/* Reads the one document of a file. An empty file is an empty configuration. */
static int read_file(struct kubeconfig *config, struct kube_file *file, struct err *err)
{
    struct yaml_fault fault = {0};
    struct yaml_document document;
    struct err problem = {0};
    buf_init(&file->bytes, KUBE_CONFIG_MAX);
    if (fs_read(file->path, &file->bytes, err)) {
        return -1;
    }
    int got = -1;
    if (yaml_open(buf_str(&file->bytes), file->bytes.length, NULL, &file->stream, &fault, &problem) == 0) {
        got = yaml_next(file->stream, &config->arena, &document, &fault, &problem);
    }
    if (got < 0) {
        return err_set(err, ERR_CONFIG, "%s, line %zu, column %zu: %s", file->path, fault.line, fault.column,
                       problem.message);
    }
    file->root = got == 0 ? NULL : yaml_resolve(document.root);
    if (file->root != NULL && yaml_type_of(file->root) == YAML_TYPE_NULL) {
        file->root = NULL;
    }
    struct kube_entry root = {.config = config, .file = file, .what = "a kubeconfig", .node = file->root};
    const char *kind = NULL;
    if (file->root == NULL) {
        return 0;
    }
    if (file->root->kind != YAML_KIND_MAPPING) {
        return kube_entry_error(&root, NULL, err, "it must be a mapping with clusters, users and contexts");
    }
    if (kube_entry_text(&root, "kind", &kind, err)) {
        return -1;
    }
    return kind == NULL || str_equal(kind, "Config")
               ? 0
               : kube_entry_error(&root, NULL, err, "its kind must be Config, it is %s", kind);
}

static int add_file(struct kubeconfig *config, const char *path, struct err *err)
{
    if (config->count == FILES_MAX) {
        return err_set(err, ERR_CONFIG, "$KUBECONFIG names more than %d files", FILES_MAX);
    }
    for (size_t i = 0; i < config->count; i++) {
        if (str_equal(config->files[i].path, path)) {
            return 0;
        }
    }
    GROW(config->files, config->capacity, config->count + 1);
    struct kube_file *file = &config->files[config->count++];
    *file = (struct kube_file){.path = xstrdup(path)};
    return read_file(config, file, err);
}

/* As kubectl does, a file of the list that is not there is passed over. */
static int add_if_there(struct kubeconfig *config, const char *path, struct err *err)
{
    struct stat what;
    return stat(path, &what) == 0 ? add_file(config, path, err) : 0;
}

static int add_listed(struct kubeconfig *config, const char *list, struct err *err)
{
    int failed = 0;
    for (const char *at = list; *at != '\0' && !failed;) {
        size_t length = strcspn(at, ":");
        char *path = xstrndup(at, length);
        failed = length > 0 && add_if_there(config, path, err);
        free(path);
        at += length + (at[length] == ':');
    }
    return failed ? -1 : 0;
}

static int add_usual(struct kubeconfig *config, struct err *err)
{
    const char *list = getenv("KUBECONFIG");
    const char *home = getenv("HOME");
    if (list != NULL && *list != '\0') {
        return add_listed(config, list, err);
    }
    if (home == NULL || *home == '\0') {
        return 0;
    }
    char *path = fs_join(home, ".kube/config");
    int failed = add_if_there(config, path, err);
    free(path);
    return failed;
}

int kubeconfig_open(const char *path, struct kubeconfig **out, struct err *err)
{
    struct kubeconfig *config = xcalloc(sizeof *config);
    arena_init(&config->arena);
    if (path == NULL ? add_usual(config, err) : add_file(config, path, err)) {
        kubeconfig_close(config);
        return -1;
    }
    *out = config;
    return 0;
}

void kubeconfig_close(struct kubeconfig *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < config->count; i++) {
        struct kube_file *file = &config->files[i];
        yaml_close(file->stream);
        buf_wipe(&file->bytes);
        free(file->path);
    }
    free(config->files);
    arena_wipe(&config->arena);
    free(config);
}

bool kubeconfig_is_empty(const struct kubeconfig *config)
{
    static const char *const lists[] = {"contexts", "clusters", "users"};
    for (size_t i = 0; i < config->count; i++) {
        for (size_t k = 0; k < ARRAY_COUNT(lists); k++) {
            const struct yaml_node *list = yaml_get(config->files[i].stream, config->files[i].root, lists[k]);
            if (list != NULL && list->kind != YAML_KIND_SCALAR && list->count > 0) {
                return false;
            }
        }
    }
    return true;
}

/* The list of a file, NULL when it has none. */
static int get_list(struct kubeconfig *config, struct kube_file *file, const char *list,
                    struct yaml_node **out, struct err *err)
{
    struct yaml_node *node = yaml_get(file->stream, file->root, list);
    struct kube_entry root = {.config = config, .file = file, .what = list, .node = file->root};
    *out = NULL;
    if (yaml_type_of(node) == YAML_TYPE_NULL) {
        return 0;
    }
    if (node->kind != YAML_KIND_SEQUENCE) {
        return kube_entry_error(&root, node, err, "it must be a list");
    }
    if (node->count > ENTRIES_MAX) {
        return kube_entry_error(&root, node, err, "it has more than %d entries", ENTRIES_MAX);
    }
    *out = node;
    return 0;
}

/* Finds the entry of a name in one file; the same name twice is refused, as kubectl does. */
static int find_in_file(struct kube_entry *entry, const char *list, const char *name, struct err *err)
{
    struct yaml_node *node;
    if (get_list(entry->config, entry->file, list, &node, err)) {
        return -1;
    }
    for (struct yaml_node *item = node == NULL ? NULL : node->first; item != NULL; item = item->next) {
        struct kube_entry at = *entry;
        const char *its = NULL;
        at.node = yaml_resolve(item);
        at.what = list;
        if (at.node->kind != YAML_KIND_MAPPING) {
            return kube_entry_error(&at, NULL, err, "each of them must be a mapping with a name");
        }
        if (kube_entry_text(&at, "name", &its, err)) {
            return -1;
        }
        if (!str_equal(its, name)) {
            continue;
        }
        if (entry->place != NULL) {
            return kube_entry_error(entry, at.node, err, "this name stands in the list twice");
        }
        entry->place = at.node;
    }
    return 0;
}

/* Finds the first file's entry of a name, and in it the mapping `member`. *out has no place where there is
 * none. */
static int find(struct kubeconfig *config, const char *list, const char *member, const char *name,
                struct kube_entry *out, struct err *err)
{
    *out = (struct kube_entry){.config = config,
                               .what = arena_printf(&config->arena, "%s \"%s\"", member, name)};
    for (size_t i = 0; i < config->count && out->place == NULL; i++) {
        out->file = &config->files[i];
        if (find_in_file(out, list, name, err)) {
            return -1;
        }
    }
    if (out->place == NULL) {
        return 0;
    }
    out->node = yaml_get(out->file->stream, out->place, member);
    if (yaml_type_of(out->node) == YAML_TYPE_NULL) {
        out->node = NULL; /* it is there, and says nothing */
        return 0;
    }
    return out->node->kind == YAML_KIND_MAPPING
               ? 0
               : kube_entry_error(out, out->node, err, "it must be a mapping");
}

/* The files, for a message. */
static const char *paths(struct kubeconfig *config)
{
    const char *text = config->count == 0 ? "the kubeconfig" : config->files[0].path;
    for (size_t i = 1; i < config->count; i++) {
        text = arena_printf(&config->arena, "%s:%s", text, config->files[i].path);
    }
    return text;
}

/* The hint that names the contexts there are. */
static int hint_contexts(struct kubeconfig *config, struct err *err)
{
    const char *names = NULL;
    size_t count = 0;
    for (size_t i = 0; i < config->count; i++) {
        struct kube_file *file = &config->files[i];
        struct yaml_node *list = yaml_get(file->stream, file->root, "contexts");
        for (struct yaml_node *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
            const char *name = yaml_scalar(&config->arena, yaml_get(file->stream, item, "name"));
            if (name != NULL && ++count <= NAMES_SHOWN) {
                names = arena_printf(&config->arena, names == NULL ? "%s%s" : "%s, %s",
                                     names == NULL ? "" : names, name);
            }
        }
    }
    if (count == 0) {
        return err_hint(err, "it has no context: name another file with --kubeconfig");
    }
    return err_hint(err, "name one with --context; there %s %s%s", count == 1 ? "is" : "are", names,
                    count > NAMES_SHOWN ? " and others" : "");
}

/* The name of the chosen context, else of the current one. */
static int context_name(struct kubeconfig *config, const struct kube_choice *choice, const char **name,
                        struct err *err)
{
    *name = choice->context;
    for (size_t i = 0; i < config->count && *name == NULL; i++) {
        struct kube_entry root = {.config = config,
                                  .file = &config->files[i],
                                  .what = "a kubeconfig",
                                  .node = config->files[i].root};
        if (root.node != NULL && kube_entry_text(&root, "current-context", name, err)) {
            return -1;
        }
    }
    if (*name == NULL) {
        err_set(err, ERR_CONFIG, "%s: no context is chosen, and there is no current-context", paths(config));
        return hint_contexts(config, err);
    }
    return 0;
}

static int find_context(struct kubeconfig *config, const struct kube_choice *choice,
                        struct kube_entry *context, const char **name, struct err *err)
{
    if (context_name(config, choice, name, err) || find(config, "contexts", "context", *name, context, err)) {
        return -1;
    }
    if (context->place == NULL) {
        bool typed = choice->context != NULL && choice->context_typed;
        err_set(err, typed ? ERR_USAGE : ERR_CONFIG, "%s: there is no context \"%s\"", paths(config), *name);
        return hint_contexts(config, err);
    }
    return 0;
}

/* An address without a scheme is https where anything speaks for TLS, as for kubectl. */
static int read_server(const struct kube_entry *cluster, struct kube_access *access, struct err *err)
{
    if (kube_entry_copy(cluster, "server", &access->server, err)) {
        return -1;
    }
    if (access->server == NULL) {
        return kube_entry_error(cluster, NULL, err, "it names no server");
    }
    if (strstr(access->server, "://") == NULL) {
        char *bare = access->server;
        access->server =
            xasprintf("%s://%s", access->ca_pem != NULL || access->insecure ? "https" : "http", bare);
        free(bare);
    }
    return 0;
}

static int read_proxy(const struct kube_entry *cluster, struct kube_access *access, struct err *err)
{
    if (kube_entry_copy(cluster, "proxy-url", &access->proxy, err)) {
        return -1;
    }
    if (access->proxy == NULL) {
        return 0;
    }
    if (str_starts(access->proxy, "socks5://")) { /* names are the proxy's business, as for kubectl */
        char *plain = access->proxy;
        access->proxy = xasprintf("socks5h%s", plain + strlen("socks5"));
        mem_free_secret(plain);
    } else if (!str_starts(access->proxy, "http://") && !str_starts(access->proxy, "https://")) {
        return kube_entry_error(cluster, NULL, err,
                                "proxy-url must begin with http://, https:// or socks5://");
    }
    return 0;
}

static int read_cluster(const struct kube_entry *cluster, const struct kube_choice *choice,
                        struct kube_access *access, struct err *err)
{
    if (kube_entry_flag(cluster, "insecure-skip-tls-verify", &access->insecure, err) ||
        kube_entry_pem(cluster, "certificate-authority", &access->ca_pem, err) ||
        kube_entry_copy(cluster, "tls-server-name", &access->server_name, err) ||
        read_server(cluster, access, err) || read_proxy(cluster, access, err)) {
        return -1;
    }
    if (access->insecure && access->ca_pem != NULL) {
        return kube_entry_error(
            cluster, NULL, err,
            "it names a certificate authority and says insecure-skip-tls-verify: one of them must go");
    }
    if (access->insecure && !choice->insecure) {
        kube_entry_error(cluster, NULL, err,
                         "insecure-skip-tls-verify is refused: anybody could pose as this server");
        return err_hint(
            err, "give certificate-authority-data instead, or permit it with --insecure-skip-tls-verify");
    }
    return 0;
}

/* A token on plain http is everybody's; only on this machine it stays where it is. */
static int check_plain(const struct kube_entry *cluster, const struct kube_access *access, struct err *err)
{
    bool secret = access->token != NULL || access->token_file != NULL || access->password != NULL ||
                  access->exec != NULL;
    if (!secret || !str_starts(access->server, "http://") || url_is_loopback(access->server)) {
        return 0;
    }
    kube_entry_error(cluster, NULL, err,
                     "its server is plain http: the credentials could be read on the way");
    return err_hint(err, "give the server's https address");
}

static int fill(struct kubeconfig *config, const struct kube_choice *choice, struct kube_access *access,
                struct err *err)
{
    struct kube_entry context, cluster, user;
    const char *name = NULL;
    const char *cluster_name = NULL;
    const char *user_name = NULL;
    if (find_context(config, choice, &context, &name, err) ||
        kube_entry_text(&context, "cluster", &cluster_name, err) ||
        kube_entry_text(&context, "user", &user_name, err) ||
        kube_entry_copy(&context, "namespace", &access->namespace, err)) {
        return -1;
    }
    access->context = xstrdup(name);
    access->origin = xasprintf("context \"%s\" of %s", name, context.file->path);
    if (cluster_name == NULL) {
        return kube_entry_error(&context, NULL, err, "it names no cluster");
    }
    if (find(config, "clusters", "cluster", cluster_name, &cluster, err)) {
        return -1;
    }
    if (cluster.place == NULL) {
        return kube_entry_error(&context, NULL, err, "there is no cluster \"%s\"", cluster_name);
    }
    if (read_cluster(&cluster, choice, access, err)) {
        return -1;
    }
    if (user_name == NULL) {
        return 0;
    }
    if (find(config, "users", "user", user_name, &user, err)) {
        return -1;
    }
    if (user.place == NULL) {
        return kube_entry_error(&context, NULL, err, "there is no user \"%s\"", user_name);
    }
    return kubeconfig_user(&user, &cluster, access, err) || check_plain(&cluster, access, err) ? -1 : 0;
}

int kubeconfig_access(struct kubeconfig *config, const struct kube_choice *choice, struct kube_access **out,
                      struct err *err)
{
    struct kube_access *access = xcalloc(sizeof *access);
    if (fill(config, choice, access, err)) {
        kube_access_free(access);
        return -1;
    }
    *out = access;
    return 0;
}
