#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/url.h"
#include "stages/common/health/in_place.h"
#include "stages/common/machine/image.h"
#include "stages/common/machine/patch.h"
#include "stages/common/machine/resize_steps.h"

enum { PATH_CAP = 8192, PAGE = 250, SETS_PAGE = 500 };

#define MANAGED "fieldManager=tare"

/* ---- Pods ---- */

bool resize_pods_page(struct work *work, const struct machine_event *event)
{
    struct resize *resize = work->resize;
    size_t index = 0;
    json_t *pod = NULL;
    if (resize->more == NULL) {
        work_keep(&resize->pods, json_array());
    }
    json_array_foreach(json_object_get(event->body, "items"), index, pod)
    {
        if (pod_is_of(resize->target, pod)) {
            json_array_append(resize->pods, pod);
        }
    }
    const char *more = json_string_or_null(json_object_get(event->body, "metadata"), "continue");
    free(resize->more);
    resize->more = more == NULL || *more == '\0' ? NULL : xstrdup(more);
    return resize->more != NULL;
}

static void all_done(struct machine *machine, struct work *work)
{
    if (work->phase == PHASE_UNDO_RESIZE) {
        work->resize->back = true;
    } else {
        work->resize->forward = true;
    }
    resize_end(machine, work);
}

/* The next pod that is to be asked; once all are asked, whether their nodes have given it. */
static void next_pod(struct machine *machine, struct work *work)
{
    struct resize *resize = work->resize;
    char why[ERR_MESSAGE_MAX];
    char waits[ERR_MESSAGE_MAX] = "";
    for (resize->at = 0; resize->at < json_array_size(resize->pods); resize->at++) {
        const json_t *pod = json_array_get(resize->pods, resize->at);
        if (!in_place_keeps(resize->target, pod)) {
            continue;
        }
        switch (in_place_pod_judge(resize->target, pod, why)) {
        case IN_PLACE_POD_ASK:
            resize_step(machine, work, STEP_POD_WRITE);
            return;
        case IN_PLACE_POD_REFUSED:
            resize_fail(machine, work, why);
            return;
        case IN_PLACE_POD_WAITS:
            snprintf(waits, sizeof waits, "%s", why);
            break;
        default:
            break;
        }
    }
    object_calm(work);
    if (*waits == '\0') {
        all_done(machine, work);
    } else if (resize_is_late(machine, work)) {
        resize_fail(machine, work, waits);
    } else {
        resize->step = STEP_LIST;
        resize_later(machine, work);
    }
}

static void list_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (event->status == 410 && work->resize->more != NULL) { /* the server forgot where the list stood */
        free(work->resize->more);
        work->resize->more = NULL;
        object_send(machine, work);
    } else if (event->status != 200) {
        resize_fail(machine, work, event->why.message);
    } else if (resize_pods_page(work, event)) {
        object_send(machine, work);
    } else {
        next_pod(machine, work);
    }
}

static void pod_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct resize *resize = work->resize;
    bool written = resize->step == STEP_POD_WRITE;
    const json_t *asked = json_array_get(resize->pods, resize->at);
    if (event->status == 200 && str_equal(json_string_or_null(json_object_get(event->body, "metadata"), "uid"),
                                          json_string_or_null(json_object_get(asked, "metadata"), "uid"))) {
        json_array_set(resize->pods, resize->at, event->body);
        next_pod(machine, work);
    } else if (event->status == 200 || (event->status == 404 && !written)) { /* another one of its name, or none */
        json_array_remove(resize->pods, resize->at);
        next_pod(machine, work);
    } else if (written && (event->status == 409 || event->status == 404) && !resize_is_late(machine, work)) {
        resize->step = STEP_POD_READ;
        resize_later(machine, work);
    } else {
        resize_fail(machine, work, event->why.message);
    }
}

void resize_pods_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (work->turned && work->phase == PHASE_RESIZE) {
        object_undo(machine, work, NULL);
    } else if (work->resize->step == STEP_LIST) {
        list_answer(machine, work, event);
    } else {
        pod_answer(machine, work, event);
    }
}

/* ---- Requests ---- */

static void add_place(struct buf *path, const char *root, const struct work *work, const char *resource)
{
    buf_add_str(path, root);
    buf_add_str(path, "/namespaces/");
    url_escape(path, work->object->namespace);
    buf_add_char(path, '/');
    buf_add_str(path, resource);
}

static void add_list(struct buf *path, const struct work *work, int page)
{
    struct buf selector;
    buf_init(&selector, PATH_CAP);
    buf_printf(path, "?limit=%d", page);
    if (pods_selector(work->resize->target, &selector)) {
        buf_add_str(path, "&labelSelector=");
        url_escape(path, buf_str(&selector));
    }
    if (work->resize->more != NULL) {
        buf_add_str(path, "&continue=");
        url_escape(path, work->resize->more);
    }
    buf_release(&selector);
}

static json_t *pod_request(const struct work *work, struct buf *path, struct api_request *request)
{
    const json_t *pod = json_array_get(work->resize->pods, work->resize->at);
    const char *name = json_string_or_null(json_object_get(pod, "metadata"), "name");
    buf_add_char(path, '/');
    url_escape(path, name == NULL ? "" : name);
    if (work->resize->step == STEP_POD_READ) {
        return NULL;
    }
    buf_add_str(path, "/resize?" MANAGED);
    buf_add_str(path, work->resize->step == STEP_TRY ? "&dryRun=All" : "");
    request->method = "PATCH";
    request->content_type = PATCH_STRATEGIC;
    return in_place_pod_patch(work->resize->target, pod);
}

/* New body that gives the ReplicaSet the target's resources. */
static json_t *set_body(const struct work *work)
{
    json_t *wanted = image_resources(work->object->kind, work->resize->target);
    json_t *patch = patch_back("ReplicaSet", work->resize->set, wanted);
    json_t *body = patch_guarded(patch, work->resize->set);
    json_decref(patch);
    json_decref(wanted);
    return body;
}

static json_t *guarded(json_t *patch, const json_t *object)
{
    json_t *body = patch_guarded(patch, object);
    json_decref(patch);
    return body;
}

static json_t *set_request(const struct work *work, struct buf *path, struct api_request *request)
{
    const char *name = json_string_or_null(json_object_get(work->detail, "in_place"), "set");
    buf_add_char(path, '/');
    url_escape(path, name == NULL ? "" : name);
    if (work->resize->step == STEP_CHECK || work->resize->step == STEP_SET_READ) {
        return NULL;
    }
    buf_add_str(path, "?" MANAGED);
    request->method = "PATCH";
    request->content_type = PATCH_STRATEGIC;
    if (work->resize->step == STEP_SET_WRITE) {
        return set_body(work);
    }
    json_t *mark = work->resize->step == STEP_FENCE_SET ? json_string("1") : json_null();
    return guarded(json_pack("{s:{s:{s:o}}}", "metadata", "labels", FENCE_LABEL, mark), work->resize->set);
}

static json_t *deployment_request(const struct work *work, struct buf *path, struct api_request *request)
{
    buf_add_char(path, '/');
    url_escape(path, work->object->object_name);
    if (work->resize->step == STEP_MEET) {
        return NULL;
    }
    buf_add_str(path, "?" MANAGED);
    request->method = "PATCH";
    request->content_type = PATCH_STRATEGIC;
    return guarded(json_pack("{s:{s:n}}", "spec", "paused"), work->resize->current);
}

json_t *resize_request(const struct work *work, struct buf *path, struct api_request *request)
{
    switch (work->resize->step) {
    case STEP_SERVER:
        buf_add_str(path, "/version");
        return NULL;
    case STEP_SETS:
        add_place(path, "/apis/apps/v1", work, "replicasets");
        add_list(path, work, SETS_PAGE);
        return NULL;
    case STEP_LIST:
        add_place(path, "/api/v1", work, "pods");
        add_list(path, work, PAGE);
        return NULL;
    case STEP_TRY:
    case STEP_POD_WRITE:
    case STEP_POD_READ:
        add_place(path, "/api/v1", work, "pods");
        return pod_request(work, path, request);
    case STEP_MEET:
    case STEP_GO:
        add_place(path, "/apis/apps/v1", work, "deployments");
        return deployment_request(work, path, request);
    default:
        add_place(path, "/apis/apps/v1", work, "replicasets");
        return set_request(work, path, request);
    }
}

bool resize_writes(const struct work *work)
{
    enum resize_step step = work->resize->step;
    return step == STEP_SET_WRITE || step == STEP_FENCE_SET || step == STEP_FENCE_CLEAR || step == STEP_GO || step == STEP_POD_WRITE;
}
