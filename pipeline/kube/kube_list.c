#include "pipeline/kube/kube_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/url.h"

enum { PAGES_MAX = 100 * 1000, PATH_MAX_BYTES = KUBE_PATH_MAX / 2 };

/* Items a page, as a number in the query. */
#define PAGE_SIZE "250"

struct kube_groups {
    json_t *list; /* name → array of versions; NULL: not known */
};

/* The members of a query: a page of a list, or a watch from a version on. */
static void add_fields(const struct kube_query *query, const char *next, const char *watch_from, struct buf *fields)
{
    if (watch_from != NULL) {
        char seconds[24];
        snprintf(seconds, sizeof seconds, "%d", KUBE_WATCH_SECONDS);
        http_add_field(fields, "watch", "true");
        http_add_field(fields, "allowWatchBookmarks", "true");
        http_add_field(fields, "timeoutSeconds", seconds);
        http_add_field(fields, "resourceVersion", watch_from);
    } else {
        http_add_field(fields, "limit", PAGE_SIZE);
    }
    if (query->labels != NULL) {
        http_add_field(fields, "labelSelector", query->labels);
    }
    if (query->fields != NULL) {
        http_add_field(fields, "fieldSelector", query->fields);
    }
    if (next != NULL) {
        http_add_field(fields, "continue", next);
    }
}

int kube_list_path(const struct kube_query *query, const char *next, const char *watch_from, struct buf *out, struct err *err)
{
    struct buf fields;
    buf_init(&fields, PATH_MAX_BYTES);
    add_fields(query, next, watch_from, &fields);
    buf_clear(out);
    buf_add_str(out, *query->group == '\0' ? "/api/" : "/apis/");
    if (*query->group != '\0') {
        buf_printf(out, "%s/", query->group);
    }
    buf_printf(out, "%s/", query->version);
    if (query->namespace != NULL) {
        buf_add_str(out, "namespaces/");
        url_escape(out, query->namespace);
        buf_add_char(out, '/');
    }
    buf_printf(out, "%s?%s", query->resource, buf_str(&fields));
    int failed = out->overflow || fields.overflow;
    buf_release(&fields);
    return failed ? err_set(err, ERR_DATA, "the address of a list of %s is too long", query->resource) : 0;
}

void kube_list_complete(const struct kube_query *query, json_t *item)
{
    if (json_string_or_null(item, "apiVersion") == NULL) {
        const char *slash = *query->group == '\0' ? "" : "/";
        json_object_set_new(item, "apiVersion", json_sprintf("%s%s%s", query->group, slash, query->version));
    }
    if (json_string_or_null(item, "kind") == NULL) {
        json_object_set_new(item, "kind", json_string(query->kind));
    }
}

int kube_list_page(const struct kube_query *query, const json_t *page, const struct kube_taker *taker, struct err *err)
{
    json_t *items = json_object_get(page, "items");
    size_t index;
    json_t *item;
    if (!json_is_array(items) && !json_is_null(items)) {
        return err_set(err, ERR_DATA, "the Kubernetes API server's list of %s is none: it has no items",
                       query->resource);
    }
    json_array_foreach(items, index, item)
    {
        if (!json_is_object(item)) {
            return err_set(err, ERR_DATA, "the Kubernetes API server's list of %s holds what is no object",
                           query->resource);
        }
        kube_list_complete(query, item);
        if (taker->item(taker->context, item, err)) {
            return -1;
        }
    }
    return 0;
}

int kube_list_next(const struct kube_query *query, const json_t *page, char **token, struct err *err)
{
    const char *next = json_string_or_null(json_object_get(page, "metadata"), "continue");
    if (next != NULL && *next == '\0') {
        next = NULL;
    }
    if (next != NULL && str_equal(next, *token)) {
        return err_set(err, ERR_DATA, "the Kubernetes API server's list of %s goes in circles",
                       query->resource);
    }
    char *copy = xstrdup_null(next);
    free(*token);
    *token = copy;
    return 0;
}

/* All pages from the first. *status is 410 when the server forgot where it was. */
static int take_pages(struct kube_api *api, const struct kube_query *query, const struct kube_taker *taker,
                      long *status, struct err *err)
{
    struct buf path;
    char *token = NULL;
    int failed = 0;
    int pages = 0;
    buf_init(&path, KUBE_PATH_MAX);
    do {
        json_t *page = NULL;
        failed = kube_list_path(query, token, NULL, &path, err) || kube_get(api, buf_str(&path), &page, status, err) ||
                 kube_list_page(query, page, taker, err) || kube_list_next(query, page, &token, err);
        json_decref(page);
    } while (!failed && token != NULL && ++pages < PAGES_MAX);
    if (!failed && token != NULL) {
        failed =
            err_set(err, ERR_DATA, "the Kubernetes API server's list of %s does not end", query->resource);
    }
    free(token);
    buf_release(&path);
    return failed ? -1 : 0;
}

int kube_list(struct kube_api *api, const struct kube_query *query, const struct kube_taker *taker,
              long *status, struct err *err)
{
    long its = 0;
    struct err first = {0};
    int failed = take_pages(api, query, taker, &its, &first);
    if (failed && its == 410) {
        taker->restart(taker->context);
        failed = take_pages(api, query, taker, &its, err);
    } else if (failed && err != NULL) {
        *err = first;
    }
    if (status != NULL) {
        *status = its;
    }
    return failed;
}

/* {"groups":[{"name":…,"versions":[{"version":…},…]},…]} as name → versions. */
static json_t *read_groups(const json_t *answer)
{
    json_t *list = json_object();
    size_t index;
    json_t *group;
    json_array_foreach(json_object_get(answer, "groups"), index, group)
    {
        const char *name = json_string_or_null(group, "name");
        json_t *versions = json_array();
        size_t at;
        json_t *version;
        json_array_foreach(json_object_get(group, "versions"), at, version)
        {
            json_array_append(versions, json_object_get(version, "version"));
        }
        json_object_set_new(list, name == NULL ? "" : name, versions);
    }
    return list;
}

int kube_groups_ask(struct kube_api *api, struct kube_groups **out, struct err *err)
{
    json_t *answer = NULL;
    long status = 0;
    struct err failure = {0};
    int failed = kube_get(api, "/apis", &answer, &status, &failure);
    if (failed && status != 403) {
        if (err != NULL) {
            *err = failure;
        }
        return -1;
    }
    struct kube_groups *groups = xcalloc(sizeof *groups);
    groups->list = failed ? NULL : read_groups(answer);
    json_decref(answer);
    *out = groups;
    return 0;
}

void kube_groups_free(struct kube_groups *groups)
{
    if (groups != NULL) {
        json_decref(groups->list);
        free(groups);
    }
}

const char *kube_groups_version(const struct kube_groups *groups, const char *group,
                                const char *const *versions)
{
    const json_t *served = json_object_get(groups->list, group);
    if (groups->list == NULL || *group == '\0') {
        return versions[0];
    }
    for (size_t i = 0; versions[i] != NULL; i++) {
        size_t index;
        json_t *version;
        json_array_foreach(served, index, version)
        {
            if (str_equal(json_string_value(version), versions[i])) {
                return versions[i];
            }
        }
    }
    return NULL;
}
