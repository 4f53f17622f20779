#include "stages/parse/subjects.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

int subjects_init(struct subjects *subjects, struct err *err)
{
    *subjects = (struct subjects){0};
    return shelf_init(&subjects->labels, err);
}

void subjects_release(struct subjects *subjects)
{
    shelf_release(&subjects->labels);
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

int subjects_add(struct subjects *subjects, size_t index, const unsigned char namespace[SHELF_ID],
                 struct manifest_reader *reader, const struct manifest_workload *workload, struct err *err)
{
    GROW(subjects->items, subjects->capacity, index + 1);
    struct subject *subject = &subjects->items[index];
    json_t *labels = labels_read(reader, pod_labels(reader, workload));
    memcpy(subject->namespace, namespace, SHELF_ID);
    subject->labels = 0;
    int failed = labels == NULL ? 0 : shelf_add(&subjects->labels, NULL, labels, err);
    if (labels != NULL && !failed) {
        subject->labels = (uint32_t)subjects->labels.count;
    }
    json_decref(labels);
    return failed;
}

int subjects_labels(struct subjects *subjects, size_t index, json_t **out, struct err *err)
{
    uint32_t number = subjects->items[index].labels;
    *out = NULL;
    return number == 0 ? 0 : shelf_get(&subjects->labels, &subjects->labels.entries[number - 1], out, err);
}
