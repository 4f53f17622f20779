#include "tests/harness/scripted_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const char object_text[] =
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"shop\",\"uid\":\"uid-%s\","
    "\"resourceVersion\":\"1\",\"generation\":1},\"spec\":{\"replicas\":1,\"selector\":{\"matchLabels\":{\"app\":\"%s\"}},"
    "\"template\":{\"metadata\":{\"labels\":{\"app\":\"%s\"}},\"spec\":{\"containers\":[{\"name\":\"server\",\"image\":\"i\","
    "\"resources\":{\"requests\":{\"cpu\":\"500m\"},\"limits\":{\"memory\":\"512Mi\"}}}]}}},"
    "\"status\":{\"observedGeneration\":1,\"replicas\":1,\"updatedReplicas\":1,\"readyReplicas\":1,\"availableReplicas\":1}}";

static const char record_text[] =
    "{\"workload\":{\"kind\":\"Deployment\",\"namespace\":\"shop\",\"name\":\"%s\",\"live\":{\"cluster_id\":\"c\",\"uid\":\"uid-%s\","
    "\"resource_version\":\"1\",\"containers\":[{\"name\":\"server\",\"requests\":{\"cpu_millicores\":500,\"memory_bytes\":null},"
    "\"limits\":{\"cpu_millicores\":null,\"memory_bytes\":536870912}}]}},"
    "\"change\":{\"edits\":[{\"container\":\"server\",\"path\":\"spec.template.spec.containers[0].resources.requests.cpu\","
    "\"from\":\"500m\",\"to\":\"250m\"},{\"container\":\"server\",\"path\":\"spec.template.spec.containers[0].resources.requests.memory\","
    "\"from\":null,\"to\":\"256Mi\"}],\"merge_patch\":{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"server\","
    "\"resources\":{\"requests\":{\"cpu\":\"250m\",\"memory\":\"256Mi\"}}}]}}}},\"json_patch\":null}}";

static json_t *made(const char *format, const char *name)
{
    char text[2048];
    char *at = text;
    for (const char *c = format; *c != '\0'; c++) {
        if (c[0] == '%' && c[1] == 's') {
            at += snprintf(at, 64, "%s", name);
            c++;
        } else {
            *at++ = *c;
        }
    }
    *at = '\0';
    return json_loads(text, 0, NULL);
}

void script_init(struct script *script, size_t count)
{
    *script = (struct script){.count = count, .version = 100, .now = 1000, .closed_after = -1};
    for (size_t i = 0; i < count; i++) {
        snprintf(script->short_names[i], sizeof script->short_names[i], "a%zu", i);
        snprintf(script->names[i], sizeof script->names[i], "shop/Deployment/a%zu", i);
        script->objects[i] = made(object_text, script->short_names[i]);
        script->pristine[i] = json_deep_copy(script->objects[i]);
        script->records[i] = made(record_text, script->short_names[i]);
    }
}

static void forget_events(struct script *script)
{
    while (script->first < script->last) {
        json_decref(script->events[script->first++ % SCRIPT_EVENTS].body);
    }
}

void script_release(struct script *script)
{
    forget_events(script);
    json_decref(script->pods);
    for (size_t i = 0; i < script->count; i++) {
        json_decref(script->objects[i]);
        json_decref(script->pristine[i]);
        json_decref(script->records[i]);
        json_decref(script->rows[i].detail);
        free(script->rows[i].before);
    }
}

void script_restart(struct script *script)
{
    forget_events(script);
    script->dead = false;
    script->dies_at = 0;
    script->watch_own = 0;
    script->end_after = 0;
}

/* ---- The server ---- */

static void add_event(struct script *script, const struct machine_event *event)
{
    script->events[script->last++ % SCRIPT_EVENTS] = *event;
}

static void merge(json_t *target, json_t *patch)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(patch, key, value)
    {
        json_t *there = json_object_get(target, key);
        if (json_is_null(value)) {
            json_object_del(target, key);
        } else if (json_is_object(value)) {
            if (!json_is_object(there)) {
                there = json_object();
                json_object_set_new(target, key, there);
            }
            merge(there, value);
        } else {
            json_object_set(target, key, value);
        }
    }
}

/* Strategic: containers by name. */
static json_t *patched(const json_t *object, const json_t *patch)
{
    json_t *copy = json_deep_copy(object);
    json_t *rest = json_deep_copy(patch);
    json_t *containers = json_incref(json_at(rest, "spec.template.spec.containers"));
    json_object_del(json_at(rest, "spec.template.spec"), "containers");
    merge(copy, rest);
    size_t index = 0;
    json_t *one = NULL;
    json_array_foreach(containers, index, one)
    {
        merge(json_array_get(json_at(copy, "spec.template.spec.containers"), 0), one);
    }
    json_t *container = json_array_get(json_at(copy, "spec.template.spec.containers"), 0);
    if (json_object_get(container, "resources") == NULL) {
        json_object_set_new(container, "resources", json_object());
    }
    json_decref(containers);
    json_decref(rest);
    return copy;
}

static void next_version(struct script *script, json_t *object)
{
    char text[16];
    snprintf(text, sizeof text, "%d", ++script->version);
    json_object_set_new(json_object_get(object, "metadata"), "resourceVersion", json_string(text));
}

static long patch_object(struct script *script, size_t index, const json_t *body, bool dry, json_t **answer)
{
    json_t *object = script->objects[index];
    const json_t *metadata = json_object_get(body, "metadata");
    if (!str_equal(json_string_or_null(metadata, "uid"), json_string_or_null(json_object_get(object, "metadata"), "uid")) ||
        !str_equal(json_string_or_null(metadata, "resourceVersion"),
                   json_string_or_null(json_object_get(object, "metadata"), "resourceVersion"))) {
        return 409;
    }
    json_t *changed = patched(object, body);
    if (!dry && script->meddles != NULL) {
        json_t *container = json_array_get(json_at(changed, "spec.template.spec.containers"), 0);
        json_object_set_new(json_at(container, "resources.requests"), "cpu", json_string(script->meddles));
        script->meddles = NULL;
    }
    if (!json_equal(json_at(changed, "spec"), json_at(object, "spec"))) {
        json_t *generation = json_at(changed, "metadata.generation");
        json_integer_set(generation, json_integer_value(generation) + 1);
        if (!dry) {
            script->unsettled[index] = true;
            script->writes++;
        }
    }
    if (!dry && !json_equal(changed, object)) {
        next_version(script, changed);
    }
    *answer = json_deep_copy(changed);
    if (!dry) {
        json_decref(object);
        script->objects[index] = json_incref(changed);
    }
    json_decref(changed);
    return 200;
}

static long serve(struct script *script, const struct api_request *request, json_t **answer)
{
    if (strstr(request->path, "/pods") != NULL) {
        bool there = script->pods != NULL && script->now >= script->pods_from;
        *answer = json_pack("{s:o, s:{}}", "items", there ? json_incref(script->pods) : json_array(), "metadata");
        return 200;
    }
    for (size_t i = 0; i < script->count; i++) {
        char part[32];
        snprintf(part, sizeof part, "/deployments/%s", script->short_names[i]);
        const char *at = strstr(request->path, part);
        if (at == NULL || (at[strlen(part)] != '\0' && at[strlen(part)] != '?') || script->objects[i] == NULL) {
            continue;
        }
        bool dry = strstr(request->path, "dryRun") != NULL;
        if (strcmp(request->method, "GET") == 0) {
            *answer = json_deep_copy(script->objects[i]);
            return 200;
        }
        long status = patch_object(script, i, request->body, dry, answer);
        if (!dry && script->on_write != NULL) {
            script->on_write(script, i);
        }
        return status;
    }
    if (strcmp(request->method, "POST") == 0 && strstr(request->path, "dryRun") != NULL) {
        *answer = json_deep_copy(request->body);
        return 201;
    }
    return 404;
}

static bool faulty(struct script *script, const struct api_request *request)
{
    struct script_fault *fault = &script->fault;
    if (fault->times == 0 || strcmp(fault->method, request->method) != 0 || strstr(request->path, fault->part) == NULL) {
        return false;
    }
    if (fault->skip > 0) {
        fault->skip--;
        return false;
    }
    fault->times--;
    return true;
}

/* Whether the process is dead; dies at its time. */
static bool dies(struct script *script)
{
    script->calls++;
    script->dead = script->dead || script->calls == script->dies_at;
    return script->dead;
}

static int ask(void *context, uint64_t tag, const struct api_request *request, struct err *err)
{
    struct script *script = context;
    struct machine_event event = {.kind = EVENT_ANSWER, .tag = tag};
    (void)err;
    if (script->dead) {
        return 0;
    }
    if (++script->requests == script->end_after) {
        add_event(script, &(struct machine_event){.kind = EVENT_END});
    }
    bool fault = faulty(script, request);
    if (!fault || script->fault.happens) {
        event.status = serve(script, request, &event.body);
    }
    if (fault && script->on_fault != NULL) {
        script->on_fault(script);
    }
    if (fault) {
        json_decref(event.body);
        event.body = NULL;
        event.status = script->fault.status;
        event.may_have_happened = script->fault.status == 0;
    }
    if (event.status != 200) {
        err_set(&event.why, ERR_UNAVAILABLE, "%s %s: %ld", request->method, request->path, event.status);
    }
    if (dies(script)) { /* the request was served, nobody hears of it */
        json_decref(event.body);
        return 0;
    }
    add_event(script, &event);
    return 0;
}

static int observe(void *context, uint64_t tag, const struct api_query *query, struct err *err)
{
    struct script *script = context;
    (void)err;
    if (strcmp(query->resource, "deployments") == 0) {
        script->watch_own = tag;
    }
    return 0;
}

static void forget(void *context, uint64_t tag)
{
    struct script *script = context;
    if (script->watch_own == tag) {
        script->watch_own = 0;
    }
}

/* A controller: one object becomes what it is to be. */
static bool settle_one(struct script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        json_t *object = script->objects[i];
        bool changed = object != NULL && !str_equal(script_cpu(script, i), "500m");
        if (object == NULL || !script->unsettled[i] || (script->never_ready[i] && changed)) {
            continue;
        }
        script->unsettled[i] = false;
        json_object_set(json_object_get(object, "status"), "observedGeneration", json_at(object, "metadata.generation"));
        next_version(script, object);
        if (script->watch_own != 0) {
            add_event(script, &(struct machine_event){.kind = EVENT_SEEN, .tag = script->watch_own, .body = json_deep_copy(object)});
        }
        return true;
    }
    return false;
}

static int next(void *context, int64_t until, struct machine_event *out, struct err *err)
{
    struct script *script = context;
    if (dies(script)) {
        return err_set(err, ERR_UNAVAILABLE, "killed");
    }
    if (script->first == script->last) {
        settle_one(script);
    }
    script->now++;
    if (script->first < script->last) {
        *out = script->events[script->first++ % SCRIPT_EVENTS];
        return 0;
    }
    if (until == INT64_MAX) {
        return err_set(err, ERR_SOFTWARE, "the machine waits for ever");
    }
    script->now = until > script->now ? until : script->now;
    return 0;
}

static int64_t now(void *context)
{
    return ((struct script *)context)->now;
}

/* ---- The ledger ---- */

static size_t index_of(const struct script *script, const struct machine_object *object)
{
    size_t i = 0;
    while (i < script->count && strcmp(script->names[i], object->name) != 0) {
        i++;
    }
    return i;
}

static void note(struct script *script, size_t index, const char *what)
{
    size_t length = strlen(script->log);
    int under_way = 0;
    snprintf(script->log + length, sizeof script->log - length, "%s%s %s", length > 0 ? "; " : "", script->short_names[index], what);
    for (size_t i = 0; i < script->count; i++) {
        enum ledger_change_state at = script->rows[i].at;
        bool open = at != LEDGER_CHANGE_DONE && at != LEDGER_CHANGE_ROLLED_BACK && at != LEDGER_CHANGE_ROLLBACK_FAILED;
        under_way += script->rows[i].there && open ? 1 : 0;
    }
    script->most_at_once = under_way > script->most_at_once ? under_way : script->most_at_once;
}

static enum said lost(struct err *err)
{
    err_set(err, ERR_TEMPFAIL, "the ledger does not answer");
    return SAID_LOST;
}

static enum said permit(void *context, const struct machine_object *object, struct machine_objection *objection, struct err *err)
{
    struct script *script = context;
    (void)object;
    if (dies(script)) {
        return lost(err);
    }
    if (script->closed_after >= 0 && script->permits++ >= script->closed_after) {
        *objection = script->objection;
        return SAID_NO;
    }
    return SAID_YES;
}

static enum said begin(void *context, const struct machine_object *object, const char *before, size_t size, const json_t *detail,
                       int64_t *change, struct err *err)
{
    struct script *script = context;
    size_t index = index_of(script, object);
    if (script->dead) {
        return lost(err);
    }
    struct script_row *row = &script->rows[index];
    free(row->before);
    row->before = xstrndup(before, size);
    json_decref(row->detail);
    row->detail = json_deep_copy(detail);
    row->there = true;
    row->at = LEDGER_CHANGE_WRITING;
    *change = (int64_t)index + 1;
    note(script, index, "writing");
    return dies(script) ? lost(err) : SAID_YES;
}

static enum said move(void *context, const struct machine_object *object, enum ledger_change_state to, const json_t *detail,
                      struct err *err)
{
    struct script *script = context;
    size_t index = index_of(script, object);
    if (script->dead) {
        return lost(err);
    }
    script->rows[index].at = to;
    if (detail != NULL) {
        json_t *copy = json_deep_copy(detail);
        json_object_update(script->rows[index].detail, copy);
        json_decref(copy);
    }
    note(script, index, ledger_change_state_name(to));
    return dies(script) ? lost(err) : SAID_YES;
}

static enum said lock(void *context, const struct machine_object *object, struct err *err)
{
    (void)object;
    return dies(context) ? lost(err) : SAID_YES;
}

static int measure(void *context, uint64_t tag, const struct machine_object *object, size_t index, struct err *err)
{
    struct script *script = context;
    (void)object;
    (void)index;
    (void)err;
    add_event(script, &(struct machine_event){.kind = EVENT_ANSWER, .tag = tag, .status = 200,
                                              .body = json_pack("{s:f}", "value", script->measured)});
    return 0;
}

struct machine_ends script_ends(struct script *script)
{
    return (struct machine_ends){script, ask, observe, forget, next, now, permit, begin, move, lock, measure};
}

struct machine_policy script_policy(void)
{
    return (struct machine_policy){.parallel = 1, .wait = true, .rollout_timeout = 60000, .settle = 10000};
}

void script_objects(struct script *script, struct machine_object *objects)
{
    for (size_t i = 0; i < script->count; i++) {
        const struct script_row *row = &script->rows[i];
        objects[i] = (struct machine_object){
            .name = script->names[i], .workload = {"shop", "Deployment", script->short_names[i]}, .group = "apps", .version = "v1",
            .resource = "deployments", .kind = "Deployment", .namespace = "shop", .object_name = script->short_names[i],
            .record = script->records[i], .detail = row->detail, .before = row->before,
            .before_size = row->before == NULL ? 0 : strlen(row->before), .change = row->there ? (int64_t)i + 1 : 0, .state = row->at,
            .wanted = true,
        };
    }
}

const char *script_cpu(const struct script *script, size_t index)
{
    const json_t *container = json_array_get(json_at(script->objects[index], "spec.template.spec.containers"), 0);
    return json_string_or_null(json_at(container, "resources.requests"), "cpu");
}

bool script_as_before(const struct script *script, size_t index)
{
    json_t *copy = json_deep_copy(script->objects[index]);
    json_t *then = json_deep_copy(script->pristine[index]);
    json_t *both[] = {copy, then};
    for (size_t i = 0; i < 2; i++) {
        json_object_del(both[i], "status");
        json_object_del(json_object_get(both[i], "metadata"), "resourceVersion");
        json_object_del(json_object_get(both[i], "metadata"), "generation");
        if (json_object_size(json_at(both[i], "metadata.labels")) == 0) { /* as the server leaves out what is empty */
            json_object_del(json_object_get(both[i], "metadata"), "labels");
        }
    }
    bool same = json_equal(copy, then);
    json_decref(copy);
    json_decref(then);
    return same;
}
