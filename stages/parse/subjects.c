#include "stages/parse/subjects.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/artifact.h"

int subjects_init(struct subjects *subjects, struct err *err)
{
    *subjects = (struct subjects){0};
    buf_init(&subjects->text, ARTIFACT_LINE_MAX);
    return shelf_init(&subjects->labels, err);
}

void subjects_release(struct subjects *subjects)
{
    shelf_release(&subjects->labels);
    buf_release(&subjects->text);
    free(subjects->items);
    *subjects = (struct subjects){0};
}

/* The labels of the pods: the template is what the pod's spec lies in; of a Pod the object itself. */
static struct yaml_node *pod_labels(struct manifest_reader *r, const struct manifest_workload *workload)
{
    const struct manifest_kind *type = workload->object->type;
    struct yaml_node *node = workload->object->node;
    for (size_t i = 0; type->pod_path[i] != NULL && type->pod_path[i + 1] != NULL; i++) {
        node = yaml_get(r->stream, node, type->pod_path[i]);
    }
    return yaml_get(r->stream, yaml_get(r->stream, node, "metadata"), "labels");
}

/* Puts a value (stolen) on the shelf; *number receives its number. */
static int put(struct subjects *subjects, const char *name, json_t *value, uint32_t *number, struct err *err)
{
    buf_clear(&subjects->text);
    int failed = json_write(value, &subjects->text, err) ||
                 shelf_add_text(&subjects->labels, NULL, name, &subjects->text, err);
    *number = failed ? 0 : (uint32_t)subjects->labels.count;
    json_decref(value);
    return failed ? -1 : 0;
}

int subjects_add(struct subjects *subjects, size_t index, const unsigned char namespace[SHELF_ID], const char *name,
                 struct manifest_reader *reader, const struct manifest_workload *workload,
                 const struct scheduling *scheduling, struct err *err)
{
    GROW(subjects->items, subjects->capacity, index + 1);
    while (subjects->count <= index) { /* notes are between */
        subjects->items[subjects->count++] = (struct subject){.labels = 0};
    }
    struct subject *subject = &subjects->items[index];
    json_t *labels = labels_read(reader, pod_labels(reader, workload));
    memcpy(subject->namespace, namespace, SHELF_ID);
    if (put(subjects, name, labels == NULL ? json_object() : labels, &subject->labels, err)) {
        return -1;
    }
    return scheduling->terms == NULL ? 0
                                     : put(subjects, "",
                                           json_pack("{s:O, s:O}", "member", scheduling->member, "terms", scheduling->terms),
                                           &subject->terms, err);
}

void subjects_truncate(struct subjects *subjects, size_t count)
{
    subjects->count = subjects->count > count ? count : subjects->count;
}

int subjects_labels(struct subjects *subjects, size_t index, json_t **out, struct err *err)
{
    uint32_t number = subjects->items[index].labels;
    return shelf_get(&subjects->labels, &subjects->labels.entries[number - 1], out, err);
}

int subjects_name(struct subjects *subjects, size_t index, const char **out, struct err *err)
{
    struct shelf_item item = {.name = ""};
    uint32_t number = subjects->items[index].labels;
    int failed = shelf_read(&subjects->labels, &subjects->labels.entries[number - 1], &item, err);
    *out = item.name;
    return failed;
}

int subjects_scheduling(struct subjects *subjects, size_t index, struct scheduling *out, struct err *err)
{
    uint32_t number = subjects->items[index].terms;
    json_t *both = NULL;
    *out = (struct scheduling){0};
    if (number == 0) {
        return 0;
    }
    if (shelf_get(&subjects->labels, &subjects->labels.entries[number - 1], &both, err)) {
        return -1;
    }
    out->member = json_incref(json_object_get(both, "member"));
    out->terms = json_incref(json_object_get(both, "terms"));
    json_decref(both);
    return 0;
}
