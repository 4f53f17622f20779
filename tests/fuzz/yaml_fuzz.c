/* YAML: documents end, every node lies within the bytes and within its parent, text points where it says, and
 * looking things up or reading workloads ends whatever the aliases and merges. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stages/common/manifest/manifest.h"
#include "stages/common/manifest/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_node(const struct yaml_node *node, size_t size)
{
    check(node->start <= node->value && node->value <= node->end && node->end <= size);
    check(node->kind != YAML_KIND_ALIAS || (node->target != NULL && node->target->kind != YAML_KIND_ALIAS));
    check(!node->open);
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        check_node(child, size);
    }
}

static int read_object(void *context, const struct manifest_object *object)
{
    struct manifest_reader *reader = context;
    struct manifest_workload workload;
    if (object->type != NULL && manifest_read(reader, object, &workload) == 0) {
        check(workload.name != NULL && workload.name[0] != '\0');
        for (size_t i = 0; i < workload.container_count; i++) {
            check(workload.containers[i].name != NULL);
            for (size_t field = 0; field < FIELD_COUNT; field++) {
                check(workload.containers[i].amounts[field].value >= 0);
            }
        }
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml_limits limits = {.max_documents = 1000,
                                 .max_document_bytes = 100000,
                                 .max_depth = 20,
                                 .max_nodes = 5000,
                                 .max_scalar_bytes = 10000,
                                 .max_aliases = 100,
                                 .max_merges = 1000};
    struct yaml_stream *stream;
    struct yaml_document document;
    struct yaml_fault fault;
    struct err err = {0};
    struct arena arena;
    size_t documents = 0;
    /* the bytes end where an allocation ends, so that reading past them shows */
    char *bytes = malloc(size + 1);
    check(bytes != NULL);
    memcpy(bytes, data, size);
    template_has_open_action(bytes, size);
    arena_init(&arena);
    if (yaml_open(bytes, size, &limits, &stream, &fault, &err) == 0) {
        for (int got; (got = yaml_next(stream, &arena, &document, &fault, &err)) != 0; arena_clear(&arena)) {
            check(++documents <= size + 1 && document.number == (long)documents && document.end <= size);
            if (got < 0) {
                check(fault.offset <= size && fault.line >= 1 && fault.column >= 1);
                template_on_line(bytes, size, fault.offset, size % 2 == 0);
            } else if (document.root != NULL) {
                struct manifest_reader reader;
                check_node(document.root, size);
                yaml_duplicate(document.root);
                yaml_odd_key(document.root);
                manifest_reader_init(&reader, stream, &arena);
                manifest_each(&reader, document.root, read_object, &reader);
            }
        }
        yaml_close(stream);
    }
    arena_release(&arena);
    free(bytes);
    return 0;
}
