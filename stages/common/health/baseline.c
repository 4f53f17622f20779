#include "stages/common/health/baseline.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum {
    FORGIVEN_MAX = 3,    /* restarts of a new pod, where every former pod had as many */
    SAVED_MAX = 250,     /* pods in a row … */
    SAVED_BYTES = 65536, /* … and their bytes */
};

/* By uid: {"failed": true, "containers": {name: {"restarts", "oom_at", "waiting"}}}, each only where there is something. */
struct pods_baseline {
    json_t *pods;
    json_t *least; /* container → restarts that every pod had */
    char *latest;  /* creationTimestamp of the youngest; NULL: none */
    bool part;     /* not every pod is in `pods`: those that are as old as `latest` were there, too */
};

struct pods_baseline *pods_baseline_new(void)
{
    struct pods_baseline *baseline = xcalloc(sizeof *baseline);
    baseline->pods = json_object();
    baseline->least = json_object();
    return baseline;
}

void pods_baseline_free(struct pods_baseline *baseline)
{
    if (baseline != NULL) {
        json_decref(baseline->pods);
        json_decref(baseline->least);
        free(baseline->latest);
        free(baseline);
    }
}

void container_end(const json_t *status, struct container_end *out)
{
    const json_t *now = json_at(status, "state.terminated");
    const json_t *end = json_is_object(now) ? now : json_at(status, "lastState.terminated");
    out->reason = json_string_or_null(end, "reason");
    out->oom = str_equal(out->reason, "OOMKilled");
    out->at = json_string_or_null(end, "finishedAt");
    out->code = json_int_or(end, "exitCode", 0);
}

/* New; NULL where there is nothing to remember. */
static json_t *container_note(const json_t *status)
{
    struct container_end end;
    json_t *note = json_object();
    const char *waiting = json_string_value(json_at(status, "state.waiting.reason"));
    int64_t restarts = json_int_or(status, "restartCount", 0);
    container_end(status, &end);
    if (restarts > 0) {
        json_object_set_new(note, "restarts", json_integer(restarts));
    }
    if (end.oom && end.at != NULL) {
        json_object_set_new(note, "oom_at", json_string_safe(end.at));
    }
    if (waiting != NULL) {
        json_object_set_new(note, "waiting", json_string_safe(waiting));
    }
    if (json_object_size(note) == 0) {
        json_decref(note);
        return NULL;
    }
    return note;
}

static void least_take(struct pods_baseline *baseline, const char *name, int64_t restarts)
{
    int64_t least = json_int_or(baseline->least, name, INT64_MAX);
    if (restarts < least) {
        json_object_set_new(baseline->least, name, json_integer(restarts));
    }
}

void pods_baseline_add(struct pods_baseline *baseline, const json_t *pod)
{
    static const char *const lists[] = {"initContainerStatuses", "containerStatuses"};
    const json_t *metadata = json_object_get(pod, "metadata");
    const char *uid = json_string_or_null(metadata, "uid");
    const char *made = json_string_or_null(metadata, "creationTimestamp");
    if (uid == NULL) {
        return;
    }
    json_t *note = json_object();
    json_t *containers = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t index = 0;
        const json_t *status = NULL;
        json_array_foreach(json_object_get(json_object_get(pod, "status"), lists[i]), index, status)
        {
            const char *name = json_string_or_null(status, "name");
            json_t *of_container = name == NULL ? NULL : container_note(status);
            if (name != NULL) {
                least_take(baseline, name, json_int_or(status, "restartCount", 0));
            }
            if (of_container != NULL) {
                json_object_set_new(containers, name, of_container);
            }
        }
    }
    if (json_object_size(containers) > 0) {
        json_object_set(note, "containers", containers);
    }
    json_decref(containers);
    if (str_equal(json_string_value(json_at(pod, "status.phase")), "Failed")) {
        json_object_set_new(note, "failed", json_true());
    }
    json_object_set_new(baseline->pods, uid, note);
    if (made != NULL && str_compare(made, baseline->latest) > 0) {
        free(baseline->latest);
        baseline->latest = xstrdup(made);
    }
}

bool pods_baseline_has(const struct pods_baseline *baseline, const json_t *pod)
{
    const json_t *metadata = json_object_get(pod, "metadata");
    const char *uid = json_string_or_null(metadata, "uid");
    const char *made = json_string_or_null(metadata, "creationTimestamp");
    if (baseline == NULL || uid == NULL) {
        return false;
    }
    return json_object_get(baseline->pods, uid) != NULL || (baseline->part && made != NULL && str_compare(made, baseline->latest) <= 0);
}

static const json_t *note_of(const struct pods_baseline *baseline, const json_t *pod)
{
    const char *uid = json_string_or_null(json_object_get(pod, "metadata"), "uid");
    return baseline == NULL || uid == NULL ? NULL : json_object_get(baseline->pods, uid);
}

bool baseline_failed(const struct pods_baseline *baseline, const json_t *pod)
{
    return json_bool_or(note_of(baseline, pod), "failed", false);
}

void baseline_past(const struct pods_baseline *baseline, const json_t *pod, const char *name, struct container_past *out)
{
    memset(out, 0, sizeof *out);
    if (baseline == NULL || name == NULL) {
        return;
    }
    const json_t *note = note_of(baseline, pod);
    const json_t *container = json_object_get(json_object_get(note, "containers"), name);
    out->known = pods_baseline_has(baseline, pod);
    if (!out->known) {
        int64_t least = json_int_or(baseline->least, name, 0);
        out->restarts = least < FORGIVEN_MAX ? least : FORGIVEN_MAX;
        return;
    }
    if (note == NULL) {
        /* It did not fit into the row: nothing that it shows can be called new. */
        out->restarts = INT64_MAX;
        out->oom_at = "9999";
        return;
    }
    out->restarts = json_int_or(container, "restarts", 0);
    out->oom_at = json_string_or_null(container, "oom_at");
    out->waiting = json_string_or_null(container, "waiting");
}

json_t *pods_baseline_json(const struct pods_baseline *baseline)
{
    json_t *saved = json_object();
    json_t *pods = json_object();
    const char *uid = NULL;
    json_t *note = NULL;
    size_t bytes = 0;
    bool part = baseline->part;
    /* Those that had something first: what is left out was there without a word. */
    for (int pass = 0; pass < 2; pass++) {
        json_object_foreach(baseline->pods, uid, note)
        {
            if ((json_object_size(note) == 0) == (pass == 0)) {
                continue;
            }
            char *text = json_text(note);
            bytes += strlen(text) + strlen(uid);
            free(text);
            if (json_object_size(pods) >= SAVED_MAX || bytes > SAVED_BYTES) {
                part = true;
                break;
            }
            json_object_set(pods, uid, note);
        }
    }
    json_object_set_new(saved, "pods", pods);
    json_object_set(saved, "least", baseline->least);
    json_object_set_new(saved, "latest", json_string_safe(baseline->latest));
    json_object_set_new(saved, "part", json_boolean(part));
    return saved;
}

struct pods_baseline *pods_baseline_read(const json_t *saved)
{
    struct pods_baseline *baseline = pods_baseline_new();
    const json_t *pods = json_object_get(saved, "pods");
    const json_t *least = json_object_get(saved, "least");
    if (json_is_object(pods)) {
        json_object_update(baseline->pods, (json_t *)(uintptr_t)pods);
    }
    if (json_is_object(least)) {
        json_object_update(baseline->least, (json_t *)(uintptr_t)least);
    }
    baseline->latest = xstrdup_null(json_string_or_null(saved, "latest"));
    baseline->part = json_bool_or(saved, "part", false);
    return baseline;
}
