#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"

enum deed { DEED_NOTE, DEED_EDIT, DEED_IMAGE, DEED_SCALE, DEED_PAUSE, DEED_RESUME, DEED_DELETE, DEED_RECREATE, DEED_POD, DEED_COUNT };

static const char *const deed_names[DEED_COUNT] = {"notes", "edits", "changes the image of", "scales", "pauses", "resumes", "deletes",
                                                   "makes anew", "deletes a pod of"};

static json_t *first_container(json_t *value)
{
    return json_array_get(json_object_get(json_object_get(sim_template(value), "spec"), "containers"), 0);
}

static void edit_value(struct sim *sim, enum deed deed, json_t *value)
{
    char text[64];
    json_t *metadata = json_object_get(value, "metadata");
    json_t *spec = json_object_get(value, "spec");
    snprintf(text, sizeof text, "%u", (unsigned)sim_random(sim, 1000000));
    if (deed == DEED_NOTE) {
        if (json_object_get(metadata, "annotations") == NULL) {
            json_object_set_new(metadata, "annotations", json_object());
        }
        json_object_set_new(json_object_get(metadata, "annotations"), "people.example/note", json_string(text));
    } else if (deed == DEED_EDIT && sim_template(value) != NULL) {
        json_t *resources = json_object_get(first_container(value), "resources");
        json_object_set_new(resources, "requests", json_pack("{s:s}", "cpu", sim_chance(sim, 50) ? "17m" : "19m"));
    } else if (deed == DEED_EDIT) {
        json_object_set_new(spec, "maxReplicas", json_integer(7));
    } else if (deed == DEED_IMAGE) {
        char *image = xasprintf("example/image:%s", text);
        json_object_set_new(first_container(value), "image", json_string(image));
        free(image);
    } else if (deed == DEED_SCALE) {
        json_object_set_new(spec, "replicas", json_integer(sim_between(sim, 0, 5)));
    } else if (deed == DEED_PAUSE) {
        json_object_set_new(spec, "paused", json_true());
    } else if (deed == DEED_RESUME) {
        json_object_del(spec, "paused");
    }
}

static void delete_pod(struct sim *sim, const struct sim_item *item)
{
    for (size_t i = 0; i < sim->object_count; i++) {
        struct sim_object *pod = sim->objects[i];
        if (str_equal(pod->resource, "pods") && str_equal(pod->namespace, item->namespace) && str_starts(pod->name, item->name)) {
            sim_remove(sim, pod);
            return;
        }
    }
}

static void make_anew(struct sim *sim, const struct sim_item *item, struct sim_object *object)
{
    json_t *value = json_deep_copy(sim_chance(sim, 50) || item->original == NULL ? object->value : item->original);
    json_object_del(value, "status");
    sim_remove(sim, object);
    sim_add(sim, item->group, item->resource, value);
}

static bool fits(const struct sim_item *item, enum deed deed)
{
    bool deployment = str_equal(item->kind, "Deployment");
    if (deed == DEED_PAUSE || deed == DEED_RESUME) {
        return deployment;
    }
    if (deed == DEED_SCALE) {
        return deployment || str_equal(item->kind, "StatefulSet");
    }
    return deed != DEED_IMAGE || item->action == MACHINE_CHANGE;
}

static void do_deed(struct sim *sim, uint64_t index, uint64_t what)
{
    enum deed deed = (enum deed)what;
    struct sim_item *item = &sim->items[index];
    struct sim_object *object = sim_find(sim, item->group, item->resource, item->namespace, item->name);
    if (object == NULL || !fits(item, deed)) {
        return;
    }
    sim_trace(sim, "somebody %s %s", deed_names[deed], item->object);
    item->disturbed |= deed != DEED_NOTE;
    sim->noted |= deed == DEED_NOTE && item->action == MACHINE_CREATE;
    item->edited |= deed == DEED_EDIT;
    if (deed == DEED_DELETE || deed == DEED_RECREATE) {
        item->deleted = true;
        deed == DEED_DELETE ? sim_remove(sim, object) : make_anew(sim, item, object);
    } else if (deed == DEED_POD) {
        delete_pod(sim, item);
    } else {
        json_t *value = json_deep_copy(object->value);
        edit_value(sim, deed, value);
        sim_managed(sim, value, "kubectl");
        sim_replace(sim, object, value);
    }
}

void sim_people_race(struct sim *sim, int item)
{
    if (sim->weather.people && sim_chance(sim, 8)) {
        sim_at(sim, sim->clock + sim_between(sim, 0, 20), do_deed, (uint64_t)item, DEED_EDIT);
    }
}

void sim_people(struct sim *sim)
{
    int64_t horizon = (int64_t)sim->item_count * 25000;
    for (size_t i = 0; i < sim->item_count; i++) {
        if (sim->weather.busy && sim_chance(sim, 15) && str_equal(sim->items[i].kind, "Deployment")) {
            do_deed(sim, i, DEED_IMAGE);
            sim->items[i].foreign_rollout = true;
        }
        if (sim->weather.people && sim_chance(sim, 50)) {
            sim_at(sim, sim_between(sim, 0, horizon), do_deed, i, (uint64_t)sim_between(sim, DEED_EDIT, DEED_COUNT - 1));
        }
        for (int64_t n = sim->weather.harmless ? sim_between(sim, 0, 3) : 0; n > 0; n--) {
            sim_at(sim, sim_between(sim, 0, horizon), do_deed, i, DEED_NOTE);
        }
    }
}
