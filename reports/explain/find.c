#include "reports/explain/explain.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"

/* Names that are kept for the hint. */
enum { NAMES_MAX = 100000, NEAREST = 3 };

struct names {
    char **items;
    size_t count;
    size_t capacity;
};

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
}

/* How many parts of two "NAMESPACE/KIND/NAME" differ, and by how much their names do. */
static size_t distance(const char *a, const char *b)
{
    const char *name_a = strrchr(a, '/') + 1;
    const char *name_b = strrchr(b, '/') + 1;
    char *place_a = xstrdup(a);
    char *place_b = xstrdup(b);
    place_a[name_a - a] = '\0';
    place_b[name_b - b] = '\0';
    size_t apart = 2 * str_distance(name_a, name_b) + str_distance(place_a, place_b);
    free(place_a);
    free(place_b);
    return apart;
}

/* Puts a name among the nearest so far, the nearest first. */
static void offer(const char *name, size_t apart, const char *best[NEAREST], size_t far[NEAREST])
{
    size_t at = NEAREST;
    while (at > 0 && (best[at - 1] == NULL || apart < far[at - 1])) {
        at--;
    }
    for (size_t i = NEAREST - 1; at < NEAREST && i > at; i--) {
        best[i] = best[i - 1];
        far[i] = far[i - 1];
    }
    if (at < NEAREST) {
        best[at] = name;
        far[at] = apart;
    }
}

static int unknown_workload(const char *wanted, const struct names *names, struct err *err)
{
    const char *best[NEAREST] = {NULL};
    size_t far[NEAREST] = {0};
    for (size_t i = 0; i < names->count; i++) {
        offer(names->items[i], distance(wanted, names->items[i]), best, far);
    }
    err_set(err, ERR_USAGE, "there is no workload %s among the %zu of this artifact", wanted, names->count);
    if (best[0] == NULL) {
        return -1;
    }
    struct buf hint;
    buf_init(&hint, 4096);
    for (size_t i = 0; i < NEAREST && best[i] != NULL; i++) {
        buf_printf(&hint, "%s%s",
                   i == 0                                    ? "the nearest are "
                   : i + 1 == NEAREST || best[i + 1] == NULL ? " and "
                                                             : ", ",
                   best[i]);
    }
    err_hint(err, "%s", buf_str(&hint));
    buf_release(&hint);
    return -1;
}

/* Keeps the record where it is the one, else its name. */
static int look_at(struct explain *explain, json_t *record, const char *fallback, const char *wanted,
                   struct names *names, struct err *err)
{
    struct identity identity;
    if (record_workload(record) == NULL) {
        return 0;
    }
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    char *name = identity_text(&identity, fallback);
    bool same = strcmp(name, wanted) == 0;
    if (!same && names->count < NAMES_MAX) {
        GROW(names->items, names->capacity, names->count + 1);
        names->items[names->count++] = name;
        name = NULL;
    }
    free(name);
    explain->count += same;
    if (!same || explain->count > 1) {
        return 0;
    }
    explain->namespace =
        arena_strdup(&explain->arena, identity.namespace == NULL ? fallback : identity.namespace);
    return report_row_read(json_incref(record), NULL, &explain->arena, &explain->row, err);
}

static int check_name(const char *workload, struct err *err)
{
    const char *kind = strchr(workload, '/');
    const char *name = kind == NULL ? NULL : strchr(kind + 1, '/');
    if (name != NULL && strchr(name + 1, '/') == NULL && kind != workload && name != kind + 1 &&
        name[1] != '\0') {
        return 0;
    }
    err_set(err, ERR_USAGE, "\"%s\" is not a workload", workload);
    return err_hint(err, "write it as NAMESPACE/KIND/NAME, as in shop/Deployment/cart");
}

static int check_kind(enum artifact_kind kind, struct err *err)
{
    if (kind >= ARTIFACT_RECOMMENDATIONS) {
        return 0;
    }
    err_set(err, ERR_DATA,
            "nothing is recommended in an artifact of kind %s yet: there is nothing to explain",
            artifact_kind_name(kind));
    return err_hint(err, "tare-analyze reads usage and writes recommendations");
}

int explain_read(struct explain *explain, struct artifact_reader *reader, const char *workload, int64_t run,
                 struct err *err)
{
    *explain = (struct explain){.run = run, .kind = artifact_reader_kind(reader)};
    arena_init(&explain->arena);
    if (check_name(workload, err) || check_kind(explain->kind, err)) {
        return -1;
    }
    explain->header = json_incref((json_t *)(uintptr_t)artifact_reader_header(reader));
    const char *fallback = json_string_or_null(json_at(explain->header, "settings.parse"), "namespace");
    fallback = fallback == NULL ? "default" : fallback;
    struct names names = {0};
    json_t *record = NULL;
    int failed = 0;
    int got = 0;
    while (!failed && (got = artifact_read(reader, &record, err)) == 1) {
        failed = look_at(explain, record, fallback, workload, &names, err);
        json_decref(record);
    }
    failed = failed || got < 0;
    if (!failed && explain->count == 0) {
        failed = unknown_workload(workload, &names, err);
    }
    if (!failed) {
        explain->digest = xstrdup(artifact_reader_digest(reader));
        explain->recommendation = json_object_get(explain->row.record, "recommendation");
    }
    names_release(&names);
    return failed ? -1 : 0;
}

void explain_release(struct explain *explain)
{
    report_row_release(&explain->row);
    json_decref(explain->header);
    free(explain->digest);
    arena_release(&explain->arena);
}
